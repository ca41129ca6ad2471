/**
 * The lock of an `IndexedDbStore`: one opening at a time, of all tabs, windows and workers of an origin.
 *
 * Web Locks where the engine has them (Chrome 69, Safari 15.4, Firefox 96; secure contexts only): the browser gives the lock up with
 * its page, however that ends. A page that the browser froze keeps it.
 *
 * Elsewhere a lease in the database: the holder counts a heartbeat up at each interval. Who waits watches it for two intervals by its
 * own clock; one that does not move belongs to a page that has ended, or that the browser has stopped. The latter finds in the
 * transaction of its next write that it is the holder no more, and writes nothing.
 *
 * In both cases the database says since when, for people.
 */
import { encodeHex } from "../../base/bytes.js";
import { PosCryptoError } from "../../base/errors.js";
import { randomBytes } from "../../base/random.js";
import { sleep } from "../http/sleep.js";
import { type Guard, transact } from "./indexeddb-database.js";

export interface DatabaseLock {
  /** Whether another page has taken the lease over. */
  readonly isLost: boolean;
  /** To be called at the start of a transaction that writes; with the object store `terminal`. */
  confirm(terminal: IDBObjectStore, guard: Guard): void;
  /** Gives the lock up; `database` is open still, if it can be. */
  release(): Promise<void>;
}

interface Holder {
  readonly token: string;
  /** RFC 3339, by the holder's clock. */
  readonly since: string;
  readonly beat: number;
}

/** How the lock is taken. */
export interface LockOptions {
  /** The database's. */
  readonly name: string;
  /** `undefined` where the engine has no Web Locks. */
  readonly locks: LockManager | undefined;
  readonly heartbeatMs: number;
  readonly database: () => Promise<IDBDatabase>;
}

/** Its key in the object store `terminal`. */
const HOLDER = "holder";
/** A page that is just being closed lets go within that. */
const WAIT_MS = 1000;

/** Errors: `ERR_STORE` while another opening has the lock; `details` has `since`, where it is known, and `mayBeFrozen`. */
export async function lockDatabase(options: LockOptions): Promise<DatabaseLock> {
  const holder: Holder = { token: encodeHex(randomBytes(16)), since: new Date().toISOString(), beat: 0 };
  if (options.locks === undefined) return await takeLease(options, holder);
  const release = await requestLock(options.locks, `viopay-pos-crypto:${options.name}`);
  if (release === undefined) throw heldBy(await readHolder(options), true);
  // For people only: what holds is the browser's lock.
  await writeHolder(options, holder, () => true).catch(() => false);
  return {
    isLost: false,
    confirm() {},
    async release() {
      await dropHolder(options, holder).catch(() => {});
      release();
    },
  };
}

/** What gives the lock up; `undefined` where another opening has it. */
function requestLock(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), WAIT_MS);
  return new Promise((resolve, reject) => {
    locks
      .request(name, { signal: patience.signal }, () => {
        clearTimeout(timer);
        return new Promise<void>((release) => resolve(() => release()));
      })
      .catch((error: unknown) => {
        clearTimeout(timer);
        if (patience.signal.aborted) resolve(undefined);
        else reject(new PosCryptoError("ERR_STORE", "the browser's locks could not be used", { cause: error }));
      });
  });
}

async function takeLease(options: LockOptions, own: Holder): Promise<DatabaseLock> {
  const before = await readHolder(options);
  if (before !== undefined) {
    await sleep(2 * options.heartbeatMs, undefined);
    const now = await readHolder(options);
    if (now !== undefined && !isSame(now, before)) throw heldBy(now, false);
  }
  if (!(await writeHolder(options, own, (found) => found === undefined || (before !== undefined && isSame(found, before))))) {
    throw heldBy(await readHolder(options), false);
  }
  return new Lease(options, own);
}

class Lease implements DatabaseLock {
  readonly #options: LockOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #own: Holder;
  #isLost = false;

  constructor(options: LockOptions, own: Holder) {
    this.#options = options;
    this.#own = own;
    this.#timer = setInterval(() => void this.#show().catch(() => {}), options.heartbeatMs);
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  confirm(terminal: IDBObjectStore, guard: Guard): void {
    const request = terminal.get(HOLDER) as IDBRequest<Holder | undefined>;
    request.onsuccess = guard(() => {
      if (request.result?.token === this.#own.token) return;
      this.#lose();
      throw lost();
    });
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await dropHolder(this.#options, this.#own).catch(() => {});
  }

  async #show(): Promise<void> {
    const next: Holder = { ...this.#own, beat: this.#own.beat + 1 };
    if (await writeHolder(this.#options, next, (found) => found?.token === next.token)) this.#own = next;
    else this.#lose();
  }

  #lose(): void {
    this.#isLost = true;
    clearInterval(this.#timer);
  }
}

export function lost(): PosCryptoError {
  return new PosCryptoError(
    "ERR_STORE",
    "the store was taken over by another tab while this one was stopped: close() and open it again",
  );
}

function heldBy(holder: Holder | undefined, byBrowser: boolean): PosCryptoError {
  const since = holder === undefined ? "" : ` since ${holder.since}`;
  const frozen = byBrowser ? "; a tab that the browser froze keeps it: close that tab, or bring it to the front" : "";
  return new PosCryptoError("ERR_STORE", `the store is open elsewhere: another tab, window or worker has it${since}${frozen}`, {
    details: { ...(holder === undefined ? {} : { since: holder.since }), mayBeFrozen: byBrowser },
  });
}

const isSame = (a: Holder, b: Holder) => a.token === b.token && a.beat === b.beat;

async function readHolder({ database }: LockOptions): Promise<Holder | undefined> {
  let request: IDBRequest<Holder | undefined> | undefined;
  await transact(await database(), ["terminal"], "readonly", (transaction) => {
    request = transaction.objectStore("terminal").get(HOLDER);
  });
  return request?.result;
}

/** Whether it was written, which is only where `mayReplace` agrees to what is there. */
async function writeHolder(
  { database }: LockOptions,
  holder: Holder,
  mayReplace: (found: Holder | undefined) => boolean,
): Promise<boolean> {
  let written = false;
  await transact(await database(), ["terminal"], "readwrite", (transaction, guard) => {
    const terminal = transaction.objectStore("terminal");
    const request = terminal.get(HOLDER) as IDBRequest<Holder | undefined>;
    request.onsuccess = guard(() => {
      written = mayReplace(request.result);
      if (written) terminal.put(holder, HOLDER);
    });
  });
  return written;
}

async function dropHolder({ database }: LockOptions, { token }: Holder): Promise<void> {
  await transact(await database(), ["terminal"], "readwrite", (transaction, guard) => {
    const terminal = transaction.objectStore("terminal");
    const request = terminal.get(HOLDER) as IDBRequest<Holder | undefined>;
    request.onsuccess = guard(() => {
      if (request.result?.token === token) terminal.delete(HOLDER);
    });
  });
}
