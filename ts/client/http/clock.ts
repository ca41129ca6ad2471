/**
 * The terminal's idea of the host's time. The host refuses timestamps more than 5 minutes old or 1 minute ahead of its own
 * clock, and terminals' clocks are often wrong: the offset to the `server_time` of bootstrap is applied to every signature.
 *
 * Times are milliseconds since 1970 UTC; timestamps are RFC 3339 in UTC with whole seconds.
 */
import { formatTimestamp, parseTimestamp } from "../../base/timestamp.js";
import { unexpectedAnswer } from "./json-fields.js";

export class Clock {
  readonly #local: () => number;
  #offset = 0;

  constructor(local: () => number) {
    this.#local = local;
  }

  /** What is added to the local clock, in milliseconds. */
  get offsetMs(): number {
    return this.#offset;
  }

  /** The local clock, for measuring durations. */
  local(): number {
    return this.#local();
  }

  /** The host's time, as far as known. */
  now(): number {
    return this.#local() + this.#offset;
  }

  timestamp(): string {
    return formatTimestamp(this.now());
  }

  /**
   * The offset that a reading of the host's clock gives. `sentAt` and `receivedAt` are local: the host's clock was read somewhere
   * between, so the middle is taken. Where `server_time` has no fraction the result lags by up to a second, which is the side the
   * host tolerates.
   */
  measure(serverTime: string, sentAt: number, receivedAt: number): number {
    const time = parseTimestamp(serverTime);
    if (time === undefined) throw unexpectedAnswer("server_time", "an RFC 3339 time in UTC");
    return Math.round(time - (sentAt + receivedAt) / 2);
  }

  /** Takes an earlier reading's offset back, until there is a new one. */
  restore(offsetMs: number): void {
    this.#offset = offsetMs;
  }

  /** Takes over the host's time. */
  synchronise(serverTime: string, sentAt: number, receivedAt: number): void {
    this.#offset = this.measure(serverTime, sentAt, receivedAt);
  }
}
