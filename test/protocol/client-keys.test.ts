/** The life of key sets: renewed in time, not while payments are open, kept as wrapped blocks until those are settled. */
import { describe, it } from "vitest";
import { MemoryStore, type StoredTerminal } from "../../ts/client/index.js";
import { ok, rejectsCode, same } from "../harness.js";
import { apiError, CARD, json, TEN, World } from "./client-world.js";

const HOUR = 3_600_000;
const paths = (world: World) => world.wire.map(({ path }) => path);

async function ready(store = new MemoryStore()) {
  const world = new World({ lifetimes: { keySet: 10 * 3600 } });
  const terminal = await world.ready({ store });
  return { world, store, terminal };
}

const dropped = async () => {
  throw new TypeError("dropped");
};

describe("renewal", () => {
  it("comes when a tenth of the life is left, with an attestation of its own", async () => {
    const { world, terminal } = await ready();
    const old = terminal.keys!;
    world.clock.now += 8.9 * HOUR;
    same((await terminal.charge(TEN)).outcome, "approved");
    same([paths(world), terminal.keys === old], [["/pos/charge"], true]);
    world.wire.length = 0;
    world.clock.now += 0.2 * HOUR;
    same((await terminal.charge(TEN)).outcome, "approved");
    same(paths(world), ["/pos/attest", "/pos/keys", "/pos/charge"]);
    ok(terminal.keys !== old && old.msk.destroyed, "the old keys are wiped");
    same(world.events.at(-1)!.keyKcv, terminal.keys!.checkValues.msk.kcv);
    await terminal.charge(TEN);
    same(paths(world).at(-2), "/pos/charge", "once");
  });

  it("that fails leaves keys that work in use, and is not tried at every payment", async () => {
    const { world, terminal } = await ready();
    world.clock.now += 9.5 * HOUR;
    world.fault = async (path, pass) => (path === "/pos/attest" ? apiError(500, "5000") : pass());
    same((await terminal.charge(TEN)).outcome, "approved");
    same((await terminal.charge(TEN)).outcome, "approved");
    same(paths(world), ["/pos/attest", "/pos/charge", "/pos/charge"]);
    world.clock.now += 61_000;
    world.fault = undefined;
    await terminal.charge(TEN);
    same(paths(world).slice(3), ["/pos/attest", "/pos/keys", "/pos/charge"]);
  });

  it("waits while a payment is open, and comes when it is settled", async () => {
    const { world, terminal } = await ready();
    const old = terminal.keys!;
    world.fault = dropped;
    same((await terminal.charge(TEN)).outcome, "unknown");
    world.fault = undefined;
    world.clock.now += 9.5 * HOUR;
    world.wire.length = 0;
    same((await terminal.charge(TEN)).outcome, "approved");
    same([paths(world), terminal.keys === old], [["/pos/charge"], true]);
    same((await terminal.recover()).payments[0]!.state, "approved");
    await terminal.charge(TEN);
    ok(terminal.keys !== old && old.msk.destroyed, "renewed");
  });

  it("at start, after recovery", async () => {
    const { world, store } = await ready();
    world.clock.now += 9.5 * HOUR;
    world.wire.length = 0;
    const next = world.terminal({ store });
    await next.recover();
    same(paths(world), ["/pos/bootstrap", "/pos/attest", "/pos/keys"]);
    same((await next.charge(TEN)).outcome, "approved");
  });
});

describe("the signal", () => {
  it("ends a call that waits for another call's installation, at once and with nothing begun", async () => {
    const { world, store, terminal } = await ready();
    const charged = await terminal.charge(TEN);
    if (charged.outcome !== "approved") throw new Error(charged.outcome);
    const { chargeId } = charged;
    world.wire.length = 0;
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    world.fault = async (path, pass) => {
      if (path === "/pos/keys") await held;
      return await pass();
    };
    const installing = terminal.installKeys();
    while (!paths(world).includes("/pos/keys")) await new Promise((resolve) => setTimeout(resolve, 1));
    const stop = new AbortController();
    const { signal } = stop;
    const waiting = [
      terminal.charge(TEN, { signal }),
      terminal.charge(TEN, { signal, idempotencyKey: "A" }),
      terminal.refund(chargeId, { amount: TEN.amount }, { signal }),
      terminal.cancel(chargeId, { signal }),
    ].map((call) => rejectsCode(call, "ERR_ABORTED"));
    const patient = terminal.charge(TEN);
    await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await Promise.all(waiting);
    await rejectsCode(terminal.charge(TEN, { signal }), "ERR_ABORTED");
    same(paths(world), ["/pos/keys"]);
    same([(await store.listRecords()).length, (await store.listPayloads()).length], [1, 0]);
    answer();
    await installing;
    same((await patient).outcome, "approved");
    same((await terminal.charge(TEN, { idempotencyKey: "A" })).outcome, "approved");
  });
});

