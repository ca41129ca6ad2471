/**
 * Charge, refund, cancel, reverse.
 *
 * A charge or refund is journalled before it leaves and never rejects once bytes may have left: whatever is not an opened answer
 * that matches the request is `unknown`. It is repeated only under the same idempotency key, with the same plaintext under a fresh
 * IV, timestamp, nonce and signature. Voids name a charge, change nothing when repeated, and are not journalled.
 */
import { type JsonValue, openEnvelope, sealEnvelope } from "../envelope.js";
import { invalidArgument, PosCryptoError } from "../errors.js";
import { checkText, IDEMPOTENCY_KEY, paymentHeaders } from "./headers.js";
import { isOpen, type JournalRecord, type JournalState } from "./journal.js";
import { isJsonObject, type JsonObject, requireObject } from "./json-fields.js";
import type { ChargeOutcome, RefundOutcome, VoidOutcome } from "./outcomes.js";
import { readCharge, readRefund, readVoid } from "./payment-answers.js";
import {
  addressCharge,
  checkChargeId,
  type ChargeRequest,
  type Payment,
  prepareCharge,
  prepareRefund,
  type RefundRequest,
} from "./payment-requests.js";
import { type CallOptions, type Context, outOfOrder, requireKeys } from "./session.js";
import { createUuid } from "./uuid.js";

export interface PaymentOptions extends CallOptions {
  /** 1 to 255 printable characters; by default a fresh UUID. Giving one says that the request may have been sent before. */
  readonly idempotencyKey?: string | undefined;
}

type KeyedOutcome = ChargeOutcome | RefundOutcome;

export interface Equipment {
  readonly keys: ReturnType<typeof requireKeys>;
  readonly macKeyId: string;
  readonly terminalId: string;
}

/** What a payment needs: keys that have not expired, a terminal id, an activated device. Errors: `ERR_STATE`. */
export async function equip(context: Context, step: string): Promise<Equipment> {
  while (context.renewal !== undefined) await context.renewal;
  const { session, clock } = context;
  const keys = requireKeys(context, step);
  if (session.terminalId === undefined) throw outOfOrder(step, "fetchConfig()");
  if (session.activatedAt === undefined) throw outOfOrder(step, "activate()");
  const macKeyId = keys.keyIds.mac ?? context.macKeyId;
  if (macKeyId === undefined) throw invalidArgument("macKeyId", "given where the host does not name the MAC key", "nothing");
  if (keys.expiresAt !== undefined && clock.now() >= keys.expiresAt.getTime()) {
    throw new PosCryptoError("ERR_STATE", `${step}: the key set has expired`, { details: { step, needs: "installKeys()" } });
  }
  return { keys, macKeyId, terminalId: session.terminalId };
}

export async function charge(context: Context, request: ChargeRequest, options: PaymentOptions = {}): Promise<ChargeOutcome> {
  // Checked and copied before the first pause: the caller may reuse its object.
  const prepared = prepareCharge(request);
  const outcome = await pay(context, "charge()", options, ({ terminalId }) => {
    return { kind: "charge", chargeId: undefined, ...addressCharge(prepared, terminalId) };
  });
  return outcome as ChargeOutcome;
}

export async function refund(
  context: Context,
  chargeId: string,
  request: RefundRequest,
  options: PaymentOptions = {},
): Promise<RefundOutcome> {
  checkChargeId(chargeId);
  const prepared = prepareRefund(request);
  return (await pay(context, "refund()", options, () => ({ kind: "refund", chargeId, ...prepared }))) as RefundOutcome;
}

/** Journals and sends a payment the caller asks for. */
async function pay(
  context: Context,
  step: string,
  options: PaymentOptions,
  prepare: (equipment: Equipment) => Omit<Payment, "idempotencyKey">,
): Promise<KeyedOutcome> {
  const { signal } = options;
  const own = options.idempotencyKey === undefined;
  const idempotencyKey = options.idempotencyKey ?? createUuid();
  checkText("idempotencyKey", idempotencyKey, IDEMPOTENCY_KEY, "1 to 255 printable characters, no blank at either end");
  // In flight before anything is looked at: a key installation begins only when nothing is.
  return await exclusively(context, idempotencyKey, async () => {
    const equipment = await equip(context, step);
    const payment: Payment = { ...prepare(equipment), idempotencyKey };
    if (signal?.aborted) throw new PosCryptoError("ERR_ABORTED", "the call was aborted");
    const known = own ? undefined : await context.journal.find(idempotencyKey);
    if (known !== undefined) {
      const record = await resume(context, equipment, known, payment);
      return await send(context, equipment, record, payment, { repeated: true, refusable: false, signal });
    }
    const record = await begin(context, equipment, payment);
    return await send(context, equipment, record, payment, { repeated: false, refusable: own, signal });
  });
}

