/** Doubt and certainty: a payment that may be made is never told as not made, one that cannot be made not as unknown. */
import { describe, it } from "vitest";
import { type JournalRecord, type JournalState, MemoryStore, type PosTerminal } from "../../ts/client/index.js";
import type { PosCryptoError } from "../../ts/base/errors.js";
import { ok, rejectsCode, same } from "../harness.js";
import { type Fault, json, TEN, World } from "./client-world.js";

/** Fails in the ways a test asks for. */
class Failing extends MemoryStore {
  /** `torn`: the record is written, and a failure reported. */
  records: "torn" | "lost" | undefined;
  payloads = false;
  reading = false;
  override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
    if (this.records !== "lost") await super.putRecord(record, replaces);
    if (this.records !== undefined) throw new Error("EIO: record");
  }
  override async removePayload(key: string): Promise<void> {
    if (this.payloads) throw new Error("EIO: payload");
    await super.removePayload(key);
  }
  override async getRecord(key: string): Promise<JournalRecord | undefined> {
    if (this.reading) throw new Error("EIO: reading");
    return await super.getRecord(key);
  }
  heal(): void {
    this.records = undefined;
    this.payloads = false;
    this.reading = false;
  }
}

async function ready() {
  const world = new World();
  const store = new Failing();
  const terminal = await world.ready({ store });
  return { world, store, terminal };
}

const lost: Fault = async (_path, pass) => {
  await pass();
  throw new TypeError("dropped after the host");
};

function causeOf(outcome: { outcome: string; cause?: PosCryptoError; journalFailure?: unknown }) {
  return outcome.outcome === "unknown" ? outcome.cause!.code : outcome.outcome;
}

const recovered = async (terminal: PosTerminal) =>
  (await terminal.recover()).payments.map(({ idempotencyKey, state }) => `${idempotencyKey} ${state}`);

describe("a journal that can neither write a payment nor take it back", () => {
  it("written anyway: unknown, and recovery settles it", async () => {
    const { world, store, terminal } = await ready();
    store.records = "torn";
    store.payloads = true;
    const outcome = await terminal.charge(TEN, { idempotencyKey: "A" });
    same([causeOf(outcome), outcome.idempotencyKey, world.wire.length], ["ERR_STORE", "A", 0]);
    ok(outcome.journalFailure instanceof Error, "the failure");
    store.heal();
    same(await recovered(terminal), ["A approved"]);
    same([world.charges().length, await recovered(terminal)], [1, []]);
  });

  it("written anyway, and the process ends: the next one finds it", async () => {
    const { world, store, terminal } = await ready();
    store.records = "torn";
    store.payloads = true;
    same((await terminal.charge(TEN, { idempotencyKey: "A" })).outcome, "unknown");
    store.heal();
    same(await recovered(world.terminal({ store })), ["A approved"]);
  });

  it("not written: recovery lists it anyway, and keeps the keys for it", async () => {
    const { world, store, terminal } = await ready();
    store.records = "lost";
    store.payloads = true;
    same(causeOf(await terminal.charge(TEN, { idempotencyKey: "A" })), "ERR_STORE");
    same((await store.listRecords()).length, 0);
    store.heal();
    const old = terminal.keys!;
    await terminal.installKeys();
    ok(!old.msk.destroyed, "the keys stay");
    same(await recovered(terminal), ["A approved"]);
    same([world.charges().length, await store.listPayloads()], [1, []]);
  });

  it("the same key again is the same payment", async () => {
    const { world, store, terminal } = await ready();
    store.records = "lost";
    store.payloads = true;
    await terminal.charge(TEN, { idempotencyKey: "A" });
    store.heal();
    same((await terminal.charge(TEN, { idempotencyKey: "A" })).outcome, "approved");
    same([await recovered(terminal), world.charges().length], [[], 1]);
  });
});

describe("aborted between the journal and the request", () => {
  /** Aborts as soon as the first record is written, and breaks the store then. */
  async function aborted(break_: (store: Failing) => void) {
    const { world, store, terminal } = await ready();
    const stop = new AbortController();
    const put = store.putRecord.bind(store);
    store.putRecord = async (record, replaces) => {
      await put(record, replaces);
      stop.abort();
      break_(store);
      store.putRecord = put;
    };
    const charging = terminal.charge(TEN, { idempotencyKey: "A", signal: stop.signal });
    return { world, store, terminal, charging };
  }

  it("a payload that cannot be removed changes nothing: closed, and told so", async () => {
    const { world, store, terminal, charging } = await aborted((store) => {
      store.payloads = true;
    });
    await rejectsCode(charging, "ERR_ABORTED");
    same((await store.listRecords())[0]!.state, "abandoned");
    same([world.wire.length, await store.listPayloads()], [0, ["A"]]);
    store.heal();
    same([await recovered(terminal), await store.listPayloads()], [[], []]);
  });

  it("closed, but the store reports a failure: unknown, and recovery settles it", async () => {
    const { world, store, terminal, charging } = await aborted((store) => {
      store.records = "torn";
    });
    const outcome = await charging;
    same(causeOf(outcome), "ERR_ABORTED");
    ok(outcome.journalFailure instanceof Error, "the failure");
    store.heal();
    same([await recovered(terminal), world.charges().length], [["A approved"], 1]);
  });
});

