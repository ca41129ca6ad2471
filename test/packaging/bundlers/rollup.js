/** What rolldown (in Vite) and rollup call their output, as a `Bundle`; and rollup itself with terser. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tool } from "../tools.js";

/**
 * @param {any[]} output
 * @param {string} folder
 * @returns {import("./bundle.js").Bundle}
 */
export function bundleOf(output, folder) {
  const chunks = output.filter(({ type }) => type === "chunk");
  return {
    folder,
    entry: chunks.find(({ isEntry }) => isEntry).fileName,
    files: chunks.map(({ fileName, code, imports, modules }) => ({
      name: fileName,
      code,
      imports,
      inputs: Object.keys(modules).filter((id) => modules[id].renderedLength > 0),
    })),
  };
}

/** @type {import("./bundle.js").Bundler} */
export async function bundleWithRollup({ project, entry, minify }) {
  const { rollup } = await tool("rollup");
  const { nodeResolve } = await tool("@rollup/plugin-node-resolve");
  const terser = await tool("terser");
  const folder = join(project, "out-rollup", entry);
  const bundle = await rollup({
    input: join(project, entry),
    plugins: [
      nodeResolve({ browser: true }),
      {
        name: "terser",
        renderChunk: async (/** @type {string} */ code) =>
          minify ? (await terser.minify(code, { module: true, ecma: 2022 })).code : null,
      },
    ],
    onwarn: (/** @type {{ message: string }} */ { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({ format: "es" });
  await bundle.close();
  const result = bundleOf(output, folder);
  for (const { name, code } of result.files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), code);
  }
  return result;
}
