/**
 * AES key schedule (FIPS 197 clauses 5.2 and 5.3.5), SIMD tier: made once when a key enters its slot. All of it is secret; the slot's
 * owner wipes it.
 *
 * | offset | bytes | content                                                                                  |
 * |--------|-------|------------------------------------------------------------------------------------------|
 * | 0      | 4     | Nr: 10, 12 or 14                                                                         |
 * | 16     | 240   | encryption, n = 0 .. Nr: tower basis, layout n mod 4; from n = 1 on with 0x63 added      |
 * | 256    | 240   | decryption, n = 0: standard, with 0x63; n = 1 .. Nr-1: decryption basis of               |
 * |        |       | InvMixColumns(key) + 0x63, layout -n mod 4; n = Nr: standard                             |
 *
 * The S-box's constant 0x63 thus costs nothing in a round: it passes MixColumns unchanged (2+3+1+1 = 1), so adding the key adds it.
 * Layout n is the order of bytes in which n ShiftRows have happened without moving anything; see encrypt.ts.
 */
import {
  DECRYPT_IN_LOW,
  ENCRYPT_T1,
  ENCRYPT_U1,
  INVERSE,
  LAYOUT,
  LOW_NIBBLES,
  QUOTIENT,
  ROUND_CONSTANTS,
  TABLES,
  TOWER_63,
  TOWER_IN_LOW,
  TOWER_OUT_LOW,
} from "../gen/tables.gen";
import { highNibbles, inner, lowNibbles, map, row, select } from "./tower";

const ENCRYPTION: usize = 16;
const DECRYPTION: usize = 256;

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

/** The S-box of four bytes, in the tower basis on both sides. */
function substituteWord(word: i32): i32 {
  const low = row(LOW_NIBBLES);
  const inverse = row(INVERSE);
  const x = i32x4.splat(word);
  const i = lowNibbles(x, low);
  const k = highNibbles(x, low);
  const j = v128.xor(i, k);
  const quotient = select(row(QUOTIENT), k);
  const u = select(row(ENCRYPT_U1), inner(i, j, quotient, inverse));
  const t = select(row(ENCRYPT_T1), inner(j, i, quotient, inverse));
  return i32x4.extract_lane(v128.xor(u, t), 0) ^ (TOWER_63 * 0x01010101);
}

/** Every byte times x, FIPS 197 clause 4.2.1. */
// @ts-ignore: decorator
@inline
function double(x: v128): v128 {
  return v128.xor(i8x16.add(x, x), v128.and(i8x16.lt_s(x, i8x16.splat(0)), i8x16.splat(0x1b)));
}

/** FIPS 197 clause 5.3.3, as D + M + two rows below M, with s = x + row below, D = x + 2s, M = s + 4D; standard order. */
function inverseMixColumns(x: v128): v128 {
  const s = v128.xor(x, v128.or(i32x4.shr_u(x, 8), i32x4.shl(x, 24)));
  const d = v128.xor(x, double(s));
  const m = v128.xor(s, double(double(d)));
  return v128.xor(v128.xor(d, m), v128.or(i32x4.shr_u(m, 16), i32x4.shl(m, 16)));
}

/** Expands `keyBytes` (16, 24 or 32) bytes of material into a schedule of 496 bytes. */
export function aesExpandKey(material: usize, keyBytes: i32, schedule: usize): void {
  const keyWords = keyBytes >> 2;
  const rounds = keyWords + 6;
  store<i32>(schedule, rounds);

  // The material in the tower basis. The second half overlaps the first for a key of 24 bytes.
  const words = encryptionKeys(schedule);
  v128.store(words, map(v128.load(material), TOWER_IN_LOW));
  if (keyBytes > 16) v128.store(words + keyBytes - 16, map(v128.load(material + keyBytes - 16), TOWER_IN_LOW));

  // All words (clause 5.2); every operation but the S-box is linear and indifferent to the basis.
  let constant = TABLES + ROUND_CONSTANTS;
  let phase = 0;
  const count = 4 * (rounds + 1);
  for (let i = keyWords; i < count; i++) {
    const at = words + ((<usize>i) << 2);
    let word = load<i32>(at - 4);
    if (phase == 0) word = rotr(substituteWord(word), 8) ^ load<u8>(constant++);
    else if (phase == 4 && keyWords == 8) word = substituteWord(word);
    store<i32>(at, word ^ load<i32>(at - keyBytes));
    phase = phase + 1 == keyWords ? 0 : phase + 1;
  }

  const constant63 = i8x16.splat(0x63);
  const tower63 = i8x16.splat(<i8>TOWER_63);
  for (let n = 0; n <= rounds; n++) {
    const at = words + ((<usize>n) << 4);
    const towerKey = v128.load(at);
    if (n > 0) v128.store(at, v128.xor(select(towerKey, row(LAYOUT + ((n & 3) << 4))), tower63));

    const m = rounds - n;
    let key = map(towerKey, TOWER_OUT_LOW);
    if (m < rounds) {
      if (m > 0) key = inverseMixColumns(key);
      key = v128.xor(key, constant63);
      if (m > 0) key = select(map(key, DECRYPT_IN_LOW), row(LAYOUT + ((-m & 3) << 4)));
    }
    v128.store(decryptionKeys(schedule) + ((<usize>m) << 4), key);
  }
}
