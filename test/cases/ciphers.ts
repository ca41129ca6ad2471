/**
 * The raw ciphers and MACs: ISO 9797-1's own examples and paddings, and which key may do what. The algorithms themselves are in
 * the cases of AES, TDES and SHA.
 */
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  aesCmac,
  cbcMac,
  hmacSha256,
  importKey,
  type KeyAttributes,
  retailMac,
  type SecretKey,
  tdesCbcDecrypt,
  tdesCbcEncrypt,
  tdesCmac,
  type VerifyMacOptions,
  verifyMac,
} from "../../ts/index.js";
import { ascii, type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

const aesHex = "8A3F0C61D2957EB41F60C8A5937B2ED4460D19F7AC5283E0B7D46A1895C3F20E";
const tdesHex = "0123456789ABCDEFFEDCBA9876543210";
const make = (algorithm: KeyAttributes["algorithm"], usage: string, modeOfUse = "N", material?: string) => {
  return importKey(material ?? (algorithm === "TDES" ? tdesHex : aesHex), { algorithm, usage, modeOfUse });
};

/** Runs `body` with a key that is destroyed afterwards. */
function using<T>(key: SecretKey, body: (key: SecretKey) => T): T {
  try {
    return body(key);
  } finally {
    key.destroy();
  }
}

const iv16 = hex("000102030405060708090A0B0C0D0E0F");
const iv8 = hex("0001020304050607");

export const cipherCases: Cases = (suite) => {
  suite.group("ISO 9797-1, annex B", () => {
    const first = ascii("Now is the time for all ");
    const second = ascii("Now is the time for it");
    const examples: readonly [string, Uint8Array, "method1" | "method2", string, string][] = [
      ["first data string, padding method 1", first, "method1", "70A30640", "A1C72E74"],
      ["second data string, padding method 1", second, "method1", "E45B3AD2", "2E2B1428"],
      ["first data string, padding method 2", first, "method2", "10E1F0F1", "E9086230"],
      ["second data string, padding method 2", second, "method2", "A924C721", "5A692CE6"],
    ];
    for (const [name, data, padding, algorithm1, algorithm3] of examples) {
      suite.test(name, () => {
        // Algorithm 1 is printed for single DES, which is TDES of two equal halves.
        const single = make("TDES", "M1", "N", "0123456789ABCDEF0123456789ABCDEF");
        using(single, (key) => same(toHex(cbcMac(key, data, { padding })).slice(0, 8), algorithm1, "algorithm 1"));
        using(make("TDES", "M3"), (key) => same(toHex(retailMac(key, data, { padding })).slice(0, 8), algorithm3, "algorithm 3"));
      });
    }
  });

  suite.group("MAC paddings", () => {
    for (const algorithm of ["AES", "TDES"] as const) {
      const block = algorithm === "AES" ? 16 : 8;
      suite.test(`${algorithm}: methods 1 and 2 are what the standard says, at every length`, () => {
        using(make(algorithm, "M1"), (key) => {
          const random = pseudoRandom(71);
          for (let length = 0; length <= 3 * block; length++) {
            const data = random(length);
            const zeros = new Uint8Array(Math.max(block, Math.ceil(length / block) * block));
            zeros.set(data);
            same(cbcMac(key, data, { padding: "method1" }), cbcMac(key, zeros, { padding: "none" }), `method 1, ${length}`);
            same(cbcMac(key, data), cbcMac(key, data, { padding: "method1" }), `the default, ${length}`);
            const marked = new Uint8Array(Math.ceil((length + 1) / block) * block);
            marked.set(data);
            marked[length] = 0x80;
            same(cbcMac(key, data, { padding: "method2" }), cbcMac(key, marked, { padding: "none" }), `method 2, ${length}`);
            if (length % block !== 0 || length === 0) {
              throwsCode(() => cbcMac(key, data, { padding: "none" }), "ERR_INVALID_ARGUMENT", /^"data" must be /);
            }
          }
        });
      });

      suite.test(`${algorithm}: the CBC-MAC is the last block of CBC`, () => {
        const data = pseudoRandom(72)(5 * block);
        const cipher = algorithm === "AES" ? aesCbcEncrypt : tdesCbcEncrypt;
        const encrypted = using(make(algorithm, "D0"), (key) => cipher(key, new Uint8Array(block), data, { padding: "none" }));
        using(make(algorithm, "M1"), (key) => same(cbcMac(key, data, { padding: "none" }), encrypted.slice(-block), "MAC"));
      });
    }
  });

  suite.group("ciphers: padding and damage", () => {
    const ciphers = [
      ["AES", 16, iv16, aesCbcEncrypt, aesCbcDecrypt],
      ["TDES", 8, iv8, tdesCbcEncrypt, tdesCbcDecrypt],
    ] as const;
    for (const [algorithm, block, iv, encrypt, decrypt] of ciphers) {
      suite.test(`${algorithm}: PKCS#7 and none at every length of three blocks`, () => {
        using(make(algorithm, "D0"), (key) => {
          const random = pseudoRandom(73);
          for (let length = 0; length <= 3 * block; length++) {
            const data = random(length);
            const sealed = encrypt(key, iv, data, { padding: "pkcs7" });
            same(sealed.length, (Math.floor(length / block) + 1) * block, `length of ${length}`);
            same(decrypt(key, iv, sealed, { padding: "pkcs7" }), data, `padded ${length}`);
            const opened = decrypt(key, iv, sealed, { padding: "none" });
            same(
              opened.slice(length),
              new Uint8Array(sealed.length - length).fill(sealed.length - length),
              `padding of ${length}`,
            );
            const whole = () => encrypt(key, iv, data, { padding: "none" });
            if (length % block === 0) same(decrypt(key, iv, whole(), { padding: "none" }), data, `whole ${length}`);
            else
              throwsCode(
                whole,
                "ERR_INVALID_ARGUMENT",
                new RegExp(`^"data" must be a multiple of ${block} bytes, got ${length}$`),
              );
          }
        });
      });

      suite.test(`${algorithm}: every wrong padding is one error`, () => {
        using(make(algorithm, "D0"), (key) => {
          let accepted = 0;
          for (let last = 0; last < 256; last++) {
            for (const before of [0, last]) {
              const plaintext = new Uint8Array(2 * block).fill(before);
              plaintext[2 * block - 1] = last;
              const sealed = encrypt(key, iv, plaintext, { padding: "none" });
              const open = () => decrypt(key, iv, sealed, { padding: "pkcs7" });
              const right = last >= 1 && last <= block && (last === 1 || before === last);
              if (right) same(open().length, 2 * block - last, `padding ${last}`);
              else throwsCode(open, "ERR_DECRYPT", "the data cannot be decrypted");
              accepted += right ? 1 : 0;
            }
          }
          same(accepted, block + 1, "accepted");
        });
      });

      suite.test(`${algorithm}: arguments`, () => {
        using(make(algorithm, "D0"), (key) => {
          const data = new Uint8Array(block);
          const wrongIv = new RegExp(`^"iv" must be ${block} bytes, got ${block - 1}$`);
          throwsCode(() => encrypt(key, iv.slice(1), data, { padding: "none" }), "ERR_INVALID_ARGUMENT", wrongIv);
          throwsCode(() => decrypt(key, iv.slice(1), data, { padding: "none" }), "ERR_INVALID_ARGUMENT", wrongIv);
          for (const length of [0, 1, block - 1, block + 1]) {
            throwsCode(
              () => decrypt(key, iv, new Uint8Array(length), { padding: "pkcs7" }),
              "ERR_INVALID_ARGUMENT",
              /^"data" must be /,
            );
          }
          for (const padding of [undefined, "PKCS7", "zero", 1, null]) {
            throwsCode(
              () => encrypt(key, iv, data, { padding: padding as "none" }),
              "ERR_INVALID_ARGUMENT",
              /^"padding" must be /,
            );
            throwsCode(
              () => decrypt(key, iv, data, { padding: padding as "none" }),
              "ERR_INVALID_ARGUMENT",
              /^"padding" must be /,
            );
          }
        });
      });
    }
  });

  suite.group("ciphers: keys", () => {
    const data = new Uint8Array(16);
    const uses: readonly [string, (key: SecretKey) => unknown, [KeyAttributes["algorithm"], string][], string][] = [
      ["aesCbcEncrypt", (key) => aesCbcEncrypt(key, iv16, data, { padding: "none" }), [["AES", "D0"]], "BEN"],
      ["aesCbcDecrypt", (key) => aesCbcDecrypt(key, iv16, data, { padding: "none" }), [["AES", "D0"]], "BDN"],
      ["tdesCbcEncrypt", (key) => tdesCbcEncrypt(key, iv8, data, { padding: "none" }), [["TDES", "D0"]], "BEN"],
      ["tdesCbcDecrypt", (key) => tdesCbcDecrypt(key, iv8, data, { padding: "none" }), [["TDES", "D0"]], "BDN"],
      ["aesCmac", (key) => aesCmac(key, data), [["AES", "M6"]], "CGN"],
      ["tdesCmac", (key) => tdesCmac(key, data), [["TDES", "M6"]], "CGN"],
      [
        "cbcMac",
        (key) => cbcMac(key, data, { padding: "none" }),
        [
          ["AES", "M1"],
          ["TDES", "M1"],
          ["TDES", "M0"],
        ],
        "CGN",
      ],
      ["retailMac", (key) => retailMac(key, data, { padding: "none" }), [["TDES", "M3"]], "CGN"],
      ["hmacSha256", (key) => hmacSha256(key, data), [["HMAC", "M7"]], "CGN"],
      [
        "verifyMac",
        (key) => verifyMac(key, data, new Uint8Array(4), { algorithm: "CMAC", length: 4 }),
        [
          ["AES", "M6"],
          ["TDES", "M6"],
        ],
        "CVN",
      ],
    ];
    const both = (usage: string, modes: string) =>
      (["AES", "TDES"] as const).map((algorithm): [KeyAttributes["algorithm"], string, string] => [algorithm, usage, modes]);
    const all: readonly [KeyAttributes["algorithm"], string, string][] = [
      ...both("D0", "BDEN"),
      ...both("K0", "BDEN"),
      ...both("P0", "BDEN"),
      ...both("M1", "CGVN"),
      ...both("M3", "CGVN"),
      ...both("M6", "CGVN"),
      ["TDES", "M0", "CGVN"],
      ["HMAC", "M7", "CGVN"],
    ];
    for (const [name, use, allowed, modes] of uses) {
      suite.test(`${name} accepts its own algorithm, usage and modes, and nothing else`, () => {
        let worked = 0;
        for (const [algorithm, usage, keyModes] of all) {
          for (const mode of keyModes) {
            const right = allowed.some(([a, u]) => a === algorithm && u === usage) && modes.includes(mode);
            using(make(algorithm, usage, mode), (key) => {
              if (right) use(key);
              else throwsCode(() => use(key), "ERR_KEY_USAGE");
            });
            worked += right ? 1 : 0;
          }
        }
        same(worked, allowed.length * modes.length, "keys that work");
        const key = make(...(allowed[0] as [KeyAttributes["algorithm"], string]));
        key.destroy();
        throwsCode(() => use(key), "ERR_KEY_DESTROYED");
      });
    }

    suite.test("the retail MAC needs two keys; HMAC-SHA-256 needs SHA-256", () => {
      using(make("TDES", "M3", "N", tdesHex + "0011223344556677"), (key) => {
        throwsCode(() => retailMac(key, data, { padding: "none" }), "ERR_KEY_USAGE", /192 bits.*128/);
      });
      using(importKey(aesHex, { algorithm: "HMAC", usage: "M7", hash: "SHA-1" }), (key) => {
        throwsCode(() => hmacSha256(key, data), "ERR_KEY_USAGE", /SHA-1/);
      });
    });
  });

  suite.group("verifyMac", () => {
    const data = pseudoRandom(74)(48);
    const macs: readonly [string, () => SecretKey, (key: SecretKey) => Uint8Array, VerifyMacOptions][] = [
      ["AES-CMAC", () => make("AES", "M6"), (key) => aesCmac(key, data), { algorithm: "CMAC" }],
      ["TDES-CMAC", () => make("TDES", "M6"), (key) => tdesCmac(key, data), { algorithm: "CMAC" }],
      [
        "CBC-MAC",
        () => make("AES", "M1"),
        (key) => cbcMac(key, data, { padding: "method2" }),
        { algorithm: "CBC-MAC", padding: "method2" },
      ],
      [
        "retail MAC",
        () => make("TDES", "M3"),
        (key) => retailMac(key, data, { padding: "method1" }),
        { algorithm: "RETAIL-MAC", padding: "method1" },
      ],
      ["HMAC", () => make("HMAC", "M7"), (key) => hmacSha256(key, data), { algorithm: "HMAC-SHA-256" }],
    ];
    for (const [name, key, mac, options] of macs) {
      suite.test(`${name}: whole, cut to 4 bytes, changed anywhere`, () => {
        using(key(), (secret) => {
          const full = mac(secret);
          for (const length of [4, 8, full.length])
            ok(verifyMac(secret, data, full.slice(0, length), { ...options, length }), `${length} bytes`);
          ok(verifyMac(secret, data, full, options), "the whole MAC");
          for (let i = 0; i < full.length; i++) {
            const changed = full.slice();
            changed[i] = changed[i]! ^ 1;
            ok(!verifyMac(secret, data, changed, options), `byte ${i}`);
          }
          ok(!verifyMac(secret, data.slice(1), full, options), "other data");
          for (let length = 0; length <= full.length + 1; length++) {
            // The sender does not choose how much is compared: a right beginning is not enough.
            const part = Uint8Array.from({ length }, (_, i) => full[i] ?? 0);
            if (length !== full.length) {
              throwsCode(
                () => verifyMac(secret, data, part, options),
                "ERR_INVALID_ARGUMENT",
                `"mac" must be ${full.length} bytes, got ${length}`,
              );
            }
            if (length !== 8 && full.length >= 8) {
              throwsCode(
                () => verifyMac(secret, data, part, { ...options, length: 8 }),
                "ERR_INVALID_ARGUMENT",
                /^"mac" must be 8 bytes/,
              );
            }
          }
          for (const length of [0, 3, full.length + 1, 4.5, "8", null]) {
            const wrong = { ...options, length } as VerifyMacOptions;
            throwsCode(
              () => verifyMac(secret, data, full, wrong),
              "ERR_INVALID_ARGUMENT",
              /^"length" must be a whole number of bytes/,
            );
          }
        });
      });
    }

    suite.test("a key that may only verify; an algorithm that is none", () => {
      const mac = using(make("AES", "M6"), (key) => aesCmac(key, data));
      using(make("AES", "M6", "V"), (key) => {
        ok(verifyMac(key, data, mac, { algorithm: "CMAC" }), "verifies");
        throwsCode(() => aesCmac(key, data), "ERR_KEY_USAGE");
        throwsCode(
          () => verifyMac(key, data, mac, { algorithm: "XYZ" as "CMAC" }),
          "ERR_INVALID_ARGUMENT",
          /^"algorithm" must be /,
        );
        throwsCode(() => verifyMac(key, data, mac, { algorithm: "CBC-MAC", padding: "none" }), "ERR_KEY_USAGE");
      });
    });
  });
};
