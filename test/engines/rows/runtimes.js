/** Bun, and Deno without a single permission. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleSuite } from "../bundle.js";
import { checkImport } from "../import-check.js";
import { scratchFolder } from "../packed.js";
import { answerOf, installed, isInstalled, MARK } from "../row.js";

/**
 * @param {string} id
 * @param {string} title
 * @param {string} path of the program below node_modules
 * @param {string[]} args before the script's name
 * @param {string} version an expression
 * @returns {import("../row.js").Row}
 */
function runtimeRow(id, title, path, args, version) {
  return {
    id,
    title,
    expect: { tier: "wasm-simd", reason: /^wasm-simd: the first choice that works here$/ },
    requires: "npm ci --prefix test/engines, on Linux with an x64 processor",
    note: "imported as it is, and bundled for the suite",
    available: isInstalled(path),
    async run() {
      const script = join(scratchFolder(id), "suite.mjs");
      const print = `console.log(${JSON.stringify(MARK)} + JSON.stringify({ ...(await runSuite()), version: ${version} }));\n`;
      writeFileSync(script, (await bundleSuite({ format: "esm" })) + print);
      const report = await answerOf(installed(path), [...args, script]);
      await checkImport(report, installed(path), args);
      return report;
    },
  };
}

export const rows = [
  runtimeRow("bun", "Bun", "bun/bin/bun", ["run"], "Bun.version"),
  runtimeRow("deno", "Deno, no permissions", "deno/deno", ["run", "--no-prompt", "--no-remote"], "Deno.version.deno"),
];
