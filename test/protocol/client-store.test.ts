/** The store in a directory: durable, whole or absent, for one process at a time, and without anything in clear. */
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import type { JournalRecord, JournalState } from "../../ts/client/index.js";
import { FileStore } from "../../ts/client/store/file.js";
import { ok, rejectsCode, same, throwsCode } from "../harness.js";
import { CARD, TEN, World } from "./client-world.js";

let root: string;
let opened: FileStore[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "viopay-store-"));
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  await rm(root, { recursive: true, force: true });
});

function open(...options: ConstructorParameters<typeof FileStore> extends [string, ...infer Rest] ? Rest : never): FileStore {
  const store = new FileStore(root, ...options);
  opened.push(store);
  return store;
}

/** The same directory in the next process. */
async function reopen(store: FileStore): Promise<FileStore> {
  await store.close();
  return open();
}

function record(idempotencyKey: string, state: JournalState = "sending", updatedAt = "2026-01-15T12:00:00.000Z"): JournalRecord {
  const times = { createdAt: updatedAt, updatedAt };
  return { idempotencyKey, kind: "charge", amount: "1000", currency: "EUR", state, sendings: 1, ...times };
}

const log = () => join(root, "journal.log");

describe("what is stored comes back", () => {
  it("terminal, records in order with their latest form, payloads under keys of any length", async () => {
    const store = open();
    same(await store.loadTerminal(), undefined);
    const terminal = { version: 1, deviceId: "POS-8F3A2C91", claimed: true } as const;
    await store.saveTerminal(terminal);
    await store.saveTerminal({ ...terminal, terminalId: "TID-1" });
    const long = `${"/".repeat(254)}.`;
    for (const key of ["a", "b", long]) {
      await store.putPayload(key, { sealed: key.length });
      await store.putRecord(record(key));
    }
    await store.putRecord(record("a", "approved"), "sending");
    await store.removePayload("a");
    await store.removePayload("a");
    for (const current of [store, await reopen(store)]) {
      if (current === store) continue;
      same(await current.loadTerminal(), { ...terminal, terminalId: "TID-1" });
      same(
        (await current.listRecords()).map(({ idempotencyKey, state }) => `${idempotencyKey.length} ${state}`),
        ["1 approved", "1 sending", "255 sending"],
      );
      same((await current.listPayloads()).sort(), [long, "b"].sort());
      same(await current.getPayload(long), { sealed: 255 });
      same(await current.getPayload("a"), undefined);
    }
  });

  it("files are their owner's", async () => {
    const store = open();
    await store.putPayload("a", {});
    await store.putRecord(record("a"));
    await store.saveTerminal({ version: 1, deviceId: "POS-8F3A2C91", claimed: false });
    for (const file of await readdir(root, { recursive: true, withFileTypes: true })) {
      same((await stat(join(file.parentPath, file.name))).mode & 0o077, 0, file.name);
    }
  });
});

describe("damage", () => {
  it("the journal cut at every byte: whole records stay, the torn one goes, the next is appended cleanly", async () => {
    let store = open();
    for (const key of ["a", "b", "c"]) await store.putRecord(record(key));
    await store.close();
    const bytes = await readFile(log());
    const ends = [...bytes].flatMap((byte, index) => (byte === 0x0a ? [index + 1] : []));
    for (let length = 0; length <= bytes.length; length += length < ends[1]! ? 7 : 1) {
      await writeFile(log(), bytes.subarray(0, length));
      store = open();
      const whole = ends.filter((end) => end <= length).length;
      same((await store.listRecords()).length, whole, `${length} bytes`);
      await store.putRecord(record("d"));
      store = await reopen(store);
      same((await store.listRecords()).length, whole + 1);
      await store.close();
    }
  });

  it("a damaged terminal or payload is ERR_STORE, not absence; half an erased payload is removed", async () => {
    let store = open();
    await store.saveTerminal({ version: 1, deviceId: "POS-8F3A2C91", claimed: true });
    await store.putPayload("a", { sealed: 1 });
    await store.putRecord(record("a"));
    await store.putPayload("b", { sealed: 2 });
    await store.close();
    for (const name of await readdir(join(root, "payloads"))) await truncate(join(root, "payloads", name), 20);
    await appendFile(join(root, "terminal"), "x");
    store = open();
    await rejectsCode(store.loadTerminal(), "ERR_STORE");
    await rejectsCode(store.getPayload("a"), "ERR_STORE");
    same(await store.getPayload("b"), undefined);
    same(await store.listPayloads(), []);
    same((await readdir(join(root, "payloads"))).length, 1);
  });

  it("leftovers of unfinished replacements are removed", async () => {
    const store = open();
    await store.putRecord(record("a"));
    await store.close();
    await writeFile(join(root, "terminal.new"), "half");
    await writeFile(join(root, "payloads", "0.new"), "half");
    await open().listRecords();
    const names = (await readdir(root)).map((name) => name.replace(/^(lock|socket)\..*/, "$1.*"));
    same(names.sort(), ["journal.log", "lock.*", "outcomes", "payloads", "socket.*"]);
    same(await readdir(join(root, "payloads")), []);
  });
});