/** Two requests with one key at a time would race for its journal record. */
export async function exclusively<T>(context: Context, key: string, body: () => Promise<T>): Promise<T> {
  if (context.inFlight.has(key)) throw new PosCryptoError("ERR_STATE", "a request for the same payment is under way");
  context.inFlight.add(key);
  try {
    return await body();
  } finally {
    context.inFlight.delete(key);
  }
}

async function begin(context: Context, equipment: Equipment, payment: Payment): Promise<JournalRecord> {
  const { idempotencyKey, kind, chargeId, amount, plaintext } = payment;
  const sealed = sealEnvelope(equipment.keys.msk, plaintext, { includeKcv: true });
  return await context.journal.begin(
    { idempotencyKey, kind, ...(chargeId === undefined ? {} : { chargeId }), amount: amount.value, currency: amount.currency },
    sealed as unknown as JsonValue,
  );
}

/** A key the journal knows: only an open payment of the same content may go out again under it. */
async function resume(context: Context, equipment: Equipment, record: JournalRecord, payment: Payment): Promise<JournalRecord> {
  if (!isOpen(record.state))
    throw new PosCryptoError("ERR_STATE", `this idempotency key belongs to a payment that is ${record.state}`);
  if (isForgotten(context, record))
    throw new PosCryptoError("ERR_STATE", "the host may have forgotten this idempotency key: look the payment up");
  if (!isRepeatable(context, record))
    throw new PosCryptoError("ERR_STATE", "this refund may have been made: the host does not tell repetitions apart");
  const stored = await storedPayment(context, equipment, record);
  const differs = record.kind !== payment.kind || record.chargeId !== payment.chargeId;
  if (differs || JSON.stringify(stored.plaintext) !== JSON.stringify(payment.plaintext)) {
    throw invalidArgument("idempotencyKey", "new, or the one of the same request", "one of another request");
  }
  return await context.journal.move(await reopen(context, record), "sending");
}

/** What was on its way when a process ended is unknown until an answer arrives. */
export async function reopen(context: Context, record: JournalRecord): Promise<JournalRecord> {
  return record.state === "sending" ? await context.journal.move(record, "unknown") : record;
}

/** The host keeps idempotency keys for a limited time; the margin is one exchange. */
export function isForgotten(context: Context, record: JournalRecord): boolean {
  return context.journal.age(record) + context.transport.timeoutMs >= context.idempotencyTtlMs;
}

/** Whether the host is known to answer a second request under the same key with the first one's result. */
export function isRepeatable(context: Context, record: JournalRecord): boolean {
  return record.kind === "charge" || context.hostDedupesRefunds;
}

/** Rebuilds a journalled payment from its sealed payload. */
export async function storedPayment(context: Context, equipment: Equipment, record: JournalRecord): Promise<Payment> {
  const sealed = await context.journal.payload(record.idempotencyKey);
  if (sealed === undefined) throw new PosCryptoError("ERR_STATE", "the payload of an open payment is missing from the store");
  const plaintext = openEnvelope(equipment.keys.msk, sealed);
  if (!isJsonObject(plaintext)) throw new PosCryptoError("ERR_STATE", "the payload of an open payment is not a request");
  const amount = { value: record.amount, currency: record.currency };
  return { kind: record.kind, chargeId: record.chargeId, idempotencyKey: record.idempotencyKey, amount, plaintext };
}

/**
 * Sends a payment whose record is durable and turns whatever happens into an outcome. Rejects only where nothing has left.
 * `repeated`: an earlier sending may have left. `refusable`: no sending before this one can exist, on this terminal or in the
 * caller's memory, so a host that refuses the request as such has not carried it out.
 */
