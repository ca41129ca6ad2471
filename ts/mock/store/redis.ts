/**
 * The store of several processes: Redis 6 or newer through ioredis, an optional peer that is loaded only when a store is opened.
 *
 * Each method is one command, or one script where a comparison and a write must not come apart, so processes need no lock: what
 * holds for requests of one process holds for requests of all. Values are what every store gets: wrapped keys and sealed charges.
 *
 * After a lost connection the client repeats commands whose answers it missed. A repeated set-if-absent or compare-and-set then says
 * no although it said yes before; callers take that for another's success, look again and find their own.
 */
import { ownOptions, text } from "../../base/arguments.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { MockStore } from "./store.js";

/** The part of an ioredis client that the store uses. */
export interface RedisClient {
  /** Sends one command. */
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
  /** Ends the connection after the commands under way. */
  quit(): Promise<unknown>;
  /** Ends the connection at once. */
  disconnect(): void;
}

/** How the store uses a database. */
export interface RedisStoreOptions {
  /** Before every key, so that a database can be shared. Default `viopay-pos:`. */
  prefix?: string;
}

const PREFIX = "viopay-pos:";
/** How long a server may take to be reached, and a command to be answered. */
const TIMEOUT_MS = 5000;
const LONGEST_PAUSE_MS = 1000;

/** `KEYS`: the key. `ARGV`: whether a value is expected, which, whether to write, what, milliseconds (0: no expiry). */
const COMPARE_AND_SET = `
local present = redis.call('GET', KEYS[1])
if ARGV[1] == '0' then
  if present then return 0 end
elseif present ~= ARGV[2] then
  return 0
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
elseif ARGV[5] == '0' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return 1`;

export class RedisStore implements MockStore {
  readonly #client: RedisClient;
  readonly #prefix: string;

  /** Takes over the client: `close` ends its connection. */
  constructor(client: RedisClient, options: RedisStoreOptions = {}) {
    this.#client = client;
    this.#prefix = text(ownOptions("options", options), "prefix") ?? PREFIX;
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#client.call("GET", this.#prefix + key);
    return typeof value === "string" ? value : undefined;
  }

  async set(key: string, value: string, ttlMs?: number): Promise<void> {
    await this.#client.call("SET", this.#prefix + key, value, ...expiry(ttlMs));
  }

  async setIfAbsent(key: string, value: string, ttlMs?: number): Promise<boolean> {
    return (await this.#client.call("SET", this.#prefix + key, value, "NX", ...expiry(ttlMs))) === "OK";
  }

  async compareAndSet(key: string, expected: string | undefined, next: string | undefined, ttlMs?: number): Promise<boolean> {
    const comparison = expected === undefined ? ["0", ""] : ["1", expected];
    const change = next === undefined ? ["0", ""] : ["1", next];
    const milliseconds = ttlMs === undefined ? 0 : wholeMilliseconds(ttlMs);
    const name = this.#prefix + key;
    return (await this.#client.call("EVAL", COMPARE_AND_SET, 1, name, ...comparison, ...change, milliseconds)) === 1;
  }

  async delete(key: string): Promise<void> {
    await this.#client.call("DEL", this.#prefix + key);
  }

  /** By SCAN, which sees every key that is there from the first step to the last. */
  async list(prefix: string): Promise<string[]> {
    const pattern = `${(this.#prefix + prefix).replace(/[\\*?[\]]/g, "\\$&")}*`;
    const names = new Set<string>();
    let cursor = "0";
    do {
      const answer = (await this.#client.call("SCAN", cursor, "MATCH", pattern, "COUNT", 500)) as [string, string[]];
      cursor = answer[0];
      for (const name of answer[1]) names.add(name.slice(this.#prefix.length));
    } while (cursor !== "0");
    return [...names];
  }

  /** Waits for the commands under way. */
  async close(): Promise<void> {
    try {
      await this.#client.quit();
    } catch {
      this.#client.disconnect();
    }
  }
}

function expiry(ttlMs: number | undefined): (string | number)[] {
  return ttlMs === undefined ? [] : ["PX", wholeMilliseconds(ttlMs)];
}

/** Redis knows no expiry that has passed: what is to expire at once lives for a millisecond. */
function wholeMilliseconds(ttlMs: number): number {
  return Math.max(1, Math.ceil(ttlMs));
}

/**
 * Connects to a Redis server.
 *
 * @param url `redis:` or, with TLS, `rediss:`; may hold a password, which no error repeats
 * @throws `ERR_INVALID_ARGUMENT` for another URL
 * @throws `ERR_BACKEND_UNAVAILABLE` without the package ioredis
 * @throws `ERR_NETWORK` if the server cannot be reached or refuses
 */
export async function openRedisStore(url: string, options: RedisStoreOptions = {}): Promise<RedisStore> {
  if (!/^rediss?:\/\/[^/]/.test(url)) throw invalidArgument("url", "a redis: or rediss: URL", "another");
  const Redis = await loadDriver();
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * attempt, LONGEST_PAUSE_MS),
  });
  // Commands reject by themselves; without a listener the client would print.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.ping();
  } catch (cause) {
    client.disconnect();
    throw new PosCryptoError("ERR_NETWORK", "the Redis server cannot be reached, or refuses", { cause });
  }
  return new RedisStore(client, options);
}

async function loadDriver(): Promise<typeof import("ioredis").Redis> {
  const { loadRedis }: Partial<typeof import("#mock-node")> = await import("#mock-node");
  if (loadRedis === undefined) throw new PosCryptoError("ERR_BACKEND_UNAVAILABLE", "a Redis store needs Node, Bun or Deno");
  const loaded = await loadRedis();
  if ("Redis" in loaded) return loaded.Redis;
  throw new PosCryptoError("ERR_BACKEND_UNAVAILABLE", "a Redis store needs the package ioredis, version 5 or later", loaded);
}
