/** What the owner of a mock may look at and move: as methods, and over HTTP from this machine or with the portal's token. */
import { afterEach, describe, expect, test } from "vitest";
import { DEVICE_LEVERS, type Listening, type MockServerOptions, type MockStore, MemoryStore } from "../../ts/mock/index.js";
import { createWorld, expectError, expectOk, ORIGIN, type World } from "./mock-client.js";

let listening: Listening | undefined;
afterEach(async () => {
  await listening?.close();
  listening = undefined;
});

async function over(world: World, method: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
  listening ??= await world.server.listen();
  return fetch(listening.url + path, { method, headers, redirect: "manual" });
}

describe("levers", () => {
  test("the ledger tells every charge and what became of it", async () => {
    const world = createWorld();
    const terminal = await world.terminal.activated();
    const [refunded, cancelled] = [await terminal.charged("1500"), await terminal.charged("700")];
    await expectOk(terminal.refund(refunded, { amount: { value: "500", currency: "EUR" } }));
    await expectOk(terminal.cancel(cancelled));
    await expectOk(terminal.charge(terminal.chargeOf("10051")));
    const ledger = await world.server.ledger();
    const byId = new Map(ledger.map((entry) => [entry.charge_id, entry]));
    expect(ledger.map(({ status }) => status).sort()).toEqual(["approved", "cancelled", "declined"]);
    expect(byId.get(refunded)).toMatchObject({ terminal_id: terminal.device.terminal_id, amount: { value: "1500" } });
    expect(byId.get(refunded)?.refunds.map(({ value }) => value)).toEqual(["500"]);
    expect(JSON.stringify(ledger)).not.toContain("4111111111111111");
    expect(await (await over(world, "GET", "/mock/ledger")).json()).toEqual({ charges: ledger });
  });

  test("reset leaves devices as provisioned, no charge and no request, and keeps the faults", async () => {
    const world = createWorld({ faults: ["delay@charge:ms=1"] });
    const terminal = await world.terminal.activated();
    await terminal.charged();
    expect(world.server.requests().length).toBeGreaterThan(5);
    expect((await over(world, "POST", "/mock/reset")).status).toBe(200);
    expect([await world.server.ledger(), world.server.requests(), world.server.faults.report().faults.length]).toEqual([
      [],
      [],
      1,
    ]);
    expect((await expectOk(terminal.status())).body["device_status"]).toBe("inactive");
    await terminal.activated();
    await terminal.charged();
  });

  test("each lever moves one device, and the others stay", async () => {
    const world = createWorld();
    const terminal = await world.terminal.activated();
    const other = await world.other.activated();
    const { device_id } = terminal.device;
    await world.server.moveDevice(device_id, "expire-token");
    await expectError(terminal.config(), 401, "4001");
    await terminal.attested();
    await world.server.moveDevice(device_id, "expire-keys");
    await expectError(terminal.charge(terminal.chargeOf()), 401, "4001");
    await terminal.keyed();
    await terminal.charged();
    expect(await (await over(world, "POST", `/mock/devices/${device_id}/unclaim`)).json()).toEqual({
      device_id,
      status: "inactive",
    });
    await expectError(terminal.charge(terminal.chargeOf()), 401, "4001");
    await terminal.keyed();
    await expectError(terminal.charge(terminal.chargeOf()), 400, "4000", "Device is not activated");
    await world.server.moveDevice(device_id, "activate");
    await terminal.charged();
    await other.charged();
  });

  test("levers that do not exist, devices that do not, stores that cannot list", async () => {
    const world = createWorld();
    for (const [device, lever] of [
      ["POS-00000000", "unclaim"],
      [world.terminal.device.device_id, "toString"],
    ] as const) {
      await expect(world.server.moveDevice(device, lever as "unclaim")).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
      expect((await over(world, "POST", `/mock/devices/${device}/${lever}`)).status).toBe(404);
    }
    expect((await over(world, "GET", `/mock/devices/${world.terminal.device.device_id}/unclaim`)).status).toBe(405);
    const { get, set, setIfAbsent, compareAndSet, delete: remove, close } = MemoryStore.prototype;
    const memory = new MemoryStore();
    const plain = Object.fromEntries(
      Object.entries({ get, set, setIfAbsent, compareAndSet, delete: remove, close }).map(([name, method]) => [
        name,
        (method as (...a: unknown[]) => unknown).bind(memory),
      ]),
    ) as unknown as MockStore;
    const bare = createWorld({ store: plain });
    await expect(bare.server.ledger()).rejects.toMatchObject({ code: "ERR_STATE" });
    await expect(bare.server.reset()).rejects.toMatchObject({ code: "ERR_STATE" });
  });
});

describe("who may ask", () => {
  const PATHS = ["/mock/health", "/mock/requests", "/mock/ledger", "/mock/faults"];

  test("this machine, by a name of this machine, and no page of another site", async () => {
    const world = createWorld();
    for (const path of PATHS) {
      expect((await over(world, "GET", path)).status).toBe(200);
      expect((await over(world, "GET", path, { Origin: "https://evil.example" })).status).toBe(403);
      expect((await world.server.fetch(new Request(ORIGIN + path))).status).toBe(403);
    }
  });

  test("elsewhere, whoever holds the portal's token", async () => {
    const options: MockServerOptions = { portal: true };
    const world = createWorld(options);
    const ask = (token: string) =>
      world.server.fetch(new Request(`${ORIGIN}/mock/health`, { headers: { Authorization: `Portal ${token}` } }));
    expect((await ask(world.server.portalToken)).status).toBe(200);
    expect((await ask(`${world.server.portalToken}x`)).status).toBe(401);
    const none = createWorld();
    expect(
      (await none.server.fetch(new Request(`${ORIGIN}/mock/health`, { headers: { Authorization: "Portal " } }))).status,
    ).toBe(403);
  });
});

test("health says when the store does not answer", async () => {
  class Lost extends MemoryStore {
    override get(): Promise<string | undefined> {
      return Promise.reject(new Error("lost"));
    }
  }
  const world = createWorld({ store: new Lost() });
  expect(await world.server.health()).toMatchObject({ status: "failing", devices: 3 });
  expect((await over(world, "GET", "/mock/health")).status).toBe(503);
});

test("requests are numbered, masked, and asked for from a number on", async () => {
  const world = createWorld();
  const terminal = await world.terminal.activated();
  await terminal.charged();
  const all = world.server.requests();
  expect(all.map(({ number }) => number)).toEqual(all.map((_one, index) => index + 1));
  const last = all.at(-1);
  expect(last).toMatchObject({ endpoint: "charge", request: { card: { number: "411111******1111" } } });
  const { requests } = (await (await over(world, "GET", `/mock/requests?after=${all.length - 1}`)).json()) as {
    requests: unknown[];
  };
  expect(requests).toEqual([JSON.parse(JSON.stringify(last))]);
  expect((await over(world, "GET", "/mock/requests?after=-1")).status).toBe(400);
  expect(DEVICE_LEVERS).toHaveLength(4);
});

test("/ leads to the portal where there is one", async () => {
  const world = createWorld({ portal: true, basePath: "/api" });
  const answer = await over(world, "GET", "/");
  expect([answer.status, answer.headers.get("Location")]).toEqual([302, "/api/portal"]);
  expect((await createWorld().server.fetch(new Request(`${ORIGIN}/`))).status).toBe(404);
});
