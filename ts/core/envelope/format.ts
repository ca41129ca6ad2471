/**
 * The shape of envelopes in JSON: `TR31-DATA` and `TR31-DATA-CHUNKED` of the POS protocol ("MSK envelope format").
 *
 * Everything here is public, and what is wrong with it may be said. Members are read as own properties of plain types only;
 * members that the format does not name are ignored.
 */
import { hasOwn } from "../../base/arguments.js";
import { isHex, readHex } from "../../base/bytes.js";
import { describeType, PosCryptoError } from "../../base/errors.js";

/** One ciphertext with its IV. */
export interface EnvelopeChunk {
  /** Hex, upper case out, either case in: a non-zero multiple of 32 digits. */
  ciphertext: string;
  /** Hex of 16 bytes. */
  initialization_vector: string;
  mode: "CBC";
}

/** One plaintext in one ciphertext. */
export interface DataEnvelope extends EnvelopeChunk {
  format: "TR31-DATA";
  /** The plaintext is one gzip file. */
  content_encoding?: "gzip";
  /** Check value of the key: 3 to 5 bytes, hex. */
  key_kcv?: string;
}

/** A gzip file in pieces: each chunk is opened on its own; the plaintexts in order are the file. */
export interface ChunkedEnvelope {
  format: "TR31-DATA-CHUNKED";
  content_encoding: "gzip";
  mode: "CBC";
  /** As in `DataEnvelope`. */
  key_kcv?: string;
  /** In the order of the plaintext; at least one. */
  chunks: EnvelopeChunk[];
}

/** Both forms of envelope. */
export type Envelope = DataEnvelope | ChunkedEnvelope;

/** The `format` of an envelope. */
export type EnvelopeFormat = Envelope["format"];

export const ENVELOPE_FORMATS: readonly EnvelopeFormat[] = ["TR31-DATA", "TR31-DATA-CHUNKED"];

/** A ciphertext whose length is right; that its characters are hex digits is found out on opening. */
interface Sealed {
  readonly iv: Uint8Array;
  readonly ciphertext: string;
  /** Where the ciphertext is, as errors name it. */
  readonly member: string;
}

export interface ReadEnvelope {
  readonly parts: readonly Sealed[];
  readonly gzip: boolean;
  /** Upper case. */
  readonly keyKcv: string | undefined;
}

/** Hex digits of one AES block. */
const BLOCK_DIGITS = 32;

/** Reads an envelope. Throws `ERR_ENVELOPE_FORMAT`, which names the member that is missing or wrong. */
export function readEnvelope(envelope: unknown, formats: readonly EnvelopeFormat[] = ENVELOPE_FORMATS): ReadEnvelope {
  const members = asObject("envelope", envelope);
  const format = hasOwn(members, "format") ? members.format : undefined;
  if (format !== "TR31-DATA" && format !== "TR31-DATA-CHUNKED")
    throw malformed("format", "TR31-DATA or TR31-DATA-CHUNKED", format);
  if (!formats.includes(format)) throw malformed("format", `${formats.join(" or ") || "absent"} here`, format);
  const chunked = format === "TR31-DATA-CHUNKED";
  const encoding = hasOwn(members, "content_encoding") ? members.content_encoding : undefined;
  if (encoding !== "gzip" && (chunked || encoding !== undefined)) {
    throw malformed("content_encoding", chunked ? "gzip" : "gzip, or absent", encoding);
  }
  const gzip = encoding === "gzip";
  const keyKcv = readKcv(hasOwn(members, "key_kcv") ? members.key_kcv : undefined);
  if (!chunked) return { parts: [readSealed("", members)], gzip, keyKcv };

  readMode("", members);
  const chunks = hasOwn(members, "chunks") ? members.chunks : undefined;
  if (!Array.isArray(chunks) || chunks.length === 0) throw malformed("chunks", "an array that is not empty", chunks);
  const parts = Array.from(chunks, (chunk: unknown, i) => readSealed(`chunks[${i}].`, asObject(`chunks[${i}]`, chunk)));
  return { parts, gzip, keyKcv };
}

/**
 * Whether a block of ciphertext comes twice in a chunked envelope. Under CBC a ciphertext block comes twice by chance once in 2^128 pairs. Where one does, chunks were put together from blocks whose
 * plaintext somebody knows, each under an IV that makes of it what they want.
 */
export function repeatsBlock({ parts }: ReadEnvelope): boolean {
  if (parts.length === 1) return false;
  const seen = new Set<string>();
  for (const { ciphertext } of parts) {
    const digits = ciphertext.toUpperCase();
    for (let at = 0; at < digits.length; at += BLOCK_DIGITS) {
      const block = digits.slice(at, at + BLOCK_DIGITS);
      if (seen.has(block)) return true;
      seen.add(block);
    }
  }
  return false;
}

/** Throws `ERR_ENVELOPE_FORMAT` if a ciphertext is not hex after all. */
export function assertHexCiphertexts({ parts }: ReadEnvelope): void {
  for (const { ciphertext, member } of parts) if (!isHex(ciphertext)) throw malformed(member, "hex digits", ciphertext);
}

function readSealed(prefix: string, members: Members): Sealed {
  readMode(prefix, members);
  const member = `${prefix}ciphertext`;
  const ciphertext = hasOwn(members, "ciphertext") ? members.ciphertext : undefined;
  if (typeof ciphertext !== "string" || ciphertext.length === 0 || ciphertext.length % BLOCK_DIGITS !== 0) {
    throw malformed(member, "hex text of whole 16-byte blocks", ciphertext);
  }
  const iv = hasOwn(members, "initialization_vector") ? members.initialization_vector : undefined;
  const ivBytes = typeof iv === "string" && iv.length === BLOCK_DIGITS ? readHex(iv) : undefined;
  if (ivBytes === undefined) throw malformed(`${prefix}initialization_vector`, "hex text of 16 bytes", iv);
  return { iv: ivBytes, ciphertext, member };
}

function readMode(prefix: string, members: Members): void {
  const mode = hasOwn(members, "mode") ? members.mode : undefined;
  if (mode !== "CBC") throw malformed(`${prefix}mode`, "CBC", mode);
}

function readKcv(kcv: unknown): string | undefined {
  if (kcv === undefined) return undefined;
  if (typeof kcv === "string" && kcv.length >= 6 && kcv.length <= 10 && isHex(kcv)) return kcv.toUpperCase();
  throw malformed("key_kcv", "hex text of 3 to 5 bytes", kcv);
}

/** Read as own properties by name at each place: a shared reader by variable name is several times slower in V8. */
type Members = Readonly<Partial<Record<MemberName, unknown>>>;

type MemberName = "format" | "content_encoding" | "key_kcv" | "ciphertext" | "initialization_vector" | "mode" | "chunks";

function asObject(name: string, value: unknown): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw malformed(name, "an object", value);
}

function malformed(member: string, expected: string, got: unknown): PosCryptoError {
  const found =
    got === undefined ? "nothing" : typeof got === "string" ? `other text (${got.length} characters)` : describeType(got);
  const details = { member };
  return new PosCryptoError("ERR_ENVELOPE_FORMAT", `envelope: "${member}" must be ${expected}, got ${found}`, { details });
}
