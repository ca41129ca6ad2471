/** Why the mock refused a request: told to its owner in every way, and on the wire only where that was asked for. */
import { describe, expect, test } from "vitest";
import { createNonce, generateKey, type RequestFields, requestSignatureText, signRequest } from "../../ts/index.js";
import type { LogLine, MockServerOptions, Refusal, RequestEvent } from "../../ts/mock/index.js";
import { createWorld, expectError, expectOk, PROVISION, READY, type Terminal, type World } from "./mock-client.js";

interface Watched extends World {
  events: RequestEvent[];
  lines: LogLine[];
  refusal(): Refusal;
}

function watched(options: MockServerOptions = {}): Watched {
  const [events, lines]: [RequestEvent[], LogLine[]] = [[], []];
  const world = createWorld({ onRequest: (event) => events.push(event), logger: (line) => lines.push(line), ...options });
  const refusal = (): Refusal => {
    const last = events.at(-1)?.refusal;
    if (last === undefined) throw new Error("the last request was not refused");
    expect(lines.at(-1)?.["reason"]).toBe(last.reason);
    return last;
  };
  return { ...world, events, lines, refusal };
}

const charge = (terminal: Terminal, options = {}) => terminal.charge(terminal.chargeOf(), options);

describe("a refused signature", () => {
  test("shows the text that was verified, line ends included", async () => {
    const world = watched();
    const terminal = await world.terminal.activated();
    const [body, nonce, timestamp] = ['{"format":"TR31-DATA"}', "000000000000", terminal.timestamp()];
    await expectError(charge(terminal, { body, nonce }), 401, "4001", "Invalid signature");
    const { reason, header, signedText } = world.refusal();
    expect([reason, header]).toEqual([
      `the signature is not that of MAC key ${terminal.device.hmac_key_id} over this text`,
      "X-Signature",
    ]);
    const fields = { method: "POST", path: "/pos/charge", body, terminalId: terminal.device.terminal_id, timestamp, nonce };
    expect(signedText?.replaceAll("␊\n", "\n")).toBe(requestSignatureText(fields));
    expect(signedText?.match(/␊\n/g)).toHaveLength(5);
  });

  test("by another key of the device is told which, and under which name it would be right", async () => {
    const world = watched();
    const terminal = await world.terminal.activated();
    await expectError(charge(terminal, { headers: { "X-Key-Id": "another" } }), 401, "4001");
    expect(world.refusal()).toMatchObject({ header: "X-Key-Id", sent: "another", known: [terminal.device.hmac_key_id] });
    expect(world.refusal().nearMisses?.[0]).toContain(`the MAC key ${terminal.device.hmac_key_id}`);
    await expectError(terminal.attest({ headers: { "X-Key-Id": "hmac-key-1" } }), 401, "4001");
    expect(world.refusal()).toMatchObject({ header: "X-Key-Id", known: [terminal.device.identity_key_id] });
  });

  test("is explained by the mistake that was made, where a known one was", async () => {
    const world = watched();
    const terminal = await world.terminal.activated();
    const body = JSON.stringify(terminal.seal(terminal.chargeOf()));
    const wrong: readonly [string, Partial<RequestFields>, RegExp][] = [
      ["query", { path: "/pos/charge" }, /query: path \/pos\/charge$/],
      ["slash", { path: "/pos/charge/" }, /: path \/pos\/charge\/$/],
      ["prefix", { path: "/charge" }, /: path \/charge$/],
      ["no body", { body: "" }, /body/],
      ["line end", { body: `${body}\n` }, /body/],
      ["spaces", { body: JSON.stringify(JSON.parse(body), null, 2) }, /body/],
    ];
    for (const [name, change, words] of wrong) {
      const target = name === "query" ? "/pos/charge?retry=1" : "/pos/charge";
      const fields = {
        ...{ method: "POST", path: target, body, terminalId: terminal.device.terminal_id },
        ...{ timestamp: terminal.timestamp(), nonce: createNonce() },
      };
      const signature = signRequest(terminal.installed.mac, { ...fields, ...change });
      const headers = { "X-Signature": signature, "X-Nonce": fields.nonce, "X-Timestamp": fields.timestamp };
      await expectError(terminal.signed(target, body, { headers }), 401, "4001");
      expect([name, world.refusal().nearMisses?.length]).toEqual([name, 1]);
      expect(world.refusal().nearMisses?.[0]).toMatch(words);
      world.clock.now += 1000;
    }
    const stranger = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
    const other = { ...terminal.installed, mac: stranger } as typeof terminal.installed;
    await expectError(charge(terminal, { keySet: other }), 401, "4001");
    expect(world.refusal().nearMisses).toBeUndefined();
  });

  test("is explained ten times a second at most", async () => {
    const world = watched();
    const terminal = await world.terminal.activated();
    for (let i = 0; i < 12; i++) await expectError(charge(terminal, { body: "{}" }), 401, "4001");
    const explained = world.events.filter(({ refusal }) => refusal?.nearMisses !== undefined).length;
    expect(explained).toBeLessThanOrEqual(10);
  });

  test("of an unknown terminal", async () => {
    const world = watched();
    const terminal = await world.terminal.activated();
    await expectError(charge(terminal, { headers: { "X-Terminal-Id": "TID-999999" } }), 401, "4001");
    expect(world.refusal()).toEqual({
      reason: "no provisioned device has this terminal id",
      header: "X-Terminal-Id",
      sent: "TID-999999",
    });
  });
});

