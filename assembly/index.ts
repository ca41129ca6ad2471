/**
 * The ABI: every exported name of the module, grouped.
 *
 * Data goes in and comes out at IO; an IV goes to CHAIN, a MAC to compare with to EXPECTED. A result below 0 is a status (slots.ts);
 * else it is a length, a handle or a verdict. After a call the host copies what it wants and wipes the part of IO it used
 * (`wipeIo`); everything else is wiped here, except CHAIN and DIGEST between the parts of one message (`reset` gives up on one).
 * `last` is 0 or 1. Every length that the host passes is held against its area first (bounds.ts): BAD_LENGTH, with nothing touched.
 */
import { aesCbcDecrypt, aesCbcEncrypt, aesCmacUpdate, aesDecryptBlock, aesEncryptBlock } from "./aes/cipher";
import { aesCmac } from "./aes/modes";
import { base64Mac } from "./base64";
import { outside, outsidePaddedWindow, outsideWindow, withinIo } from "./bounds";
import { equalMask, pkcs7Length } from "./constant-time";
import { desParts } from "./des/parts";
import {
  tdesCbcDecrypt,
  tdesCbcEncrypt,
  tdesCmac,
  tdesCmacUpdate,
  tdesDecryptBlock,
  tdesEncryptBlock,
  tdesRetailMac,
  tdesRetailUpdate,
} from "./des/tdes";
import { HEX, openIo, pkcs7Pad, sealIo } from "./envelope";
import { hashBlockSize, hashCompress, hashDigest, hashLast, hashLength, hashStart } from "./hash";
import { hexDecode, hexEncode } from "./hex";
import { finishHmac, hmacSha256, hmacStart } from "./hmac";
import { createKey, materialOffset } from "./keys";
import {
  BLOCK_SCRATCH,
  CHAIN,
  CHAIN_SIZE,
  DIGEST,
  DIGEST_SIZE,
  EXPECTED,
  EXPECTED_SIZE,
  IO,
  IO_SIZE,
  KIND_AES,
  KIND_DUKPT,
  KIND_HMAC,
  KIND_OPAQUE,
  KIND_TDES,
  SLOT_SCHEDULE,
  SLOT_SUBKEYS,
  TOTAL,
  WINDOW,
} from "./layout";
import { BAD_LENGTH, FAILED, slotFree, slotKindAt, slotLengthAt, slotPointer, STALE, WRONG_KIND } from "./slots";
import { copy, wipe, xor16, xor8 } from "./word";

/** Where BLOCK_SCRATCH has a finished MAC: behind what hmac.ts uses of it, and behind what hash.ts does. */
const HMAC_MAC: usize = BLOCK_SCRATCH + 64;
const HASH_MAC: usize = BLOCK_SCRATCH + 384;

/** Bytes after a message that `hashPad` may have written: blocks of 64 bytes, and of any hash. */
const HMAC_TAIL: i32 = 72;
const HASH_TAIL: i32 = 144;

// Memory: where the host reads and writes.

export { CHAIN, EXPECTED, IO, IO_SIZE } from "./layout";

/** Wipes the first `length` bytes of IO, or all of it where that is no length within IO. */
export function wipeIo(length: i32): void {
  wipe(IO, withinIo(length));
}

/** Forgets a message that was begun, and all of IO. */
export function reset(): void {
  wipe(CHAIN, CHAIN_SIZE);
  wipe(DIGEST, DIGEST_SIZE);
  wipe(EXPECTED, EXPECTED_SIZE);
  wipe(IO, IO_SIZE);
}

// Slots.

/** Makes a key of the `length` bytes at IO: its handle, CAPACITY or BAD_LENGTH. Wipes them. */
export function slotCreate(kind: i32, length: i32): i32 {
  const handle = kind == KIND_DUKPT ? WRONG_KIND : createKey(kind, IO, length);
  wipe(IO, withinIo(length));
  return handle;
}

export function slotDestroy(handle: i32): i32 {
  return slotFree(handle);
}

