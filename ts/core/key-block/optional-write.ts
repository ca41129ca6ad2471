/**
 * Writing optional blocks: ANSI X9.143:2021 clause 6.3.6. Typed values become data, data get their length, and the whole is filled
 * up with PB to a multiple of the cipher block.
 *
 * Public: all of it is part of the header text.
 */
import { invalidArgument } from "../../base/errors.js";
import { assertObject, assertText, hasOwn, own, readChoice, refusal, wordRefusal } from "../../base/arguments.js";
import {
  hasFormat,
  hexDigits,
  HM_CODES,
  type LengthForm,
  type OptionalBlockId,
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

const hexOf = (n: number, digits: 2 | 4): string => n.toString(16).toUpperCase().padStart(digits, "0");

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

const ANY_TEXT = /^/;
const CERTIFICATE = { format: /^(?:X\.509|EMV)$/, certificate: ANY_TEXT };
const ONE_CHARACTER = /^[0-9A-Za-z]$/;
const DERIVATION = {
  usage: /^[0-9A-Za-z]{2}$/,
  algorithm: ONE_CHARACTER,
  modeOfUse: ONE_CHARACTER,
  exportability: ONE_CHARACTER,
};

type ValueOf<Id extends OptionalBlockId> = Extract<OptionalBlockValue, { id: Id }>;

function certificateData(value: ValueOf<"CT">): string {
  const code = (format: string): string => (format === "EMV" ? "01" : "00");
  const [first, ...more] = value.certificates;
  if (!value.chain) return first === undefined || more.length > 0 ? "" : code(first.format) + first.certificate;
  return `02${value.certificates
    .map(({ format, certificate }) => code(format) + hexOf(certificate.length, 4) + certificate)
    .join("")}`;
}

/** An id as it is written: the members of its typed value, and the data they become. */
interface Writer<Value extends OptionalBlockValue> {
  readonly members: Readonly<Record<Exclude<keyof Value, "id">, MemberRule>>;
  readonly write: (value: Value) => string;
}

/** One row for ids that share a value. */
function writer<Value extends OptionalBlockValue>(
  members: Writer<Value>["members"],
  write: Writer<Value>["write"],
): Writer<Value> {
  return { members, write };
}

const CHECK_VALUE = /* @__PURE__ */ writer<Extract<OptionalBlockValue, { id: "KC" | "KP" | "PK" }>>(
  { method: /* @__PURE__ */ word("ANSI_X9_24", "CMAC"), checkValue: TEXT },
  ({ method, checkValue }) => (method === "CMAC" ? "01" : "00") + checkValue.toUpperCase(),
);

const TIME = /* @__PURE__ */ writer<Extract<OptionalBlockValue, { id: "TC" | "TS" }>>(
  { time: TEXT, compact: FLAG },
  ({ time, compact }) => (compact ? time.replace(/[-:T.]/g, "") : time),
);

/**
 * X9.143:2021 clauses 6.3.6.1 to 6.3.6.17. A wrong word must be refused by the members' rules: `write` takes every word but one for
 * the other. Each call is marked as pure, so that a bundle that only parses carries none of it.
 */
const WRITERS = {
  AL: /* @__PURE__ */ writer<ValueOf<"AL">>({ life: /* @__PURE__ */ word("ephemeral", "static") }, ({ life }) =>
    life === "static" ? "0101" : "0100",
  ),
  BI: /* @__PURE__ */ writer<ValueOf<"BI">>(
    { scheme: /* @__PURE__ */ word("TDEA", "AES"), identifier: TEXT },
    ({ scheme, identifier }) => (scheme === "AES" ? "01" : "00") + identifier.toUpperCase(),
  ),
  CT: /* @__PURE__ */ writer<ValueOf<"CT">>(
    { chain: FLAG, certificates: /* @__PURE__ */ listOf("certificates", CERTIFICATE) },
    certificateData,
  ),
  DA: /* @__PURE__ */ writer<ValueOf<"DA">>(
    { derivations: /* @__PURE__ */ listOf("derivations", DERIVATION) },
    ({ derivations }) => `01${derivations.map((d) => d.usage + d.algorithm + d.modeOfUse + d.exportability).join("")}`,
  ),
  FL: /* @__PURE__ */ writer<ValueOf<"FL">>({ flags: TEXT }, ({ flags }) => flags),
  HM: /* @__PURE__ */ writer<ValueOf<"HM">>(
    { hash: TEXT },
    (value) => HM_CODES.find(([, hash]) => hash === value.hash)?.[0] ?? "",
  ),
  IK: /* @__PURE__ */ writer<ValueOf<"IK">>({ initialKeyId: TEXT }, ({ initialKeyId }) => initialKeyId.toUpperCase()),
  KC: CHECK_VALUE,
  KP: CHECK_VALUE,
  PK: CHECK_VALUE,
  KS: /* @__PURE__ */ writer<ValueOf<"KS">>({ keySerialNumber: TEXT }, ({ keySerialNumber }) => keySerialNumber.toUpperCase()),
  KV: /* @__PURE__ */ writer<ValueOf<"KV">>({ keyBlockValues: TEXT }, ({ keyBlockValues }) => keyBlockValues),
  LB: /* @__PURE__ */ writer<ValueOf<"LB">>({ label: TEXT }, ({ label }) => label),
  PB: /* @__PURE__ */ writer<ValueOf<"PB">>({ fill: TEXT }, ({ fill }) => fill),
  TC: TIME,
  TS: TIME,
  WP: /* @__PURE__ */ writer<ValueOf<"WP">>({ pedigree: TEXT }, ({ pedigree }) => `00${PEDIGREES.indexOf(pedigree)}`),
} satisfies Record<OptionalBlockId, unknown>;

/** The data of a typed value: the mirror of `readOptionalData`. */
function writeOptionalData(value: OptionalBlockValue): string {
  return (WRITERS[value.id] as Writer<OptionalBlockValue>).write(value);
}

function checkMembers(init: Record<string, unknown>, id: string, name: string): void {
  const rules: MemberRules = hasFormat(id) ? WRITERS[id].members : { data: TEXT };
  for (const [member, { expected, accepts }] of Object.entries(rules)) {
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
  const data = text ?? writeOptionalData(item as unknown as OptionalBlockValue);
  if (!/^[\x20-\x7e]*$/.test(data)) throw invalidArgument(`${name}.data`, "printable ASCII", "other characters");
  const mustFollow = strict || text === undefined;
  if (mustFollow && hasFormat(id) && !followsGrammar(id, data)) {
    throw invalidArgument(name, `a well-formed ${id} of X9.143: ${FORMATS[id]}`, `${data.length} characters that are not`);
  }
  return { id, data, form };
}

/** For messages: what the data of each id are. X9.143:2021 clauses 6.3.6.1 to 6.3.6.17. */
const FORMATS: Readonly<Record<OptionalBlockId, string>> = {
  AL: "0100 or 0101",
  BI: "00 and 10 hex digits of a TDEA key set, or 01 and 8 of an AES BDK",
  CT: "00 or 01 and Base64, or 02 and certificates with their lengths",
  DA: "01 and five characters for each derivation",
  FL: "any text",
  HM: "the code of a hash",
  IK: "the 16 hex digits of the initial key id, which are the first 16 of a KSN of 24",
  KC: "00 and 4 or 6 hex digits, or 01 and 4 to 10",
  KP: "00 and 4 or 6 hex digits, or 01 and 4 to 10",
  KS: "the 20 hex digits of a TDEA DUKPT KSN",
  KV: "four letters or digits",
  LB: "any text",
  PB: "any text",
  PK: "00 and 4 or 6 hex digits, or 01 and 4 to 10",
  TC: "a UTC time such as 20261122003000Z or 2026-11-22T00:30:00Z",
  TS: "a UTC time such as 20261122003000Z or 2026-11-22T00:30:00Z",
  WP: "000, 001, 002 or 003",
};

/** Reading takes hex digits of either case, writing writes upper case: X9.143:2021 clause 6.1. */
function followsGrammar(id: OptionalBlockId, data: string): boolean {
  const value = readOptionalData(id, data);
  return value !== undefined && !/[a-f]/.test(hexDigits(value, data));
}

/** Head and data of one optional block. Throws `ERR_INVALID_ARGUMENT` where the length does not fit the form asked for. */
export function writeOptionalBlock(id: string, data: string, form: LengthForm | undefined): string {
  const short = data.length + 4;
  if (form === "short" ? short > 255 : data.length + 10 > 0xffff) {
    throw invalidArgument(`optional block ${id}`, "short enough for its length field", `${data.length} characters`);
  }
  if (form === "short" || (form === undefined && short <= 255)) return id + hexOf(short, 2) + data;
  return `${id}00${form === "long-bytes" ? "02" : "04"}${hexOf(data.length + 10, 4)}${data}`;
}

/**
 * The padding block that takes `length` characters to a multiple of `unit`, or the empty text. `fill`: what to put into it, used
 * where its length is the one needed, else zeros.
 */
export function paddingBlock(length: number, unit: number, fill: string | undefined): string {
  const rest = (unit - (length % unit)) % unit;
  if (rest === 0) return "";
  const total = rest < 4 ? rest + unit : rest;
  return `PB${hexOf(total, 2)}${fill?.length === total - 4 ? fill : "0".repeat(total - 4)}`;
}
