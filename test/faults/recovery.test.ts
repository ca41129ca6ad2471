/**
 * Terminals that lose the network, their process, their clock and their keys, against hosts that misbehave: after recovery every
 * charge the host made is known to its terminal, or honestly unknown under its key; none is made twice, none is lost.
 */
import { describe, it } from "vitest";
import { ok, same } from "../harness.js";
import { runScenario, type ScenarioResult } from "./recovery-scenario.js";

const SCENARIOS = Number(process.env["RECOVERY_SCENARIOS"] ?? 2000);
const FIRST_SEED = Number(process.env["RECOVERY_SEED"] ?? 1);
const BATCH = 100;

function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of [...texts].sort()) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

describe("seeded random scenarios", () => {
  const results: ScenarioResult[] = [];
  for (let from = 0; from < SCENARIOS; from += BATCH) {
    const seeds = Array.from({ length: Math.min(BATCH, SCENARIOS - from) }, (_, index) => FIRST_SEED + from + index);
    it(`seeds ${seeds[0]} to ${seeds.at(-1)}`, { timeout: 240_000 }, async () => {
      for (const seed of seeds) {
        const result = await runScenario(seed);
        results.push(result);
        same(result.disagreements, [], `seed ${seed}`);
      }
    });
  }

  it("met what they were to meet", () => {
    const sum = (of: (result: ScenarioResult) => number) => results.reduce((total, result) => total + of(result), 0);
    const told = tally(results.flatMap((result) => result.told));
    const states = tally(results.flatMap((result) => result.states));
    const figures = {
      scenarios: results.length,
      charges: sum(({ charges }) => charges),
      refunds: sum(({ refunds }) => refunds),
      crashes: sum(({ crashes }) => crashes),
      faults: sum(({ faults }) => faults),
    };
    console.log(JSON.stringify({ ...figures, told, states }));
    same(results.length, SCENARIOS);
    for (const [name, count] of Object.entries(figures)) ok(count > SCENARIOS / 10, `enough ${name}`);
    ok((told["charge unknown"] ?? 0) > 0 && (states["charge approved"] ?? 0) > 0, "unknown charges, and settled ones");
  });
});
