/**
 * Optional blocks of a key block header: ANSI X9.143:2021 clause 6.3.6. Framing (id, length in a short and two long forms, data)
 * and the data of the ids in table 7, read into types.
 *
 * Public: everything here travels in clear. The text is kept as received, since the MAC covers it; `value` is a reading of it.
 */
import { hasOwn } from "../../base/arguments.js";
import { type OnProblem, syntax } from "./text.js";

/**
 * How the length is written. `short`: two hex digits. `long`: `00`, the number of length digits, the length (X9.143).
 * `long-bytes`: the same with the number of length bytes, an older reading of TR-31:2018.
 */
export type LengthForm = "short" | "long" | "long-bytes";

/** HM, X9.143:2021 clause 6.3.6.5. */
export type HmacHash =
  | "SHA-1"
  | "SHA-224"
  | "SHA-256"
  | "SHA-384"
  | "SHA-512"
  | "SHA-512/224"
  | "SHA-512/256"
  | "SHA3-224"
  | "SHA3-256"
  | "SHA3-384"
  | "SHA3-512"
  | "SHAKE128"
  | "SHAKE256";

/** A public key certificate as CT carries it. */
export interface Certificate {
  format: "X.509" | "EMV";
  /** Base64. */
  certificate: string;
}

/** What a key derived from a B3 key may be: fields as in a header. */
export interface AllowedDerivation {
  usage: string;
  algorithm: string;
  modeOfUse: string;
  exportability: string;
}

/** The data of an optional block, typed by id. Hex is upper case here, whatever its case in the block. */
export type OptionalBlockValue =
  /** Asymmetric key life. */
  | { id: "AL"; life: "ephemeral" | "static" }
  /** Base derivation key identifier: TDEA key set id (10 digits) or AES BDK id (8). */
  | { id: "BI"; scheme: "TDEA" | "AES"; identifier: string }
  /** Public key certificate, or a chain of them. */
  | { id: "CT"; chain: boolean; certificates: Certificate[] }
  /** Derivations that a B3 key allows. */
  | { id: "DA"; derivations: AllowedDerivation[] }
  | { id: "FL"; flags: string }
  /** Hash of an HMAC key. */
  | { id: "HM"; hash: HmacHash }
  /** Initial key id of AES DUKPT: 16 digits. */
  | { id: "IK"; initialKeyId: string }
  /** Check value of the key (KC), of the KBPK (KP), of the KBPK it was exported under before (PK). */
  | { id: "KC" | "KP" | "PK"; method: "ANSI_X9_24" | "CMAC"; checkValue: string }
  /** Initial key serial number of TDEA DUKPT: 20 digits. */
  | { id: "KS"; keySerialNumber: string }
  /** Key block values, deprecated: 4 characters. */
  | { id: "KV"; keyBlockValues: string }
  | { id: "LB"; label: string }
  | { id: "PB"; fill: string }
  /** Time of creation, time stamp: `2026-11-22T00:30:00Z`, hundredths allowed. `compact`: written without separators. */
  | { id: "TC" | "TS"; time: string; compact: boolean }
  /** Wrapping pedigree: what the key was wrapped under before. */
  | { id: "WP"; pedigree: "equal or greater" | "lesser" | "asymmetric" | "lesser and asymmetric" };

/** One optional block as it was read. */
export interface OptionalBlock {
  /** Two alphanumeric characters; a digit first is proprietary. */
  id: string;
  /** Exactly the characters of the block. */
  data: string;
  /** How its length was written. */
  form: LengthForm;
  /** The data, read; absent for ids without a grammar and for data that do not follow theirs. */
  value?: OptionalBlockValue;
}

/** The ids of X9.143:2021 table 7, whose data have a format. */
export type OptionalBlockId = OptionalBlockValue["id"];

/** The members of an id's value. */
type ValueOf<Id extends OptionalBlockId, Value = OptionalBlockValue> = Value extends { id: infer Ids }
  ? Id extends Ids
    ? Omit<Value, "id">
    : never
  : never;

