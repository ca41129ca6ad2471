/**
 * Where the mock keeps its state: text values by key, with expiry and the two atomic operations that several processes need.
 *
 * Every method is a single atomic step, chosen so that Redis offers each of them: GET, SET PX, SET NX PX, DEL, and a
 * compare-and-set script. A store never sees a key in clear, a PIN or a card number: key sets are held as their wrapped blocks,
 * charges sealed.
 *
 * Expiry frees memory and bounds what is remembered; records that must not be believed after a point in time carry that time
 * themselves, so that the server's own clock decides.
 */

export interface MockStore {
  /** The value, or `undefined` if there is none or it has expired. */
  get(key: string): Promise<string | undefined>;
  /** Writes unconditionally. `ttlMs`: milliseconds until it expires; without it, never. */
  set(key: string, value: string, ttlMs?: number): Promise<void>;
  /** Writes if the key has no value; says whether it did. */
  setIfAbsent(key: string, value: string, ttlMs?: number): Promise<boolean>;
  /**
   * Writes `next` (or, for `undefined`, deletes) if the present value is exactly `expected` (`undefined`: none); says whether it
   * did. The new value has the expiry given here and none otherwise.
   */
  compareAndSet(key: string, expected: string | undefined, next: string | undefined, ttlMs?: number): Promise<boolean>;
  /** Removes the key; one that has no value is no error. */
  delete(key: string): Promise<void>;
  /**
   * The names of all live entries that begin with `prefix`. Optional: without it the mock has no ledger and cannot be reset. It need not
   * be one atomic step.
   */
  list?(prefix: string): Promise<string[]>;
  /** Gives back what the store holds open. */
  close(): Promise<void>;
}
