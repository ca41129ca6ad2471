/** Compiles the WebAssembly module where its bytes are missing or older than its sources: tests never run against an old one. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { changed, root, run } from "./sources.js";

const results = ["simd", "mvp"].map((name) => `ts/backend/wasm/${name}-bytes.generated.ts`);

/** Everything that asc and embed-module.js read. */
function sources() {
  const module = readdirSync(join(root, "assembly")).filter((name) => name !== "tools");
  return ["asconfig.json", "assembly/tools/build/embed-module.js", ...module.map((name) => `assembly/${name}`)];
}

/** @returns {void} */
export function compileIfStale() {
  const built = Math.min(...results.map(changed));
  const relaxed = changed("dist/wasm/viopay-pos-crypto.relaxed.wasm") > 0;
  if (relaxed && sources().every((path) => changed(path) <= built)) return;
  if (run("build:wasm") !== 0) throw new Error("the WebAssembly module does not compile: see what npm run build:wasm prints");
}
