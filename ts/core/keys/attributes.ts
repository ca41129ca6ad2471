/**
 * What a key is for, as ANSI X9.143:2021 clause 6.3 writes it into a header: checked against the tables when a key is made.
 * Nothing here is secret.
 */
import { LONGEST_KEY } from "../../backend/abi.gen.js";
import type { Backend, BackendName, HashName, Slot, SlotKind } from "../../backend/contract.js";
import { invalidArgument } from "../../base/errors.js";
import { checkCombination, MODE_LETTERS, usageRule, usagesOf } from "./attribute-tables.js";
import { assertObject, assertText, choice, flag, own, readChoice, wordRefusal } from "../../base/arguments.js";

/** `DES` is single DES. Core computes with AES, TDES and HMAC; keys of the others are wrapped, checked and exposed only. */
export type KeyAlgorithm = "AES" | "TDES" | "HMAC" | "DES" | "RSA" | "EC" | "DSA" | "OPAQUE";

/** X9.143:2021 table 6: `E` in a trusted key block, `S` in other forms, too, `N` not at all. */
export type Exportability = "E" | "N" | "S";

/** What a key is for: ANSI X9.143:2021 clause 6.3. */
export interface KeyAttributes {
  /** What computes with the key. */
  algorithm: KeyAlgorithm;
  /** Two characters of X9.143:2021 table 2: `K0` and `K1` key encryption, `D0` data, `P0` PIN, `M7` HMAC, ... */
  usage: string;
  /** X9.143:2021 table 4: `B` both ways, `E` encrypt, `D` decrypt, `C`, `G`, `V` MACs. Default `N`: all that the usage allows. */
  modeOfUse?: string;
  /** X9.143:2021 table 6: `E` in a trusted key block, `S` in other forms, too, `N` (default) not at all. Governs wrapping alone. */
  exportability?: Exportability;
  /** Two alphanumeric characters, default `00`: not used. */
  keyVersion?: string;
  /** The hash of an HMAC key, default SHA-256. No other algorithm has one. */
  hash?: HashName;
  /** Whether `exposeKeyBytes` gives the material out. Default false. */
  extractable?: boolean;
  /** Where the key lives. Default: the backend that is loaded. */
  backend?: Backend | BackendName;
}

/** Attributes with every default filled in. */
export interface ResolvedKeyAttributes {
  readonly algorithm: KeyAlgorithm;
  readonly usage: string;
  readonly modeOfUse: string;
  readonly exportability: Exportability;
  readonly keyVersion: string;
  /** Of an HMAC key. Always a member of its own, so that none is found on a prototype. */
  readonly hash: HashName | undefined;
  readonly extractable: boolean;
  /** The header's algorithm letter; `""` where it is not known (imported OPAQUE keys). */
  readonly letter: string;
  /** Came from outside as clear text: an HMAC secret of that kind may be guessable, so that its check value is not printed. */
  readonly imported: boolean;
  /** Printed in the place of a check value: the counter of a DUKPT working key. */
  readonly note?: string;
  /** Bits of strength that what the key was derived from sets a limit to: the curve of an agreement. */
  readonly strength?: number;
}

const LETTERS: Readonly<Record<KeyAlgorithm, string>> = {
  AES: "A",
  TDES: "T",
  HMAC: "H",
  DES: "D",
  RSA: "R",
  EC: "E",
  DSA: "S",
  OPAQUE: "",
};

const EXPORTABILITIES: readonly Exportability[] = ["E", "N", "S"];

const TWO_CHARACTERS = /^[0-9A-Za-z]{2}$/;

export const HASH_NAMES: readonly HashName[] = ["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"];

/** NIST SP 800-131A r2 clause 10: HMAC keys have 112 bits or more. */
export const SHORTEST_HMAC_BITS = 112;

/** Where a key is. Internal: never handed to callers of the package. */
export interface KeyInternals {
  backend: Backend;
  slot: Slot;
}

/** The backend's kind of slot for an algorithm. */
export function slotKindOf(algorithm: KeyAlgorithm): SlotKind {
  if (algorithm === "AES" || algorithm === "HMAC") return algorithm;
  return algorithm === "TDES" || algorithm === "DES" ? "TDES" : "OPAQUE";
}

/** Whether `bytes` is a length that keys of `algorithm` have. */
export function suitsAlgorithm(algorithm: KeyAlgorithm, bytes: number): boolean {
  if (algorithm === "AES") return bytes === 16 || bytes === 24 || bytes === 32;
  if (algorithm === "TDES") return bytes === 16 || bytes === 24;
  if (algorithm === "DES") return bytes === 8;
  return bytes >= 1 && bytes <= LONGEST_KEY;
}

/** For messages: the lengths `suitsAlgorithm` accepts. */
export function describeLengths(algorithm: KeyAlgorithm): string {
  if (algorithm === "AES") return "16, 24 or 32 bytes";
  if (algorithm === "TDES") return "16 or 24 bytes";
  return algorithm === "DES" ? "8 bytes" : `1 to ${LONGEST_KEY} bytes`;
}

/**
 * Checks attributes against the tables of `fields.ts` and fills in the defaults. Throws `ERR_INVALID_ARGUMENT`. Numeric usages
 * are proprietary and cannot be checked.
 */
export function resolveAttributes(attributes: KeyAttributes, imported: boolean): ResolvedKeyAttributes {
  assertObject("attributes", attributes);
  const algorithm = choice(attributes, "algorithm", Object.keys(LETTERS) as KeyAlgorithm[]);
  const usage: unknown = own(attributes, "usage");
  assertText("usage", usage, TWO_CHARACTERS, "two alphanumeric characters");
  const modeOfUse = own(attributes, "modeOfUse", "N");
  const letter = LETTERS[algorithm];
  checkTables(usage, letter, modeOfUse);
  const exportability = choice(attributes, "exportability", EXPORTABILITIES, "N");
  const keyVersion: unknown = own(attributes, "keyVersion", "00");
  assertText("keyVersion", keyVersion, TWO_CHARACTERS, "two alphanumeric characters");
  const extractable = flag(attributes, "extractable");
  const hash = own(attributes, "hash");
  if (hash !== undefined && algorithm !== "HMAC")
    throw wordRefusal("hash", "absent from a key that is not HMAC", hash, HASH_NAMES);
  if (hash !== undefined) readChoice("hash", hash, HASH_NAMES);
  return {
    algorithm,
    usage,
    modeOfUse,
    exportability,
    keyVersion,
    hash: algorithm === "HMAC" ? (hash ?? "SHA-256") : undefined,
    extractable,
    letter,
    imported,
  };
}

function checkTables(usage: string, letter: string, modeOfUse: unknown): asserts modeOfUse is string {
  assertText("modeOfUse", modeOfUse, /^[0-9A-Z]$/, "one upper-case letter or digit");
  const proprietary = /^[0-9]/.test(usage);
  const allowed = usageRule(usage);
  if (allowed === undefined) {
    if (!proprietary)
      throw invalidArgument("usage", "a key usage of X9.143, or a proprietary one that begins with a digit", usage);
    return;
  }
  const known = MODE_LETTERS.includes(modeOfUse);
  const problem = checkCombination(usage, letter === "" ? allowed.algorithms.charAt(0) : letter, modeOfUse);
  if (problem === "algorithm") {
    throw invalidArgument("usage", `one that the tables allow with the algorithm (${usagesOf(letter)})`, usage);
  }
  if (problem === "mode" || !known) {
    throw invalidArgument("modeOfUse", `${[...`N${allowed.modes}`].join(", ")} with usage ${usage}`, modeOfUse);
  }
}
