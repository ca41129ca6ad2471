/**
 * kill -9 of the host, again and again at seeded random moments, while terminals pay: it starts anew on its port over what Redis
 * holds. Afterwards the journals of the terminals are held against the charges and refunds in Redis, and no terminal has paired
 * or fetched keys a second time.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type Fetch, MemoryStore, PosTerminal, type TerminalStore } from "../../ts/client/index.js";
import { FileStore } from "../../ts/client/store/file.js";
import { PosCryptoError } from "../../ts/base/errors.js";
import { importKey } from "../../ts/core/keys/key.js";
import { createMockServer, generateProvision, type MockServer, toProvisionJson } from "../../ts/mock/index.js";
import { ok, same } from "../harness.js";
import { disagreements, type Intent } from "./recovery-ledger.js";
import { drawing } from "./recovery-scenario.js";
import { hasRedis, type RedisServer, startRedis } from "./redis-server.js";
import { listeningPort, RedisTruth, RestartedHost } from "./restart-host.js";

const SEED = Number(process.env["RESTART_SEED"] ?? 1);
const RESTARTS = Number(process.env["RESTARTS"] ?? 40);
const TERMINALS = 6;
const CARD = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
const CLIENT = { appVersion: "1.4.2", os: "Linux", model: "PAX-A920" };
const PAIRING = ["/pos/pairing-code", "/pos/keys", "/pos/activate"];

type Device = ReturnType<typeof generateProvision>["devices"][number];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const refundKey = (terminal: string, amount: string) => `refund-${terminal}-${amount}`;

/** One terminal and its app, over as many lives as are drawn. */
class Payer {
  readonly intents: Intent[] = [];
  readonly device: Device;
  /** Whether the host is told the key of a refund: one that is not would make a repeated refund twice. */
  readonly dedupes: boolean;
  readonly store: TerminalStore;
  /** Requests by path, and those that got no answer. */
  readonly requests = new Map<string, number>();
  failures = 0;
  lives = 0;
  /** Told of every request as it leaves. */
  onRequest: (path: string) => void = () => {};
  readonly #url: string;
  readonly #draw;
  readonly #approved: string[] = [];
  #terminal: PosTerminal | undefined;
  #next = 1;

  constructor(device: Device, url: string, store: TerminalStore, index: number) {
    this.device = device;
    this.#url = url;
    this.store = store;
    this.dedupes = index % 3 !== 0;
    this.#draw = drawing(SEED * 1000 + index);
  }

