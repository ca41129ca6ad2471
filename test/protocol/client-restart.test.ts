/** A process that begins over a store with an earlier one's keys and open payments: nothing replaces them unread. */
import { describe, it } from "vitest";
import { MemoryStore, type StoredTerminal } from "../../ts/client/index.js";
import { importKey } from "../../ts/core/keys/key.js";
import { ok, rejectsCode, same } from "../harness.js";
import { apiError, type Fault, TEN, World } from "./client-world.js";

const HOUR = 3_600_000;

const lost: Fault = async (path, pass) => {
  const response = await pass();
  if (path === "/pos/charge") throw new TypeError("dropped after the host");
  return response;
};

/** A host, and a store whose process has ended; with a charge of which the answer was lost, or without. */
async function ended({ open }: { open: boolean }) {
  const world = new World({ lifetimes: { keySet: 10 * 3600 } });
  const store = new MemoryStore();
  const first = await world.ready({ store });
  if (open) {
    world.fault = lost;
    same((await first.charge(TEN, { idempotencyKey: "A" })).outcome, "unknown");
    world.fault = undefined;
  }
  first.destroy();
  world.wire.length = 0;
  return { world, store, next: world.terminal({ store }) };
}

describe("before recover()", () => {
  it("setUp() keeps the stored keys that open payments need, beside the new ones", async () => {
    const { world, store, next } = await ended({ open: true });
    const before = await store.loadTerminal();
    await next.setUp();
    same((await store.loadTerminal())!.retiredKeys, [before!.keys], "the keys");
    same((await next.charge(TEN)).outcome, "approved");
    const { payments } = await next.recover();
    same([payments[0]!.state, world.charges().length], ["approved", 2]);
    same((await store.loadTerminal())!.retiredKeys, undefined, "released");
  });

  it("installKeys() likewise", async () => {
    const { store, next } = await ended({ open: true });
    const { keys } = (await store.loadTerminal())!;
    await next.bootstrap();
    await next.fetchStatus();
    await next.attest();
    await next.installKeys();
    same((await store.loadTerminal())!.retiredKeys, [keys]);
    same((await next.recover()).payments[0]!.state, "approved");
  });

  it("expired keys are replaced and kept for the open payments, as in the process that made them", async () => {
    const { world, store, next } = await ended({ open: true });
    const old = (await store.loadTerminal())!.keys!;
    world.clock.now += 10 * HOUR;
    await next.setUp();
    same((await store.loadTerminal())!.retiredKeys, [old]);
    const { payments } = await next.recover();
    same([payments[0]!.state, world.charges().length], ["approved", 1]);
    same((await store.loadTerminal())!.retiredKeys, undefined, "released");
  });

  it("setUp() without open payments replaces the keys", async () => {
    const { store, next } = await ended({ open: false });
    const { keys } = (await store.loadTerminal())!;
    await next.setUp();
    const stored = (await store.loadTerminal())!;
    ok(JSON.stringify(stored.keys) !== JSON.stringify(keys) && stored.retiredKeys === undefined, "only the new keys");
    same((await next.charge(TEN)).outcome, "approved");
  });

  it("a step that saves something else leaves the keys where they are", async () => {
    const { store, next } = await ended({ open: true });
    await next.bootstrap();
    await next.waitUntilClaimed();
    same((await next.recover()).payments[0]!.state, "approved");
    ok((await store.loadTerminal())!.activatedAt !== undefined, "activated");
  });
});

describe("a store of another device", () => {
  it("is refused by setUp() before anything is sent, and by every step that would write", async () => {
    const world = new World();
    const store = new MemoryStore();
    const other: StoredTerminal = { version: 1, deviceId: "POS-00000000", claimed: true };
    await store.saveTerminal(other);
    const terminal = world.terminal({ store });
    await rejectsCode(terminal.setUp(), "ERR_STATE", /another device/);
    same(world.wire.length, 0);
    // The same device, claimed, so that the steps get as far as the store.
    await world.activate(world.terminal());
    await terminal.bootstrap();
    await rejectsCode(terminal.waitUntilClaimed(), "ERR_STATE", /another device/);
    await terminal.attest();
    await rejectsCode(terminal.installKeys(), "ERR_STATE", /another device/);
    same(await store.loadTerminal(), other);
    same(terminal.keys, undefined);
  });
});

