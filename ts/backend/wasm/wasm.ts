/**
 * The backend on the WebAssembly module (assembly/index.ts): moves bytes and text across the boundary and reads its verdicts.
 *
 * Messages longer than the module's buffer go through in parts. Secrets lie in linear memory only while a call runs; each method
 * wipes what it used of the buffer.
 */
import { byteCount, fixedBytes } from "../../base/byte-array.js";
import { encodeUtf8Into } from "../../base/bytes.js";
import { invalidArgument } from "../../base/errors.js";
import {
  BAD_LENGTH,
  BASE64_MAC,
  FAILED,
  HASHES,
  KINDS,
  LONGEST_BLOCK,
  LONGEST_KEY,
  MAC_LENGTHS,
  PART_UNIT,
  WINDOW,
} from "../abi.gen.js";
import type {
  Backend,
  BlockPadding,
  DukptOperation,
  HashName,
  KeyBlockVersion,
  MessagePart,
  OpenEncoding,
  Slot,
  SlotKind,
  UnwrapVerdict,
} from "../contract.js";
import { WasmCiphers } from "./ciphers.js";
import { WasmEnvelopes } from "./envelopes.js";
import { guarded } from "./guard.js";
import { wrongMaterialLength } from "../refusals.js";
import { type WasmExports, WasmIo } from "./module.js";

/** Names of the module's kinds, by number. */
const KIND_NAMES = /* @__PURE__ */ Object.keys(KINDS) as SlotKind[];

/**
 * Instantiates `module`, which must be the one that `name` stands for, or takes its `instance`: Chrome before 114 makes none
 * without waiting on its main thread.
 */
export function createWasmBackend(
  module: WebAssembly.Module,
  name: "wasm-simd" | "wasm",
  instance: WebAssembly.Instance = new WebAssembly.Instance(module, {}),
): Backend {
  const exports = instance.exports as unknown as WasmExports;
  const backend = new WasmBackend(exports, name);
  return guarded(backend, () => {
    exports.reset();
    backend.io.renew();
  });
}

class WasmBackend implements Backend {
  readonly name: "wasm-simd" | "wasm";
  readonly constantTime = true;
  private readonly wasm: WasmExports;
  readonly io: WasmIo;
  private readonly ciphers: WasmCiphers;
  private readonly envelopes: WasmEnvelopes;

  constructor(wasm: WasmExports, name: "wasm-simd" | "wasm") {
    this.name = name;
    this.wasm = wasm;
    this.io = new WasmIo(wasm);
    this.ciphers = new WasmCiphers(wasm, this.io);
    this.envelopes = new WasmEnvelopes(wasm, this.io);
  }

  createSlot(kind: SlotKind, material: Uint8Array): Slot {
    if (byteCount(material) > LONGEST_KEY) throw wrongMaterialLength();
    const { wasm, io } = this;
    const handle = wasm.slotCreate(KINDS[kind], io.putBytes(material, 0));
    io.renew();
    if (handle === BAD_LENGTH) throw wrongMaterialLength();
    return io.check(handle);
  }

  destroySlot(slot: Slot): void {
    this.wasm.slotDestroy(slot);
  }

  slotIsLive(slot: Slot): boolean {
    return this.wasm.slotKind(slot) > 0;
  }

  slotKind(slot: Slot): SlotKind {
    return KIND_NAMES[this.io.check(this.wasm.slotKind(slot)) - KINDS.AES]!;
  }

  slotLength(slot: Slot): number {
    return this.io.check(this.wasm.slotLength(slot));
  }

  readSlot(slot: Slot): Uint8Array {
    return this.io.takeAndWipe(this.io.check(this.wasm.slotRead(slot)), 0);
  }

  slotParts(slot: Slot): number {
    return this.io.check(this.wasm.slotParts(slot));
  }

  encryptBlock(slot: Slot, block: Uint8Array): Uint8Array {
    return this.ciphers.encryptBlock(slot, block);
  }

  decryptBlock(slot: Slot, block: Uint8Array): Uint8Array {
    return this.ciphers.decryptBlock(slot, block);
  }

  cbcEncrypt(slot: Slot, iv: Uint8Array, data: Uint8Array, padding: BlockPadding): Uint8Array {
    return this.ciphers.cbcEncrypt(slot, iv, data, padding);
  }

  cbcDecrypt(slot: Slot, iv: Uint8Array, data: Uint8Array, padding: BlockPadding): Uint8Array | undefined {
    return this.ciphers.cbcDecrypt(slot, iv, data, padding);
  }

  cmac(slot: Slot, data: Uint8Array): Uint8Array {
    return this.ciphers.cmac(slot, data);
  }

  cbcMac(slot: Slot, data: Uint8Array): Uint8Array {
    return this.ciphers.cbcMac(slot, data);
  }

  retailMac(slot: Slot, data: Uint8Array): Uint8Array {
    return this.ciphers.retailMac(slot, data);
  }

  /** Leaves the MAC of the parts in IO: 32 bytes, everything behind them zero. */
  private hmacToIo(slot: Slot, parts: readonly MessagePart[]): void {
    const { wasm, io } = this;
    const used = io.putAll(parts);
    if (used >= 0) this.io.check(wasm.hmac(slot, used));
    else this.longHmac(HASHES["SHA-256"], slot, parts);
  }

