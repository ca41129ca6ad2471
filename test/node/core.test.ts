/**
 * Every behavioural case on every backend of this engine. Under `--jitless` there is no WebAssembly, under `--no-enable-sse4-1` none
 * with SIMD: `auto` must then choose noble, or wasm, and say why.
 */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, it } from "vitest";
import { type BackendName, backendInfo, loadCrypto } from "../../ts/index.js";
import { allCases } from "../cases/index.js";
import { ok, type Suite, same } from "../harness.js";

interface Tier {
  tier: string;
  backend: BackendName;
  request: "auto" | BackendName;
  /** What the reason says of the backends tried before. */
  refused?: RegExp;
}

function tiersHere(): Tier[] {
  if (typeof WebAssembly === "undefined") {
    const refused = /; wasm-simd: .*no WebAssembly; wasm: .*no WebAssembly/;
    return [{ tier: "noble without WebAssembly", backend: "noble", request: "auto", refused }];
  }
  if (process.execArgv.includes("--no-enable-sse4-1")) {
    return [{ tier: "wasm without SIMD", backend: "wasm", request: "auto", refused: /; wasm-simd: .*(SIMD|simd)/ }];
  }
  return (["wasm-simd", "wasm", "noble"] as const).map((name) => ({ tier: name, backend: name, request: name }));
}

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

for (const { tier, backend, request, refused } of tiersHere()) {
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
      if (refused !== undefined) ok(refused.test(info.reason), `reason: ${info.reason}`);
    });

    const suite: Suite = {
      backend,
      interpreted: typeof WebAssembly === "undefined",
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
