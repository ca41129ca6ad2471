/**
 * Key serial numbers of DUKPT, and the counters in them: X9.24-3:2017, clause 6 for AES, annex C for TDES. All of it is public.
 *
 * | scheme             | digits | identity                                         | counter |
 * |--------------------|--------|--------------------------------------------------|---------|
 * | TDES               | 20     | 59 bits; 16 and 18 digits are filled with FF     | 21 bits |
 * | AES                | 24     | 8 bytes, the initial key ID                      | 32 bits |
 * | AES, compatibility | 20     | 59 bits, of which the initial key ID is made     | 21 bits |
 */
import { isBytes } from "../../base/byte-array.js";
import { encodeHex } from "../../base/bytes.js";
import { readChoice, refusal } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";

/** Which DUKPT: the algorithm of the base derivation key decides. */
export type DukptScheme = "TDES" | "AES";

/** A key serial number, taken apart. */
export interface Ksn {
  /** Which DUKPT. */
  readonly scheme: DukptScheme;
  /** 20 or 24 upper-case digits. */
  readonly ksn: string;
  /** 16 digits. AES: the initial key ID. TDES: the first 8 bytes of the KSN, with the bits of the counter cleared. */
  readonly initialKeyId: string;
  /** The transaction's number; 0 in the KSN of a key that has not been used. */
  readonly counter: number;
}

/** A counter of TDES has at most ten ones (annex C), one of AES sixteen (clause 6). */
const MOST_ONES: Readonly<Record<DukptScheme, number>> = { TDES: 10, AES: 16 };

/** An error about a KSN. */
export function badKsn(what: string): PosCryptoError {
  return new PosCryptoError("ERR_KSN", `KSN: ${what}`);
}

function digitsOf(ksn: unknown): string {
  if (typeof ksn === "string") {
    if (!/^[0-9A-Fa-f]*$/.test(ksn)) throw badKsn("a character that is not a hex digit");
    return ksn.toUpperCase();
  }
  if (!isBytes(ksn)) throw refusal("ksn", "bytes or hex text", ksn);
  return encodeHex(Uint8Array.from(ksn));
}

/** The digit that the last bit of the identity shares with the first bit of the counter. */
function sharedDigit(digits: string): number {
  return Number.parseInt(digits.charAt(14), 16);
}

/**
 * Takes a key serial number apart. 24 digits are AES, 20 are TDES unless `scheme` says AES (the compatibility form), 16 and 18 are
 * TDES and filled up from the left with FF. Whether the counter can be a transaction's is not looked at. Source: X9.24-3:2017
 * clause 6.4 and annex C.
 *
 * @param ksn hex digits of either case, or 8, 9, 10 or 12 bytes
 * @param scheme what the key is, where that is known
 * @throws `ERR_KSN` for another length, other characters, or a length that `scheme` does not have
 * @throws `ERR_INVALID_ARGUMENT` for anything but text or bytes
 * @example
 * ```ts
 * import { parseKsn } from "viopay-pos-crypto/dukpt";
 *
 * const { scheme, initialKeyId, counter } = parseKsn("123456789012345600000008");
 * console.log(scheme, initialKeyId, counter); // prints AES 1234567890123456 8
 * console.log(parseKsn("9876543210E00008").ksn); // prints FFFF9876543210E00008
 * ```
 */
export function parseKsn(ksn: string | Uint8Array, scheme?: DukptScheme): Ksn {
  if (scheme !== undefined) readChoice("scheme", scheme, ["TDES", "AES"]);
  const digits = digitsOf(ksn);
  if (digits.length === 24) {
    if (scheme === "TDES") throw badKsn("24 digits belong to AES DUKPT; a TDES key has 20");
    return {
      scheme: "AES",
      ksn: digits,
      initialKeyId: digits.slice(0, 16),
      counter: Number.parseInt(digits.slice(16), 16),
    };
  }
  if (digits.length !== 20 && digits.length !== 16 && digits.length !== 18) {
    throw badKsn(`must have 20 digits for TDES or 24 for AES, got ${digits.length}`);
  }
  if (scheme === "AES" && digits.length < 20) {
    throw badKsn(`${digits.length} digits belong to TDES DUKPT; an AES key has 24, or 20 in the compatibility form`);
  }
  const whole = digits.padStart(20, "F");
  const shared = sharedDigit(whole);
  const identity = whole.slice(0, 14) + (shared & 14).toString(16).toUpperCase();
  return {
    scheme: scheme ?? "TDES",
    ksn: whole,
    initialKeyId: scheme === "AES" ? `0${identity}` : `${identity}0`,
    counter: ((shared & 1) << 20) | Number.parseInt(whole.slice(15), 16),
  };
}

/** The same KSN with another counter. Internal. */
export function ksnAt({ ksn }: Ksn, counter: number): string {
  const digits = (value: number, length: number): string => value.toString(16).toUpperCase().padStart(length, "0");
  if (ksn.length === 24) return ksn.slice(0, 16) + digits(counter, 8);
  const shared = (sharedDigit(ksn) & 14) | (counter >>> 20);
  return ksn.slice(0, 14) + digits(shared, 1) + digits(counter & 0xfffff, 5);
}

/** Bits of the counter. Internal. */
export function counterBits({ ksn }: Ksn): 21 | 32 {
  return ksn.length === 24 ? 32 : 21;
}

/** All ones: never a transaction, and where a terminal stands that has none left. Internal. */
export function endOfCounters(ksn: Ksn): number {
  return ksn.ksn.length === 24 ? 0xffffffff : 0x1fffff;
}

/** How many one bits a counter has: as many steps lead to its key. */
function onesOf(counter: number): number {
  let count = 0;
  for (let rest = counter; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** Throws `ERR_KSN` for a counter that is no transaction's. `surplus`: ones that are let pass beyond the standard's. Internal. */
export function checkCounter({ scheme, counter }: Ksn, surplus = 0): void {
  if (counter === 0) throw badKsn("counter 0 has no transaction key; the first is 1");
  const most = MOST_ONES[scheme];
  const ones = onesOf(counter);
  if (ones > most + surplus) throw badKsn(`a counter with ${ones} ones; ${scheme} DUKPT uses at most ${most}`);
}

/** How many transactions there are from this counter on, itself included. Internal. */
export function transactionsFrom(ksn: Ksn): number {
  const bits = counterBits(ksn);
  const most = MOST_ONES[ksn.scheme];
  let below = 0;
  let ones = 0;
  for (let bit = bits - 1; bit >= 0; bit--) {
    if (Math.floor(ksn.counter / 2 ** bit) % 2 === 0) continue;
    below += patterns(bit, most - ones);
    ones += 1;
  }
  // Counter 0 is no transaction, wherever the count begins.
  return patterns(bits, most) - Math.max(below, 1);
}

/** Numbers of `bits` bits with at most `most` ones: sums of binomial coefficients. */
function patterns(bits: number, most: number): number {
  let sum = 0;
  let coefficient = 1;
  for (let ones = 0; ones <= Math.min(bits, most); ones++) {
    sum += coefficient;
    coefficient = (coefficient * (bits - ones)) / (ones + 1);
  }
  return sum;
}
