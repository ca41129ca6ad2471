/**
 * Choosing a backend: what is tried, what is refused, and that the reason is told. Each test has the modules to itself, as a fresh
 * program would, in an engine from which something may be missing.
 */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Backend } from "../../ts/backend/contract.js";
import { pseudoRandom } from "../harness.js";

type Api = typeof import("../../ts/index.js");

let api: Api;

beforeEach(async () => {
  vi.resetModules();
  api = await import("../../ts/index.js");
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function codeOf(error: unknown): string {
  return error instanceof api.PosCryptoError ? error.code : String(error);
}

async function rejection(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { code: codeOf(error), message: (error as Error).message };
}

function thrown(body: () => unknown): { code: string; message: string } {
  try {
    body();
  } catch (error) {
    return { code: codeOf(error), message: (error as Error).message };
  }
  throw new Error("nothing was thrown");
}

/** A content security policy without `wasm-unsafe-eval`: `validate` says yes, compiling throws. */
function forbidCompiling(): void {
  const refuse = () => {
    throw new WebAssembly.CompileError("blocked by CSP");
  };
  vi.stubGlobal("WebAssembly", {
    validate: () => true,
    compile: () => Promise.reject(new WebAssembly.CompileError("blocked by CSP")),
    Module: class {
      constructor() {
        refuse();
      }
    },
    Instance: class {},
    CompileError: WebAssembly.CompileError,
  });
}

const aes = { algorithm: "AES", usage: "D0" } as const;

describe("the module's bytes", () => {
  const file = new URL("../../dist/wasm/viopay-pos-crypto.simd.wasm", import.meta.url);

  it.each([
    ["by Uint8Array.fromHex", () => vi.stubGlobal("Uint8Array", withFromHex())],
    ["by Buffer", () => vi.stubGlobal("Uint8Array", class extends Uint8Array {})],
    ["by a loop", () => vi.stubGlobal("Buffer", undefined)],
  ])("are those of the file, decoded %s", async (_how, prepare) => {
    prepare();
    const { simdModuleBytes } = await import("../../ts/backend/wasm/module-inline.js");
    const bytes = simdModuleBytes();
    vi.unstubAllGlobals();
    expect(Buffer.compare(Buffer.from(bytes), readFileSync(file))).toBe(0);
  });

  function withFromHex(): typeof Uint8Array {
    return Object.assign(class extends Uint8Array {}, { fromHex: (text: string) => new Uint8Array(Buffer.from(text, "hex")) });
  }
});

describe("auto", () => {
  it("chooses wasm-simd where it compiles", async () => {
    const info = await api.loadCrypto();
    expect(info).toMatchObject({ name: "wasm-simd", constantTime: true, selfTest: "passed" });
    expect(api.backendInfo()).toBe(info);
  });

  it("chooses noble under a strict content security policy, and says what was refused", async () => {
    forbidCompiling();
    const info = await api.loadCrypto();
    expect(info).toMatchObject({ name: "noble", constantTime: false, selfTest: "passed" });
    expect(info.reason).toContain("blocked by CSP");
  });

  it("chooses noble without WebAssembly", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect((await api.loadCrypto()).reason).toMatch(/no WebAssembly/);
  });

  it("refuses noble where constant time is required", async () => {
    forbidCompiling();
    const { code, message } = await rejection(api.loadCrypto({ requireConstantTime: true }));
    expect(code).toBe("ERR_BACKEND_UNAVAILABLE");
    expect(message).toContain("blocked by CSP");
    expect(message).toContain("noble");
  });

  it("keeps the previous choice when a later one fails", async () => {
    await api.loadCrypto({ backend: "noble" });
    expect((await rejection(api.loadCrypto({ backend: "noble", requireConstantTime: true }))).code).toBe(
      "ERR_BACKEND_UNAVAILABLE",
    );
    expect(api.backendInfo().name).toBe("noble");
  });
});

describe("without waiting", () => {
  it("the first use loads wasm-simd", () => {
    const key = api.importKey(pseudoRandom(1)(32), aes);
    expect(key.backend).toBe("wasm-simd");
    key.destroy();
  });

  it("says what to do where the engine does not compile without waiting", () => {
    forbidCompiling();
    for (const use of [() => api.importKey(pseudoRandom(1)(32), aes), () => api.backendInfo()]) {
      const { code, message } = thrown(use);
      expect(code).toBe("ERR_NOT_LOADED");
      expect(message).toContain("await loadCrypto()");
    }
    expect(thrown(() => api.loadCryptoSync()).code).toBe("ERR_BACKEND_UNAVAILABLE");
  });

  it("noble as a name needs loading first, as an object it does not", async () => {
    expect(thrown(() => api.importKey(pseudoRandom(1)(32), { ...aes, backend: "noble" })).code).toBe("ERR_NOT_LOADED");
    const { noble } = await import("../../ts/backend/noble/noble.js");
    expect(api.loadCryptoSync({ backend: noble }).name).toBe("noble");
    expect(api.backendInfo().name).toBe("noble");
  });

  it("a module compiled by the host is used", async () => {
    const { simdModuleBytes } = await import("../../ts/backend/wasm/module-inline.js");
    const module = new WebAssembly.Module(simdModuleBytes() as BufferSource);
    expect(api.loadCryptoSync({ module }).name).toBe("wasm-simd");
  });
});

describe("a backend that is not right", () => {
  it("a foreign module is refused with a reason", async () => {
    const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const { code, message } = await rejection(api.loadCrypto({ backend: "wasm-simd", module }));
    expect(code).toBe("ERR_BACKEND_UNAVAILABLE");
    expect(message).toContain("wasm-simd");
  });

  it.each(["encryptBlock", "open", "hmac", "unwrapKeyBlock", "decodeHex"] as const)(
    "the self-test notices a wrong %s, or does not need it",
    async (name) => {
      const { noble } = await import("../../ts/backend/noble/noble.js");
      const spoiled = Object.create(noble) as Backend;
      const original = noble[name].bind(noble) as (...args: unknown[]) => unknown;
      let calls = 0;
      const wrong = (...args: unknown[]) => {
        calls++;
        const result = original(...args);
        if (result instanceof Uint8Array && result.length > 0) result[0]! ^= 1;
        return typeof result === "object" && result !== null && "verdict" in result ? { verdict: "mac" } : result;
      };
      Object.defineProperty(spoiled, name, { value: wrong });
      if (name === "encryptBlock") {
        api.loadCryptoSync({ backend: spoiled });
        expect(calls).toBe(0);
      } else {
        const { code, message } = thrown(() => api.loadCryptoSync({ backend: spoiled }));
        expect(code).toBe("ERR_BACKEND_UNAVAILABLE");
        expect(message).toContain("self-test failed");
      }
    },
  );
});

describe("options of a wrong kind", () => {
  const wrong: readonly [string, unknown][] = [
    ["options", null],
    ["options", "noble"],
    ["backend", { backend: "fastest" }],
    ["backend", { backend: 1 }],
    ["backend", { backend: {} }],
    ["module", { module: new Uint8Array(8) }],
    ["module", { backend: "noble", module: "x" }],
    ["requireConstantTime", { requireConstantTime: "yes" }],
    ["randomBytes", { randomBytes: 1 }],
  ];
  it.each(wrong)('"%s" as %o', async (name, options) => {
    for (const { code, message } of [
      await rejection(Promise.resolve().then(() => api.loadCrypto(options as never))),
      thrown(() => api.loadCryptoSync(options as never)),
    ]) {
      expect(code).toBe("ERR_INVALID_ARGUMENT");
      expect(message).toMatch(new RegExp(`^"${name}" must be .+, got .+$`));
    }
  });

  it("a polluted prototype chooses nothing", async () => {
    for (const [name, value] of Object.entries({ backend: "noble", requireConstantTime: "yes", randomBytes: 1, module: 1 })) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true });
      try {
        expect((await api.loadCrypto({})).name, name).toBe("wasm-simd");
        expect(api.loadCryptoSync({}).name, name).toBe("wasm-simd");
      } finally {
        delete (Object.prototype as Record<string, unknown>)[name];
      }
    }
  });
});

