/**
 * The WebAssembly module carried inside the package, behind the import `#wasm`: everywhere but on runtimes that forbid to compile
 * bytes, which get module-raw.ts.
 *
 * Decoded by a loop: `atob` does not exist everywhere, and a callback for every byte of its result is slower.
 */
import { SIMD_BYTES, SIMD_LENGTH } from "./simd-bytes.generated.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes of the SIMD module, to compile. */
export function simdModuleBytes(): Uint8Array {
  const values = new Uint8Array(128);
  for (let i = 0; i < 64; i++) values[ALPHABET.charCodeAt(i)] = i;
  const bytes = new Uint8Array(SIMD_LENGTH);
  const value = (at: number): number => values[SIMD_BYTES.charCodeAt(at)]!;
  for (let from = 0, to = 0; to < SIMD_LENGTH; from += 4, to += 3) {
    const group = (value(from) << 18) | (value(from + 1) << 12) | (value(from + 2) << 6) | value(from + 3);
    bytes[to] = group >> 16;
    bytes[to + 1] = group >> 8;
    bytes[to + 2] = group;
  }
  return bytes;
}

/** A module that needs no compiling: not here. */
export function simdModule(): WebAssembly.Module | undefined {
  return undefined;
}
