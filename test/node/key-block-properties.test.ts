/**
 * Laws of key blocks over random headers, optional blocks, keys and KBPKs: what was wrapped opens to the same key, here and in the
 * reference; what was changed anywhere does not open.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  exposeKeyBytes,
  importKey,
  type KeyAlgorithm,
  type KeyBlockHeaderInit,
  type KeyBlockVersion,
  loadCrypto,
  type OptionalBlockInit,
  PosCryptoError,
  parseKeyBlock,
  type SecretKey,
  unwrapKeyBlock,
  wrapKeyBlock,
} from "../../ts/index.js";
import { referenceOpen, referenceProtect } from "./reference-key-block.js";

const PUBLISHED = ["ERR_KEY_BLOCK_SYNTAX", "ERR_KEY_BLOCK_PROPRIETARY", "ERR_KEY_BLOCK_KBPK", "ERR_KEY_BLOCK_MAC"];

interface Plan {
  version: KeyBlockVersion;
  kbpk: Uint8Array;
  algorithm: KeyAlgorithm;
  letter: string;
  usage: string;
  modeOfUse: string;
  hash: "SHA-1" | "SHA-224" | "SHA-256" | "SHA-384" | "SHA-512";
  material: Uint8Array;
  exportability: "E" | "N" | "S";
  keyVersion: string;
  context: string;
  optionalBlocks: OptionalBlockInit[];
  hideLength: boolean;
}

const bytesOf = (...lengths: number[]) => fc.constantFrom(...lengths).chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
const printable = (maxLength: number) =>
  fc.array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength }).map((codes) => String.fromCharCode(...codes));
const letters = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

const optionalBlock: fc.Arbitrary<OptionalBlockInit> = fc.oneof(
  printable(60).map((label) => ({ id: "LB" as const, label })),
  printable(600).map((data) => ({ id: "ZL", data })),
  printable(20).map((data) => ({ id: "10", data })),
  fc
    .constantFrom("equal or greater", "lesser", "asymmetric", "lesser and asymmetric")
    .map((pedigree) => ({ id: "WP" as const, pedigree }) as OptionalBlockInit),
  fc.boolean().map((compact) => ({ id: "TS" as const, time: "2026-11-22T00:30:00.07Z", compact })),
  fc.constant({ id: "KP" as const }),
  fc.constant({ id: "KV" as const, keyBlockValues: "0000" }),
);

/** Families of algorithm, usages, modes and lengths that the tables allow. */
const families: { algorithm: KeyAlgorithm; letter: string; usages: string[]; modes: string; lengths: number[] }[] = [
  { algorithm: "AES", letter: "A", usages: ["D0", "P0", "K0", "K1"], modes: "NBDE", lengths: [16, 24, 32] },
  { algorithm: "AES", letter: "A", usages: ["M6", "C0", "V1"], modes: "NCGV", lengths: [16, 24, 32] },
  { algorithm: "TDES", letter: "T", usages: ["B0", "B1", "E0"], modes: "NX", lengths: [16, 24] },
  { algorithm: "TDES", letter: "T", usages: ["D0", "P0", "K1"], modes: "NBDE", lengths: [16, 24] },
  { algorithm: "DES", letter: "D", usages: ["M1", "M3"], modes: "NCGV", lengths: [8] },
  { algorithm: "HMAC", letter: "H", usages: ["M7"], modes: "NCGV", lengths: [14, 16, 20, 32, 64, 100, 1000] },
  { algorithm: "RSA", letter: "R", usages: ["S0", "S1"], modes: "NSV", lengths: [1, 300, 1192, 2000] },
  { algorithm: "EC", letter: "E", usages: ["K3"], modes: "NBDEX", lengths: [121, 167] },
];

