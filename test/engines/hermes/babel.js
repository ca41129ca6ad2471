/** React Native's Babel preset over a script, in a process of its own, because it takes seconds: `node babel.js SCRIPT RESULT`. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import babel from "@babel/core";

const [from = "", to = ""] = process.argv.slice(2);
const preset = fileURLToPath(import.meta.resolve("@react-native/babel-preset"));
const result = await babel.transformAsync(readFileSync(from, "utf8"), {
  filename: from,
  babelrc: false,
  configFile: false,
  sourceType: "script",
  comments: false,
  compact: true,
  // One file: no modules to turn into calls of `require`, and no runtime to require.
  presets: [[preset, { disableImportExportTransform: true, enableBabelRuntime: false }]],
});
writeFileSync(to, /** @type {string} */ (result?.code));
