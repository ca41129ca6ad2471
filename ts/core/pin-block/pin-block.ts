/**
 * PIN blocks of ISO 9564-1: formats 0 to 3 enciphered with TDES, format 4 with AES, both as single blocks under a key of usage P0.
 *
 * Format 4 (clause 9.4.2): `A = E(PIN field)`, `B = A + PAN field`, `C = E(B)`. Formats 0 and 3 add the PAN field to the clear PIN
 * field, and encipher the sum. Format 2 belongs to the card (offline verification and PIN change): it is enciphered for a card's
 * session key, never for a host.
 *
 * PIN, PAN, clear fields and intermediate blocks are secret and wiped before return; what comes back as text cannot be wiped.
 * Every block that cannot be read fails in one way, `ERR_PIN_BLOCK`: wrong key, wrong PAN, wrong format, damage. A host that
 * answers that failure an attacker's block still is an oracle: limit how often it answers.
 */
import { assertObject, choice, own, readWholeNumber, refusal } from "../../base/arguments.js";
import { currentBackend } from "../../backend/select.js";
import { encodeHex, wipe } from "../../base/bytes.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { type KeyInternals, type KeyNeed, requireUse, type SecretKey } from "../keys/key.js";
import {
  addField,
  bindsPan,
  blockBytes,
  makePanField,
  makePinField,
  type PinBlockFormat,
  type PinDigits,
  pinText,
  readPan,
  readPin,
  readPinField,
} from "./fields.js";

export type { PinBlockFormat } from "./fields.js";

/** Formats whose blocks exist in clear: 8 bytes. */
export type ClearPinBlockFormat = 0 | 1 | 2 | 3;

/** Which format a PIN block has, and whose PIN it is. */
export interface PinBlockOptions<Format extends PinBlockFormat = PinBlockFormat> {
  /** 0 to 4 of ISO 9564-1. */
  format: Format;
  /** 1 to 19 digits, check digit included. Formats 0, 3 and 4 need it; 1 and 2 do not use it. */
  pan?: string | undefined;
  /**
   * What `pan` is. `full` (default): the PAN with its check digit, which formats 0 and 3 leave out. `account-12`: the twelve digits
   * before the check digit, as HSM commands take them; formats 0 and 3 only, since format 4 has the whole PAN in it.
   */
  panDigits?: "full" | "account-12" | undefined;
}

/** A PIN and the block it is to become. */
export interface PinOptions<Format extends PinBlockFormat = PinBlockFormat> extends PinBlockOptions<Format> {
  /** 4 to 12 digits, as text or as ASCII bytes, which stay the caller's to wipe. */
  pin: string | Uint8Array;
}

/** From which format to which. */
export interface PinTranslation {
  from: PinBlockFormat;
  to: PinBlockFormat;
  /** One PAN for both blocks: translation never changes it. Needed if either format needs it. */
  pan?: string | undefined;
  /** As in `PinBlockOptions`, for both blocks. */
  panDigits?: "full" | "account-12" | undefined;
}

/**
 * Which format may become which: the rules of ISO 9564-1 as PCI PIN (requirement 3-3) and IBM's CCA publish them. A block bound to a PAN
 * must not become one that is not, except for the card itself; a block for the card goes nowhere else.
 */
const PERMITTED: Readonly<Record<PinBlockFormat, readonly PinBlockFormat[]>> = {
  0: [0, 2, 3, 4],
  1: [0, 1, 2, 3, 4],
  2: [2],
  3: [0, 2, 3, 4],
  4: [0, 2, 3, 4],
};

