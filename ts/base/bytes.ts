/**
 * Bytes and text: assertions, hexadecimal, Base64 (RFC 4648 clauses 4 and 8), UTF-8 (RFC 3629).
 *
 * For public data: the conversions here index tables and stop early. Secret hexadecimal goes through the backend. Engines without
 * TextEncoder and TextDecoder get the same results from loops.
 */
import { own } from "./arguments.js";
import { byteCount, fixedBytes, isBytes } from "./byte-array.js";
import { describeType, invalidArgument } from "./errors.js";

export interface ByteLength {
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
}

function plural(n: number): string {
  return n === 1 ? "1 byte" : `${n} bytes`;
}

function describeLength(length: ByteLength): string {
  const [min, max, multipleOf] = [own(length, "min"), own(length, "max"), own(length, "multipleOf")];
  const range =
    min !== undefined && max !== undefined
      ? `${min} to ${plural(max)}`
      : min !== undefined
        ? `at least ${plural(min)}`
        : max !== undefined
          ? `at most ${plural(max)}`
          : "";
  if (multipleOf === undefined) return range;
  return range === "" ? `a multiple of ${multipleOf} bytes` : `${range} and a multiple of ${multipleOf}`;
}

/**
 * Asserts that `value` is a Uint8Array (a Node Buffer is one), not detached, of `length` bytes or within the limits given.
 * Throws ERR_INVALID_ARGUMENT naming `name`.
 */
export function assertBytes(name: string, value: unknown, length?: number | ByteLength): asserts value is Uint8Array {
  if (!isBytes(value)) throw invalidArgument(name, "a Uint8Array", describeType(value));
  if (length === undefined) return;
  const n = byteCount(value);
  if (typeof length === "number") {
    if (n !== length) throw invalidArgument(name, plural(length), n);
    return;
  }
  const min = own(length, "min", 0);
  const max = own(length, "max", Number.MAX_SAFE_INTEGER);
  const multipleOf = own(length, "multipleOf", 1);
  if (n < min || n > max || n % multipleOf !== 0) throw invalidArgument(name, describeLength(length), n);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  const fixed = parts.map(fixedBytes);
  for (const part of fixed) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of fixed) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Zeroes the arrays; `undefined` is skipped, so that a `finally` may name what was never made. */
export function wipe(...arrays: (Uint8Array | undefined)[]): void {
  for (const array of arrays) array?.fill(0);
}

/** The character code of an upper-case digit. */
function digitCode(value: number): number {
  return value + (value > 9 ? 55 : 48);
}

/** Upper-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  let text = "";
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) text += hexOfEight(bytes, i);
  for (; i < bytes.length; i++) text += String.fromCharCode(digitCode(bytes[i]! >> 4), digitCode(bytes[i]! & 15));
  return text;
}

/** One call with 16 arguments is several times faster than adding up digits. */
function hexOfEight(b: Uint8Array, at: number): string {
  // biome-ignore format: two bytes a line
  return String.fromCharCode(
    digitCode(b[at]! >> 4), digitCode(b[at]! & 15), digitCode(b[at + 1]! >> 4), digitCode(b[at + 1]! & 15),
    digitCode(b[at + 2]! >> 4), digitCode(b[at + 2]! & 15), digitCode(b[at + 3]! >> 4), digitCode(b[at + 3]! & 15),
    digitCode(b[at + 4]! >> 4), digitCode(b[at + 4]! & 15), digitCode(b[at + 5]! >> 4), digitCode(b[at + 5]! & 15),
    digitCode(b[at + 6]! >> 4), digitCode(b[at + 6]! & 15), digitCode(b[at + 7]! >> 4), digitCode(b[at + 7]! & 15),
  );
}

/** Whether `text` is an even number of hexadecimal digits, in either case (the empty text is). */
export function isHex(text: string): boolean {
  return text.length % 2 === 0 && !/[^0-9A-Fa-f]/.test(text);
}

/** Bytes of hexadecimal text in either case. Throws ERR_INVALID_ARGUMENT naming `name`. */
export function decodeHex(name: string, text: unknown): Uint8Array {
  if (typeof text !== "string") throw invalidArgument(name, "hexadecimal text", describeType(text));
  if (text.length % 2 !== 0) throw invalidArgument(name, "an even number of hexadecimal digits", text.length);
  const bytes = readHex(text);
  if (bytes === undefined) throw invalidArgument(name, "hexadecimal text", "other characters");
  return bytes;
}

/** The bytes of an even number of hexadecimal digits in either case, or `undefined` if the text has other characters. */
export function readHex(text: string): Uint8Array | undefined {
  const out = new Uint8Array(text.length / 2);
  let all = 0;
  for (let i = 0; i < out.length; i++) {
    const byte = (digit(text.charCodeAt(2 * i)) << 4) | digit(text.charCodeAt(2 * i + 1));
    all |= byte;
    out[i] = byte;
  }
  return all < 0 ? undefined : out;
}

