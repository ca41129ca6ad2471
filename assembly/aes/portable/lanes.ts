/**
 * AES encryption (FIPS 197 clause 5.1), build without SIMD: one block, for the modes that are serial by nature.
 *
 * Constant time by computing the S-box: a byte is two elements of GF(16), a block two 64-bit words with the coefficients of all
 * sixteen bytes side by side; lane-rounds.ts (generated) has the rounds and its generator the algebra. ShiftRows is never executed:
 * layout n holds at position (r, c) the byte (r, c - n r) of the state, so n ShiftRows turn layout 0 into layout n without moving a
 * bit; round keys are stored in the layout of their round.
 *
 * State and chaining value live in variables; the only scratch is one block in PLANES, wiped before return.
 */
import { PLANES } from "../../layout";
import { copy16, wipe16 } from "../../word";
import { chainLanes } from "../gen/lane-rounds.gen";
import { encryptionKeys, roundCount } from "./schedule";

/** A chaining value of zero, behind the block of modes.ts. */
const CHAINING: usize = PLANES + 16;

export function laneEncryptBlock(schedule: usize, src: usize, dst: usize): void {
  wipe16(CHAINING);
  copy16(dst, src);
  chainLanes(encryptionKeys(schedule), roundCount(schedule), CHAINING, dst, 1, true);
  wipe16(CHAINING);
}

export function laneCbcEncrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  chainLanes(encryptionKeys(schedule), roundCount(schedule), chain, data, blocks, true);
}

export function laneMacUpdate(schedule: usize, state: usize, data: usize, blocks: i32): void {
  chainLanes(encryptionKeys(schedule), roundCount(schedule), state, data, blocks, false);
}
