/**
 * Request signatures of the POS protocol: HMAC-SHA-256 over a canonical text, sent as `v1=` and Base64 (RFC 4648 clause 4).
 *
 * Request:     METHOD LF PATH LF BODY LF TERMINAL_ID LF TIMESTAMP LF NONCE, with the MAC key. BODY is the encrypted envelope
 *              exactly as it is sent, nothing where there is no body; PATH is the request target as sent, query included.
 * Attestation: DEVICE_ID LF KEY_ID LF TIMESTAMP LF NONCE, with the device identity key.
 *
 * Only the body may hold control characters, so no two different requests have one text. Lone surrogates are refused
 * everywhere: their UTF-8 would be that of other texts, too. The texts are public; keys stay in their slots, and the
 * comparison of MACs is the backend's. Nothing here needs wiping.
 */
import { assertArray, assertObject, hasOwn, own, refusal } from "../base/arguments.js";
import type { MessagePart } from "../backend/contract.js";
import { assertBytes, decodeUtf8, isWellFormed } from "../base/bytes.js";
import { requireHmacSha256 } from "./ciphers.js";
import { invalidArgument } from "../base/errors.js";
import type { KeyInternals, SecretKey } from "./keys/key.js";
import { MOST_DRAWS, publicRandomBytes, stuckSource } from "../base/random.js";
import { isSentTimestamp, parseTimestamp } from "../base/timestamp.js";

/** What a payment request's signature covers. */
export interface RequestFields {
  /** Upper-case method, as `POST`. */
  readonly method: string;
  /** The request target as sent: the path with a `baseUrl` prefix and query, if any. */
  readonly path: string;
  /** The body exactly as sent. Absent and empty are the same. */
  readonly body?: string | Uint8Array | undefined;
  /** `X-Terminal-Id` of the request. */
  readonly terminalId: string;
  /** RFC 3339 in UTC. Signing accepts `YYYY-MM-DDThh:mm:ssZ`; verifying also accepts fractions and `+00:00`. */
  readonly timestamp: string;
  /** At least 12 letters and digits; see `createNonce`. */
  readonly nonce: string;
}

/** What an attestation's signature covers. */
export interface AttestationFields {
  /** `X-Device-Id` of the request. */
  readonly deviceId: string;
  /** `X-Key-Id` of the request. */
  readonly keyId: string;
  /** As in `RequestFields`. */
  readonly timestamp: string;
  /** As in `RequestFields`. */
  readonly nonce: string;
}

/** A request with the signature that came with it. */
export interface SignedRequest extends RequestFields {
  /** `v1=` and Base64. */
  readonly signature: string;
}

const VERSION = "v1=";
const NONCE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const NONCE_LENGTH = 22;
const SHORTEST_NONCE = 12;
const SLASH = 0x2f;
const LF = "\n";

/**
 * Signs a payment request: HMAC-SHA-256 over method, path, body, terminal id, timestamp and nonce, a line each. Source: "HMAC
 * signature string" of the protocol's end-to-end example.
 *
 * @param macKey HMAC with SHA-256, usage M7, mode of use G, C or N
 * @param fields the request exactly as it is sent
 * @returns `v1=` and 44 characters of Base64: the `X-Signature` header
 * @throws `ERR_INVALID_ARGUMENT` naming the field that no request may hold
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 * @example
 * ```ts
 * import { createNonce, generateKey, signRequest, verifyRequestSignature } from "viopay-pos-crypto";
 *
 * const macKey = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
 * const request = { method: "POST", path: "/pos/charge", body: "{}", terminalId: "TID-004812" };
 * const fields = { ...request, timestamp: "2025-12-13T14:35:00Z", nonce: createNonce() };
 * const signature = signRequest(macKey, fields);
 * console.log(signature.length, signature.slice(0, 3)); // prints 47 v1=
 * console.log(verifyRequestSignature(macKey, signature, fields)); // prints true
 * console.log(verifyRequestSignature(macKey, signature, { ...fields, body: "[]" })); // prints false
 * macKey.destroy();
 * ```
 */
