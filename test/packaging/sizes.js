/**
 * The size budget, in bytes: `target` is what was set out to reach, `limit` what the check holds. Where they differ, the target has not
 * been reached, and the line of the check says by how much. JavaScript is measured as esbuild minifies it, gzipped as by `gzip -9`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadedFiles } from "./bundlers/bundle.js";
import { bundleWithEsbuild } from "./bundlers/esbuild.js";
import { must } from "./tally.js";
import { folder } from "./tools.js";

/** @type {Record<string, { target: number, limit: number }>} */
const budgets = JSON.parse(readFileSync(join(folder, "sizes.json"), "utf8"));

/**
 * @param {import("./tally.js").Tally} tally
 * @param {{ project: string, library: string }} packed
 */
export async function checkSizes({ check }, { project, library }) {
  /** @type {Record<string, number>} */
  const measured = {};

  await check("the binaries are there to be measured", () => {
    for (const [name, file] of Object.entries({ "SIMD binary": "simd", "MVP binary": "mvp" })) {
      const bytes = readFileSync(join(library, "dist", "wasm", `viopay-pos-crypto.${file}.wasm`));
      measured[name] = bytes.length;
      measured[`${name}, gzipped`] = gzipped([bytes]);
    }
  });

  await check("a bundle of parseKeyBlock alone", async () => {
    const bundle = await bundleWithEsbuild({ project, entry: "header.js", minify: true, chunks: false });
    const files = loadedFiles(bundle).map(({ code }) => code);
    measured["parseKeyBlock alone"] = files.join("").length;
    measured["parseKeyBlock alone, gzipped"] = gzipped(files);
  });

  await check("a bundle of the core entry, where noble and the module without SIMD wait", async () => {
    const bundle = await bundleWithEsbuild({ project, entry: "core-all.js", minify: true });
    const loaded = loadedFiles(bundle);
    measured["core entry, gzipped"] = gzipped(loaded.map(({ code }) => code));
    const later = bundle.files.filter((file) => !loaded.includes(file));
    must(later.length === 2, `later: ${later.map(({ name }) => name).join(", ")}`);
    return later.map(({ name, code }) => `${name.replace(/-[^-]*$/, "")} ${figure(gzipped([code]))} bytes gzipped`).join(", ");
  });

  await check("a bundle of what a terminal needs of core: six functions", async () => {
    const bundle = await bundleWithEsbuild({ project, entry: "terminal.js", minify: true });
    measured["terminal's app, gzipped"] = gzipped(loadedFiles(bundle).map(({ code }) => code));
  });

  for (const [name, { target, limit }] of Object.entries(budgets)) {
    await check(`size of ${name}`, () => {
      const size = measured[name];
      must(size !== undefined, "was not measured");
      must(size <= limit, `${figure(size)} bytes; at most ${figure(limit)}`);
      const gap = size > target ? `; the target ${figure(target)} is missed by ${figure(size - target)}` : "";
      return `${figure(size)} bytes of ${figure(limit)}${gap}`;
    });
  }
}

/** Each file is compressed separately. @param {(string | Buffer)[]} files */
function gzipped(files) {
  return files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
}

/** @param {number} bytes */
function figure(bytes) {
  return bytes.toLocaleString("en");
}
