/** Which sources are younger than what was built from them, and the npm script that builds it again. */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * When a file, or anything in a folder, last changed: milliseconds, 0 where there is nothing.
 * @param {string} path from the root
 * @returns {number}
 */
export function changed(path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  // A folder's own time tells of files that were removed.
  return Math.max(found.mtimeMs, ...readdirSync(join(root, path)).map((name) => changed(join(path, name))));
}

/**
 * Runs a script of package.json: its exit code.
 * @param {string} script
 * @returns {number}
 */
export function run(script) {
  const options = /** @type {const} */ ({ cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  return spawnSync("npm", ["run", "--silent", script], options).status ?? 1;
}
