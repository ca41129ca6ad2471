/**
 * Opening a key block: ANSI X9.143:2021 clauses 5 to 7 (versions A to D), ISO 20038 (version E).
 *
 * The order is the point: public syntax, suitability of the KBPK, the MAC in constant time with one error for every cause, and
 * only then what depends on plaintext, and policy. The key goes from the block into a slot inside the backend; nothing secret
 * passes through here. A slot that was made for a block that is then refused is wiped.
 */
import type { HashName } from "../../backend/contract.js";
import { matchCheckValue, readCheckValue } from "../keys/check-value.js";
import { usualMethods } from "../keys/check-value-methods.js";
import { PosCryptoError } from "../../base/errors.js";
import { attributesOf, makeKey, type SecretKey } from "../keys/handle.js";
import { assertObject, flag, own, readChoice, refusal } from "../../base/arguments.js";
import { type Exportability, HASH_NAMES, type KeyAlgorithm, type ResolvedKeyAttributes, slotKindOf } from "../keys/attributes.js";
import { EXPORTABILITY_LETTERS } from "../keys/attribute-tables.js";
import { type KeyBlockHeader, readKeyBlock } from "./header.js";
import { requireKbpk } from "./kbpk.js";
import { algorithmOf, hmacHash, isHmacLetter } from "./algorithm.js";
import { enforce, type FindingCode, type KeyBlockKnobs, type PolicyFinding, type SetKnobs } from "./findings.js";
import { judgeHeader } from "./judgement.js";
import { readKnobs } from "./knobs.js";
import { checkValueFindings, keyLengthFindings, strengthFindings, surplusFindings, weaknessFindings } from "./policy.js";
import type { KeyFacts } from "./strength.js";
import { syntax, throwProblem } from "./text.js";

/** What the caller counts on, and how strictly the block is judged. */
export interface UnwrapOptions extends KeyBlockKnobs {
  /** Whether `exposeKeyBytes` gives the key out. Default false. */
  extractable?: boolean;
  /** The usage the caller counts on, or several. A mismatch throws `ERR_KEY_BLOCK_POLICY`, under `report`, too. */
  expectUsage?: string | readonly string[];
  /** The mode of use the caller counts on, or several. Throws like `expectUsage`. */
  expectModeOfUse?: string | readonly string[];
  /** The key's check value, 4 to 16 hex digits, by any usual method. A mismatch throws `ERR_KCV_MISMATCH`, under `report`, too. */
  kcv?: string;
  /** The hash of an HMAC key whose block has no HM. */
  hash?: HashName;
}

/** A key out of its block. */
export interface UnwrappedKey {
  /** Bound to what the header states. */
  key: SecretKey;
  /** Authentic, as the MAC was verified. */
  header: KeyBlockHeader;
  /** Notices; under `report` also what `enforce` refuses. */
  report: PolicyFinding[];
}

function textList(options: UnwrapOptions, name: "expectUsage" | "expectModeOfUse"): readonly string[] | undefined {
  const value = own(options, name);
  const list = typeof value === "string" ? [value] : value;
  if (list !== undefined && (!Array.isArray(list) || list.some((item) => typeof item !== "string"))) {
    throw refusal(name, "a string or strings", value);
  }
  return list;
}

interface CheckedOptions extends SetKnobs {
  extractable: boolean;
  usages: readonly string[] | undefined;
  modes: readonly string[] | undefined;
  kcv: Uint8Array | undefined;
  hash: HashName | undefined;
}

function checkOptions(options: UnwrapOptions): CheckedOptions {
  assertObject("options", options);
  const extractable = flag(options, "extractable");
  const kcv = own(options, "kcv");
  const hash = own(options, "hash");
  if (hash !== undefined) readChoice("hash", hash, HASH_NAMES);
  return {
    extractable,
    usages: textList(options, "expectUsage"),
    modes: textList(options, "expectModeOfUse"),
    kcv: kcv === undefined ? undefined : readCheckValue("kcv", kcv),
    hash,
    ...readKnobs(options),
  };
}

/** Findings after which nothing says what the key may do: it is kept, and computes nothing. */
const DISABLING: readonly FindingCode[] = [
  "usage",
  "algorithm",
  "mode-of-use",
  "key-component",
  "key-length",
  "hash-missing",
  "hash-unknown",
];

function expectField(name: string, has: string, expected: readonly string[] | undefined): void {
  if (expected === undefined || expected.includes(has)) return;
  throw new PosCryptoError(
    "ERR_KEY_BLOCK_POLICY",
    `Key block: ${name} ${has} is not what the caller expects; ask the sender for the key that is meant`,
    {
      details: { findings: [{ code: name === "usage" ? "usage" : "mode-of-use", field: name }] },
    },
  );
}

/** Refuses a block that the caller does not want, whatever the knobs are. */
function checkExpectations(header: KeyBlockHeader, { usages, modes }: CheckedOptions): void {
  expectField("usage", header.usage, usages);
  expectField("modeOfUse", header.modeOfUse, modes);
}

/** What the key itself says against its block. `opened`: as its header calls it, of the length that was found. */
function keyFindings(header: KeyBlockHeader, kbpk: KeyFacts, opened: KeyFacts, paddingLength: number, strict: boolean) {
  const found = keyLengthFindings(opened.algorithm, opened.bytes);
  const key: KeyFacts = found.length > 0 ? { ...opened, algorithm: "OPAQUE" } : opened;
  found.push(...strengthFindings(kbpk, key), ...weaknessFindings(kbpk, key, header.usage));
  if (strict) found.push(...surplusFindings(header, key.bytes, paddingLength));
  if (header.optionalBlocks.length === 0) return found;
  return [...found, ...checkValueFindings(header, "KC", key), ...checkValueFindings(header, "KP", kbpk)];
}

