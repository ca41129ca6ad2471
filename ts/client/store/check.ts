/**
 * What every `TerminalStore` must do, as checks that an app runs on a store of its own. They say what goes wrong with payments where a
 * store does otherwise. Nothing here is secret: records and sealed texts are made up.
 */
import { assertObject, func } from "../../base/arguments.js";
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { JsonValue } from "../../core/envelope/envelope.js";
import type { JournalRecord, JournalState } from "./records.js";
import type { StoredTerminal, TerminalStore } from "./store.js";

/** What the checks may use beside new stores. */
export interface StoreCheckOptions {
  /**
   * The same store in the next process: called after the `close()` of a store that has one. Without it, durability is not checked.
   */
  readonly reopen?: ((store: TerminalStore) => TerminalStore | Promise<TerminalStore>) | undefined;
}

/** What has been checked. */
export interface StoreCheckResult {
  /** The names of the checks, all of which were passed. */
  readonly passed: readonly string[];
}

/** One check, on an empty store; what it throws is its failure. `next` gives the same store in the next process. */
type Check = (store: TerminalStore, next: () => Promise<TerminalStore>) => Promise<void>;

/** Idempotency keys that stores have mixed up: each is a payment of its own. */
const KEYS = [
  "a",
  "A",
  "a/../b",
  "b",
  "..",
  "a b",
  "__proto__",
  "constructor",
  'quote"\\',
  "%61",
  "a:b",
  `${"/".repeat(254)}.`,
  "k".repeat(255),
];

const TERMINAL: StoredTerminal = {
  version: 1,
  deviceId: "POS-8F3A2C91",
  claimed: true,
  terminalId: "TID-004812",
  activatedAt: "2026-01-15T12:00:00.000Z",
  storeKey: "D0144K0AN00N0000",
  clockOffsetMs: -1500,
};

function record(idempotencyKey: string, state: JournalState = "sending", more: Partial<JournalRecord> = {}): JournalRecord {
  // Of today: a store may drop what was settled long ago.
  const time = new Date().toISOString();
  const times = { createdAt: time, updatedAt: time };
  return { idempotencyKey, kind: "charge", amount: "1000", currency: "EUR", state, sendings: 1, ...times, ...more };
}

