/**
 * Every program in the README is a program: it type-checks against the built package, runs, and prints what its comments say.
 * Nothing else is in a fence but the output of a command.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { type Block, blocksOf, makeProject, promisedOutput } from "../documented-programs.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = readFileSync(`${root}README.md`, "utf8");
const blocks = blocksOf(text, "README.md");
const programs = blocks.filter(({ language }) => ["ts", "js", "sh"].includes(language));

/** Node has no native modules of a phone: its CSPRNG stands in for Expo's, under the documented name. */
const expo = {
  "expo-crypto/package.json": JSON.stringify({ name: "expo-crypto", type: "module", main: "index.js", types: "index.d.ts" }),
  "expo-crypto/index.js": 'export { randomBytes as getRandomBytes } from "node:crypto";\n',
  "expo-crypto/index.d.ts": "export declare function getRandomBytes(byteCount: number): Uint8Array;\n",
};

/** The first cells of the table that the runs of the engines have written, and what recipes name as theirs. */
const table = /<!-- engines:begin -->\n([\s\S]*?)<!-- engines:end -->/.exec(text)?.[1] ?? "";
const engines = table.split("\n").flatMap((line) => /^\| ([^|]+?) +\|/.exec(line)?.[1] ?? []);
const backing = [...text.matchAll(/^Rows?: ([\s\S]*?)\n\n/gm)].flatMap((line) =>
  [...(line[1] ?? "").matchAll(/\*([^*]+)\*/g)].map((name) => name[1]),
);

describe("recipes", () => {
  it("name rows of the table of engines", () => {
    expect(backing.length).toBeGreaterThan(10);
    expect(backing.filter((name) => !engines.includes(name ?? ""))).toEqual([]);
  });
});

describe("README", () => {
  const project = makeProject(expo);
  afterAll(() => project.remove());
  const typed = programs.filter(({ language }) => language === "ts");
  let complaints: Map<string, string[]> | undefined;

  it("has programs, and nothing in a fence that is neither a program nor text", () => {
    expect(programs[0]?.code).toContain("unwrapKeyBlock");
    expect(blocks.map(({ language }) => language).filter((language) => !["ts", "js", "sh", "text"].includes(language))).toEqual(
      [],
    );
  });

  it("promises output of every program", () => {
    expect(programs.filter((block) => promisedOutput(block).length === 0)).toEqual([]);
  });

  it.each(typed)("$place: type-checks", ({ place }) => {
    complaints ??= project.check(typed);
    expect(complaints.get(place) ?? []).toEqual([]);
    expect(complaints.get("elsewhere") ?? []).toEqual([]);
  });

  it.concurrent.each<Block>(programs)("$place: runs and prints what it says", async (block) => {
    expect(await project.run(block)).toEqual(promisedOutput(block));
  });
});
