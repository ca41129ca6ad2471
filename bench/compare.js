/**
 * `node bench/compare.js OTHER_DIST`: this build of the library against another one, as of an earlier commit, in one process.
 *
 * Both builds do the same work by the public entry (`dist/index.js`), each with its own keys, in turns of some milliseconds: each round
 * measures both, and the order changes with every round. Printed are the medians of the times and the ratio, ours divided by the
 * other's: above 1, this build is slower. The ratio is the median of the rounds' own, since a shared machine changes its speed within
 * seconds, and stands with its quartiles: where those are on both sides of 1, no difference was seen.
 *
 * To compare with an earlier commit: `git worktree add ../earlier COMMIT`, `npm ci && npm run build` there, then
 * `node bench/compare.js ../earlier/dist` here. Against the same build (`node bench/compare.js dist`, by a copy of it) all ratios must be
 * about 1: so much for what the order of loading does. Options: `--rounds 101`, `--ms 4` (a turn).
 */
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** @typedef {typeof import("viopay-pos-crypto")} Library */
/** @typedef {() => unknown} Task */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "101" }, ms: { type: "string", default: "4" } },
});
const [other] = positionals;
if (other === undefined) {
  process.stderr.write("usage: node bench/compare.js OTHER_DIST [--rounds 101] [--ms 4]\n");
  process.exit(2);
}
const [rounds, turnMs] = [Number(values.rounds), Number(values.ms)];

/** Before the measuring, for each piece of work: time for the engine to compile it. */
const WARM_UP_MS = 400;

const KBPK = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const KEY = "101112131415161718191A1B1C1D1E1F000102030405060708090A0B0C0D0E0F";
const PAYLOAD = {
  card: { number: "4111111111111111", expiry_year: 2030, expiry_month: 12 },
  amount: { value: "1500", currency: "EUR" },
  terminal: { id: "TID-004812", type: "pos", terminal_entry_mode: "chip", capabilities: ["chip", "contactless"] },
  emv_data: "9F2608A1B2C3D4E5F60708",
};
const BODY = JSON.stringify(PAYLOAD);

/**
 * The same work for each build.
 * @param {Library} library
 * @returns {Record<string, Task>}
 */
function tasksOf(library) {
  const mac = library.importKey(KEY, { algorithm: "HMAC", usage: "M7" });
  const msk = library.importKey(KEY, { algorithm: "AES", usage: "D0", exportability: "E" });
  const kbpk = library.importKey(KBPK, { algorithm: "AES", usage: "K0" });
  const block = library.wrapKeyBlock(kbpk, msk, { version: "D" });
  const envelope = library.sealEnvelope(msk, PAYLOAD, { includeKcv: true });
  const request = {
    method: "POST",
    path: "/pos/charge",
    terminalId: "TID-004812",
    timestamp: "2025-12-13T14:35:00Z",
    nonce: "f9e8d7c6b5a4",
    body: BODY,
  };
  return {
    signRequest: () => library.signRequest(mac, request),
    sealEnvelope: () => library.sealEnvelope(msk, PAYLOAD, { includeKcv: true }),
    openEnvelope: () => library.openEnvelope(msk, envelope),
    "unwrapKeyBlock D": () => library.unwrapKeyBlock(kbpk, block).key.destroy(),
    parseKeyBlock: () => library.parseKeyBlock(block),
  };
}

/**
 * Microseconds a call, over about `ms` milliseconds.
 * @param {Task} task
 * @param {number} calls
 */
function measure(task, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) task();
  return ((performance.now() - start) * 1000) / calls;
}

/**
 * @param {Task} task
 * @returns {number} how many calls fill a turn
 */
function warmUp(task) {
  const start = performance.now();
  let calls = 0;
  for (; performance.now() - start < WARM_UP_MS; calls++) task();
  return Math.max(1, Math.round((calls * turnMs) / WARM_UP_MS));
}

/**
 * @param {readonly number[]} sorted
 * @param {number} part
 */
function quantile(sorted, part) {
  return sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
}

/** @param {readonly number[]} times */
function sort(times) {
  return [...times].sort((a, b) => a - b);
}

/**
 * @param {string} directory
 * @returns {Promise<Library>}
 */
async function load(directory) {
  /** @type {Library} */
  const library = await import(pathToFileURL(resolve(directory, "index.js")).href);
  await library.loadCrypto();
  return library;
}

const builds = [await load(fileURLToPath(new URL("../dist/", import.meta.url))), await load(other)];
const [ours = {}, theirs = {}] = builds.map(tasksOf);
process.stdout.write(`${"".padEnd(18)} ${"this build".padStart(12)} ${"the other".padStart(12)}   ratio (quartiles)\n`);
for (const [name, task] of Object.entries(ours)) {
  const pair = [task, /** @type {Task} */ (theirs[name])];
  // Alternately, so that neither is compiled with what the other one has taught the engine alone.
  const calls = Math.min(...pair.map(warmUp), ...pair.map(warmUp));
  /** @type {[number[], number[]]} */
  const times = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const turn of [0, 1]) {
      const which = (turn + round) % 2;
      times[which]?.push(measure(/** @type {Task} */ (pair[which]), calls));
    }
  }
  const ratios = sort(times[0].map((time, round) => time / (times[1][round] ?? Number.NaN)));
  const [mine, peers] = times.map((list) => `${quantile(sort(list), 0.5).toFixed(2)} us`);
  const quartiles = `${quantile(ratios, 0.25).toFixed(3)} to ${quantile(ratios, 0.75).toFixed(3)}`;
  process.stdout.write(
    `${name.padEnd(18)} ${mine?.padStart(12)} ${peers?.padStart(12)}   ${quantile(ratios, 0.5).toFixed(3)} (${quartiles})\n`,
  );
}
