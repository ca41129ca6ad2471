/**
 * What a charge under a caller's own key costs by the number of settled records in the store: it must be the same, for every store.
 * One mock host in this process, one terminal for each store and size; the turns are interleaved, and medians of the faster half are compared. Fails
 * where one is more than 1.2 times that of 10 records. `node bench/records.js` after a build; writes `results/records.json` and a plot.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyValueStore, MemoryStore, PosTerminal } from "../dist/client/index.js";
import { FileStore } from "../dist/client/store/file.js";
import { importKey } from "../dist/index.js";
import { createMockServer } from "../dist/mock/index.js";
import { plotBySize } from "./plot.js";

/** @typedef {import("../ts/client/index.js").TerminalStore} TerminalStore */
/** @typedef {import("../ts/client/index.js").JournalRecord} JournalRecord */

const SIZES = [10, 1_000, 10_000, 100_000];
const ROUNDS = Number(process.argv[2] ?? 60);
const LIMIT = 1.2;
const root = await mkdtemp(join(tmpdir(), "records-"));

/** @param {number} at @returns {JournalRecord} */
function settled(at) {
  const time = new Date(Date.now() - 60_000).toISOString();
  const ids = { idempotencyKey: `old-${at}`, chargeId: `ch_old_${at}` };
  return {
    ...ids,
    kind: "charge",
    amount: "1000",
    currency: "EUR",
    state: "approved",
    sendings: 1,
    createdAt: time,
    updatedAt: time,
  };
}

/** CRC-32 as in a journal's lines. @param {Uint8Array} bytes */
function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return (~sum >>> 0).toString(16).padStart(8, "0");
}

/** Each with `size` settled records. @type {Record<string, (size: number) => Promise<TerminalStore>>} */
const stores = {
  async MemoryStore(size) {
    const store = new MemoryStore();
    for (let at = 0; at < size; at++) await store.putRecord(settled(at));
    return store;
  },
  async FileStore(size) {
    const directory = join(root, String(size));
    await mkdir(directory, { recursive: true });
    let text = "";
    // Written at once: a hundred thousand flushes would take long.
    for (let at = 0; at < size; at++) {
      const json = JSON.stringify(settled(at));
      text += `${crc32(Buffer.from(json))} ${json}\n`;
    }
    await writeFile(join(directory, "journal.log"), text);
    return new FileStore(directory);
  },
  async KeyValueStore(size) {
    /** @type {Map<string, string>} */
    const items = new Map();
    const store = new KeyValueStore({
      get: (name) => items.get(name),
      set: (name, value) => items.set(name, value),
      delete: (name) => items.delete(name),
      keys: () => [...items.keys()],
    });
    for (let at = 0; at < size; at++) await store.putRecord(settled(at));
    return store;
  },
};

const mock = createMockServer();
const [device] = mock.provision.devices;
if (device === undefined) throw new Error("the mock has no device");
const token = await mock.merchantToken();

/** @param {TerminalStore} store */
function terminalOver(store) {
  return new PosTerminal({
    baseUrl: "https://pos.example",
    deviceId: device?.device_id ?? "",
    identityKeyId: device?.identity_key_id ?? "",
    identityKey: importKey(device?.identity_secret ?? "", { algorithm: "HMAC", usage: "M7" }),
    zmk: importKey(device?.zmk ?? "", { algorithm: "AES", usage: "K0" }),
    appVersion: "1.4.2",
    os: "Android 12",
    model: "PAX-A920",
    store,
    fetch: (url, init) => mock.fetch(new Request(url, init)),
  });
}

const first = new MemoryStore();
await terminalOver(first).setUp({
  pollMs: 5,
  onPairingCode({ code }) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    void mock.fetch(
      new Request("https://pos.example/pos/claim", { method: "POST", headers, body: JSON.stringify({ pairing_code: code }) }),
    );
  },
});
const state = await first.loadTerminal();
if (state === undefined) throw new Error("nothing was saved");

/** @type {{ name: string, size: number, terminal: PosTerminal, store: TerminalStore, times: number[] }[]} */
const all = [];
for (const [name, make] of Object.entries(stores)) {
  for (const size of SIZES) {
    const store = await make(size);
    await store.saveTerminal(state);
    const terminal = terminalOver(store);
    await terminal.recover();
    all.push({ name, size, terminal, store, times: [] });
  }
}
const card = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
/** Each size in every place of the order: what runs after another one finds other caches. */
const rotated = (/** @type {typeof all} */ list, /** @type {number} */ by) => [...list.slice(by), ...list.slice(0, by)];
for (const kind of Object.keys(stores)) {
  const sizes = all.filter(({ name }) => name === kind);
  // A store that waits for the medium needs fewer rounds, and they take longer.
  const rounds = kind === "FileStore" ? ROUNDS : 8 * ROUNDS;
  for (let round = -20; round < rounds; round++) {
    for (const { name, size, terminal, times } of rotated(sizes, (round + 20) % sizes.length)) {
      const request = { card, amount: { value: "1000", currency: "EUR" } };
      const start = performance.now();
      const { outcome } = await terminal.charge(request, { idempotencyKey: `${name}-${size}-${round}` });
      if (outcome !== "approved") throw new Error(`${name} with ${size} records: ${outcome}`);
      // The first rounds warm up.
      if (round >= 0) times.push(performance.now() - start);
    }
  }
}

/** Of the half in which the machine was least busy with others. @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 2] ?? 0;
let failed = false;
const rows = SIZES.map((size) => {
  const here = all.filter((one) => one.size === size);
  const medians = Object.fromEntries(here.map(({ name, times }) => [name, 1e6 * median(times)]));
  return {
    title: `charge with ${size} settled records`,
    unit: /** @type {const} */ ("ns"),
    bytes: size,
    medians,
    ratios: {},
    spread: {},
  };
});
for (const { medians, bytes } of rows) {
  const parts = Object.entries(medians).map(([name, time]) => {
    const ratio = time / (rows[0]?.medians[name] ?? time);
    failed ||= ratio > LIMIT;
    return `${name} ${(time / 1e6).toFixed(2)} ms (${ratio.toFixed(2)})`;
  });
  process.stdout.write(`${String(bytes).padStart(7)} records: ${parts.join(", ")}\n`);
}
const about = { date: new Date().toISOString().slice(0, 10), node: process.version, rounds: ROUNDS };
const results = new URL("./results/", import.meta.url);
const slim = rows.map(({ bytes, medians }) => ({ records: bytes, medians }));
await writeFile(new URL("records.json", results), `${JSON.stringify({ about, unit: "ns", rows: slim }, undefined, 2)}\n`);
const plot = plotBySize(
  "A charge under the caller's own key, by settled records",
  `Node ${process.version}; median of the faster half; host and terminal in one process`,
  rows,
  (size) => size.toLocaleString("en"),
);
await writeFile(new URL("records.svg", results), plot);

for (const { terminal, store } of all) {
  terminal.destroy();
  await store.close?.();
}
await mock.close();
await rm(root, { recursive: true, force: true });
if (failed) throw new Error(`a charge costs more than ${LIMIT} times that with ${SIZES[0]} records`);