const CHECKS: Readonly<Record<string, Check>> = {
  "an empty store answers that nothing is there": async (store) => {
    expectSame("loadTerminal()", await store.loadTerminal(), undefined);
    expectSame("getPayload()", await store.getPayload("a"), undefined);
    expectSame("listRecords()", await store.listRecords(), []);
    expectSame("listPayloads()", await store.listPayloads(), []);
    await store.removePayload("a");
    await expectFound(store, "a", undefined);
    if (store.getOutcome !== undefined) expectSame("getOutcome()", await store.getOutcome("a"), undefined);
  },

  "saveTerminal() replaces what was saved before, and all of it comes back": async (store) => {
    await store.saveTerminal({ ...TERMINAL, deviceId: "POS-00000000", retiredKeys: [] });
    await store.saveTerminal(TERMINAL);
    expectSame("loadTerminal()", await store.loadTerminal(), TERMINAL);
  },

  "records come back in their latest form, the oldest first, with every member": async (store) => {
    const full = { chargeId: "ch_1", later: { member: "ä€😀" } } as Partial<JournalRecord>;
    for (const key of ["c", "a", "b"]) await store.putRecord(record(key));
    await store.putRecord(record("c", "unknown"), "sending");
    const last = record("c", "sending", { ...full, chargeId: "ch_2", kind: "refund", sendings: 2 });
    await store.putRecord(last, "unknown");
    const listed = await store.listRecords();
    expectSame("the order", keysOf(listed), ["c", "a", "b"]);
    expectSame("the record", listed[0], last);
    await expectFound(store, "c", last);
  },

  "putRecord() without `replaces` refuses a record that is there": async (store) => {
    const there = record("a", "approved", { chargeId: "ch_1" });
    await store.putRecord(there);
    await expectRefused("a second record of one key", store.putRecord(record("a")));
    await expectFound(store, "a", there);
  },

  "putRecord() with `replaces` refuses another state, and no record": async (store) => {
    await expectRefused("a record to be replaced that is not there", store.putRecord(record("a", "unknown"), "sending"));
    expectSame("what is there then", await store.listRecords(), []);
    const settled = record("a", "approved", { chargeId: "ch_1" });
    await store.putRecord(record("a"));
    await store.putRecord(settled, "sending");
    for (const replaces of ["sending", "unknown", "declined", "needs_host_lookup"] as const) {
      await expectRefused(`"approved" replaced as ${replaces}`, store.putRecord(record("a", "unknown"), replaces));
    }
    expectSame("the settled record", await store.listRecords(), [settled]);
    await store.putRecord(record("b", "needs_host_lookup"));
    await store.putRecord(record("b", "declined"), "needs_host_lookup");
  },

  "of two that replace one state at a time, one is refused": async (store) => {
    await store.putRecord(record("a"));
    const both = [store.putRecord(record("a", "approved"), "sending"), store.putRecord(record("a", "declined"), "sending")];
    const done = await Promise.all(both.map((one) => one.then(() => true).catch(() => false)));
    expectSame("how many were written", done.filter(Boolean).length, 1);
    const state: JournalState = done[0] ? "approved" : "declined";
    expectSame("the state", (await store.listRecords())[0]?.state, state);
  },

  "listOpenRecords() has what is sending or unknown, the oldest first": async (store) => {
    const states: readonly JournalState[] = ["unknown", "approved", "declined", "sending", "abandoned", "needs_host_lookup"];
    for (const state of states) await store.putRecord(record(state, state));
    await store.putRecord(record("later"));
    await store.putRecord(record("later", "approved"), "sending");
    await store.putRecord(record("given-up", "abandoned"));
    await store.putRecord(record("given-up", "sending"), "abandoned");
    if (store.listOpenRecords !== undefined) {
      expectSame("the keys", keysOf(await store.listOpenRecords()), ["unknown", "sending", "given-up"]);
    }
  },

  "getMadeRecord() finds a charge by its id and a refund by its own": async (store) => {
    if (store.getMadeRecord === undefined) return;
    await store.putRecord(record("a"));
    await store.putRecord(record("a", "approved", { chargeId: "ch_1" }), "sending");
    await store.putRecord(record("r", "approved", { kind: "refund", chargeId: "ch_1", refundId: "rf_1" }));
    await store.putRecord(record("o", "unknown", { kind: "refund", chargeId: "ch_2" }));
    const found = async (made: string) => (await store.getMadeRecord?.(made))?.idempotencyKey;
    for (const [made, key] of [
      ["charge ch_1", "a"],
      ["refund rf_1", "r"],
      ["refund ch_1", undefined],
      ["charge ch_2", undefined],
    ] as const) {
      expectSame(made, await found(made), key);
    }
  },

  "payloads come back as they were given, and go": async (store) => {
    const large: JsonValue = { ct: "0".repeat(100_000), chunks: [{ n: 1 }, null, true, "ä€😀"] };
    await store.putPayload("a", "first");
    await store.putPayload("a", large);
    await store.putPayload("b", { sealed: 2 });
    expectSame("getPayload()", await store.getPayload("a"), large);
    expectSame("listPayloads()", [...(await store.listPayloads())].sort(), ["a", "b"]);
    await store.removePayload("a");
    await store.removePayload("a");
    expectSame("after removePayload()", await store.getPayload("a"), undefined);
    expectSame("listPayloads() then", await store.listPayloads(), ["b"]);
  },

  "outcomes are kept apart from payloads": async (store) => {
    if (store.putOutcome === undefined || store.getOutcome === undefined) return;
    await store.putRecord(record("a"));
    await store.putPayload("a", "payload");
    await store.putOutcome("a", "first");
    await store.putOutcome("a", { sealed: "outcome" });
    expectSame("getPayload()", await store.getPayload("a"), "payload");
    await store.removePayload("a");
    expectSame("getOutcome()", await store.getOutcome("a"), { sealed: "outcome" });
    expectSame("listPayloads()", await store.listPayloads(), []);
  },

  "idempotency keys of all kinds are told apart": async (store) => {
    for (const [at, key] of KEYS.entries()) {
      await store.putRecord(record(key, "sending", { amount: String(at + 1) }));
      await store.putPayload(key, at);
      await store.putOutcome?.(key, -at - 1);
    }
    expectSame("the records", keysOf(await store.listRecords()), KEYS);
    expectSame("the payloads", [...(await store.listPayloads())].sort(), [...KEYS].sort());
    for (const [at, key] of KEYS.entries()) {
      expectSame(`the payload of ${key.slice(0, 16)}`, await store.getPayload(key), at);
      if (store.getOutcome !== undefined) expectSame("its outcome", await store.getOutcome(key), -at - 1);
      if (store.getRecord !== undefined) expectSame("its record", (await store.getRecord(key))?.amount, String(at + 1));
    }
  },

  "what was handed in or out is a copy": async (store) => {
    const given = { ...record("a") };
    const sealed = { ct: "00" };
    await store.putRecord(given);
    await store.putPayload("a", sealed);
    spoil(given);
    spoil(sealed);
    for (const one of await store.listRecords()) spoil(one);
    spoil(await store.getPayload("a"));
    if (store.getRecord !== undefined) spoil(await store.getRecord("a"));
    expectSame("the record", (await store.listRecords())[0]?.amount, "1000");
    expectSame("the payload", await store.getPayload("a"), { ct: "00" });
  },

  "many calls at a time are all carried out": async (store) => {
    const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
    await Promise.all(keys.map((key) => store.putRecord(record(key))));
    await Promise.all(keys.map((key) => store.putPayload(key, key)));
    await Promise.all(keys.map((key) => store.putRecord(record(key, "approved"), "sending")));
    expectSame("the records", keysOf(await store.listRecords()).sort(), [...keys].sort());
    expectSame("the payloads", [...(await store.listPayloads())].sort(), [...keys].sort());
    expectSame("open ones", (await store.listOpenRecords?.()) ?? [], []);
  },
};

