/**
 * Key check values as people exchange them: ANSI X9.24-1:2017 annex A, HMAC over the empty message, GlobalPlatform's.
 *
 * A check value is public; comparing it is done in constant time all the same, since near misses say something about a key.
 */
import type { HashName } from "../../backend/contract.js";
import { assertBytes, decodeHex, encodeHex, isHex, wipe } from "../../base/bytes.js";
import {
  checkValueBytes,
  KCV_METHODS,
  type KcvMethod,
  LONGEST_EXCHANGED,
  longestCheckValue,
  methodsFor,
  usualMethods,
} from "./check-value-methods.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { attributesOf, internals, type SecretKey } from "./handle.js";
import {
  assertObject,
  choice,
  type NumberBounds,
  own,
  refusal,
  wholeNumber,
  wordList,
  wordRefusal,
} from "../../base/arguments.js";
import { HASH_NAMES, type KeyAlgorithm, type KeyInternals } from "./attributes.js";

export type { KcvMethod } from "./check-value-methods.js";

/** A check value by private agreement: the leading bytes of HMAC with `hash` over `message`, for keys core cannot encrypt with. */
export interface HashKcvMethod {
  /** Of the HMAC. */
  hash: HashName;
  /** What both sides have agreed to hash. */
  message: Uint8Array;
}

/** How a check value is computed. */
export interface KeyCheckValueOptions {
  /** Default: CMAC for AES, ANSI_X9_24 for TDES and DES, HMAC for HMAC. */
  method?: KcvMethod;
  /** Bytes, from 2 to the cipher block: 16 for AES, 8 for TDES and DES; to 8 for HMAC. Default 3. */
  length?: number;
}

/** How a check value is compared. */
export interface VerifyKeyCheckValueOptions {
  /** `auto` (default) tries CMAC and ANSI_X9_24 for AES and TDES, the algorithm's usual one first, and HMAC for HMAC. */
  method?: "auto" | KcvMethod | HashKcvMethod;
  /** The bytes that `expected` must have, from 2 to the cipher block. Without it, 2 to 8 are accepted. */
  length?: number;
}

/** Two bytes are the least that anyone exchanges. */
function lengthBounds(algorithm: KeyAlgorithm): NumberBounds {
  return { min: 2, max: longestCheckValue(algorithm), unit: "bytes" };
}

/** The method named, or the usual one. Throws `ERR_INVALID_ARGUMENT` for one that the algorithm does not have. Internal. */
export function methodFor(algorithm: KeyAlgorithm, method: unknown): KcvMethod {
  const methods = methodsFor(algorithm);
  const first = methods[0];
  if (first === undefined)
    throw new PosCryptoError("ERR_KEY_USAGE", `"key" has algorithm ${algorithm}, which has no check value of its own`);
  if (method === undefined) return first;
  const found = methods.find((name) => name === method);
  if (found === undefined) {
    throw wordRefusal("method", `${wordList(methods)} for a key of algorithm ${algorithm}`, method, KCV_METHODS);
  }
  return found;
}

/**
 * The check value of a key, to be compared with a key letter or a host. A key of any usage may be checked.
 *
 * @param options method and length; by default CMAC for AES, ANSI_X9_24 for TDES and DES, HMAC for HMAC, and 3 bytes
 * @returns upper-case hex, two digits a byte
 * @throws `ERR_INVALID_ARGUMENT` for a method that the algorithm does not have, or a length outside 2 to the cipher block
 * @throws `ERR_KEY_USAGE` for algorithms that have no check value (RSA, EC, DSA, OPAQUE)
 * @throws `ERR_KEY_DESTROYED`
 * @example
 * ```ts
 * import { importKey, keyCheckValue } from "viopay-pos-crypto";
 *
 * const key = importKey("3F419E1CB7079442AA37474C2EFBF8B8", { algorithm: "AES", usage: "P0" });
 * console.log(keyCheckValue(key)); // prints 08793E
 * console.log(keyCheckValue(key, { method: "ANSI_X9_24", length: 5 })); // prints E5E07CBB89
 * key.destroy();
 * ```
 */
export function keyCheckValue(key: SecretKey, options: KeyCheckValueOptions = {}): string {
  assertObject("options", options);
  const { backend, slot } = internals(key, "key");
  const { algorithm, hash } = attributesOf(key, "key");
  const length = wholeNumber(options, "length", { ...lengthBounds(algorithm), fallback: 3 });
  const method = methodFor(algorithm, own(options, "method"));
  return encodeHex(checkValueBytes(backend, slot, algorithm, method, hash, length));
}

/**
 * A stated check value as bytes: 4 to 16 hex digits, which spaces may group, or those that `length` bytes have. `name` is the
 * argument's. Throws `ERR_INVALID_ARGUMENT`. Internal.
 */
