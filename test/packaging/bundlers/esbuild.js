/** esbuild: with chunks, `import()` stays one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tool } from "../tools.js";

/** @type {import("./bundle.js").Bundler} */
export async function bundleWithEsbuild({ project, entry, minify, chunks = true, onNode = false }) {
  const esbuild = await tool("esbuild");
  const folder = join(project, "out-esbuild", entry);
  const { metafile } = await esbuild.build({
    absWorkingDir: project,
    entryPoints: [entry],
    bundle: true,
    minify,
    splitting: chunks,
    format: "esm",
    target: "es2022",
    platform: onNode ? "node" : "browser",
    outdir: folder,
    metafile: true,
    legalComments: "none",
    logLevel: "silent",
  });
  const prefix = `out-esbuild/${entry}/`;
  const nameOf = (/** @type {string} */ path) => path.slice(prefix.length);
  const outputs = Object.entries(/** @type {Record<string, any>} */ (metafile.outputs));
  return {
    folder,
    entry: nameOf(outputs.find(([, { entryPoint }]) => entryPoint === entry)?.[0] ?? ""),
    files: outputs.map(([path, { imports, inputs }]) => ({
      name: nameOf(path),
      code: readFileSync(join(project, path), "utf8"),
      imports: imports
        .filter((/** @type {any} */ { kind }) => kind === "import-statement")
        .map((/** @type {any} */ { path: imported }) => nameOf(imported)),
      inputs: Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0),
    })),
  };
}
