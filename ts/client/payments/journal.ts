/**
 * The journal of charges and refunds: a record is durable before a request leaves and is settled after its answer, so that a crash
 * at any point leaves either nothing or an open record that says "ask the host again, with this key".
 *
 * Records hold public fields only. The request itself, needed to repeat it with the same plaintext, is a separate item sealed
 * under the MSK, written before its record and removed after the record is settled.
 *
 * A store that reports a failure may have written all the same. Where that leaves a caller with an unknown outcome, the journal
 * counts the payment as open, whatever the store shows, so that recovery in this process comes upon it.
 */
import { PosCryptoError } from "../../base/errors.js";
import type { JsonValue } from "../../core/envelope/envelope.js";
import {
  DUKPT_PAYLOADS,
  isOpen,
  JOURNAL_TRANSITIONS,
  type JournalRecord,
  type JournalState,
  type MadeIds,
  madeName,
  type PaymentKind,
} from "../store/records.js";
import type { StoreUser } from "../store/one-user.js";

export type NewRecord = Pick<JournalRecord, "idempotencyKey" | "kind" | "chargeId" | "amount" | "currency">;

/** A failure of the store, whatever form the store gives it. */
export function storeFailure(error: unknown): PosCryptoError {
  if (error instanceof PosCryptoError) return error;
  return new PosCryptoError("ERR_STORE", "the terminal's store failed", { cause: error });
}

export class Journal {
  readonly #store: StoreUser;
  readonly #now: () => number;
  /** Open records that the store failed to write or to close, by idempotency key. */
  readonly #doubtful = new Map<string, JournalRecord>();
  /** The idempotency key of the payment that each id of the host's belongs to, as far as this process has claimed it. */
  readonly #holders = new Map<string, string>();

  constructor(store: StoreUser, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async find(idempotencyKey: string): Promise<JournalRecord | undefined> {
    return this.#doubtful.get(idempotencyKey) ?? (await this.#store.getRecord(idempotencyKey));
  }

  /** All there are, the oldest first. */
  async records(): Promise<JournalRecord[]> {
    const records = new Map((await this.#store.listRecords()).map((record) => [record.idempotencyKey, record]));
    for (const [key, record] of this.#doubtful) records.set(key, record);
    return [...records.values()];
  }

  /** The oldest first; what is in doubt last. */
  async openRecords(): Promise<JournalRecord[]> {
    const records = new Map((await this.#store.listOpenRecords()).map((record) => [record.idempotencyKey, record]));
    for (const [key, record] of this.#doubtful) records.set(key, record);
    return [...records.values()];
  }

  /** Makes payload and record durable, in this order; the record's state is `sending`. */
  async begin(fields: NewRecord, sealed: JsonValue): Promise<JournalRecord> {
    const time = this.#time();
    const record: JournalRecord = { ...fields, state: "sending", sendings: 1, createdAt: time, updatedAt: time };
    await this.#store.putPayload(fields.idempotencyKey, sealed);
    try {
      await this.#store.putRecord(record);
    } catch (error) {
      // The record may be there all the same. Without its payload it is never sent; with it, recovery may send it.
      await this.#store.removePayload(fields.idempotencyKey).catch(() => this.keepOpen(record));
      throw error;
    }
    return record;
  }

  /** The store could not take `record` back: it counts as open until it is moved. */
  keepOpen(record: JournalRecord): void {
    this.#doubtful.set(record.idempotencyKey, record);
  }

  /** Whether a record counts as open whatever the store shows. */
  isKeptOpen(idempotencyKey: string): boolean {
    return this.#doubtful.has(idempotencyKey);
  }

  /** Errors: `ERR_STATE` for a transition that is not in the table; those of the store, which may have written all the same. */
  async move(
    record: JournalRecord,
    state: JournalState,
    changes: MadeIds & { readonly createdAt?: string; readonly resolved?: true } = {},
  ): Promise<JournalRecord> {
    const allowed: readonly string[] = JOURNAL_TRANSITIONS[record.state];
    if (!allowed.includes(state)) throw new PosCryptoError("ERR_STATE", `a payment cannot go from ${record.state} to ${state}`);
    const sendings = record.sendings + (state === "sending" ? 1 : 0);
    const updatedAt = this.#time();
    const made = changes.createdAt ?? record.createdAt;
    // A clock that was set back since: the earliest sending is what the host's memory is counted from.
    const createdAt = state === "sending" && Date.parse(updatedAt) < Date.parse(made) ? updatedAt : made;
    const moved: JournalRecord = { ...record, ...changes, createdAt, state, sendings, updatedAt };
    await this.#store.putRecord(moved, await this.#replacedBy(record));
    this.#doubtful.delete(record.idempotencyKey);
    // The payment is settled with its record; a payload that stays behind is an orphan for the next recovery.
    if (!isOpen(state)) await this.#store.removePayload(record.idempotencyKey).catch(() => {});
    return moved;
  }

  /**
   * The state in which the store has `record`. Of a record in doubt it may have nothing, or what it said that it could not write: the
   * record itself, or that it was given up. Errors: `ERR_STORE` where another program has settled it.
   */
  async #replacedBy({ idempotencyKey, state }: JournalRecord): Promise<JournalState | undefined> {
    if (!this.#doubtful.has(idempotencyKey)) return state;
    const found = (await this.#store.getRecord(idempotencyKey))?.state;
    return found === undefined || found === "abandoned" ? found : state;
  }

  /**
   * Whether the ids of an answer belong to no other payment; they belong to this one from here on. Two payments at a time cannot
   * both have them.
   */
  async claim(kind: PaymentKind, ids: MadeIds, idempotencyKey: string): Promise<boolean> {
    const made = madeName({ kind, ...ids });
    if (made === undefined) return true;
    // Claimed before the store is asked: of two answers at a time one comes first.
    const claimed = this.#holders.get(made);
    if (claimed === undefined) this.#holders.set(made, idempotencyKey);
    const holder = claimed ?? (await this.#store.getMadeRecord(made))?.idempotencyKey ?? idempotencyKey;
    this.#holders.set(made, holder);
    return holder === idempotencyKey;
  }

  payload(idempotencyKey: string): Promise<JsonValue | undefined> {
    return this.#store.getPayload(idempotencyKey);
  }

  /** Keys of payloads that no open record needs: left behind by a crash or a failing store, or of a payment that is just beginning. */
  async orphans(): Promise<string[]> {
    const keys = await this.#store.listPayloads();
    const open = new Set((await this.openRecords()).map((record) => record.idempotencyKey));
    return keys.filter((key) => !open.has(key) && !key.startsWith(DUKPT_PAYLOADS));
  }

  /** Removes a payload unless an open record needs it. To be called while no request under its key is under way. */
  async removeOrphan(idempotencyKey: string): Promise<void> {
    const record = await this.find(idempotencyKey);
    if (record === undefined || !isOpen(record.state)) await this.#store.removePayload(idempotencyKey);
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
