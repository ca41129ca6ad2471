/**
 * workerd, the runtime of edge workers: a worker served on loopback. It may not compile WebAssembly, so the package's condition
 * `workerd` gives it the module as a file, which its loader compiles when the worker is deployed.
 */
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleSuite } from "../bundle.js";
import { packedLibrary, scratchFolder } from "../packed.js";
import { installed, isInstalled } from "../row.js";

const PROGRAM = "workerd/bin/workerd";
const BINARY = "viopay-pos-crypto.simd.wasm";
const START_LIMIT_MS = 30_000;
const ANSWER_LIMIT_MS = 300_000;

const WORKER = `import { runSuite } from "./suite.js";
export default {
  async fetch() {
    return Response.json(await runSuite());
  },
};
`;

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "suite", worker = .suite)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);
const suite :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "suite.js", esModule = embed "suite.js"),
    (name = "${BINARY}", wasm = embed "${BINARY}"),
  ],
  compatibilityDate = "2026-01-01",
);
`;

/**
 * The port workerd says it listens on.
 * @param {import("node:child_process").ChildProcess} child with its events on file descriptor 3
 * @returns {Promise<number>}
 */
function listening(child) {
  return new Promise((resolve, reject) => {
    let errors = "";
    let events = "";
    const timer = setTimeout(() => reject(new Error(`workerd did not start: ${errors}`)), START_LIMIT_MS);
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    const control = /** @type {import("node:stream").Readable} */ (child.stdio[3]);
    control.setEncoding("utf8").on("data", (text) => {
      events += text;
      const port = /"event":"listen".*"port":(\d+)/.exec(events)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`workerd ended with ${code}: ${errors}`)));
  });
}

/** @returns {Promise<import("../suite.js").Report & { version: string }>} */
async function run() {
  const folder = scratchFolder("workerd");
  writeFileSync(join(folder, "suite.js"), await bundleSuite({ format: "esm", conditions: ["workerd"] }));
  writeFileSync(join(folder, "worker.js"), WORKER);
  writeFileSync(join(folder, "config.capnp"), CONFIG);
  copyFileSync(join(packedLibrary().library, "dist", "wasm", BINARY), join(folder, BINARY));
  const version = execFileSync(installed(PROGRAM), ["--version"], { encoding: "utf8" })
    .replace(/^workerd /, "")
    .trim();
  const child = spawn(installed(PROGRAM), ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  try {
    const response = await fetch(`http://127.0.0.1:${await listening(child)}/`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    const text = await response.text();
    if (!response.ok) throw new Error(`workerd answered ${response.status}: ${text.slice(0, 500)}`);
    return { ...JSON.parse(text), version };
  } finally {
    child.kill("SIGKILL");
  }
}

/** @type {import("../row.js").Row[]} */
export const rows = [
  {
    id: "workerd",
    title: "workerd",
    expect: { tier: "wasm-simd", reason: /^wasm-simd: the first choice that works here$/ },
    requires: "npm ci --prefix test/engines, on Linux with an x64 processor",
    note: "the module as a file, through the condition `workerd`",
    available: isInstalled(PROGRAM),
    run,
  },
];