describe("the key of an open payment", () => {
  async function open() {
    const made = await ready();
    made.world.fault = lost;
    same((await made.terminal.charge(TEN, { idempotencyKey: "A" })).outcome, "unknown");
    made.world.fault = undefined;
    made.world.wire.length = 0;
    return made;
  }
  const again = { idempotencyKey: "A" };

  it("stays unknown where the store cannot be written", async () => {
    const { world, store, terminal } = await open();
    store.records = "lost";
    const outcome = await terminal.charge(TEN, again);
    same([causeOf(outcome), outcome.idempotencyKey, world.wire.length], ["ERR_STORE", "A", 0]);
    ok(outcome.journalFailure instanceof Error, "the failure");
    store.heal();
    same([(await terminal.charge(TEN, again)).outcome, world.charges().length], ["approved", 1]);
  });

  it("stays unknown where the store cannot be read", async () => {
    const { world, store, terminal } = await open();
    store.reading = true;
    same([causeOf(await terminal.charge(TEN, again)), world.wire.length], ["ERR_STORE", 0]);
    store.heal();
    same(await recovered(terminal), ["A approved"]);
  });

  it("stays unknown where the caller has given up", async () => {
    const { world, store, terminal } = await open();
    same(causeOf(await terminal.charge(TEN, { ...again, signal: AbortSignal.abort() })), "ERR_ABORTED");
    same([world.wire.length, (await store.listRecords())[0]!.sendings], [0, 1]);
  });

  it("stays unknown where there are no keys", async () => {
    const { world, store } = await open();
    const next = world.terminal({ store });
    same(causeOf(await next.charge(TEN, again)), "ERR_STATE");
    same(await recovered(next), ["A approved"]);
  });

  it("stays unknown where the payload is gone", async () => {
    const { store, terminal } = await open();
    await store.removePayload("A");
    same(causeOf(await terminal.charge(TEN, again)), "ERR_STATE");
  });

  it("of another request: the call is wrong; settled: told again", async () => {
    const { world, store, terminal } = await open();
    // Told apart by the record, also where nothing can be sent.
    store.records = "lost";
    const eleven = { ...TEN, amount: { value: "1100", currency: "EUR" } };
    await rejectsCode(terminal.charge(eleven, again), "ERR_INVALID_ARGUMENT", /another request/);
    store.heal();
    await rejectsCode(terminal.charge({ ...TEN, stan: "000001" }, again), "ERR_INVALID_ARGUMENT", /another request/);
    same(world.wire.length, 0);
    await terminal.recover();
    same([(await terminal.charge(TEN, again)).outcome, world.charges().length], ["approved", 1]);
    await rejectsCode(terminal.charge({ ...TEN, stan: "000001" }, again), "ERR_INVALID_ARGUMENT", /another request/);
  });
});

describe("an answer that was given before", () => {
  /** The host's latest answer, kept; and given again, once there is one, while `replaying`. */
  function recorder(world: World) {
    const state = { replaying: false, answer: "" };
    world.fault = async (_path, pass) => {
      if (state.replaying) return json(200, state.answer);
      const response = await pass();
      state.answer = await response.clone().text();
      return response;
    };
    return state;
  }

  it("to another charge of the same amount is no approval", async () => {
    const { world, store, terminal } = await ready();
    const host = recorder(world);
    same((await terminal.charge(TEN, { idempotencyKey: "A" })).outcome, "approved");
    host.replaying = true;
    same(causeOf(await terminal.charge(TEN, { idempotencyKey: "B" })), "ERR_HOST_RESPONSE");
    // The journal of an earlier process counts, too.
    const next = world.terminal({ store });
    world.fault = async (path, pass) => (path === "/pos/charge" ? json(200, host.answer) : pass());
    same(await recovered(next), ["B unknown"]);
    same(causeOf(await next.charge(TEN, { idempotencyKey: "C" })), "ERR_HOST_RESPONSE");
    world.fault = undefined;
    same(await recovered(next), ["B approved", "C approved"]);
    same(new Set((await store.listRecords()).map(({ chargeId }) => chargeId)).size, 3, "charges");
  });

  it("to a charge under way at the same time is no approval", async () => {
    const { world, terminal } = await ready();
    let first: Promise<string> | undefined;
    world.fault = async (_path, pass) => {
      first ??= pass().then((response) => response.text());
      return json(200, await first);
    };
    const outcomes = await Promise.all([terminal.charge(TEN), terminal.charge(TEN)]);
    same(outcomes.map(causeOf).sort(), ["ERR_HOST_RESPONSE", "approved"]);
  });

  it("as a decline is no decline", async () => {
    const { world, terminal } = await ready();
    const host = recorder(world);
    const declined = { ...TEN, amount: { value: "10005", currency: "EUR" } };
    const first = await terminal.charge(declined);
    ok(first.outcome === "declined" && "chargeId" in first && first.chargeId !== undefined, "a decline with an id");
    host.replaying = true;
    same(causeOf(await terminal.charge(declined)), "ERR_HOST_RESPONSE");
  });

  it("to another refund of the same amount is no approval", async () => {
    const { world, store, terminal } = await ready();
    const charge = await terminal.charge(TEN);
    if (charge.outcome !== "approved") throw new Error(charge.outcome);
    const request = { amount: { value: "300", currency: "EUR" } };
    const host = recorder(world);
    const first = await terminal.refund(charge.chargeId, request);
    if (first.outcome !== "approved") throw new Error(first.outcome);
    host.replaying = true;
    same(causeOf(await terminal.refund(charge.chargeId, request)), "ERR_HOST_RESPONSE");
    const [, record, replayed] = await store.listRecords();
    same([record!.chargeId, record!.refundId], [charge.chargeId, first.refundId]);
    same([replayed!.state, replayed!.refundId], ["unknown", undefined]);
  });

  it("to the same payment is its answer", async () => {
    const { world, terminal } = await ready();
    world.fault = lost;
    await terminal.charge(TEN, { idempotencyKey: "A" });
    world.fault = undefined;
    same(await recovered(terminal), ["A approved"]);
  });
});
