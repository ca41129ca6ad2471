/**
 * The package imported as it is: first-use.ts beside a `node_modules` with the packed library, every import of which the engine itself
 * resolves. No bundler has touched the library.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleSuite } from "./bundle.js";
import { packedLibrary } from "./packed.js";
import { answerOf, MARK } from "./row.js";

/** Where the engine has no CSPRNG among its globals, Node's, as an app on it would pass in. */
const DRIVER = `
const source = globalThis.crypto === undefined ? (await import("node:crypto")).randomFillSync : undefined;
const randomBytes = source && ((n) => source(new Uint8Array(n)));
const info = await loadCrypto({ randomBytes });
firstUseCases({ test: (_name, body) => body() });
console.log(${JSON.stringify(MARK)} + JSON.stringify({ tier: info.name }));
`;

/** @type {Promise<string> | undefined} */
let written;

/** The script in the consumer's project, written once. @returns {Promise<string>} */
function script() {
  written ??= bundleSuite({ format: "esm", entry: "../cases/first-use.ts", library: "import" }).then((code) => {
    const path = join(packedLibrary().project, "first-use.mjs");
    writeFileSync(path, `import { loadCrypto } from "viopay-pos-crypto";\n${code}${DRIVER}`);
    return path;
  });
  return written;
}

/**
 * Counts into `report` as a failure if the package cannot be imported and used, or comes to another tier.
 * @param {import("./suite.js").Report} report
 * @param {string} program
 * @param {readonly string[]} args before the script's name
 */
export async function checkImport(report, program, args) {
  try {
    const { tier } = await answerOf(program, [...args, await script()], packedLibrary().project);
    if (tier !== report.tier) throw new Error(`tier ${tier}, but the suite ran on ${report.tier}`);
  } catch (error) {
    report.failed++;
    report.failures.push(`the package imported as it is: ${error instanceof Error ? error.message : error}`);
  }
}
