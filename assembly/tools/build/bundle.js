/**
 * Writes dist/**\/*.js with rolldown: a file for every entry that package.json names, core in one chunk, the rest shared as
 * needed. A process that opens one envelope loads three files, where a file for every module would be forty. What stands behind
 * `#wasm` is bundled apart, each with its own copy of the little it needs: core imports it, and it must not import core, since
 * bundlers warn of circles. Dependencies stay imports; fflate, a development dependency, is carried.
 *
 * Type declarations come from tsc. Those that no entry's types lead to, and whatever an earlier build left in dist, are removed.
 *
 * fflate computes tables of 100 KB when it is loaded: more than half of what the import of core would cost, for gzip alone. A
 * static import cannot wait and an asynchronous one does not suit synchronous functions, so its two functions in use are put
 * behind one that makes them at first use.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import ts from "typescript";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));

/** @param {unknown} value @returns {string[]} every path under `value` */
function targetsOf(value) {
  if (typeof value === "string") return [value];
  return Object.values(/** @type {object} */ (value)).flatMap(targetsOf);
}

/** Files that package.json names, from `dist/`. */
const targets = targetsOf([manifest.exports, manifest.imports, manifest.bin])
  .map((path) => posix.normalize(path))
  .filter((path) => path.startsWith("dist/"))
  .map((path) => path.slice("dist/".length));

/** Sources of the entries under `value`, by their place in dist. @param {unknown} value @returns {Record<string, string>} */
function entries(value) {
  const names = targetsOf(value).map((path) => /^(?:\.\/)?dist\/(.+)\.js$/.exec(path)?.[1]);
  const sources = names.filter((name) => name !== undefined).map((name) => [name, `${root}ts/${name}.ts`]);
  for (const [, source = ""] of sources) if (!existsSync(source)) throw new Error(`package.json names what ${source} should be`);
  return Object.fromEntries(sources);
}

/** What entry `.` consists of: not DUKPT, not the other layers, not noble, not the module's bytes behind `#wasm`. */
const core =
  /[\\/]ts[\\/](?:[^\\/]+|base[\\/].+|core[\\/](?!dukpt[\\/]).+|backend[\\/](?:abi\.gen|contract|message-start|methods|refusals|select|self-test|wasm[\\/](?:ciphers|embedded|envelopes|guard|module|wasm))\.ts)$/;

/** The functions of fflate that core uses, as the body of a function that returns them. */
async function fflateBody() {
  const bundle = await rolldown({
    input: "entry",
    cwd: root,
    platform: "neutral",
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === "entry" ? id : null),
        load: (id) => (id === "entry" ? 'export { Gunzip, gzipSync } from "fflate/browser";' : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: "iife", name: "fflate", comments: false });
  await bundle.close();
  return output[0].code;
}

/** @returns {Promise<import("rolldown").Plugin>} */
async function lazyFflate() {
  const body = await fflateBody();
  const folder = `${root}node_modules/fflate/`;
  const { version } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  const license = readFileSync(`${folder}LICENSE`, "utf8").trim();
  const code = `/*! fflate ${version}\n${license}\n*/
function make() {
${body}
return fflate;
}
let made;
const lazy = () => (made ??= make());
export function Gunzip(ondata) { return new (lazy().Gunzip)(ondata); }
export function gzipSync(data, options) { return lazy().gzipSync(data, options); }
`;
  return {
    name: "lazy-fflate",
    resolveId: (id) => (id === "fflate/browser" ? `${root}ts/fflate-lazy` : null),
    load: (id) => (id === `${root}ts/fflate-lazy` ? { code, moduleType: "js" } : null),
  };
}

const fflate = await lazyFflate();

/**
 * Local names become short and dead code goes, a fifth of what an engine must parse before the first use (measured: 5 to 8 % of
 * a cold start). Lines and the names of functions and classes stay, for stack traces.
 */
const minify = {
  compress: true,
  mangle: { toplevel: false, keepNames: { function: true, class: true } },
  codegen: { removeWhitespace: false },
};

/**
 * Writes the bundle of `input` to dist.
 * @param {Record<string, string>} input
 * @returns {Promise<string[]>} the files
 */
async function write(input) {
  const bundle = await rolldown({
    input,
    platform: "neutral",
    transform: { target: "es2022" },
    external: [
      /^node:/,
      /^#(?:wasm|mock-node)$/,
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).map((name) => new RegExp(`^${name}(/|$)`)),
    ],
    plugins: [
      fflate,
      {
        name: "wasm-files",
        resolveId: (id) => (id.endsWith(".wasm") ? { id, external: "relative" } : null),
      },
    ],
  });
  const { output } = await bundle.write({
    dir: `${root}dist`,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    minify,
    comments: { legal: true, annotation: true, jsdoc: false },
    codeSplitting: { groups: Object.keys(input).length === 1 ? [] : [{ name: "core", test: core }] },
  });
  await bundle.close();
  for (const part of output)
    if (part.type === "chunk" && part.isEntry)
      console.log(`dist/${part.fileName}: ${part.code.length} bytes, imports ${part.imports.join(", ") || "nothing"}`);
  return output.map(({ fileName }) => fileName);
}

/** The declarations that those of the entries lead to, themselves included. @returns {string[]} */
function declarations() {
  const found = new Set(targets.filter((path) => path.endsWith(".d.ts")));
  for (const path of found) {
    for (const { fileName } of ts.preProcessFile(readFileSync(`${root}dist/${path}`, "utf8")).importedFiles)
      if (fileName.startsWith(".")) found.add(posix.join(posix.dirname(path), fileName).replace(/\.js$/, ".d.ts"));
  }
  return [...found];
}

const written = await write(entries([manifest.exports, manifest.bin]));
for (const [name, source] of Object.entries(entries(manifest.imports))) written.push(...(await write({ [name]: source })));

const kept = new Set([...written, ...targets, ...declarations()]);
for (const found of readdirSync(`${root}dist`, { recursive: true, encoding: "utf8" })) {
  const path = found.replaceAll("\\", "/");
  const isFolder = statSync(`${root}dist/${path}`, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder ? [...kept].some((file) => file.startsWith(`${path}/`)) : kept.has(path)) continue;
  rmSync(`${root}dist/${path}`, { recursive: true, force: true });
}
