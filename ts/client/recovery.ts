/**
 * What becomes of payments whose outcome is open: the host is asked again, under the same idempotency key and with the same plaintext,
 * for as long as it remembers keys. Nothing is ever taken for declined because no answer came.
 */
import { PosCryptoError } from "../errors.js";
import type { JournalRecord, JournalState, PaymentKind } from "./journal.js";
import type { Amount, ChargeOutcome, RefundOutcome } from "./outcomes.js";
import {
  asPosError,
  equip,
  type Equipment,
  exclusively,
  isForgotten,
  isRepeatable,
  reopen,
  send,
  storedPayment,
} from "./payments.js";
import type { Payment } from "./payment-requests.js";
import type { CallOptions, Context } from "./session.js";

/** One journalled payment after recovery. */
export interface Recovered {
  readonly kind: PaymentKind;
  readonly idempotencyKey: string;
  readonly amount: Amount;
  readonly state: JournalState;
  /** The outcome of sending it again; absent where it was not sent. */
  readonly outcome?: ChargeOutcome | RefundOutcome;
}

/**
 * Asks the host again about every open payment, in order of creation. One that is older than the host's memory of idempotency
 * keys becomes `needs_host_lookup` and is not sent; a refund is only sent where the host is known to honour its key.
 */
export async function recoverPayments(context: Context, options: CallOptions = {}): Promise<Recovered[]> {
  await context.journal.sweep();
  const recovered: Recovered[] = [];
  for (const found of await context.journal.openRecords()) {
    if (context.inFlight.has(found.idempotencyKey)) continue;
    if (options.signal?.aborted) throw new PosCryptoError("ERR_ABORTED", "the call was aborted");
    recovered.push(await exclusively(context, found.idempotencyKey, () => recoverOne(context, found, options)));
  }
  return recovered;
}

async function recoverOne(context: Context, found: JournalRecord, options: CallOptions): Promise<Recovered> {
  const { kind, idempotencyKey } = found;
  const amount = { value: found.amount, currency: found.currency };
  const record = await reopen(context, found);
  if (isForgotten(context, record)) {
    await context.journal.move(record, "needs_host_lookup");
    return { kind, idempotencyKey, amount, state: "needs_host_lookup" };
  }
  if (!isRepeatable(context, record)) return { kind, idempotencyKey, amount, state: "unknown" };
  let equipment: Equipment;
  let payment: Payment;
  try {
    const current = await equip(context, { step: "recover()", own: idempotencyKey, signal: options.signal });
    ({ payment, equipment } = await storedPayment(context, current, record));
  } catch (error) {
    return {
      kind,
      idempotencyKey,
      amount,
      state: "unknown",
      outcome: { outcome: "unknown", idempotencyKey, cause: asPosError(error) },
    };
  }
  const sending = await context.journal.move(record, "sending");
  const outcome = await send(context, equipment, sending, payment, { repeated: true, refusable: false, signal: options.signal });
  return { kind, idempotencyKey, amount, state: outcome.outcome, outcome };
}
