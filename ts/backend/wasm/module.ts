/**
 * What the WebAssembly module exports (assembly/index.ts), and its window onto the host: the buffer IO in linear memory.
 *
 * Views are made once and renewed after memory has grown, which only the making of keys does. What lies in IO is secret; whoever
 * puts something there wipes exactly that part before the call of the host ends.
 */
import { byteCount, fixedBytes } from "../../base/byte-array.js";
import { decodeUtf8, encodeUtf8Into } from "../../base/bytes.js";
import type { PosCryptoError } from "../../base/errors.js";
import { BASE64_MAC, CAPACITY, FAILED, STALE, WINDOW, WRONG_KIND } from "../abi.gen.js";
import type { DukptOperation, MessagePart } from "../contract.js";
import { destroyedKey, noCapacity, wrongKind, wrongLength } from "../refusals.js";

/** A constant of the module: its plain value in engines older than `WebAssembly.Global` (Chrome 57 to 68). */
type Constant = WebAssembly.Global | number;

export interface WasmExports extends Record<DukptOperation, (handle: number, counter: number, length: number) => number> {
  readonly memory: WebAssembly.Memory;
  readonly IO: Constant;
  readonly IO_SIZE: Constant;
  readonly CHAIN: Constant;
  readonly EXPECTED: Constant;
  wipeIo(length: number): void;
  reset(): void;
  slotCreate(kind: number, length: number): number;
  slotDestroy(handle: number): number;
  slotKind(handle: number): number;
  slotLength(handle: number): number;
  slotRead(handle: number): number;
  slotParts(handle: number): number;
  blockEncrypt(handle: number): number;
  blockDecrypt(handle: number): number;
  cbcEncrypt(handle: number, length: number, pad: number, last: number): number;
  cbcDecrypt(handle: number, length: number, pad: number, last: number): number;
  macPart(handle: number, length: number): number;
  cmacEnd(handle: number, length: number): number;
  cbcMacEnd(handle: number, length: number): number;
  retailMacPart(handle: number, length: number): number;
  retailMacEnd(handle: number, length: number): number;
  hmac(handle: number, length: number): number;
  hashBegin(hash: number): void;
  hmacBegin(handle: number, hash: number): number;
  hashPart(hash: number, length: number): number;
  hashEnd(hash: number, length: number): number;
  hmacEnd(handle: number, hash: number, length: number): number;
  macBase64(): number;
  macEquals(): number;
  unwrapKeyBlock(kbpk: number, version: number, headerLength: number, blockLength: number, kind: number): number;
  wrapKeyBlock(kbpk: number, version: number, headerLength: number, key: number, paddingLength: number): number;
  seal(handle: number, length: number, encoding: number, last: number): number;
  open(handle: number, digits: number, encoding: number, last: number): number;
  encodeHex(length: number): number;
  decodeHex(digits: number): number;
  equal(length: number): number;
}

function numberOf(constant: Constant): number {
  return typeof constant === "number" ? constant : constant.value;
}

function statusError(status: number): PosCryptoError {
  if (status === STALE) return destroyedKey();
  if (status === CAPACITY) return noCapacity();
  return status === WRONG_KIND ? wrongKind() : wrongLength();
}

/** UTF-16 units whose UTF-8 certainly fits in WINDOW. */
const WINDOW_UNITS = Math.floor(WINDOW / 3);

/** Strings up to this length are written by a loop: cheaper than a call of `encodeInto`. */
const SHORT_TEXT = 48;

export class WasmIo {
  private readonly exports: WasmExports;
  private buffer: ArrayBufferLike | undefined;
  bytes!: Uint8Array;
  /** IV or chaining value. */
  chain!: Uint8Array;
  /** Base64 of a MAC to compare with. */
  expected!: Uint8Array;
  /** Where the last `stream` ended in IO at most. */
  peak = 0;
  /** IO from `tailAt` on, for a long text that begins there: messages of one kind have it at one place. */
  private tail!: Uint8Array;
  private tailAt = 0;
  private view8!: Uint8Array;
  private view16!: Uint8Array;
  private view32!: Uint8Array;

  constructor(exports: WasmExports) {
    this.exports = exports;
    this.renew();
  }

  /** Passes a result on; for a status other than FAILED, wipes everything and throws what it stands for. */
  check(result: number): number {
    if (result >= FAILED) return result;
    this.exports.reset();
    throw statusError(result);
  }

