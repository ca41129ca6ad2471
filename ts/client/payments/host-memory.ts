/**
 * Whether the host still remembers an idempotency key: only then may an open payment be sent again, and only the host's own clock may
 * say that it does not, since that gives the payment up for good.
 *
 * The host accepts no signature whose timestamp is more than 5 minutes old or 1 minute ahead. So a request that it accepts was
 * judged here by a clock that is at most that far off, which is allowed for; and a payment that was signed in the host's future
 * was refused, whatever became of the answer: it is asked about again as one that has just been made.
 */
import { PosCryptoError } from "../../base/errors.js";
import { readHostClock } from "../activation/bootstrap.js";
import type { CallOptions, Context } from "../session.js";
import type { JournalRecord } from "../store/records.js";

/** How far ahead of its clock the host accepts a timestamp. */
const NEWEST_MS = 60_000;

/** What is known of the host's memory; `unsure`: why its clock could not be read. */
export type Standing =
  | { readonly standing: "remembered" | "forgotten" }
  | { readonly standing: "unsure"; readonly cause: PosCryptoError };

/** By the clock as last known, and on the safe side of what it may be off by. A record's `createdAt` is that of its earliest sending. */
export function isRemembered(context: Context, record: JournalRecord): boolean {
  const { clock, transport, retry, idempotencyTtlMs } = context;
  const sending = retry.attempts === 1 ? transport.timeoutMs : retry.deadlineMs;
  const age = clock.now() - Date.parse(record.createdAt);
  if (age < -(NEWEST_MS + clock.uncertaintyMs)) return clock.isFresh;
  return age + sending + clock.uncertaintyMs < idempotencyTtlMs;
}

/** Reads the host's clock anew before it calls a key forgotten. Never rejects. */
export async function standingOf(context: Context, record: JournalRecord, { signal }: CallOptions): Promise<Standing> {
  if (isRemembered(context, record)) return { standing: "remembered" };
  try {
    if (!context.clock.isFresh) await readHostClock(context, { signal, attempts: 1 });
  } catch (cause) {
    if (cause instanceof PosCryptoError) return { standing: "unsure", cause };
    return {
      standing: "unsure",
      cause: new PosCryptoError("ERR_HOST_RESPONSE", "the host's clock could not be read", { cause }),
    };
  }
  if (isRemembered(context, record)) return { standing: "remembered" };
  if (context.clock.isFresh) return { standing: "forgotten" };
  const cause = new PosCryptoError("ERR_STATE", "the terminal's clock was set while the host's was being read: try again");
  return { standing: "unsure", cause };
}
