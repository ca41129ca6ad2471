/**
 * Every behavioural case on every backend of this engine. Under `--jitless` there is no WebAssembly: `auto` must then arrive at
 * noble by itself and say why.
 */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, it } from "vitest";
import { backendInfo, loadCrypto } from "../../ts/index.js";
import { allCases } from "../cases/index.js";
import { ok, type Suite, same } from "../harness.js";

const withoutWasm = typeof WebAssembly === "undefined";
const tiers = withoutWasm
  ? ([{ tier: "noble without WebAssembly", backend: "noble", request: "auto" }] as const)
  : ([
      { tier: "wasm-simd", backend: "wasm-simd", request: "wasm-simd" },
      { tier: "noble", backend: "noble", request: "noble" },
    ] as const);

const folder = new URL("../cases/", import.meta.url);

it("every list of cases is in the list of lists", () => {
  const lists = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(new URL(file, folder), "utf8");
    return [...text.matchAll(/^export const (\w+): Cases\b/gm)].map((match) => match[1] ?? "");
  });
  const index = readFileSync(new URL("index.ts", folder), "utf8");
  same(
    lists.filter((name) => !new RegExp(`allCases[^;]*\\b${name}\\b`, "s").test(index)),
    [],
    "missing lists",
  );
  same(allCases.length, lists.length, "number of lists");
});

for (const { tier, backend, request } of tiers) {
  describe(tier, () => {
    beforeAll(async () => {
      const info = await loadCrypto({ backend: request });
      same(info.name, backend);
      same(info.selfTest, "passed");
    });

    it("says which backend it is and why", () => {
      const info = backendInfo();
      same(info.name, backend);
      same(info.constantTime, backend !== "noble");
      ok(info.reason.length > 0, "reason");
      if (withoutWasm) ok(/WebAssembly/i.test(info.reason), `reason names WebAssembly: ${info.reason}`);
    });

    const suite: Suite = {
      backend,
      interpreted: withoutWasm,
      group: (name, body) => {
        describe(name, body);
      },
      test: (name, body) => {
        it(name, body);
      },
    };
    for (const cases of allCases) cases(suite);
  });
}
