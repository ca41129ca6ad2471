/**
 * Charge, refund, cancel, reverse.
 *
 * A charge or refund is journalled before it leaves and never rejects once bytes may have left: whatever is not an opened answer
 * that matches the request is `unknown`. It is repeated only under the same idempotency key, with the same plaintext under a fresh
 * IV, timestamp, nonce and signature, and with the key set it was made with for as long as that has not expired. Voids name a
 * charge, change nothing when repeated, and are not journalled.
 */
import { type JsonValue, openEnvelope, sealEnvelope } from "../envelope.js";
import { invalidArgument, PosCryptoError } from "../errors.js";
import { explainUnauthorized } from "./bootstrap.js";
import { checkText, IDEMPOTENCY_KEY, paymentHeaders } from "./headers.js";
import { isOpen, type JournalRecord, type JournalState } from "./journal.js";
import { isJsonObject, type JsonObject, requireObject } from "./json-fields.js";
import { isExpired, releaseRetired, renewIfDue } from "./keys.js";
import type { ChargeOutcome, RefundOutcome, VoidOutcome } from "./outcomes.js";
import { readCharge, readRefund, readVoid } from "./payment-answers.js";
import {
  addressCharge,
  carriesEnciphered,
  checkChargeId,
  type ChargeRequest,
  type Payment,
  prepareCharge,
  prepareRefund,
  type RefundRequest,
} from "./payment-requests.js";
import { type Repetition, withRetries } from "./retry.js";
import { type CallOptions, type Context, type Installed, outOfOrder, requireKeys } from "./session.js";
import type { TransportRequest } from "./transport.js";
import { createUuid } from "./uuid.js";

/** How one payment is sent. */
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

interface Need extends CallOptions {
  readonly step: string;
  /** The entry of the request among those in flight. */
  readonly own: string;
  /** Whether it carries a PIN block or data enciphered under other keys of the set: it is bound to the set then. */
  readonly bound?: boolean;
}

/**
 * What a payment needs: a terminal id, an activated device, keys that have not expired; keys that have, or are about to, are
 * renewed. Errors: `ERR_STATE`; those of the renewal where the keys have expired.
 */
export async function equip(context: Context, need: Need): Promise<Equipment> {
  const { session } = context;
  const { step, own, signal, bound = false } = need;
  while (context.renewal !== undefined) await context.renewal;
  const before = requireKeys(context, step);
  if (session.terminalId === undefined) throw outOfOrder(step, "fetchConfig()");
  if (session.activatedAt === undefined) throw outOfOrder(step, "activate()");
  if (!bound || isExpired(context, session.installed!)) await renewIfDue(context, own, { signal });
  const keys = requireKeys(context, step);
  if (bound && (keys !== before || (session.innerKeys !== undefined && session.innerKeys !== keys))) {
    throw new PosCryptoError("ERR_STATE", `${step}: the keys have been renewed since its PIN or data was enciphered`, {
      details: { step, needs: "encryptPin(), sealAuxiliary() again" },
    });
  }
  return outfit(context, session.installed!);
}

/** The equipment of one key set. */
function outfit(context: Context, { keys }: Installed): Equipment {
  const macKeyId = keys.keyIds.mac ?? context.macKeyId;
  if (macKeyId === undefined) throw invalidArgument("macKeyId", "given where the host does not name the MAC key", "nothing");
  return { keys, macKeyId, terminalId: context.session.terminalId! };
}

