/**
 * AES key schedule (FIPS 197 clauses 5.2 and 5.3.5), build without SIMD: made once when a key enters its slot. All of it is secret; the
 * slot's owner wipes it.
 *
 * | offset | bytes | content                                                                                              |
 * |--------|-------|------------------------------------------------------------------------------------------------------|
 * | 0      | 4     | Nr: 10, 12 or 14                                                                                     |
 * | 16     | 240   | encryption, n = 0 .. Nr-1: tower lanes, layout n mod 4; n = Nr: bit lanes; from n = 1 on with 0x63    |
 * | 256    | 240   | decryption: n = 0 with 0x63; n = 1 .. Nr-1: InvMixColumns(key) + 0x63; n = Nr: the key;               |
 * |        |       | n even in standard order, n odd in layout -1                                                         |
 *
 * The S-box's constant 0x63 thus costs nothing in a round: it passes MixColumns unchanged (2+3+1+1 = 1), so adding the key adds it.
 * Planes of the decryption keys are made by every call that needs them (planes.ts). Scratch: one block in PLANES, wiped.
 */
import { PLANES } from "../../layout";
import { copy, copy16, wipe16 } from "../../word";
import { substituteBytes, toBitLanes, toTowerLanes } from "../gen/lane-rounds.gen";

const ENCRYPTION: usize = 16;
const DECRYPTION: usize = 256;

const SCRATCH: usize = PLANES;

const CONSTANT_63: i32 = 0x63636363;

// @ts-ignore: decorator
@inline
export function roundCount(schedule: usize): i32 {
  return load<i32>(schedule);
}

// @ts-ignore: decorator
@inline
export function encryptionKeys(schedule: usize): usize {
  return schedule + ENCRYPTION;
}

// @ts-ignore: decorator
@inline
export function decryptionKeys(schedule: usize): usize {
  return schedule + DECRYPTION;
}

/** The S-box of four bytes. */
function substituteWord(word: i32): i32 {
  store<i32>(SCRATCH, word);
  substituteBytes(SCRATCH);
  return load<i32>(SCRATCH) ^ CONSTANT_63;
}

/** Every byte times x, FIPS 197 clause 4.2.1. */
// @ts-ignore: decorator
@inline
function double(x: i32): i32 {
  const carries = (x >>> 7) & 0x01010101;
  return ((x << 1) & 0xfefefefe) ^ (carries << 4) ^ (carries << 3) ^ (carries << 1) ^ carries;
}

/** FIPS 197 clause 5.3.3 of one column, as D + M + two rows below M, with s = x + row below, D = x + 2s, M = s + 4D. */
function inverseMixColumn(x: i32): i32 {
  const s = x ^ rotr(x, 8);
  const d = x ^ double(s);
  const m = s ^ double(double(d));
  return d ^ m ^ rotr(m, 16);
}

/** Adds 0x63 to sixteen bytes. */
// @ts-ignore: decorator
@inline
function add63(at: usize): void {
  for (let i: usize = 0; i < 16; i += 4) store<i32>(at + i, load<i32>(at + i) ^ CONSTANT_63);
}

/** The bytes of `key` in layout n, at SCRATCH. */
function arrange(key: usize, n: i32): void {
  for (let at = 0; at < 16; at++) {
    store<u8>(SCRATCH + at, load<u8>(key + ((((at >> 2) - n * (at & 3)) & 3) << 2) + (at & 3)));
  }
}

/** Expands `keyBytes` (16, 24 or 32) bytes of material into a schedule of 496 bytes. */
export function laneExpandKey(material: usize, keyBytes: i32, schedule: usize): void {
  const keyWords = keyBytes >> 2;
  const rounds = keyWords + 6;
  store<i32>(schedule, rounds);
  wipe16(SCRATCH);

  // All words (clause 5.2), where the decryption keys will be, in order of encryption.
  const words = schedule + DECRYPTION;
  copy(words, material, keyBytes);
  const count = 4 * (rounds + 1);
  let constant = 1;
  let phase = 0;
  for (let i = keyWords; i < count; i++) {
    const at = words + ((<usize>i) << 2);
    let word = load<i32>(at - 4);
    if (phase == 0) {
      word = rotr(substituteWord(word), 8) ^ constant;
      constant = double(constant);
    } else if (phase == 4 && keyWords == 8) {
      word = substituteWord(word);
    }
    store<i32>(at, word ^ load<i32>(at - keyBytes));
    phase = phase + 1 == keyWords ? 0 : phase + 1;
  }

  for (let n = 0; n <= rounds; n++) {
    const key = words + ((<usize>n) << 4);
    const lanes = schedule + ENCRYPTION + ((<usize>n) << 4);
    arrange(key, n < rounds ? n : 0);
    if (n > 0) add63(SCRATCH);
    if (n < rounds) toTowerLanes(SCRATCH);
    else toBitLanes(SCRATCH);
    copy16(lanes, SCRATCH);
  }

  // The other way round, in place.
  let low = words;
  let high = words + ((<usize>rounds) << 4);
  for (; low < high; low += 16) {
    copy16(SCRATCH, low);
    copy16(low, high);
    copy16(high, SCRATCH);
    high -= 16;
  }
  for (let n = 0; n < rounds; n++) {
    const key = words + ((<usize>n) << 4);
    if (n > 0) {
      for (let i: usize = 0; i < 16; i += 4) store<i32>(key + i, inverseMixColumn(load<i32>(key + i)));
    }
    arrange(key, -(n & 1));
    add63(SCRATCH);
    copy16(key, SCRATCH);
  }
  wipe16(SCRATCH);
}
