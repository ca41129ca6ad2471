/**
 * SECURITY.md: JavaScript copies of material, PINs and clear PIN blocks are wiped before a call returns. A recorder is put before the
 * backend and keeps every array that carries such bytes to it or from it; after each call of the public API all of them must be zero,
 * but what the caller was given and what is public: ciphertext, check values.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../ts/backend/contract.js";
import { noble } from "../../ts/backend/noble/noble.js";
import { currentBackend } from "../../ts/backend/select.js";
import { wasm } from "../../ts/backend/wasm/mvp.js";
import {
  decryptPinBlock,
  encryptPinBlock,
  exposeKeyBytes,
  formatPinBlock,
  generateKey,
  importKey,
  importKeyComponents,
  installKeySet,
  issueKeySet,
  keyCheckValue,
  loadCrypto,
  parsePinBlock,
  type SecretKey,
  translatePinBlock,
  unwrapKeyBlock,
  verifyKeyCheckValue,
  wrapKeyBlock,
} from "../../ts/index.js";

/** Whose arguments (`in`) or result (`out`) are material, PIN fields or clear blocks. */
const SECRET: Readonly<Record<string, "in" | "out" | "both">> = {
  createSlot: "in",
  readSlot: "out",
  encryptBlock: "in",
  decryptBlock: "out",
  decodeHex: "out",
  encodeHex: "in",
  equal: "in",
  hmacWith: "in",
};

const MATERIAL = "8A3F0C61D2957EB41F60C8A5937B2ED4460D19F7AC5283E0B7D46A1895C3F20E";
const AES = { algorithm: "AES", usage: "D0" } as const;
const PAN = "4111111111111111";

/** Wiped, or never a secret: blocks of one byte repeated (zeros and the ones of check values), check values themselves. */
const isHarmless = (bytes: Uint8Array) => bytes.length <= 5 || bytes.every((byte) => byte === bytes[0]);
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex").toUpperCase();

/** A backend that remembers, and what it remembers since `begin`. */
function recorder(real: Backend) {
  const seen: { method: string; bytes: Uint8Array }[] = [];
  const backend = new Proxy({} as Backend, {
    get(_target, name) {
      const value: unknown = Reflect.get(real, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const result: unknown = value.apply(real, args);
        const part = SECRET[String(name)];
        const watched = [
          ...(part === "in" || part === "both" ? args : []),
          ...(part === "out" || part === "both" ? [result] : []),
        ];
        for (const bytes of watched) if (bytes instanceof Uint8Array) seen.push({ method: String(name), bytes });
        return result;
      };
    },
  });
  return { backend, seen };
}

