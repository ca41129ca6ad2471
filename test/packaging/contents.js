/**
 * What is in a bundle and what is not: a bundle that imports one function carries nothing else, and the mock server is out of reach of
 * entries `.` and `./client`. Judged twice: by the files that the bundler says it took from, and by text that only those files have.
 */
import { join } from "node:path";
import { carriedFiles, loadedFiles } from "./bundlers/bundle.js";
import { bundleWithEsbuild } from "./bundlers/esbuild.js";
import { bundleWithMetro } from "./bundlers/metro.js";
import { bundleWithRollup } from "./bundlers/rollup.js";
import { bundleWithVite } from "./bundlers/vite.js";
import { must } from "./tally.js";
import { node } from "./tools.js";

/** @typedef {import("./bundlers/bundle.js").Bundle} Bundle */

/**
 * Parts by the files that they come from and by text that minifying leaves alone. fflate has no file of its own: it is inside core's.
 * @type {Record<string, { files?: RegExp, text: RegExp }>}
 */
const PARTS = {
  noble: { files: /node_modules[\\/]@noble[\\/]|dist[\\/]backend[\\/]noble[\\/]noble\.js$/, text: /aes key/ },
  "a WASM binary": { files: /dist[\\/]backend[\\/]wasm[\\/](?:module-inline|mvp)\.js$/, text: /0061736d01000000|AGFzbQEAAAA/ },
  fflate: { text: /invalid length\/literal/ },
  "the client": { files: /dist[\\/](?:client[\\/].+|chunks[\\/](?:client|journal))\.js$/, text: /needs_host_lookup/ },
  "the mock": {
    files: /dist[\\/](?:mock[\\/].+|chunks[\\/]mock\d*)\.js$|node_modules[\\/]jose[\\/]/,
    text: /\/mock\/faults|gzip-bomb/,
  },
};

/** The parts in what `bundle` can load: by its inputs, and by its text. @param {Bundle} bundle @returns {{ part: string, by: string }[]} */
function partsIn(bundle) {
  const files = carriedFiles(bundle);
  const inputs = files.flatMap((file) => file.inputs);
  const texts = files.map(({ code }) => code);
  return Object.entries(PARTS).flatMap(([part, marks]) => [
    ...(marks.files !== undefined && inputs.some((input) => marks.files?.test(input)) ? [{ part, by: "files" }] : []),
    ...(texts.some((text) => marks.text.test(text)) ? [{ part, by: "text" }] : []),
  ]);
}

/** @param {{ part: string, by: string }[]} found */
function listed(found) {
  return found.map(({ part, by }) => `${part} (by its ${by})`).join(", ");
}

/**
 * @param {import("./tally.js").Tally} tally
 * @param {string} project
 */
export async function checkContents({ check }, project) {
  const bundlers = { esbuild: bundleWithEsbuild, Vite: bundleWithVite, rollup: bundleWithRollup };

  await check("each part is recognised where it is", async () => {
    const found = partsIn(await bundleWithEsbuild({ project, entry: "mock-all.js", minify: true, onNode: true }));
    const missing = Object.entries(PARTS).flatMap(([part, { files }]) =>
      ["text", ...(files === undefined ? [] : ["files"])]
        .filter((by) => !found.some((other) => other.part === part && other.by === by))
        .map((by) => ({ part, by })),
    );
    must(missing.length === 0, `in a bundle of everything there should be ${listed(missing)}`);
  });

  for (const [name, bundler] of Object.entries(bundlers)) {
    await check(`${name}: an app that imports parseKeyBlock carries none of the rest`, async () => {
      const bundle = await bundler({ project, entry: "header.js", minify: true, chunks: false });
      const found = partsIn(bundle);
      must(found.length === 0, `carries ${listed(found)}`);
      const { output } = await node([join(bundle.folder, bundle.entry)]);
      must(JSON.parse(output).usage === "P0", `printed ${output}`);
      return `${loadedFiles(bundle)
        .reduce((sum, { code }) => sum + code.length, 0)
        .toLocaleString("en")} bytes`;
    });
  }

  for (const [name, bundler] of Object.entries({ ...bundlers, Metro: bundleWithMetro })) {
    await check(`${name}: the mock and the client are bundled for a page, nothing left outside`, async () => {
      const bundle = await bundler({ project, entry: "mock-page.js", minify: true, chunks: false });
      const left = bundle.files.flatMap(({ code }) => code.match(/["'](?:node:[a-z/]+|ioredis|#mock-node)["']/g) ?? []);
      must(left.length === 0, `asks for ${left.join(", ")}`);
    });
  }

  for (const [entry, what] of Object.entries({ "core-all.js": "`.`", "client-all.js": "`.` and `./client`" })) {
    await check(`the mock cannot be reached from ${what}`, async () => {
      const found = partsIn(await bundleWithEsbuild({ project, entry, minify: true }));
      must(!found.some(({ part }) => part === "the mock"), listed(found));
      must(
        found.some(({ part }) => part === "noble"),
        "the bundle lacks what `import()` leads to",
      );
    });
  }
}
