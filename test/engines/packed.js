/**
 * The library as a stranger gets it: `npm pack`, then `npm install` of the tarball into an empty project. Made once a process, removed
 * when it ends. Needs a built dist.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** @type {{ project: string, library: string } | undefined} */
let made;

/** @type {string[]} */
const scratch = [];
process.on("exit", () => {
  for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => process.exit(1));

/** An empty folder under the system's temporary one, gone when the process ends. @param {string} name */
export function scratchFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `viopay-pos-crypto-${name}-`));
  scratch.push(folder);
  return folder;
}

/** @returns {{ project: string, library: string }} a project that depends on the tarball; the library's folder in it */
export function packedLibrary() {
  if (made !== undefined) return made;
  const project = scratchFolder("packed");
  npm(root, ["pack", "--ignore-scripts", "--pack-destination", project]);
  const tarball = readdirSync(project).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball");
  const manifest = { name: "consumer", private: true, type: "module", dependencies: { "viopay-pos-crypto": `file:${tarball}` } };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  npm(project, ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline"]);
  made = { project, library: join(project, "node_modules", "viopay-pos-crypto") };
  return made;
}

/** @param {string} cwd @param {string[]} args */
function npm(cwd, args) {
  try {
    execFileSync("npm", args, { cwd, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", shell: process.platform === "win32" });
  } catch (error) {
    const { stderr } = /** @type {{ stderr?: string }} */ (error);
    throw new Error(`npm ${args[0]} failed in ${cwd}: ${stderr ?? error}`);
  }
}
