/**
 * What only a publisher knows, and package.json therefore lacks until they fill it in: addresses, and whether the registry shows where
 * a release was built. `npm publish` and `npm run test:packaging` warn while something is missing; docs/releasing.md says what to write.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** By the member of package.json: what npm does with it. */
const FIELDS = {
  repository: "the source that npm links to, and without which it attests no provenance",
  homepage: "the page that npm links to",
  bugs: "where users report bugs",
  publishConfig: 'needs `"provenance": true`, so that npm shows which commit and workflow built a release',
};

/**
 * Members that are absent, empty, or say nothing.
 * @param {Record<string, unknown>} manifest package.json
 * @returns {string[]} one line for each: `"homepage": the page that npm links to`
 */
export function missingForPublishing(manifest) {
  return Object.entries(FIELDS)
    .filter(([name]) => !isFilledIn(name, manifest[name]))
    .map(([name, purpose]) => `"${name}": ${purpose}`);
}

/** @param {string} name @param {unknown} value */
function isFilledIn(name, value) {
  if (name === "publishConfig") return /** @type {{ provenance?: unknown } | undefined} */ (value)?.provenance === true;
  const address = typeof value === "string" ? value : /** @type {{ url?: unknown } | null | undefined} */ (value)?.url;
  return typeof address === "string" && /^(?:git\+)?https:\/\/[^/\s]+\/|^(?:github|gitlab|bitbucket):\S+\/\S+$/.test(address);
}

/** @param {Record<string, unknown>} manifest */
export function warnPublisher(manifest) {
  const missing = missingForPublishing(manifest);
  if (missing.length === 0) return;
  process.stderr.write(`warning: package.json is not ready to be published (docs/releasing.md):\n  ${missing.join("\n  ")}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  warnPublisher(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")));
}
