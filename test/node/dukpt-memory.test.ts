/**
 * After every `next()` nothing in linear memory leads back: neither the initial key, nor the key of any counter that is spent, nor that of
 * the transaction itself. Their values are computed beside the library, with node:crypto's single blocks.
 */
import { createCipheriv } from "node:crypto";
import { describe, expect, it } from "vitest";
import { simdModuleBytes } from "../../ts/backend/wasm/module-inline.js";
import { mvpModuleBytes } from "../../ts/backend/wasm/mvp.js";
import { DukptTerminal } from "../../ts/core/dukpt/index.js";
import { importKey, loadCryptoSync } from "../../ts/index.js";

const tiers = [
  { tier: "wasm-simd", bytes: simdModuleBytes },
  { tier: "wasm", bytes: mvpModuleBytes },
] as const;

function memoryOf({ tier, bytes }: (typeof tiers)[number]): () => Buffer {
  const original = WebAssembly.Instance;
  let memory: WebAssembly.Memory | undefined;
  WebAssembly.Instance = class extends original {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      memory = this.exports["memory"] as WebAssembly.Memory;
    }
  };
  try {
    loadCryptoSync({ backend: tier, module: new WebAssembly.Module(bytes() as BufferSource) });
  } finally {
    WebAssembly.Instance = original;
  }
  return () => Buffer.from(memory!.buffer);
}

function encrypt(algorithm: string, key: Buffer, block: Buffer): Buffer {
  const cipher = createCipheriv(algorithm, key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

function xor(a: Buffer, b: Buffer): Buffer<ArrayBuffer> {
  return Buffer.from(a.map((byte, i) => byte ^ b[i % b.length]!));
}

/** X9.24-3:2017 6.3: one step of AES-128. */
function aesStep(key: Buffer, reached: number): Buffer {
  const block = Buffer.from("010180000002008090123456000000FF".replace("000000FF", "00000000"), "hex");
  block.writeUInt32BE(reached, 12);
  return encrypt("aes-128-ecb", key, block);
}

const mask = Buffer.from("C0C0C0C000000000", "hex");

function tdesHalf(key: Buffer, register: Buffer): Buffer {
  const [left, right] = [key.subarray(0, 8), key.subarray(8)];
  return xor(encrypt("des-ede3-ecb", Buffer.concat([left, left, left]), xor(register, right)), right);
}

/** Annex C. */
function tdesStep(key: Buffer, reached: number): Buffer {
  const register = Buffer.from("9876543210E00000", "hex");
  register.writeUInt32BE((register.readUInt32BE(4) | reached) >>> 0, 4);
  return Buffer.concat([tdesHalf(xor(key, mask), register), tdesHalf(key, register)]);
}

const schemes = [
  { name: "AES", ik: "1273671EA26AC29AFA4D1084127652A1", ksn: "123456789012345600000000", step: aesStep },
  { name: "TDES", ik: "6AC292FAA1315B4D858AB3A3D7D5933A", ksn: "FFFF9876543210E00000", step: tdesStep },
] as const;

describe.each(tiers)("linear memory of $tier", (tier) => {
  it.each(schemes)("$name: no spent key after each of 300 transactions, and after skipping", ({ name, ik, ksn, step }) => {
    const memory = memoryOf(tier);
    const initial = Buffer.from(ik, "hex");
    const keyOf = (counter: number): Buffer => {
      let [key, reached]: [Buffer, number] = [initial, 0];
      for (let bit = 31; bit >= 0; bit--) {
        if (((counter >>> bit) & 1) === 0) continue;
        reached = (reached | (1 << bit)) >>> 0;
        key = step(key, reached);
      }
      return key;
    };
    const attributes = { algorithm: name, usage: "B1", modeOfUse: "X" } as const;
    const terminal = DukptTerminal.load(importKey(ik, attributes), ksn);
    const spent: Buffer[] = [initial];
    const isClean = (): void => {
      const now = memory();
      expect(spent.filter((key) => now.includes(key) || now.includes(key.subarray(8)))).toEqual([]);
    };
    isClean();
    // The walk finds what is there: the key of the next transaction lies in a register.
    expect(memory().includes(keyOf(1))).toBe(true);
    for (let counter = 1; counter <= 300; counter++) {
      terminal.next({ pin: true }).pin.destroy();
      spent.push(keyOf(counter));
      isClean();
    }
    terminal.skipTo(1000);
    for (let counter = 301; counter < 1000; counter++) spent.push(keyOf(counter));
    isClean();
    expect(memory().includes(keyOf(1000))).toBe(true);
    terminal.destroy();
    spent.push(keyOf(1000), keyOf(1024));
    isClean();
  });
});
