/**
 * Triple DES (FIPS 46-3, SP 800-67) for the noble backend, with tables: fast enough in any engine, and not constant-time. Encrypt
 * with K1, decrypt with K2, encrypt with K3; a key of 8 bytes is single DES (K1 = K2 = K3), one of 16 has K3 = K1. Parity bits
 * are ignored.
 *
 * Permutations work by nibbles of the input, S-boxes with permutation P folded in; both kinds of table are made from the
 * standard's (des-tables.ts) at first use. Round keys live as long as the object and are wiped by `destroy`.
 */
import { wipe } from "../../base/bytes.js";
import type { BlockCipher } from "./cipher.js";
import {
  FINAL_PERMUTATION,
  INITIAL_PERMUTATION,
  LEFT_SHIFTS,
  PERMUTATION_P,
  PERMUTED_CHOICE_1,
  PERMUTED_CHOICE_2,
  S_BOXES,
} from "./des-tables.gen.js";

/** For each nibble of the input and each value of it: the high and the low word of what it adds to the output. */
type NibbleTable = Uint32Array;

interface Tables {
  initial: NibbleTable;
  final: NibbleTable;
  /** 64 bits to C and D, each in the low 28 bits of its word. */
  register: NibbleTable;
  /** C and D to a round key: in each word four groups of six bits at the left of its bytes, S-boxes 1 3 5 7 and 2 4 6 8. */
  roundKey: NibbleTable;
  /** For each S-box and each of its inputs, the output behind permutation P. */
  boxes: Uint32Array;
}

const ROUNDS = 16;
/** Words of the round keys of one stage. */
const STAGE = 2 * ROUNDS;
const MASK_28 = 0x0fffffff;

let made: Tables | undefined;

function tables(): Tables {
  made ??= {
    initial: nibbleTable(INITIAL_PERMUTATION, 64),
    final: nibbleTable(FINAL_PERMUTATION, 64),
    register: nibbleTable([...padding(4), ...PERMUTED_CHOICE_1.slice(0, 28), ...padding(4), ...PERMUTED_CHOICE_1.slice(28)], 64),
    roundKey: nibbleTable(roundKeyLayout(), 56),
    boxes: substitutionTable(),
  };
  return made;
}

/** Output bits that are always 0. */
function padding(count: number): number[] {
  return new Array<number>(count).fill(0);
}

function roundKeyLayout(): number[] {
  const layout: number[] = [];
  for (const first of [0, 1]) {
    for (let box = first; box < 8; box += 2) layout.push(...PERMUTED_CHOICE_2.slice(6 * box, 6 * box + 6), 0, 0);
  }
  return layout;
}

/** `sources` lists for each of 64 output bits its place in the input, from 1; 0 is no place. */
function nibbleTable(sources: readonly number[], inputBits: number): NibbleTable {
  const table = new Uint32Array((inputBits / 4) * 32);
  sources.forEach((source, position) => {
    if (source === 0) return;
    const nibble = (source - 1) >> 2;
    const weight = 8 >> ((source - 1) & 3);
    for (let value = 0; value < 16; value++) {
      if ((value & weight) !== 0) table[nibble * 32 + value * 2 + (position >> 5)]! |= 0x80000000 >>> (position & 31);
    }
  });
  return table;
}

function substitutionTable(): Uint32Array {
  const table = new Uint32Array(8 * 64);
  for (let i = 0; i < table.length; i++) {
    const input = i & 63;
    const entry = ((input >> 5) * 2 + (input & 1)) * 16 + ((input >> 1) & 15);
    const output = Number.parseInt(S_BOXES[i >> 6]!.charAt(entry), 16) << (28 - 4 * (i >> 6));
    PERMUTATION_P.forEach((source, position) => {
      table[i]! |= ((output >>> (32 - source)) & 1) << (31 - position);
    });
  }
  return table;
}

/** Permutes the words `high`, `low`, of which the last `width` bits each are input, into `out`. */
function permute(table: NibbleTable, high: number, low: number, width: 32 | 28, out: Uint32Array): void {
  let outHigh = 0;
  let outLow = 0;
  let row = 0;
  for (const word of [high, low]) {
    for (let shift = width - 4; shift >= 0; shift -= 4, row += 32) {
      const at = row + ((word >>> shift) & 15) * 2;
      outHigh |= table[at]!;
      outLow |= table[at + 1]!;
    }
  }
  out[0] = outHigh;
  out[1] = outLow;
}

function rotate28(x: number, by: number): number {
  return ((x << by) | (x >>> (28 - by))) & MASK_28;
}

function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

export class TripleDes implements BlockCipher {
  readonly blockSize = 8;
  /** 48 round keys of two words, in the order of encryption. */
  private readonly schedule: Uint32Array;
  /** The block under work. */
  private readonly block = new Uint32Array(2);

  /** `material`: 8, 16 or 24 bytes, not kept. */
  constructor(material: Uint8Array) {
    const schedule = new Uint32Array(3 * STAGE);
    const second = material.length === 8 ? 0 : 8;
    const third = material.length === 24 ? 16 : 0;
    expand(material, 0, schedule, 0, 2);
    expand(material, second, schedule, 2 * STAGE - 2, -2);
    expand(material, third, schedule, 2 * STAGE, 2);
    this.schedule = schedule;
  }

  encryptBlock(block: Uint8Array): Uint8Array {
    return this.cbcEncrypt(new Uint8Array(8), block);
  }

  decryptBlock(block: Uint8Array): Uint8Array {
    return this.cbcDecrypt(new Uint8Array(8), block);
  }

