/**
 * How things are compared: every library does the same work in the same process, the turns interleaved (each round measures each
 * candidate once, the order rotated), the median over the rounds counts, and what is reported are ratios. Absolute times of a
 * shared machine mean little.
 */
import Benchmark from "benchmark";

/** @typedef {() => unknown} Task */
/** @typedef {{ name: string, run: Task, deferred?: boolean }} Candidate */
/** @typedef {{ title: string, unit: "ns", bytes?: number, medians: Record<string, number>, spread: Record<string, number> }} Row */

const settings = { rounds: 5, seconds: 0.12 };

/** @param {Partial<typeof settings>} changes */
export function configure(changes) {
  Object.assign(settings, changes);
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/**
 * Nanoseconds a call, once.
 * @param {Candidate} candidate
 * @returns {Promise<number>}
 */
function once({ name, run, deferred = false }) {
  return new Promise((resolve, reject) => {
    const fn = deferred
      ? async (/** @type {{ resolve(): void }} */ turn) => {
          await run();
          turn.resolve();
        }
      : () => {
          run();
        };
    const options = { defer: deferred, minTime: settings.seconds / 6, maxTime: settings.seconds, minSamples: 3, async: true };
    new Benchmark(name, fn, {
      ...options,
      onComplete(/** @type {{ target: { stats: { mean: number }, error?: Error } }} */ { target }) {
        if (target.error === undefined) resolve(target.stats.mean * 1e9);
        else reject(target.error);
      },
    }).run();
  });
}

/**
 * Measures all candidates of one piece of work, interleaved.
 * @param {string} title
 * @param {Candidate[]} candidates
 * @param {{ bytes?: number }} [about]
 * @returns {Promise<Row>}
 */
export async function compare(title, candidates, about = {}) {
  /** @type {Map<string, number[]>} */
  const samples = new Map(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < settings.rounds; round++) {
    for (let turn = 0; turn < candidates.length; turn++) {
      const candidate = candidates[(turn + round) % candidates.length];
      if (candidate !== undefined) samples.get(candidate.name)?.push(await once(candidate));
    }
  }
  /** @type {Row} */
  const row = { title, unit: "ns", medians: {}, spread: {}, ...about };
  for (const [name, values] of samples) {
    row.medians[name] = median(values);
    row.spread[name] = (Math.max(...values) - Math.min(...values)) / median(values);
  }
  process.stdout.write(`${describeRow(row)}\n`);
  return row;
}

/**
 * One line: our time, then how many times ours each peer takes (above 1: ours is faster).
 * @param {Row} row
 */
export function describeRow({ title, medians }) {
  const [ours, ...peers] = Object.entries(medians);
  if (ours === undefined) return title;
  const ratios = peers.map(([name, time]) => `${name} ${(time / ours[1]).toFixed(2)}x`);
  return `${title.padEnd(44)} ${formatTime(ours[1]).padStart(9)}   ${ratios.join("   ")}`;
}

/** @param {number} nanoseconds */
export function formatTime(nanoseconds) {
  if (nanoseconds < 1e3) return `${nanoseconds.toFixed(0)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(2)} us`;
  return `${(nanoseconds / 1e6).toFixed(2)} ms`;
}
