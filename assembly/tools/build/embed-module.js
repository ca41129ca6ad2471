/**
 * Writes ts/backend/wasm/simd-bytes.generated.ts and mvp-bytes.generated.ts (built, not committed, unlike `*.gen.ts`): the compiled
 * modules as hexadecimal text, so that loading needs no file, no fetch and no loader; and what TypeScript is told about the files
 * themselves. Prints each module's size and SHA-256.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @param {string} path from the root */
const at = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

writeFileSync(
  at("dist/wasm/module.d.ts"),
  `/** A \`.wasm\` file, as runtimes that import such files give it: compiled. */
declare const module: WebAssembly.Module;
export default module;
`,
);

for (const { name, what } of [
  { name: "simd", what: "SIMD module" },
  { name: "mvp", what: "module without SIMD" },
]) {
  const file = `viopay-pos-crypto.${name}.wasm`;
  const target = at(`ts/backend/wasm/${name}-bytes.generated.ts`);
  const bytes = readFileSync(at(`dist/wasm/${file}`));
  if (!WebAssembly.validate(bytes)) throw new Error(`${file} is not a valid module`);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  if (imports.length > 0) throw new Error(`${file} must import nothing, but imports ${imports.map((i) => i.name).join(", ")}`);

  const text = `/** The ${what}, written by assembly/tools/build/embed-module.js from what asc compiled. */
export const ${name.toUpperCase()}_HEX: string = "${bytes.toString("hex")}";
`;
  // Its time says when the module was last built (wasm-if-needed.js), also where nothing has changed.
  writeFileSync(target, text);
  console.log(`${file}: ${bytes.length} bytes, SHA-256 ${createHash("sha256").update(bytes).digest("hex")}`);
}
