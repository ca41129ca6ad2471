/** Every Node that a terminal or a host may still run. The oldest get the library through a bundler, as an app's own build would. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleSuite } from "../bundle.js";
import { checkImport } from "../import-check.js";
import { scratchFolder } from "../packed.js";
import { answerOf, installed, isInstalled, MARK } from "../row.js";

const DRIVER = `
const { randomFillSync } = require("crypto");
posSuite.runSuite({
  interpreted: process.execArgv.includes("--jitless"),
  randomBytes: typeof crypto === "undefined" ? (n) => randomFillSync(new Uint8Array(n)) : undefined,
}).then(
  (report) => console.log(${JSON.stringify(MARK)} + JSON.stringify({ ...report, version: process.version.slice(1) })),
  (error) => { console.error(error); process.exitCode = 1; },
);
`;

const AS_IT_IS = "imported as it is, and bundled for the suite";

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.title
 * @param {import("../row.js").Row["expect"]} options.expect
 * @param {string} options.alias the Node's name in package.json
 * @param {string[]} [options.flags]
 * @param {string} [options.target] syntax to lower to
 * @param {boolean} [options.importable] the package can be imported as it is
 * @param {string} [options.note]
 * @returns {import("../row.js").Row}
 */
function nodeRow({ id, title, expect, alias, flags = [], target, importable = true, note = AS_IT_IS }) {
  const path = `${alias}/bin/node`;
  const program = installed(path);
  return {
    id,
    title,
    expect,
    requires: "npm ci --prefix test/engines, on Linux with an x64 processor",
    note,
    available: isInstalled(path),
    async run() {
      const script = join(scratchFolder(id), "suite.cjs");
      const code = await bundleSuite({ format: "iife", ...(target === undefined ? {} : { target }) });
      writeFileSync(script, code + DRIVER);
      const report = await answerOf(program, [...flags, script]);
      if (importable) await checkImport(report, program, flags);
      return report;
    },
  };
}

const simd = { tier: "wasm-simd", reason: /^wasm-simd: the first choice that works here$/ };
const withoutSimd = { tier: "wasm", reason: /^wasm: .*; wasm-simd: .*simd/i };
const withoutWasm = { tier: "noble", reason: /; wasm-simd: .*no WebAssembly; wasm: .*no WebAssembly$/ };

/** @param {string} version @returns {import("../row.js").Row} */
const packaged = (version) =>
  nodeRow({ id: `node-${version}`, title: `Node ${version}`, expect: simd, alias: `node-${version}` });

/**
 * @param {string} id
 * @param {string} title
 * @param {import("../row.js").Row["expect"]} expect
 * @param {string} flag
 */
const flagged = (id, title, expect, flag) =>
  nodeRow({
    id: `node-20-${id}`,
    title: `Node 20 ${title}`,
    expect,
    alias: "node-20",
    flags: [flag],
    ...(expect === withoutWasm ? { note: `${AS_IT_IS}; fewer repetitions` } : {}),
  });

export const rows = [
  nodeRow({
    id: "node-8",
    title: "Node 8, the V8 of Chrome 62",
    expect: { tier: "wasm", reason: /^wasm: .*; wasm-simd: .*invalid local type/ },
    alias: "node-8",
    target: "chrome61",
    importable: false,
    note: "bundled, syntax lowered to Chrome 61: the JavaScript engine of an old Android WebView",
  }),
  nodeRow({
    id: "node-14",
    title: "Node 14",
    expect: withoutSimd,
    alias: "node-14",
    target: "es2020",
    importable: false,
    note: "bundled, syntax lowered to ES2020; noble cannot be imported there, nor need be",
  }),
  packaged("16"),
  packaged("18"),
  packaged("20"),
  flagged("no-simd", "without SIMD", withoutSimd, "--no-enable-sse4-1"),
  flagged("jitless", "--jitless", withoutWasm, "--jitless"),
  packaged("22"),
  packaged("24"),
  packaged("26"),
];
