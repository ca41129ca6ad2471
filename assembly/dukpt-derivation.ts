/**
 * DUKPT's derivations (ANSI X9.24-3:2017): AES in clause 6.3, TDES in annex C (X9.24-1:2009, annex A).
 *
 * An identity is 12 bytes. AES: the 8 bytes of the initial key ID. TDES: the 8 first bytes of the KSN with the bits of the counter
 * cleared. Then 2 zeros, the bits of the counter (21 or 32), and 1 if the key beside it is a base derivation key.
 *
 * One key at a time is expanded in DUKPT (layout.ts), and everything else is derived from it:
 *
 * | offset | size | content                                                               |
 * |--------|------|-----------------------------------------------------------------------|
 * | 0      | 560  | schedule: AES, TDEA, or two of single DES, masked half and plain half |
 * | 560    | 16   | right half of a TDEA key, masked and plain; the block of an AES step  |
 * | 576    | 32   | KEY: the key that is being walked                                     |
 * | 608    | 32   | DERIVED: what a step gives                                            |
 * | 640    | 16   | identity                                                              |
 *
 * All of it but the identity is secret; `wipeDukpt` wipes it before a call ends. Addresses and branches depend on counter,
 * algorithm and lengths only, which are public.
 */
import { aesEncryptBlock, aesExpandKey } from "./aes/cipher";
import { desEncrypt, desExpandKey, tdesEncryptBlock, tdesExpandKey } from "./des/tdes";
import { DUKPT, DUKPT_SIZE, KIND_AES, KIND_HMAC, KIND_TDES } from "./layout";
import { copy, load32be, load64be, store32be, store64be, wipe, wipe16 } from "./word";

const SCHEDULE: usize = DUKPT;
const PLAIN: usize = SCHEDULE + 128;
const RIGHT: usize = DUKPT + 560;
const BLOCK: usize = DUKPT + 560;
export const KEY: usize = DUKPT + 576;
export const DERIVED: usize = DUKPT + 608;
export const IDENTITY: usize = DUKPT + 640;
export const IDENTITY_SIZE: i32 = 12;

/** Over each half of a TDEA key: X9.24-3:2017 annex C. */
const MASK: u64 = 0xc0c0_c0c0_0000_0000;
/** The bits of the counter in the last 8 bytes of a TDES KSN. */
const TDES_COUNTER: u64 = 0x1f_ffff;

/** Key usages of X9.24-3:2017 6.3.2, table 2: transaction keys and initial keys. */
const USE_DERIVATION: i32 = 0x8000;
const USE_INITIAL: i32 = 0x8001;

/** In the use of a TDES working key: a variant that goes through the one-way step. The low byte is the place of FF in the mask. */
const ONE_WAY: i32 = 0x100;

/** The most ones of a counter: annex C, clause 6. */
export function mostOnes(kind: i32): i32 {
  return kind == KIND_TDES ? 10 : 16;
}

/** X9.24-3:2017 6.3.2, table 3. */
function algorithmCode(kind: i32, bytes: i32): i32 {
  if (kind == KIND_HMAC) return 5;
  return (bytes >> 3) - (kind == KIND_AES ? 0 : 2);
}

export function wipeDukpt(): void {
  wipe(DUKPT, DUKPT_SIZE);
}

/** Expands the key at `key`, from which steps and AES working keys are then derived. */
export function prepare(kind: i32, key: usize, bytes: i32): void {
  if (kind == KIND_AES) {
    aesExpandKey(key, bytes, SCHEDULE);
    return;
  }
  const left = load64be(key);
  const right = load64be(key + 8);
  desExpandKey(left ^ MASK, SCHEDULE);
  desExpandKey(left, PLAIN);
  store<u64>(RIGHT, right ^ MASK);
  store<u64>(RIGHT, right, 8);
}