export function readCheckValue(name: string, expected: unknown, length?: number): Uint8Array {
  if (typeof expected !== "string") throw refusal(name, "hex text", expected);
  const digits = expected.replace(/([0-9A-Fa-f]) +(?=[0-9A-Fa-f])/g, "$1");
  const [least, most] = length === undefined ? [4, 2 * LONGEST_EXCHANGED] : [2 * length, 2 * length];
  const form = length === undefined ? `${least} to ${most} hex digits, an even number` : `${most} hex digits`;
  const suits = digits.length >= least && digits.length <= most && digits.length % 2 === 0;
  if (!suits) throw invalidArgument(name, form, `${digits.length} characters`);
  if (!isHex(digits)) throw invalidArgument(name, form, "other characters");
  return decodeHex(name, digits);
}

function privateMethod(method: object): HashKcvMethod {
  assertObject("method", method);
  const hash = choice(method as HashKcvMethod, "hash", HASH_NAMES, undefined, "method.");
  const message: unknown = own(method as HashKcvMethod, "message");
  assertBytes("method.message", message);
  return { hash, message };
}

/** What was compared, and what else there is. Never a value: the key's would help a guess. */
function mismatch(bytes: number, tried: readonly KcvMethod[], algorithm: KeyAlgorithm): PosCryptoError {
  const others = methodsFor(algorithm).filter((method) => !tried.includes(method));
  const by = tried.length === 0 ? "the method given" : wordList(tried).replace(" or ", " and ");
  const more = others.length === 0 ? "" : `; pass method: ${wordList(others)} if the other side uses it`;
  const message = `The key's check value is not the expected one (${2 * bytes} digits compared by ${by})${more}`;
  return new PosCryptoError("ERR_KCV_MISMATCH", `${message}; explainKeyCheckValue shows near misses`, {
    details: { methods: [...tried] },
  });
}

/**
 * Compares a key's check value with a stated one in constant time, and says which method matched.
 *
 * @param expected hex of either case: 4 to 16 digits, or 2 x `length`; spaces may group them
 * @returns the method that matched
 * @throws `ERR_KCV_MISMATCH`: this is not the key that the other side means, or they use another method; `details.methods` lists
 *   the methods tried
 * @throws `ERR_INVALID_ARGUMENT` for a check value or a method that is malformed, or that the algorithm does not have
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` as `keyCheckValue`
 * @example
 * ```ts
 * import { importKey, verifyKeyCheckValue } from "viopay-pos-crypto";
 *
 * const key = importKey("3F419E1CB7079442AA37474C2EFBF8B8", { algorithm: "AES", usage: "P0" });
 * console.log(verifyKeyCheckValue(key, "08793e").method); // prints CMAC
 * key.destroy();
 * ```
 */
export function verifyKeyCheckValue(
  key: SecretKey,
  expected: string,
  options: VerifyKeyCheckValueOptions = {},
): { method: KcvMethod | HashKcvMethod } {
  assertObject("options", options);
  const { backend, slot } = internals(key, "key");
  const { algorithm, hash } = attributesOf(key, "key");
  const length = own(options, "length") === undefined ? undefined : wholeNumber(options, "length", lengthBounds(algorithm));
  const wanted = readCheckValue("expected", expected, length);
  const method = own(options, "method", "auto");
  if (typeof method === "object") {
    const chosen = privateMethod(method);
    if (algorithm === "AES" || algorithm === "TDES" || algorithm === "DES") {
      throw invalidArgument(
        "method",
        `${wordList(methodsFor(algorithm))} for a key of algorithm ${algorithm}`,
        "a hash and a message",
      );
    }
    const full = backend.hmacWith(chosen.hash, slot, chosen.message);
    const equal = backend.equal(full.subarray(0, wanted.length), wanted);
    wipe(full);
    if (!equal) throw mismatch(wanted.length, [], algorithm);
    return { method: chosen };
  }
  return { method: matchCheckValue({ backend, slot, algorithm, hash }, wanted, method) };
}

/** What a check value is made of. */
export interface CheckedSlot extends KeyInternals {
  readonly algorithm: KeyAlgorithm;
  readonly hash: HashName | undefined;
}

/** The method by which `wanted` is the slot's check value. Throws as `verifyKeyCheckValue`. Internal. */
export function matchCheckValue(
  { backend, slot, algorithm, hash }: CheckedSlot,
  wanted: Uint8Array,
  method: "auto" | KcvMethod,
): KcvMethod {
  const first = methodFor(algorithm, method === "auto" ? undefined : method);
  const candidates = method === "auto" ? usualMethods(algorithm) : [first];
  for (const candidate of candidates) {
    const value = checkValueBytes(backend, slot, algorithm, candidate, hash, wanted.length);
    if (backend.equal(value, wanted)) return candidate;
  }
  throw mismatch(wanted.length, candidates, algorithm);
}
