/**
 * One payment on its way: signed, sealed, sent, again where the retry table allows it, and what has become of it journalled.
 * Whatever is not an opened answer that matches the request, and this request only, is `unknown`.
 */
import { openEnvelope, sealEnvelope } from "../../core/envelope/envelope.js";
import { PosCryptoError } from "../../base/errors.js";
import { explainUnauthorized } from "../activation/bootstrap.js";
import type { Equipment } from "./admission.js";
import { paymentHeaders } from "../http/headers.js";
import { storeFailure } from "./journal.js";
import type { JournalRecord, JournalState, MadeIds } from "../store/records.js";
import { type JsonObject, requireObject, unexpectedAnswer } from "../http/json-fields.js";
import { type KeyedOutcome, unknownOutcome } from "./outcomes.js";
import { readCharge, readRefund } from "./answers.js";
import type { Payment } from "./requests.js";
import { type Repetition, withRetries } from "../http/retry.js";
import type { CallOptions, Context } from "../session.js";
import type { TransportRequest } from "../http/transport.js";

/** Whether the host is known to answer a second request under the same key with the first one's result. */
export function isRepeatable(context: Context, record: JournalRecord): boolean {
  return record.kind === "charge" || context.hostDedupesRefunds;
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
  const { clock, journal } = context;
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
    if (sendings > 0) {
      current = await journal.move(current, "sending", times()).catch((error: unknown) => {
        throw storeFailure(error);
      });
    }
    sendings += 1;
    const body = JSON.stringify(sealEnvelope(equipment.keys.msk, payment.plaintext, { includeKcv: true }));
    const onSend = () => {
      left = true;
    };
    const answer = await exchange(context, equipment, path, { body, idempotencyKey, signal, timeoutMs, onSend });
    const opened = openAnswer(equipment, answer, kind);
    const read = kind === "charge" ? readCharge(opened, payment) : readRefund(opened, payment);
    await requireUnclaimed(context, payment, read);
    return read;
  };
  try {
    outcome = await insistently(context, repetition, options, attempt);
  } catch (error) {
    const cause = asPosError(error);
    if (!left) {
      const journalFailure = await abandon(context, current);
      if (journalFailure === undefined) throw error;
      return { ...unknownOutcome(idempotencyKey, cause), journalFailure };
    }
    outcome =
      options.refusable && sendings === 1 && isRefusal(cause)
        ? { outcome: "declined", status: "refused", idempotencyKey, cause }
        : unknownOutcome(idempotencyKey, cause);
  }
  const state: JournalState = outcome.outcome;
  try {
    await journal.move(current, state, { ...times(), ...madeIds(outcome) });
  } catch (journalFailure) {
    return { ...outcome, journalFailure };
  }
  return outcome;
}

/** What the journal keeps of an answer. */
function madeIds(outcome: KeyedOutcome): MadeIds {
  const chargeId = "chargeId" in outcome ? outcome.chargeId : undefined;
  const refundId = "refundId" in outcome ? outcome.refundId : undefined;
  return { ...(chargeId === undefined ? {} : { chargeId }), ...(refundId === undefined ? {} : { refundId }) };
}

/**
 * An envelope says nothing of the request it answers, so an earlier answer fits every later payment of the same amount. It carries
 * the id of that earlier payment, though. Errors: `ERR_HOST_RESPONSE`. A journal that cannot be read does not turn a good answer
 * into none.
 */
async function requireUnclaimed(context: Context, { kind, idempotencyKey }: Payment, read: KeyedOutcome): Promise<void> {
  const unclaimed = await context.journal.claim(kind, madeIds(read), idempotencyKey).catch(() => true);
  if (!unclaimed) throw unexpectedAnswer(`${kind}_id`, "that of no other payment");
}

/** Retries of a signed request; a 401 makes the terminal read the host's clock. */
export function insistently<T>(
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
async function abandon({ journal }: Context, record: JournalRecord): Promise<unknown> {
  try {
    await journal.move(record, "abandoned");
    return undefined;
  } catch (error) {
    journal.keepOpen(record);
    return error ?? new Error("the store failed");
  }
}

/** Signs and sends one payment request; the parsed JSON of a successful answer. */
export async function exchange(
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

export function openAnswer(equipment: Equipment, body: unknown, where: string): JsonObject {
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
export function isRefusal(error: PosCryptoError): boolean {
  const status = error.details?.["status"];
  return error.code === "ERR_HOST" && typeof status === "number" && [400, 404, 405, 413, 415].includes(status);
}
