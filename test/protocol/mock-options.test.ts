/** Provisioning, options, middleware, and what observers and loggers get to see. */
import { describe, expect, test } from "vitest";
import { sealEnvelope } from "../../ts/core/envelope/envelope.js";
import type { PosCryptoError } from "../../ts/base/errors.js";
import {
  createMockServer,
  generateProvision,
  type LogLine,
  MemoryStore,
  type Middleware,
  type MockServerOptions,
  parseProvision,
  type RequestEvent,
  toProvisionJson,
} from "../../ts/mock/index.js";
import { createWorld, expectError, expectOk, PROVISION } from "./mock-client.js";

function errorOf(body: () => unknown): PosCryptoError {
  try {
    body();
  } catch (error) {
    return error as PosCryptoError;
  }
  throw new Error("nothing was thrown");
}

describe("the provisioning file", () => {
  test("parses, as text and as a value, and round-trips", () => {
    expect(parseProvision(PROVISION)).toEqual(PROVISION);
    expect(parseProvision(toProvisionJson(PROVISION))).toEqual(PROVISION);
    const remote = {
      ...PROVISION,
      jwt: { jwks_url: "https://portal.test/jwks", issuer: "https://portal.test", audience: "pos" },
    };
    expect(parseProvision(JSON.stringify(remote))).toEqual(remote);
  });

  test("is generated fresh where none is given", async () => {
    const first = createMockServer().provision;
    const second = createMockServer().provision;
    const [device] = first.devices;
    expect(first.devices.length).toBe(1);
    expect(device?.device_id).toMatch(/^POS-[0-9A-F]{8}$/);
    expect(device?.merchant_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(device?.zmk).not.toBe(second.devices[0]?.zmk);
    expect(device?.identity_secret).not.toBe(device?.zmk);
    expect(parseProvision(toProvisionJson(first))).toEqual(first);
    expect(new Set(generateProvision(50).devices.map((item) => item.terminal_id)).size).toBe(50);
  });

  const [device] = PROVISION.devices;
  const withDevice = (changes: object) => ({ ...PROVISION, devices: [{ ...device, ...changes }] });
  const { zmk: _, ...withoutZmk } = device as NonNullable<typeof device>;

  test.each([
    ["no JSON", "{", "$"],
    ["another value", [], "$"],
    ["nothing", null, "$"],
    ["no devices", { jwt: PROVISION.jwt }, "$.devices"],
    ["an empty list", { ...PROVISION, devices: [] }, "$.devices"],
    ["a device that is no object", { ...PROVISION, devices: ["x"] }, "$.devices[0]"],
    ["a missing member", { ...PROVISION, devices: [withoutZmk] }, "$.devices[0].zmk"],
    ["an unknown member", withDevice({ tmk: "00" }), "$.devices[0].tmk"],
    ["an unknown member at the root", { ...PROVISION, redis: "x" }, "$.redis"],
    ["a number", withDevice({ terminal_id: 5 }), "$.devices[0].terminal_id"],
    ["a malformed device id", withDevice({ device_id: "POS-XYZ" }), "$.devices[0].device_id"],
    ["a terminal id with a space", withDevice({ terminal_id: "TID 1" }), "$.devices[0].terminal_id"],
    ["a short key", withDevice({ zmk: "00".repeat(31) }), "$.devices[0].zmk"],
    ["a long key", withDevice({ zmk: "00".repeat(33) }), "$.devices[0].zmk"],
    ["a key that is no hex", withDevice({ zmk: "zz".repeat(32) }), "$.devices[0].zmk"],
    ["an odd secret", withDevice({ identity_secret: "0".repeat(33) }), "$.devices[0].identity_secret"],
    ["a short secret", withDevice({ identity_secret: "00".repeat(15) }), "$.devices[0].identity_secret"],
    ["a device twice", { ...PROVISION, devices: [device, { ...device, terminal_id: "TID-9" }] }, "$.devices[1].device_id"],
    [
      "a terminal twice",
      { ...PROVISION, devices: [device, { ...device, device_id: "POS-00000009" }] },
      "$.devices[1].terminal_id",
    ],
    ["no jwt", { devices: PROVISION.devices }, "$.jwt"],
    ["neither secret nor URL", { ...PROVISION, jwt: {} }, "$.jwt"],
    ["both", { ...PROVISION, jwt: { hs256_secret: "x", jwks_url: "https://portal.test" } }, "$.jwt"],
    ["an empty secret", { ...PROVISION, jwt: { hs256_secret: "" } }, "$.jwt.hs256_secret"],
    ["no URL", { ...PROVISION, jwt: { jwks_url: "portal" } }, "$.jwt.jwks_url"],
    ["keys in clear from elsewhere", { ...PROVISION, jwt: { jwks_url: "http://portal.test/jwks" } }, "$.jwt.jwks_url"],
    ["another scheme", { ...PROVISION, jwt: { jwks_url: "file:///jwks" } }, "$.jwt.jwks_url"],
    ["a polluting member", JSON.stringify(PROVISION).replace("{", '{"__proto__":{"a":1},'), "$.__proto__"],
  ])("%s is ERR_PROVISION at its path", (_name, source, path) => {
    const error = errorOf(() => parseProvision(source));
    expect([error.code, error.details?.["path"]]).toEqual(["ERR_PROVISION", path]);
    expect(error.message.startsWith(`${path} `)).toBe(true);
    expect(errorOf(() => createMockServer({ provision: source as string })).code).toBe("ERR_PROVISION");
  });

  test("messages hold no value", () => {
    const zmk = "C0FFEE".repeat(11);
    for (const source of [
      withDevice({ zmk }),
      `{"devices": ${zmk}`,
      withDevice({ [zmk]: 1 }),
      { ...PROVISION, jwt: { jwks_url: zmk } },
    ]) {
      expect(errorOf(() => parseProvision(source)).message).not.toContain("C0FFEE");
    }
  });
});

describe("options", () => {
  test.each([
    [null, "options"],
    [{ now: 5 }, "now"],
    [{ tpk: "DES" }, "tpk"],
    [{ appVersionMin: "latest" }, "appVersionMin"],
    [{ basePath: "api" }, "basePath"],
    [{ basePath: "/api/" }, "basePath"],
    [{ lifetimes: { attestation: 0 } }, "lifetimes.attestation"],
    [{ lifetimes: { pairing: 5 } }, "lifetimes"],
    [{ middleware: [5] }, "middleware"],
    [{ onRequest: "x" }, "onRequest"],
    [{ logger: {} }, "logger"],
    [{ store: {} }, "store"],
    [{ cors: 5 }, "cors"],
  ])("%j is ERR_INVALID_ARGUMENT", (options, name) => {
    const error = errorOf(() => createMockServer(options as MockServerOptions));
    expect(error.code).toBe("ERR_INVALID_ARGUMENT");
    expect(error.message.startsWith(`"${name}" must be `)).toBe(true);
  });

  test("lifetimes", async () => {
    const world = createWorld({ lifetimes: { pairingCode: 10, attestation: 20 } });
    expect((await expectOk(world.terminal.pairingCode())).body["expires_in_sec"]).toBe(10);
    await world.terminal.claimed();
    expect((await expectOk(world.terminal.attest())).body["expires_in_sec"]).toBe(20);
  });
});

describe("middleware", () => {
  test("runs outermost first, may answer itself, and may change an answer", async () => {
    const order: string[] = [];
    const first: Middleware = async (context, next) => {
      order.push("first");
      const reply = await next();
      return { ...reply, headers: { ...reply.headers, "X-Seen": context.exchange.endpoint ?? "" } };
    };
    const second: Middleware = async (context, next) => {
      order.push("second");
      return context.path === "/pos/status" ? { status: 503, headers: {}, body: "" } : next();
    };
    const { terminal } = createWorld({ middleware: [first, second] });
    expect((await expectOk(terminal.bootstrap())).headers.get("X-Seen")).toBe("bootstrap");
    expect((await terminal.status()).status).toBe(503);
    expect(order).toEqual(["first", "second", "first", "second"]);
  });

  test("may deliver a request twice", async () => {
    const twice: Middleware = async (context, next) => {
      if (context.path !== "/pos/claim") return next();
      const [once, again] = [await next(), await next()];
      expect([once.status, again.status]).toEqual([200, 400]);
      return once;
    };
    await createWorld({ middleware: [twice] }).terminal.claimed();
  });

  test("what it throws is 500 without a word", async () => {
    const lines: LogLine[] = [];
    const failing: Middleware = async () => {
      throw new Error("secret detail");
    };
    const { terminal } = createWorld({ middleware: [failing], logger: (line) => lines.push(line) });
    await expectError(terminal.bootstrap(), 500, "5000", "Internal server error");
    expect(lines[0]).toMatchObject({ level: "error", event: "internal_error", name: "Error" });
    expect(JSON.stringify(lines)).not.toContain("secret detail");
  });
});

describe("observer and logger", () => {
  test("see every request, and no secret", async () => {
    const events: RequestEvent[] = [];
    const lines: LogLine[] = [];
    const world = createWorld({ onRequest: (event) => events.push(event), logger: (line) => lines.push(line) });
    const terminal = await world.terminal.activated();
    const { encryptPinBlock } = await import("../../ts/core/pin-block/pin-block.js");
    const pan = "4111111111111111";
    const block = encryptPinBlock(terminal.installed.tpk, { format: 0, pin: "1234", pan });
    const auxiliary_data = sealEnvelope(terminal.installed.tdk, { loyalty: "L-1" });
    const charge = {
      ...terminal.chargeOf(),
      pin_block: { block },
      emv_data: `5A08${pan}`,
      auxiliary_data,
      note: `card ${pan}`,
      [pan]: Number(pan),
    };
    await expectOk(terminal.charge(charge as unknown as Parameters<typeof terminal.charge>[0]));
    await expectError(terminal.send("POST", "/nowhere", {}), 404, "4004");

    expect(events.map((event) => event.endpoint)).toEqual([
      "status",
      "pairing-code",
      "claim",
      "attest",
      "keys",
      "activate",
      "charge",
      undefined,
    ]);
    const charged = events[6] as RequestEvent;
    expect(charged).toMatchObject({
      method: "POST",
      path: "/pos/charge",
      status: 200,
      deviceId: terminal.device.device_id,
      terminalId: "TID-004812",
    });
    expect(charged.requestBytes).toBeGreaterThan(500);
    expect(charged.keyKcv).toMatch(/^[0-9A-F]{6}$/);
    expect(charged.request).toMatchObject({
      card: { number: "411111******1111" },
      amount: { value: "1500", currency: "EUR" },
      pin_block: "(withheld)",
      emv_data: "(withheld)",
      auxiliary_data: "(withheld)",
      note: "card 411111******1111",
    });
    expect(charged.response).toMatchObject({ status: "approved" });
    expect(lines.map((line) => line["status"])).toEqual(events.map((event) => event.status));
    for (const seen of [JSON.stringify(events), JSON.stringify(lines)]) {
      for (const secret of [pan, block, terminal.token, terminal.device.zmk, terminal.device.identity_secret])
        expect(seen).not.toContain(secret);
    }
  });

  test("an observer that throws does not disturb the request", async () => {
    const { terminal } = createWorld({
      onRequest: () => {
        throw new Error("observer");
      },
    });
    await expectOk(terminal.bootstrap());
  });
});

describe("the memory store", () => {
  test("set, set-if-absent, compare-and-set, delete, expiry", async () => {
    let now = 0;
    const store = new MemoryStore(() => now);
    expect(await store.get("a")).toBeUndefined();
    expect(await store.setIfAbsent("a", "1", 100)).toBe(true);
    expect(await store.setIfAbsent("a", "2", 100)).toBe(false);
    expect(await store.compareAndSet("a", "2", "3")).toBe(false);
    expect(await store.compareAndSet("a", undefined, "3")).toBe(false);
    expect(await store.compareAndSet("a", "1", "3", 50)).toBe(true);
    now = 49;
    expect(await store.get("a")).toBe("3");
    now = 50;
    expect(await store.get("a")).toBeUndefined();
    expect(await store.compareAndSet("a", undefined, "4")).toBe(true);
    expect(await store.compareAndSet("a", "4", undefined)).toBe(true);
    expect(await store.get("a")).toBeUndefined();
    await store.set("b", "1", 10);
    await store.set("c", "1");
    await store.delete("c");
    now = 60;
    expect([...store.keys()]).toEqual([]);
  });

  test("expired entries do not pile up", async () => {
    let now = 0;
    const store = new MemoryStore(() => now);
    for (let i = 0; i < 5000; i++) {
      now = i;
      await store.set(`nonce:${i}`, "1", 10);
    }
    expect([...store.keys()].length).toBe(10);
  });
});
