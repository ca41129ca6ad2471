/**
 * When a request is sent again automatically, and when not: exponential backoff with jitter, within a number of tries and an overall
 * deadline, ended at once by the caller's `AbortSignal`.
 *
 * Repeating must be harmless. Steps of activation, cancel and reverse change nothing when repeated; a charge is the same charge
 * under the same `Idempotency-Key`; a refund is so only where the host is known to honour its key (`hostDedupesRefunds`).
 */
import { func, numeric, own, ownOptions, timerMs } from "../../base/arguments.js";
import { PosCryptoError, type PosErrorCode } from "../../base/errors.js";
import { randomBytes } from "../../base/random.js";
import type { Clock } from "./clock.js";
import { type OnEvent, tell } from "./events.js";
import { sleep } from "./sleep.js";

/** `again`: until tries or time run out. `once`: one more time, after what the reason names. `no`: the caller hears of it. */
export type RetryVerdict = "again" | "once" | "no";

/** One row of `RETRY_TABLE`. */
export interface RetryRule {
  readonly code: PosErrorCode;
  /** HTTP statuses the rule is for, `5xx` for all of them; left out: any, or none. */
  readonly status?: readonly string[];
  /** Bootstrap, pairing code, status, attest, keys, config, terminal parameters, activate; cancel and reverse. */
  readonly steps: RetryVerdict;
  /** A charge, and a refund where `hostDedupesRefunds` is set. */
  readonly charge: RetryVerdict;
  /** A refund where it is not. */
  readonly refund: RetryVerdict;
  readonly reason: string;
}

const PASSING = ["408", "425", "429", "5xx"];

/** The first rule that fits decides; an error without a rule is not retried. */
export const RETRY_TABLE: readonly RetryRule[] = [
  { code: "ERR_NETWORK", steps: "again", charge: "again", refund: "no", reason: "no answer, or an incomplete one" },
  { code: "ERR_TIMEOUT", steps: "again", charge: "again", refund: "no", reason: "no answer in time" },
  { code: "ERR_HOST", status: PASSING, steps: "again", charge: "again", refund: "no", reason: "the host is in trouble" },
  {
    code: "ERR_HOST",
    status: ["401"],
    steps: "once",
    charge: "once",
    refund: "no",
    reason: "with a new attestation token, or a fresh nonce and the host's clock read again",
  },
  { code: "ERR_HOST", steps: "no", charge: "no", refund: "no", reason: "the host has judged the request" },
  { code: "ERR_HOST_RESPONSE", status: PASSING, steps: "again", charge: "again", refund: "no", reason: "a proxy is in trouble" },
  {
    code: "ERR_HOST_RESPONSE",
    steps: "no",
    charge: "no",
    refund: "no",
    reason: "the answer is not the protocol's, or not to this",
  },
  { code: "ERR_ENVELOPE_FORMAT", steps: "no", charge: "no", refund: "no", reason: "damaged on purpose: TLS excludes accidents" },
  { code: "ERR_ENVELOPE_KEY", steps: "no", charge: "no", refund: "no", reason: "the host uses other keys" },
  { code: "ERR_ENVELOPE_OPEN", steps: "no", charge: "no", refund: "no", reason: "each repetition would be one more guess" },
  { code: "ERR_KEY_BLOCK_MAC", steps: "no", charge: "no", refund: "no", reason: "the keys on both sides differ" },
  { code: "ERR_KCV_MISMATCH", steps: "no", charge: "no", refund: "no", reason: "the keys on both sides differ" },
  { code: "ERR_VERSION_TOO_OLD", steps: "no", charge: "no", refund: "no", reason: "the app must be updated" },
  { code: "ERR_PAIRING_EXPIRED", steps: "no", charge: "no", refund: "no", reason: "a new code must be shown" },
  { code: "ERR_STATE", steps: "no", charge: "no", refund: "no", reason: "another call must come first" },
  { code: "ERR_INVALID_ARGUMENT", steps: "no", charge: "no", refund: "no", reason: "the call is wrong" },
  { code: "ERR_STORE", steps: "no", charge: "no", refund: "no", reason: "the terminal's store fails" },
  { code: "ERR_ABORTED", steps: "no", charge: "no", refund: "no", reason: "the caller has given up" },
];

/** The columns of `RETRY_TABLE`. */
export type Repetition = "steps" | "charge" | "refund";

/**
 * What `RETRY_TABLE` says about an error; `no` for anything that is not in it.
 *
 * @example
 * ```ts
 * import { PosCryptoError } from "viopay-pos-crypto";
 * import { retryVerdict } from "viopay-pos-crypto/client";
 *
 * const error = new PosCryptoError("ERR_TIMEOUT", "no answer in time");
 * console.log(retryVerdict(error, "charge"), retryVerdict(error, "refund")); // prints again no
 * ```
 */
