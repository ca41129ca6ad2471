/**
 * The module believes no length: every export, found in the binary itself, is called with lengths around its limits, and nothing
 * outside of the areas of the memory map changes. And the host reads bytes once: memory that another thread grows, objects whose
 * `length` lies and traps leave the module, its constants and its keys as they were.
 */
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { Backend } from "../../ts/backend/contract.js";
import { noble } from "../../ts/backend/noble/noble.js";
import { createWasmBackend } from "../../ts/backend/wasm/wasm.js";
import { hmacSha256, importKey, loadCryptoSync } from "../../ts/index.js";

const layout = readFileSync(new URL("../../assembly/layout.ts", import.meta.url), "utf8");

function constant(name: string): number {
  const value = new RegExp(`^export const ${name}: \\w+ = (\\w+);`, "m").exec(layout)?.[1];
  if (value === undefined) throw new Error(`${name} is not in assembly/layout.ts`);
  return Number(value);
}

const [IO, IO_SIZE, CHAIN, CONSTANTS] = ["IO", "IO_SIZE", "CHAIN", "CONSTANTS"].map(constant) as [number, number, number, number];

/** What each parameter of an export is: a handle, a length with the largest value that is not refused, or a choice. */
type Parameter = "aes" | "tdes" | "hmac" | "choice" | number;

const WINDOW = 65536;
const EXPORTS: Readonly<Record<string, readonly Parameter[]>> = {
  wipeIo: [IO_SIZE],
  reset: [],
  slotCreate: ["choice", 8191],
  slotDestroy: ["choice"],
  slotKind: ["choice"],
  slotLength: ["choice"],
  slotRead: ["aes"],
  slotParts: ["tdes"],
  blockEncrypt: ["aes"],
  blockDecrypt: ["tdes"],
  cbcEncrypt: ["aes", WINDOW, "choice", "choice"],
  cbcDecrypt: ["tdes", WINDOW + 16, "choice", "choice"],
  macPart: ["aes", WINDOW],
  cmacEnd: ["aes", WINDOW],
  cbcMacEnd: ["tdes", WINDOW],
  retailMacPart: ["tdes", WINDOW],
  retailMacEnd: ["tdes", WINDOW],
  hmac: ["hmac", WINDOW],
  hashBegin: ["choice"],
  hmacBegin: ["hmac", "choice"],
  hashPart: ["choice", WINDOW],
  hashEnd: ["choice", WINDOW],
  hmacEnd: ["hmac", "choice", WINDOW],
  macBase64: [],
  macEquals: [],
  unwrapKeyBlock: ["aes", "choice", 9999, 9999, "choice"],
  wrapKeyBlock: ["aes", "choice", 9999, "hmac", 9999],
  dukptInitialKey: ["aes", "choice", 12],
  dukptKeys: ["aes", "choice", 256],
  dukptLoad: ["aes", "choice", 12],
  dukptState: ["aes", "choice", 256],
  dukptNext: ["aes", "choice", 256],
  dukptSkip: ["aes", "choice", 256],
  dukptUpdateKey: ["aes", "choice", 4],
  seal: ["aes", WINDOW / 2, "choice", "choice"],
  open: ["aes", WINDOW, "choice", "choice"],
  encodeHex: [WINDOW / 2],
  decodeHex: [WINDOW],
  equal: [WINDOW / 2],
};

/** Exports that make or destroy keys. */
const MAKERS = /^(slotCreate|slotDestroy|unwrapKeyBlock|dukpt.*)$/;

const lengthsAround = (limit: number) => [-1, 0, 1, 15, 16, 32, limit - 1, limit, limit + 1, IO_SIZE + 1, 2 ** 31, 2 ** 32 - 1];
const CHOICES = [0, 1, 2, 3, 0x44, -1];

const binary = (tier: string) => readFileSync(new URL(`../../dist/wasm/viopay-pos-crypto.${tier}.wasm`, import.meta.url));

/** Relaxed vectors are in few engines. */
const tiers = ["simd", "relaxed", "mvp"].filter((tier) => WebAssembly.validate(binary(tier)));

/** Memory of ES2024 that grows, of which TypeScript's ES2022 does not know. */
interface Growing {
  readonly byteLength: number;
  readonly maxByteLength: number;
  grow?(length: number): void;
  resize?(length: number): void;
}

type MakeGrowing = new (length: number, options: { maxByteLength: number }) => ArrayBuffer & Growing;

const growing = (Buffer: unknown, length: number, maxByteLength: number) =>
  new (Buffer as MakeGrowing)(length, { maxByteLength });

const compile = (tier: string) => new WebAssembly.Module(binary(tier));

interface Machine {
  memory: Uint8Array;
  call(name: string, ...args: number[]): number;
}

