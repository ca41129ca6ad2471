/** Settled is tellable: outcomes are told again, gateway data included, over restarts, crashes at every store call, and renewed keys. */
import { describe, it } from "vitest";
import { MemoryStore, type PosTerminal, type TerminalStore } from "../../ts/client/index.js";
import { ok, rejectsCode, same } from "../harness.js";
import { apiError, CARD, TEN, World } from "./client-world.js";

const HOUR = 3_600_000;
const A = { idempotencyKey: "A" };
const DECLINED = { ...TEN, amount: { value: "10005", currency: "EUR" } };

async function ready() {
  const world = new World();
  const store = new MemoryStore();
  return { world, store, terminal: await world.ready({ store }) };
}

/** Everything that a store holds, as text. */
async function contents(store: TerminalStore): Promise<string> {
  const keys = (await store.listRecords()).map(({ idempotencyKey }) => idempotencyKey);
  const outcomes = await Promise.all(keys.map((key) => store.getOutcome!(key)));
  return JSON.stringify([await store.loadTerminal(), await store.listRecords(), await store.listPayloads(), outcomes]);
}

/** A store whose process ends after so many steps into it: from then on no call returns. */
function mortal(medium: MemoryStore, steps: number): { store: TerminalStore; ended: Promise<void> } {
  let left = steps;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const point = async () => {
    if (left-- <= 0) {
      end();
      await new Promise(() => {});
    }
  };
  const store = new Proxy(medium, {
    get(target, name) {
      const method = target[name as keyof MemoryStore] as unknown;
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        await point();
        const result = await (method as (...args: unknown[]) => Promise<unknown>).apply(target, args);
        await point();
        return result;
      };
    },
  });
  return { store, ended };
}

describe("a settled payment", () => {
  it("is told again under its key, gateway data included: at once, by the next process, before recover(), under other keys", async () => {
    const { world, store, terminal } = await ready();
    const first = await terminal.charge(TEN, A);
    ok(first.outcome === "approved" && typeof first.gatewayData?.["authorization_code"] === "string", "gateway data");
    same(await terminal.charge(TEN, A), first);
    await terminal.installKeys();
    same(await terminal.charge(TEN, A), first);
    const next = world.terminal({ store });
    same(await next.charge(TEN, A), first);
    same((await next.findPayment("A"))!.outcome, first);
    await next.setUp();
    same([await next.charge(TEN, A), world.charges().length], [first, 1]);
  });

  it("declined by the issuer, refused by the host, a refund: each is told as it was", async () => {
    const { world, store, terminal } = await ready();
    const declined = await terminal.charge(DECLINED, A);
    same(declined.outcome, "declined");
    const charged = await terminal.charge(TEN);
    if (charged.outcome !== "approved") throw new Error(charged.outcome);
    const refunded = await terminal.refund(charged.chargeId, { amount: TEN.amount }, { idempotencyKey: "R" });
    same(refunded.outcome, "approved");
    world.fault = async () => apiError(400, "4000");
    const refused = await terminal.charge(TEN);
    if (refused.outcome !== "declined" || refused.status !== "refused") throw new Error(refused.outcome);
    world.fault = undefined;
    const next = world.terminal({ store });
    same(await next.charge(DECLINED, A), declined);
    same(await next.refund(charged.chargeId, { amount: TEN.amount }, { idempotencyKey: "R" }), refunded);
    const again = await next.charge(TEN, { idempotencyKey: refused.idempotencyKey });
    if (again.outcome !== "declined" || again.status !== "refused") throw new Error(again.outcome);
    same(
      [again.cause.code, again.cause.message, again.cause.details],
      ["ERR_HOST", refused.cause.message, refused.cause.details],
    );
  });

  it("is not told to another request", async () => {
    const { world, store, terminal } = await ready();
    await terminal.charge(TEN, A);
    for (const one of [terminal, world.terminal({ store })]) {
      const other = { ...TEN, card: { ...CARD, number: "5555555555554444" } };
      for (const request of [other, DECLINED])
        await rejectsCode(one.charge(request, A), "ERR_INVALID_ARGUMENT", /idempotencyKey/);
      await rejectsCode(one.refund("ch_1", { amount: TEN.amount }, A), "ERR_INVALID_ARGUMENT", /idempotencyKey/);
    }
  });

  it("is kept sealed: neither gateway data nor card is in the store; another ZMK leaves the facts of the record", async () => {
    const { world, store, terminal } = await ready();
    const first = await terminal.charge(TEN, A);
    if (first.outcome !== "approved") throw new Error(first.outcome);
    const text = await contents(store);
    const { authorization_code, rrn } = first.gatewayData as Record<string, string>;
    for (const needle of [authorization_code!, rrn!, CARD.number]) ok(!text.includes(`"${needle}"`), "in clear");
    const stored = (await store.loadTerminal())!;
    ok(/^D0\d\d\dD0AB/.test(stored.storeKey!), "a key block for data, and no key-encryption key");
    const { storeKey: _lost, ...without } = stored;
    await store.saveTerminal(without);
    const told = await world.terminal({ store }).charge(TEN, A);
    same(
      [told.outcome, "chargeId" in told && told.chargeId, "response" in told && told.response],
      ["approved", first.chargeId, {}],
    );
  });
});

