/**
 * Optional blocks of a key block header: ANSI X9.143:2021 clause 6.3.6. Framing (id, length in a short and two long forms, data)
 * and the data of the ids in table 7, read into types.
 *
 * Public: everything here travels in clear. The text is kept as received, since the MAC covers it; `value` is a reading of it.
 */
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

/** The data of an optional block, typed by id. Hex is upper case. */
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

/** Ids whose data have a grammar: without a `value`, the data break it. */
export const IDS_WITH_GRAMMAR = "AL BI CT DA FL HM IK KC KP PK KS KV LB PB TC TS WP";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TIME = /^(\d{4})(-?)(\d\d)\2(\d\d)(T?)(\d\d)(:?)(\d\d)\7(\d\d)(\.?)(\d\d)?Z$/;

function certificates(data: string): Certificate[] | undefined {
  const list: Certificate[] = [];
  for (let at = 2; at < data.length; ) {
    const length = /^0[01][0-9A-F]{4}/.test(data.slice(at, at + 6)) ? Number.parseInt(data.slice(at + 2, at + 6), 16) : 0;
    const certificate = data.slice(at + 6, at + 6 + length);
    if (length === 0 || certificate.length < length || !BASE64.test(certificate)) return undefined;
    list.push({ format: data[at + 1] === "0" ? "X.509" : "EMV", certificate });
    at += 6 + length;
  }
  return list.length > 0 ? list : undefined;
}

function readCertificates(data: string): OptionalBlockValue | undefined {
  if (data.startsWith("02")) {
    const list = certificates(data);
    return list && { id: "CT", chain: true, certificates: list };
  }
  const certificate = data.slice(2);
  if (!/^0[01]./.test(data) || !BASE64.test(certificate)) return undefined;
  return { id: "CT", chain: false, certificates: [{ format: data[1] === "0" ? "X.509" : "EMV", certificate }] };
}

function readTime(id: "TC" | "TS", data: string): OptionalBlockValue | undefined {
  const [, year, dash, month, day, t, hour, colon, minute, second, point, hundredths] = TIME.exec(data) ?? [];
  if (year === undefined) return undefined;
  const compact = dash === "";
  const separated = !compact && t === "T" && colon === ":" && (point === ".") === (hundredths !== undefined);
  if (compact ? t !== "" || colon !== "" || point !== "" : !separated) return undefined;
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > 31) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const fraction = hundredths === undefined ? "" : `.${hundredths}`;
  return { id, time: `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`, compact };
}

function readDerivations(data: string): OptionalBlockValue | undefined {
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
  return { id: "DA", derivations };
}

/** Reads data by the grammar of their id: X9.143:2021 clauses 6.3.6.1 to 6.3.6.17. `undefined`: no grammar, or not followed. */
export function readOptionalData(id: string, data: string): OptionalBlockValue | undefined {
  const rest = data.slice(2);
  switch (id) {
    case "AL":
      return /^010[01]$/.test(data) ? { id, life: data[3] === "0" ? "ephemeral" : "static" } : undefined;
    case "BI":
      if (!/^(?:00[0-9A-F]{10}|01[0-9A-F]{8})$/.test(data)) return undefined;
      return { id, scheme: data[1] === "0" ? "TDEA" : "AES", identifier: rest };
    case "CT":
      return readCertificates(data);
    case "DA":
      return readDerivations(data);
    case "FL":
      return { id, flags: data };
    case "HM": {
      const hash = HM_CODES.find(([code]) => code === data)?.[1];
      return hash && { id, hash };
    }
    case "IK":
      return /^[0-9A-F]{16}$/.test(data) ? { id, initialKeyId: data } : undefined;
    case "KC":
    case "KP":
    case "PK":
      if (!/^(?:00(?:[0-9A-F]{2}){2,3}|01(?:[0-9A-F]{2}){2,5})$/.test(data)) return undefined;
      return { id, method: data[1] === "0" ? "ANSI_X9_24" : "CMAC", checkValue: rest };
    case "KS":
      return /^[0-9A-F]{20}$/.test(data) ? { id, keySerialNumber: data } : undefined;
    case "KV":
      return /^[0-9A-Za-z]{4}$/.test(data) ? { id, keyBlockValues: data } : undefined;
    case "LB":
      return { id, label: data };
    case "PB":
      return { id, fill: data };
    case "TC":
    case "TS":
      return readTime(id, data);
    case "WP":
      return /^00[0-3]$/.test(data) ? { id, pedigree: PEDIGREES[Number(data[2])]! } : undefined;
    default:
      return undefined;
  }
}

/** An optional block and where it stands in the text. */
export interface PlacedOptionalBlock {
  readonly block: OptionalBlock;
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads the optional block at `offset`, which must end by `end`. The length counts the whole block, its head included. Returns
 * `undefined` after a problem was reported: nothing behind it can be placed.
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
  if (offset + 4 > end) return fail("ends inside the optional blocks; the number of them, or a length, is wrong");
  if (!/^[0-9A-Za-z]{2}$/.test(id))
    return fail("the id of an optional block is not alphanumeric; the length of the one before may be wrong");
  const short = text.slice(offset + 2, offset + 4);
  if (!/^[0-9A-F]{2}$/.test(short)) return fail(`the length of optional block ${id} is not two upper-case hex digits`);
  let form: LengthForm = "short";
  let head = 4;
  let length = Number.parseInt(short, 16);
  if (length === 0) {
    const count = text.slice(offset + 4, offset + 6);
    if (count !== "04" && count !== "02") return fail(`the long length of optional block ${id} does not have four digits`);
    form = count === "04" ? "long" : "long-bytes";
    head = 10;
    const digits = text.slice(offset + 6, offset + 10);
    if (!/^[0-9A-F]{4}$/.test(digits)) return fail(`the long length of optional block ${id} is not four upper-case hex digits`);
    length = Number.parseInt(digits, 16);
  }
  if (length < head) return fail(`optional block ${id} is shorter than its own head`);
  if (offset + length > end) return fail(`optional block ${id} reaches into the MAC, or beyond the end`);
  const data = text.slice(offset + head, offset + length);
  const value = readOptionalData(id, data);
  return { block: value === undefined ? { id, data, form } : { id, data, form, value }, offset, length };
}
