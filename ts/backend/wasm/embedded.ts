/**
 * The bytes of a WebAssembly module that a JavaScript file carries as lower-case hexadecimal text. Public data.
 *
 * Hexadecimal, since what is sent compressed grows by 9 % over the bytes then, where Base64, whose digits straddle bytes, grows by
 * 30 % (measured on the SIMD module: 11,989 bytes gzipped become 13,032 and 15,595).
 *
 * The engine decodes where it can: `Uint8Array.fromHex` (ES2026), or Node's `Buffer`. The loop behind them runs once, not yet
 * compiled, so it keeps to few operations: no call for a digit.
 */
import { encodeUtf8 } from "../../base/bytes.js";

interface Decoders {
  readonly Buffer?: { from?: (text: string, encoding: string) => Uint8Array };
}

export function embeddedBytes(text: string): Uint8Array {
  const { fromHex } = Uint8Array as { fromHex?: (text: string) => Uint8Array };
  if (typeof fromHex === "function") return fromHex(text);
  // Engines may have WebAssembly and no `globalThis` (Chrome 57 to 70), and have no `Buffer` then.
  const native: Decoders = typeof globalThis === "object" ? (globalThis as unknown as Decoders) : {};
  if (typeof native.Buffer?.from === "function") return native.Buffer.from(text, "hex");
  const codes = encodeUtf8(text);
  const bytes = new Uint8Array(codes.length >> 1);
  for (let from = 0, to = 0; to < bytes.length; from += 2, to++) {
    const high = codes[from]!;
    const low = codes[from + 1]!;
    // Bit 6 is set in letters only, whose low bits begin at 1.
    bytes[to] = (((high & 15) + 9 * (high >> 6)) << 4) | ((low & 15) + 9 * (low >> 6));
  }
  return bytes;
}
