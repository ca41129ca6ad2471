/**
 * Triple DES (FIPS 46-3, SP 800-67), without look-up tables: encrypt with K1, decrypt with K2, encrypt with K3. A key of 8 bytes
 * is single DES (K1 = K2 = K3), one of 16 has K3 = K1. Parity bits are ignored.
 *
 * A block is a 64-bit number, the standard's bit 1 in front. The rounds are those of vector.ts or scalar.ts.
 *
 * Schedule: 48 round keys of 8 bytes, in the order of encryption. Keys, schedules, blocks and chaining values are secret; the
 * caller wipes them.
 */
import { load64be, store64be } from "../word";
import { permute64 } from "./permute";
import { scalarRounds } from "./scalar";
import { DOUBLE_SHIFTS, FINAL_PERMUTATION, INITIAL_PERMUTATION, KEY_REGISTER, SCALAR_KEY, VECTOR_KEY } from "./gen/tables.gen";
import { vectorRounds } from "./vector";

/** Bytes of the round keys of one of the three stages, and of all. */
const STAGE: usize = 128;
const SCHEDULE: usize = 384;

/** SP 800-38B 5.3: R64. */
const R64: u64 = 0x1b;

/** Expands 8, 16 or 24 bytes into `schedule`. */
export function tdesExpandKey(material: usize, keyBytes: i32, schedule: usize): void {
  const second: usize = keyBytes == 8 ? 0 : 8;
  const third: usize = keyBytes == 24 ? 16 : 0;
  const places = ASC_FEATURE_SIMD ? VECTOR_KEY : SCALAR_KEY;
  expandStage(load64be(material), places, schedule, 8);
  expandStage(load64be(material + second), places, schedule + SCHEDULE - STAGE - 8, -8);
  expandStage(load64be(material + third), places, schedule + 2 * STAGE, 8);
}

/** The 16 round keys of one DES key, by `places` in the key register, from `out` on in steps of `step` bytes. */
export function expandStage(key: u64, places: usize, out: usize, step: isize): void {
  let register = permute64(key, KEY_REGISTER) & 0x00ff_ffff_ffff_ffff;
  for (let round = 0; round < 16; round++) {
    register = rotateHalves(register);
    if ((DOUBLE_SHIFTS >> round) & 1) register = rotateHalves(register);
    store<u64>(out, permute64(register, places));
    out += step;
  }
}

/** Expands the single DES key into `schedule`, 128 bytes. */
export function desExpandKey(key: u64, schedule: usize): void {
  expandStage(key, ASC_FEATURE_SIMD ? VECTOR_KEY : SCALAR_KEY, schedule, 8);
}

/** Rotates the two 28-bit halves left by one place. */
// @ts-ignore: decorator
@inline
function rotateHalves(register: u64): u64 {
  return ((register << 1) & 0x00ff_ffff_efff_fffe) | ((register >> 27) & 0x0000_0000_1000_0001);
}

/** `stages` times 16 rounds over `block`, with the round keys from `key` on in steps of `step` bytes. */
function cipher(block: u64, key: usize, step: isize, stages: i32): u64 {
  const permuted = permute64(block, INITIAL_PERMUTATION);
  const result = ASC_FEATURE_SIMD ? vectorRounds(permuted, key, step, stages) : scalarRounds(permuted, key, step, stages);
  return permute64(result, FINAL_PERMUTATION);
}

/** Single DES with a schedule of `desExpandKey`. */
export function desEncrypt(schedule: usize, block: u64): u64 {
  return cipher(block, schedule, 8, 1);
}

function encrypt(schedule: usize, block: u64): u64 {
  return cipher(block, schedule, 8, 3);
}

function decrypt(schedule: usize, block: u64): u64 {
  return cipher(block, schedule + SCHEDULE - 8, -8, 3);
}

export function tdesEncryptBlock(schedule: usize, src: usize, dst: usize): void {
  store64be(dst, encrypt(schedule, load64be(src)));
}

export function tdesDecryptBlock(schedule: usize, src: usize, dst: usize): void {
  store64be(dst, decrypt(schedule, load64be(src)));
}

/** CBC (SP 800-38A 6.2) in place; `chain` is the IV and becomes the last ciphertext block. */
export function tdesCbcEncrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  let previous = load64be(chain);
  for (let i = 0; i < blocks; i++) {
    previous = encrypt(schedule, previous ^ load64be(data));
    store64be(data, previous);
    data += 8;
  }
  store64be(chain, previous);
}

export function tdesCbcDecrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  let previous = load64be(chain);
  for (let i = 0; i < blocks; i++) {
    const block = load64be(data);
    store64be(data, previous ^ decrypt(schedule, block));
    previous = block;
    data += 8;
  }
  store64be(chain, previous);
}

/** Chains whole blocks into `state` (8 bytes): CBC-MAC from a zero state, and CMAC up to its last block. */
export function tdesCmacUpdate(schedule: usize, state: usize, data: usize, blocks: i32): void {
  let value = load64be(state);
  for (let i = 0; i < blocks; i++) {
    value = encrypt(schedule, value ^ load64be(data));
    data += 8;
  }
  store64be(state, value);
}

/** SP 800-38B 6.1: K1 then K2, 8 bytes each. */
export function tdesCmacSubkeys(schedule: usize, subkeys: usize): void {
  const k1 = double64(encrypt(schedule, 0));
  store64be(subkeys, k1);
  store64be(subkeys + 8, double64(k1));
}

// @ts-ignore: decorator
@inline
function double64(x: u64): u64 {
  return (x << 1) ^ (R64 & (0 - (x >> 63)));
}

/** CMAC (SP 800-38B 6.2) of `length` bytes: 8 bytes to `out`. */
export function tdesCmac(schedule: usize, subkeys: usize, data: usize, length: i32, out: usize): void {
  const whole = length == 0 ? 0 : (length - 1) >> 3;
  const rest = length - 8 * whole;
  store64be(out, 0);
  tdesCmacUpdate(schedule, out, data, whole);
  const last = data + 8 * usize(whole);
  let block: u64 = 0;
  for (let i = 0; i < rest; i++) block |= u64(load<u8>(last + i)) << (56 - 8 * u64(i));
  if (rest == 8) {
    block ^= load64be(subkeys);
  } else {
    block ^= load64be(subkeys + 8) ^ (u64(0x80) << (56 - 8 * u64(rest)));
  }
  store64be(out, encrypt(schedule, load64be(out) ^ block));
}

/** Chains whole blocks into `state` (8 bytes) by single DES with K1: ISO 9797-1 algorithm 3 up to its last block. */
export function tdesRetailUpdate(schedule: usize, state: usize, data: usize, blocks: i32): void {
  let value = load64be(state);
  for (let i = 0; i < blocks; i++) {
    value = cipher(value ^ load64be(data), schedule, 8, 1);
    data += 8;
  }
  store64be(state, value);
}

/** ISO 9797-1 algorithm 3 under a double-length key: single DES with K1 up to the last block, TDES there. 8 bytes to `out`. */
export function tdesRetailMac(schedule: usize, data: usize, blocks: i32, out: usize): void {
  store<u64>(out, 0);
  tdesRetailUpdate(schedule, out, data, blocks - 1);
  store64be(out, encrypt(schedule, load64be(out) ^ load64be(data + 8 * usize(blocks - 1))));
}
