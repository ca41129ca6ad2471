/**
 * What a payment call says. There are three outcomes, and a program that treats `unknown` as a decline charges people twice:
 *
 * - `approved`: the host did it, for the amount asked.
 * - `declined`: nothing was done. The issuer said no (`response` is the host's answer), or the host refused the request as such
 *   (`cause` is its `ERR_HOST`; only said where the request cannot have been carried out by an earlier sending).
 * - `unknown`: the request may have been carried out. Keep `idempotencyKey`; `recover()` asks again.
 */
import type { PosCryptoError } from "../errors.js";
import type { JsonObject } from "./json-fields.js";

/** Minor units as text: `{ value: "1500", currency: "EUR" }` is 15.00. */
export interface Amount {
  readonly value: string;
  readonly currency: string;
}

interface Answered {
  /** The host's opened answer. */
  readonly response: JsonObject;
  /** Set where the outcome is sure but could not be written to the journal; `recover()` will ask for it once more. */
  readonly journalFailure?: unknown;
}

interface Keyed {
  readonly idempotencyKey: string;
}

export interface Refused {
  readonly outcome: "declined";
  readonly status: "refused";
  readonly cause: PosCryptoError;
  readonly journalFailure?: unknown;
}

export interface Unknown {
  readonly outcome: "unknown";
  readonly cause: PosCryptoError;
  readonly journalFailure?: unknown;
}

export interface ChargeApproved extends Answered, Keyed {
  readonly outcome: "approved";
  readonly status: "approved";
  readonly chargeId: string;
  readonly amount: Amount;
  /** `authorization_code`, `rrn` and what else the gateway says. */
  readonly gatewayData: JsonObject | undefined;
}

export interface ChargeDeclined extends Answered, Keyed {
  readonly outcome: "declined";
  readonly status: "declined";
  readonly chargeId: string | undefined;
  readonly gatewayData: JsonObject | undefined;
}

export interface RefundApproved extends Answered, Keyed {
  readonly outcome: "approved";
  readonly status: "approved";
  readonly chargeId: string;
  readonly refundId: string;
  readonly amount: Amount;
}

export interface RefundDeclined extends Answered, Keyed {
  readonly outcome: "declined";
  readonly status: "declined";
  readonly chargeId: string;
  readonly refundId: string | undefined;
}

export interface VoidApproved extends Answered {
  readonly outcome: "approved";
  readonly status: "cancelled";
  readonly chargeId: string;
}

export type ChargeOutcome = ChargeApproved | ChargeDeclined | (Refused & Keyed) | (Unknown & Keyed);
export type RefundOutcome = RefundApproved | RefundDeclined | (Refused & Keyed) | (Unknown & Keyed);
export type VoidOutcome = VoidApproved | (Refused & { readonly chargeId: string }) | (Unknown & { readonly chargeId: string });
