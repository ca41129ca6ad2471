/** Scripted faults: what each kind does to a request and to the host's state, chances and counts, and the control endpoint. */
import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { openEnvelope } from "../../ts/core/envelope/envelope.js";
import { installKeySet, type KeysResponse } from "../../ts/core/key-set/install.js";
import { importKey } from "../../ts/core/keys/key.js";
import {
  createMockServer,
  FAULT_STEPS,
  type FaultKind,
  faultText,
  type Listening,
  type MockServer,
  readFault,
  type RequestEvent,
  STEPS,
} from "../../ts/mock/index.js";
import { createNonce } from "../../ts/core/signing.js";
import { type Answer, createWorld, expectError, expectOk, PROVISION, type Terminal, type World } from "./mock-client.js";

const eur = (value: string) => ({ amount: { value, currency: "EUR" } });

/** A world with an activated terminal, and faults from then on. */
async function activatedWorld(faults: readonly string[], seed = 1): Promise<World & { events: RequestEvent[] }> {
  const events: RequestEvent[] = [];
  const world = createWorld({ onRequest: (event) => events.push(event) });
  await world.terminal.activated();
  world.server.faults.set(faults, seed);
  events.length = 0;
  return { ...world, events };
}

function cutConnection(pending: Promise<unknown>): Promise<void> {
  return expect(pending).rejects.toThrow(new TypeError("fetch failed: the connection was cut"));
}

function chargeIdOf(event: RequestEvent | undefined): unknown {
  return (event?.response as { charge_id?: string } | undefined)?.charge_id;
}

/** The charge's id when the request is repeated without faults: of the charge that was made, or of a first one. */
async function idOfRepeated(world: World, key: string): Promise<string> {
  world.server.faults.clear();
  const answer = await expectOk(world.terminal.charge(world.terminal.chargeOf(), { idempotencyKey: key }));
  return world.terminal.open(answer)["charge_id"] as string;
}

describe("the connection is cut", () => {
  test("before the effect: the host never heard of the charge", async () => {
    const world = await activatedWorld(["drop-before@charge:count=1"]);
    await cutConnection(world.terminal.charge(world.terminal.chargeOf(), { idempotencyKey: "one" }));
    expect(world.events).toMatchObject([{ endpoint: "charge", status: 0, faults: ["drop-before"] }]);
    expect(world.events[0]?.response).toBeUndefined();
    await idOfRepeated(world, "one");
  });

  test("after the effect: the charge is made, and found by its key", async () => {
    const world = await activatedWorld(["drop-after@charge:count=1"]);
    await cutConnection(world.terminal.charge(world.terminal.chargeOf(), { idempotencyKey: "one" }));
    expect(world.events).toMatchObject([
      { endpoint: "charge", status: 0, faults: ["drop-after"], response: { status: "approved" } },
    ]);
    const made = chargeIdOf(world.events[0]);
    expect(await idOfRepeated(world, "one")).toBe(made);
  });
});

test("delay: the request waits, then has its effect", async () => {
  const world = await activatedWorld(["delay@charge:ms=60"]);
  const before = performance.now();
  await expectOk(world.terminal.charge(world.terminal.chargeOf()));
  expect(performance.now() - before).toBeGreaterThan(55);
  await expectOk(world.terminal.bootstrap());
});

test("duplicate: the second delivery is a replay, the first one's answer counts", async () => {
  const world = await activatedWorld(["duplicate"]);
  const answer = world.terminal.open(await expectOk(world.terminal.charge(world.terminal.chargeOf())));
  expect(world.events).toMatchObject([{ status: 200, faults: ["duplicate"], response: answer }]);
  const refund = await expectOk(world.terminal.refund(answer["charge_id"] as string, eur("1500")));
  expect(world.terminal.open(refund)["status"]).toBe("approved");
  // A pairing code asked for twice is two codes, and only the second one is alive.
  world.server.faults.set(["duplicate@pairing-code"], 1);
  const { body } = await expectOk(world.other.pairingCode());
  await expectError(world.other.claim({ pairing_code: body["pairing_code"] }), 400, "4000");
});

