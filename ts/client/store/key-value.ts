/**
 * A `TerminalStore` over whatever keeps texts under names: React Native's AsyncStorage or MMKV, Capacitor's Preferences, a table in
 * SQLite, a store in Electron.
 *
 * | name             | content                                                                                            |
 * |------------------|----------------------------------------------------------------------------------------------------|
 * | `terminal`       | pairing, terminal id, key sets as the host's wrapped blocks                                        |
 * | `index`          | which payments may be open, and the number of the next record                                      |
 * | `record:KEY`     | a journal record, public fields only, with its number                                              |
 * | `made:NAME`      | the idempotency key of the payment that the host gave this id to                                   |
 * | `payload:KEY`    | the sealed request of one open payment; overwritten with zeros and removed when it is settled      |
 * | `outcome:KEY`    | the sealed outcome of one payment; removed with its record                                         |
 * | `settled:DAY:KEY`| that a record was settled on that day, so that old ones are found without reading any other        |
 * | `user`           | which opening is the user of all this                                                              |
 *
 * Each item is whole or absent, and nothing is assumed of two together. The index is written before the record that it names, so that
 * a crash leaves an entry too many and never one too few. Nothing here is secret but what the store's caller seals. Texts that were
 * overwritten may live on in the medium: the envelope is what protects them.
 */
import { assertObject, func, numeric, own } from "../../base/arguments.js";
import { encodeHex } from "../../base/bytes.js";
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import { randomBytes } from "../../base/random.js";
import type { JsonValue } from "../../core/envelope/envelope.js";
import { isOpen, type JournalRecord, type JournalState, madeName, mayBeDropped, requireState } from "./records.js";
import type { StoredTerminal, TerminalStore } from "./store.js";

/** What keeps texts under names. Every method may return a promise; one of a write resolves when the text is durable. */
export interface KeyValueAdapter {
  /** The text that was last set; `null` or `undefined` where there is none. */
  get(name: string): string | null | undefined | Promise<string | null | undefined>;
  /** Replaces what was there. */
  set(name: string, text: string): unknown;
  /** What does not exist is no error. */
  delete(name: string): unknown;
  /** All names; others than this store's do no harm. */
  keys(): readonly string[] | Promise<readonly string[]>;
}

/** How long the journal remembers, and what its names begin with. */
export interface KeyValueStoreOptions {
  /** What all names begin with, so that the adapter may keep other things, too. Default `viopay-pos:`. */
  readonly prefix?: string | undefined;
  /** How long settled records are kept at least; those to be looked up at the host stay for good. Default 30 days. */
  readonly keepSettledMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

interface StoredRecord {
  readonly number: number;
  readonly record: JournalRecord;
}

interface Index {
  /** The next record's number. */
  readonly next: number;
  /** Idempotency keys of all records that are open, and of some that no longer are. */
  readonly open: readonly string[];
}

interface User {
  readonly token: string;
  /** RFC 3339. */
  readonly since: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const METHODS = ["get", "set", "delete", "keys"] as const;

/**
 * A store over `{ get, set, delete, keys }`, for apps on React Native, Capacitor or Electron. Every method rejects with `ERR_STORE`
 * where the adapter throws or an item is damaged. The store that was opened last is the user of the items: an earlier one over the
 * same items is refused from then on. React Native's AsyncStorage calls its methods `getItem`, `setItem`, `removeItem` and `getAllKeys`.
 *
 * @example Over a map
 * ```ts
 * import { KeyValueStore } from "viopay-pos-crypto/client";
 *
 * const items = new Map<string, string>();
 * const store = new KeyValueStore({
 *   get: (name) => items.get(name),
 *   set: (name, text) => items.set(name, text),
 *   delete: (name) => items.delete(name),
 *   keys: () => [...items.keys()],
 * });
 * await store.saveTerminal({ version: 1, deviceId: "POS-8F3A2C91", claimed: false });
 * console.log((await store.loadTerminal())?.deviceId); // prints POS-8F3A2C91
 * await store.close();
 * ```
 */
export class KeyValueStore implements TerminalStore {
  readonly #adapter: KeyValueAdapter;
  readonly #prefix: string;
  readonly #keepSettledMs: number;
  readonly #now: () => number;
  /** Absent before the first call. */
  #user: User | undefined;
  #next = 1;
  /** What the index names, but for what is known to be settled. */
  #open = new Set<string>();
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * Reads and writes nothing yet: the first call does.
   *
   * @throws `ERR_INVALID_ARGUMENT`
   */
  constructor(adapter: KeyValueAdapter, options: KeyValueStoreOptions = {}) {
    if (typeof adapter !== "object" || adapter === null) {
      throw invalidArgument("adapter", "an object { get, set, delete, keys }", describeType(adapter));
    }
    const missing = METHODS.find((name) => typeof adapter[name] !== "function");
    if (missing !== undefined)
      throw invalidArgument("adapter", "an object { get, set, delete, keys }", `one without ${missing}()`);
    assertObject("options", options);
    const prefix: unknown = own(options, "prefix", "viopay-pos:");
    if (typeof prefix !== "string") throw invalidArgument("prefix", "a text", describeType(prefix));
    this.#adapter = adapter;
    this.#prefix = prefix;
    this.#keepSettledMs = numeric(options, "keepSettledMs", { min: 0, max: Number.POSITIVE_INFINITY, fallback: 30 * DAY_MS });
    this.#now = func(options, "now") ?? Date.now;
  }