export function signRequest(macKey: SecretKey, fields: RequestFields): string {
  const { backend, slot } = requireHmacSha256(macKey, "macKey", "macGenerate");
  const request = readRequest(fields);
  refuse(requestFault(request, isSentTimestamp));
  return VERSION + backend.hmacBase64(slot, requestText(request));
}

/**
 * Whether `signature` is `macKey`'s over `fields`, compared in constant time; the host's side of {@link signRequest}. Fields that
 * nobody may sign (control characters, a timestamp or nonce of another form) are `false`, too.
 *
 * It checks neither the time nor whether the nonce was seen before: that is the host's own state.
 *
 * @param macKey HMAC with SHA-256, usage M7, mode of use V, C or N
 * @throws `ERR_INVALID_ARGUMENT` for values of a wrong type
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 */
export function verifyRequestSignature(macKey: SecretKey, signature: string, fields: RequestFields): boolean {
  const at = requireHmacSha256(macKey, "macKey", "macVerify");
  const request = readRequest(fields);
  return matches(at, signature, requestFault(request, isTimestamp), requestText(request));
}

/**
 * Signs an attestation with the device identity key: HMAC-SHA-256 over device id, key id, timestamp and nonce, a line each.
 *
 * @param identityKey HMAC with SHA-256, usage M7, mode of use G, C or N
 * @returns `v1=` and 44 characters of Base64
 * @throws `ERR_INVALID_ARGUMENT` naming the field that no attestation may hold
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 * @example
 * ```ts
 * import { createNonce, generateKey, signAttestation, verifyAttestationSignature } from "viopay-pos-crypto";
 *
 * const identityKey = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
 * const identity = { deviceId: "POS-8F3A2C91", keyId: "device-id-key-2025-01" };
 * const fields = { ...identity, timestamp: "2025-12-13T14:25:30Z", nonce: createNonce() };
 * const signature = signAttestation(identityKey, fields);
 * console.log(verifyAttestationSignature(identityKey, signature, fields)); // prints true
 * identityKey.destroy();
 * ```
 */
export function signAttestation(identityKey: SecretKey, fields: AttestationFields): string {
  const { backend, slot } = requireHmacSha256(identityKey, "identityKey", "macGenerate");
  const attestation = readAttestation(fields);
  refuse(attestationFault(attestation, isSentTimestamp));
  return VERSION + backend.hmacBase64(slot, attestationText(attestation));
}

/**
 * Whether `signature` is `identityKey`'s over `fields`, compared in constant time; the host's side of {@link signAttestation}. It
 * checks neither the time nor replay.
 *
 * @param identityKey HMAC with SHA-256, usage M7, mode of use V, C or N
 * @throws `ERR_INVALID_ARGUMENT` for values of a wrong type
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 */
export function verifyAttestationSignature(identityKey: SecretKey, signature: string, fields: AttestationFields): boolean {
  const at = requireHmacSha256(identityKey, "identityKey", "macVerify");
  const attestation = readAttestation(fields);
  return matches(at, signature, attestationFault(attestation, isTimestamp), attestationText(attestation));
}

/**
 * The very text that {@link signRequest} signs: for logs and for comparing with what another implementation signed. Public.
 *
 * @throws `ERR_INVALID_ARGUMENT` naming the field that no request may hold, or a body that is not UTF-8
 * @example
 * ```ts
 * import { requestSignatureText } from "viopay-pos-crypto";
 *
 * const request = { method: "POST", path: "/pos/charge", body: "{}", terminalId: "TID-004812" };
 * const text = requestSignatureText({ ...request, timestamp: "2025-12-13T14:35:00Z", nonce: "5f1C2qLm8ZtR" });
 * console.log(text.split("\n").join(" | ")); // prints POST | /pos/charge | {} | TID-004812 | 2025-12-13T14:35:00Z | 5f1C2qLm8ZtR
 * ```
 */
