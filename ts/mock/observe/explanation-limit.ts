/**
 * How often a mock looks for the mistake that explains a signature. One search hashes up to 8 MiB, some 20 ms: whoever sends wrong
 * signatures all the time must not keep the mock from its work.
 */
export class ExplanationLimit {
  readonly #perSecond: number;
  #second = 0;
  #taken = 0;

  constructor(perSecond = 10) {
    this.#perSecond = perSecond;
  }

  /** Whether there is one left in this second. `now`: milliseconds since the epoch. */
  take(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#taken = 0;
    this.#second = second;
    this.#taken += 1;
    return this.#taken <= this.#perSecond;
  }
}
