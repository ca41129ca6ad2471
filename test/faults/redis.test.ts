/** The mock on Redis: the store's operations, what is in Redis, and processes that behave as one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createMockServer, type MockServer, openRedisStore, type RedisStore, toProvisionJson } from "../../ts/mock/index.js";
import { encryptPinBlock } from "../../ts/core/pin-block/pin-block.js";
import { createNonce } from "../../ts/core/signing.js";
import { type Answer, expectError, expectOk, PROVISION, Terminal } from "../protocol/mock-client.js";
import { command } from "../protocol/cli-io.js";
import { type MockProcess, startMock } from "./mock-process.js";
import { freePort, hasRedis, type RedisServer, startRedis } from "./redis-server.js";

const PAN = "4111111111111111";
const eur = (value: string) => ({ amount: { value, currency: "EUR" } });

describe.skipIf(!hasRedis())("with a redis-server", () => {
  let redis: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });
  beforeEach(async () => {
    await client.flushall();
  });

  describe("the store", () => {
    let store: RedisStore;

    beforeEach(async () => {
      store = await openRedisStore(redis.url);
    });
    afterEach(() => store.close());

    test("set, set-if-absent, compare-and-set, delete", async () => {
      expect(await store.get("a")).toBeUndefined();
      expect(await store.setIfAbsent("a", "1")).toBe(true);
      expect(await store.setIfAbsent("a", "2")).toBe(false);
      expect(await store.compareAndSet("a", "2", "3")).toBe(false);
      expect(await store.compareAndSet("a", undefined, "3")).toBe(false);
      expect(await store.compareAndSet("a", "1", "3")).toBe(true);
      expect(await store.get("a")).toBe("3");
      expect(await store.compareAndSet("a", "3", undefined)).toBe(true);
      expect(await store.get("a")).toBeUndefined();
      expect(await store.compareAndSet("a", undefined, undefined)).toBe(true);
      expect(await store.compareAndSet("a", undefined, "")).toBe(true);
      expect(await store.compareAndSet("a", undefined, "4")).toBe(false);
      expect(await store.compareAndSet("a", "", "4")).toBe(true);
      await store.set("b", "é €");
      expect(await store.get("b")).toBe("é €");
      await store.delete("b");
      expect(await store.get("b")).toBeUndefined();
    });

    test("expiry: as given, and none after a write without one", async () => {
      await store.set("set", "1", 60_000);
      await store.setIfAbsent("absent", "1", 60_000);
      await store.compareAndSet("compared", undefined, "1", 60_000.5);
      for (const key of ["set", "absent", "compared"]) {
        const left = await client.pttl(`viopay-pos:${key}`);
        expect(left).toBeGreaterThan(50_000);
        expect(left).toBeLessThanOrEqual(60_001);
      }
      await store.compareAndSet("compared", "1", "2");
      await store.set("set", "2");
      expect(await client.pttl("viopay-pos:compared")).toBe(-1);
      expect(await client.pttl("viopay-pos:set")).toBe(-1);
      await store.set("soon", "1", 0);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await store.get("soon")).toBeUndefined();
    });

    test("a prefix of one's own", async () => {
      const other = await openRedisStore(redis.url, { prefix: "other:" });
      await other.set("a", "1");
      expect(await store.get("a")).toBeUndefined();
      expect(await client.get("other:a")).toBe("1");
      await other.close();
    });

    test("of a hundred at once that set, or compare, one wins", async () => {
      const stores = await Promise.all([1, 2, 3, 4].map(() => openRedisStore(redis.url)));
      const race = async (attempt: (store: RedisStore, index: number) => Promise<boolean>): Promise<number> => {
        const won = await Promise.all(Array.from({ length: 100 }, (_, i) => attempt(stores[i % 4] as RedisStore, i)));
        return won.filter(Boolean).length;
      };
      expect(await race((one, i) => one.setIfAbsent("a", String(i)))).toBe(1);
      const present = await store.get("a");
      expect(await race((one, i) => one.compareAndSet("a", present, `next ${i}`))).toBe(1);
      await Promise.all(stores.map((one) => one.close()));
    });

    test("a server that is not there, a password that is wrong, a URL that is none", async () => {
      const secret = "a-secret-password";
      const port = await freePort();
      const url = new URL(redis.url);
      for (const target of [`redis://:${secret}@127.0.0.1:${port}`, `redis://user:${secret}@${url.host}`]) {
        const failure = await openRedisStore(target).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "ERR_NETWORK" });
        expect(String(failure)).not.toContain(secret);
      }
      for (const none of ["", "http://127.0.0.1", "redis:///1", `redis:${secret}`]) {
        await expect(openRedisStore(none)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
      }
    });
  });

  /** A terminal of the mock's own tests, its requests sent over the wire to whichever mock `url` names. */
  function terminalAt(url: () => string, index = 0): Terminal {
    const device = PROVISION.devices[index];
    if (device === undefined) throw new Error("no device");
    const tokens = createMockServer({ provision: PROVISION });
    const server: MockServer = {
      ...tokens,
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const body = request.method === "GET" ? undefined : await request.arrayBuffer();
        const init = { method: request.method, headers: request.headers, ...(body === undefined ? {} : { body }) };
        return fetch(url() + pathname + search, init);
      },
    };
    const clock = {
      get now() {
        return Date.now();
      },
    };
    return new Terminal(server, device, clock);
  }

  describe("two processes", () => {
    let folder: string;
    let args: string[];
    let mocks: [MockProcess, MockProcess];
    let turn = 0;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), "viopay-pos-mock-"));
      const file = join(folder, "provision.json");
      writeFileSync(file, toProvisionJson(PROVISION), { mode: 0o600 });
      args = ["--provision", file, "--redis", redis.url];
      mocks = await Promise.all([startMock(args), startMock(args)]);
    });
    afterEach(async () => {
      await Promise.all(mocks.map((mock) => mock.end("SIGKILL")));
      rmSync(folder, { recursive: true, force: true });
    });

    /** Every request to the other process than the one before. */
    const alternating = () => (mocks[turn++ % 2] as MockProcess).url;

    test("a terminal's life with every request to the other process", async () => {
      const terminal = await terminalAt(alternating).activated();
      expect(terminal.open(await expectOk(terminal.config()))["terminal"]).toBeDefined();
      expect(terminal.open(await expectOk(terminal.terminalParameters()))["card_ranges"]).toBeDefined();
      for (let i = 0; i < 4; i++) {
        const chargeId = await terminal.charged();
        await expectOk(terminal.refund(chargeId, eur("500")));
        await expectError(terminal.refund(chargeId, eur("1001")), 400, "4000");
        const cancelled = await terminal.charged();
        await expectOk(terminal.cancel(cancelled));
        await expectOk(terminal.cancel(cancelled));
      }
      const block = encryptPinBlock(terminal.installed.tpk, { format: 0, pin: "1234", pan: PAN });
      await expectOk(terminal.charge({ ...terminal.chargeOf(), pin_block: { block } }));
      // A new attestation at one process is the end of the older token at the other.
      const older = terminal.token;
      await terminal.attested();
      await expectError(terminal.config({ Authorization: `Attestation ${older}` }), 401, "4001");
      await expectOk(terminal.config());
      // Keys issued at one are used at the other, and the older set is still accepted by both.
      const before = terminal.installed;
      terminal.keys = terminal.install(await expectOk(terminal.fetchKeys()));
      for (const keySet of [before, terminal.keys, before, terminal.keys]) {
        terminal.open(await expectOk(terminal.charge(terminal.chargeOf(), { keySet })), keySet);
      }
    });

    test("a nonce is used up for both", async () => {
      const terminal = await terminalAt(alternating).activated();
      const nonce = createNonce();
      const answers = await Promise.all(Array.from({ length: 10 }, () => terminal.charge(terminal.chargeOf(), { nonce })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(401)]);
    });

    test("equal charges at once, and again, make one; another plaintext is a conflict", async () => {
      const terminal = await terminalAt(alternating).activated();
      for (let round = 0; round < 5; round++) {
        const idempotencyKey = `round-${round}`;
        const answers = await Promise.all(
          Array.from({ length: 16 }, () => expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey }))),
        );
        const again = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey }));
        expect(new Set([...answers, again].map(({ text }) => text)).size).toBe(1);
        await expectError(terminal.charge(terminal.chargeOf("1501"), { idempotencyKey }), 409, "4009");
      }
      expect((await client.keys("viopay-pos:charge:*")).length).toBe(5);
    });

    test("equal refunds at once make one, different ones no more than the charge", async () => {
      const terminal = await terminalAt(alternating).activated();
      const chargeId = await terminal.charged("1000");
      const equal = await Promise.all(
        Array.from({ length: 8 }, () => expectOk(terminal.refund(chargeId, eur("400"), { idempotencyKey: "one" }))),
      );
      expect(new Set(equal.map(({ text }) => text)).size).toBe(1);
      const others = await Promise.all(
        Array.from({ length: 8 }, (_, i) => terminal.refund(chargeId, eur("200"), { idempotencyKey: `more-${i}` })),
      );
      expect(others.map(({ status }) => status).sort()).toEqual([200, 200, 200, 400, 400, 400, 400, 400]);
    });

    test("a pairing code is claimed once", async () => {
      const terminal = terminalAt(alternating);
      const { body } = await expectOk(terminal.pairingCode());
      const claims = await Promise.all(Array.from({ length: 6 }, () => terminal.claim({ pairing_code: body["pairing_code"] })));
      expect(claims.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
    });

    test("three unopenable envelopes in all revoke a token, wherever they went", async () => {
      const terminal = await terminalAt(alternating).keyed();
      const garbage = JSON.stringify({ ...terminal.seal({}), ciphertext: "00".repeat(32) });
      const answers: Answer[] = await Promise.all(Array.from({ length: 8 }, () => terminal.activate({}, { body: garbage })));
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 400).length).toBe(3);
      expect(statuses.filter((status) => status === 401).length).toBe(5);
    });

    test("kill -9 in the middle of charges: with the other process none is lost and none is doubled", async () => {
      let target = 0;
      const terminal = terminalAt(() => (mocks[target % 2] as MockProcess).url);
      await terminal.activated();
      const keys = Array.from({ length: 24 }, (_, i) => `key-${i}`);
      const first = keys.map((idempotencyKey) => terminal.charge(terminal.chargeOf(), { idempotencyKey }).catch(() => undefined));
      await Promise.race(first);
      await mocks[0].end("SIGKILL");
      const told = await Promise.all(first);
      target = 1;
      for (const [index, idempotencyKey] of keys.entries()) {
        const answer = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey }));
        if (told[index]?.status === 200) expect(answer.text).toBe(told[index]?.text);
      }
      expect((await client.keys("viopay-pos:charge:*")).length).toBe(keys.length);
      mocks[0] = await startMock(args);
      target = 0;
      const again = await expectOk(terminal.charge(terminal.chargeOf(), { idempotencyKey: "key-0" }));
      expect(terminal.open(again)["status"]).toBe("approved");
      expect((await client.keys("viopay-pos:charge:*")).length).toBe(keys.length);
    });

    test("SIGTERM lets a request under way end, closes the store, and is exit code 0", async () => {
      const slow = await startMock([...args, "--fault", "delay@charge:ms=400"]);
      const terminal = await terminalAt(() => slow.url).activated();
      const running = terminal.charge(terminal.chargeOf());
      await new Promise((resolve) => setTimeout(resolve, 150));
      const connections = (await client.client("LIST")) as string;
      const end = slow.end("SIGTERM");
      expect(terminal.open(await expectOk(running))["status"]).toBe("approved");
      expect(await end).toBe(0);
      const count = (text: string) => text.trim().split("\n").length;
      expect(count((await client.client("LIST")) as string)).toBe(count(connections) - 1);
    });

    test("neither a key, a card number, a PIN block nor a plaintext is in Redis", async () => {
      const terminal = await terminalAt(alternating).activated();
      const block = encryptPinBlock(terminal.installed.tpk, { format: 0, pin: "1234", pan: PAN });
      await expectOk(terminal.charge({ ...terminal.chargeOf(), pin_block: { block } }, { idempotencyKey: "one" }));
      await expectOk(terminal.refund(await terminal.charged(), eur("500"), { idempotencyKey: "two" }));
      const names = await client.keys("*");
      expect(names.every((name) => name.startsWith("viopay-pos:"))).toBe(true);
      const values = await Promise.all(names.map((name) => client.get(name)));
      const everything = [...names, ...values].join("\n");
      expect(everything.length).toBeGreaterThan(3000);
      const hexOf = (text: string) => Buffer.from(text).toString("hex");
      for (const secret of [
        PAN,
        hexOf(PAN),
        Buffer.from(PAN).toString("base64").slice(0, 20),
        block,
        "expiry_year",
        hexOf("expiry_year"),
        "authorization_code",
        terminal.device.zmk,
        terminal.device.identity_secret,
        PROVISION.jwt.hs256_secret,
      ]) {
        expect(everything.toLowerCase()).not.toContain(secret.toLowerCase());
      }
      // What is remembered for a time only has an expiry.
      for (const name of names.filter((one) => /:(nonce|idempotency|code|keys):/.test(one))) {
        expect([name, (await client.pttl(name)) > 0]).toEqual([name, true]);
      }
    });

    test("the portal of either process shows the devices of both, and its own requests", async () => {
      const terminal = await terminalAt(() => mocks[0].url).keyed();
      for (const [index, mock] of mocks.entries()) {
        const state = (await (await fetch(`${mock.url}/portal/state`)).json()) as {
          devices: { device_id: string; status: string; key_sets: { kcv: { msk: string } }[] }[];
          events: unknown[];
        };
        const shown = state.devices.find(({ device_id }) => device_id === terminal.device.device_id);
        expect([shown?.status, shown?.key_sets[0]?.kcv.msk]).toEqual(["claimed", terminal.installed.checkValues.msk.kcv]);
        expect(state.events.length > 0).toBe(index === 0);
      }
    });
  });

  test("a Redis that goes away makes 500s, and one that comes back makes answers", async () => {
    const own = await startRedis();
    const port = new URL(own.url).port;
    const store = await openRedisStore(own.url);
    const server = createMockServer({ provision: PROVISION, store });
    const listening = await server.listen(0);
    const terminal = terminalAt(() => listening.url);
    try {
      await expectOk(terminal.pairingCode());
      await own.stop();
      await expectError(terminal.status(), 500, "5000", "Internal server error");
      await expectOk(terminal.bootstrap());
      const again = await startRedis(Number(port));
      try {
        let answer = await terminal.status();
        for (let i = 0; i < 100 && answer.status !== 200; i++) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          answer = await terminal.status();
        }
        expect(answer.status).toBe(200);
      } finally {
        await again.stop();
      }
    } finally {
      await listening.close();
      await server.close();
      await store.close();
    }
  });

  test("the command refuses a server that is not there, and does not quote its URL", async () => {
    const files = { "p.json": toProvisionJson(PROVISION) };
    const url = `redis://:a-secret-password@127.0.0.1:${await freePort()}`;
    const refused = await command(["mock", "--provision", "p.json", "--redis", "env:URL"], { files, env: { URL: url } });
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toContain("ERR_NETWORK");
    expect(refused.err).not.toContain("a-secret-password");
  });
});
