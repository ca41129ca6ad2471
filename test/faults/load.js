/**
 * `npm run test:load`: terminals in parallel, each through the whole flow and then charging, against one mock process and against two
 * over one Redis; prints charges a second, latencies, and where the time went. Exit code 1 unless every charge was approved and
 * made exactly once.
 *
 *   node test/faults/load.js [--terminals 200] [--charges 20] [--only one|two] [--redis URL] [--profile] [--json]
 *
 * `--redis`: an empty server instead of one started here. `--profile`: samples where the time goes inside of each process, too. Runs
 * the sources, bundled module by module into a directory of its own.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "rolldown";

/** @typedef {import("./load-run.js").LoadReport} LoadReport */
/** @typedef {import("./load-run.js").Quantiles} Quantiles */

const root = fileURLToPath(new URL("../../", import.meta.url));
const { values: options } = parseArgs({
  options: {
    terminals: { type: "string", default: "200" },
    charges: { type: "string", default: "20" },
    only: { type: "string" },
    redis: { type: "string" },
    profile: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** @param {string} name @param {string} text @param {number} most */
function count(name, text, most) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > most) throw new Error(`--${name} must be from 1 to ${most}`);
  return number;
}

const ms = (/** @type {number} */ value) => value.toFixed(value < 10 ? 2 : 1);
const quantiles = (/** @type {Quantiles} */ { p50, p99, max }) => `p50 ${ms(p50)} ms, p99 ${ms(p99)} ms, longest ${ms(max)} ms`;

/** @param {LoadReport} report */
function print(report) {
  const { terminals, activated, setUpSeconds, charges, approved, committed, distinct, stored, chargesPerSecond, seconds } =
    report;
  const inRedis = stored === undefined ? "" : `, ${stored} in Redis`;
  const lines = [
    `${report.arrangement}, backend ${report.backend}`,
    `  set up       ${activated} of ${terminals} terminals in ${setUpSeconds.toFixed(2)} s`,
    `  charges      ${approved} of ${charges} approved in ${report.requests} requests; hosts made ${committed} (${distinct} different${inRedis}), by process ${report.byHost.join(" + ")}`,
    `  throughput   ${chargesPerSecond.toFixed(0)} charges/s over ${seconds.toFixed(2)} s`,
    `  charge       ${quantiles(report.charge)}, all terminals at once`,
    `  alone        ${quantiles(report.alone)}, one terminal`,
    `  in the host  ${quantiles(report.handler)}, from request to answer`,
    `  store call   ${quantiles(report.storeCall)}`,
    "  CPU, ms/charge   total   crypto    store     rest   of a core   crypto calls   store calls",
  ];
  for (const { process, cpu, crypto, store, rest, cores, cryptoCalls, storeCalls } of report.spent) {
    const figures = [cpu, crypto, store, rest].map((value) => value.toFixed(3).padStart(7)).join("  ");
    const calls = `${cryptoCalls.toFixed(1).padStart(12)}  ${storeCalls.toFixed(1).padStart(12)}`;
    lines.push(`  ${process.padEnd(14)} ${figures}   ${`${(100 * cores).toFixed(0)} %`.padStart(9)}   ${calls}`);
  }
  for (const { process, shares } of report.spent) {
    if (shares === undefined) continue;
    const busy = Object.entries(shares).filter(([part]) => part !== "idle");
    const all = busy.reduce((sum, [, value]) => sum + value, 0);
    lines.push(`  ${process}, sampled:`);
    for (const [part, value] of busy.sort(([, a], [, b]) => b - a)) {
      lines.push(`    ${part.padEnd(46)} ${value.toFixed(3)} ms/charge  ${((100 * value) / all).toFixed(0).padStart(3)} %`);
    }
  }
  for (const [what, times] of Object.entries(report.failures)) lines.push(`  failed ${times} times: ${what}`);
  lines.push(report.exact ? "  every charge approved, each made exactly once" : "  NOT EXACT");
  process.stdout.write(`${lines.join("\n")}\n\n`);
}

const terminals = count("terminals", options.terminals, 1000);
const charges = count("charges", options.charges, 1000);
const folder = mkdtempSync(join(tmpdir(), "viopay-pos-load-"));
/** @type {LoadReport[]} */
const reports = [];
try {
  const { output } = await build({
    input: { run: `${root}test/faults/load-run.ts`, host: `${root}test/faults/load-host.ts` },
    cwd: root,
    platform: "node",
    external: /^(?!#)[^./]/,
    resolve: {
      alias: { "#wasm": `${root}ts/backend/wasm/module-inline.ts`, "#mock-node": `${root}ts/mock/http/platform-node.ts` },
    },
    output: { dir: folder, format: "esm", preserveModules: true, preserveModulesRoot: root },
    logLevel: "silent",
  });
  symlinkSync(`${root}node_modules`, join(folder, "node_modules"), "junction");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const program = (/** @type {string} */ name) => {
    const chunk = output.find((part) => part.type === "chunk" && part.isEntry && part.facadeModuleId?.endsWith(`/${name}.ts`));
    if (chunk === undefined) throw new Error(`${name}.ts was not built`);
    return join(folder, chunk.fileName);
  };
  const entry = pathToFileURL(program("load-run")).href;
  const { hasRedis, runLoad, startRedis } = /** @type {typeof import("./load-run.js")} */ (await import(entry));
  const common = { terminals, charges, hostFile: program("load-host"), profile: options.profile };
  /** @param {LoadReport} report */
  const done = (report) => {
    reports.push(report);
    if (!options.json) print(report);
  };
  if (options.only !== "two") done(await runLoad({ ...common, hosts: 1, redisUrl: undefined }));
  if (options.only !== "one" && (options.redis !== undefined || hasRedis())) {
    const own = options.redis === undefined ? await startRedis() : undefined;
    try {
      done(await runLoad({ ...common, hosts: 2, redisUrl: options.redis ?? own?.url }));
    } finally {
      await own?.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (options.json) process.stdout.write(`${JSON.stringify(reports)}\n`);
process.exitCode = reports.length > 0 && reports.every(({ exact }) => exact) ? 0 : 1;
