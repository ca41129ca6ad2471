/** The built package: its entries, its files, its binary. Needs `npm run build`. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { missingForPublishing } from "../packaging/publisher.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const binary = new Uint8Array(readFileSync(`${root}dist/wasm/viopay-pos-crypto.simd.wasm`));
const mvp = new Uint8Array(readFileSync(`${root}dist/wasm/viopay-pos-crypto.mvp.wasm`));
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const run = promisify(execFile);

/** Runs a module in a fresh process inside the package, where its own name resolves through `exports`. */
async function evaluate(code: string): Promise<string> {
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], { cwd: root, timeout: 30_000 });
  return stdout.trim();
}

function targetsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Object.values(value as object).flatMap(targetsOf);
}

describe("package.json", () => {
  it.each(targetsOf([manifest.exports, manifest.imports, manifest.bin]))("%s exists", (target) => {
    expect(statSync(root + target).size).toBeGreaterThan(0);
  });

  it("publishes the built files and the documents, nothing else", async () => {
    const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root });
    const files: string[] = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path);
    const documents = ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "package.json"];
    expect(files.filter((path) => !/^(dist\/|docs\/.*\.md$)/.test(path))).toEqual(documents);
    expect(files.some((path) => /\.test\.|\.spec\./.test(path))).toBe(false);
  });

  it("has a lock file without download addresses", () => {
    expect(readFileSync(`${root}package-lock.json`, "utf8")).not.toMatch(/"resolved": *"https?:/);
  });

  it("names a file of types for every entry where resolution knows no `exports`", () => {
    const entries = Object.entries<{ types?: string }>(manifest.exports).filter(([name]) => !/\.(wasm|json)$/.test(name));
    const [root, ...subpaths] = entries.map(([name, { types }]) => [name.replace(/^\.\/?/, ""), types] as const);
    expect([manifest.main, manifest.types]).toEqual([manifest.exports["."].default, root?.[1]]);
    expect(manifest.typesVersions["*"]).toEqual(Object.fromEntries(subpaths.map(([name, types]) => [name, [types]])));
  });

  it("leaves a consumer's packages a range, and carries what it bundles", () => {
    for (const range of Object.values({ ...manifest.dependencies, ...manifest.peerDependencies }))
      expect(range).toMatch(/^(\^|>=)\d/);
    expect(Object.keys(manifest.dependencies)).not.toContain("fflate");
  });

  it("is known to lack what a publisher fills in, field by field", () => {
    const filledIn = {
      repository: { type: "git", url: "git+https://example.com/acme/pos-crypto.git" },
      homepage: "https://example.com/acme/pos-crypto#readme",
      bugs: "https://example.com/acme/pos-crypto/issues",
      publishConfig: { provenance: true },
    };
    expect(missingForPublishing(filledIn)).toEqual([]);
    for (const name of Object.keys(filledIn)) {
      for (const wrong of [undefined, null, "", "TODO", {}, { url: "" }, { provenance: false }]) {
        expect(missingForPublishing({ ...filledIn, [name]: wrong }).map((line) => line.split(":")[0])).toEqual([`"${name}"`]);
      }
    }
  });

  it("has a command that starts with a shebang", () => {
    for (const target of targetsOf(manifest.bin))
      expect(readFileSync(root + target, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});

describe("the binary", () => {
  const module = new WebAssembly.Module(binary);

  it("has no imports", () => {
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });

  it("is 32 KiB at most", () => {
    expect(binary.length).toBeLessThanOrEqual(32 * 1024);
  });

  it("exports functions, one memory and constants, nothing of a runtime", () => {
    const exports = WebAssembly.Module.exports(module);
    expect(exports.filter(({ kind }) => kind === "memory")).toHaveLength(1);
    expect(exports.filter(({ name, kind }) => name.startsWith("__") || kind === "table")).toEqual([]);
    const instance = new WebAssembly.Instance(module);
    for (const { name, kind } of exports) {
      if (kind !== "global") continue;
      const global = instance.exports[name] as WebAssembly.Global;
      expect(() => Object.assign(global, { value: 0 }), name).toThrow(TypeError);
    }
  });

  it("is what the entry carries inside", async () => {
    const seen = await evaluate(`
      import { createHash } from "node:crypto";
      let seen = "";
      const Module = WebAssembly.Module;
      WebAssembly.Module = class extends Module {
        constructor(bytes) { super(bytes); seen = createHash("sha256").update(bytes).digest("hex"); }
      };
      const { loadCryptoSync } = await import("viopay-pos-crypto");
      loadCryptoSync({ backend: "wasm-simd" });
      console.log(seen);`);
    expect(seen).toBe(digest(binary));
  });

  it("without SIMD is what `./backend/wasm` carries inside, compiled at first use", async () => {
    const out = await evaluate(`
      import { createHash } from "node:crypto";
      const seen = [];
      const Module = WebAssembly.Module;
      WebAssembly.Module = class extends Module {
        constructor(bytes) { super(bytes); seen.push(createHash("sha256").update(bytes).digest("hex")); }
      };
      const { wasm } = await import("viopay-pos-crypto/backend/wasm");
      const { loadCryptoSync } = await import("viopay-pos-crypto");
      seen.push("imported");
      seen.push(loadCryptoSync({ backend: wasm }).name);
      console.log(seen.join());`);
    expect(out).toBe(`imported,${digest(mvp)},wasm`);
  });

  it("is a file that the package gives by name, with and without SIMD", async () => {
    const names = ["simd", "mvp"].map((name) => `viopay-pos-crypto/viopay-pos-crypto.${name}.wasm`);
    const out = await evaluate(`
      import { readFileSync } from "node:fs";
      import { fileURLToPath } from "node:url";
      const { loadCryptoSync } = await import("viopay-pos-crypto");
      const load = (backend, name) => {
        const module = new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve(name))));
        return loadCryptoSync({ backend, module }).name;
      };
      console.log([load("wasm-simd", "${names[0]}"), load("wasm", "${names[1]}")].join());`);
    expect(out).toBe("wasm-simd,wasm");
  });
});

describe("importing", () => {
  it("does nothing: no compilation, no randomness, no global", async () => {
    const out = await evaluate(`
      const touched = [];
      const watch = (object, name) => {
        const value = object[name];
        Object.defineProperty(object, name, { configurable: true, get() { touched.push(name); return value; } });
      };
      for (const name of ["Module", "Instance", "compile", "instantiate", "validate"]) watch(WebAssembly, name);
      watch(globalThis, "crypto");
      const before = Object.getOwnPropertyNames(globalThis).length;
      await import("viopay-pos-crypto");
      if (Object.getOwnPropertyNames(globalThis).length !== before) touched.push("globalThis");
      console.log(JSON.stringify(touched));`);
    expect(out).toBe("[]");
  });

  it.each([
    "viopay-pos-crypto",
    "viopay-pos-crypto/client",
    "viopay-pos-crypto/mock",
    "viopay-pos-crypto/backend/noble",
    "viopay-pos-crypto/backend/wasm",
  ])("%s gives names", async (entry) => {
    const names = JSON.parse(await evaluate(`console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(entry)}))))`));
    expect(names.length).toBeGreaterThan(0);
  });
});
