/** The suite that every store must pass, run on ours; and on stores with one planted defect each, which it must find. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { PosCryptoError } from "../../ts/base/errors.js";
import {
  checkTerminalStore,
  type JournalRecord,
  type JournalState,
  type KeyValueAdapter,
  KeyValueStore,
  MemoryStore,
  type TerminalStore,
} from "../../ts/client/index.js";
import { FileStore } from "../../ts/client/store/file.js";
import { StoreUser } from "../../ts/client/store/one-user.js";
import type { JsonValue } from "../../ts/core/envelope/envelope.js";
import { ok, rejectsCode, same, throwsCode } from "../harness.js";
import { CARD, TEN, World } from "./client-world.js";

let root: string;
let stores = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "viopay-check-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** All checks, two of which need another process. */
const passes = 15;

/** An adapter over a map, as synchronous as MMKV, or as asynchronous as AsyncStorage. */
function adapter(items: Map<string, string>, delayed = false): KeyValueAdapter {
  const later = <T>(value: T): T | Promise<T> => (delayed ? new Promise((resolve) => setTimeout(resolve, 0, value)) : value);
  return {
    get: (name) => later(items.get(name) ?? null),
    set: (name, text) => later(items.set(name, text)),
    delete: (name) => later(items.delete(name)),
    keys: () => later([...items.keys()].reverse()),
  };
}

describe("our stores pass", () => {
  it("MemoryStore, which no process outlives", async () => {
    const { passed } = await checkTerminalStore(() => new MemoryStore());
    same(passed.length, passes - 2);
    await checkTerminalStore(() => new MemoryStore(), { reopen: (store) => store });
  });

  it("FileStore", async () => {
    const places = new WeakMap<TerminalStore, string>();
    const at = (place: string) => {
      const store = new FileStore(place);
      places.set(store, place);
      return store;
    };
    const { passed } = await checkTerminalStore(() => at(join(root, `s${stores++}`)), {
      reopen: (store) => at(places.get(store)!),
    });
    same(passed.length, passes);
  });

  for (const delayed of [false, true]) {
    it(`KeyValueStore over an ${delayed ? "asynchronous" : "synchronous"} adapter`, async () => {
      const places = new WeakMap<TerminalStore, Map<string, string>>();
      const at = (items: Map<string, string>) => {
        const store = new KeyValueStore(adapter(items, delayed));
        places.set(store, items);
        return store;
      };
      const { passed } = await checkTerminalStore(() => at(new Map()), { reopen: (store) => at(places.get(store)!) });
      same(passed.length, passes);
    });
  }

  it("what a terminal sees of a store of one's own that has none of the optional members", async () => {
    const plain = () => {
      const store = new MemoryStore();
      const names = ["loadTerminal", "saveTerminal", "putRecord", "listRecords"] as const;
      const items = ["putPayload", "getPayload", "removePayload", "listPayloads"] as const;
      return Object.fromEntries(
        [...names, ...items].map((name) => [name, (store[name] as () => unknown).bind(store)]),
      ) as unknown as TerminalStore;
    };
    same((await checkTerminalStore(() => new StoreUser(plain()))).passed.length, passes - 2);
  });
});

