/**
 * What is known of a payment, at any time and as often as it is asked: by its idempotency key, or by state and time. And an operator's
 * word on a payment that only the host's back office can tell of.
 */
import { assertObject, own, readChoice, readWholeNumber, refusal, wholeNumber } from "../../base/arguments.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { parseTimestamp } from "../../base/timestamp.js";
import { CHARGE_ID } from "../../core/protocol/endpoints.js";
import { checkText, IDEMPOTENCY_KEY } from "../http/headers.js";
import type { Context } from "../session.js";
import { JOURNAL_TRANSITIONS, type JournalRecord, type JournalState, type MadeIds, type PaymentKind } from "../store/records.js";
import { withIdempotencyKey } from "./admission.js";
import { madeIds, outcomeOfRecord, readKept } from "./kept-outcomes.js";
import type { Amount, KeyedOutcome } from "./outcomes.js";

/** One payment, as far as the terminal knows. */
export interface PaymentRecord {
  readonly kind: PaymentKind;
  readonly idempotencyKey: string;
  readonly state: JournalState;
  readonly amount: Amount;
  /** Of a refund: the charge it belongs to. Of a charge: the host's id, once it is settled. */
  readonly chargeId: string | undefined;
  readonly refundId: string | undefined;
  /** RFC 3339, by the host's clock as far as known. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Whether an operator, and not the host, has said what became of it. */
  readonly resolved: boolean;
  /** What `charge()` or `refund()` said, gateway data included; `undefined` unless the state is `approved` or `declined`. */
  readonly outcome: KeyedOutcome | undefined;
}

/** Which payments `listPayments` tells of. */
export interface ListPaymentsOptions {
  /** Default: all states. */
  readonly states?: readonly JournalState[] | undefined;
  /** Made at this time or later: a Date, or RFC 3339 in UTC. */
  readonly since?: Date | string | undefined;
  /** How many at most. Default 100. */
  readonly limit?: number | undefined;
}

/** What an operator has found at the host. The ids are the host's. */
export type Resolution =
  | "approved"
  | "declined"
  | { readonly outcome: "approved" | "declined"; readonly chargeId?: string | undefined; readonly refundId?: string | undefined };

export async function findPayment(context: Context, idempotencyKey: string): Promise<PaymentRecord | undefined> {
  checkKey(idempotencyKey);
  const record = await context.journal.find(idempotencyKey);
  return record === undefined ? undefined : await describe(context, record);
}

export async function listPayments(context: Context, options: ListPaymentsOptions = {}): Promise<PaymentRecord[]> {
  assertObject("options", options);
  const states = readStates(own(options, "states"));
  const since = readSince(own(options, "since"));
  const limit = wholeNumber(options, "limit", { min: 1, fallback: 100 });
  const listed: PaymentRecord[] = [];
  for (const record of (await context.journal.records()).reverse()) {
    if (listed.length === limit) break;
    if (Date.parse(record.createdAt) < since) continue;
    const payment = await describe(context, record);
    if (states.includes(payment.state)) listed.push(payment);
  }
  return listed;
}

export async function resolvePayment(context: Context, idempotencyKey: string, resolution: Resolution): Promise<PaymentRecord> {
  checkKey(idempotencyKey);
  const { outcome, ids } = readResolution(resolution);
  return await withIdempotencyKey(context, idempotencyKey, async () => {
    const record = await context.journal.find(idempotencyKey);
    if (record === undefined) throw invalidArgument("idempotencyKey", "that of a payment in the journal", "another one");
    if (record.resolved && record.state === outcome) return await describe(context, record);
    if (record.state !== "needs_host_lookup") {
      throw new PosCryptoError(
        "ERR_STATE",
        `the payment is ${record.state}: only one that needs_host_lookup is resolved by hand`,
      );
    }
    const name = record.kind === "refund" ? "refundId" : "chargeId";
    const made: MadeIds = ids[name] === undefined ? {} : { [name]: ids[name] };
    if (!(await context.journal.claim(record.kind, made, idempotencyKey))) {
      throw invalidArgument("outcome", "with the id of no other payment", "one that another payment has");
    }
    return await describe(context, await context.journal.move(record, outcome, { ...made, resolved: true }));
  });
}

async function describe(context: Context, record: JournalRecord): Promise<PaymentRecord> {
  const { kind, idempotencyKey, chargeId, refundId, createdAt, updatedAt, resolved = false } = record;
  const isSettled = record.state === "approved" || record.state === "declined";
  const kept = resolved ? undefined : (await readKept(context, record))?.outcome;
  const outcome = kept ?? (isSettled ? outcomeOfRecord(record) : undefined);
  // Where the record is open and has an outcome, the process ended between the two: the outcome is what the host said.
  const state = outcome === undefined || isSettled ? record.state : outcome.outcome;
  const ids = { chargeId, refundId, ...(kept === undefined ? {} : madeIds(kept)) };
  const amount = { value: record.amount, currency: record.currency };
  return { kind, idempotencyKey, state, amount, ...ids, createdAt, updatedAt, resolved, outcome };
}

function checkKey(idempotencyKey: unknown): void {
  checkText("idempotencyKey", idempotencyKey, IDEMPOTENCY_KEY, "1 to 255 printable characters, no space at either end");
}

function readStates(states: unknown): readonly JournalState[] {
  const all = Object.keys(JOURNAL_TRANSITIONS) as JournalState[];
  if (states === undefined) return all;
  if (!Array.isArray(states)) throw refusal("states", "an array of states", states);
  return Array.from(states, (state: unknown, i) => readChoice(`states[${i}]`, state, all));
}

/** Milliseconds since 1970. */
function readSince(since: unknown): number {
  if (since === undefined) return Number.NEGATIVE_INFINITY;
  const time = since instanceof Date ? since.getTime() : typeof since === "string" ? parseTimestamp(since) : undefined;
  if (time === undefined || !Number.isFinite(time)) throw refusal("since", "a Date, or an RFC 3339 time in UTC", since);
  return readWholeNumber("since", Math.floor(time), { min: Number.MIN_SAFE_INTEGER });
}

function readResolution(resolution: unknown): { readonly outcome: "approved" | "declined"; readonly ids: MadeIds } {
  if (typeof resolution === "string") return { outcome: readChoice("outcome", resolution, ["approved", "declined"]), ids: {} };
  assertObject("outcome", resolution);
  const given: { outcome?: unknown; chargeId?: unknown; refundId?: unknown } = resolution;
  const outcome = readChoice("outcome.outcome", own(given, "outcome"), ["approved", "declined"]);
  const ids: Record<string, string> = {};
  for (const name of ["chargeId", "refundId"] as const) {
    const id = own(given, name);
    if (id === undefined) continue;
    checkText(`outcome.${name}`, id, CHARGE_ID, "1 to 64 of A-Z a-z 0-9 _ -");
    ids[name] = id;
  }
  return { outcome, ids };
}
