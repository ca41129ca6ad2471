/**
 * PIN fields and PAN fields of ISO 9564-1 formats 0 to 4, as bytes: two nibbles each, 8 bytes for formats 0 to 3 and 16 for
 * format 4.
 *
 * | format | PIN field                         | PAN field                                     | fill          |
 * |--------|-----------------------------------|-----------------------------------------------|---------------|
 * | 0      | `0 L PIN fill`                    | `0000`, the 12 digits before the check digit  | F             |
 * | 1      | `1 L PIN fill`                    | none                                          | random 0 to F |
 * | 2      | `2 L PIN fill`                    | none                                          | F             |
 * | 3      | `3 L PIN fill`                    | as format 0                                   | random A to F |
 * | 4      | `4 L PIN fill`, 8 random bytes    | `M`, the PAN with its check digit, zeros      | A             |
 *
 * PIN, PAN and fields are secret. Reading accumulates every check into one mask, without branch or index that depends on the
 * field's nibbles, before the verdict: which check failed is not to be learnt, since a wrong PAN shows as a bad digit or a bad
 * fill nibble. Digits and fields belong to the caller, who wipes them; everything else is wiped here.
 */
import { isBytes } from "../../base/byte-array.js";
import { wipe } from "../../base/bytes.js";
import { refusal } from "../../base/arguments.js";
import { invalidArgument } from "../../base/errors.js";
import { MOST_DRAWS, randomBytes, stuckSource } from "../../base/random.js";

/** Formats of ISO 9564-1: 0 to 3 are 8 bytes under TDES, 4 is 16 bytes under AES. */
export type PinBlockFormat = 0 | 1 | 2 | 3 | 4;

/** A PIN as its digits' values, without leading or trailing anything. */
export type PinDigits = Uint8Array;

const SHORTEST_PIN = 4;
const LONGEST_PIN = 12;
const LONGEST_PAN = 19;

/** Nibbles behind control and length nibble in the first eight bytes: PIN and fill. */
const PLACES = 14;

/** The lowest and highest fill nibble of each format. */
const FILL: readonly (readonly [low: number, high: number])[] = [
  [15, 15],
  [0, 15],
  [15, 15],
  [10, 15],
  [10, 10],
];

/** Whether the format combines the PIN with the PAN. */
export function bindsPan(format: PinBlockFormat): boolean {
  return format === 0 || format === 3 || format === 4;
}

/** Bytes of the block. */
export function blockBytes(format: PinBlockFormat): 8 | 16 {
  return format === 4 ? 16 : 8;
}

/** The digits of a PIN given as text or as ASCII bytes. Throws `ERR_INVALID_ARGUMENT`, which says nothing about the PIN. */
export function readPin(pin: unknown): PinDigits {
  const isText = typeof pin === "string";
  if (!isText && !isBytes(pin)) throw refusal("pin", "text or bytes of 4 to 12 digits", pin);
  if (pin.length < SHORTEST_PIN || pin.length > LONGEST_PIN) throw badPin();
  const digits = new Uint8Array(pin.length);
  let bad = 0;
  for (let i = 0; i < pin.length; i++) {
    const digit = (isText ? pin.charCodeAt(i) : (pin[i] as number)) - 0x30;
    bad |= outside(digit, 0, 9);
    digits[i] = digit;
  }
  if (bad === 0) return digits;
  wipe(digits);
  throw badPin();
}

function badPin(): Error {
  return invalidArgument("pin", "4 to 12 digits", "something else");
}

/** The PAN as text of 1 to 19 digits, or `undefined` where the format needs none. Throws `ERR_INVALID_ARGUMENT`. */
export function readPan(pan: unknown, needed: boolean): string | undefined {
  if (pan === undefined && !needed) return undefined;
  if (typeof pan !== "string") throw refusal("pan", "text of 1 to 19 digits", pan);
  if (pan.length > LONGEST_PAN || !/^[0-9]+$/.test(pan)) throw invalidArgument("pan", "1 to 19 digits", "something else");
  return pan;
}

