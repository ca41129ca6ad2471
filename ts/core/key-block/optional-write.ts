/**
 * Writing optional blocks: ANSI X9.143:2021 clause 6.3.6. Typed values become data, data get their length, and the whole is filled
 * up with PB to a multiple of the cipher block.
 *
 * Public: all of it is part of the header text.
 */
import { invalidArgument } from "../../base/errors.js";
import { assertObject, assertText, hasOwn, own, readChoice, refusal, wordRefusal } from "../../base/arguments.js";
import {
  HM_CODES,
  IDS_WITH_GRAMMAR,
  type LengthForm,
  type OptionalBlockValue,
  PEDIGREES,
  readOptionalData,
} from "./optional-read.js";

/** The data of an optional block as text, for ids without a type, and to write a block again just as it was read. */
export interface OptionalBlockText {
  /** Two alphanumeric characters. */
  id: string;
  /** Printable ASCII, without id and length. */
  data: string;
  /** Default: `short` up to 255 characters, `long` beyond. `long-bytes` is for readers that count length bytes. */
  form?: LengthForm;
}

/** `{ id: "KC" }` and `{ id: "KP" }` are computed by `wrapKeyBlock`. */
export type OptionalBlockInit = OptionalBlockText | OptionalBlockValue | { id: "KC" | "KP" };

const HEX2 = (n: number): string => n.toString(16).toUpperCase().padStart(2, "0");
const HEX4 = (n: number): string => n.toString(16).toUpperCase().padStart(4, "0");

function certificateData(value: OptionalBlockValue & { id: "CT" }): string {
  const code = (format: string): string => (format === "EMV" ? "01" : "00");
  const [first, ...more] = value.certificates;
  if (!value.chain) return first === undefined || more.length > 0 ? "" : code(first.format) + first.certificate;
  return `02${value.certificates.map(({ format, certificate }) => code(format) + HEX4(certificate.length) + certificate).join("")}`;
}

function draft(value: OptionalBlockValue): string {
  switch (value.id) {
    case "AL":
      return value.life === "static" ? "0101" : "0100";
    case "BI":
      return (value.scheme === "AES" ? "01" : "00") + value.identifier.toUpperCase();
    case "CT":
      return certificateData(value);
    case "DA":
      return `01${value.derivations.map((d) => d.usage + d.algorithm + d.modeOfUse + d.exportability).join("")}`;
    case "FL":
      return value.flags;
    case "HM":
      return HM_CODES.find(([, hash]) => hash === value.hash)?.[0] ?? "";
    case "IK":
      return value.initialKeyId.toUpperCase();
    case "KC":
    case "KP":
    case "PK":
      return (value.method === "CMAC" ? "01" : "00") + value.checkValue.toUpperCase();
    case "KS":
      return value.keySerialNumber.toUpperCase();
    case "KV":
      return value.keyBlockValues;
    case "LB":
      return value.label;
    case "PB":
      return value.fill;
    case "TC":
    case "TS":
      return value.compact ? value.time.replace(/[-:T.]/g, "") : value.time;
    case "WP":
      return `00${PEDIGREES.indexOf(value.pedigree)}`;
  }
}

/** What a member of a typed value must be: in words, and as a test. */
interface MemberRule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

type MemberRules = Readonly<Record<string, MemberRule>>;

const TEXT: MemberRule = { expected: "a string", accepts: (value) => typeof value === "string" };
const FLAG: MemberRule = { expected: "a boolean", accepts: (value) => typeof value === "boolean" };

function word(...words: string[]): MemberRule {
  return { expected: words.join(" or "), accepts: (value) => words.includes(value as string) };
}

function listOf(what: string, members: Readonly<Record<string, RegExp>>): MemberRule {
  const fits = (item: unknown): boolean => {
    if (typeof item !== "object" || item === null) return false;
    return Object.entries(members).every(([member, form]) => {
      const value = own(item as Record<string, unknown>, member);
      return typeof value === "string" && form.test(value);
    });
  };
  // Array.from visits the holes of a sparse array, which every() skips.
  return { expected: `a list of ${what}`, accepts: (value) => Array.isArray(value) && Array.from(value, fits).every(Boolean) };
}

const CERTIFICATE = { format: /^(?:X\.509|EMV)$/, certificate: /^/ };
const ONE_CHARACTER = /^[0-9A-Za-z]$/;
const DERIVATION = {
  usage: /^[0-9A-Za-z]{2}$/,
  algorithm: ONE_CHARACTER,
  modeOfUse: ONE_CHARACTER,
  exportability: ONE_CHARACTER,
};

