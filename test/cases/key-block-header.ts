/** parseKeyBlock: the header and optional blocks of every vector, every input form, and a helping sentence for frequent mistakes. */
import { parseKeyBlock } from "../../ts/index.js";
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import positives from "../../vectors/key-blocks.json" with { type: "json" };
import type { PosErrorCode } from "../../ts/base/errors.js";
import { ascii, type Cases, ok, same, throwsCode } from "../harness.js";

const GOOD = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";

/** Base64 of `GOOD`, written down so that the case does not depend on an encoder. */
const GOOD_BASE64 =
  "RDAxMTJQMEFFMDBFMDAwMEI4MjY3OTExNEY0NzBGNTQwMTY1RURGQkY3RTI1MEZDRUE0M0Y4MTBEMjE1RjhEMjA3RTJFNDE3QzA3MTU2QTI3RThFMzFEQTA1Rjc0MjU1MDk1OTNEMDNBNDU3REMzNA==";

const vector = (id: string): string => positives.vectors.find((each) => each.id === id)!.block;

export const keyBlockHeaderCases: Cases = (suite) => {
  suite.group("parseKeyBlock", () => {
    suite.test("reads the sixteen characters", () => {
      same(parseKeyBlock(GOOD), {
        version: "D",
        length: 112,
        usage: "P0",
        algorithm: "A",
        modeOfUse: "E",
        keyVersion: "00",
        exportability: "E",
        context: "0",
        optionalBlocks: [],
      });
    });

    suite.test("reads optional blocks in their order, typed, text and all", () => {
      same(parseKeyBlock(vector("TR-31:2018 A.7.3.2 B")).optionalBlocks, [
        { id: "KS", data: "00604B120F9292800000", form: "short", value: { id: "KS", keySerialNumber: "00604B120F9292800000" } },
      ]);
      const [ct, kp, ts, pb] = parseKeyBlock(vector("X9.143:2021 8.6 D")).optionalBlocks;
      same(
        [
          ct!.form,
          ct!.value?.id === "CT" && ct!.value.certificates.map(({ format, certificate }) => [format, certificate.length]),
        ],
        [
          "long",
          [
            ["X.509", 0x2f0],
            ["X.509", 0x2c4],
          ],
        ],
      );
      same(kp!.value, { id: "KP", method: "CMAC", checkValue: "2331550BC9" });
      same(ts!.value, { id: "TS", time: "2020-08-18T00:41:00Z", compact: true });
      same(pb!.value, { id: "PB", fill: "0000000000000" });
    });

    suite.test("keeps data that break their format, without a value", () => {
      same(parseKeyBlock(vector("X9.143:2021 8.2 D")).optionalBlocks.slice(0, 2), [
        { id: "KS", data: "VM9A", form: "short" },
        { id: "TS", data: "2018-06-18T20:42:39.22", form: "short" },
      ]);
    });

    suite.test("keeps unknown and proprietary ids as text", () => {
      same(parseKeyBlock(vector("own D proprietary and unknown ids")).optionalBlocks.slice(0, 3), [
        { id: "10", data: "IBMC0000", form: "short" },
        { id: "ZY", data: "kept as text", form: "short" },
        { id: "LB", data: "", form: "short", value: { id: "LB", label: "" } },
      ]);
    });

    suite.test("reads both dialects of the long length", () => {
      same(parseKeyBlock(vector("own D long length, digits")).optionalBlocks[0]!.form, "long");
      same(parseKeyBlock(vector("own D long length, bytes")).optionalBlocks[0]!.form, "long-bytes");
    });

    suite.test("accepts text, bytes, Base64 and bytes of Base64", () => {
      const forms = [GOOD, ascii(GOOD), GOOD_BASE64, ascii(GOOD_BASE64)];
      for (const form of forms) same(parseKeyBlock(form), parseKeyBlock(GOOD));
    });

    suite.test("does not mind lower-case hex, which is a matter of unwrapping", () => {
      same(parseKeyBlock(vector("Apple Tap-to-Pay sample D")).usage, "D0");
    });

    suite.test("reads hex digits of either case, and gives them in upper case", () => {
      const [kc, pb] = parseKeyBlock(
        "B0104P0TE00E0200KC0c00af8C07PB0C00000000405281601665D71F482536DB6D4E72082A991CB0776C5797B954C949AEBA1EB6",
      ).optionalBlocks;
      same(kc, { id: "KC", data: "00af8C07", form: "short", value: { id: "KC", method: "ANSI_X9_24", checkValue: "AF8C07" } });
      same(pb!.id, "PB");
    });

    suite.test("every syntax negative throws its code, every other one parses", () => {
      let parsed = 0;
      for (const { id, code, knob, block } of negatives.vectors as {
        id: string;
        code: PosErrorCode;
        knob?: string;
        block: string;
      }[]) {
        if (knob === undefined && (code === "ERR_KEY_BLOCK_SYNTAX" || code === "ERR_KEY_BLOCK_PROPRIETARY")) {
          throwsCode(() => parseKeyBlock(block), code, /^Key block: /);
        } else {
          ok(parseKeyBlock(block).length === block.length, id);
          parsed++;
        }
      }
      ok(parsed > 100, "vectors that parse");
    });

    suite.test("frequent mistakes get a sentence that helps", () => {
      const sentences: [string, RegExp][] = [
        [GOOD.replace("D0112", "D0080"), /leave out the MAC/],
        [GOOD.slice(0, -1), /cut short/],
        [`${GOOD}00`, /something was added/],
        [`${GOOD}\n`, /drop the line break/],
        [`${GOOD.replace("D0112", "D0112")} `, /drop the spaces/],
        [` ${GOOD}`, /white space/],
        [`"${GOOD}"`, /quotation mark/],
        [`R${GOOD}`, /key scheme tag/],
        [`1${GOOD.slice(1)}`, /Thales/],
        [`0${GOOD.slice(1)}`, /Thales/],
        [`d${GOOD.slice(1)}`, /capital letter/],
        [[...ascii(GOOD)].map((byte) => byte.toString(16)).join(""), /hex text/],
        [GOOD_BASE64.replace("==", ""), /canonical Base64/],
        [GOOD_BASE64.replace("==", "=\n="), /canonical Base64/],
        ["", /empty/],
        ["hello", /does not begin with a version/],
      ];
      for (const [block, sentence] of sentences)
        throwsCode(() => parseKeyBlock(block), ["ERR_KEY_BLOCK_SYNTAX", "ERR_KEY_BLOCK_PROPRIETARY"], sentence);
    });

    suite.test("refuses everything that is neither text nor bytes, and every length at once", () => {
      for (const bad of [undefined, null, 5, {}, [], new Uint16Array(4), new ArrayBuffer(112)]) {
        throwsCode(() => parseKeyBlock(bad as string), "ERR_INVALID_ARGUMENT", /^"block" must be a string or bytes, got /);
      }
      for (const first of ["A", "E", "Q", "R", "x"]) {
        throwsCode(() => parseKeyBlock(first.repeat(20_000_000)), "ERR_KEY_BLOCK_SYNTAX");
        throwsCode(() => parseKeyBlock(new Uint8Array(5_000_000).fill(first.charCodeAt(0))), "ERR_KEY_BLOCK_SYNTAX");
      }
    });
  });
};