describe("a planted defect is found", () => {
  const defects: Readonly<Record<string, [RegExp, () => TerminalStore]>> = {
    "`replaces` is ignored": [
      /without `replaces`/,
      () =>
        new (class extends MemoryStore {
          override async putRecord(record: JournalRecord): Promise<void> {
            const there = await this.getRecord(record.idempotencyKey);
            await super.putRecord(record, there?.state);
          }
        })(),
    ],
    "`replaces` is only compared where it is given": [
      /without `replaces`/,
      () =>
        new (class extends MemoryStore {
          override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
            await super.putRecord(record, replaces ?? (await this.getRecord(record.idempotencyKey))?.state);
          }
        })(),
    ],
    "a settled record may be replaced by any state": [
      /replaces another state|refuses another state/,
      () =>
        new (class extends MemoryStore {
          override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
            const there = (await this.getRecord(record.idempotencyKey))?.state;
            await super.putRecord(record, replaces !== undefined && there === "approved" ? there : replaces);
          }
        })(),
    ],
    "comparing and writing are two steps": [
      /at a time, one is refused/,
      () =>
        new (class extends MemoryStore {
          override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
            const there = (await this.getRecord(record.idempotencyKey))?.state;
            if (there !== replaces) await super.putRecord(record, replaces);
            await new Promise((resolve) => setTimeout(resolve, 1));
            await super.putRecord(record, (await this.getRecord(record.idempotencyKey))?.state);
          }
        })(),
    ],
    "refusing with an error of its own": [
      /must be refused with ERR_STORE|refused with Error/,
      () =>
        new (class extends MemoryStore {
          override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
            await super.putRecord(record, replaces).catch(() => {
              throw new Error("constraint");
            });
          }
        })(),
    ],
    "keys of one case": [/told apart/, () => renamed((key) => key.toLowerCase())],
    "keys cut off": [/told apart/, () => renamed((key) => key.slice(0, 64))],
    "keys in an object": [
      /told apart/,
      () =>
        new (class extends MemoryStore {
          readonly #items: Record<string, JsonValue> = {};
          override async putPayload(key: string, sealed: JsonValue): Promise<void> {
            this.#items[key] = sealed;
          }
          override async getPayload(key: string): Promise<JsonValue | undefined> {
            return this.#items[key];
          }
          override async removePayload(key: string): Promise<void> {
            delete this.#items[key];
          }
          override async listPayloads(): Promise<string[]> {
            return Object.keys(this.#items);
          }
        })(),
    ],
    "the latest record last": [
      /oldest first/,
      () =>
        new (class extends MemoryStore {
          override async listRecords(): Promise<JournalRecord[]> {
            return (await super.listRecords()).sort((a, b) => (a.updatedAt + a.state < b.updatedAt + b.state ? -1 : 1)).reverse();
          }
        })(),
    ],
    "columns for the known members only": [
      /every member/,
      () =>
        new (class extends MemoryStore {
          override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
            const { later: _later, ...known } = record as JournalRecord & { later?: unknown };
            await super.putRecord(known, replaces);
          }
        })(),
    ],
    "open records without those that are unknown": [
      /listOpenRecords/,
      () =>
        new (class extends MemoryStore {
          override async listOpenRecords(): Promise<JournalRecord[]> {
            return (await super.listOpenRecords()).filter(({ state }) => state === "sending");
          }
        })(),
    ],
    "a refund found by the charge it belongs to": [
      /getMadeRecord/,
      () =>
        new (class extends MemoryStore {
          override async getMadeRecord(made: string): Promise<JournalRecord | undefined> {
            return (await super.getMadeRecord(made)) ?? (await super.getMadeRecord(made.replace("refund ch_1", "refund rf_1")));
          }
        })(),
    ],
    "the caller's own objects are kept": [
      /is a copy/,
      () =>
        new (class extends MemoryStore {
          readonly #items = new Map<string, JsonValue>();
          override async putPayload(key: string, sealed: JsonValue): Promise<void> {
            this.#items.set(key, sealed);
          }
          override async getPayload(key: string): Promise<JsonValue | undefined> {
            return this.#items.get(key);
          }
          override async listPayloads(): Promise<string[]> {
            return [...this.#items.keys()];
          }
          override async removePayload(key: string): Promise<void> {
            this.#items.delete(key);
          }
        })(),
    ],
    "outcomes beside payloads": [
      /apart from payloads/,
      () =>
        new (class extends MemoryStore {
          override async putOutcome(key: string, sealed: JsonValue): Promise<void> {
            await this.putPayload(key, sealed);
          }
          override async getOutcome(key: string): Promise<JsonValue | undefined> {
            return await this.getPayload(key);
          }
        })(),
    ],
    "removing what is not there is an error": [
      /payloads come back|empty store/,
      () =>
        new (class extends MemoryStore {
          override async removePayload(key: string): Promise<void> {
            if ((await this.getPayload(key)) === undefined) throw new Error("no such payload");
            await super.removePayload(key);
          }
        })(),
    ],
    "nothing is null": [
      /empty store/,
      () =>
        new (class extends MemoryStore {
          override async getPayload(key: string): Promise<JsonValue | undefined> {
            return (await super.getPayload(key)) ?? null;
          }
        })(),
    ],
    "only the last of many calls is kept": [
      /many calls/,
      () =>
        new (class extends MemoryStore {
          #writing = 0;
          override async putPayload(key: string, sealed: JsonValue): Promise<void> {
            const mine = ++this.#writing;
            await new Promise((resolve) => setTimeout(resolve, 1));
            if (mine === this.#writing) await super.putPayload(key, sealed);
          }
        })(),
    ],
  };

  function renamed(name: (key: string) => string): TerminalStore {
    return new (class extends MemoryStore {
      override async putPayload(key: string, sealed: JsonValue): Promise<void> {
        await super.putPayload(name(key), sealed);
      }
      override async getPayload(key: string): Promise<JsonValue | undefined> {
        return await super.getPayload(name(key));
      }
    })();
  }

  for (const [what, [message, make]] of Object.entries(defects)) {
    it(what, async () => {
      const error = (await rejectsCode(checkTerminalStore(make), "ERR_STORE")) as PosCryptoError;
      const failures = error.details!["failures"] as { check: string; found: string }[];
      ok(failures.length > 0 && error.message.includes(failures[0]!.check), "named");
      ok(
        failures.some(({ check, found }) => message.test(`${check}: ${found}`)),
        `${message} among ${JSON.stringify(failures)}`,
      );
    });
  }

  it("a store that forgets with its process", async () => {
    const forgets = checkTerminalStore(() => new MemoryStore(), { reopen: () => new MemoryStore() });
    await rejectsCode(forgets, "ERR_STORE", /next process/);
  });
});

