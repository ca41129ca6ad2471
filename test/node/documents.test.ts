/**
 * The documents: every program in README.md and below docs/ type-checks against the built package, runs, and prints what its comments
 * say; every console shows output that the command really has; every relative link leads to a file, and to a heading, that exists.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { ENDPOINTS } from "../../ts/core/protocol/endpoints.js";
import { type Block, blocksOf, makeProject, promisedOutput } from "../documented-programs.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What a reader of README has to take in before they leave for docs/. */
const LONGEST_README = 10_240;

const below = readdirSync(`${root}docs`, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".md"))
  .map((path) => `docs/${path.replaceAll("\\", "/")}`);
const names = ["README.md", ...below.sort()];
const texts = new Map([...names, "CONTRIBUTING.md", "SECURITY.md"].map((name) => [name, readFileSync(root + name, "utf8")]));
const textOf = (name: string): string => texts.get(name) ?? "";

const blocks = names.flatMap((name) => blocksOf(textOf(name), name));
const programs = blocks.filter(({ language }) => ["ts", "js", "sh"].includes(language));
const consoles = blocks.filter(({ language }) => language === "console");

/** Packages that a recipe imports and that Node has no use for: its CSPRNG is Expo's here, under the documented name. */
const strangers = {
  "expo-crypto/package.json": JSON.stringify({ name: "expo-crypto", type: "module", main: "index.js", types: "index.d.ts" }),
  "expo-crypto/index.js": 'export { randomBytes as getRandomBytes } from "node:crypto";\n',
  "expo-crypto/index.d.ts": "export declare function getRandomBytes(byteCount: number): Uint8Array;\n",
};

describe("programs", () => {
  const project = makeProject(strangers);
  afterAll(() => project.remove());
  const typed = programs.filter(({ language }) => language === "ts");
  let complaints: Map<string, string[]> | undefined;

  it("are in fences of a known kind, and README begins with one", () => {
    const known = ["ts", "js", "sh", "console", "json", "text"];
    expect(programs[0]?.code).toContain("unwrapKeyBlock");
    expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([]);
  });

  it("promise their output", () => {
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

  it.concurrent.each<Block>(consoles)("$place: shows what the command prints", async (block) => {
    const [command = "", ...shown] = block.code.trimEnd().split("\n");
    const words = (line: string): string => line.replace(/\s+/g, " ").trim();
    expect(command).toMatch(/^\$ (npx )?viopay-pos /);
    const output = await project.run({ ...block, language: "sh", code: command.replace(/^\$ (npx )?/, "") });
    const printed = output.map(words);
    const notPrinted: string[] = [];
    let from = 0;
    let elided = false;
    for (const line of shown) {
      if (line === "...") {
        elided = true;
        continue;
      }
      const at = printed.indexOf(words(line), from);
      if (at < 0 || (!elided && at > from)) notPrinted.push(line);
      else from = at + 1;
      elided = false;
    }
    expect(notPrinted).toEqual([]);
    expect(elided || from === printed.length).toBe(true);
  });
});

describe("recipes", () => {
  /** The first cells of the table that the runs of the engines write, and the rows that recipes name. */
  const engines = textOf("docs/engines.md");
  const table = /<!-- engines:begin -->\n([\s\S]*?)<!-- engines:end -->/.exec(engines)?.[1] ?? "";
  const rows = table.split("\n").flatMap((line) => /^\| ([^|]+?) +\|/.exec(line)?.[1] ?? []);
  const named = [...engines.matchAll(/^Rows?: ([\s\S]*?)\n\n/gm)].flatMap((line) =>
    [...(line[1] ?? "").matchAll(/\*([^*]+)\*/g)].map((name) => name[1]),
  );

  it("name rows of the table of engines", () => {
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !rows.includes(name ?? ""))).toEqual([]);
  });
});

