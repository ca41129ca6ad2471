/**
 * How the parts of a TDEA key relate: NIST SP 800-67 r2 clauses 3.2 and 3.3.2. Single DES keys are one part.
 *
 * Parts are secret, and compared without branches, parity bits aside; the answer is a public fact about the key.
 */
import { zeroMask } from "../constant-time";

/** K1 = K2. */
const FIRST_TWO: i32 = 1;
/** K2 = K3. */
const LAST_TWO: i32 = 2;
/** K1 = K3. */
const OUTER: i32 = 4;
/** A part is one of the 4 weak or 12 semi-weak keys of DES. */
const WEAK: i32 = 8;

const WITHOUT_PARITY: u64 = 0xfefefefefefefefe;

/** -1 if `x` is 0, else 0. */
// @ts-ignore: decorator
@inline
function zeroMask64(x: u64): i32 {
  return zeroMask(i32(x) | i32(x >> 32));
}

/**
 * Weak and semi-weak key `i` of 16, without parity: two bytes in turn, each one of 00, 1E, E0 and FE, in the second half one of
 * 00, 0E, F0 and FE in the same order.
 */
function weakPart(i: i32): u64 {
  const a = i & 3;
  const b = i >> 2;
  const first: u64 = u64(((a >> 1) * 0xe0) | ((a & 1) * 0x1e) | ((((b >> 1) * 0xe0) | ((b & 1) * 0x1e)) << 8));
  const second: u64 = u64(((a >> 1) * 0xf0) | ((a & 1) * 0x0e) | ((((b >> 1) * 0xf0) | ((b & 1) * 0x0e)) << 8));
  return first | (first << 16) | (second << 32) | (second << 48);
}

/** The facts above about 8, 16 or 24 bytes at `key`. */
export function desParts(key: usize, length: i32): i32 {
  let facts = 0;
  for (let at = 0; at < length; at += 8) {
    const part = load<u64>(key + at) & WITHOUT_PARITY;
    for (let i = 0; i < 16; i++) facts |= zeroMask64(part ^ weakPart(i)) & WEAK;
  }
  if (length < 16) return facts;
  const first = load<u64>(key) & WITHOUT_PARITY;
  const second = load<u64>(key + 8) & WITHOUT_PARITY;
  facts |= zeroMask64(first ^ second) & FIRST_TWO;
  if (length < 24) return facts;
  const third = load<u64>(key + 16) & WITHOUT_PARITY;
  return facts | (zeroMask64(second ^ third) & LAST_TWO) | (zeroMask64(first ^ third) & OUTER);
}
