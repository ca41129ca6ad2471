/**
 * Consumers' TypeScript: strict, with every declaration of the library checked, from the oldest compiler supported to the newest, where
 * the engine's types come from the library `dom`, from Node's own, or from nowhere (core alone).
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { must } from "./tally.js";
import { commandOf, modules, node } from "./tools.js";

/** By version: the types of Node of its time. TypeScript 5.0 cannot read newer ones. */
const COMPILERS = { "5.0": "types-node-18", 5.9: "@types/node", "6.0": "@types/node" };

const RESOLUTIONS = [
  { moduleResolution: "bundler", module: "esnext" },
  { moduleResolution: "node16", module: "node16" },
];

const ENGINES = [
  { engine: "dom", lib: ["es2022", "dom"], types: [], files: ["core.ts", "host.ts", "browser.ts"] },
  { engine: "Node's types", lib: ["es2022"], types: ["node"], files: ["core.ts", "host.ts"] },
  { engine: "no types of an engine", lib: ["es2022"], types: [], files: ["core.ts"] },
];

/**
 * @param {import("./tally.js").Tally} tally
 * @param {string} project
 */
export async function checkTypes({ check }, project) {
  const jobs = Object.entries(COMPILERS).flatMap(([version, nodeTypes]) =>
    RESOLUTIONS.flatMap((resolution) => ENGINES.map((engine) => ({ version, nodeTypes, ...resolution, ...engine }))),
  );
  // Two at a time: most of the time of all these tests goes by here.
  /** @type {Promise<string>[]} */
  const started = [];
  for (const [index, { version, moduleResolution, engine }] of jobs.entries()) {
    await check(`TypeScript ${version}, ${moduleResolution}, ${engine}`, async () => {
      for (const job of jobs.slice(started.length, index + 2)) started.push(compile(project, started.length, job));
      const complaints = await started[index];
      must(complaints === "", complaints ?? "did not run");
    });
  }
}

/**
 * @param {string} project
 * @param {number} index
 * @param {{ version: string, nodeTypes: string, engine: string, files: string[] }} job and compiler options
 * @returns {Promise<string>} what the compiler complains of
 */
async function compile(project, index, { version, nodeTypes, engine: _, files, ...options }) {
  const consumer = consumerWith(project, nodeTypes);
  const configuration = join(consumer, `tsconfig.${index}.json`);
  const compilerOptions = { ...options, target: "es2022", strict: true, skipLibCheck: false, noEmit: true };
  writeFileSync(configuration, JSON.stringify({ compilerOptions, files }));
  const compiler = commandOf(`typescript-${version}`, "tsc");
  const { status, output, errors } = await node([compiler, "-p", configuration], { cwd: consumer });
  return status === 0 ? "" : output + errors || `exit code ${status}`;
}

/**
 * A consumer's folder in `project` with one version of Node's types, which refer to themselves by name and so need a place of their own.
 * @param {string} project @param {string} nodeTypes
 */
function consumerWith(project, nodeTypes) {
  const consumer = join(project, `consumer-${basename(nodeTypes)}`);
  if (existsSync(consumer)) return consumer;
  mkdirSync(consumer);
  for (const file of ["core.ts", "host.ts", "browser.ts"]) cpSync(join(project, file), join(consumer, file));
  cpSync(join(modules, nodeTypes), join(consumer, "node_modules", "@types", "node"), { recursive: true });
  const nested = join(modules, nodeTypes, "node_modules", "undici-types");
  if (!existsSync(nested)) {
    cpSync(join(modules, "undici-types"), join(consumer, "node_modules", "undici-types"), { recursive: true });
  }
  return consumer;
}
