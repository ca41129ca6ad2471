/**
 * Vitest's global setup: in a fresh clone, `npm ci && npx vitest run FILE` must work, so this builds what no install makes, once.
 * Sources import the embedded binaries (`ts/backend/wasm/*.generated.ts`), and the tests of documents and of the package read `dist`.
 * What exists is left alone, but for binaries that are older than their sources: they are compiled again. Whoever changes `ts/` and
 * tests `dist` builds anew.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileIfStale } from "../assembly/tools/build/wasm-if-needed.js";

const root = fileURLToPath(new URL("../", import.meta.url));
/** The first files of what `npm run build` writes, and the last one. */
const built = ["ts/backend/wasm/simd-bytes.generated.ts", "ts/backend/wasm/mvp-bytes.generated.ts", "dist/cli/main.js"];

export default function buildIfAbsent(): void {
  const missing = built.filter((path) => !existsSync(root + path));
  if (missing.length === 0) {
    compileIfStale();
    return;
  }
  process.stderr.write(`building: ${missing.join(", ")} missing\n`);
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("`npm run build` failed: see above");
}
