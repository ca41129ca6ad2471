/**
 * Payments whose outcome is open, asked about again: under the same idempotency key, with the same plaintext under a fresh IV,
 * timestamp, nonce and signature, and with the key set they were made with for as long as that has not expired.
 *
 * Bytes have left, or may have: whatever goes wrong here leaves the payment unknown.
 */
import { type JsonValue, openEnvelope } from "../../core/envelope/envelope.js";
import { PosCryptoError } from "../../base/errors.js";
import { type PaymentKeys, admit, signingContext, requireNotAborted } from "./admission.js";
import { storeFailure } from "./journal.js";
import { madeIds, type SettledOutcome } from "./kept-outcomes.js";
import type { JournalRecord } from "../store/records.js";
import { isJsonObject } from "../http/json-fields.js";
import { isExpired } from "../activation/keys.js";
import { standingOf } from "./host-memory.js";
import { type KeyedOutcome, unknownOutcome } from "./outcomes.js";
import type { Payment } from "./requests.js";
import { isRepeatable, send } from "./sending.js";
import type { CallOptions, Context, Installed } from "../session.js";

/** What was on its way when a process ended is unknown until an answer arrives. */
export async function reopen(context: Context, record: JournalRecord): Promise<JournalRecord> {
  return record.state === "sending" ? await context.journal.move(record, "unknown") : record;
}

/** Settles a record whose outcome was kept by a process that ended before it could. Never rejects. */
export async function settleKept(context: Context, record: JournalRecord, outcome: SettledOutcome): Promise<KeyedOutcome> {
  try {
    const open = record.state === "unknown" ? await context.journal.move(record, "sending") : record;
    await context.journal.move(open, outcome.outcome, madeIds(outcome));
    return outcome;
  } catch (journalFailure) {
    return { ...outcome, journalFailure };
  }
}

interface Asking extends CallOptions {
  readonly step: string;
  /** Sees the payment as it was made; what it throws goes to the caller. */
  readonly check?: (made: Payment, terminalId: string) => void;
}

/**
 * Asks the host again about an open payment; call it while the idempotency key is marked in flight, with a record read after that. Rejects only
 * with what `check` throws.
 */
export async function askAgain(context: Context, found: JournalRecord, asking: Asking): Promise<KeyedOutcome> {
  const { idempotencyKey } = found;
  const { signal, check } = asking;
  let record: JournalRecord;
  let made: Stored;
  try {
    record = await reopen(context, found);
    made = await prepareAgain(context, record, asking);
    requireNotAborted({ signal });
  } catch (error) {
    return unknownOutcome(idempotencyKey, storeFailure(error));
  }
  const { payment, keys } = made;
  check?.(payment, keys.terminalId);
  try {
    record = await context.journal.move(record, "sending");
  } catch (error) {
    return { ...unknownOutcome(idempotencyKey, storeFailure(error)), journalFailure: error };
  }
  return await send(context, keys, record, payment, { repeated: true, refusable: false, signal });
}

/** Admits the payment and rebuilds it. Throws `ERR_STATE` where a second request could make the payment twice. */
async function prepareAgain(context: Context, record: JournalRecord, { step, signal }: Asking): Promise<Stored> {
  const current = await admit(context, { step, paymentKey: record.idempotencyKey, signal });
  // Only now: a renewal of the keys may have taken long.
  const standing = await standingOf(context, record, { signal });
  if (standing.standing === "unsure") throw standing.cause;
  if (standing.standing === "forgotten") throw lookUpFirst();
  if (!isRepeatable(context, record))
    throw new PosCryptoError("ERR_STATE", "this refund may have been made: the host does not tell repetitions apart");
  return await storedPayment(context, current, record);
}

/** The host may have forgotten the idempotency key. */
export function lookUpFirst(): PosCryptoError {
  return new PosCryptoError("ERR_STATE", "the host may have forgotten this idempotency key: look the payment up at the host", {
    details: { needs: "resolvePayment()" },
  });
}

interface Stored {
  readonly payment: Payment;
  readonly keys: PaymentKeys;
}

/**
 * Rebuilds a journalled payment from its sealed payload, with the keys to send it: those of the key set it was made with, or
 * `current`, where that set has expired.
 */
async function storedPayment(context: Context, current: PaymentKeys, record: JournalRecord): Promise<Stored> {
  const { idempotencyKey, kind, chargeId } = record;
  const sealed = await context.journal.payload(idempotencyKey);
  if (sealed === undefined) throw new PosCryptoError("ERR_STATE", "the payload of an open payment is missing from the store");
  const { set, plaintext } = openStored(context, sealed);
  if (!isJsonObject(plaintext)) throw new PosCryptoError("ERR_STATE", "the payload of an open payment is not a request");
  const amount = { value: record.amount, currency: record.currency };
  const takesCurrent = set.keys === current.set || isExpired(context, set);
  return {
    payment: { kind, chargeId, idempotencyKey, amount, plaintext },
    keys: takesCurrent ? current : signingContext(context, set),
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