  cbcEncrypt(iv: Uint8Array, data: Uint8Array): Uint8Array {
    const out = new Uint8Array(data.length);
    const { block } = this;
    block[0] = readWord(iv, 0);
    block[1] = readWord(iv, 4);
    for (let at = 0; at < data.length; at += 8) {
      this.absorb(data, at, 3);
      writeWord(out, at, block[0]!);
      writeWord(out, at + 4, block[1]!);
    }
    block.fill(0);
    return out;
  }

  cbcDecrypt(iv: Uint8Array, data: Uint8Array): Uint8Array {
    const out = new Uint8Array(data.length);
    const { block } = this;
    let previousHigh = readWord(iv, 0);
    let previousLow = readWord(iv, 4);
    for (let at = 0; at < data.length; at += 8) {
      const high = readWord(data, at);
      const low = readWord(data, at + 4);
      block[0] = high;
      block[1] = low;
      this.cipher(3 * STAGE - 2, -2, 3);
      writeWord(out, at, block[0] ^ previousHigh);
      writeWord(out, at + 4, block[1] ^ previousLow);
      previousHigh = high;
      previousLow = low;
    }
    block.fill(0);
    return out;
  }

  /** SP 800-38B 6.2. */
  cmac(data: Uint8Array): Uint8Array {
    const zero = this.encryptBlock(new Uint8Array(8));
    const k1 = double(zero);
    const whole = Math.max(0, Math.ceil(data.length / 8) - 1) * 8;
    const last = new Uint8Array(8);
    last.set(data.subarray(whole));
    const rest = data.length - whole;
    if (rest < 8) last[rest] = 0x80;
    const subkey = rest < 8 ? double(k1) : k1;
    for (let i = 0; i < 8; i++) last[i]! ^= subkey[i]!;
    const mac = this.chain(data, whole, last, 3);
    wipe(zero, k1, subkey, last);
    return mac;
  }

  /** ISO 9797-1 algorithm 3 under a key of 16 bytes: single DES with K1 up to the last block, TDES there. `data` is not empty. */
  retailMac(data: Uint8Array): Uint8Array {
    const whole = data.length - 8;
    return this.chain(data, whole, data.subarray(whole), 1);
  }

  destroy(): void {
    this.schedule.fill(0);
    this.block.fill(0);
  }

  /** Chains `whole` bytes of `data` through `stages` stages, then `last` through all three. */
  private chain(data: Uint8Array, whole: number, last: Uint8Array, stages: 1 | 3): Uint8Array {
    const { block } = this;
    block.fill(0);
    for (let at = 0; at < whole; at += 8) this.absorb(data, at, stages);
    this.absorb(last, 0, 3);
    const mac = new Uint8Array(8);
    writeWord(mac, 0, block[0]!);
    writeWord(mac, 4, block[1]!);
    block.fill(0);
    return mac;
  }

  /** Adds eight bytes of `data` to the block and encrypts it. */
  private absorb(data: Uint8Array, at: number, stages: 1 | 3): void {
    this.block[0]! ^= readWord(data, at);
    this.block[1]! ^= readWord(data, at + 4);
    this.cipher(0, 2, stages);
  }

  /** `stages` times 16 rounds over the block, with the round keys from `key` on in steps of `step` words. */
  private cipher(key: number, step: number, stages: number): void {
    const { block, schedule } = this;
    const { initial, final, boxes } = tables();
    permute(initial, block[0]!, block[1]!, 32, block);
    let l = block[0]!;
    let r = block[1]!;
    for (let round = 1; round <= stages * ROUNDS; round++, key += step) {
      const odd = ((r >>> 1) | (r << 31)) ^ schedule[key]!;
      const even = ((r << 3) | (r >>> 29)) ^ schedule[key + 1]!;
      const next =
        l ^
        boxes[odd >>> 26]! ^
        boxes[64 + (even >>> 26)]! ^
        boxes[128 + ((odd >>> 18) & 63)]! ^
        boxes[192 + ((even >>> 18) & 63)]! ^
        boxes[256 + ((odd >>> 10) & 63)]! ^
        boxes[320 + ((even >>> 10) & 63)]! ^
        boxes[384 + ((odd >>> 2) & 63)]! ^
        boxes[448 + ((even >>> 2) & 63)]!;
      l = r;
      r = next;
      // A stage ends with its halves exchanged; final and initial permutation of neighbouring stages cancel out.
      if (round % ROUNDS === 0) [l, r] = [r, l];
    }
    permute(final, l, r, 32, block);
  }
}

/** The 16 round keys of the DES key at `from`, into `schedule` from `to` on in steps of `step` words. */
function expand(material: Uint8Array, from: number, schedule: Uint32Array, to: number, step: number): void {
  const { register, roundKey } = tables();
  const halves = new Uint32Array(2);
  permute(register, readWord(material, from), readWord(material, from + 4), 32, halves);
  let [c, d] = [halves[0]!, halves[1]!];
  for (const shift of LEFT_SHIFTS) {
    c = rotate28(c, shift);
    d = rotate28(d, shift);
    permute(roundKey, c, d, 28, halves);
    schedule[to] = halves[0]!;
    schedule[to + 1] = halves[1]!;
    to += step;
  }
  halves.fill(0);
}

/** Doubling in GF(2^64) (SP 800-38B 6.1, R64 = 1B). */
function double(bytes: Uint8Array): Uint8Array {
  const doubled = new Uint8Array(8);
  const carry = bytes[0]! >> 7;
  for (let i = 0; i < 8; i++) doubled[i] = (bytes[i]! << 1) | ((bytes[i + 1] ?? 0) >> 7);
  doubled[7]! ^= 0x1b * carry;
  return doubled;
}
