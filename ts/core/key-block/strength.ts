/**
 * Security strength of keys in bits, for the rule that a key block protection key is at least as strong as what it protects
 * (ANSI X9.143:2021 clause 5.2): NIST SP 800-57 part 1 r5, tables 2 and 3. Public: depends on algorithm, length and hash alone.
 */
import type { HashName } from "../../backend/contract.js";
import type { KeyAlgorithm, KeyInternals } from "../keys/attributes.js";

/** A key, or a key block protection key, as the rules see it. */
export interface KeyFacts extends KeyInternals {
  readonly algorithm: KeyAlgorithm;
  readonly hash: HashName | undefined;
  readonly bytes: number;
}

/** SP 800-57 part 1 r5 table 3: what HMAC with each hash can reach, whatever its key. */
const HMAC_LIMIT: Readonly<Record<HashName, number>> = {
  "SHA-1": 128,
  "SHA-224": 192,
  "SHA-256": 256,
  "SHA-384": 256,
  "SHA-512": 256,
};

/**
 * Strength of a key. TDEA by its length alone (two keys 80, three keys 112); asymmetric and opaque keys give `undefined`: the
 * length of their encoding does not tell it.
 */
export function strengthOf({ algorithm, bytes, hash }: Pick<KeyFacts, "algorithm" | "bytes" | "hash">): number | undefined {
  switch (algorithm) {
    case "AES":
      return 8 * bytes;
    case "TDES":
      return bytes === 24 ? 112 : 80;
    case "DES":
      return 56;
    case "HMAC":
      return Math.min(8 * bytes, HMAC_LIMIT[hash ?? "SHA-256"]);
    default:
      return undefined;
  }
}
