/**
 * Base64 (RFC 4648 clause 4) of a 32-byte MAC: 44 characters. No table is indexed by content.
 *
 * With SIMD twelve bytes become sixteen characters at a time (the last twelve are eight bytes and four zeros); else one
 * character at a time by arithmetic.
 */
import { wipe } from "./word";

const EQUALS: i32 = 61;

/** Characters of sixteen 6-bit values. Saturation maps the ranges of the alphabet to 14 offsets, looked up in a register. */
// @ts-ignore: decorator
@inline
function charactersOf(values: v128): v128 {
  const offsets = i8x16(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0);
  const upper = v128.and(i8x16.gt_s(i8x16.splat(26), values), i8x16.splat(13));
  const range = v128.or(i8x16.sub_sat_u(values, i8x16.splat(51)), upper);
  return i8x16.add(values, i8x16.swizzle(offsets, range));
}

/** Sixteen 6-bit values of the twelve bytes at `src` (reads sixteen). */
// @ts-ignore: decorator
@inline
function sextetsOf(src: usize): v128 {
  const x = i8x16.swizzle(v128.load(src), i8x16(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1));
  const a = v128.and(i32x4.shr_u(x, 18), i32x4.splat(0x3f));
  const b = v128.and(i32x4.shr_u(x, 4), i32x4.splat(0x3f00));
  const c = v128.and(i32x4.shl(x, 10), i32x4.splat(0x3f0000));
  const d = v128.and(i32x4.shl(x, 24), i32x4.splat(0x3f000000));
  return v128.or(v128.or(a, b), v128.or(c, d));
}

/** Character of one 6-bit value. */
// @ts-ignore: decorator
@inline
function characterOf(value: i32): i32 {
  const lower = ((25 - value) >> 31) & 6;
  const digit = ((51 - value) >> 31) & -75;
  const plus = ((61 - value) >> 31) & -15;
  const slash = ((62 - value) >> 31) & 3;
  return value + 65 + lower + digit + plus + slash;
}

/** Writes the 44 characters of the 32 bytes at `src`, which has 8 more bytes that are zero; `dst` has room for 48. */
export function base64Mac(dst: usize, src: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(dst, charactersOf(sextetsOf(src)));
    v128.store(dst, charactersOf(sextetsOf(src + 12)), 16);
    v128.store(dst, charactersOf(sextetsOf(src + 24)), 32);
    wipe(dst + 44, 4);
  } else {
    for (let i: usize = 0; i < 11; i++) {
      const p = src + i * 3;
      const group = (i32(load<u8>(p)) << 16) | (i32(load<u8>(p, 1)) << 8) | i32(load<u8>(p, 2));
      store<u8>(dst + (i << 2), characterOf(group >> 18));
      store<u8>(dst + (i << 2), characterOf((group >> 12) & 63), 1);
      store<u8>(dst + (i << 2), characterOf((group >> 6) & 63), 2);
      store<u8>(dst + (i << 2), characterOf(group & 63), 3);
    }
  }
  store<u8>(dst + 43, EQUALS);
}
