/** What a process spends its time on: its calls into the cryptographic backend, timed, and a sampling profile by part of the program. */
import { type Profiler, Session } from "node:inspector/promises";
import type { Backend } from "../../ts/backend/contract.js";

/** CPU time of this process so far, in milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A call is synchronous and short. One that takes far longer was interrupted: by the system, or a garbage collection. */
const INTERRUPTED = 0.05;

/** Durations of calls of one kind each: how much time they took together. */
export class Stopwatch {
  #durations = new Map<string, number[]>();

  add(kind: string, ms: number): void {
    const durations = this.#durations.get(kind);
    if (durations === undefined) this.#durations.set(kind, [ms]);
    else durations.push(ms);
  }

  /** The figures since the last time: of each kind, as many calls as there were, at their mean without the longest twentieth. */
  take(): CallFigures {
    let [calls, ms] = [0, 0];
    for (const durations of this.#durations.values()) {
      const kept = durations.sort((x, y) => x - y).slice(0, Math.ceil((1 - INTERRUPTED) * durations.length));
      calls += durations.length;
      ms += (durations.length * kept.reduce((sum, one) => sum + one, 0)) / kept.length;
    }
    this.#durations = new Map();
    return { calls, ms };
  }
}

export interface CallFigures {
  readonly calls: number;
  readonly ms: number;
}

/** Too small to be timed without the clock being what is measured. */
const UNTIMED = ["constructor", "slotIsLive", "slotKind", "slotLength"];

/** Times every method of a backend, calls from one to another once. */
export class CryptoMeter {
  readonly #stopwatch = new Stopwatch();
  #depth = 0;

  constructor(backend: Backend) {
    const methods = backend as unknown as Record<string, (...args: unknown[]) => unknown>;
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(backend)).concat(Object.keys(backend));
    for (const name of names) {
      const method = methods[name];
      if (typeof method !== "function" || UNTIMED.includes(name)) continue;
      Object.defineProperty(backend, name, {
        value: (...args: unknown[]) => this.#time(name, () => method.apply(backend, args)),
      });
    }
  }

  #time(name: string, call: () => unknown): unknown {
    if (this.#depth > 0) return call();
    this.#depth += 1;
    const start = performance.now();
    try {
      return call();
    } finally {
      this.#stopwatch.add(name, performance.now() - start);
      this.#depth -= 1;
    }
  }

  /** The figures since the last time. */
  take(): CallFigures {
    return this.#stopwatch.take();
  }
}

/** Milliseconds by part of the program. */
export type Shares = Record<string, number>;

/**
 * What the place of a function says about its part; the first that fits. Built-in functions, without a place, count for their
 * callers.
 */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ["cryptography", /^wasm:|\/ts\/backend\//],
  ["messages: envelopes, signatures, keys, JSON", /\/ts\/[^/]+\.js$|\/ts\/(keyblock|pin|deflate)\//],
  ["client", /\/ts\/client\//],
  ["store", /\/ts\/mock\/store|ioredis|redis-/],
  ["mock handlers", /\/ts\/mock\//],
  ["load test", /^node:internal\/(process\/per_thread|perf)/],
  ["HTTP", /^node:/],
  ["load test", /\/test\//],
];

/** A sampling profile of this process (V8's, through node:inspector), folded by part. */
export class CpuProfile {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.setSamplingInterval", { interval: 1000 });
    await this.#session.post("Profiler.start");
  }

  /** The shares since the last time. */
  async take(): Promise<Shares> {
    const { profile } = await this.#session.post("Profiler.stop");
    await this.#session.post("Profiler.start");
    return fold(profile);
  }
}

function fold({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Shares {
  const parts = new Map<number, string>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (id: number, above: string): void => {
    const node = byId.get(id)!;
    const part = partOf(node.callFrame) ?? above;
    parts.set(id, part);
    for (const child of node.children ?? []) visit(child, part);
  };
  if (nodes[0] !== undefined) visit(nodes[0].id, "native");
  const shares: Shares = {};
  samples.forEach((id, index) => {
    const part = parts.get(id) ?? "native";
    shares[part] = (shares[part] ?? 0) + Math.max(0, timeDeltas[index] ?? 0) / 1000;
  });
  return shares;
}

function partOf({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === "(idle)") return "idle";
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName === "(program)") return "native: sockets, kernel";
  return PARTS.find(([, place]) => url !== "" && place.test(url))?.[0];
}
