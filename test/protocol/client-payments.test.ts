/** Payments of the terminal: outcomes, what leaves it and when, the journal, recovery. */
import { describe, it } from "vitest";
import {
  JOURNAL_TRANSITIONS,
  type JournalRecord,
  type JournalState,
  MemoryStore,
  type PosTerminal,
} from "../../ts/client/index.js";
import { Journal } from "../../ts/client/payments/journal.js";
import { StoreUser } from "../../ts/client/store/one-user.js";
import type { ChargeOutcome } from "../../ts/client/payments/outcomes.js";
import { type JsonValue, openEnvelope, sealEnvelope } from "../../ts/core/envelope/envelope.js";
import type { PosCryptoError } from "../../ts/base/errors.js";
import { ok, rejectsCode, same } from "../harness.js";
import { apiError, CARD, type Fault, json, TEN, World } from "./client-world.js";

const AMOUNT = { value: "1000", currency: "EUR" };

const drop = {
  before: (async () => {
    throw new TypeError("dropped before the host");
  }) as Fault,
  after: (async (_path, pass) => {
    await pass();
    throw new TypeError("dropped after the host");
  }) as Fault,
};

/** Replaces the opened answer of the host. */
function answering(terminal: PosTerminal, change: (answer: Record<string, unknown>) => unknown): Fault {
  return async (_path, pass) => {
    const { msk } = terminal.keys!;
    const answer = openEnvelope(msk, await (await pass()).json()) as Record<string, unknown>;
    return json(200, sealEnvelope(msk, change(answer) as JsonValue, { includeKcv: true }));
  };
}

function unknownCode(outcome: { outcome: string; cause?: PosCryptoError }): string {
  return outcome.outcome === "unknown" ? outcome.cause!.code : outcome.outcome;
}

