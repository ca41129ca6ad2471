/** explainKeyBlock: covers every character of every vector, never throws on a damaged block, and says what is wrong. */
import { explainKeyBlock, type KeyBlockKnobs, parseKeyBlock, type UnwrapOptions } from "../../ts/index.js";
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import positives from "../../vectors/key-blocks.json" with { type: "json" };
import { ascii, type Cases, ok, same, throwsCode } from "../harness.js";

const vector = (id: string): string => positives.vectors.find((each) => each.id === id)!.block;

interface Negative {
  id: string;
  code: string;
  knob?: string;
  options?: UnwrapOptions;
  block: string;
}

const SEVERITIES = ["error", "violation", "notice"];

/** The knobs among the options of `unwrapKeyBlock`. */
function knobsOf({ grammar, hexCase, lengthHiding, policy }: UnwrapOptions = {}): KeyBlockKnobs {
  return {
    ...(grammar && { grammar }),
    ...(hexCase && { hexCase }),
    ...(lengthHiding && { lengthHiding }),
    ...(policy && { policy }),
  };
}

export const keyBlockExplainCases: Cases = (suite) => {
  suite.group("explainKeyBlock", () => {
    suite.test("every published block: fields join to the whole text, each with meaning and clause", () => {
      for (const { id, block } of positives.vectors) {
        const { fields, findings, header } = explainKeyBlock(block);
        same(fields.map(({ text }) => text).join(""), block, id);
        let at = 0;
        for (const { offset, length, text, name, meaning, clause } of fields) {
          same([offset, length], [at, text.length], `${id}: ${name}`);
          ok(name !== "" && meaning !== "" && clause !== "", `${id}: ${name}`);
          at += length;
        }
        same(header, parseKeyBlock(block), id);
        ok(!findings.some(({ severity }) => severity === "error"), id);
      }
    });

    suite.test("every negative that is wrong in public gets an error or a violation under its own knobs", () => {
      for (const { id, code, knob, options, block } of negatives.vectors as Negative[]) {
        const { findings, text } = explainKeyBlock(block, knobsOf(options));
        const severities = findings.map(({ severity }) => severity);
        const unreadable = code === "ERR_KEY_BLOCK_SYNTAX" || code === "ERR_KEY_BLOCK_PROPRIETARY";
        same(severities.includes("error"), unreadable, id);
        if (unreadable && knob !== undefined) ok(explainKeyBlock(block).header, `${id}: opens by default`);
        for (const { message } of findings) ok(text.includes(message), `${id}: the text has every finding`);
        same(
          severities,
          [...severities].sort((a, b) => SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b)),
          `${id}: errors first`,
        );
      }
    });

    suite.test("each finding names its knob, and the knob turns a notice into a refusal", () => {
      const block = negatives.vectors.find(({ id }) => id === "PB longer than needed")!.block;
      const found = (options?: KeyBlockKnobs) => {
        const { severity, knob } = explainKeyBlock(block, options).findings.find(({ message }) =>
          /longer than needed/.test(message),
        )!;
        return [severity, knob];
      };
      same(found(), ["notice", "grammar"]);
      same(found({ grammar: "strict" }), ["violation", "grammar"]);
      same(found({ grammar: "strict", policy: "report" }), ["notice", "grammar"]);
      for (const wrong of [{ grammar: "loose" }, { hexCase: null }, { policy: 1 }, null, "strict"]) {
        throwsCode(() => explainKeyBlock(block, wrong as KeyBlockKnobs), "ERR_INVALID_ARGUMENT");
      }
    });

    suite.test("policy that needs no key is a violation, what a knob would refuse is a notice", () => {
      const finding = (id: string) => explainKeyBlock(negatives.vectors.find((each) => each.id === id)!.block).findings;
      const has = (id: string, severity: string, message: RegExp) => {
        ok(
          finding(id).some((each) => each.severity === severity && message.test(each.message)),
          id,
        );
      };
      has("PIN encryption with mode X", "violation", /mode of use X/);
      has("usage not in the table", "violation", /key usage Z9/);
      has("component of a key", "violation", /importKeyComponents/);
      has("HMAC without HM", "violation", /does not say its hash/);
      has("strict: KS of 16 digits", "notice", /data of KS/);
      has("length of an AES key not hidden", "notice", /shows the length/);
      has("lower-case hex", "notice", /ciphertext or MAC; hexCase: "any"/);
      has("KP of another KBPK", "notice", /CMAC check value 0123456789/);
    });

    suite.test("says which KBPK a block takes", () => {
      const notices = (block: string) =>
        explainKeyBlock(block)
          .findings.map(({ message }) => message)
          .join("\n");
      ok(
        /takes a TDES KBPK of 16 or 24 bytes; an AES key opens versions D and E/.test(notices(vector("TR-31:2018 A.7.2.2 B"))),
        "B",
      );
      ok(/takes an AES KBPK of 16, 24 or 32 bytes/.test(notices(vector("X9.143:2021 8.1 D"))), "D");
      ok(/K1 K2 K1 opens .* versions A and C, but not in B/.test(notices(vector("TR-31:2018 A.7.2.2 B"))), "B under K1 K2 K1");
      ok(/version A is deprecated/.test(notices(vector("TR-31:2018 A.7.2.1 A"))), "A");
    });

    suite.test("reads on after a wrong length field, and shows what cannot be read", () => {
      const block = negatives.vectors.find(({ id }) => id === "X9.143:2021 8.3.2.1 (as printed)")!.block;
      const { fields, header, findings } = explainKeyBlock(block);
      same(header, undefined);
      same(fields[fields.length - 1]?.name, "MAC");
      same(findings.filter(({ severity }) => severity === "error").length, 1);
      const unread = explainKeyBlock(negatives.vectors.find(({ id }) => id === "optional block id not alphanumeric")!.block);
      same(unread.fields[unread.fields.length - 1]?.name, "not read");
    });

    suite.test("a block cut off anywhere: fields still join to the text, without gap or overlap", () => {
      for (const id of ["TR-31:2018 A.7.2.1 A", "TR-31:2018 A.7.4 D", "TR-31:2018 A.7.3.2 B", "ISO 20038:2017 B.2 E"]) {
        const block = vector(id);
        for (let length = 1; length < block.length; length++) {
          const { fields, findings, header } = explainKeyBlock(block.slice(0, length));
          let at = 0;
          for (const field of fields) {
            same([field.offset, field.length], [at, field.text.length], `${id} cut to ${length}: ${field.name}`);
            at += field.length;
            ok(!/-\d|\.\d/.test(field.meaning), `${id} cut to ${length}: ${field.meaning}`);
          }
          same(at, length, `${id} cut to ${length}`);
          same(header, undefined);
          ok(
            findings.some(({ severity }) => severity === "error"),
            `${id} cut to ${length}: an error`,
          );
        }
      }
    });

    suite.test("several errors at once are all told", () => {
      const block = vector("X9.143:2021 8.1 D");
      const broken = `D9999P-${block.slice(7, 14)}99${block.slice(16)}`;
      ok(explainKeyBlock(broken).findings.filter(({ severity }) => severity === "error").length >= 3, "errors");
    });

    suite.test("says that it decoded Base64, and accepts bytes", () => {
      const block = vector("TR-31:2018 A.7.4 D");
      same(explainKeyBlock(ascii(block)).text, explainKeyBlock(block).text);
      throwsCode(() => explainKeyBlock(7 as unknown as string), "ERR_INVALID_ARGUMENT");
      const base64 =
        "RDAxMTJQMEFFMDBFMDAwMEI4MjY3OTExNEY0NzBGNTQwMTY1RURGQkY3RTI1MEZDRUE0M0Y4MTBEMjE1RjhEMjA3RTJFNDE3QzA3MTU2QTI3RThFMzFEQTA1Rjc0MjU1MDk1OTNEMDNBNDU3REMzNA==";
      ok(/was Base64/.test(explainKeyBlock(base64).text), "Base64");
    });
  });
};
