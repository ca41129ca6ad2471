/** QuickJS (quickjs-emscripten): an engine with the language and nothing else. noble, with random bytes injected. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSuite } from "../bundle.js";
import { scratchFolder } from "../packed.js";
import { answerOf, installed, isInstalled } from "../row.js";

const PACKAGE = "quickjs-emscripten/package.json";

const DRIVER = `
posSuite.runSuite({ interpreted: true, randomBytes: (n) => new Uint8Array(hostRandom(n)) }).then(
  (report) => hostReport(JSON.stringify(report)),
  (error) => hostFailed(String(error)));
`;

/** @returns {Promise<import("../suite.js").Report & { version: string }>} */
async function run() {
  const script = join(scratchFolder("quickjs"), "suite.js");
  writeFileSync(script, (await bundleSuite({ format: "iife" })) + DRIVER);
  const report = await answerOf(process.execPath, [fileURLToPath(new URL("../quickjs/driver.js", import.meta.url)), script]);
  return { ...report, version: JSON.parse(readFileSync(installed(PACKAGE), "utf8")).version };
}

/** @type {import("../row.js").Row[]} */
export const rows = [
  {
    id: "quickjs",
    title: "QuickJS (quickjs-emscripten)",
    expect: { tier: "noble", reason: /; wasm-simd: .*no WebAssembly; wasm: .*no WebAssembly$/ },
    requires: "npm ci --prefix test/engines",
    note: "random bytes injected; fewer repetitions",
    available: isInstalled(PACKAGE),
    run,
  },
];