describe("outcomes", () => {
  it("approved: id, amount, gateway data, all from the opened answer", async () => {
    const world = new World();
    const terminal = await world.ready();
    const outcome = await terminal.charge(TEN);
    if (outcome.outcome !== "approved") throw new Error(outcome.outcome);
    same(outcome.amount, AMOUNT);
    same([outcome.chargeId], world.charges());
    ok(typeof outcome.gatewayData?.["rrn"] === "string", "a reference");
    same(outcome.response["status"], "approved");
    same(outcome.idempotencyKey, world.wire[0]!.headers["Idempotency-Key"]);
  });

  it("declined by the issuer: no cause, the response code is there", async () => {
    const terminal = await new World().ready();
    const outcome = await terminal.charge({ card: CARD, amount: { value: "10051", currency: "EUR" } });
    same([outcome.outcome, "status" in outcome && outcome.status], ["declined", "declined"]);
    ok("gatewayData" in outcome && outcome.gatewayData?.["response_code"] === "51", "the code");
  });

  it("a PIN under the TPK and data under the TDK reach the host", async () => {
    for (const tpk of ["TDES", "AES"] as const) {
      const world = new World({ tpk });
      const terminal = await world.ready();
      const charge = async (pin: string) => {
        const pin_block = terminal.encryptPin({ pin, pan: CARD.number });
        same(pin_block.block.length, tpk === "AES" ? 32 : 16);
        const auxiliary_data = terminal.sealAuxiliary({ loyalty: "L-1" });
        const outcome = await terminal.charge({ ...TEN, cardholder_verification_method: "pin", pin_block, auxiliary_data });
        ok(!world.wire.at(-1)!.body.includes(pin_block.block), "the block is sealed");
        return "gatewayData" in outcome ? (outcome.gatewayData?.["response_code"] ?? outcome.outcome) : outcome.outcome;
      };
      same(await charge("1234"), "approved");
      same(await charge("9999"), "55", "the PIN that is wrong for the mock");
    }
  });

  it("refund in parts, then cancel and reverse, each repeatable", async () => {
    const world = new World();
    const terminal = await world.ready();
    const approve = async () => {
      const outcome = await terminal.charge(TEN);
      if (outcome.outcome !== "approved") throw new Error(outcome.outcome);
      return outcome.chargeId;
    };
    const refunded = await approve();
    for (const value of ["400", "600"]) {
      const outcome = await terminal.refund(refunded, { amount: { value, currency: "EUR" }, reason: "customer_request" });
      if (outcome.outcome !== "approved") throw new Error(outcome.outcome);
      same([outcome.amount.value, outcome.chargeId], [value, refunded]);
      ok(outcome.refundId.startsWith("rf_"), "a refund id");
      ok(world.wire.at(-1)!.headers["Idempotency-Key"] === outcome.idempotencyKey, "refunds carry a key, too");
    }
    for (const action of ["cancel", "reverse"] as const) {
      const chargeId = await approve();
      for (let i = 0; i < 2; i++) {
        const outcome = await terminal[action](chargeId);
        same([outcome.outcome, outcome.chargeId, "status" in outcome && outcome.status], ["approved", chargeId, "cancelled"]);
      }
      const last = world.wire.at(-1)!;
      same([last.body, last.headers["Content-Type"], last.headers["Idempotency-Key"]], ["", undefined, undefined]);
    }
  });

  it("what the host refuses as such is declined with its error as cause", async () => {
    const world = new World();
    const terminal = await world.ready();
    const outcome = await terminal.charge(TEN);
    if (outcome.outcome !== "approved") throw new Error(outcome.outcome);
    const refusals = [
      await terminal.refund(outcome.chargeId, { amount: { value: "1001", currency: "EUR" } }),
      await terminal.refund(outcome.chargeId, { amount: { value: "1000", currency: "USD" } }),
      await terminal.cancel("ch_unknown"),
      await terminal.reverse("ch_unknown"),
    ];
    for (const refusal of refusals) {
      same(refusal.outcome, "declined");
      ok("status" in refusal && "cause" in refusal && refusal.cause.code === "ERR_HOST", "the host's error");
    }
  });

  it("nothing of a card, a PIN or an amount is readable on the wire", async () => {
    const world = new World();
    const terminal = await world.ready();
    const request = { ...TEN, emv_data: "9F2608A1B2C3D4E5F60718", stan: "000123" };
    await terminal.charge({ ...request, pin_block: terminal.encryptPin({ pin: "1234", pan: CARD.number }) });
    const { body } = world.wire[0]!;
    // A few digits can occur in any ciphertext; as values of JSON they cannot.
    for (const secret of [CARD.number, request.emv_data, '"000123"', '"EUR"', '"1000"', '"card"', "3431313131313131"])
      ok(!body.includes(secret), "absence");
    same(Object.keys(JSON.parse(body) as object), ["format", "ciphertext", "initialization_vector", "mode", "key_kcv"]);
  });
});

