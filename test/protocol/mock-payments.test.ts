/** Charge, refund, cancel, reverse: signatures, payloads, PIN and auxiliary data, and what a charge's life allows. */
import { beforeEach, describe, expect, test } from "vitest";
import { type JsonValue, sealEnvelope } from "../../ts/core/envelope/envelope.js";
import { prepareRefund } from "../../ts/client/payments/requests.js";
import { generateKey } from "../../ts/core/keys/key.js";
import { DECLINE_AMOUNTS, DECLINED_PIN } from "../../ts/mock/index.js";
import { encryptPinBlock } from "../../ts/core/pin-block/pin-block.js";
import { createNonce } from "../../ts/core/signing.js";
import { createWorld, expectError, expectOk, type SendOptions, type Terminal, type World } from "./mock-client.js";

let world: World;
let terminal: Terminal;

beforeEach(async () => {
  world = createWorld();
  terminal = await world.terminal.activated();
});

const MINUTE = 60_000;
const PAN = "4111111111111111";
const eur = (value: string) => ({ amount: { value, currency: "EUR" } });

/** The four signed requests, each on a charge that allows it. */
const REQUESTS: Record<string, (options?: SendOptions) => Promise<Awaited<ReturnType<Terminal["charge"]>>>> = {
  charge: (options) => terminal.charge(terminal.chargeOf(), options),
  refund: async (options) => terminal.refund(await terminal.charged(), eur("1500"), options),
  cancel: async (options) => terminal.cancel(await terminal.charged(), options),
  reverse: async (options) => terminal.cancel(await terminal.charged(), options, "reverse"),
};
const names = Object.keys(REQUESTS);
const send = (name: string, options?: SendOptions) => (REQUESTS[name] as (typeof REQUESTS)[string])(options);

describe("signed requests", () => {
  test.each(names)("%s: missing and malformed headers are 400 (settled detail 9)", async (name) => {
    const bad: Record<string, (string | undefined)[]> = {
      "X-Terminal-Id": [undefined, "TID 1"],
      "X-Timestamp": [undefined, "now"],
      "X-Nonce": [undefined, "short"],
      "X-Key-Id": [undefined, "with space"],
      "X-Signature": [undefined, "v1=", "abc"],
      "X-Client-Type": [undefined, "portal"],
      "User-Agent": [undefined, "curl/8"],
      "Idempotency-Key": ["", "x".repeat(256), "tab\tin"],
    };
    for (const [header, values] of Object.entries(bad)) {
      for (const value of values) await expectError(send(name, { headers: { [header]: value } }), 400, "4000", /header/);
    }
    await expectOk(send(name, { headers: { "User-Agent": "Mozilla/5.0", "Sec-Fetch-Mode": "cors" } }));
  });

  test.each(names)("%s: whatever was signed and then changed is 401", async (name) => {
    const stale = `v1=${"A".repeat(43)}=`;
    const changes: SendOptions[] = [
      { headers: { "X-Signature": stale } },
      { headers: { "X-Signature": "v1=dGVzdC1zaWduYXR1cmU=" } },
      { headers: { "X-Nonce": createNonce() } },
      { headers: { "X-Timestamp": terminal.timestamp(-1000) } },
      { headers: { "X-Key-Id": "hmac-key-2020-01" } },
      { headers: { "X-Terminal-Id": world.other.device.terminal_id } },
      { headers: { "X-Terminal-Id": "TID-UNKNOWN" } },
      { body: JSON.stringify(terminal.seal(terminal.chargeOf("1"))) },
    ];
    for (const change of changes) await expectError(send(name, change), 401, "4001", "Invalid signature");
  });

  test("the path is signed with its query, as sent", async () => {
    const body = JSON.stringify(terminal.seal(terminal.chargeOf()));
    await expectOk(terminal.signed("/pos/charge?trace=1&x=%C3%A9", body));
    const moved = await terminal.charged();
    const other = await terminal.charged();
    // The same signature on another charge.
    const nonce = createNonce();
    await expectOk(terminal.cancel(moved, { nonce }));
    const headers = { "X-Nonce": nonce };
    await expectError(terminal.cancel(other, { headers }), 401, "4001", "Invalid signature");
  });

  test.each(names)("%s: time and replay", async (name) => {
    const outside = "X-Timestamp is outside the accepted window";
    await expectError(send(name, { skew: -5 * MINUTE - 1000 }), 401, "4001", outside);
    await expectError(send(name, { skew: MINUTE + 1000 }), 401, "4001", outside);
    await expectOk(send(name, { skew: -5 * MINUTE }));
    const nonce = createNonce();
    await expectError(
      send(name, { nonce, headers: { "X-Signature": `v1=${"A".repeat(43)}=` } }),
      401,
      "4001",
      "Invalid signature",
    );
    await expectOk(send(name, { nonce }));
    await expectError(send(name, { nonce }), 401, "4001", "X-Nonce was used before");
  });

  test("nonces are remembered per terminal (settled detail 16)", async () => {
    await world.other.activated();
    const nonce = createNonce();
    await expectOk(terminal.charge(terminal.chargeOf(), { nonce }));
    await expectOk(world.other.charge(world.other.chargeOf(), { nonce }));
    world.clock.now += 10 * MINUTE - 1;
    await expectError(terminal.charge(terminal.chargeOf(), { nonce }), 401, "4001", "X-Nonce was used before");
    world.clock.now += 1;
    await expectOk(terminal.charge(terminal.chargeOf(), { nonce }));
  });

  test("a device that is not activated", async () => {
    const keyed = await world.other.keyed();
    const error = await expectError(keyed.charge(keyed.chargeOf()), 400, "4000", "Device is not activated");
    expect(error.details).toEqual({ device_status: "claimed" });
  });

  test("a device without keys cannot sign", async () => {
    await expectError(
      world.other.charge(world.other.chargeOf(), { keySet: terminal.installed }),
      401,
      "4001",
      "Invalid signature",
    );
  });

  test("a foreign terminal's keys", async () => {
    await world.other.activated();
    await expectError(terminal.charge(terminal.chargeOf(), { keySet: world.other.installed }), 401, "4001", "Invalid signature");
  });
});

