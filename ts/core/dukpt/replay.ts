/**
 * Replays on a host: DUKPT itself does not notice that a KSN comes twice (X9.24-3:2017 leaves it to the host). Counters and identities are
 * public.
 */
import { assertObject } from "../../base/arguments.js";
import { badKsn, type DukptScheme, parseKsn } from "./ksn.js";

/** Remembers the highest counter of each terminal. */
export interface SeenCounterStore {
  /**
   * Sets the counter of a terminal if it is higher than the one that is there, or none is: whether it did. It must be atomic, so that of
   * two requests with one KSN only one is told so.
   */
  advance(terminal: string, counter: number): boolean | Promise<boolean>;
}

/** What a client of Redis must be able to do: `eval` of ioredis. */
export interface SeenCounterRedis {
  /** Runs a script: its text, how many of the arguments are names of keys, and the arguments. */
  eval(script: string, numberOfKeys: number, ...args: (string | number)[]): Promise<unknown>;
}

const ADVANCE = `local seen = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) <= seen then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`;

/** Counters in this process's memory: for one process, and as long as it lives. */
export function memorySeenCounters(): SeenCounterStore {
  const seen = new Map<string, number>();
  return {
    advance(terminal, counter) {
      if (counter <= (seen.get(terminal) ?? 0)) return false;
      seen.set(terminal, counter);
      return true;
    },
  };
}

/** Counters in Redis, for any number of processes; `prefix` goes before the names of its keys. */
export function redisSeenCounters(redis: SeenCounterRedis, prefix = "dukpt:"): SeenCounterStore {
  return { advance: async (terminal, counter) => (await redis.eval(ADVANCE, 1, prefix + terminal, counter)) === 1 };
}

/**
 * A check that refuses KSNs a host has seen, or that are before one it has seen: a replay, or a cloned terminal. Jumps forward are
 * normal. To be asked once a message is authentic (its MAC or PIN block was right), so that nobody can push a terminal's counter on.
 *
 * @param store what remembers; default: this process's memory
 * @returns resolves for a new KSN. Throws `ERR_KSN` for one that is not, or is no KSN
 * @example
 * ```ts
 * import { seenCounter } from "viopay-pos-crypto/dukpt";
 *
 * const accept = seenCounter();
 * await accept("123456789012345600000001");
 * await accept("123456789012345600000001").catch((error) => console.log(error.code)); // prints ERR_KSN
 * ```
 */
export function seenCounter(
  store: SeenCounterStore = memorySeenCounters(),
): (ksn: string | Uint8Array, scheme?: DukptScheme) => Promise<void> {
  assertObject("store", store);
  return async (ksn, scheme) => {
    const parsed = parseKsn(ksn, scheme);
    if (await store.advance(`${parsed.scheme}:${parsed.initialKeyId}`, parsed.counter)) return;
    throw badKsn("its counter was seen before, or a later one; this is a replay or a cloned terminal");
  };
}