function machine(tier: string): Machine {
  const { exports } = new WebAssembly.Instance(compile(tier), {});
  return {
    get memory() {
      return new Uint8Array((exports["memory"] as WebAssembly.Memory).buffer);
    },
    call: (name, ...args) => (exports[name] as (...args: number[]) => number)(...args),
  };
}

function fill(memory: Uint8Array, length: number): void {
  for (let i = 0; i < length; i++) memory[IO + i] = (i * 7 + 1) & 255;
}

function create(module: Machine, kind: number, length: number): number {
  fill(module.memory, length);
  return module.call("slotCreate", kind, length);
}

/** Every combination of the interesting values of the parameters. */
function argumentsOf(parameters: readonly Parameter[], handles: Readonly<Record<string, number>>): number[][] {
  return parameters.reduce<number[][]>(
    (found, parameter) => {
      const values =
        typeof parameter === "number" ? lengthsAround(parameter) : parameter === "choice" ? CHOICES : [handles[parameter]!];
      return found.flatMap((list) => values.map((value) => [...list, value]));
    },
    [[]],
  );
}

describe.each(tiers)("the exports of the %s module", (tier) => {
  const exported = WebAssembly.Module.exports(compile(tier)).filter(({ kind }) => kind === "function");

  it("are those that this test knows", () => {
    expect(exported.map(({ name }) => name).sort()).toEqual(Object.keys(EXPORTS).sort());
  });

  it.each(Object.keys(EXPORTS))("%s writes to its areas only, and refuses lengths outside of them", (name) => {
    const parameters = EXPORTS[name]!;
    let module = machine(tier);
    let handles: Record<string, number> = {};
    let before = Buffer.alloc(0);
    const renew = () => {
      module = machine(tier);
      handles = { aes: create(module, 1, 32), tdes: create(module, 2, 16), hmac: create(module, 3, 32) };
      before = Buffer.from(module.memory);
    };
    renew();
    for (const args of argumentsOf(parameters, handles)) {
      fill(module.memory, 256);
      const result = module.call(name, ...args);
      const what = `${name}(${args.join(", ")})`;
      const lengths = parameters.flatMap((parameter, i) =>
        typeof parameter === "number" ? [[args[i]! | 0, parameter] as const] : [],
      );
      if (lengths.some(([length, limit]) => length < 0 || length > limit) && name !== "wipeIo")
        expect(result, what).toBeLessThan(0);
      // Scratch and IO may change; the guard below, the constants and the keys above may not, unless a key was made or destroyed.
      const makes = MAKERS.test(name) && result >= 0;
      const same = (from: number, to: number) => before.compare(module.memory, from, to, from, to) === 0;
      if (!same(0, CHAIN) || !(makes || same(CONSTANTS, before.length))) throw new Error(`${what} wrote outside of its areas`);
      if (makes) renew();
    }
  });

  it("leave all that is outside of IO alone when the lengths of one message do not fit together", () => {
    const module = machine(tier);
    const key = create(module, 3, 32);
    module.call("reset");
    const before = module.memory.slice();
    for (const length of lengthsAround(WINDOW)) module.call("hmac", key, length);
    module.call("reset");
    expect(Buffer.compare(module.memory, before)).toBe(0);
  });
});

const backends: readonly [string, () => Backend][] = [
  ["wasm-simd", () => createWasmBackend(compile("simd"), "wasm-simd")],
  ["wasm", () => createWasmBackend(compile("mvp"), "wasm")],
  ["noble", () => noble],
];

/** A Uint8Array whose properties say anything but the truth. */
function liar(bytes: number[], length: number): Uint8Array {
  const lying = Uint8Array.from(bytes);
  for (const name of ["length", "byteLength"]) Object.defineProperty(lying, name, { value: length });
  Object.defineProperty(lying, "subarray", { value: () => new Uint8Array(length) });
  return lying;
}

