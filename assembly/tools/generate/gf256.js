/** GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197 clause 4.2), and the affine map of the S-box (clause 5.1.1), by their definitions. */

/** Every byte. */
export const BYTES = Array.from({ length: 256 }, (_, value) => value);

/**
 * The least byte that is more than 1 and has a property.
 * @param {(value: number) => boolean} property
 * @returns {number}
 */
export function leastByte(property) {
  const found = BYTES.find((value) => value > 1 && property(value));
  if (found === undefined) throw new Error("no byte has the property");
  return found;
}

/** The constant of the affine map. */
export const AFFINE_CONSTANT = 0x63;

/**
 * The product of two bytes.
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
export function multiply(a, b) {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= a << bit;
  }
  for (let bit = 14; bit >= 8; bit--) {
    if ((product >> bit) & 1) product ^= 0x11b << (bit - 8);
  }
  return product;
}

/**
 * @param {number} base
 * @param {number} exponent at least 0
 * @returns {number}
 */
export function power(base, exponent) {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = multiply(result, base);
  return result;
}

/**
 * The reciprocal, and 0 of 0: x^254.
 * @param {number} x
 * @returns {number}
 */
export function reciprocal(x) {
  return power(x, 254);
}

/**
 * The affine map of the S-box without its constant, FIPS 197 equation 5.2.
 * @param {number} x
 * @returns {number}
 */
export function affineLinear(x) {
  let result = 0;
  for (let turn = 0; turn < 5; turn++) result ^= ((x << turn) | (x >> (8 - turn))) & 0xff;
  return result;
}

/** The S-box, FIPS 197 table 4. */
export const SBOX = BYTES.map((value) => affineLinear(reciprocal(value)) ^ AFFINE_CONSTANT);
