#!/usr/bin/env node
/**
 * Writes the generated files of the repository, each from its definition; every recipe proves what it writes.
 *
 *   npm run generate                     writes all of them
 *   npm run generate -- aes-lanes        writes those of one recipe
 *   npm run generate -- [name] --check   writes nothing; exit code 1 if a file is not what its recipe writes
 */
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { settle } from "./output.js";

/** Beside the recipes: this file and what they share. */
const SHARED = new Set(["generate.js", "output.js", "gf256.js"]);

const recipes = readdirSync(new URL(".", import.meta.url))
  .filter((name) => name.endsWith(".js") && !SHARED.has(name))
  .map((name) => name.slice(0, -".js".length))
  .sort();

const { values, positionals } = parseArgs({ options: { check: { type: "boolean", default: false } }, allowPositionals: true });
const unknown = positionals.filter((name) => !recipes.includes(name));
if (unknown.length > 0) {
  console.error(`there is no recipe ${unknown.join(", ")}: use ${recipes.join(", ")}`);
  process.exit(2);
}

for (const name of positionals.length > 0 ? positionals : recipes) {
  /** @type {{ generated: () => import("./output.js").Generated[] }} */
  const recipe = await import(`./${name}.js`);
  for (const path of settle(name, recipe.generated(), values.check)) {
    console.log(values.check ? `${path} is not what its recipe writes: run npm run generate -- ${name}` : `wrote ${path}`);
    if (values.check) process.exitCode = 1;
  }
}
