/**
 * What the algorithm letter of a header says about the key inside: ANSI X9.143:2021 clause 6.3.2, table 3, and clause 6.4. Public:
 * header and lengths.
 */
import type { HashName } from "../../backend/contract.js";
import { hasOwn } from "../../base/arguments.js";
import { HASH_NAMES, type KeyAlgorithm } from "../keys/attributes.js";
import { blockSize, type KeyBlockHeader } from "./header.js";
import type { OptionalBlock } from "./optional-read.js";

export function optionalBlock(header: KeyBlockHeader, id: string): OptionalBlock | undefined {
  return header.optionalBlocks.find((block) => block.id === id);
}

/** Whether the algorithm letter means an HMAC key: `H`, and `I` and `J` of ISO 20038. */
export function isHmacLetter(letter: string): boolean {
  return letter === "H" || letter === "I" || letter === "J";
}

/** The hash of an HMAC key, if HM (or else the caller) names one that core computes with. */
export function hmacHash(header: KeyBlockHeader, fallback: HashName | undefined): HashName | undefined {
  const block = optionalBlock(header, "HM");
  if (block === undefined) return fallback;
  const named = block.value?.id === "HM" ? block.value.hash : undefined;
  return HASH_NAMES.find((name) => name === named);
}

/** What the algorithm letter makes of a key: X9.143:2021 table 3. HMAC with a hash core does not compute is opaque. */
export function algorithmOf(letter: string, hash: HashName | undefined): KeyAlgorithm {
  if (isHmacLetter(letter)) return letter !== "J" && hash !== undefined ? "HMAC" : "OPAQUE";
  const known: Readonly<Record<string, KeyAlgorithm>> = { A: "AES", T: "TDES", D: "DES", R: "RSA", E: "EC", S: "DSA" };
  return hasOwn(known, letter) ? known[letter]! : "OPAQUE";
}

/** The bytes to which length hiding fills up a key: X9.143:2021 clause 6.4. `undefined`: the algorithm has no hidden length. */
export function hiddenKeyBytes(letter: string): number | undefined {
  if (letter === "A") return 32;
  return letter === "T" || letter === "D" ? 24 : undefined;
}

/** Payload bytes for a field of `keyBytes`: whole cipher blocks, or in version E just what is needed. */
export function payloadBytes(version: KeyBlockHeader["version"], keyBytes: number): number {
  const unit = version === "E" ? 1 : blockSize(version);
  return Math.ceil((2 + keyBytes) / unit) * unit;
}
