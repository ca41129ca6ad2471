/** A terminal in a browser page whose store is IndexedDB; the page is closed and opened again by its test. */
import { checkTerminalStore, type JournalRecord, type JournalState, PosTerminal } from "../../ts/client/index.js";
import { IndexedDbStore } from "../../ts/client/store/indexeddb.js";
import { importKey, loadCrypto } from "../../ts/index.js";
import type { ProvisionedDevice } from "../../ts/mock/index.js";

export interface StorePage {
  setUp(baseUrl: string, device: ProvisionedDevice): Promise<void>;
  /** A charge whose answer is lost after the host has made it. */
  chargeInTheDark(baseUrl: string, device: ProvisionedDevice): Promise<string>;
  recover(baseUrl: string, device: ProvisionedDevice): Promise<{ restored: boolean; states: string[] }>;
  /** Everything in the database, as JSON. */
  dump(): Promise<string>;
  /** Records in order, payloads and what is left of them, pruning. */
  exercise(): Promise<unknown>;
  /** The suite for stores; how many checks were passed. */
  check(lease: boolean): Promise<number>;
  /** Opens a store and keeps it: `open`, or the error's message and details. */
  hold(name: string, lease: boolean): Promise<unknown>;
  /** Writes a record to the store that is held: `written`, or the error's message. */
  write(key: string, state: JournalState, replaces?: JournalState): Promise<string>;
  release(): Promise<void>;
  /** What a store does whose connection was closed without an event. */
  disconnected(): Promise<string[]>;
}

declare global {
  interface Window {
    store: StorePage;
    pairingCode: string | undefined;
  }
}

const NAME = "terminal";
const CARD = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };

async function terminal(baseUrl: string, device: ProvisionedDevice, lost = false): Promise<PosTerminal> {
  await loadCrypto();
  const made = new PosTerminal({
    baseUrl,
    deviceId: device.device_id,
    identityKeyId: device.identity_key_id,
    identityKey: importKey(device.identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
    zmk: importKey(device.zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
    appVersion: "1.4.2",
    os: "Web",
    model: "Browser",
    store: new IndexedDbStore(NAME),
    retry: false,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (lost && url.endsWith("/charge")) throw new TypeError("the answer is lost");
      return response;
    },
  });
  return made;
}

function record(idempotencyKey: string, state: JournalRecord["state"], updatedAt: string): JournalRecord {
  const times = { createdAt: updatedAt, updatedAt };
  return { idempotencyKey, kind: "charge", amount: "1", currency: "EUR", state, sendings: 1, ...times };
}

let held: IndexedDbStore | undefined;

function told(error: Error & { code?: string; details?: unknown }) {
  return { code: error.code, message: error.message, details: error.details };
}

window.store = {
  async setUp(baseUrl, device) {
    const pos = await terminal(baseUrl, device);
    await pos.setUp({
      pollMs: 50,
      onPairingCode: ({ code }) => {
        window.pairingCode = code;
      },
    });
  },
  async chargeInTheDark(baseUrl, device) {
    const pos = await terminal(baseUrl, device, true);
    await pos.recover();
    const pin_block = pos.encryptPin({ pin: "4826", pan: CARD.number });
    return (await pos.charge({ card: CARD, amount: { value: "1500", currency: "EUR" }, pin_block })).outcome;
  },
  async recover(baseUrl, device) {
    const { restored, payments } = await (await terminal(baseUrl, device)).recover();
    return { restored, states: payments.map(({ state }) => state) };
  },
  async dump() {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(NAME);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const all: Record<string, unknown> = {};
    for (const name of database.objectStoreNames) {
      all[name] = await new Promise((resolve, reject) => {
        const request = database.transaction(name).objectStore(name).getAll();
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    }
    database.close();
    return JSON.stringify(all);
  },
  async check(lease) {
    const names = new WeakMap<object, string>();
    let made = 0;
    const at = (name: string) => {
      const store = new IndexedDbStore(name, lease ? { locks: null, heartbeatMs: 50 } : {});
      names.set(store, name);
      return store;
    };
    const reopen = (store: object) => at(names.get(store)!);
    return (await checkTerminalStore(() => at(`check-${lease}-${made++}`), { reopen })).passed.length;
  },
  async hold(name, lease) {
    held = new IndexedDbStore(name, lease ? { locks: null, heartbeatMs: 200 } : {});
    return await held.listRecords().then(() => "open", told);
  },
  async write(key, state, replaces) {
    const time = new Date().toISOString();
    return await held!.putRecord(record(key, state, time), replaces).then(
      () => "written",
      (error: Error) => error.message,
    );
  },
  async release() {
    await held!.close();
  },
  async disconnected() {
    let latest: IDBDatabase | undefined;
    const factory = {
      open(name: string, version?: number) {
        const request = indexedDB.open(name, version);
        request.addEventListener("success", () => {
          latest = request.result;
        });
        return request;
      },
    } as IDBFactory;
    const store = new IndexedDbStore("disconnected", { indexedDB: factory });
    await store.putRecord(record("a", "sending", new Date().toISOString()));
    latest!.close();
    await store.putRecord(record("b", "sending", new Date().toISOString()));
    latest!.close();
    const keys = (await store.listRecords()).map(({ idempotencyKey }) => idempotencyKey);
    await store.close();
    return keys;
  },
  async exercise() {
    const store = new IndexedDbStore("exercise");
    const old = "2026-01-01T00:00:00.000Z";
    for (const [key, state, replaces] of [
      ["b", "sending", undefined],
      ["a", "approved", undefined],
      ["lookup", "needs_host_lookup", undefined],
      ["b", "unknown", "sending"],
    ] as const) {
      await store.putRecord(record(key, state, old), replaces);
    }
    await store.putPayload("b", { sealed: "x" });
    await store.putPayload("c", { sealed: "y" });
    const payload = await store.getPayload("b");
    await store.removePayload("c");
    await store.removePayload("c");
    const listed = (await store.listRecords()).map(({ idempotencyKey, state }) => `${idempotencyKey} ${state}`);
    const payloads = await store.listPayloads();
    await store.close();
    const later = new IndexedDbStore("exercise", { now: () => Date.parse("2026-03-01T00:00:00.000Z") });
    const pruned = (await later.listRecords()).map(({ idempotencyKey }) => idempotencyKey);
    const absent = [await later.getPayload("c"), await later.loadTerminal()].map((value) => value ?? null);
    await later.close();
    return { payload, listed, payloads, pruned, absent };
  },
};
