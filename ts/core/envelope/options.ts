/**
 * The options of envelopes: what they mean, their defaults, and the checks that turn them into settings. Nothing here is secret.
 */
import type { OpenEncoding } from "../../backend/contract.js";
import { invalidArgument, numberOrType, wordOrType } from "../../base/errors.js";
import { assertObject, own, readFlag } from "../keys/attributes.js";

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
   * number of hex digits that stand for bytes beginning with `{`, `[` or 1F 8B, decided once for all chunks together. A bare
   * number is refused under `auto`: it could be the hex text of another scalar.
   */
  plaintextEncoding?: OpenEncoding | undefined;
  /** The most bytes of plaintext, after gunzip. Default 16 MiB. */
  maxBytes?: number | undefined;
}

/** How `openEnvelopeBytes` reads. */
export interface OpenBytesOptions {
  /** As in `OpenOptions`, where bytes have no `auto`. */
  plaintextEncoding: "hex" | "raw";
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
  readonly maxBytes: number;
}

const SEAL_DEFAULTS: SealSettings = { encoding: "hex", includeKcv: false, gzip: false, chunkBytes: DEFAULT_CHUNK };

export function readSealOptions(options: SealOptions | undefined): SealSettings {
  if (options === undefined) return SEAL_DEFAULTS;
  assertObject("options", options);
  const encoding = own(options, "plaintextEncoding") ?? "hex";
  assertEncoding(encoding, "hex or raw");
  const compress = readFlag("gzip", own(options, "gzip"));
  const chunkBytes = own(options, "chunkBytes");
  if (chunkBytes !== undefined && !(Number.isSafeInteger(chunkBytes) && chunkBytes >= 1)) {
    throw invalidArgument("chunkBytes", "a whole number of bytes from 1", numberOrType(chunkBytes));
  }
  if (chunkBytes !== undefined && !compress) throw invalidArgument("chunkBytes", "absent without gzip", numberOrType(chunkBytes));
  return {
    encoding,
    includeKcv: readFlag("includeKcv", own(options, "includeKcv")),
    gzip: compress,
    chunkBytes: chunkBytes ?? DEFAULT_CHUNK,
  };
}

const OPEN_DEFAULTS: OpenSettings = { encoding: "auto", maxBytes: DEFAULT_MAX_BYTES };

export function readOpenOptions(options: OpenOptions | undefined): OpenSettings {
  if (options === undefined) return OPEN_DEFAULTS;
  assertObject("options", options);
  const encoding = own(options, "plaintextEncoding") ?? "auto";
  if (encoding !== "auto") assertEncoding(encoding, "hex, raw or auto");
  return { encoding, maxBytes: readMaxBytes(options) };
}

export function assertEncoding(encoding: unknown, expected: string): asserts encoding is "hex" | "raw" {
  if (encoding === "hex" || encoding === "raw") return;
  throw invalidArgument("plaintextEncoding", expected, wordOrType(encoding));
}

export function readMaxBytes(options: OpenOptions): number {
  const maxBytes = own(options, "maxBytes") ?? DEFAULT_MAX_BYTES;
  if (Number.isSafeInteger(maxBytes) && maxBytes >= 1) return maxBytes;
  throw invalidArgument("maxBytes", "a whole number of bytes from 1", numberOrType(maxBytes));
}