/** Strength of the KBPK, so that plans do not ask for what policy refuses. */
function strengthFits({ version, kbpk, algorithm, material, hash }: Plan): boolean {
  const own = version === "D" || version === "E" ? kbpk.length * 8 : kbpk.length === 24 ? 112 : 80;
  if (algorithm === "AES") return material.length * 8 <= own;
  if (algorithm === "TDES") return (material.length === 24 ? 112 : 80) <= own;
  const limit = hash === "SHA-1" ? 128 : hash === "SHA-224" ? 192 : 256;
  return algorithm !== "HMAC" || Math.min(material.length * 8, limit) <= own;
}

const plan: fc.Arbitrary<Plan> = fc
  .constantFrom<KeyBlockVersion>("A", "B", "C", "D", "E")
  .chain((version) =>
    fc.constantFrom(...families).chain((family) =>
      fc.record({
        version: fc.constant(version),
        kbpk: version === "D" || version === "E" ? bytesOf(16, 24, 32) : bytesOf(16, 24),
        algorithm: fc.constant(family.algorithm),
        letter: fc.constant(family.letter),
        usage: fc.constantFrom(...family.usages),
        modeOfUse: fc.constantFrom(...family.modes),
        hash: fc.constantFrom("SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"),
        material: bytesOf(...family.lengths),
        exportability: fc.constantFrom("E", "N", "S"),
        keyVersion: fc.tuple(fc.constantFrom(...letters), fc.constantFrom(...letters)).map((pair) => pair.join("")),
        context: fc.constantFrom("0", "1", "2"),
        optionalBlocks: fc.uniqueArray(optionalBlock, { maxLength: 5, selector: ({ id }) => id }),
        hideLength: fc.boolean(),
      }),
    ),
  )
  .filter(strengthFits) as fc.Arbitrary<Plan>;

function keysOf(each: Plan): { kbpk: SecretKey; key: SecretKey } {
  const { version, algorithm, usage, hash } = each;
  const kbpk = importKey(each.kbpk, { algorithm: version === "D" || version === "E" ? "AES" : "TDES", usage: "K0" });
  const key = importKey(each.material, { algorithm, usage, exportability: "S", ...(algorithm === "HMAC" ? { hash } : {}) });
  return { kbpk, key };
}

function wrap(each: Plan, kbpk: SecretKey, key: SecretKey): string {
  const { version, modeOfUse, exportability, keyVersion, context, optionalBlocks, hideLength } = each;
  const header: KeyBlockHeaderInit = { version, modeOfUse, exportability, keyVersion, context, optionalBlocks };
  return wrapKeyBlock(kbpk, key, header, { hideLength });
}

function headerLength(block: string): number {
  const { optionalBlocks } = parseKeyBlock(block);
  return optionalBlocks.reduce((at, { data, form }) => at + data.length + (form === "short" ? 4 : 10), 16);
}

