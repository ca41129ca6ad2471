/**
 * Metro with React Native's Babel preset: one script for Hermes' syntax, `import()` included in it. Metro looks only into folders
 * that it watches: the project, and what its own runtime needs.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { modules, tool } from "../tools.js";

const { resolve } = createRequire(import.meta.url);

/** @type {import("./bundle.js").Bundler} */
export async function bundleWithMetro({ project, entry, minify }) {
  const metro = await tool("metro");
  const folder = join(project, "out-metro");
  const config = await metro.loadConfig(
    { cwd: project },
    {
      projectRoot: project,
      watchFolders: [project, ...["metro-runtime", "@babel/runtime"].map((name) => dirname(resolve(`${name}/package.json`)))],
      cacheStores: [],
      maxWorkers: 1,
      reporter: { update() {} },
      resolver: { nodeModulesPaths: [modules], extraNodeModules: { "@babel/runtime": join(modules, "@babel/runtime") } },
      transformer: {
        babelTransformerPath: resolve("@react-native/metro-babel-transformer"),
        getTransformOptions: async () => ({ transform: { experimentalImportSupport: false, inlineRequires: true } }),
      },
    },
  );
  const out = join(folder, entry);
  mkdirSync(folder, { recursive: true });
  await metro.runBuild({ ...config, fileMapCacheDirectory: project }, { entry, out, platform: "android", dev: false, minify });
  return { folder, entry, files: [{ name: entry, code: readFileSync(out, "utf8"), imports: [], inputs: [] }] };
}
