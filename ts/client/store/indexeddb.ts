/**
 * Entry `./client/browser`: a `TerminalStore` in IndexedDB, for browsers and web views.
 *
 * Three object stores: `terminal` (one item), `records` (public fields of payments, in order of their first writing), `payloads` (the
 * sealed requests of open payments, overwritten before they are removed). Every write resolves on its transaction's `complete`
 * under `durability: "strict"`, which asks the engine to flush to the medium (Indexed Database API 3.0, 2.7.3). Nothing here is secret
 * but what the store's caller seals. A browser may drop a site's data under pressure unless the page has called
 * `navigator.storage.persist()`.
 *
 * @module viopay-pos-crypto/client/browser
 */
import type { JsonValue } from "../../core/envelope/envelope.js";
import { describeType, invalidArgument, numberOrType, PosCryptoError } from "../../base/errors.js";
import { isOpen, type JournalRecord } from "./records.js";
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

type StoreName = "terminal" | "records" | "payloads";

interface StoredRecord {
  readonly sequence: number;
  readonly record: JournalRecord;
}

interface StoredPayload {
  readonly idempotencyKey: string;
  readonly sealed: JsonValue;
}

const SCHEMA = 1;
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
    const { keepSettledMs = 30 * DAY_MS, now = Date.now } = options;
    if (typeof keepSettledMs !== "number" || !(keepSettledMs >= 0)) {
      throw invalidArgument("keepSettledMs", "a number from 0", numberOrType(keepSettledMs));
    }
    const factory = options.indexedDB ?? (globalThis.indexedDB as IDBFactory | undefined);
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

  async putRecord(record: JournalRecord): Promise<void> {
    await this.#write("records", (store) => {
      const known = store.get(record.idempotencyKey) as IDBRequest<StoredRecord | undefined>;
      known.onsuccess = () => {
        if (known.result !== undefined) {
          store.put({ ...known.result, record } satisfies StoredRecord, record.idempotencyKey);
          return;
        }
        const last = store.index("sequence").openCursor(null, "prev") as IDBRequest<IDBCursorWithValue | null>;
        last.onsuccess = () => {
          const sequence = ((last.result?.value as StoredRecord | undefined)?.sequence ?? 0) + 1;
          store.put({ sequence, record } satisfies StoredRecord, record.idempotencyKey);
        };
      };
    });
  }

  async listRecords(): Promise<JournalRecord[]> {
    const stored = (await this.#read("records", (store) => store.index("sequence").getAll())) as StoredRecord[];
    return stored.map(({ record }) => record);
  }

  async putPayload(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    const payload: StoredPayload = { idempotencyKey, sealed };
    await this.#write("payloads", (store) => void store.put(payload, idempotencyKey));
  }

  async getPayload(idempotencyKey: string): Promise<JsonValue | undefined> {
    const payload = await this.#read("payloads", (store) => store.get(idempotencyKey));
    return (payload as StoredPayload | undefined)?.sealed;
  }

  async removePayload(idempotencyKey: string): Promise<void> {
    const payload = (await this.#read("payloads", (store) => store.get(idempotencyKey))) as StoredPayload | undefined;
    if (payload === undefined) return;
    const length = JSON.stringify(payload.sealed).length;
    await this.#write("payloads", (store) => void store.put({ idempotencyKey, sealed: "0".repeat(length) }, idempotencyKey));
    await this.#write("payloads", (store) => void store.delete(idempotencyKey));
  }

  async listPayloads(): Promise<string[]> {
    return ((await this.#read("payloads", (store) => store.getAllKeys())) as string[]).map(String);
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
      request.onupgradeneeded = () => {
        const made = request.result;
        made.createObjectStore("terminal");
        made.createObjectStore("records").createIndex("sequence", "sequence", { unique: true });
        made.createObjectStore("payloads");
      };
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

  /** Drops what was settled long ago. */
  async #prune(database: IDBDatabase): Promise<void> {
    const oldest = this.#now() - this.#keepSettledMs;
    await transact(database, "records", "readwrite", (store) => {
      const cursor = store.openCursor();
      cursor.onsuccess = () => {
        const at = cursor.result;
        if (at === null) return;
        const { state, updatedAt } = (at.value as StoredRecord).record;
        if (!isOpen(state) && state !== "needs_host_lookup" && Date.parse(updatedAt) < oldest) at.delete();
        at.continue();
      };
    });
  }

  async #read(name: StoreName, ask: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
    let request: IDBRequest | undefined;
    await transact(await this.#open(), name, "readonly", (store) => {
      request = ask(store);
    });
    return request?.result;
  }

  async #write(name: StoreName, change: (store: IDBObjectStore) => void): Promise<void> {
    await transact(await this.#open(), name, "readwrite", change);
  }
}

/** Resolves when the transaction is complete. Errors: `ERR_STORE`; nothing of it is stored then. */
function transact(
  database: IDBDatabase,
  name: StoreName,
  mode: IDBTransactionMode,
  body: (store: IDBObjectStore) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    try {
      const transaction = database.transaction(name, mode, { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failure(transaction.error));
      transaction.onerror = () => reject(failure(transaction.error));
      body(transaction.objectStore(name));
    } catch (error) {
      reject(failure(error));
    }
  });
}

function failure(cause: unknown): PosCryptoError {
  return new PosCryptoError("ERR_STORE", "the browser's database could not be read or written", { cause });
}