/** The text of digits. */
export function pinText(digits: PinDigits): string {
  let text = "";
  for (const digit of digits) text += String.fromCharCode(0x30 + digit);
  return text;
}

/** The PIN field with fresh fill. Throws `ERR_NO_RANDOM`. */
export function makePinField(format: PinBlockFormat, digits: PinDigits): Uint8Array {
  const [low, high] = FILL[format]!;
  // All randomness is drawn before the PIN is copied: where there is none, nothing is left to wipe.
  const tail = format === 4 ? randomBytes(8) : undefined;
  const nibbles = low === high ? new Uint8Array(PLACES).fill(low) : randomNibbles(low, high);
  nibbles.set(digits);
  const field = new Uint8Array(blockBytes(format));
  field[0] = (format << 4) | digits.length;
  for (let i = 0; i < PLACES; i += 2) field[1 + i / 2] = (nibbles[i]! << 4) | nibbles[i + 1]!;
  if (tail !== undefined) field.set(tail, 8);
  wipe(nibbles, tail);
  return field;
}

/** As many random nibbles as any PIN could leave room for, so that what is drawn does not depend on the PIN's length. */
function randomNibbles(low: number, high: number): Uint8Array {
  const values = high - low + 1;
  const fair = 256 - (256 % values);
  const nibbles = new Uint8Array(PLACES);
  let found = 0;
  for (let draws = 0; found < PLACES; draws++) {
    if (draws === MOST_DRAWS) throw stuckSource();
    const bytes = randomBytes(PLACES - found);
    for (const byte of bytes) if (byte < fair) nibbles[found++] = low + (byte % values);
    wipe(bytes);
  }
  return nibbles;
}

/** The PIN's digits, or `undefined` for a field that breaks any rule of its format. */
export function readPinField(format: PinBlockFormat, field: Uint8Array): PinDigits | undefined {
  const [low, high] = FILL[format]!;
  const length = field[0]! & 15;
  let bad = outside(field[0]! >> 4, format, format) | outside(length, SHORTEST_PIN, LONGEST_PIN);
  const nibbles = new Uint8Array(PLACES);
  for (let i = 0; i < PLACES; i++) {
    const nibble = (field[1 + (i >> 1)]! >> (4 & ~(i << 2))) & 15;
    const isDigit = (i - length) >> 31;
    bad |= (isDigit & outside(nibble, 0, 9)) | (~isDigit & outside(nibble, low, high));
    nibbles[i] = nibble;
  }
  const digits = bad === 0 ? nibbles.slice(0, length) : undefined;
  wipe(nibbles);
  return digits;
}

/** The PAN field of formats 0 and 3 (ISO 9564-1:2017 clauses 9.3.2 and 9.3.5) or 4 (clause 9.4.2). Left-filled with zeros if short. */
export function makePanField(format: PinBlockFormat, pan: string): Uint8Array {
  const field = new Uint8Array(blockBytes(format));
  if (format === 4) {
    const digits = pan.padStart(12, "0");
    setNibble(field, 0, digits.length - 12);
    for (let i = 0; i < digits.length; i++) setNibble(field, 1 + i, digits.charCodeAt(i) & 15);
  } else {
    const digits = pan.slice(0, -1).slice(-12).padStart(12, "0");
    for (let i = 0; i < digits.length; i++) setNibble(field, 4 + i, digits.charCodeAt(i) & 15);
  }
  return field;
}

/** Adds `other` to `target` modulo 2. */
export function addField(target: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = target[i]! ^ other[i]!;
}

/** All ones where `value` lies outside `low` to `high`, else zero. */
function outside(value: number, low: number, high: number): number {
  return ((value - low) | (high - value)) >> 31;
}

function setNibble(field: Uint8Array, index: number, value: number): void {
  field[index >> 1] = field[index >> 1]! | (value << (4 & ~(index << 2)));
}