describe("KeyValueStore", () => {
  const record = (idempotencyKey: string, state: JournalState = "sending", time = "2026-01-15T12:00:00.000Z"): JournalRecord => ({
    ...{ idempotencyKey, kind: "charge", amount: "1000", currency: "EUR", state, sendings: 1 },
    ...{ createdAt: time, updatedAt: time, ...(state === "approved" ? { chargeId: `ch_${idempotencyKey}` } : {}) },
  });

  it("a crash between any two items leaves a payment that is open, or none", async () => {
    for (let writes = 0; writes < 12; writes++) {
      const items = new Map<string, string>();
      let left = writes;
      const mortal: KeyValueAdapter = {
        ...adapter(items),
        set: (name, text) => (left-- > 0 ? void items.set(name, text) : new Promise(() => {})),
      };
      const store = new KeyValueStore(mortal, { now: () => Date.UTC(2026, 0, 15) });
      const done: string[] = [];
      const walk = async () => {
        await store.putRecord(record("a"));
        done.push("begun");
        await store.putRecord(record("a", "approved"), "sending");
        done.push("settled");
      };
      void walk();
      await new Promise((resolve) => setTimeout(resolve, 5));
      const later = new KeyValueStore(adapter(items), { now: () => Date.UTC(2026, 0, 15) });
      const [one] = await later.listRecords();
      const open = (await later.listOpenRecords()).length;
      const made = await later.getMadeRecord("charge ch_a");
      if (done.includes("settled")) same([one?.state, open, made?.idempotencyKey], ["approved", 0, "a"], `${writes} writes`);
      else if (done.includes("begun"))
        same([open, made], one?.state === "approved" ? [0, made] : [1, undefined], `${writes} writes`);
      else same(open, one === undefined ? 0 : 1, `${writes} writes`);
      await later.putRecord(record("b"));
      same((await later.listRecords()).at(-1)?.idempotencyKey, "b", "the order goes on");
    }
  });

  it("the latest opening is the user; an earlier one writes nothing more", async () => {
    const items = new Map<string, string>();
    const first = new KeyValueStore(adapter(items));
    await first.putRecord(record("a"));
    const second = new KeyValueStore(adapter(items));
    await second.putRecord(record("a", "approved"), "sending");
    await rejectsCode(first.putRecord(record("a", "unknown"), "sending"), "ERR_STORE", /another KeyValueStore has used these/);
    await rejectsCode(first.putPayload("a", 1), "ERR_STORE");
    same((await second.listRecords())[0]?.state, "approved");
    await second.close();
    await rejectsCode(second.listRecords(), "ERR_STORE", /closed/);
  });

  it("drops what was settled long ago, with its outcome, and nothing else; other names stay", async () => {
    const items = new Map([["theirs", "x"]]);
    let now = Date.parse("2026-01-15T12:00:00.000Z");
    const store = new KeyValueStore(adapter(items), { now: () => now });
    await store.putRecord(record("old", "approved"));
    await store.putOutcome("old", "sealed");
    await store.putRecord(record("lookup", "needs_host_lookup"));
    await store.putRecord(record("open"));
    await store.putRecord(record("recent", "approved", "2026-02-14T12:00:00.000Z"));
    now = Date.parse("2026-02-20T12:00:00.000Z");
    const later = new KeyValueStore(adapter(items), { now: () => now });
    same(
      (await later.listRecords()).map(({ idempotencyKey }) => idempotencyKey),
      ["lookup", "open", "recent"],
    );
    same(
      [...items.keys()].filter((name) => name.includes("old")),
      [],
    );
    same(items.get("theirs"), "x");
  });

  it("a lost index is made anew; a damaged item and an adapter that throws are ERR_STORE", async () => {
    const items = new Map<string, string>();
    const clock = { now: () => Date.UTC(2026, 0, 15) };
    const store = new KeyValueStore(adapter(items), clock);
    for (const key of ["a", "b"]) await store.putRecord(record(key));
    await store.putRecord(record("a", "approved"), "sending");
    items.delete("viopay-pos:index");
    const later = new KeyValueStore(adapter(items), clock);
    same(
      (await later.listOpenRecords()).map(({ idempotencyKey }) => idempotencyKey),
      ["b"],
    );
    await later.putRecord(record("c"));
    same(
      (await later.listRecords()).map(({ idempotencyKey }) => idempotencyKey),
      ["a", "b", "c"],
    );
    items.set("viopay-pos:terminal", "{");
    await rejectsCode(later.loadTerminal(), "ERR_STORE", /damaged/);
    const full: KeyValueAdapter = {
      ...adapter(new Map()),
      set() {
        throw new Error("QuotaExceededError");
      },
    };
    await rejectsCode(new KeyValueStore(full).loadTerminal(), "ERR_STORE", /could not be read or written/);
  });

  it("options and adapters are checked", () => {
    throwsCode(() => new KeyValueStore(undefined as never), "ERR_INVALID_ARGUMENT", /^"adapter"/);
    throwsCode(() => new KeyValueStore({ ...adapter(new Map()), keys: undefined as never }), "ERR_INVALID_ARGUMENT", /keys\(\)/);
    throwsCode(() => new KeyValueStore(adapter(new Map()), { prefix: 1 as never }), "ERR_INVALID_ARGUMENT", /^"prefix"/);
  });

  it("a terminal over it restarts without pairing, settles what was open, and leaves nothing in clear", async () => {
    const world = new World();
    const items = new Map<string, string>();
    const before = await world.ready({ store: new KeyValueStore(adapter(items, true)) });
    world.fault = async (_path, pass) => {
      await pass();
      throw new TypeError("dropped");
    };
    same((await before.charge(TEN)).outcome, "unknown");
    world.fault = undefined;
    const all = [...items.values()].join();
    const { restored, payments } = await world.terminal({ store: new KeyValueStore(adapter(items, true)) }).recover();
    same([restored, payments[0]!.state, world.charges().length], [true, "approved", 1]);
    for (const secret of [CARD.number, world.device.zmk, "expiry"])
      ok(!(all + [...items.values()].join()).includes(secret), "in clear");
  });
});

