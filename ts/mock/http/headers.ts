/**
 * The request headers of the protocol and the form that each has.
 *
 * A missing or malformed header is 400/4000 and names the header; whether its content is right is decided elsewhere (auth.ts).
 */
import { parseTimestamp } from "../../base/timestamp.js";
import { badRequest } from "./errors.js";

/** `POS-` and eight hexadecimal digits. */
const DEVICE_ID = /^POS-[0-9A-Fa-f]{8}$/;
/** `Viopay-POS/{version} ({OS}; {model})`. */
const USER_AGENT = /^Viopay-POS\/[0-9]+(?:\.[0-9]+){0,3}(?:[-+][0-9A-Za-z.+-]+)? \([^();]+; ?[^();]+\)$/;
const IDENTIFIER = /^[\x21-\x7e]{1,128}$/;
const NONCE = /^[A-Za-z0-9]{12,128}$/;
const SIGNATURE = /^v1=[A-Za-z0-9+/]{1,128}={0,2}$/;
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

function required(headers: Headers, name: string): string {
  const value = headers.get(name);
  if (value === null || value === "") throw badRequest(`Missing header ${name}`, { header: name });
  return value;
}

function matching(headers: Headers, name: string, pattern: RegExp): string {
  const value = required(headers, name);
  if (!pattern.test(value)) throw malformed(name);
  return value;
}

function malformed(name: string): Error {
  return badRequest(`Malformed header ${name}`, { header: name });
}

export function readDeviceId(headers: Headers): string {
  return matching(headers, "X-Device-Id", DEVICE_ID);
}

/** `X-Client-Type` and `User-Agent`. A browser cannot set its User-Agent, so there its form is not looked at. */
export function checkClient(headers: Headers): void {
  if (required(headers, "X-Client-Type") !== "pos") throw malformed("X-Client-Type");
  const userAgent = required(headers, "User-Agent");
  if (!headers.has("Sec-Fetch-Mode") && !USER_AGENT.test(userAgent)) throw malformed("User-Agent");
}

export interface SignatureHeaders {
  keyId: string;
  /** As sent: this text is what was signed. */
  timestamp: string;
  /** Milliseconds since the epoch. */
  time: number;
  nonce: string;
  signature: string;
}

export function readSignatureHeaders(headers: Headers): SignatureHeaders {
  const keyId = matching(headers, "X-Key-Id", IDENTIFIER);
  const timestamp = required(headers, "X-Timestamp");
  const time = parseTimestamp(timestamp);
  if (time === undefined) throw malformed("X-Timestamp");
  const nonce = matching(headers, "X-Nonce", NONCE);
  return { keyId, timestamp, time, nonce, signature: matching(headers, "X-Signature", SIGNATURE) };
}

export function readTerminalId(headers: Headers): string {
  return matching(headers, "X-Terminal-Id", IDENTIFIER);
}

/** Optional: 1 to 255 printable ASCII characters. */
export function readIdempotencyKey(headers: Headers): string | undefined {
  const value = headers.get("Idempotency-Key");
  if (value === null) return undefined;
  if (!IDEMPOTENCY_KEY.test(value)) throw malformed("Idempotency-Key");
  return value;
}

/** Credentials of `Authorization: {scheme} {credentials}`; the scheme in either case (RFC 9110 11.1). */
export function readCredentials(headers: Headers, scheme: string): string | undefined {
  const match = /^([A-Za-z]+) +([\x21-\x7e]+)$/.exec(headers.get("Authorization") ?? "");
  return match?.[1]?.toLowerCase() === scheme.toLowerCase() ? match[2] : undefined;
}
