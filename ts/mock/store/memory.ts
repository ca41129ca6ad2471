/** The store of a single process: a map with expiry by the server's clock, swept as it is written to, without timers. */
import type { MockStore } from "./store.js";

interface Entry {
  value: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Writes between two sweeps of expired entries. */
const SWEEP_INTERVAL = 1024;

export class MemoryStore implements MockStore {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #writes = 0;

  /**
   * Empty, and without timers.
   *
   * @param now milliseconds since the epoch; the clock that expiry goes by
   */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async get(key: string): Promise<string | undefined> {
    return this.#read(key);
  }

  async set(key: string, value: string, ttlMs?: number): Promise<void> {
    this.#write(key, value, ttlMs);
  }

  async setIfAbsent(key: string, value: string, ttlMs?: number): Promise<boolean> {
    if (this.#read(key) !== undefined) return false;
    this.#write(key, value, ttlMs);
    return true;
  }

  async compareAndSet(key: string, expected: string | undefined, next: string | undefined, ttlMs?: number): Promise<boolean> {
    if (this.#read(key) !== expected) return false;
    if (next === undefined) this.#entries.delete(key);
    else this.#write(key, next, ttlMs);
    return true;
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key);
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.keys()].filter((key) => key.startsWith(prefix));
  }

  async close(): Promise<void> {
    this.#entries.clear();
  }

  /** The names of all live entries. */
  keys(): IterableIterator<string> {
    this.#sweep();
    return this.#entries.keys();
  }

  #read(key: string): string | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#now() < entry.expiresAt) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  #write(key: string, value: string, ttlMs: number | undefined): void {
    this.#writes += 1;
    if (this.#writes % SWEEP_INTERVAL === 0) this.#sweep();
    this.#entries.set(key, { value, expiresAt: ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#now() + ttlMs });
  }

  #sweep(): void {
    const now = this.#now();
    for (const [key, entry] of this.#entries) {
      if (now >= entry.expiresAt) this.#entries.delete(key);
    }
  }
}
