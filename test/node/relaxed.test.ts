/**
 * The module built with relaxed SIMD, which hosts may load as `module`: the cryptographic cases on it. Its swizzle leaves undefined
 * what strict SIMD defines (indices from 16 on), so equal results show that no table is read there. Node 20 has relaxed SIMD behind
 * a flag of V8.
 */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { beforeAll, describe, expect, it } from "vitest";
import { loadCrypto } from "../../ts/index.js";
import { aesCases } from "../cases/aes.js";
import { backendEnvelopeCases } from "../cases/backend-envelope.js";
import { backendKeyBlockCases } from "../cases/backend-keyblock.js";
import { cipherCases } from "../cases/ciphers.js";
import { shaCases } from "../cases/sha.js";
import { signatureCases } from "../cases/signatures.js";
import { tdesCases } from "../cases/tdes.js";
import type { Suite } from "../harness.js";

const fileOf = (name: string) => readFileSync(new URL(`../../dist/wasm/viopay-pos-crypto.${name}.wasm`, import.meta.url));
const relaxed = fileOf("relaxed");
if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

describe("relaxed SIMD", () => {
  beforeAll(async () => {
    const info = await loadCrypto({ module: await WebAssembly.compile(relaxed) });
    expect(info).toMatchObject({ name: "wasm-simd", constantTime: true, selfTest: "passed" });
  });

  it("is another module than the one inside the package, with the same exports and no imports", async () => {
    const module = await WebAssembly.compile(relaxed);
    expect(WebAssembly.Module.exports(module)).toEqual(WebAssembly.Module.exports(await WebAssembly.compile(fileOf("simd"))));
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    expect(relaxed.equals(fileOf("simd"))).toBe(false);
  });

  const suite: Suite = { backend: "wasm-simd", interpreted: false, group: describe, test: it };
  const lists = [aesCases, tdesCases, shaCases, cipherCases, signatureCases, backendEnvelopeCases, backendKeyBlockCases];
  for (const cases of lists) cases(suite);
});
