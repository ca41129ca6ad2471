/**
 * Envelopes of the POS protocol: JSON or bytes under AES-CBC with PKCS#7 padding (SP 800-38A 6.2, RFC 5652 clause 6.3) and a
 * fresh random IV, by default over the hex text of the bytes, optionally gzipped and in chunks.
 *
 * An envelope has no MAC. Everything that can go wrong after the comparison of `key_kcv` (padding, hex text, gzip, size, UTF-8,
 * JSON) is therefore one failure, `ERR_ENVELOPE_OPEN`, and every chunk is deciphered before the verdict. A host must still limit
 * how often it answers with that failure.
 *
 * Plaintexts are secret; the copies made here are wiped, the result belongs to the caller. JSON is read with `JSON.parse`: a
 * member named `__proto__` becomes an own property like any other and changes no prototype.
 */
import type { OpenEncoding } from "../../backend/contract.js";
import { isBytes } from "../../base/byte-array.js";
import { assertBytes, concatBytes, decodeUtf8, encodeHex, encodeUtf8, wipe } from "../../base/bytes.js";
import { keyCheckValue } from "../keys/check-value.js";
import {
  type EnvelopeFormat,
  repeatsBlock,
  assertHexCiphertexts,
  type DataEnvelope,
  type Envelope,
  type EnvelopeChunk,
  type ReadEnvelope,
  readEnvelope,
} from "./format.js";
import {
  type OpenBytesOptions,
  type OpenOptions,
  readOpenBytesOptions,
  readOpenOptions,
  readSealOptions,
  type SealOptions,
  type SealSettings,
} from "./options.js";
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import { gunzip, gzip } from "./gzip.js";
import { type KeyInternals, type KeyNeed, requireUse, type SecretKey } from "../keys/key.js";
import { publicRandomBytes } from "../../base/random.js";

export type { ChunkedEnvelope, DataEnvelope, Envelope, EnvelopeChunk } from "./format.js";

export type { OpenBytesOptions, OpenOptions, SealOptions } from "./options.js";

/** What JSON can say: RFC 8259. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

const IV_BYTES = 16;
const GZIP_FRAME = 64;

const SEAL: KeyNeed = { operation: "encrypt", usages: ["D0"], algorithms: ["AES"] };
const OPEN: KeyNeed = { operation: "decrypt", usages: ["D0"], algorithms: ["AES"] };

/**
 * Seals a JSON value: AES-CBC with PKCS#7 padding under a fresh random IV, by default over the hex text of the JSON. Source: "MSK
 * encrypt/decrypt on POS" of the protocol's end-to-end example.
 *
 * `JSON.stringify` writes the value, with its rules: members that are undefined or functions are left out, NaN becomes null. An
 * envelope has no MAC: what must not be altered on its way is signed with `signRequest`.
 *
 * @param key AES, usage D0, mode of use E, B or N (MSK, TDK)
 * @param options hex or raw plaintext, check value of the key, gzip, chunks
 * @returns an object ready for `JSON.stringify`: `TR31-DATA`, or `TR31-DATA-CHUNKED` where gzip made more than `chunkBytes`
 * @throws `ERR_INVALID_ARGUMENT` for options, and for a value that is no JSON: undefined, a function, BigInt, cycles; bytes go to
 *   `sealEnvelopeBytes`
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_NO_RANDOM`
 * @example
 * ```ts
 * import { generateKey, openEnvelope, sealEnvelope } from "viopay-pos-crypto";
 *
 * const msk = generateKey({ algorithm: "AES", usage: "D0", bits: 256 });
 * const body = JSON.stringify(sealEnvelope(msk, { amount: { value: "1500", currency: "EUR" } }));
 * console.log(JSON.stringify(openEnvelope(msk, JSON.parse(body)))); // prints {"amount":{"value":"1500","currency":"EUR"}}
 * msk.destroy();
 * ```
 * @example Large values, compressed and in chunks
 * ```ts
 * import { generateKey, openEnvelope, sealEnvelope } from "viopay-pos-crypto";
 *
 * const msk = generateKey({ algorithm: "AES", usage: "D0", bits: 256 });
 * const parameters = Array.from({ length: 2000 }, (_, i) => ({ bin: 400000 + 17 * i * i }));
 * const sealed = sealEnvelope(msk, parameters, { gzip: true, chunkBytes: 2048, includeKcv: true });
 * console.log(sealed.format, sealed.key_kcv?.length); // prints TR31-DATA-CHUNKED 6
 * console.log(JSON.stringify(openEnvelope(msk, sealed)) === JSON.stringify(parameters)); // prints true
 * msk.destroy();
 * ```
 */
