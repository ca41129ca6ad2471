/**
 * Terminals that all at once go from first boot to payments, against mock hosts in processes of their own: who was charged, how fast,
 * and where the time went. Terminals repeat requests as they do by default; how often they had to is counted.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { Redis } from "ioredis";
import { currentBackend, loadCrypto } from "../../ts/backend/select.js";
import { PosTerminal } from "../../ts/client/index.js";
import { importKey } from "../../ts/core/keys/key.js";
import { generateProvision, type Provision, type ProvisionedDevice } from "../../ts/mock/index.js";
import type { HostFigures, HostReply, HostTask } from "./load-host.js";
import { type CallFigures, CpuProfile, CryptoMeter, cpuMs, type Shares } from "./load-meter.js";

export { hasRedis, startRedis } from "./redis-server.js";

export interface LoadOptions {
  readonly terminals: number;
  /** Each terminal's, one after the other. */
  readonly charges: number;
  /** Processes. Each request of a terminal goes to another one than the request before. */
  readonly hosts: number;
  /** What more than one of them need. */
  readonly redisUrl: string | undefined;
  /** The program of a host. */
  readonly hostFile: string;
  /** Samples all processes of Node as well, which costs some of the speed that is measured. */
  readonly profile: boolean;
}

/** Milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One group of processes over the charges; milliseconds of CPU a charge. `rest`: HTTP, JSON, journal, routing, collection. */
export interface Spent {
  readonly process: "terminals" | "hosts" | "redis";
  readonly cpu: number;
  readonly crypto: number;
  readonly store: number;
  readonly rest: number;
  /** Of one core, all processes of the group together. */
  readonly cores: number;
  readonly cryptoCalls: number;
  readonly storeCalls: number;
  /** Milliseconds a charge by part of the program, if profiled. */
  readonly shares: Shares | undefined;
}

export interface LoadReport {
  readonly arrangement: string;
  readonly backend: string;
  readonly terminals: number;
  readonly activated: number;
  readonly setUpSeconds: number;
  /** Requested in all. */
  readonly charges: number;
  readonly approved: number;
  /** Outcomes other than approved, and errors, by what they say. */
  readonly failures: Readonly<Record<string, number>>;
  /** Sent for the charges: more than those where some had to be repeated. */
  readonly requests: number;
  /** Charges the hosts have made, how many different ones, and how many of those a terminal was told of. */
  readonly committed: number;
  readonly distinct: number;
  readonly told: number;
  /** Charge records found in Redis. */
  readonly stored: number | undefined;
  /** Whether every charge was approved and the hosts made each exactly once. */
  readonly exact: boolean;
  readonly seconds: number;
  readonly chargesPerSecond: number;
  /** As the terminals see it, from call to outcome, with all terminals at once. */
  readonly charge: Quantiles;
  /** From call to outcome with one terminal alone, which says what a charge takes without a queue. */
  readonly alone: Quantiles;
  /** In a host, from the parsed head of a request to its answer. */
  readonly handler: Quantiles;
  /** One operation of a host's store. */
  readonly storeCall: Quantiles;
  readonly byHost: readonly number[];
  readonly spent: readonly Spent[];
}

const CARD = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
/** Charges of one terminal alone, before all begin. */
const ALONE = 20;
/** After this, terminals give up and the test has failed. */
const LIMIT_MS = 5 * 60_000;

class Host {
  readonly #child: ChildProcess;
  url = "";
  token = "";

  constructor(file: string) {
    this.#child = fork(file, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  async start(task: HostTask): Promise<void> {
    this.#child.send(task);
    const reply = await this.#reply();
    if (reply.kind !== "listening") throw new Error("a host answered out of turn");
    this.url = reply.url;
    this.token = reply.token;
  }

  async figures(): Promise<HostFigures> {
    this.#child.send("figures");
    const reply = await this.#reply();
    if (reply.kind !== "figures") throw new Error("a host answered out of turn");
    return reply.figures;
  }

