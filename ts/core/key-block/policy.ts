/**
 * What an authentic key block must still satisfy: ANSI X9.143:2021 clauses 5.2 and 6.3. Every function here runs after the MAC was
 * verified (or, in `explainKeyBlock`, on nothing but the public header) and returns findings; whether they throw is the caller's.
 *
 * Public: header, lengths and verdicts. Check values are compared in constant time.
 */
import type { HashName } from "../../backend/contract.js";
import { decodeHex } from "../../base/bytes.js";
import { checkValueBytes, type KcvMethod, methodsFor } from "../keys/check-value-methods.js";
import { PosCryptoError } from "../../base/errors.js";
import { HASH_NAMES, type KeyAlgorithm, type KeyInternals, SHORTEST_HMAC_BITS, suitsAlgorithm } from "../keys/attributes.js";
import { hasOwn } from "../../base/arguments.js";
import { ALGORITHM_LETTERS, checkCombination, EXPORTABILITY_LETTERS, MODE_LETTERS, usageRule } from "../keys/attribute-tables.js";
import { blockSize, type KeyBlockHeader, type ScannedKeyBlock } from "./header.js";
import { IDS_WITH_GRAMMAR, type OptionalBlock } from "./optional-read.js";

/** What a finding is about. Stable, like error codes. */
export type FindingCode =
  | "usage"
  | "algorithm"
  | "mode-of-use"
  | "exportability"
  | "key-component"
  | "hash-missing"
  | "hash-unknown"
  | "derivations"
  | "grammar"
  | "length-hiding"
  | "surplus-padding"
  | "key-length"
  | "strength"
  | "key-check-value"
  | "kbpk-check-value";

/** One thing about a block that the standards do not allow, though its MAC verifies. */
export interface PolicyFinding {
  /** What programs compare. */
  code: FindingCode;
  /** A header field as in `KeyBlockHeader`, the id of an optional block, `ciphertext`, `key` or `kbpk`. */
  field: string;
  /** A sentence for people; no secrets. */
  message: string;
  /** Where the rule is from. */
  clause: string;
}

export interface PolicyKnobs {
  lengthHiding: "any" | "required";
  grammar: "lenient" | "strict";
}

const X9143 = "ANSI X9.143:2021";

const finding = (code: FindingCode, field: string, clause: string, message: string): PolicyFinding => ({
  code,
  field,
  message,
  clause: /^\d/.test(clause) ? `${X9143} ${clause}` : clause,
});

/** Throws `ERR_KEY_BLOCK_POLICY` for the first finding; `details.findings` lists all of them. */
export function enforce(findings: readonly PolicyFinding[]): void {
  const first = findings[0];
  if (first === undefined) return;
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : "";
  throw new PosCryptoError("ERR_KEY_BLOCK_POLICY", `Key block: ${first.message}${more}`, {
    details: { findings: findings.map(({ code, field }) => ({ code, field })) },
  });
}

export function optionalBlock(header: KeyBlockHeader, id: string): OptionalBlock | undefined {
  return header.optionalBlocks.find((block) => block.id === id);
}

/** Whether the algorithm letter stands for an HMAC key: `H`, and `I` and `J` of ISO 20038. */
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

