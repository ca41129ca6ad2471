/**
 * Entry `./client/browser`: a `TerminalStore` in IndexedDB, for browsers and web views.
 *
 * Four object stores: `terminal` (one item), `records` (public fields of payments, in order of their first writing), `payloads` (the
 * sealed requests of open payments, overwritten before they are removed), `outcomes` (sealed, dropped with their records). Every write resolves on its transaction's `complete`
 * under `durability: "strict"`, which asks the engine to flush to the medium (Indexed Database API 3.0, 2.7.3). Nothing here is secret
 * but what the store's caller seals. A browser may drop a site's data under pressure unless the page has called
 * `navigator.storage.persist()`.
 *
 * @module viopay-pos-crypto/client/browser
 */
import type { JsonValue } from "../../core/envelope/envelope.js";
import { func, numeric, ownOptions } from "../../base/arguments.js";
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import { isOpen, type JournalRecord, type JournalState, madeName, mayBeDropped, requireState } from "./records.js";
import type { StoredTerminal, TerminalStore } from "./store.js";

/** How long the journal remembers, and where it is. */
export interface IndexedDbStoreOptions {
  /** How long settled records are kept at least; those to be looked up at the host stay for good. Default 30 days. */
  readonly keepSettledMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Default: the engine's own. */
  readonly indexedDB?: IDBFactory | undefined;
}

type StoreName = "terminal" | "records" | "payloads" | "outcomes";

interface StoredRecord {
  readonly sequence: number;
  readonly record: JournalRecord;
  /** For the index of open payments, which has no other records: their sequence. */
  readonly open?: number;
  /** For the index of what the host has made. */
  readonly made?: string;
  /** For the index of what may be dropped, in milliseconds since 1970: when it was settled. */
  readonly settledAt?: number;
}

/** A payload or an outcome. */
interface StoredItem {
  readonly idempotencyKey: string;
  readonly sealed: JsonValue;
}

const SCHEMA = 2;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * A store in IndexedDB, for browsers and web views. Every method rejects with `ERR_STORE` where the database cannot be read or
 * written.
 */
export class IndexedDbStore implements TerminalStore {
  readonly #name: string;
  readonly #keepSettledMs: number;
  readonly #now: () => number;
  readonly #factory: IDBFactory;
  #database: Promise<IDBDatabase> | undefined;

  /**
   * Opens nothing yet: the first call does.
   *
   * @param name of the database; made when it is first used
   * @throws `ERR_INVALID_ARGUMENT`, also where the engine has no IndexedDB
   */
  constructor(name: string, options: IndexedDbStoreOptions = {}) {
    if (typeof name !== "string" || name === "") throw invalidArgument("name", "a text", describeType(name));
    const given = ownOptions("options", options);
    const keepSettledMs = numeric(given, "keepSettledMs", { min: 0, max: Number.POSITIVE_INFINITY, fallback: 30 * DAY_MS });
    const now = func(given, "now") ?? Date.now;
    const factory = given.indexedDB ?? (globalThis.indexedDB as IDBFactory | undefined);
    if (factory === undefined) throw invalidArgument("indexedDB", "given where the engine has none", "nothing");
    this.#name = name;
    this.#keepSettledMs = keepSettledMs;
    this.#now = now;
    this.#factory = factory;
  }

