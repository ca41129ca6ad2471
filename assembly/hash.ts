/**
 * One face for the five hash functions of FIPS 180-4: sizes, start, compression, padding (clause 5.1), digest.
 *
 * A running state is at most 64 bytes. Which hash it is and how long the message is are public; message and state may be secret.
 */
import { BLOCK_SCRATCH } from "./layout";
import { sha1Compress, sha1Start } from "./sha/sha1";
import { sha224Start, sha256Compress, sha256Digest, sha256Start } from "./sha/sha256";
import { sha384Start, sha512Compress, sha512Digest, sha512Start } from "./sha/sha512";
import { copy, store64be, wipe } from "./word";

export const SHA1: i32 = 1;
export const SHA224: i32 = 2;
export const SHA256: i32 = 3;
export const SHA384: i32 = 4;
export const SHA512: i32 = 5;

/** Where `hashWhole` puts the padded end of a message: two blocks of 128 bytes. */
const TAIL: usize = BLOCK_SCRATCH + 128;
const TAIL_SIZE: i32 = 256;

export function hashBlockSize(hash: i32): i32 {
  return hash >= SHA384 ? 128 : 64;
}

/** Bytes of the digest. */
export function hashLength(hash: i32): i32 {
  if (hash == SHA1) return 20;
  if (hash == SHA224) return 28;
  if (hash == SHA256) return 32;
  return hash == SHA384 ? 48 : 64;
}

export function hashStart(hash: i32, state: usize): void {
  if (hash == SHA1) sha1Start(state);
  else if (hash == SHA224) sha224Start(state);
  else if (hash == SHA256) sha256Start(state);
  else if (hash == SHA384) sha384Start(state);
  else sha512Start(state);
}

export function hashCompress(hash: i32, state: usize, data: usize, blocks: i32): void {
  if (hash == SHA1) sha1Compress(state, data, blocks);
  else if (hash <= SHA256) sha256Compress(state, data, blocks);
  else sha512Compress(state, data, blocks);
}

/**
 * Pads the last `length` bytes of a message of `total` bytes, writing up to 72 bytes behind them (144 for blocks of 128).
 * Returns the number of blocks.
 */
export function hashPad(data: usize, length: i32, total: u64, blockSize: i32): i32 {
  const size = (length + (blockSize >> 3) + blockSize) & (0 - blockSize);
  wipe(data + length, size - length);
  store<u8>(data + length, 0x80);
  store64be(data + size - 8, total << 3);
  return blockSize == 64 ? size >> 6 : size >> 7;
}

/** Takes the last `length` bytes of a message of `total` bytes; pads them in place. */
export function hashLast(hash: i32, state: usize, data: usize, length: i32, total: u64): void {
  hashCompress(hash, state, data, hashPad(data, length, total, hashBlockSize(hash)));
}

/** Writes the digest, `hashLength(hash)` bytes. */
export function hashDigest(hash: i32, state: usize, out: usize): void {
  if (hash <= SHA256) sha256Digest(state, out, hashLength(hash) >> 2);
  else sha512Digest(state, out, hashLength(hash) >> 3);
}

/** Digest of `length` bytes at `data`, which are left alone. Leaves `state` to the caller to wipe. */
export function hashWhole(hash: i32, state: usize, data: usize, length: i32, out: usize): void {
  const blockSize = hashBlockSize(hash);
  const rest = length & (blockSize - 1);
  hashStart(hash, state);
  hashCompress(hash, state, data, (length - rest) / blockSize);
  copy(TAIL, data + (length - rest), rest);
  hashLast(hash, state, TAIL, rest, u64(length));
  hashDigest(hash, state, out);
  wipe(TAIL, TAIL_SIZE);
}
