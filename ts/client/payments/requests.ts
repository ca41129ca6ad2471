/**
 * The plaintext requests of charge and refund, checked and copied before anything is written or sent. The copy is plain JSON
 * data: what the caller changes afterwards changes nothing. Messages name fields and lengths, never values.
 */
import { hasOwn, ownOptions } from "../../base/arguments.js";
import { describeType, invalidArgument } from "../../base/errors.js";
import { CHARGE_ID } from "../../core/protocol/endpoints.js";
import { checkText } from "../http/headers.js";
import { isJsonObject, ownValue, type JsonObject } from "../http/json-fields.js";
import type { PaymentKind } from "../store/records.js";
import type { Amount } from "./outcomes.js";

/** The PIN in hex, enciphered under the TPK: 16 digits where that is a TDES key, 32 where it is an AES key. */
export interface PinBlock {
  readonly block: string;
}

/** A charge in clear, as the protocol names its fields; it leaves sealed. Copied before anything is sent. */
export interface ChargeRequest {
  readonly amount: Amount;
  readonly card?:
    | {
        /** 12 to 19 digits. */
        readonly number: string;
        /** 2000 to 2099. */
        readonly expiry_year: number;
        /** 1 to 12. */
        readonly expiry_month: number;
        readonly [name: string]: unknown;
      }
    | undefined;
  /** Where and how the card was read, as in `terminal_entry_mode: "chip"`. `id` is filled in with the terminal's own. */
  readonly terminal?: { readonly id?: string; readonly [name: string]: unknown } | undefined;
  /** EMV data elements in BER-TLV, hex: `9F2608A1B2C3D4E5F60718...`. */
  readonly emv_data?: string | undefined;
  /** As in `pin`, `signature`, `none`: 1 to 64 printable ASCII characters. */
  readonly cardholder_verification_method?: string | undefined;
  /** As `PosTerminal.encryptPin` makes it. */
  readonly pin_block?: PinBlock | undefined;
  /** System trace audit number: 6 digits, as in `000123`. */
  readonly stan?: string | undefined;
  /** As in `final` or `pre`: 1 to 64 printable ASCII characters. */
  readonly authorization_type?: string | undefined;
  /** An envelope of `PosTerminal.sealAuxiliary`. */
  readonly auxiliary_data?: unknown;
  /** What a host adds to the protocol: members of JSON data, sent beside the documented ones. */
  readonly extra?: { readonly [name: string]: unknown } | undefined;
}

/** A refund in clear; it leaves sealed. Copied before anything is sent. */
export interface RefundRequest {
  readonly amount: Amount;
  /** 1 to 255 printable characters. */
  readonly reason?: string | undefined;
  /** As in `ChargeRequest`. */
  readonly extra?: { readonly [name: string]: unknown } | undefined;
}

const CHARGE_MEMBERS: readonly string[] = [
  "amount",
  "card",
  "terminal",
  "emv_data",
  "cardholder_verification_method",
  "pin_block",
  "stan",
  "authorization_type",
  "auxiliary_data",
] satisfies (keyof ChargeRequest)[];
const REFUND_MEMBERS: readonly string[] = ["amount", "reason"] satisfies (keyof RefundRequest)[];

const AMOUNT = /^[1-9][0-9]{0,11}$/;
const CURRENCY = /^[A-Z]{3}$/;

/** Plain JSON data of its own. */
function snapshot(value: unknown): JsonObject {
  let copy: unknown;
  try {
    const text = JSON.stringify(value) as string | undefined;
    copy = text === undefined ? undefined : JSON.parse(text);
  } catch {
    copy = undefined;
  }
  if (!isJsonObject(copy)) throw invalidArgument("request", "an object of JSON data", describeType(value));
  return copy;
}

/**
 * The request as it is sent: documented members, and those of `extra` beside them. A member that is neither is a slip (`pinBlock`), which
 * the host would not see as what it was meant for. Its name is not repeated: it may be a value in the wrong place.
 */
function withExtra(request: JsonObject, documented: readonly string[]): JsonObject {
  const { extra, ...members } = ownOptions("request", request);
  const other = Object.keys(members).filter((name) => !documented.includes(name)).length;
  if (other > 0) {
    const expected = `an object of ${documented.join(", ")}, and of extra for what a host adds`;
    throw invalidArgument("request", expected, other === 1 ? "another member" : `${other} other members`);
  }
  if (extra === undefined) return members;
  if (!isJsonObject(extra)) throw invalidArgument("extra", "an object", describeType(extra));
  if (Object.keys(extra).some((name) => documented.includes(name) || name === "extra")) {
    throw invalidArgument("extra", "an object without the documented members", "one of them");
  }
  return { ...members, ...extra };
}