/** The members of each typed value. A wrong word must be refused here: `draft` takes every word but one for the other. */
function memberRules(id: string): MemberRules {
  switch (id) {
    case "AL":
      return { life: word("ephemeral", "static") };
    case "BI":
      return { scheme: word("TDEA", "AES"), identifier: TEXT };
    case "CT":
      return { chain: FLAG, certificates: listOf("certificates", CERTIFICATE) };
    case "DA":
      return { derivations: listOf("derivations", DERIVATION) };
    case "FL":
      return { flags: TEXT };
    case "HM":
      return { hash: TEXT };
    case "IK":
      return { initialKeyId: TEXT };
    case "KC":
    case "KP":
    case "PK":
      return { method: word("ANSI_X9_24", "CMAC"), checkValue: TEXT };
    case "KS":
      return { keySerialNumber: TEXT };
    case "KV":
      return { keyBlockValues: TEXT };
    case "LB":
      return { label: TEXT };
    case "PB":
      return { fill: TEXT };
    case "TC":
    case "TS":
      return { time: TEXT, compact: FLAG };
    case "WP":
      return { pedigree: TEXT };
    default:
      return { data: TEXT };
  }
}

function checkMembers(init: Record<string, unknown>, id: string, name: string): void {
  for (const [member, { expected, accepts }] of Object.entries(memberRules(id))) {
    const value = own(init, member);
    if (accepts(value)) continue;
    throw wordRefusal(`${name}.${member}`, expected, value);
  }
}

const FORMS: readonly LengthForm[] = ["short", "long", "long-bytes"];

/** A block ready to be written, or one whose data `wrapKeyBlock` still computes. */
export interface OptionalDraft {
  id: string;
  data: string | undefined;
  form: LengthForm | undefined;
}

/**
 * Checks one element of `header.optionalBlocks` and turns it into text. `strict`: the data must follow the grammar of a known id.
 * Throws `ERR_INVALID_ARGUMENT`.
 */
export function draftOptionalBlock(init: unknown, name: string, strict: boolean): OptionalDraft {
  assertObject(name, init);
  const item = init as Record<string, unknown>;
  const id = own(item, "id");
  assertText(`${name}.id`, id, /^[0-9A-Za-z]{2}$/, "two alphanumeric characters");
  const given = own(item, "form");
  const form = given === undefined ? undefined : readChoice(`${name}.form`, given, FORMS);
  const text = own(item, "data");
  if (text !== undefined && typeof text !== "string") throw refusal(`${name}.data`, "a string", text);
  if (text === undefined && (id === "KC" || id === "KP") && !hasOwn(item, "checkValue")) return { id, data: undefined, form };
  if (text === undefined) checkMembers(item, id, name);
  const data = text ?? draft(item as unknown as OptionalBlockValue);
  if (!/^[\x20-\x7e]*$/.test(data)) throw invalidArgument(`${name}.data`, "printable ASCII", "other characters");
  const mustFollow = strict || text === undefined;
  if (mustFollow && IDS_WITH_GRAMMAR.includes(id) && readOptionalData(id, data) === undefined) {
    throw invalidArgument(`${name}`, `a well-formed ${id} of X9.143`, `${data.length} characters that are not`);
  }
  return { id, data, form };
}

/** Head and data of one optional block. Throws `ERR_INVALID_ARGUMENT` where the length does not fit the form asked for. */
export function writeOptionalBlock(id: string, data: string, form: LengthForm | undefined): string {
  const short = data.length + 4;
  if (form === "short" ? short > 255 : data.length + 10 > 0xffff) {
    throw invalidArgument(`optional block ${id}`, "short enough for its length field", `${data.length} characters`);
  }
  if (form === "short" || (form === undefined && short <= 255)) return id + HEX2(short) + data;
  return `${id}00${form === "long-bytes" ? "02" : "04"}${HEX4(data.length + 10)}${data}`;
}

/**
 * The padding block that takes `length` characters to a multiple of `unit`, or the empty text. `fill`: what to put into it, used
 * where its length is the one needed, else zeros.
 */
export function paddingBlock(length: number, unit: number, fill: string | undefined): string {
  const rest = (unit - (length % unit)) % unit;
  if (rest === 0) return "";
  const total = rest < 4 ? rest + unit : rest;
  return `PB${HEX2(total)}${fill?.length === total - 4 ? fill : "0".repeat(total - 4)}`;
}