describe("500", () => {
  test("before the effect", async () => {
    const world = await activatedWorld(["500@charge:count=1"]);
    await expectError(world.terminal.charge(world.terminal.chargeOf()), 500, "5000", "Internal server error");
    expect(world.events[0]?.response).toBeUndefined();
  });

  test("after the effect", async () => {
    const world = await activatedWorld(["500-after@charge:count=1"]);
    const sent = world.terminal.charge(world.terminal.chargeOf(), { idempotencyKey: "one" });
    await expectError(sent, 500, "5000", "Internal server error");
    const made = chargeIdOf(world.events[0]);
    expect(await idOfRepeated(world, "one")).toBe(made);
  });
});

describe("401", () => {
  test("half-way through activation the token is revoked; attesting again helps", async () => {
    const world = createWorld({ faults: ["401@config:count=1"] });
    const terminal = await world.terminal.keyed();
    await expectError(terminal.config(), 401, "4001", "Invalid or expired attestation token");
    await expectError(terminal.config(), 401, "4001", "Invalid or expired attestation token");
    await terminal.attested();
    await expectOk(terminal.config());
  });

  test("a signed request and a claim are refused once, without an effect", async () => {
    const world = await activatedWorld(["401@charge+claim+attest:count=3"]);
    await expectError(world.terminal.charge(world.terminal.chargeOf()), 401, "4001", "Invalid signature");
    await expectError(world.terminal.attest(), 401, "4001", "Invalid signature");
    await expectError(world.other.claim({ pairing_code: "222222" }), 401, "4001");
    await expectOk(world.terminal.charge(world.terminal.chargeOf()));
  });
});

test("stale-nonce: refused as a replay; another nonce is fresh", async () => {
  const world = await activatedWorld(["stale-nonce@attest:count=1", "stale-nonce@charge:count=1"]);
  const [first, second] = [createNonce(), createNonce()];
  await expectError(world.terminal.attest({ nonce: first }), 401, "4001", "X-Nonce was used before");
  await expectOk(world.terminal.attest());
  await expectError(world.terminal.charge(world.terminal.chargeOf(), { nonce: second }), 401, "4001", "X-Nonce was used before");
  await expectError(world.terminal.charge(world.terminal.chargeOf(), { nonce: second }), 401, "4001", "X-Nonce was used before");
  await expectOk(world.terminal.charge(world.terminal.chargeOf()));
});

test("clock-skew: bootstrap and the judgement of timestamps agree about another time", async () => {
  const world = await activatedWorld(["clock-skew:ms=7200000"]);
  const { body } = await expectOk(world.terminal.bootstrap());
  const offset = Date.parse(body["server_time"] as string) - world.clock.now;
  expect(offset).toBe(7_200_000);
  const outside = "X-Timestamp is outside the accepted window";
  await expectError(world.terminal.charge(world.terminal.chargeOf()), 401, "4001", outside);
  await expectError(world.terminal.attest(), 401, "4001", outside);
  await expectOk(world.terminal.charge(world.terminal.chargeOf(), { skew: offset }));
  await expectOk(world.terminal.attest({ skew: offset }));
  world.server.faults.set(["clock-skew@charge:ms=-600000"], 1);
  await expectError(world.terminal.charge(world.terminal.chargeOf()), 401, "4001", outside);
});