function checkAmount(request: JsonObject): Amount {
  const amount = ownValue(request, "amount");
  if (!isJsonObject(amount)) throw invalidArgument("amount", "an object", describeType(amount));
  const value = ownValue(amount, "value");
  const currency = ownValue(amount, "currency");
  checkText("amount.value", value, AMOUNT, "minor units in 1 to 12 digits without leading zero");
  checkText("amount.currency", currency, CURRENCY, "three capital letters of ISO 4217");
  return { value, currency };
}

function checkInteger(name: string, value: unknown, min: number, max: number): void {
  if (typeof value !== "number") throw invalidArgument(name, `a whole number from ${min} to ${max}`, describeType(value));
  if (!Number.isInteger(value) || value < min || value > max)
    throw invalidArgument(name, `a whole number from ${min} to ${max}`, "another number");
}

function checkOptionalText(request: JsonObject, name: string, pattern: RegExp, expected: string): void {
  const value = ownValue(request, name);
  if (value !== undefined) checkText(name, value, pattern, expected);
}

function optionalObject(request: JsonObject, name: string): JsonObject | undefined {
  const value = ownValue(request, name);
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw invalidArgument(name, "an object", describeType(value));
  return value;
}

/** A request as it is sealed, and its amount. */
export interface Prepared {
  readonly plaintext: JsonObject;
  readonly amount: Amount;
}

/** What is needed to send a journalled payment, for the first time or again. */
export interface Payment extends Prepared {
  readonly kind: PaymentKind;
  /** The charge to refund. */
  readonly chargeId: string | undefined;
  readonly idempotencyKey: string;
}

/** Errors: `ERR_INVALID_ARGUMENT`. */
export function prepareCharge(request: ChargeRequest): Prepared {
  const copy = snapshot(request);
  const amount = checkAmount(copy);
  const plaintext = withExtra(copy, CHARGE_MEMBERS);
  const card = optionalObject(plaintext, "card");
  if (card !== undefined) {
    checkText("card.number", ownValue(card, "number"), /^[0-9]{12,19}$/, "12 to 19 digits");
    checkInteger("card.expiry_year", ownValue(card, "expiry_year"), 2000, 2099);
    checkInteger("card.expiry_month", ownValue(card, "expiry_month"), 1, 12);
  }
  const pinBlock = optionalObject(plaintext, "pin_block");
  if (pinBlock !== undefined) {
    checkText(
      "pin_block.block",
      ownValue(pinBlock, "block"),
      /^(?:[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32})$/,
      "16 or 32 hexadecimal digits",
    );
  }
  checkOptionalText(plaintext, "emv_data", /^(?:[0-9A-Fa-f]{2}){1,4096}$/, "hexadecimal bytes");
  checkOptionalText(plaintext, "stan", /^[0-9]{6}$/, "6 digits");
  checkOptionalText(plaintext, "cardholder_verification_method", /^[\x20-\x7e]{1,64}$/, "1 to 64 printable characters");
  checkOptionalText(plaintext, "authorization_type", /^[\x20-\x7e]{1,64}$/, "1 to 64 printable characters");
  optionalObject(plaintext, "terminal");
  return { plaintext, amount };
}

/** Fills in the terminal's id. Errors: `ERR_INVALID_ARGUMENT` where the caller gave another one. */
export function addressCharge({ plaintext, amount }: Prepared, terminalId: string): Prepared {
  const terminal = optionalObject(plaintext, "terminal") ?? { type: "pos" };
  const id = ownValue(terminal, "id");
  if (id !== undefined && id !== terminalId)
    throw invalidArgument("terminal.id", "this terminal's id, or left out", describeType(id));
  return { plaintext: { ...plaintext, terminal: { ...terminal, id: terminalId } }, amount };
}

/** Errors: `ERR_INVALID_ARGUMENT`. */
export function prepareRefund(request: RefundRequest): Prepared {
  const copy = snapshot(request);
  const amount = checkAmount(copy);
  const plaintext = withExtra(copy, REFUND_MEMBERS);
  checkOptionalText(plaintext, "reason", /^[ -~\u00a0-\uffff]{1,255}$/, "1 to 255 printable characters");
  return { plaintext, amount };
}

/** Whether a request holds what was enciphered under the TPK or TDK: a PIN block, or an envelope in any field. */
export function carriesEnciphered(plaintext: JsonObject): boolean {
  const isEnvelope = (value: unknown) => isJsonObject(value) && (hasOwn(value, "ciphertext") || hasOwn(value, "chunks"));
  return hasOwn(plaintext, "pin_block") || Object.values(plaintext).some(isEnvelope);
}

export function checkChargeId(chargeId: unknown): asserts chargeId is string {
  checkText("chargeId", chargeId, CHARGE_ID, "1 to 64 of A-Z a-z 0-9 _ -");
}