  loadTerminal(): Promise<StoredTerminal | undefined> {
    return this.#exclusively(() => this.#get<StoredTerminal>("terminal"));
  }

  saveTerminal(state: StoredTerminal): Promise<void> {
    return this.#writing(() => this.#set("terminal", state));
  }

  putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
    return this.#writing(async () => {
      const { idempotencyKey, state } = record;
      const found = await this.#stored(idempotencyKey);
      requireState(found?.record.state, replaces);
      const number = found?.number ?? this.#next;
      if (found === undefined || (isOpen(state) && !this.#open.has(idempotencyKey))) await this.#announce(idempotencyKey, number);
      const made = madeName(record);
      if (made !== undefined) await this.#set(`made:${made}`, idempotencyKey);
      const day = settledOn(record);
      if (day !== undefined) await this.#set(`settled:${day}:${idempotencyKey}`, "");
      await this.#set(`record:${idempotencyKey}`, { number, record } satisfies StoredRecord);
      if (!isOpen(state)) this.#open.delete(idempotencyKey);
    });
  }

  getRecord(idempotencyKey: string): Promise<JournalRecord | undefined> {
    return this.#exclusively(async () => (await this.#stored(idempotencyKey))?.record);
  }

  getMadeRecord(made: string): Promise<JournalRecord | undefined> {
    return this.#exclusively(async () => {
      const idempotencyKey = await this.#get<string>(`made:${made}`);
      const record = idempotencyKey === undefined ? undefined : (await this.#stored(idempotencyKey))?.record;
      // A crash may have left the name without its record.
      return record !== undefined && madeName(record) === made ? record : undefined;
    });
  }