export function requestSignatureText(fields: RequestFields): string {
  const request = readRequest(fields);
  refuse(requestFault(request, isTimestamp));
  return textOf(requestText(request));
}

/**
 * The very text that {@link signAttestation} signs. Public.
 *
 * @throws `ERR_INVALID_ARGUMENT` naming the field that no attestation may hold
 */
export function attestationSignatureText(fields: AttestationFields): string {
  const attestation = readAttestation(fields);
  refuse(attestationFault(attestation, isTimestamp));
  return textOf(attestationText(attestation));
}

/**
 * {@link signRequest} for many requests under one key.
 *
 * @returns the signatures, in the order of the requests
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` for the first request that cannot be signed
 * @example
 * ```ts
 * import { createNonce, generateKey, signRequests, verifyRequests } from "viopay-pos-crypto";
 *
 * const macKey = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
 * const request = { method: "POST", terminalId: "TID-004812", timestamp: "2025-12-13T14:35:00Z" };
 * const batch = ["/pos/cancel", "/pos/reverse"].map((path) => ({ ...request, path, nonce: createNonce() }));
 * const signatures = signRequests(macKey, batch);
 * const received = batch.map((fields, i) => ({ ...fields, signature: signatures[i]! }));
 * console.log(verifyRequests(macKey, received).join()); // prints true,true
 * macKey.destroy();
 * ```
 */
export function signRequests(macKey: SecretKey, batch: readonly RequestFields[]): string[] {
  assertArray("batch", batch);
  return Array.from(batch, (fields) => signRequest(macKey, fields));
}

/**
 * {@link verifyRequestSignature} for many requests under one key; see {@link signRequests}.
 *
 * @returns a verdict for every request, in their order
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 */
export function verifyRequests(macKey: SecretKey, batch: readonly SignedRequest[]): boolean[] {
  assertArray("batch", batch);
  return Array.from(batch, (request) => {
    assertObject("batch", request);
    return verifyRequestSignature(macKey, own(request, "signature") as string, request);
  });
}

/**
 * A fresh nonce: 22 letters and digits, each equally likely (130 bits).
 *
 * @throws `ERR_NO_RANDOM` where the engine has no CSPRNG and none was given, or the one given fails
 * @example
 * ```ts
 * import { createNonce } from "viopay-pos-crypto";
 *
 * console.log(/^[A-Za-z0-9]{22}$/.test(createNonce())); // prints true
 * ```
 */
export function createNonce(): string {
  const fair = 256 - (256 % NONCE_ALPHABET.length);
  let nonce = "";
  for (let draws = 0; nonce.length < NONCE_LENGTH; draws++) {
    if (draws === MOST_DRAWS) throw stuckSource();
    for (const byte of publicRandomBytes(NONCE_LENGTH + 2)) {
      if (byte < fair && nonce.length < NONCE_LENGTH) nonce += NONCE_ALPHABET.charAt(byte % NONCE_ALPHABET.length);
    }
  }
  return nonce;
}

/** A request whose members were read and are of the right type. Internal. */
export type Request = Required<RequestFields> & { readonly body: string | Uint8Array };

/** A field that nobody may sign, with what it should be. */
type Fault = readonly [name: string, expected: string];

/** Throws `ERR_INVALID_ARGUMENT` for values of a wrong type. Internal. */
export function readRequest(fields: RequestFields): Request {
  assertObject("fields", fields);
  const given = hasOwn(fields, "body") ? fields.body : undefined;
  const body = given === undefined ? "" : given;
  if (typeof body !== "string") assertBytes("body", body);
  return {
    method: asText("method", hasOwn(fields, "method") ? fields.method : undefined),
    path: asText("path", hasOwn(fields, "path") ? fields.path : undefined),
    body,
    terminalId: asText("terminalId", hasOwn(fields, "terminalId") ? fields.terminalId : undefined),
    timestamp: asText("timestamp", hasOwn(fields, "timestamp") ? fields.timestamp : undefined),
    nonce: asText("nonce", hasOwn(fields, "nonce") ? fields.nonce : undefined),
  };
}

