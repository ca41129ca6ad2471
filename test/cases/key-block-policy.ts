/** Policy: each negative under `report` gives its finding and a key that is tamed; knobs do what they say and nothing else. */
import {
  exposeKeyBytes,
  importKey,
  type KeyAlgorithm,
  keyCheckValue,
  type UnwrapOptions,
  unwrapKeyBlock,
  wrapKeyBlock,
} from "../../ts/index.js";
import { attributesOf } from "../../ts/core/keys/key.js";
import { aesCbcEncrypt } from "../../ts/index.js";
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import positives from "../../vectors/key-blocks.json" with { type: "json" };
import { type Cases, ok, pseudoRandom, same, throwsCode } from "../harness.js";

interface PolicyVector {
  id: string;
  kbpk: string;
  kbpkAlgorithm: string;
  options?: UnwrapOptions;
  finding?: string;
  block: string;
}

const vectors = (negatives.vectors as PolicyVector[]).filter(({ finding }) => finding !== undefined);

/** Findings after which nothing says what the key may do. */
const DISABLING = ["usage", "algorithm", "mode-of-use", "key-component", "key-length", "hash-missing", "hash-unknown"];

const kbpkOf = (vector: { kbpk: string; kbpkAlgorithm: string }) =>
  importKey(vector.kbpk, { algorithm: vector.kbpkAlgorithm as KeyAlgorithm, usage: "K1" });

const positive = (id: string) => positives.vectors.find((vector) => vector.id === id)!;