  /** Leaves an HMAC with any hash in IO, everything behind it zero: its length. */
  private longHmac(hash: number, slot: Slot, parts: readonly MessagePart[]): number {
    const { wasm, io } = this;
    io.check(wasm.hmacBegin(slot, hash));
    const rest = io.stream(parts, WINDOW, PART_UNIT, (length) => void io.check(wasm.hashPart(hash, length)));
    io.bytes.fill(0, rest, io.peak);
    return io.check(wasm.hmacEnd(slot, hash, rest));
  }

  hmac(slot: Slot, parts: readonly MessagePart[]): Uint8Array {
    this.hmacToIo(slot, parts);
    return this.io.takeAndWipe(32, 32);
  }

  hmacBase64(slot: Slot, parts: readonly MessagePart[]): string {
    this.hmacToIo(slot, parts);
    this.wasm.macBase64();
    const text = this.io.takeBase64();
    this.wasm.wipeIo(BASE64_MAC);
    return text;
  }

  hmacBase64Equals(slot: Slot, parts: readonly MessagePart[], expected: string): boolean {
    const { wasm, io } = this;
    if (expected.length !== BASE64_MAC) {
      io.check(wasm.slotKind(slot));
      return false;
    }
    this.hmacToIo(slot, parts);
    // A character beyond ASCII leaves a byte that no Base64 has, or does not fit.
    const complete = encodeUtf8Into(expected, io.expected) === BASE64_MAC;
    return wasm.macEquals() === 1 && complete;
  }

  hmacWith(hash: HashName, slot: Slot, message: Uint8Array): Uint8Array {
    return this.io.takeAndWipe(this.longHmac(HASHES[hash], slot, [message]), 0);
  }

  digest(hash: HashName, data: Uint8Array): Uint8Array {
    const { wasm, io } = this;
    const number = HASHES[hash];
    wasm.hashBegin(number);
    const rest = io.stream([data], WINDOW, PART_UNIT, (length) => void io.check(wasm.hashPart(number, length)));
    return io.takeAndWipe(io.check(wasm.hashEnd(number, rest)), io.peak);
  }

  unwrapKeyBlock(kbpk: Slot, version: KeyBlockVersion, block: string, headerLength: number, kind: SlotKind): UnwrapVerdict {
    const { wasm, io } = this;
    if (block.length > LONGEST_BLOCK) throw invalidArgument("block", `at most ${LONGEST_BLOCK} characters`, block.length);
    const used = io.putText(block, 0);
    const result = wasm.unwrapKeyBlock(kbpk, version.charCodeAt(0), headerLength, used, KINDS[kind]);
    io.renew();
    wasm.wipeIo(used);
    if (result === FAILED) return { verdict: "mac" };
    if (result === BAD_LENGTH) return { verdict: "length" };
    const slot = io.check(result);
    const length = this.slotLength(slot);
    const payload = (block.length - headerLength - 2 * MAC_LENGTHS[version]) / 2;
    return { verdict: "opened", slot, kind: this.slotKind(slot), length, paddingLength: payload - 2 - length };
  }

  wrapKeyBlock(kbpk: Slot, version: KeyBlockVersion, header: string, key: Slot, padding: Uint8Array): string {
    const { wasm, io } = this;
    const paddingLength = byteCount(padding);
    if (header.length + paddingLength > LONGEST_BLOCK) throw invalidArgument("padding", "shorter", paddingLength);
    const headerLength = io.putText(header, 0);
    const used = io.putBytes(padding, headerLength);
    const result = wasm.wrapKeyBlock(kbpk, version.charCodeAt(0), headerLength, key, used - headerLength);
    if (result === BAD_LENGTH) throw invalidArgument("padding", "as long as the version's cipher blocks ask for", paddingLength);
    const length = io.check(result);
    const text = io.takeAscii(length);
    wasm.wipeIo(Math.max(used, length));
    return text;
  }

  dukpt(operation: DukptOperation, slot: Slot, counter: number, input: Uint8Array): Uint8Array | undefined {
    const { wasm, io } = this;
    const used = io.putBytes(input, 0);
    const length = wasm[operation](slot, counter, used);
    io.renew();
    const out = io.takeAndWipe(Math.max(io.check(length), 0), used);
    return length === FAILED ? undefined : out;
  }

  seal(slot: Slot, iv: Uint8Array, plaintext: MessagePart, encoding: "hex" | "raw"): string {
    return this.envelopes.seal(slot, iv, plaintext, encoding);
  }

  open(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): Uint8Array | undefined {
    return this.envelopes.open(slot, iv, ciphertext, encoding);
  }

  openText(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): string | undefined {
    return this.envelopes.openText(slot, iv, ciphertext, encoding);
  }

  encodeHex(bytes: Uint8Array): string {
    return this.envelopes.encodeHex(bytes);
  }

  decodeHex(text: string): Uint8Array | undefined {
    return this.envelopes.decodeHex(text);
  }

  equal(a: Uint8Array, b: Uint8Array): boolean {
    const count = byteCount(a);
    if (byteCount(b) !== count) return false;
    const half = WINDOW / 2;
    const [first, second] = [fixedBytes(a), fixedBytes(b)];
    let equal = 1;
    for (let from = 0; from < count; from += half) {
      const length = this.io.putBytes(first.subarray(from, from + half), 0);
      const used = this.io.putBytes(second.subarray(from, from + half), length);
      equal &= this.io.check(this.wasm.equal(length));
      this.wasm.wipeIo(used);
    }
    return equal === 1;
  }
}