describe("requests that are not sent", () => {
  const bad: readonly (readonly [string, unknown])[] = [
    ["request", null],
    ["request", "charge"],
    ["request", [TEN]],
    ["request", { ...TEN, loop: BigInt(1) }],
    ["amount", { card: CARD }],
    ["amount", { card: CARD, amount: "1000" }],
    ["amount", JSON.parse('{"__proto__":{"amount":{"value":"1","currency":"EUR"}}}')],
    ["amount.value", { amount: { value: 1000, currency: "EUR" } }],
    ["amount.value", { amount: { value: "10.00", currency: "EUR" } }],
    ["amount.value", { amount: { value: "0", currency: "EUR" } }],
    ["amount.value", { amount: { value: "-5", currency: "EUR" } }],
    ["amount.value", { amount: { value: "01", currency: "EUR" } }],
    ["amount.value", { amount: { value: "1".repeat(13), currency: "EUR" } }],
    ["amount.currency", { amount: { value: "1", currency: "eur" } }],
    ["amount.currency", { amount: { value: "1" } }],
    ["card", { ...TEN, card: "4111" }],
    ["card.number", { ...TEN, card: { ...CARD, number: "4111 1111 1111 1111" } }],
    ["card.number", { ...TEN, card: { ...CARD, number: 4111111111111111 } }],
    ["card.expiry_year", { ...TEN, card: { ...CARD, expiry_year: 27 } }],
    ["card.expiry_month", { ...TEN, card: { ...CARD, expiry_month: 13 } }],
    ["card.expiry_month", { ...TEN, card: { ...CARD, expiry_month: "12" } }],
    ["pin_block", { ...TEN, pin_block: "0412345678ABCDEF" }],
    ["pin_block.block", { ...TEN, pin_block: { block: "1234" } }],
    ["emv_data", { ...TEN, emv_data: "9F2" }],
    ["stan", { ...TEN, stan: 123 }],
    ["stan", { ...TEN, stan: "123" }],
    ["terminal", { ...TEN, terminal: 1 }],
    ["terminal.id", { ...TEN, terminal: { id: "TID-OTHER" } }],
    ["authorization_type", { ...TEN, authorization_type: "" }],
  ];
  it("names the field, quotes no value, journals nothing", async () => {
    const world = new World();
    const store = new MemoryStore();
    const terminal = await world.ready({ store });
    for (const [name, request] of bad) {
      const error = await rejectsCode(
        terminal.charge(request as never),
        "ERR_INVALID_ARGUMENT",
        new RegExp(`^"${name}" must be `),
      );
      ok(!/4111|0412/.test(error.message), "no card data in messages");
    }
    for (const chargeId of ["", "a/b", "..", "ch 1", "ch_1?x", "x".repeat(65), 7, undefined]) {
      await rejectsCode(terminal.refund(chargeId as string, { amount: AMOUNT }), "ERR_INVALID_ARGUMENT", /^"chargeId"/);
      await rejectsCode(terminal.cancel(chargeId as string), "ERR_INVALID_ARGUMENT", /^"chargeId"/);
      await rejectsCode(terminal.reverse(chargeId as string), "ERR_INVALID_ARGUMENT", /^"chargeId"/);
    }
    await rejectsCode(terminal.refund("ch_1", {} as never), "ERR_INVALID_ARGUMENT", /^"amount"/);
    await rejectsCode(terminal.refund("ch_1", { amount: AMOUNT, reason: "a\nb" }), "ERR_INVALID_ARGUMENT", /^"reason"/);
    for (const idempotencyKey of ["", " a", "a\nb", "é", "x".repeat(256), 5]) {
      const options = { idempotencyKey: idempotencyKey as string };
      await rejectsCode(terminal.charge(TEN, options), "ERR_INVALID_ARGUMENT", /^"idempotencyKey"/);
    }
    await rejectsCode(terminal.charge(TEN, { signal: AbortSignal.abort() }), "ERR_ABORTED");
    await rejectsCode(terminal.cancel("ch_1", { signal: AbortSignal.abort() }), "ERR_ABORTED");
    same(world.wire.length, 0, "requests");
    same((await store.listRecords()).length, 0, "records");
    same((await store.listPayloads()).length, 0, "payloads");
    same((await terminal.charge(TEN)).outcome, "approved");
  });

  it("what the caller changes after the call changes nothing", async () => {
    const world = new World();
    const terminal = await world.ready();
    const request = { card: { ...CARD }, amount: { ...AMOUNT } };
    const pending = terminal.charge(request);
    request.amount.value = "999999";
    const outcome = await pending;
    ok(outcome.outcome === "approved", "approved for what was asked");
  });
});

