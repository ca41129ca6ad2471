/**
 * The journal's records in memory, for the stores that hold them there: by idempotency key, by the id that the host gave, and those
 * that are open. Every question costs the same however many records are settled. Records are public; nothing is wiped.
 */
import { isOpen, type JournalRecord, type JournalState, madeName, mayBeDropped, requireState } from "./records.js";

export class RecordTable {
  /** In the order of their first writing. */
  readonly #records = new Map<string, JournalRecord>();
  readonly #open = new Set<string>();
  readonly #made = new Map<string, string>();

  get size(): number {
    return this.#records.size;
  }

  /** Errors: `ERR_STORE` unless the record there is in the state `replaces`, or none is there where `replaces` is absent. */
  requireState(idempotencyKey: string, replaces: JournalState | undefined): void {
    requireState(this.#records.get(idempotencyKey)?.state, replaces);
  }

  /** The record's latest form, whatever was there. */
  put(record: JournalRecord): void {
    const { idempotencyKey, state } = record;
    this.#forgetMade(idempotencyKey);
    this.#records.set(idempotencyKey, { ...record });
    if (isOpen(state)) this.#open.add(idempotencyKey);
    else this.#open.delete(idempotencyKey);
    const made = madeName(record);
    if (made !== undefined) this.#made.set(made, idempotencyKey);
  }

  get(idempotencyKey: string): JournalRecord | undefined {
    const record = this.#records.get(idempotencyKey);
    return record === undefined ? undefined : { ...record };
  }

  /** The payment that the host's id belongs to. */
  getMade(made: string): JournalRecord | undefined {
    const idempotencyKey = this.#made.get(made);
    return idempotencyKey === undefined ? undefined : this.get(idempotencyKey);
  }

  list(): JournalRecord[] {
    return [...this.#records.values()].map((record) => ({ ...record }));
  }

  /** The oldest first. */
  listOpen(): JournalRecord[] {
    return [...this.#open].map((key) => this.get(key)!);
  }

  /** The keys of what was settled before `oldest`, in milliseconds since 1970. */
  listDroppable(oldest: number): string[] {
    return [...this.#records.values()].filter((one) => mayBeDropped(one, oldest)).map((one) => one.idempotencyKey);
  }

  drop(idempotencyKey: string): void {
    this.#forgetMade(idempotencyKey);
    this.#records.delete(idempotencyKey);
    this.#open.delete(idempotencyKey);
  }

  #forgetMade(idempotencyKey: string): void {
    const record = this.#records.get(idempotencyKey);
    const made = record === undefined ? undefined : madeName(record);
    if (made !== undefined && this.#made.get(made) === idempotencyKey) this.#made.delete(made);
  }
}