describe("compaction", () => {
  it("keeps the latest form of each record, drops what was settled long ago, never what is open or to be looked up", async () => {
    const now = Date.UTC(2026, 1, 15);
    let store = open({ compactEveryLines: 8, keepSettledMs: 86_400_000, now: () => now });
    const old = "2026-01-15T12:00:00.000Z";
    const recent = "2026-02-14T12:00:00.000Z";
    await store.putRecord(record("old-approved", "approved", old));
    await store.putRecord(record("old-declined", "declined", old));
    await store.putRecord(record("old-unknown", "unknown", old));
    await store.putRecord(record("old-lookup", "needs_host_lookup", old));
    for (let i = 0; i < 20; i++) {
      const [state, former] = i % 2 === 0 ? (["sending", "approved"] as const) : (["approved", "sending"] as const);
      await store.putRecord(record("recent", state, recent), i === 0 ? undefined : former);
    }
    const keys = ["old-unknown", "old-lookup", "recent"];
    same(
      (await store.listRecords()).map(({ idempotencyKey }) => idempotencyKey),
      keys,
    );
    ok((await readFile(log(), "utf8")).split("\n").length < 16, "fewer lines");
    store = await reopen(store);
    same(
      (await store.listRecords()).map(({ idempotencyKey, state }) => `${idempotencyKey} ${state}`),
      ["old-unknown unknown", "old-lookup needs_host_lookup", "recent approved"],
    );
  });
});

describe("one store", () => {
  it("a closed one says so", async () => {
    const store = open();
    await store.putRecord(record("a"));
    await store.close();
    await store.close();
    await rejectsCode(store.listRecords(), "ERR_STORE", /closed/);
  });

  it("calls are served in their order", async () => {
    const store = open();
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.putRecord(record(`k${index}`))));
    same((await store.listRecords()).length, 20);
  });

  it("a directory that cannot be made is ERR_STORE; no directory is ERR_INVALID_ARGUMENT", async () => {
    await writeFile(join(root, "file"), "");
    await rejectsCode(new FileStore(join(root, "file", "below")).listRecords(), "ERR_STORE");
    throwsCode(() => new FileStore(""), "ERR_INVALID_ARGUMENT", /^"directory"/);
    throwsCode(() => new FileStore(root, { keepSettledMs: -1 }), "ERR_INVALID_ARGUMENT", /^"keepSettledMs"/);
  });
});

describe("a terminal over a directory", () => {
  it("restarts without pairing, settles what was open, and leaves nothing in clear at any time", async () => {
    const world = new World();
    let store = open();
    const before = await world.ready({ store });
    const all: string[] = [];
    const search = async () => {
      for (const file of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (file.isFile()) all.push(file.name, await readFile(join(file.parentPath, file.name), "latin1"));
      }
    };
    world.fault = async (_path, pass) => {
      await search();
      await pass();
      throw new TypeError("dropped");
    };
    const pin_block = before.encryptPin({ pin: "4826", pan: CARD.number });
    const lost = await before.charge({ ...TEN, emv_data: "9F2608A1B2C3D4E5F607", pin_block });
    same(lost.outcome, "unknown");
    same((await readdir(join(root, "payloads"))).length, 1);
    world.fault = undefined;
    before.destroy();
    store = await reopen(store);
    const after = world.terminal({ store });
    const { restored, payments } = await after.recover();
    same([restored, payments.length, payments[0]!.state, world.charges().length], [true, 1, "approved", 1]);
    await search();
    same(await readdir(join(root, "payloads")), []);
    const text = all.join("\n").toUpperCase();
    const { zmk, identity_secret } = world.device;
    for (const secret of [
      CARD.number,
      "3431313131313131",
      '"4826"',
      pin_block.block,
      "9F2608A1B2C3D4E5F607",
      "EXPIRY",
      "PIN_BLOCK",
      zmk,
      identity_secret,
    ]) {
      ok(!text.includes(secret.toUpperCase()), "a secret in clear");
    }
    const lines = (await readFile(log(), "utf8")).trim().split("\n");
    const fields = new Set(lines.flatMap((line) => Object.keys(JSON.parse(line.slice(9)) as object)));
    same([...fields].sort(), [
      "amount",
      "chargeId",
      "createdAt",
      "currency",
      "idempotencyKey",
      "kind",
      "sendings",
      "state",
      "updatedAt",
    ]);
  });
});
