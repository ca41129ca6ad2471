/** Times that no timer keeps, and signals that are none: what a caller mixes up is refused before anything is sent. */
import { describe, it } from "vitest";
import { FileStore } from "../../ts/client/store/file.js";
import type { PosTerminalOptions } from "../../ts/client/index.js";
import { ok, rejectsCode, same, throwsCode } from "../harness.js";
import { TEN, World } from "./client-world.js";

/** HTML, "timers": a signed 32-bit number of milliseconds. */
const LONGEST_TIMER_MS = 0x7fffffff;

/** As jsdom's: another realm's class, whose members are inherited from a prototype that this realm does not know. */
class ForeignSignal {
  #aborted = false;
  readonly #listeners = new Set<() => void>();
  get aborted(): boolean {
    return this.#aborted;
  }
  get listeners(): number {
    return this.#listeners.size;
  }
  addEventListener(_type: string, listener: () => void): void {
    this.#listeners.add(listener);
  }
  removeEventListener(_type: string, listener: () => void): void {
    this.#listeners.delete(listener);
  }
  abort(): void {
    this.#aborted = true;
    for (const listener of [...this.#listeners]) listener();
  }
}

const foreign = () => new ForeignSignal() as ForeignSignal & AbortSignal;

describe("times", () => {
  const longest = /^"(retry\.)?\w+" must be a number of milliseconds from \d+ to 2147483647, got /;

  it("2^31 - 1 ms is the longest that a timer keeps: more is refused, also Infinity", () => {
    const world = new World();
    for (const ms of [LONGEST_TIMER_MS + 1, 2 ** 32, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      throwsCode(() => world.terminal({ timeoutMs: ms }), "ERR_INVALID_ARGUMENT", longest);
      for (const name of ["firstDelayMs", "maxDelayMs"]) {
        throwsCode(() => world.terminal({ retry: { [name]: ms } }), "ERR_INVALID_ARGUMENT", longest);
      }
      throwsCode(() => new FileStore("/nowhere", { heartbeatMs: ms }), "ERR_INVALID_ARGUMENT", longest);
    }
    const allowed: Partial<PosTerminalOptions>[] = [
      { timeoutMs: LONGEST_TIMER_MS },
      { retry: { firstDelayMs: LONGEST_TIMER_MS, maxDelayMs: LONGEST_TIMER_MS } },
      { idempotencyTtlMs: Number.POSITIVE_INFINITY },
    ];
    for (const options of allowed) world.terminal(options).destroy();
  });

  it("pollMs, in waitUntilClaimed() and in setUp(), before anything is sent", async () => {
    const world = new World();
    const terminal = world.terminal();
    await rejectsCode(terminal.setUp({ pollMs: 2 ** 31 }), "ERR_INVALID_ARGUMENT", longest);
    await rejectsCode(terminal.waitUntilClaimed({ pollMs: 2 ** 31 }), "ERR_INVALID_ARGUMENT", longest);
    same(world.wire.length, 0);
  });

  it("the longest timeout does not end a call", async () => {
    const world = new World();
    same((await world.terminal({ timeoutMs: LONGEST_TIMER_MS }).bootstrap()).serverTime !== undefined, true);
  });
});

describe("signals", () => {
  it("a controller in the place of its signal is refused with what to pass, by every method, and nothing is sent", async () => {
    const world = new World();
    const terminal = await world.ready();
    const wrong = { signal: new AbortController() as unknown as AbortSignal };
    const calls = [
      () => terminal.bootstrap(wrong),
      () => terminal.createPairingCode(wrong),
      () => terminal.fetchStatus(wrong),
      () => terminal.waitUntilClaimed(wrong),
      () => terminal.attest(wrong),
      () => terminal.installKeys(wrong),
      () => terminal.fetchConfig(wrong),
      () => terminal.fetchTerminalParameters(wrong),
      () => terminal.activate(wrong),
      () => terminal.setUp(wrong),
      () => terminal.recover(wrong),
      () => terminal.charge(TEN, wrong),
      () => terminal.refund("ch_1", { amount: TEN.amount }, wrong),
      () => terminal.cancel("ch_1", wrong),
      () => terminal.reverse("ch_1", wrong),
    ];
    for (const call of calls) {
      await rejectsCode(
        call(),
        "ERR_INVALID_ARGUMENT",
        /"signal" must be an AbortSignal, got an AbortController: pass controller\.signal/,
      );
    }
    same([world.wire.length, (await terminal.recover()).payments], [0, []]);
  });

  it("other things are refused by their type", async () => {
    const terminal = new World().terminal();
    for (const signal of [null, true, "signal", 5, {}, [], () => {}, { aborted: "no" }]) {
      await rejectsCode(
        terminal.bootstrap({ signal: signal as never }),
        "ERR_INVALID_ARGUMENT",
        /^"signal" must be an AbortSignal, got /,
      );
    }
  });

  it("a signal of another realm, as jsdom's, is accepted, ends a call, and is not given to the platform's fetch", async () => {
    const world = new World();
    const terminal = await world.ready();
    const quiet = foreign();
    same((await terminal.charge(TEN, { signal: quiet })).outcome, "approved");
    same(quiet.listeners, 0, "listeners that are left");
    const stop = foreign();
    const seen: unknown[] = [];
    const waiting = world.terminal({
      fetch: (_url, init) => {
        seen.push(init.signal);
        return new Promise(() => {});
      },
    });
    const pending = waiting.bootstrap({ signal: stop });
    setTimeout(() => stop.abort(), 5);
    await rejectsCode(pending, "ERR_ABORTED");
    ok(seen[0] instanceof AbortSignal, "this realm's signal for fetch");
    same(stop.listeners, 0, "listeners that are left");
    await rejectsCode(waiting.bootstrap({ signal: stop }), "ERR_ABORTED");
  });
});
