/** Retries: what is sent again, how often, after which pause, until when; and clocks that are wrong. */
import { describe, it } from "vitest";
import { MemoryStore, type PosTerminalOptions, RETRY_TABLE, retryVerdict } from "../../ts/client/index.js";
import { backoffMs, readRetryOptions } from "../../ts/client/http/retry.js";
import { PosCryptoError, type PosErrorCode } from "../../ts/base/errors.js";
import { ok, rejectsCode, same, throwsCode } from "../harness.js";
import { apiError, type Fault, json, TEN, World } from "./client-world.js";

const FAST = { firstDelayMs: 1, maxDelayMs: 2 };

/** The first `count` requests to `path` meet `fault`. */
function first(count: number, path: RegExp, fault: Fault): Fault {
  let left = count;
  return (target, pass) => (path.test(target) && left-- > 0 ? fault(target, pass) : pass());
}

const lost: Fault = async (_path, pass) => {
  await pass();
  throw new TypeError("dropped after the host");
};

async function ready(options: Partial<PosTerminalOptions> = {}) {
  const world = new World();
  const store = new MemoryStore();
  const terminal = await world.ready({ store, retry: FAST, ...options });
  return { world, store, terminal };
}

const sentTo = (world: World, path: string) => world.wire.filter((sent) => sent.path === path).length;

describe("the table", () => {
  it("gives every code its verdict by the first rule that fits", () => {
    const error = (code: PosErrorCode, status?: number) =>
      new PosCryptoError(code, "x", status === undefined ? {} : { details: { status } });
    const cases: readonly (readonly [PosErrorCode, number | undefined, string, string])[] = [
      ["ERR_NETWORK", undefined, "again", "again"],
      ["ERR_TIMEOUT", undefined, "again", "again"],
      ["ERR_HOST", 500, "again", "again"],
      ["ERR_HOST", 503, "again", "again"],
      ["ERR_HOST", 429, "again", "again"],
      ["ERR_HOST", 401, "once", "once"],
      ["ERR_HOST", 400, "no", "no"],
      ["ERR_HOST", 404, "no", "no"],
      ["ERR_HOST", 409, "no", "no"],
      ["ERR_HOST_RESPONSE", 502, "again", "again"],
      ["ERR_HOST_RESPONSE", 200, "no", "no"],
      ["ERR_HOST_RESPONSE", undefined, "no", "no"],
      ["ERR_ENVELOPE_OPEN", undefined, "no", "no"],
      ["ERR_ABORTED", undefined, "no", "no"],
      ["ERR_KEY_BLOCK_SYNTAX", undefined, "no", "no"],
    ];
    for (const [code, status, steps, charge] of cases) {
      const verdicts = (["steps", "charge", "refund"] as const).map((kind) => retryVerdict(error(code, status), kind));
      same(verdicts, [steps, charge, "no"], `${code} ${status}`);
    }
    same(retryVerdict(new TypeError("x"), "steps"), "no");
    ok(
      RETRY_TABLE.every(({ refund, reason }) => refund === "no" && reason.length > 0),
      "refunds are never sent again by themselves",
    );
  });

  it("pauses double up to a limit, and are in their second half", () => {
    const policy = (random: number) => readRetryOptions({ firstDelayMs: 100, maxDelayMs: 350, random: () => random });
    same(
      [1, 2, 3, 4].map((attempt) => backoffMs(policy(0), attempt)),
      [50, 100, 175, 175],
    );
    same(
      [1, 2, 3].map((attempt) => Math.round(backoffMs(policy(0.999999), attempt))),
      [100, 200, 350],
    );
    const random = readRetryOptions(undefined).random;
    for (let i = 0; i < 100; i++) {
      const value = random();
      ok(value >= 0 && value < 1, "a fraction");
    }
  });

  it("refuses options that make no sense", () => {
    const world = new World();
    const wrong: readonly (readonly [string, unknown])[] = [
      ["retry", 3],
      ["retry", null],
      ["retry.attempts", { attempts: 0 }],
      ["retry.firstDelayMs", { firstDelayMs: -1 }],
      ["retry.maxDelayMs", { maxDelayMs: Number.NaN }],
      ["retry.deadlineMs", { deadlineMs: "1" }],
      ["retry.random", { random: 0.5 }],
    ];
    for (const [name, retry] of wrong) {
      throwsCode(() => world.terminal({ retry: retry as never }), "ERR_INVALID_ARGUMENT", new RegExp(`^"${name}" must be `));
    }
  });
});

