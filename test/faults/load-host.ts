/**
 * One mock host of the load test, a process of its own: the mock on a port, with its cryptography, its store and its handlers timed.
 * Its parent says what it holds, asks for figures and ends it.
 */
import { loadCrypto, currentBackend } from "../../ts/backend/select.js";
import { createMockServer, MemoryStore, type MockStore, openRedisStore, type Provision } from "../../ts/mock/index.js";
import { type CallFigures, CpuProfile, CryptoMeter, cpuMs, type Shares, Stopwatch } from "./load-meter.js";

export interface HostTask {
  readonly provision: Provision;
  /** Without it the host keeps everything in memory. */
  readonly redisUrl: string | undefined;
  readonly profile: boolean;
}

/** Since the last figures were taken, times in milliseconds. */
export interface HostFigures {
  readonly cpuMs: number;
  readonly crypto: CallFigures;
  /** In the calls themselves; what the process does with Redis' answers afterwards is not in it. */
  readonly store: CallFigures;
  /** From each call of the store to its answer. */
  readonly storeWaits: readonly number[];
  /** From request to answer, without HTTP, by endpoint. */
  readonly handled: Readonly<Record<string, readonly number[]>>;
  /** Ids of the charges this process was the one to make. */
  readonly committed: readonly string[];
  readonly shares: Shares | undefined;
}

export type HostReply =
  | { readonly kind: "listening"; readonly url: string; readonly token: string }
  | { readonly kind: "figures"; readonly figures: HostFigures };

class NotingStore implements MockStore {
  readonly #store: MockStore;
  readonly stopwatch = new Stopwatch();
  waits: number[] = [];
  committed: string[] = [];

  constructor(store: MockStore) {
    this.#store = store;
  }

  async #timed<T>(kind: string, call: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const pending = call();
    this.stopwatch.add(kind, performance.now() - start);
    const result = await pending;
    this.waits.push(performance.now() - start);
    return result;
  }

  get(key: string): Promise<string | undefined> {
    return this.#timed("get", () => this.#store.get(key));
  }

  set(key: string, value: string, ttlMs?: number): Promise<void> {
    return this.#timed("set", () => this.#store.set(key, value, ttlMs));
  }

  async setIfAbsent(key: string, value: string, ttlMs?: number): Promise<boolean> {
    const done = await this.#timed("setIfAbsent", () => this.#store.setIfAbsent(key, value, ttlMs));
    if (done && key.startsWith("charge:")) this.committed.push(key.slice("charge:".length));
    return done;
  }

  compareAndSet(key: string, expected: string | undefined, next: string | undefined, ttlMs?: number): Promise<boolean> {
    return this.#timed("compareAndSet", () => this.#store.compareAndSet(key, expected, next, ttlMs));
  }

  delete(key: string): Promise<void> {
    return this.#timed("delete", () => this.#store.delete(key));
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

async function run(task: HostTask): Promise<void> {
  await loadCrypto();
  const meter = new CryptoMeter(currentBackend());
  const store = new NotingStore(task.redisUrl === undefined ? new MemoryStore() : await openRedisStore(task.redisUrl));
  let handled: Record<string, number[]> = {};
  const server = createMockServer({
    provision: task.provision,
    store,
    middleware: [
      async (context, next) => {
        const start = performance.now();
        const reply = await next();
        handled[context.exchange.endpoint ?? "none"] ??= [];
        handled[context.exchange.endpoint ?? "none"]!.push(performance.now() - start);
        return reply;
      },
    ],
  });
  const listening = await server.listen();
  const profile = task.profile ? new CpuProfile() : undefined;
  await profile?.start();
  let cpu = cpuMs();

  const takeFigures = async (): Promise<HostFigures> => {
    const figures: HostFigures = {
      cpuMs: cpuMs() - cpu,
      crypto: meter.take(),
      store: store.stopwatch.take(),
      storeWaits: store.waits,
      handled,
      committed: store.committed,
      shares: await profile?.take(),
    };
    handled = {};
    store.waits = [];
    store.committed = [];
    cpu = cpuMs();
    return figures;
  };
  const send = (reply: HostReply) => process.send!(reply);
  process.on("message", (message) => {
    if (message === "figures") void takeFigures().then((figures) => send({ kind: "figures", figures }));
  });
  process.once("disconnect", () => process.exit());
  send({ kind: "listening", url: listening.url, token: await server.merchantToken() });
}

process.once("message", (task) => void run(task as HostTask));