function readAttestation(fields: AttestationFields): AttestationFields {
  assertObject("fields", fields);
  return {
    deviceId: asText("deviceId", own(fields, "deviceId")),
    keyId: asText("keyId", own(fields, "keyId")),
    timestamp: asText("timestamp", own(fields, "timestamp")),
    nonce: asText("nonce", own(fields, "nonce")),
  };
}

/** The first field that nobody may sign. Internal. */
export function requestFault(request: Request, timestampIsRight: (text: string) => boolean): Fault | undefined {
  const { method, path, body, terminalId } = request;
  if (!isMethod(method)) return ["method", "upper-case letters"];
  if (path.charCodeAt(0) !== SLASH) return ["path", "a request target that begins with /"];
  if (typeof body === "string" && !isWellFormed(body)) return ["body", "text without lone surrogates"];
  return lineFault("path", path) ?? lineFault("terminalId", terminalId) ?? freshnessFault(request, timestampIsRight);
}

function attestationFault(attestation: AttestationFields, timestampIsRight: (text: string) => boolean): Fault | undefined {
  const { deviceId, keyId } = attestation;
  return lineFault("deviceId", deviceId) ?? lineFault("keyId", keyId) ?? freshnessFault(attestation, timestampIsRight);
}

function freshnessFault(
  { timestamp, nonce }: Pick<RequestFields, "timestamp" | "nonce">,
  timestampIsRight: (text: string) => boolean,
): Fault | undefined {
  if (!timestampIsRight(timestamp)) return ["timestamp", "an RFC 3339 time in UTC as 2025-12-13T14:25:30Z"];
  return isNonce(nonce) ? undefined : ["nonce", "at least 12 letters and digits"];
}

/** Upper-case letters, at least one. */
function isMethod(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x41 || code > 0x5a) return false;
  }
  return text !== "";
}

/** Letters and digits, `SHORTEST_NONCE` or more. */
function isNonce(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const lower = code | 0x20;
    if (!((code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a && code < 0x80))) return false;
  }
  return text.length >= SHORTEST_NONCE;
}

/** A line of its own is not empty and has no control character (C0, DEL, C1) and no lone surrogate. */
function lineFault(name: string, text: string): Fault | undefined {
  if (text === "") return [name, "text that is not empty"];
  let all = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return [name, "text without control characters"];
    all |= code;
  }
  return all < 0x80 || isWellFormed(text) ? undefined : [name, "text without lone surrogates"];
}

function refuse(fault: Fault | undefined): void {
  if (fault !== undefined) throw invalidArgument(fault[0], fault[1], "other content");
}

/** Internal. */
export function requestText({ method, path, body, terminalId, timestamp, nonce }: Request): MessagePart[] {
  return [method, LF, path, LF, body, LF, terminalId, LF, timestamp, LF, nonce];
}

function attestationText({ deviceId, keyId, timestamp, nonce }: AttestationFields): MessagePart[] {
  return [deviceId, LF, keyId, LF, timestamp, LF, nonce];
}

function textOf(parts: readonly MessagePart[]): string {
  return parts.map((part) => (typeof part === "string" ? part : utf8Body(part))).join("");
}

function utf8Body(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw invalidArgument("body", "UTF-8 text", "other bytes");
  return text;
}

function matches({ backend, slot }: KeyInternals, signature: unknown, fault: Fault | undefined, text: MessagePart[]): boolean {
  const given = asText("signature", signature);
  if (fault !== undefined || !given.startsWith(VERSION)) return false;
  return backend.hmacBase64Equals(slot, text, given.slice(VERSION.length));
}

/** What verifying accepts: what is signed, fractions and `+00:00`. Internal. */
export function isTimestamp(text: string): boolean {
  return isSentTimestamp(text) || parseTimestamp(text) !== undefined;
}

function asText(name: string, value: unknown): string {
  if (typeof value !== "string") throw refusal(name, "text", value);
  return value;
}
