/** A `TerminalStore` in this process's memory. Secrets: none but what its caller seals; nothing is wiped. */
import type { JsonValue } from "../../core/envelope/envelope.js";
import { RecordTable } from "./record-table.js";
import type { JournalRecord, JournalState } from "./records.js";
import type { StoredTerminal, TerminalStore } from "./store.js";

/** Keeps everything in this process, and loses it with it: for tests and first steps. */
export class MemoryStore implements TerminalStore {
  #terminal: string | undefined;
  readonly #records = new RecordTable();
  readonly #payloads = new Map<string, string>();
  readonly #outcomes = new Map<string, string>();

  async loadTerminal(): Promise<StoredTerminal | undefined> {
    return parsed(this.#terminal) as StoredTerminal | undefined;
  }

  async saveTerminal(state: StoredTerminal): Promise<void> {
    this.#terminal = JSON.stringify(state);
  }

  async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
    this.#records.requireState(record.idempotencyKey, replaces);
    this.#records.put(record);
  }

  async getRecord(idempotencyKey: string): Promise<JournalRecord | undefined> {
    return this.#records.get(idempotencyKey);
  }

  async getMadeRecord(made: string): Promise<JournalRecord | undefined> {
    return this.#records.getMade(made);
  }

  async listOpenRecords(): Promise<JournalRecord[]> {
    return this.#records.listOpen();
  }

  async listRecords(): Promise<JournalRecord[]> {
    return this.#records.list();
  }

  async putPayload(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    this.#payloads.set(idempotencyKey, JSON.stringify(sealed));
  }

  async getPayload(idempotencyKey: string): Promise<JsonValue | undefined> {
    return parsed(this.#payloads.get(idempotencyKey));
  }

  async removePayload(idempotencyKey: string): Promise<void> {
    this.#payloads.delete(idempotencyKey);
  }

  async listPayloads(): Promise<string[]> {
    return [...this.#payloads.keys()];
  }

  async putOutcome(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    this.#outcomes.set(idempotencyKey, JSON.stringify(sealed));
  }

  async getOutcome(idempotencyKey: string): Promise<JsonValue | undefined> {
    return parsed(this.#outcomes.get(idempotencyKey));
  }
}

function parsed(text: string | undefined): JsonValue | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
}
