/**
 * JSON Web Tokens (RFC 7519) in the compact form of JWS (RFC 7515 7.1) under HS256 (RFC 7518 3.2), for the development secret of the
 * merchant portal. Only this algorithm is accepted, whatever a token's header asks for.
 *
 * The module's HMAC computes it, so that the mock runs where the realm of `TextEncoder` is not that of `Uint8Array` (jsdom) and where
 * there is no WebCrypto. Claims are public; the secret stays in its key.
 */
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from "../base/bytes.js";
import { hmacSha256, verifyMac } from "../core/ciphers.js";
import type { SecretKey } from "../core/keys/key.js";

/** Times are seconds since the epoch (RFC 7519 2, NumericDate). */
export interface Claims {
  readonly exp?: unknown;
  readonly nbf?: unknown;
  readonly iss?: unknown;
  readonly aud?: unknown;
  readonly [name: string]: unknown;
}

export function signHs256(key: SecretKey, claims: Claims): string {
  const text = `${encodePart(JSON.stringify({ alg: "HS256", typ: "JWT" }))}.${encodePart(JSON.stringify(claims))}`;
  return `${text}.${toUrlForm(encodeBase64(hmacSha256(key, encodeUtf8(text))))}`;
}

/** The claims of a token whose signature holds, or `undefined` whatever is wrong with it. Times and audience are the caller's to judge. */
export function verifyHs256(key: SecretKey, token: string): Claims | undefined {
  const [header, payload, signature, ...more] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
  const mac = decodePart(signature);
  if (mac?.length !== 32 || !verifyMac(key, encodeUtf8(`${header}.${payload}`), mac, { algorithm: "HMAC-SHA-256" }))
    return undefined;
  const { alg, crit } = decodeObject(header) ?? {};
  // RFC 7515 4.1.11: what is critical and not understood is refused; nothing is understood here.
  return alg === "HS256" && crit === undefined ? decodeObject(payload) : undefined;
}

function encodePart(text: string): string {
  return toUrlForm(encodeBase64(encodeUtf8(text)));
}

/** RFC 7515 2: Base64url without padding. */
function toUrlForm(base64: string): string {
  return base64.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
}

function decodePart(part: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return undefined;
  const base64 = part.replaceAll("-", "+").replaceAll("_", "/");
  return decodeBase64(base64.padEnd(4 * Math.ceil(base64.length / 4), "="));
}

function decodeObject(part: string): Claims | undefined {
  const bytes = decodePart(part);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    // Without a prototype: a claim that is absent is asked for, too.
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.assign(Object.create(null), value)
      : undefined;
  } catch {
    return undefined;
  }
}
