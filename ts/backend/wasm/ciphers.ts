/**
 * Block ciphers and their MACs in the WebAssembly backend: one call of the module for data that fits its buffer, windows of it
 * where not.
 */
import { byteCount, fixedBytes } from "../../base/byte-array.js";
import { invalidArgument } from "../../base/errors.js";
import { FAILED, KINDS, PART_UNIT, WINDOW } from "../abi.gen.js";
import type { BlockPadding, Slot } from "../contract.js";
import type { WasmExports, WasmIo } from "./module.js";

export class WasmCiphers {
  private readonly wasm: WasmExports;
  private readonly io: WasmIo;

  constructor(wasm: WasmExports, io: WasmIo) {
    this.wasm = wasm;
    this.io = io;
  }

  /** Bytes of a block of the slot's cipher. */
  private blockSize(slot: Slot): number {
    return this.io.check(this.wasm.slotKind(slot)) === KINDS.AES ? 16 : 8;
  }

  encryptBlock(slot: Slot, block: Uint8Array): Uint8Array {
    assertLength("block", block, this.blockSize(slot));
    const used = this.io.putBytes(block, 0);
    return this.io.takeAndWipe(this.io.check(this.wasm.blockEncrypt(slot)), used);
  }

  decryptBlock(slot: Slot, block: Uint8Array): Uint8Array {
    assertLength("block", block, this.blockSize(slot));
    const used = this.io.putBytes(block, 0);
    return this.io.takeAndWipe(this.io.check(this.wasm.blockDecrypt(slot)), used);
  }

  cbcEncrypt(slot: Slot, iv: Uint8Array, data: Uint8Array, padding: BlockPadding): Uint8Array {
    const { wasm, io } = this;
    const block = this.blockSize(slot);
    const pad = padding === "pkcs7" ? 1 : 0;
    if (pad === 0) assertBlocks("data", data, block);
    assertLength("iv", iv, block);
    io.chain.set(iv);
    if (byteCount(data) <= WINDOW) {
      const length = io.check(wasm.cbcEncrypt(slot, io.putBytes(data, 0), pad, 1));
      return this.io.takeAndWipe(length, length);
    }
    const fixed = fixedBytes(data);
    const out = new Uint8Array(pad === 1 ? fixed.length - (fixed.length % block) + block : fixed.length);
    this.eachWindow(fixed, (used, from, last) => {
      const length = io.check(wasm.cbcEncrypt(slot, used, last & pad, last));
      out.set(io.bytes.subarray(0, length), from);
    });
    return out;
  }

  cbcDecrypt(slot: Slot, iv: Uint8Array, data: Uint8Array, padding: BlockPadding): Uint8Array | undefined {
    const { wasm, io } = this;
    const block = this.blockSize(slot);
    const pad = padding === "pkcs7" ? 1 : 0;
    assertBlocks("data", data, block);
    assertLength("iv", iv, block);
    const count = byteCount(data);
    if (pad === 1 && count === 0) return undefined;
    // A window's worth of plaintext is a block longer with its padding.
    if (count <= WINDOW + pad * block) {
      io.chain.set(iv);
      const used = io.putBytes(data, 0);
      const length = io.check(wasm.cbcDecrypt(slot, used, pad, 1));
      return length === FAILED ? undefined : this.io.takeAndWipe(length, used);
    }
    const fixed = fixedBytes(data);
    const added = pad === 1 ? this.paddingOf(slot, fixed, block) : 0;
    if (added === FAILED) return undefined;
    const out = new Uint8Array(fixed.length - added);
    io.chain.set(iv);
    this.eachWindow(fixed, (used, from, last) => {
      io.check(wasm.cbcDecrypt(slot, used, 0, last));
      out.set(io.bytes.subarray(0, Math.min(used, out.length - from)), from);
    });
    return out;
  }

  /** The padding of a long message, from its last block alone, so that the plaintext is written once and to its length; or FAILED. */
  private paddingOf(slot: Slot, data: Uint8Array, block: number): number {
    const { wasm, io } = this;
    const last = data.length - block;
    io.chain.set(data.subarray(last - block, last));
    const length = io.check(wasm.cbcDecrypt(slot, io.putBytes(data.subarray(last), 0), 1, 1));
    wasm.wipeIo(block);
    return length === FAILED ? FAILED : block - length;
  }

  /** Puts `data` into IO window by window; each is wiped after `step`. */
  private eachWindow(data: Uint8Array, step: (used: number, from: number, last: 0 | 1) => void): void {
    for (let from = 0; from < data.length; from += WINDOW) {
      const used = this.io.putBytes(data.subarray(from, from + WINDOW), 0);
      step(used, from, from + WINDOW >= data.length ? 1 : 0);
      this.wasm.wipeIo(used + 16);
    }
  }

  /** A MAC over `data`: `step` for the parts before the last, `end` for the last. */
  private mac(data: Uint8Array, step: (length: number) => number, end: (length: number) => number): Uint8Array {
    const { io } = this;
    const rest = io.stream([data], WINDOW, PART_UNIT, (length) => void io.check(step(length)));
    return this.io.takeAndWipe(io.check(end(rest)), io.peak);
  }

  cmac(slot: Slot, data: Uint8Array): Uint8Array {
    const { wasm } = this;
    return this.mac(
      data,
      (length) => wasm.macPart(slot, length),
      (length) => wasm.cmacEnd(slot, length),
    );
  }

  cbcMac(slot: Slot, data: Uint8Array): Uint8Array {
    const { wasm } = this;
    assertBlocks("data", data, this.blockSize(slot));
    return this.mac(
      data,
      (length) => wasm.macPart(slot, length),
      (length) => wasm.cbcMacEnd(slot, length),
    );
  }

  retailMac(slot: Slot, data: Uint8Array): Uint8Array {
    const { wasm } = this;
    assertBlocks("data", data, 8);
    if (byteCount(data) === 0) throw invalidArgument("data", "at least 8 bytes", 0);
    return this.mac(
      data,
      (length) => wasm.retailMacPart(slot, length),
      (length) => wasm.retailMacEnd(slot, length),
    );
  }
}

function assertLength(name: string, bytes: Uint8Array, length: number): void {
  const count = byteCount(bytes);
  if (count !== length) throw invalidArgument(name, `${length} bytes`, count);
}

function assertBlocks(name: string, bytes: Uint8Array, block: number): void {
  const count = byteCount(bytes);
  if (count % block !== 0) throw invalidArgument(name, `a multiple of ${block} bytes`, count);
}