/**
 * Enciphers a PIN: ISO 9564-1 formats 0 to 3 (clauses 9.3.2 to 9.3.5) under TDES, format 4 (clause 9.4.2) under AES.
 *
 * @param tpk usage P0, mode of use E, B or N; TDES for formats 0 to 3, AES for format 4
 * @param options format, PIN of 4 to 12 digits, and for formats 0, 3 and 4 the PAN
 * @returns upper-case hex: 16 digits for formats 0 to 3, 32 for format 4
 * @throws `ERR_INVALID_ARGUMENT`, whose message holds neither PIN nor PAN
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_NO_RANDOM`
 * @example
 * ```ts
 * import { decryptPinBlock, encryptPinBlock, importKey } from "viopay-pos-crypto";
 *
 * const tpk = importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "TDES", usage: "P0" });
 * const block = encryptPinBlock(tpk, { format: 0, pin: "1234", pan: "4012345678909" });
 * console.log(block); // prints C03D21CDBCB0C58B
 * console.log(decryptPinBlock(tpk, block, { format: 0, pan: "4012345678909" })); // prints 1234
 * tpk.destroy();
 * ```
 * @example Format 4; the PIN as bytes, which can be wiped
 * ```ts
 * import { encryptPinBlock, generateKey } from "viopay-pos-crypto";
 *
 * const tpk = generateKey({ algorithm: "AES", usage: "P0", bits: 128 });
 * const pin = Uint8Array.of(0x31, 0x32, 0x33, 0x34);
 * console.log(encryptPinBlock(tpk, { format: 4, pin, pan: "4012345678909" }).length); // prints 32
 * pin.fill(0);
 * tpk.destroy();
 * ```
 */
export function encryptPinBlock(tpk: SecretKey, options: PinOptions): string {
  const { format, pan } = readOptions(options);
  const key = pinKey(tpk, "tpk", "encrypt", format);
  const digits = readPin(own(options, "pin"));
  try {
    return encipher(key, format, digits, pan);
  } finally {
    wipe(digits);
  }
}

/**
 * Deciphers a PIN block, the inverse of {@link encryptPinBlock}.
 *
 * @param tpk usage P0, mode of use D, B or N; TDES for formats 0 to 3, AES for format 4
 * @param block hex digits of either case: 16 for formats 0 to 3, 32 for format 4
 * @returns the PIN, as text that cannot be wiped
 * @throws `ERR_PIN_BLOCK` for every block that is not one of this key, format and PAN: one error for all causes
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 */
export function decryptPinBlock(tpk: SecretKey, block: string, options: PinBlockOptions): string {
  const { format, pan } = readOptions(options);
  const key = pinKey(tpk, "tpk", "decrypt", format);
  return textOnce(decipher(key, format, readBlock(key, block, format), pan));
}

/**
 * A clear PIN block of ISO 9564-1: it reveals the PIN, and belongs only where another device enciphers it.
 *
 * The PAN is the whole one: formats 0 and 3 leave out its last digit. A caller who has the twelve account digits, as HSM commands
 * take them, says `panDigits: "account-12"`; without it, another PIN block would come out in silence.
 *
 * @param options format 0 to 3, PIN of 4 to 12 digits, and for formats 0 and 3 the PAN
 * @returns 16 upper-case hex digits
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_NO_RANDOM`, `ERR_NOT_LOADED`
 * @example
 * ```ts
 * import { formatPinBlock, parsePinBlock } from "viopay-pos-crypto";
 *
 * const block = formatPinBlock({ format: 0, pin: "1234", pan: "4012345678909" });
 * console.log(block); // prints 041274EDCBA9876F
 * console.log(parsePinBlock(block, { format: 0, pan: "4012345678909" })); // prints 1234
 * console.log(formatPinBlock({ format: 0, pin: "1234", pan: "401234567890", panDigits: "account-12" })); // prints 041274EDCBA9876F
 * ```
 */
export function formatPinBlock(options: PinOptions<ClearPinBlockFormat>): string {
  const { format, pan } = readOptions(options, 3);
  const backend = currentBackend();
  const digits = readPin(own(options, "pin"));
  let field: Uint8Array | undefined;
  try {
    field = makePinField(format, digits);
    combine(field, format, pan);
    return backend.encodeHex(field);
  } finally {
    wipe(digits, field);
  }
}

