/**
 * HMAC (FIPS 198-1, RFC 2104).
 *
 * HMAC-SHA-256 keys keep the states after the inner and the outer pad in their slot, so that a MAC costs the message's blocks and
 * two compressions. The other hashes serve check values and start from the material each time. Keys, states and messages are
 * secret; BLOCK_SCRATCH and DIGEST are wiped before return.
 */
import { hashBlockSize, hashCompress, hashDigest, hashLast, hashLength, hashPad, hashStart, hashWhole, SHA256 } from "./hash";
import { BLOCK_SCRATCH, DIGEST, SLOT_BYTES_MATERIAL, SLOT_INNER, SLOT_OUTER } from "./layout";
import { SHA256_BLOCK, sha256Compress, sha256Digest } from "./sha/sha256";
import { slotLengthAt } from "./slots";
import { copy, copy16, store64be, wipe } from "./word";

const INNER_PAD: u64 = 0x3636363636363636;
const OUTER_PAD: u64 = 0x5c5c5c5c5c5c5c5c;

/** FIPS 198-1 steps 1 to 3 and 4 or 7: the state of `hash` after the block K0 xor `pad`. */
function keyState(hash: i32, material: usize, length: i32, pad: u64, state: usize): void {
  const blockSize = hashBlockSize(hash);
  if (length > blockSize) hashWhole(hash, state, material, length, BLOCK_SCRATCH);
  else copy(BLOCK_SCRATCH, material, length);
  for (let i = 0; i < blockSize; i += 8) store<u64>(BLOCK_SCRATCH + i, load<u64>(BLOCK_SCRATCH + i) ^ pad);
  hashStart(hash, state);
  hashCompress(hash, state, BLOCK_SCRATCH, 1);
  wipe(BLOCK_SCRATCH, blockSize);
}

/** Fills in the midstates of the HMAC slot at `slot` from its material. */
export function hmacExpandKey(slot: usize): void {
  const material = slot + SLOT_BYTES_MATERIAL;
  const length = slotLengthAt(slot);
  keyState(SHA256, material, length, INNER_PAD, slot + SLOT_INNER);
  keyState(SHA256, material, length, OUTER_PAD, slot + SLOT_OUTER);
}

/** HMAC-SHA-256 with the midstates of `slot` over `length` bytes at `data`, padded in place (72 bytes of slack): 32 bytes. */
export function hmacSha256(slot: usize, data: usize, length: i32, out: usize): void {
  copy16(DIGEST, slot + SLOT_INNER);
  copy16(DIGEST + 16, slot + SLOT_INNER + 16);
  sha256Compress(DIGEST, data, hashPad(data, length, u64(length + SHA256_BLOCK), SHA256_BLOCK));
  hmacSha256Outer(slot, out);
}

/** Step 8 and 9 for SHA-256, from the inner state in DIGEST. */
function hmacSha256Outer(slot: usize, out: usize): void {
  sha256Digest(DIGEST, BLOCK_SCRATCH, 8);
  store<u64>(BLOCK_SCRATCH, 0x80, 32);
  store64be(BLOCK_SCRATCH + 56, (32 + u64(SHA256_BLOCK)) << 3);
  copy16(DIGEST, slot + SLOT_OUTER);
  copy16(DIGEST + 16, slot + SLOT_OUTER + 16);
  sha256Compress(DIGEST, BLOCK_SCRATCH, 1);
  sha256Digest(DIGEST, out, 8);
  wipe(DIGEST, 32);
  wipe(BLOCK_SCRATCH, 64);
}

/** Puts the inner state of a message into DIGEST. `slot` is an HMAC slot, or for `hash` other than SHA-256 an OPAQUE one. */
export function hmacStart(hash: i32, slot: usize): void {
  keyState(hash, slot + SLOT_BYTES_MATERIAL, slotLengthAt(slot), INNER_PAD, DIGEST);
}

/** Ends a message of `total` bytes with its last `length` bytes at `data`, padded in place. Wipes the state. */
export function finishHmac(hash: i32, slot: usize, data: usize, length: i32, total: u64, out: usize): void {
  const blockSize = hashBlockSize(hash);
  const digestLength = hashLength(hash);
  hashLast(hash, DIGEST, data, length, total + u64(blockSize));
  hashDigest(hash, DIGEST, out);
  keyState(hash, slot + SLOT_BYTES_MATERIAL, slotLengthAt(slot), OUTER_PAD, DIGEST);
  copy(BLOCK_SCRATCH, out, digestLength);
  hashLast(hash, DIGEST, BLOCK_SCRATCH, digestLength, u64(blockSize + digestLength));
  hashDigest(hash, DIGEST, out);
  wipe(DIGEST, 64);
  wipe(BLOCK_SCRATCH, 256);
}
