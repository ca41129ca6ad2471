/**
 * The sixteen characters of a header that is to be written: ANSI X9.143:2021 clauses 6.2 and 6.3. What the key allows is the
 * default and the limit.
 *
 * Public: all of it is header text.
 */
import type { KeyBlockVersion } from "../../backend/contract.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { assertText, own, refusal } from "../../base/arguments.js";
import type { ResolvedKeyAttributes } from "../keys/attributes.js";
import {
  ALGORITHM_LETTERS,
  CONTEXT_DIGITS,
  checkCombination,
  EXPORTABILITY_LETTERS,
  narrowsExportability,
  narrowsMode,
  narrowsUsage,
  usageRule,
} from "../keys/attribute-tables.js";
import type { OptionalBlockInit } from "./optional-write.js";

/** What to write into the header. Everything has a default; a `KeyBlockHeader` may be passed on as it was read. */
export interface KeyBlockHeaderInit {
  /** Default: D for an AES KBPK, B for a TDES one. */
  version?: KeyBlockVersion;
  /** Default: the key's. K0 may become K1 or K4, nothing else may change. */
  usage?: string;
  /** A letter of X9.143:2021 table 3. Default: the key's; needed for imported OPAQUE keys. */
  algorithm?: string;
  /** Default: the key's. May narrow: N to any, B to D or E, C to G or V, T to S, D or E. */
  modeOfUse?: string;
  /** Default: the key's. May narrow: S to E, both to N. */
  exportability?: string;
  /** Default: the key's. */
  keyVersion?: string;
  /** `0` (default), `1` or `2`. */
  context?: string;
  /** In this order; HM is added for HMAC keys, PB at the end where needed. */
  optionalBlocks?: readonly OptionalBlockInit[];
}

/** Every field, checked. */
export interface Fields {
  version: KeyBlockVersion;
  usage: string;
  algorithm: string;
  modeOfUse: string;
  exportability: string;
  keyVersion: string;
  context: string;
}

function field(init: KeyBlockHeaderInit, name: keyof Fields, form: RegExp, expected: string, fallback: string): string {
  const value: unknown = own(init, name, fallback);
  assertText(`header.${name}`, value, form, expected);
  return value;
}

function versionOf(init: KeyBlockHeaderInit, kbpk: ResolvedKeyAttributes): KeyBlockVersion {
  const version: unknown = own(init, "version", kbpk.algorithm === "AES" ? "D" : "B");
  if (typeof version !== "string") throw refusal("header.version", "A, B, C, D or E", version);
  if (!/^[A-E]$/.test(version)) throw new PosCryptoError("ERR_KEY_BLOCK_VERSION", "Key block: version must be A, B, C, D or E");
  return version as KeyBlockVersion;
}

function widening(name: string, from: string, to: string): PosCryptoError {
  return new PosCryptoError("ERR_KEY_USAGE", `Key block: ${name} ${from} of the key cannot be passed on as ${to}`, {
    details: { [name]: from },
  });
}

/**
 * Fills in and checks the fields. Throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_BLOCK_VERSION`, and `ERR_KEY_USAGE` for what the key does not
 * allow.
 */
export function headerFields(init: KeyBlockHeaderInit, kbpk: ResolvedKeyAttributes, key: ResolvedKeyAttributes): Fields {
  const two = /^[0-9A-Za-z]{2}$/;
  const fields: Fields = {
    version: versionOf(init, kbpk),
    usage: field(init, "usage", two, "two alphanumeric characters", key.usage),
    algorithm: field(init, "algorithm", /^[0-9A-Za-z]$/, "one letter or digit", key.letter),
    modeOfUse: field(init, "modeOfUse", /^[0-9A-Za-z]$/, "one letter or digit", key.modeOfUse),
    exportability: field(init, "exportability", new RegExp(`^[${EXPORTABILITY_LETTERS}]$`), "E, N or S", key.exportability),
    keyVersion: field(init, "keyVersion", two, "two alphanumeric characters", key.keyVersion),
    context: field(init, "context", new RegExp(`^[${CONTEXT_DIGITS}]$`), "0, 1 or 2", "0"),
  };
  if (!narrowsUsage(key.usage, fields.usage)) throw widening("usage", key.usage, fields.usage);
  if (!narrowsMode(key.modeOfUse, fields.modeOfUse)) throw widening("modeOfUse", key.modeOfUse, fields.modeOfUse);
  if (!narrowsExportability(key.exportability, fields.exportability)) {
    throw widening("exportability", key.exportability, fields.exportability);
  }
  // X9.143:2021 clause 6.3.4: `c` marks a component, which stays one.
  if (key.keyVersion.startsWith("c") && fields.keyVersion !== key.keyVersion) {
    throw widening("keyVersion", key.keyVersion, fields.keyVersion);
  }
  checkLetter(fields.algorithm, key);
  checkTables(fields);
  return fields;
}

/** The letter is the key's own; an HMAC key with a SHA-2 hash may also be ISO 20038's `I`. */
function checkLetter(letter: string, key: ResolvedKeyAttributes): void {
  const unchanged = key.letter === "" || letter === key.letter;
  const alias = key.algorithm === "HMAC" && (letter === "H" || (letter === "I" && key.hash !== "SHA-1"));
  if (!unchanged && !alias) throw widening("algorithm", key.letter, letter);
}

function checkTables({ usage, algorithm, modeOfUse }: Fields): void {
  if (/^\d/.test(usage)) return;
  const problem = checkCombination(usage, algorithm, modeOfUse);
  if (problem === "usage") throw invalidArgument("header.usage", "a usage of X9.143 table 2", usage);
  if (problem === "algorithm")
    throw invalidArgument("header.algorithm", `one of ${ALGORITHM_LETTERS} that goes with usage ${usage}`, algorithm);
  if (problem === "mode") {
    throw invalidArgument("header.modeOfUse", `${[...`N${usageRule(usage)?.modes}`].join(", ")} with usage ${usage}`, modeOfUse);
  }
}

/** X9.143:2021 clause 6.2, table 1. */
export function headerText(fields: Fields, characters: number, optional: { text: string; count: number }): string {
  const total = String(characters).padStart(4, "0");
  const count = String(optional.count).padStart(2, "0");
  const { version, usage, algorithm, modeOfUse, keyVersion, exportability, context } = fields;
  return `${version}${total}${usage}${algorithm}${modeOfUse}${keyVersion}${exportability}${count}${context}0${optional.text}`;
}
