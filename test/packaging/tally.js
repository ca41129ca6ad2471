/** Named checks, run one after the other, counted and printed as they end. */

/** @typedef {(name: string, body: () => unknown) => Promise<void>} Check `body` throws, or rejects, where the check fails */

export class Tally {
  passed = 0;
  failed = 0;

  /** @type {Check} `body` may return text for the line of a passed check */
  check = async (name, body) => {
    const start = performance.now();
    try {
      const figures = await body();
      this.passed++;
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`ok   ${name}${typeof figures === "string" ? `: ${figures}` : ""} (${seconds} s)\n`);
    } catch (error) {
      this.failed++;
      process.stdout.write(`FAIL ${name}\n${shown(error instanceof Error ? error.message : String(error))}\n`);
    }
  };
}

/** The start of it: one wrong setting makes a compiler print pages. @param {string} text */
function shown(text) {
  const lines = text.trimEnd().split("\n");
  const rest = lines.length > 30 ? [`... and ${lines.length - 30} lines more`] : [];
  return [...lines.slice(0, 30), ...rest].map((line) => `     ${line.slice(0, 300)}`).join("\n");
}

/** @param {unknown} condition @param {string} message @returns {asserts condition} */
export function must(condition, message) {
  if (!condition) throw new Error(message);
}
