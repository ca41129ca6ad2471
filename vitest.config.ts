/**
 * The suite's projects. `node` runs every case on each backend that this Node offers, `no-simd` and `jitless` repeat the core cases
 * where WebAssembly has no SIMD (V8 asks for SSE 4.1) or does not exist, `protocol` holds the mock server and the terminal against
 * each other. `faults` needs a redis-server and `browser` a Chromium; both need the built package, and `npm test` leaves them out.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  /** The package's own imports name built files; tests run from the sources. */
  resolve: {
    alias: {
      "#wasm": fileURLToPath(new URL("./ts/backend/wasm/module-inline.ts", import.meta.url)),
      "#mock-node": fileURLToPath(new URL("./ts/mock/http/platform-node.ts", import.meta.url)),
    },
  },
  test: {
    globalSetup: "./test/fresh-clone.ts",
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "node", include: ["test/node/**/*.test.ts"] } },
      { extends: true, test: { name: "no-simd", include: ["test/node/core.test.ts"], execArgv: ["--no-enable-sse4-1"] } },
      { extends: true, test: { name: "jitless", include: ["test/node/core.test.ts"], execArgv: ["--jitless"] } },
      { extends: true, test: { name: "protocol", include: ["test/protocol/**/*.test.ts"] } },
      { extends: true, test: { name: "faults", include: ["test/faults/**/*.test.ts"] } },
      { extends: true, test: { name: "browser", include: ["test/browser/**/*.test.ts"] } },
    ],
  },
});
