/**
 * The options of envelopes: what they mean, their defaults, and the checks that turn them into settings. Nothing here is secret.
 */
import {
  assertArray,
  assertObject,
  choice,
  flag,
  type NumberBounds,
  numberRefusal,
  own,
  readChoice,
  wholeNumber,
} from "../../base/arguments.js";
import type { OpenEncoding } from "../../backend/contract.js";
import { ENVELOPE_FORMATS, type EnvelopeFormat } from "./format.js";

/** How `sealEnvelope` writes. */
export interface SealOptions {
  /** What is enciphered: the upper-case hex text of the bytes (default), or the bytes themselves. */
  plaintextEncoding?: "hex" | "raw" | undefined;
  /** Adds `key_kcv`, the CMAC check value of the key. Default false. */
  includeKcv?: boolean | undefined;
  /** Compresses first, and says so in `content_encoding`. Default false. */
  gzip?: boolean | undefined;
  /** With `gzip`: how many compressed bytes one ciphertext holds; more make a `TR31-DATA-CHUNKED`. Default 2048. */
  chunkBytes?: number | undefined;
}

/** How `openEnvelope` reads. */
export interface OpenOptions {
  /**
   * `hex`: the plaintext is hex text of either case; `raw`: it is the bytes; `auto` (default): it is hex text if it is an even
   * number of hex digits whose bytes begin with `{`, `[` or 1F 8B, decided once for all chunks together. A bare
   * number is refused under `auto`: it could be the hex text of another scalar.
   */
  plaintextEncoding?: OpenEncoding | undefined;
  /**
   * The forms that may come at this place; another one is `ERR_ENVELOPE_FORMAT`. Default: both. In the chunked form every ciphertext has
   * an IV of its own, so that whoever knows one block of plaintext can write any text in its place: say `["TR31-DATA"]` where no chunks
   * are due.
   */
  formats?: readonly EnvelopeFormat[] | undefined;
  /** The most bytes of plaintext, after gunzip. Default 16 MiB. */
  maxBytes?: number | undefined;
}

/** How `openEnvelopeBytes` reads. */
export interface OpenBytesOptions {
  /** As in `OpenOptions`, where bytes have no `auto`. */
  plaintextEncoding: "hex" | "raw";
  /** As in `OpenOptions`. */
  formats?: readonly EnvelopeFormat[] | undefined;
  /** As in `OpenOptions`. */
  maxBytes?: number | undefined;
}

const DEFAULT_CHUNK = 2048;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

export interface SealSettings {
  readonly encoding: "hex" | "raw";
  readonly includeKcv: boolean;
  readonly gzip: boolean;
  readonly chunkBytes: number;
}

export interface OpenSettings {
  readonly encoding: OpenEncoding;
  readonly formats: readonly EnvelopeFormat[];
  readonly maxBytes: number;
}

const WRITTEN = ["hex", "raw"] as const;
const READ = ["hex", "raw", "auto"] as const;

const CHUNK_BOUNDS: NumberBounds = { min: 1, unit: "bytes", fallback: DEFAULT_CHUNK };
const MAX_BYTES_BOUNDS: NumberBounds = { min: 1, unit: "bytes", fallback: DEFAULT_MAX_BYTES };

const SEAL_DEFAULTS: SealSettings = { encoding: "hex", includeKcv: false, gzip: false, chunkBytes: DEFAULT_CHUNK };

export function readSealOptions(options: SealOptions | undefined): SealSettings {
  if (options === undefined) return SEAL_DEFAULTS;
  assertObject("options", options);
  const encoding = choice(options, "plaintextEncoding", WRITTEN, "hex");
  const compress = flag(options, "gzip");
  const chunkBytes = wholeNumber(options, "chunkBytes", CHUNK_BOUNDS);
  const given = own(options, "chunkBytes");
  if (given !== undefined && !compress) throw numberRefusal("chunkBytes", "absent without gzip", given);
  return { encoding, includeKcv: flag(options, "includeKcv"), gzip: compress, chunkBytes };
}

const OPEN_DEFAULTS: OpenSettings = { encoding: "auto", formats: ENVELOPE_FORMATS, maxBytes: DEFAULT_MAX_BYTES };

export function readOpenOptions(options: OpenOptions | undefined): OpenSettings {
  if (options === undefined) return OPEN_DEFAULTS;
  assertObject("options", options);
  const encoding = choice(options, "plaintextEncoding", READ, "auto");
  return { encoding, formats: readFormats(options), maxBytes: wholeNumber(options, "maxBytes", MAX_BYTES_BOUNDS) };
}

function readFormats(options: OpenOptions | OpenBytesOptions): readonly EnvelopeFormat[] {
  const formats: unknown = own(options, "formats");
  if (formats === undefined) return ENVELOPE_FORMATS;
  assertArray("formats", formats);
  return Array.from(formats, (format, i) => readChoice(`formats[${i}]`, format, ENVELOPE_FORMATS));
}

/** For bytes, the encoding must be said. */
export function readOpenBytesOptions(options: OpenBytesOptions): OpenSettings & { readonly encoding: "hex" | "raw" } {
  assertObject("options", options);
  const encoding = choice(options, "plaintextEncoding", WRITTEN);
  return { encoding, formats: readFormats(options), maxBytes: wholeNumber(options, "maxBytes", MAX_BYTES_BOUNDS) };
}
