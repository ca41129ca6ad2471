/**
 * A key block read aloud: every field with its place, meaning and clause (ANSI X9.143:2021 clause 6), and everything that is wrong
 * or odd about it, without any key.
 *
 * For people at a console and for support tools. Only public text is read; nothing here is authentic.
 */
import { HEADER_LENGTH, kbpkAlgorithm, type KeyBlockHeader, type ScannedKeyBlock, scanKeyBlock } from "./header.js";
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
import type { OptionalBlock, OptionalBlockValue } from "./optional-read.js";
import {
  grammarFindings,
  headerFindings,
  hiddenKeyBytes,
  lengthHidingFindings,
  optionalBlock,
  type PolicyFinding,
} from "./policy.js";
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
  /** `error`: no reader accepts it. `violation`: refused unless `policy: "report"`. `notice`: worth knowing, or refused by a knob. */
  severity: "error" | "violation" | "notice";
  /** A phrase in English; holds no secret, and no characters of the ciphertext. */
  message: string;
  /** Where the rule is from; empty where no standard has one. */
  clause: string;
}

/** A block read aloud. */
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

const X9143 = "ANSI X9.143:2021";

function meaningOfValue(value: OptionalBlockValue): string {
  switch (value.id) {
    case "AL":
      return value.life;
    case "BI":
      return `${value.scheme} ${value.identifier}`;
    case "CT":
      return value.certificates.map(({ format }) => `${format} certificate`).join(", ");
    case "DA":
      return value.derivations.map((d) => d.usage + d.algorithm + d.modeOfUse + d.exportability).join(" ");
    case "HM":
      return value.hash;
    case "KC":
    case "KP":
    case "PK":
      return `${value.method} ${value.checkValue}`;
    case "TC":
    case "TS":
      return value.time;
    case "WP":
      return `wrapped under keys of ${value.pedigree} strength`;
    default:
      return "";
  }
}

function meaningOfBlock({ id, data, value }: OptionalBlock): string {
  const detail = value === undefined ? `${data.length} characters` : meaningOfValue(value);
  return detail === "" ? nameOfOptionalBlock(id) : `${nameOfOptionalBlock(id)}: ${detail}`;
}

function headerFields(text: string): ExplainedField[] {
  const at = (
    offset: number,
    length: number,
    name: string,
    clause: string,
    meaning: (value: string) => string,
  ): ExplainedField => {
    const value = text.slice(offset, offset + length);
    return { offset, length: value.length, name, text: value, meaning: meaning(value), clause: `${X9143} ${clause}` };
  };
  const fields = [
    at(0, 1, "version", "5, 6.2", nameOfVersion),
    at(1, 4, "length", "6.2, table 1", (value) => `${Number(value)} characters`),
    at(5, 2, "key usage", "6.3.1, table 2", nameOfUsage),
    at(7, 1, "algorithm", "6.3.2, table 3", nameOfAlgorithm),
    at(8, 1, "mode of use", "6.3.3, table 4", nameOfMode),
    at(9, 2, "key version", "6.3.4, table 5", nameOfKeyVersion),
    at(11, 1, "exportability", "6.3.5, table 6", nameOfExportability),
    at(12, 2, "optional blocks", "6.2, table 1", (value) => `${Number(value)}, padding block included`),
    at(14, 1, "key context", "6.2, table 1", nameOfContext),
    at(15, 1, "reserved", "6.2, table 1", (value) => (value === "0" ? "as it should be" : "should be 0")),
  ];
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
  const field = (offset: number, end: number, name: string, meaning: string, clause: string): ExplainedField => ({
    offset,
    length: end - offset,
    name,
    text: text.slice(offset, end),
    meaning,
    clause: header.version === "E" ? "ISO 20038" : `${X9143} ${clause}`,
  });
  return [
    field(headerLength, macOffset, "ciphertext", meaningOfCiphertext(scanned), "6.4"),
    field(macOffset, text.length, "MAC", `${kbpkAlgorithm(header.version)} ${method}`, "7"),
  ];
}