describe.each(backends)("bytes of a caller on %s", (_name, make) => {
  const backend = make();
  const key = backend.createSlot("HMAC", Uint8Array.of(1, 2, 3));
  const aes = backend.createSlot("AES", new Uint8Array(16));
  const iv = new Uint8Array(16);
  const data = Array.from({ length: 32 }, (_, i) => i);

  it.each([0, 1, 33, 65_537, 2 ** 31])("a length that says %i does not matter", (length) => {
    const honest = Uint8Array.from(data);
    const lying = liar(data, length);
    expect(backend.hmac(key, [lying])).toEqual(backend.hmac(key, [honest]));
    expect(backend.digest("SHA-256", lying)).toEqual(backend.digest("SHA-256", honest));
    expect(backend.cmac(aes, lying)).toEqual(backend.cmac(aes, honest));
    expect(backend.cbcMac(aes, lying)).toEqual(backend.cbcMac(aes, honest));
    expect(backend.cbcEncrypt(aes, liar([...iv], length), lying, "pkcs7")).toEqual(backend.cbcEncrypt(aes, iv, honest, "pkcs7"));
    expect(backend.cbcDecrypt(aes, iv, lying, "none")).toEqual(backend.cbcDecrypt(aes, iv, honest, "none"));
    expect(backend.seal(aes, iv, lying, "hex")).toBe(backend.seal(aes, iv, honest, "hex"));
    expect(backend.encodeHex(lying)).toBe(backend.encodeHex(honest));
    expect(backend.equal(lying, honest)).toBe(true);
    const slot = backend.createSlot("OPAQUE", lying);
    expect(backend.readSlot(slot)).toEqual(honest);
    backend.destroySlot(slot);
  });

  it("views of shared and of resizable memory are read as far as they go now", () => {
    const shared = growing(SharedArrayBuffer, 16, 200_000);
    const resizable = growing(ArrayBuffer, 16, 200_000);
    for (const buffer of [shared, resizable]) {
      const view = new Uint8Array(buffer);
      for (const length of [16, 64, 70_000, 200_000]) {
        buffer.grow?.(length);
        buffer.resize?.(length);
        expect(backend.hmac(key, [view])).toEqual(backend.hmac(key, [new Uint8Array(length)]));
        expect(backend.encodeHex(view)).toBe("00".repeat(length));
      }
    }
  });
});

describe("a worker that grows shared memory", () => {
  it.each(["simd", "mvp"] as const)("during HMACs on %s leaves the module's constants and keys as they are", async (tier) => {
    const name = tier === "simd" ? "wasm-simd" : "wasm";
    const instance = new WebAssembly.Instance(compile(tier), {});
    const backend = createWasmBackend(compile(tier), name, instance);
    const memory = () => new Uint8Array((instance.exports["memory"] as WebAssembly.Memory).buffer);
    const key = backend.createSlot("HMAC", Uint8Array.of(1, 2, 3));
    const before = memory().slice(CONSTANTS);
    const known = backend.hmac(key, ["message"]);
    const zeros = new Map<string, number>();
    let grown = 0;
    for (let round = 0; round < 40; round++) {
      const buffer = growing(SharedArrayBuffer, 1024, 4 * 1024 * 1024);
      const go = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(
        `const { workerData: { buffer, go } } = require("node:worker_threads");
         Atomics.store(go, 0, 1); Atomics.notify(go, 0);
         for (let length = 1024; length <= buffer.maxByteLength; length += 512) buffer.grow(length);`,
        { eval: true, workerData: { buffer, go } },
      );
      Atomics.wait(go, 0, 0, 2000);
      const view = new Uint8Array(buffer);
      for (let i = 0; i < 400 && buffer.byteLength < buffer.maxByteLength; i++) {
        const first = buffer.byteLength;
        try {
          zeros.set(Buffer.from(backend.hmac(key, [view])).toString("hex"), first);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
        }
        if (buffer.byteLength !== first) grown += 1;
      }
      await worker.terminate();
    }
    expect(grown, "calls during which the memory grew").toBeGreaterThan(0);
    expect(Buffer.compare(memory().slice(CONSTANTS), before)).toBe(0);
    expect(backend.hmac(key, ["message"])).toEqual(known);
  });

  it("the public function as well", () => {
    loadCryptoSync();
    const key = importKey("01020304050607080910111213141516", { algorithm: "HMAC", usage: "M7" });
    const buffer = growing(SharedArrayBuffer, 8, 1024);
    const view = new Uint8Array(buffer);
    buffer.grow?.(64);
    expect(hmacSha256(key, view)).toEqual(hmacSha256(key, new Uint8Array(64)));
    key.destroy();
  });
});

describe("a trap", () => {
  it.each(["simd", "mvp"] as const)(
    "of the %s module is a PosCryptoError, and leaves neither message nor broken module",
    (tier) => {
      const instance = new WebAssembly.Instance(compile(tier), {});
      let trapping = false;
      const exports = new Proxy(
        {},
        {
          get: (_target, name: string) => {
            const value = instance.exports[name];
            if (name !== "hmac") return value;
            return (...args: number[]) => {
              if (trapping) throw new WebAssembly.RuntimeError("unreachable");
              return (value as (...args: number[]) => number)(...args);
            };
          },
        },
      );
      const backend = createWasmBackend(compile(tier), tier === "simd" ? "wasm-simd" : "wasm", {
        exports,
      } as WebAssembly.Instance);
      const key = backend.createSlot("HMAC", Uint8Array.of(1, 2, 3));
      const known = backend.hmac(key, ["message"]);
      trapping = true;
      expect(() => backend.hmac(key, ["a secret message"])).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
      const memory = new Uint8Array((instance.exports["memory"] as WebAssembly.Memory).buffer);
      expect(memory.slice(CHAIN, IO + IO_SIZE).every((byte) => byte === 0)).toBe(true);
      trapping = false;
      expect(backend.hmac(key, ["message"])).toEqual(known);
    },
  );
});
