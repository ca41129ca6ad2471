/** Recovery beside other calls, and in spite of a host that answers the rest badly. */
import { describe, it } from "vitest";
import { type JournalRecord, type JournalState, MemoryStore, type StoredTerminal } from "../../ts/client/index.js";
import type { JsonValue } from "../../ts/core/envelope/envelope.js";
import { PosCryptoError } from "../../ts/base/errors.js";
import { ok, rejectsCode, same } from "../harness.js";
import { apiError, type Fault, json, TEN, World } from "./client-world.js";

const lost: Fault = async (_path, pass) => {
  await pass();
  throw new TypeError("dropped after the host");
};

/** What a test opens when it is time to go on. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const keyOf = (world: World) => world.wire.at(-1)!.headers["Idempotency-Key"];
const states = async (store: MemoryStore) =>
  Object.fromEntries((await store.listRecords()).map(({ idempotencyKey, state }) => [idempotencyKey, state]));

describe("beside other calls", () => {
  it("a payment that another call settles meanwhile stays as it is", async () => {
    const world = new World();
    const store = new MemoryStore();
    const terminal = await world.ready({ store });
    world.fault = lost;
    await terminal.charge(TEN, { idempotencyKey: "A" });
    const [answerA, answerR, askedA] = [gate(), gate(), gate()];
    world.fault = async (_path, pass) => {
      const own = keyOf(world);
      if (own === "A") askedA.open();
      await (own === "A" ? answerA : answerR).opened;
      return await pass();
    };
    const charging = terminal.charge(TEN, { idempotencyKey: "R" });
    while (keyOf(world) !== "R") await new Promise((resolve) => setTimeout(resolve, 1));
    // Lists A and R as open, and waits for the answer about A.
    const recovering = terminal.recover();
    await askedA.opened;
    answerR.open();
    same((await charging).outcome, "approved");
    answerA.open();
    const { payments } = await recovering;
    same(
      payments.map(({ idempotencyKey, state }) => [idempotencyKey, state]),
      [["A", "approved"]],
    );
    same(await states(store), { A: "approved", R: "approved" });
    ok(
      (await store.listRecords()).every(({ chargeId }) => chargeId !== undefined),
      "charge ids",
    );
    same(world.wire.filter(({ headers }) => headers["Idempotency-Key"] === "R").length, 1, "sendings of R");
    await terminal.installKeys();
  });

  it("two recoveries at once settle every payment once", async () => {
    const world = new World();
    const store = new MemoryStore();
    const terminal = await world.ready({ store });
    world.fault = lost;
    for (const idempotencyKey of ["A", "B", "C"]) await terminal.charge(TEN, { idempotencyKey });
    world.wire.length = 0;
    world.fault = async (_path, pass) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return await pass();
    };
    const told = (await Promise.all([terminal.recover(), terminal.recover()])).flatMap(({ payments }) => payments);
    same(told.map(({ idempotencyKey, state }) => `${idempotencyKey} ${state}`).sort(), [
      "A approved",
      "B approved",
      "C approved",
    ]);
    same(world.wire.length, 3);
    same(await states(store), { A: "approved", B: "approved", C: "approved" });
  });

  it("the payload of a payment that is just beginning is not mistaken for one that a crash left", async () => {
    const world = new World();
    const written = gate();
    class Slow extends MemoryStore {
      record: Promise<void> | undefined;
      override async putPayload(key: string, sealed: JsonValue): Promise<void> {
        await super.putPayload(key, sealed);
        written.open();
      }
      override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
        await this.record;
        await super.putRecord(record, replaces);
      }
    }
    const store = new Slow();
    const terminal = await world.ready({ store });
    const medium = gate();
    store.record = medium.opened;
    world.fault = lost;
    const charging = terminal.charge(TEN, { idempotencyKey: "A" });
    await written.opened;
    await terminal.recover();
    medium.open();
    same((await charging).outcome, "unknown");
    world.fault = undefined;
    same((await terminal.recover()).payments[0]!.state, "approved");
  });
});

describe("in a new process", () => {
  async function interrupted() {
    const world = new World();
    const store = new MemoryStore();
    const first = await world.ready({ store });
    world.fault = lost;
    await first.charge(TEN, { idempotencyKey: "A" });
    return { world, store, next: world.terminal({ store }) };
  }
  const failures: readonly (readonly [string, string, () => Response])[] = [
    ["a newer app is demanded", "ERR_VERSION_TOO_OLD", () => bootstrapAnswer({ min_supported_version: "9.0.0" })],
    ["404", "ERR_HOST", () => apiError(404, "4004")],
    ["a minimum version that is none", "ERR_HOST_RESPONSE", () => bootstrapAnswer({ min_supported_version: "newest" })],
    ["no time", "ERR_HOST_RESPONSE", () => bootstrapAnswer({ server_time: "noon" })],
    ["500", "ERR_HOST", () => apiError(500, "5000")],
  ];
  function bootstrapAnswer(change: Record<string, string>): Response {
    return json(200, { status: "ok", server_time: "2026-01-15T12:00:00Z", min_supported_version: "1.0.0", ...change });
  }
  for (const [what, code, answer] of failures) {
    it(`bootstrap says ${what}: open payments are asked about, as charge() would do it`, async () => {
      const { world, next } = await interrupted();
      world.fault = async (path, pass) => (path === "/pos/bootstrap" ? answer() : pass());
      const { restored, payments, bootstrapFailure } = await next.recover();
      same([restored, payments[0]!.state, bootstrapFailure?.code], [true, "approved", code]);
      same((await next.charge(TEN)).outcome, "approved");
    });
  }

  it("an app that is too old still learns the time", async () => {
    const world = new World();
    const store = new MemoryStore();
    await world.ready({ store });
    const next = world.terminal({ store, now: () => world.clock.now - 7_200_000 });
    world.fault = async () => bootstrapAnswer({ min_supported_version: "9.0.0" });
    same((await next.recover()).bootstrapFailure?.code, "ERR_VERSION_TOO_OLD");
    same(next.clockOffsetMs, 7_200_000);
  });

  it("a bootstrap that succeeds leaves no failure", async () => {
    const { world, next } = await interrupted();
    world.fault = undefined;
    const result = await next.recover();
    same([result.payments[0]!.state, "bootstrapFailure" in result], ["approved", false]);
  });

  it("the signal ends it, also during the bootstrap", async () => {
    const { world, store, next } = await interrupted();
    const stop = new AbortController();
    world.fault = () => {
      stop.abort();
      return new Promise(() => {});
    };
    await rejectsCode(next.recover({ signal: stop.signal }), "ERR_ABORTED");
    same(await states(store), { A: "unknown" });
  });
});

describe("a store that fails", () => {
  it("in removing a payload that a crash left: the open payments are asked about anyway", async () => {
    const world = new World();
    class Stuck extends MemoryStore {
      override async removePayload(): Promise<void> {
        throw new Error("read-only");
      }
    }
    const store = new Stuck();
    const terminal = await world.ready({ store });
    await store.putPayload("left behind", { sealed: true });
    world.fault = lost;
    await terminal.charge(TEN);
    world.fault = undefined;
    const [payment] = (await terminal.recover()).payments;
    same([payment!.state, payment!.outcome?.journalFailure], ["approved", undefined]);
    same((await terminal.recover()).payments, []);
  });

  it("in writing: every open payment is told as unknown, with the cause", async () => {
    const world = new World();
    class Full extends MemoryStore {
      full = false;
      override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
        if (this.full) throw new Error("disk full");
        await super.putRecord(record, replaces);
      }
    }
    const store = new Full();
    const terminal = await world.ready({ store, idempotencyTtlMs: 3_600_000 });
    world.fault = lost;
    await terminal.charge(TEN, { idempotencyKey: "old" });
    world.clock.now += 3_600_000;
    await terminal.charge(TEN, { idempotencyKey: "new" });
    world.fault = undefined;
    store.full = true;
    world.wire.length = 0;
    const { payments } = await terminal.recover();
    same(
      payments.map(({ idempotencyKey, state, outcome }) => [
        idempotencyKey,
        state,
        outcome?.outcome === "unknown" && outcome.cause.code,
      ]),
      [
        ["old", "unknown", "ERR_STORE"],
        ["new", "unknown", "ERR_STORE"],
      ],
    );
    same(
      world.wire.map(({ path }) => path),
      ["/pos/bootstrap"],
      "only what time it is",
    );
    store.full = false;
    same(
      (await terminal.recover()).payments.map(({ state }) => state),
      ["needs_host_lookup", "approved"],
    );
  });

  it("that cannot be read: rejects with what the store says", async () => {
    const world = new World();
    class Gone extends MemoryStore {
      override async loadTerminal(): Promise<StoredTerminal | undefined> {
        throw new PosCryptoError("ERR_STORE", "damaged");
      }
    }
    await rejectsCode(world.terminal({ store: new Gone() }).recover(), "ERR_STORE", "damaged");
  });
});
