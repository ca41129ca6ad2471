/**
 * Cold start: a fresh process for every sample, from the start of the import to the first opened envelope. The processes of the
 * candidates take turns; the child measures itself, so that the start of Node is not counted. What part the import has, which is
 * Node's loader and parser, is printed beside it.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { formatTime, median, rowOf } from "./measure.js";

const child = fileURLToPath(new URL("./cold-start-child.js", import.meta.url));
const names = ["ours", "noble", "node:crypto", "hash-wasm (one HMAC)"];

/** @param {number} samples @returns {import("./measure.js").Row} */
export function coldStart(samples = 15) {
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]));
  /** @type {Record<string, number[]>} */
  const imports = Object.fromEntries(names.map((name) => [name, []]));
  for (let i = 0; i < samples; i++) {
    for (const name of names) {
      const printed = execFileSync(process.execPath, [child, name], { encoding: "utf8" });
      const [imported = 0, opened = 0] = printed.split(" ").map(Number);
      imports[name]?.push(imported * 1e6);
      times[name]?.push(opened * 1e6);
    }
  }
  const parts = Object.entries(imports).map(([name, values]) => `${name} ${formatTime(median(values))}`);
  process.stdout.write(`cold process, of which the import: ${parts.join(", ")}\n`);
  return rowOf("cold process, import to first opened envelope", new Map(Object.entries(times)));
}
