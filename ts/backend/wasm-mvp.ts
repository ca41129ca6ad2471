/**
 * The backend for engines whose WebAssembly has no SIMD (old WebViews), as entry `./backend/wasm`: the module with its bytes.
 *
 * Apart from entry `.`, which only reaches it by `import()`: 35 KB that most engines never need. `await loadCrypto()` takes it by
 * itself where wasm-simd does not compile; the object `wasm` serves who cannot wait: `loadCryptoSync({ backend: wasm })`.
 */
import { decodeBase64 } from "../bytes.js";
import type { Backend } from "./contract.js";
import { MVP_BYTES } from "./mvp-bytes.generated.js";
import { createWasmBackend } from "./wasm.js";

/** The bytes of the module without SIMD, to compile. */
export function mvpModuleBytes(): Uint8Array {
  return decodeBase64(MVP_BYTES)!;
}

type Method = Exclude<keyof Backend, "name" | "constantTime">;

/** All methods of a backend, each once. */
const METHODS: Readonly<Record<Method, true>> = {
  createSlot: true,
  destroySlot: true,
  slotIsLive: true,
  slotKind: true,
  slotLength: true,
  readSlot: true,
  encryptBlock: true,
  decryptBlock: true,
  cbcEncrypt: true,
  cbcDecrypt: true,
  cmac: true,
  cbcMac: true,
  retailMac: true,
  hmac: true,
  hmacBase64: true,
  hmacBase64Equals: true,
  hmacWith: true,
  sha256: true,
  unwrapKey: true,
  wrapKey: true,
  seal: true,
  open: true,
  openText: true,
  encodeHex: true,
  decodeHex: true,
  equal: true,
};

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

/** Compiles its module on first use, without waiting: an engine that forbids that fails the self-test of whoever loads it. */
export const wasm: Backend = /* @__PURE__ */ deferred("wasm", () =>
  createWasmBackend(new WebAssembly.Module(mvpModuleBytes() as BufferSource), "wasm"),
);

export default wasm;
