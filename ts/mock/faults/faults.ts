/**
 * Scripted faults of the mock: rules that make an honest host, or the network before it, misbehave on command.
 *
 * Every rule has a random sequence of its own, seeded by the seed and its place in the list, and draws from it once for every
 * request at its steps: the same rules, seed and order of requests give the same faults. The seed drives faults only.
 */
import { assertArray, readWholeNumber } from "../../base/arguments.js";
import { randomBytes } from "../../base/random.js";
import type { Step } from "../../core/protocol/endpoints.js";
import type { Context, Middleware } from "../context.js";
import { EFFECTS } from "./effects.js";
import { FAULT_STEPS, type FaultRule, faultText, readFault } from "./spec.js";
import type { Reply } from "../http/message.js";
import { type SeededRandom, seededRandom, seedOf } from "../seeded.js";

interface Armed {
  readonly rule: FaultRule;
  readonly random: SeededRandom;
  /** Requests it has met, and times it has happened. */
  met: number;
  happened: number;
}

/** The faults in force, and what has become of them. */
export interface FaultReport {
  /** 0 to 4294967295; with it and the same requests, the same faults happen again. */
  seed: number;
  /** Each rule, its text, and how often it has happened. */
  faults: (FaultRule & { text: string; happened: number })[];
}

/** Scripted faults: set, read and cleared while the server runs. */
export class Faults {
  #armed: Armed[] = [];
  #seed = 0;

  constructor(rules: readonly (FaultRule | string)[] = [], seed?: number) {
    this.set(rules, seed);
  }

  /**
   * Replaces all faults and starts their counts and sequences anew.
   *
   * @param rules as objects or as their text
   * @param seed a whole number from 0 to 4294967295; without one, a random one, which `report` tells
   * @throws `ERR_INVALID_ARGUMENT`, and the faults stay as they were
   */
  set(rules: readonly (FaultRule | string)[], seed?: number): void {
    assertArray("faults", rules);
    const chosen = readWholeNumber("seed", seed ?? new DataView(randomBytes(4).buffer).getUint32(0), {
      min: 0,
      max: 0xffffffff,
    });
    this.#armed = rules.map((source, index) => ({
      rule: readFault(source, `faults[${index}]`),
      random: seededRandom(seedOf(chosen, index)),
      met: 0,
      happened: 0,
    }));
    this.#seed = chosen;
  }

  /** The host is honest again. */
  clear(): void {
    this.set([], this.#seed);
  }

  /** What is in force, and how often each has happened. */
  report(): FaultReport {
    const faults = this.#armed.map(({ rule, happened }) => ({ ...rule, text: faultText(rule), happened }));
    return { seed: this.#seed, faults };
  }

  /**
   * Faults around the rest of the pipeline. The first in the list is the outermost, and hides the ones within if it answers alone.
   * `stepOf`: the step of a request.
   */
  middleware(stepOf: (context: Context) => Step | undefined): Middleware {
    return (context, next) => {
      const step = stepOf(context);
      const due = this.#armed.filter((armed) => step !== undefined && isDue(armed, step));
      if (due.length > 0) Object.assign(context.exchange, { endpoint: step, faults: due.map(({ rule }) => rule.kind) });
      const run = (index: number): Promise<Reply> => {
        const armed = due[index];
        return armed === undefined ? next() : EFFECTS[armed.rule.kind](context, () => run(index + 1), armed.rule, armed.random);
      };
      return run(0);
    };
  }
}

function isDue(armed: Armed, step: Step): boolean {
  const { rule, random } = armed;
  const steps: readonly Step[] = rule.steps ?? FAULT_STEPS[rule.kind];
  if (!steps.includes(step)) return false;
  armed.met += 1;
  const { probability = 1, count = Number.POSITIVE_INFINITY, skip = 0 } = rule;
  // Drawn also where it cannot matter, so that a count does not shift what comes later.
  const hit = random(0x40000000) < probability * 0x40000000;
  if (!hit || armed.met <= skip || armed.happened >= count) return false;
  armed.happened += 1;
  return true;
}