  /** After a call that may have grown memory. */
  renew(): void {
    const { memory, IO, IO_SIZE, CHAIN, EXPECTED } = this.exports;
    const io = numberOf(IO);
    const buffer = memory.buffer;
    if (buffer === this.buffer) return;
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer, io, numberOf(IO_SIZE));
    this.tail = this.bytes;
    this.tailAt = 0;
    this.chain = new Uint8Array(buffer, numberOf(CHAIN), 16);
    this.expected = new Uint8Array(buffer, numberOf(EXPECTED), BASE64_MAC);
    this.view8 = new Uint8Array(buffer, io, 8);
    this.view16 = new Uint8Array(buffer, io, 16);
    this.view32 = new Uint8Array(buffer, io, 32);
  }

  /** A copy of the first `length` bytes. The usual lengths have a view of their own: copying one costs half of a slice. */
  take(length: number): Uint8Array {
    if (length === 16) return new Uint8Array(this.view16);
    if (length === 32) return new Uint8Array(this.view32);
    if (length === 8) return new Uint8Array(this.view8);
    return this.bytes.slice(0, length);
  }

  /** The same, after which everything up to there or up to `used` is wiped. */
  takeAndWipe(length: number, used: number): Uint8Array {
    const out = this.take(length);
    this.exports.wipeIo(Math.max(length, used));
    return out;
  }

  /** The first `length` bytes as text, or `undefined` if they are not UTF-8. */
  takeText(length: number): string | undefined {
    return decodeUtf8(this.bytes.subarray(0, length));
  }

  /** The first `length` bytes as text that the module made: ASCII. */
  takeAscii(length: number): string {
    return this.takeText(length) ?? "";
  }

  /** The 44 characters of a MAC. */
  takeBase64(): string {
    const b = this.bytes;
    // biome-ignore format: one call with 44 arguments is several times faster than any loop or decoder at this length
    return String.fromCharCode(b[0]!, b[1]!, b[2]!, b[3]!, b[4]!, b[5]!, b[6]!, b[7]!, b[8]!, b[9]!, b[10]!, b[11]!, b[12]!, b[13]!,
      b[14]!, b[15]!, b[16]!, b[17]!, b[18]!, b[19]!, b[20]!, b[21]!, b[22]!, b[23]!, b[24]!, b[25]!, b[26]!, b[27]!, b[28]!, b[29]!,
      b[30]!, b[31]!, b[32]!, b[33]!, b[34]!, b[35]!, b[36]!, b[37]!, b[38]!, b[39]!, b[40]!, b[41]!, b[42]!, b[43]!);
  }

  /** Writes the UTF-8 of a text at `at`; returns the end. What does not fit is cut off. */
  putText(text: string, at: number): number {
    if (text.length <= SHORT_TEXT) {
      const end = this.putShort(text, at);
      if (end > 0) return end;
    }
    if (at === 0) return encodeUtf8Into(text, this.bytes);
    if (at !== this.tailAt) {
      this.tail = this.bytes.subarray(at);
      this.tailAt = at;
    }
    return at + encodeUtf8Into(text, this.tail);
  }

  /** The same for a short ASCII text; 0 if it is not ASCII. */
  private putShort(text: string, at: number): number {
    const bytes = this.bytes;
    let all = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      all |= code;
      bytes[at + i] = code;
    }
    return all < 128 ? at + text.length : 0;
  }

  /**
   * Writes bytes at `at`; returns the end. Their number is read once: what a shared buffer has grown by since is not part of them.
   */
  putBytes(bytes: Uint8Array, at: number): number {
    const count = byteCount(bytes);
    this.bytes.set(bytes, at);
    if (byteCount(bytes) !== count) this.bytes.fill(0, at + count);
    return at + count;
  }

  /** Writes the parts one after the other if they surely fit; else writes nothing and returns -1. */
  putAll(parts: readonly MessagePart[]): number {
    let bound = 0;
    for (let i = 0; i < parts.length; i++) bound += 3 * sizeOf(parts[i]!);
    if (bound > WINDOW) return -1;
    let at = 0;
    for (let i = 0; i < parts.length; i++) at = this.put(parts[i]!, at);
    return at <= WINDOW ? at : -1;
  }

  put(part: MessagePart, at: number): number {
    return typeof part === "string" ? this.putText(part, at) : this.putBytes(part, at);
  }

  /**
   * Runs a long message through IO: whenever `window` bytes might be exceeded, calls `step` with a multiple of `unit` of bytes.
   * Returns the number of bytes left in IO for the last step, at least `unit` of them if there was a step before. A step may
   * overwrite the window.
   */
  stream(parts: readonly MessagePart[], window: number, unit: number, step: (length: number) => void): number {
    let at = 0;
    this.peak = 0;
    const flush = (): void => {
      this.peak = window;
      const length = at - unit - (at % unit);
      const carry = this.bytes.slice(length, at);
      step(length);
      at = this.putBytes(carry, 0);
      carry.fill(0);
    };
    for (const part of parts) {
      if (typeof part === "string") {
        for (const piece of pieces(part, Math.floor((window - 2 * unit) / 3))) {
          if (at + 3 * piece.length > window) flush();
          at = this.putText(piece, at);
        }
      } else {
        const size = window - 2 * unit;
        const bytes = byteCount(part) > size ? fixedBytes(part) : part;
        const count = byteCount(bytes);
        for (let from = 0; from < count; from += size) {
          const length = Math.min(size, count - from);
          if (at + length > window) flush();
          at = this.putBytes(length === count ? bytes : bytes.subarray(from, from + length), at);
        }
      }
    }
    this.peak = Math.max(this.peak, at);
    return at;
  }
}

/** UTF-16 units of text, or bytes. */
export function sizeOf(part: MessagePart): number {
  return typeof part === "string" ? part.length : byteCount(part);
}

/** `text` in pieces of at most `units` UTF-16 units, cut between code points. */
function* pieces(text: string, units: number): Generator<string> {
  const size = Math.min(units, WINDOW_UNITS);
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + size, text.length);
    const last = text.charCodeAt(to - 1);
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to--;
    yield text.substring(from, to);
    from = to;
  }
}