  async #reply(): Promise<HostReply> {
    const ended = once(this.#child, "exit").then(([code]) => Promise.reject(new Error(`a host ended with ${code}`)));
    const [reply] = (await Promise.race([once(this.#child, "message"), ended])) as [HostReply];
    ended.catch(() => {});
    return reply;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** A terminal whose requests go to the hosts in turn, beginning with number `first`. */
function createTerminal(device: ProvisionedDevice, urls: readonly string[], first: number, onSend: () => void): PosTerminal {
  let turn = first;
  const origin = urls[0]!;
  return new PosTerminal({
    baseUrl: origin,
    deviceId: device.device_id,
    identityKeyId: device.identity_key_id,
    identityKey: importKey(device.identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
    zmk: importKey(device.zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
    appVersion: "1.4.2",
    os: "Android 14",
    model: "PAX-A920",
    fetch: (url, init) => {
      onSend();
      return fetch(urls[turn++ % urls.length]! + String(url).slice(origin.length), init);
    },
  });
}

async function setUp(terminal: PosTerminal, { url, token }: Host, signal: AbortSignal): Promise<void> {
  let claim: Promise<unknown> | undefined;
  await terminal.setUp({
    pollMs: 50,
    signal,
    onPairingCode: ({ code }) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      claim = fetch(`${url}/pos/claim`, { method: "POST", headers, body: JSON.stringify({ pairing_code: code }) }).then(
        (response) => response.arrayBuffer(),
      );
    },
  });
  await claim;
}

interface Tally {
  readonly latencies: number[];
  readonly told: Set<string>;
  readonly failures: Record<string, number>;
  approved: number;
}

async function charge(terminal: PosTerminal, count: number, tally: Tally, signal: AbortSignal): Promise<void> {
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    try {
      signal.throwIfAborted();
      const pin_block = terminal.encryptPin({ pin: "4826", pan: CARD.number });
      const amount = { value: String(1000 + index), currency: "EUR" };
      const outcome = await terminal.charge({ card: CARD, amount, pin_block }, { signal });
      if (outcome.outcome === "approved") {
        tally.approved += 1;
        tally.told.add(outcome.chargeId);
      } else {
        note(tally, `${outcome.outcome}: ${"cause" in outcome ? outcome.cause.message : outcome.status}`);
      }
    } catch (error) {
      note(tally, String(error));
    }
    tally.latencies.push(performance.now() - start);
  }
}

function note({ failures }: Tally, what: string): void {
  failures[what] = (failures[what] ?? 0) + 1;
}

export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { name } = await loadCrypto();
  const provision = generateProvision(options.terminals);
  const hosts = Array.from({ length: options.hosts }, () => new Host(options.hostFile));
  const redis = options.redisUrl === undefined ? undefined : new Redis(options.redisUrl);
  try {
    if (redis !== undefined && (await redis.dbsize()) > 0) throw new Error("the load test needs a Redis that is empty");
    await Promise.all(hosts.map((host) => host.start({ provision, redisUrl: options.redisUrl, profile: options.profile })));
    return { backend: name, ...(await measure(options, provision, hosts, redis)) };
  } finally {
    await Promise.all(hosts.map((host) => host.end()));
    redis?.disconnect();
  }
}

async function measure(
  options: LoadOptions,
  provision: Provision,
  hosts: readonly Host[],
  redis: Redis | undefined,
): Promise<Omit<LoadReport, "backend">> {
  const urls = hosts.map(({ url }) => url);
  let sent = 0;
  const onSend = () => {
    sent += 1;
  };
  const terminals = provision.devices.map((device, index) => createTerminal(device, urls, index, onSend));
  const failures: Record<string, number> = {};
  sharedMeter ??= new CryptoMeter(currentBackend());
  const meter = sharedMeter;
  const limit = AbortSignal.timeout(LIMIT_MS);
  // Every request of every terminal listens to it.
  setMaxListeners(0, limit);

  const setUpStart = performance.now();
  const ready = await Promise.allSettled(
    terminals.map((terminal, index) => setUp(terminal, hosts[index % hosts.length]!, limit)),
  );
  const setUpSeconds = (performance.now() - setUpStart) / 1000;
  for (const result of ready) if (result.status === "rejected") note({ failures } as Tally, `set-up: ${result.reason}`);
  const activated = terminals.filter((_, index) => ready[index]!.status === "fulfilled");

  const alone: Tally = { latencies: [], told: new Set(), failures, approved: 0 };
  if (activated[0] !== undefined) await charge(activated[0], ALONE, alone, limit);

  const beforeCommitted = (await Promise.all(hosts.map((host) => host.figures()))).flatMap(({ committed }) => committed);
  const redisBefore = await redisCpuMs(redis);
  const profile = options.profile ? new CpuProfile() : undefined;
  await profile?.start();
  meter.take();
  sent = 0;
  const cpu = cpuMs();
  const tally: Tally = { latencies: [], told: new Set(), failures, approved: 0 };
  const start = performance.now();
  await Promise.all(activated.map((terminal) => charge(terminal, options.charges, tally, limit)));
  const ms = performance.now() - start;
  const spentMs = cpuMs() - cpu;
  const crypto = meter.take();
  const shares = await profile?.take();
  const figures = await Promise.all(hosts.map((host) => host.figures()));
  const redisMs = (await redisCpuMs(redis)) - redisBefore;

  const committed = figures.flatMap((one) => one.committed);
  const distinct = new Set([...committed, ...beforeCommitted]).size - new Set(beforeCommitted).size;
  const stored = redis === undefined ? undefined : (await redis.keys("viopay-pos:charge:*")).length - beforeCommitted.length;
  const charges = options.terminals * options.charges;
  const counts = [tally.approved, committed.length, distinct, tally.told.size, stored ?? charges];
  const exact = counts.every((count) => count === charges) && committed.every((id) => tally.told.has(id));
  const none: CallFigures = { calls: 0, ms: 0 };
  const group = (process: Spent["process"], all: number, crypto: CallFigures, store: CallFigures, shares?: Shares): Spent => ({
    process,
    cpu: all / charges,
    crypto: crypto.ms / charges,
    store: store.ms / charges,
    rest: (all - crypto.ms - store.ms) / charges,
    cores: all / ms,
    cryptoCalls: crypto.calls / charges,
    storeCalls: store.calls / charges,
    shares: shares && Object.fromEntries(Object.entries(shares).map(([part, total]) => [part, total / charges])),
  });
  const hostShares = options.profile ? sumOf(figures.map((one) => one.shares ?? {})) : undefined;
  const hostCrypto = total(figures.map((one) => one.crypto));
  const hostStore = total(figures.map((one) => one.store));
  const hostCpu = figures.reduce((sum, one) => sum + one.cpuMs, 0);
  return {
    arrangement: `${options.hosts} mock process${options.hosts === 1 ? "" : "es"}, ${redis === undefined ? "memory" : "Redis"}`,
    terminals: options.terminals,
    activated: activated.length,
    setUpSeconds,
    charges,
    approved: tally.approved,
    failures,
    requests: sent,
    committed: committed.length,
    distinct,
    told: tally.told.size,
    stored,
    exact,
    seconds: ms / 1000,
    chargesPerSecond: (tally.approved / ms) * 1000,
    charge: quantiles(tally.latencies),
    alone: quantiles(alone.latencies),
    handler: quantiles(figures.flatMap((one) => one.handled["charge"] ?? [])),
    storeCall: quantiles(figures.flatMap((one) => one.storeWaits)),
    byHost: figures.map((one) => one.committed.length),
    spent: [
      group("terminals", spentMs, crypto, none, shares),
      group("hosts", hostCpu, hostCrypto, hostStore, hostShares),
      ...(redis === undefined ? [] : [group("redis", redisMs, none, { calls: 0, ms: redisMs })]),
    ],
  };
}

/** One a process: its backend is wrapped once. */
let sharedMeter: CryptoMeter | undefined;

function total(figures: readonly CallFigures[]): CallFigures {
  return figures.reduce((sum, { calls, ms }) => ({ calls: sum.calls + calls, ms: sum.ms + ms }), { calls: 0, ms: 0 });
}

function sumOf(all: readonly Shares[]): Shares {
  const sum: Shares = {};
  for (const shares of all) for (const [part, ms] of Object.entries(shares)) sum[part] = (sum[part] ?? 0) + ms;
  return sum;
}

async function redisCpuMs(redis: Redis | undefined): Promise<number> {
  const text = (await redis?.info("cpu")) ?? "";
  const seconds = (name: string) => Number(new RegExp(`^${name}:([0-9.]+)`, "m").exec(text)?.[1] ?? 0);
  return 1000 * (seconds("used_cpu_user") + seconds("used_cpu_sys"));
}

/** Nearest rank. */
function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
