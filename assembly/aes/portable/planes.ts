/**
 * AES decryption (FIPS 197 clause 5.3.5, the equivalent inverse cipher), build without SIMD: bitsliced, four blocks a batch.
 *
 * Plane b holds bit b of every byte of four blocks, as a 64-bit word: bit 16 r + 4 c + k belongs to block k, row r, column c, so that
 * "one row below" is a rotation by 16. The S-box is a Boolean circuit (plane-rounds.ts). The first and the last round key are added
 * to bytes; for the others eight planes each are made in PLANES by every call. Keys and states in PLANES are secret and wiped before
 * return.
 */
import { PLANES } from "../../layout";
import { copy16, wipe, xor16 } from "../../word";
import { decryptPlanes, fromPlanes, toPlanes } from "../gen/plane-rounds.gen";
import { decryptionKeys, roundCount } from "./schedule";

/** Up to 13 keys of 8 planes, then one batch. */
const BATCH: usize = PLANES + 13 * 64;
const BATCH_SIZE: i32 = 64;

/** Planes of the round keys 1 to Nr-1: those of four equal blocks. */
function makeKeyPlanes(schedule: usize): void {
  const rounds = roundCount(schedule);
  let key = decryptionKeys(schedule);
  let planes = PLANES;
  for (let n = 1; n < rounds; n++) {
    key += 16;
    for (let at = planes; at < planes + 64; at += 16) copy16(at, key);
    toPlanes(planes);
    planes += 64;
  }
}

function wipePlanes(schedule: usize): void {
  wipe(PLANES, (roundCount(schedule) - 1) << 6);
  wipe(BATCH, BATCH_SIZE);
}

/** Decrypts the blocks in BATCH, with key planes made; the contents beyond `blocks` are unspecified. */
function decryptBatch(schedule: usize, blocks: i32): void {
  const rounds = roundCount(schedule);
  const first = decryptionKeys(schedule);
  const last = first + ((<usize>rounds) << 4);
  const end = BATCH + ((<usize>blocks) << 4);
  for (let at = BATCH; at < end; at += 16) xor16(at, first);
  toPlanes(BATCH);
  decryptPlanes(BATCH, PLANES, rounds);
  fromPlanes(BATCH);
  for (let at = BATCH; at < end; at += 16) xor16(at, last);
}

export function planesDecryptBlock(schedule: usize, src: usize, dst: usize): void {
  makeKeyPlanes(schedule);
  copy16(BATCH, src);
  decryptBatch(schedule, 1);
  copy16(dst, BATCH);
  wipePlanes(schedule);
}

/** SP 800-38A clause 6.2, in place; `chain` holds the IV, then the last ciphertext block. */
export function planesCbcDecrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  if (blocks == 0) return;
  makeKeyPlanes(schedule);
  for (; blocks > 0; blocks -= 4) {
    const size = (<usize>min(blocks, 4)) << 4;
    for (let at: usize = 0; at < size; at += 16) copy16(BATCH + at, data + at);
    decryptBatch(schedule, min(blocks, 4));
    // The plaintext of a block needs the ciphertext before it, which is in `data` until its own turn.
    xor16(BATCH, chain);
    for (let at: usize = 16; at < size; at += 16) xor16(BATCH + at, data + at - 16);
    copy16(chain, data + size - 16);
    for (let at: usize = 0; at < size; at += 16) copy16(data + at, BATCH + at);
    data += size;
  }
  wipePlanes(schedule);
}