describe("unknown: charge never rejects once bytes may have left", () => {
  const faults: readonly (readonly [string, string, Fault | ((terminal: PosTerminal) => Fault)])[] = [
    ["dropped before the host", "ERR_NETWORK", drop.before],
    ["dropped after the host", "ERR_NETWORK", drop.after],
    ["500", "ERR_HOST", async () => apiError(500, "5000")],
    ["502 of a proxy", "ERR_HOST_RESPONSE", async () => new Response("<html>", { status: 502 })],
    ["400 of a proxy", "ERR_HOST_RESPONSE", async () => new Response("bad", { status: 400 })],
    ["401, as for a request delivered twice", "ERR_HOST", async () => apiError(401, "4001")],
    ["409", "ERR_HOST", async () => apiError(409, "4009")],
    ["no JSON", "ERR_HOST_RESPONSE", async () => json(200, "{")],
    ["no envelope", "ERR_ENVELOPE_FORMAT", async () => json(200, { status: "approved" })],
  ];
  for (const [what, code, fault] of faults) {
    it(`${what}: ${code}`, async () => {
      const world = new World();
      const store = new MemoryStore();
      const terminal = await world.ready({ store });
      world.fault = fault as Fault;
      const outcome = await terminal.charge(TEN);
      same(unknownCode(outcome), code);
      const [record] = await store.listRecords();
      same([record!.state, record!.idempotencyKey], ["unknown", outcome.idempotencyKey]);
      same(await store.listPayloads(), [outcome.idempotencyKey]);
    });
  }

  const bends: readonly (readonly [string, (answer: Record<string, unknown>) => unknown])[] = [
    ["another amount", (answer) => ({ ...answer, amount: { value: "1001", currency: "EUR" } })],
    ["another currency", (answer) => ({ ...answer, amount: { value: "1000", currency: "USD" } })],
    ["the amount as a number", (answer) => ({ ...answer, amount: { value: 1000, currency: "EUR" } })],
    ["no amount", ({ amount: _, ...answer }) => answer],
    ["no charge id", ({ charge_id: _, ...answer }) => answer],
    ["a charge id that is a path", (answer) => ({ ...answer, charge_id: "../../pos/keys" })],
    ["a status nobody knows", (answer) => ({ ...answer, status: "pending" })],
    ["no status", ({ status: _, ...answer }) => answer],
    ["inherited members", (answer) => JSON.parse(`{"__proto__":${JSON.stringify(answer)}}`)],
    ["an array", (answer) => [answer]],
  ];
  for (const [what, bend] of bends) {
    it(`an approval with ${what}`, async () => {
      const world = new World();
      const terminal = await world.ready();
      world.fault = answering(terminal, bend);
      same(unknownCode(await terminal.charge(TEN)), "ERR_HOST_RESPONSE");
    });
  }

  it("a damaged envelope, and one under another key", async () => {
    const world = new World();
    const terminal = await world.ready();
    const bend = (change: (envelope: Record<string, string>) => void): Fault => {
      return async (_path, pass) => {
        const envelope = (await (await pass()).json()) as Record<string, string>;
        change(envelope);
        return json(200, envelope);
      };
    };
    world.fault = bend((envelope) => (envelope["initialization_vector"] = "00".repeat(16)));
    same(unknownCode(await terminal.charge(TEN)), "ERR_ENVELOPE_OPEN");
    world.fault = bend((envelope) => (envelope["key_kcv"] = "000000"));
    same(unknownCode(await terminal.charge(TEN)), "ERR_ENVELOPE_KEY");
  });

  it("a time limit and an abort on the way", async () => {
    const world = new World();
    const terminal = await world.ready({ timeoutMs: 200 });
    world.fault = () => new Promise(() => {});
    same(unknownCode(await terminal.charge(TEN)), "ERR_TIMEOUT");
    const stop = new AbortController();
    world.fault = () => {
      stop.abort();
      return new Promise(() => {});
    };
    same(unknownCode(await terminal.charge(TEN, { signal: stop.signal })), "ERR_ABORTED");
  });

  it("400 for a key of the caller's is unknown: it may have been sent before", async () => {
    const world = new World();
    const terminal = await world.ready();
    world.fault = async () => apiError(400, "4000");
    same((await terminal.charge(TEN)).outcome, "declined");
    same(unknownCode(await terminal.charge(TEN, { idempotencyKey: "order-1" })), "ERR_HOST");
  });

  it("refunds and voids alike", async () => {
    const world = new World();
    const terminal = await world.ready();
    const outcome = await terminal.charge(TEN);
    if (outcome.outcome !== "approved") throw new Error(outcome.outcome);
    const { chargeId } = outcome;
    world.fault = answering(terminal, (answer) => ({ ...answer, amount: { value: "999", currency: "EUR" } }));
    same(unknownCode(await terminal.refund(chargeId, { amount: { value: "100", currency: "EUR" } })), "ERR_HOST_RESPONSE");
    world.fault = drop.before;
    same(unknownCode(await terminal.cancel(chargeId)), "ERR_NETWORK");
    world.fault = answering(terminal, () => ({ charge_id: "ch_other", status: "cancelled" }));
    const other = await terminal.charge(TEN);
    same(unknownCode(other), "ERR_HOST_RESPONSE");
    const fresh = await new World().ready();
    same((await fresh.charge(TEN)).outcome, "approved");
  });

  it("a void that answers for another charge", async () => {
    const world = new World();
    const terminal = await world.ready();
    const outcome = await terminal.charge(TEN);
    if (outcome.outcome !== "approved") throw new Error(outcome.outcome);
    world.fault = answering(terminal, (answer) => ({ ...answer, charge_id: "ch_other" }));
    same(unknownCode(await terminal.cancel(outcome.chargeId)), "ERR_HOST_RESPONSE");
    world.fault = answering(terminal, (answer) => ({ ...answer, status: "approved" }));
    same(unknownCode(await terminal.reverse(outcome.chargeId)), "ERR_HOST_RESPONSE");
  });
});

