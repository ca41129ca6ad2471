/**
 * One payment on its way: signed, sealed, sent, sent again where the retry table allows it, and its outcome journalled. Whatever is
 * not an opened answer that matches the request, and this request only, is `unknown`.
 */
import { PosCryptoError } from "../../base/errors.js";
import { sealEnvelope } from "../../core/envelope/envelope.js";
import { unexpectedAnswer } from "../http/json-fields.js";
import type { CallOptions, Context } from "../session.js";
import type { JournalRecord } from "../store/records.js";
import type { PaymentKeys } from "./admission.js";
import { readCharge, readRefund } from "./answers.js";
import { asPosError, exchange, isRefusal, withClockRetries } from "./exchange.js";
import { isRemembered } from "./host-memory.js";
import { storeFailure } from "./journal.js";
import { keepOutcome, madeIds } from "./kept-outcomes.js";
import { type KeyedOutcome, unknownOutcome } from "./outcomes.js";
import type { Payment } from "./requests.js";

/** Whether the host is known to answer a second request under the same key with the first one's result. */
export function isRepeatable(context: Context, record: JournalRecord): boolean {
  return record.kind === "charge" || context.hostDedupesRefunds;
}

/** What is known of sendings before this call. */
export interface SendOptions extends CallOptions {
  /** An earlier sending may have left. */
  readonly repeated: boolean;
  /**
   * No earlier sending can exist, on this terminal or in the caller's memory: a host that refuses the first one as such has not
   * carried it out.
   */
  readonly refusable: boolean;
}

/**
 * Sends a payment whose record is durable, again where the retry table allows it, and turns whatever happens into an outcome.
 * Rejects only where nothing has left.
 */
export async function send(
  context: Context,
  keys: PaymentKeys,
  record: JournalRecord,
  payment: Payment,
  options: SendOptions,
): Promise<KeyedOutcome> {
  const sending = new PaymentSending(context, keys, record, payment, options);
  let answer: KeyedOutcome;
  try {
    answer = await sending.sendAttempts();
  } catch (error) {
    if (!sending.mayHaveLeft) return await sending.abandon(error);
    return await sending.settle(sending.withoutAnswer(asPosError(error)));
  }
  return await sending.settle(answer);
}

class PaymentSending {
  readonly #context: Context;
  readonly #keys: PaymentKeys;
  readonly #first: JournalRecord;
  readonly #payment: Payment;
  readonly #options: SendOptions;
  readonly #offsetAtStart: number;
  /** The record as it was last written. */
  #record: JournalRecord;
  #mayHaveLeft: boolean;

  constructor(context: Context, keys: PaymentKeys, record: JournalRecord, payment: Payment, options: SendOptions) {
    this.#context = context;
    this.#keys = keys;
    this.#first = record;
    this.#payment = payment;
    this.#options = options;
    this.#offsetAtStart = context.clock.offsetMs;
    this.#record = record;
    this.#mayHaveLeft = options.repeated;
  }

  /** Whether bytes of this payment may have left the terminal, now or in an earlier sending. */
  get mayHaveLeft(): boolean {
    return this.#mayHaveLeft;
  }

  /** Sends until there is an answer that matches, or the retry table ends it. Throws the last failure. */
  async sendAttempts(): Promise<KeyedOutcome> {
    const repetition = isRepeatable(this.#context, this.#first) ? "charge" : "refund";
    return await withClockRetries(this.#context, repetition, this.#options, (timeoutMs, number) =>
      this.#attempt(timeoutMs, number),
    );
  }

  async #attempt(timeoutMs: number, number: number): Promise<KeyedOutcome> {
    const { kind, idempotencyKey, chargeId, plaintext } = this.#payment;
    if (number > 1) await this.#journalRepetition();
    // The host's clock may have been read since the last check.
    if (this.#options.repeated && !isRemembered(this.#context, this.#record)) {
      throw new PosCryptoError("ERR_STATE", "the host may have forgotten this idempotency key by now");
    }
    const answer = await exchange(this.#context, this.#keys, {
      step: kind,
      chargeId,
      idempotencyKey,
      body: JSON.stringify(sealEnvelope(this.#keys.set.msk, plaintext, { includeKcv: true })),
      signal: this.#options.signal,
      timeoutMs,
      onSend: () => {
        this.#mayHaveLeft = true;
      },
    });
    const outcome = kind === "charge" ? readCharge(answer, this.#payment) : readRefund(answer, this.#payment);
    await requireUnclaimed(this.#context, this.#payment, outcome);
    return outcome;
  }

  async #journalRepetition(): Promise<void> {
    try {
      this.#record = await this.#context.journal.move(this.#record, "sending", this.#correctedTimes());
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** A clock that was found wrong since the first sending was wrong when the record was made, a moment before. */
  #correctedTimes(): { createdAt?: string } {
    const correction = this.#options.repeated ? 0 : this.#context.clock.offsetMs - this.#offsetAtStart;
    return correction === 0 ? {} : { createdAt: new Date(Date.parse(this.#first.createdAt) + correction).toISOString() };
  }

  /** What a payment has come to that may have left and has no answer. */
  withoutAnswer(cause: PosCryptoError): KeyedOutcome {
    const { idempotencyKey } = this.#payment;
    const sentOnce = this.#record.sendings === this.#first.sendings;
    const refused = this.#options.refusable && sentOnce && isRefusal(cause);
    return refused ? { outcome: "declined", status: "refused", idempotencyKey, cause } : unknownOutcome(idempotencyKey, cause);
  }

  /** Keeps and journals the outcome. Where that fails, the caller hears both, and `recover()` asks again. */
  async settle(outcome: KeyedOutcome): Promise<KeyedOutcome> {
    const { journal } = this.#context;
    try {
      if (outcome.outcome !== "unknown") await keepOutcome(this.#context, this.#payment, outcome);
      await journal.move(this.#record, outcome.outcome, { ...this.#correctedTimes(), ...madeIds(outcome) });
      return outcome;
    } catch (journalFailure) {
      return { ...outcome, journalFailure };
    }
  }

  /**
   * Closes a record of which nothing has left, and throws `error`. Where the record cannot be closed, a later `recover()` may still
   * make the payment, so the caller must not hear that it was not made.
   */
  async abandon(error: unknown): Promise<KeyedOutcome> {
    const { journal } = this.#context;
    try {
      await journal.move(this.#record, "abandoned");
    } catch (journalFailure) {
      journal.keepOpen(this.#record);
      const outcome = unknownOutcome(this.#payment.idempotencyKey, asPosError(error));
      return { ...outcome, journalFailure: journalFailure ?? new Error("the store failed") };
    }
    throw error;
  }
}

/**
 * An envelope says nothing of the request it answers, so an earlier answer fits every later payment of the same amount. It carries
 * the id of that earlier payment, though. Throws `ERR_HOST_RESPONSE`. A journal that cannot be read does not turn a good answer
 * into none.
 */
async function requireUnclaimed(context: Context, { kind, idempotencyKey }: Payment, outcome: KeyedOutcome): Promise<void> {
  const unclaimed = await context.journal.claim(kind, madeIds(outcome), idempotencyKey).catch(() => true);
  if (!unclaimed) throw unexpectedAnswer(`${kind}_id`, "that of no other payment");
}