export function sealEnvelope(key: SecretKey, value: JsonValue | object, options?: SealOptions): Envelope {
  const at = requireUse(key, "key", SEAL);
  const settings = readSealOptions(options);
  const json = toJson(value);
  if (!settings.gzip) return sealData(key, at, json, settings);
  const bytes = encodeUtf8(json);
  try {
    return sealCompressed(key, at, bytes, settings);
  } finally {
    wipe(bytes);
  }
}

/**
 * Seals bytes, as {@link sealEnvelope} seals JSON.
 *
 * @param key AES, usage D0, mode of use E, B or N
 * @param bytes any number; a copy is not kept
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_NO_RANDOM`
 * @example
 * ```ts
 * import { generateKey, openEnvelopeBytes, sealEnvelopeBytes } from "viopay-pos-crypto";
 *
 * const tdk = generateKey({ algorithm: "AES", usage: "D0", bits: 128 });
 * const sealed = sealEnvelopeBytes(tdk, Uint8Array.of(1, 2, 3), { plaintextEncoding: "raw" });
 * console.log(openEnvelopeBytes(tdk, sealed, { plaintextEncoding: "raw" }).join()); // prints 1,2,3
 * tdk.destroy();
 * ```
 */
export function sealEnvelopeBytes(key: SecretKey, bytes: Uint8Array, options?: SealOptions): Envelope {
  const at = requireUse(key, "key", SEAL);
  const settings = readSealOptions(options);
  assertBytes("bytes", bytes);
  if (settings.gzip) return sealCompressed(key, at, bytes, settings);
  return sealData(key, at, bytes, settings);
}

/**
 * Opens an envelope of JSON, the inverse of {@link sealEnvelope}: `TR31-DATA` and `TR31-DATA-CHUNKED`, gzipped or not. Hex text of
 * anything but an object or an array is told apart only where `plaintextEncoding` is said, and so is a bare number.
 *
 * CBC without a MAC does not authenticate: limit how often a program answers `ERR_ENVELOPE_OPEN`.
 *
 * @param key AES, usage D0, mode of use D, B or N
 * @param envelope as it came out of `JSON.parse`
 * @param options by default hex or raw plaintext is told apart, and 16 MiB is the limit after gunzip
 * @throws `ERR_ENVELOPE_FORMAT` for what is no envelope, naming the member
 * @throws `ERR_ENVELOPE_KEY` where `key_kcv` is another key's
 * @throws `ERR_ENVELOPE_OPEN` for everything else that is wrong with it: padding, hex, gzip, size, UTF-8, JSON, one error for all
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 * @example
 * ```ts
 * import { importKey, openEnvelope } from "viopay-pos-crypto";
 *
 * const msk = importKey("8A3F0C61D2957EB41F60C8A5937B2ED4460D19F7AC5283E0B7D46A1895C3F20E", { algorithm: "AES", usage: "D0" });
 * const envelope = {
 *   format: "TR31-DATA",
 *   ciphertext: "3F0119543F34D675310EA97B04DC2941FE47D2414987250DB6FD82FDCF76EE3D3BB4FD4128FC191EA76A5F07178E162B",
 *   initialization_vector: "000102030405060708090A0B0C0D0E0F",
 *   mode: "CBC",
 * };
 * console.log(JSON.stringify(openEnvelope(msk, envelope))); // prints {"amount":"1500"}
 * msk.destroy();
 * ```
 */
export function openEnvelope(key: SecretKey, envelope: unknown, options?: OpenOptions): JsonValue {
  const at = requireUse(key, "key", OPEN);
  const { encoding, formats, maxBytes } = readOpenOptions(options);
  const read = readFor(key, envelope, formats, maxBytes);
  const text = openText(at, read, encoding, maxBytes);
  const value = text === undefined ? undefined : parseJson(text);
  const ambiguous = encoding === "auto" && !read.gzip && typeof value === "number";
  if (value === undefined || ambiguous) throw unopenable(read);
  return value;
}

/**
 * Opens an envelope of bytes, the inverse of {@link sealEnvelopeBytes}.
 *
 * @param key AES, usage D0, mode of use D, B or N
 * @param envelope as it came out of `JSON.parse`
 * @param options `plaintextEncoding` must be said: bytes do not tell
 * @returns a fresh array, the caller's to wipe
 * @throws `ERR_ENVELOPE_FORMAT`, `ERR_ENVELOPE_KEY`, `ERR_ENVELOPE_OPEN`, `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`,
 *   `ERR_KEY_DESTROYED` as {@link openEnvelope}
 */
