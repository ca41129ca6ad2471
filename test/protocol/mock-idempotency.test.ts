/** Idempotent requests (settled detail 10): one effect, one answer, whatever repeats, races or dies. */
import { beforeEach, describe, expect, test } from "vitest";
import type { JsonValue } from "../../ts/core/envelope/envelope.js";
import { type Middleware, MemoryStore } from "../../ts/mock/index.js";
import { canonicalJson } from "../../ts/mock/state/idempotency.js";
import { createWorld, expectError, expectOk, type Terminal, type World } from "./mock-client.js";

let world: World;
let terminal: Terminal;

beforeEach(async () => {
  world = createWorld();
  terminal = await world.terminal.activated();
});

const HOUR = 3_600_000;
const CONFLICT = "Idempotency-Key was used with another request";
const eur = (value: string) => ({ amount: { value, currency: "EUR" } });

describe("charge", () => {
  test("the same key and plaintext: the first answer, byte for byte, under a fresh IV and nonce", async () => {
    const first = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    world.clock.now += 60_000;
    const second = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    expect(second.text).toBe(first.text);
  });

  test("without a key nothing is de-duplicated (settled detail 9)", async () => {
    expect(await terminal.charged()).not.toBe(await terminal.charged());
  });

  test("another plaintext is 409 with code 4009", async () => {
    const first = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    await expectError(terminal.charge(terminal.chargeOf("1501"), { idempotencyKey: "key-1" }), 409, "4009", CONFLICT);
    const again = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    expect(again.text).toBe(first.text);
  });

  test("the plaintext counts, not its encoding nor the order of its members", async () => {
    const first = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    const reversed = Object.fromEntries(Object.entries(terminal.chargeOf()).reverse());
    const options = { idempotencyKey: "key-1", seal: { plaintextEncoding: "raw" as const, includeKcv: true } };
    expect((await expectOk(terminal.charge(reversed, options))).text).toBe(first.text);
  });

  test("whatever happened to the charge since", async () => {
    const first = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    await expectOk(terminal.cancel(terminal.open(first)["charge_id"] as string));
    const again = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    expect(again.text).toBe(first.text);
    expect(terminal.open(again)["status"]).toBe("approved");
  });

  test("a decline is remembered, too", async () => {
    const first = await expectOk(terminal.charge(terminal.chargeOf("10051"), { idempotencyKey: "key-1" }));
    expect(terminal.open(first)["status"]).toBe("declined");
    expect((await expectOk(terminal.charge(terminal.chargeOf("10051"), { idempotencyKey: "key-1" }))).text).toBe(first.text);
  });

  test("a refusal makes nothing and is not remembered", async () => {
    const bad = { ...terminal.chargeOf(), auxiliary_data: { ...terminal.seal({ a: 1 }) } } as unknown as JsonValue;
    await expectError(terminal.charge(bad, { idempotencyKey: "key-1" }), 400, "4000", "Envelope cannot be opened");
    await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
  });

  test("24 hours", async () => {
    const send = () => expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    const first = await send();
    world.clock.now += 24 * HOUR - 1;
    expect((await send()).text).toBe(first.text);
    world.clock.now += 1;
    const later = await send();
    expect(terminal.open(later)["charge_id"]).not.toBe(terminal.open(first)["charge_id"]);
  });

  test("keys are scoped by terminal", async () => {
    await world.other.activated();
    const first = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    const second = await expectOk(world.other.charge(world.other.chargeOf(), { idempotencyKey: "key-1" }));
    expect(world.other.open(second)["charge_id"]).not.toBe(terminal.open(first)["charge_id"]);
  });

  test("equal requests at once make one charge with one answer", async () => {
    const send = () => expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    const answers = await Promise.all([send(), send(), send(), send(), send()]);
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
  });

  test("another plaintext does not wait for the first to end", async () => {
    const answers = await Promise.all([
      terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }),
      terminal.charge(terminal.chargeOf("1501"), { idempotencyKey: "key-1" }),
    ]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
  });

  test("under a new key set the same content is sealed anew", async () => {
    const old = terminal.installed;
    const first = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    await terminal.attested();
    terminal.keys = terminal.install(await expectOk(terminal.fetchKeys()));
    const again = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1" }));
    expect(terminal.open(again)).toEqual(terminal.open(first, old));
    const oldAgain = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-1", keySet: old }));
    expect(oldAgain.text).toBe(first.text);
  });
});

describe("refund and cancel", () => {
  test("a repeated refund is one refund", async () => {
    const chargeId = await terminal.charged();
    const send = () => expectOk(terminal.refund(chargeId, eur("1000"), { idempotencyKey: "key-1" }));
    const answers = [...(await Promise.all([send(), send()])), await send()];
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    await expectError(terminal.refund(chargeId, eur("501")), 400, "4000");
    await expectOk(terminal.refund(chargeId, eur("500")));
  });

  test("the same key on charge, on refund, and on another charge's refund is three requests", async () => {
    const options = { idempotencyKey: "key-1" };
    const charge = terminal.open(await expectOk(terminal.charge(terminal.chargeOf(), options)));
    const other = await terminal.charged();
    const refund = terminal.open(await expectOk(terminal.refund(charge["charge_id"] as string, eur("1"), options)));
    const otherRefund = terminal.open(await expectOk(terminal.refund(other, eur("1"), options)));
    expect(refund["refund_id"]).not.toBe(otherRefund["refund_id"]);
  });

  test("a repeated cancel is the first answer", async () => {
    const chargeId = await terminal.charged();
    const first = await expectOk(terminal.cancel(chargeId, { idempotencyKey: "key-1" }));
    expect((await expectOk(terminal.cancel(chargeId, { idempotencyKey: "key-1" }))).text).toBe(first.text);
  });
});