describe("charge", () => {
  test("an approval, as in the primary document", async () => {
    const answer = terminal.open(await expectOk(terminal.charge(terminal.chargeOf())));
    expect(answer).toEqual({
      charge_id: expect.stringMatching(/^ch_[A-Za-z0-9]{16}$/),
      status: "approved",
      amount: { value: "1500", currency: "EUR" },
      gateway_data: { authorization_code: expect.stringMatching(/^A[0-9]{5}$/), rrn: expect.stringMatching(/^[0-9]{12}$/) },
    });
  });

  test.each(Object.entries(DECLINE_AMOUNTS))("%s is declined inside a 200 (settled detail 12)", async (value, decline) => {
    const answer = terminal.open(await expectOk(terminal.charge(terminal.chargeOf(value))));
    expect(answer).toMatchObject({ status: "declined", amount: { value, currency: "EUR" }, gateway_data: decline });
    expect(answer["charge_id"]).toMatch(/^ch_/);
    const chargeId = answer["charge_id"] as string;
    await expectError(terminal.refund(chargeId, eur("1")), 400, "4000", "Charge was declined");
    await expectError(terminal.cancel(chargeId), 400, "4000", "Charge was declined");
  });

  const defects: [string, (charge: Record<string, JsonValue>) => JsonValue, string][] = [
    ["no card", ({ card: _, ...rest }) => rest, "card"],
    ["a card that is no object", (charge) => ({ ...charge, card: PAN }), "card"],
    [
      "a short card number",
      (charge) => ({ ...charge, card: { number: "41111111111", expiry_year: 2027, expiry_month: 12 } }),
      "card.number",
    ],
    [
      "a card number that is a number",
      (charge) => ({ ...charge, card: { number: 4111111111111111, expiry_year: 2027, expiry_month: 12 } }),
      "card.number",
    ],
    [
      "a thirteenth month",
      (charge) => ({ ...charge, card: { number: PAN, expiry_year: 2027, expiry_month: 13 } }),
      "card.expiry_month",
    ],
    ["no amount", ({ amount: _, ...rest }) => rest, "amount"],
    ["an amount that is a number", (charge) => ({ ...charge, amount: { value: 1500, currency: "EUR" } }), "amount.value"],
    ["an amount with a fraction", (charge) => ({ ...charge, amount: { value: "15.00", currency: "EUR" } }), "amount.value"],
    ["a negative amount", (charge) => ({ ...charge, amount: { value: "-1", currency: "EUR" } }), "amount.value"],
    ["nothing", (charge) => ({ ...charge, amount: { value: "0", currency: "EUR" } }), "amount.value"],
    ["a currency in lower case", (charge) => ({ ...charge, amount: { value: "1500", currency: "eur" } }), "amount.currency"],
    ["no terminal", ({ terminal: _, ...rest }) => rest, "terminal"],
    ["another terminal", (charge) => ({ ...charge, terminal: { id: "TID-000002" } }), "terminal.id"],
    ["EMV data that is no hex", (charge) => ({ ...charge, emv_data: "9F26..." }), "emv_data"],
    ["a PIN block that is no object", (charge) => ({ ...charge, pin_block: "0412345678ABCDEF" }), "pin_block"],
    ["a PIN block that is no hex", (charge) => ({ ...charge, pin_block: { block: "0412345678ABCDEG" } }), "pin_block.block"],
    ["a PIN block for an AES key", (charge) => ({ ...charge, pin_block: { block: "00".repeat(16) } }), "pin_block.block"],
    ["a short stan", (charge) => ({ ...charge, stan: "123" }), "stan"],
    ["auxiliary data that is no envelope", (charge) => ({ ...charge, auxiliary_data: "00" }), "auxiliary_data"],
  ];

  test.each(defects)("%s is 400 and names the field", async (_name, bend, field) => {
    const error = await expectError(terminal.charge(bend(terminal.chargeOf() as Record<string, JsonValue>)), 400, "4000");
    expect(Object.keys(error.details?.["fields"] as object)).toEqual([field]);
    expect(JSON.stringify(error)).not.toContain(PAN);
  });

  test("several defects are named at once", async () => {
    const error = await expectError(terminal.charge({}), 400, "4000", "Invalid request body");
    expect(error.details).toEqual({ fields: { card: "is required", amount: "is required", terminal: "is required" } });
  });

  test("deep nesting is refused", async () => {
    let deep: JsonValue = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    const error = await expectError(terminal.charge({ ...terminal.chargeOf(), note: deep }), 400, "4000", "Invalid request body");
    expect(error.details).toEqual({ message: "the payload is nested too deeply" });
  });

  test("every envelope that cannot be opened is a plain 400, however many there are (settled detail 6)", async () => {
    for (let i = 0; i < 5; i++) {
      const envelope = sealEnvelope(generateKey({ algorithm: "AES", usage: "D0", bits: 256 }), terminal.chargeOf());
      const error = await expectError(
        terminal.signed("/pos/charge", JSON.stringify(envelope)),
        400,
        "4000",
        "Envelope cannot be opened",
      );
      expect(error.details).toBeUndefined();
    }
    await terminal.charged();
  });

  test("gzip and chunks on a request are refused (settled detail 8)", async () => {
    const zipped = await expectError(
      terminal.charge(terminal.chargeOf(), { seal: { gzip: true } }),
      400,
      "4000",
      "Invalid envelope",
    );
    expect(zipped.details).toEqual({ fields: { content_encoding: "is not accepted on requests" } });
    await expectError(
      terminal.charge(terminal.chargeOf(), { seal: { gzip: true, chunkBytes: 16 } }),
      400,
      "4000",
      "Invalid envelope",
    );
  });
});