describe("keys", () => {
  const zmk = () => importKey(PROVISION.devices[0]?.zmk ?? "", { algorithm: "AES", usage: "K0" });
  const install = (answer: Answer) => installKeySet(zmk(), answer.body as unknown as KeysResponse);

  test.each(["tmk", "kek", "msk", "tpk", "tdk", "mac"])("wrong-kcv of the %s", async (key) => {
    const world = createWorld({ faults: [`wrong-kcv@keys:key=${key},count=1`] });
    await (await world.terminal.claimed()).attested();
    const answer = await expectOk(world.terminal.fetchKeys());
    expect(() => install(answer)).toThrow(expect.objectContaining({ code: "ERR_KCV_MISMATCH" }));
    install(await expectOk(world.terminal.fetchKeys())).destroy();
  });

  test.each(["tmk", "kek", "msk", "tpk", "tdk", "mac"])("damaged-key-block of the %s", async (key) => {
    const world = createWorld({ faults: [`damaged-key-block:key=${key},count=1`] });
    await (await world.terminal.claimed()).attested();
    const answer = await expectOk(world.terminal.fetchKeys());
    expect(() => install(answer)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_KEY_/) }));
    install(await expectOk(world.terminal.fetchKeys())).destroy();
  });

  test("without a key one is drawn", async () => {
    const world = createWorld({ faults: ["wrong-kcv"], seed: 3 });
    await (await world.terminal.claimed()).attested();
    const answers = await Promise.all([1, 2, 3, 4].map(() => expectOk(world.terminal.fetchKeys())));
    for (const answer of answers) expect(() => install(answer)).toThrow(expect.objectContaining({ code: "ERR_KCV_MISMATCH" }));
  });
});

describe("sealed answers", () => {
  const SEALED: Record<string, (terminal: Terminal) => Promise<Answer>> = {
    config: (terminal) => terminal.config(),
    "terminal-parameters": (terminal) => terminal.terminalParameters(),
    activate: (terminal) => terminal.activate({ emv_ready: true, keys_installed: true, network_ok: true }),
    charge: (terminal) => terminal.charge(terminal.chargeOf()),
    refund: async (terminal) => terminal.refund(await terminal.charged("1600"), eur("1500")),
    cancel: async (terminal) => terminal.cancel(await terminal.charged("1600")),
    reverse: async (terminal) => terminal.cancel(await terminal.charged("1600"), {}, "reverse"),
  };
  const send = (step: string, terminal: Terminal) => (SEALED[step] as (terminal: Terminal) => Promise<Answer>)(terminal);

  test.each(Object.keys(SEALED))("%s: damaged-envelope and wrong-key-kcv", async (step) => {
    const { server, terminal } = await activatedWorld([`damaged-envelope@${step}`]);
    for (let i = 0; i < 3; i++) {
      const damaged = await expectOk(send(step, terminal));
      expect(() => terminal.open(damaged)).toThrow(expect.objectContaining({ code: "ERR_ENVELOPE_OPEN" }));
    }
    server.faults.set([`wrong-key-kcv@${step}`], 2);
    const foreign = await expectOk(send(step, terminal));
    expect(() => terminal.open(foreign)).toThrow(expect.objectContaining({ code: "ERR_ENVELOPE_KEY" }));
    server.faults.clear();
    terminal.open(await expectOk(send(step, terminal)));
  });

  test("truncated-chunk", async () => {
    const { terminal } = await activatedWorld(["truncated-chunk:count=5"]);
    for (let i = 0; i < 5; i++) {
      const answer = await expectOk(terminal.terminalParameters());
      expect(() => terminal.open(answer)).toThrow(expect.objectContaining({ code: "ERR_ENVELOPE_OPEN" }));
    }
    terminal.open(await expectOk(terminal.terminalParameters()));
  });

  test("gzip-bomb: small as sent, refused by the limit, JSON of 64 MiB without it", async () => {
    const { terminal } = await activatedWorld(["gzip-bomb"]);
    const answer = await expectOk(terminal.terminalParameters());
    expect(answer.text.length).toBeLessThan(500_000);
    expect(() => terminal.open(answer)).toThrow(expect.objectContaining({ code: "ERR_ENVELOPE_OPEN" }));
    expect(openEnvelope(terminal.installed.msk, answer.body, { maxBytes: 64 * 1024 * 1024 })).toEqual({});
  });

  test("changed-amount: an approval of something else, in the answer only", async () => {
    const { server, terminal } = await activatedWorld(["changed-amount:count=2"]);
    const approval = terminal.open(await expectOk(terminal.charge(terminal.chargeOf("1500"), { idempotencyKey: "k" })));
    expect(approval).toMatchObject({ status: "approved", amount: { value: "1501", currency: "EUR" } });
    const chargeId = approval["charge_id"] as string;
    const refund = terminal.open(await expectOk(terminal.refund(chargeId, eur("700"))));
    expect(refund).toMatchObject({ status: "approved", amount: { value: "701", currency: "EUR" } });
    server.faults.clear();
    const again = terminal.open(await expectOk(terminal.charge(terminal.chargeOf("1500"), { idempotencyKey: "k" })));
    expect(again).toMatchObject({ charge_id: chargeId, amount: { value: "1500", currency: "EUR" } });
    await expectOk(terminal.refund(chargeId, eur("800")));
    await expectError(terminal.refund(chargeId, eur("1")), 400, "4000");
  });

  test("a refusal is not spoiled", async () => {
    const { terminal } = await activatedWorld(["changed-amount", "damaged-envelope", "wrong-key-kcv"]);
    await expectError(terminal.refund("ch_none", eur("1")), 404, "4004");
  });
});