describe("idempotency keys", () => {
  it("one request at a time for a key; a settled one is told again", async () => {
    const world = new World();
    const terminal = await world.ready();
    const [first, second] = await Promise.allSettled([
      terminal.charge(TEN, { idempotencyKey: "order-1" }),
      terminal.charge(TEN, { idempotencyKey: "order-1" }),
    ]);
    same([first.status, second.status], ["fulfilled", "rejected"]);
    same((await terminal.charge(TEN, { idempotencyKey: "order-1" })).outcome, "approved");
    same(world.charges().length, 1);
  });

  it("an open one may be sent again with the same request only", async () => {
    const world = new World();
    const terminal = await world.ready();
    world.fault = drop.after;
    const first = await terminal.charge(TEN, { idempotencyKey: "order-1" });
    same(first.outcome, "unknown");
    const other = { ...TEN, amount: { value: "1001", currency: "EUR" } };
    await rejectsCode(terminal.charge(other, { idempotencyKey: "order-1" }), "ERR_INVALID_ARGUMENT", /another request/);
    await rejectsCode(terminal.refund("ch_1", { amount: AMOUNT }, { idempotencyKey: "order-1" }), "ERR_INVALID_ARGUMENT");
    world.fault = undefined;
    const again = await terminal.charge(TEN, { idempotencyKey: "order-1" });
    same(again.outcome, "approved");
    same(world.charges().length, 1, "charges the host made");
    same(world.wire.length, 2);
    ok(world.wire[0]!.body !== world.wire[1]!.body, "a fresh envelope");
  });
});