describe("the PIN of a charge", () => {
  const withPin = (of: Terminal, block: string) => ({ ...of.chargeOf(), pin_block: { block } });
  const incorrect = { status: "declined", gateway_data: { response_code: "55", response_text: "Incorrect PIN" } };

  test("format 0 under a TDES PIN key", async () => {
    const { tpk } = terminal.installed;
    const right = encryptPinBlock(tpk, { format: 0, pin: "1234", pan: PAN });
    expect(right.length).toBe(16);
    expect(terminal.open(await expectOk(terminal.charge(withPin(terminal, right))))["status"]).toBe("approved");
    const wrong = encryptPinBlock(tpk, { format: 0, pin: DECLINED_PIN, pan: PAN });
    expect(terminal.open(await expectOk(terminal.charge(withPin(terminal, wrong))))).toMatchObject(incorrect);
  });

  test("format 4 under an AES PIN key", async () => {
    const aes = await createWorld({ tpk: "AES" }).terminal.activated();
    const { tpk } = aes.installed;
    const right = encryptPinBlock(tpk, { format: 4, pin: "123456", pan: PAN });
    expect(right.length).toBe(32);
    expect(aes.open(await expectOk(aes.charge(withPin(aes, right))))["status"]).toBe("approved");
    const wrong = encryptPinBlock(tpk, { format: 4, pin: DECLINED_PIN, pan: PAN });
    expect(aes.open(await expectOk(aes.charge(withPin(aes, wrong))))).toMatchObject(incorrect);
    const error = await expectError(aes.charge(withPin(aes, "00".repeat(8))), 400, "4000");
    expect(error.details).toEqual({ fields: { "pin_block.block": "must be 32 hex digits under this TPK" } });
  });

  test("a block that is no PIN is declined like a wrong one", async () => {
    const otherCard = encryptPinBlock(terminal.installed.tpk, { format: 3, pin: "1234", pan: PAN });
    for (const block of ["0412345678ABCDEF", "00".repeat(8), otherCard]) {
      expect(terminal.open(await expectOk(terminal.charge(withPin(terminal, block))))).toMatchObject(incorrect);
    }
  });
});

