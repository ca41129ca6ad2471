/**
 * Envelopes and hexadecimal of the WebAssembly backend: one call of the module where the message fits its buffer, windows of it
 * where not. The plaintext exists outside the module only as what the host passes or receives.
 */
import { byteCount, fixedBytes } from "../../base/byte-array.js";
import { decodeUtf8, wipe } from "../../base/bytes.js";
import { invalidArgument } from "../../base/errors.js";
import { ENCODINGS, FAILED, WINDOW } from "../abi.gen.js";
import type { MessagePart, OpenEncoding, Slot } from "../contract.js";
import { startsLikeMessage } from "../message-start.js";
import { sizeOf, type WasmExports, type WasmIo } from "./module.js";

/** Plaintext bytes that one call seals: their hexadecimal ciphertext fills the window. */
const SEAL_WINDOW = { raw: WINDOW / 2, hex: WINDOW / 4 } as const;

/** Room behind the window that the last, padded block of hexadecimal may use. */
const SEAL_SLACK = 64;

const BLOCK = 16;

export class WasmEnvelopes {
  private readonly wasm: WasmExports;
  private readonly io: WasmIo;

  constructor(wasm: WasmExports, io: WasmIo) {
    this.wasm = wasm;
    this.io = io;
  }

  private putIv(iv: Uint8Array): void {
    const count = byteCount(iv);
    if (count !== BLOCK) throw invalidArgument("iv", `${BLOCK} bytes`, count);
    this.io.chain.set(iv);
  }

  seal(slot: Slot, iv: Uint8Array, plaintext: MessagePart, encoding: "hex" | "raw"): string {
    const window = SEAL_WINDOW[encoding];
    this.putIv(iv);
    if (sizeOf(plaintext) > window) return this.sealLong(slot, plaintext, encoding);
    const used = this.io.put(plaintext, 0);
    if (used > window) return this.sealLong(slot, plaintext, encoding);
    const text = this.sealPart(slot, used, encoding, 1);
    this.wasm.wipeIo(Math.max(used, text.length));
    return text;
  }

  private sealPart(slot: Slot, length: number, encoding: "hex" | "raw", last: 0 | 1): string {
    return this.io.takeAscii(this.io.check(this.wasm.seal(slot, length, ENCODINGS[encoding], last)));
  }

  private sealLong(slot: Slot, plaintext: MessagePart, encoding: "hex" | "raw"): string {
    let text = "";
    const rest = this.io.stream([plaintext], SEAL_WINDOW[encoding], BLOCK, (length) => {
      text += this.sealPart(slot, length, encoding, 0);
    });
    text += this.sealPart(slot, rest, encoding, 1);
    this.wasm.wipeIo(WINDOW + SEAL_SLACK);
    return text;
  }

  open(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): Uint8Array | undefined {
    if (ciphertext.length > WINDOW) return this.openLong(slot, iv, ciphertext, encoding);
    const length = this.openShort(slot, iv, ciphertext, encoding);
    if (length === FAILED) return undefined;
    const out = this.io.take(length);
    this.wasm.wipeIo(ciphertext.length);
    return out;
  }

  openText(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): string | undefined {
    if (ciphertext.length > WINDOW) return this.openLongText(slot, iv, ciphertext, encoding);
    const length = this.openShort(slot, iv, ciphertext, encoding);
    if (length === FAILED) return undefined;
    const text = this.io.takeText(length);
    this.wasm.wipeIo(ciphertext.length);
    return text;
  }

  /** Leaves the plaintext in IO: its length, or FAILED with IO wiped. */
  private openShort(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): number {
    this.putIv(iv);
    const digits = ciphertext.length;
    const used = digits === 0 || digits % (2 * BLOCK) !== 0 ? 0 : this.putDigits(ciphertext);
    if (used === 0) return this.refuse(slot);
    return this.io.check(this.wasm.open(slot, used, ENCODINGS[encoding], 1));
  }

  /** Puts text that ought to be hexadecimal into IO: its length, or 0 if it is not even ASCII. */
  private putDigits(text: string): number {
    const used = this.io.putText(text, 0);
    return used === text.length ? used : 0;
  }

