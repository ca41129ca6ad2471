/**
 * Writes dist/**\/*.js with rolldown: a file for every entry that package.json names, core in one chunk, the rest shared as
 * needed. A process that opens one envelope loads three files, where a file for every module would be forty. Type declarations
 * come from tsc. Dependencies stay imports, but for fflate.
 *
 * fflate computes tables of 100 KB when it is loaded: more than half of what the import of core would cost, for gzip alone. A
 * static import cannot wait and an asynchronous one does not suit synchronous functions, so its two functions in use are put
 * behind one that makes them at first use.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));

/** @param {unknown} value @returns {string[]} every path under `value` */
function targetsOf(value) {
  if (typeof value === "string") return [value];
  return Object.values(/** @type {object} */ (value)).flatMap(targetsOf);
}

/** Entries by their place in dist. @returns {Record<string, string>} */
function entries() {
  const targets = targetsOf([manifest.exports, manifest.imports, manifest.bin]);
  const names = targets.map((path) => /^(?:\.\/)?dist\/(.+)\.js$/.exec(path)?.[1]).filter((name) => name !== undefined);
  return Object.fromEntries(names.map((name) => [name, `${root}ts/${name}.ts`]));
}

/** What entry `.` consists of: not the other layers, not noble, not the module's bytes behind `#wasm`. */
const core =
  /[\\/]ts[\\/](?:[^\\/]+|keyblock[\\/].+|pin[\\/].+|backend[\\/](?:contract|embedded|select|self-test|wasm(?:-ciphers|-envelopes|-module)?)\.ts)$/;

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

const input = entries();
for (const source of Object.values(input))
  if (!existsSync(source)) throw new Error(`package.json names what ${source} should be`);
for (const file of /** @type {string[]} */ (readdirSync(`${root}dist`, { recursive: true }))) {
  if (file.endsWith(".js")) rmSync(`${root}dist/${file}`);
}

const bundle = await rolldown({
  input,
  platform: "neutral",
  transform: { target: "es2022" },
  external: [
    /^node:/,
    /^#wasm$/,
    ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
      .filter((name) => name !== "fflate")
      .map((name) => new RegExp(`^${name}(/|$)`)),
  ],
  plugins: [
    await lazyFflate(),
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
  comments: { legal: true, annotation: true, jsdoc: false },
  codeSplitting: { groups: [{ name: "core", test: core }] },
});
await bundle.close();
for (const part of output)
  if (part.type === "chunk" && part.isEntry)
    console.log(`dist/${part.fileName}: ${part.code.length} bytes, imports ${part.imports.join(", ") || "nothing"}`);
