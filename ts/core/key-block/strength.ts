/**
 * Security strength of keys in bits, for the rule that a key block protection key is at least as strong as what it protects
 * (ANSI X9.143:2021 clause 5.2): NIST SP 800-57 part 1 r5, tables 2 and 3; SP 800-67 r2. Public: depends on algorithm, length, hash,
 * and on which parts of a TDEA key are equal, which the backend finds out in constant time.
 */
import { own } from "../../base/arguments.js";
import type { HashName } from "../../backend/contract.js";
import type { KeyAlgorithm, KeyInternals } from "../keys/attributes.js";

/** A key, or a key block protection key, as the rules see it. */
export interface KeyFacts extends KeyInternals {
  readonly algorithm: KeyAlgorithm;
  readonly hash: HashName | undefined;
  readonly bytes: number;
  /** What the key was derived from is no stronger than this: the curve of an agreement. */
  readonly limit?: number | undefined;
}

/** SP 800-57 part 1 r5 table 3: what HMAC with each hash can reach, whatever its key. */
const HMAC_LIMIT: Readonly<Record<HashName, number>> = {
  "SHA-1": 128,
  "SHA-224": 192,
  "SHA-256": 256,
  "SHA-384": 256,
  "SHA-512": 256,
};

/** What `Backend.slotParts` says of a TDEA key: which parts are equal, and whether one is weak. */
const FIRST_TWO = 1;
const LAST_TWO = 2;
const OUTER = 4;
const WEAK = 8;

/** SP 800-67 r2 clause 3.2: two neighbouring parts that are equal leave single DES, and K1 = K3 is a two-key key in 24 bytes. */
function tdeaStrength({ backend, slot, bytes }: KeyFacts): number {
  const parts = backend.slotParts(slot);
  if ((parts & (FIRST_TWO | LAST_TWO)) !== 0) return 56;
  return bytes === 24 && (parts & OUTER) === 0 ? 112 : 80;
}

/** Why a DES or TDEA key should not be used: SP 800-67 r2 clauses 3.2 and 3.3.2. `undefined` where nothing speaks against it. */
export function weaknessOf({ backend, slot, algorithm }: KeyFacts): string | undefined {
  if (algorithm !== "TDES" && algorithm !== "DES") return undefined;
  const parts = backend.slotParts(slot);
  if ((parts & (FIRST_TWO | LAST_TWO)) !== 0)
    return "has two equal neighbouring parts, so that it is worth no more than single DES";
  return (parts & WEAK) === 0 ? undefined : "has a part that is a weak or semi-weak DES key";
}

/**
 * Strength of a key in bits. TDEA by its distinct parts, compared in constant time (three keys 112, two 80, one 56); asymmetric and
 * opaque keys give `undefined`: the length of their encoding does not tell it.
 */
export function strengthOf(key: KeyFacts): number | undefined {
  const strength = ownStrength(key);
  const limit = own(key, "limit");
  return strength === undefined || limit === undefined ? strength : Math.min(strength, limit);
}

function ownStrength(key: KeyFacts): number | undefined {
  const { algorithm, bytes, hash } = key;
  switch (algorithm) {
    case "AES":
      return 8 * bytes;
    case "TDES":
      return tdeaStrength(key);
    case "DES":
      return 56;
    case "HMAC":
      return Math.min(8 * bytes, HMAC_LIMIT[hash ?? "SHA-256"]);
    default:
      return undefined;
  }
}