describe("a request that dies half-way", () => {
  /** A store that fails on the n-th write of an entry whose name begins so, before or after writing. */
  class FailingStore extends MemoryStore {
    fail: { prefix: string; when: "before" | "after" } | undefined;

    override async compareAndSet(
      key: string,
      expected: string | undefined,
      next: string | undefined,
      ttlMs?: number,
    ): Promise<boolean> {
      return this.#failing(key, () => super.compareAndSet(key, expected, next, ttlMs));
    }

    override async setIfAbsent(key: string, value: string, ttlMs?: number): Promise<boolean> {
      return this.#failing(key, () => super.setIfAbsent(key, value, ttlMs));
    }

    async #failing(key: string, write: () => Promise<boolean>): Promise<boolean> {
      const fails = this.fail !== undefined && key.startsWith(this.fail.prefix) ? this.fail : undefined;
      if (fails !== undefined) this.fail = undefined;
      if (fails?.when === "before") throw new Error("the connection to the store broke");
      const result = await write();
      if (fails?.when === "after") throw new Error("the connection to the store broke");
      return result;
    }
  }

  test.each(["before", "after"] as const)("%s the charge was stored: the next try makes it, or finds it", async (when) => {
    const now = Date.UTC(2025, 11, 13, 14, 20, 0);
    const store = new FailingStore(() => now);
    const lines: unknown[] = [];
    const failing = createWorld({ store, now: () => now, logger: (line) => lines.push(line) });
    const device = await failing.terminal.activated();
    store.fail = { prefix: "charge:", when };
    const error = await expectError(
      device.charge(device.chargeOf(), { idempotencyKey: "key-1" }),
      500,
      "5000",
      "Internal server error",
    );
    expect(error.details).toBeUndefined();
    expect(JSON.stringify(lines)).not.toContain("connection");
    const chargesOf = () => [...store.keys()].filter((key) => key.startsWith("charge:"));
    expect(chargesOf().length).toBe(when === "after" ? 1 : 0);

    const retried = device.open(await expectOk(device.charge(device.chargeOf(), { idempotencyKey: "key-1" })));
    expect(chargesOf()).toEqual([`charge:${retried["charge_id"]}`]);
    await expectError(device.charge(device.chargeOf("1"), { idempotencyKey: "key-1" }), 409, "4009", CONFLICT);
  });

  test.each(["before", "after"] as const)("%s the refund was stored: it is one refund", async (when) => {
    const now = Date.UTC(2025, 11, 13, 14, 20, 0);
    const store = new FailingStore(() => now);
    const failing = createWorld({ store, now: () => now });
    const device = await failing.terminal.activated();
    const chargeId = await device.charged();
    store.fail = { prefix: "charge:", when };
    await expectError(device.refund(chargeId, eur("1000"), { idempotencyKey: "key-1" }), 500, "5000");
    await expectOk(device.refund(chargeId, eur("1000"), { idempotencyKey: "key-1" }));
    await expectError(device.refund(chargeId, eur("501")), 400, "4000");
    await expectOk(device.refund(chargeId, eur("500")));
  });

  test("a process that vanished holds its key no longer than its lease", async () => {
    const store = new MemoryStore(() => clock.now);
    const clock = { now: Date.UTC(2025, 11, 13, 14, 20, 0) };
    let vanish = false;
    const vanishing: Middleware = async (context, next) => {
      if (!vanish) return next();
      vanish = false;
      // Nothing after the store's first look at the charge happens.
      const get = store.get.bind(store);
      store.get = (key) => (key.startsWith("charge:") ? new Promise(() => {}) : get(key));
      void next();
      await new Promise((resolve) => setTimeout(resolve, 50));
      store.get = get;
      return { status: 502, headers: {}, body: context.traceId };
    };
    const worldOf = createWorld({ store, now: () => clock.now, middleware: [vanishing] });
    const device = worldOf.terminal;
    device.timestamp = () => `${new Date(clock.now).toISOString().slice(0, 19)}Z`;
    await device.activated();
    vanish = true;
    expect((await device.charge(device.chargeOf(), { idempotencyKey: "key-1" })).status).toBe(502);

    const waiting = device.charge(device.chargeOf(), { idempotencyKey: "key-1" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([...store.keys()].filter((key) => key.startsWith("charge:"))).toEqual([]);
    clock.now += 5_000;
    expect(device.open(await expectOk(waiting))["status"]).toBe("approved");
  });
});

describe("canonical JSON", () => {
  test("members in order, arrays as they are, values as JSON", () => {
    expect(canonicalJson({ b: [2, 1, { d: null, c: "x" }], a: { z: 1, y: true } })).toBe(
      '{"a":{"y":true,"z":1},"b":[2,1,{"c":"x","d":null}]}',
    );
    expect(canonicalJson({})).toBe("{}");
    expect(canonicalJson([])).toBe("[]");
  });

  test("different values never meet", () => {
    const values: JsonValue[] = [
      {},
      [],
      [[]],
      [{}],
      { a: [] },
      { a: {} },
      { a: 1 },
      { a: "1" },
      ["a", 1],
      [["a", 1]],
      { 'a":1': 1 },
      null,
      "null",
    ];
    expect(new Set(values.map((value) => canonicalJson(value))).size).toBe(values.length);
  });
});
