/**
 * How things are compared: every library does the same work in the same process, the turns interleaved (each round measures each
 * candidate once, the order rotated), and what is reported are ratios: of each round, since a shared machine changes its speed
 * within seconds and a round takes less than one; of those the median.
 *
 * Such a machine is slower by up to two while another guest uses the same core, and not every kind of code suffers alike (measured:
 * SHA-256 by 1.75, table look-ups by 1.3). So a loop of independent additions is timed after every sample, and only that third of
 * the rounds counts in which it ran fastest. What the samples themselves took has no part in the choice. Absolute times of such a
 * machine still mean little.
 */
import Benchmark from "benchmark";

/** @typedef {() => unknown} Task */
/** @typedef {{ name: string, run: Task, deferred?: boolean }} Candidate */
/** @typedef {{ title: string, unit: "ns", bytes?: number, medians: Record<string, number>, ratios: Record<string, number>, spread: Record<string, number> }} Row
 * `ratios`: the peer's time divided by ours. `spread`: the distance of the quartiles of the times, by their median.
 */

const settings = { rounds: 15, seconds: 0.012 };

const ADDITIONS = 120_000;

/** Milliseconds of a loop that needs several ports of the core at once, as another guest's work on it does. */
function disturbance() {
  const start = performance.now();
  let [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6];
  for (let i = 0; i < ADDITIONS; i++) {
    a = (a + i) | 0;
    b = (b ^ i) | 0;
    c = (c + a) | 0;
    d = (d ^ b) | 0;
    e = (e + i) | 0;
    f = (f ^ i) | 0;
  }
  // The sums are used, lest the loop be optimised away.
  return performance.now() - start + 0 * (a ^ b ^ c ^ d ^ e ^ f);
}

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
    const options = {
      defer: deferred,
      minTime: settings.seconds / 6,
      maxTime: settings.seconds,
      minSamples: 3,
      delay: 0.001,
      async: true,
    };
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
  const rounds = [];
  for (let round = 0; round < settings.rounds; round++) {
    /** @type {Record<string, number>} */
    const times = {};
    let disturbed = 0;
    for (let turn = 0; turn < candidates.length; turn++) {
      const candidate = candidates[(turn + round) % candidates.length];
      if (candidate !== undefined) times[candidate.name] = await once(candidate);
      disturbed += disturbance();
    }
    rounds.push({ times, disturbed });
  }
  const quietest = rounds.sort((a, b) => a.disturbed - b.disturbed).slice(0, Math.ceil(rounds.length / 3));
  const samples = candidates.map(({ name }) => /** @type {const} */ ([name, quietest.map(({ times }) => times[name] ?? 0)]));
  const row = rowOf(title, new Map(samples), about);
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
