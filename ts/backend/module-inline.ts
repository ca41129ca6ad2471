/**
 * The WebAssembly module carried inside the package, behind the import `#wasm`: everywhere but on runtimes that forbid to compile
 * bytes, which get module-raw.ts.
 *
 * Decoded by the engine where it has `Uint8Array.fromBase64` (ES2026), else by a loop that runs once, uncompiled, and so keeps to
 * few operations: no call for a digit, no `atob`, which does not exist everywhere and whose result takes a loop, too.
 */
import { encodeUtf8 } from "../bytes.js";
import { SIMD_BYTES, SIMD_LENGTH } from "./simd-bytes.generated.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes of the SIMD module, to compile. */
export function simdModuleBytes(): Uint8Array {
  const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array };
  if (typeof fromBase64 === "function") return fromBase64(SIMD_BYTES);
  const codes = encodeUtf8(SIMD_BYTES);
  const length = SIMD_LENGTH;
  const values = new Uint8Array(128);
  for (let i = 0; i < 64; i++) values[ALPHABET.charCodeAt(i)] = i;
  const bytes = new Uint8Array(length);
  for (let from = 0, to = 0; to < length; from += 4, to += 3) {
    const high = (values[codes[from]!]! << 6) | values[codes[from + 1]!]!;
    const group = (high << 12) | (values[codes[from + 2]!]! << 6) | values[codes[from + 3]!]!;
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
