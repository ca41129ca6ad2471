/**
 * Every program in the README is a program: it type-checks against the built package, runs in Node, and prints what its
 * `// prints ...` comments say. Needs `npm run build`.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Inside the package, so that its own name resolves through its `exports`. */
mkdirSync(`${root}dist`, { recursive: true });
const folder = mkdtempSync(join(root, "dist", "readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const programs = [...readFileSync(`${root}README.md`, "utf8").matchAll(/^```(ts|js)\n([\s\S]*?)^```$/gm)].map(
  ([, language = "", code = ""], index) => ({
    name: `program ${index + 1}: ${code.trim().split("\n")[0]}`,
    index,
    language,
    code,
  }),
);

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
  types: ["node"],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
};

describe("README", () => {
  it("has programs", () => {
    expect(programs.length).toBeGreaterThan(0);
    expect(programs[0]?.code).toContain("unwrapKeyBlock");
  });

  it.each(programs.filter(({ language }) => language === "ts"))("$name: type-checks", ({ index, code }) => {
    const file = join(folder, `checked-${index}.mts`);
    writeFileSync(file, code);
    const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([file], options));
    expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  });

  it.each(programs)("$name: runs and prints what it says", async ({ index, code }) => {
    const file = join(folder, `run-${index}.mjs`);
    writeFileSync(file, ts.transpileModule(code, { compilerOptions: options, fileName: "program.mts" }).outputText);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder, timeout: 30_000 });
    const expected = [...code.matchAll(/\/\/ prints (.*)$/gm)].map((match) => match[1] ?? "");
    expect(stdout.trimEnd().split("\n")).toEqual(expected);
  });
});
