/**
 * Hermes, the engine of React Native, as bytecode: the suite through React Native's Babel preset; and the package as an app imports it,
 * through Metro. No WebAssembly, no CSPRNG, no TextEncoder: noble, with random bytes injected.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleSuite } from "../bundle.js";
import { packedLibrary, scratchFolder } from "../packed.js";
import { answerOf, installed, isInstalled, MARK } from "../row.js";

const BIN = "hermes-engine-cli/linux64-bin";
/** More than the suite draws, for it cannot ask its host for more. */
const RANDOM_BYTES = 1 << 20;

const execute = promisify(execFile);

/** Hermes' shell can only print: randomness comes with the script, each byte of it used once. */
const hostRandom = () => `
var hostPool = "${randomBytes(RANDOM_BYTES).toString("hex")}";
var hostUsed = 0;
function hostRandom(n) {
  if (2 * (hostUsed + n) > hostPool.length) throw new Error("the runner's random bytes are used up");
  var bytes = new Uint8Array(n);
  for (var i = 0; i < n; i++, hostUsed++) bytes[i] = parseInt(hostPool.slice(2 * hostUsed, 2 * hostUsed + 2), 16);
  return bytes;
}
`;

const SUITE_DRIVER = `
posSuite.runSuite({ interpreted: true, randomBytes: hostRandom }).then(
  function (report) { print(${JSON.stringify(MARK)} + JSON.stringify(report)); },
  function (error) { print(String(error)); quit(1); });
`;

const IMPORT_DRIVER = `
loadCrypto({ randomBytes: globalThis.hostRandom }).then((info) => {
  firstUseCases({ test: (_name, body) => body() });
  print(${JSON.stringify(MARK)} + JSON.stringify({ tier: info.name }));
}).catch((error) => {
  print(String(error));
  quit(1);
});
`;

/** @param {string} script @returns {Promise<any>} what it reports, run as bytecode */
async function runBytecode(script) {
  const bytecode = script.replace(/\.js$/, ".hbc");
  await execute(installed(`${BIN}/hermesc`), ["-O", "-w", "-emit-binary", "-out", bytecode, script]);
  return answerOf(installed(`${BIN}/hermes`), ["-b", bytecode]);
}

/** @param {string} name @returns {string} a script of this folder's tools */
const tool = (name) => fileURLToPath(new URL(`../hermes/${name}`, import.meta.url));

/** @param {string} folder @returns {Promise<import("../suite.js").Report>} */
async function runSuite(folder) {
  const bundle = join(folder, "bundle.js");
  const script = join(folder, "suite.js");
  writeFileSync(bundle, await bundleSuite({ format: "iife" }));
  await execute(process.execPath, [tool("babel.js"), bundle, script]);
  appendFileSync(script, hostRandom() + SUITE_DRIVER);
  return runBytecode(script);
}

/** @param {string} folder @returns {Promise<string>} the tier of an app whose only dependency is the package */
async function runApp(folder) {
  const { project } = packedLibrary();
  const code = await bundleSuite({ format: "esm", entry: "../cases/first-use.ts", library: "import" });
  writeFileSync(join(project, "app.js"), `import { loadCrypto } from "viopay-pos-crypto";\n${code}${IMPORT_DRIVER}`);
  const script = join(folder, "app.js");
  await execute(process.execPath, [tool("metro.js"), project, "app.js", script]);
  writeFileSync(script, hostRandom() + readFileSync(script, "utf8"));
  return (await runBytecode(script)).tier;
}

/** @returns {Promise<import("../suite.js").Report & { version: string }>} */
async function run() {
  const folder = scratchFolder("hermes");
  const { stdout } = await execute(installed(`${BIN}/hermes`), ["--version"]);
  const version = /release version: (\S+)/.exec(stdout)?.[1] ?? "unknown";
  const report = await runSuite(folder);
  try {
    const tier = await runApp(folder);
    if (tier !== report.tier) throw new Error(`tier ${tier}, but the suite ran on ${report.tier}`);
  } catch (error) {
    report.failed++;
    report.failures.push(`the package imported through Metro: ${error instanceof Error ? error.message : error}`);
  }
  return { ...report, version };
}

/** @type {import("../row.js").Row[]} */
export const rows = [
  {
    id: "hermes",
    title: "Hermes (React Native)",
    expect: { tier: "noble", reason: /; wasm-simd: .*no WebAssembly; wasm: .*no WebAssembly$/ },
    requires: "npm ci --prefix test/engines, on Linux with an x64 processor",
    note: "through React Native's Babel preset, and through Metro; random bytes injected; fewer repetitions",
    available: () => process.platform === "linux" && isInstalled(`${BIN}/hermes`)(),
    run,
  },
];
