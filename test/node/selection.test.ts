/**
 * Selection in engines that forbid or lack things: each test loads a fresh copy of the library into a realm whose globals were
 * changed first.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const simdFile = fileURLToPath(new URL("../../dist/wasm/viopay-pos-crypto.simd.wasm", import.meta.url));
const mvpFile = fileURLToPath(new URL("../../dist/wasm/viopay-pos-crypto.mvp.wasm", import.meta.url));

async function fresh() {
  return { ...(await import("../../ts/backend/select.js")), ...(await import("../../ts/base/random.js")) };
}

/** `WebAssembly` with some of its members replaced. */
function stubWebAssembly(members: object): void {
  const copy = Object.create(WebAssembly);
  vi.stubGlobal("WebAssembly", Object.assign(copy, members));
}

const forbidden = "Wasm code generation disallowed by embedder";

function forbidCompiling(): void {
  stubWebAssembly({
    validate: () => true,
    compile: () => Promise.reject(new WebAssembly.CompileError(forbidden)),
    Module: class {
      constructor() {
        throw new WebAssembly.CompileError(forbidden);
      }
    },
  });
}

beforeEach(() => {
  vi.resetModules();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("auto", () => {
  it("chooses wasm-simd where it compiles", async () => {
    const { loadCrypto } = await fresh();
    const info = await loadCrypto();
    expect(info).toEqual({
      name: "wasm-simd",
      constantTime: true,
      reason: "wasm-simd: the first choice that works here",
      selfTest: "passed",
    });
  });

  it("falls to noble under a policy that forbids compiling, and says so", async () => {
    forbidCompiling();
    const { loadCrypto, backendInfo } = await fresh();
    const info = await loadCrypto();
    expect(info.name).toBe("noble");
    expect(info.reason).toBe(`noble: the first choice that works here; wasm-simd: ${forbidden}; wasm: ${forbidden}`);
    expect(backendInfo()).toBe(info);
  });

  it("falls to noble without WebAssembly", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    const { loadCrypto } = await fresh();
    expect((await loadCrypto()).reason).toContain("wasm-simd: this engine has no WebAssembly");
  });

  it("does not fall to noble where constant time is required", async () => {
    forbidCompiling();
    const { loadCrypto, backendInfo } = await fresh();
    const loading = loadCrypto({ requireConstantTime: true });
    await expect(loading).rejects.toMatchObject({ name: "PosCryptoError", code: "ERR_BACKEND_UNAVAILABLE" });
    await expect(loading).rejects.toThrow(`wasm-simd: ${forbidden}; wasm: ${forbidden}; noble: not constant-time`);
    expect(() => backendInfo()).toThrow(expect.objectContaining({ code: "ERR_NOT_LOADED" }));
  });

  it("refuses a module that computes nothing of ours", async () => {
    const { loadCrypto } = await fresh();
    const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const info = await loadCrypto({ module });
    expect(info.name).toBe("wasm");
    expect(info.reason).toMatch(/; wasm-simd: /);
    await expect(loadCrypto({ module, backend: "wasm-simd" })).rejects.toMatchObject({ code: "ERR_BACKEND_UNAVAILABLE" });
  });

  it("compiles once for calls at the same time", async () => {
    const { loadCrypto, currentBackend } = await fresh();
    const loaded = await Promise.all(
      [1, 2, 3].map(async () => {
        await loadCrypto();
        return currentBackend();
      }),
    );
    expect(new Set(loaded).size).toBe(1);
  });
});

describe("an engine whose WebAssembly has no SIMD", () => {
  const old = "invalid opcode 0xfd";

  /** Compiles the module without SIMD, known by its length, and nothing else. */
  function refuseSimd(): void {
    const length = readFileSync(mvpFile).length;
    const { compile, Module } = WebAssembly;
    const fits = (bytes: BufferSource) => bytes.byteLength === length;
    stubWebAssembly({
      compile: (bytes: BufferSource) => (fits(bytes) ? compile(bytes) : Promise.reject(new WebAssembly.CompileError(old))),
      Module: class extends Module {
        constructor(bytes: BufferSource) {
          if (!fits(bytes)) throw new WebAssembly.CompileError(old);
          super(bytes);
        }
      },
    });
  }

  it("gets the module without it", async () => {
    refuseSimd();
    const { loadCrypto } = await fresh();
    expect(await loadCrypto({ requireConstantTime: true })).toEqual({
      name: "wasm",
      constantTime: true,
      reason: `wasm: the first choice that works here; wasm-simd: ${old}`,
      selfTest: "passed",
    });
  });

  it("needs loading first, or the backend as an object", async () => {
    refuseSimd();
    const { currentBackend, loadCrypto, loadCryptoSync, resolveBackend } = await fresh();
    expect(currentBackend).toThrow(expect.objectContaining({ code: "ERR_NOT_LOADED" }));
    expect(() => resolveBackend("wasm")).toThrow(expect.objectContaining({ code: "ERR_NOT_LOADED" }));
    expect(() => loadCryptoSync({ backend: "wasm" })).toThrow(/wasm: not loaded, needs `await loadCrypto\(\)`/);
    const { wasm } = await import("../../ts/backend/wasm/mvp.js");
    expect(loadCryptoSync({ backend: wasm }).name).toBe("wasm");
    await loadCrypto({ backend: "wasm" });
    expect(resolveBackend("wasm").name).toBe("wasm");
  });

  it("compiles once for calls at the same time", async () => {
    refuseSimd();
    const { loadCrypto, currentBackend } = await fresh();
    const loaded = await Promise.all([1, 2, 3].map(() => loadCrypto().then(currentBackend)));
    expect(new Set(loaded).size).toBe(1);
  });
});

describe("a module compiled elsewhere", () => {
  it("is taken where compiling is forbidden", async () => {
    const module = new WebAssembly.Module(readFileSync(simdFile));
    forbidCompiling();
    const { loadCrypto, loadCryptoSync } = await fresh();
    expect((await loadCrypto({ module, requireConstantTime: true })).name).toBe("wasm-simd");
    expect(loadCryptoSync({ module }).name).toBe("wasm-simd");
  });

  it("is the one without SIMD if that is asked for, also without waiting", async () => {
    const module = new WebAssembly.Module(readFileSync(mvpFile));
    forbidCompiling();
    const { loadCrypto, loadCryptoSync } = await fresh();
    expect(loadCryptoSync({ backend: "wasm", module }).reason).toBe("wasm: asked for by name");
    expect((await loadCrypto({ backend: "wasm", module })).name).toBe("wasm");
    expect((await loadCrypto({ module })).name).toBe("wasm-simd");
  });

  it("goes with WebAssembly only", async () => {
    const module = new WebAssembly.Module(readFileSync(simdFile));
    const { loadCrypto } = await fresh();
    await expect(loadCrypto({ module, backend: "noble" })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

describe("without waiting", () => {
  it("the first use loads wasm-simd automatically", async () => {
    const { backendInfo, currentBackend } = await fresh();
    expect(currentBackend().name).toBe("wasm-simd");
    expect(backendInfo().reason).toBe("wasm-simd: the first choice that works here");
  });

  it("the first use says what to do where that fails", async () => {
    forbidCompiling();
    const { backendInfo, currentBackend, loadCryptoSync, resolveBackend } = await fresh();
    for (const use of [backendInfo, currentBackend, () => resolveBackend(undefined)]) {
      expect(use).toThrow(expect.objectContaining({ code: "ERR_NOT_LOADED" }));
      expect(use).toThrow("call `await loadCrypto()` first");
    }
    expect(() => loadCryptoSync()).toThrow(expect.objectContaining({ code: "ERR_BACKEND_UNAVAILABLE" }));
  });

  it("noble by name needs loading first, and is there afterwards", async () => {
    const { loadCrypto, loadCryptoSync, resolveBackend } = await fresh();
    expect(() => loadCryptoSync({ backend: "noble" })).toThrow(expect.objectContaining({ code: "ERR_BACKEND_UNAVAILABLE" }));
    expect(() => resolveBackend("noble")).toThrow(expect.objectContaining({ code: "ERR_NOT_LOADED" }));
    await loadCrypto({ backend: "noble" });
    await loadCrypto();
    expect(resolveBackend("noble").name).toBe("noble");
    expect(loadCryptoSync({ backend: "noble" }).name).toBe("noble");
  });
});

describe("randomness", () => {
  it("an engine without a CSPRNG fails until one is injected", async () => {
    vi.stubGlobal("crypto", undefined);
    const { loadCrypto, randomBytes } = await fresh();
    await loadCrypto();
    expect(() => randomBytes(16)).toThrow(expect.objectContaining({ code: "ERR_NO_RANDOM" }));
    await loadCrypto({ randomBytes: (n) => new Uint8Array(n).fill(9) });
    expect(randomBytes(2)).toEqual(Uint8Array.of(9, 9));
  });
});