describe("an old set", () => {
  it("that has expired while a payment is open is kept, wrapped, until it is settled", async () => {
    const { world, store, terminal } = await ready();
    const old = terminal.keys!;
    world.fault = async (_path, pass) => {
      await pass();
      return await dropped();
    };
    const lost = await terminal.charge({ ...TEN, pin_block: terminal.encryptPin({ pin: "1234", pan: CARD.number }) });
    same(lost.outcome, "unknown");
    world.fault = undefined;
    world.clock.now += 10 * HOUR;
    same((await terminal.charge(TEN)).outcome, "approved");
    ok(terminal.keys !== old && !old.msk.destroyed, "kept");
    const stored = (await store.loadTerminal())!;
    same(stored.retiredKeys!.length, 1);
    ok(!JSON.stringify(stored).includes(world.device.zmk), "wrapped");

    // The next process has both sets from the store, and settles with them what was open.
    const next = world.terminal({ store });
    const { payments } = await next.recover();
    same([payments.length, payments[0]!.state, world.charges().length], [1, "approved", 2]);
    same((await store.loadTerminal())!.retiredKeys, undefined);
    // The store is the next one's from here on.
    await rejectsCode(terminal.charge(TEN), "ERR_STORE", /another PosTerminal/);
    terminal.destroy();
    ok(old.msk.destroyed, "wiped");
  });

  it("that is still accepted is what repetitions are signed and sealed with", async () => {
    const { world, store, terminal } = await ready();
    const oldKcv = terminal.keys!.checkValues.msk.kcv;
    const oldKeys = (await store.loadTerminal())!.keys!;
    world.fault = dropped;
    same((await terminal.charge(TEN)).outcome, "unknown");
    world.fault = undefined;
    // Another set was stored before this process ended: as after a renewal that could not wait.
    await world.terminal({ store: new MemoryStore() }).setUp();
    const response = JSON.parse(world.wire.filter(({ path }) => path === "/pos/keys").at(-1)!.answer);
    const stored: StoredTerminal = { ...(await store.loadTerminal())!, keys: response, retiredKeys: [oldKeys] };
    await store.saveTerminal(stored);
    const next = world.terminal({ store });
    const { payments } = await next.recover();
    same(payments[0]!.state, "approved");
    same((JSON.parse(world.wire.at(-1)!.body) as { key_kcv: string }).key_kcv, oldKcv);
    same(world.events.at(-1)!.keyKcv, oldKcv);
    ok(next.keys!.checkValues.msk.kcv !== oldKcv, "the new set is in use");
    await next.charge(TEN);
    same(world.events.at(-1)!.keyKcv, next.keys!.checkValues.msk.kcv);
  });

  it("stays for its open payment only, however often keys are renewed meanwhile", async () => {
    const { world, store, terminal } = await ready();
    const old = terminal.keys!;
    world.fault = dropped;
    await terminal.charge(TEN);
    world.fault = undefined;
    const renewed = [];
    for (let i = 0; i < 4; i++) {
      // As at every start of an app, in the order of the README; each over the store, as after a restart.
      const next = world.terminal({ store });
      await next.setUp();
      renewed.push(next.keys!);
      same((await next.charge(TEN)).outcome, "approved", `start ${i}`);
      const stored = (await store.loadTerminal())!;
      same(
        stored.retiredKeys!.map(({ verification }) => verification.kcv.msk),
        [old.checkValues.msk.kcv],
        "only the set that is needed",
      );
    }
    const last = world.terminal({ store });
    same((await last.recover()).payments[0]!.state, "approved");
    same((await store.loadTerminal())!.retiredKeys, undefined);
  });

  it("an open refund does not keep a terminal from starting: recover(), setUp(), charge()", async () => {
    const { world, store, terminal } = await ready();
    const charged = await terminal.charge(TEN);
    if (charged.outcome !== "approved") throw new Error(charged.outcome);
    world.fault = async (_path, pass) => {
      await pass();
      return await dropped();
    };
    same((await terminal.refund(charged.chargeId, { amount: TEN.amount })).outcome, "unknown");
    world.fault = undefined;
    for (const start of [1, 2, 3]) {
      const next = world.terminal({ store });
      same(
        (await next.recover()).payments.map(({ kind, state }) => [kind, state]),
        [["refund", "unknown"]],
      );
      await next.setUp();
      same((await next.charge(TEN)).outcome, "approved", `start ${start}`);
    }
  });

  it("a host that has lost the terminal's keys: pairing and installing anew, and what is open is told as it is", async () => {
    const { world, store } = await ready();
    // Another host, that has never seen the terminal's keys, at the same address and with the same device.
    const fresh = new World({ provision: world.server.provision });
    const next = world.terminal({ store, fetch: fresh.fetch });
    await next.recover();
    same((await next.charge(TEN, { idempotencyKey: "A" })).outcome, "unknown");
    await fresh.activate(next);
    same((await next.charge(TEN, { idempotencyKey: "B" })).outcome, "approved");
    same(
      (await next.recover()).payments.map(({ idempotencyKey, state }) => [idempotencyKey, state]),
      [["A", "unknown"]],
    );
    same((await next.charge(TEN)).outcome, "approved");
  });
});

