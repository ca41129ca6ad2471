/**
 * Signed requests under the MSK: charge, refund, cancel, reverse.
 *
 * The form of a payload is judged before the idempotency key, its effect behind it: PIN and auxiliary data are looked at only by
 * the request that makes the charge, so a repetition is answered even when the keys of its parts have gone.
 */
import type { JsonValue } from "../../core/envelope/envelope.js";
import { signatureAuth, type SignedRequestOf } from "../auth.js";
import { type Amount, type Decline, INCORRECT_PIN } from "../state/charges.js";
import type { Context } from "../context.js";
import { badRequest } from "../http/errors.js";
import { Fields, isObject } from "../http/fields.js";
import { canonicalJson } from "../state/idempotency.js";
import { randomText } from "../identifiers.js";
import { fingerprint } from "../state/key-ring.js";
import { type Reply, textReply } from "../http/message.js";
import { type OpenedRequest, openInner, openRequest, sealAnswer } from "../payloads.js";
import { maskText } from "../observe/masking.js";
import { pinIsRight } from "../pin.js";
import type { KeySetRecord } from "../state/devices.js";

const DIGITS = /^[0-9]{1,12}$/;
const CURRENCY = /^[A-Z]{3}$/;
const PAN = /^[0-9]{12,19}$/;
const HEX = /^(?:[0-9A-Fa-f]{2})+$/;
const TEXT = /^[\x20-\x7e]{1,64}$/;
/** The documents name no limit: what the client takes. */
const REASON = /^[ -~\u00a0-\uffff]{1,255}$/;

export async function charge(context: Context): Promise<Reply> {
  const auth = await signatureAuth(context);
  const opened = await openRequest(context, auth.device, auth.record, auth.keySet);
  const fields = new Fields(opened.value);
  const card = fields.object("card");
  const pan = card.text("number", PAN, "12 to 19 digits");
  card.integer("expiry_year", 2000, 2099);
  card.integer("expiry_month", 1, 12);
  const amount = readAmount(fields);
  const terminal = fields.object("terminal");
  const terminalId = terminal.text("id", TEXT, "text");
  if (terminalId !== "" && terminalId !== auth.device.terminal_id) terminal.defect("id", "must be the terminal that signs");
  terminal.optionalText("type", TEXT, "text");
  terminal.optionalText("terminal_entry_mode", TEXT, "text");
  terminal.optionalBoolean("attended");
  terminal.get("capabilities");
  fields.optionalText("emv_data", HEX, "hex");
  fields.optionalText("cardholder_verification_method", TEXT, "text");
  fields.optionalText("stan", /^[0-9]{6}$/, "6 digits");
  fields.optionalText("authorization_type", TEXT, "text");
  const pinBlock = fields.optionalObject("pin_block")?.text("block", HEX, "hex");
  const auxiliary = fields.get("auxiliary_data");
  if (auxiliary !== undefined && !isObject(auxiliary)) fields.defect("auxiliary_data", "must be an object");
  fields.check();
  noteUnknown(context, fields);

  const decide = async (): Promise<Decline | undefined> => {
    await checkAuxiliaryData(context, auth, opened.keySet, fields.get("auxiliary_data") as object | undefined);
    if (pinBlock === undefined) return undefined;
    const { tpk } = await context.services.keys.keySet(auth.device, opened.keySet);
    return pinIsRight(tpk, pinBlock, pan) ? undefined : INCORRECT_PIN;
  };
  return answer(context, auth, opened, "ch_", (chargeId) =>
    context.services.charges.create(auth.device, chargeId, amount, decide),
  );
}

export async function refund(context: Context, chargeId: string): Promise<Reply> {
  const auth = await signatureAuth(context);
  const opened = await openRequest(context, auth.device, auth.record, auth.keySet);
  const fields = new Fields(opened.value);
  const amount = readAmount(fields);
  fields.optionalText("reason", REASON, "1 to 255 printable characters");
  fields.check();
  noteUnknown(context, fields);
  return answer(context, auth, opened, "rf_", (refundId) =>
    context.services.charges.refund(auth.device, chargeId, refundId, amount),
  );
}

/** Both `/cancel` and `/reverse`. */
export async function cancel(context: Context, chargeId: string): Promise<Reply> {
  const auth = await signatureAuth(context);
  if ((await context.body()).length > 0) throw badRequest("This request has no body");
  Object.assign(context.exchange, { keyKcv: auth.keySet.mskKcv, keySetId: auth.keySet.id });
  return answer(context, auth, { value: {}, keySet: auth.keySet }, "", () =>
    context.services.charges.cancel(auth.device, chargeId),
  );
}

/** Unknown members are accepted, as a host would; the mock's owner learns of them. */
function noteUnknown(context: Context, fields: Fields): void {
  const notes = fields.unknown().map(maskText);
  if (notes.length > 0) context.exchange.notes = notes;
}

function readAmount(fields: Fields): Amount {
  const amount = fields.object("amount");
  const value = amount.text("value", DIGITS, "1 to 12 digits of minor units");
  if (/^0+$/.test(value)) amount.defect("value", "must be more than 0");
  return { value, currency: amount.text("currency", CURRENCY, "an ISO 4217 code") };
}

/** Data sealed under the TDK inside the charge. Absent is right; what is there must open. */
async function checkAuxiliaryData(
  context: Context,
  auth: SignedRequestOf,
  keySet: KeySetRecord,
  envelope: object | undefined,
): Promise<void> {
  if (envelope === undefined) return;
  const { tdk } = await context.services.keys.keySet(auth.device, keySet);
  openInner(tdk, envelope, "auxiliary_data");
}

/** Runs the effect once for each idempotency key and seals its answer under the request's key set. */
async function answer(
  context: Context,
  auth: SignedRequestOf,
  opened: OpenedRequest,
  prefix: string,
  commit: (resourceId: string) => Promise<JsonValue>,
): Promise<Reply> {
  const { idempotency, keys } = context.services;
  const plaintext = canonicalJson(opened.value as JsonValue);
  if (plaintext === undefined) throw badRequest("Invalid request body", { message: "the payload is nested too deeply" });
  const body = await idempotency.answer({
    terminalId: auth.device.terminal_id,
    endpoint: context.path ?? "",
    key: auth.idempotencyKey,
    fingerprint: fingerprint(keys.device(auth.device).fingerprint, plaintext),
    keySetId: opened.keySet.id,
    newResourceId: () => prefix + randomText(16),
    commit,
    seal: (value) => sealAnswer(context, auth.device, opened.keySet, value),
  });
  return textReply(body);
}
