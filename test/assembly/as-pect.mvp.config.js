/**
 * as-pect for the build without SIMD: the same specs, but for those that hold vector kernels against others in one build. as-pect
 * itself ends well when it finds no spec, so the specs are counted here.
 */
import { readdirSync } from "node:fs";
import config from "./as-pect.config.js";

const vectorsOnly = new Set(["aes-kernels.spec.ts", "aes-lanes.spec.ts", "des.spec.ts"]);
const folder = "test/assembly/";
const specs = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".spec.ts") && !vectorsOnly.has(name));
if (specs.length === 0) throw new Error(`${folder} holds no spec that needs no vectors`);

export default { ...config, entries: specs.map((name) => folder + name) };
