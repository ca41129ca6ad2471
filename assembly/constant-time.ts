/**
 * Comparisons and choices on secrets, without branches, ternaries or early exits.
 *
 * Truth is a mask: -1 (all bits) or 0. A mask that a caller turns into a public verdict may be branched on there.
 */

/** -1 if `x` is 0, else 0. */
// @ts-ignore: decorator
@inline
export function zeroMask(x: i32): i32 {
  return ~((x | (0 - x)) >> 31);
}

/** -1 if `a < b`, for values from 0 to 2^31 - 1. */
// @ts-ignore: decorator
@inline
export function lessMask(a: i32, b: i32): i32 {
  return (a - b) >> 31;
}

/** -1 if the `n` bytes at `a` and `b` are equal, else 0. Reads all of them. */
export function equalMask(a: usize, b: usize, n: i32): i32 {
  const end = a + n;
  let difference: u64 = 0;
  while (a + 8 <= end) {
    difference |= load<u64>(a) ^ load<u64>(b);
    a += 8;
    b += 8;
  }
  while (a < end) {
    difference |= u64(load<u8>(a) ^ load<u8>(b));
    a++;
    b++;
  }
  return zeroMask(i32(difference) | i32(difference >> 32));
}

/**
 * Length of the PKCS#7 padding (RFC 5652 clause 6.3) of the last block, at `block`: 1 to `size`, or 0 if it is wrong.
 * The same instructions and addresses for every content.
 */
export function pkcs7Length(block: usize, size: i32): i32 {
  const last: i32 = load<u8>(block + size - 1);
  let wrong = zeroMask(last) | lessMask(size, last);
  for (let i = 0; i < size; i++) {
    const inside = lessMask(size - 1 - i, last);
    wrong |= inside & (i32(load<u8>(block + i)) ^ last);
  }
  return last & zeroMask(wrong);
}
