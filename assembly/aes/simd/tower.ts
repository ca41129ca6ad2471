/**
 * Bytes as elements of a tower field, sixteen at a time: the S-box (FIPS 197 clause 5.1.1) by byte permutations of registers, after
 * M. Hamburg, "Accelerating AES with Vector Permute Instructions" (CHES 2009). tables.ts says which field, and its generator why.
 *
 * A byte of the tower basis has a high nibble k and a low nibble i; j = i+k. Its reciprocal, under any linear map, is U[io] ^ T[jo]
 * with io = inner(i, j) and jo = inner(j, i). Nibbles are indices into a register, never into memory: nothing here has a
 * data-dependent address, branch or running time.
 */
import { LOW_NIBBLES, TABLES } from "../gen/tables.gen";

// @ts-ignore: decorator
@inline
export function row(offset: usize): v128 {
  return v128.load(TABLES + offset);
}

/**
 * Selects bytes of `table` by the bytes of `index`, each below 16 or with bit 7 set (which selects 0): the range in which both
 * instructions agree. The relaxed one is a single machine instruction.
 */
// @ts-ignore: decorator
@inline
export function select(table: v128, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, index);
  else return i8x16.swizzle(table, index);
}

/** The low nibble of every byte; `low` is LOW_NIBBLES. */
// @ts-ignore: decorator
@inline
export function lowNibbles(x: v128, low: v128): v128 {
  return v128.and(x, low);
}

/** The high nibble of every byte. */
// @ts-ignore: decorator
@inline
export function highNibbles(x: v128, low: v128): v128 {
  return v128.and(i32x4.shr_u(x, 4), low);
}

/** 1/(1/p + quotient) + q: io for (i, j), jo for (j, i), where `quotient` is a/k and `inverse` the table of 1/n. */
// @ts-ignore: decorator
@inline
export function inner(p: v128, q: v128, quotient: v128, inverse: v128): v128 {
  return v128.xor(select(inverse, v128.xor(select(inverse, p), quotient)), q);
}

/** A linear map of every byte, as tables of its low and high nibbles at `tables` and `tables + 16`. */
// @ts-ignore: decorator
@inline
export function map(x: v128, tables: usize): v128 {
  const low = row(LOW_NIBBLES);
  return v128.xor(select(row(tables), lowNibbles(x, low)), select(row(tables + 16), highNibbles(x, low)));
}
