/**
 * A key block explained field by field: every field with its place, meaning and clause (ANSI X9.143:2021 clause 6), and everything that is wrong
 * or odd about it, without any key.
 *
 * For people at a console and for support tools. Only public text is read; nothing here is authentic.
 */
import { assertObject } from "../../base/arguments.js";
import { hiddenKeyBytes, optionalBlock } from "./algorithm.js";
import { type KeyBlockKnob, type KeyBlockKnobs, type SetKnobs, x9143 } from "./findings.js";
import {
  FIELDS,
  field,
  HEADER_LENGTH,
  kbpkAlgorithm,
  type KeyBlockHeader,
  type ScannedKeyBlock,
  scanKeyBlock,
} from "./header.js";
import { type HeaderFinding, judgeHeader } from "./judgement.js";
import { readKnobs } from "./knobs.js";
import {
  nameOfAlgorithm,
  nameOfContext,
  nameOfExportability,
  nameOfKeyVersion,
  nameOfMode,
  nameOfOptionalBlock,
  nameOfUsage,
  nameOfVersion,
} from "./names.js";
import type { OptionalBlock, OptionalBlockId, OptionalBlockValue } from "./optional-read.js";
import { blockText, type Problem } from "./text.js";

/** One field of a block, where it stands and what it says. */
export interface ExplainedField {
  /** First character in the ASCII text of the block, and how many. */
  offset: number;
  /** How many characters. */
  length: number;
  /** As people call it: `key usage`, `optional block HM`, `MAC`. */
  name: string;
  /** The characters themselves. */
  text: string;
  /** A phrase in English. */
  meaning: string;
  /** Where the standard defines it. */
  clause: string;
}

/** One thing that is wrong with a block, or worth knowing. */
export interface ExplanationFinding {
  /**
   * Under these knobs, `unwrapKeyBlock` refuses an `error` by its form and a `violation` by its policy. A `notice` is worth
   * knowing, or is refused under another setting of its knob.
   */
  severity: "error" | "violation" | "notice";
  /** A phrase in English; holds no secret, and no characters of the ciphertext. */
  message: string;
  /** Where the rule is from; empty where no standard has one. */
  clause: string;
  /** The knob that decides about it; absent where none does. */
  knob?: KeyBlockKnob;
}

/** A block explained field by field. */
export interface KeyBlockExplanation {
  /** Absent where the block cannot be read to its end. */
  header?: KeyBlockHeader;
  /** In the order of the text, without gaps. */
  fields: ExplainedField[];
  /** Errors first, then violations, then notices. */
  findings: ExplanationFinding[];
  /** Fields and findings as lines of text. */
  text: string;
}

type Meaning<Value> = (value: Value) => string;
type ValueOf<Id extends OptionalBlockId> = OptionalBlockValue & { id: Id };

const NO_MORE = (): string => "";
const CHECK_VALUE = ({ method, checkValue }: ValueOf<"KC" | "KP" | "PK">): string => `${method} ${checkValue}`;
const TIME = ({ time }: ValueOf<"TC" | "TS">): string => time;

/** What the data say beyond the name of their id. */
const MEANINGS: { readonly [Id in OptionalBlockId]: Meaning<ValueOf<Id>> } = {
  AL: ({ life }) => life,
  BI: ({ scheme, identifier }) => `${scheme} ${identifier}`,
  CT: (value) => value.certificates.map((c) => `${c.format} certificate`).join(", "),
  DA: ({ derivations }) => derivations.map((d) => d.usage + d.algorithm + d.modeOfUse + d.exportability).join(" "),
  FL: NO_MORE,
  HM: ({ hash }) => hash,
  IK: NO_MORE,
  KC: CHECK_VALUE,
  KP: CHECK_VALUE,
  KS: NO_MORE,
  KV: NO_MORE,
  LB: NO_MORE,
  PB: NO_MORE,
  PK: CHECK_VALUE,
  TC: TIME,
  TS: TIME,
  WP: ({ pedigree }) => `wrapped under keys of ${pedigree} strength`,
};

function meaningOfValue(value: OptionalBlockValue): string {
  return (MEANINGS[value.id] as Meaning<OptionalBlockValue>)(value);
}

function meaningOfBlock({ id, data, value }: OptionalBlock): string {
  const detail = value === undefined ? `${data.length} characters` : meaningOfValue(value);
  return detail === "" ? nameOfOptionalBlock(id) : `${nameOfOptionalBlock(id)}: ${detail}`;
}

type FieldMeaning = readonly [name: string, clause: string, meaning: (value: string) => string];