describe("recovery", () => {
  for (const [when, fault] of Object.entries(drop)) {
    it(`dropped ${when} the host: the same key and plaintext, a fresh envelope, one charge`, async () => {
      const world = new World();
      const terminal = await world.ready();
      world.fault = fault;
      const lost = await terminal.charge(TEN);
      same(lost.outcome, "unknown");
      world.fault = undefined;
      const { payments } = await terminal.recover();
      same(payments.length, 1);
      const [payment] = payments;
      same([payment!.kind, payment!.idempotencyKey, payment!.state], ["charge", lost.idempotencyKey, "approved"]);
      same((payment!.outcome as ChargeOutcome).outcome, "approved");
      same(world.charges().length, 1, "charges the host made");
      same((await terminal.recover()).payments.length, 0, "nothing is open any more");
      const [first, second, ...more] = world.wire;
      same(more.length, 0);
      same(second!.headers["Idempotency-Key"], first!.headers["Idempotency-Key"]);
      for (const fresh of ["X-Nonce", "X-Signature"]) ok(first!.headers[fresh] !== second!.headers[fresh], `a fresh ${fresh}`);
      ok(first!.body !== second!.body, "a fresh envelope");
      const { msk } = terminal.keys!;
      const plaintext = (body: string) => openEnvelope(msk, JSON.parse(body));
      same(plaintext(first!.body), plaintext(second!.body));
    });
  }

  it("a restart: keys and terminal id come back from wrapped blocks, the open charge is asked for", async () => {
    const world = new World();
    const store = new MemoryStore();
    const before = await world.ready({ store });
    world.fault = async (_path, pass) => {
      await pass();
      return new Promise(() => {});
    };
    // The process ends while this one waits for its answer.
    void before.charge({ ...TEN, pin_block: before.encryptPin({ pin: "1234", pan: CARD.number }) });
    while (world.charges().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    world.fault = undefined;

    const after = world.terminal({ store });
    const { restored, payments } = await after.recover();
    same(restored, true);
    same([payments.length, payments[0]!.state], [1, "approved"]);
    same(world.charges().length, 1, "charges the host made");
    same([after.terminalId, after.isClaimed], [world.device.terminal_id, true]);
    same((await after.charge(TEN)).outcome, "approved");
    const persisted = JSON.stringify([await store.loadTerminal(), await store.listRecords(), await store.listPayloads()]);
    ok(!persisted.includes(CARD.number), "no card number in the store");
  });

  it("the store never holds card data, PIN or keys in clear", async () => {
    const world = new World();
    const written: string[] = [];
    class Watched extends MemoryStore {
      override async putPayload(key: string, sealed: JsonValue): Promise<void> {
        written.push(JSON.stringify(sealed));
        await super.putPayload(key, sealed);
      }
      override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
        written.push(JSON.stringify(record));
        await super.putRecord(record, replaces);
      }
    }
    const store = new Watched();
    const terminal = await world.ready({ store });
    await terminal.charge({ ...TEN, pin_block: terminal.encryptPin({ pin: "1234", pan: CARD.number }) });
    written.push(JSON.stringify(await store.loadTerminal()));
    const all = written.join("\n").toUpperCase();
    for (const secret of [CARD.number, world.device.zmk, world.device.identity_secret, "PIN_BLOCK", "EXPIRY"]) {
      ok(!all.includes(secret), "absence of a secret");
    }
    const records = written.flatMap((line) => (line.includes('"state"') ? [JSON.parse(line) as JournalRecord] : []));
    same(
      records.map(({ state }) => state),
      ["sending", "approved"],
    );
    same(Object.keys(records[0]!), [
      "idempotencyKey",
      "kind",
      "amount",
      "currency",
      "state",
      "sendings",
      "createdAt",
      "updatedAt",
    ]);
    same(await store.listPayloads(), []);
  });

  it("without an answer it stays unknown, as often as it is tried", async () => {
    const world = new World();
    const terminal = await world.ready();
    world.fault = drop.before;
    await terminal.charge(TEN);
    for (let i = 0; i < 3; i++) {
      const { payments } = await terminal.recover();
      same([payments.length, payments[0]!.state, unknownCode(payments[0]!.outcome!)], [1, "unknown", "ERR_NETWORK"]);
    }
    world.fault = async () => apiError(400, "4000");
    same((await terminal.recover()).payments[0]!.state, "unknown", "a refusal of a repetition says nothing of the first sending");
  });

  it("a host that has forgotten the key is not asked: needs_host_lookup", async () => {
    const world = new World();
    const terminal = await world.ready({ idempotencyTtlMs: 3_600_000 });
    world.fault = drop.after;
    const lost = await terminal.charge(TEN, { idempotencyKey: "order-1" });
    world.clock.now += 3_600_000;
    // The host's clock cannot be read: nothing is decided.
    const offline = await terminal.charge(TEN, { idempotencyKey: "order-1" });
    same([unknownCode(offline), (await terminal.recover()).payments[0]!.state], ["ERR_NETWORK", "unknown"]);
    world.fault = undefined;
    const again = await terminal.charge(TEN, { idempotencyKey: "order-1" });
    ok(again.outcome === "unknown" && /look/.test(again.cause.message), "still unknown, and why");
    const before = world.events.length;
    const { payments } = await terminal.recover();
    same(
      [payments[0]!.idempotencyKey, payments[0]!.state, payments[0]!.outcome],
      [lost.idempotencyKey, "needs_host_lookup", undefined],
    );
    same(
      world.events
        .slice(before)
        .map(({ endpoint }) => endpoint)
        .filter((endpoint) => endpoint !== "bootstrap"),
      [],
      "requests",
    );
    same((await terminal.recover()).payments, []);
  });

  it("refunds are only repeated where the host is known to tell repetitions apart", async () => {
    for (const hostDedupesRefunds of [false, true]) {
      const world = new World();
      const terminal = await world.ready({ hostDedupesRefunds });
      const charge = await terminal.charge(TEN);
      if (charge.outcome !== "approved") throw new Error(charge.outcome);
      world.fault = drop.after;
      const request = { amount: { value: "600", currency: "EUR" } };
      const lost = await terminal.refund(charge.chargeId, request, { idempotencyKey: "refund-1" });
      same(lost.outcome, "unknown");
      world.fault = undefined;
      const sent = world.events.length;
      const [payment] = (await terminal.recover()).payments;
      same([payment!.kind, payment!.state], ["refund", hostDedupesRefunds ? "approved" : "unknown"]);
      same(world.events.length, hostDedupesRefunds ? sent + 1 : sent, "requests");
      if (!hostDedupesRefunds) {
        const again = await terminal.refund(charge.chargeId, request, { idempotencyKey: "refund-1" });
        ok(again.outcome === "unknown" && /may have been made/.test(again.cause.message), "still unknown, and why");
      }
      // 600 of 1000 are refunded, once.
      same((await terminal.refund(charge.chargeId, { amount: { value: "400", currency: "EUR" } })).outcome, "approved");
      same((await terminal.refund(charge.chargeId, { amount: { value: "1", currency: "EUR" } })).outcome, "declined");
    }
  });

  it("another device's store is refused; a payload that is gone stays unknown", async () => {
    const world = new World();
    const store = new MemoryStore();
    const terminal = await world.ready({ store });
    await rejectsCode(world.terminal({ store, deviceId: "POS-00000000" }).recover(), "ERR_STATE", /another device/);
    world.fault = drop.before;
    const lost = await terminal.charge(TEN);
    await store.removePayload(lost.idempotencyKey);
    world.fault = undefined;
    const { payments } = await terminal.recover();
    same([payments[0]!.state, unknownCode(payments[0]!.outcome!)], ["unknown", "ERR_STATE"]);
    same(world.charges(), []);
  });

  it("payloads that a crash left are removed", async () => {
    const world = new World();
    const store = new MemoryStore();
    const terminal = await world.ready({ store });
    await store.putPayload("never-recorded", { sealed: true });
    await terminal.recover();
    same(await store.listPayloads(), []);
  });

  it("an empty store restores nothing and asks nothing", async () => {
    const world = new World();
    same(await world.terminal().recover(), { restored: false, payments: [] });
    same(world.wire.length, 0);
  });
});

