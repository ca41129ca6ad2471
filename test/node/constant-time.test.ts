/**
 * The shipped binaries, instrumented: for secrets of different content and equal length, the sequence of branch conditions, memory
 * addresses and division operands must be the same. Three planted leaks prove that the test sees what it should.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import asc from "assemblyscript/asc";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../ts/backend/contract.js";
import { createWasmBackend } from "../../ts/backend/wasm/wasm.js";
import { type Instrumented, instrument } from "../constant-time/instrument.js";
import { type Scenario, scenarios } from "../constant-time/scenarios.js";
import { firstDifference, Recorder, type Trace } from "../constant-time/trace.js";
import { pseudoRandom } from "../harness.js";

const root = new URL("../../", import.meta.url);
const binaries = [
  { name: "wasm-simd", file: "viopay-pos-crypto.simd.wasm" },
  { name: "wasm", file: "viopay-pos-crypto.mvp.wasm" },
  { name: "wasm-simd", file: "viopay-pos-crypto.relaxed.wasm" },
] as const;
// Node 20 has relaxed SIMD behind a flag of V8.
if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
const recorder = new Recorder();
let compared = 0;
let events = 0;

let sites = 0;

afterAll(() => {
  process.stdout.write(`constant time: ${compared} traces compared, ${events} events, ${sites} watched operands\n`);
});

/** A backend on an instrumented module: the glue itself instantiates without imports. */
function instrumentedBackend(compiled: WebAssembly.Module, name: "wasm-simd" | "wasm"): Backend {
  const Instance = WebAssembly.Instance;
  try {
    WebAssembly.Instance = function instantiate(shippedModule: WebAssembly.Module) {
      return new Instance(shippedModule, recorder.imports);
    } as unknown as typeof WebAssembly.Instance;
    return createWasmBackend(compiled, name);
  } finally {
    WebAssembly.Instance = Instance;
  }
}

/** Zeros, ones, and random bytes. */
function secrets(variant: number): (length: number) => Uint8Array {
  if (variant === 0) return (length) => new Uint8Array(length);
  if (variant === 1) return (length) => new Uint8Array(length).fill(0xff);
  return pseudoRandom(variant * 7919);
}

describe.each(binaries)("shipped binary $file", ({ name, file }) => {
  let module: Instrumented;
  let compiled: WebAssembly.Module;

  beforeAll(async () => {
    module = instrument(readFileSync(new URL(`dist/wasm/${file}`, root)));
    compiled = await WebAssembly.compile(module.binary);
    sites += module.sites.length;
  });

  function traceOf(scenario: Scenario, variant: number): Trace {
    const backend = instrumentedBackend(compiled, name);
    return recorder.record(() => scenario.run(backend, secrets(variant), variant));
  }

  for (const scenario of scenarios) {
    it(scenario.name, () => {
      const reference = traceOf(scenario, 0);
      expect(reference.length).toBeGreaterThan(10);
      for (let variant = 1; variant < (scenario.variants ?? 4); variant++) {
        const trace = traceOf(scenario, variant);
        expect(firstDifference(reference, trace, module)).toBeUndefined();
        compared++;
        events += trace.length;
      }
    });
  }
});

describe("planted leaks", () => {
  type Exports = Record<
    "earlyExit" | "tableLookUp" | "secretBranch" | "constantTime",
    (secret: number, other: number) => number
  > & {
    memory: WebAssembly.Memory;
  };
  let planted: Instrumented;
  let exports: Exports;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "planted-leaks-"));
    try {
      const baseDir = fileURLToPath(new URL("test/assembly/", root));
      const out = join(folder, "planted.wasm");
      const flags = ["-O3", "--runtime", "stub", "--noAssert", "--initialMemory", "1"];
      const { error, stderr } = await asc.main(["planted-leaks.ts", "--baseDir", baseDir, "--outFile", out, ...flags]);
      if (error !== null) throw new Error(stderr.toString());
      planted = instrument(readFileSync(out));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const { instance } = await WebAssembly.instantiate(planted.binary, recorder.imports);
    exports = instance.exports as unknown as Exports;
  });

  function difference(name: Exclude<keyof Exports, "memory">): string | undefined {
    const traces = [2, 3].map((variant) => {
      new Uint8Array(exports.memory.buffer).fill(0).set(secrets(variant)(16), 1024);
      return recorder.record(() => exports[name](1024, 2048));
    });
    return firstDifference(traces[0] as Trace, traces[1] as Trace, planted);
  }

  it("an early exit is caught", () => {
    // The guess shares the first byte with one of the two secrets only.
    const traces = [2, 3].map((variant) => {
      const memory = new Uint8Array(exports.memory.buffer).fill(0);
      memory.set(secrets(variant)(16), 1024);
      memory.set(secrets(2)(1), 2048);
      return recorder.record(() => exports.earlyExit(1024, 2048));
    });
    expect(firstDifference(traces[0] as Trace, traces[1] as Trace, planted)).toMatch(/earlyExit/);
  });

  it("a table look-up is caught", () => {
    expect(difference("tableLookUp")).toMatch(/tableLookUp: i32\.load8_u/);
  });

  it("a secret branch is caught", () => {
    expect(difference("secretBranch")).toMatch(/secretBranch/);
  });

  it("code without a leak passes", () => {
    expect(difference("constantTime")).toBeUndefined();
  });
});
