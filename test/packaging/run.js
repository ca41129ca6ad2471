/**
 * `npm run test:packaging`: packs the library, installs the tarball into a throw-away project, and checks what a stranger gets: its
 * files, what bundlers make of it, its sizes, its types, and what publint, are-the-types-wrong and knip say. Every check is counted;
 * the last line is `packaging: N passed, N failed`, and with `--counts FILE` they are written there as JSON, too. `--built` says that
 * dist is up to date.
 */
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packedLibrary } from "../engines/packed.js";
import { checkApps } from "./apps.js";
import { checkContents } from "./contents.js";
import { checkFiles } from "./files.js";
import { checkPackage } from "./package-checks.js";
import { warnPublisher } from "./publisher.js";
import { checkSizes } from "./sizes.js";
import { Tally } from "./tally.js";
import { folder, installTools, root } from "./tools.js";
import { checkTypes } from "./types.js";

installTools();
const { values: options } = parseArgs({ options: { built: { type: "boolean" }, counts: { type: "string" } } });
if (!options.built) {
  const { status } = spawnSync(process.execPath, ["assembly/tools/build/build-if-needed.js"], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error("the build failed");
}

const { project, library } = packedLibrary();
const name = readdirSync(project).find((file) => file.endsWith(".tgz"));
if (name === undefined) throw new Error("the project has no tarball");
const tarball = join(project, name);
cpSync(join(folder, "apps"), project, { recursive: true });

const tally = new Tally();
await checkFiles(tally, { tarball, library });
await checkPackage(tally, tarball);
await checkApps(tally, project);
await checkContents(tally, project);
await checkSizes(tally, { project, library });
await checkTypes(tally, project);
warnPublisher(JSON.parse(readFileSync(join(library, "package.json"), "utf8")));
if (options.counts !== undefined) {
  writeFileSync(options.counts, JSON.stringify([{ tier: "packaging", passed: tally.passed, failed: tally.failed, skipped: 0 }]));
}
process.stdout.write(`packaging: ${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed === 0 ? 0 : 1;