describe("auxiliary data under the TDK", () => {
  const withData = (auxiliary_data: unknown) => ({ ...terminal.chargeOf(), auxiliary_data }) as unknown as JsonValue;

  test("is opened", async () => {
    const sealed = sealEnvelope(terminal.installed.tdk, { loyalty_id: "L-20481" }, { includeKcv: true });
    await expectOk(terminal.charge(withData(sealed)));
  });

  test("under another key, damaged, or malformed is 400", async () => {
    const underMsk = sealEnvelope(terminal.installed.msk, { loyalty_id: "L-20481" });
    const error = await expectError(terminal.charge(withData(underMsk)), 400, "4000", "Envelope cannot be opened");
    expect(error.details).toBeUndefined();
    const named = sealEnvelope(terminal.installed.msk, { a: 1 }, { includeKcv: true });
    await expectError(terminal.charge(withData(named)), 400, "4000", "Invalid envelope");
    const { initialization_vector: _, ...rest } = underMsk as unknown as Record<string, unknown>;
    const malformed = await expectError(terminal.charge(withData(rest)), 400, "4000", "Invalid envelope");
    expect(malformed.details).toEqual({ fields: { "auxiliary_data.initialization_vector": "is malformed" } });
    const zipped = sealEnvelope(terminal.installed.tdk, { a: 1 }, { gzip: true });
    await expectError(terminal.charge(withData(zipped)), 400, "4000", "Invalid envelope");
  });
});

