/**
 * AES (FIPS 197) with keys of 128, 192 and 256 bits: blocks, CBC, and the chain of CMAC, by tier. With SIMD: vector permutations and
 * 128-bit planes (simd/); without: lanes and 64-bit planes (portable/). The tier is decided when the module is compiled.
 *
 * Pointers are addresses in linear memory without alignment; blocks are 16 bytes in the standard's order. A schedule is 496 bytes;
 * the kernels say what they keep there, and each build only reads its own. Constant time in key, data and chaining value; lengths
 * and key size are public.
 */
import { aesCbcDecrypt as vectorCbcDecrypt, aesDecryptBlock as vectorDecryptBlock } from "./simd/decrypt";
import {
  aesCbcEncrypt as vectorCbcEncrypt,
  aesCmacUpdate as vectorMacUpdate,
  aesEncryptBlock as vectorEncryptBlock,
} from "./simd/encrypt";
import { laneCbcEncrypt, laneEncryptBlock, laneMacUpdate } from "./portable/lanes";
import { planesCbcDecrypt, planesDecryptBlock } from "./portable/planes";
import { aesExpandKey as vectorExpandKey } from "./simd/schedule";
import { laneExpandKey } from "./portable/schedule";

/** Expands `keyBytes` (16, 24 or 32) bytes of material into a schedule of 496 bytes. */
// @ts-ignore: decorator
@inline
export function aesExpandKey(material: usize, keyBytes: i32, schedule: usize): void {
  if (ASC_FEATURE_SIMD) vectorExpandKey(material, keyBytes, schedule);
  else laneExpandKey(material, keyBytes, schedule);
}

// @ts-ignore: decorator
@inline
export function aesEncryptBlock(schedule: usize, src: usize, dst: usize): void {
  if (ASC_FEATURE_SIMD) vectorEncryptBlock(schedule, src, dst);
  else laneEncryptBlock(schedule, src, dst);
}

// @ts-ignore: decorator
@inline
export function aesDecryptBlock(schedule: usize, src: usize, dst: usize): void {
  if (ASC_FEATURE_SIMD) vectorDecryptBlock(schedule, src, dst);
  else planesDecryptBlock(schedule, src, dst);
}

/** SP 800-38A clause 6.2, in place; `chain` holds the IV, then the last ciphertext block. */
// @ts-ignore: decorator
@inline
export function aesCbcEncrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  if (ASC_FEATURE_SIMD) vectorCbcEncrypt(schedule, chain, data, blocks);
  else laneCbcEncrypt(schedule, chain, data, blocks);
}

/** The inverse, likewise. */
// @ts-ignore: decorator
@inline
export function aesCbcDecrypt(schedule: usize, chain: usize, data: usize, blocks: i32): void {
  if (ASC_FEATURE_SIMD) vectorCbcDecrypt(schedule, chain, data, blocks);
  else planesCbcDecrypt(schedule, chain, data, blocks);
}

/** The chain of CBC-MAC and CMAC: `state` = E(state ^ block) for every block. */
// @ts-ignore: decorator
@inline
export function aesCmacUpdate(schedule: usize, state: usize, data: usize, blocks: i32): void {
  if (ASC_FEATURE_SIMD) vectorMacUpdate(schedule, state, data, blocks);
  else laneMacUpdate(schedule, state, data, blocks);
}
