/**
 * A mock host that is killed and started again on its port while its state stays in Redis, and what Redis says it has done: charges
 * opened with the devices' storage keys, each under the idempotency key that its entry names.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Redis } from "ioredis";
import { openEnvelope } from "../../ts/core/envelope/envelope.js";
import { MemoryStore, type Provision } from "../../ts/mock/index.js";
import { KeyRing } from "../../ts/mock/state/key-ring.js";
import { DeviceStates } from "../../ts/mock/state/devices.js";
import { Ledger } from "./recovery-ledger.js";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const PREFIX = "viopay-pos:";

/**
 * A free port below those that systems give to clients: while the host is down, a client's own end could be given one of those, and
 * a connection to oneself is a host that never answers.
 */
export async function listeningPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

export class RestartedHost {
  readonly url: string;
  starts = 0;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  /** @param args `--provision` and `--redis` */
  constructor(port: number, args: readonly string[]) {
    this.url = `http://127.0.0.1:${port}`;
    this.#args = ["mock", "--port", String(port), "--json", ...args];
  }

  /** Until it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [main, ...this.#args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let complaints = "";
    child.stderr.on("data", (part) => {
      complaints += part;
    });
    const reader = createInterface({ input: child.stdout });
    const ended = once(child, "exit").then(() => Promise.reject(new Error(`the host ended: ${complaints}`)));
    const line = once(reader, "line");
    // Its end is what is asked for, once it listens.
    ended.catch(() => {});
    line.catch(() => {});
    await Promise.race([line, ended]);
    this.starts += 1;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

interface Entry {
  readonly resourceId: string;
  readonly leaseUntil?: number;
  readonly body?: string;
}

interface Charge {
  readonly terminal: string;
  readonly chargeId: string;
  readonly amount: { readonly value: string };
  readonly approved: boolean;
  readonly refunds: readonly { readonly refundId: string; readonly value: string }[];
}

export interface Truth {
  /** By terminal id. */
  readonly ledgers: ReadonlyMap<string, Ledger>;
  /** Device records by device id, as text. */
  readonly devices: ReadonlyMap<string, string>;
  /** Ids of what requests under way make, and of what of it is made already. */
  readonly underWay: readonly string[];
  readonly unanswered: readonly string[];
}

export class RedisTruth {
  readonly #client: Redis;
  readonly #provision: Provision;
  readonly #keys: KeyRing;

  constructor(client: Redis, provision: Provision) {
    this.#client = client;
    this.#provision = provision;
    const seconds = { pairingCode: 1, attestation: 1, keySet: 1, idempotency: 1, nonce: 1 };
    const states = new DeviceStates(provision.devices, new MemoryStore(), Date.now, seconds);
    this.#keys = new KeyRing(states, Date.now, "TDES");
  }

  async #read(kind: string): Promise<[name: string, value: string][]> {
    const names = await this.#client.keys(`${PREFIX}${kind}:*`);
    const values = names.length === 0 ? [] : await this.#client.mget(names);
    return names.flatMap((name, index) => {
      const value = values[index];
      return value == null ? [] : [[name.slice(PREFIX.length + kind.length + 1), value] as [string, string]];
    });
  }

  #open(text: string): Charge {
    const { terminal, sealed } = JSON.parse(text) as { terminal: string; sealed: Parameters<typeof openEnvelope>[1] };
    const device = this.#provision.devices.find(({ terminal_id }) => terminal_id === terminal)!;
    const record = openEnvelope(this.#keys.device(device).storage, sealed, { plaintextEncoding: "raw" });
    return { ...(record as unknown as Omit<Charge, "terminal">), terminal };
  }

  /** @param refundKey the key under which a refund was asked for, where the host was not told */
  async read(refundKey: (terminal: string, amount: string) => string): Promise<Truth> {
    const charges = (await this.#read("charge")).map(([, text]) => this.#open(text));
    const entries = (await this.#read("idempotency")).map(([name, text]) => {
      return { key: name.slice(name.lastIndexOf(":") + 1), ...(JSON.parse(text) as Entry) };
    });
    const keyOf = new Map(entries.map(({ resourceId, key }) => [resourceId, key]));
    const ledgers = new Map(this.#provision.devices.map(({ terminal_id }) => [terminal_id, new Ledger()]));
    const made = new Set<string>();
    const note = (terminal: string, kind: "charge" | "refund", id: string, key: string, amount: string, status: string) => {
      const ledger = ledgers.get(terminal)!;
      const name = `${kind} ${key}`;
      const entry = ledger.entries.get(name) ?? { kind, idempotencyKey: key, amount, status, ids: new Set<string>() };
      entry.ids.add(id);
      ledger.entries.set(name, entry);
      made.add(id);
    };
    for (const { terminal, chargeId, amount, approved, refunds } of charges) {
      ledgers.get(terminal)!.stored += 1;
      const key = keyOf.get(chargeId) ?? `none for ${chargeId}`;
      note(terminal, "charge", chargeId, key, amount.value, approved ? "approved" : "declined");
      for (const { refundId, value } of refunds) {
        note(terminal, "refund", refundId, keyOf.get(refundId) ?? refundKey(terminal, value), value, "approved");
      }
    }
    const leased = entries.filter(({ body, leaseUntil }) => body === undefined && (leaseUntil ?? 0) > 0);
    const underWay = leased.map(({ resourceId }) => resourceId);
    return {
      ledgers,
      devices: new Map(await this.#read("device")),
      underWay,
      unanswered: underWay.filter((id) => made.has(id)),
    };
  }
}
