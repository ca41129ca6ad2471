/** Check values: the methods and lengths, what `auto` finds, what is refused. The sample key's values are public. */
import {
  generateKey,
  importKey,
  type KeyAlgorithm,
  type KeyCheckValueOptions,
  keyCheckValue,
  type VerifyKeyCheckValueOptions,
  verifyKeyCheckValue,
} from "../../ts/index.js";
import { ascii, type Cases, ok, same, throwsCode } from "../harness.js";

const SAMPLE = "3F419E1CB7079442AA37474C2EFBF8B8";
const aes = () => importKey(SAMPLE, { algorithm: "AES", usage: "P0" });
const tdes = () => importKey(SAMPLE, { algorithm: "TDES", usage: "P0" });
const hmac = (hash: "SHA-1" | "SHA-224" | "SHA-256" | "SHA-384" | "SHA-512" = "SHA-256") =>
  importKey(SAMPLE, { algorithm: "HMAC", usage: "M7", hash });

export const checkValueCases: Cases = (suite) => {
  suite.group("keyCheckValue", () => {
    suite.test("every method of the sample key", () => {
      same(keyCheckValue(tdes()), "57C409");
      same(keyCheckValue(tdes(), { method: "CMAC", length: 5 }), "C66363F72B");
      same(keyCheckValue(aes(), { method: "ANSI_X9_24", length: 5 }), "E5E07CBB89");
      same(keyCheckValue(aes(), { length: 5 }), "08793E25AB");
      same(keyCheckValue(aes(), { method: "GLOBALPLATFORM" }), "A801BE");
      const hashes = (["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] as const).map((hash) => keyCheckValue(hmac(hash)));
      same(hashes, ["1DF080", "21266B", "731FE1", "63EFDB", "4A99BC"]);
      same(keyCheckValue(importKey("0123456789ABCDEF", { algorithm: "DES", usage: "M1" })), "D5D44F");
    });

    suite.test("lengths of 2 to 5 bytes, each the beginning of the next", () => {
      const values = [2, 3, 4, 5].map((length) => keyCheckValue(aes(), { length }));
      same(values, ["0879", "08793E", "08793E25", "08793E25AB"]);
      for (const length of [1, 6, 2.5, -3, "3", null, Number.NaN]) {
        throwsCode(() => keyCheckValue(aes(), { length } as KeyCheckValueOptions), "ERR_INVALID_ARGUMENT", /^"length" must be/);
      }
    });

    suite.test("is independent of usage and mode of use", () => {
      same(keyCheckValue(importKey(SAMPLE, { algorithm: "AES", usage: "B0", modeOfUse: "X" })), "08793E");
    });

    suite.test("refuses a method that the algorithm does not have", () => {
      const wrong: [() => ReturnType<typeof aes>, unknown][] = [
        [aes, "HMAC"],
        [tdes, "GLOBALPLATFORM"],
        [tdes, "HMAC"],
        [hmac, "CMAC"],
        [aes, "auto"],
        [aes, ""],
        [aes, 5],
        [aes, null],
      ];
      for (const [make, method] of wrong)
        throwsCode(() => keyCheckValue(make(), { method } as KeyCheckValueOptions), "ERR_INVALID_ARGUMENT", /^"method" must be/);
      for (const algorithm of ["RSA", "EC", "DSA"] as KeyAlgorithm[]) {
        throwsCode(() => keyCheckValue(importKey(SAMPLE, { algorithm, usage: "S0" })), "ERR_KEY_USAGE");
      }
      throwsCode(() => keyCheckValue(aes(), null as unknown as KeyCheckValueOptions), "ERR_INVALID_ARGUMENT");
    });
  });

  suite.group("verifyKeyCheckValue", () => {
    suite.test("auto tells which method matched, whatever the case of the digits", () => {
      same(verifyKeyCheckValue(aes(), "08793e").method, "CMAC");
      same(verifyKeyCheckValue(aes(), "08793E25AB").method, "CMAC");
      same(verifyKeyCheckValue(aes(), "e5E07C").method, "ANSI_X9_24");
      throwsCode(() => verifyKeyCheckValue(aes(), "A801BE"), "ERR_KCV_MISMATCH");
      same(verifyKeyCheckValue(aes(), "A801BE", { method: "GLOBALPLATFORM" }).method, "GLOBALPLATFORM");
      same(verifyKeyCheckValue(tdes(), "57C409").method, "ANSI_X9_24");
      same(verifyKeyCheckValue(tdes(), "C66363F72B").method, "CMAC");
      same(verifyKeyCheckValue(hmac("SHA-512"), "4A99BC").method, "HMAC");
    });

    suite.test("a pinned method accepts no other", () => {
      same(verifyKeyCheckValue(aes(), "08793E", { method: "CMAC" }).method, "CMAC");
      throwsCode(() => verifyKeyCheckValue(aes(), "08793E", { method: "ANSI_X9_24" }), "ERR_KCV_MISMATCH");
      throwsCode(() => verifyKeyCheckValue(aes(), "08793E", { method: "HMAC" }), "ERR_INVALID_ARGUMENT");
    });

    suite.test("a private method is a hash and a message", () => {
      const method = { hash: "SHA-256" as const, message: new Uint8Array(16) };
      same(verifyKeyCheckValue(hmac(), "FABCFC", { method }).method, method);
      same(verifyKeyCheckValue(importKey(SAMPLE, { algorithm: "RSA", usage: "S0" }), "FABCFC", { method }).method, method);
      throwsCode(() => verifyKeyCheckValue(hmac(), "FABCFD", { method }), "ERR_KCV_MISMATCH");
      throwsCode(() => verifyKeyCheckValue(aes(), "FABCFC", { method }), "ERR_INVALID_ARGUMENT");
      for (const bad of [
        {},
        { hash: "SHA-256" },
        { hash: "MD5", message: ascii("") },
        { hash: "SHA-256", message: "" },
        [],
        null,
        Object.create(method),
      ]) {
        throwsCode(
          () => verifyKeyCheckValue(hmac(), "FABCFC", { method: bad } as VerifyKeyCheckValueOptions),
          "ERR_INVALID_ARGUMENT",
        );
      }
    });

    suite.test("every single digit counts", () => {
      const right = keyCheckValue(aes(), { length: 5 });
      for (let i = 0; i < right.length; i++) {
        const digit = right[i] === "0" ? "1" : "0";
        throwsCode(() => verifyKeyCheckValue(aes(), right.slice(0, i) + digit + right.slice(i + 1)), "ERR_KCV_MISMATCH");
      }
    });

    suite.test("two bytes only where asked for; no other lengths or texts", () => {
      throwsCode(
        () => verifyKeyCheckValue(aes(), "0879"),
        "ERR_INVALID_ARGUMENT",
        '"expected" must be 6, 8 or 10 hex digits, got 4 characters',
      );
      same(verifyKeyCheckValue(aes(), "0879", { length: 2 }).method, "CMAC");
      throwsCode(() => verifyKeyCheckValue(aes(), "08793E", { length: 2 }), "ERR_INVALID_ARGUMENT");
      for (const bad of ["", "08", "08793", "08793E2", "08793E25AB11", "08793G", " 08793E", 8793, null, undefined, ["08793E"]]) {
        throwsCode(() => verifyKeyCheckValue(aes(), bad as string), "ERR_INVALID_ARGUMENT");
      }
      for (const length of [1, 6, "3"])
        throwsCode(() => verifyKeyCheckValue(aes(), "08793E", { length } as VerifyKeyCheckValueOptions), "ERR_INVALID_ARGUMENT");
    });

    suite.test("the message names neither value", () => {
      const error = throwsCode(() => verifyKeyCheckValue(aes(), "ABCDEF"), "ERR_KCV_MISMATCH");
      ok(!/ABCDEF|08793E/i.test(error.message), error.message);
    });

    suite.test("generated keys verify against themselves", () => {
      for (const [algorithm, usage, bits] of [
        ["AES", "D0", 256],
        ["TDES", "D0", 192],
        ["HMAC", "M7", 256],
      ] as const) {
        const key = generateKey({ algorithm, usage, bits });
        ok(verifyKeyCheckValue(key, keyCheckValue(key, { length: 4 })).method !== undefined, algorithm);
        key.destroy();
      }
    });
  });
};
