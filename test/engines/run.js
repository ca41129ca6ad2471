/**
 * `npm run test:engines`: the suite in every engine, two at a time. A line for each: engine, version, tier, reason, counts, seconds. Then
 * the tiers are held against results.json, which is what the table of docs/engines.md shows; `--write` writes both anew.
 *
 *   --only ID,ID    these rows only
 *   --counts FILE   the counts as JSON, for test/run.js
 *   --write         results.json and the table of docs/engines.md, from all rows
 *
 * An engine that is not there is a notice; with CI=true it is a failure.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { packedLibrary } from "./packed.js";
import { compare, NOT_RUN, writeResults } from "./results.js";

/**
 * @typedef {import("./row.js").Row} Row
 * @typedef {import("./results.js").Result} Result
 */

const AT_ONCE = 2;
const here = fileURLToPath(new URL("./", import.meta.url));

const { values: options } = parseArgs({
  options: { only: { type: "string" }, counts: { type: "string" }, write: { type: "boolean", default: false } },
});

/** The engines of package.json, installed if the lock file is younger. */
function install() {
  const mark = `${here}node_modules/.package-lock.json`;
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(`${here}package-lock.json`).mtimeMs) return;
  console.log("installing the engines");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit", shell: process.platform === "win32" });
}

/** @returns {Promise<Row[]>} */
async function collect() {
  const files = readdirSync(`${here}rows`).map((name) => `./rows/${name}`);
  if (existsSync(`${here}browsers/rows.js`)) files.push("./browsers/rows.js");
  const modules = await Promise.all(files.sort().map((file) => import(file)));
  const rows = modules.flatMap((module) => /** @type {Row[]} */ (module.rows));
  const ids = rows.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw new Error(`two rows are called ${twice}`);
  return rows;
}

/** @param {Row[]} rows @returns {Row[]} */
function chosen(rows) {
  const only = options.only?.split(",");
  const unknown = only?.find((id) => rows.every((row) => row.id !== id));
  if (unknown !== undefined) throw new Error(`there is no row ${unknown}: ${rows.map(({ id }) => id).join(", ")}`);
  return only === undefined ? rows : rows.filter(({ id }) => only.includes(id));
}

/** @param {Row} row @returns {Promise<Result | undefined>} */
async function runRow(row) {
  const { id, title, expect, note = "" } = row;
  if (!(await row.available())) {
    const needs = row.requires === undefined ? "" : ` (${row.requires})`;
    if (process.env["CI"] !== "true") {
      console.log(`${title}: not here${needs}`);
      return undefined;
    }
    const reason = `not here${needs}`;
    return {
      id,
      title,
      version: "",
      tier: NOT_RUN,
      reason,
      cases: 0,
      passed: 0,
      failed: 1,
      failures: [reason],
      seconds: 0,
      note,
    };
  }
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 100) / 10;
  try {
    const { version, tier, reason, cases, passed, failed, failures } = await row.run();
    /** @type {Result} */
    const result = { id, title, version, tier, reason, cases, passed, failed, failures, seconds: seconds(), note };
    if (tier !== expect.tier) refuse(result, `tier ${tier}, not ${expect.tier}`);
    if (expect.reason !== undefined && !expect.reason.test(reason))
      refuse(result, `the reason is not ${expect.reason}: ${reason}`);
    return result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const counts = { cases: 0, passed: 0, failed: 1, failures: [reason], seconds: seconds() };
    return { id, title, version: "", tier: NOT_RUN, reason: "did not run", ...counts, note };
  }
}

/** @param {Result} result @param {string} why */
function refuse(result, why) {
  result.failed++;
  result.failures.push(why);
}

/** @param {Result} result */
function print({ title, version, tier, reason, passed, failed, failures, seconds }) {
  console.log(`${title} ${version}: ${tier}, ${passed} passed, ${failed} failed, ${seconds} s; ${reason}`);
  for (const failure of failures) console.log(`    ${failure}`);
}

/** Every row runs every case. @param {Result[]} results */
function checkCases(results) {
  const most = Math.max(...results.map(({ cases }) => cases));
  for (const result of results) {
    if (result.cases > 0 && result.cases !== most) refuse(result, `${result.cases} cases, but ${most} elsewhere`);
  }
}

execFileSync(process.execPath, [fileURLToPath(new URL("../../assembly/tools/build/build-if-needed.js", import.meta.url))], {
  stdio: "inherit",
});
install();
const rows = chosen(await collect());
// Once, before anything runs: it blocks.
packedLibrary();

/** @type {Result[]} */
const results = [];
// Those that interpret take longest and come first.
const queue = [...rows].sort((a, b) => Number(b.expect.tier === "noble") - Number(a.expect.tier === "noble"));
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
      const result = await runRow(row);
      if (result === undefined) continue;
      print(result);
      results.push(result);
    }
  }),
);
results.sort((a, b) => rows.findIndex(({ id }) => id === a.id) - rows.findIndex(({ id }) => id === b.id));
checkCases(results);
for (const [id, why] of options.write ? [] : compare(results)) {
  const result = results.find((one) => one.id === id);
  if (result !== undefined) refuse(result, why);
  console.log(`${id}: ${why}`);
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
if (options.counts !== undefined) {
  const tiers = results.map(({ id, passed, failed }) => ({ tier: `engine ${id}`, passed, failed, skipped: 0 }));
  writeFileSync(options.counts, JSON.stringify(tiers));
}
if (options.write) {
  if (failed > 0 || results.length < rows.length || options.only !== undefined) {
    console.log("not written: that takes all rows, without a failure");
    process.exitCode = 1;
  } else {
    writeResults(results);
  }
}
console.log(`${results.length} engines, ${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
