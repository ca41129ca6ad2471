/**
 * Cold start: a fresh process for every sample, from the start of the import to the first opened envelope. The processes of the
 * candidates take turns; the child measures itself, so that the start of Node is not counted. What part the import has, which is
 * Node's loader and parser, is printed beside it, and what the import of a package takes that has one line: no library needs less.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatTime, median, rowOf } from "./measure.js";

const child = fileURLToPath(new URL("./cold-start-child.js", import.meta.url));
const names = ["ours", "noble", "node:crypto", "hash-wasm (one HMAC)"];

/**
 * A program that imports an empty package by name and prints how many milliseconds that took.
 * @param {string} folder
 */
function writeEmptyProgram(folder) {
  const empty = join(folder, "node_modules", "empty");
  mkdirSync(empty, { recursive: true });
  writeFileSync(join(empty, "package.json"), JSON.stringify({ name: "empty", type: "module", exports: "./index.js" }));
  writeFileSync(join(empty, "index.js"), "export const empty = true;\n");
  const program = join(folder, "program.mjs");
  const clock = "const start = performance.now();\n";
  writeFileSync(program, `${clock}await import("empty");\nprocess.stdout.write(String(performance.now() - start));\n`);
  return program;
}

/** @param {number} samples @returns {import("./measure.js").Row} */
export function coldStart(samples = 15) {
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]));
  /** @type {Record<string, number[]>} */
  const imports = Object.fromEntries(names.map((name) => [name, []]));
  const folder = mkdtempSync(join(tmpdir(), "empty-package-"));
  const program = writeEmptyProgram(folder);
  const floor = [];
  for (let i = 0; i < samples; i++) {
    floor.push(1e6 * Number(execFileSync(process.execPath, [program], { encoding: "utf8" })));
    for (const name of names) {
      const printed = execFileSync(process.execPath, [child, name], { encoding: "utf8" });
      const [imported = 0, opened = 0] = printed.split(" ").map(Number);
      imports[name]?.push(imported * 1e6);
      times[name]?.push(opened * 1e6);
    }
  }
  rmSync(folder, { recursive: true });
  const parts = Object.entries(imports).map(([name, values]) => `${name} ${formatTime(median(values))}`);
  process.stdout.write(`cold process, of which the import: ${parts.join(", ")}; an empty package ${formatTime(median(floor))}\n`);
  return rowOf("cold process, import to first opened envelope", new Map(Object.entries(times)));
}
