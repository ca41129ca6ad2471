/**
 * Bootstrap: what the host demands of the app, and what time it is there. Every signature carries a timestamp that the host holds
 * against its own clock, so a refused signature is a reason to read that clock again.
 */
import { own } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import { addressOf } from "../../core/protocol/endpoints.js";
import { activationHeaders } from "../http/headers.js";
import { ownValue, requireString, unexpectedAnswer } from "../http/json-fields.js";
import { withRetries } from "../http/retry.js";
import type { CallOptions, Context, StepOptions } from "../session.js";
import { isOlderVersion } from "./version.js";

/** What the host says first. */
export interface BootstrapResult {
  /** RFC 3339, as the host said it. */
  readonly serverTime: string;
  readonly minSupportedVersion: string | undefined;
  /** What is added to the terminal's clock from now on, in milliseconds. */
  readonly clockOffsetMs: number;
}

interface Reading {
  readonly body: unknown;
  readonly serverTime: string;
  readonly sentAt: number;
  readonly receivedAt: number;
}

async function ask(context: Context, options: StepOptions): Promise<Reading> {
  const { clock, transport, identity } = context;
  const { signal } = options;
  const attempts = own(options, "attempts");
  return await withRetries(context, { repetition: "steps", signal, attempts }, async (timeoutMs) => {
    const sentAt = clock.local();
    const headers = activationHeaders(identity);
    const { body } = await transport.request({ ...addressOf("bootstrap"), headers, signal, timeoutMs });
    const receivedAt = clock.local();
    if (requireString(body, "status") !== "ok") throw unexpectedAnswer("status", '"ok"');
    return { body, serverTime: requireString(body, "server_time"), sentAt, receivedAt };
  });
}

/** Adopts the host's time, and nothing else of what bootstrap says. */
export async function readHostClock(context: Context, options: StepOptions): Promise<void> {
  const { serverTime, sentAt, receivedAt } = await ask(context, options);
  context.clock.synchronise(serverTime, sentAt, receivedAt);
}

export async function bootstrap(context: Context, options: StepOptions = {}): Promise<BootstrapResult> {
  const { clock, session, identity } = context;
  const { body, serverTime, sentAt, receivedAt } = await ask(context, options);
  const minimum = ownValue(body, "min_supported_version");
  const tooOld = typeof minimum === "string" ? isOlderVersion(identity.appVersion, minimum) : undefined;
  if (minimum !== undefined && tooOld === undefined) {
    throw unexpectedAnswer("min_supported_version", "a version such as 1.3.5");
  }
  // Also for an app that is too old: it still asks about open payments, and signs by the host's time.
  clock.synchronise(serverTime, sentAt, receivedAt);
  if (tooOld === true) {
    throw new PosCryptoError(
      "ERR_VERSION_TOO_OLD",
      `the host needs app version ${String(minimum)}, this is ${identity.appVersion}`,
      {
        details: { minSupportedVersion: minimum, appVersion: identity.appVersion },
      },
    );
  }
  session.bootstrapped = true;
  return { serverTime, minSupportedVersion: minimum as string | undefined, clockOffsetMs: clock.offsetMs };
}

/** The host's window, less what a server time without fraction and the way there may hide. */
const OLDEST_MS = 5 * 60_000 - 2000;
const NEWEST_MS = 60_000 - 2000;

/**
 * A refused signature, explained: where its timestamp was outside the host's window, the clock is set right, and the error says so
 * with `details.clockSkewMs` (how far the timestamp was ahead) and `details.clockOffsetMs` (what is added from now on). Otherwise,
 * and where the host's clock cannot be read, the error as it was.
 */
export async function explainUnauthorized(
  context: Context,
  error: PosCryptoError,
  options: CallOptions,
): Promise<{ readonly error: PosCryptoError; readonly mend: false }> {
  const { clock } = context;
  const signedWith = clock.offsetMs;
  try {
    const { serverTime, sentAt, receivedAt } = await ask(context, { ...options, attempts: 1 });
    const measured = clock.measure(serverTime, sentAt, receivedAt);
    const ahead = signedWith - measured;
    if (ahead > -OLDEST_MS && ahead < NEWEST_MS) return { error, mend: false };
    clock.synchronise(serverTime, sentAt, receivedAt);
    const seconds = Math.round(Math.abs(ahead) / 1000);
    const explained = new PosCryptoError(
      "ERR_HOST",
      `${error.message}: this terminal's clock was ${seconds} s ${ahead > 0 ? "ahead of" : "behind"} the host's`,
      { cause: error, details: { ...error.details, clockSkewMs: ahead, clockOffsetMs: measured } },
    );
    return { error: explained, mend: false };
  } catch {
    return { error, mend: false };
  }
}