/** X9.24-3:2017 6.3.1: `bytes` bytes for `use`, from the prepared AES key. The last 8 bytes of the block are `tail`. */
function deriveAes(use: i32, algorithm: i32, bytes: i32, tail: u64, out: usize): void {
  const head = (u64(1) << 56) | (u64(use) << 32) | (u64(algorithm) << 16) | (u64(bytes) << 3);
  for (let at = 0, n: u64 = 1; at < bytes; at += 16, n++) {
    store64be(BLOCK, head | (n << 48));
    store64be(BLOCK + 8, tail);
    aesEncryptBlock(SCHEDULE, BLOCK, BLOCK);
    copy(out + at, BLOCK, min(16, bytes - at));
  }
  wipe16(BLOCK);
}

/** The last 4 bytes of the initial key ID and the counter: 6.3.3. */
// @ts-ignore: decorator
@inline
function tailOf(counter: u32): u64 {
  return (u64(load32be(IDENTITY + 4)) << 32) | u64(counter);
}

/** One step from the prepared key of `kind` to the key of the counter `reached`, `bytes` bytes to `out`. */
export function step(kind: i32, bytes: i32, reached: u32, out: usize): void {
  if (kind == KIND_AES) {
    deriveAes(USE_DERIVATION, algorithmCode(KIND_AES, bytes), bytes, tailOf(reached), out);
    return;
  }
  // Annex C: non-reversible key generation; the crypto register is the last 8 bytes of the KSN.
  const register = (load64be(IDENTITY + 2) & ~TDES_COUNTER) | u64(reached);
  const masked = load<u64>(RIGHT);
  const plain = load<u64>(RIGHT, 8);
  store64be(out, desEncrypt(SCHEDULE, register ^ masked) ^ masked);
  store64be(out + 8, desEncrypt(PLAIN, register ^ plain) ^ plain);
}

/** The initial key of IDENTITY under the base derivation key at `bdk`, to KEY. */
export function deriveInitial(kind: i32, bdk: usize, bytes: i32): void {
  if (kind == KIND_AES) {
    prepare(kind, bdk, bytes);
    deriveAes(USE_INITIAL, algorithmCode(KIND_AES, bytes), bytes, load64be(IDENTITY), KEY);
    return;
  }
  tdesExpandKey(bdk, 16, SCHEDULE);
  tdesEncryptBlock(SCHEDULE, IDENTITY, KEY);
  store64be(DERIVED, load64be(bdk) ^ MASK);
  store64be(DERIVED + 8, load64be(bdk + 8) ^ MASK);
  tdesExpandKey(DERIVED, 16, SCHEDULE);
  tdesEncryptBlock(SCHEDULE, IDENTITY, KEY + 8);
}

/** Walks from the initial key in KEY to the key of `counter`: one step for each of its ones, from the highest. */
export function walk(kind: i32, bytes: i32, counter: u32): void {
  let reached: u32 = 0;
  for (let bit: u32 = 0x8000_0000; bit != 0; bit >>= 1) {
    if (!(counter & bit)) continue;
    reached |= bit;
    prepare(kind, KEY, bytes);
    step(kind, bytes, reached, DERIVED);
    copy(KEY, DERIVED, bytes);
  }
}

/**
 * A working key of the transaction key in KEY, to DERIVED: `bytes` bytes of `wanted`, an algorithm's kind of slot. AES: KEY is
 * prepared, `use` is that of 6.3.2. TDES: annex C, table C.1; the one-way step encrypts the variant under itself.
 */
export function deriveWorking(kind: i32, use: i32, wanted: i32, bytes: i32, counter: u32): void {
  if (kind == KIND_AES) {
    deriveAes(use, algorithmCode(wanted, bytes), bytes, tailOf(counter), DERIVED);
    return;
  }
  const variant = u64(0xff) << u64(use & 0x38);
  store64be(DERIVED, load64be(KEY) ^ variant);
  store64be(DERIVED + 8, load64be(KEY + 8) ^ variant);
  if (!(use & ONE_WAY)) return;
  tdesExpandKey(DERIVED, 16, SCHEDULE);
  tdesEncryptBlock(SCHEDULE, DERIVED, DERIVED);
  tdesEncryptBlock(SCHEDULE, DERIVED + 8, DERIVED + 8);
}
