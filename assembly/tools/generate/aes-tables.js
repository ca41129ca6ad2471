/**
 * Derives every constant of the vector-permute AES kernels, assembly/aes/gen/tables.gen.ts, from first principles.
 *
 * Input: the polynomial 0x11B and the affine map of FIPS 197 clauses 4.2 and 5.1.1, nothing else. The method is M. Hamburg's
 * "Accelerating AES with Vector Permute Instructions" (CHES 2009), in bases chosen here.
 *
 * The tower. GF(16) = GF(2)[y]/(y^4+y+1) sits in GF(256) by y -> g, where g is a root of y^4+y+1. Over it GF(256) has the basis
 * 1, t+1 with t^2+t = 1/a: a byte of the *tower basis* with nibbles k (high) and i (low) stands for i + k(t+1) = j + kt, j = i+k.
 * Its norm is N = ij + k^2/a and its inverse (i + kt)/N. With
 *
 *   io = 1/(1/i + a/k) + j = aN/(k+ai)        jo = 1/(1/j + a/k) + i = aN/(k+aj)
 *
 * follows 1/x = (1+1/a+t)/io + (1/a+t)/jo: one function of io plus one of jo, both nibbles. So *any* linear function L of 1/x is
 * two 16-entry tables, U[io] = L((1+1/a+t)/io) and T[jo] = L((1/a+t)/jo).
 *
 * Infinity (the reciprocal of 0) is 0x80: an index with bit 7 set reads 0 from a swizzle, which is its reciprocal. All indices
 * that occur are below 16 or have bit 7 set, so strict swizzle, relaxed swizzle and PSHUFB agree; the tool checks that.
 */
import { AFFINE_CONSTANT, affineLinear, BYTES, leastByte, multiply, reciprocal, SBOX } from "./gf256.js";

const nibbles = BYTES.slice(0, 16);

function invertMap(map) {
  const inverse = new Array(256).fill(-1);
  for (const value of BYTES) inverse[map(value)] = value;
  if (inverse.includes(-1)) throw new Error("the map is not a bijection");
  return (value) => inverse[value];
}

const affineLinearInverse = invertMap(affineLinear);
const sboxInverse = BYTES.map((value) => SBOX.indexOf(value));

// The tower: the least g, a and t that fit

const g = leastByte((value) => (multiply(multiply(value, value), multiply(value, value)) ^ value ^ 1) === 0);
const embed = (nibble) =>
  [0, 1, 2, 3].reduce((sum, bit) => {
    let power = 1;
    for (let i = 0; i < bit; i++) power = multiply(power, g);
    return sum ^ ((nibble >> bit) & 1 ? power : 0);
  }, 0);
const subfield = nibbles.map(embed);
const nibbleOf = (value) => {
  const nibble = subfield.indexOf(value);
  if (nibble < 0) throw new Error("not an element of GF(16)");
  return nibble;
};
const nibbleReciprocal = (nibble) => nibbleOf(reciprocal(embed(nibble)));

let a = 0;
let t = 0;
search: for (a = 1; a < 16; a++) {
  for (t = 0; t < 256; t++) {
    if (!subfield.includes(t) && (multiply(t, t) ^ t) === reciprocal(embed(a))) break search;
  }
}

const fromTower = (value) => embed(value & 15) ^ multiply(embed(value >> 4), t ^ 1);
const toTower = invertMap(fromTower);

// 16-entry tables

const INFINITY = 0x80;
const inverseTable = nibbles.map((n) => (n === 0 ? INFINITY : nibbleReciprocal(n)));
const quotientTable = nibbles.map((n) => (n === 0 ? INFINITY : nibbleOf(multiply(embed(a), reciprocal(embed(n))))));

/** Two tables that together are the linear function `map` of the reciprocal. */
function reciprocalTables(map) {
  const overA = reciprocal(embed(a));
  return [1 ^ overA ^ t, overA ^ t].map((factor) => nibbles.map((n) => map(multiply(factor, reciprocal(embed(n))))));
}

/** Two tables that together are the linear function `map` of a byte: of its low and of its high nibble. */
function byteTables(map) {
  return [nibbles.map((n) => map(n)), nibbles.map((n) => map(n << 4))];
}

const toDecryption = (value) => toTower(affineLinearInverse(value));
const fromDecryption = (value) => affineLinear(fromTower(value));

