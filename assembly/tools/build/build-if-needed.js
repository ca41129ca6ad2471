/**
 * `npm start`'s first half: builds unless the last successful build is younger than every source. The stamp is written only after a
 * build that ended well, so that a broken one is never taken for done.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** Not in dist, which is published. */
const stamp = join(root, "node_modules", ".cache", "viopay-pos-crypto-built");
const results = [
  "dist/cli/main.js",
  "dist/index.js",
  "dist/wasm/viopay-pos-crypto.simd.wasm",
  "dist/wasm/viopay-pos-crypto.mvp.wasm",
  "dist/wasm/viopay-pos-crypto.relaxed.wasm",
];
const sources = ["ts", "assembly", "asconfig.json", "tsconfig.json", "package.json", "package-lock.json"];

/** @param {string} path */
function changed(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  // A folder's own time tells of files that were removed.
  return Math.max(found.mtimeMs, ...readdirSync(path).map((/** @type {string} */ name) => changed(join(path, name))));
}

const built = changed(stamp);
const complete = results.every((path) => changed(join(root, path)) > 0);
if (!complete || sources.some((path) => changed(join(root, path)) > built)) {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status === 0) {
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, "");
  }
  process.exitCode = status ?? 1;
}