  readonly #fetch: Fetch = async (url, init) => {
    const path = new URL(url).pathname;
    this.requests.set(path, (this.requests.get(path) ?? 0) + 1);
    const headers = new Headers(init?.headers as HeadersInit);
    if (!this.dedupes && path.endsWith("/refund")) headers.delete("Idempotency-Key");
    this.onRequest(path);
    try {
      return await fetch(url, { ...init, headers } as RequestInit);
    } catch (error) {
      this.failures += 1;
      throw error;
    }
  };

  /** Ends the terminal, if there is one, and starts it again over its store. */
  restart(timeoutMs: number): PosTerminal {
    this.#terminal?.destroy();
    this.lives += 1;
    const { device_id, identity_key_id, identity_secret, zmk } = this.device;
    this.#terminal = new PosTerminal({
      ...CLIENT,
      baseUrl: this.#url,
      deviceId: device_id,
      identityKeyId: identity_key_id,
      identityKey: importKey(identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
      zmk: importKey(zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
      fetch: this.#fetch,
      store: this.store,
      timeoutMs,
      hostDedupesRefunds: this.dedupes,
      retry: { attempts: 3, firstDelayMs: 40 },
    });
    return this.#terminal;
  }

  async pair(server: MockServer): Promise<void> {
    const token = await server.merchantToken(this.device.merchant_id);
    await this.restart(10_000).setUp({
      pollMs: 10,
      onPairingCode: ({ code }) => {
        const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
        void fetch(`${this.#url}/pos/claim`, { method: "POST", headers, body: JSON.stringify({ pairing_code: code }) });
      },
    });
  }

  async pay(isOver: () => boolean): Promise<void> {
    let terminal = this.restart(500);
    await this.#attempt(() => terminal.recover());
    while (!isOver()) {
      const chosen = this.#draw(20);
      if (chosen === 0) terminal = this.restart(500);
      if (chosen < 2) await this.#attempt(() => terminal.recover({ signal: AbortSignal.timeout(1000) }));
      await this.#payOnce(terminal);
      await pause(this.#draw(20));
    }
  }

  async #payOnce(terminal: PosTerminal): Promise<void> {
    const number = this.#next++;
    const chargeId = this.#draw(3) === 0 ? this.#approved[this.#draw(this.#approved.length)] : undefined;
    const kind = chargeId === undefined ? "charge" : "refund";
    const value = String(kind === "charge" ? 10_000_000 + number : number);
    const amount = { value, currency: "EUR" };
    const intent: Intent = { kind, amount: value };
    this.intents.push(intent);
    const done = await this.#attempt(async () => {
      if (chargeId !== undefined) {
        const idempotencyKey = refundKey(this.device.terminal_id, value);
        intent.told = (await terminal.refund(chargeId, { amount }, { idempotencyKey })).outcome;
        return;
      }
      const outcome = await terminal.charge({ card: CARD, amount });
      intent.told = outcome.outcome;
      if (outcome.outcome === "approved") this.#approved.push(outcome.chargeId);
    });
    if (!done) intent.told = "rejected";
  }

  /** What the client throws is its answer; anything else is a fault of the test. */
  async #attempt(body: () => Promise<unknown>): Promise<boolean> {
    try {
      await body();
      return true;
    } catch (error) {
      if (!(error instanceof PosCryptoError)) throw error;
      return false;
    }
  }

  destroy(): void {
    this.#terminal?.destroy();
  }
}

/** Until one of them sends a request whose path ends so. */
function leaving(payers: readonly Payer[], end: string): Promise<void> {
  return new Promise((resolve) => {
    for (const payer of payers) {
      payer.onRequest = (path) => {
        if (path.endsWith(end)) resolve();
      };
    }
  });
}

/** What of a device must outlive the host: that it is activated, since when, and its key sets. */
function lasting(text: string | undefined): unknown {
  const { status, keySets, activatedAt } = JSON.parse(text ?? "{}") as Record<string, unknown>;
  return { status, keySets, activatedAt };
}

