/**
 * Why a request's signature does not verify: which mistake would explain it. Every guess is tested with the key, so that what is
 * named is what was signed, and nothing else.
 *
 * For whoever holds the key, in logs and at a desk; on the wire it would answer questions about the key. Texts are public. The key
 * stays in its slot but for one guess (the key's digits taken for the key), whose copies are wiped before return.
 */
import type { Backend, MessagePart, Slot } from "../../backend/contract.js";
import { wipe } from "../../base/bytes.js";
import { requireHmacSha256 } from "../ciphers.js";
import type { KeyInternals, SecretKey } from "../keys/key.js";
import {
  isTimestamp,
  type Request,
  type RequestFields,
  readRequest,
  requestFault,
  requestText,
  verifyRequestSignature,
} from "../signing.js";
import { fractionVariants, requestVariants, type Variant } from "./request-variants.js";
import { readSignatureForm, type SignatureForm } from "./signature-forms.js";
import { orderLayouts, separatorLayouts } from "./text-layouts.js";

/** What was signed instead of the request. */
export interface RequestNearMiss {
  /** In words, as `the path without its query`. */
  what: string;
  /** The fields that the signature fits. They may be fields that no request may hold. */
  fields: RequestFields;
}

/** What is known about a signature. */
export interface RequestSignatureExplanation {
  /** As `verifyRequestSignature`. */
  verifies: boolean;
  /** The mistake that explains the signature; empty where it verifies, and where no known mistake does. */
  nearMisses: RequestNearMiss[];
}

/** Bytes that are hashed at most: some 6,000 guesses for a charge, fewer for a large body. */
const MOST_BYTES = 8 << 20;

interface Guess {
  readonly what: string;
  readonly parts: readonly MessagePart[];
  readonly fields: Request;
}

/**
 * Explains a signature that does not verify by the mistake that was made: the path without its query, the body written anew, the
 * time with a fraction, two lines exchanged, the signature in Base64url, the key's hex digits used as the key, and some 100 others,
 * alone and in pairs. Each is tested, so a near miss is certain. For whoever holds the key; never an answer on the wire.
 *
 * @param macKey HMAC with SHA-256, usage M7, mode of use V, C or N
 * @param signature as it was received
 * @param fields the request as it was received
 * @throws `ERR_INVALID_ARGUMENT` for values of a wrong type
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_KEY_CAPACITY`
 * @example
 * ```ts
 * import { createNonce, explainRequestSignature, generateKey, signRequest } from "viopay-pos-crypto";
 *
 * const macKey = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
 * const request = { method: "GET", path: "/pos/config?full=1", terminalId: "TID-004812" };
 * const received = { ...request, timestamp: "2025-12-13T14:35:00Z", nonce: createNonce() };
 * const signature = signRequest(macKey, { ...received, path: "/pos/config" });
 * const { verifies, nearMisses } = explainRequestSignature(macKey, signature, received);
 * console.log(verifies, nearMisses[0]?.what); // prints false the path without its query
 * console.log(nearMisses[0]?.fields.path); // prints /pos/config
 * macKey.destroy();
 * ```
 */
export function explainRequestSignature(
  macKey: SecretKey,
  signature: string,
  fields: RequestFields,
): RequestSignatureExplanation {
  if (verifyRequestSignature(macKey, signature, fields)) return { verifies: true, nearMisses: [] };
  const form = readSignatureForm(signature);
  if (form === undefined) return { verifies: false, nearMisses: [] };
  const nearMiss = search(requireHmacSha256(macKey, "macKey", "macVerify"), form, readRequest(fields));
  return { verifies: false, nearMisses: nearMiss === undefined ? [] : [nearMiss] };
}

/** No two texts have one MAC: the first guess that fits is the only one. */
function search(key: KeyInternals, form: SignatureForm, request: Request): RequestNearMiss | undefined {
  const fault = requestFault(request, isTimestamp);
  const refused = fault === undefined ? [] : [`the signature fits, but the ${fault[0]} must be ${fault[1]}`];
  const asIs = { what: refused.join(""), parts: requestText(request), fields: request };
  const fits = (slot: Slot, { parts }: Guess) => key.backend.hmacBase64Equals(slot, [...parts], form.base64);
  const found = ({ what, fields }: Guess): RequestNearMiss => {
    return { what: [...form.oddities, ...(what === "" ? [] : [what])].join("; "), fields };
  };
  if (fits(key.slot, asIs)) return found(asIs);
  const misreading = withMisreadKeys(key, (slot) => fits(slot, asIs));
  if (misreading !== undefined) return found({ ...asIs, what: misreading });
  let left = MOST_BYTES;
  for (const guess of guesses(request, key.backend)) {
    left -= guess.parts.reduce((sum, part) => sum + part.length, 128);
    if (left < 0) return undefined;
    if (fits(key.slot, guess)) return found(guess);
  }
  return undefined;
}

function* guesses(request: Request, backend: Backend): Generator<Guess> {
  const single = requestVariants(request, backend);
  for (const variant of single) yield guessOf(request, [variant]);
  yield* separatorLayouts(request);
  yield* orderLayouts(request);
  for (const variant of fractionVariants(request)) yield guessOf(request, [variant]);
  for (const [i, first] of single.entries()) {
    for (const second of single.slice(i + 1)) if (second.field !== first.field) yield guessOf(request, [first, second]);
  }
}

function guessOf(request: Request, changes: readonly Variant[]): Guess {
  const fields: Request = Object.assign({ ...request }, ...changes.map(({ field, value }) => ({ [field]: value })));
  return { what: changes.map(({ what }) => what).join(", and "), parts: requestText(fields), fields };
}

/** Bytes of a slot: `Backend.createSlot`. */
const LONGEST_SLOT = 8191;

/** Offsets from a digit above 9 to its letter, in ASCII. */
const LETTERS = [
  ["capital", 7],
  ["small", 39],
] as const;

/** Whether the key's hex digits, as text, were used as the key. The copies of the key are wiped, the slots destroyed. */
function withMisreadKeys({ backend, slot }: KeyInternals, fits: (slot: Slot) => boolean): string | undefined {
  if (2 * backend.slotLength(slot) > LONGEST_SLOT) return undefined;
  const material = backend.readSlot(slot);
  const digits = new Uint8Array(2 * material.length);
  try {
    for (const [letters, offset] of LETTERS) {
      material.forEach((byte, i) => {
        digits[2 * i] = hexDigit(byte >> 4, offset);
        digits[2 * i + 1] = hexDigit(byte & 15, offset);
      });
      const misread = backend.createSlot("HMAC", digits);
      try {
        if (fits(misread))
          return `the key's hex digits (${letters} letters) used as the key, instead of the bytes that they stand for`;
      } finally {
        backend.destroySlot(misread);
      }
    }
    return undefined;
  } finally {
    wipe(material, digits);
  }
}

/** Without a branch on the digit. */
function hexDigit(digit: number, offset: number): number {
  return digit + 0x30 + (((9 - digit) >> 8) & offset);
}
