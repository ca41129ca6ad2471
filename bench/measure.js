/**
 * How things are compared: every library does the same work in the same process, the turns interleaved (each round measures each
 * candidate once, the order rotated), and what is reported are ratios: of each round, since a shared machine changes its speed
 * within seconds and a round takes less than one; of those the median. Absolute times of such a machine mean little.
 */
import Benchmark from "benchmark";

/** @typedef {() => unknown} Task */
/** @typedef {{ name: string, run: Task, deferred?: boolean }} Candidate */
/** @typedef {{ title: string, unit: "ns", bytes?: number, medians: Record<string, number>, ratios: Record<string, number>, spread: Record<string, number> }} Row
 * `ratios`: the peer's time divided by ours. `spread`: the distance of the quartiles of the times, by their median.
 */

const settings = { rounds: 9, seconds: 0.03 };

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
  const row = rowOf(title, samples, about);
  process.stdout.write(`${describeRow(row)}\n`);
  return row;
}

/**
 * @param {string} title
 * @param {Map<string, number[]>} samples nanoseconds by candidate, ours first, one a round
 * @param {{ bytes?: number }} [about]
 * @returns {Row}
 */
export function rowOf(title, samples, about = {}) {
  const [ours = []] = samples.values();
  /** @type {Row} */
  const row = { title, unit: "ns", medians: {}, ratios: {}, spread: {}, ...about };
  for (const [name, values] of samples) {
    const sorted = [...values].sort((a, b) => a - b);
    const quartile = (/** @type {number} */ part) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
    row.medians[name] = median(values);
    row.ratios[name] = median(values.map((value, round) => value / (ours[round] ?? value)));
    row.spread[name] = (quartile(0.75) - quartile(0.25)) / median(values);
  }
  return row;
}

/**
 * One line: our time, then how many times ours each peer takes (above 1: ours is faster).
 * @param {Row} row
 */
export function describeRow({ title, medians, ratios }) {
  const [ours, ...peers] = Object.entries(ratios);
  if (ours === undefined) return title;
  const texts = peers.map(([name, ratio]) => `${name} ${ratio.toFixed(2)}x`);
  return `${title.padEnd(44)} ${formatTime(medians[ours[0]] ?? 0).padStart(9)}   ${texts.join("   ")}`;
}

/** @param {number} nanoseconds */
export function formatTime(nanoseconds) {
  if (nanoseconds < 1e3) return `${nanoseconds.toFixed(0)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(2)} us`;
  return `${(nanoseconds / 1e6).toFixed(2)} ms`;
}