describe("a process that ends at any store call", () => {
  it("the next one tells what became of the payment, and the payment is made once", async () => {
    for (let steps = 0; ; steps++) {
      const { world, store: medium } = await ready();
      // Restored first, so that the steps are those of the charge.
      const life = mortal(medium, steps);
      let active: TerminalStore = medium;
      const switching = new Proxy({} as TerminalStore, {
        get: (_target, name) => {
          const method = active[name as keyof TerminalStore] as ((...args: unknown[]) => unknown) | undefined;
          return typeof method === "function" ? method.bind(active) : method;
        },
      });
      const doomed = world.terminal({ store: switching });
      await doomed.recover();
      active = life.store;
      const heard = await Promise.race([doomed.charge(TEN, A), life.ended.then(() => undefined)]);
      const next = world.terminal({ store: medium });
      const before = await next.findPayment("A");
      if (before?.state === "approved") same(world.charges(), [before.chargeId!], `${steps}: told before recover()`);
      await next.recover();
      const found = await next.findPayment("A");
      const made = world.charges();
      if (found === undefined) same(made.length, 0, `${steps}: nothing was sent`);
      else same([found.state, found.chargeId], ["approved", made[0]], `${steps}: told`);
      const again = await next.charge(TEN, A);
      same([again.outcome, world.charges().length], ["approved", 1], `${steps}: once`);
      const last = (await next.findPayment("A"))!.outcome as { gatewayData?: Record<string, unknown> };
      ok(typeof last.gatewayData?.["authorization_code"] === "string", `${steps}: gateway data`);
      if (heard !== undefined) {
        ok(steps > 10, "some steps were tried");
        break;
      }
    }
  });

  it("a refund whose outcome was kept is settled by it, although the host is not asked again", async () => {
    const { world, store, terminal } = await ready();
    const charged = await terminal.charge(TEN);
    if (charged.outcome !== "approved") throw new Error(charged.outcome);
    const put = store.putRecord.bind(store);
    store.putRecord = async (record, replaces) => {
      if (record.state === "approved") throw new Error("full");
      await put(record, replaces);
    };
    const refund = await terminal.refund(charged.chargeId, { amount: TEN.amount }, { idempotencyKey: "R" });
    ok(refund.outcome === "approved" && refund.journalFailure !== undefined, "told with the failure");
    store.putRecord = put;
    const next = world.terminal({ store });
    same((await next.findPayment("R"))!.state, "approved");
    same(
      (await next.recover()).payments.map(({ state }) => state),
      ["approved"],
    );
    same(
      (await store.listRecords()).map(({ state }) => state),
      ["approved", "approved"],
    );
  });
});

