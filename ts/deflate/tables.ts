/**
 * The constant tables of deflate: RFC 1951 clauses 3.2.5 to 3.2.7. Made on first use, so that importing costs nothing.
 */

/** Literals and lengths; distances; code lengths. The two highest lengths and distances exist in the fixed codes only, unused. */
export const LENGTH_CODES = 286;
export const DISTANCE_CODES = 30;
export const FIXED_LENGTH_CODES = 288;
export const FIXED_DISTANCE_CODES = 32;
export const END_OF_BLOCK = 256;

/** Longest code words. */
export const LONGEST_CODE = 15;
export const LONGEST_LENGTH_CODE = 7;

/** The order in which lengths of the code length code are sent. */
export const CODE_LENGTH_ORDER: readonly number[] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** What a length or distance code stands for: `base` plus the value of `extra` further bits. */
export interface Ranges {
  readonly base: Uint16Array;
  readonly extra: Uint8Array;
}

let lengthRanges: Ranges | undefined;
let distanceRanges: Ranges | undefined;

/** Lengths 3 to 258, by code less 257. The last code is 258 alone, without extra bits. */
export function lengths(): Ranges {
  if (lengthRanges === undefined) {
    const ranges = makeRanges(LENGTH_CODES - 257, 3, 2);
    ranges.base[28] = 258;
    ranges.extra[28] = 0;
    lengthRanges = ranges;
  }
  return lengthRanges;
}

/** Distances 1 to 32768. */
export function distances(): Ranges {
  distanceRanges ??= makeRanges(DISTANCE_CODES, 1, 1);
  return distanceRanges;
}

/** Codes in groups of `2 ** bits`, the extra bits growing by one from the second group on. */
function makeRanges(codes: number, first: number, bits: number): Ranges {
  const ranges = { base: new Uint16Array(codes), extra: new Uint8Array(codes) };
  let base = first;
  for (let code = 0; code < codes; code++) {
    const extra = Math.max(0, (code >> bits) - 1);
    ranges.base[code] = base;
    ranges.extra[code] = extra;
    base += 1 << extra;
  }
  return ranges;
}

/** Lengths of the fixed codes' words. */
export function fixedLengthLengths(): Uint8Array {
  return new Uint8Array(FIXED_LENGTH_CODES).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
}

export function fixedDistanceLengths(): Uint8Array {
  return new Uint8Array(FIXED_DISTANCE_CODES).fill(5);
}