function tableFindings({ usage, algorithm, modeOfUse, exportability, keyVersion }: KeyBlockHeader): PolicyFinding[] {
  const found: PolicyFinding[] = [];
  const problem = checkCombination(usage, algorithm, modeOfUse);
  const proprietary = (value: string) => (/^\d/.test(value) ? "proprietary" : "not in the table");
  if (problem === "usage") found.push(finding("usage", "usage", "6.3.1, table 2", `key usage ${usage} is ${proprietary(usage)}`));
  if (problem === "algorithm" || !ALGORITHM_LETTERS.includes(algorithm)) {
    const message = ALGORITHM_LETTERS.includes(algorithm)
      ? `usage ${usage} does not go with algorithm ${algorithm}`
      : `algorithm ${algorithm} is ${proprietary(algorithm)}`;
    found.push(finding("algorithm", "algorithm", "6.3.2, table 3", message));
  }
  const modes = usageRule(usage)?.modes;
  if (!MODE_LETTERS.includes(modeOfUse)) {
    found.push(finding("mode-of-use", "modeOfUse", "6.3.3, table 4", `mode of use ${modeOfUse} is ${proprietary(modeOfUse)}`));
  } else if (modes !== undefined && modeOfUse !== "N" && !modes.includes(modeOfUse)) {
    const message = `mode of use ${modeOfUse} does not go with usage ${usage}, which has ${[...("N" + modes)].join(", ")}`;
    found.push(finding("mode-of-use", "modeOfUse", "6.3.3, table 4", message));
  }
  if (!EXPORTABILITY_LETTERS.includes(exportability)) {
    found.push(finding("exportability", "exportability", "6.3.5, table 6", `exportability ${exportability} is not E, N or S`));
  }
  if (keyVersion.startsWith("c")) {
    const message = "this block holds one component of a key, not the key: combine all of them with importKeyComponents";
    found.push(finding("key-component", "keyVersion", "6.3.4, table 5", message));
  }
  return found;
}

function hmacFindings(header: KeyBlockHeader, hash: HashName | undefined): PolicyFinding[] {
  if (!isHmacLetter(header.algorithm)) return [];
  const block = optionalBlock(header, "HM");
  if (block === undefined) {
    if (hash !== undefined) return [];
    return [finding("hash-missing", "HM", "6.3.6.5", "an HMAC key without HM does not say its hash; pass it as the option hash")];
  }
  return block.value === undefined ? [finding("hash-unknown", "HM", "6.3.6.5", "HM names no hash of the table")] : [];
}

function blockGrammar(block: OptionalBlock): string | undefined {
  const { id, value } = block;
  if (value === undefined && IDS_WITH_GRAMMAR.includes(id)) return `the data of ${id} do not follow their format`;
  if (value === undefined && !/^\d/.test(id)) return `optional block ${id} is not in the table`;
  return unstrictLength(block);
}

/** How the length of an optional block departs from the strict form. */
export function unstrictLength({ id, data, form }: Pick<OptionalBlock, "id" | "data" | "form">): string | undefined {
  if (form === "long-bytes") return `the length of ${id} counts length bytes, not digits`;
  return form === "long" && data.length + 4 <= 255 ? `the long length of ${id} is not needed` : undefined;
}

/** Ids that belong to one usage or algorithm: X9.143:2021 table 7. */
export function misplaced(
  { id }: Pick<OptionalBlock, "id">,
  { usage, algorithm }: Pick<KeyBlockHeader, "usage" | "algorithm">,
): string | undefined {
  if (id === "KS" && algorithm !== "T") return "KS belongs to TDEA DUKPT keys; AES DUKPT has IK";
  if (id === "IK" && algorithm !== "A") return "IK belongs to AES DUKPT keys";
  if (id === "BI" && usage !== "B0" && usage !== "B1") return "BI belongs to usages B0 and B1";
  return id === "HM" && !isHmacLetter(algorithm) ? "HM belongs to HMAC keys" : undefined;
}

/** Every departure from the strict form of optional blocks. `explainKeyBlock` shows them whatever the knob. */
export function grammarFindings(header: KeyBlockHeader): PolicyFinding[] {
  const found: PolicyFinding[] = [];
  for (const block of header.optionalBlocks) {
    for (const message of [blockGrammar(block), misplaced(block, header)]) {
      if (message !== undefined) found.push(finding("grammar", block.id, "6.3.6, table 7", message));
    }
  }
  return found;
}

/** Whether the ciphertext is shorter than length hiding makes it. */
export function lengthHidingFindings({ header, headerLength, macOffset }: ScannedKeyBlock): PolicyFinding[] {
  const hidden = hiddenKeyBytes(header.algorithm);
  if (hidden === undefined || (macOffset - headerLength) / 2 >= payloadBytes(header.version, hidden)) return [];
  return [finding("length-hiding", "ciphertext", "6.4", "the ciphertext shows the length of the key")];
}

