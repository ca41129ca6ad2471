/**
 * Charge and refund.
 *
 * Either is journalled before it leaves and never rejects once bytes may have left. A key of the caller's that the journal knows means
 * that payment: a settled one is told again, an open one is asked about and stays `unknown` where it cannot be.
 */
import { type JsonValue, sealEnvelope } from "../../core/envelope/envelope.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { type PaymentKeys, admit, withIdempotencyKey, requireNotAborted } from "./admission.js";
import { checkText, IDEMPOTENCY_KEY } from "../http/headers.js";
import { storeFailure } from "./journal.js";
import { isOpen, type JournalRecord } from "../store/records.js";
import { type KeptOutcome, outcomeOfRecord, readKept } from "./kept-outcomes.js";
import { askAgain, lookUpFirst, settleKept } from "./open-payments.js";
import { loadOwn } from "../persistence.js";
import { type ChargeOutcome, type KeyedOutcome, type RefundOutcome, unknownOutcome } from "./outcomes.js";
import {
  addressCharge,
  carriesEnciphered,
  checkChargeId,
  type ChargeRequest,
  type Payment,
  prepareCharge,
  prepareRefund,
  type RefundRequest,
} from "./requests.js";
import { send } from "./sending.js";
import type { CallOptions, Context } from "../session.js";
import { createUuid } from "./uuid.js";

/** How one payment is sent. */
export interface PaymentOptions extends CallOptions {
  /** 1 to 255 printable characters; by default a fresh UUID. Giving one says that the request may have been sent before. */
  readonly idempotencyKey?: string | undefined;
}

/** What the caller asks for, before it has the terminal's id. */
type Draft = Omit<Payment, "idempotencyKey">;

export async function charge(context: Context, request: ChargeRequest, options: PaymentOptions = {}): Promise<ChargeOutcome> {
  // Checked and copied before the first pause: the caller may reuse its object.
  const draft: Draft = { kind: "charge", chargeId: undefined, ...prepareCharge(request) };
  return (await pay(context, "charge()", draft, options)) as ChargeOutcome;
}

export async function refund(
  context: Context,
  chargeId: string,
  request: RefundRequest,
  options: PaymentOptions = {},
): Promise<RefundOutcome> {
  checkChargeId(chargeId);
  const draft: Draft = { kind: "refund", chargeId, ...prepareRefund(request) };
  return (await pay(context, "refund()", draft, options)) as RefundOutcome;
}

/** Errors: `ERR_INVALID_ARGUMENT` where the caller named another terminal. */
function complete(draft: Draft, terminalId: string): Draft {
  return draft.kind === "charge" ? { ...draft, ...addressCharge(draft, terminalId) } : draft;
}

async function pay(context: Context, step: string, draft: Draft, options: PaymentOptions): Promise<KeyedOutcome> {
  const { signal } = options;
  const keyIsNew = options.idempotencyKey === undefined;
  const idempotencyKey = options.idempotencyKey ?? createUuid();
  checkText("idempotencyKey", idempotencyKey, IDEMPOTENCY_KEY, "1 to 255 printable characters, no blank at either end");
  // In flight before anything is looked at: a key installation begins only when nothing is.
  return await withIdempotencyKey(context, idempotencyKey, async () => {
    let known: JournalRecord | undefined;
    try {
      known = keyIsNew ? undefined : await context.journal.find(idempotencyKey);
    } catch (error) {
      // The caller says that it may have been sent before, and nothing here says that it was not.
      return { ...unknownOutcome(idempotencyKey, storeFailure(error)), journalFailure: error };
    }
    if (known !== undefined) return await payAgain(context, step, draft, known, { signal });
    return await payNew(context, step, draft, { signal, idempotencyKey, refusable: keyIsNew });
  });
}

interface NewPayment extends CallOptions {
  readonly idempotencyKey: string;
  readonly refusable: boolean;
}

/** Journals and sends a payment that the journal does not know. Rejects only where nothing has left or can leave later. */
async function payNew(context: Context, step: string, draft: Draft, options: NewPayment): Promise<KeyedOutcome> {
  const { idempotencyKey, signal, refusable } = options;
  const { journal } = context;
  const bound = carriesEnciphered(draft.plaintext);
  const keys = await admit(context, { step, paymentKey: idempotencyKey, signal, bound });
  const payment: Payment = { ...complete(draft, keys.terminalId), idempotencyKey };
  requireNotAborted({ signal });
  let record: JournalRecord;
  try {
    record = await begin(context, keys, payment);
  } catch (error) {
    if (!journal.isKeptOpen(idempotencyKey)) throw error;
    return { ...unknownOutcome(idempotencyKey, storeFailure(error)), journalFailure: error };
  }
  return await send(context, keys, record, payment, { repeated: false, refusable, signal });
}

async function begin(context: Context, keys: PaymentKeys, payment: Payment): Promise<JournalRecord> {
  const { idempotencyKey, kind, chargeId, amount, plaintext } = payment;
  const sealed = sealEnvelope(keys.set.msk, plaintext, { includeKcv: true });
  return await context.journal.begin(
    { idempotencyKey, kind, ...(chargeId === undefined ? {} : { chargeId }), amount: amount.value, currency: amount.currency },
    sealed as unknown as JsonValue,
  );
}

/**
 * A key that the journal knows. A settled payment is told again, an open one is asked about. Rejects where the call does not mean that
 * payment: `ERR_INVALID_ARGUMENT` for another request, `ERR_STATE` for one that was given up before anything left.
 */
async function payAgain(
  context: Context,
  step: string,
  draft: Draft,
  record: JournalRecord,
  { signal }: CallOptions,
): Promise<KeyedOutcome> {
  const { kind, chargeId, amount } = draft;
  requireSame(record.kind === kind && (kind === "charge" || record.chargeId === chargeId));
  requireSame(record.amount === amount.value && record.currency === amount.currency);
  const told = await tellSettled(context, draft, record);
  if (told !== undefined) return told;
  const check = (made: Payment, terminalId: string) =>
    requireSame(JSON.stringify(made.plaintext) === JSON.stringify(complete(draft, terminalId).plaintext));
  return await askAgain(context, record, { step, signal, check });
}

/** The outcome of a settled payment; `undefined` where the host is to be asked. */
async function tellSettled(context: Context, draft: Draft, record: JournalRecord): Promise<KeyedOutcome | undefined> {
  const { idempotencyKey, state } = record;
  if (state === "abandoned") {
    throw new PosCryptoError("ERR_STATE", "the payment of this idempotency key was given up before anything left: use a new key");
  }
  if (state === "needs_host_lookup") return unknownOutcome(idempotencyKey, lookUpFirst());
  let kept: KeptOutcome | undefined;
  let terminalId: string | undefined;
  try {
    kept = await readKept(context, record);
    terminalId = context.session.terminalId ?? (await loadOwn(context))?.terminalId;
  } catch (error) {
    return { ...unknownOutcome(idempotencyKey, storeFailure(error)), journalFailure: error };
  }
  if (kept !== undefined && terminalId !== undefined) requireSame(kept.isOf(complete(draft, terminalId).plaintext));
  if (!isOpen(state)) return record.resolved ? outcomeOfRecord(record) : (kept?.outcome ?? outcomeOfRecord(record));
  return kept === undefined ? undefined : await settleKept(context, record, kept.outcome);
}

function requireSame(same: boolean): void {
  if (!same) throw invalidArgument("idempotencyKey", "new, or the one of the same request", "one of another request");
}