/** X9.143:2021 clause 6.2, table 1, in words. */
const FIELD_MEANINGS: Readonly<Record<keyof typeof FIELDS, FieldMeaning>> = {
  version: ["version", "5, 6.2", nameOfVersion],
  length: ["length", "6.2, table 1", (value) => `${Number(value)} characters`],
  usage: ["key usage", "6.3.1, table 2", nameOfUsage],
  algorithm: ["algorithm", "6.3.2, table 3", nameOfAlgorithm],
  modeOfUse: ["mode of use", "6.3.3, table 4", nameOfMode],
  keyVersion: ["key version", "6.3.4, table 5", nameOfKeyVersion],
  exportability: ["exportability", "6.3.5, table 6", nameOfExportability],
  optionalBlocks: ["optional blocks", "6.2, table 1", (value) => `${Number(value)}, padding block included`],
  context: ["key context", "6.2, table 1", nameOfContext],
  reserved: ["reserved", "6.2, table 1", (value) => (value === "0" ? "as it should be" : "should be 0")],
};

function headerFields(text: string): ExplainedField[] {
  const names = Object.keys(FIELDS) as (keyof typeof FIELDS)[];
  const fields = names.map((each) => {
    const [name, clause, meaning] = FIELD_MEANINGS[each];
    const value = field(text, each);
    return { offset: FIELDS[each][0], length: value.length, name, text: value, meaning: meaning(value), clause: x9143(clause) };
  });
  return fields.filter(({ length }) => length > 0);
}

/** What the size of the ciphertext says about the key inside. */
function meaningOfCiphertext({ header, headerLength, macOffset }: ScannedKeyBlock): string {
  const bytes = (macOffset - headerLength) / 2;
  if (!Number.isInteger(bytes) || bytes < 3) return `${2 * bytes} characters: no room for a length and a key`;
  const mode = header.version === "E" ? "CTR" : "CBC";
  const hidden = hiddenKeyBytes(header.algorithm);
  const longest = hidden === undefined ? bytes - 2 : Math.min(hidden, bytes - 2);
  return `${bytes} bytes, ${kbpkAlgorithm(header.version)}-${mode}: length, key of at most ${longest} bytes, padding`;
}

function bodyFields(scanned: ScannedKeyBlock): ExplainedField[] {
  const { text, header, headerLength, macOffset } = scanned;
  const variant = header.version === "A" || header.version === "C";
  const method = variant
    ? "CBC-MAC, leftmost 4 bytes, over everything before it"
    : "CMAC over the header text and the payload in clear";
  const place = (offset: number, end: number, name: string, meaning: string, clause: string): ExplainedField => ({
    offset,
    length: end - offset,
    name,
    text: text.slice(offset, end),
    meaning,
    clause: header.version === "E" ? "ISO 20038" : x9143(clause),
  });
  return [
    place(headerLength, macOffset, "ciphertext", meaningOfCiphertext(scanned), "6.4"),
    place(macOffset, text.length, "MAC", `${kbpkAlgorithm(header.version)} ${method}`, "7"),
  ];
}

function optionalFields(placed: ScannedKeyBlock["placed"], text: string): ExplainedField[] {
  return placed.map(({ block, offset, length }) => ({
    offset,
    length,
    name: `optional block ${block.id}`,
    text: text.slice(offset, offset + length),
    meaning: meaningOfBlock(block),
    clause: x9143("6.3.6, table 7"),
  }));
}

const notice = (message: string, clause: string): ExplanationFinding => ({ severity: "notice", message, clause });

/** As `unwrapKeyBlock` takes a finding: hex case is a matter of form, the rest counts unless it is only to be reported. */
function fromJudgement({ severity, message, clause, knob }: HeaderFinding, { policy }: SetKnobs): ExplanationFinding {
  if (severity === "violation" && knob === "hexCase") return { severity: "error", message, clause, knob };
  return { severity: policy === "report" ? "notice" : severity, message, clause, knob };
}

/** The KBPK that the version takes. A 24-byte key K1 K2 K1 enciphers as K1 K2 does, but derives other keys. */
function kbpkNotice(version: KeyBlockHeader["version"]): ExplanationFinding {
  if (kbpkAlgorithm(version) === "AES") {
    return notice("takes an AES KBPK of 16, 24 or 32 bytes; a TDES key opens versions A, B and C", x9143("5"));
  }
  const doubled =
    version === "B"
      ? "; a 24-byte KBPK K1 K2 K1 opens what was made under K1 K2 in versions A and C, but not in B: pass its first 16 bytes"
      : "";
  return notice(`takes a TDES KBPK of 16 or 24 bytes; an AES key opens versions D and E${doubled}`, x9143("5"));
}