/** The option `kcv`: by what the key is, even where findings make it opaque. */
function checkKcv(key: KeyFacts, kind: string, wanted: Uint8Array): void {
  const algorithm = kind === slotKindOf(key.algorithm) ? key.algorithm : "OPAQUE";
  if (usualMethods(algorithm).length === 0)
    throw new PosCryptoError("ERR_KEY_USAGE", `"kcv" cannot be compared: a key of algorithm ${algorithm} has no check value`);
  matchCheckValue({ ...key, algorithm }, wanted, "auto");
}

function attributesFor(
  header: KeyBlockHeader,
  algorithm: KeyAlgorithm,
  hash: HashName | undefined,
  extractable: boolean,
): ResolvedKeyAttributes {
  const { usage, modeOfUse, exportability, keyVersion } = header;
  return {
    algorithm,
    usage,
    modeOfUse,
    exportability: EXPORTABILITY_LETTERS.includes(exportability) ? (exportability as Exportability) : "N",
    keyVersion,
    extractable,
    letter: header.algorithm,
    imported: false,
    hash: algorithm === "HMAC" ? hash : undefined,
  };
}

/**
 * Opens a key block under its key block protection key and returns the key as a handle, bound to the usage, mode of use,
 * exportability and version its header states. The key goes from the block into the backend's slot; a slot made for a block that
 * is then refused is wiped. Source: ANSI X9.143:2021 clauses 5 to 7 (versions A to D), ISO 20038 (version E).
 *
 * @param kbpk usage K0 or K1 (K4 for versions D and E), TDES for A, B and C, AES for D and E, mode of use D, B or N
 * @param block ASCII text of versions A to E, bytes of it, or canonical Base64 of it
 * @param options what is expected of the key; by default lenient about form and strict about policy
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_DESTROYED`, before the block is looked at
 * @throws `ERR_KEY_BLOCK_SYNTAX`, `ERR_KEY_BLOCK_PROPRIETARY`, before the KBPK is
 * @throws `ERR_KEY_BLOCK_KBPK`, `ERR_KEY_USAGE` for a KBPK that cannot open this version, or must not
 * @throws `ERR_KEY_BLOCK_MAC` for another KBPK or a changed block, which cannot be told apart
 * @throws `ERR_KEY_BLOCK_PAYLOAD` for an authentic block whose length field is impossible
 * @throws `ERR_KEY_BLOCK_POLICY` for one that breaks the standard's rules or the caller's expectations; `details.findings` lists
 *   them
 * @throws `ERR_KCV_MISMATCH` where `kcv` is another key's, `ERR_KEY_USAGE` where the key's algorithm has no check value
 * @throws `ERR_KEY_CAPACITY` beyond 65,536 keys a backend
 * @example
 * ```ts
 * import { importKey, unwrapKeyBlock } from "viopay-pos-crypto";
 *
 * const kbpk = importKey("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6", { algorithm: "AES", usage: "K1" });
 * const block =
 *   "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
 * const { key } = unwrapKeyBlock(kbpk, block, { expectUsage: "P0", kcv: "08793E" });
 * console.log(`${key}`, key.modeOfUse); // prints SecretKey(P0 AES-128 KCV 08793E) E
 * for (const made of [key, kbpk]) made.destroy();
 * ```
 */
export function unwrapKeyBlock(kbpk: SecretKey, block: string | Uint8Array, options: UnwrapOptions = {}): UnwrappedKey {
  const checked = checkOptions(options);
  attributesOf(kbpk, "kbpk");
  const scanned = readKeyBlock(block);
  const { header, text, headerLength } = scanned;
  const judged = judgeHeader(scanned, checked, checked.hash);
  const spelling = judged.find(({ code, severity }) => code === "hex-case" && severity === "violation");
  if (spelling !== undefined) throwProblem(syntax(spelling.message));
  const protection = requireKbpk(kbpk, header.version, "unwrap");
  const { backend } = protection;
  const hash = isHmacLetter(header.algorithm) ? hmacHash(header, checked.hash) : undefined;
  const algorithm = algorithmOf(header.algorithm, hash);
  const opened = backend.unwrapKeyBlock(protection.slot, header.version, text, headerLength, slotKindOf(algorithm));
  if (opened.verdict === "mac") {
    throw new PosCryptoError(
      "ERR_KEY_BLOCK_MAC",
      "Key block: the MAC does not verify; this is another KBPK, or the block was changed: compare the KBPK's check value with the sender's",
    );
  }
  if (opened.verdict === "length") {
    throw new PosCryptoError(
      "ERR_KEY_BLOCK_PAYLOAD",
      "Key block: the MAC verifies, but the length of the key inside is wrong; have the sender wrap the key again",
    );
  }
  const facts: KeyFacts = { backend, slot: opened.slot, algorithm, hash, bytes: opened.length };
  try {
    checkExpectations(header, checked);
    const report: PolicyFinding[] = judged
      .filter(({ severity, told }) => severity === "violation" || told)
      .map(({ told: _told, ...finding }) => finding);
    report.push(...keyFindings(header, protection, facts, opened.paddingLength, checked.grammar === "strict"));
    if (checked.policy === "enforce") enforce(report);
    if (checked.kcv !== undefined) checkKcv(facts, opened.kind, checked.kcv);
    const opaque = report.some(({ code }) => DISABLING.includes(code));
    const key = makeKey(backend, opened.slot, attributesFor(header, opaque ? "OPAQUE" : algorithm, hash, checked.extractable));
    return { key, header, report };
  } catch (error) {
    backend.destroySlot(opened.slot);
    throw error;
  }
}
