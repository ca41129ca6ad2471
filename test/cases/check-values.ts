/** Check values: the methods and lengths, what `auto` finds, what is refused. The sample key's values are public. */
import {
  explainKeyCheckValue,
  generateKey,
  importKey,
  type KcvMethod,
  type KeyAlgorithm,
  type KeyCheckValueOptions,
  keyCheckValue,
  type PosCryptoError,
  type SecretKey,
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

    suite.test("lengths of 2 bytes to the cipher block, each the beginning of the next", () => {
      const values = [2, 3, 4, 5].map((length) => keyCheckValue(aes(), { length }));
      same(values, ["0879", "08793E", "08793E25", "08793E25AB"]);
      for (const [make, longest] of [
        [aes, 16],
        [tdes, 8],
        [hmac, 8],
      ] as const) {
        const whole = keyCheckValue(make(), { length: longest });
        same(whole.length, 2 * longest);
        for (let length = 2; length <= longest; length++) same(keyCheckValue(make(), { length }), whole.slice(0, 2 * length));
        for (const length of [1, longest + 1, 2.5, -3, "3", null, Number.NaN]) {
          throwsCode(
            () => keyCheckValue(make(), { length } as KeyCheckValueOptions),
            "ERR_INVALID_ARGUMENT",
            /^"length" must be/,
          );
        }
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
      const error = throwsCode(
        () => verifyKeyCheckValue(aes(), "A801BE"),
        "ERR_KCV_MISMATCH",
        /by CMAC and ANSI_X9_24\).*GLOBALPLATFORM/,
      );
      same((error as PosCryptoError).details, { methods: ["CMAC", "ANSI_X9_24"] });
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

    suite.test("4 to 16 digits, in groups or not; a cipher block where the length says so; no other texts", () => {
      const key = importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "TDES", usage: "K0" });
      same(verifyKeyCheckValue(key, "08D7B4FB629D0885").method, "ANSI_X9_24");
      same(verifyKeyCheckValue(key, "08D7 b4fb 629d  0885").method, "ANSI_X9_24");
      for (const digits of [4, 6, 8, 10, 12, 14, 16])
        ok(verifyKeyCheckValue(key, "08D7B4FB629D0885".slice(0, digits)), `${digits} digits`);
      const whole = keyCheckValue(aes(), { length: 16 });
      same(verifyKeyCheckValue(aes(), whole, { length: 16 }).method, "CMAC");
      throwsCode(() => verifyKeyCheckValue(aes(), whole), "ERR_INVALID_ARGUMENT", /^"expected" must be 4 to 16 hex digits/);
      same(verifyKeyCheckValue(aes(), "0879").method, "CMAC");
      same(verifyKeyCheckValue(aes(), "0879", { length: 2 }).method, "CMAC");
      throwsCode(() => verifyKeyCheckValue(aes(), "08793E", { length: 2 }), "ERR_INVALID_ARGUMENT");
      const malformed = ["", "08", "08793", "08793E2", "08793E25AB11081122", "08793G", " 08793E", "08793E ", "08-79-3E"];
      for (const bad of [...malformed, 8793, null, undefined, ["08793E"]]) {
        throwsCode(() => verifyKeyCheckValue(aes(), bad as string), "ERR_INVALID_ARGUMENT");
      }
      for (const length of [1, 17, "3"])
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

  suite.group("explainKeyCheckValue", () => {
    const parity = "3E409E1CB6079443AB37464C2FFBF8B9";
    const misses = (key: SecretKey, expected: string) => explainKeyCheckValue(key, expected).nearMisses.join("; ");

    suite.test("every method's value beside the expected one", () => {
      const { expected, methods, nearMisses, text } = explainKeyCheckValue(aes(), "08 79 3e");
      same(expected, "08793E");
      same(methods, [
        { method: "CMAC", value: "08793E", equal: true },
        { method: "ANSI_X9_24", value: "E5E07C", equal: false },
        { method: "GLOBALPLATFORM", value: "A801BE", equal: false },
      ]);
      same(nearMisses, []);
      for (const { value } of methods) ok(text.includes(value), value);
    });

    suite.test("names what the value is instead", () => {
      const of = (material: string, algorithm: KeyAlgorithm, usage = "K0", method?: KcvMethod) =>
        keyCheckValue(importKey(material, { algorithm, usage }), { length: 4, ...(method && { method }) });
      ok(/same bytes as a key of algorithm TDES, by ANSI_X9_24/.test(misses(aes(), "57C409")), "TDES");
      ok(/same bytes as a key of algorithm TDES, by CMAC/.test(misses(aes(), "C66363F72B")), "TDES by CMAC");
      ok(/same bytes as a key of algorithm AES, by CMAC/.test(misses(tdes(), "08793E25")), "AES");
      ok(/HMAC key, by HMAC with SHA-512/.test(misses(aes(), "4A99BC")), "HMAC");
      ok(/HMAC key, by HMAC with SHA-256 over 16 zero bytes/.test(misses(hmac(), "FABCFC")), "a private method");
      ok(/HMAC with SHA-1/.test(misses(hmac(), "1DF080")), "another hash");
      ok(/bytes with odd parity as an AES key, by CMAC/.test(misses(aes(), of(parity, "AES"))), "parity");
      ok(/bytes 1 to 8 alone as a key of algorithm DES/.test(misses(tdes(), of(SAMPLE.slice(0, 16), "DES", "M1"))), "first half");
      ok(/bytes 9 to 16 alone as a key of algorithm DES/.test(misses(tdes(), of(SAMPLE.slice(16), "DES", "M1"))), "second half");
      const long = importKey(SAMPLE + parity, { algorithm: "AES", usage: "K0" });
      ok(/bytes 17 to 32 alone as a key of algorithm AES/.test(misses(long, of(parity, "AES"))), "half of AES-256");
      same(misses(aes(), "80793E"), "it is the value by CMAC with a slip of copying: digits 1 and 2 are swapped");
      same(misses(aes(), "08793F"), "it is the value by CMAC with a slip of copying: digit 6 is another");
      same(explainKeyCheckValue(aes(), "123456").nearMisses, []);
      ok(/no near miss/.test(explainKeyCheckValue(aes(), "123456").text), "a verdict");
    });

    suite.test("shows no value of a half or a variant", () => {
      const half = keyCheckValue(importKey(SAMPLE.slice(0, 16), { algorithm: "DES", usage: "M1" }), { length: 8 });
      const others = [half, keyCheckValue(aes(), { length: 8 }), keyCheckValue(hmac(), { length: 8 })];
      for (const expected of ["123456", "57C409", keyCheckValue(tdes(), { length: 3, method: "CMAC" })]) {
        const told = JSON.stringify(explainKeyCheckValue(tdes(), expected));
        for (const value of others) ok(!told.includes(value.slice(0, 6)), `${expected}: ${value.slice(0, 6)}`);
      }
    });

    suite.test("refuses what is no check value, and keys that have none", () => {
      for (const bad of ["", "123", "0879 3", 5, null])
        throwsCode(() => explainKeyCheckValue(aes(), bad as string), "ERR_INVALID_ARGUMENT");
      throwsCode(() => explainKeyCheckValue(importKey(SAMPLE, { algorithm: "RSA", usage: "S0" }), "123456"), "ERR_KEY_USAGE");
      const gone = aes();
      gone.destroy();
      throwsCode(() => explainKeyCheckValue(gone, "123456"), "ERR_KEY_DESTROYED");
    });
  });
};
