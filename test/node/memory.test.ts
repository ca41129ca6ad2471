/**
 * Nothing remains in linear memory: after the whole list of cases, failures included, and once every key is destroyed, all of
 * it is zero but the compiler's constants, which are as they were, and the heads of slot pages (generations, public).
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Backend, Slot } from "../../ts/backend/contract.js";
import { simdModuleBytes } from "../../ts/backend/wasm/module-inline.js";
import { currentBackend } from "../../ts/backend/select.js";
import { mvpModuleBytes } from "../../ts/backend/wasm/mvp.js";
import { importKey, loadCrypto, loadCryptoSync } from "../../ts/index.js";
import { allCases } from "../cases/index.js";
import { pseudoRandom, type Suite } from "../harness.js";

const layout = readFileSync(new URL("../../assembly/layout.ts", import.meta.url), "utf8");
const pageSize = 65536;

/** A constant of the memory map. */
function constant(name: string): number {
  const value = new RegExp(`export const ${name}: \\w+ = (0x[0-9a-f]+|[0-9]+);`).exec(layout)?.[1];
  if (value === undefined) throw new Error(`${name} is not in assembly/layout.ts`);
  return Number(value);
}

const constants = constant("CONSTANTS");
const headSize = constant("PAGE_HEAD_SIZE");
const materialAt = constant("SLOT_BLOCK_MATERIAL");

interface Observed {
  backend: Backend;
  memory: () => Uint8Array;
  /** Destroys every slot that was ever made. */
  destroyAll: () => void;
}

const tiers = [
  { tier: "wasm-simd", bytes: simdModuleBytes },
  { tier: "wasm", bytes: mvpModuleBytes },
] as const;
type Tier = (typeof tiers)[number];

/** Loads a backend of its own, whose memory and slots can be looked at. */
function observe({ tier, bytes }: Tier): Observed {
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
  const backend = currentBackend();
  const slots = new Set<Slot>();
  const createSlot = backend.createSlot.bind(backend);
  const unwrap = backend.unwrapKeyBlock.bind(backend);
  backend.createSlot = (kind, material) => {
    const slot = createSlot(kind, material);
    slots.add(slot);
    return slot;
  };
  backend.unwrapKeyBlock = (...args) => {
    const verdict = unwrap(...args);
    if (verdict.verdict === "opened") slots.add(verdict.slot);
    return verdict;
  };
  return {
    backend,
    memory: () => new Uint8Array(memory!.buffer),
    destroyAll: () => {
      for (const slot of slots) backend.destroySlot(slot);
    },
  };
}

/** Where the first page of slots begins: found by a key's own material, since the first slot follows the first head. */
function findSlots({ backend, memory }: Observed): number {
  const material = pseudoRandom(101)(32);
  const slot = backend.createSlot("AES", material);
  const at = Buffer.from(memory().buffer).indexOf(material, constants);
  backend.destroySlot(slot);
  if (at < 0) throw new Error("the material of a new key is not in memory");
  return at - materialAt - headSize;
}

/** Addresses that are not zero, and should be. */
function remains(memory: Uint8Array, fresh: Uint8Array, slots: number): string[] {
  const found: string[] = [];
  for (let at = 0; at < memory.length && found.length < 10; at++) {
    const isConstant = at >= constants && at < slots;
    const isHead = at >= slots && (at - slots) % pageSize < headSize;
    const expected = isConstant ? fresh[at] : 0;
    if (!isHead && memory[at] !== expected) found.push(`0x${at.toString(16)} is ${memory[at]}, not ${expected}`);
  }
  return found;
}

describe.each(tiers)("linear memory, $tier", (tier) => {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(tier.bytes() as BufferSource));
  const fresh = new Uint8Array((instance.exports["memory"] as WebAssembly.Memory).buffer).slice();

  it("holds zeros outside the constants after the self-test", () => {
    const observed = observe(tier);
    expect(remains(observed.memory(), fresh, findSlots(observed))).toEqual([]);
    expect(fresh.subarray(0, constants).every((byte) => byte === 0)).toBe(true);
  });

  it("the walk finds a key that was not destroyed, and a byte anywhere", () => {
    const observed = observe(tier);
    const slots = findSlots(observed);
    const key = importKey(pseudoRandom(102)(32), { algorithm: "AES", usage: "D0" });
    expect(remains(observed.memory(), fresh, slots)).not.toEqual([]);
    key.destroy();
    expect(remains(observed.memory(), fresh, slots)).toEqual([]);
    for (const at of [64, 0x2000, constants - 1, constants, slots - 1, slots + headSize, observed.memory().length - 1]) {
      observed.memory()[at]! ^= 1;
      expect(remains(observed.memory(), fresh, slots)).toHaveLength(1);
      observed.memory()[at]! ^= 1;
    }
  });

  it("holds zeros outside the constants after every case has run and every key is destroyed", async () => {
    const observed = observe(tier);
    const slots = findSlots(observed);
    const bodies: { name: string; body: () => void | Promise<void> }[] = [];
    const suite: Suite = {
      backend: tier.tier,
      group: (_name, body) => body(),
      test: (name, body) => {
        bodies.push({ name, body });
      },
    };
    for (const cases of allCases) cases(suite);
    expect(bodies.length).toBeGreaterThan(100);
    for (const { name, body } of bodies) {
      await loadCrypto({ backend: tier.tier });
      expect(currentBackend()).toBe(observed.backend);
      try {
        await body();
      } catch (error) {
        throw new Error(`case "${name}" fails here`, { cause: error });
      }
    }
    observed.destroyAll();
    expect(remains(observed.memory(), fresh, slots)).toEqual([]);
  });
});