describe("a set that is older than the last one", () => {
  it("is refused by the time under its blocks' MACs, over a restart, too; acceptOlderKeys installs it", async () => {
    const { world, store, terminal } = await ready();
    const first = (await store.loadTerminal())!;
    world.clock.now += HOUR;
    await terminal.installKeys();
    const replayed = JSON.parse(JSON.stringify(first.keys)) as NonNullable<StoredTerminal["keys"]>;
    // Dates outside the blocks prove nothing.
    replayed.key_set = { issued_at: "2026-01-15T14:00:00Z", expires_at: "2026-01-16T14:00:00Z" };
    world.fault = async (path, pass) => (path === "/pos/keys" ? json(200, replayed) : await pass());
    await rejectsCode(terminal.installKeys(), "ERR_KEY_SET", /older/);
    const next = world.terminal({ store });
    await rejectsCode(next.setUp(), "ERR_KEY_SET", /older/);
    await next.installKeys({ acceptOlderKeys: true });
    same(next.keys!.checkValues.msk.kcv, first.keys!.verification.kcv.msk);
    world.fault = undefined;
    await next.installKeys();
    await rejectsCode(next.installKeys({ acceptOlderKeys: 1 as unknown as boolean }), "ERR_INVALID_ARGUMENT", /acceptOlderKeys/);
  });
});

describe("a PIN", () => {
  it("holds off a renewal; under expired keys nothing is sent and the PIN is asked for again", async () => {
    const { world, terminal } = await ready();
    const withPin = () => ({ ...TEN, pin_block: terminal.encryptPin({ pin: "1234", pan: CARD.number }) });
    world.clock.now += 9.5 * HOUR;
    same((await terminal.charge(withPin())).outcome, "approved");
    same(paths(world), ["/pos/charge"]);
    world.clock.now += HOUR;
    await rejectsCode(terminal.charge(withPin()), "ERR_STATE", /renewed/);
    same(paths(world).slice(1), ["/pos/attest", "/pos/keys"]);
    same((await terminal.charge(withPin())).outcome, "approved");
  });

  it("enciphered before a renewal by another payment is not sent under the new keys", async () => {
    const { world, terminal } = await ready();
    const pin_block = terminal.encryptPin({ pin: "1234", pan: CARD.number });
    const auxiliary_data = terminal.sealAuxiliary({ loyalty: "L-1" });
    world.clock.now += 9.5 * HOUR;
    same((await terminal.charge(TEN)).outcome, "approved");
    const sent = world.wire.length;
    await rejectsCode(terminal.charge({ ...TEN, pin_block }), "ERR_STATE", /renewed/);
    await rejectsCode(terminal.charge({ ...TEN, auxiliary_data }), "ERR_STATE", /renewed/);
    same(world.wire.length, sent);
  });
});
