/**
 * Key blocks opened and made: every published block and ours, every negative with its code, what wrapping computes, narrows and
 * refuses, and that no slot outlives a failure.
 */
import type { Backend, Slot } from "../../ts/backend/contract.js";
import { currentBackend } from "../../ts/backend/select.js";
import type { PosErrorCode } from "../../ts/base/errors.js";
import {
  exposeKeyBytes,
  generateKey,
  importKey,
  type KeyAlgorithm,
  type KeyAttributes,
  type KeyBlockHeader,
  type KeyBlockHeaderInit,
  keyCheckValue,
  parseKeyBlock,
  type SecretKey,
  type UnwrapOptions,
  unwrapKeyBlock,
  type WrapOptions,
  wrapKeyBlock,
} from "../../ts/index.js";
import dialects from "../../vectors/key-block-dialects.json" with { type: "json" };
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import positives from "../../vectors/key-blocks.json" with { type: "json" };
import { ascii, type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

interface Positive {
  id: string;
  version: string;
  kbpk: string;
  key: string;
  checkValue?: string;
  padding: string;
  block: string;
  options?: UnwrapOptions;
}

interface Negative {
  id: string;
  code: string;
  kbpk: string;
  kbpkAlgorithm: string;
  kbpkUsage?: string;
  kbpkMode?: string;
  options?: UnwrapOptions;
  block: string;
}

const published = positives.vectors as Positive[];
const refused = negatives.vectors as Negative[];

const ALGORITHM_OF: Readonly<Record<string, KeyAlgorithm>> = {
  A: "AES",
  T: "TDES",
  D: "DES",
  H: "HMAC",
  I: "HMAC",
  R: "RSA",
  E: "EC",
};

function protectionKey(material: string | Uint8Array, algorithm: string, more: Partial<KeyAttributes> = {}): SecretKey {
  return importKey(material, { algorithm: algorithm as KeyAlgorithm, usage: "K1", ...more });
}

const kbpkOf = (version: string): string => (version === "D" || version === "E" ? "AES" : "TDES");

/** A backend that counts its slots, so that a test sees what a failure leaves. */
function counting(): { backend: Backend; live: () => number } {
  const real = currentBackend();
  const slots = new Set<Slot>();
  const counted: Partial<Backend> = {
    createSlot(...args) {
      const slot = real.createSlot(...args);
      slots.add(slot);
      return slot;
    },
    unwrapKeyBlock(...args) {
      const verdict = real.unwrapKeyBlock(...args);
      if (verdict.verdict === "opened") slots.add(verdict.slot);
      return verdict;
    },
    destroySlot(slot) {
      slots.delete(slot);
      real.destroySlot(slot);
    },
  };
  const backend = new Proxy({} as Backend, {
    get(_target, name) {
      const value: unknown = Reflect.get(Reflect.has(counted, name) ? counted : real, name);
      return typeof value === "function" ? value.bind(real) : value;
    },
  });
  return { backend, live: () => slots.size };
}

/** The key again under the attributes its block states, so that wrapping it can be compared with the block. */
function sameKey(vector: Positive, header: KeyBlockHeader, hash: SecretKey["hash"]): SecretKey {
  const algorithm = ALGORITHM_OF[header.algorithm] ?? "OPAQUE";
  return importKey(vector.key, {
    algorithm,
    usage: header.usage,
    modeOfUse: header.modeOfUse,
    exportability: "S",
    keyVersion: header.keyVersion,
    ...(hash === undefined ? {} : { hash }),
  });
}

/** Blocks of each dialect that each strict knob refuses. */
const EXPECTED_REFUSALS: [string, number][] = [
  ["AWS, hexCase", 8],
  ["K1 K2 K1, grammar", 2],
  ["moov-io/tr31, grammar", 5],
  ["payShield, grammar", 6],
  ["paysec, grammar", 6],
  ["psec, grammar", 9],
];

export const keyBlockCases: Cases = (suite) => {
  suite.group("key blocks open", () => {
    for (const vector of published) {
      suite.test(vector.id, () => {
        const kbpk = protectionKey(vector.kbpk, kbpkOf(vector.version));
        const { key, header } = unwrapKeyBlock(kbpk, vector.block, { ...vector.options, extractable: true });
        same(toHex(exposeKeyBytes(key)), vector.key, "key");
        same(header.version, vector.version, "version");
        same(
          [key.usage, key.modeOfUse, key.exportability, key.keyVersion],
          [header.usage, header.modeOfUse, header.exportability, header.keyVersion],
        );
        if (vector.checkValue !== undefined && key.algorithm !== "OPAQUE") {
          same(keyCheckValue(key, { length: vector.checkValue.length / 2 }), vector.checkValue, "check value");
        }
        key.destroy();
        kbpk.destroy();
      });

      suite.test(`${vector.id}: from Base64, from bytes, under report`, () => {
        const kbpk = protectionKey(vector.kbpk, kbpkOf(vector.version));
        const base64 = btoaOf(vector.block);
        for (const form of [base64, ascii(vector.block), ascii(base64)]) {
          const { key } = unwrapKeyBlock(kbpk, form, { ...vector.options, policy: "report", extractable: true });
          same(toHex(exposeKeyBytes(key)), vector.key);
          key.destroy();
        }
        kbpk.destroy();
      });
    }
  });

  suite.group("key blocks as the field writes them open without an option", () => {
    for (const vector of dialects.vectors) {
      suite.test(vector.id, () => {
        const kbpk = protectionKey(vector.kbpk, kbpkOf(vector.version));
        const { key, report } = unwrapKeyBlock(kbpk, vector.block, { extractable: true });
        same(toHex(exposeKeyBytes(key)), vector.key, "key");
        same(
          report.filter(({ severity }) => severity === "violation"),
          [],
          "violations",
        );
        same(report.length > 0, /K[CP] of six digits|KC and KP of six digits/.test(vector.id), "notices");
        key.destroy();
        kbpk.destroy();
      });
    }

    suite.test("the strict knobs refuse each dialect by what sets it apart", () => {
      const refusals: Record<string, number> = {};
      for (const { dialect, block, kbpk: material, version } of dialects.vectors) {
        const kbpk = protectionKey(material, kbpkOf(version));
        for (const options of [{ grammar: "strict" }, { hexCase: "upper" }] as const) {
          const name = `${dialect}, ${Object.keys(options)[0]}`;
          try {
            unwrapKeyBlock(kbpk, block, options).key.destroy();
          } catch {
            refusals[name] = (refusals[name] ?? 0) + 1;
          }
        }
        kbpk.destroy();
      }
      same(Object.entries(refusals).sort(), EXPECTED_REFUSALS);
    });
  });

  suite.group("key blocks are made again, character for character", () => {
    for (const vector of published) {
      suite.test(vector.id, () => {
        const kbpk = protectionKey(vector.kbpk, kbpkOf(vector.version));
        const { key, header } = unwrapKeyBlock(kbpk, vector.block, vector.options);
        const headerLength = vector.block.length - (vector.key.length + vector.padding.length + 4) - macDigits(vector.version);
        if (vector.options?.policy === "report") {
          // Against the rules, so that only the backend makes it.
          const backend = currentBackend();
          const kbpkSlot = backend.createSlot(kbpkOf(vector.version) as "AES", hex(vector.kbpk));
          const slot = backend.createSlot("OPAQUE", hex(vector.key));
          const text = vector.block.slice(0, headerLength);
          const body = backend.wrapKeyBlock(kbpkSlot, header.version, text, slot, hex(vector.padding));
          same(text + body, vector.block);
          backend.destroySlot(kbpkSlot);
          backend.destroySlot(slot);
        } else {
          const again = sameKey(vector, header, key.hash);
          const block = wrapKeyBlock(kbpk, again, header, { padding: hex(vector.padding), grammar: "lenient" });
          same(block, vector.block.slice(0, headerLength) + vector.block.slice(headerLength).toUpperCase());
          again.destroy();
        }
        key.destroy();
        kbpk.destroy();
      });
    }
  });

  suite.group("key blocks that are refused", () => {
    for (const vector of refused) {
      suite.test(vector.id, () => {
        const { backend, live } = counting();
        const kbpk = protectionKey(vector.kbpk, vector.kbpkAlgorithm, {
          usage: vector.kbpkUsage ?? "K1",
          modeOfUse: vector.kbpkMode ?? "N",
          backend,
        });
        same(live(), 1, "slots before");
        const error = throwsCode(() => unwrapKeyBlock(kbpk, vector.block, vector.options), vector.code as PosErrorCode);
        same(live(), 1, "slots after");
        const body = vector.block.slice(24);
        ok(body.length < 8 || !error.message.includes(body.slice(0, 8)), "the message is free of the block's content");
        kbpk.destroy();
        same(live(), 0, "slots in the end");
      });
    }

    suite.test("wrong key, changed header, changed ciphertext and changed MAC are one error", () => {
      const messages = refused
        .filter(({ code }) => code === "ERR_KEY_BLOCK_MAC")
        .map((vector) => {
          const kbpk = protectionKey(vector.kbpk, vector.kbpkAlgorithm);
          const error = throwsCode(() => unwrapKeyBlock(kbpk, vector.block), "ERR_KEY_BLOCK_MAC");
          kbpk.destroy();
          return `${error.name} ${error.message} ${JSON.stringify(error)}`;
        });
      ok(messages.length > 40, "vectors");
      same(new Set(messages).size, 1, "different errors");
    });

    suite.test("a destroyed KBPK, something that is no key, and options of wrong types", () => {
      const kbpk = protectionKey(published[0]!.kbpk, "AES");
      const block = published[0]!.block;
      const wrong = (options: unknown) =>
        throwsCode(() => unwrapKeyBlock(kbpk, block, options as UnwrapOptions), "ERR_INVALID_ARGUMENT");
      for (const name of [
        "extractable",
        "expectUsage",
        "expectModeOfUse",
        "kcv",
        "hash",
        "lengthHiding",
        "hexCase",
        "grammar",
        "policy",
      ]) {
        wrong({ [name]: 7 });
        wrong({ [name]: null });
      }
      wrong({ policy: "off" });
      wrong({ expectUsage: ["D0", 1] });
      wrong(null);
      wrong("report");
      for (const bad of [undefined, null, 7, {}, [], "key", { algorithm: "AES" }]) {
        throwsCode(() => unwrapKeyBlock(bad as SecretKey, block), "ERR_INVALID_ARGUMENT");
      }
      for (const bad of [undefined, null, 7, {}, [68, 48]]) {
        throwsCode(() => unwrapKeyBlock(kbpk, bad as string), "ERR_INVALID_ARGUMENT", /^"block" must be a string or bytes, got /);
      }
      kbpk.destroy();
      throwsCode(() => unwrapKeyBlock(kbpk, block), "ERR_KEY_DESTROYED");
    });
  });

  suite.group("wrapKeyBlock", () => {
    const aes = (more: Partial<KeyAttributes> = {}) =>
      importKey(pseudoRandom(7)(16), { algorithm: "AES", usage: "D0", exportability: "E", ...more });
    const wrapped = (
      key: SecretKey,
      header?: KeyBlockHeaderInit,
      options?: WrapOptions,
      kbpk = protectionKey(pseudoRandom(9)(32), "AES"),
    ) => {
      const block = wrapKeyBlock(kbpk, key, header, options);
      kbpk.destroy();
      return parseKeyBlock(block);
    };

    suite.test("takes version, usage, mode, exportability and key version from the KBPK and the key", () => {
      const header = wrapped(aes({ modeOfUse: "B", keyVersion: "7a", exportability: "S" }));
      const { version, usage, algorithm, modeOfUse, keyVersion, exportability, context, optionalBlocks } = header;
      same([version, usage, algorithm, modeOfUse, keyVersion, exportability, context], ["D", "D0", "A", "B", "7a", "S", "0"]);
      same(optionalBlocks, []);
      same(
        wrapped(
          importKey(pseudoRandom(1)(16), { algorithm: "TDES", usage: "P0", exportability: "E" }),
          {},
          {},
          protectionKey(pseudoRandom(2)(24), "TDES"),
        ).version,
        "B",
      );
    });

    suite.test("hides lengths by default, and does not if told so", () => {
      const sizes = (version: "B" | "D" | "E", key: SecretKey, hideLength: boolean): number => {
        const kbpk = protectionKey(pseudoRandom(4)(version === "B" ? 24 : 32), kbpkOf(version));
        const { length } = parseKeyBlock(wrapKeyBlock(kbpk, key, { version }, { hideLength }));
        kbpk.destroy();
        return (length - 16 - macDigits(version)) / 2;
      };
      const tdes = (bytes: number) =>
        importKey(pseudoRandom(bytes)(bytes), { algorithm: "TDES", usage: "D0", exportability: "E" });
      const aesOf = (bytes: number) =>
        importKey(pseudoRandom(bytes)(bytes), { algorithm: "AES", usage: "D0", exportability: "E" });
      same(
        [16, 24].map((n) => sizes("B", tdes(n), true)),
        [32, 32],
      );
      same(
        [16, 24].map((n) => sizes("B", tdes(n), false)),
        [24, 32],
      );
      same(
        [16, 24, 32].map((n) => sizes("D", aesOf(n), true)),
        [48, 48, 48],
      );
      same(
        [16, 24, 32].map((n) => sizes("D", aesOf(n), false)),
        [32, 32, 48],
      );
      same(
        [16, 24, 32].map((n) => sizes("E", aesOf(n), true)),
        [34, 34, 34],
      );
      same(
        [16, 24, 32].map((n) => sizes("E", aesOf(n), false)),
        [18, 26, 34],
      );
    });

    suite.test("pads with fresh randomness", () => {
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const key = aes();
      const blocks = Array.from({ length: 8 }, () => wrapKeyBlock(kbpk, key));
      same(new Set(blocks).size, 8, "different blocks");
      kbpk.destroy();
    });

    suite.test("computes KC, KP, HM and PB", () => {
      const kbpk = protectionKey("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6", "AES");
      const key = importKey("3F419E1CB7079442AA37474C2EFBF8B8", { algorithm: "AES", usage: "P0", exportability: "E" });
      const block = wrapKeyBlock(kbpk, key, { optionalBlocks: [{ id: "KC" }, { id: "KP" }, { id: "LB", label: "x" }] });
      const [kc, kp, , pb] = parseKeyBlock(block).optionalBlocks;
      same(kc!.value, { id: "KC", method: "CMAC", checkValue: "08793E25AB" });
      same(kp!.value, { id: "KP", method: "CMAC", checkValue: keyCheckValue(kbpk, { length: 5 }) });
      same([pb!.id, (16 + 16 + 5 + 4 + pb!.data.length) % 16], ["PB", 0]);
      const hmac = generateKey({ algorithm: "HMAC", usage: "M7", hash: "SHA-384", bits: 256, exportability: "E" });
      const header = parseKeyBlock(wrapKeyBlock(kbpk, hmac));
      same(header.optionalBlocks[0]!.value, { id: "HM", hash: "SHA-384" });
      const tdes = importKey("3F419E1CB7079442AA37474C2EFBF8B8", { algorithm: "TDES", usage: "P0", exportability: "E" });
      same(parseKeyBlock(wrapKeyBlock(kbpk, tdes, { optionalBlocks: [{ id: "KC" }] })).optionalBlocks[0]!.data, "0057C409");
      throwsCode(() => wrapKeyBlock(kbpk, hmac, { optionalBlocks: [{ id: "KC" }] }), "ERR_INVALID_ARGUMENT");
      for (const each of [kbpk, key, hmac, tdes]) each.destroy();
    });

    suite.test("a stated KC, KP or HM must be right", () => {
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const key = aes();
      const right = keyCheckValue(key, { length: 4 });
      ok(
        wrapKeyBlock(kbpk, key, { optionalBlocks: [{ id: "KC", method: "CMAC", checkValue: right.toLowerCase() }] }).includes(
          `KC0E01${right}`,
        ),
        "stated KC",
      );
      throwsCode(
        () => wrapKeyBlock(kbpk, key, { optionalBlocks: [{ id: "KC", method: "CMAC", checkValue: "012345" }] }),
        "ERR_KCV_MISMATCH",
      );
      throwsCode(() => wrapKeyBlock(kbpk, key, { optionalBlocks: [{ id: "KP", data: "0100000000" }] }), "ERR_KCV_MISMATCH");
      const hmac = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256, exportability: "E" });
      throwsCode(() => wrapKeyBlock(kbpk, hmac, { optionalBlocks: [{ id: "HM", hash: "SHA-512" }] }), "ERR_KEY_USAGE");
    });

    suite.test("narrows usage, mode and exportability, and never widens them", () => {
      const allowed: [Partial<KeyAttributes>, KeyBlockHeaderInit][] = [
        [{ modeOfUse: "N" }, { modeOfUse: "E" }],
        [{ modeOfUse: "B" }, { modeOfUse: "D" }],
        [{ exportability: "S" }, { exportability: "E" }],
        [{ exportability: "S" }, { exportability: "N" }],
        [{ exportability: "E" }, { exportability: "N" }],
        [{ usage: "K0" }, { usage: "K1" }],
        [{ usage: "K0" }, { usage: "K4" }],
      ];
      for (const [attributes, header] of allowed) ok(wrapped(aes(attributes), header).length > 0);
      const refusals: [Partial<KeyAttributes>, KeyBlockHeaderInit][] = [
        [{ modeOfUse: "E" }, { modeOfUse: "N" }],
        [{ modeOfUse: "E" }, { modeOfUse: "B" }],
        [{ modeOfUse: "E" }, { modeOfUse: "D" }],
        [{ exportability: "E" }, { exportability: "S" }],
        [{ usage: "K1" }, { usage: "K0" }],
        [{ usage: "D0" }, { usage: "P0" }],
        [{}, { algorithm: "T" }],
      ];
      for (const [attributes, header] of refusals) throwsCode(() => wrapped(aes(attributes), header), "ERR_KEY_USAGE");
    });

    suite.test("refuses a key of exportability N, and a KBPK that may not wrap, is unsuitable, or too weak", () => {
      throwsCode(() => wrapped(aes({ exportability: "N" })), "ERR_KEY_NOT_EXPORTABLE");
      throwsCode(() => wrapped(aes(), {}, {}, protectionKey(pseudoRandom(4)(32), "AES", { modeOfUse: "D" })), "ERR_KEY_USAGE");
      throwsCode(() => wrapped(aes(), {}, {}, protectionKey(pseudoRandom(4)(32), "AES", { usage: "D0" })), "ERR_KEY_USAGE");
      throwsCode(() => wrapped(aes(), { version: "B" }), "ERR_KEY_BLOCK_KBPK", /AES key protects versions D and E/);
      throwsCode(() => wrapped(aes(), { version: "D" }, {}, protectionKey(pseudoRandom(4)(24), "TDES")), "ERR_KEY_BLOCK_KBPK");
      throwsCode(() => wrapped(aes(), {}, {}, protectionKey(pseudoRandom(4)(24), "TDES")), "ERR_KEY_BLOCK_POLICY");
      const strong = importKey(pseudoRandom(6)(32), { algorithm: "AES", usage: "D0", exportability: "E" });
      throwsCode(() => wrapped(strong, {}, {}, protectionKey(pseudoRandom(4)(16), "AES")), "ERR_KEY_BLOCK_POLICY");
      ok(
        wrapped(aes(), {}, {}, protectionKey(pseudoRandom(4)(32), "AES", { usage: "K4", modeOfUse: "E" })).length > 0,
        "K4, mode E",
      );
    });

    suite.test("a component stays one, whatever block it is put into", () => {
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const component = importKey(pseudoRandom(5)(16), { algorithm: "AES", usage: "K0", exportability: "E", keyVersion: "c1" });
      const { key } = unwrapKeyBlock(kbpk, wrapKeyBlock(kbpk, component, { exportability: "E" }), { policy: "report" });
      same([key.algorithm, key.keyVersion], ["OPAQUE", "c1"]);
      throwsCode(() => wrapKeyBlock(kbpk, key, { keyVersion: "00" }), "ERR_KEY_USAGE", /keyVersion c1/);
      throwsCode(() => wrapKeyBlock(kbpk, key, { keyVersion: "c2" }), "ERR_KEY_USAGE", /keyVersion c1/);
      same(parseKeyBlock(wrapKeyBlock(kbpk, key)).keyVersion, "c1");
      for (const each of [kbpk, component, key]) each.destroy();
    });

    suite.test("the strict form writes no length that strict reading objects to", () => {
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const key = aes();
      const lax: KeyBlockHeaderInit[] = [
        { optionalBlocks: [{ id: "LB", data: "q", form: "long" }] },
        { optionalBlocks: [{ id: "LB", data: "q".repeat(300), form: "long-bytes" }] },
      ];
      for (const header of lax) {
        throwsCode(() => wrapKeyBlock(kbpk, key, header), "ERR_INVALID_ARGUMENT", /^"header\.optionalBlocks"/);
        const block = wrapKeyBlock(kbpk, key, header, { grammar: "lenient" });
        throwsCode(() => unwrapKeyBlock(kbpk, block, { grammar: "strict" }), "ERR_KEY_BLOCK_POLICY");
        unwrapKeyBlock(kbpk, block).key.destroy();
      }
      const strict: KeyBlockHeaderInit = {
        optionalBlocks: [
          { id: "LB", data: "q".repeat(300) },
          { id: "42", data: "own" },
        ],
      };
      unwrapKeyBlock(kbpk, wrapKeyBlock(kbpk, key, strict), { grammar: "strict" }).key.destroy();
      for (const each of [kbpk, key]) each.destroy();
    });

    suite.test("a check value is asked for where there is none", () => {
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const rsa = importKey(pseudoRandom(6)(64), { algorithm: "RSA", usage: "S0", exportability: "E" });
      const block = wrapKeyBlock(kbpk, rsa);
      throwsCode(() => unwrapKeyBlock(kbpk, block, { kcv: "000000" }), "ERR_KEY_USAGE", /^"kcv" cannot be compared/);
      for (const each of [kbpk, rsa]) each.destroy();
    });

    suite.test("refuses headers that no reader accepts", () => {
      const key = aes();
      const bad: KeyBlockHeaderInit[] = [
        { usage: "D" },
        { modeOfUse: "X" },
        { exportability: "Z" },
        { keyVersion: "0" },
        { keyVersion: "é0" },
        { context: "3" },
        { algorithm: "" },
        { optionalBlocks: [{ id: "L", data: "x" }] },
        { optionalBlocks: [{ id: "LB", data: "caf\u00e9" }] },
        {
          optionalBlocks: [
            { id: "LB", data: "a" },
            { id: "LB", data: "b" },
          ],
        },
        {
          optionalBlocks: [
            { id: "PB", data: "" },
            { id: "LB", data: "b" },
          ],
        },
        { optionalBlocks: [{ id: "DA", data: "01P0AEN" }] },
        { optionalBlocks: [{ id: "TS", data: "yesterday" }] },
        { optionalBlocks: [{ id: "HM", hash: "SHA-256" }] },
        { optionalBlocks: [{ id: "KS", keySerialNumber: "FFFF9876543210E00000" }] },
        { optionalBlocks: [{ id: "LB", data: "x".repeat(300), form: "short" }] },
        { optionalBlocks: [{ id: "LB", data: "x".repeat(9900) }] },
        { optionalBlocks: Array.from({ length: 99 }, (_, i) => ({ id: String(i).padStart(2, "0"), data: "" })) },
      ];
      for (const header of bad) {
        const error = throwsCode(() => wrapped(key, header), "ERR_INVALID_ARGUMENT");
        ok(/^"(?:header|optional block)/.test(error.message), error.message);
      }
      const wrongTypes: unknown[] = [
        { usage: 7 },
        { optionalBlocks: {} },
        { optionalBlocks: [null] },
        { optionalBlocks: [{ data: "x" }] },
        { optionalBlocks: [{ id: "ZZ" }] },
        { optionalBlocks: [{ id: "CT", chain: true, certificates: ["x"] }] },
        { optionalBlocks: [{ id: "HM", hash: 256 }] },
        { optionalBlocks: [{ id: "LB", data: "x", form: "wide" }] },
      ];
      for (const header of wrongTypes) throwsCode(() => wrapped(key, header as KeyBlockHeaderInit), "ERR_INVALID_ARGUMENT");
      throwsCode(() => wrapped(key, { version: "F" as "D" }), "ERR_KEY_BLOCK_VERSION");
      throwsCode(
        () => wrapped(key, { optionalBlocks: [{ id: "LB", data: "x".repeat(9850) }] }),
        "ERR_INVALID_ARGUMENT",
        /at most 9999 characters/,
      );
    });

    suite.test("uses the caller's padding if it fits", () => {
      const key = aes();
      throwsCode(() => wrapped(key, {}, { padding: new Uint8Array(13) }), "ERR_INVALID_ARGUMENT", /^"padding" must be/);
      throwsCode(() => wrapped(key, {}, { padding: "00" as unknown as Uint8Array }), "ERR_INVALID_ARGUMENT");
      ok(wrapped(key, { version: "E" }, { padding: new Uint8Array(13) }).length > 0, "any length in version E");
    });

    suite.test("imported opaque keys need the algorithm of their header", () => {
      const opaque = importKey(pseudoRandom(3)(40), { algorithm: "OPAQUE", usage: "S0", exportability: "E" });
      throwsCode(() => wrapped(opaque), "ERR_INVALID_ARGUMENT");
      same(wrapped(opaque, { algorithm: "R" }).algorithm, "R");
      const odd = importKey(pseudoRandom(3)(20), { algorithm: "OPAQUE", usage: "D0", exportability: "E" });
      throwsCode(() => wrapped(odd, { algorithm: "A" }), "ERR_KEY_BLOCK_POLICY", /20 bytes are no length/);
      const strong = importKey(pseudoRandom(3)(32), { algorithm: "OPAQUE", usage: "D0", exportability: "E" });
      throwsCode(
        () => wrapped(strong, { algorithm: "A" }, {}, protectionKey(pseudoRandom(4)(16), "AES")),
        "ERR_KEY_BLOCK_POLICY",
      );
    });

    suite.test("prototype pollution supplies no header field and no option", () => {
      const poisoned = Object.create({ version: "F", modeOfUse: "Z", hideLength: 3, grammar: "none" });
      same(wrapped(aes(), poisoned, poisoned).version, "D");
    });
  });

  suite.group("every typed optional block", () => {
    const typed: NonNullable<KeyBlockHeaderInit["optionalBlocks"]> = [
      { id: "AL", life: "ephemeral" },
      { id: "BI", scheme: "AES", identifier: "1234abcd" },
      {
        id: "CT",
        chain: true,
        certificates: [
          { format: "X.509", certificate: "MIIA" },
          { format: "EMV", certificate: "AAECAw==" },
        ],
      },
      { id: "FL", flags: "01" },
      { id: "IK", initialKeyId: "1234567890abcdef" },
      { id: "KV", keyBlockValues: "0000" },
      { id: "LB", label: "a label" },
      { id: "PK", method: "ANSI_X9_24", checkValue: "ABCDEF" },
      { id: "TC", time: "2026-11-22T00:30:00Z", compact: true },
      { id: "TS", time: "2026-11-22T00:30:00.25Z", compact: false },
      { id: "WP", pedigree: "lesser and asymmetric" },
    ];

    suite.test("is written and read back as it was given", () => {
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const key = importKey(pseudoRandom(5)(32), { algorithm: "AES", usage: "B1", exportability: "E" });
      const block = wrapKeyBlock(kbpk, key, { optionalBlocks: typed });
      const { header } = unwrapKeyBlock(kbpk, block, { grammar: "strict" });
      const upper = JSON.parse(
        JSON.stringify(typed).replace("1234abcd", "1234ABCD").replace("1234567890abcdef", "1234567890ABCDEF"),
      );
      same(
        header.optionalBlocks.filter(({ id }) => id !== "PB").map(({ value }) => value),
        upper,
      );
    });

    suite.test("a typed value with a wrong word, a missing member or a second certificate is refused", () => {
      const certificate = { format: "X.509", certificate: "AAAA" };
      const derivation = { usage: "P0", algorithm: "A", modeOfUse: "E", exportability: "N" };
      const { exportability: _missing, ...incomplete } = derivation;
      const wrong: readonly [object | undefined, RegExp][] = [
        [{ id: "AL", life: "eternal" }, /\.life" must be ephemeral or static, got another word$/],
        [{ id: "BI", scheme: "DES", identifier: "0011223344" }, /\.scheme" must be TDEA or AES/],
        [{ id: "PK", method: "SHA-1", checkValue: "001122" }, /\.method" must be ANSI_X9_24 or CMAC/],
        [{ id: "TS", time: "2020-08-18T00:41:00Z" }, /\.compact" must be a boolean/],
        [{ id: "WP", pedigree: "none" }, /must be a well-formed WP/],
        [{ id: "HM", hash: "MD5" }, /must be a well-formed HM/],
        [{ id: "CT", certificates: [certificate] }, /\.chain" must be a boolean/],
        [{ id: "CT", chain: false, certificates: [certificate, certificate] }, /must be a well-formed CT/],
        [{ id: "CT", chain: true, certificates: [{}] }, /\.certificates" must be a list of certificates/],
        [{ id: "CT", chain: true, certificates: [{ ...certificate, certificate: null }] }, /\.certificates" must be a list/],
        [{ id: "CT", chain: true, certificates: [{ ...certificate, format: "PGP" }] }, /\.certificates" must be a list/],
        [{ id: "CT", chain: true, certificates: new Array(1) }, /\.certificates" must be a list/],
        [{ id: "DA", derivations: Array.from({ length: 5 }, () => incomplete) }, /\.derivations" must be a list of derivations/],
        [{ id: "DA", derivations: [{ ...derivation, usage: "P0A", algorithm: "" }] }, /\.derivations" must be a list/],
        [{ id: "DA", derivations: [Object.create(derivation)] }, /\.derivations" must be a list/],
        [undefined, /^"header\.optionalBlocks\[0\]" must be an object, got undefined/],
      ];
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const key = importKey(pseudoRandom(5)(16), { algorithm: "AES", usage: "B3", exportability: "E" });
      for (const [block, message] of wrong) {
        const optionalBlocks = [block] as NonNullable<KeyBlockHeaderInit["optionalBlocks"]>;
        throwsCode(() => wrapKeyBlock(kbpk, key, { optionalBlocks }), "ERR_INVALID_ARGUMENT", message);
      }
      const sparse = new Array(2) as NonNullable<KeyBlockHeaderInit["optionalBlocks"]>;
      throwsCode(() => wrapKeyBlock(kbpk, key, { optionalBlocks: sparse }), "ERR_INVALID_ARGUMENT", /must be an object/);
      for (const each of [kbpk, key]) each.destroy();
    });

    suite.test("KS, HM and DA where they belong", () => {
      const tdesKbpk = protectionKey(pseudoRandom(4)(24), "TDES");
      const initial = importKey(pseudoRandom(5)(16), { algorithm: "TDES", usage: "B1", exportability: "E" });
      const ksBlock = wrapKeyBlock(tdesKbpk, initial, {
        optionalBlocks: [{ id: "KS", keySerialNumber: "FFFF9876543210E00000" }],
      });
      same(unwrapKeyBlock(tdesKbpk, ksBlock, { grammar: "strict" }).header.optionalBlocks[0]!.value, {
        id: "KS",
        keySerialNumber: "FFFF9876543210E00000",
      });
      const kbpk = protectionKey(pseudoRandom(4)(32), "AES");
      const derivations = [
        { usage: "P0", algorithm: "A", modeOfUse: "E", exportability: "N" },
        { usage: "M6", algorithm: "A", modeOfUse: "C", exportability: "E" },
      ];
      const master = importKey(pseudoRandom(6)(32), { algorithm: "AES", usage: "B3", exportability: "E" });
      const daBlock = wrapKeyBlock(kbpk, master, { optionalBlocks: [{ id: "DA", derivations }] });
      same(unwrapKeyBlock(kbpk, daBlock, { grammar: "strict" }).header.optionalBlocks[0]!.value, { id: "DA", derivations });
    });
  });
};

function macDigits(version: string): number {
  if (version === "A" || version === "C") return 8;
  return version === "B" ? 16 : 32;
}

/** Base64 without `btoa`, which not every engine has. */
function btoaOf(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let out = "";
  for (let i = 0; i < text.length; i += 3) {
    const rest = text.length - i;
    const group =
      (text.charCodeAt(i) << 16) | ((rest > 1 ? text.charCodeAt(i + 1) : 0) << 8) | (rest > 2 ? text.charCodeAt(i + 2) : 0);
    out +=
      alphabet[group >> 18]! +
      alphabet[(group >> 12) & 63]! +
      (rest > 1 ? alphabet[(group >> 6) & 63]! : "=") +
      (rest > 2 ? alphabet[group & 63]! : "=");
  }
  return out;
}
