/** What the demo knows of one step, before anybody prints it. */

/** One thing that was protected, and how. Sizes in bytes. */
export interface Protection {
  /** What was done: `sealed`, `opened`, `signed`, `unwrapped`, `PIN block`, or `in clear`. */
  readonly action: string;
  readonly what: string;
  readonly method?: string;
  /** Name of the key, as MSK. */
  readonly key?: string;
  /** Its check value, upper-case hex. */
  readonly kcv?: string;
  readonly plainBytes?: number;
  readonly wireBytes?: number;
  /** Which backend did it. */
  readonly backend?: string;
}

export interface Check {
  readonly what: string;
  readonly passed: boolean;
}

export interface Step {
  readonly number: number;
  readonly phase: string;
  readonly name: string;
  /** `POST /pos/charge`. */
  readonly request: string;
  readonly status: number;
  readonly ms: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly protection: readonly Protection[];
  readonly checks: readonly Check[];
}

/** Collects the checks of one step. */
export class Checks {
  readonly list: Check[] = [];

  that(what: string, passed: boolean): void {
    this.list.push({ what, passed });
  }

  same(what: string, actual: unknown, expected: unknown): void {
    this.that(what, actual === expected);
  }
}
