/**
 * `npm run bench`: checks that all libraries agree, measures, prints ratios; a whole run writes `bench/results/*.json` and plots.
 *
 * Options: `--quick` (fewer sizes and rounds), `--node all` (repeats everything on each Node version of `bench/package.json`),
 * `--only primitives|messages|cold`, `--backend wasm|noble` (ours as it is in an engine without SIMD, or without WebAssembly; no cold
 * start). The printed ratio is the peer's time divided by ours: above 1, ours is faster.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
  options: { quick: { type: "boolean" }, node: { type: "string" }, only: { type: "string" }, backend: { type: "string" } },
});

if (!existsSync(`${here}node_modules`)) {
  execFileSync("npm", ["ci"], { cwd: here, stdio: "inherit" });
}

if (options.node === "all") {
  const rest = process.argv.slice(2).filter((argument, i, all) => argument !== "--node" && all[i - 1] !== "--node");
  const versions = ["node-22", "node-24", "node-26"]
    .map((name) => `${here}node_modules/${name}/bin/node`)
    .filter((path) => existsSync(path));
  for (const node of [process.execPath, ...versions])
    spawnSync(node, [fileURLToPath(import.meta.url), ...rest], { stdio: "inherit" });
} else {
  await measureHere();
}

async function measureHere() {
  const { agree } = await import("./agree.js");
  const { configure, describeRow } = await import("./measure.js");
  const { primitives } = await import("./primitives.js");
  const { messages } = await import("./messages.js");
  const { coldStart } = await import("./cold-start.js");
  const { memory } = await import("./memory.js");
  const { plotBySize, plotRatios } = await import("./plot.js");
  const { backendInfo, loadCrypto } = await import("viopay-pos-crypto");

  if (options.backend !== undefined) {
    await loadCrypto({ backend: /** @type {"wasm" | "noble"} */ (options.backend) });
  }
  if (options.quick) configure({ rounds: 6, seconds: 0.012 });
  const wanted = (/** @type {string} */ part) => options.only === undefined || options.only === part;
  const about = {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    v8: process.versions.v8,
    machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores visible`,
    backend: backendInfo().name,
  };
  process.stdout.write(`${about.machine}, Node ${about.node}, ${about.date}, backend ${about.backend}\n`);
  process.stdout.write(`${await agree()} results of other libraries equal ours\n\n`);

  const results = {
    about,
    primitives: wanted("primitives") ? await primitives(options.quick ? [16, 64, 1024, 65536] : undefined) : [],
    messages: wanted("messages") ? await messages() : [],
    cold: wanted("cold") && options.backend === undefined ? [coldStart(options.quick ? 5 : 15)] : [],
    memory: await memory(),
  };
  for (const row of results.cold) process.stdout.write(`${describeRow(row)}\n`);

  if (options.quick || options.only !== undefined) {
    process.stdout.write("\nnot written: only a whole run is\n");
    return;
  }
  const folder = `${here}results/`;
  mkdirSync(folder, { recursive: true });
  const major = `${process.versions.node.split(".")[0]}${options.backend === undefined ? "" : `-${options.backend}`}`;
  writeFileSync(`${folder}node-${major}.json`, `${JSON.stringify(results, null, 2)}\n`);
  const subtitle = `${about.machine}, Node ${about.node}, ${about.date}; medians, interleaved`;
  const draw = (/** @type {string} */ name, /** @type {string} */ title, /** @type {RegExp} */ rows) => {
    const chosen = results.primitives.filter((row) => rows.test(row.title));
    if (chosen.length > 1) writeFileSync(`${folder}${name}-node-${major}.svg`, plotBySize(title, subtitle, chosen));
  };
  draw("aes-encrypt", "AES-256-CBC encrypt: time by message size", /encrypt/);
  draw("aes-decrypt", "AES-256-CBC decrypt: time by message size", /decrypt/);
  draw("hmac", "HMAC-SHA-256: time by message size", /HMAC/);
  if (results.messages.length > 0) {
    const rows = [...results.messages, ...results.cold];
    writeFileSync(
      `${folder}messages-node-${major}.svg`,
      plotRatios("A terminal's work: the peer's time divided by ours", subtitle, rows),
    );
  }
  process.stdout.write(`\nwritten: bench/results/node-${major}.json and plots\n`);
}
