/** Every error code is used in the library, explained in docs/errors.md, and expected by at least one test. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

function textOf(folder: string, except: readonly string[]): string {
  return readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(ts|js)$/.test(path) && !/\bnode_modules\b/.test(path) && !except.includes(basename(path)))
    .map((path) => readFileSync(`${root}${folder}/${path}`, "utf8"))
    .join("\n");
}

const declared = [...readFileSync(`${root}ts/base/errors.ts`, "utf8").matchAll(/^\s*\| "(ERR_[A-Z_]+)"/gm)].map(
  (match) => match[1] ?? "",
);
const library = textOf("ts", ["errors.ts"]);
/** A code in a list of codes, or in the assertions themselves, is not a test that expects it. */
const tests = textOf("test", ["errors-table.test.ts", "harness.ts"]);
const rows = new Map(
  readFileSync(`${root}docs/errors.md`, "utf8")
    .split("\n")
    .map((line) => /^\| `(ERR_[A-Z_]+)` \|(.*)\|$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => [match[1] ?? "", (match[2] ?? "").split("|").map((cell) => cell.trim())]),
);

describe("error codes", () => {
  it("are declared once", () => {
    expect(declared.length).toBeGreaterThan(30);
    expect(new Set(declared).size).toBe(declared.length);
  });

  it("are in the table of docs/errors.md in the order of ts/base/errors.ts, and no others", () => {
    expect([...rows.keys()]).toEqual(declared);
  });

  it.each(declared)("%s has a meaning, somebody who acts, and a word on retrying", (code) => {
    const cells = rows.get(code) ?? [];
    expect(cells).toHaveLength(3);
    for (const cell of cells) expect(cell).not.toBe("");
  });

  it.each(declared)("%s is used in ts/", (code) => {
    const pattern = code === "ERR_INVALID_ARGUMENT" ? "invalidArgument(" : `"${code}"`;
    expect(library.includes(pattern)).toBe(true);
  });

  it.each(declared)("%s is expected by a test", (code) => {
    expect(tests.includes(`"${code}"`)).toBe(true);
  });

  it("that tests or sources name are declared", () => {
    const named = new Set([...`${library}\n${tests}`.matchAll(/"(ERR_[A-Z_]+)"/g)].map((match) => match[1] ?? ""));
    expect([...named].filter((code) => !declared.includes(code))).toEqual([]);
  });
});