  async loadTerminal(): Promise<StoredTerminal | undefined> {
    return (await this.#read("terminal", (store) => store.get("terminal"))) as StoredTerminal | undefined;
  }

  async saveTerminal(state: StoredTerminal): Promise<void> {
    await this.#write("terminal", (store) => void store.put(state, "terminal"));
  }

  async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
    const { idempotencyKey } = record;
    await this.#write("records", (store, guard) => {
      const known = store.get(idempotencyKey) as IDBRequest<StoredRecord | undefined>;
      known.onsuccess = guard(() => {
        requireState(known.result?.record.state, replaces);
        if (known.result !== undefined) {
          store.put(storedRecord(known.result.sequence, record), idempotencyKey);
          return;
        }
        const last = store.index("sequence").openKeyCursor(null, "prev");
        last.onsuccess = guard(() => {
          store.put(storedRecord(((last.result?.key as number | undefined) ?? 0) + 1, record), idempotencyKey);
        });
      });
    });
  }

  async getRecord(idempotencyKey: string): Promise<JournalRecord | undefined> {
    return recordOf(await this.#read("records", (store) => store.get(idempotencyKey)));
  }

  async getMadeRecord(made: string): Promise<JournalRecord | undefined> {
    return recordOf(await this.#read("records", (store) => store.index("made").get(made)));
  }

  async listOpenRecords(): Promise<JournalRecord[]> {
    return ((await this.#read("records", (store) => store.index("open").getAll())) as StoredRecord[]).map(({ record }) => record);
  }

  async listRecords(): Promise<JournalRecord[]> {
    const stored = (await this.#read("records", (store) => store.index("sequence").getAll())) as StoredRecord[];
    return stored.map(({ record }) => record);
  }

  async putPayload(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    const payload: StoredItem = { idempotencyKey, sealed };
    await this.#write("payloads", (store) => void store.put(payload, idempotencyKey));
  }

  async getPayload(idempotencyKey: string): Promise<JsonValue | undefined> {
    const payload = await this.#read("payloads", (store) => store.get(idempotencyKey));
    return (payload as StoredItem | undefined)?.sealed;
  }

  async removePayload(idempotencyKey: string): Promise<void> {
    const payload = (await this.#read("payloads", (store) => store.get(idempotencyKey))) as StoredItem | undefined;
    if (payload === undefined) return;
    const length = JSON.stringify(payload.sealed).length;
    await this.#write("payloads", (store) => void store.put({ idempotencyKey, sealed: "0".repeat(length) }, idempotencyKey));
    await this.#write("payloads", (store) => void store.delete(idempotencyKey));
  }

  async listPayloads(): Promise<string[]> {
    return ((await this.#read("payloads", (store) => store.getAllKeys())) as string[]).map(String);
  }

  async putOutcome(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    const outcome: StoredItem = { idempotencyKey, sealed };
    await this.#write("outcomes", (store) => void store.put(outcome, idempotencyKey));
  }

  async getOutcome(idempotencyKey: string): Promise<JsonValue | undefined> {
    const outcome = await this.#read("outcomes", (store) => store.get(idempotencyKey));
    return (outcome as StoredItem | undefined)?.sealed;
  }

  /** Closes the database; the next call opens it again. */
  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    (await database?.catch(() => undefined))?.close();
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= this.#openNew().catch((error: unknown) => {
      this.#database = undefined;
      throw error;
    });
    return this.#database;
  }

  async #openNew(): Promise<IDBDatabase> {
    const request = this.#factory.open(this.#name, SCHEMA);
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, request.transaction!, oldVersion);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(failure(request.error));
      request.onblocked = () => reject(failure(undefined));
    });
    // Another page that deletes or upgrades the database must not wait for this one.
    database.onversionchange = () => void this.close();
    database.onclose = () => {
      this.#database = undefined;
    };
    await this.#prune(database);
    return database;
  }

  /** Drops what was settled long ago, and its outcome. */
  async #prune(database: IDBDatabase): Promise<void> {
    const oldest = this.#now() - this.#keepSettledMs;
    await transact(database, ["records", "outcomes"], "readwrite", (transaction, guard) => {
      const old = IDBKeyRange.upperBound(oldest, true);
      const cursor = transaction.objectStore("records").index("settledAt").openCursor(old);
      cursor.onsuccess = guard(() => {
        const at = cursor.result;
        if (at === null) return;
        transaction.objectStore("outcomes").delete(at.primaryKey);
        at.delete();
        at.continue();
      });
    });
  }

  async #read(name: StoreName, ask: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
    let request: IDBRequest | undefined;
    await transact(await this.#open(), [name], "readonly", (transaction) => {
      request = ask(transaction.objectStore(name));
    });
    return request?.result;
  }

  async #write(name: StoreName, change: (store: IDBObjectStore, guard: Guard) => void): Promise<void> {
    await transact(await this.#open(), [name], "readwrite", (transaction, guard) => change(transaction.objectStore(name), guard));
  }
}

/** Version 1 had no indexes but `sequence`, and no outcomes. */
function upgrade(database: IDBDatabase, transaction: IDBTransaction, oldVersion: number): void {
  if (oldVersion < 1) {
    database.createObjectStore("terminal");
    database.createObjectStore("records").createIndex("sequence", "sequence", { unique: true });
    database.createObjectStore("payloads");
  }
  database.createObjectStore("outcomes");
  const records = transaction.objectStore("records");
  for (const name of ["open", "made", "settledAt"]) records.createIndex(name, name);
  const cursor = records.openCursor();
  cursor.onsuccess = () => {
    const at = cursor.result;
    if (at === null) return;
    const { sequence, record } = at.value as StoredRecord;
    at.update(storedRecord(sequence, record));
    at.continue();
  };
}

function storedRecord(sequence: number, record: JournalRecord): StoredRecord {
  const made = madeName(record);
  return {
    sequence,
    record,
    ...(isOpen(record.state) ? { open: sequence } : {}),
    ...(made === undefined ? {} : { made }),
    ...(mayBeDropped(record, Number.POSITIVE_INFINITY) ? { settledAt: Date.parse(record.updatedAt) } : {}),
  };
}

function recordOf(stored: unknown): JournalRecord | undefined {
  return (stored as StoredRecord | undefined)?.record;
}

/** Makes an event handler whose error is what the transaction rejects with. */
type Guard = (handler: () => void) => () => void;

/** Resolves when the transaction is complete. Errors: `ERR_STORE`; nothing of it is stored then. */
function transact(
  database: IDBDatabase,
  names: readonly StoreName[],
  mode: IDBTransactionMode,
  body: (transaction: IDBTransaction, guard: Guard) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    try {
      const transaction = database.transaction(names, mode, { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failure(transaction.error));
      transaction.onerror = () => reject(failure(transaction.error));
      body(transaction, (handler) => () => {
        try {
          handler();
        } catch (error) {
          reject(failure(error));
          transaction.abort();
        }
      });
    } catch (error) {
      reject(failure(error));
    }
  });
}

function failure(cause: unknown): PosCryptoError {
  if (cause instanceof PosCryptoError) return cause;
  return new PosCryptoError("ERR_STORE", "the browser's database could not be read or written", { cause });
}
