/** The merchant portal without a browser: its files, who gets its data, what the data holds. */
import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMockServer, type Listening, type MockServer } from "../../ts/mock/index.js";
import { createWorld, expectError, expectOk, ORIGIN, PROVISION, type World } from "./mock-client.js";

interface State {
  instance: string;
  device_count: number;
  devices: { device_id: string; status: string; pairing_code_status: string; key_sets: { key_set_id: string; kcv: object }[] }[];
  events: { number: number; endpoint?: string; request?: { card?: { number: string } }; response?: object }[];
}

describe("embedded", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld({ portal: true });
  });

  const get = (path: string, headers: Record<string, string> = {}) => world.server.fetch(new Request(ORIGIN + path, { headers }));

  async function state(query = ""): Promise<State> {
    const response = await get(`/portal/state${query}`, { Authorization: `Portal ${world.server.portalToken}` });
    expect(response.status).toBe(200);
    return (await response.json()) as State;
  }

  test("a page and its files, which may load nothing from elsewhere and run nothing inline", async () => {
    for (const [path, type] of [
      ["/portal", "text/html"],
      ["/portal/portal.css", "text/css"],
      ["/portal/portal.js", "text/javascript"],
    ] as const) {
      const response = await get(path);
      expect([path, response.status, response.headers.get("Content-Type")]).toEqual([path, 200, `${type}; charset=utf-8`]);
      expect(response.headers.get("Content-Security-Policy")).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      );
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      const text = await response.text();
      expect(text).not.toMatch(/https?:\/\//);
      if (type === "text/html") expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=/);
      if (type === "text/javascript") expect(() => new Function(text)).not.toThrow();
    }
  });

  test("off unless asked for", async () => {
    const { server, terminal } = createWorld();
    expect(server.portalToken).toBe("");
    for (const path of ["/portal", "/portal/state"]) await expectError(terminal.send("GET", path, {}), 404, "4004");
  });

  test("nothing else is there, and nothing is to be sent", async () => {
    for (const path of ["/portal/", "/portal/other", "/portal/__proto__", "/portals"]) {
      await expectError(world.terminal.send("GET", path, {}), 404, "4004");
    }
    await expectError(world.terminal.send("POST", "/portal/state", {}), 405, "4000");
  });

  test("without a connection from this machine, data needs the token", async () => {
    const { portalToken } = world.server;
    expect(portalToken).toMatch(/^[A-Za-z0-9]{32}$/);
    for (const path of ["/portal/state", "/portal/merchants"]) {
      for (const headers of [{}, { Authorization: `Bearer ${portalToken}` }, { Authorization: `Portal ${portalToken}x` }]) {
        const response = await get(path, headers as Record<string, string>);
        expect(response.status).toBe(401);
        expect(await response.text()).not.toContain(portalToken);
      }
      expect((await get(`${path}?token=${portalToken}`)).status).toBe(401);
      expect((await get(path, { Authorization: `Portal ${portalToken}` })).status).toBe(200);
    }
  });

  test("devices go through their stages, with check values and masked payloads", async () => {
    const first = await state();
    expect(first.device_count).toBe(3);
    expect(first.devices[0]).toMatchObject({ status: "inactive", pairing_code_status: "none", key_sets: [] });
    const { body } = await expectOk(world.terminal.pairingCode());
    expect((await state()).devices[0]).toMatchObject({ status: "inactive", pairing_code_status: "pending" });
    await expectOk(world.terminal.claim({ pairing_code: body["pairing_code"] }));
    expect((await state()).devices[0]).toMatchObject({ status: "claimed", pairing_code_status: "used", key_sets: [] });
    await world.terminal.activated();
    await expectOk(world.terminal.charge(world.terminal.chargeOf()));
    const last = await state();
    const { checkValues, keySetId } = world.terminal.installed;
    const kcv = Object.fromEntries(Object.entries(checkValues).map(([role, value]) => [role, value.kcv]));
    expect(last.devices[0]).toMatchObject({ status: "activated", key_sets: [{ key_set_id: keySetId, kcv }] });
    const charge = last.events.at(-1);
    expect(charge).toMatchObject({
      endpoint: "charge",
      request: { card: { number: "411111******1111" } },
      response: { status: "approved" },
    });
    for (const secret of ["4111111111111111", world.terminal.token, world.terminal.device.zmk, PROVISION.jwt.hs256_secret]) {
      expect(JSON.stringify(last)).not.toContain(secret);
    }
  });

  test("requests are told once; another process's numbers mean nothing; only the latest are kept", async () => {
    await expectOk(world.terminal.bootstrap());
    await expectOk(world.terminal.bootstrap());
    const { events, instance } = await state();
    expect(events.map(({ number }) => number)).toEqual([1, 2]);
    expect((await state(`?after=1&instance=${instance}`)).events.map(({ number }) => number)).toEqual([2]);
    expect((await state(`?after=2&instance=${instance}`)).events).toEqual([]);
    expect((await state("?after=2&instance=another")).events.length).toBe(2);
    for (let i = 0; i < 320; i++) await world.terminal.bootstrap();
    const later = await state();
    expect([later.events.length, later.events[0]?.number, later.events.at(-1)?.number]).toEqual([300, 23, 322]);
  });

  test("a token for each merchant, but none where tokens come from elsewhere", async () => {
    const ask = async (server: MockServer) => {
      const headers = { Authorization: `Portal ${server.portalToken}` };
      const response = await server.fetch(new Request(`${ORIGIN}/portal/merchants`, { headers }));
      return ((await response.json()) as { merchants: { merchant_id: string; token?: string }[] }).merchants;
    };
    const merchants = await ask(world.server);
    expect(merchants.map(({ merchant_id }) => merchant_id)).toEqual(["550e8400-e29b-41d4-a716-446655440000", "another-merchant"]);
    const { body } = await expectOk(world.foreign.pairingCode());
    const claim = (token: string | undefined) =>
      world.foreign.claim({ pairing_code: body["pairing_code"] }, { Authorization: `Bearer ${token}` });
    await expectError(claim(merchants[0]?.token), 400, "4000");
    await expectOk(claim(merchants[1]?.token));
    const jwt = { jwks_url: "https://id.test/jwks" };
    const elsewhere = createMockServer({ provision: { devices: PROVISION.devices, jwt }, portal: true });
    expect((await ask(elsewhere)).every((merchant) => merchant.token === undefined)).toBe(true);
  });

  test("below a base path, out of the faults' reach", async () => {
    const { server } = createWorld({ portal: true, basePath: "/api", faults: ["drop-before"] });
    const headers = { Authorization: `Portal ${server.portalToken}` };
    expect((await server.fetch(new Request(`${ORIGIN}/api/portal/state`, { headers }))).status).toBe(200);
    expect((await server.fetch(new Request(`${ORIGIN}/portal/state`, { headers }))).status).toBe(404);
  });
});