function optionalFields(placed: ScannedKeyBlock["placed"], text: string): ExplainedField[] {
  return placed.map(({ block, offset, length }) => ({
    offset,
    length,
    name: `optional block ${block.id}`,
    text: text.slice(offset, offset + length),
    meaning: meaningOfBlock(block),
    clause: `${X9143} 6.3.6, table 7`,
  }));
}

const notice = (message: string, clause: string): ExplanationFinding => ({ severity: "notice", message, clause });

function fromPolicy(severity: "violation" | "notice", findings: readonly PolicyFinding[]): ExplanationFinding[] {
  return findings.map(({ message, clause }) => ({ severity, message, clause }));
}

/** Things that are not wrong and still worth a sentence. */
function notices(scanned: ScannedKeyBlock, encoded: boolean): ExplanationFinding[] {
  const { header, lowerCase } = scanned;
  const { version } = header;
  const cipher = kbpkAlgorithm(version);
  const sizes = cipher === "AES" ? "16, 24 or 32 bytes" : "16 or 24 bytes";
  const other = cipher === "AES" ? "a TDES key opens versions A, B and C" : "an AES key opens versions D and E";
  const found = [notice(`takes ${cipher === "AES" ? "an AES" : "a TDES"} KBPK of ${sizes}; ${other}`, `${X9143} 5`)];
  if (encoded) found.push(notice("was Base64 of the block; decoded once", `${X9143} 6.1`));
  if (version === "A") found.push(notice("version A is deprecated; version B replaces it", `${X9143} 5`));
  if (lowerCase)
    found.push(notice("ciphertext or MAC has small hex digits; unwrapKeyBlock takes them with hexCase: 'any'", `${X9143} 6.1`));
  if (header.exportability === "N") found.push(notice("the key cannot be wrapped again after unwrapping", `${X9143} 6.3.5`));
  const kp = optionalBlock(header, "KP")?.value;
  if (kp?.id === "KP")
    found.push(notice(`made under the KBPK with ${kp.method} check value ${kp.checkValue}`, `${X9143} 6.3.6.8`));
  if (optionalBlock(header, "KV") !== undefined) found.push(notice("KV is deprecated", `${X9143} 6.3.6, table 7`));
  return found;
}

function fromProblem({ message, code }: Problem): ExplanationFinding {
  const clause = code === "ERR_KEY_BLOCK_PROPRIETARY" ? "" : `${X9143} 6`;
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

/** The fields behind the header, as far as they can be placed. */
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
 * @param block ASCII text, bytes of it, or canonical Base64 of it
 * @throws `ERR_INVALID_ARGUMENT` for anything but a string or bytes, and nothing else
 * @example
 * ```ts
 * import { explainKeyBlock } from "viopay-pos-crypto";
 *
 * const { fields, findings } = explainKeyBlock("D0113P0AE00E0000B82679114F470F54");
 * console.log(fields[2]?.name, fields[2]?.text, fields[2]?.meaning); // prints key usage P0 PIN encryption
 * console.log(findings[0]?.message); // prints the length field says 113, but there are 32 characters; the block was cut short
 * ```
 */
export function explainKeyBlock(block: string | Uint8Array): KeyBlockExplanation {
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
  const encoded = block.length !== text.length;
  const findings = [
    ...errors,
    ...fromPolicy("violation", headerFindings(scanned, { grammar: "lenient", lengthHiding: "any" }, undefined)),
    ...fromPolicy("notice", [...grammarFindings(scanned.header), ...lengthHidingFindings(scanned)]),
    ...notices(scanned, encoded),
  ];
  const explanation = { fields, findings, text: render(fields, findings) };
  return errors.length > 0 ? explanation : { header: scanned.header, ...explanation };
}
