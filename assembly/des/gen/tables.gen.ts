/**
 * Bit permutations and S-boxes of DES. Written by assembly/tools/generate/des-tables.js from the tables of FIPS 46-3; do not edit.
 *
 * A permutation lists for each output bit its place in the input, both counted from 0 at the right.
 */

// @ts-ignore: decorator
// prettier-ignore
@lazy export const INITIAL_PERMUTATION: usize = memory.data<u8>([
  57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3,
  61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
  56, 48, 40, 32, 24, 16, 8, 0, 58, 50, 42, 34, 26, 18, 10, 2,
  60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6,
], 16);

// @ts-ignore: decorator
// prettier-ignore
@lazy export const FINAL_PERMUTATION: usize = memory.data<u8>([
  39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30,
  37, 5, 45, 13, 53, 21, 61, 29, 36, 4, 44, 12, 52, 20, 60, 28,
  35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26,
  33, 1, 41, 9, 49, 17, 57, 25, 32, 0, 40, 8, 48, 16, 56, 24,
], 16);

/** Permuted choice 1: C in bits 55 to 28, D in bits 27 to 0. Bits 63 to 56 are to be cleared. */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const KEY_REGISTER: usize = memory.data<u8>([
  60, 52, 44, 36, 59, 51, 43, 35, 27, 19, 11, 3, 58, 50, 42, 34,
  26, 18, 10, 2, 57, 49, 41, 33, 25, 17, 9, 1, 28, 20, 12, 4,
  61, 53, 45, 37, 29, 21, 13, 5, 62, 54, 46, 38, 30, 22, 14, 6,
  63, 55, 47, 39, 31, 23, 15, 7, 0, 0, 0, 0, 0, 0, 0, 0,
], 16);

/** Bit n is set if the key register rotates by two places, not by one, before round key n. */
export const DOUBLE_SHIFTS: u32 = 0x00007efc;

// The vector kernel.

/** Permuted choice 2 into a round key: byte i has the six bits for S-box i, the first one of weight 32. */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const VECTOR_KEY: usize = memory.data<u8>([
  51, 55, 32, 45, 39, 42, 63, 63, 46, 35, 50, 41, 28, 53, 63, 63,
  48, 30, 52, 44, 37, 33, 63, 63, 54, 43, 36, 29, 49, 40, 63, 63,
  1, 9, 19, 25, 4, 15, 63, 63, 8, 23, 11, 5, 16, 26, 63, 63,
  3, 22, 0, 17, 7, 12, 63, 63, 24, 27, 20, 6, 14, 10, 63, 63,
], 16);

/** For each S-box the two bytes of a half block around its six input bits. */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const WINDOW_BYTES: usize = memory.data<u8>([
  3, 0, 2, 3, 2, 3, 1, 2, 1, 2, 0, 1, 0, 1, 3, 0,
], 16);

/** Factors that move the six bits to the left end of the two bytes. */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const WINDOW_FACTORS: usize = memory.data<u16>([
  128, 8, 128, 8, 128, 8, 128, 8,
], 16);

/** For output bits 0 to 15, then 16 to 31, behind permutation P: the byte with their S-box's input, in 16-bit lanes. */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const LANES: usize = memory.data<u8>([
  12, 0, 4, 10, 2, 14, 6, 8, 4, 0, 12, 14, 6, 10, 2, 0,
  4, 14, 8, 2, 12, 10, 6, 0, 8, 12, 4, 14, 10, 8, 2, 6,
], 16);

/**
 * For output bits 0 to 15, then 16 to 31: four pairs of vectors. Pair p is for input bits 1 and 2 = p; bit n of each byte is for
 * input bits 4 to 6 = n; first vector for bit 3 = 0, second vector what bit 3 = 1 changes.
 */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const VECTOR_LEAVES: usize = memory.data<u8>([
  102, 120, 73, 105, 233, 105, 62, 43, 211, 41, 244, 43, 151, 76, 143, 189,
  191, 204, 254, 243, 42, 204, 102, 118, 67, 54, 117, 87, 153, 239, 153, 155,
  150, 129, 194, 230, 70, 106, 144, 240, 156, 159, 75, 156, 202, 60, 101, 120,
  186, 238, 251, 243, 213, 51, 125, 98, 247, 255, 213, 253, 190, 64, 221, 49,
  248, 6, 12, 214, 22, 177, 25, 198, 105, 146, 26, 205, 140, 89, 210, 27,
  153, 239, 154, 238, 42, 39, 254, 255, 68, 70, 238, 76, 253, 51, 136, 156,
  199, 123, 185, 153, 249, 78, 195, 11, 105, 233, 149, 98, 105, 163, 35, 199,
  85, 234, 207, 95, 145, 119, 81, 204, 255, 206, 255, 253, 162, 54, 238, 119,
  74, 12, 150, 89, 195, 218, 113, 25, 142, 166, 154, 185, 91, 72, 195, 231,
  51, 51, 253, 255, 128, 204, 191, 111, 186, 207, 204, 175, 50, 241, 92, 127,
  244, 241, 102, 195, 230, 146, 44, 230, 225, 121, 101, 199, 164, 118, 148, 73,
  210, 57, 247, 170, 127, 255, 69, 96, 152, 48, 204, 255, 109, 61, 246, 138,
  53, 167, 161, 110, 102, 60, 143, 122, 106, 121, 99, 36, 149, 210, 116, 26,
  179, 255, 61, 119, 191, 221, 153, 51, 167, 239, 255, 153, 35, 68, 255, 102,
  106, 22, 91, 150, 156, 203, 209, 157, 157, 142, 141, 122, 74, 205, 106, 183,
  179, 177, 50, 119, 26, 153, 125, 27, 223, 186, 198, 187, 254, 105, 30, 190,
], 16);

