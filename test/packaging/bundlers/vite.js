/** Vite 8, which bundles by rolldown and minifies by oxc, as an app's production build. */
import { join } from "node:path";
import { tool } from "../tools.js";
import { bundleOf } from "./rollup.js";

/** @type {import("./bundle.js").Bundler} */
export async function bundleWithVite({ project, entry, minify }) {
  const vite = await tool("vite");
  const folder = join(project, "out-vite", entry);
  const { output } = await vite.build({
    configFile: false,
    envFile: false,
    root: project,
    logLevel: "error",
    build: {
      outDir: folder,
      target: "es2022",
      minify,
      modulePreload: false,
      rolldownOptions: { input: join(project, entry) },
    },
  });
  return bundleOf(output, folder);
}
