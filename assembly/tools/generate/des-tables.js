/**
 * Makes the DES tables of the module (assembly/des/gen/tables.gen.ts) and of the noble backend (ts/backend/noble/des-tables.gen.ts)
 * from the tables of FIPS 46-3, which are here once, in the standard's layout: bits are numbered from 1 at the left.
 */
const numbers = (text) => text.trim().split(/\s+/).map(Number);

const INITIAL_PERMUTATION = numbers(`
  58 50 42 34 26 18 10  2
  60 52 44 36 28 20 12  4
  62 54 46 38 30 22 14  6
  64 56 48 40 32 24 16  8
  57 49 41 33 25 17  9  1
  59 51 43 35 27 19 11  3
  61 53 45 37 29 21 13  5
  63 55 47 39 31 23 15  7`);

const PERMUTATION_P = numbers(`
  16  7 20 21
  29 12 28 17
   1 15 23 26
   5 18 31 10
   2  8 24 14
  32 27  3  9
  19 13 30  6
  22 11  4 25`);

const PERMUTED_CHOICE_1 = numbers(`
  57 49 41 33 25 17  9
   1 58 50 42 34 26 18
  10  2 59 51 43 35 27
  19 11  3 60 52 44 36
  63 55 47 39 31 23 15
   7 62 54 46 38 30 22
  14  6 61 53 45 37 29
  21 13  5 28 20 12  4`);

const PERMUTED_CHOICE_2 = numbers(`
  14 17 11 24  1  5
   3 28 15  6 21 10
  23 19 12  4 26  8
  16  7 27 20 13  2
  41 52 31 37 47 55
  30 40 51 45 33 48
  44 49 39 56 34 53
  46 42 50 36 29 32`);

const LEFT_SHIFTS = numbers("1 1 2 2 2 2 2 2 1 2 2 2 2 2 2 1");

/** S1 to S8, each as four rows of sixteen: the row is bits 1 and 6 of the input, the column bits 2 to 5. */
const S_BOXES = [
  `14  4 13  1  2 15 11  8  3 10  6 12  5  9  0  7
    0 15  7  4 14  2 13  1 10  6 12 11  9  5  3  8
    4  1 14  8 13  6  2 11 15 12  9  7  3 10  5  0
   15 12  8  2  4  9  1  7  5 11  3 14 10  0  6 13`,
  `15  1  8 14  6 11  3  4  9  7  2 13 12  0  5 10
    3 13  4  7 15  2  8 14 12  0  1 10  6  9 11  5
    0 14  7 11 10  4 13  1  5  8 12  6  9  3  2 15
   13  8 10  1  3 15  4  2 11  6  7 12  0  5 14  9`,
  `10  0  9 14  6  3 15  5  1 13 12  7 11  4  2  8
   13  7  0  9  3  4  6 10  2  8  5 14 12 11 15  1
   13  6  4  9  8 15  3  0 11  1  2 12  5 10 14  7
    1 10 13  0  6  9  8  7  4 15 14  3 11  5  2 12`,
  ` 7 13 14  3  0  6  9 10  1  2  8  5 11 12  4 15
   13  8 11  5  6 15  0  3  4  7  2 12  1 10 14  9
   10  6  9  0 12 11  7 13 15  1  3 14  5  2  8  4
    3 15  0  6 10  1 13  8  9  4  5 11 12  7  2 14`,
  ` 2 12  4  1  7 10 11  6  8  5  3 15 13  0 14  9
   14 11  2 12  4  7 13  1  5  0 15 10  3  9  8  6
    4  2  1 11 10 13  7  8 15  9 12  5  6  3  0 14
   11  8 12  7  1 14  2 13  6 15  0  9 10  4  5  3`,
  `12  1 10 15  9  2  6  8  0 13  3  4 14  7  5 11
   10 15  4  2  7 12  9  5  6  1 13 14  0 11  3  8
    9 14 15  5  2  8 12  3  7  0  4 10  1 13 11  6
    4  3  2 12  9  5 15 10 11 14  1  7  6  0  8 13`,
  ` 4 11  2 14 15  0  8 13  3 12  9  7  5 10  6  1
   13  0 11  7  4  9  1 10 14  3  5 12  2 15  8  6
    1  4 11 13 12  3  7 14 10 15  6  8  0  5  9  2
    6 11 13  8  1  4 10  7  9  5  0 15 14  2  3 12`,
  `13  2  8  4  6 15 11  1 10  9  3 14  5  0 12  7
    1 15 13  8 10  3  7  4 12  5  6 11  0 14  9  2
    7 11  4  1  9 12 14  2  0  6 10 13 15  3  5  8
    2  1 14  7  4 10  8 13 15 12  9  0  3  5  6 11`,
].map(numbers);

const FINAL_PERMUTATION = INITIAL_PERMUTATION.map((_, i) => INITIAL_PERMUTATION.indexOf(i + 1) + 1);

/** Output of S-box `box` for the six input bits, the first one of weight 32. */
const substitute = (box, input) => S_BOXES[box][((input >> 5) * 2 + (input & 1)) * 16 + ((input >> 1) & 15)];