/** 0 to 15, or -1. */
function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 && code < 0x80 ? lower - 0x57 : -1;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** RFC 4648 clause 4, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i]!, bytes[i + 1], bytes[i + 2]];
    const group = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += BASE64.charAt(group >> 18) + BASE64.charAt((group >> 12) & 63);
    text += b === undefined ? "=" : BASE64.charAt((group >> 6) & 63);
    text += c === undefined ? "=" : BASE64.charAt(group & 63);
  }
  return text;
}

let base64Values: Uint8Array | undefined;

function makeBase64Values(): Uint8Array {
  const values = new Uint8Array(128).fill(255);
  for (let i = 0; i < 64; i++) values[BASE64.charCodeAt(i)] = i;
  return values;
}

/** The bytes of canonical Base64 (padded, no other characters, unused bits zero), or `undefined` for any other text. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  base64Values ??= makeBase64Values();
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const characters = text.length - padding;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let group = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < characters; i++) {
    const value = base64Values[text.charCodeAt(i)] ?? 255;
    if (value === 255) return undefined;
    group = (group << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = group >> bits;
      group &= (1 << bits) - 1;
    }
  }
  return group === 0 ? out : undefined;
}

let encoder: TextEncoder | undefined | null;
let decoder: TextDecoder | undefined | null;

function getEncoder(): TextEncoder | null {
  if (encoder === undefined) encoder = typeof TextEncoder === "function" ? new TextEncoder() : null;
  return encoder;
}

function getDecoder(): TextDecoder | null {
  if (decoder === undefined) {
    try {
      decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    } catch {
      decoder = null;
    }
  }
  return decoder;
}

/** UTF-8 of `text`; a lone surrogate becomes U+FFFD, as the Encoding Standard says. */
export function encodeUtf8(text: string): Uint8Array {
  const native = getEncoder();
  if (native !== null) return native.encode(text);
  const out = new Uint8Array(text.length * 3);
  const length = writeUtf8(text, out);
  return out.slice(0, length);
}

/** Writes the UTF-8 of `text` to the start of `target`, which has 3 bytes for every UTF-16 unit; returns the bytes written. */
export function encodeUtf8Into(text: string, target: Uint8Array): number {
  const native = getEncoder();
  return native !== null && typeof native.encodeInto === "function"
    ? native.encodeInto(text, target).written
    : writeUtf8(text, target);
}

/** `encodeUtf8Into` without TextEncoder. */
export function writeUtf8(text: string, out: Uint8Array): number {
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code >= 0xd800 && code <= 0xdfff) {
      const next = code < 0xdc00 ? text.charCodeAt(i + 1) : 0;
      if (next >= 0xdc00 && next <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
        i++;
      } else {
        code = 0xfffd;
      }
    }
    if (code < 0x80) {
      out[at++] = code;
      continue;
    }
    if (code < 0x800) {
      out[at++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        out[at++] = 0xe0 | (code >> 12);
      } else {
        out[at++] = 0xf0 | (code >> 18);
        out[at++] = 0x80 | ((code >> 12) & 63);
      }
      out[at++] = 0x80 | ((code >> 6) & 63);
    }
    out[at++] = 0x80 | (code & 63);
  }
  return at;
}

/** The text of UTF-8 bytes, a byte order mark kept, or `undefined` if they are not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const native = getDecoder();
  if (native === null) return readUtf8(bytes);
  try {
    return native.decode(bytes);
  } catch {
    return undefined;
  }
}

/** `decodeUtf8` without TextDecoder. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  let text = "";
  let units: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i++]!;
    let code = first;
    if (first >= 0x80) {
      const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
      if (first < 0xc2 || first > 0xf4 || i + more > bytes.length) return undefined;
      code = first & (0x3f >> more);
      for (let j = 0; j < more; j++) {
        const next = bytes[i++]!;
        if (next >> 6 !== 2) return undefined;
        code = (code << 6) | (next & 63);
      }
      const overlong = (more === 2 && code < 0x800) || (more === 3 && code < 0x10000);
      if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    }
    if (code < 0x10000) units.push(code);
    else units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
    if (units.length >= 4096) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** Whether `text` has no lone surrogate, so that no other text has the same UTF-8. */
export function isWellFormed(text: string): boolean {
  const native = (text as { isWellFormed?: () => boolean }).isWellFormed;
  if (typeof native === "function") return native.call(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(i + 1);
    if (code >= 0xdc00 || !(next >= 0xdc00 && next <= 0xdfff)) return false;
    i++;
  }
  return true;
}
