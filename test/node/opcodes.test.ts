/**
 * What the shipped binaries ask of an engine. The one without SIMD has to be read by WebAssembly as it was in 2017: both binaries are
 * disassembled, and anything newer in it fails, as do planted instructions, globals, types and imports.
 */
import { readFileSync } from "node:fs";
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";

const read = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../dist/wasm/viopay-pos-crypto.${name}.wasm`, import.meta.url)));
const mvp = read("mvp");
const simd = read("simd");

/** Every instruction of WebAssembly 1.0, as text writes them. */
const known = new RegExp(
  `^(${[
    "unreachable|nop|block|loop|if|then|else|br|br_if|br_table|return|call|call_indirect|drop|select",
    "(local|global)\\.(get|set)|local\\.tee|memory\\.(size|grow)|[if](32|64)\\.const",
    "i32\\.load((8|16)_[su])?|i64\\.load((8|16|32)_[su])?|i32\\.store(8|16)?|i64\\.store(8|16|32)?|f(32|64)\\.(load|store)",
    "i(32|64)\\.(eqz|eq|ne|[lg][te]_[su]|clz|ctz|popcnt|add|sub|mul|(div|rem|shr)_[su]|and|or|xor|shl|rotl|rotr)",
    "f(32|64)\\.(eq|ne|[lg][te]|abs|neg|ceil|floor|trunc|nearest|sqrt|add|sub|mul|div|min|max|copysign)",
    "i32\\.wrap_i64|i64\\.extend_i32_[su]|i(32|64)\\.trunc_f(32|64)_[su]|f(32|64)\\.convert_i(32|64)_[su]",
    "f32\\.demote_f64|f64\\.promote_f32|i(32|64)\\.reinterpret_f(32|64)|f(32|64)\\.reinterpret_i(32|64)",
  ].join("|")})$`,
);

/** Words that open a parenthesis without being an instruction. */
const structure = new Set(
  "module type func param result local memory table elem data offset global mut export import start item".split(" "),
);

/** What a binary has that WebAssembly 1.0 did not, one line each. */
function newerThanMvp(wasm: Uint8Array): string[] {
  const module = binaryen.readBinary(wasm);
  const text = module.emitText();
  module.dispose();
  const found = new Set<string>();
  const code = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [, word = ""] of code.matchAll(/\(\s*([a-z][\w.]*)/g))
    if (!structure.has(word) && !known.test(word)) found.add(word);
  for (const [type] of code.matchAll(/\b(v128|funcref|externref|anyref|eqref|i31ref)\b/g)) found.add(type);
  if (/\(result [a-z0-9]+ [a-z0-9]/.test(code)) found.add("several results");
  const mutable = new Set([...code.matchAll(/\(global (\$\S+) \(mut /g)].map(([, name]) => name));
  for (const [, name] of code.matchAll(/\(export "" \(global (\$\S+)\)\)/g))
    if (mutable.has(name)) found.add("exported mutable global");
  if (/\(import [^\n]*\(global [^\n]*\(mut /.test(code)) found.add("imported mutable global");
  return [...found];
}

type Module = binaryen.Module;

/** The binary without SIMD with something added. */
function planted(plant: (module: Module) => void): string[] {
  const module = binaryen.readBinary(mvp);
  module.setFeatures(binaryen.Features.All);
  plant(module);
  const wasm = module.emitBinary();
  module.dispose();
  return newerThanMvp(wasm);
}

/** A function of one instruction. */
function instruction(make: (module: Module) => number): (module: Module) => void {
  return (module) => {
    const body = module.block(null, [module.drop(make(module))]);
    module.addFunctionExport(nameOf(module.addFunction("planted", binaryen.none, binaryen.none, [], body)), "planted");
  };
}

const nameOf = (func: number): string => binaryen.getFunctionInfo(func).name;

describe("the binary without SIMD", () => {
  it("has nothing newer than WebAssembly 1.0", () => {
    expect(newerThanMvp(mvp)).toEqual([]);
  });

  it("imports nothing and is 40 KiB at most", () => {
    expect(WebAssembly.Module.imports(new WebAssembly.Module(mvp as BufferSource))).toEqual([]);
    expect(mvp.length).toBeLessThanOrEqual(40 * 1024);
  });

  it("exports what the one with SIMD exports", () => {
    const exportsOf = (wasm: Uint8Array) => WebAssembly.Module.exports(new WebAssembly.Module(wasm as BufferSource));
    expect(exportsOf(mvp)).toEqual(exportsOf(simd));
  });
});

describe("the binary with SIMD", () => {
  it("is seen to have it", () => {
    const found = newerThanMvp(simd);
    expect(found).toContain("v128");
    expect(found).toContain("v128.load");
    expect(found).toContain("i8x16.swizzle");
  });

  it("asks for nothing that came after SIMD", () => {
    const module = binaryen.readBinary(simd);
    const { MVP, SIMD128, SignExt, BulkMemory, MutableGlobals, NontrappingFPToInt } = binaryen.Features;
    module.setFeatures(MVP | SIMD128 | SignExt | BulkMemory | MutableGlobals | NontrappingFPToInt);
    expect(module.validate()).toBe(1);
    module.dispose();
  });
});

describe("a planted", () => {
  it.each<[string, string, (module: Module) => void]>([
    ["sign extension", "i32.extend8_s", instruction((m) => m.i32.extend8_s(m.i32.const(1)))],
    ["sign extension of 64 bits", "i64.extend32_s", instruction((m) => m.i64.extend32_s(m.i64.const(1n)))],
    ["saturating conversion", "i32.trunc_sat_f64_s", instruction((m) => m.i32.trunc_s_sat.f64(m.f64.const(1)))],
    ["vector", "i8x16.splat", instruction((m) => m.i8x16.splat(m.i32.const(1)))],
    ["reference", "ref.null", instruction((m) => m.ref.null(binaryen.funcref))],
    [
      "copy of memory",
      "memory.copy",
      (m) => {
        const body = m.memory.copy(m.i32.const(0), m.i32.const(8), m.i32.const(8));
        m.addFunctionExport(nameOf(m.addFunction("planted", binaryen.none, binaryen.none, [], body)), "planted");
      },
    ],
    [
      "fill of memory",
      "memory.fill",
      (m) => {
        const body = m.memory.fill(m.i32.const(0), m.i32.const(8), m.i32.const(8));
        m.addFunctionExport(nameOf(m.addFunction("planted", binaryen.none, binaryen.none, [], body)), "planted");
      },
    ],
    [
      "mutable global that is exported",
      "exported mutable global",
      (m) => {
        m.addGlobal("planted", binaryen.i32, true, m.i32.const(1));
        m.addGlobalExport("planted", "planted");
      },
    ],
    [
      "mutable global that is imported",
      "imported mutable global",
      (m) => {
        m.addGlobalImport("planted", "env", "planted", binaryen.i32, true);
        const body = m.drop(m.global.get("planted", binaryen.i32));
        m.addFunctionExport(nameOf(m.addFunction("reader", binaryen.none, binaryen.none, [], body)), "reader");
      },
    ],
  ])("%s is found", (_what, finding, plant) => {
    expect(planted(plant)).toContain(finding);
  });

  it("instruction of 1.0 is not held against it", () => {
    expect(planted(instruction((m) => m.i64.popcnt(m.i64.const(1n))))).toEqual([]);
  });
});
