/**
 * The documentation of the public API in the sources: every example of a docstring type-checks against the built
 * package, runs, and prints what its comments say; every exported function of core says what it throws and shows how it is used;
 * every error code named anywhere exists.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { type Block, blocksOf, makeProject, promisedOutput } from "../documented-programs.js";

const folder = fileURLToPath(new URL("../../ts/", import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".generated.ts"))
  .sort();

interface Comment {
  readonly text: string;
  readonly place: string;
  readonly line: number;
}

/** The docstrings of a file without their stars. */
function commentsOf(name: string): Comment[] {
  const source = readFileSync(folder + name, "utf8");
  return [...source.matchAll(/^[ ]*\/\*\*[\s\S]*?\*\//gm)].map((match) => ({
    text: match[0].replace(/^[ ]*\/\*\* ?|\*\/$/g, "").replace(/^[ ]*\* ?/gm, ""),
    place: `ts/${name.replaceAll("\\", "/")}`,
    line: source.slice(0, match.index).split("\n").length,
  }));
}

const comments = files.flatMap(commentsOf);
const examples = comments.flatMap(({ text, place, line }) => blocksOf(text, place, line - 1));

describe("examples in docstrings", () => {
  const project = makeProject();
  afterAll(() => project.remove());
  let complaints: Map<string, string[]> | undefined;

  it("are programs in TypeScript that promise output", () => {
    expect(examples.length).toBeGreaterThan(40);
    expect(examples.filter((example) => example.language !== "ts" || promisedOutput(example).length === 0)).toEqual([]);
  });

  it.each<Block>(examples)("$place: type-checks", ({ place }) => {
    complaints ??= project.check(examples);
    expect(complaints.get(place) ?? []).toEqual([]);
    expect(complaints.get("elsewhere") ?? []).toEqual([]);
  });

  it.concurrent.each<Block>(examples)("$place: runs and prints what it says", async (example) => {
    expect(await project.run(example)).toEqual(promisedOutput(example));
  });
});

interface Documented {
  readonly name: string;
  readonly tags: readonly string[];
  readonly text: string;
}

/** The functions that an entry exports, with their docstrings. */
function functionsOf(entry: string): Documented[] {
  const program = ts.createProgram([folder + entry], { noLib: true, module: ts.ModuleKind.NodeNext, skipLibCheck: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(folder + entry)!)!;
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const declaration = symbol.declarations?.find(ts.isFunctionDeclaration);
    if (declaration === undefined) return [];
    const docs = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc);
    const tags = docs.flatMap(({ tags: list }) => list?.map(({ tagName }) => tagName.text) ?? []);
    return [{ name: symbol.name, tags, text: docs.map((doc) => doc.getText()).join("\n") }];
  });
}

describe("the API reference", () => {
  const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));

  it("covers every entry of package.json that is JavaScript", () => {
    const targets: string[] = Object.values<{ types?: string }>(read("package.json").exports).flatMap(({ types }) => types ?? []);
    const sources = targets.filter((path) => !path.startsWith("./dist/wasm/"));
    expect(read("typedoc.json").entryPoints).toEqual(sources.map((path) => path.replace(/^\.\/dist\/(.*)\.d\.ts$/, "ts/$1.ts")));
  });
});

describe("docstrings", () => {
  const core = functionsOf("index.ts");
  const shown = (name: string): boolean => core.some((other) => other.name === name && other.tags.includes("example"));

  it.each(core)("$name has an example, or names the function whose example shows it", ({ tags, text }) => {
    const named = [...text.matchAll(/\{@link (\w+)\}/g)].map((match) => match[1] ?? "");
    expect(tags.includes("example") || named.some(shown)).toBe(true);
  });

  it.each(core)("$name says what it throws", ({ tags }) => {
    expect(tags).toContain("throws");
  });

  it("name error codes that exist", () => {
    const known: readonly string[] = readFileSync(`${folder}base/errors.ts`, "utf8").match(/(?<=\| ")ERR_[A-Z_]+(?=")/g) ?? [];
    expect(known.length).toBeGreaterThan(30);
    const unknown = comments.flatMap(({ text, place, line }) =>
      (text.match(/\bERR_[A-Z_]*[A-Z]\b(?![_*])/g) ?? [])
        .filter((code) => !known.includes(code))
        .map((code) => `${place}:${line} ${code}`),
    );
    expect(unknown).toEqual([]);
  });
});