const [u1, t1] = reciprocalTables((x) => toTower(affineLinear(x)));
const [u2, t2] = reciprocalTables((x) => toTower(multiply(2, affineLinear(x))));
const inverseMix = [0x0e, 0x0b, 0x0d, 0x09].map((c) => reciprocalTables((x) => toDecryption(multiply(c, x))));
const [uOut, tOut] = reciprocalTables((x) => x);
const [inLow, inHigh] = byteTables(toTower);
const [outLow, outHigh] = byteTables(fromTower);
const [decryptionInLow, decryptionInHigh] = byteTables(toDecryption);
const [decryptionOutLow, decryptionOutHigh] = byteTables(fromDecryption);

// Byte permutations. Position 4c + r is row r, column c (FIPS 197 clause 3.4), or 4r + c in row-major order.

const permutation = (source) =>
  Array.from({ length: 16 }, (_, position) => {
    const { r, c } = source(position & 3, position >> 2);
    return 4 * (((c % 4) + 4) % 4) + (r & 3);
  });
const layouts = [0, 1, 2, 3].map((n) => permutation((r, c) => ({ r, c: c - n * r })));
const rowsBelow = (distance) => [0, 1, 2, 3].map((n) => permutation((r, c) => ({ r: r + distance, c: c + n * distance })));
const [below1, below2, below3] = [1, 2, 3].map(rowsBelow);
const rowMajor = Array.from({ length: 16 }, (_, position) => 4 * (position & 3) + (position >> 2));
const rowMajorInverseShift = Array.from({ length: 16 }, (_, position) => {
  const r = position >> 2;
  const c = position & 3;
  return 4 * r + ((c - r + 4) & 3);
});

// Round constants of the key schedule, FIPS 197 clause 5.2

const roundConstants = [];
for (let i = 0, value = 1; i < 10; i++, value = multiply(value, 2)) roundConstants.push(toTower(value));

// Proof: both S-boxes for all 256 bytes, through the tables, as a swizzle reads them

function swizzle(table, index) {
  if (index >= 16 && (index & 0x80) === 0) throw new Error(`index ${index} reads differently in strict and relaxed swizzle`);
  return index < 16 ? table[index] : 0;
}

function reciprocalBy(value, u, v) {
  const i = value & 15;
  const k = value >> 4;
  const j = i ^ k;
  const quotient = swizzle(quotientTable, k);
  const io = swizzle(inverseTable, swizzle(inverseTable, i) ^ quotient) ^ j;
  const jo = swizzle(inverseTable, swizzle(inverseTable, j) ^ quotient) ^ i;
  return swizzle(u, io) ^ swizzle(v, jo);
}

const byteBy = (value, low, high) => low[value & 15] ^ high[value >> 4];

