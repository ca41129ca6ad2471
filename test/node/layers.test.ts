/** The layer rule holds for the sources, and the checker finds a violation of each kind when one is planted. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkLayers, circles, staticGraph } from "../layers.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

function readSources(): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of ["assembly", "ts"]) {
    for (const entry of readdirSync(root + folder, { recursive: true, encoding: "utf8" })) {
      const path = `${folder}/${entry.replaceAll("\\", "/")}`;
      if (path.endsWith(".ts") && !path.endsWith(".generated.ts")) files.set(path, readFileSync(root + path, "utf8"));
    }
  }
  return files;
}

const sources = readSources();

describe("layers", () => {
  it("hold", () => {
    expect(sources.has("ts/index.ts")).toBe(true);
    expect(checkLayers(sources)).toEqual([]);
  });

  it("have no circle, imports of types included", () => {
    expect(circles(sources)).toEqual([]);
    const planted = new Map(sources).set("ts/base/bytes.ts", 'import type { x } from "./timestamp.js";');
    planted.set("ts/base/timestamp.ts", 'import type { x } from "./bytes.js";');
    expect(circles(planted)).toEqual([["ts/base/bytes.ts", "ts/base/timestamp.ts"]]);
  });

  it("keep noble, jose, the mock, the client and Node out of the static graph of `.`", () => {
    const graph = [...staticGraph(sources, "ts/index.ts")];
    expect(graph).toContain("ts/core/keys/key.ts");
    expect(graph).toContain("ts/backend/wasm/module-inline.ts");
    expect(graph.filter((path) => /^(@noble|jose|node:)|\/(mock|client|cli)\/|(noble|mvp)\.ts$/.test(path))).toEqual([]);
  });

  /** Chrome 61, the oldest WebView that the README names, has none of these. `hasOwn` of base/arguments.ts is a function of ours. */
  const LATER =
    /\.(?:flatMap|flat|replaceAll|matchAll|at|finally|trimStart|trimEnd|findLast|findLastIndex|toSorted|toReversed)\(|\b(?:Object\.(?:fromEntries|hasOwn|groupBy)|Promise\.(?:allSettled|any)|structuredClone)\b/;
  const laterIn = (files: ReadonlyMap<string, string>): string[] =>
    [...files].flatMap(([file, text]) =>
      /^ts\/(?:index\.ts|base\/|core\/|backend\/(?!noble\/)|client\/(?!store\/file))/.test(file)
        ? text
            .split("\n")
            .flatMap((line, i) => (/^\s*(?:\*|\/\*|\/\/)/.test(line) || !LATER.test(line) ? [] : [`${file}:${i + 1}`]))
        : [],
    );

  it("keep what old WebViews load free of later built-ins", () => {
    expect(laterIn(sources)).toEqual([]);
    expect(laterIn(new Map([["ts/core/x.ts", "\nconst y = [1].flatMap((z) => z);"]]))).toEqual(["ts/core/x.ts:2"]);
    expect(laterIn(new Map([["ts/client/x.ts", "const y = Object.fromEntries([]);"]]))).toEqual(["ts/client/x.ts:1"]);
  });

  const planted: readonly [string, string, string][] = [
    ["assembly/aes/cipher.ts", 'import { x } from "../../ts/base/bytes";', "imports ts/base/bytes.ts (base)"],
    ["ts/base/bytes.ts", 'import { x } from "../core/keys/key.js";', "imports ts/core/keys/key.ts (core)"],
    ["ts/backend/wasm/wasm.ts", 'import { x } from "../../core/keys/key.js";', "imports ts/core/keys/key.ts (core)"],
    ["ts/backend/wasm/wasm.ts", 'import { gcm } from "@noble/ciphers/aes.js";', "imports @noble/ciphers/aes.js"],
    ["ts/core/keys/key.ts", 'import type { x } from "../../client/terminal.js";', "imports ts/client/terminal.ts (client)"],
    ["ts/core/keys/key.ts", 'export * from "../../mock/server.js";', "imports ts/mock/server.ts (mock)"],
    ["ts/core/keys/key.ts", 'const x = await import("node:crypto");', "imports node:crypto"],
    ["ts/core/keys/key.ts", "const x = Buffer.alloc(1);", "uses the global Buffer"],
    ["ts/client/terminal.ts", 'import { x } from "../mock/server.js";', "imports ts/mock/server.ts (mock)"],
    ["ts/client/terminal.ts", 'import { jwtVerify } from "jose";', "imports jose"],
    ["ts/mock/server.ts", 'import { x } from "../cli/main.js";', "imports ts/cli/main.ts (cli)"],
    ["ts/core/envelope/envelope.ts", 'import { x } from "left-pad";', "imports left-pad"],
  ];

  it.each(planted)("a violation planted in %s is found: %s", (file, text, expected) => {
    const found = checkLayers(new Map([[file, text]]));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it("a static import of noble planted in select.ts is found in the graph", () => {
    const files = new Map([
      ["ts/index.ts", 'export { loadCrypto } from "./backend/select.js";'],
      ["ts/backend/select.ts", 'import { noble } from "./noble/noble.js";'],
      ["ts/backend/noble/noble.ts", 'import { cbc } from "@noble/ciphers/aes.js";'],
    ]);
    expect([...staticGraph(files, "ts/index.ts")]).toContain("@noble/ciphers/aes.js");
    const lazy = new Map(files).set("ts/backend/select.ts", 'const { noble } = await import("./noble/noble.js");');
    expect([...staticGraph(lazy, "ts/index.ts")]).not.toContain("@noble/ciphers/aes.js");
  });
});
