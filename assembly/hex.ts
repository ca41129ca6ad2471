/**
 * Hexadecimal (RFC 4648 clause 8) of secrets: upper case out, either case in, in place where the buffer is shared.
 *
 * No table is indexed by content and nothing ends early; what is wrong is gathered and told once at the end.
 */
import { zeroMask } from "./constant-time";

/** Digit of a value from 0 to 15. */
// @ts-ignore: decorator
@inline
function digitOf(value: i32): i32 {
  return value + 48 + (((9 - value) >> 31) & 7);
}

/**
 * Writes the 2n digits of `n` bytes. `dst` may be `src`: works from the end backwards.
 */
export function hexEncode(dst: usize, src: usize, n: i32): void {
  let i = n;
  const vectors = ASC_FEATURE_SIMD ? n & ~15 : 0;
  while (i > vectors) {
    i--;
    const byte: i32 = load<u8>(src + i);
    store<u8>(dst + (i << 1), digitOf(byte >> 4));
    store<u8>(dst + (i << 1), digitOf(byte & 15), 1);
  }
  if (ASC_FEATURE_SIMD) {
    const digits = i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70);
    const low = i8x16.splat(15);
    while (i > 0) {
      i -= 16;
      const x = v128.load(src + i);
      const hi = i8x16.swizzle(digits, i8x16.shr_u(x, 4));
      const lo = i8x16.swizzle(digits, v128.and(x, low));
      v128.store(dst + (i << 1), v128.shuffle<i8>(hi, lo, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
      v128.store(dst + (i << 1), v128.shuffle<i8>(hi, lo, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
    }
  }
}

/** Values of 16 characters: 0 to 15 for digits, more for anything else. Saturation keeps strangers out of the range. */
// @ts-ignore: decorator
@inline
function valuesOf(c: v128): v128 {
  const decimal = i8x16.sub(i8x16.sub_sat_u(i8x16.add(c, i8x16.splat(-58)), i8x16.splat(6)), i8x16.splat(-16));
  const letter = i8x16.add_sat_u(i8x16.sub(v128.and(c, i8x16.splat(-33)), i8x16.splat(65)), i8x16.splat(10));
  return i8x16.min_u(decimal, letter);
}

/** Pairs of values (first digit in the even bytes) as bytes in 16-bit lanes. */
// @ts-ignore: decorator
@inline
function pairsOf(values: v128): v128 {
  return v128.and(v128.or(i16x8.shl(values, 4), i16x8.shr_u(values, 8)), i16x8.splat(255));
}

/** Value of one character, with bits above 15 set for anything but a digit. */
// @ts-ignore: decorator
@inline
function valueOf(c: i32): i32 {
  const decimal = c - 48;
  const letter = (c & 0xdf) - 65;
  const isDecimal = ~(decimal >> 31) & ((decimal - 10) >> 31);
  const isLetter = ~(letter >> 31) & ((letter - 6) >> 31);
  return (isDecimal & decimal) | (isLetter & (letter + 10)) | (~(isDecimal | isLetter) & 0x100);
}

/** Writes the bytes of `n` digits (`n` even). `dst` may be `src`. Returns -1 if all were digits, else 0. */
export function hexDecode(dst: usize, src: usize, n: i32): i32 {
  const end = src + n;
  let wrong = 0;
  if (ASC_FEATURE_SIMD) {
    let largest = i8x16.splat(0);
    while (src + 32 <= end) {
      const a = valuesOf(v128.load(src));
      const b = valuesOf(v128.load(src, 16));
      largest = i8x16.max_u(largest, i8x16.max_u(a, b));
      v128.store(dst, i8x16.narrow_i16x8_u(pairsOf(a), pairsOf(b)));
      src += 32;
      dst += 16;
    }
    wrong = i8x16.bitmask(i8x16.gt_u(largest, i8x16.splat(15)));
  }
  while (src < end) {
    const high = valueOf(load<u8>(src));
    const low = valueOf(load<u8>(src, 1));
    wrong |= (high | low) >> 8;
    store<u8>(dst, (high << 4) | low);
    src += 2;
    dst++;
  }
  return zeroMask(wrong);
}

/** -1 if the `n` characters at `src` are all digits, else 0. Writes nothing. */
export function hexMask(src: usize, n: i32): i32 {
  const end = src + n;
  let wrong = 0;
  if (ASC_FEATURE_SIMD) {
    let largest = i8x16.splat(0);
    while (src + 16 <= end) {
      largest = i8x16.max_u(largest, valuesOf(v128.load(src)));
      src += 16;
    }
    wrong = i8x16.bitmask(i8x16.gt_u(largest, i8x16.splat(15)));
  }
  while (src < end) {
    wrong |= valueOf(load<u8>(src)) >> 8;
    src++;
  }
  return zeroMask(wrong);
}

/** Byte that two characters stand for; only right where both are digits. */
export function hexByte(src: usize): i32 {
  return ((valueOf(load<u8>(src)) << 4) | (valueOf(load<u8>(src, 1)) & 15)) & 255;
}