/** Findings that need no key. `hash`: what the caller knows of an HMAC key without HM. */
export function headerFindings(scanned: ScannedKeyBlock, knobs: PolicyKnobs, hash: HashName | undefined): PolicyFinding[] {
  const { header } = scanned;
  const found = [...tableFindings(header), ...hmacFindings(header, hash)];
  if (optionalBlock(header, "DA") !== undefined && header.usage !== "B3") {
    found.push(finding("derivations", "DA", "6.3.6.4", "DA belongs to usage B3 alone"));
  }
  if (knobs.grammar === "strict") found.push(...grammarFindings(header));
  if (knobs.lengthHiding === "required") found.push(...lengthHidingFindings(scanned));
  return found;
}

/** Whether a length suits the algorithm; HMAC keys need 112 bits (NIST SP 800-131A r2 clause 10). */
export function keyLengthFindings(algorithm: KeyAlgorithm, bytes: number): PolicyFinding[] {
  if (algorithm === "HMAC" ? 8 * bytes >= SHORTEST_HMAC_BITS : suitsAlgorithm(algorithm, bytes)) return [];
  const clause = algorithm === "HMAC" ? "NIST SP 800-131A r2 clause 10" : "6.3.2, table 3";
  return [finding("key-length", "key", clause, `${bytes} bytes are no length for a key of algorithm ${algorithm}`)];
}

/** X9.143:2021 clause 5.2: the KBPK is at least as strong as the key. Strengths in bits, `undefined` where unknown. */
export function strengthFindings(kbpk: number | undefined, key: number | undefined): PolicyFinding[] {
  if (kbpk === undefined || key === undefined || kbpk >= key) return [];
  const message = `a key of ${key} bits of strength under a KBPK of ${kbpk}`;
  return [finding("strength", "kbpk", "5.2; NIST SP 800-57 part 1 r5 tables 2 and 3", message)];
}

/** Padding beyond what hiding or one cipher block explains. Strict form only: some senders always add a block. */
export function surplusFindings(header: KeyBlockHeader, keyBytes: number, surplus: number): PolicyFinding[] {
  const hidden = Math.max(keyBytes, hiddenKeyBytes(header.algorithm) ?? 0);
  if (2 + keyBytes + surplus <= payloadBytes(header.version, hidden)) return [];
  return [finding("surplus-padding", "ciphertext", "6.4", "more padding than length hiding explains")];
}

/** A key whose check value KC or KP may state. */
export interface CheckedKey extends KeyInternals {
  readonly algorithm: KeyAlgorithm;
}

/**
 * KC against the key, KP against the KBPK. X9.143 defines check values for AES and TDEA keys; those of other keys are a private
 * agreement, which only the strict form objects to.
 */
export function checkValueFindings(header: KeyBlockHeader, id: "KC" | "KP", key: CheckedKey, strict: boolean): PolicyFinding[] {
  const block = optionalBlock(header, id);
  if (block === undefined) return [];
  const code = id === "KC" ? "key-check-value" : "kbpk-check-value";
  const clause = id === "KC" ? "6.3.6.7" : "6.3.6.8";
  const whose = id === "KC" ? "key" : "KBPK";
  if (key.algorithm === "HMAC" || methodsFor(key.algorithm).length === 0) {
    return strict ? [finding(code, id, clause, `${id} is not defined for a key of algorithm ${key.algorithm}`)] : [];
  }
  const value = block.value;
  if (value?.id !== id) return [finding(code, id, clause, `the check value of the ${whose} in ${id} cannot be read`)];
  if (!methodsFor(key.algorithm).includes(value.method)) {
    return [finding(code, id, clause, `${id} has a method that does not suit the ${whose}`)];
  }
  return matchesCheckValue(key, value.method, value.checkValue)
    ? []
    : [finding(code, id, clause, `${id} is not the check value of the ${whose}`)];
}

/** Compares a stated check value, in upper-case hex, with the real one in constant time. */
export function matchesCheckValue({ backend, slot, algorithm }: CheckedKey, method: KcvMethod, text: string): boolean {
  const expected = decodeHex("checkValue", text);
  return backend.equal(checkValueBytes(backend, slot, algorithm, method, undefined, expected.length), expected);
}