  /** A failure that is known before the module was asked: a dead or unsuitable key is still told first. */
  private refuse(slot: Slot): number {
    this.io.check(this.wasm.slotKind(slot));
    this.wasm.reset();
    return FAILED;
  }

  private openLongText(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): string | undefined {
    const bytes = this.openLong(slot, iv, ciphertext, encoding);
    if (bytes === undefined) return undefined;
    const text = decodeUtf8(bytes);
    wipe(bytes);
    return text;
  }

  private openLong(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): Uint8Array | undefined {
    this.putIv(iv);
    const plaintext = ciphertext.length % (2 * BLOCK) === 0 ? new Uint8Array(ciphertext.length / 2) : undefined;
    const length = plaintext === undefined ? this.refuse(slot) : this.decryptLong(slot, ciphertext, plaintext);
    this.wasm.wipeIo(WINDOW);
    if (plaintext === undefined) return undefined;
    const opened = length === FAILED ? undefined : this.decodeLong(plaintext, length, encoding);
    wipe(plaintext);
    return opened;
  }

  /** Fills in `plaintext`: its length without padding, or FAILED. */
  private decryptLong(slot: Slot, ciphertext: string, plaintext: Uint8Array): number {
    let total = 0;
    for (let from = 0; from < ciphertext.length; from += WINDOW) {
      const used = this.putDigits(ciphertext.substring(from, from + WINDOW));
      if (used === 0) return this.refuse(slot);
      const last = from + WINDOW >= ciphertext.length ? 1 : 0;
      const length = this.io.check(this.wasm.open(slot, used, ENCODINGS.raw, last));
      if (length === FAILED) return FAILED;
      plaintext.set(this.io.bytes.subarray(0, length), total);
      total += length;
    }
    return total;
  }

  /** What assembly/envelope.ts does with a short plaintext: a copy of the bytes, or `undefined`. */
  private decodeLong(plaintext: Uint8Array, length: number, encoding: OpenEncoding): Uint8Array | undefined {
    const text = plaintext.subarray(0, length);
    if (encoding === "raw") return text.slice();
    const put = (from: number): number => this.io.putBytes(text.subarray(from, from + WINDOW), 0);
    const decoded = length % 2 === 0 ? this.decodeWindows(length, put) : undefined;
    if (encoding === "hex") return decoded;
    if (decoded !== undefined && startsLikeMessage(decoded)) return decoded;
    wipe(decoded);
    return text.slice();
  }

  /** Decodes `digits` characters that `put` brings window by window: the bytes, or `undefined`. Looks at all of them. */
  private decodeWindows(digits: number, put: (from: number) => number): Uint8Array | undefined {
    const out = new Uint8Array(digits / 2);
    let valid = true;
    for (let from = 0; from < digits; from += WINDOW) {
      const used = put(from);
      valid = this.io.check(this.wasm.decodeHex(used)) !== FAILED && valid;
      out.set(this.io.bytes.subarray(0, used / 2), from / 2);
      this.wasm.wipeIo(used);
    }
    if (valid) return out;
    wipe(out);
    return undefined;
  }

  encodeHex(bytes: Uint8Array): string {
    let text = "";
    const fixed = byteCount(bytes) > WINDOW / 2 ? fixedBytes(bytes) : bytes;
    const count = byteCount(fixed);
    for (let from = 0; from < count; from += WINDOW / 2) {
      const piece = count <= WINDOW / 2 ? fixed : fixed.subarray(from, from + WINDOW / 2);
      const length = this.io.check(this.wasm.encodeHex(this.io.putBytes(piece, 0)));
      text += this.io.takeAscii(length);
      this.wasm.wipeIo(length);
    }
    return text;
  }

  decodeHex(text: string): Uint8Array | undefined {
    if (text.length % 2 !== 0) return undefined;
    return this.decodeWindows(text.length, (from) => {
      const piece = text.substring(from, from + WINDOW);
      if (this.putDigits(piece) === 0) this.wasm.reset();
      return piece.length;
    });
  }
}
