/** Keys from components: the XOR, the check values of a ceremony, and everything a ceremony must refuse. */
import {
  exposeKeyBytes,
  importKeyComponents,
  type KeyAttributes,
  type KeyComponentsOptions,
  keyCheckValue,
  importKey,
  splitKey,
} from "../../ts/index.js";
import { type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

const AES: KeyAttributes = { algorithm: "AES", usage: "K0", extractable: true };
const TDES: KeyAttributes = { algorithm: "TDES", usage: "K0", extractable: true };
const A = "C41F5D0E927A3B86E1D04F7A58B26C93";
const B = "7B0C96E3D158AF24609BF7813DCE45A2";
const C = "1E8A47B0F96D23C55C3E8B19D0A7F264";

const checkValue = (component: string, attributes: KeyAttributes): string => keyCheckValue(importKey(component, attributes));

export const keyComponentCases: Cases = (suite) => {
  suite.group("importKeyComponents", () => {
    suite.test("is the XOR of two to nine components, bytes or hex", () => {
      same(toHex(exposeKeyBytes(importKeyComponents([A, B], AES))), "BF13CBED43229 4A2814BB8FB657C2931".replace(" ", ""));
      for (let count = 2; count <= 9; count++) {
        const random = pseudoRandom(count);
        const parts = Array.from({ length: count }, () => random(32));
        const expected = parts.reduce((sum, part) => sum.map((byte, i) => byte ^ part[i]!), new Uint8Array(32));
        const mixed = parts.map((part, i) => (i % 2 === 0 ? part : toHex(part).toLowerCase()));
        const key = importKeyComponents(mixed, AES);
        same(toHex(exposeKeyBytes(key)), toHex(expected), `${count} components`);
        same([key.algorithm, key.usage, key.bits], ["AES", "K0", 256]);
        key.destroy();
      }
    });

    suite.test("accepts TDES and HMAC components, and leaves the caller's arrays alone", () => {
      const parts = [hex(A), hex(B), hex(C)];
      const key = importKeyComponents(parts, TDES);
      same(parts.map(toHex), [A, B, C]);
      same(key.algorithm, "TDES");
      same(importKeyComponents(["0102", "0204"], { algorithm: "HMAC", usage: "M7" }).bits, 16);
    });

    for (const [name, attributes] of [
      ["AES", AES],
      ["TDES", TDES],
    ] as const) {
      suite.test(`${name}: verifies the check values of components and key`, () => {
        const kcvs = [A, B, C].map((component) => checkValue(component, attributes));
        const kcv = keyCheckValue(importKeyComponents([A, B, C], attributes));
        const key = importKeyComponents([A, B, C], attributes, { kcvs, kcv: kcv.toLowerCase() });
        same(keyCheckValue(key), kcv);
        const wrong = (options: KeyComponentsOptions, message: RegExp) => {
          throwsCode(() => importKeyComponents([A, B, C], attributes, options), "ERR_KCV_MISMATCH", message);
        };
        wrong({ kcvs: [kcvs[0]!, kcvs[2]!, kcvs[1]!] }, /component 2 /);
        wrong({ kcvs: [kcvs[1]!, kcvs[0]!, kcvs[2]!] }, /component 1 /);
        wrong({ kcvs, kcv: kcvs[0]! }, /key's check value/);
      });
    }

    suite.test("pins the method", () => {
      const legacy = keyCheckValue(importKeyComponents([A, B], AES), { method: "ANSI_X9_24" });
      ok(importKeyComponents([A, B], AES, { kcv: legacy }).bits === 128, "auto");
      ok(importKeyComponents([A, B], AES, { kcv: legacy, method: "ANSI_X9_24" }).bits === 128, "pinned");
      throwsCode(() => importKeyComponents([A, B], AES, { kcv: legacy, method: "CMAC" }), "ERR_KCV_MISMATCH");
    });

    suite.test("refuses what makes no secret", () => {
      const refused = (parts: string[], message: RegExp, attributes = AES) =>
        throwsCode(() => importKeyComponents(parts, attributes), "ERR_KEY_COMPONENTS", message);
      refused([A, A], /component 2 is equal/);
      refused([A, B, A], /component 3 is equal/);
      refused([A, "00".repeat(16)], /component 2 is all zero/);
      refused([A, B, "BF13CBED432294A2814BB8FB657C2931"], /all-zero key/);
      refused([A, `${B}0011223344556677`], /different lengths/);
      const half = "0123456789ABCDEF";
      refused([half + half, `${A.slice(0, 16)}${A.slice(0, 16)}`], /single DES/, TDES);
    });

    suite.test("refuses wrong arguments, naming the component", () => {
      const wrong = (parts: unknown, options: unknown = {}, attributes: unknown = AES) =>
        throwsCode(
          () => importKeyComponents(parts as string[], attributes as KeyAttributes, options as KeyComponentsOptions),
          "ERR_INVALID_ARGUMENT",
        );
      for (const parts of [undefined, null, A, {}, [], [A], Array(10).fill(A)]) wrong(parts);
      ok(wrong([A, 7]).message.startsWith('"components[1]"'), "names the component");
      ok(wrong([A, "zz"]).message.startsWith('"components[1]"'), "names the component");
      ok(wrong(["00", "01"]).message.startsWith('"components[0]"'), "length");
      for (const options of [
        null,
        { kcvs: ["012345"] },
        { kcvs: "012345" },
        { kcv: 5 },
        { kcv: "012" },
        { kcv: "0123456789ABCDEF01" },
        { kcv: "012345", method: "MD5" },
        { method: "MD5" },
        { kcvs: [undefined, undefined] },
        { kcvs: new Array(2) },
      ])
        wrong([A, B], options);
      ok(wrong([A, B], { kcv: 5 }).message.startsWith('"kcv" must be hex text'), "names the option");
      ok(wrong([A, B], { kcvs: ["012345", null] }).message.startsWith('"kcvs[1]" must be hex text'), "names the element");
      wrong([A, B], {}, { algorithm: "AES" });
    });

    suite.test("messages are free of components", () => {
      for (const parts of [
        [A, A],
        [A, `${B}00`],
        [A, "nothex"],
      ]) {
        const error = throwsCode(() => importKeyComponents(parts, AES), ["ERR_KEY_COMPONENTS", "ERR_INVALID_ARGUMENT"]);
        ok(!error.message.includes(A.slice(0, 4)) && !error.message.includes("nothex"), error.message);
      }
    });
  });

  suite.group("splitKey", () => {
    for (const [name, material, attributes] of [
      ["AES", `${A}${B}`, AES],
      ["TDES", A, TDES],
      ["HMAC", `${A}${B}${C}`, { algorithm: "HMAC", usage: "M7", hash: "SHA-512", extractable: true }],
    ] as const) {
      suite.test(`${name}: components of any number give the key again, with their check values`, () => {
        const key = importKey(material, attributes);
        for (let count = 2; count <= 9; count++) {
          const parts = splitKey(key, count);
          same(parts.length, count);
          const components = parts.map(({ component }) => component);
          const options = { kcvs: parts.map(({ kcv }) => kcv), kcv: keyCheckValue(key) };
          const again = importKeyComponents(components, attributes, options);
          same(toHex(exposeKeyBytes(again)), material, `${count} components`);
          ok(new Set([...components.map(toHex), material]).size === count + 1, "all different");
          again.destroy();
        }
        same([toHex(exposeKeyBytes(key)), key.destroyed], [material, false], "the key stays");
        const [one, two] = [splitKey(key, 2), splitKey(key, 2)];
        ok(toHex(one[0]!.component) !== toHex(two[0]!.component), "fresh each time");
        key.destroy();
      });
    }

    suite.test("takes extractable keys with a check value, and 2 to 9 components", () => {
      const hidden = importKey(A, { algorithm: "AES", usage: "K0" });
      throwsCode(() => splitKey(hidden, 3), "ERR_KEY_NOT_EXTRACTABLE");
      const opaque = importKey(A, { algorithm: "OPAQUE", usage: "K0", extractable: true });
      throwsCode(() => splitKey(opaque, 3), "ERR_KEY_USAGE");
      const key = importKey(A, AES);
      for (const count of [0, 1, 10, 2.5, Number.NaN, "3", undefined]) {
        throwsCode(() => splitKey(key, count as number), "ERR_INVALID_ARGUMENT", /^"count"/);
      }
      for (const made of [hidden, opaque, key]) made.destroy();
      throwsCode(() => splitKey(key, 2), "ERR_KEY_DESTROYED");
    });
  });
};