function equal(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: got ${actual}, expected ${expected}`);
}

equal(SBOX[0x53], 0xed, "S-box of FIPS 197 clause 5.1.1");
for (const value of BYTES) {
  const tower = byteBy(value, inLow, inHigh);
  equal(byteBy(tower, outLow, outHigh), value, `tower basis of ${value}`);
  const once = reciprocalBy(tower, u1, t1);
  equal(byteBy(once, outLow, outHigh) ^ AFFINE_CONSTANT, SBOX[value], `S-box of ${value}`);
  equal(fromTower(reciprocalBy(tower, u2, t2)), multiply(2, SBOX[value] ^ AFFINE_CONSTANT), `doubled S-box of ${value}`);
  const shifted = byteBy(value ^ AFFINE_CONSTANT, decryptionInLow, decryptionInHigh);
  equal(byteBy(shifted, decryptionOutLow, decryptionOutHigh) ^ AFFINE_CONSTANT, value, `decryption basis of ${value}`);
  equal(reciprocalBy(shifted, uOut, tOut), sboxInverse[value], `inverse S-box of ${value}`);
  [0x0e, 0x0b, 0x0d, 0x09].forEach((c, index) => {
    const got = reciprocalBy(shifted, inverseMix[index][0], inverseMix[index][1]);
    equal(got, toDecryption(multiply(c, sboxInverse[value])), `inverse S-box of ${value} times ${c}`);
  });
}
for (const [n, layout] of layouts.entries()) {
  for (const [position, source] of layout.entries()) equal(layouts[-n & 3][source], position, `inverse of layout ${n}`);
}

// Output

/** @typedef {[name: string, note: string, row: number[]]} Row */

/** @type {Row[]} */
const rows = [
  ["LOW_NIBBLES", "0x0F in every byte", nibbles.map(() => 15)],
  ["INVERSE", "1/n in GF(16)", inverseTable],
  ["QUOTIENT", "a/n in GF(16)", quotientTable],
  ["ENCRYPT_U1", "encryption round: S-box without its constant, from io", u1],
  ["ENCRYPT_T1", "the same, from jo", t1],
  ["ENCRYPT_U2", "the same times 2, from io", u2],
  ["ENCRYPT_T2", "the same times 2, from jo", t2],
  ["TOWER_IN_LOW", "standard to tower basis, low nibble", inLow],
  ["", "standard to tower basis, high nibble", inHigh],
  ["TOWER_OUT_LOW", "tower to standard basis, low nibble", outLow],
  ["", "tower to standard basis, high nibble", outHigh],
  ["DECRYPT_IN_LOW", "standard to decryption basis, low nibble", decryptionInLow],
  ["", "standard to decryption basis, high nibble", decryptionInHigh],
  ["DECRYPT_OUT_LOW", "decryption to standard basis, low nibble", decryptionOutLow],
  ["", "decryption to standard basis, high nibble", decryptionOutHigh],
  ["DECRYPT_UE", "decryption round: inverse S-box times 0E, from io", inverseMix[0][0]],
  ["DECRYPT_TE", "the same, from jo", inverseMix[0][1]],
  ["DECRYPT_UB", "times 0B, from io", inverseMix[1][0]],
  ["DECRYPT_TB", "the same, from jo", inverseMix[1][1]],
  ["DECRYPT_UD", "times 0D, from io", inverseMix[2][0]],
  ["DECRYPT_TD", "the same, from jo", inverseMix[2][1]],
  ["DECRYPT_U9", "times 09, from io", inverseMix[3][0]],
  ["DECRYPT_T9", "the same, from jo", inverseMix[3][1]],
  ["DECRYPT_UOUT", "last decryption round: inverse S-box to standard basis, from io", uOut],
  ["DECRYPT_TOUT", "the same, from jo", tOut],
  ...[0, 1, 2, 3].flatMap(
    (n) =>
      /** @type {Row[]} */ ([
        [n === 0 ? "MIX" : "", `layout ${n}: one row below`, below1[n]],
        ["", `layout ${n}: two rows below`, below2[n]],
        ["", `layout ${n}: three rows below`, below3[n]],
      ]),
  ),
  ...layouts.map((layout, n) => /** @type {Row} */ ([n === 0 ? "LAYOUT" : "", `standard order to layout ${n}`, layout])),
  ["ROW_MAJOR", "standard order to row-major order, and back", rowMajor],
  ["ROW_MAJOR_SHIFT", "InvShiftRows in row-major order", rowMajorInverseShift],
  ["PAIRS", "masks of the bit transposition", nibbles.map(() => 0x55)],
  ["QUADS", "", nibbles.map(() => 0x33)],
  ["ROUND_CONSTANTS", "Rcon in the tower basis", [...roundConstants, 0, 0, 0, 0, 0, 0]],
];

const hex = (value) => `0x${value.toString(16).padStart(2, "0")}`;
const lines = rows.map(
  ([, note, row], index) => `    ${row.map(hex).join(", ")}, // ${16 * index}${note === "" ? "" : `: ${note}`}`,
);
const names = rows.flatMap(([name], index) => (name === "" ? [] : [`export const ${name}: usize = ${16 * index};`]));

const text = `/**
 * Constants of the AES kernels. The generator explains and proves them.
 *
 * One block of ${rows.length} rows of 16 bytes; the names are offsets into it. All of it is public, and no address into it depends on
 * a secret: rows are loaded whole, and a nibble selects a byte inside a register.
 *
 * Tower: g = ${hex(g)} (a root of y^4+y+1), a = ${hex(embed(a))}, t = ${hex(t)} (t^2+t = 1/a); a byte with nibbles k, i is i + k(t+1).
 * Tower basis: that. Decryption basis: the tower basis of the byte taken back through the affine map of the S-box.
 * MIX holds three rows a layout, 48 bytes apart; LAYOUT one, 16 bytes apart.
 */
// prettier-ignore
export const TABLES: usize = memory.data<u8>(
  [
${lines.join("\n").replace(/,( \/\/[^\n]*)$/, "$1")}
  ],
  16,
);

${names.join("\n")}

/** The S-box constant 0x63 in the tower basis. */
export const TOWER_63: i32 = ${hex(toTower(AFFINE_CONSTANT))};
`;

/** @returns {import("./output.js").Generated[]} */
export function generated() {
  return [{ path: "assembly/aes/gen/tables.gen.ts", text }];
}