/** Kind of a live slot, or STALE. */
export function slotKind(handle: i32): i32 {
  const slot = slotPointer(handle);
  return slot ? slotKindAt(slot) : STALE;
}

/** Bytes of material, or STALE. */
export function slotLength(handle: i32): i32 {
  const slot = slotPointer(handle);
  return slot ? slotLengthAt(slot) : STALE;
}

/** Copies the material to IO: its length, or a status. A terminal's state is not given out. */
export function slotRead(handle: i32): i32 {
  const slot = slotPointer(handle);
  if (!slot || slotKindAt(slot) == KIND_DUKPT) return refusal(slot);
  const length = slotLengthAt(slot);
  copy(IO, slot + materialOffset(slotKindAt(slot)), length);
  return length;
}

/** How the parts of 8, 16 or 24 bytes of material relate, as des/parts.ts says; 0 for other lengths; or STALE. */
export function slotParts(handle: i32): i32 {
  const slot = slotPointer(handle);
  if (!slot) return STALE;
  const length = slotLengthAt(slot);
  if (length != 8 && length != 16 && length != 24) return 0;
  return desParts(slot + materialOffset(slotKindAt(slot)), length);
}

/** Why a slot is not what an operation needs. */
function refusal(slot: usize): i32 {
  return slot ? WRONG_KIND : STALE;
}

// Block ciphers. `slot` must be AES or TDES; which one decides the block.

/** Block size of the cipher of `slot`, or a status. */
function cipherBlock(slot: usize): i32 {
  if (!slot) return STALE;
  const kind = slotKindAt(slot);
  if (kind == KIND_AES) return 16;
  return kind == KIND_TDES ? 8 : WRONG_KIND;
}

/** One block at IO, in place. */
export function blockEncrypt(handle: i32): i32 {
  const slot = slotPointer(handle);
  const block = cipherBlock(slot);
  if (block == 16) aesEncryptBlock(slot + SLOT_SCHEDULE, IO, IO);
  else if (block == 8) tdesEncryptBlock(slot + SLOT_SCHEDULE, IO, IO);
  return block;
}

export function blockDecrypt(handle: i32): i32 {
  const slot = slotPointer(handle);
  const block = cipherBlock(slot);
  if (block == 16) aesDecryptBlock(slot + SLOT_SCHEDULE, IO, IO);
  else if (block == 8) tdesDecryptBlock(slot + SLOT_SCHEDULE, IO, IO);
  return block;
}

/**
 * CBC over the `length` bytes at IO, in place, from the IV or chaining value in CHAIN: the length, with padding if `pad` is 1.
 * The chaining value stays for a next part unless this is the `last`.
 */
export function cbcEncrypt(handle: i32, length: i32, pad: i32, last: i32): i32 {
  const slot = slotPointer(handle);
  const block = cipherBlock(slot);
  if (block < 0) return block;
  if (outsideWindow(length)) return BAD_LENGTH;
  if (pad) length = pkcs7Pad(IO, length, block);
  if (block == 16) aesCbcEncrypt(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 4);
  else tdesCbcEncrypt(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 3);
  if (last) wipe(CHAIN, 16);
  return length;
}

/** The inverse: the length, without padding if `pad` is 1; FAILED, with the plaintext wiped, if the padding is wrong. */
export function cbcDecrypt(handle: i32, length: i32, pad: i32, last: i32): i32 {
  const slot = slotPointer(handle);
  const block = cipherBlock(slot);
  if (block < 0) return block;
  if (outsidePaddedWindow(length) || (pad && length < block)) return BAD_LENGTH;
  if (block == 16) aesCbcDecrypt(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 4);
  else tdesCbcDecrypt(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 3);
  if (last) wipe(CHAIN, 16);
  if (!pad) return length;
  const padding = pkcs7Length(IO + length - block, block);
  if (padding > 0) return length - padding;
  wipe(IO, length);
  return FAILED;
}

// Block cipher MACs over data at IO. Parts before the last fill blocks exactly; the MAC of the last replaces the data.

