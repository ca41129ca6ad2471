/**
 * One random scenario, reproducible by its seed: a terminal goes through activation, charges, refunds and voids against a host with
 * scripted faults; its process ends at drawn points and starts again over what its store holds; its clock is wrong, its keys
 * expire. At the end the host is honest, the terminal recovers, and its journal is held against what the host has done.
 */
import {
  type ChargeOutcome,
  type Fetch,
  type JournalRecord,
  type JournalState,
  MemoryStore,
  PosTerminal,
  type RefundOutcome,
  type StoredTerminal,
  type TerminalStore,
} from "../../ts/client/index.js";
import type { JsonValue } from "../../ts/core/envelope/envelope.js";
import { PosCryptoError } from "../../ts/base/errors.js";
import { importKey } from "../../ts/core/keys/key.js";
import {
  createMockServer,
  FAULT_STEPS,
  type FaultKind,
  type FaultRule,
  type MockServer,
  type Step,
} from "../../ts/mock/index.js";
import { disagreements, INTENT_HEADER, type Intent, Ledger } from "./recovery-ledger.js";

const ORIGIN = "https://mock.test";
const CARD = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
const HOUR_MS = 3_600_000;

export interface ScenarioResult {
  readonly seed: number;
  readonly disagreements: readonly string[];
  readonly charges: number;
  readonly refunds: number;
  /** Ends of the terminal's process. */
  readonly crashes: number;
  /** Faults of the host that happened. */
  readonly faults: number;
  /** Outcomes the app heard, and states of the journal at the end. */
  readonly told: readonly string[];
  readonly states: readonly string[];
}

type Draw = (bound: number) => number;

/** Mulberry32: small, and good enough to pick faults. */
export function drawing(seed: number): Draw {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}

/** The life of one process: it ends at a point that is counted down to, and nothing of it goes on afterwards. */
class Life {
  readonly ended: Promise<"ended">;
  dead = false;
  #left: number;
  #end: (word: "ended") => void = () => {};

  /** @param left points it survives */
  constructor(left: number) {
    this.#left = left;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Resolves while the process lives, never afterwards. */
  point(): Promise<void> {
    if (this.#left-- <= 0 && !this.dead) {
      this.dead = true;
      this.#end("ended");
    }
    return this.dead ? new Promise(() => {}) : Promise.resolve();
  }
}

/** A store whose process may end before and after each write. */
class MortalStore implements TerminalStore {
  readonly #medium: TerminalStore;
  readonly #life: Life;

  constructor(medium: TerminalStore, life: Life) {
    this.#medium = medium;
    this.#life = life;
  }

  async #write(body: () => Promise<void>): Promise<void> {
    await this.#life.point();
    await body();
    await this.#life.point();
  }

  async #read<T>(body: () => Promise<T>): Promise<T> {
    return this.#life.dead ? await new Promise<T>(() => {}) : await body();
  }

  loadTerminal = () => this.#read(() => this.#medium.loadTerminal());
  listRecords = () => this.#read(() => this.#medium.listRecords());
  listPayloads = () => this.#read(() => this.#medium.listPayloads());
  getPayload = (key: string) => this.#read(() => this.#medium.getPayload(key));
  saveTerminal = (state: StoredTerminal) => this.#write(() => this.#medium.saveTerminal(state));
  putRecord = (record: JournalRecord, replaces?: JournalState) => this.#write(() => this.#medium.putRecord(record, replaces));
  putPayload = (key: string, sealed: JsonValue) => this.#write(() => this.#medium.putPayload(key, sealed));
  removePayload = (key: string) => this.#write(() => this.#medium.removePayload(key));
  putOutcome = (key: string, sealed: JsonValue) => this.#write(() => this.#medium.putOutcome!(key, sealed));
  getOutcome = (key: string) => this.#read(() => this.#medium.getOutcome!(key));
}

const KINDS = (Object.keys(FAULT_STEPS) as FaultKind[]).filter((kind) => kind !== "gzip-bomb" && kind !== "endless-body");

function drawFaults(draw: Draw): FaultRule[] {
  return Array.from({ length: 1 + draw(4) }, () => {
    const kind = KINDS[draw(KINDS.length)]!;
    const possible: readonly Step[] = FAULT_STEPS[kind];
    const rule: FaultRule = { kind, probability: [0.2, 0.5, 1][draw(3)]!, count: 1 + draw(4), skip: draw(3) };
    // Payments are what the most can go wrong with.
    const payment = possible.filter((step) => step === "charge" || step === "refund");
    if (draw(2) === 0 && payment.length > 0) rule.steps = payment;
    if (kind === "delay") rule.ms = 1 + draw(60);
    if (kind === "slow-body") rule.ms = 1 + draw(20);
    if (kind === "429" || kind === "503") rule.ms = 0;
    if (kind === "clock-skew") rule.ms = [-600_000, 600_000, 90_000][draw(3)]!;
    return rule;
  });
}