export const keyBlockPolicyCases: Cases = (suite) => {
  suite.group("policy: report", () => {
    for (const vector of vectors) {
      suite.test(vector.id, () => {
        const kbpk = kbpkOf(vector);
        const { key, report } = unwrapKeyBlock(kbpk, vector.block, { ...vector.options, policy: "report", extractable: true });
        ok(
          report.some(({ code }) => code === vector.finding),
          `finding among ${report.map(({ code }) => code)}`,
        );
        for (const { message, clause, field } of report) ok(message !== "" && clause !== "" && field !== "", "a whole finding");
        same(
          key.algorithm === "OPAQUE",
          report.some(({ code }) => DISABLING.includes(code)),
          "opaque",
        );
        ok(exposeKeyBytes(key).length > 0, "bytes");
        key.destroy();
        kbpk.destroy();
      });
    }
  });

  suite.group("policy: enforce", () => {
    suite.test("the error lists every finding for programs", () => {
      const kbpk = importKey(pseudoRandom(1)(32), { algorithm: "AES", usage: "K1" });
      const block = positive("X9.143:2021 8.2 D");
      const own = kbpkOf({ ...block, kbpkAlgorithm: "AES" });
      const error = throwsCode(
        () => unwrapKeyBlock(own, block.block, { grammar: "strict" }),
        "ERR_KEY_BLOCK_POLICY",
        /and 2 more/,
      );
      same((error as unknown as { details: unknown }).details, {
        findings: [
          { code: "grammar", field: "KS" },
          { code: "grammar", field: "KS" },
          { code: "grammar", field: "TS" },
        ],
      });
      kbpk.destroy();
    });

    suite.test("the strict knobs accept what X9.143 would write", () => {
      const strict: UnwrapOptions = { grammar: "strict", lengthHiding: "required", hexCase: "upper", policy: "enforce" };
      for (const id of [
        "X9.143:2021 8.1 D",
        "X9.143:2021 8.3.2.1, corrected A",
        "X9.143:2021 8.3.2.2, corrected B",
        "X9.143:2021 8.4.1 C",
        "X9.143:2021 8.4.2 B",
        "X9.143:2021 8.5 D",
        "X9.143:2021 8.6 D",
      ]) {
        const vector = positive(id);
        const kbpk = kbpkOf({ ...vector, kbpkAlgorithm: vector.version === "D" ? "AES" : "TDES" });
        same(unwrapKeyBlock(kbpk, vector.block, strict).report, [], id);
      }
    });

    suite.test("blocks of TR-31:2018 show their length, which only lengthHiding: required minds", () => {
      for (const id of [
        "TR-31:2018 A.7.2.1 A",
        "TR-31:2018 A.7.2.2 B",
        "TR-31:2018 A.7.3.1 C",
        "TR-31:2018 A.7.3.2 B",
        "TR-31:2018 A.7.4 D",
      ]) {
        const vector = positive(id);
        const kbpk = kbpkOf({ ...vector, kbpkAlgorithm: vector.version === "D" ? "AES" : "TDES" });
        same(unwrapKeyBlock(kbpk, vector.block).report, []);
        throwsCode(
          () => unwrapKeyBlock(kbpk, vector.block, { lengthHiding: "required" }),
          "ERR_KEY_BLOCK_POLICY",
          /shows the length/,
        );
      }
    });
  });

  suite.group("strength of TDEA keys counts distinct parts", () => {
    const [k1, k2, k3] = ["0123456789ABCDEF", "FEDCBA9876543210", "1032547698BADCFE"] as const;
    const parity = "0022446688AACCEE";
    const tdes = (material: string, usage = "K1") => importKey(material, { algorithm: "TDES", usage, exportability: "E" });
    const wraps = (kbpk: string, key: string, usage = "D0") => {
      const [protection, protectedKey] = [tdes(kbpk), tdes(key, usage)];
      try {
        const block = wrapKeyBlock(protection, protectedKey);
        const { key: opened, report } = unwrapKeyBlock(protection, block);
        opened.destroy();
        return report.map(({ code, severity, field }) => `${severity} ${code} ${field}`).join();
      } finally {
        protection.destroy();
        protectedKey.destroy();
      }
    };

    suite.test("K1 K2 K1 in 24 bytes is a two-key key, as KBPK and as key", () => {
      same(wraps(k1 + k2, k1 + k2 + k1), "");
      same(wraps(k1 + k2 + k1, k3 + k2), "");
      throwsCode(() => wraps(k1 + k2 + k1, k1 + k2 + k3), "ERR_KEY_BLOCK_POLICY", /112 bits of strength under a KBPK of 80/);
      throwsCode(() => wraps(k1 + k2, k1 + k2 + k3), "ERR_KEY_BLOCK_POLICY", /112 bits of strength under a KBPK of 80/);
      same(wraps(k1 + k2 + k3, k1 + k2 + k3), "");
    });

    suite.test("equal neighbouring parts are single DES: told of a working key, refused of a KBPK and a transport key", () => {
      for (const weak of [k1 + k1, k1 + parity, k1 + k1 + k2, k2 + k1 + k1, k2 + k1 + parity]) {
        same(wraps(k1 + k2, weak), "notice weak-key key", weak);
        throwsCode(() => wraps(weak, k1 + k1), "ERR_KEY_BLOCK_POLICY", /the KBPK has two equal neighbouring parts/);
        throwsCode(
          () => wraps(k1 + k2 + k3, weak, "K0"),
          "ERR_KEY_BLOCK_POLICY",
          /equal neighbouring parts.*protects other keys/,
        );
      }
    });

    suite.test("weak and semi-weak parts alike", () => {
      const parts = [
        "0101010101010101",
        "FEFEFEFEFEFEFEFE",
        "1F1F1F1F0E0E0E0E",
        "01FE01FE01FE01FE",
        "E0FEE0FEF1FEF1FE",
        "0000000000000000",
      ];
      for (const part of parts) {
        same(wraps(k1 + k2, part + k2), "notice weak-key key", part);
        same(wraps(k1 + k2, k2 + part), "notice weak-key key", part);
        throwsCode(
          () => wraps(part + k2, k1 + k2),
          "ERR_KEY_BLOCK_POLICY",
          /the KBPK has a part that is a weak or semi-weak DES key/,
        );
      }
      same(wraps(k1 + k2, `${k1}1F1F1F1F1F1F1F1F`), "", "no weak key, though it looks like one");
    });

    suite.test("under report a weak KBPK opens its block, and the report says so", () => {
      const [good, weak] = [tdes(k1 + k2), tdes(k1 + k1)];
      const vector = positive("TR-31:2018 A.7.2.2 B");
      throwsCode(() => unwrapKeyBlock(weak, vector.block), "ERR_KEY_BLOCK_MAC");
      for (const key of [good, weak]) key.destroy();
      same(tdes(k1 + k1, "D0").bits, 128, "plain import stays possible");
    });
  });

  suite.group("options of unwrapKeyBlock", () => {
    const block = positive("X9.143:2021 8.1 D");
    const kbpk = () => kbpkOf({ ...block, kbpkAlgorithm: "AES" });

    suite.test("expectUsage and expectModeOfUse: one or several", () => {
      for (const options of [
        { expectUsage: "P0" },
        { expectUsage: ["K0", "P0"] },
        { expectModeOfUse: "E" },
        { expectModeOfUse: ["B", "E"] },
      ]) {
        same(unwrapKeyBlock(kbpk(), block.block, options).key.usage, "P0");
      }
      for (const options of [{ expectUsage: [] }, { expectUsage: "p0" }, { expectModeOfUse: "B" }] as UnwrapOptions[]) {
        throwsCode(
          () => unwrapKeyBlock(kbpk(), block.block, { ...options, policy: "report" }),
          "ERR_KEY_BLOCK_POLICY",
          /not what the caller expects/,
        );
      }
    });

    suite.test("kcv: by any usual method", () => {
      for (const kcv of ["08793E", "08793e25ab", "E5E07C"]) ok(!unwrapKeyBlock(kbpk(), block.block, { kcv }).key.destroyed, kcv);
      throwsCode(() => unwrapKeyBlock(kbpk(), block.block, { kcv: "57C409" }), "ERR_KCV_MISMATCH");
      ok(!unwrapKeyBlock(kbpk(), block.block, { kcv: "0879" }).key.destroyed, "four digits");
    });

    suite.test("kcv: what is no check value is told before the block is opened", () => {
      const other = importKey("00".repeat(31) + "01", { algorithm: "AES", usage: "K1" });
      for (const kcv of ["", "08793", "zz3E25", "08", 7, null]) {
        throwsCode(
          () => unwrapKeyBlock(other, block.block, { kcv: kcv as string }),
          "ERR_INVALID_ARGUMENT",
          /^"kcv" must be (?:hex text|4 to 16 hex digits, an even number), got /,
        );
      }
      throwsCode(() => unwrapKeyBlock(other, block.block, { kcv: "08793E" }), "ERR_KEY_BLOCK_MAC");
      other.destroy();
    });

    suite.test("kcv: of a key that report makes opaque, by its algorithm", () => {
      const odd = positive("ISO 20038:2017 B.2 E");
      const kek = () => importKey(odd.kbpk, { algorithm: "AES", usage: "K1" });
      const { key } = unwrapKeyBlock(kek(), odd.block, { policy: "report", extractable: true });
      same(key.algorithm, "OPAQUE");
      const payload = importKey(exposeKeyBytes(key), { algorithm: "TDES", usage: "B0" });
      for (const method of ["ANSI_X9_24", "CMAC"] as const) {
        ok(unwrapKeyBlock(kek(), odd.block, { policy: "report", kcv: keyCheckValue(payload, { method }) }).key, method);
      }
      throwsCode(() => unwrapKeyBlock(kek(), odd.block, { policy: "report", kcv: "000000" }), "ERR_KCV_MISMATCH");
    });

    suite.test("extractable governs exposure, exportability wrapping, and neither the other", () => {
      const { key } = unwrapKeyBlock(kbpk(), block.block);
      throwsCode(() => exposeKeyBytes(key), "ERR_KEY_NOT_EXTRACTABLE");
      ok(wrapKeyBlock(kbpk(), key).length === 144, "exportability E wraps");
      const vector = positive("Thales payShield 10k D 2");
      const other = kbpkOf({ ...vector, kbpkAlgorithm: "AES" });
      const { key: kept } = unwrapKeyBlock(other, vector.block, { extractable: true });
      same(exposeKeyBytes(kept).length, 32);
      throwsCode(() => wrapKeyBlock(other, kept), "ERR_KEY_NOT_EXPORTABLE");
    });

    suite.test("the key is bound to what its header states", () => {
      const { key } = unwrapKeyBlock(kbpk(), block.block);
      throwsCode(() => aesCbcEncrypt(key, new Uint8Array(16), new Uint8Array(16), { padding: "none" }), "ERR_KEY_USAGE");
    });

    suite.test("hash: tells what a block without HM does not", () => {
      const vector = vectors.find(({ id }) => id === "HMAC without HM")!;
      const protection = kbpkOf(vector);
      const { key, report } = unwrapKeyBlock(protection, vector.block, { hash: "SHA-384" });
      same([key.algorithm, key.hash, report], ["HMAC", "SHA-384", []]);
    });

    suite.test("HM decides the hash of an HMAC key, and the option does not overrule it", () => {
      for (const [id, hash] of [
        ["own B HMAC SHA-1", "SHA-1"],
        ["own D HMAC SHA-256", "SHA-256"],
        ["own D HMAC SHA-512, 100 bytes", "SHA-512"],
        ["own E HMAC-SHA-2 of ISO 20038", "SHA-384"],
      ] as const) {
        const vector = positive(id);
        const protection = kbpkOf({ ...vector, kbpkAlgorithm: vector.version === "B" ? "TDES" : "AES" });
        const { key } = unwrapKeyBlock(protection, vector.block, { hash: "SHA-224" });
        same([key.algorithm, key.hash], ["HMAC", hash]);
        ok(/KCV [0-9A-F]{6}\)$/.test(String(key)), "unwrapped HMAC keys print their check value");
        same(keyCheckValue(key).length, 6);
        ok(attributesOf(key, "key").imported === false, "not imported");
      }
    });

    suite.test("an opaque key can be passed on and computes nothing", () => {
      const vector = positive("X9.143:2021 8.5 D");
      const protection = kbpkOf({ ...vector, kbpkAlgorithm: "AES" });
      const { key } = unwrapKeyBlock(protection, vector.block);
      same([key.algorithm, String(key)], ["RSA", "SecretKey(S0 RSA-9536)"]);
      throwsCode(() => keyCheckValue(key), "ERR_KEY_USAGE");
      throwsCode(() => exposeKeyBytes(key), "ERR_KEY_NOT_EXTRACTABLE");
    });
  });
};