describe("looking payments up", () => {
  it("findPayment tells every state; listPayments the newest first, by state, time and number", async () => {
    const { world, terminal } = await ready();
    const start = new Date(world.clock.now);
    await terminal.charge(TEN, A);
    world.clock.now += HOUR;
    await terminal.charge(DECLINED, { idempotencyKey: "B" });
    world.fault = async () => {
      throw new TypeError("dropped");
    };
    world.clock.now += HOUR;
    await terminal.charge(TEN, { idempotencyKey: "C" });
    world.fault = undefined;
    same(await terminal.findPayment("none"), undefined);
    const c = (await terminal.findPayment("C"))!;
    same([c.state, c.outcome, c.amount, c.kind, c.resolved], ["unknown", undefined, TEN.amount, "charge", false]);
    const keys = async (options?: Parameters<PosTerminal["listPayments"]>[0]) =>
      (await terminal.listPayments(options)).map(({ idempotencyKey }) => idempotencyKey).join("");
    same(await keys(), "CBA");
    same(await keys({ limit: 2 }), "CB");
    same(await keys({ states: ["approved", "unknown"] }), "CA");
    same(await keys({ states: [] }), "");
    same(await keys({ since: new Date(start.getTime() + HOUR) }), "CB");
    same(await keys({ since: start.toISOString() }), "CBA");
    await rejectsCode(terminal.findPayment(" A"), "ERR_INVALID_ARGUMENT");
    await rejectsCode(terminal.listPayments({ limit: 0 }), "ERR_INVALID_ARGUMENT", /limit/);
    await rejectsCode(terminal.listPayments({ states: ["lost" as "unknown"] }), "ERR_INVALID_ARGUMENT", /states\[0\]/);
    await rejectsCode(terminal.listPayments({ since: "yesterday" }), "ERR_INVALID_ARGUMENT", /since/);
  });

  it("resolvePayment is an operator's word on what needs a look-up: final, once, told again", async () => {
    const { world, store, terminal } = await ready();
    world.fault = async () => {
      throw new TypeError("dropped");
    };
    for (const idempotencyKey of ["A", "B", "C"]) await terminal.charge(TEN, { idempotencyKey });
    world.fault = undefined;
    await rejectsCode(terminal.resolvePayment("A", "approved"), "ERR_STATE", /unknown/);
    world.clock.now += 25 * HOUR;
    await terminal.recover();
    const unsure = await terminal.charge(TEN, A);
    ok(unsure.outcome === "unknown" && /look the payment up/.test(unsure.cause.message), "still unknown");
    const resolved = await terminal.resolvePayment("A", { outcome: "approved", chargeId: "ch_by_hand" });
    same([resolved.state, resolved.chargeId, resolved.resolved], ["approved", "ch_by_hand", true]);
    same((await terminal.resolvePayment("B", "declined")).state, "declined");
    same((await terminal.resolvePayment("B", "declined")).state, "declined", "the same again");
    await rejectsCode(terminal.resolvePayment("B", "approved"), "ERR_STATE", /declined/);
    await rejectsCode(
      terminal.resolvePayment("C", { outcome: "approved", chargeId: "ch_by_hand" }),
      "ERR_INVALID_ARGUMENT",
      /other/,
    );
    await rejectsCode(terminal.resolvePayment("D", "approved"), "ERR_INVALID_ARGUMENT", /journal/);
    await rejectsCode(terminal.resolvePayment("C", "unknown" as "approved"), "ERR_INVALID_ARGUMENT", /approved or declined/);
    const next = world.terminal({ store });
    const told = await next.charge(TEN, A);
    same([told.outcome, "chargeId" in told && told.chargeId], ["approved", "ch_by_hand"]);
    same([(await next.charge(TEN, { idempotencyKey: "B" })).outcome, world.charges().length], ["declined", 0]);
  });
});