/**
 * For the module: entry j is the place of output bit j in the input, both counted from 0 at the right.
 * `table` lists the outputs from the left; `inputBits` is the width of the input.
 */
const places = (table, inputBits) => table.map((_, j) => inputBits - table[table.length - 1 - j]);

/** A bit of the 56-bit key register that is always 0. */
const NO_BIT = 63;

/** Place in the key register of bit n (from 1) of the round key of an S-box. */
const keyBit = (box, n) => 56 - PERMUTED_CHOICE_2[6 * box + n - 1];

/** A round key for the vector kernel: byte i has the six bits for S-box i, the first one of weight 32. */
function vectorKeyPlaces() {
  const result = Array(64).fill(NO_BIT);
  for (let box = 0; box < 8; box++) {
    for (let n = 1; n <= 6; n++) result[8 * box + 6 - n] = keyBit(box, n);
  }
  return result;
}

/**
 * A round key for the scalar kernel: in the low half nibble i (from the left) has bits 2 to 5 for S-box i, in the high half its
 * bit 1 (weight 1) and its bit 6 (weight 2).
 */
function scalarKeyPlaces() {
  const result = Array(64).fill(NO_BIT);
  for (let box = 0; box < 8; box++) {
    const nibble = 28 - 4 * box;
    for (let n = 2; n <= 5; n++) result[nibble + 5 - n] = keyBit(box, n);
    result[32 + nibble] = keyBit(box, 1);
    result[32 + nibble + 1] = keyBit(box, 6);
  }
  return result;
}

/** S-box and bit (0 = leftmost) that output bit `place` (from 0 at the right) of the round function comes from. */
function sourceOf(place) {
  const source = PERMUTATION_P[31 - place] - 1;
  return { box: source >> 2, bit: source & 3 };
}

/** For 16 output bits from `first` on: the byte with their S-box's input, in 16-bit lanes. */
const vectorLanes = (first) => Array.from({ length: 16 }, (_, j) => 2 * sourceOf(first + j).box);

/**
 * The leaves for 16 output bits from `first` on: four pairs of vectors. Pair p is for input bits 1 and 2 = p; bit n of each byte is
 * for input bits 4 to 6 = n; first vector for bit 3 = 0, second vector what bit 3 = 1 changes.
 */
function vectorLeaves(first) {
  const bytes = [];
  for (let p = 0; p < 4; p++) {
    const at = (bit3) =>
      Array.from({ length: 16 }, (_, j) => {
        const { box, bit } = sourceOf(first + j);
        let byte = 0;
        for (let n = 0; n < 8; n++) byte |= ((substitute(box, p * 16 + bit3 * 8 + n) >> (3 - bit)) & 1) << n;
        return byte;
      });
    const zero = at(0);
    bytes.push(...zero, ...at(1).map((byte, j) => byte ^ zero[j]));
  }
  return bytes;
}

/** For each S-box the two bytes (of a half block as little-endian number) around its six input bits, low byte first. */
function windowBytes() {
  const byteOf = (bit) => 3 - (((bit + 31) % 32) >> 3);
  return S_BOXES.flatMap((_, box) => [byteOf(4 * box + 5), byteOf(4 * box)]);
}

/** Factors that move the six bits to the left end of the 16 bits. */
const windowFactors = () => S_BOXES.map((_, box) => (box % 2 === 0 ? 128 : 8));

/** The outputs of all eight S-boxes for one input, S1's in the leftmost nibble. */
const allOutputs = (input) => S_BOXES.reduce((word, _, box) => word * 16 + substitute(box, input), 0);

/**
 * The leaves of the scalar kernel, 16 pairs of 64-bit words: pair p is for input bits 1 to 4 = p; first word for bit 5 = 0, second
 * word what bit 5 = 1 changes; low half for bit 6 = 0, high half for bit 6 = 1. As 32-bit words in memory order.
 */
function scalarLeaves() {
  const words = [];
  for (let p = 0; p < 16; p++) {
    const at = (bit5, bit6) => allOutputs(p * 4 + bit5 * 2 + bit6);
    words.push(at(0, 0), at(0, 1), (at(0, 0) ^ at(1, 0)) >>> 0, (at(0, 1) ^ at(1, 1)) >>> 0);
  }
  return words;
}

/** Permutation P as terms: rotations to the left, each with the output bits it brings to their place. */
function rotationTerms() {
  const masks = new Map();
  for (let place = 0; place < 32; place++) {
    const source = 32 - PERMUTATION_P[31 - place];
    const rotation = (place - source + 32) % 32;
    masks.set(rotation, ((masks.get(rotation) ?? 0) | (1 << place)) >>> 0);
  }
  return [...masks].sort(([a], [b]) => a - b).map(([rotation, mask]) => `(rotl<u32>(x, ${rotation}) & ${hexWord(mask)})`);
}

const hexWord = (n) => `0x${n.toString(16).padStart(8, "0")}`;

function rows(items, perRow) {
  let text = "";
  for (let i = 0; i < items.length; i += perRow) text += `\n  ${items.slice(i, i + perRow).join(", ")},`;
  return text;
}

