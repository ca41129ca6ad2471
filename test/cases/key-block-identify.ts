/** identifyMaterial: every kind, what is stripped, and that no sentence repeats what was pasted; what the readers of blocks say of it. */
import { explainKeyBlock, identifyMaterial, type MaterialKind, parseKeyBlock } from "../../ts/index.js";
import dialects from "../../vectors/key-block-dialects.json" with { type: "json" };
import positives from "../../vectors/key-blocks.json" with { type: "json" };
import { ascii, type Cases, ok, same, throwsCode } from "../harness.js";

const BLOCK = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
const HEX32 = "0123456789ABCDEFFEDCBA9876543210";
const HEX48 = `${HEX32}89ABCDEF01234567`;
const BASE64 =
  "RDAxMTJQMEFFMDBFMDAwMEI4MjY3OTExNEY0NzBGNTQwMTY1RURGQkY3RTI1MEZDRUE0M0Y4MTBEMjE1RjhEMjA3RTJFNDE3QzA3MTU2QTI3RThFMzFEQTA1Rjc0MjU1MDk1OTNEMDNBNDU3REMzNA==";

/** One of each: the kind, the text, and what the message of `parseKeyBlock` must name. */
const OTHERS: readonly (readonly [MaterialKind, string, RegExp])[] = [
  ["thales-key-block", `1${BLOCK.slice(1)}`, /Thales key block.*TR-31 block/],
  ["thales-key-block", `S0${BLOCK.slice(1)}`, /Thales key block.*TR-31 block/],
  ["atalla-key-block", `1kDNE000,${HEX48},1ADE48EB41AEE81E`, /Atalla key block.*TR-31 block/],
  ["ibm-key-token", `01${"00".repeat(63)}`, /IBM CCA key token.*TR-31 block/],
  ["payshield-cryptogram", `U${HEX32}`, /payShield cryptogram.*TR-31 block/],
  ["payshield-cryptogram", `X${HEX32}`, /payShield cryptogram/],
  ["payshield-cryptogram", `T${HEX48}`, /payShield cryptogram/],
  ["key-or-cryptogram", HEX32, /bare key or cryptogram.*importKey.*TR-31 block/],
  ["key-or-cryptogram", HEX48, /bare key or cryptogram/],
  ["key-or-cryptogram", HEX32 + HEX32, /bare key or cryptogram/],
  ["key-or-cryptogram", `D4${HEX32.slice(2)}`, /bare key or cryptogram/],
  ["pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", /certificate.*TR-34.*TR-31 block/],
  ["der", "308204A130820389A003020102", /DER.*TR-34.*TR-31 block/],
  ["der", "MIIEoTCCA4mgAwIBAgIQ", /DER.*certificate/],
  ["envelope", '{"format":"TR31-DATA","iv":"00"}', /envelope.*openEnvelope/],
  ["jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", /JSON web token.*TR-31 block/],
  ["hex-of-key-block", [...ascii(BLOCK)].map((byte) => byte.toString(16)).join(""), /hex text.*decode it once/],
  ["check-value", "08793E", /check value.*TR-31 block/],
  ["pin-block", "041274EDCBA9876F", /PIN block.*TR-31 block/],
  ["ksn", "FFFF9876543210E00001", /key serial number.*TR-31 block/],
  ["ksn", "123456789012345600000001", /key serial number/],
];

