/**
 * What a payment call says. There are three outcomes, and a program that treats `unknown` as a decline charges people twice:
 *
 * - `approved`: the host did it, for the amount asked.
 * - `declined`: nothing was done. The issuer said no (`response` is the host's answer), or the host refused the request as such
 *   (`cause` is its `ERR_HOST`; only said where the request cannot have been carried out by an earlier sending).
 * - `unknown`: the request may have been carried out. Keep `idempotencyKey`; `recover()` asks again.
 */
import type { PosCryptoError } from "../../base/errors.js";
import type { JsonObject } from "../http/json-fields.js";

/** Minor units as text: `{ value: "1500", currency: "EUR" }` is 15.00. */
export interface Amount {
  /** Minor units: 1 to 12 digits without leading zero. */
  readonly value: string;
  /** Three capital letters of ISO 4217. */
  readonly currency: string;
}

interface Answered {
  /** The host's opened answer. */
  readonly response: JsonObject;
  /** Set where the outcome is sure but could not be written to the journal; `recover()` will ask for it once more. */
  readonly journalFailure?: unknown;
}

/** What `recover()` and the host know the payment by. */
interface Keyed {
  readonly idempotencyKey: string;
}

/** The host refused the request as such: nothing was done. */
export interface Refused {
  readonly outcome: "declined";
  readonly status: "refused";
  /** `ERR_HOST`; `details` has the host's code and HTTP status. */
  readonly cause: PosCryptoError;
  readonly journalFailure?: unknown;
}

/** The request may have been carried out. **Not a decline.** */
export interface Unknown {
  readonly outcome: "unknown";
  /** Why there is no answer that can be trusted. */
  readonly cause: PosCryptoError;
  /** Set where the journal failed, too; `recover()` lists the payment all the same, unless the journal could not even be read. */
  readonly journalFailure?: unknown;
}

/** The card was charged, for the amount asked. */
export interface ChargeApproved extends Answered, Keyed {
  readonly outcome: "approved";
  readonly status: "approved";
  readonly chargeId: string;
  readonly amount: Amount;
  /** `authorization_code`, `rrn` and what else the gateway says. */
  readonly gatewayData: JsonObject | undefined;
}

/** The issuer said no: nothing was charged. */
export interface ChargeDeclined extends Answered, Keyed {
  readonly outcome: "declined";
  readonly status: "declined";
  readonly chargeId: string | undefined;
  readonly gatewayData: JsonObject | undefined;
}

/** The funds go back, for the amount asked. */
export interface RefundApproved extends Answered, Keyed {
  readonly outcome: "approved";
  readonly status: "approved";
  readonly chargeId: string;
  readonly refundId: string;
  readonly amount: Amount;
}

/** The refund was declined: nothing was moved. */
export interface RefundDeclined extends Answered, Keyed {
  readonly outcome: "declined";
  readonly status: "declined";
  readonly chargeId: string;
  readonly refundId: string | undefined;
}

/** The charge is void. */
export interface VoidApproved extends Answered {
  readonly outcome: "approved";
  readonly status: "cancelled";
  readonly chargeId: string;
}

/** What `PosTerminal.charge` says. */
export type ChargeOutcome = ChargeApproved | ChargeDeclined | (Refused & Keyed) | (Unknown & Keyed);
/** What `PosTerminal.refund` says. */
export type RefundOutcome = RefundApproved | RefundDeclined | (Refused & Keyed) | (Unknown & Keyed);
/** What `PosTerminal.cancel` and `PosTerminal.reverse` say. */
export type VoidOutcome = VoidApproved | (Refused & { readonly chargeId: string }) | (Unknown & { readonly chargeId: string });

/** Of a payment that has an idempotency key. */
export type KeyedOutcome = ChargeOutcome | RefundOutcome;

/** Nothing more is known of a payment that may have been made. */
export function unknownOutcome(idempotencyKey: string, cause: PosCryptoError): Unknown & Keyed {
  return { outcome: "unknown", idempotencyKey, cause };
}