describe.each(["wasm-simd", "wasm", "noble"] as const)("copies of secrets, %s", (tier) => {
  let seen: { method: string; bytes: Uint8Array }[];
  let zmk: SecretKey;
  let tpk: SecretKey;
  let other: SecretKey;

  beforeAll(async () => {
    await loadCrypto({ backend: tier === "noble" ? noble : tier === "wasm" ? wasm : tier });
    const recording = recorder(currentBackend());
    seen = recording.seen;
    await loadCrypto({ backend: recording.backend });
    zmk = importKey(MATERIAL, { algorithm: "AES", usage: "K0", modeOfUse: "B" });
    tpk = importKey(MATERIAL.slice(0, 32), { algorithm: "TDES", usage: "P0", modeOfUse: "B" });
    other = importKey(MATERIAL.slice(32), { algorithm: "AES", usage: "P0", modeOfUse: "B" });
  });

  afterAll(async () => {
    await loadCrypto();
  });

  /** Runs `call`; how many arrays it showed the backend, and the methods whose arrays are not wiped. */
  function leftovers(call: () => unknown, ciphertexts: readonly string[] = []): { watched: number; left: string[] } {
    seen.length = 0;
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      result = error;
    }
    const left = seen.filter(({ bytes }) => bytes !== result && !isHarmless(bytes) && !ciphertexts.includes(hexOf(bytes)));
    return { watched: seen.length, left: left.map(({ method }) => method) };
  }

  function expectWiped(call: () => unknown, ciphertexts?: readonly string[]): void {
    const { watched, left } = leftovers(call, ciphertexts);
    expect(watched).toBeGreaterThan(0);
    expect(left).toEqual([]);
  }

  it("sees an array that stays", () => {
    const { left } = leftovers(() => {
      currentBackend().decodeHex(MATERIAL);
      return undefined;
    });
    expect(left).toEqual(["decodeHex"]);
  });

  it("importKey: hex text, bytes, and material of a wrong length", () => {
    expectWiped(() => importKey(MATERIAL, AES));
    expectWiped(() => importKey(MATERIAL.slice(2), AES));
    const bytes = Uint8Array.from(MATERIAL, (character) => character.charCodeAt(0)).subarray(0, 32);
    const before = bytes.slice();
    expectWiped(() => importKey(bytes, AES));
    expect(bytes).toEqual(before);
  });

  it("importKeyComponents: accepted, and refused by a check value", () => {
    const parts = [MATERIAL, `${MATERIAL.slice(2)}5A`];
    expectWiped(() => importKeyComponents(parts, AES));
    expectWiped(() => importKeyComponents(parts, AES, { kcv: "000000" }));
    expectWiped(() => importKeyComponents([MATERIAL, MATERIAL], AES));
  });

  it("generateKey", () => {
    expectWiped(() => generateKey({ ...AES, bits: 256 }));
    expectWiped(() => generateKey({ algorithm: "TDES", usage: "P0", bits: 192 }));
    expectWiped(() => generateKey({ algorithm: "HMAC", usage: "M7", bits: 512 }));
  });

  it("exposeKeyBytes keeps no copy beside the caller's", () => {
    const key = importKey(MATERIAL, { ...AES, extractable: true });
    expectWiped(() => exposeKeyBytes(key));
  });

  it("wrapKeyBlock and unwrapKeyBlock, also where the key lives in another backend", () => {
    const key = importKey(MATERIAL, { ...AES, exportability: "E" });
    const foreign = importKey(MATERIAL, { ...AES, exportability: "E", backend: noble });
    const header = { version: "D", usage: "D0", algorithm: "A", modeOfUse: "N", exportability: "N" } as const;
    const block = wrapKeyBlock(zmk, key, header);
    const { watched, left } = leftovers(() => wrapKeyBlock(zmk, foreign, header));
    expect(left).toEqual([]);
    expect(watched).toBeGreaterThan(0);
    expect(leftovers(() => unwrapKeyBlock(zmk, block, { kcv: "000000" })).left).toEqual([]);
    expect(leftovers(() => unwrapKeyBlock(zmk, block, { expectUsage: "D0" })).left).toEqual([]);
  });

  it("keyCheckValue and verifyKeyCheckValue", () => {
    for (const method of ["CMAC", "ANSI_X9_24"] as const) {
      const { left } = leftovers(() => keyCheckValue(other, { method }));
      expect(left).toEqual([]);
    }
    expect(leftovers(() => verifyKeyCheckValue(other, "000000")).left).toEqual([]);
  });

  it("PIN blocks: enciphered, deciphered, translated, clear, and refused", () => {
    const tdes = encryptPinBlock(tpk, { format: 0, pin: "40817", pan: PAN });
    const aes = encryptPinBlock(other, { format: 4, pin: "40817", pan: PAN });
    expectWiped(() => encryptPinBlock(tpk, { format: 0, pin: "40817", pan: PAN }));
    expectWiped(() => encryptPinBlock(other, { format: 4, pin: "40817", pan: PAN }));
    expectWiped(() => decryptPinBlock(tpk, tdes, { format: 0, pan: PAN }), [tdes]);
    expectWiped(() => decryptPinBlock(other, aes, { format: 4, pan: PAN }), [aes]);
    expectWiped(() => decryptPinBlock(tpk, tdes, { format: 0, pan: "5500000000000004" }), [tdes]);
    expectWiped(() => decryptPinBlock(other, aes, { format: 4, pan: "5500000000000004" }), [aes]);
    expectWiped(() => translatePinBlock(tpk, other, tdes, { from: 0, to: 4, pan: PAN }), [tdes]);
    const clear = formatPinBlock({ format: 0, pin: "40817", pan: PAN });
    expectWiped(() => formatPinBlock({ format: 0, pin: "40817", pan: PAN }));
    expectWiped(() => parsePinBlock(clear, { format: 0, pan: PAN }));
    expectWiped(() => parsePinBlock(clear, { format: 0, pan: "5500000000000004" }));
  });

  it("issueKeySet and installKeySet", () => {
    expectWiped(() => issueKeySet(zmk));
    const { response } = issueKeySet(zmk);
    expect(leftovers(() => installKeySet(zmk, response)).left).toEqual([]);
  });
});
