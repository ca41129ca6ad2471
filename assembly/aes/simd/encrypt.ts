/**
 * AES encryption (FIPS 197 clause 5.1), SIMD tier: vector permutations, one block, for the modes that are serial by nature.
 *
 * The state stays in the tower basis from the first key to the last. A round computes a1 = S(x) and a2 = 2 S(x) (without 0x63,
 * which the keys bring), then MixColumns as s = a2 + B(a1), s + B(s) + BBB(a1), where B fetches the byte one row below.
 *
 * ShiftRows is never executed. Layout n holds at position (r, c) the byte (r, c - n r) of the state, so n ShiftRows turn layout 0
 * into layout n without moving a byte; only "one row below" depends on n, with period 4, and round keys are stored in the layout of
 * their round. One permutation at the end returns to layout 0.
 */
import {
  ENCRYPT_T1,
  ENCRYPT_T2,
  ENCRYPT_U1,
  ENCRYPT_U2,
  INVERSE,
  LAYOUT,
  LOW_NIBBLES,
  MIX,
  QUOTIENT,
  TABLES,
  TOWER_IN_LOW,
  TOWER_OUT_LOW,
} from "../gen/tables.gen";
import { encryptionKeys, roundCount } from "./schedule";
import { highNibbles, inner, lowNibbles, map, row, select } from "./tower";

/** All rounds on a state in the tower basis, the first key not yet added. */
// @ts-ignore: decorator
@inline
function encryptTower(schedule: usize, state: v128): v128 {
  const low = row(LOW_NIBBLES);
  const inverse = row(INVERSE);
  const quotients = row(QUOTIENT);
  const u1 = row(ENCRYPT_U1);
  const t1 = row(ENCRYPT_T1);
  const u2 = row(ENCRYPT_U2);
  const t2 = row(ENCRYPT_T2);
  const rounds = <usize>roundCount(schedule);
  let key = encryptionKeys(schedule);
  const last = key + (rounds << 4);
  let x = v128.xor(state, v128.load(key));
  let mix: usize = 48;
  while (true) {
    key += 16;
    const i = lowNibbles(x, low);
    const k = highNibbles(x, low);
    const j = v128.xor(i, k);
    const quotient = select(quotients, k);
    const io = inner(i, j, quotient, inverse);
    const jo = inner(j, i, quotient, inverse);
    const a1 = v128.xor(select(u1, io), select(t1, jo));
    if (key == last) return select(v128.xor(a1, v128.load(key)), row(LAYOUT + ((rounds & 2) << 4)));
    const a2 = v128.xor(select(u2, io), select(t2, jo));
    const below = v128.load(TABLES + MIX + mix);
    const s = v128.xor(a2, select(a1, below));
    const rest = v128.xor(v128.load(key), select(a1, v128.load(TABLES + MIX + 32 + mix)));
    x = v128.xor(v128.xor(s, rest), select(s, below));
    mix = mix == 144 ? 0 : mix + 48;
  }
}

export function aesEncryptBlock(schedule: usize, src: usize, dst: usize): void {
  v128.store(dst, map(encryptTower(schedule, map(v128.load(src), TOWER_IN_LOW)), TOWER_OUT_LOW));
}

/** SP 800-38A clause 6.2, in place; `chain` holds the IV, then the last ciphertext block. */
export function aesCbcEncrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  const end = data + ((<usize>blocks) << 4);
  let x = map(v128.load(chain), TOWER_IN_LOW);
  for (; data < end; data += 16) {
    x = encryptTower(schedule, v128.xor(x, map(v128.load(data), TOWER_IN_LOW)));
    v128.store(data, map(x, TOWER_OUT_LOW));
  }
  v128.store(chain, map(x, TOWER_OUT_LOW));
}

/** The chain of CBC-MAC and CMAC: `state` = E(state ^ block) for every block. */
export function aesCmacUpdate(schedule: usize, state: usize, data: usize, blocks: i32): void {
  const end = data + ((<usize>blocks) << 4);
  let x = map(v128.load(state), TOWER_IN_LOW);
  for (; data < end; data += 16) x = encryptTower(schedule, v128.xor(x, map(v128.load(data), TOWER_IN_LOW)));
  v128.store(state, map(x, TOWER_OUT_LOW));
}