function moduleTables() {
  const data = (name, type, items, perRow) =>
    `// @ts-ignore: decorator\n// prettier-ignore\n@lazy export const ${name}: usize = memory.data<${type}>([${rows(items, perRow)}\n], 16);`;
  const bytes = (name, items) => data(name, "u8", items, 16);
  const words = (name, items) => data(name, "u32", items.map(hexWord), 8);
  return `/**
 * Bit permutations and S-boxes of DES, from the tables of FIPS 46-3.
 *
 * A permutation lists for each output bit its place in the input, both counted from 0 at the right.
 */

${bytes("INITIAL_PERMUTATION", places(INITIAL_PERMUTATION, 64))}

${bytes("FINAL_PERMUTATION", places(FINAL_PERMUTATION, 64))}

/** Permuted choice 1: C in bits 55 to 28, D in bits 27 to 0. Bits 63 to 56 are to be cleared. */
${bytes("KEY_REGISTER", [...places(PERMUTED_CHOICE_1, 64), ...Array(8).fill(0)])}

/** Bit n is set if the key register rotates by two places, not by one, before round key n. */
export const DOUBLE_SHIFTS: u32 = ${hexWord(LEFT_SHIFTS.reduce((mask, shift, n) => mask | ((shift - 1) << n), 0))};

// The vector kernel.

/** Permuted choice 2 into a round key: byte i has the six bits for S-box i, the first one of weight 32. */
${bytes("VECTOR_KEY", vectorKeyPlaces())}

/** For each S-box the two bytes of a half block around its six input bits. */
${bytes("WINDOW_BYTES", windowBytes())}

/** Factors that move the six bits to the left end of the two bytes. */
${data("WINDOW_FACTORS", "u16", windowFactors(), 8)}

/** For output bits 0 to 15, then 16 to 31, behind permutation P: the byte with their S-box's input, in 16-bit lanes. */
${bytes("LANES", [...vectorLanes(0), ...vectorLanes(16)])}

/**
 * For output bits 0 to 15, then 16 to 31: four pairs of vectors. Pair p is for input bits 1 and 2 = p; bit n of each byte is for
 * input bits 4 to 6 = n; first vector for bit 3 = 0, second vector what bit 3 = 1 changes.
 */
${bytes("VECTOR_LEAVES", [...vectorLeaves(0), ...vectorLeaves(16)])}

// The scalar kernel.

/**
 * Permuted choice 2 into a round key: in the low half nibble i (from the left) has bits 2 to 5 for S-box i, in the high half its
 * bit 1 (weight 1) and its bit 6 (weight 2).
 */
${bytes("SCALAR_KEY", scalarKeyPlaces())}

/**
 * 16 pairs of 64-bit words. Pair p is for input bits 1 to 4 = p; first word for bit 5 = 0, second word what bit 5 = 1 changes; low
 * half for bit 6 = 0, high half for bit 6 = 1. Nibble i (from the left) is the output of S-box i.
 */
${words("SCALAR_LEAVES", scalarLeaves())}

/** Permutation P. */
// @ts-ignore: decorator
@inline
export function permuteP(x: u32): u32 {
  // prettier-ignore
  return (
    ${rotationTerms().join(" |\n    ")}
  );
}
`;
}

function nobleTables() {
  const list = (items, perRow) => `[${rows(items, perRow)}\n]`;
  const boxes = S_BOXES.map((box) => `\n  "${box.map((n) => n.toString(16).toUpperCase()).join("")}",`).join("");
  return `/**
 * Bit permutations and S-boxes of DES, from the tables of FIPS 46-3.
 *
 * Bits are numbered from 1 at the left; a permutation lists for each output bit its place in the input.
 */

// biome-ignore format: the standard's layout
export const INITIAL_PERMUTATION: readonly number[] = ${list(INITIAL_PERMUTATION, 8)};

// biome-ignore format: the standard's layout
export const FINAL_PERMUTATION: readonly number[] = ${list(FINAL_PERMUTATION, 8)};

// biome-ignore format: the standard's layout
export const PERMUTATION_P: readonly number[] = ${list(PERMUTATION_P, 4)};

// biome-ignore format: the standard's layout
export const PERMUTED_CHOICE_1: readonly number[] = ${list(PERMUTED_CHOICE_1, 7)};

// biome-ignore format: the standard's layout
export const PERMUTED_CHOICE_2: readonly number[] = ${list(PERMUTED_CHOICE_2, 6)};

export const LEFT_SHIFTS: readonly number[] = [${LEFT_SHIFTS.join(", ")}];

/** One hexadecimal digit an entry, row by row; row = input bits 1 and 6, column = input bits 2 to 5. */
export const S_BOXES: readonly string[] = [${boxes}
];
`;
}

/** @returns {import("./output.js").Generated[]} */
export function generated() {
  return [
    { path: "assembly/des/gen/tables.gen.ts", text: moduleTables() },
    { path: "ts/backend/noble/des-tables.gen.ts", text: nobleTables() },
  ];
}
