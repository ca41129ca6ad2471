/**
 * The database of an `IndexedDbStore`: what is in it, how one of an earlier version becomes one of this, and transactions whose every
 * failure is `ERR_STORE`, whatever the platform throws and wherever.
 */
import { PosCryptoError } from "../../base/errors.js";
import type { JsonValue } from "../../core/envelope/envelope.js";
import { isOpen, type JournalRecord, madeName, mayBeDropped } from "./records.js";

export type StoreName = "terminal" | "records" | "payloads" | "outcomes";

export interface StoredRecord {
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
export interface StoredItem {
  readonly idempotencyKey: string;
  readonly sealed: JsonValue;
}

const SCHEMA = 2;

export function storedRecord(sequence: number, record: JournalRecord): StoredRecord {
  const made = madeName(record);
  return {
    sequence,
    record,
    ...(isOpen(record.state) ? { open: sequence } : {}),
    ...(made === undefined ? {} : { made }),
    ...(mayBeDropped(record, Number.POSITIVE_INFINITY) ? { settledAt: Date.parse(record.updatedAt) } : {}),
  };
}

/** Errors: `ERR_STORE`, also where another page with an earlier version of the app is in the way. */
export function openDatabase(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    try {
      const request = factory.open(name, SCHEMA) as IDBOpenDBRequest | null;
      if (request === null) throw new Error("indexedDB.open() answered null");
      request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, request.transaction!, oldVersion);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(failure(request.error));
      request.onblocked = () => reject(failure(new Error("a page with an earlier version of the app has it open")));
    } catch (error) {
      reject(failure(error));
    }
  });
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

/** Makes an event handler whose error is what the transaction rejects with. */
export type Guard = (handler: () => void) => () => void;

/** What a transaction does; requests are made in it and in guarded handlers. */
export type Work = (transaction: IDBTransaction, guard: Guard) => void;

/**
 * Resolves when the transaction is complete, which under `durability: "strict"` means: on the medium (Indexed Database API 3.0, 2.7.3).
 * Errors: `ERR_STORE`; nothing of it is stored then.
 */
export function transact(
  database: IDBDatabase,
  names: readonly StoreName[],
  mode: IDBTransactionMode,
  work: Work,
): Promise<void> {
  return new Promise((resolve, reject) => {
    try {
      const transaction = database.transaction(names, mode, { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failure(transaction.error));
      transaction.onerror = () => reject(failure(transaction.error));
      work(transaction, (handler) => () => {
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

/** An error of our own stays as it is. */
function failure(cause: unknown): PosCryptoError {
  if (cause instanceof PosCryptoError) return cause;
  return new PosCryptoError("ERR_STORE", "the browser's database could not be read or written", { cause });
}