/**
 * The PIN of a clear block, the inverse of {@link formatPinBlock}.
 *
 * @param block 16 hex digits of either case
 * @throws `ERR_PIN_BLOCK` for every block that is not one of this format and PAN: one error for all causes
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_NOT_LOADED`
 */
export function parsePinBlock(block: string, options: PinBlockOptions<ClearPinBlockFormat>): string {
  const { format, pan } = readOptions(options, 3);
  const field = readBlock({ backend: currentBackend() }, block, format);
  combine(field, format, pan);
  return textOnce(readOnce(format, field));
}

/**
 * Deciphers a block under one key and enciphers its PIN under another, with fresh fill. Only the translations that ISO 9564-1
 * permits, as PCI PIN requirement 3-3 lists them: a block bound to a PAN does not become one that is not, except for the card
 * itself.
 *
 * @param fromKey usage P0, mode of use D, B or N
 * @param toKey usage P0, mode of use E, B or N
 * @param options both formats, and the PAN if either is bound to it
 * @returns upper-case hex: 16 digits for formats 0 to 3, 32 for format 4
 * @throws `ERR_PIN_TRANSLATION` for what the standard forbids, before the block is looked at
 * @throws `ERR_PIN_BLOCK` for every block that cannot be read
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_NO_RANDOM`
 * @example From TDES to AES
 * ```ts
 * import { decryptPinBlock, encryptPinBlock, generateKey, translatePinBlock } from "viopay-pos-crypto";
 *
 * const tdes = generateKey({ algorithm: "TDES", usage: "P0", bits: 128 });
 * const aes = generateKey({ algorithm: "AES", usage: "P0", bits: 128 });
 * const pan = "4012345678909";
 * const block = encryptPinBlock(tdes, { format: 0, pin: "1234", pan });
 * const translated = translatePinBlock(tdes, aes, block, { from: 0, to: 4, pan });
 * console.log(decryptPinBlock(aes, translated, { format: 4, pan })); // prints 1234
 * for (const key of [tdes, aes]) key.destroy();
 * ```
 */
export function translatePinBlock(fromKey: SecretKey, toKey: SecretKey, block: string, options: PinTranslation): string {
  assertObject("options", options);
  const from = readFormat("from", own(options, "from"), 4);
  const to = readFormat("to", own(options, "to"), 4);
  if (!PERMITTED[from].includes(to)) {
    const details = { from, to };
    throw new PosCryptoError(
      "ERR_PIN_TRANSLATION",
      `a PIN block of format ${from} must not become one of format ${to}; it may become ${PERMITTED[from].join(", ")}`,
      {
        details,
      },
    );
  }
  const pan = panOf(options, [from, to]);
  const source = pinKey(fromKey, "fromKey", "decrypt", from);
  const target = pinKey(toKey, "toKey", "encrypt", to);
  const digits = decipher(source, from, readBlock(source, block, from), pan);
  try {
    return encipher(target, to, digits, pan);
  } finally {
    wipe(digits);
  }
}

function readOptions<Format extends PinBlockFormat>(
  options: PinBlockOptions<Format>,
  highest: ClearPinBlockFormat | 4 = 4,
): { format: Format; pan: string | undefined } {
  assertObject("options", options);
  const format = readFormat("format", own(options, "format"), highest) as Format;
  return { format, pan: panOf(options, [format]) };
}

/** The PAN with a check digit: an account number gets one, which formats 0 and 3 leave out again. */
function panOf(options: Pick<PinBlockOptions, "pan" | "panDigits">, formats: readonly PinBlockFormat[]): string | undefined {
  const digits = choice(options, "panDigits", ["full", "account-12"], "full");
  const pan = readPan(own(options, "pan"), formats.some(bindsPan));
  if (digits === "full") return pan;
  if (formats.includes(4)) throw invalidArgument("panDigits", "full with format 4, which has the whole PAN in it", digits);
  if (pan !== undefined && pan.length !== 12) {
    throw invalidArgument("pan", "the 12 digits before the check digit, since panDigits is account-12", `${pan.length} digits`);
  }
  return pan === undefined ? undefined : `${pan}0`;
}