export async function charge(context: Context, request: ChargeRequest, options: PaymentOptions = {}): Promise<ChargeOutcome> {
  // Checked and copied before the first pause: the caller may reuse its object.
  const prepared = prepareCharge(request);
  const outcome = await pay(context, "charge()", options, prepared.plaintext, ({ terminalId }) => {
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
  const outcome = await pay(context, "refund()", options, prepared.plaintext, () => ({ kind: "refund", chargeId, ...prepared }));
  return outcome as RefundOutcome;
}

/** Journals and sends a payment the caller asks for. */
async function pay(
  context: Context,
  step: string,
  options: PaymentOptions,
  plaintext: JsonObject,
  prepare: (equipment: Equipment) => Omit<Payment, "idempotencyKey">,
): Promise<KeyedOutcome> {
  const { signal } = options;
  const own = options.idempotencyKey === undefined;
  const idempotencyKey = options.idempotencyKey ?? createUuid();
  checkText("idempotencyKey", idempotencyKey, IDEMPOTENCY_KEY, "1 to 255 printable characters, no blank at either end");
  // In flight before anything is looked at: a key installation begins only when nothing is.
  return await exclusively(context, idempotencyKey, async () => {
    const known = own ? undefined : await context.journal.find(idempotencyKey);
    const bound = known === undefined && carriesEnciphered(plaintext);
    const equipment = await equip(context, { step, own: idempotencyKey, signal, bound });
    const payment: Payment = { ...prepare(equipment), idempotencyKey };
    if (signal?.aborted) throw new PosCryptoError("ERR_ABORTED", "the call was aborted");
    if (known !== undefined) {
      const { record, outfitted } = await resume(context, equipment, known, payment);
      return await send(context, outfitted, record, payment, { repeated: true, refusable: false, signal });
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
    // What has become of the payment does not depend on it, and the next one tries again.
    await releaseRetired(context).catch(() => {});
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
async function resume(
  context: Context,
  equipment: Equipment,
  record: JournalRecord,
  payment: Payment,
): Promise<{ record: JournalRecord; outfitted: Equipment }> {
  if (!isOpen(record.state))
    throw new PosCryptoError("ERR_STATE", `this idempotency key belongs to a payment that is ${record.state}`);
  if (isForgotten(context, record))
    throw new PosCryptoError("ERR_STATE", "the host may have forgotten this idempotency key: look the payment up");
  if (!isRepeatable(context, record))
    throw new PosCryptoError("ERR_STATE", "this refund may have been made: the host does not tell repetitions apart");
  const { payment: stored, equipment: outfitted } = await storedPayment(context, equipment, record);
  const differs = record.kind !== payment.kind || record.chargeId !== payment.chargeId;
  if (differs || JSON.stringify(stored.plaintext) !== JSON.stringify(payment.plaintext)) {
    throw invalidArgument("idempotencyKey", "new, or the one of the same request", "one of another request");
  }
  return { record: await context.journal.move(await reopen(context, record), "sending"), outfitted };
}

/** What was on its way when a process ended is unknown until an answer arrives. */
export async function reopen(context: Context, record: JournalRecord): Promise<JournalRecord> {
  return record.state === "sending" ? await context.journal.move(record, "unknown") : record;
}

/** A terminal's clock may be as wrong as the host tolerates. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/**
 * The host keeps idempotency keys for a limited time; the margin is the time that sending may take. A record from the future says
 * that one of two clocks was wrong and nothing of its age, so the worst is assumed.
 */
export function isForgotten(context: Context, record: JournalRecord): boolean {
  const { journal, transport, retry, idempotencyTtlMs } = context;
  const sending = retry.attempts === 1 ? transport.timeoutMs : retry.deadlineMs;
  const age = journal.age(record);
  return !(age >= -CLOCK_TOLERANCE_MS && age + sending < idempotencyTtlMs);
}

/** Whether the host is known to answer a second request under the same key with the first one's result. */
export function isRepeatable(context: Context, record: JournalRecord): boolean {
  return record.kind === "charge" || context.hostDedupesRefunds;
}

/**
 * Rebuilds a journalled payment from its sealed payload, with the equipment to send it: that of the key set it was made with, or
 * `equipment`, the current one's, where that has expired.
 */
export async function storedPayment(
  context: Context,
  equipment: Equipment,
  record: JournalRecord,
): Promise<{ payment: Payment; equipment: Equipment }> {
  const { idempotencyKey, kind, chargeId } = record;
  const sealed = await context.journal.payload(idempotencyKey);
  if (sealed === undefined) throw new PosCryptoError("ERR_STATE", "the payload of an open payment is missing from the store");
  const { set, plaintext } = openStored(context, sealed);
  if (!isJsonObject(plaintext)) throw new PosCryptoError("ERR_STATE", "the payload of an open payment is not a request");
  const amount = { value: record.amount, currency: record.currency };
  const current = set.keys === equipment.keys || isExpired(context, set);
  return {
    payment: { kind, chargeId, idempotencyKey, amount, plaintext },
    equipment: current ? equipment : outfit(context, set),
  };
}

/** Tries the sets from the newest on: a payload names the check value of its key. Errors: the newest set's. */
function openStored(context: Context, sealed: JsonValue): { set: Installed; plaintext: JsonValue } {
  const { installed, retired } = context.session;
  let failure: unknown;
  for (const set of [...retired, installed!].reverse()) {
    try {
      return { set, plaintext: openEnvelope(set.keys.msk, sealed) };
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/**
 * Sends a payment whose record is durable, again where the retry table allows it, and turns whatever happens into an outcome.
 * Rejects only where nothing has left. `repeated`: an earlier sending may have left. `refusable`: no sending before this one can
 * exist, on this terminal or in the caller's memory, so a host that refuses the first one as such has not carried it out.
 */
export async function send(
  context: Context,
  equipment: Equipment,
  record: JournalRecord,
  payment: Payment,
  options: CallOptions & { readonly repeated: boolean; readonly refusable: boolean },
): Promise<KeyedOutcome> {
  const { idempotencyKey, kind, chargeId } = payment;
  const { clock } = context;
  const { signal } = options;
  const path = kind === "charge" ? "/pos/charge" : `/pos/charge/${chargeId}/refund`;
  const repetition = isRepeatable(context, record) ? "charge" : "refund";
  let left = options.repeated;
  let sendings = 0;
  let current = record;
  let outcome: KeyedOutcome;
  const began = clock.offsetMs;
  // A clock found wrong on the way was so when the record was made a moment ago.
  const times = (): { createdAt?: string } => {
    const correction = options.repeated ? 0 : clock.offsetMs - began;
    return correction === 0 ? {} : { createdAt: new Date(Date.parse(record.createdAt) + correction).toISOString() };
  };
  const attempt = async (timeoutMs: number): Promise<KeyedOutcome> => {
    if (sendings > 0) current = await context.journal.move(current, "sending", times());
    sendings += 1;
    const body = JSON.stringify(sealEnvelope(equipment.keys.msk, payment.plaintext, { includeKcv: true }));
    const onSend = () => {
      left = true;
    };
    const answer = await exchange(context, equipment, path, { body, idempotencyKey, signal, timeoutMs, onSend });
    const opened = openAnswer(equipment, answer, kind);
    return kind === "charge" ? readCharge(opened, payment) : readRefund(opened, payment);
  };
  try {
    outcome = await insistently(context, repetition, options, attempt);
  } catch (error) {
    const cause = asPosError(error);
    if (!left) {
      const journalFailure = await abandon(context, current);
      if (journalFailure === undefined) throw error;
      return { outcome: "unknown", idempotencyKey, cause, journalFailure };
    }
    outcome =
      options.refusable && sendings === 1 && isRefusal(cause)
        ? { outcome: "declined", status: "refused", idempotencyKey, cause }
        : { outcome: "unknown", idempotencyKey, cause };
  }
  const state: JournalState = outcome.outcome;
  const made = "chargeId" in outcome && outcome.chargeId !== undefined ? { chargeId: outcome.chargeId } : {};
  try {
    await context.journal.move(current, state, { ...times(), ...made });
  } catch (journalFailure) {
    return { ...outcome, journalFailure };
  }
  return outcome;
}

/** Retries of a signed request; a 401 makes the terminal read the host's clock. */
function insistently<T>(
  context: Context,
  repetition: Repetition,
  { signal }: CallOptions,
  attempt: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const unauthorized = (error: PosCryptoError) => explainUnauthorized(context, error, { signal });
  return withRetries(context, { repetition, signal, unauthorized }, attempt);
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
  request: Pick<TransportRequest, "body" | "signal" | "timeoutMs" | "onSend"> & { readonly idempotencyKey?: string },
): Promise<unknown> {
  const { transport, clock, identity } = context;
  const { body, idempotencyKey, signal, timeoutMs, onSend } = request;
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
  return (await transport.request({ method: "POST", path, headers, body, signal, timeoutMs, onSend })).body;
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
  const own = `void ${chargeId}`;
  return await exclusively(context, own, async () => {
    const { signal } = options;
    const equipment = await equip(context, { step: `${action}()`, own, signal });
    const onSend = () => {
      left = true;
    };
    let sendings = 0;
    try {
      return await insistently(context, "steps", options, async (timeoutMs) => {
        sendings += 1;
        const body = await exchange(context, equipment, `/pos/charge/${chargeId}/${action}`, { signal, timeoutMs, onSend });
        return readVoid(openAnswer(equipment, body, action), chargeId);
      });
    } catch (error) {
      if (!left) throw error;
      const cause = asPosError(error);
      if (sendings === 1 && isRefusal(cause)) return { outcome: "declined", status: "refused", chargeId, cause };
      return { outcome: "unknown", chargeId, cause };
    }
  });
}