describe("one terminal at a time over a store object", () => {
  it("the later one takes over, and the earlier one is refused from then on; what was settled stays", async () => {
    const world = new World();
    const store = new MemoryStore();
    const first = await world.ready({ store });
    let answer: (() => void) | undefined;
    world.fault = async (path, pass) => {
      const response = await pass();
      if (path === "/pos/charge" && answer === undefined) await new Promise<void>((resolve) => (answer = resolve));
      return response;
    };
    const charging = first.charge(TEN, { idempotencyKey: "A" });
    while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    const second = world.terminal({ store });
    same((await second.recover()).payments[0]!.state, "approved");
    answer();
    const late = await charging;
    same(
      [late.outcome, ((late as { journalFailure?: PosCryptoError }).journalFailure as PosCryptoError).code],
      ["approved", "ERR_STORE"],
    );
    await rejectsCode(first.charge(TEN), "ERR_STORE", /another PosTerminal has used this store since 20/);
    same(
      (await store.listRecords()).map(({ state }) => state),
      ["approved"],
    );
    same((await second.charge(TEN)).outcome, "approved");
    same(world.charges().length, 2);
  });

  it("nothing on the way of a charge or a refund reads the whole journal", async () => {
    let reads = 0;
    class Counting extends MemoryStore {
      override async listRecords(): Promise<JournalRecord[]> {
        reads++;
        return await super.listRecords();
      }
    }
    const world = new World();
    const terminal = await world.ready({ store: new Counting() });
    const charge = await terminal.charge(TEN, { idempotencyKey: "A" });
    if (charge.outcome !== "approved") throw new Error(charge.outcome);
    await terminal.refund(charge.chargeId, { amount: { value: "1", currency: "EUR" } }, { idempotencyKey: "R" });
    await terminal.recover();
    same(reads, 0);
  });

  it("a store without a method is refused by name", () => {
    const world = new World();
    throwsCode(() => world.terminal({ store: { ...new MemoryStore() } as never }), "ERR_INVALID_ARGUMENT", /loadTerminal/);
  });
});