export async function runScenario(seed: number): Promise<ScenarioResult> {
  const draw = drawing(seed);
  const clock = { now: Date.UTC(2026, 0, 15, 12, 0, 0) };
  const ledger = new Ledger();
  const shortKeys = draw(4) === 0;
  const store = ledger.createStore(() => clock.now);
  const server = createMockServer({
    now: () => clock.now,
    store,
    seed,
    middleware: [ledger.middleware],
    terminalParameters: { emv: { scheme: "test" } },
    lifetimes: shortKeys ? { keySet: 4 * 3600 } : {},
  });
  const medium = new MemoryStore();
  const world = new Scenario(server, medium, draw, clock);
  try {
    const faultyActivation = draw(4) === 0;
    if (faultyActivation) server.faults.set(drawFaults(draw), seed);
    await world.activate(faultyActivation);
    server.faults.set(drawFaults(draw), seed);
    await world.pay(shortKeys);
    const faults = server.faults.report().faults.reduce((sum, { happened }) => sum + happened, 0);
    const forgotten = draw(20) === 0;
    const skewedClock = server.faults.report().faults.some(({ kind }) => kind === "clock-skew");
    server.faults.clear();
    await world.quiet();
    if (forgotten) clock.now += 25 * HOUR_MS;
    const causes = new Map<string, string>();
    await world.live(Number.POSITIVE_INFINITY, async (terminal) => {
      for (const { idempotencyKey, outcome } of (await terminal.recover()).payments) {
        if (outcome !== undefined && "cause" in outcome)
          causes.set(idempotencyKey, `${outcome.cause.code} ${outcome.cause.message}`);
      }
    });
    await world.quiet();

    const records = await medium.listRecords();
    const found = disagreements(ledger, records, world.intents);
    for (const { kind, amount, state, idempotencyKey } of records) {
      const settled = state !== "sending" && state !== "unknown";
      // A refund of a charge cancelled meanwhile is refused; that says nothing of its first sending.
      const refused = kind === "refund" && / answered 400 /.test(causes.get(idempotencyKey) ?? "");
      const lookup = state === "needs_host_lookup" && (forgotten || skewedClock);
      const excused = (kind === "refund" && !world.dedupes) || refused || lookup;
      if (!excused && (!settled || state === "needs_host_lookup")) {
        found.push(`${kind} ${amount}: ${state} after an honest host, ${causes.get(idempotencyKey)}`);
      }
      if (settled && (await medium.getPayload(idempotencyKey)) !== undefined) found.push(`${kind} ${amount}: payload left`);
    }
    for (const name of await medium.listPayloads()) {
      if (!records.some(({ idempotencyKey }) => idempotencyKey === name)) found.push("a payload of no record");
    }
    return {
      seed,
      disagreements: found,
      charges: ledger.stored,
      refunds: ledger.of("refund").length,
      crashes: world.crashes,
      faults,
      told: world.intents.map(({ kind, told }) => `${kind} ${told ?? "not told"}`),
      states: records.map(({ kind, state }) => `${kind} ${state}`),
    };
  } finally {
    await world.quiet();
    world.destroy();
    await server.close();
    await store.close();
  }
}

class Scenario {
  readonly intents: Intent[] = [];
  readonly dedupes: boolean;
  crashes = 0;
  readonly #server: MockServer;
  readonly #medium: TerminalStore;
  readonly #draw: Draw;
  readonly #clock: { now: number };
  readonly #skewMs: number;
  readonly #timeoutMs: number;
  readonly #identityKey;
  readonly #zmk;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #approved: string[] = [];
  #nextAmount = 1000;

  constructor(server: MockServer, medium: TerminalStore, draw: Draw, clock: { now: number }) {
    this.#server = server;
    this.#medium = medium;
    this.#draw = draw;
    this.#clock = clock;
    this.dedupes = draw(2) === 0;
    this.#skewMs = draw(4) === 0 ? (draw(2 * HOUR_MS) - HOUR_MS) | 0 : 0;
    this.#timeoutMs = draw(4) === 0 ? 25 : 10_000;
    const { identity_secret, zmk } = server.provision.devices[0]!;
    this.#identityKey = importKey(identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" });
    this.#zmk = importKey(zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" });
  }

  destroy(): void {
    this.#identityKey.destroy();
    this.#zmk.destroy();
  }

  /** Until the host has handled all it was sent, be it late. */
  async quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  /** One process of the terminal, ended after `left` points; whether it came to its own end. */
  async live(left: number, body: (terminal: PosTerminal) => Promise<unknown>): Promise<boolean> {
    const life = new Life(left);
    const terminal = this.#terminal(life);
    const run = body(terminal).then(
      () => "done" as const,
      (error: unknown) => {
        // What the client throws is its answer; anything else is a fault of the test.
        if (!(error instanceof PosCryptoError)) throw error;
        return "failed" as const;
      },
    );
    const end = await Promise.race([run, life.ended]);
    if (end === "ended") this.crashes += 1;
    life.dead = true;
    terminal.destroy();
    return end === "done";
  }