// The scalar kernel.

/**
 * Permuted choice 2 into a round key: in the low half nibble i (from the left) has bits 2 to 5 for S-box i, in the high half its
 * bit 1 (weight 1) and its bit 6 (weight 2).
 */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const SCALAR_KEY: usize = memory.data<u8>([
  27, 20, 6, 14, 22, 0, 17, 7, 23, 11, 5, 16, 9, 19, 25, 4,
  43, 36, 29, 49, 30, 52, 44, 37, 35, 50, 41, 28, 55, 32, 45, 39,
  10, 24, 63, 63, 12, 3, 63, 63, 26, 8, 63, 63, 15, 1, 63, 63,
  40, 54, 63, 63, 33, 48, 63, 63, 53, 46, 63, 63, 42, 51, 63, 63,
], 16);

/**
 * 16 pairs of 64-bit words. Pair p is for input bits 1 to 4 = p; first word for bit 5 = 0, second word what bit 5 = 1 changes; low
 * half for bit 6 = 0, high half for bit 6 = 1. Nibble i (from the left) is the output of S-box i.
 */
// @ts-ignore: decorator
// prettier-ignore
@lazy export const SCALAR_LEAVES: usize = memory.data<u32>([
  0xefa72c4d, 0x03ddead1, 0xaeaaedff, 0xfea555de, 0xd89e4a28, 0x740b24bd, 0xc67d55cc, 0x339ee6c5,
  0x266079f6, 0xef36474a, 0xdd56dbf9, 0xcd793bd9, 0xb3f9b68b, 0xd860d917, 0x37a3de5a, 0xc6c3ccb3,
  0x3911803a, 0xac2456ec, 0x9ec3ddf3, 0xcca357d9, 0x62c83393, 0xc152fd56, 0xafbdc7ed, 0x7bbe539d,
  0x5cbbde55, 0x96c13020, 0xccf7d9f5, 0xcf7babde, 0x0524e56c, 0x3bfe8389, 0x7fab7e7b, 0xbee7ebeb,
  0x40da4917, 0xfd13b462, 0x5ebc675c, 0x35bc37d3, 0xe7491fb4, 0x8ad0c2de, 0x6cd9aa65, 0xabd6be59,
  0xda8ca2c9, 0x436a1914, 0xbe777af5, 0xdcfbfc5e, 0x2d377c7e, 0x148d2fa8, 0x9c3aff9c, 0x66f5f5d5,
  0xf5bff7a0, 0x5b496b9f, 0x3dae6756, 0xedbd95c3, 0x9c23c46a, 0x37e50109, 0xeaed9ee7, 0xdbde96f9,
  0x3955610f, 0xa0bca6e3, 0x9af75c5c, 0xa5ebe6c6, 0x52e80b95, 0x6e225836, 0x5d9cedbd, 0xb7ec65fd,
], 16);

/** Permutation P. */
// @ts-ignore: decorator
@inline
export function permuteP(x: u32): u32 {
  // prettier-ignore
  return (
    (rotl<u32>(x, 3) & 0x00000020) |
    (rotl<u32>(x, 4) & 0x00040000) |
    (rotl<u32>(x, 5) & 0x40402402) |
    (rotl<u32>(x, 6) & 0x04000000) |
    (rotl<u32>(x, 9) & 0x01000000) |
    (rotl<u32>(x, 10) & 0x00000010) |
    (rotl<u32>(x, 11) & 0x00000800) |
    (rotl<u32>(x, 12) & 0x00200200) |
    (rotl<u32>(x, 13) & 0x00000004) |
    (rotl<u32>(x, 14) & 0x00100000) |
    (rotl<u32>(x, 15) & 0x80000000) |
    (rotl<u32>(x, 16) & 0x00020000) |
    (rotl<u32>(x, 17) & 0x30008100) |
    (rotl<u32>(x, 19) & 0x00000040) |
    (rotl<u32>(x, 21) & 0x02000000) |
    (rotl<u32>(x, 22) & 0x00004000) |
    (rotl<u32>(x, 24) & 0x08880000) |
    (rotl<u32>(x, 25) & 0x00000009) |
    (rotl<u32>(x, 26) & 0x00011080)
  );
}
