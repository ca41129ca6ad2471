/**
 * `npm test`: build, lint, as-pect, vitest on every tier; prints the counts by tier and closes with `N passed, N failed`. A step
 * that breaks without a failing test, or a tier that ran nothing, counts as a failure. Exit code 0 only if nothing failed.
 *
 * `npm test -- --all` runs the projects that need a redis-server and a Chromium, too, then the suite in every other engine, and the
 * checks of the packed library (bundlers, sizes, consumers' types).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "viopay-pos-crypto-test-"));
const countsFile = join(scratch, "counts.json");
const withServices = process.argv.includes("--all");
const projects = ["node", "no-simd", "jitless", "protocol", ...(withServices ? ["faults", "browser"] : [])];
const requiredTiers = [
  "as-pect",
  "node",
  "node wasm-simd",
  "node wasm",
  "node noble",
  "no-simd wasm without SIMD",
  "jitless noble without WebAssembly",
  "protocol",
];
if (withServices && process.env["CI"] === "true") requiredTiers.push("faults", "browser", "packaging");

/** @type {{ tier: string, passed: number, failed: number, skipped: number }[]} */
const results = [];
/** @type {string[]} */
const broken = [];

/**
 * Runs one step. Output goes straight through, or is kept and returned as well.
 * @param {string} title
 * @param {string[]} command
 * @param {{ env?: Record<string, string>, keepOutput?: boolean }} [options]
 */
function step(title, command, { env = {}, keepOutput = false } = {}) {
  process.stdout.write(`\n== ${title}: ${command.join(" ")}\n`);
  const [program = "", ...args] = command;
  const { status, stdout } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", keepOutput ? "pipe" : "inherit", "inherit"],
    maxBuffer: 1 << 28,
    shell: process.platform === "win32",
  });
  process.stdout.write(stdout ?? "");
  return { ok: status === 0, output: stdout ?? "" };
}

function runAsPect() {
  const { ok, output } = step("as-pect", ["npm", "run", "--silent", "test:assembly"], { keepOutput: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of as-pect's summary
  const plain = output.replace(/\u001b\[[0-9;]*m/g, "");
  // Once with SIMD, once without.
  const summaries = [...plain.matchAll(/\[Tests\]:\s*(\d+)\s*\/\s*(\d+)/g)];
  const passed = summaries.reduce((sum, [, count]) => sum + Number(count), 0);
  const failed = summaries.reduce((sum, [, , count]) => sum + Number(count), 0) - passed;
  results.push({ tier: "as-pect", passed, failed, skipped: 0 });
  if (!ok && failed === 0) broken.push("as-pect did not end well");
}

function runVitest() {
  const reporters = ["--reporter=default", "--reporter=./test/report.js"];
  const chosen = projects.flatMap((project) => ["--project", project]);
  const { ok } = step("vitest", ["npx", "vitest", "run", ...chosen, ...reporters], { env: { TEST_COUNTS: countsFile } });
  try {
    const { tiers, errors } = JSON.parse(readFileSync(countsFile, "utf8"));
    for (const [tier, counts] of Object.entries(tiers)) results.push({ tier, ...counts });
    if (errors > 0) broken.push(`vitest: ${errors} errors outside of tests`);
  } catch {
    broken.push("vitest left no counts");
  }
  const failed = results.filter(({ tier }) => tier !== "as-pect").reduce((sum, result) => sum + result.failed, 0);
  if (!ok && failed === 0 && broken.every((reason) => !reason.startsWith("vitest"))) broken.push("vitest did not end well");
}

function runEngines() {
  const engineCounts = join(scratch, "engines.json");
  const { ok } = step("engines", ["node", "test/engines/run.js", "--counts", engineCounts]);
  try {
    /** @type {typeof results} */
    const rows = JSON.parse(readFileSync(engineCounts, "utf8"));
    results.push(...rows);
    if (!ok && rows.every(({ failed }) => failed === 0)) broken.push("the engines did not end well");
  } catch {
    broken.push("the engines left no counts");
  }
}

function runPackaging() {
  const packagingCounts = join(scratch, "packaging.json");
  const { ok } = step("packaging", ["node", "test/packaging/run.js", "--built", "--counts", packagingCounts]);
  try {
    /** @type {typeof results} */
    const rows = JSON.parse(readFileSync(packagingCounts, "utf8"));
    results.push(...rows);
    if (!ok && rows.every(({ failed }) => failed === 0)) broken.push("the checks of the packed library did not end well");
  } catch {
    broken.push("the checks of the packed library left no counts");
  }
}

try {
  if (step("build", ["npm", "run", "--silent", "build"]).ok) {
    if (!step("lint", ["npm", "run", "--silent", "lint"]).ok) broken.push("lint");
    runAsPect();
    runVitest();
    if (withServices) runEngines();
    if (withServices) runPackaging();
    for (const tier of requiredTiers) {
      const ran = results.some((result) => result.tier === tier && result.passed + result.failed > 0);
      if (!ran) broken.push(`tier "${tier}" ran no test`);
    }
  } else {
    broken.push("build");
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

process.stdout.write("\n");
for (const { tier, passed, failed, skipped } of results) {
  process.stdout.write(`${tier}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
}
for (const reason of broken) process.stdout.write(`broken: ${reason}\n`);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0) + broken.length;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