export const identifyCases: Cases = (suite) => {
  suite.group("identifyMaterial", () => {
    suite.test("every key block of the vectors, as text and as Base64", () => {
      for (const { id, block } of [...positives.vectors, ...dialects.vectors]) {
        const { kind, confidence, stripped, text } = identifyMaterial(block);
        same([kind, confidence, stripped, text], ["tr31-key-block", "certain", [], block], id);
      }
      same(identifyMaterial(BASE64).kind, "tr31-key-block");
      same(identifyMaterial(ascii(BLOCK)).text, BLOCK);
    });

    suite.test("a key block in lines, groups and quotation marks, after a label", () => {
      const groups = BLOCK.replace(/(.{4})(?=.)/g, "$1 ");
      const lines = BLOCK.replace(/(.{40})/g, "$1\r\n");
      const pasted: [string, string[]][] = [
        [`${BLOCK}\n`, ["line breaks"]],
        [`  ${BLOCK}`, ["spaces"]],
        [`"${BLOCK}"`, ["quotation marks"]],
        [`\ufeff${BLOCK}`, ["a byte order mark"]],
        [groups, ["spaces"]],
        [lines, ["line breaks"]],
        [`Key block: '${lines}',`, ["a label", "line breaks", "quotation marks"]],
      ];
      for (const [input, stripped] of pasted) {
        const found = identifyMaterial(input);
        same(
          [found.kind, found.text, [...found.stripped].sort()],
          ["tr31-key-block", BLOCK, stripped],
          JSON.stringify(input.slice(0, 20)),
        );
        same(parseKeyBlock(found.text).usage, "P0");
      }
    });

    suite.test("spaces that belong to a block stay", () => {
      const { block } = dialects.vectors.find(({ id }) => id === "psec D: label of 8, PB 14")!;
      const spaced = block.replace("LABEL012", "A LABEL.");
      same(identifyMaterial(spaced.replace(/(.{60})/g, "$1\n")).text, spaced);
    });

    suite.test("what else is pasted, each named for what it is", () => {
      for (const [kind, text] of OTHERS) {
        const found = identifyMaterial(text);
        same(found.kind, kind, text.slice(0, 12));
        same(identifyMaterial(`  ${text}\n`).kind, kind, `${text.slice(0, 12)} with space around it`);
        ok(["certain", "likely", "possible"].includes(found.confidence), found.confidence);
      }
      for (const text of ["", "hello", "D", "P0", "????", "Z0123456789"]) same(identifyMaterial(text).kind, "unknown", text);
    });

    suite.test("digits with labels and in groups", () => {
      const rows: [string, MaterialKind, string][] = [
        ["KCV: 08 79 3E", "check-value", "08793E"],
        ["KCV 08793E25AB110001", "check-value", "08793E25AB110001"],
        ["check value = 08-79-3E", "check-value", "08793E"],
        ["KSN: FFFF 9876 5432 10E0 0001", "ksn", "FFFF9876543210E00001"],
        ["PIN block: 0412 74ED CBA9 876F", "pin-block", "041274EDCBA9876F"],
        [HEX32.replace(/(.{4})/g, "$1 "), "key-or-cryptogram", HEX32],
        [HEX32.replace(/(..)(?=.)/g, "$1:"), "key-or-cryptogram", HEX32],
      ];
      for (const [input, kind, text] of rows) {
        const found = identifyMaterial(input);
        same([found.kind, found.text], [kind, text], input);
      }
    });

    suite.test("no sentence repeats what was pasted", () => {
      for (const [, text] of OTHERS) {
        const { advice } = identifyMaterial(text);
        for (let at = 0; at + 6 <= text.length; at++) ok(!advice.includes(text.slice(at, at + 6)), text.slice(at, at + 6));
      }
    });

    suite.test("refuses what is neither text nor bytes; long texts take no time", () => {
      for (const bad of [undefined, null, 5, {}, []]) throwsCode(() => identifyMaterial(bad as string), "ERR_INVALID_ARGUMENT");
      for (const text of [
        "0".repeat(200_000),
        " ".repeat(200_000),
        `{${'"'.repeat(200_000)}`,
        "eyJ.".repeat(50_000),
        "KCV:".repeat(50_000),
        "' KCV: ".repeat(20_000),
      ]) {
        ok(identifyMaterial(text).kind !== undefined, "an answer");
      }
    });
  });

  suite.group("readers of key blocks name what is none", () => {
    suite.test("parseKeyBlock and explainKeyBlock: what it looks like, and what to do", () => {
      for (const [kind, text, sentence] of OTHERS) {
        const proprietary = ["thales-key-block", "atalla-key-block", "ibm-key-token"].includes(kind);
        throwsCode(() => parseKeyBlock(text), proprietary ? "ERR_KEY_BLOCK_PROPRIETARY" : "ERR_KEY_BLOCK_SYNTAX", sentence);
        const [finding, ...more] = explainKeyBlock(text).findings;
        same([finding?.severity, more.length], ["error", 0], text.slice(0, 12));
        ok(sentence.test(finding!.message), finding!.message);
      }
    });

    suite.test("line breaks and spaces are named, and not mended", () => {
      const groups = BLOCK.replace(/(.{4})(?=.)/g, "$1 ");
      throwsCode(() => parseKeyBlock(groups), "ERR_KEY_BLOCK_SYNTAX", /has spaces within it.*drop them/);
      throwsCode(
        () => parseKeyBlock(`${BLOCK.slice(0, 60)}\n${BLOCK.slice(60)}`),
        "ERR_KEY_BLOCK_SYNTAX",
        /has line breaks within it.*drop them/,
      );
      throwsCode(() => parseKeyBlock(`KCV: ${BLOCK}`), "ERR_KEY_BLOCK_SYNTAX", /label/);
      throwsCode(() => parseKeyBlock(BLOCK.replace("D0112", "D0000")), "ERR_KEY_BLOCK_SYNTAX", /template/);
    });
  });
};