  listOpenRecords(): Promise<JournalRecord[]> {
    return this.#exclusively(async () => {
      const records = await this.#list([...this.#open]);
      return records.filter(({ state }) => isOpen(state));
    });
  }

  listRecords(): Promise<JournalRecord[]> {
    return this.#exclusively(async () => this.#list(await this.#names("record:")));
  }

  putPayload(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    return this.#writing(() => this.#set(`payload:${idempotencyKey}`, sealed));
  }

  getPayload(idempotencyKey: string): Promise<JsonValue | undefined> {
    return this.#exclusively(() => this.#get<JsonValue>(`payload:${idempotencyKey}`));
  }

  removePayload(idempotencyKey: string): Promise<void> {
    return this.#writing(async () => {
      const name = `${this.#prefix}payload:${idempotencyKey}`;
      const text = await this.#adapter.get(name);
      if (text === null || text === undefined) return;
      await this.#adapter.set(name, "0".repeat(text.length));
      await this.#adapter.delete(name);
    });
  }

  listPayloads(): Promise<string[]> {
    return this.#exclusively(() => this.#names("payload:"));
  }

  putOutcome(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    return this.#writing(() => this.#set(`outcome:${idempotencyKey}`, sealed));
  }

  getOutcome(idempotencyKey: string): Promise<JsonValue | undefined> {
    return this.#exclusively(() => this.#get<JsonValue>(`outcome:${idempotencyKey}`));
  }

  /** Waits for what is under way. Later calls reject with `ERR_STORE`. */
  close(): Promise<void> {
    const closing = this.#queue.then(() => {
      this.#closed = true;
    });
    this.#queue = closing;
    return closing;
  }

  /** One operation at a time, in the order of the calls. */
  #exclusively<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(async () => {
      if (this.#closed) throw new PosCryptoError("ERR_STORE", "the store is closed");
      try {
        if (this.#user === undefined) await this.#begin();
        return await operation();
      } catch (error) {
        if (error instanceof PosCryptoError) throw error;
        throw new PosCryptoError("ERR_STORE", "the store's items could not be read or written", { cause: error });
      }
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  #writing<T>(operation: () => Promise<T>): Promise<T> {
    return this.#exclusively(async () => {
      const user = await this.#get<User>("user");
      if (user?.token === this.#user?.token) return await operation();
      const since = user?.since ?? "an unknown time";
      throw new PosCryptoError("ERR_STORE", `another KeyValueStore has used these items since ${since}: go on with that one`, {
        details: { since },
      });
    });
  }

  /** Becomes the items' user, drops what was settled long ago, and learns what is open. */
  async #begin(): Promise<void> {
    const user: User = { token: encodeHex(randomBytes(16)), since: new Date(this.#now()).toISOString() };
    await this.#set("user", user);
    const index = (await this.#get<Index>("index")) ?? (await this.#readIndex());
    this.#next = index.next;
    this.#open = new Set(index.open);
    for (const key of index.open) {
      const found = await this.#stored(key);
      if (found === undefined || !isOpen(found.record.state)) this.#open.delete(key);
    }
    await this.#prune();
    this.#user = user;
  }

  /** From all records, where the index was lost. */
  async #readIndex(): Promise<Index> {
    let next = 1;
    const open: string[] = [];
    for (const key of await this.#names("record:")) {
      const found = await this.#stored(key);
      if (found === undefined) continue;
      next = Math.max(next, found.number + 1);
      if (isOpen(found.record.state)) open.push(key);
    }
    return { next, open };
  }

  /** A record of this number may be open from here on. */
  async #announce(idempotencyKey: string, number: number): Promise<void> {
    const next = Math.max(this.#next, number + 1);
    await this.#set("index", { next, open: [...this.#open, idempotencyKey] } satisfies Index);
    this.#next = next;
    this.#open.add(idempotencyKey);
  }

  async #prune(): Promise<void> {
    const oldest = this.#now() - this.#keepSettledMs;
    for (const name of await this.#names("settled:")) {
      const [day = "", key = ""] = [name.slice(0, DAY_DIGITS), name.slice(DAY_DIGITS + 1)];
      if (!(Date.parse(day) < oldest)) continue;
      const record = (await this.#stored(key))?.record;
      if (record !== undefined && settledOn(record) === day) {
        if (!mayBeDropped(record, oldest)) continue;
        const made = madeName(record);
        if (made !== undefined) await this.#delete(`made:${made}`);
        await this.#delete(`outcome:${key}`);
        await this.#delete(`record:${key}`);
      }
      await this.#delete(`settled:${name}`);
    }
  }

  async #stored(idempotencyKey: string): Promise<StoredRecord | undefined> {
    return await this.#get<StoredRecord>(`record:${idempotencyKey}`);
  }

  /** The oldest first. */
  async #list(keys: readonly string[]): Promise<JournalRecord[]> {
    const stored: StoredRecord[] = [];
    for (const key of keys) {
      const found = await this.#stored(key);
      if (found !== undefined) stored.push(found);
    }
    return stored.sort((a, b) => a.number - b.number).map(({ record }) => record);
  }

  /** What follows `start` in the names that begin with it. */
  async #names(start: string): Promise<string[]> {
    const whole = this.#prefix + start;
    return (await this.#adapter.keys()).filter((name) => name.startsWith(whole)).map((name) => name.slice(whole.length));
  }

  async #get<T>(name: string): Promise<T | undefined> {
    const text = await this.#adapter.get(this.#prefix + name);
    if (text === null || text === undefined) return undefined;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new PosCryptoError("ERR_STORE", "an item of the store is damaged");
    }
  }

  async #set(name: string, value: unknown): Promise<void> {
    await this.#adapter.set(this.#prefix + name, JSON.stringify(value));
  }

  async #delete(name: string): Promise<void> {
    await this.#adapter.delete(this.#prefix + name);
  }
}

/** `2026-01-15` */
const DAY_DIGITS = 10;

/** The day a record was settled on, by its own clock; `undefined` where it is open or to be looked up. */
function settledOn(record: JournalRecord): string | undefined {
  return mayBeDropped(record, Number.POSITIVE_INFINITY) ? record.updatedAt.slice(0, DAY_DIGITS) : undefined;
}
