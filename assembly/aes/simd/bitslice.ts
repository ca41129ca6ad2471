/**
 * AES-CBC decryption of many blocks, SIMD tier: bitsliced, eight blocks a batch (FIPS 197 clause 5.3.5, the equivalent inverse cipher).
 *
 * Plane b holds bit b of every byte of eight blocks: bit k of its byte 4r + c belongs to block k, row r, column c (row-major order,
 * so that "one row below" is a rotation of 32-bit lanes and InvShiftRows the same byte permutation for every plane). The S-box is
 * a Boolean circuit (bitslice-rounds.ts). The first and the last round key are added to bytes; for the others eight planes of
 * zeros and ones each are made in PLANES by every call. Keys and states in PLANES are secret and wiped before return.
 */
import { PLANES } from "../../layout";
import { wipe } from "../../word";
import { DECRYPT_OUT_LOW, LAYOUT, ROW_MAJOR } from "../gen/tables.gen";
import { decryptPlanes, transpose } from "../gen/bitslice-rounds.gen";
import { decryptionKeys, roundCount } from "./schedule";
import { map, row, select } from "./tower";

/** Up to 13 keys of 8 planes, then two batches. */
const STATES: usize = PLANES + 13 * 128;

/** Bit b of every byte of `key` spread over the byte, where `bit` is 1 << b in every byte. */
// @ts-ignore: decorator
@inline
function spread(key: v128, bit: v128): v128 {
  return i8x16.eq(v128.and(key, bit), bit);
}

/** Planes of the round keys 1 to Nr-1. */
export function makeKeyPlanes(schedule: usize): void {
  const rowMajor = row(ROW_MAJOR);
  const bit0 = i8x16.splat(1);
  const bit1 = i8x16.add(bit0, bit0);
  const bit2 = i8x16.add(bit1, bit1);
  const bit3 = i8x16.add(bit2, bit2);
  const bit4 = i8x16.add(bit3, bit3);
  const bit5 = i8x16.add(bit4, bit4);
  const bit6 = i8x16.add(bit5, bit5);
  const bit7 = i8x16.add(bit6, bit6);
  const rounds = roundCount(schedule);
  let stored = decryptionKeys(schedule);
  let plane = PLANES;
  for (let n = 1; n < rounds; n++) {
    stored += 16;
    const standard = map(select(v128.load(stored), row(LAYOUT + ((n & 3) << 4))), DECRYPT_OUT_LOW);
    const key = select(standard, rowMajor);
    v128.store(plane, spread(key, bit0));
    v128.store(plane, spread(key, bit1), 16);
    v128.store(plane, spread(key, bit2), 32);
    v128.store(plane, spread(key, bit3), 48);
    v128.store(plane, spread(key, bit4), 64);
    v128.store(plane, spread(key, bit5), 80);
    v128.store(plane, spread(key, bit6), 96);
    v128.store(plane, spread(key, bit7), 112);
    plane += 128;
  }
}

export function wipeKeyPlanes(schedule: usize): void {
  wipe(PLANES, (roundCount(schedule) - 1) << 7);
  wipe(STATES, 256);
}

/** CBC decryption in place of `blocks`, 1 to 16, with key planes made; `chain` is updated. */
export function decryptBatches(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  const rounds = roundCount(schedule);
  const keys = decryptionKeys(schedule);
  const rowMajor = row(ROW_MAJOR);
  const first = v128.load(keys);
  const size = (<usize>blocks) << 4;
  for (let at: usize = 0; at < size; at += 16) {
    v128.store(STATES + at, select(v128.xor(v128.load(data + at), first), rowMajor));
  }
  const end = size > 128 ? STATES + 256 : STATES + 128;
  for (let at = STATES; at < end; at += 128) transpose(at);
  decryptPlanes(STATES, end, PLANES, rounds);
  for (let at = STATES; at < end; at += 128) transpose(at);
  const last = v128.load(keys + ((<usize>rounds) << 4));
  let previous = v128.load(chain);
  v128.store(chain, v128.load(data + size - 16));
  for (let at: usize = 0; at < size; at += 16) {
    const block = v128.load(data + at);
    v128.store(data + at, v128.xor(v128.xor(select(v128.load(STATES + at), rowMajor), last), previous));
    previous = block;
  }
}
