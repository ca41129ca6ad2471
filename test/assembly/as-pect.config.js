/**
 * as-pect: unit tests of the module's inside (test/assembly). as-pect itself ends well when it finds no spec, so the specs are
 * counted here.
 */
import { readdirSync } from "node:fs";

const specs = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".spec.ts"));
if (specs.length === 0) throw new Error("test/assembly holds no spec");

export default {
  entries: ["test/assembly/**/*.spec.ts"],
  include: ["test/assembly/**/*.include.ts"],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    return instantiate(binary, createImports({ env: { memory } }));
  },
  outputBinary: false,
};
