/** Random identifiers, all unbiased and from the platform's CSPRNG: pairing codes, tokens, references. */
import { encodeHex } from "../base/bytes.js";
import { randomBytes } from "../base/random.js";

/** Upper-case letters and digits without the look-alikes 0 O 1 I: 32 characters, 5 bits each. */
const PAIRING_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";

/** Rejects bytes beyond the last whole multiple of the alphabet, so that every character is equally likely. */
function randomFrom(alphabet: string, length: number): string {
  const bound = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < bound && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}

/** Six characters for a person to type. */
export function randomPairingCode(): string {
  return randomFrom(PAIRING_ALPHABET, 6);
}

/** Alphanumeric text; 22 characters hold 131 bits. */
export function randomText(length: number): string {
  return randomFrom(ALPHANUMERIC, length);
}

export function randomDigits(length: number): string {
  return randomFrom(DIGITS, length);
}

/** Upper-case hex of `bytes` random bytes. */
export function randomHex(bytes: number): string {
  return encodeHex(randomBytes(bytes));
}