export async function send(
  context: Context,
  equipment: Equipment,
  record: JournalRecord,
  payment: Payment,
  options: CallOptions & { readonly repeated: boolean; readonly refusable: boolean },
): Promise<KeyedOutcome> {
  const { idempotencyKey, kind, chargeId } = payment;
  const path = kind === "charge" ? "/pos/charge" : `/pos/charge/${chargeId}/refund`;
  let left = options.repeated;
  let outcome: KeyedOutcome;
  try {
    const sealed = sealEnvelope(equipment.keys.msk, payment.plaintext, { includeKcv: true });
    const body = await exchange(
      context,
      equipment,
      path,
      { body: JSON.stringify(sealed), idempotencyKey, signal: options.signal },
      () => {
        left = true;
      },
    );
    const opened = openAnswer(equipment, body, kind);
    outcome = kind === "charge" ? readCharge(opened, payment) : readRefund(opened, payment);
  } catch (error) {
    const cause = asPosError(error);
    if (!left) {
      const journalFailure = await abandon(context, record);
      if (journalFailure === undefined) throw error;
      return { outcome: "unknown", idempotencyKey, cause, journalFailure };
    }
    outcome =
      options.refusable && isRefusal(cause)
        ? { outcome: "declined", status: "refused", idempotencyKey, cause }
        : { outcome: "unknown", idempotencyKey, cause };
  }
  const state: JournalState = outcome.outcome;
  const made = "chargeId" in outcome && outcome.chargeId !== undefined ? { chargeId: outcome.chargeId } : {};
  try {
    await context.journal.move(record, state, made);
  } catch (journalFailure) {
    return { ...outcome, journalFailure };
  }
  return outcome;
}

/**
 * Closes a record of which nothing has left. Where that cannot be written, its payment may still be made by a later `recover()`,
 * so the caller must not hear that it was not; returns what went wrong.
 */
async function abandon(context: Context, record: JournalRecord): Promise<unknown> {
  try {
    await context.journal.move(record, "abandoned");
    return undefined;
  } catch (error) {
    return error ?? new Error("the store failed");
  }
}

/** Signs and sends one payment request; the parsed JSON of a successful answer. */
async function exchange(
  context: Context,
  equipment: Equipment,
  path: string,
  request: { readonly body?: string; readonly idempotencyKey?: string; readonly signal: AbortSignal | undefined },
  onSend?: () => void,
): Promise<unknown> {
  const { transport, clock, identity } = context;
  const { body, idempotencyKey, signal } = request;
  const headers = paymentHeaders(identity, {
    macKey: equipment.keys.mac,
    macKeyId: equipment.macKeyId,
    terminalId: equipment.terminalId,
    timestamp: clock.timestamp(),
    method: "POST",
    target: transport.target(path),
    body,
    idempotencyKey,
  });
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return (await transport.request({ method: "POST", path, headers, body, signal, onSend })).body;
}

function openAnswer(equipment: Equipment, body: unknown, where: string): JsonObject {
  return requireObject(openEnvelope(equipment.keys.msk, body), where);
}

export function asPosError(error: unknown): PosCryptoError {
  return error instanceof PosCryptoError
    ? error
    : new PosCryptoError("ERR_HOST_RESPONSE", "the answer could not be processed", { cause: error });
}

/**
 * Whether the host has said that this very request is unacceptable. 401 is not among them: a request that a proxy delivered twice
 * is answered 401 for its used nonce, though the first delivery was carried out.
 */
function isRefusal(error: PosCryptoError): boolean {
  const status = error.details?.["status"];
  return error.code === "ERR_HOST" && typeof status === "number" && [400, 404, 405, 413, 415].includes(status);
}

/** Cancel or reverse: voids a charge before settlement. Repeating it is harmless and answers the same. */
export async function voidCharge(
  context: Context,
  action: "cancel" | "reverse",
  chargeId: string,
  options: CallOptions = {},
): Promise<VoidOutcome> {
  checkChargeId(chargeId);
  let left = false;
  return await exclusively(context, `void ${chargeId}`, async () => {
    const equipment = await equip(context, `${action}()`);
    try {
      const body = await exchange(context, equipment, `/pos/charge/${chargeId}/${action}`, { signal: options.signal }, () => {
        left = true;
      });
      return readVoid(openAnswer(equipment, body, action), chargeId);
    } catch (error) {
      if (!left) throw error;
      const cause = asPosError(error);
      if (isRefusal(cause)) return { outcome: "declined", status: "refused", chargeId, cause };
      return { outcome: "unknown", chargeId, cause };
    }
  });
}