describe.skipIf(!hasRedis())("a host on Redis", () => {
  const provision = generateProvision(TERMINALS);
  let root: string;
  let redis: RedisServer;
  let client: Redis;
  let host: RestartedHost;
  /** Signs merchants' tokens with the same secret; hosts nothing. */
  let signer: MockServer;
  let payers: Payer[];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "viopay-restart-"));
    redis = await startRedis();
    client = new Redis(redis.url);
    const file = join(root, "provision.json");
    await writeFile(file, toProvisionJson(provision));
    host = new RestartedHost(await listeningPort(), ["--provision", file, "--redis", redis.url]);
    signer = createMockServer({ provision });
    payers = provision.devices.map((device, index) => {
      const store = index % 2 === 0 ? new MemoryStore() : new FileStore(join(root, device.device_id));
      return new Payer(device, host.url, store, index);
    });
    await host.start();
    await Promise.all(payers.map((payer) => payer.pair(signer)));
  });

  afterAll(async () => {
    for (const payer of payers ?? []) {
      payer.destroy();
      if (payer.store instanceof FileStore) await payer.store.close();
    }
    await host?.kill();
    await signer?.close();
    client?.disconnect();
    await redis?.stop();
    await rm(root, { recursive: true, force: true });
  });

  it(`killed and restarted ${RESTARTS} times, seed ${SEED}: no charge lost or made twice, no refund made twice, no new pairing`, {
    timeout: 120_000,
  }, async () => {
    const draw = drawing(SEED);
    const truth = new RedisTruth(client, provision);
    const before = await truth.read(refundKey);
    const paired = payers.map(({ requests }) => PAIRING.map((path) => requests.get(path)));
    let over = false;
    const underWay = new Set<string>();
    const unanswered = new Set<string>();
    const paying = Promise.all(payers.map((payer) => payer.pay(() => over)));
    paying.catch(() => {});
    try {
      for (let i = 0; i < RESTARTS; i++) {
        await pause(30 + draw(200));
        // Some moments after a payment has left, every other time a refund that may not be repeated: there most can go wrong.
        const marked = i % 2 === 0 ? payers : payers.filter(({ dedupes }) => !dedupes);
        await Promise.race([leaving(marked, i % 2 === 0 ? "/charge" : "/refund"), pause(300)]);
        await pause(draw(12));
        await host.kill();
        const now = await truth.read(refundKey);
        for (const id of now.underWay) underWay.add(id);
        for (const id of now.unanswered) unanswered.add(id);
        await host.start();
      }
    } finally {
      over = true;
    }
    await paying;
    await host.kill();
    await host.start();

    // A dead host's lease holds a repetition back for seconds.
    const restored = await Promise.all(payers.map(async (payer) => (await payer.restart(15_000).recover()).restored));
    same(restored, Array(TERMINALS).fill(true), "keys came back from the store");
    const after = await truth.read(refundKey);
    const states: Record<string, number> = {};
    const told: Record<string, number> = {};
    const found: string[] = [];
    for (const { device, store, intents, dedupes } of payers) {
      const ledger = after.ledgers.get(device.terminal_id)!;
      const records = await store.listRecords();
      found.push(...disagreements(ledger, records, intents));
      for (const { kind, amount, state, idempotencyKey } of records) {
        const name = `${kind} ${state}`;
        states[name] = (states[name] ?? 0) + 1;
        // An open outcome is honest only where nothing may be sent again.
        const honest = kind === "refund" && !dedupes && state === "unknown";
        const settled = state === "approved" || state === "abandoned";
        if (!settled && !honest) found.push(`${kind} ${amount}: ${state} after recovery from an honest host`);
        if (settled && (await store.getPayload(idempotencyKey)) !== undefined) found.push(`${kind} ${amount}: payload left`);
      }
      for (const { kind, told: word } of intents) told[`${kind} ${word}`] = (told[`${kind} ${word}`] ?? 0) + 1;
      const id = device.device_id;
      const [first, last] = [before, after].map(({ devices }) => lasting(devices.get(id)));
      if (JSON.stringify(first) !== JSON.stringify(last)) found.push(`${id}: its state or keys at the host are others`);
    }
    const sum = (of: (payer: Payer) => number) => payers.reduce((total, payer) => total + of(payer), 0);
    const of = (kind: "charge" | "refund") => [...after.ledgers.values()].reduce((total, one) => total + one.of(kind).length, 0);
    const figures = {
      seed: SEED,
      restarts: host.starts - 1,
      charges: of("charge"),
      refunds: of("refund"),
      underWay: underWay.size,
      unanswered: unanswered.size,
      failures: sum(({ failures }) => failures),
      lives: sum(({ lives }) => lives),
    };
    console.log(JSON.stringify({ ...figures, told, states }));
    same(found.slice(0, 20), []);
    const pairedSince = payers.map(({ requests }) => PAIRING.map((path) => requests.get(path)));
    same(pairedSince, paired, "nobody paired or fetched keys again");
    same(figures.restarts, RESTARTS + 1);
    ok(figures.charges > 5 * RESTARTS && figures.refunds > RESTARTS, "enough charges and refunds");
    ok(figures.unanswered > 0, "some charges were made without an answer");
    ok(figures.failures >= RESTARTS && (told["charge unknown"] ?? 0) > 0, "the restarts were felt");
  });
});
