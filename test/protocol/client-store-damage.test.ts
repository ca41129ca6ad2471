/** What a damaged journal says: a crash's work on the last line is dropped, everything else is an error and stays as it is. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import type { JournalRecord } from "../../ts/client/index.js";
import { FileStore } from "../../ts/client/store/file.js";
import { encodeLine } from "../../ts/client/store/file-lines.js";
import { ok, rejectsCode, same } from "../harness.js";

const SECTOR = 512;
const KEYS = ["a", "b", "c"];

let root: string;
/** The journal of three records, and where its lines begin. */
let whole: Uint8Array;
let starts: number[];

function record(idempotencyKey: string): JournalRecord {
  const times = { createdAt: "2026-01-15T12:00:00.000Z", updatedAt: "2026-01-15T12:00:00.000Z" };
  return { idempotencyKey, kind: "charge", amount: "1000", currency: "EUR", state: "unknown", sendings: 1, ...times };
}

const log = () => join(root, "journal.log");

async function withStore<T>(use: (store: FileStore) => Promise<T>): Promise<T> {
  const store = new FileStore(root);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

const keys = (store: FileStore) => store.listRecords().then((records) => records.map(({ idempotencyKey }) => idempotencyKey));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "viopay-damage-"));
  await withStore(async (store) => {
    for (const key of KEYS) await store.putRecord(record(key));
  });
  whole = Uint8Array.from(await readFile(log()));
  starts = [0, ...[...whole].flatMap((byte, index) => (byte === 0x0a ? [index + 1] : []))].slice(0, KEYS.length);
  // The last line crosses into another sector: the tests of zeros depend on it.
  ok(starts[2]! < SECTOR && whole.length > SECTOR + 1, "the last line has two sectors");
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** `change` on a copy of the journal. */
function changed(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = Uint8Array.from(whole);
  change(bytes);
  return bytes;
}

async function isDropped(bytes: Uint8Array, left: readonly string[], what: string): Promise<void> {
  await writeFile(log(), bytes);
  await withStore(async (store) => {
    same(await keys(store), left, what);
    await store.putRecord(record("next"));
  });
  await withStore(async (store) => same(await keys(store), [...left, "next"], `${what}, with another record after it`));
}

async function isDamage(bytes: Uint8Array, what: string): Promise<void> {
  await writeFile(log(), bytes);
  await withStore(async (store) => {
    await rejectsCode(store.listRecords(), "ERR_STORE", /damaged/);
    await rejectsCode(store.putRecord(record("next")), "ERR_STORE", /damaged/);
  });
  same(Uint8Array.from(await readFile(log())), bytes, `${what}: the journal stays`);
}

describe("acknowledged lines that changed are ERR_STORE", () => {
  for (const [what, lines] of [
    ["the first", [0]],
    ["the middle one", [1]],
    ["the last", [2]],
    ["the last two", [1, 2]],
    ["all", [0, 1, 2]],
  ] as const) {
    it(`${what}: a bit of the check value, the space, the JSON`, async () => {
      for (const at of [3, 8, 20, 120]) {
        const bytes = changed((copy) => {
          for (const line of lines) copy[starts[line]! + at]! ^= 1;
        });
        await isDamage(bytes, `${what}, byte ${at}`);
      }
    });
  }

  it("line feeds that became another byte", async () => {
    for (const next of [starts[1]!, starts[2]!, whole.length]) {
      await isDamage(
        changed((copy) => {
          copy[next - 1] = 0x20;
        }),
        `the line feed before ${next}`,
      );
    }
  });

  it("a zero byte, or zeros, that a crash cannot have left", async () => {
    await isDamage(
      changed((copy) => copy.fill(0, whole.length - 10, whole.length - 9)),
      "one byte",
    );
    await isDamage(
      changed((copy) => copy.fill(0, starts[2]! + 1, SECTOR)),
      "a sector but for the line's first byte",
    );
    await isDamage(
      changed((copy) => copy.fill(0, starts[1]!, starts[2]!)),
      "a line that has another after it",
    );
    const zeros = new Uint8Array(whole.length + 5000);
    zeros.set(whole);
    await isDamage(zeros, "more than a line can be long");
  });
});

describe("an append that a crash cut off is dropped", () => {
  it("a part of the line, of every length", async () => {
    for (let end = starts[2]! + 1; end < whole.length; end += 9)
      await isDropped(whole.subarray(0, end), ["a", "b"], `${end} bytes`);
    await isDropped(whole.subarray(0, whole.length - 1), ["a", "b"], "all but the line feed");
  });

  it("zeros in its place, or after a part of it: the file grew before the data came", async () => {
    for (const from of [starts[2]!, starts[2]! + 1, starts[2]! + 100, SECTOR, whole.length - 1]) {
      await isDropped(
        changed((copy) => copy.fill(0, from)),
        ["a", "b"],
        `zeros from ${from}`,
      );
    }
    await isDropped(Uint8Array.of(...whole, ...new Uint8Array(200)), KEYS, "zeros after the last good line");
  });

  it("its end with the line feed, after a sector that was not written", async () => {
    await isDropped(
      changed((copy) => copy.fill(0, starts[2]!, SECTOR)),
      ["a", "b"],
      "the later sector only",
    );
    const long = encodeLine({ ...record("d"), filler: "x".repeat(3 * SECTOR) });
    const bytes = Uint8Array.of(...whole, ...long);
    await isDropped(bytes.fill(0, 2 * SECTOR, 3 * SECTOR), KEYS, "a sector in the middle");
  });

  it("the only line", async () => {
    await isDropped(whole.subarray(0, 50), [], "a part");
    await isDropped(new Uint8Array(200), [], "zeros");
  });
});
