/**
 * Bit permutations of DES by tables: every output bit is one bit of the input (tables.ts lists its place). Tables and addresses are
 * public, the permuted bits secret; the same instructions run whatever their values.
 */

/** 1, 2, 4 ... 128, twice: a byte's bits by their places. */
export const BIT_VALUES: usize = memory.data<u8>([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128], 16);

/** 16 output bits of `x`, the first one in bit 0. */
function gather16(x: v128, places: usize): u32 {
  const place = v128.load(places);
  const seven = i8x16.splat(7);
  const bit = i8x16.swizzle(v128.load(BIT_VALUES), v128.and(place, seven));
  const byte = i8x16.swizzle(x, v128.and(i16x8.shr_u(place, 3), seven));
  return i8x16.bitmask(i8x16.eq(v128.and(byte, bit), bit));
}

/** The permutation of 64 bits by 64 places. */
export function permute64(x: u64, places: usize): u64 {
  if (ASC_FEATURE_SIMD) {
    const lanes = i64x2.splat(x);
    const low = gather16(lanes, places) | (gather16(lanes, places + 16) << 16);
    const high = gather16(lanes, places + 32) | (gather16(lanes, places + 48) << 16);
    return u64(low) | (u64(high) << 32);
  } else {
    let result: u64 = 0;
    for (let i = 0; i < 64; i++) result |= ((x >> u64(load<u8>(places + i))) & 1) << u64(i);
    return result;
  }
}
