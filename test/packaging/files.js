/** The tarball's content: the files of files.txt, nothing stale, nothing that no entry reaches, no source and no test. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { must } from "./tally.js";
import { folder, root } from "./tools.js";

/**
 * @param {import("./tally.js").Tally} tally
 * @param {{ tarball: string, library: string }} packed
 */
export async function checkFiles({ check }, { tarball, library }) {
  const files = packedFiles(tarball);
  const manifest = JSON.parse(readFileSync(join(library, "package.json"), "utf8"));

  await check("the tarball holds the files of files.txt, no other and no fewer", () => {
    const lines = readFileSync(join(folder, "files.txt"), "utf8").split("\n");
    const patterns = lines
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => ({ line, expression: glob(line) }));
    const unnamed = files.filter((file) => !patterns.some(({ expression }) => expression.test(file)));
    const unused = patterns.filter(({ expression }) => !files.some((file) => expression.test(file)));
    must(unnamed.length === 0, `not in files.txt: ${unnamed.join(", ")}`);
    must(unused.length === 0, `named by files.txt, but not packed: ${unused.map(({ line }) => line).join(", ")}`);
    return `${files.length} files`;
  });

  await check("the tarball holds no source, no test and no map", () => {
    const wrong = files.filter((file) =>
      /(?<!\.d)\.ts$|\.map$|\.test\.|\.spec\.|^(?:assembly|ts|test|bench|vectors)\//.test(file),
    );
    must(wrong.length === 0, wrong.join(", "));
  });

  await check("every declaration has its source", () => {
    const stale = files.filter(
      (file) => /^dist\/.*\.d\.ts$/.test(file) && file !== "dist/wasm/module.d.ts" && !existsSync(sourceOf(file)),
    );
    must(stale.length === 0, `left from an earlier build: ${stale.join(", ")}`);
  });

  await check("every module and declaration is reached from an entry", () => {
    const entries = targetsOf([manifest.exports, manifest.imports, manifest.bin]).map((path) => posix.normalize(path));
    const reached = reachable(library, entries);
    const lost = files.filter((file) => file.startsWith("dist/") && !reached.has(file));
    must(lost.length === 0, `beyond reach: ${lost.join(", ")}`);
  });
}

/** @param {string} tarball @returns {string[]} */
function packedFiles(tarball) {
  const list = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" });
  return list
    .split("\n")
    .filter((line) => line !== "" && !line.endsWith("/"))
    .map((line) => line.replace(/^package\//, ""))
    .sort();
}

/** @param {string} pattern */
function glob(pattern) {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*\/|\*/g, (star) => (star === "*" ? "[^/]*" : "(?:[^/]+/)*"));
  return new RegExp(`^${source}$`);
}

/** @param {string} declaration */
function sourceOf(declaration) {
  return join(root, declaration.replace(/^dist\//, "ts/").replace(/\.d\.ts$/, ".ts"));
}

/** @param {unknown} value @returns {string[]} every path under `value` */
function targetsOf(value) {
  if (typeof value === "string") return [value];
  return Object.values(/** @type {object} */ (value)).flatMap(targetsOf);
}

/**
 * What `entries` import, and what that imports. A file's imports are found by their look, in text and types alike: too much may be
 * found, never too little.
 * @param {string} library @param {string[]} entries
 */
function reachable(library, entries) {
  const present = new Set(readdirSync(library, { recursive: true, encoding: "utf8" }).map((path) => path.replaceAll("\\", "/")));
  /** @type {Set<string>} */
  const reached = new Set();
  const queue = [...entries];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (reached.has(file) || !present.has(file)) continue;
    reached.add(file);
    if (!/\.(?:js|d\.ts)$/.test(file)) continue;
    for (const [, specifier = ""] of readFileSync(join(library, file), "utf8").matchAll(
      /(?:from|import|import\()\s*"(\.[^"]+)"/g,
    )) {
      const target = posix.join(posix.dirname(file), specifier);
      queue.push(file.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target);
    }
  }
  return reached;
}