describe("chances, counts, and order", () => {
  const outcome = async (world: World): Promise<string> => {
    try {
      return String((await world.terminal.bootstrap()).status);
    } catch {
      return "cut";
    }
  };
  const outcomes = async (faults: readonly string[], seed: number, length = 200): Promise<string[]> => {
    const world = createWorld({ faults, seed });
    const seen: string[] = [];
    for (let i = 0; i < length; i++) seen.push(await outcome(world));
    return seen;
  };

  test("the seed repeats a run, another seed is another run", async () => {
    const first = await outcomes(["drop-after@bootstrap:p=0.3", "500@bootstrap:p=0.2"], 7);
    expect(await outcomes(["drop-after@bootstrap:p=0.3", "500@bootstrap:p=0.2"], 7)).toEqual(first);
    expect(await outcomes(["drop-after@bootstrap:p=0.3", "500@bootstrap:p=0.2"], 8)).not.toEqual(first);
    const cut = first.filter((result) => result === "cut").length;
    expect(cut).toBeGreaterThan(35);
    expect(cut).toBeLessThan(85);
    const failed = first.filter((result) => result === "500").length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(55);
  });

  test("skip, count, and only the steps named", async () => {
    expect(await outcomes(["500@bootstrap:skip=2,count=2"], 1, 6)).toEqual(["200", "200", "500", "500", "200", "200"]);
    const world = createWorld({ faults: ["500@status+pairing-code"] });
    await expectOk(world.terminal.bootstrap());
    await expectError(world.terminal.status(), 500, "5000");
    await expectError(world.terminal.send("POST", "/nowhere", {}), 404, "4004");
  });

  test("several faults meet one request, the first outermost", async () => {
    const { terminal, events } = await activatedWorld(["drop-after@charge", "delay@charge:ms=1", "500-after@charge"]);
    await cutConnection(terminal.charge(terminal.chargeOf()));
    expect(events).toMatchObject([{ status: 0, faults: ["drop-after", "delay", "500-after"], response: { status: "approved" } }]);
  });

  test("the report counts, and tells a seed that was drawn", async () => {
    const { server, terminal } = createWorld({ faults: ["500@bootstrap:count=2", { kind: "drop-before", steps: ["claim"] }] });
    await expectError(terminal.bootstrap(), 500, "5000");
    const report = server.faults.report();
    expect(report.faults).toEqual([
      { kind: "500", steps: ["bootstrap"], count: 2, text: "500@bootstrap:count=2", happened: 1 },
      { kind: "drop-before", steps: ["claim"], text: "drop-before@claim", happened: 0 },
    ]);
    expect(Number.isInteger(report.seed)).toBe(true);
    expect(createWorld({ seed: 5 }).server.faults.report()).toEqual({ seed: 5, faults: [] });
  });
});