/** The anchor of a heading, as GitHub and npm make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/** What is wrong with a relative link in the document `name`; undefined for addresses elsewhere and for links that lead somewhere. */
function brokenLink(name: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? name : posix.join(posix.dirname(name), path);
  if (!existsSync(root + target)) return `${name}: ${link} leads nowhere`;
  if (anchor === undefined || !statSync(root + target).isFile()) return undefined;
  const headings = readFileSync(root + target, "utf8")
    .replace(/^```[\s\S]*?^```$/gm, "")
    .matchAll(/^#+ (.*)$/gm);
  const anchors = [...headings].map((heading) => anchorOf(heading[1] ?? ""));
  return anchors.includes(anchor) ? undefined : `${name}: ${link} names no heading`;
}

/** Paths of the repository that a text names in code style, patterns aside. */
function pathsIn(text: string): string[] {
  const quoted = [...text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
  const words = quoted.flatMap((code) => code.split(" "));
  return words.filter((word) => /^(?:ts|test|assembly|bench|vectors|docs)\/[\w./-]*$/.test(word));
}

describe("paths", () => {
  const named = [...texts].flatMap(([name, text]) => pathsIn(text).map((path) => ({ name, path })));

  it("that documents name exist", () => {
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ path }) => !existsSync(root + path))).toEqual([]);
    expect(pathsIn("`npx vitest run test/node/nowhere.test.ts` and `ts/*.ts`")).toEqual(["test/node/nowhere.test.ts"]);
  });
});

/** What a reader of the package has, as package.json lists it. */
function isPublished(path: string): boolean {
  const { files } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { files: string[] };
  return files.some((entry) => path === entry || path.startsWith(`${entry}/`));
}

const links = [...texts].flatMap(([name, text]) => {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ name, link: match[1] ?? "" }));
});

describe("links", () => {
  it("lead to files and headings that exist", () => {
    expect(links.length).toBeGreaterThan(30);
    expect(links.flatMap(({ name, link }) => brokenLink(name, link) ?? [])).toEqual([]);
  });

  it("that lead nowhere are found", () => {
    expect(brokenLink("README.md", "docs/nowhere.md")).toBe("README.md: docs/nowhere.md leads nowhere");
    expect(brokenLink("docs/errors.md", "../README.md#no-such-heading")).toContain("names no heading");
  });

  it("of the package's documents lead to what the package holds, plots aside", () => {
    const ours = links.filter(({ name, link }) => name !== "CONTRIBUTING.md" && !/^([a-z]+:|#)|\.svg$/.test(link));
    const targets = ours.map(({ name, link }) => ({ name, target: posix.join(posix.dirname(name), link.split("#")[0] ?? "") }));
    expect(targets.filter(({ target }) => !isPublished(target))).toEqual([]);
  });

  it("reach every document from README", () => {
    const reached = new Set(["README.md"]);
    for (const from of reached) {
      for (const { name, link } of links) {
        if (name === from && !/^[a-z]+:/.test(link)) reached.add(posix.join(posix.dirname(name), link.split("#")[0] ?? ""));
      }
    }
    expect([...texts.keys()].filter((name) => !reached.has(name))).toEqual([]);
  });
});

describe("docs/protocol.md", () => {
  const protocol = textOf("docs/protocol.md");
  const settled = protocol.slice(protocol.indexOf("## Settled details"));
  const numbers = [...settled.matchAll(/^(\d+)\. /gm)].map((match) => Number(match[1]));
  /** Says how a member of an answer is to be read: nothing that a test could do. */
  const untested = [13];

  it("has the table of endpoints that the code has", () => {
    const rows = [...protocol.matchAll(/^\| ([a-z-]+) \| `(GET|POST) ([^`]+)` \| ([a-z]+) \| (.*)\|$/gm)];
    expect(
      rows.map(([, step, method, path, authentication, sealed = ""]) => {
        return { step, method, path, authentication, sealed: sealed.match(/[A-Z0-9-]+/g) ?? [] };
      }),
    ).toEqual(ENDPOINTS);
  });

  it("numbers its settled details, each of which a test cites", () => {
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    const files = readdirSync(`${root}test/protocol`).map((name) => readFileSync(`${root}test/protocol/${name}`, "utf8"));
    const citations = files.flatMap((text) => [...text.matchAll(/settled details? ([\d, and]+)/gi)]);
    const cited = new Set(citations.flatMap((match) => match[1]?.match(/\d+/g)?.map(Number) ?? []));
    expect([...cited].filter((number) => !numbers.includes(number))).toEqual([]);
    expect(numbers.filter((number) => !cited.has(number))).toEqual(untested);
  });
});

describe("README", () => {
  it(`has at most ${LONGEST_README.toLocaleString("en")} bytes`, () => {
    expect(Buffer.byteLength(textOf("README.md"))).toBeLessThanOrEqual(LONGEST_README);
  });
});
