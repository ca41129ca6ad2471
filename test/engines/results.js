/** results.json, and the table of docs/engines.md made from it: what engine runs which tier, and why. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Result
 * @property {string} id
 * @property {string} title
 * @property {string} version
 * @property {string} tier
 * @property {string} reason
 * @property {number} cases
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} failures
 * @property {number} seconds
 * @property {string} note
 */

/** The tier of a row that did not run. */
export const NOT_RUN = "none";

const BEGIN = "<!-- engines:begin -->";
const END = "<!-- engines:end -->";
/** Characters of an engine's own words that the table has room for. */
const MOST_WORDS = 120;
const file = fileURLToPath(new URL("results.json", import.meta.url));
const document = fileURLToPath(new URL("../../docs/engines.md", import.meta.url));

/** @returns {Pick<Result, "id" | "tier">[]} what was written last */
function known() {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
}

/**
 * Rows whose tier is not what results.json says. Counts change with the suite, versions with the machine.
 * @param {Result[]} results
 * @returns {[id: string, why: string][]}
 */
export function compare(results) {
  const before = known();
  return results.flatMap(({ id, tier }) => {
    const then = before.find((one) => one.id === id)?.tier;
    /** @type {[string, string][]} */
    const found =
      then === tier || tier === NOT_RUN ? [] : [[id, `results.json says ${then ?? "nothing"}, this run ${tier}: see --write`]];
    return found;
  });
}

/** @param {Result[]} results */
export function writeResults(results) {
  const kept = results.map(({ failures: _failures, seconds: _seconds, ...result }) => result);
  writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
  const text = readFileSync(document, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docs/engines.md has no ${BEGIN} ... ${END}`);
  writeFileSync(document, `${text.slice(0, from + BEGIN.length)}\n${tableOf(results)}${text.slice(to)}`);
}

/** @param {Result[]} results */
function tableOf(results) {
  const lines = results.map(({ title, version, tier, reason, passed, note }) => {
    const cells = [title, version, `\`${tier}\``, whyNot(reason), passed.toLocaleString("en"), note];
    return `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return [
    "| engine | version | tier | what was refused before it | cases passed | how |",
    "|---|---|---|---|---|---|",
    ...lines,
    "",
  ].join("\n");
}

/** What the reason says of the tiers tried before, in as few words as tell it. @param {string} reason @returns {string} */
function whyNot(reason) {
  const refused = reason.split(/; (?=wasm)/).slice(1);
  const words = refused.map((text) => text.replace(/^[\w-]+: /, ""));
  const tiers = refused.map((text) => text.slice(0, text.indexOf(":")));
  return words.length > 1 && words.every((text) => text === words[0])
    ? `${tiers.join(", ")}: ${clipped(words[0])}`
    : refused.map(clipped).join("; ");
}

/** @param {string} [text] @returns {string} */
function clipped(text = "") {
  return text.length <= MOST_WORDS ? text : `${text.slice(0, MOST_WORDS).replace(/\s\S*$/, "")} ...`;
}
