/**
 * AES decryption (FIPS 197 clause 5.3.5, the equivalent inverse cipher), SIMD tier: vector permutations, for single blocks and for the
 * ends of messages too short for the bitsliced kernel.
 *
 * The state is kept in the decryption basis: the tower basis of the byte taken back through the S-box's affine map, so that a round
 * begins with the reciprocal at once. Its tables give the inverse S-box times 0E, 0B, 0D and 09, already in that basis, to be summed
 * over the rows below (InvMixColumns). InvShiftRows is never executed: after n rounds the state is in layout -n; see encrypt.ts.
 */
import {
  DECRYPT_IN_LOW,
  DECRYPT_T9,
  DECRYPT_TB,
  DECRYPT_TD,
  DECRYPT_TE,
  DECRYPT_TOUT,
  DECRYPT_U9,
  DECRYPT_UB,
  DECRYPT_UD,
  DECRYPT_UE,
  DECRYPT_UOUT,
  INVERSE,
  LAYOUT,
  LOW_NIBBLES,
  MIX,
  QUOTIENT,
  TABLES,
} from "../gen/tables.gen";
import { decryptBatches, makeKeyPlanes, wipeKeyPlanes } from "./bitslice";
import { decryptionKeys, roundCount } from "./schedule";
import { highNibbles, inner, lowNibbles, map, row, select } from "./tower";

/** The number of blocks from which a batch of eight, padded, beats the vector permutations. */
const BITSLICED_FROM: i32 = 5;

/** The same for a second batch that would be mostly padding. */
const SECOND_BATCH_FROM: i32 = 12;

/** The permutations of layouts 0 and 3. */
const FIRST_MIX: usize = TABLES + MIX;
const LAST_MIX: usize = TABLES + MIX + 144;

/** The function of a reciprocal that tables `u` and `t` hold. */
// @ts-ignore: decorator
@inline
function both(u: usize, t: usize, io: v128, jo: v128): v128 {
  return v128.xor(select(row(u), io), select(row(t), jo));
}

/** One round of one block; `mix` addresses the permutations of the round's layout. */
// @ts-ignore: decorator
@inline
function decryptRound(x: v128, key: v128, mix: usize, low: v128, inverse: v128, quotients: v128): v128 {
  const i = lowNibbles(x, low);
  const k = highNibbles(x, low);
  const j = v128.xor(i, k);
  const quotient = select(quotients, k);
  const io = inner(i, j, quotient, inverse);
  const jo = inner(j, i, quotient, inverse);
  const here = v128.xor(both(DECRYPT_UE, DECRYPT_TE, io, jo), key);
  const below1 = select(both(DECRYPT_UB, DECRYPT_TB, io, jo), v128.load(mix));
  const below2 = select(both(DECRYPT_UD, DECRYPT_TD, io, jo), v128.load(mix, 16));
  const below3 = select(both(DECRYPT_U9, DECRYPT_T9, io, jo), v128.load(mix, 32));
  return v128.xor(v128.xor(here, below1), v128.xor(below2, below3));
}

/** The last round of one block, to standard order and basis. */
// @ts-ignore: decorator
@inline
function decryptLast(x: v128, key: v128, order: v128, low: v128, inverse: v128, quotients: v128): v128 {
  const i = lowNibbles(x, low);
  const k = highNibbles(x, low);
  const j = v128.xor(i, k);
  const quotient = select(quotients, k);
  const plain = both(DECRYPT_UOUT, DECRYPT_TOUT, inner(i, j, quotient, inverse), inner(j, i, quotient, inverse));
  return v128.xor(select(plain, order), key);
}

export function aesDecryptBlock(schedule: usize, src: usize, dst: usize): void {
  const low = row(LOW_NIBBLES);
  const inverse = row(INVERSE);
  const quotients = row(QUOTIENT);
  const rounds = <usize>roundCount(schedule);
  let key = decryptionKeys(schedule);
  const last = key + (rounds << 4);
  let x = map(v128.xor(v128.load(src), v128.load(key)), DECRYPT_IN_LOW);
  let mix = LAST_MIX;
  for (key += 16; key < last; key += 16) {
    x = decryptRound(x, v128.load(key), mix, low, inverse, quotients);
    mix = mix == FIRST_MIX ? LAST_MIX : mix - 48;
  }
  v128.store(dst, decryptLast(x, v128.load(key), row(LAYOUT + ((rounds & 2) << 4)), low, inverse, quotients));
}

/** Two blocks in place, to overlap their latencies. */
function decryptPair(schedule: usize, data: usize): void {
  const low = row(LOW_NIBBLES);
  const inverse = row(INVERSE);
  const quotients = row(QUOTIENT);
  const rounds = <usize>roundCount(schedule);
  let key = decryptionKeys(schedule);
  const last = key + (rounds << 4);
  let x = map(v128.xor(v128.load(data), v128.load(key)), DECRYPT_IN_LOW);
  let y = map(v128.xor(v128.load(data, 16), v128.load(key)), DECRYPT_IN_LOW);
  let mix = LAST_MIX;
  for (key += 16; key < last; key += 16) {
    x = decryptRound(x, v128.load(key), mix, low, inverse, quotients);
    y = decryptRound(y, v128.load(key), mix, low, inverse, quotients);
    mix = mix == FIRST_MIX ? LAST_MIX : mix - 48;
  }
  const order = row(LAYOUT + ((rounds & 2) << 4));
  v128.store(data, decryptLast(x, v128.load(key), order, low, inverse, quotients));
  v128.store(data, decryptLast(y, v128.load(key), order, low, inverse, quotients), 16);
}

/** SP 800-38A clause 6.2, in place; `chain` holds the IV, then the last ciphertext block. */
export function aesCbcDecrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  if (blocks >= BITSLICED_FROM) {
    makeKeyPlanes(schedule);
    do {
      const count = blocks >= 16 ? 16 : blocks >= SECOND_BATCH_FROM || blocks < 8 ? blocks : 8;
      decryptBatches(schedule, chain, data, count);
      data += (<usize>count) << 4;
      blocks -= count;
    } while (blocks >= BITSLICED_FROM);
    wipeKeyPlanes(schedule);
  }
  let previous = v128.load(chain);
  for (; blocks > 1; blocks -= 2) {
    const first = v128.load(data);
    const second = v128.load(data, 16);
    decryptPair(schedule, data);
    v128.store(data, v128.xor(v128.load(data), previous));
    v128.store(data, v128.xor(v128.load(data, 16), first), 16);
    previous = second;
    data += 32;
  }
  if (blocks == 1) {
    const first = v128.load(data);
    aesDecryptBlock(schedule, data, data);
    v128.store(data, v128.xor(v128.load(data), previous));
    previous = first;
  }
  v128.store(chain, previous);
}
