/**
 * What is built on AES blocks alone: CMAC (SP 800-38B) and counter mode (SP 800-38A clause 6.5 with the counter of ISO 20038: all 128
 * bits count). Message lengths are public; data, subkeys and MACs are secret. The only scratch is one block, wiped before return.
 */
import { PLANES } from "../layout";
import { copy, load64be, store64be, wipe16, xor16, xorBytes } from "../word";
import { aesCmacUpdate, aesEncryptBlock } from "./cipher";

/** One block for the end of a message. */
const BLOCK: usize = PLANES;

/** Doubles in GF(2^128), SP 800-38B clause 6.1: R128 = 0x87. */
function doubleBlock(src: usize, dst: usize): void {
  const high = load64be(src);
  const low = load64be(src + 8);
  store64be(dst, (high << 1) | (low >> 63));
  store64be(dst + 8, (low << 1) ^ ((0 - (high >> 63)) & 0x87));
}

/** K1 and K2, 32 bytes at `subkeys`. */
export function aesCmacSubkeys(schedule: usize, subkeys: usize): void {
  wipe16(subkeys);
  aesEncryptBlock(schedule, subkeys, subkeys);
  doubleBlock(subkeys, subkeys);
  doubleBlock(subkeys, subkeys + 16);
}

/** SP 800-38B clause 6.2 over `length` >= 0 bytes: 16 bytes at `out`, which may not overlap `data`. */
export function aesCmac(schedule: usize, subkeys: usize, data: usize, length: i32, out: usize): void {
  const whole = length > 0 ? (length - 1) >> 4 : 0;
  wipe16(out);
  aesCmacUpdate(schedule, out, data, whole);
  const tail = data + ((<usize>whole) << 4);
  const rest = length - (whole << 4);
  wipe16(BLOCK);
  copy(BLOCK, tail, rest);
  if (rest < 16) store<u8>(BLOCK + rest, 0x80);
  xor16(BLOCK, rest < 16 ? subkeys + 16 : subkeys);
  aesCmacUpdate(schedule, out, BLOCK, 1);
  wipe16(BLOCK);
}

/** Counter mode in place over `length` bytes; `counter` (16 bytes, big-endian) ends one past the last block used. */
export function aesCtr(schedule: usize, counter: usize, data: usize, length: i32): void {
  let high = load64be(counter);
  let low = load64be(counter + 8);
  for (; length > 0; length -= 16) {
    store64be(BLOCK, high);
    store64be(BLOCK + 8, low);
    aesEncryptBlock(schedule, BLOCK, BLOCK);
    low++;
    high += u64(low == 0);
    if (length >= 16) xor16(data, BLOCK);
    else xorBytes(data, BLOCK, length);
    data += 16;
  }
  store64be(counter, high);
  store64be(counter + 8, low);
  wipe16(BLOCK);
}