export function openEnvelopeBytes(key: SecretKey, envelope: unknown, options: OpenBytesOptions): Uint8Array {
  const at = requireUse(key, "key", OPEN);
  const { encoding, formats, maxBytes } = readOpenBytesOptions(options);
  const read = readFor(key, envelope, formats, maxBytes);
  const bytes = openBytes(at, read, encoding, maxBytes);
  if (bytes === undefined) throw unopenable(read);
  return bytes;
}

function sealCompressed(key: SecretKey, at: KeyInternals, bytes: Uint8Array, settings: SealSettings): Envelope {
  const compressed = gzip(bytes);
  try {
    if (compressed.length <= settings.chunkBytes) {
      const sealed = seal(at, compressed, settings.encoding);
      return { format: "TR31-DATA", ...sealed, content_encoding: "gzip", ...kcvMember(key, settings) };
    }
    const chunks: EnvelopeChunk[] = [];
    for (let from = 0; from < compressed.length; from += settings.chunkBytes) {
      chunks.push(seal(at, compressed.subarray(from, from + settings.chunkBytes), settings.encoding));
    }
    return { format: "TR31-DATA-CHUNKED", content_encoding: "gzip", mode: "CBC", ...kcvMember(key, settings), chunks };
  } finally {
    wipe(compressed);
  }
}

function sealData(key: SecretKey, at: KeyInternals, plaintext: string | Uint8Array, settings: SealSettings): DataEnvelope {
  const { ciphertext, initialization_vector } = seal(at, plaintext, settings.encoding);
  const envelope: DataEnvelope = { format: "TR31-DATA", ciphertext, initialization_vector, mode: "CBC" };
  if (settings.includeKcv) envelope.key_kcv = shortCheckValue(key);
  return envelope;
}

function seal({ backend, slot }: KeyInternals, plaintext: string | Uint8Array, encoding: "hex" | "raw"): EnvelopeChunk {
  const iv = publicRandomBytes(IV_BYTES);
  const ciphertext = backend.seal(slot, iv, plaintext, encoding);
  return { ciphertext, initialization_vector: encodeHex(iv), mode: "CBC" };
}

function kcvMember(key: SecretKey, settings: SealSettings): Pick<DataEnvelope, "key_kcv"> {
  return settings.includeKcv ? { key_kcv: shortCheckValue(key) } : {};
}

function shortCheckValue(key: SecretKey): string {
  return checkValuesOf(key).cmac.slice(0, 6);
}

function toJson(value: unknown): string {
  const expected = "a JSON value";
  if (isBytes(value)) throw invalidArgument("value", expected, "bytes");
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    throw invalidArgument("value", expected, "an object that JSON cannot express");
  }
  if (json === undefined) throw invalidArgument("value", expected, describeType(value));
  escapes ??= JSON.stringify("\ud800").length > 3;
  return escapes ? json : json.replace(SURROGATES, escapeLone);
}

/** Whether the engine writes a lone surrogate as an escape, which UTF-8 can carry: since ES2019, Chrome 72. */
let escapes: boolean | undefined;

const SURROGATES = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;

function escapeLone(found: string): string {
  return found.length === 2 ? found : `\\u${found.charCodeAt(0).toString(16)}`;
}

/** The envelope's parts, once the check value is this key's and the sizes are possible. */
function readFor(key: SecretKey, envelope: unknown, formats: readonly EnvelopeFormat[], maxBytes: number): ReadEnvelope {
  const read = readEnvelope(envelope, formats);
  if (read.keyKcv !== undefined) {
    const { cmac, legacy } = checkValuesOf(key);
    if (!cmac.startsWith(read.keyKcv) && !legacy.startsWith(read.keyKcv)) {
      throw new PosCryptoError("ERR_ENVELOPE_KEY", "the envelope was sealed under another key: its key_kcv is not this key's");
    }
  }
  // Hex text doubles the plaintext, padding adds a block a part; gzip adds its header, trailer and 5 bytes to 16 KiB at the worst.
  const plaintext = read.gzip ? maxBytes + GZIP_FRAME + (maxBytes >>> 10) : maxBytes;
  if (ciphertextBytes(read) > 2 * plaintext + IV_BYTES * read.parts.length) throw unopenable(read);
  if (repeatsBlock(read)) throw unopenable(read);
  return read;
}