describe("the text of a fault", () => {
  test.each([
    ["drop-after@charge", { kind: "drop-after", steps: ["charge"] }],
    ["500", { kind: "500" }],
    ["delay@charge+refund:ms=3000,p=0.25", { kind: "delay", steps: ["charge", "refund"], ms: 3000, probability: 0.25 }],
    ["wrong-kcv@keys:key=msk,count=1,skip=2", { kind: "wrong-kcv", steps: ["keys"], key: "msk", count: 1, skip: 2 }],
    ["clock-skew:ms=-5000", { kind: "clock-skew", ms: -5000 }],
  ])("%s", (text, rule) => {
    expect(readFault(text)).toEqual(rule);
    expect(readFault(rule)).toEqual(rule);
    expect(readFault(faultText(readFault(text)))).toEqual(rule);
  });

  test("every kind can be written for every one of its steps", () => {
    for (const [kind, steps] of Object.entries(FAULT_STEPS)) {
      for (const step of steps) expect(readFault(`${kind}@${step}`)).toEqual({ kind, steps: [step] });
      for (const step of STEPS.filter((other) => !(steps as readonly string[]).includes(other))) {
        expect(() => readFault(`${kind}@${step}`)).toThrow(`"fault.steps" must be of ${steps.join(", ")} for ${kind}`);
      }
    }
  });

  test.each([
    "",
    "fire",
    "constructor",
    "drop-after@",
    "drop-after@nowhere",
    "drop-after@charge:",
    "drop-after@charge:p",
    "drop-after@charge:p=0",
    "drop-after@charge:p=1.5",
    "drop-after@charge:p=x",
    "drop-after@charge:count=0",
    "drop-after@charge:count=1.5",
    "drop-after@charge:count=1,count=2",
    "drop-after@charge:when=now",
    "drop-after@charge:__proto__=1",
    "drop-after@charge:ms=5",
    "drop-after@charge:key=msk",
    "wrong-kcv@charge",
    "wrong-kcv@keys:key=zmk",
    "delay@charge:ms=-1",
    "delay@charge:ms=600001",
  ])("%s is refused", (text) => {
    expect(() => readFault(text)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    expect(() => createMockServer({ faults: ["500", text] })).toThrow(/^"faults\[1\]/);
  });

  test.each([
    [undefined],
    [null],
    [5],
    [[]],
    [{}],
    [{ kind: "500", when: 1 }],
    [{ kind: "500", steps: [] }],
    [{ kind: "500", steps: "charge" }],
  ])("%j is no fault", (value) => {
    expect(() => readFault(value)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });

  test("a seed out of range is refused, and the faults stay", () => {
    const { server } = createWorld({ faults: ["500"], seed: 1 });
    for (const seed of [-1, 1.5, 2 ** 32, Number.NaN]) expect(() => server.faults.set([], seed)).toThrow(/^"seed" must be/);
    expect(server.faults.report().faults.length).toBe(1);
  });
});

describe("on a port", () => {
  let server: MockServer | undefined;
  let listening: Listening;

  afterEach(async () => {
    await listening.close();
    await server?.close();
  });

  async function start(options: Parameters<typeof createMockServer>[0] = {}): Promise<void> {
    server = createMockServer({ provision: PROVISION, cors: "*", ...options });
    listening = await server.listen(0);
  }

  interface Got {
    status: number;
    headers: Record<string, unknown>;
    body: { faults?: unknown[]; seed?: number; error?: { code: string; message: string } };
  }

  function ask(method: string, headers: Record<string, string> = {}, body?: unknown, path = "/mock/faults"): Promise<Got> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const request = httpRequest(
        `${listening.url}${path}`,
        { method, headers: { ...(text === undefined ? {} : { "Content-Type": "application/json" }), ...headers } },
        (response) => {
          let received = "";
          response.on("data", (chunk) => {
            received += chunk;
          });
          response.on("end", () => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(received) });
          });
        },
      );
      request.on("error", reject);
      request.end(text);
    });
  }

  const BOOTSTRAP = {
    "X-Device-Id": "POS-8F3A2C91",
    "User-Agent": "Viopay-POS/1.4.2 (Android 12; PAX-A920)",
    "X-Client-Type": "pos",
  };

  test.each<FaultKind>(["drop-before", "drop-after"])("%s cuts the connection", async (kind) => {
    await start({ faults: [`${kind}@bootstrap:count=1`] });
    await expect(ask("POST", BOOTSTRAP, undefined, "/pos/bootstrap")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await ask("POST", BOOTSTRAP, undefined, "/pos/bootstrap")).status).toBe(200);
  });

  test("faults are read, set and cleared", async () => {
    await start();
    expect(await ask("GET")).toMatchObject({ status: 200, body: { faults: [] }, headers: { "cache-control": "no-store" } });
    const set = await ask("PUT", {}, { faults: ["500@bootstrap", { kind: "delay", ms: 5 }], seed: 9 });
    expect(set).toMatchObject({ status: 200, body: { seed: 9, faults: [{ text: "500@bootstrap" }, { text: "delay:ms=5" }] } });
    expect((await ask("POST", BOOTSTRAP, undefined, "/pos/bootstrap")).status).toBe(500);
    expect((await ask("GET")).body.faults).toMatchObject([{ happened: 1 }, { happened: 1 }]);
    expect((await ask("DELETE")).body).toEqual({ seed: 9, faults: [] });
    expect((await ask("POST", BOOTSTRAP, undefined, "/pos/bootstrap")).status).toBe(200);
  });

  test("what cannot be set changes nothing", async () => {
    await start({ faults: ["500@claim"] });
    for (const body of [
      {},
      { faults: "500" },
      { faults: ["fire"] },
      { faults: [], seed: -1 },
      { faults: [{ __proto__: { kind: "500" } }] },
    ]) {
      expect(await ask("PUT", {}, body)).toMatchObject({ status: 400, body: { error: { code: "4000" } } });
    }
    expect((await ask("PUT", { "Content-Type": "text/plain" }, { faults: [] })).status).toBe(415);
    expect((await ask("POST", {}, { faults: [] })).headers).toMatchObject({ allow: "GET, PUT, DELETE" });
    expect((await ask("GET")).body.faults).toMatchObject([{ text: "500@claim" }]);
  });

  test("other names of this address, other sites and other origins are refused, whatever CORS allows", async () => {
    await start({ faults: ["500@claim"] });
    const port = listening.port;
    const refused: Record<string, string>[] = [
      { Host: "evil.test" },
      { Host: `evil.test:${port}` },
      { Host: "localhost.evil.test" },
      { Host: "127.0.0.1.evil.test" },
      { Origin: "https://evil.test" },
      { Origin: "null" },
      { Origin: `http://localhost:${port}` },
      { Origin: `http://127.0.0.1:${port + 1}` },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
    ];
    for (const headers of refused) {
      for (const method of ["GET", "DELETE"]) {
        const got = await ask(method, headers);
        expect([headers, got.status, got.body.error?.code]).toEqual([headers, 403, "4000"]);
        expect(got.headers["access-control-allow-origin"]).toBeUndefined();
      }
    }
    const allowed = [{ Host: `localhost:${port}` }, { Host: `[::1]:${port}` }, { Origin: `http://127.0.0.1:${port}` }];
    for (const headers of allowed) expect((await ask("GET", headers as Record<string, string>)).status).toBe(200);
    expect((await ask("GET", { "Sec-Fetch-Site": "same-origin" })).body.faults).toMatchObject([{ text: "500@claim" }]);
  });

  test("not without a connection: embedded mocks are told directly", async () => {
    await start();
    const response = await server?.fetch(new Request("http://localhost/mock/faults", { headers: { Host: "localhost" } }));
    expect(response?.status).toBe(403);
  });
});
