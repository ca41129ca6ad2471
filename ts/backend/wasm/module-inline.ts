/**
 * The WebAssembly module carried inside the package, behind the import `#wasm`: everywhere but on runtimes that forbid to compile
 * bytes, which get module-raw.ts.
 */
import { embeddedBytes } from "./embedded.js";
import { SIMD_HEX } from "./simd-bytes.generated.js";

/** The bytes of the SIMD module, to compile. */
export function simdModuleBytes(): Uint8Array {
  return embeddedBytes(SIMD_HEX);
}

/** A module that needs no compiling: not here. */
export function simdModule(): WebAssembly.Module | undefined {
  return undefined;
}