describe("charges", () => {
  it("are sent again under their key until there is an answer: one charge", async () => {
    const { world, store, terminal } = await ready();
    world.fault = first(3, /charge/, lost);
    const outcome = await terminal.charge(TEN);
    same([outcome.outcome, world.charges().length, sentTo(world, "/pos/charge")], ["approved", 1, 4]);
    same(new Set(world.wire.map(({ headers }) => headers["Idempotency-Key"])).size, 1, "keys");
    same(new Set(world.wire.map(({ headers }) => headers["X-Nonce"])).size, 4, "nonces");
    same(new Set(world.wire.map(({ body }) => body)).size, 4, "envelopes");
    const [record] = await store.listRecords();
    same([record!.state, record!.sendings], ["approved", 4]);
  });

  it("end with their tries: unknown, with the last cause", async () => {
    const { world, terminal } = await ready({ retry: { ...FAST, attempts: 3 } });
    world.fault = async () => apiError(503, "5000");
    const outcome = await terminal.charge(TEN);
    same([outcome.outcome, "cause" in outcome && outcome.cause.details?.["status"]], ["unknown", 503]);
    same(sentTo(world, "/pos/charge"), 3);
  });

  it("a refusal after another sending is unknown: that one may have been carried out", async () => {
    const { world, terminal } = await ready();
    let sent = 0;
    world.fault = async () => {
      if (sent++ === 0) throw new TypeError("dropped");
      return apiError(400, "4000");
    };
    same((await terminal.charge(TEN)).outcome, "unknown");
    sent = 1;
    same((await terminal.charge(TEN)).outcome, "declined");
  });

  it("what the host has judged is not sent again", async () => {
    for (const [status, code] of [
      [400, "4000"],
      [404, "4004"],
      [409, "4009"],
    ] as const) {
      const { world, terminal } = await ready();
      world.fault = async () => apiError(status, code);
      await terminal.charge(TEN);
      same(world.wire.length, 1);
    }
    const { world, terminal } = await ready();
    world.fault = async () => json(200, { format: "TR31-DATA" });
    await terminal.charge(TEN);
    same(world.wire.length, 1);
  });

  it("a deadline ends tries and pauses, and shortens the last try", async () => {
    const real = { now: Date.now };
    const { world, terminal } = await ready({
      ...real,
      retry: { attempts: 50, firstDelayMs: 5, maxDelayMs: 5, deadlineMs: 300 },
    });
    const start = Date.now();
    world.fault = async () => (sentTo(world, "/pos/charge") < 5 ? apiError(500, "5000") : new Promise(() => {}));
    const outcome = await terminal.charge(TEN);
    same([outcome.outcome, "cause" in outcome && outcome.cause.code], ["unknown", "ERR_TIMEOUT"]);
    ok(Date.now() - start < 5000, "long before the 30 s of one exchange");
  });

  it("the signal ends a pause at once", async () => {
    const { world, terminal } = await ready({ retry: { firstDelayMs: 60_000, maxDelayMs: 60_000 } });
    const stop = new AbortController();
    world.fault = async () => {
      setTimeout(() => stop.abort(), 10);
      throw new TypeError("dropped");
    };
    const start = Date.now();
    const outcome = await terminal.charge(TEN, { signal: stop.signal });
    same([outcome.outcome, "cause" in outcome && outcome.cause.code], ["unknown", "ERR_ABORTED"]);
    ok(Date.now() - start < 5000, "at once");
    same(world.wire.length, 1);
  });

  it("a store that fails between two tries: unknown, nothing more is sent", async () => {
    const { world, store, terminal } = await ready();
    world.fault = async () => {
      store.putRecord = async () => {
        throw new Error("disk full");
      };
      throw new TypeError("dropped");
    };
    const outcome = await terminal.charge(TEN);
    same([outcome.outcome, world.wire.length], ["unknown", 1]);
    ok("journalFailure" in outcome && outcome.journalFailure instanceof Error, "the failure");
  });
});