test("a clock that is wrong is told by how much", async () => {
  const world = watched();
  const terminal = await world.terminal.activated();
  for (const [skew, words, difference] of [
    [-301_000, "301 s behind", -301],
    [61_000, "61 s ahead of", 61],
  ] as const) {
    await expectError(charge(terminal, { skew }), 401, "4001");
    expect(world.refusal()).toMatchObject({ header: "X-Timestamp", clockDifferenceSeconds: difference });
    expect(world.refusal().reason).toContain(words);
  }
});

test("a nonce that was seen, a token that is not the latest, a header that is missing", async () => {
  const world = watched();
  const terminal = await world.terminal.activated();
  await expectOk(charge(terminal, { nonce: "AAAABBBBCCCC" }));
  await expectError(charge(terminal, { nonce: "AAAABBBBCCCC" }), 401, "4001");
  expect(world.refusal()).toMatchObject({ header: "X-Nonce", sent: "AAAABBBBCCCC" });
  const older = terminal.token;
  await terminal.attested();
  await expectError(terminal.config({ Authorization: `Attestation ${older}` }), 401, "4001");
  expect(world.refusal().reason).toContain("not the device's latest");
  world.clock.now += 300_001;
  await expectError(terminal.config(), 401, "4001");
  expect(world.refusal().reason).toContain("expired at");
  await expectError(terminal.bootstrap({ "X-Client-Type": undefined }), 400, "4000");
  expect(world.refusal()).toEqual({ reason: "Missing header X-Client-Type", header: "X-Client-Type" });
  await expectError(terminal.charge({ ...terminal.chargeOf(), stan: "1" }), 400, "4000");
  expect(world.refusal().reason).toBe("Invalid request body: stan must be 6 digits");
});

test("unknown members of a payload are noted, with the name that was probably meant", async () => {
  const world = watched();
  const terminal = await world.terminal.activated();
  const card = { ...(terminal.chargeOf()["card"] as object), expiryYear: 2027 };
  await expectOk(terminal.charge({ ...terminal.chargeOf(), pinBlock: { block: "00" }, card } as never));
  expect(world.events.at(-1)?.notes).toEqual([
    "pinBlock is no member of this request and was ignored: did you mean pin_block?",
    "card.expiryYear is no member of this request and was ignored: did you mean card.expiry_year?",
  ]);
  await expectOk(terminal.charge(terminal.chargeOf()));
  expect(world.events.at(-1)?.notes).toBeUndefined();
});

test("answers on the wire stay as documented unless the owner asks for reasons", async () => {
  for (const explain of [false, true]) {
    const world = watched({ explain });
    const terminal = await world.terminal.activated();
    const { body } = await charge(terminal, { body: "{}" });
    const error = body["error"] as { explanation?: Refusal };
    expect(error.explanation).toEqual(explain ? world.refusal() : undefined);
  }
});

test("no reason holds a secret", async () => {
  const world = watched();
  const terminal = await world.terminal.activated();
  const keySet = terminal.installed;
  await charge(terminal, { body: "{}" });
  await terminal.activate(READY, { body: "{}" });
  await terminal.claim({ pairing_code: "AAAAAA" }, { Authorization: "Bearer secret-token" });
  await terminal.config({ Authorization: "Attestation att_other" });
  await terminal.charge({ ...terminal.chargeOf(), card: { number: "4111111111111111" } } as never);
  await charge(terminal, { headers: { "X-Terminal-Id": "4111111111111111" } });
  await terminal.signed("/pos/charge?card=4111111111111111", "{}", { headers: { "X-Signature": `v1=${"A".repeat(43)}=` } });
  expect(world.refusal().signedText).toContain("card=411111******1111");
  const all = JSON.stringify(world.events.map(({ refusal }) => refusal)) + JSON.stringify(world.lines);
  const { zmk, identity_secret } = terminal.device;
  for (const secret of [zmk, identity_secret, "4111111111111111", terminal.token, "secret-token", "att_other"]) {
    expect(all).not.toContain(secret);
  }
  expect(all).not.toContain(JSON.stringify((PROVISION.jwt as { hs256_secret: string }).hs256_secret));
  expect(keySet.mac.destroyed).toBe(false);
});
