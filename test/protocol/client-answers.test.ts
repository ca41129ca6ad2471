/** Each answer in its own form; charges that cannot be misspelt; the host's pauses; events; errors that meet loggers. */
import { describe, it } from "vitest";
import type { ChargeRequest, TerminalEvent } from "../../ts/client/index.js";
import { openEnvelope, PosCryptoError, sealEnvelope } from "../../ts/index.js";
import { ok, rejectsCode, same } from "../harness.js";
import { apiError, CARD, json, TEN, World } from "./client-world.js";

const causeOf = (outcome: { readonly outcome: string; readonly cause?: PosCryptoError }) => outcome.cause?.code;

describe("the form of an answer", () => {
  it("a chunked answer to a charge is not believed, whatever it says; chunks of terminal parameters are", async () => {
    const world = new World();
    const terminal = await world.ready();
    ok(terminal.terminalParameters !== undefined, "chunked parameters were opened");
    const { msk } = terminal.keys!;
    world.fault = async (_path, pass) => {
      const answer = openEnvelope(msk, await (await pass()).json());
      const chunked = sealEnvelope(msk, answer, { gzip: true, chunkBytes: 64, includeKcv: true });
      same(chunked.format, "TR31-DATA-CHUNKED");
      return json(200, chunked);
    };
    const outcome = await terminal.charge(TEN, { idempotencyKey: "A" });
    same([outcome.outcome, causeOf(outcome as never)], ["unknown", "ERR_HOST_RESPONSE"]);
    await rejectsCode(terminal.fetchConfig(), "ERR_HOST_RESPONSE", /format/);
    world.fault = undefined;
    same([(await terminal.recover()).payments[0]!.state, world.charges().length], ["approved", 1]);
  });

  it("answerEncoding: another encoding than the one said is not opened", async () => {
    const world = new World();
    const terminal = await world.ready();
    const { msk } = terminal.keys!;
    world.fault = async (_path, pass) => {
      const answer = openEnvelope(msk, await (await pass()).json());
      return json(200, sealEnvelope(msk, answer, { plaintextEncoding: "raw", includeKcv: true }));
    };
    const outcome = await terminal.charge(TEN);
    same([outcome.outcome, causeOf(outcome as never)], ["unknown", "ERR_ENVELOPE_OPEN"]);
    try {
      world.terminal({ answerEncoding: "auto" as "raw" });
      throw new Error("accepted");
    } catch (error) {
      same((error as PosCryptoError).code, "ERR_INVALID_ARGUMENT");
    }
  });
});

describe("a charge that cannot be misspelt", () => {
  it("takes the documented members; what a host adds goes under extra, and is sent beside them", async () => {
    const world = new World();
    const terminal = await world.ready();
    const slip = { ...TEN, pinBlock: terminal.encryptPin({ pin: "1234", pan: CARD.number }) };
    const error = await rejectsCode(terminal.charge(slip as ChargeRequest), "ERR_INVALID_ARGUMENT", /extra/);
    ok(!error.message.includes("pinBlock"), "the name may be a value in the wrong place");
    for (const extra of [{ card: {} }, { extra: 1 }, "text"]) {
      await rejectsCode(terminal.charge({ ...TEN, extra } as ChargeRequest), "ERR_INVALID_ARGUMENT", /"extra"/);
    }
    await rejectsCode(terminal.refund("ch_1", { ...TEN }), "ERR_INVALID_ARGUMENT", /extra/);
    same(world.wire.length, 0);
    let sent: unknown;
    const { msk } = terminal.keys!;
    world.fault = async (_path, pass) => {
      sent = openEnvelope(msk, JSON.parse(world.wire.at(-1)!.body));
      return await pass();
    };
    same((await terminal.charge({ ...TEN, extra: { loyalty: "L-1" } })).outcome, "approved");
    same([(sent as { loyalty?: string }).loyalty, Object.hasOwn(sent as object, "extra")], ["L-1", false]);
  });
});