function readFormat(name: string, format: unknown, highest: number): PinBlockFormat {
  return readWholeNumber(name, format, { min: 0, max: highest }) as PinBlockFormat;
}

/** ISO 9564-1 clauses 9.3 and 9.4: formats 0 to 3 are blocks of TDEA, format 4 is one of AES. */
const need = (operation: "encrypt" | "decrypt", algorithm: "AES" | "TDES"): KeyNeed => {
  return {
    operation,
    usages: ["P0"],
    algorithms: [algorithm],
    hint: "PIN block format 4 takes an AES key, formats 0 to 3 a TDES key",
  };
};

const PIN_NEEDS = {
  encrypt: { AES: /* @__PURE__ */ need("encrypt", "AES"), TDES: /* @__PURE__ */ need("encrypt", "TDES") },
  decrypt: { AES: /* @__PURE__ */ need("decrypt", "AES"), TDES: /* @__PURE__ */ need("decrypt", "TDES") },
} as const;

function pinKey(key: SecretKey, name: string, operation: "encrypt" | "decrypt", format: PinBlockFormat): KeyInternals {
  return requireUse(key, name, PIN_NEEDS[operation][format === 4 ? "AES" : "TDES"]);
}

function readBlock({ backend }: Pick<KeyInternals, "backend">, block: unknown, format: PinBlockFormat): Uint8Array {
  const length = 2 * blockBytes(format);
  if (typeof block !== "string") throw refusal("block", `${length} hex digits`, block);
  if (block.length !== length) throw invalidArgument("block", `${length} hex digits`, block.length);
  const bytes = backend.decodeHex(block);
  if (bytes === undefined) throw invalidArgument("block", `${length} hex digits`, "other characters");
  return bytes;
}

/** Adds the PAN field, if the format has one. */
function combine(field: Uint8Array, format: PinBlockFormat, pan: string | undefined): void {
  if (!bindsPan(format) || pan === undefined) return;
  const panField = makePanField(format, pan);
  addField(field, panField);
  wipe(panField);
}

function encipher({ backend, slot }: KeyInternals, format: PinBlockFormat, digits: PinDigits, pan: string | undefined): string {
  const field = makePinField(format, digits);
  let inner: Uint8Array | undefined;
  try {
    if (format === 4) inner = backend.encryptBlock(slot, field);
    const outer = inner ?? field;
    combine(outer, format, pan);
    return encodeHex(backend.encryptBlock(slot, outer));
  } finally {
    wipe(field, inner);
  }
}

/** The PIN's digits, the caller's to wipe. Throws `ERR_PIN_BLOCK`. */
function decipher(
  { backend, slot }: KeyInternals,
  format: PinBlockFormat,
  block: Uint8Array,
  pan: string | undefined,
): PinDigits {
  const outer = backend.decryptBlock(slot, block);
  combine(outer, format, pan);
  if (format !== 4) return readOnce(format, outer);
  const field = backend.decryptBlock(slot, outer);
  wipe(outer);
  return readOnce(format, field);
}

/** One message for every cause: which of them it was is not to be learnt. */
const UNREADABLE = "the PIN block cannot be read; compare key, format and PAN (check digit included) with the sender's";

/** The digits of a clear field, which is wiped. Throws `ERR_PIN_BLOCK`. */
function readOnce(format: PinBlockFormat, field: Uint8Array): PinDigits {
  const digits = readPinField(format, field);
  wipe(field);
  if (digits === undefined) throw new PosCryptoError("ERR_PIN_BLOCK", UNREADABLE);
  return digits;
}

function textOnce(digits: PinDigits): string {
  const text = pinText(digits);
  wipe(digits);
  return text;
}