function ciphertextBytes({ parts }: ReadEnvelope): number {
  let bytes = 0;
  for (let i = 0; i < parts.length; i++) bytes += parts[i]!.ciphertext.length / 2;
  return bytes;
}

function openText(at: KeyInternals, read: ReadEnvelope, encoding: OpenEncoding, maxBytes: number): string | undefined {
  const first = read.parts[0];
  if (first !== undefined && read.parts.length === 1 && !read.gzip && ciphertextBytes(read) <= maxBytes) {
    return at.backend.openText(at.slot, first.iv, first.ciphertext, encoding);
  }
  const bytes = openBytes(at, read, encoding, maxBytes);
  if (bytes === undefined) return undefined;
  const text = decodeUtf8(bytes);
  wipe(bytes);
  return text;
}

function openBytes(at: KeyInternals, read: ReadEnvelope, encoding: OpenEncoding, maxBytes: number): Uint8Array | undefined {
  const plaintext = read.parts.length === 1 ? openPart(at, read.parts[0]!, encoding) : openParts(at, read, encoding);
  if (plaintext === undefined) return undefined;
  if (!read.gzip) {
    if (plaintext.length <= maxBytes) return plaintext;
    wipe(plaintext);
    return undefined;
  }
  try {
    return gunzip(plaintext, maxBytes);
  } finally {
    wipe(plaintext);
  }
}

function openPart({ backend, slot }: KeyInternals, part: ReadEnvelope["parts"][number], encoding: OpenEncoding) {
  return backend.open(slot, part.iv, part.ciphertext, encoding);
}

/**
 * Whether parts are hex text is a question to their concatenation; where each is by itself, as hosts send them, the answer is known.
 * `auto` need not look at what the text stands for: parts are always pieces of a gzip file, which is never hex text itself.
 */
function openParts(at: KeyInternals, read: ReadEnvelope, encoding: OpenEncoding): Uint8Array | undefined {
  const decodedParts = encoding === "raw" ? undefined : joinParts(at, read, "hex");
  if (decodedParts !== undefined) return decodedParts;
  const whole = joinParts(at, read, "raw");
  if (whole === undefined || encoding === "raw") return whole;
  const decoded = decodeHexText(whole);
  if (encoding === "auto" && decoded === undefined) return whole;
  wipe(whole);
  return decoded;
}

/** All parts are opened, even after one that fails. */
function joinParts(at: KeyInternals, read: ReadEnvelope, encoding: "hex" | "raw"): Uint8Array | undefined {
  const opened = read.parts.map((part) => openPart(at, part, encoding));
  const plaintexts = opened.filter((plaintext) => plaintext !== undefined);
  const whole = plaintexts.length === opened.length ? concatBytes(plaintexts) : undefined;
  // One by one: an envelope may have more chunks than a call has arguments.
  for (const plaintext of plaintexts) wipe(plaintext);
  return whole;
}

/** Bytes of ASCII hex text, or `undefined`. Without branch or index that depends on a digit, up to the verdict. */
function decodeHexText(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  let bad = 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigit(text[2 * i]!);
    const low = hexDigit(text[2 * i + 1]!);
    bad |= high | low;
    bytes[i] = (high << 4) | low;
  }
  if (bad >= 0) return bytes;
  wipe(bytes);
  return undefined;
}

/** 0 to 15, or a negative number. */
function hexDigit(code: number): number {
  const number = code - 0x30;
  const letter = (code | 0x20) - 0x61;
  const isNumber = ~((number | (9 - number)) >> 31);
  const isLetter = ~((letter | (5 - letter)) >> 31);
  return (number & isNumber) | ((letter + 10) & isLetter) | ~(isNumber | isLetter);
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function unopenable(read: ReadEnvelope): PosCryptoError {
  assertHexCiphertexts(read);
  return new PosCryptoError("ERR_ENVELOPE_OPEN", "the envelope cannot be opened");
}

interface CheckValues {
  readonly cmac: string;
  readonly legacy: string;
}

/** Check values are public and never change: five bytes of both methods in use for AES, computed once a key. */
const checkValues = /* @__PURE__ */ new WeakMap<SecretKey, CheckValues>();

function checkValuesOf(key: SecretKey): CheckValues {
  let values = checkValues.get(key);
  if (values === undefined) {
    values = {
      cmac: keyCheckValue(key, { method: "CMAC", length: 5 }),
      legacy: keyCheckValue(key, { method: "ANSI_X9_24", length: 5 }),
    };
    checkValues.set(key, values);
  }
  return values;
}
