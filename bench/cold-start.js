/**
 * Cold start: a fresh process for every sample, from the start of the import to the first opened envelope. The processes of the
 * candidates take turns; the child measures itself, so that the start of Node is not counted.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "./measure.js";

const child = fileURLToPath(new URL("./cold-start-child.js", import.meta.url));
const names = ["ours", "noble", "node:crypto", "hash-wasm (one HMAC)"];

/** @param {number} samples @returns {import("./measure.js").Row} */
export function coldStart(samples = 15) {
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let i = 0; i < samples; i++) {
    for (const name of names) {
      const printed = execFileSync(process.execPath, [child, name], { encoding: "utf8" });
      times[name]?.push(Number(printed) * 1e6);
    }
  }
  const entries = Object.entries(times);
  return {
    title: "cold process, import to first opened envelope",
    unit: "ns",
    medians: Object.fromEntries(entries.map(([name, values]) => [name, median(values)])),
    spread: Object.fromEntries(
      entries.map(([name, values]) => [name, (Math.max(...values) - Math.min(...values)) / median(values)]),
    ),
  };
}