describe("refunds and voids", () => {
  it("a refund is sent once unless the host is known to honour its key", async () => {
    for (const hostDedupesRefunds of [false, true]) {
      const { world, terminal } = await ready({ hostDedupesRefunds });
      const charge = await terminal.charge(TEN);
      if (charge.outcome !== "approved") throw new Error(charge.outcome);
      world.fault = first(2, /refund/, lost);
      const outcome = await terminal.refund(charge.chargeId, { amount: { value: "400", currency: "EUR" } });
      same(outcome.outcome, hostDedupesRefunds ? "approved" : "unknown");
      same(sentTo(world, `/pos/charge/${charge.chargeId}/refund`), hostDedupesRefunds ? 3 : 1);
    }
  });

  it("cancel and reverse are repeated", async () => {
    const { world, terminal } = await ready();
    for (const action of ["cancel", "reverse"] as const) {
      const charge = await terminal.charge(TEN);
      if (charge.outcome !== "approved") throw new Error(charge.outcome);
      world.fault = first(2, new RegExp(action), lost);
      same((await terminal[action](charge.chargeId)).outcome, "approved");
      same(sentTo(world, `/pos/charge/${charge.chargeId}/${action}`), 3);
    }
  });
});

describe("activation", () => {
  it("every step gets over two lost answers", async () => {
    const world = new World();
    const counts = new Map<string, number>();
    world.fault = async (path, pass) => {
      const count = (counts.get(path) ?? 0) + 1;
      counts.set(path, count);
      return count <= 2 ? lost(path, pass) : pass();
    };
    const terminal = world.terminal({ retry: FAST });
    await world.activate(terminal);
    ok(terminal.activatedAt !== undefined, "activated");
    ok(
      [...counts.values()].every((count) => count >= 3),
      "every step was sent three times",
    );
  });

  it("a host that is down is tried four times", async () => {
    const world = new World();
    world.fault = async () => {
      throw new TypeError("down");
    };
    await rejectsCode(world.terminal({ retry: FAST }).bootstrap(), "ERR_NETWORK");
    same(world.wire.length, 4);
  });
});

describe("the clock", () => {
  for (const [what, skew] of [
    ["ahead", 600_000],
    ["behind", -600_000],
  ] as const) {
    it(`that has gone ${what}: the charge is signed again by the host's time`, async () => {
      const world = new World();
      let off = 0;
      const terminal = await world.ready({ now: () => world.clock.now + off, retry: FAST });
      off = skew;
      same((await terminal.charge(TEN)).outcome, "approved");
      same(
        world.wire.map(({ path, status }) => [path, status]),
        [
          ["/pos/charge", 401],
          ["/pos/bootstrap", 200],
          ["/pos/charge", 200],
        ],
      );
      same([terminal.clockOffsetMs, world.charges().length], [-skew, 1]);
      same(world.wire[2]!.headers["X-Timestamp"], "2026-01-15T12:00:00Z");
    });

    it(`that has gone ${what}, of a refund that must not be repeated: unknown, and the cause says why`, async () => {
      const world = new World();
      let off = 0;
      const terminal = await world.ready({ now: () => world.clock.now + off, retry: FAST });
      const charge = await terminal.charge(TEN);
      if (charge.outcome !== "approved") throw new Error(charge.outcome);
      off = skew;
      const outcome = await terminal.refund(charge.chargeId, { amount: TEN.amount });
      if (outcome.outcome !== "unknown") throw new Error(outcome.outcome);
      ok(outcome.cause.message.includes(`600 s ${what === "ahead" ? "ahead of" : "behind"} the host's`), outcome.cause.message);
      const { clockSkewMs, clockOffsetMs, status } = outcome.cause.details!;
      same([clockSkewMs, clockOffsetMs, status], [skew, -skew, 401]);
      same(sentTo(world, `/pos/charge/${charge.chargeId}/refund`), 1);
    });
  }

  it("a 401 that the clock does not explain is repeated once with a fresh nonce, and stays as it is", async () => {
    const { world, terminal } = await ready();
    world.fault = first(1, /charge/, async () => apiError(401, "4001"));
    same((await terminal.charge(TEN)).outcome, "approved");
    world.wire.length = 0;
    world.fault = first(9, /charge/, async () => apiError(401, "4001"));
    const outcome = await terminal.charge(TEN);
    if (outcome.outcome !== "unknown") throw new Error(outcome.outcome);
    ok(!outcome.cause.message.includes("clock"), "no clock");
    same(sentTo(world, "/pos/charge"), 2);
  });

  it("survives a restart: the last offset is taken until the host is asked", async () => {
    const world = new World();
    const store = new MemoryStore();
    const now = () => world.clock.now - 7_200_000;
    await world.ready({ store, now });
    const next = world.terminal({ store, now });
    world.fault = async () => {
      throw new TypeError("down");
    };
    await next.recover();
    same(next.clockOffsetMs, 7_200_000);
  });
});
