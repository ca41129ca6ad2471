/**
 * The header sets of the protocol's authentication levels. Every value is checked when it enters, so that none can carry a line
 * break or a character a proxy would rewrite.
 */
import { describeType, invalidArgument } from "../../base/errors.js";
import type { SecretKey } from "../../core/keys/key.js";
import { createNonce, signAttestation, signRequest } from "../../core/signing.js";

/** Who the terminal says it is: public values. */
export interface TerminalIdentity {
  readonly deviceId: string;
  readonly identityKeyId: string;
  readonly appVersion: string;
  readonly os: string;
  readonly model: string;
}

type Headers = Record<string, string>;

const DEVICE_ID = /^POS-[0-9A-Fa-f]{8}$/;
const IDENTIFIER = /^[\x21-\x7e]{1,255}$/;
const AGENT_PART = /^[!-'*-:<-~](?:[ -'*-:<-~]{0,62}[!-'*-:<-~])?$/;
const VERSION = /^\d{1,9}(?:\.\d{1,9}){0,3}(?:-[0-9A-Za-z.-]{1,32})?$/;

export function checkIdentity(identity: TerminalIdentity): void {
  checkText("deviceId", identity.deviceId, DEVICE_ID, "POS- and 8 hexadecimal digits");
  checkText("identityKeyId", identity.identityKeyId, IDENTIFIER, "1 to 255 printable characters without blanks");
  checkText("appVersion", identity.appVersion, VERSION, "a version such as 1.4.2");
  checkText("os", identity.os, AGENT_PART, "1 to 64 printable ASCII characters other than ( ) ;");
  checkText("model", identity.model, AGENT_PART, "1 to 64 printable ASCII characters other than ( ) ;");
}

/** Throws `ERR_INVALID_ARGUMENT` unless `value` is a text of that form. */
export function checkText(name: string, value: unknown, pattern: RegExp, expected: string): asserts value is string {
  if (typeof value !== "string") throw invalidArgument(name, expected, describeType(value));
  if (!pattern.test(value)) throw invalidArgument(name, expected, `${value.length} characters`);
}

function userAgent(identity: TerminalIdentity): string {
  return `Viopay-POS/${identity.appVersion} (${identity.os}; ${identity.model})`;
}

/** Bootstrap, pairing code, status. */
export function activationHeaders(identity: TerminalIdentity): Headers {
  return { "X-Device-Id": identity.deviceId, "User-Agent": userAgent(identity), "X-Client-Type": "pos" };
}

/** Attest: signs device id, key id, timestamp and nonce with the device's identity key. */
export function attestHeaders(identity: TerminalIdentity, identityKey: SecretKey, timestamp: string): Headers {
  const nonce = createNonce();
  const { deviceId, identityKeyId: keyId } = identity;
  return {
    ...activationHeaders(identity),
    "X-Key-Id": keyId,
    "X-Timestamp": timestamp,
    "X-Nonce": nonce,
    "X-Signature": signAttestation(identityKey, { deviceId, keyId, timestamp, nonce }),
  };
}

/** Keys, config, terminal parameters, activate. */
export function attestationHeaders(identity: TerminalIdentity, token: string): Headers {
  return { Authorization: `Attestation ${token}`, "X-Device-Id": identity.deviceId };
}

export interface PaymentHeaderFields {
  readonly macKey: SecretKey;
  readonly macKeyId: string;
  readonly terminalId: string;
  readonly timestamp: string;
  readonly method: "POST";
  /** The request target on the wire. */
  readonly target: string;
  readonly body?: string | undefined;
  readonly idempotencyKey?: string | undefined;
}

/** Charge, refund, cancel, reverse: signs the request with the body exactly as sent, an empty line where there is none. */
export function paymentHeaders(identity: TerminalIdentity, fields: PaymentHeaderFields): Headers {
  const { terminalId, timestamp, method, target: path, body = "" } = fields;
  const nonce = createNonce();
  const headers: Headers = {
    "X-Terminal-Id": terminalId,
    "X-Timestamp": timestamp,
    "X-Nonce": nonce,
    "X-Key-Id": fields.macKeyId,
    "X-Signature": signRequest(fields.macKey, { method, path, body, terminalId, timestamp, nonce }),
    "X-Client-Type": "pos",
    "User-Agent": userAgent(identity),
  };
  if (fields.idempotencyKey !== undefined) headers["Idempotency-Key"] = fields.idempotencyKey;
  return headers;
}

/** Blanks at either end would be lost on the way. */
export const IDEMPOTENCY_KEY = /^[!-~](?:[ -~]{0,253}[!-~])?$/;

/** What `X-Key-Id` may carry. */
export const KEY_ID = IDENTIFIER;
