/**
 * Bundles suite.ts for an engine, over the packed library. Cases import from `ts/`; here those imports mean the published files: entry
 * `.`, the backends' entries, and, for the few internals that cases look at, core's chunk itself with its own names laid open. So
 * there is one copy of core in the bundle, and it is the one that is published.
 */
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";
import { packedLibrary } from "./packed.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Sources that are entries of the package: their published file. */
const ENTRIES = /** @type {Record<string, string>} */ ({
  "ts/index.ts": "dist/index.js",
  "ts/core/dukpt/index.ts": "dist/core/dukpt/index.js",
  "ts/backend/noble/noble.ts": "dist/backend/noble/noble.js",
  "ts/backend/wasm/mvp.ts": "dist/backend/wasm/mvp.js",
});

/** Before a name of core's chunk that the bundle lays open: no name of its own begins so. */
const OPEN = "$open_";

/**
 * @typedef {object} BundleOptions
 * @property {"iife" | "esm"} format `iife` leaves the entry's exports in the global `posSuite`, `esm` exports them
 * @property {string} [target] syntax to come down to, as rolldown's `transform.target`: `es2020` for Node 14. Default `es2022`
 * @property {string[]} [conditions] conditions of package.json besides `import` and `default`, such as `workerd`
 * @property {string} [entry] default suite.ts, from the folder of this file
 * @property {"inside" | "import"} [library] whether the library becomes part of the bundle, or stays an import of the package's name
 */

/**
 * The suite, or another entry, as one script. A `.wasm` file that the library imports stays an import of its base name.
 * @param {BundleOptions} options
 * @returns {Promise<string>}
 */
export async function bundleSuite({ format, target = "es2022", conditions = [], entry = "suite.ts", library = "inside" }) {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(entry, import.meta.url)),
    platform: "neutral",
    resolve: { conditionNames: [...conditions, "import", "default"] },
    transform: { target },
    plugins: [library === "inside" ? publishedFiles(packedLibrary().library) : packageName],
    // A slow machine is no fault of the bundle.
    checks: { bundlerTimings: false },
    onwarn: (warning) => {
      throw new Error(`bundling ${entry}: ${warning.message}`);
    },
  });
  const { output } = await bundle.generate({ format, name: "posSuite", codeSplitting: false, comments: false });
  await bundle.close();
  if (output.length !== 1) throw new Error(`bundling ${entry} made ${output.length} files`);
  return output[0].code;
}

/** Entry `.` by the package's name. @type {import("rolldown").Plugin} */
const packageName = {
  name: "package-name",
  resolveId: (id) => (id.endsWith("/ts/index.js") ? { id: "viopay-pos-crypto", external: true } : null),
};

/** @param {string} library the folder of the packed library @returns {import("rolldown").Plugin} */
function publishedFiles(library) {
  const core = join(library, "dist", "chunks", "core.js");
  return {
    name: "published-files",
    resolveId(id, importer) {
      if (id.endsWith(".wasm")) return { id: `./${basename(id)}`, external: true };
      if (importer === undefined || !id.startsWith(".")) return null;
      const source = sourceFile(resolve(importer, "..", id));
      if (source === undefined) return null;
      const entry = ENTRIES[source];
      return entry === undefined ? `\0${source}` : join(library, entry);
    },
    load(id) {
      // A text costs every engine less to read than an expression of a megabyte, and compilers of syntax leave it alone.
      if (id.endsWith(".json")) {
        return { code: `export default JSON.parse(${JSON.stringify(readFileSync(id, "utf8"))});`, moduleType: "js" };
      }
      if (id === core) return openedCore(core);
      if (!id.startsWith("\0ts/")) return null;
      const inCore = declaredNames(readFileSync(core, "utf8"));
      // A name that two modules declare is renamed in the chunk, and which of them it was can no longer be told.
      const names = exportedNames(id.slice(1)).filter((name) => inCore.includes(name) && !inCore.includes(`${name}$1`));
      const list = names.map((name) => `${OPEN}${name} as ${name}`).join(", ");
      return { code: `export { ${list} } from ${JSON.stringify(core)};`, moduleType: "js" };
    },
  };
}

/** `ts/...` of a file below it. @param {string} path @returns {string | undefined} */
function sourceFile(path) {
  const folder = join(root, "ts");
  if (!path.startsWith(folder)) return undefined;
  return `ts${path.slice(folder.length).replaceAll("\\", "/")}`.replace(/\.js$/, ".ts");
}

/** @param {string} core */
function openedCore(core) {
  const code = readFileSync(core, "utf8");
  const list = declaredNames(code).map((name) => `${name} as ${OPEN}${name}`);
  return `${code}\nexport { ${list.join(", ")} };\n`;
}

/** Names that a module declares at its top. @param {string} code @returns {string[]} */
function declaredNames(code) {
  return parseAst(code, { lang: "js" }).body.flatMap(namesOf);
}

/** Values that a source exports, by declaration or from another under the same name. @param {string} source @returns {string[]} */
function exportedNames(source) {
  const { body } = parseAst(readFileSync(join(root, source), "utf8"), { lang: "ts" });
  return body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration") return [];
    const again = node.specifiers.flatMap(({ local, exported }) =>
      local.type === "Identifier" && exported.type === "Identifier" && local.name === exported.name ? [local.name] : [],
    );
    return node.declaration ? namesOf(node.declaration) : again;
  });
}

/** @param {any} node a statement of the syntax tree @returns {string[]} */
function namesOf(node) {
  if (node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") return [node.id.name];
  if (node.type !== "VariableDeclaration") return [];
  return node.declarations.map((/** @type {any} */ { id }) => {
    if (id.type !== "Identifier") throw new Error("a declaration at the top takes something apart");
    return id.name;
  });
}
