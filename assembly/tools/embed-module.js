/**
 * Writes ts/backend/simd-bytes.generated.ts: the compiled SIMD module as a Base64 literal, so that entry `.` needs no file, no
 * fetch and no loader. Prints the module's size and SHA-256.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../dist/wasm/viopay-pos-crypto.simd.wasm", import.meta.url));
const target = fileURLToPath(new URL("../../ts/backend/simd-bytes.generated.ts", import.meta.url));

const bytes = readFileSync(source);
if (!WebAssembly.validate(bytes)) throw new Error(`${source} is not a valid module`);
const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
if (imports.length > 0) throw new Error(`the module must import nothing, but imports ${imports.map((i) => i.name).join(", ")}`);

const text = `/** The SIMD module as Base64, written by assembly/tools/embed-module.js from what asc compiled. */
export const SIMD_BYTES = "${bytes.toString("base64")}";
export const SIMD_LENGTH = ${bytes.length};
`;
if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeFileSync(target, text);
console.log(`viopay-pos-crypto.simd.wasm: ${bytes.length} bytes, SHA-256 ${createHash("sha256").update(bytes).digest("hex")}`);
