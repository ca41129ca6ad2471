/**
 * Making a key block: ANSI X9.143:2021 clauses 5 to 7 (versions A to D), ISO 20038 (version E).
 *
 * The header is public. The key is read inside the backend; only when it lives in another backend than the KBPK does it pass
 * through here, and is wiped. Padding is random and wiped.
 */
import { LONGEST_BLOCK } from "../../backend/abi.gen.js";
import type { Slot } from "../../backend/contract.js";
import { assertBytes, wipe } from "../../base/bytes.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { assertObject, choice, flag, own } from "../../base/arguments.js";
import type { KeyInternals } from "../keys/attributes.js";
import { attributesOf, internals, type SecretKey } from "../keys/handle.js";
import { randomBytes } from "../../base/random.js";
import { blockSize, HEADER_LENGTH, macCharacters } from "./header.js";
import { requireKbpk } from "./kbpk.js";
import { algorithmOf, hiddenKeyBytes, payloadBytes } from "./algorithm.js";
import { enforce } from "./findings.js";
import { keyLengthFindings, strengthFindings, weaknessFindings } from "./policy.js";
import type { KeyFacts } from "./strength.js";
import { type Fields, headerFields, headerText, type KeyBlockHeaderInit } from "./wrap-header.js";
import { optionalText } from "./wrap-optional.js";

export type { KeyBlockHeaderInit } from "./wrap-header.js";

/** How the payload is padded, and how optional blocks are judged. */
export interface WrapOptions {
  /** Payload padding, for reproducible tests. 2 + key + padding is a multiple of the cipher block (any length in version E). */
  padding?: Uint8Array;
  /** Whether padding hides the length of AES, TDES and DES keys (X9.143:2021 clause 6.4). Default true. */
  hideLength?: boolean;
  /** `lenient` lets optional blocks given as text break the format of their id. Default `strict`. */
  grammar?: "strict" | "lenient";
}

/** What hides the key's length, or fills the last cipher block: X9.143:2021 clause 6.4. */
function paddingLength({ version, algorithm }: Fields, keyBytes: number, hide: boolean): number {
  const hidden = hide ? (hiddenKeyBytes(algorithm) ?? 0) : 0;
  return payloadBytes(version, Math.max(keyBytes, hidden)) - 2 - keyBytes;
}

function payloadPadding(options: WrapOptions, fields: Fields, keyBytes: number): Uint8Array {
  const padding = own(options, "padding");
  const hide = flag(options, "hideLength", true);
  if (padding === undefined) return randomBytes(paddingLength(fields, keyBytes, hide));
  assertBytes("padding", padding);
  const unit = fields.version === "E" ? 1 : blockSize(fields.version);
  if ((2 + keyBytes + padding.length) % unit !== 0) {
    throw invalidArgument("padding", `as long as makes 2 bytes, the key and it a multiple of ${unit}`, padding.length);
  }
  return Uint8Array.from(padding);
}

/** Runs `use` with the key's slot in the KBPK's backend, where the key may first have to be copied for the time of the call. */
function inBackendOf(kbpk: KeyInternals, key: KeyInternals, use: (slot: Slot) => string): string {
  if (key.backend === kbpk.backend) return use(key.slot);
  const material = key.backend.readSlot(key.slot);
  let copy: Slot;
  try {
    copy = kbpk.backend.createSlot("OPAQUE", material);
  } finally {
    wipe(material);
  }
  try {
    return use(copy);
  } finally {
    kbpk.backend.destroySlot(copy);
  }
}

/** By the letter of the header, so that an opaque key cannot claim to be what its length or strength does not allow. */
function checkStrength({ algorithm: letter, usage }: Fields, kbpk: KeyFacts, key: KeyFacts): void {
  const algorithm = algorithmOf(letter, key.hash);
  const misfits = keyLengthFindings(algorithm, key.bytes);
  const claimed = { ...key, algorithm };
  enforce(misfits.length > 0 ? misfits : [...strengthFindings(kbpk, claimed), ...weaknessFindings(kbpk, claimed, usage)]);
}

