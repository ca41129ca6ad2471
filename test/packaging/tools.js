/**
 * What this folder's own package.json installs, and how it is run. Loaded by computed names: the rest of the tests are type-checked
 * where none of it is installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const folder = fileURLToPath(new URL("./", import.meta.url));
export const modules = join(folder, "node_modules");

/** `npm ci`, unless what is installed is younger than the lock file. */
export function installTools() {
  const installed = statSync(join(modules, ".package-lock.json"), { throwIfNoEntry: false });
  if (installed !== undefined && installed.mtimeMs >= statSync(join(folder, "package-lock.json")).mtimeMs) return;
  process.stdout.write("installing bundlers and compilers of test/packaging\n");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: folder,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("npm ci failed in test/packaging");
}

/** A package of this folder. @param {string} name @returns {Promise<any>} */
export async function tool(name) {
  const module = await import(import.meta.resolve(name));
  return module.default !== undefined && Object.keys(module).length === 1 ? module.default : module;
}

/** The file of a command that a package of this folder brings. @param {string} name of the package @param {string} command */
export function commandOf(name, command = name) {
  const manifest = join(modules, name, "package.json");
  const { bin } = createRequire(import.meta.url)(manifest);
  return join(dirname(manifest), typeof bin === "string" ? bin : bin[command]);
}

/**
 * Runs Node and waits.
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<{ status: number | null, output: string, errors: string }>}
 */
export function node(args, { cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output, errors }));
  });
}
