/**
 * What becomes of payments whose outcome is open: the host is asked again, under the same idempotency key and with the same plaintext,
 * for as long as it remembers keys. Nothing is ever taken for declined because no answer came.
 */
import type { PosCryptoError } from "../../base/errors.js";
import { bootstrap } from "../activation/bootstrap.js";
import { withIdempotencyKey, requireNotAborted } from "./admission.js";
import { standingOf } from "./host-memory.js";
import { storeFailure } from "./journal.js";
import { readKept } from "./kept-outcomes.js";
import { isOpen, type JournalRecord, type JournalState, type PaymentKind } from "../store/records.js";
import { renewIfDue } from "../activation/keys.js";
import { askAgain, reopen, settleKept } from "./open-payments.js";
import { type Amount, type ChargeOutcome, type RefundOutcome, unknownOutcome } from "./outcomes.js";
import { restoreSession } from "../persistence.js";
import { asPosError } from "./exchange.js";
import { isRepeatable } from "./sending.js";
import type { CallOptions, Context } from "../session.js";

/** One journalled payment after recovery. */
export interface Recovered {
  readonly kind: PaymentKind;
  readonly idempotencyKey: string;
  readonly amount: Amount;
  readonly state: JournalState;
  /** The outcome of sending it again, or why that could not be decided; absent where it was not to be sent. */
  readonly outcome?: ChargeOutcome | RefundOutcome;
}

/** What `recover` has found and done. */
export interface RecoverResult {
  /** Whether keys and terminal id came back from the store, so that no new pairing is needed. */
  readonly restored: boolean;
  /** Every payment that was open, with what is known of it now; not those that another call has under way or has settled meanwhile. */
  readonly payments: readonly Recovered[];
  /**
   * Why the host's time could not be read, where that was tried; `ERR_VERSION_TOO_OLD` where the host demands a newer app. Open
   * payments were asked about all the same, by the clock as last known.
   */
  readonly bootstrapFailure?: PosCryptoError;
}

export async function recover(context: Context, options: CallOptions = {}): Promise<RecoverResult> {
  const { session, journal } = context;
  await restoreSession(context);
  const restored = session.installed !== undefined && session.activatedAt !== undefined;
  let bootstrapFailure: PosCryptoError | undefined;
  if (!session.bootstrapped && (restored || (await journal.openRecords()).length > 0)) {
    try {
      await bootstrap(context, { ...options, attempts: 1 });
    } catch (error) {
      requireNotAborted(options);
      // Neither a charge nor a question about one needs its answer: the clock is as good as when it was last set.
      bootstrapFailure = asPosError(error);
    }
  }
  // A payload that cannot be removed now is tried again by the next recovery.
  await sweep(context).catch(() => {});
  const payments = await recoverPayments(context, options);
  if (restored) {
    // Keys that cannot be renewed now are asked for again by the first payment, which then says what is wrong.
    await renewIfDue(context, undefined, options).catch(() => {});
  }
  return { restored, payments, ...(bootstrapFailure === undefined ? {} : { bootstrapFailure }) };
}

/** Removes payloads that nothing needs any more. A payment that is just beginning has its payload before its record. */
async function sweep(context: Context): Promise<void> {
  const { journal, inFlight } = context;
  for (const key of await journal.orphans()) {
    if (!inFlight.has(key)) await withIdempotencyKey(context, key, () => journal.removeOrphan(key));
  }
}

/**
 * Asks the host again about every open payment, in order of creation. One that is older than the host's memory of idempotency
 * keys, by the host's own clock, becomes `needs_host_lookup` and is not sent; a refund is only sent where the host is known to honour its key.
 */
async function recoverPayments(context: Context, options: CallOptions): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  for (const { idempotencyKey } of await context.journal.openRecords()) {
    if (context.inFlight.has(idempotencyKey)) continue;
    requireNotAborted(options);
    const one = await withIdempotencyKey(context, idempotencyKey, () => recoverOne(context, idempotencyKey, options));
    if (one !== undefined) recovered.push(one);
  }
  return recovered;
}

/** `undefined` where nothing is open any more. */
async function recoverOne(context: Context, idempotencyKey: string, options: CallOptions): Promise<Recovered | undefined> {
  const { journal } = context;
  // Read again: while the payments before this one were asked about, another call may have settled it.
  const record = await journal.find(idempotencyKey);
  if (record === undefined || !isOpen(record.state)) return undefined;
  const { kind, amount: value, currency } = record;
  const known = { kind, idempotencyKey, amount: { value, currency } };
  let open: JournalRecord;
  try {
    const kept = await readKept(context, record);
    if (kept !== undefined) {
      const outcome = await settleKept(context, record, kept.outcome);
      return { ...known, state: outcome.outcome, outcome };
    }
    open = await reopen(context, record);
    const standing = await standingOf(context, open, options);
    if (standing.standing === "forgotten") {
      await journal.move(open, "needs_host_lookup");
      return { ...known, state: "needs_host_lookup" };
    }
    const unsure = standing.standing === "unsure";
    if (unsure || !isRepeatable(context, open)) {
      return { ...known, state: "unknown", ...(unsure ? { outcome: unknownOutcome(idempotencyKey, standing.cause) } : {}) };
    }
  } catch (error) {
    return { ...known, state: "unknown", outcome: unknownOutcome(idempotencyKey, storeFailure(error)) };
  }
  const outcome = await askAgain(context, open, { step: "recover()", signal: options.signal });
  return { ...known, state: outcome.outcome, outcome };
}
