/** Clocks that others set: a payment is given up on the host's word alone, and never sent again once the host has forgotten it. */
import { describe, it } from "vitest";
import { MemoryStore, type PosTerminal, type PosTerminalOptions } from "../../ts/client/index.js";
import { same } from "../harness.js";
import { type Fault, TEN, World } from "./client-world.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const JUMPS: Readonly<Record<string, number>> = {
  "-3 h": -3 * HOUR,
  "-10 min": -10 * MINUTE,
  "-6 min": -6 * MINUTE,
  "+24 h": 24 * HOUR,
  "+26 h": 26 * HOUR,
  "+5 years": 5 * 365 * 24 * HOUR,
};

const offline: Fault = async () => {
  throw new TypeError("no network");
};

/** A terminal whose clocks are a test's: `skew` is what somebody has set the wall clock off by. */
class Scene {
  readonly world = new World();
  readonly store = new MemoryStore();
  skew = 0;
  terminal!: PosTerminal;

  async begin(options: Partial<PosTerminalOptions> = {}): Promise<this> {
    this.terminal = await this.world.activate(this.start(options));
    return this;
  }

  start(options: Partial<PosTerminalOptions> = {}): PosTerminal {
    const now = () => this.world.clock.now + this.skew;
    const { store, world } = this;
    return world.terminal({ store, now, monotonicNow: () => world.clock.now - Date.UTC(2026, 0, 1), ...options });
  }

  pass(ms: number): void {
    this.world.clock.now += ms;
  }

  async recovered(): Promise<string[]> {
    return (await this.terminal.recover()).payments.map(({ state }) => state);
  }
}

describe("a payment a minute old, and a clock that is set", () => {
  for (const [name, jump] of Object.entries(JUMPS)) {
    for (const when of ["before", "during", "after"] as const) {
      for (const restart of [false, true]) {
        it(`by ${name} ${when} the payment${restart ? ", over a restart" : ""}: kept without the host's clock, then settled, once`, async () => {
          const scene = await new Scene().begin();
          const { world, store } = scene;
          if (when === "before") scene.skew = jump;
          // Keys that have expired by a wrong clock are renewed first, and that sets the clock right.
          const looksExpired = when === "before" && jump > 90 * 24 * HOUR;
          world.fault = async (path, pass) => {
            if (path === "/pos/bootstrap" && !looksExpired) throw new TypeError("no network");
            const response = await pass();
            if (path !== "/pos/charge") return response;
            if (when === "during") scene.skew = jump;
            throw new TypeError("dropped after the host");
          };
          const charge = () => scene.terminal.charge(TEN);
          const lost = looksExpired ? await charge().catch(charge) : await charge();
          same(lost.outcome, "unknown");
          scene.pass(MINUTE);
          if (when === "after") scene.skew = jump;
          world.fault = offline;
          if (restart) scene.terminal = scene.start();
          for (const attempt of [1, 2]) {
            same(await scene.recovered(), ["unknown"], `without network, ${attempt}`);
            same((await store.listPayloads()).length, 1, "the payload");
          }
          if (restart) scene.terminal = scene.start();
          world.fault = undefined;
          // The host tells a terminal whose clock is off first what is wrong.
          const states = await scene.recovered();
          const settled = states[0] === "unknown" ? await scene.recovered() : states;
          same([settled, world.charges().length, (await store.listPayloads()).length], [["approved"], 1, 0]);
        });
      }
    }
  }
});

describe("a payment that the host has forgotten", () => {
  for (const [name, jump] of [["never set", 0], ...Object.entries(JUMPS)] as [string, number][]) {
    for (const restart of [false, true]) {
      for (const retry of [false, { firstDelayMs: 0 }] as const) {
        const title = `clock ${name}${restart ? ", over a restart" : ""}${retry ? ", with retries" : ""}`;
        it(`${title}: not sent again; given up when the host has said what time it is`, async () => {
          const scene = await new Scene().begin({ retry });
          const { world, store } = scene;
          world.fault = async (_path, pass) => {
            await pass();
            throw new TypeError("dropped after the host");
          };
          const sendOnce = scene.start({ retry: false });
          await sendOnce.recover().catch(() => {});
          same((await sendOnce.charge(TEN, { idempotencyKey: "A" })).outcome, "unknown");
          scene.pass(25 * HOUR);
          scene.skew = jump;
          scene.terminal = restart ? scene.start({ retry }) : sendOnce;
          let readings = 0;
          // The first look at the host's clock fails.
          world.fault = async (path, pass) => {
            if (path === "/pos/bootstrap" && readings++ === 0) throw new TypeError("dropped");
            return await pass();
          };
          const first = await scene.recovered();
          if (first[0] === "unknown") same((await store.listPayloads()).length, 1, "the payload");
          const last = first[0] === "unknown" ? await scene.recovered() : first;
          same([last, world.charges().length, (await store.listPayloads()).length], [["needs_host_lookup"], 1, 0]);
        });
      }
    }
  }
});