describe("stored keys that do not open", () => {
  const wrongZmk = importKey("5A".repeat(32), { algorithm: "AES", usage: "K0", modeOfUse: "D" });
  const foreign = async (store: MemoryStore) => {
    const stored = (await store.loadTerminal())!;
    const elsewhere = new World();
    const keys = new MemoryStore();
    await elsewhere.ready({ store: keys });
    await store.saveTerminal({ ...stored, keys: (await keys.loadTerminal())!.keys! });
  };

  it("are replaced where nothing needs them", async () => {
    const { store, next } = await ended({ open: false });
    await foreign(store);
    await rejectsCode(next.recover(), "ERR_KEY_BLOCK_MAC");
    await next.setUp();
    same((await next.charge(TEN)).outcome, "approved");
  });

  it("are an error while payments are open", async () => {
    const { world, store } = await ended({ open: true });
    const before = await store.loadTerminal();
    const wrong = world.terminal({ store, zmk: wrongZmk });
    await rejectsCode(wrong.setUp(), "ERR_KEY_BLOCK_MAC");
    same(await store.loadTerminal(), before);
    same((await world.terminal({ store }).recover()).payments[0]!.state, "approved");
  });
});

describe("saves beside each other", () => {
  it("config that arrives while new keys are being stored does not bring the old keys back", async () => {
    const world = new World();
    class Slow extends MemoryStore {
      slow = false;
      override async saveTerminal(state: StoredTerminal): Promise<void> {
        if (this.slow) await new Promise((resolve) => setTimeout(resolve, 10));
        await super.saveTerminal(state);
      }
    }
    const store = new Slow();
    const terminal = await world.ready({ store });
    await terminal.attest();
    let installing: Promise<unknown> | undefined;
    world.fault = async (path, pass) => {
      const response = await pass();
      // Config is opened with the old keys while the new ones are on their way to the store.
      if (path === "/pos/config") {
        store.slow = true;
        installing = terminal.installKeys();
        while (world.wire.at(-1)!.path !== "/pos/keys" || world.wire.at(-1)!.status === 0) {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      return response;
    };
    await terminal.fetchConfig();
    await installing;
    const last = world.wire.filter(({ path }) => path === "/pos/keys").at(-1)!;
    same((await store.loadTerminal())!.keys, JSON.parse(last.answer), "what is stored");
    world.fault = undefined;
    const next = world.terminal({ store });
    await next.recover();
    same((await next.charge(TEN)).outcome, "approved");
    same(next.keys!.checkValues.msk.kcv, terminal.keys!.checkValues.msk.kcv);
  });

  it("a terminal that is destroyed while new keys are on their way does not lose the old ones", async () => {
    const { world, store, next } = await ended({ open: true });
    const old = (await store.loadTerminal())!.keys!;
    await next.bootstrap();
    world.clock.now += 10 * HOUR;
    world.fault = async (path, pass) => {
      if (path === "/pos/keys") next.destroy();
      return await pass();
    };
    await next.setUp().catch(() => {});
    same((await store.loadTerminal())!.retiredKeys, [old]);
    next.destroy();
    world.fault = undefined;
    same((await world.terminal({ store }).recover()).payments[0]!.state, "approved");
  });

  it("a failed installation leaves store and session as they were", async () => {
    const { world, store, next } = await ended({ open: false });
    const before = await store.loadTerminal();
    world.fault = async (path, pass) => (path === "/pos/keys" ? apiError(500, "5000") : pass());
    await rejectsCode(next.setUp(), "ERR_HOST");
    same((await store.loadTerminal())!.keys, before!.keys);
    world.fault = undefined;
    same([(await next.recover()).restored, (await next.charge(TEN)).outcome], [true, "approved"]);
  });
});
