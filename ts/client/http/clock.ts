/**
 * The terminal's idea of the host's time, and of how long things take. The host refuses timestamps more than 5 minutes old or 1
 * minute ahead of its own clock, and terminals' clocks are often wrong: the offset to the `server_time` of bootstrap is applied to
 * every signature.
 *
 * Others set the terminal's clock, while this process runs, too. Durations are therefore measured on a monotonic clock; one that
 * stands still while the device sleeps is no proof that little time has passed.
 *
 * Times are milliseconds since 1970 UTC; timestamps are RFC 3339 in UTC with whole seconds.
 */
import { formatTimestamp, parseTimestamp } from "../../base/timestamp.js";
import { unexpectedAnswer } from "./json-fields.js";

/** A moment on both of the terminal's clocks. */
export interface Moment {
  readonly local: number;
  readonly monotonic: number;
}

/** What is over after some time. */
export interface Timer {
  /** Whether one of the terminal's clocks says so: the monotonic one may have stood still, the other one may have been set. */
  isOver(): boolean;
}

/** How far the terminal's clock may be from the host's where it has not been compared: the host's tolerance for old timestamps. */
const TOLERANCE_MS = 5 * 60_000;
/** What a reading of the host's clock may be off by: `server_time` without fraction, and the way there. */
const READING_MS = 2000;
/** How long a reading counts as one of now. */
const FRESH_MS = 60_000;

export class Clock {
  readonly #local: () => number;
  readonly #monotonic: () => number;
  #offset = 0;
  /** When the host's clock was last read in this process. */
  #readAt: Moment | undefined;

  constructor(local: () => number, monotonic: () => number = local) {
    this.#local = local;
    this.#monotonic = monotonic;
  }

  /** What is added to the local clock, in milliseconds. */
  get offsetMs(): number {
    return this.#offset;
  }

  /** The local clock: others may set it at any time. */
  local(): number {
    return this.#local();
  }

  /** For measuring durations within this process: milliseconds since any moment. */
  monotonic(): number {
    return this.#monotonic();
  }

  /** Now, on both clocks. */
  mark(): Moment {
    return { local: this.#local(), monotonic: this.#monotonic() };
  }

  startTimer(ms: number, from: Moment = this.mark()): Timer {
    return { isOver: () => this.#local() - from.local >= ms || this.#monotonic() - from.monotonic >= ms };
  }

  /** The host's time, as far as known. */
  now(): number {
    return this.#local() + this.#offset;
  }

  timestamp(): string {
    return formatTimestamp(this.now());
  }

  /** How far `now()` may be off, in either direction, for a request that the host accepts. */
  get uncertaintyMs(): number {
    return this.#driftSinceReading() <= READING_MS ? READING_MS : TOLERANCE_MS;
  }

  /** Whether the host's clock was read just now, and the local clock has not been set since. */
  get isFresh(): boolean {
    const elapsed = this.#readAt === undefined ? Number.POSITIVE_INFINITY : this.#monotonic() - this.#readAt.monotonic;
    return elapsed <= FRESH_MS && this.#driftSinceReading() <= READING_MS;
  }

  /** By how much the two clocks disagree on the time since the last reading. */
  #driftSinceReading(): number {
    const from = this.#readAt;
    if (from === undefined) return Number.POSITIVE_INFINITY;
    return Math.abs(this.#local() - from.local - (this.#monotonic() - from.monotonic));
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

  /** Uses an earlier reading's offset again, until there is a new one. */
  restore(offsetMs: number): void {
    this.#offset = offsetMs;
  }

  /** Adopts the host's time. */
  synchronise(serverTime: string, sentAt: number, receivedAt: number): void {
    this.#offset = this.measure(serverTime, sentAt, receivedAt);
    this.#readAt = this.mark();
  }
}
