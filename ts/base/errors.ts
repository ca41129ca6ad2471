/**
 * The one error class of the library and its stable codes.
 *
 * Failures of one kind are indistinguishable: same class, code and message. No message ever holds key material, a PIN, a PAN,
 * plaintext or the content of a block: lengths, field names and public header values only.
 */
import { isBytes } from "./byte-array.js";

/** Every code, grouped by who must act. */
export type PosErrorCode =
  // integrator: the call is wrong
  | "ERR_INVALID_ARGUMENT"
  | "ERR_NOT_LOADED"
  | "ERR_BACKEND_UNAVAILABLE"
  | "ERR_NO_RANDOM"
  | "ERR_KEY_USAGE"
  | "ERR_KEY_DESTROYED"
  | "ERR_KEY_CAPACITY"
  | "ERR_KEY_NOT_EXTRACTABLE"
  | "ERR_KEY_NOT_EXPORTABLE"
  // whoever made the key block, or holds the other copy of the key
  | "ERR_KEY_BLOCK_SYNTAX"
  | "ERR_KEY_BLOCK_VERSION"
  | "ERR_KEY_BLOCK_PROPRIETARY"
  | "ERR_KEY_BLOCK_KBPK"
  | "ERR_KEY_BLOCK_MAC"
  | "ERR_KEY_BLOCK_PAYLOAD"
  | "ERR_KEY_BLOCK_POLICY"
  | "ERR_KCV_MISMATCH"
  | "ERR_KEY_COMPONENTS"
  | "ERR_KEY_SET"
  // a message from the other side
  | "ERR_ENVELOPE_FORMAT"
  | "ERR_ENVELOPE_KEY"
  | "ERR_ENVELOPE_OPEN"
  | "ERR_DECRYPT"
  | "ERR_PIN_BLOCK"
  | "ERR_PIN_TRANSLATION"
  // DUKPT: the KSN, and a terminal's state
  | "ERR_KSN"
  | "ERR_DUKPT_EXHAUSTED"
  | "ERR_DUKPT_STATE"
  // the protocol (client)
  | "ERR_STATE"
  | "ERR_VERSION_TOO_OLD"
  | "ERR_PAIRING_EXPIRED"
  | "ERR_HOST"
  | "ERR_HOST_RESPONSE"
  | "ERR_NETWORK"
  | "ERR_TIMEOUT"
  | "ERR_ABORTED"
  | "ERR_STORE"
  // the mock server and the command line
  | "ERR_PROVISION"
  | "ERR_COMMAND_LINE";

/** What an error carries beside its code and message. */
export interface PosErrorOptions {
  /** The error that led to this one, as in ECMAScript's `Error`. */
  cause?: unknown;
  /** Public facts for programs, as in a host's error envelope: never secrets. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class of the library. `code` is stable, the message is for people; neither holds a key, PIN, PAN, plaintext or
 * the content of a block. docs/errors.md says, for every code, who must act and whether trying again can help.
 *
 * @example
 * ```ts
 * import { importKey, PosCryptoError } from "viopay-pos-crypto";
 *
 * try {
 *   importKey("00112233", { algorithm: "AES", usage: "D0" });
 * } catch (error) {
 *   if (!(error instanceof PosCryptoError)) throw error;
 *   console.log(error.code); // prints ERR_INVALID_ARGUMENT
 *   console.log(error.message); // prints "material" must be 16, 24 or 32 bytes, got 4
 * }
 * ```
 */
export class PosCryptoError extends Error {
  /** `PosCryptoError`. */
  override readonly name = "PosCryptoError";
  /** Stable across versions: what programs compare. */
  readonly code: PosErrorCode;
  /** Public facts for programs, as in a host's error envelope: never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;

  /** Made by the library; public, so that stores and transports of an app's own can fail in the same way. */
  constructor(code: PosErrorCode, message: string, options: PosErrorOptions = {}) {
    // Own properties only: what pollutes `Object.prototype` does not show up in errors.
    const { cause, details }: PosErrorOptions = Object.assign(Object.create(null), options);
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (details !== undefined) this.details = details;
  }

  /** For loggers: `JSON.stringify` leaves out the message of an error otherwise. */
  toJSON(): { name: string; code: PosErrorCode; message: string; details?: Readonly<Record<string, unknown>> } {
    const { name, code, message, details } = this;
    return details === undefined ? { name, code, message } : { name, code, message, details };
  }
}

/** The one form of `ERR_INVALID_ARGUMENT`: `"iv" must be 16 bytes, got 15`. */
export function invalidArgument(name: string, expected: string, got: string | number): PosCryptoError {
  return new PosCryptoError("ERR_INVALID_ARGUMENT", `"${name}" must be ${expected}, got ${got}`);
}

/** What a wrong value is, for `invalidArgument`: its type only, since its content may be a secret. */
export function describeType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (isBytes(value)) return "bytes";
  return typeof value === "object" ? "an object" : typeof value;
}