describe("a store that fails", () => {
  class Failing extends MemoryStore {
    failAt: "payload" | "sending" | "settling" | undefined;
    override async putPayload(key: string, sealed: JsonValue): Promise<void> {
      if (this.failAt === "payload") throw new Error("disk full");
      await super.putPayload(key, sealed);
    }
    override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
      const settling = record.state !== "sending";
      if (this.failAt === (settling ? "settling" : "sending")) throw new Error("disk full");
      await super.putRecord(record, replaces);
    }
  }

  it("before the request: rejects, nothing leaves", async () => {
    const world = new World();
    const store = new Failing();
    const terminal = await world.ready({ store });
    for (const failAt of ["payload", "sending"] as const) {
      store.failAt = failAt;
      let message = "";
      await terminal.charge(TEN).catch((error: Error) => {
        message = error.message;
      });
      same(message, "disk full");
    }
    same(world.wire.length, 0);
    store.failAt = undefined;
    same((await terminal.charge(TEN)).outcome, "approved");
  });

  it("a record that may have been written is never sent: its payload is gone", async () => {
    const world = new World();
    class Torn extends MemoryStore {
      torn = false;
      override async putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
        await super.putRecord(record, replaces);
        if (this.torn) throw new Error("written, but not known to be durable");
      }
    }
    const store = new Torn();
    const terminal = await world.ready({ store });
    store.torn = true;
    await terminal.charge(TEN).then(
      () => Promise.reject(new Error("resolved")),
      (error: Error) => same(error.message, "written, but not known to be durable"),
    );
    store.torn = false;
    const { payments } = await terminal.recover();
    same([payments[0]!.state, unknownCode(payments[0]!.outcome!)], ["unknown", "ERR_STATE"]);
    same(world.charges(), []);
  });

  it("a charge that did not leave but stays open in the journal is unknown: recovery may make it", async () => {
    const world = new World();
    const store = new Failing();
    const stop = new AbortController();
    const terminal = await world.ready({ store });
    const begin = store.putRecord.bind(store);
    store.putRecord = async (record, replaces) => {
      await begin(record, replaces);
      // Aborted between the journal and the request, on a disk that is full from now on.
      stop.abort();
      store.failAt = "settling";
    };
    const outcome = await terminal.charge(TEN, { signal: stop.signal });
    same([unknownCode(outcome), world.wire.length], ["ERR_ABORTED", 0]);
    ok(outcome.journalFailure instanceof Error, "the failure");
    store.putRecord = begin;
    store.failAt = undefined;
    same((await terminal.recover()).payments[0]!.state, "approved");
  });

  it("aborted between the journal and the request: rejects, and the record is closed", async () => {
    const world = new World();
    const store = new Failing();
    const stop = new AbortController();
    const terminal = await world.ready({ store });
    const begin = store.putRecord.bind(store);
    store.putRecord = async (record, replaces) => {
      await begin(record, replaces);
      stop.abort();
    };
    await rejectsCode(terminal.charge(TEN, { signal: stop.signal }), "ERR_ABORTED");
    same(
      (await store.listRecords()).map(({ state }) => state),
      ["abandoned"],
    );
    same([world.wire.length, (await terminal.recover()).payments.length], [0, 0]);
  });

  it("after the answer: the outcome stands, says so, and recovery settles the record", async () => {
    const world = new World();
    const store = new Failing();
    const terminal = await world.ready({ store });
    store.failAt = "settling";
    const outcome = await terminal.charge(TEN);
    same(outcome.outcome, "approved");
    ok(outcome.journalFailure instanceof Error, "the failure");
    store.failAt = undefined;
    const { payments } = await terminal.recover();
    same([payments[0]!.state, world.charges().length], ["approved", 1]);
  });
});

describe("journal", () => {
  it("allows the transitions of its table and no others", async () => {
    const states = Object.keys(JOURNAL_TRANSITIONS) as JournalState[];
    let refused = 0;
    for (const from of states) {
      for (const to of states) {
        const store = new MemoryStore();
        const journal = new Journal(new StoreUser(store), () => 0);
        const fields = { idempotencyKey: "k", kind: "charge" as const, amount: "1", currency: "EUR" };
        const record: JournalRecord = { ...(await journal.begin(fields, {})), state: from };
        await store.putRecord(record, "sending");
        if ((JOURNAL_TRANSITIONS[from] as readonly string[]).includes(to)) {
          const moved = await journal.move(record, to);
          same([moved.state, (await journal.find("k"))?.state], [to, to]);
          same((await store.listPayloads()).length, to === "sending" || to === "unknown" ? 1 : 0, `payloads after ${to}`);
        } else {
          await rejectsCode(journal.move(record, to), "ERR_STATE");
          refused++;
        }
      }
    }
    same(refused, 36 - 9);
  });
});