/**
 * Puts a key into a key block under a key block protection key.
 *
 * The header takes what the key allows and may narrow it. Key lengths are hidden unless `hideLength: false`. HM is written for
 * HMAC keys, `{ id: "KC" }` and `{ id: "KP" }` are computed, PB is added where needed, and so is the total length. Source: ANSI
 * X9.143:2021 clauses 5 to 7, ISO 20038.
 *
 * @param kbpk usage K0 or K1 (K4 for versions D and E), TDES for A, B and C, AES for D and E, mode of use E, B or N
 * @param key of exportability E or S
 * @param header what to write; by default the key's own attributes in version D under AES, B under TDES
 * @returns upper-case ASCII text, `version` to MAC, at most 9999 characters
 * @throws `ERR_KEY_NOT_EXPORTABLE` for a key of exportability N
 * @throws `ERR_KEY_USAGE` for a header that allows more than the key, or a KBPK that may not wrap
 * @throws `ERR_KEY_BLOCK_KBPK` for a KBPK of the wrong algorithm
 * @throws `ERR_KEY_BLOCK_VERSION` for a version that does not exist
 * @throws `ERR_KEY_BLOCK_POLICY` for a KBPK weaker than the key, and for a KBPK or a transport key that is a weak TDEA key
 * @throws `ERR_KCV_MISMATCH` for a stated KC or KP that is wrong
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_DESTROYED`, `ERR_NO_RANDOM`
 * @example
 * ```ts
 * import { generateKey, parseKeyBlock, unwrapKeyBlock, wrapKeyBlock } from "viopay-pos-crypto";
 *
 * const kek = generateKey({ algorithm: "AES", usage: "K1", bits: 256 });
 * const tpk = generateKey({ algorithm: "AES", usage: "P0", bits: 128, modeOfUse: "B", exportability: "E" });
 * const block = wrapKeyBlock(kek, tpk, { modeOfUse: "E", exportability: "N", optionalBlocks: [{ id: "KC" }] });
 * console.log(parseKeyBlock(block).optionalBlocks.map(({ id }) => id).join()); // prints KC
 * const { key } = unwrapKeyBlock(kek, block);
 * console.log(key.bits, key.modeOfUse, key.exportability); // prints 128 E N
 * for (const made of [kek, tpk, key]) made.destroy();
 * ```
 */
export function wrapKeyBlock(
  kbpk: SecretKey,
  key: SecretKey,
  header: KeyBlockHeaderInit = {},
  options: WrapOptions = {},
): string {
  assertObject("header", header);
  assertObject("options", options);
  const grammar = choice(options, "grammar", ["strict", "lenient"], "strict");
  const kbpkAttributes = attributesOf(kbpk, "kbpk");
  const { backend: home, slot } = internals(key, "key");
  const attributes = attributesOf(key, "key");
  if (attributes.exportability === "N") {
    throw new PosCryptoError("ERR_KEY_NOT_EXPORTABLE", '"key" has exportability N and cannot be wrapped');
  }
  const { algorithm, hash, strength: limit } = attributes;
  const wrapped: KeyFacts = { backend: home, slot, algorithm, hash, bytes: home.slotLength(slot), limit };
  const fields = headerFields(header, kbpkAttributes, attributes);
  const protection = requireKbpk(kbpk, fields.version, "wrap");
  checkStrength(fields, protection, wrapped);
  const optional = optionalText(header, fields, wrapped, protection, grammar === "strict");
  const padding = payloadPadding(options, fields, wrapped.bytes);
  try {
    const characters =
      HEADER_LENGTH + optional.text.length + 2 * (2 + wrapped.bytes + padding.length) + macCharacters(fields.version);
    if (characters > LONGEST_BLOCK) throw invalidArgument("header", `a block of at most ${LONGEST_BLOCK} characters`, characters);
    const text = headerText(fields, characters, optional);
    const { backend, slot: kbpkSlot } = protection;
    return text + inBackendOf(protection, wrapped, (slot) => backend.wrapKeyBlock(kbpkSlot, fields.version, text, slot, padding));
  } finally {
    wipe(padding);
  }
}
