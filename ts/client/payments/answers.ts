/**
 * The opened answers of charge, refund, cancel and reverse, held against what was asked: an approval of another amount or another
 * charge is no answer. Errors are `ERR_HOST_RESPONSE` and name the field.
 */
import { CHARGE_ID } from "../../core/protocol/endpoints.js";
import { isJsonObject, type JsonObject, ownValue, requireString, unexpectedAnswer } from "../http/json-fields.js";
import type { Amount, ChargeApproved, ChargeDeclined, RefundApproved, RefundDeclined, VoidApproved } from "./outcomes.js";
import type { Payment } from "./requests.js";

function requireSameAmount(response: JsonObject, asked: Amount): Amount {
  const amount = ownValue(response, "amount");
  const same = ownValue(amount, "value") === asked.value && ownValue(amount, "currency") === asked.currency;
  if (!same) throw unexpectedAnswer("amount", "the amount and currency asked for");
  return { ...asked };
}

function optionalId(response: JsonObject, name: string): string | undefined {
  const value = ownValue(response, name);
  return typeof value === "string" && CHARGE_ID.test(value) ? value : undefined;
}

function optionalObject(response: JsonObject, name: string): JsonObject | undefined {
  const value = ownValue(response, name);
  return isJsonObject(value) ? value : undefined;
}

export function readCharge(response: JsonObject, payment: Payment): ChargeApproved | ChargeDeclined {
  const { idempotencyKey } = payment;
  const status = requireString(response, "status");
  const gatewayData = optionalObject(response, "gateway_data");
  if (status === "declined") {
    return { outcome: "declined", status, idempotencyKey, chargeId: optionalId(response, "charge_id"), gatewayData, response };
  }
  if (status !== "approved") throw unexpectedAnswer("status", '"approved" or "declined"');
  const chargeId = requireString(response, "charge_id", CHARGE_ID);
  const amount = requireSameAmount(response, payment.amount);
  return { outcome: "approved", status, idempotencyKey, chargeId, amount, gatewayData, response };
}

export function readRefund(response: JsonObject, payment: Payment): RefundApproved | RefundDeclined {
  const { idempotencyKey } = payment;
  const chargeId = payment.chargeId!;
  const status = requireString(response, "status");
  if (status === "declined") {
    return { outcome: "declined", status, idempotencyKey, chargeId, refundId: optionalId(response, "refund_id"), response };
  }
  if (status !== "approved") throw unexpectedAnswer("status", '"approved" or "declined"');
  const refundId = requireString(response, "refund_id", CHARGE_ID);
  const amount = requireSameAmount(response, payment.amount);
  return { outcome: "approved", status, idempotencyKey, chargeId, refundId, amount, response };
}

/** Cancel and reverse answer alike. */
export function readVoid(response: JsonObject, chargeId: string): VoidApproved {
  if (requireString(response, "charge_id", CHARGE_ID) !== chargeId) throw unexpectedAnswer("charge_id", "the charge asked for");
  const status = requireString(response, "status");
  if (status !== "cancelled") throw unexpectedAnswer("status", '"cancelled"');
  return { outcome: "approved", status, chargeId, response };
}