export function retryVerdict(error: unknown, repetition: Repetition): RetryVerdict {
  if (!(error instanceof PosCryptoError)) return "no";
  const status = String(error.details?.["status"] ?? "");
  const fits = (pattern: string) => pattern === status || (pattern === "5xx" && /^5\d\d$/.test(status));
  const rule = RETRY_TABLE.find((row) => row.code === error.code && (row.status === undefined || row.status.some(fits)));
  return rule === undefined ? "no" : rule[repetition];
}

/** How often, and how long, a request is sent again. Times are at most 2^31 - 1 ms, the longest that timers keep. */
export interface RetryOptions {
  /** Sendings in all. Default 4; 1 sends once. */
  readonly attempts?: number | undefined;
  /** The first pause, at most; each further one may be twice as long. Default 500 ms. */
  readonly firstDelayMs?: number | undefined;
  /** No pause is longer. Default 8 s. */
  readonly maxDelayMs?: number | undefined;
  /** All tries and pauses together. Default 90 s. */
  readonly deadlineMs?: number | undefined;
  /** From 0 to 1, exclusive of 1: where in its second half a pause ends. Default: the library's random source. */
  readonly random?: (() => number) | undefined;
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly deadlineMs: number;
  readonly random: () => number;
}

/** Errors: `ERR_INVALID_ARGUMENT`. */
export function readRetryOptions(options: RetryOptions | false | undefined): RetryPolicy {
  const given: RetryOptions = options === false ? { attempts: 1 } : ownOptions("retry", options === undefined ? {} : options);
  const prefix = "retry.";
  return {
    attempts: Math.floor(numeric(given, "attempts", { min: 1, fallback: 4, prefix })),
    firstDelayMs: timerMs(given, "firstDelayMs", 0, 500, prefix),
    maxDelayMs: timerMs(given, "maxDelayMs", 0, 8000, prefix),
    deadlineMs: timerMs(given, "deadlineMs", 1, 90_000, prefix),
    random: func(given, "random", prefix) ?? randomFraction,
  };
}

function randomFraction(): number {
  const [high, low] = randomBytes(2);
  return ((high! << 8) | low!) / 65536;
}

/** The pause after try number `attempt`: its second half is left to chance, so that terminals do not come back together. */
export function backoffMs(policy: RetryPolicy, attempt: number): number {
  const full = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
  return full * (0.5 + policy.random() / 2);
}

export interface RetryContext {
  readonly onEvent?: OnEvent | undefined;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly transport: { readonly timeoutMs: number };
}

export interface RetryCall {
  readonly repetition: Repetition;
  readonly signal: AbortSignal | undefined;
  /** Overrides the policy's. */
  readonly attempts?: number | undefined;
  /**
   * Told of a first 401 before its repetition, and of a last one: returns the error to report. `mend`: whether a repetition is worth
   * it although the policy allows one sending only.
   */
  readonly unauthorized?: (error: PosCryptoError) => Promise<{ readonly error: PosCryptoError; readonly mend: boolean }>;
}

/**
 * Runs `attempt` until it succeeds or the table, the tries, the deadline or the signal end it; rejects with the last error.
 * `attempt` is told how long it may take and which try it is, from 1.
 */
export async function withRetries<T>(
  context: RetryContext,
  call: RetryCall,
  attempt: (timeoutMs: number, number: number) => Promise<T>,
): Promise<T> {
  const { retry, clock, transport } = context;
  const attempts = own(call, "attempts") ?? retry.attempts;
  const unauthorized = own(call, "unauthorized");
  const end = clock.monotonic() + retry.deadlineMs;
  let mended = false;
  for (let number = 1; ; number++) {
    const left = Math.max(1, end - clock.monotonic());
    try {
      return await attempt(Math.min(transport.timeoutMs, left), number);
    } catch (caught) {
      let verdict = retryVerdict(caught, call.repetition);
      let error = caught;
      let mend = false;
      if (isUnauthorized(caught)) {
        if (unauthorized === undefined) throw caught;
        ({ error, mend } = await unauthorized(caught));
        if (mended) verdict = "no";
        mended = true;
      }
      if (verdict === "no" || call.signal?.aborted || (number >= attempts && !mend)) throw error;
      const pause = verdict === "once" ? 0 : Math.max(backoffMs(retry, number), retryAfterOf(error));
      if (clock.monotonic() + pause >= end) throw error;
      tell(context.onEvent, { type: "retry", attempt: number, delayMs: pause, reason: String((error as PosCryptoError).code) });
      if (pause > 0) await sleep(pause, call.signal);
    }
  }
}

/** The pause that the host has asked for, in milliseconds. One beyond the deadline ends the tries. */
function retryAfterOf(error: unknown): number {
  const asked = error instanceof PosCryptoError ? error.details?.["retryAfterMs"] : undefined;
  return typeof asked === "number" ? asked : 0;
}

function isUnauthorized(error: unknown): error is PosCryptoError {
  return error instanceof PosCryptoError && error.code === "ERR_HOST" && error.details?.["status"] === 401;
}
