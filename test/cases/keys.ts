/**
 * Key handles: what may be imported and made, what a handle shows and hides, who may use it for what, and its end.
 */
import { currentBackend } from "../../ts/backend/select.js";
import {
  exposeKeyBytes,
  generateKey,
  importKey,
  type KeyAlgorithm,
  type KeyAttributes,
  keyCheckValue,
  SecretKey,
} from "../../ts/index.js";
import { internals, type KeyOperation, requireUse } from "../../ts/core/keys/key.js";
import { setRandomSource } from "../../ts/base/random.js";
import { type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

const SAMPLE = "3F419E1CB7079442AA37474C2EFBF8B8";

const USAGES: Readonly<Record<KeyAlgorithm, string>> = {
  AES: "D0",
  TDES: "D0",
  HMAC: "M7",
  DES: "M1",
  RSA: "S0",
  EC: "S0",
  DSA: "S0",
  OPAQUE: "D0",
};

const LENGTHS: Readonly<Record<KeyAlgorithm, readonly number[]>> = {
  AES: [16, 24, 32],
  TDES: [16, 24],
  HMAC: [1, 13, 64, 1000, 8191],
  DES: [8],
  RSA: [1, 1192],
  EC: [121],
  DSA: [300],
  OPAQUE: [1, 8191],
};

export const keyCases: Cases = (suite) => {
  suite.group("importKey", () => {
    for (const algorithm of Object.keys(LENGTHS) as KeyAlgorithm[]) {
      suite.test(`${algorithm}: every length it has, and no other`, () => {
        const usage = USAGES[algorithm];
        for (const length of LENGTHS[algorithm]) {
          const material = pseudoRandom(length)(length);
          const key = importKey(material, { algorithm, usage, extractable: true });
          same([key.algorithm, key.bits, key.backend], [algorithm, 8 * length, suite.backend]);
          same(toHex(exposeKeyBytes(key)), toHex(material), "material");
          key.destroy();
        }
        for (const length of [0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 8191, 8192]) {
          const limited = algorithm === "AES" || algorithm === "TDES" || algorithm === "DES";
          const suits = limited ? LENGTHS[algorithm].includes(length) : length >= 1 && length <= 8191;
          if (suits) continue;
          throwsCode(
            () => importKey(new Uint8Array(length), { algorithm, usage }),
            "ERR_INVALID_ARGUMENT",
            /^"material" must be .* bytes, got \d+$/,
          );
        }
      });
    }

    suite.test("accepts bytes, Buffers too, and hex of either case, and leaves the caller's array alone", () => {
      const bytes = hex(SAMPLE);
      const forms = [bytes, SAMPLE, SAMPLE.toLowerCase(), new Uint8Array([9, ...bytes, 9]).subarray(1, 17)];
      const values = forms.map((form) => keyCheckValue(importKey(form, { algorithm: "AES", usage: "P0" })));
      same(values, Array(4).fill("08793E"));
      same(toHex(bytes), SAMPLE, "the caller's array");
    });

    suite.test("is not changed by what the caller does to the array later", () => {
      const bytes = hex(SAMPLE);
      const key = importKey(bytes, { algorithm: "AES", usage: "P0" });
      bytes.fill(0);
      same(keyCheckValue(key), "08793E");
    });

    suite.test("refuses material of the wrong type or form without repeating it", () => {
      for (const bad of [undefined, null, 5, [1, 2], {}, new Uint16Array(16), "0", "XY".repeat(16), `${SAMPLE} `]) {
        const error = throwsCode(
          () => importKey(bad as string, { algorithm: "AES", usage: "D0" }),
          "ERR_INVALID_ARGUMENT",
          /^"material" must be/,
        );
        ok(!error.message.includes("3F41") && !error.message.includes("XY"), "the message is free of material");
      }
    });

    suite.test("checks every attribute", () => {
      const bad: unknown[] = [
        undefined,
        null,
        "AES",
        [],
        {},
        { algorithm: "AES" },
        { algorithm: "aes", usage: "D0" },
        { algorithm: "toString", usage: "D0" },
        { algorithm: "AES", usage: "D" },
        { algorithm: "AES", usage: "D00" },
        { algorithm: "AES", usage: 0 },
        { algorithm: "AES", usage: "Z9" },
        { algorithm: "AES", usage: "M7" },
        { algorithm: "AES", usage: "M0" },
        { algorithm: "TDES", usage: "K4" },
        { algorithm: "AES", usage: "D0", modeOfUse: "X" },
        { algorithm: "AES", usage: "D0", modeOfUse: "BE" },
        { algorithm: "AES", usage: "D0", modeOfUse: null },
        { algorithm: "AES", usage: "D0", exportability: "X" },
        { algorithm: "AES", usage: "D0", exportability: "" },
        { algorithm: "AES", usage: "D0", exportability: null },
        { algorithm: "AES", usage: "D0", keyVersion: "1" },
        { algorithm: "AES", usage: "D0", keyVersion: 11 },
        { algorithm: "AES", usage: "D0", extractable: "yes" },
        { algorithm: "AES", usage: "D0", hash: "SHA-256" },
        { algorithm: "AES", usage: "D0", backend: "native" },
      ];
      for (const attributes of bad) throwsCode(() => importKey(SAMPLE, attributes as KeyAttributes), "ERR_INVALID_ARGUMENT");
      throwsCode(() => importKey(SAMPLE, { algorithm: "HMAC", usage: "M7", hash: "MD5" as "SHA-1" }), "ERR_INVALID_ARGUMENT");
    });

    suite.test("fills in the defaults, and knows proprietary usages", () => {
      const key = importKey(SAMPLE, { algorithm: "AES", usage: "10" });
      same(
        [key.usage, key.modeOfUse, key.exportability, key.keyVersion, key.extractable, key.hash],
        ["10", "N", "N", "00", false, undefined],
      );
      same(importKey(SAMPLE, { algorithm: "HMAC", usage: "M7" }).hash, "SHA-256");
      same(importKey(SAMPLE, { algorithm: "HMAC", usage: "M7", hash: "SHA-1" }).hash, "SHA-1");
    });

    suite.test("reads nothing from a prototype", () => {
      const inherited = Object.create({ algorithm: "AES", usage: "D0", extractable: true });
      throwsCode(() => importKey(SAMPLE, inherited), "ERR_INVALID_ARGUMENT");
      inherited.algorithm = "AES";
      inherited.usage = "D0";
      same(importKey(SAMPLE, inherited).extractable, false);
    });
  });

  suite.group("generateKey", () => {
    suite.test("a source of randomness that is stuck is ERR_NO_RANDOM, where its bytes make no key", () => {
      const before = setRandomSource((n) => new Uint8Array(n).fill(1));
      try {
        throwsCode(() => generateKey({ algorithm: "TDES", usage: "D0", bits: 128 }), "ERR_NO_RANDOM", /again and again/);
      } finally {
        setRandomSource(before);
      }
    });

    suite.test("makes keys of every size, different each time", () => {
      const sizes: [KeyAlgorithm, readonly number[]][] = [
        ["AES", [128, 192, 256]],
        ["TDES", [128, 192]],
        ["HMAC", [112, 256, 1024]],
        ["OPAQUE", [112, 65528]],
      ];
      for (const [algorithm, list] of sizes) {
        for (const bits of list) {
          const keys = [1, 2, 3].map(() => generateKey({ algorithm, usage: USAGES[algorithm], bits, extractable: true }));
          same(
            keys.map((key) => key.bits),
            [bits, bits, bits],
          );
          same(new Set(keys.map((key) => toHex(exposeKeyBytes(key)))).size, 3, "different keys");
          for (const key of keys) key.destroy();
        }
      }
    });

    suite.test("gives TDES keys odd parity and different parts", () => {
      for (let i = 0; i < 50; i++) {
        const key = generateKey({ algorithm: "TDES", usage: "D0", bits: 192, extractable: true });
        const bytes = exposeKeyBytes(key);
        ok(
          bytes.every((byte) => byte.toString(2).replace(/0/g, "").length % 2 === 1),
          "odd parity",
        );
        same(new Set([0, 8, 16].map((at) => toHex(bytes.subarray(at, at + 8)))).size, 3, "parts");
        key.destroy();
      }
    });

    suite.test("refuses other sizes and algorithms", () => {
      const bad: unknown[] = [
        { algorithm: "AES", usage: "D0" },
        { algorithm: "AES", usage: "D0", bits: "128" },
        { algorithm: "AES", usage: "D0", bits: 129 },
        { algorithm: "AES", usage: "D0", bits: 64 },
        { algorithm: "AES", usage: "D0", bits: Number.NaN },
        { algorithm: "TDES", usage: "D0", bits: 112 },
        { algorithm: "HMAC", usage: "M7", bits: 104 },
        { algorithm: "HMAC", usage: "M7", bits: 65536 },
        { algorithm: "DES", usage: "M1", bits: 64 },
        { algorithm: "RSA", usage: "S0", bits: 2048 },
      ];
      for (const attributes of bad)
        throwsCode(() => generateKey(attributes as KeyAttributes & { bits: number }), "ERR_INVALID_ARGUMENT");
    });
  });

  suite.group("a handle", () => {
    const key = () => importKey(SAMPLE, { algorithm: "AES", usage: "P0" });

    suite.test("prints usage, algorithm, size and check value in every way of printing", () => {
      const printed = "SecretKey(P0 AES-128 KCV 08793E)";
      const handle = key();
      same(String(handle), printed);
      same(`${handle}`, printed);
      same(JSON.stringify({ handle }), `{"handle":"${printed}"}`);
      const inspect = (handle as unknown as Record<symbol, () => string>)[Symbol.for("nodejs.util.inspect.custom")];
      same(inspect?.call(handle), printed);
      same(String(importKey(SAMPLE, { algorithm: "TDES", usage: "P0" })), "SecretKey(P0 TDES-128 KCV 57C409)");
      same(
        String(generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 })).replace(/[0-9A-F]{6}/, "------"),
        "SecretKey(M7 HMAC-256 KCV ------)",
      );
    });

    suite.test("prints no check value of imported HMAC secrets and of keys that have none", () => {
      same(String(importKey(SAMPLE, { algorithm: "HMAC", usage: "M7" })), "SecretKey(M7 HMAC-128)");
      same(String(importKey(SAMPLE, { algorithm: "RSA", usage: "S0" })), "SecretKey(S0 RSA-128)");
      same(String(importKey(SAMPLE, { algorithm: "OPAQUE", usage: "D0" })), "SecretKey(D0 OPAQUE-128)");
    });

    suite.test("has no property that holds material, and none of its own", () => {
      const handle = importKey(SAMPLE, { algorithm: "AES", usage: "P0", extractable: true });
      same(Object.keys(handle), []);
      same(JSON.stringify(Object.assign({}, handle)), "{}");
      const everything = Object.getOwnPropertyNames(SecretKey.prototype).map((name) => {
        const value: unknown =
          name === "constructor" || name === "destroy" ? "" : (handle as unknown as Record<string, unknown>)[name];
        return typeof value === "function" ? String(value.call(handle)) : String(value);
      });
      ok(!everything.join().toUpperCase().includes(SAMPLE.slice(0, 8)), "no material");
    });

    suite.test("cannot be made, copied or forged by callers", () => {
      for (const state of [undefined, {}, { backend: currentBackend(), slot: 1 }])
        throwsCode(() => new SecretKey(state), "ERR_INVALID_ARGUMENT");
      for (const forged of [Object.create(SecretKey.prototype), Object.create(key()), { ...key() }, {}, null, 1]) {
        throwsCode(() => keyCheckValue(forged as SecretKey), "ERR_INVALID_ARGUMENT", /^"key" must be a SecretKey, got /);
      }
    });

    suite.test("attributes cannot be overwritten", () => {
      const handle = importKey(SAMPLE, { algorithm: "AES", usage: "P0" });
      const attempt = (name: string, value: unknown): void => {
        try {
          (handle as unknown as Record<string, unknown>)[name] = value;
        } catch {
          // A TypeError in strict code.
        }
      };
      const define = (name: string, value: unknown): void => {
        try {
          Object.defineProperty(handle, name, { value });
        } catch {
          // Frozen.
        }
      };
      for (const change of [attempt, define]) {
        change("extractable", true);
        change("usage", "D0");
        change("exportability", "S");
      }
      same([handle.extractable, handle.usage, handle.exportability], [false, "P0", "N"]);
      throwsCode(() => exposeKeyBytes(handle), "ERR_KEY_NOT_EXTRACTABLE");
    });

    suite.test("exposes bytes only if extractable, as a copy each time", () => {
      throwsCode(() => exposeKeyBytes(key()), "ERR_KEY_NOT_EXTRACTABLE");
      throwsCode(
        () => exposeKeyBytes(importKey(SAMPLE, { algorithm: "AES", usage: "P0", exportability: "S" })),
        "ERR_KEY_NOT_EXTRACTABLE",
      );
      const handle = importKey(SAMPLE, { algorithm: "AES", usage: "P0", extractable: true });
      exposeKeyBytes(handle).fill(0);
      same(toHex(exposeKeyBytes(handle)), SAMPLE);
    });
  });

  suite.group("the end of a key", () => {
    suite.test("destroy: once, for good, and again without harm", () => {
      const handle = importKey(SAMPLE, { algorithm: "AES", usage: "P0", extractable: true });
      same(handle.destroyed, false);
      handle.destroy();
      handle.destroy();
      same(handle.destroyed, true);
      same(String(handle), "SecretKey(P0 AES-128 destroyed)");
      throwsCode(() => keyCheckValue(handle), "ERR_KEY_DESTROYED", '"key" was destroyed');
      throwsCode(() => exposeKeyBytes(handle), "ERR_KEY_DESTROYED");
      same([handle.usage, handle.bits], ["P0", 128], "what it was");
    });

    suite.test("a destroyed handle does not come back with its slot", () => {
      const old = importKey(SAMPLE, { algorithm: "AES", usage: "P0", extractable: true });
      old.destroy();
      const others = Array.from({ length: 50 }, (_, i) =>
        importKey(pseudoRandom(i + 1)(16), { algorithm: "AES", usage: "P0", extractable: true }),
      );
      same(old.destroyed, true);
      throwsCode(() => exposeKeyBytes(old), "ERR_KEY_DESTROYED");
      old.destroy();
      same(
        others.every((other) => !other.destroyed),
        true,
        "others live",
      );
      for (const other of others) other.destroy();
    });

    suite.test("a slot that was freed without the handle counts as destroyed", () => {
      const handle = importKey(SAMPLE, { algorithm: "AES", usage: "P0" });
      const { backend, slot } = internals(handle, "key");
      backend.destroySlot(slot);
      same(handle.destroyed, true);
      throwsCode(() => keyCheckValue(handle), "ERR_KEY_DESTROYED");
    });

    suite.test("Symbol.dispose is there exactly where the engine has it", () => {
      const handle = importKey(SAMPLE, { algorithm: "AES", usage: "P0" });
      const symbol: symbol | undefined = (Symbol as { dispose?: symbol }).dispose;
      if (symbol === undefined) {
        same(Object.getOwnPropertySymbols(handle), []);
        handle.destroy();
      } else {
        (handle as unknown as Record<symbol, () => void>)[symbol]!();
      }
      same(handle.destroyed, true);
    });
  });

  suite.group("use of a key", () => {
    const needs: Readonly<Record<KeyOperation, string>> = {
      encrypt: "BEN",
      decrypt: "BDN",
      wrap: "BEN",
      unwrap: "BDN",
      macGenerate: "CGN",
      macVerify: "CVN",
      derive: "XN",
    };
    const families: [KeyAlgorithm, string, string][] = [
      ["AES", "D0", "NBDE"],
      ["AES", "M6", "NCGV"],
      ["AES", "B0", "NX"],
      ["TDES", "P0", "NBDE"],
    ];

    suite.test("mode of use: each operation with exactly the modes of table 4", () => {
      for (const [algorithm, usage, modes] of families) {
        for (const modeOfUse of modes) {
          const key = importKey(SAMPLE, { algorithm, usage, modeOfUse });
          for (const operation of Object.keys(needs) as KeyOperation[]) {
            const attempt = () => requireUse(key, "key", { operation, usages: [usage], algorithms: [algorithm] });
            if (needs[operation].includes(modeOfUse)) ok(attempt().slot !== 0, `${modeOfUse} may ${operation}`);
            else throwsCode(attempt, "ERR_KEY_USAGE", /has mode of use/);
          }
        }
      }
    });

    suite.test("usage and algorithm", () => {
      const key = importKey(SAMPLE, { algorithm: "AES", usage: "D0" });
      const need = { operation: "encrypt" as const, usages: ["D0"], algorithms: ["AES" as const] };
      ok(requireUse(key, "key", need).slot !== 0, "may");
      throwsCode(
        () => requireUse(key, "key", { ...need, usages: ["P0", "K0"] }),
        "ERR_KEY_USAGE",
        '"key" has usage D0; to encrypt takes P0, K0',
      );
      throwsCode(
        () => requireUse(key, "key", { ...need, algorithms: ["TDES"] }),
        "ERR_KEY_USAGE",
        '"key" has algorithm AES; to encrypt takes TDES',
      );
      throwsCode(
        () => requireUse({} as SecretKey, "macKey", need),
        "ERR_INVALID_ARGUMENT",
        '"macKey" must be a SecretKey, got an object',
      );
    });
  });
};