/** Chains whole blocks into CHAIN: a part of a CMAC or CBC-MAC before the last. */
export function macPart(handle: i32, length: i32): i32 {
  const slot = slotPointer(handle);
  const block = cipherBlock(slot);
  if (outsideWindow(length)) return BAD_LENGTH;
  if (block == 16) aesCmacUpdate(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 4);
  else if (block == 8) tdesCmacUpdate(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 3);
  return block;
}

/** Wipes the message and puts the MAC at `mac` to IO. */
function takeMac(mac: usize, length: i32, size: i32): i32 {
  wipe(IO, length);
  copy(IO, mac, size);
  wipe(mac, size);
  return size;
}

/** SP 800-38B, last part; at least a block long if there were parts before, whose chaining value then joins its first block. */
export function cmacEnd(handle: i32, length: i32): i32 {
  const slot = slotPointer(handle);
  const block = cipherBlock(slot);
  if (block < 0) return block;
  if (outsideWindow(length)) return BAD_LENGTH;
  if (block == 16) {
    xor16(IO, CHAIN);
    aesCmac(slot + SLOT_SCHEDULE, slot + SLOT_SUBKEYS, IO, length, CHAIN);
  } else {
    xor8(IO, CHAIN);
    tdesCmac(slot + SLOT_SCHEDULE, slot + SLOT_SUBKEYS, IO, length, CHAIN);
  }
  return takeMac(CHAIN, max(length, 16), block);
}

/** ISO 9797-1 algorithm 1, last part. */
export function cbcMacEnd(handle: i32, length: i32): i32 {
  const block = macPart(handle, length);
  return block < 0 ? block : takeMac(CHAIN, length, block);
}

/** ISO 9797-1 algorithm 3, a part before the last. */
export function retailMacPart(handle: i32, length: i32): i32 {
  const slot = slotPointer(handle);
  if (cipherBlock(slot) != 8) return refusal(slot);
  if (outsideWindow(length)) return BAD_LENGTH;
  tdesRetailUpdate(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 3);
  return 8;
}

/** ISO 9797-1 algorithm 3, last part: at least a block. */
export function retailMacEnd(handle: i32, length: i32): i32 {
  const slot = slotPointer(handle);
  if (cipherBlock(slot) != 8) return refusal(slot);
  if (outsideWindow(length) || length < 8) return BAD_LENGTH;
  xor8(IO, CHAIN);
  tdesRetailMac(slot + SLOT_SCHEDULE, IO, length >> 3, CHAIN);
  return takeMac(CHAIN, length, 8);
}

// Hashes and HMAC. `hash` is one of hash.ts. Parts before the last are multiples of 128 bytes.

/** HMAC-SHA-256 of the `length` bytes at IO, which it replaces: 32. */
export function hmac(handle: i32, length: i32): i32 {
  const slot = slotPointer(handle);
  if (!slot || slotKindAt(slot) != KIND_HMAC) return refusal(slot);
  if (outsideWindow(length)) return BAD_LENGTH;
  hmacSha256(slot, IO, length, HMAC_MAC);
  return takeMac(HMAC_MAC, length + HMAC_TAIL, 32);
}

export function hashBegin(hash: i32): void {
  hashStart(hash, DIGEST);
}

/** Whether there is a slot and its material may key an HMAC: HMAC or OPAQUE. */
// @ts-ignore: decorator
@inline
function keysHmac(slot: usize): bool {
  return slot != 0 && (slotKindAt(slot) == KIND_HMAC || slotKindAt(slot) == KIND_OPAQUE);
}

export function hmacBegin(handle: i32, hash: i32): i32 {
  const slot = slotPointer(handle);
  if (!keysHmac(slot)) return refusal(slot);
  hmacStart(hash, slot);
  return 0;
}

/** Takes a part before the last: 0. */
export function hashPart(hash: i32, length: i32): i32 {
  if (outsideWindow(length)) return BAD_LENGTH;
  hashCompress(hash, DIGEST, IO, length / hashBlockSize(hash));
  store<u64>(TOTAL, load<u64>(TOTAL) + u64(length));
  return 0;
}

