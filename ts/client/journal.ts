/**
 * The journal of charges and refunds: a record is durable before a request leaves and is settled after its answer, so that a crash
 * at any point leaves either nothing or an open record that says "ask the host again, with this key".
 *
 * Records hold public fields only. The request itself, needed to repeat it with the same plaintext, is a separate item sealed
 * under the MSK, written before its record and removed after the record is settled.
 */
import { PosCryptoError } from "../errors.js";
import type { JsonValue } from "../envelope.js";
import type { TerminalStore } from "./store.js";

/**
 * All states and where each may go.
 *
 * | state             | meaning                                                                 |
 * |-------------------|-------------------------------------------------------------------------|
 * | sending           | bytes may have left, more than once; after a restart an unknown outcome |
 * | unknown           | no answer that can be trusted                                           |
 * | approved          | the host approved                                                       |
 * | declined          | the host declined, or refused the request as such                       |
 * | abandoned         | given up before anything left                                           |
 * | needs_host_lookup | unknown for longer than the host remembers keys: repeating could double |
 */
export const JOURNAL_TRANSITIONS = {
  sending: ["sending", "approved", "declined", "unknown", "abandoned"],
  unknown: ["sending", "needs_host_lookup"],
  approved: [],
  declined: [],
  abandoned: [],
  needs_host_lookup: [],
} as const satisfies Record<string, readonly string[]>;

/** A state of `JOURNAL_TRANSITIONS`. */
export type JournalState = keyof typeof JOURNAL_TRANSITIONS;
/** What is journalled; voids are not. */
export type PaymentKind = "charge" | "refund";

/** Every field is public. Times are RFC 3339 by the host's clock as far as known. */
export interface JournalRecord {
  readonly idempotencyKey: string;
  readonly kind: PaymentKind;
  /** The charge a refund belongs to; once settled, the charge that was made. */
  readonly chargeId?: string;
  /** Minor units. */
  readonly amount: string;
  readonly currency: string;
  readonly state: JournalState;
  /** How often a request has been sent, or may have been. */
  readonly sendings: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type NewRecord = Pick<JournalRecord, "idempotencyKey" | "kind" | "chargeId" | "amount" | "currency">;

/** Whether the outcome is still open. */
export function isOpen(state: JournalState): boolean {
  return state === "sending" || state === "unknown";
}

export class Journal {
  readonly #store: TerminalStore;
  readonly #now: () => number;

  constructor(store: TerminalStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async find(idempotencyKey: string): Promise<JournalRecord | undefined> {
    return (await this.#store.listRecords()).find((record) => record.idempotencyKey === idempotencyKey);
  }

  async openRecords(): Promise<JournalRecord[]> {
    return (await this.#store.listRecords()).filter((record) => isOpen(record.state));
  }

  /** Makes payload and record durable, in this order; the record's state is `sending`. */
  async begin(fields: NewRecord, sealed: JsonValue): Promise<JournalRecord> {
    const time = this.#time();
    const record: JournalRecord = { ...fields, state: "sending", sendings: 1, createdAt: time, updatedAt: time };
    await this.#store.putPayload(fields.idempotencyKey, sealed);
    try {
      await this.#store.putRecord(record);
    } catch (error) {
      // The record may be there all the same; without its payload it is never sent.
      await this.#store.removePayload(fields.idempotencyKey).catch(() => {});
      throw error;
    }
    return record;
  }

  /** Errors: `ERR_STATE` for a transition that is not in the table. */
  async move(
    record: JournalRecord,
    state: JournalState,
    changes: { chargeId?: string; createdAt?: string } = {},
  ): Promise<JournalRecord> {
    const allowed: readonly string[] = JOURNAL_TRANSITIONS[record.state];
    if (!allowed.includes(state)) throw new PosCryptoError("ERR_STATE", `a payment cannot go from ${record.state} to ${state}`);
    const sendings = record.sendings + (state === "sending" ? 1 : 0);
    const moved: JournalRecord = { ...record, ...changes, state, sendings, updatedAt: this.#time() };
    await this.#store.putRecord(moved);
    if (!isOpen(state)) await this.#store.removePayload(record.idempotencyKey);
    return moved;
  }

  payload(idempotencyKey: string): Promise<JsonValue | undefined> {
    return this.#store.getPayload(idempotencyKey);
  }

  /** Removes payloads that a crash left behind: those of settled records, or of records never written. */
  async sweep(): Promise<void> {
    const open = new Set((await this.openRecords()).map((record) => record.idempotencyKey));
    for (const key of await this.#store.listPayloads()) if (!open.has(key)) await this.#store.removePayload(key);
  }

  /** Milliseconds since the record was made. */
  age(record: JournalRecord): number {
    return this.#now() - Date.parse(record.createdAt);
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