/** Things that are not wrong and still worth a sentence. */
function notices({ header }: ScannedKeyBlock, encoded: boolean): ExplanationFinding[] {
  const found = [kbpkNotice(header.version)];
  if (encoded) found.push(notice("was Base64 of the block; decoded once", x9143("6.1")));
  if (header.version === "A") found.push(notice("version A is deprecated; version B replaces it", x9143("5")));
  if (header.exportability === "N") found.push(notice("the key cannot be wrapped again after unwrapping", x9143("6.3.5")));
  const kp = optionalBlock(header, "KP")?.value;
  if (kp?.id === "KP") found.push(notice(`made under the KBPK with ${kp.method} check value ${kp.checkValue}`, x9143("6.3.6.8")));
  if (optionalBlock(header, "KV") !== undefined) found.push(notice("KV is deprecated", x9143("6.3.6, table 7")));
  return found;
}

const SEVERITIES: readonly ExplanationFinding["severity"][] = ["error", "violation", "notice"];

function bySeverity(findings: readonly ExplanationFinding[]): ExplanationFinding[] {
  const found: ExplanationFinding[] = [];
  for (const wanted of SEVERITIES) found.push(...findings.filter(({ severity }) => severity === wanted));
  return found;
}

function fromProblem({ message, code }: Problem): ExplanationFinding {
  const clause = code === "ERR_KEY_BLOCK_PROPRIETARY" ? "" : x9143("6");
  return { severity: "error", message: message.replace(/^Key block: /, ""), clause };
}

function render(fields: readonly ExplainedField[], findings: readonly ExplanationFinding[]): string {
  const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}...` : text);
  const lines = fields.map(({ offset, name, text, meaning }) => {
    return `${String(offset).padStart(4)}  ${name.padEnd(18)}${shorten(text)}  ${meaning}`;
  });
  return [
    ...lines,
    ...findings.map(({ severity, message, clause }) => `${severity}: ${message}${clause === "" ? "" : ` (${clause})`}`),
  ].join("\n");
}

/** What follows the header, where it cannot be read. */
function unreadField(text: string, from: number): ExplainedField[] {
  if (text.length <= from) return [];
  const rest = { offset: from, length: text.length - from, name: "not read", text: text.slice(from) };
  return [{ ...rest, meaning: `${text.length - from} characters`, clause: "" }];
}

/**
 * Explains a key block field by field and lists all findings: errors of syntax, violations of policy, and notices such as which
 * KBPK it takes. Damaged blocks are explained as far as they can be read. Needs no key and checks no MAC, so nothing it says is
 * authentic. Source: ANSI X9.143:2021 clause 6, for version E ISO 20038.
 *
 * An `error` or a `violation` among the findings means that `unwrapKeyBlock` refuses the block under the same knobs, whatever the
 * KBPK; without one, KBPK and key decide.
 *
 * @param block ASCII text, bytes of it, or canonical Base64 of it
 * @param options the knobs of `unwrapKeyBlock`, with the same defaults
 * @throws `ERR_INVALID_ARGUMENT` for a block that is neither a string nor bytes, and for a knob that does not exist; else nothing
 * @example
 * ```ts
 * import { explainKeyBlock } from "viopay-pos-crypto";
 *
 * const { fields, findings } = explainKeyBlock("D0113P0AE00E0000B82679114F470F54");
 * console.log(fields[2]?.name, fields[2]?.text, fields[2]?.meaning); // prints key usage P0 PIN encryption
 * console.log(findings[0]?.message); // prints the length field says 113, but there are 32 characters: the block was cut short
 * ```
 */
export function explainKeyBlock(block: string | Uint8Array, options: KeyBlockKnobs = {}): KeyBlockExplanation {
  assertObject("options", options);
  const knobs = readKnobs(options);
  const problems: Problem[] = [];
  const text = blockText(block, (problem) => problems.push(problem));
  if (text === undefined) {
    const findings = problems.map(fromProblem);
    return { fields: [], findings, text: render([], findings) };
  }
  const scanned = scanKeyBlock(text, (problem) => problems.push(problem));
  const errors = problems.map(fromProblem);
  const start = headerFields(text);
  if (scanned === undefined) {
    const fields = [...start, ...unreadField(text, HEADER_LENGTH)];
    return { fields, findings: errors, text: render(fields, errors) };
  }
  const fields = [...start, ...optionalFields(scanned.placed, text), ...bodyFields(scanned)];
  const judged = judgeHeader(scanned, knobs, undefined).map((each) => fromJudgement(each, knobs));
  const findings = bySeverity([...errors, ...judged, ...notices(scanned, block.length !== text.length)]);
  const explanation = { fields, findings, text: render(fields, findings) };
  return errors.length > 0 ? explanation : { header: scanned.header, ...explanation };
}
