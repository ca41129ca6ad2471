/**
 * The backend for engines whose WebAssembly has no SIMD (old WebViews), as entry `./backend/wasm`: the module with its bytes.
 *
 * Apart from entry `.`, which only reaches it by `import()`: 55 KB of text that most engines never need. `await loadCrypto()` takes it by
 * itself where wasm-simd does not compile; callers that cannot await pass the object `wasm`: `loadCryptoSync({ backend: wasm })`.
 *
 * @module viopay-pos-crypto/backend/wasm
 */
import type { Backend } from "../contract.js";
import { embeddedBytes } from "./embedded.js";
import { MVP_HEX } from "./mvp-bytes.generated.js";
import { METHODS, type Method } from "../methods.js";
import { createWasmBackend } from "./wasm.js";

/**
 * The bytes of the module without SIMD, for a host that compiles it itself; the same as the file `viopay-pos-crypto.mvp.wasm`.
 *
 * @returns a fresh array
 * @example
 * ```ts
 * import { loadCrypto } from "viopay-pos-crypto";
 * import { mvpModuleBytes } from "viopay-pos-crypto/backend/wasm";
 *
 * const module = await WebAssembly.compile(mvpModuleBytes() as BufferSource);
 * console.log((await loadCrypto({ backend: "wasm", module })).name); // prints wasm
 * ```
 */
export function mvpModuleBytes(): Uint8Array {
  return embeddedBytes(MVP_HEX);
}

/** A backend that `make` makes when it is first asked to do something. */
function deferred(name: "wasm", make: () => Backend): Backend {
  let made: Record<Method, (...args: unknown[]) => unknown> | undefined;
  const backend: Record<string, unknown> = { name, constantTime: true };
  for (const method of Object.keys(METHODS) as Method[]) {
    backend[method] = (...args: unknown[]) => {
      made ??= make() as unknown as NonNullable<typeof made>;
      return made[method](...args);
    };
  }
  return backend as unknown as Backend;
}

/**
 * The backend whose WebAssembly needs no SIMD, as an object. Compiles its module on first use, without waiting: an engine that
 * forbids that fails the self-test of whoever loads it (`ERR_BACKEND_UNAVAILABLE`).
 *
 * @example
 * ```ts
 * import { loadCryptoSync } from "viopay-pos-crypto";
 * import { wasm } from "viopay-pos-crypto/backend/wasm";
 *
 * const info = loadCryptoSync({ backend: wasm, requireConstantTime: true });
 * console.log(info.name, info.constantTime); // prints wasm true
 * ```
 */
export const wasm: Backend = /* @__PURE__ */ deferred("wasm", () =>
  createWasmBackend(new WebAssembly.Module(mvpModuleBytes() as BufferSource), "wasm"),
);

export default wasm;
