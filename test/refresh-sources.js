/**
 * The table of vectors/SOURCES.md: reads it, computes what its rows should say, and, run as a program, rewrites the counts and
 * checksums. Origin and terms are written by hand: a new file gets a row with its own "source" and empty terms, which the test
 * in test/node/vectors.test.ts refuses until somebody fills them in.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../vectors/", import.meta.url);
const sources = new URL("SOURCES.md", folder);

/**
 * @typedef {{ file: string, origin: string, terms: string, count: string, sha256: string }} Row
 * @typedef {{ file: string, source: string, count: string, sha256: string }} Facts
 */

/** @returns {Row[]} The rows of the table, in its order. */
export function readRows(text = readFileSync(sources, "utf8")) {
  return text
    .split("\n")
    .filter((line) => /^\| `[^`]+` \|/.test(line))
    .map((line) => {
      const [file = "", origin = "", terms = "", count = "", sha256 = ""] = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return { file: file.replaceAll("`", ""), origin, terms, count, sha256: sha256.replaceAll("`", "") };
    });
}

/** @returns {Facts[]} What is in the folder, by name. */
export function readFacts() {
  return readdirSync(folder)
    .filter((name) => name !== "SOURCES.md")
    .sort()
    .map((file) => {
      const bytes = readFileSync(new URL(file, folder));
      const document = JSON.parse(bytes.toString("utf8"));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { file, source: String(document.source), count: String(document.vectors.length), sha256 };
    });
}

function refresh() {
  const text = readFileSync(sources, "utf8");
  const known = new Map(readRows(text).map((row) => [row.file, row]));
  const rows = readFacts().map(({ file, source, count, sha256 }) => {
    const { origin, terms } = known.get(file) ?? { origin: source.replaceAll("|", "/"), terms: "" };
    return `| \`${file}\` | ${origin} | ${terms} | ${count} | \`${sha256}\` |`;
  });
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.startsWith("|---"));
  let end = first + 1;
  while (lines[end]?.startsWith("|")) end++;
  lines.splice(first + 1, end - first - 1, ...rows);
  writeFileSync(sources, lines.join("\n"));
  process.stdout.write(`${rows.length} files\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) refresh();
