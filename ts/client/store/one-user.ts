/**
 * One store, one user. A terminal reads a record, asks the host, and writes what it has learnt: two that do so over one store would
 * send each other's payments. So the terminal that wrote to a store object last is its user, and an earlier one is refused from then
 * on: an app may make a new terminal whenever it likes, and need not end the old one. Whoever only reads changes nothing: a terminal
 * that finds another device's state leaves it alone. Other processes, tabs and threads have objects of their own: keeping those out
 * is the store's own part.
 *
 * A store's optional members are supplied here from those that every store has. Nothing here is secret.
 */
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { JsonValue } from "../../core/envelope/envelope.js";
import { isOpen, type JournalRecord, type JournalState, madeName } from "./records.js";
import type { StoredTerminal, TerminalStore } from "./store.js";

interface User {
  readonly of: StoreUser;
  /** RFC 3339. */
  readonly since: string;
}

/** The latest user of each store object. */
const users = new WeakMap<TerminalStore, User>();

const METHODS = [
  "loadTerminal",
  "saveTerminal",
  "putRecord",
  "listRecords",
  "putPayload",
  "getPayload",
  "removePayload",
  "listPayloads",
] as const;

/** Payloads by such names are outcomes, of stores that keep none: no idempotency key begins with a space. */
const OUTCOME = " outcome ";

/** A store as one terminal uses it. The first write makes that terminal the store's user. */
export class StoreUser implements Required<Omit<TerminalStore, "close">> {
  readonly #store: TerminalStore;
  #wrote = false;
  /** For a store without `getMadeRecord`: the idempotency key by the host's name, read once and kept up to date. */
  #made: Promise<Map<string, string>> | undefined;

  /** Errors: `ERR_INVALID_ARGUMENT` where `store` lacks a method. */
  constructor(store: TerminalStore) {
    if (typeof store !== "object" || store === null) throw invalidArgument("store", "a TerminalStore", describeType(store));
    const missing = METHODS.find((name) => typeof store[name] !== "function");
    if (missing !== undefined) throw invalidArgument("store", "a TerminalStore", `an object without ${missing}()`);
    this.#store = store;
  }

  async loadTerminal(): Promise<StoredTerminal | undefined> {
    return await this.#reading().loadTerminal();
  }

  async saveTerminal(state: StoredTerminal): Promise<void> {
    await this.#writing().saveTerminal(state);
  }

  async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
    await this.#writing().putRecord(record, replaces);
    const made = madeName(record);
    if (made !== undefined) (await this.#made)?.set(made, record.idempotencyKey);
  }

  async getRecord(idempotencyKey: string): Promise<JournalRecord | undefined> {
    const store = this.#reading();
    if (store.getRecord !== undefined) return await store.getRecord(idempotencyKey);
    return (await store.listRecords()).find((record) => record.idempotencyKey === idempotencyKey);
  }

  async getMadeRecord(made: string): Promise<JournalRecord | undefined> {
    const store = this.#reading();
    if (store.getMadeRecord !== undefined) return await store.getMadeRecord(made);
    this.#made ??= readMade(store);
    const names = await this.#made.catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    const idempotencyKey = names.get(made);
    return idempotencyKey === undefined ? undefined : await this.getRecord(idempotencyKey);
  }

  async listOpenRecords(): Promise<JournalRecord[]> {
    const store = this.#reading();
    if (store.listOpenRecords !== undefined) return await store.listOpenRecords();
    return (await store.listRecords()).filter(({ state }) => isOpen(state));
  }

  async listRecords(): Promise<JournalRecord[]> {
    return await this.#reading().listRecords();
  }

  async putPayload(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    await this.#writing().putPayload(idempotencyKey, sealed);
  }

  async getPayload(idempotencyKey: string): Promise<JsonValue | undefined> {
    return await this.#reading().getPayload(idempotencyKey);
  }

  async removePayload(idempotencyKey: string): Promise<void> {
    await this.#writing().removePayload(idempotencyKey);
  }

  async listPayloads(): Promise<string[]> {
    const names = await this.#reading().listPayloads();
    await this.#dropOutcomes(names.filter((name) => name.startsWith(OUTCOME)));
    return names.filter((name) => !name.startsWith(OUTCOME));
  }

  /** A store that keeps outcomes as payloads has dropped some records by now, and knows nothing of what belongs to them. */
  async #dropOutcomes(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if ((await this.getRecord(name.slice(OUTCOME.length))) === undefined) await this.#writing().removePayload(name);
    }
  }

  async putOutcome(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    const store = this.#writing();
    if (keepsOutcomes(store)) await store.putOutcome(idempotencyKey, sealed);
    else await store.putPayload(OUTCOME + idempotencyKey, sealed);
  }

  async getOutcome(idempotencyKey: string): Promise<JsonValue | undefined> {
    const store = this.#reading();
    return keepsOutcomes(store) ? await store.getOutcome(idempotencyKey) : await store.getPayload(OUTCOME + idempotencyKey);
  }

  /** The store, to read from. Errors: `ERR_STORE` where this terminal was its user, and another one is. */
  #reading(): TerminalStore {
    const user = users.get(this.#store);
    if (!this.#wrote || user?.of === this) return this.#store;
    const since = user?.since;
    throw new PosCryptoError("ERR_STORE", `another PosTerminal has used this store since ${since}: go on with that one`, {
      details: { since },
    });
  }

  /** The store, to write to, whose user this terminal is now. Errors: as `#reading`. */
  #writing(): TerminalStore {
    const store = this.#reading();
    if (!this.#wrote) users.set(store, { of: this, since: new Date().toISOString() });
    this.#wrote = true;
    return store;
  }
}

function keepsOutcomes(
  store: TerminalStore,
): store is TerminalStore & Required<Pick<TerminalStore, "putOutcome" | "getOutcome">> {
  return store.putOutcome !== undefined && store.getOutcome !== undefined;
}

async function readMade(store: TerminalStore): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const record of await store.listRecords()) {
    const made = madeName(record);
    if (made !== undefined) names.set(made, record.idempotencyKey);
  }
  return names;
}
