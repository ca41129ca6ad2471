/**
 * Programs out of documents: the fenced blocks of a text, checked and run in a project that has the built package installed, by
 * people's own means (`import "viopay-pos-crypto"`, `viopay-pos` on the path). Needs `npm run build`.
 *
 * A program says what it prints in comments, `// prints ...` or `# prints ...`, one for each line of its output.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";

const root = fileURLToPath(new URL("../", import.meta.url));

export interface Block {
  /** What follows the fence: `ts`, `js`, `sh`, `text`. */
  readonly language: string;
  readonly code: string;
  /** Where it is, for the names of tests. */
  readonly place: string;
}

/** All fenced blocks of a text. `place`: what the text is called; its lines are counted from `firstLine`. */
export function blocksOf(text: string, place: string, firstLine = 1): Block[] {
  const blocks: Block[] = [];
  for (const match of text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const line = firstLine + text.slice(0, match.index).split("\n").length;
    blocks.push({ language: match[1] ?? "", code: match[2] ?? "", place: `${place}:${line}` });
  }
  if ((text.match(/^```/gm)?.length ?? 0) !== 2 * blocks.length) throw new Error(`a fenced block of ${place} has no end`);
  return blocks;
}

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noEmit: true,
  skipLibCheck: true,
};

export interface Project {
  /** Complaints of TypeScript by the place of the block, in one run for all of them. */
  check(blocks: readonly Block[]): Map<string, string[]>;
  /** Runs a block in a process and a folder of its own. Rejects unless it ends well. Returns the lines printed. */
  run(block: Block): Promise<string[]>;
  remove(): void;
}

/** An empty project whose node_modules has the package, Node's types, and `others`: file name in node_modules, content. */
export function makeProject(others: Readonly<Record<string, string>> = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), "viopay-pos-crypto-documents-"));
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@types"), { recursive: true });
  mkdirSync(join(modules, ".bin"));
  symlinkSync(root, join(modules, "viopay-pos-crypto"), "junction");
  symlinkSync(join(root, "node_modules", "@types", "node"), join(modules, "@types", "node"), "junction");
  writeFileSync(
    join(modules, ".bin", "viopay-pos"),
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, "dist", "cli", "main.js")}" "$@"\n`,
    { mode: 0o755 },
  );
  for (const [name, content] of Object.entries(others)) {
    mkdirSync(join(modules, name, ".."), { recursive: true });
    writeFileSync(join(modules, name), content);
  }
  let count = 0;
  return {
    check(blocks) {
      const places = new Map(
        blocks.map((block, i) => {
          const file = join(folder, `checked-${i}.mts`);
          writeFileSync(file, block.code);
          return [file, block.place];
        }),
      );
      const complaints = new Map<string, string[]>();
      for (const { file, messageText } of ts.getPreEmitDiagnostics(ts.createProgram([...places.keys()], options))) {
        const place = places.get(file?.fileName ?? "") ?? "elsewhere";
        complaints.set(place, [...(complaints.get(place) ?? []), ts.flattenDiagnosticMessageText(messageText, "\n")]);
      }
      return complaints;
    },
    async run({ language, code }) {
      const place = join(folder, `run-${count++}`);
      mkdirSync(place);
      const shell = language === "sh";
      const file = join(place, shell ? "program.sh" : "program.mjs");
      const typed = () => ts.transpileModule(code, { compilerOptions: options, fileName: "program.mts" }).outputText;
      writeFileSync(file, language === "ts" ? typed() : code);
      const { stdout } = await promisify(execFile)(shell ? "sh" : process.execPath, shell ? ["-eu", file] : [file], {
        cwd: place,
        timeout: 30_000,
        env: { ...process.env, PATH: `${join(modules, ".bin")}${delimiter}${process.env["PATH"] ?? ""}`, NO_COLOR: "1" },
      });
      return stdout === "" ? [] : stdout.trimEnd().split("\n");
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a block says that it prints. */
export function promisedOutput({ code }: Block): string[] {
  return [...code.matchAll(/(?:\/\/|#) prints (.*)$/gm)].map((match) => match[1] ?? "");
}