describe("Retry-After", () => {
  const busy = (value: string) => {
    const response = apiError(503, "5003");
    response.headers.set("Retry-After", value);
    return response;
  };

  it("is waited for, in seconds and as a date, and told in details where it is beyond the deadline", async () => {
    for (const header of ["1", () => new Date(Date.now() + 1900).toUTCString()]) {
      const world = new World();
      const events: TerminalEvent[] = [];
      const terminal = await world.ready({ retry: { firstDelayMs: 1 }, onEvent: (event) => events.push(event) });
      let tries = 0;
      world.fault = async (_path, pass) => (tries++ === 0 ? busy(typeof header === "string" ? header : header()) : await pass());
      const begun = performance.now();
      same((await terminal.charge(TEN)).outcome, "approved");
      const delay = events.flatMap((event) => (event.type === "retry" ? [event.delayMs] : []));
      ok(delay.length === 1 && performance.now() - begun >= delay[0]! - 20, "waited");
      ok(typeof header !== "string" || delay[0] === 1000, "one second");
    }
    const world = new World();
    const terminal = await world.ready({ retry: { deadlineMs: 5000 } });
    world.fault = async () => busy("3600");
    const begun = performance.now();
    const outcome = await terminal.charge(TEN);
    if (outcome.outcome !== "unknown") throw new Error(outcome.outcome);
    same([outcome.cause.details?.["retryAfterMs"], world.wire.length], [3_600_000, 1]);
    ok(performance.now() - begun < 4000, "not waited for in vain");
  });
});

describe("events", () => {
  it("tell tries, retries, codes, trace ids and times, and no content; what a listener throws ends nothing", async () => {
    const world = new World();
    const events: TerminalEvent[] = [];
    const onEvent = (event: TerminalEvent) => {
      events.push(event);
      throw new Error("the log is full");
    };
    const terminal = await world.ready({ retry: { firstDelayMs: 1 }, onEvent });
    events.length = 0;
    let tries = 0;
    world.fault = async (_path, pass) => {
      tries++;
      if (tries === 1) throw new TypeError("dropped");
      return tries === 2 ? apiError(500, "5000") : await pass();
    };
    same((await terminal.charge(TEN)).outcome, "approved");
    same(
      events.map((event) =>
        event.type === "retry"
          ? [event.attempt, event.reason]
          : [event.step, event.status, event.code, event.hostCode, event.traceId],
      ),
      [
        ["charge", undefined, "ERR_NETWORK", undefined, undefined],
        [1, "ERR_NETWORK"],
        ["charge", 500, "ERR_HOST", "5000", "trace-1"],
        [2, "ERR_HOST"],
        ["charge", 200, undefined, undefined, undefined],
      ],
    );
    ok(
      events.every((event) => event.type === "retry" || event.ms >= 0),
      "times",
    );
    ok(!JSON.stringify(events).includes(CARD.number), "no content");
  });
});

describe("errors that meet loggers", () => {
  it("JSON has the message and neither stack nor cause", () => {
    const error = new PosCryptoError("ERR_STATE", "too early", { cause: new Error("inner"), details: { step: "x" } });
    same(JSON.parse(JSON.stringify({ error })), {
      error: { name: "PosCryptoError", code: "ERR_STATE", message: "too early", details: { step: "x" } },
    });
  });

  it("ERR_ABORTED has the signal's reason as its cause", async () => {
    const world = new World();
    const terminal = await world.ready();
    const reason = new Error("the customer has left");
    const stop = new AbortController();
    world.fault = async (_path, pass) => {
      stop.abort(reason);
      return await pass();
    };
    const outcome = await terminal.charge(TEN, { signal: stop.signal });
    if (outcome.outcome !== "unknown") throw new Error(outcome.outcome);
    same([outcome.cause.code, outcome.cause.cause === reason], ["ERR_ABORTED", true]);
    const early = await rejectsCode(terminal.charge(TEN, { signal: AbortSignal.abort(reason) }), "ERR_ABORTED");
    same(early.cause === reason, true);
  });
});