const DURABLE: Readonly<Record<string, Check>> = {
  "what a promise has reported is there in the next process": async (store, next) => {
    await store.saveTerminal(TERMINAL);
    for (const key of ["c", "a", "b"]) await store.putRecord(record(key));
    const settled = record("a", "approved", { chargeId: "ch_1" });
    await store.putRecord(settled, "sending");
    await store.putPayload("c", { sealed: 3 });
    await store.putOutcome?.("a", { sealed: "outcome" });
    await store.putPayload("gone", "x");
    await store.removePayload("gone");
    const later = await next();
    expectSame("loadTerminal()", await later.loadTerminal(), TERMINAL);
    expectSame("the order of the records", keysOf(await later.listRecords()), ["c", "a", "b"]);
    await expectFound(later, "a", settled);
    if (later.listOpenRecords !== undefined) expectSame("open ones", keysOf(await later.listOpenRecords()), ["c", "b"]);
    if (later.getMadeRecord !== undefined) expectSame("getMadeRecord()", await later.getMadeRecord("charge ch_1"), settled);
    expectSame("listPayloads()", await later.listPayloads(), ["c"]);
    expectSame("getPayload()", await later.getPayload("c"), { sealed: 3 });
    if (later.getOutcome !== undefined) expectSame("getOutcome()", await later.getOutcome("a"), { sealed: "outcome" });
  },

  "the next process may not overwrite either what was settled": async (store, next) => {
    await store.putRecord(record("a"));
    await store.putRecord(record("a", "approved"), "sending");
    const later = await next();
    await expectRefused("a new record of its key", later.putRecord(record("a")));
    await expectRefused("its state of before", later.putRecord(record("a", "unknown"), "sending"));
    await later.putRecord(record("b"));
    expectSame("the order", keysOf(await later.listRecords()), ["a", "b"]);
  },
};

/**
 * Checks a store of one's own: each check gets an empty store from `make` and closes it afterwards, if it has `close()`. Members that
 * are optional are checked where they are there.
 *
 * @param make a new and empty store at each call
 * @throws `ERR_STORE` after all checks, where one failed; `details.failures` has its name and what was found
 * @throws `ERR_INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * import { checkTerminalStore, MemoryStore } from "viopay-pos-crypto/client";
 *
 * const { passed } = await checkTerminalStore(() => new MemoryStore());
 * console.log(passed.length > 10); // prints true
 * ```
 */
export async function checkTerminalStore(
  make: () => TerminalStore | Promise<TerminalStore>,
  options: StoreCheckOptions = {},
): Promise<StoreCheckResult> {
  if (typeof make !== "function") throw invalidArgument("make", "a function that makes an empty store", describeType(make));
  assertObject("options", options);
  const reopen = func(options, "reopen");
  const passed: string[] = [];
  const failures: { readonly check: string; readonly found: string }[] = [];
  for (const [name, check] of Object.entries({ ...CHECKS, ...(reopen === undefined ? {} : DURABLE) })) {
    let store = await make();
    const next = async () => {
      await store.close?.();
      store = await reopen!(store);
      return store;
    };
    try {
      await check(store, next);
      passed.push(name);
    } catch (error) {
      failures.push({ check: name, found: error instanceof Error ? error.message : String(error) });
    }
    await store.close?.();
  }
  if (failures.length === 0) return { passed };
  const [first] = failures;
  const more = failures.length === 1 ? "" : ` (and ${failures.length - 1} more checks, in details.failures)`;
  throw new PosCryptoError("ERR_STORE", `the store fails a check: ${first!.check}: ${first!.found}${more}`, {
    details: { failures },
  });
}

const keysOf = (records: readonly JournalRecord[]) => records.map(({ idempotencyKey }) => idempotencyKey);

/** What a caller may do to an object of its own. One that is frozen is as good as a copy. */
function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const name of Object.keys(value)) Reflect.set(value, name, "spoilt");
}

async function expectFound(store: TerminalStore, key: string, expected: JournalRecord | undefined): Promise<void> {
  const listed = (await store.listRecords()).find(({ idempotencyKey }) => idempotencyKey === key);
  expectSame("the record in listRecords()", listed, expected);
  if (store.getRecord !== undefined) expectSame("getRecord()", await store.getRecord(key), expected);
}

async function expectRefused(what: string, call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught ?? new Error("nothing"),
  );
  if (error === undefined) throw new Error(`${what} must be refused with ERR_STORE, and was written`);
  if ((error as { code?: unknown }).code !== "ERR_STORE") {
    throw new Error(`${what} must be refused with ERR_STORE, and was refused with ${String(error)}`);
  }
}

/** Deep equality of JSON, whatever the order of members. */
function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [found, wanted] = [canonical(actual), canonical(expected)];
  if (found !== wanted) throw new Error(`${what}: expected ${shown(wanted)}, got ${shown(found)}`);
}

function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
    .join()}}`;
}

const shown = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}...` : text);