export const HM_CODES: readonly (readonly [string, HmacHash])[] = [
  ["10", "SHA-1"],
  ["20", "SHA-224"],
  ["21", "SHA-256"],
  ["22", "SHA-384"],
  ["23", "SHA-512"],
  ["24", "SHA-512/224"],
  ["25", "SHA-512/256"],
  ["30", "SHA3-224"],
  ["31", "SHA3-256"],
  ["32", "SHA3-384"],
  ["33", "SHA3-512"],
  ["40", "SHAKE128"],
  ["41", "SHAKE256"],
];

export const PEDIGREES = ["equal or greater", "lesser", "asymmetric", "lesser and asymmetric"] as const;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** X9.143:2021 clause 6.3.6.15: `YYYYMMDDhhmmss`, hundredths, `Z`. */
const COMPACT = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z$/;

/** The same with the separators of ISO 8601. */
const EXTENDED = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d\d))?Z$/;

/** A chain of certificates, and where its lengths are: format, four hex digits of length, Base64; again. */
function readChain(data: string): { certificates: Certificate[]; lengths: string } | undefined {
  const certificates: Certificate[] = [];
  let lengths = "";
  for (let at = 2; at < data.length; ) {
    const digits = /^0[01]([0-9A-F]{4})/i.exec(data.slice(at, at + 6))?.[1] ?? "0";
    const length = Number.parseInt(digits, 16);
    const certificate = data.slice(at + 6, at + 6 + length);
    if (length === 0 || certificate.length < length || !BASE64.test(certificate)) return undefined;
    certificates.push({ format: data[at + 1] === "0" ? "X.509" : "EMV", certificate });
    lengths += digits;
    at += 6 + length;
  }
  return certificates.length > 0 ? { certificates, lengths } : undefined;
}

function readCertificates(data: string): ValueOf<"CT"> | undefined {
  if (data.startsWith("02")) {
    const certificates = readChain(data)?.certificates;
    return certificates && { chain: true, certificates };
  }
  const certificate = data.slice(2);
  if (!/^0[01]./.test(data) || !BASE64.test(certificate)) return undefined;
  return { chain: false, certificates: [{ format: data[1] === "0" ? "X.509" : "EMV", certificate }] };
}

function readTime(data: string): ValueOf<"TS"> | undefined {
  const compact = COMPACT.exec(data);
  const [, year, month, day, hour, minute, second, hundredths] = compact ?? EXTENDED.exec(data) ?? [];
  if (year === undefined) return undefined;
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > 31) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const fraction = hundredths === undefined ? "" : `.${hundredths}`;
  return { time: `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`, compact: compact !== null };
}

function readDerivations(data: string): ValueOf<"DA"> | undefined {
  if (!/^01(?:[0-9A-Za-z]{5})+$/.test(data)) return undefined;
  const derivations: AllowedDerivation[] = [];
  for (let at = 2; at < data.length; at += 5) {
    derivations.push({
      usage: data.slice(at, at + 2),
      algorithm: data.charAt(at + 2),
      modeOfUse: data.charAt(at + 3),
      exportability: data.charAt(at + 4),
    });
  }
  return { derivations };
}

function readHash(data: string): ValueOf<"HM"> | undefined {
  const hash = HM_CODES.find(([code]) => code === data)?.[1];
  return hash && { hash };
}

function readCheckValue(data: string): ValueOf<"KC"> | undefined {
  if (!/^(?:00(?:[0-9A-F]{2}){2,3}|01(?:[0-9A-F]{2}){2,5})$/i.test(data)) return undefined;
  return { method: data[1] === "0" ? "ANSI_X9_24" : "CMAC", checkValue: data.slice(2).toUpperCase() };
}

function readBdkIdentifier(data: string): ValueOf<"BI"> | undefined {
  if (!/^(?:00[0-9A-F]{10}|01[0-9A-F]{8})$/i.test(data)) return undefined;
  return { scheme: data[1] === "0" ? "TDEA" : "AES", identifier: data.slice(2).toUpperCase() };
}

