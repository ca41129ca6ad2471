/**
 * Records and compares the traces of instrumented modules.
 *
 * A trace is the sequence of (site, value) pairs. It is kept whole, so that a difference can be named: which function, which
 * operator, after how many steps.
 */
import type { Instrumented } from "./instrument.js";

export interface Trace {
  readonly length: number;
  readonly events: Int32Array;
}

/** Collects what instrumented modules report; one recorder serves any number of instances. */
export class Recorder {
  #events = new Int32Array(1 << 16);
  #length = 0;

  /** The import object of an instrumented module. */
  readonly imports = {
    trace: {
      note: (site: number, value: number): number => {
        this.#push(site, value);
        return value;
      },
      note64: (site: number, value: bigint): bigint => {
        this.#push(site, Number(BigInt.asIntN(32, value)));
        this.#push(site, Number(BigInt.asIntN(32, value >> 32n)));
        return value;
      },
    },
  };

  /** What `body` makes the modules report. */
  record(body: () => unknown): Trace {
    this.#length = 0;
    body();
    return { length: this.#length / 2, events: this.#events.slice(0, this.#length) };
  }

  #push(site: number, value: number): void {
    if (this.#length + 2 > this.#events.length) {
      const larger = new Int32Array(this.#events.length * 2);
      larger.set(this.#events);
      this.#events = larger;
    }
    this.#events[this.#length++] = site;
    this.#events[this.#length++] = value;
  }
}

/** `undefined` if the traces are equal, else a sentence about the first difference. */
export function firstDifference(a: Trace, b: Trace, module: Instrumented): string | undefined {
  const steps = Math.min(a.events.length, b.events.length);
  for (let i = 0; i < steps; i++) {
    if (a.events[i] !== b.events[i]) {
      const at = i & ~1;
      const site = (trace: Trace) => `${module.sites[trace.events[at] ?? 0]} = ${trace.events[at + 1]}`;
      return `after ${at / 2} events: ${site(a)} against ${site(b)}`;
    }
  }
  return a.length === b.length ? undefined : `${a.length} events against ${b.length}`;
}
