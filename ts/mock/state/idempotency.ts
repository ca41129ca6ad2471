/**
 * Idempotent requests: the same `Idempotency-Key` with the same plaintext has one effect and one answer.
 *
 * Scope: terminal, endpoint (the path, which for refunds holds the charge) and key, for 24 hours. Requests are compared by a keyed
 * digest of the opened plaintext. Whoever comes first takes the entry with a lease and names the charge or refund that it is about
 * to make; others wait. If it dies, the next one takes over with the same name, so that what was already made is found and not made
 * twice. Only success is remembered: a refusal has no effect, and its reasons do not go away.
 *
 * A remembered answer is given again byte for byte, unless the terminal has changed its key set since: then the same content is
 * sealed anew, for the first bytes could not be opened any more.
 */
import type { JsonValue } from "../../core/envelope/envelope.js";
import { ApiError, conflict } from "../http/errors.js";
import type { MockStore } from "../store/store.js";

interface Entry {
  fingerprint: string;
  /** The charge or refund that the request makes. */
  resourceId: string;
  /** While the first request is under way: until when others wait for it. */
  leaseUntil?: number;
  /** Once it is answered: the sealed body and the key set that opens it. */
  body?: string;
  keySetId?: string;
}

export interface IdempotentRequest {
  terminalId: string;
  /** Path of the endpoint. */
  endpoint: string;
  /** Without one nothing is remembered. */
  key: string | undefined;
  fingerprint: string;
  keySetId: string;
  newResourceId(): string;
  /** Makes the resource, or finds it made, and returns the answer. Run any number of times it makes one. */
  commit(resourceId: string): Promise<JsonValue>;
  seal(answer: JsonValue): Promise<string>;
}

/** How long a request may take before another one may take over. To commit takes milliseconds, so longer means a dead process. */
const LEASE_MS = 5000;
/** Waiting for a request under way: real milliseconds between two looks, growing. */
const SHORTEST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 100;
/** Looks before giving up: longer than several leases. */
const LOOKS = 400;

export class Idempotency {
  readonly #store: MockStore;
  readonly #now: () => number;
  readonly #ttlMs: number;

  constructor(store: MockStore, now: () => number, ttlMs: number) {
    this.#store = store;
    this.#now = now;
    this.#ttlMs = ttlMs;
  }

  /** The sealed body of the answer. Throws 409 for another plaintext, and whatever `commit` refuses with. */
  async answer(request: IdempotentRequest): Promise<string> {
    if (request.key === undefined) return request.seal(await request.commit(request.newResourceId()));
    const name = `idempotency:${request.terminalId}:${request.endpoint}:${request.key}`;
    let wait = SHORTEST_WAIT_MS;
    for (let look = 0; look < LOOKS; look++) {
      const present = await this.#store.get(name);
      const entry = present === undefined ? undefined : (JSON.parse(present) as Entry);
      if (entry !== undefined && entry.fingerprint !== request.fingerprint) {
        throw conflict("Idempotency-Key was used with another request");
      }
      if (entry?.body !== undefined) {
        if (entry.keySetId === request.keySetId) return entry.body;
        return request.seal(await request.commit(entry.resourceId));
      }
      if (entry?.leaseUntil === undefined || entry.leaseUntil <= this.#now()) {
        const body = await this.#run(name, present, entry?.resourceId ?? request.newResourceId(), request);
        if (body !== undefined) return body;
        continue;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
    throw new Error("a request with the same idempotency key did not end");
  }

  /** Takes the lease and runs the request; `undefined` if another request was faster. */
  async #run(
    name: string,
    present: string | undefined,
    resourceId: string,
    request: IdempotentRequest,
  ): Promise<string | undefined> {
    const taken: Entry = { fingerprint: request.fingerprint, resourceId, leaseUntil: this.#now() + LEASE_MS };
    const lease = JSON.stringify(taken);
    if (!(await this.#store.compareAndSet(name, present, lease, this.#ttlMs))) return undefined;
    try {
      const body = await request.seal(await request.commit(resourceId));
      const done: Entry = { fingerprint: request.fingerprint, resourceId, body, keySetId: request.keySetId };
      const kept = await this.#store.compareAndSet(name, lease, JSON.stringify(done), this.#ttlMs);
      return kept ? body : undefined;
    } catch (error) {
      // A refusal made nothing. After any other failure something may have been made: the name must survive for the next try.
      const next = error instanceof ApiError ? undefined : JSON.stringify({ ...taken, leaseUntil: 0 });
      await this.#store.compareAndSet(name, lease, next, this.#ttlMs);
      throw error;
    }
  }
}

/** Deeper nesting is no payload of this protocol. */
const DEEPEST = 32;

/** JSON with members in a fixed order, so that equal values give equal text; `undefined` beyond a sane depth. */
export function canonicalJson(value: JsonValue, depth = 0): string | undefined {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (depth === DEEPEST) return undefined;
  const parts: string[] = [];
  const isArray = Array.isArray(value);
  const entries = isArray ? value.map((item): [string, JsonValue] => ["", item]) : Object.entries(value);
  if (!isArray) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, item] of entries) {
    const text = canonicalJson(item as JsonValue, depth + 1);
    if (text === undefined) return undefined;
    parts.push(isArray ? text : `${JSON.stringify(name)}:${text}`);
  }
  return isArray ? `[${parts.join(",")}]` : `{${parts.join(",")}}`;
}