/** Number of bytes of the whole message, which ends with `length` more. */
function takeTotal(length: i32): u64 {
  const total = load<u64>(TOTAL) + u64(length);
  store<u64>(TOTAL, 0);
  return total;
}

/** Ends a hash: the digest replaces the message at IO. */
export function hashEnd(hash: i32, length: i32): i32 {
  if (outsideWindow(length)) return BAD_LENGTH;
  hashLast(hash, DIGEST, IO, length, takeTotal(length));
  wipe(IO, length + HASH_TAIL);
  hashDigest(hash, DIGEST, IO);
  wipe(DIGEST, 64);
  return hashLength(hash);
}

export function hmacEnd(handle: i32, hash: i32, length: i32): i32 {
  const slot = slotPointer(handle);
  if (!keysHmac(slot)) return refusal(slot);
  if (outsideWindow(length)) return BAD_LENGTH;
  finishHmac(hash, slot, IO, length, takeTotal(length), HASH_MAC);
  return takeMac(HASH_MAC, length + HASH_TAIL, hashLength(hash));
}

/** The 32-byte MAC at IO as Base64: 44. */
export function macBase64(): i32 {
  copy(BLOCK_SCRATCH, IO, 32);
  base64Mac(IO, BLOCK_SCRATCH);
  wipe(BLOCK_SCRATCH, 32);
  return EXPECTED_SIZE;
}

/** Whether the 32-byte MAC at IO as Base64 is the text at EXPECTED: 1 or 0. Wipes both. */
export function macEquals(): i32 {
  macBase64();
  const verdict = equalMask(IO, EXPECTED, EXPECTED_SIZE) & 1;
  wipe(IO, EXPECTED_SIZE);
  wipe(EXPECTED, EXPECTED_SIZE);
  return verdict;
}

// Key blocks.

export { unwrapKeyBlock, wrapKeyBlock } from "./key-block";

// DUKPT: (slot, counter, bytes at IO) to bytes at IO, or a status.

export { dukptInitialKey, dukptKeys, dukptLoad, dukptNext, dukptSkip, dukptState, dukptUpdateKey } from "./dukpt";

// Envelopes.

/** Seals `length` bytes at IO under the IV in CHAIN: number of hex digits at IO. `encoding` is one of envelope.ts. */
export function seal(handle: i32, length: i32, encoding: i32, last: i32): i32 {
  const slot = slotPointer(handle);
  if (!slot || slotKindAt(slot) != KIND_AES) return refusal(slot);
  if (outside(length, encoding == HEX ? WINDOW >> 2 : WINDOW >> 1)) return BAD_LENGTH;
  return sealIo(slot, length, encoding, last != 0);
}

/** Opens `digits` hex digits at IO under the IV in CHAIN: number of bytes at IO, or FAILED. */
export function open(handle: i32, digits: i32, encoding: i32, last: i32): i32 {
  const slot = slotPointer(handle);
  if (!slot || slotKindAt(slot) != KIND_AES) return refusal(slot);
  if (outsideWindow(digits) || digits == 0 || (digits & 31) != 0) return BAD_LENGTH;
  return openIo(slot, digits, encoding, last != 0);
}

// Secrets as text, and their comparison.

/** The `length` bytes at IO as hexadecimal: number of digits. */
export function encodeHex(length: i32): i32 {
  if (outside(length, WINDOW >> 1)) return BAD_LENGTH;
  hexEncode(IO, IO, length);
  return length << 1;
}

/** The `digits` (an even number) at IO as bytes: their number, or FAILED. */
export function decodeHex(digits: i32): i32 {
  if (outsideWindow(digits) || (digits & 1) != 0) return BAD_LENGTH;
  return hexDecode(IO, IO, digits) ? digits >> 1 : FAILED;
}

/** Whether the `length` bytes at IO equal the `length` bytes behind them: 1 or 0. */
export function equal(length: i32): i32 {
  if (outside(length, WINDOW >> 1)) return BAD_LENGTH;
  return equalMask(IO, IO + length, length) & 1;
}