  async activate(faulty: boolean): Promise<void> {
    for (let life = 0; ; life++) {
      if (life === 8) this.#server.faults.clear();
      const left = faulty && life < 8 && this.#draw(2) === 0 ? this.#draw(40) : Number.POSITIVE_INFINITY;
      const done = await this.live(left, async (terminal) => {
        await terminal.recover();
        if (terminal.activatedAt !== undefined) return;
        const { provision } = this.#server;
        const claim = async (code: string) => {
          const token = await this.#server.merchantToken(provision.devices[0]!.merchant_id);
          const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
          const body = JSON.stringify({ pairing_code: code });
          await this.#server.fetch(new Request(`${ORIGIN}/pos/claim`, { method: "POST", headers, body }));
        };
        const signal = AbortSignal.timeout(300);
        await terminal.setUp({ pollMs: 1, signal, onPairingCode: ({ code }) => void claim(code).catch(() => {}) });
      });
      if (done) return;
    }
  }

  /** Payments, over as many processes as it takes. */
  async pay(shortKeys: boolean): Promise<void> {
    const draw = this.#draw;
    let left = 2 + draw(4);
    while (left > 0) {
      const survives = draw(5) < 2 ? draw(70) : Number.POSITIVE_INFINITY;
      await this.live(survives, async (terminal) => {
        await terminal.recover();
        for (; left > 0; ) {
          left -= 1;
          if (shortKeys && draw(3) === 0) this.#clock.now += (1 + draw(3)) * HOUR_MS;
          await this.#payOnce(terminal);
          if (draw(4) === 0) await terminal.recover();
        }
      });
      // A process that ended while it recovered has paid nothing: it must not go on for ever.
      left -= draw(2);
    }
  }

  async #payOnce(terminal: PosTerminal): Promise<void> {
    const draw = this.#draw;
    const value = String(this.#nextAmount++);
    const amount = { value, currency: "EUR" };
    const chosen = draw(10);
    if (chosen < 3 && this.#approved.length > 0) {
      const chargeId = this.#approved[draw(this.#approved.length)]!;
      if (chosen === 0) {
        await terminal[draw(2) === 0 ? "cancel" : "reverse"](chargeId).catch(ignoreClientErrors);
        return;
      }
      // Small enough for several refunds of one charge.
      const refund = { value: String(this.#nextAmount++ - 999), currency: "EUR" };
      await this.#tell({ kind: "refund", amount: refund.value }, () => terminal.refund(chargeId, { amount: refund }));
      return;
    }
    const abort = draw(12) === 0 ? new AbortController() : undefined;
    if (abort !== undefined) setTimeout(() => abort.abort(), draw(4));
    const outcome = await this.#tell({ kind: "charge", amount: value }, () => {
      const options = { signal: abort?.signal, ...(draw(3) === 0 ? { idempotencyKey: `order-${value}` } : {}) };
      return terminal.charge({ card: CARD, amount }, options);
    });
    if (outcome?.outcome === "approved") this.#approved.push(outcome.chargeId);
  }

  async #tell<T extends ChargeOutcome | RefundOutcome>(intent: Intent, call: () => Promise<T>): Promise<T | undefined> {
    this.intents.push(intent);
    try {
      const outcome = await call();
      intent.told = outcome.outcome;
      return outcome;
    } catch (error) {
      ignoreClientErrors(error);
      intent.told = "rejected";
      return undefined;
    }
  }

  #terminal(life: Life): PosTerminal {
    const { device_id, identity_key_id } = this.#server.provision.devices[0]!;
    const fetch: Fetch = async (url, init) => {
      await life.point();
      const request = new Request(url, { ...init, signal: null });
      if (!this.dedupes && url.endsWith("/refund")) forgetKey(request);
      const answer = this.#server.fetch(request);
      this.#underWay.add(answer);
      const done = () => this.#underWay.delete(answer);
      answer.then(done, done);
      const response = await answer;
      await life.point();
      return response;
    };
    return new PosTerminal({
      baseUrl: ORIGIN,
      deviceId: device_id,
      identityKeyId: identity_key_id,
      identityKey: this.#identityKey,
      zmk: this.#zmk,
      appVersion: "1.4.2",
      os: "Android 12",
      model: "PAX-A920",
      fetch,
      now: () => this.#clock.now + this.#skewMs,
      store: new MortalStore(this.#medium, life),
      timeoutMs: this.#timeoutMs,
      hostDedupesRefunds: this.dedupes,
      retry: { attempts: 1 + this.#draw(4), firstDelayMs: 0 },
    });
  }
}

/** Makes the host one that does not honour the key of a refund: whoever sends it twice has made two. */
function forgetKey(request: Request): void {
  request.headers.set(INTENT_HEADER, request.headers.get("Idempotency-Key")!);
  request.headers.delete("Idempotency-Key");
}

function ignoreClientErrors(error: unknown): void {
  if (!(error instanceof PosCryptoError)) throw error;
}