describe("refund, cancel, reverse (settled detail 11)", () => {
  test("a full refund, as in the primary document", async () => {
    const chargeId = await terminal.charged();
    const answer = terminal.open(await expectOk(terminal.refund(chargeId, { ...eur("1500"), reason: "customer_request" })));
    expect(answer).toEqual({
      refund_id: expect.stringMatching(/^rf_[A-Za-z0-9]{16}$/),
      status: "approved",
      amount: { value: "1500", currency: "EUR" },
    });
  });

  test.each(["Ware zurückgegeben", "x".repeat(255), "返品 😀", " "])("any reason that the client sends: %s", async (reason) => {
    const request = { amount: { value: "1", currency: "EUR" }, reason };
    expect(prepareRefund(request).plaintext).toEqual(request);
    await expectOk(terminal.refund(await terminal.charged(), request));
  });

  test.each(["", "x".repeat(256), "two\nlines", "\u0085"])(
    "a reason that the client does not send is 400: %j",
    async (reason) => {
      const request = { amount: { value: "1", currency: "EUR" }, reason };
      expect(() => prepareRefund(request)).toThrow(/^"reason"/);
      const error = await expectError(terminal.refund(await terminal.charged(), request), 400, "4000");
      expect(error.details).toEqual({ fields: { reason: "must be 1 to 255 printable characters" } });
    },
  );

  test("partial refunds up to the amount", async () => {
    const chargeId = await terminal.charged();
    const ids = new Set<unknown>();
    for (const value of ["500", "400", "600"])
      ids.add(terminal.open(await expectOk(terminal.refund(chargeId, eur(value))))["refund_id"]);
    expect(ids.size).toBe(3);
    await expectError(terminal.refund(chargeId, eur("1")), 400, "4000", "Amount exceeds what is left of the charge");
  });

  test("refunds at once never exceed the charge", async () => {
    const chargeId = await terminal.charged();
    const answers = await Promise.all([1, 2, 3, 4].map(() => terminal.refund(chargeId, eur("500"))));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 400]);
  });

  test.each([
    ["beyond the rest", { amount: { value: "1501", currency: "EUR" } }],
    ["in another currency", { amount: { value: "1500", currency: "USD" } }],
    ["of nothing", { amount: { value: "0", currency: "EUR" } }],
    ["without an amount", { reason: "customer_request" }],
  ])("a refund %s is 400", async (_name, plaintext) => {
    const chargeId = await terminal.charged();
    await expectError(terminal.refund(chargeId, plaintext), 400, "4000");
    await expectOk(terminal.refund(chargeId, eur("1500")));
  });

  test("cancel and reverse answer the same, also when repeated", async () => {
    const first = await terminal.charged();
    const second = await terminal.charged();
    for (const [chargeId, verbs] of [
      [first, ["cancel", "cancel", "reverse"]],
      [second, ["reverse", "cancel", "reverse"]],
    ] as const) {
      for (const verb of verbs) {
        const answer = terminal.open(await expectOk(terminal.cancel(chargeId, {}, verb)));
        expect(answer).toEqual({ charge_id: chargeId, status: "cancelled" });
      }
    }
  });

  test("a refunded charge cannot be cancelled, a cancelled one not be refunded", async () => {
    const refunded = await terminal.charged();
    await expectOk(terminal.refund(refunded, eur("1")));
    await expectError(terminal.cancel(refunded), 400, "4000", "Charge is refunded");
    const cancelled = await terminal.charged();
    await expectOk(terminal.cancel(cancelled));
    await expectError(terminal.refund(cancelled, eur("1")), 400, "4000", "Charge is cancelled");
  });

  test("an unknown charge, and another terminal's, are 404", async () => {
    const chargeId = await terminal.charged();
    await world.other.activated();
    const missing = "ch_AAAAAAAAAAAAAAAA";
    for (const [of, id] of [
      [terminal, missing],
      [world.other, chargeId],
    ] as const) {
      for (const answer of [of.refund(id, eur("1")), of.cancel(id), of.cancel(id, {}, "reverse")]) {
        const error = await expectError(answer, 404, "4004", "Charge not found");
        expect(error.details).toEqual({ charge_id: id });
      }
    }
    await expectOk(terminal.cancel(chargeId));
  });

  test("a cancel has no body", async () => {
    const chargeId = await terminal.charged();
    await expectError(terminal.signed(`/pos/charge/${chargeId}/cancel`, "{}"), 400, "4000", "This request has no body");
  });
});