describe.each(["wasm-simd", "wasm", "noble"] as const)("%s", (backend) => {
  beforeAll(async () => {
    await loadCrypto({ backend });
  });

  it("wrap, then unwrap, is the identity, and the reference agrees in both directions", () => {
    fc.assert(
      fc.property(plan, (each) => {
        const { kbpk, key } = keysOf(each);
        const block = wrap(each, kbpk, key);
        const opened = unwrapKeyBlock(kbpk, block, { extractable: true });
        expect(Buffer.from(exposeKeyBytes(opened.key)).equals(Buffer.from(each.material))).toBe(true);
        const { algorithm, usage, modeOfUse, exportability, keyVersion, context } = each;
        expect([opened.key.algorithm, opened.key.usage, opened.key.modeOfUse, opened.key.exportability]).toEqual([
          algorithm,
          usage,
          modeOfUse,
          exportability,
        ]);
        expect([opened.header.keyVersion, opened.header.context, opened.header.algorithm]).toEqual([
          keyVersion,
          context,
          each.letter,
        ]);
        if (algorithm === "HMAC") expect(opened.key.hash).toBe(each.hash);
        const payload = referenceOpen(Buffer.from(each.kbpk), block, headerLength(block))!;
        expect(payload.subarray(2, 2 + each.material.length).equals(Buffer.from(each.material))).toBe(true);
        const again = referenceProtect(each.version, Buffer.from(each.kbpk), block.slice(0, headerLength(block)), payload);
        expect(again).toBe(block);
        for (const used of [kbpk, key, opened.key]) used.destroy();
      }),
      { numRuns: 300, seed: 20261122 },
    );
  });

  it("what was read can be written again, character for character", () => {
    fc.assert(
      fc.property(plan, (each) => {
        const { kbpk, key } = keysOf(each);
        const block = wrap(each, kbpk, key);
        const payload = referenceOpen(Buffer.from(each.kbpk), block, headerLength(block))!;
        const padding = payload.subarray(2 + each.material.length);
        expect(wrapKeyBlock(kbpk, key, parseKeyBlock(block), { padding })).toBe(block);
        kbpk.destroy();
        key.destroy();
      }),
      { numRuns: 150, seed: 4711 },
    );
  });

  it("any one-character change fails with a published code", () => {
    fc.assert(
      fc.property(plan, fc.nat(), fc.integer({ min: 0x20, max: 0x7e }), (each, where, code) => {
        const { kbpk, key } = keysOf(each);
        const block = wrap(each, kbpk, key);
        const at = where % block.length;
        fc.pre(block.charCodeAt(at) !== code);
        const changed = block.slice(0, at) + String.fromCharCode(code) + block.slice(at + 1);
        try {
          unwrapKeyBlock(kbpk, changed, { policy: "report", hexCase: "upper" });
          expect.fail("it opened");
        } catch (error) {
          expect(error).toBeInstanceOf(PosCryptoError);
          expect(PUBLISHED).toContain((error as PosCryptoError).code);
        }
        kbpk.destroy();
        key.destroy();
      }),
      { numRuns: 500, seed: 99 },
    );
  });

  it("every single character of one block of each version, changed to every neighbour", () => {
    for (const version of ["A", "B", "C", "D", "E"] as const) {
      const aes = version === "D" || version === "E";
      const kbpk = importKey(
        new Uint8Array(aes ? 16 : 24).fill(0x5a).map((v, i) => v ^ i),
        { algorithm: aes ? "AES" : "TDES", usage: "K0" },
      );
      const key = importKey(
        new Uint8Array(16).map((_, i) => i),
        { algorithm: aes ? "AES" : "TDES", usage: "P0", exportability: "E" },
      );
      const block = wrapKeyBlock(kbpk, key, { version, optionalBlocks: [{ id: "KC" }, { id: "LB", label: "label" }] });
      for (let at = 0; at < block.length; at++) {
        for (const delta of [-1, 1]) {
          const changed = block.slice(0, at) + String.fromCharCode(block.charCodeAt(at) + delta) + block.slice(at + 1);
          expect(() => unwrapKeyBlock(kbpk, changed, { policy: "report" }), `${version} ${at}`).toThrow(PosCryptoError);
        }
      }
    }
  });
});

describe("keys of different backends", () => {
  it("a key in one backend is wrapped under a KBPK in the other", async () => {
    for (const backend of ["noble", "wasm", "wasm-simd"] as const) await loadCrypto({ backend });
    const material = new Uint8Array(32).map((_, i) => i * 7);
    for (const [here, there] of [
      ["noble", "wasm-simd"],
      ["wasm-simd", "noble"],
      ["wasm", "wasm-simd"],
    ] as const) {
      const kbpk = importKey(new Uint8Array(32).fill(3), { algorithm: "AES", usage: "K1", backend: here });
      const key = importKey(material, { algorithm: "AES", usage: "D0", exportability: "E", backend: there });
      const { key: opened } = unwrapKeyBlock(kbpk, wrapKeyBlock(kbpk, key, { optionalBlocks: [{ id: "KC" }] }), {
        extractable: true,
      });
      expect(opened.backend).toBe(here);
      expect(Buffer.from(exposeKeyBytes(opened))).toEqual(Buffer.from(material));
    }
  });
});