describe("on a port", () => {
  let server: MockServer;
  let listening: Listening;

  beforeEach(async () => {
    server = createMockServer({ provision: PROVISION, portal: true, cors: "*" });
    listening = await server.listen(0);
  });
  afterEach(async () => {
    await listening.close();
    await server.close();
  });

  function statusOf(headers: Record<string, string>): Promise<{ status: number; allowed: unknown }> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(`${listening.url}/portal/merchants`, { headers }, (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, allowed: response.headers["access-control-allow-origin"] });
      });
      request.on("error", reject);
      request.end();
    });
  }

  test("a browser at this machine needs no token; by another name it does; other sites get nothing", async () => {
    const host = `127.0.0.1:${listening.port}`;
    const token = { Authorization: `Portal ${server.portalToken}` };
    const cases: [Record<string, string>, number][] = [
      [{}, 200],
      [{ Host: `localhost:${listening.port}`, "Sec-Fetch-Site": "same-origin" }, 200],
      [{ Origin: `http://${host}` }, 200],
      [{ Host: "portal.test" }, 401],
      [{ Host: "portal.test", ...token }, 200],
      [{ Host: "portal.test", Origin: "https://portal.test", ...token }, 200],
      [{ Origin: "https://evil.test" }, 403],
      [{ Origin: "https://evil.test", ...token }, 403],
      [{ "Sec-Fetch-Site": "cross-site" }, 403],
    ];
    for (const [headers, expected] of cases) {
      const { status, allowed } = await statusOf(headers);
      expect([headers, status, allowed]).toEqual([headers, expected, undefined]);
    }
  });

  test("closing does not wait for connections that are only kept alive", async () => {
    const slow = createMockServer({ provision: PROVISION, faults: ["delay@bootstrap:ms=300"] });
    const other = await slow.listen(0);
    const headers = {
      "X-Device-Id": "POS-8F3A2C91",
      "User-Agent": "Viopay-POS/1.4.2 (Android 12; PAX-A920)",
      "X-Client-Type": "pos",
    };
    const running = fetch(`${other.url}/pos/bootstrap`, { method: "POST", headers });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = performance.now();
    await other.close();
    expect(performance.now() - before).toBeLessThan(3000);
    expect((await running).status).toBe(200);
  });
});
