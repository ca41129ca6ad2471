/**
 * Entry `./client/browser`: a `TerminalStore` in IndexedDB, for browsers and web views.
 *
 * Four object stores: `terminal` (one item), `records` (public fields of payments, in order of their first writing), `payloads` (the
 * sealed requests of open payments, overwritten before they are removed), `outcomes` (sealed, dropped with their records). Every write resolves
 * when it is on the medium. One opening at a time, of all tabs, windows and workers: indexeddb-lock.ts. Nothing here is secret
 * but what the store's caller seals. A browser may drop a site's data under pressure unless the page has called
 * `navigator.storage.persist()`.
 *
 * @module viopay-pos-crypto/client/browser
 */
import { func, numeric, ownOptions, timerMs } from "../../base/arguments.js";
import { describeType, invalidArgument } from "../../base/errors.js";
import type { JsonValue } from "../../core/envelope/envelope.js";
import {
  type Guard,
  openDatabase,
  type StoreName,
  type StoredItem,
  type StoredRecord,
  storedRecord,
  transact,
  type Work,
} from "./indexeddb-database.js";
import { type DatabaseLock, lockDatabase, lost } from "./indexeddb-lock.js";
import { type JournalRecord, type JournalState, requireState } from "./records.js";
import type { StoredTerminal, TerminalStore } from "./store.js";

/** How long the journal remembers, and where it is. */
export interface IndexedDbStoreOptions {
  /** How long settled records are kept at least; those to be looked up at the host stay for good. Default 30 days. */
  readonly keepSettledMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Default: the engine's own. */
  readonly indexedDB?: IDBFactory | undefined;
  /** Web Locks. Default: the engine's own; `null`, as where it has none: a lease in the database. */
  readonly locks?: LockManager | null | undefined;
  /** How often the holder of a lease shows that it is alive. After a crash the next opening waits for twice as long. Default 2 s. */
  readonly heartbeatMs?: number | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * A store in IndexedDB, for browsers and web views. Every method rejects with `ERR_STORE` where the database cannot be read or
 * written, or is open already, in another tab, window or worker or in this one.
 */
export class IndexedDbStore implements TerminalStore {
  readonly #name: string;
  readonly #keepSettledMs: number;
  readonly #heartbeatMs: number;
  readonly #now: () => number;
  readonly #factory: IDBFactory;
  readonly #locks: LockManager | undefined;
  #database: Promise<IDBDatabase> | undefined;
  #lock: Promise<DatabaseLock> | undefined;

  /**
   * Opens nothing yet: the first call does.
   *
   * @param name of the database; made when it is first used
   * @throws `ERR_INVALID_ARGUMENT`, also where the engine has no IndexedDB
   */
  constructor(name: string, options: IndexedDbStoreOptions = {}) {
    if (typeof name !== "string" || name === "") throw invalidArgument("name", "a text", describeType(name));
    const given = ownOptions("options", options);
    this.#name = name;
    this.#keepSettledMs = numeric(given, "keepSettledMs", { min: 0, max: Number.POSITIVE_INFINITY, fallback: 30 * DAY_MS });
    this.#heartbeatMs = timerMs(given, "heartbeatMs", 10, 2000);
    this.#now = func(given, "now") ?? Date.now;
    const factory = given.indexedDB ?? platform(() => indexedDB);
    if (factory === undefined) throw invalidArgument("indexedDB", "given where the engine has none", "nothing");
    this.#factory = factory;
    const { locks } = given;
    this.#locks = locks === undefined ? platform(() => navigator.locks) : (locks ?? undefined);
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

  /** Closes the database and lets others open it; the next call opens it again. */
  async close(): Promise<void> {
    const [database, lock] = [this.#database, this.#lock];
    this.#lock = undefined;
    // While the database is open: the lock's last words are in it.
    await (await lock?.catch(() => undefined))?.release();
    if (this.#database === database) this.#database = undefined;
    (await database?.catch(() => undefined))?.close();
  }

  /** The database, ours alone. Errors: `ERR_STORE`. */
  async #open(): Promise<IDBDatabase> {
    const database = await this.#connect();
    this.#lock ??= this.#begin().catch((error: unknown) => {
      this.#lock = undefined;
      throw error;
    });
    if ((await this.#lock).isLost) throw lost();
    // What another tab has done while this one waited may have ended the connection.
    return this.#database === undefined ? await this.#connect() : database;
  }

  async #begin(): Promise<DatabaseLock> {
    const lock = await lockDatabase({
      name: this.#name,
      locks: this.#locks,
      heartbeatMs: this.#heartbeatMs,
      database: () => this.#connect(),
    });
    await this.#prune(await this.#connect());
    return lock;
  }

  #connect(): Promise<IDBDatabase> {
    this.#database ??= openDatabase(this.#factory, this.#name).then(
      (database) => {
        // Another page that deletes or upgrades the database must not wait for this one.
        database.onversionchange = () => this.#disconnect(database);
        database.onclose = () => this.#disconnect(database);
        return database;
      },
      (error: unknown) => {
        this.#database = undefined;
        throw error;
      },
    );
    return this.#database;
  }

  /** The next call connects again. */
  #disconnect(database: IDBDatabase): void {
    this.#database = undefined;
    database.close();
  }

  /** Drops what was settled long ago, and its outcome. */
  async #prune(database: IDBDatabase): Promise<void> {
    const oldest = this.#now() - this.#keepSettledMs;
    await transact(database, ["records", "outcomes"], "readwrite", (transaction, guard) => {
      const cursor = transaction.objectStore("records").index("settledAt").openCursor();
      cursor.onsuccess = guard(() => {
        const at = cursor.result;
        if (at === null || !((at.key as number) < oldest)) return;
        transaction.objectStore("outcomes").delete(at.primaryKey);
        at.delete();
        at.continue();
      });
    });
  }

  async #read(name: StoreName, ask: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
    let request: IDBRequest | undefined;
    await this.#transact([name], "readonly", (transaction) => {
      request = ask(transaction.objectStore(name));
    });
    return request?.result;
  }

  /** A lease is confirmed in the transaction that writes: one that was lost undoes it. */
  async #write(name: StoreName, change: (store: IDBObjectStore, guard: Guard) => void): Promise<void> {
    await this.#transact(name === "terminal" ? [name] : [name, "terminal"], "readwrite", (transaction, guard, lock) => {
      lock.confirm(transaction.objectStore("terminal"), guard);
      change(transaction.objectStore(name), guard);
    });
  }

  /** Once more over a new connection where the platform failed: a connection may have died without a word. */
  async #transact(
    names: readonly StoreName[],
    mode: IDBTransactionMode,
    work: (...parts: [...Parameters<Work>, DatabaseLock]) => void,
  ): Promise<void> {
    for (let tries = 1; ; tries++) {
      const database = await this.#open();
      const lock = await this.#lock!;
      try {
        return await transact(database, names, mode, (transaction, guard) => work(transaction, guard, lock));
      } catch (error) {
        // What this library says has no cause.
        if ((error as Error).cause === undefined) throw error;
        this.#disconnect(database);
        if (tries > 1) throw error;
      }
    }
  }
}

/** What the engine has; `undefined` where it has none, or denies it (a page of an opaque origin). */
function platform<T>(read: () => T | null | undefined): T | undefined {
  try {
    return read() ?? undefined;
  } catch {
    return undefined;
  }
}

function recordOf(stored: unknown): JournalRecord | undefined {
  return (stored as StoredRecord | undefined)?.record;
}
