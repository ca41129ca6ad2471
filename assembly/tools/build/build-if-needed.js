/**
 * `npm start`'s first half: builds unless the last successful build is younger than every source. The stamp is written only after a
 * build that ended well, so that a broken one is never taken for done.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { changed, root, run } from "./sources.js";

/** Not in dist, which is published. */
const stamp = join("node_modules", ".cache", "viopay-pos-crypto-built");
const results = [
  "dist/cli/main.js",
  "dist/index.js",
  "dist/wasm/viopay-pos-crypto.simd.wasm",
  "dist/wasm/viopay-pos-crypto.mvp.wasm",
  "dist/wasm/viopay-pos-crypto.relaxed.wasm",
];
const sources = ["ts", "assembly", "asconfig.json", "tsconfig.json", "package.json", "package-lock.json"];

const built = changed(stamp);
const complete = results.every((path) => changed(path) > 0);
if (!complete || sources.some((path) => changed(path) > built)) {
  process.exitCode = run("build");
  if (process.exitCode === 0) {
    mkdirSync(dirname(join(root, stamp)), { recursive: true });
    writeFileSync(join(root, stamp), "");
  }
}