describe("randomness", () => {
  it("no source is an error wherever randomness is needed, and keys stay usable", async () => {
    await api.loadCrypto();
    const key = api.importKey(pseudoRandom(2)(32), aes);
    vi.stubGlobal("crypto", undefined);
    for (const use of [
      () => api.createNonce(),
      () => api.generateKey({ ...aes, bits: 256 }),
      () => api.sealEnvelope(key, { a: 1 }),
    ]) {
      expect(thrown(use).code).toBe("ERR_NO_RANDOM");
    }
    expect(key.destroyed).toBe(false);
    vi.unstubAllGlobals();
    expect(api.openEnvelope(key, api.sealEnvelope(key, { a: 1 }))).toEqual({ a: 1 });
    key.destroy();
  });

  it("an injected source is used", async () => {
    vi.stubGlobal("crypto", undefined);
    const requests: number[] = [];
    const randomBytes = (n: number) => {
      requests.push(n);
      return new Uint8Array(n).fill(0xab);
    };
    await api.loadCrypto({ randomBytes });
    const key = api.importKey(pseudoRandom(3)(32), aes);
    const sealed = api.sealEnvelope(key, { a: 1 });
    expect("initialization_vector" in sealed && sealed.initialization_vector).toBe("AB".repeat(16));
    expect(requests).toEqual([16]);
    key.destroy();
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no entropy");
      },
    ],
    ["gives too few bytes", (n: number) => new Uint8Array(n - 1)],
    ["gives no bytes", () => "random"],
  ])("an injected source that %s", async (_what, randomBytes) => {
    await api.loadCrypto({ randomBytes: randomBytes as (n: number) => Uint8Array });
    expect(thrown(() => api.createNonce()).code).toBe("ERR_NO_RANDOM");
  });
});

describe("capacity", () => {
  it.each(["wasm-simd", "wasm", "noble"] as const)(
    "%s holds 65,536 keys, refuses the next one, and goes on after one is destroyed",
    async (name) => {
      await api.loadCrypto({ backend: name });
      const { currentBackend } = await import("../../ts/backend/select.js");
      const backend = currentBackend();
      const material = pseudoRandom(4)(16);
      const slots: number[] = [];
      const full = thrown(() => {
        for (let i = 0; i <= 65536; i++) slots.push(backend.createSlot("OPAQUE", material));
      });
      expect(full.code).toBe("ERR_KEY_CAPACITY");
      expect(slots).toHaveLength(65536);
      expect(new Set(slots).size).toBe(65536);
      expect(thrown(() => api.importKey(material, aes)).code).toBe("ERR_KEY_CAPACITY");
      backend.destroySlot(slots.pop()!);
      const key = api.importKey(material, aes);
      expect(api.keyCheckValue(key)).toMatch(/^[0-9A-F]{6}$/);
      key.destroy();
      for (const slot of slots) backend.destroySlot(slot);
      expect(slots.some((slot) => backend.slotIsLive(slot))).toBe(false);
    },
  );
});
