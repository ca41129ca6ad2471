/**
 * The WebAssembly module as the runtime's loader compiled it, behind the import `#wasm` under the condition `workerd`: there, code
 * may import a `.wasm` file and may not compile bytes.
 */
import module from "../wasm/viopay-pos-crypto.simd.wasm";
import { PosCryptoError } from "../../base/errors.js";

export function simdModuleBytes(): Uint8Array {
  throw new PosCryptoError("ERR_BACKEND_UNAVAILABLE", "this runtime compiles WebAssembly only when it is deployed");
}

export function simdModule(): WebAssembly.Module | undefined {
  return module;
}
