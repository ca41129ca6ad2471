/** Metro, as React Native's release build calls it: `node metro.js PROJECT ENTRY RESULT`, the entry by its path in the project. */
import { realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, runBuild } from "metro";

const [folder = "", entry = "", to = ""] = process.argv.slice(2);
const project = realpathSync(folder);
const preset = fileURLToPath(import.meta.resolve("@react-native/babel-preset"));
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
writeFileSync(
  join(project, "babel.config.cjs"),
  `module.exports = { presets: [[${JSON.stringify(preset)}, { enableBabelRuntime: false }]] };`,
);

const config = await loadConfig(
  { cwd: project },
  {
    projectRoot: project,
    // What Metro itself adds to a bundle is beside it, not in the project.
    watchFolders: [modules],
    resolver: { nodeModulesPaths: [modules] },
    cacheStores: [],
    fileMapCacheDirectory: project,
    resetCache: true,
    maxWorkers: 1,
    reporter: { update() {} },
  },
);
const { code } = await runBuild(config, { entry, platform: "android", dev: false, minify: false });
writeFileSync(to, code);