/** The format of each id's data: X9.143:2021 clauses 6.3.6.1 to 6.3.6.17. Hex digits of either case: `hexDigits` tells. */
const READERS: { readonly [Id in OptionalBlockId]: (data: string) => ValueOf<Id> | undefined } = {
  AL: (data) => (/^010[01]$/.test(data) ? { life: data[3] === "0" ? "ephemeral" : "static" } : undefined),
  BI: readBdkIdentifier,
  CT: readCertificates,
  DA: readDerivations,
  FL: (flags) => ({ flags }),
  HM: readHash,
  IK: (data) => (/^[0-9A-F]{16}$/i.test(data) ? { initialKeyId: data.toUpperCase() } : undefined),
  KC: readCheckValue,
  KP: readCheckValue,
  PK: readCheckValue,
  KS: (data) => (/^[0-9A-F]{20}$/i.test(data) ? { keySerialNumber: data.toUpperCase() } : undefined),
  KV: (keyBlockValues) => (/^[0-9A-Za-z]{4}$/.test(keyBlockValues) ? { keyBlockValues } : undefined),
  LB: (label) => ({ label }),
  PB: (fill) => ({ fill }),
  TC: readTime,
  TS: readTime,
  WP: (data) => (/^00[0-3]$/.test(data) ? { pedigree: PEDIGREES[Number(data[2])]! } : undefined),
};

/** Whether the data of `id` have a format: without a `value`, they break it. */
export function hasFormat(id: string): id is OptionalBlockId {
  return hasOwn(READERS, id);
}

/** Reads data by the format of their id. `undefined`: the id has none, or the data do not follow it. */
export function readOptionalData(id: string, data: string): OptionalBlockValue | undefined {
  const members = hasFormat(id) ? READERS[id](data) : undefined;
  return members && ({ id, ...members } as OptionalBlockValue);
}

/** The characters of well-formed data that are hex digits, whose case is the knob `hexCase`. */
export function hexDigits({ id }: OptionalBlockValue, data: string): string {
  if (id === "CT") return readChain(data)?.lengths ?? "";
  return ["BI", "IK", "KC", "KP", "PK", "KS"].includes(id) ? data : "";
}

/** An optional block and its place in the text. */
export interface PlacedOptionalBlock {
  readonly block: OptionalBlock;
  readonly offset: number;
  readonly length: number;
  /** Whether its length or its data have hex digits in lower case. */
  readonly lowerCase: boolean;
}

/**
 * Reads the optional block at `offset`, which must end by `end`. The length counts the whole block, its head included. Returns
 * `undefined` after a problem was reported: nothing after it can be placed.
 */
export function readOptionalBlock(
  text: string,
  offset: number,
  end: number,
  problem: OnProblem,
): PlacedOptionalBlock | undefined {
  const id = text.slice(offset, offset + 2);
  const fail = (message: string): undefined => {
    problem(syntax(message, offset));
  };
  if (offset + 4 > end) return fail("ends inside the optional blocks: the number of them, or a length, is wrong");
  if (!/^[0-9A-Za-z]{2}$/.test(id))
    return fail("the id of an optional block is not alphanumeric: the length of the one before may be wrong");
  let digits = text.slice(offset + 2, offset + 4);
  if (!/^[0-9A-F]{2}$/i.test(digits)) return fail(`the length of optional block ${id} is not two hex digits`);
  let form: LengthForm = "short";
  let head = 4;
  if (digits === "00") {
    const count = text.slice(offset + 4, offset + 6);
    if (count !== "04" && count !== "02") return fail(`the long length of optional block ${id} does not have four digits`);
    form = count === "04" ? "long" : "long-bytes";
    head = 10;
    digits = text.slice(offset + 6, offset + 10);
    if (!/^[0-9A-F]{4}$/i.test(digits)) return fail(`the long length of optional block ${id} is not four hex digits`);
  }
  const length = Number.parseInt(digits, 16);
  if (length < head) return fail(`optional block ${id} is shorter than its own head`);
  if (offset + length > end) return fail(`optional block ${id} reaches into the MAC, or beyond the end`);
  const data = text.slice(offset + head, offset + length);
  const value = readOptionalData(id, data);
  if (value !== undefined) digits += hexDigits(value, data);
  const block = value === undefined ? { id, data, form } : { id, data, form, value };
  return { block, offset, length, lowerCase: /[a-f]/.test(digits) };
}
