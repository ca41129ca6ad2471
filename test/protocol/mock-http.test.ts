/** The mock as an HTTP server: routes, methods, limits, media types, CORS, a real port. */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadCrypto } from "../../ts/backend/select.js";
import { createMockServer, type Listening, type MockServer } from "../../ts/mock/index.js";
import { createWorld, expectError, expectOk, PROVISION, READY, type Terminal, type World } from "./mock-client.js";

let world: World;
let terminal: Terminal;

beforeEach(() => {
  world = createWorld();
  terminal = world.terminal;
});

const LIMIT = 1024 * 1024;

describe("routes", () => {
  test.each([
    "/",
    "/pos",
    "/pos/",
    "/pos/bootstrap/",
    "/pos/Bootstrap",
    "/pos//bootstrap",
    "/api/pos/bootstrap",
    "/pos/charge/",
    "/pos/charge/ch_1",
    "/pos/charge//refund",
    "/pos/charge/a/b/refund",
    "/pos/charge/ch_1/settle",
    "/pos/charge/ch.1/refund",
    `/pos/charge/${"x".repeat(65)}/cancel`,
    "/pos/charge/%63h_1/cancel",
    "/constructor",
    "/__proto__",
  ])("%s is 404", async (path) => {
    await expectError(terminal.send("POST", path, terminal.activationHeaders()), 404, "4004", "Not found");
  });

  test.each([
    ["GET", "/pos/bootstrap", "POST"],
    ["POST", "/pos/status", "GET"],
    ["PUT", "/pos/charge", "POST"],
    ["DELETE", "/pos/charge/ch_1/cancel", "POST"],
    ["OPTIONS", "/pos/keys", "POST"],
  ])("%s %s is 405 and names %s (settled detail 15)", async (method, path, allow) => {
    const pending = terminal.send(method, path, terminal.activationHeaders());
    await expectError(pending, 405, "4000", "Method not allowed");
    expect((await pending).headers.get("Allow")).toBe(allow);
  });

  test("HEAD is 405 without a body", async () => {
    const answer = await terminal.send("HEAD", "/pos/bootstrap", {});
    expect(answer.status).toBe(405);
  });

  test("a query does not change the route", async () => {
    await expectOk(terminal.send("POST", "/pos/bootstrap?a=1", terminal.activationHeaders()));
  });

  test("every trace id is another", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => expectError(terminal.send("POST", "/", {}), 404, "4004")));
    expect(new Set(answers.map((error) => error.trace_id)).size).toBe(3);
  });
});

describe("bodies", () => {
  const claim = (body: string | Uint8Array, type: string | undefined = "application/json") =>
    world.server
      .merchantToken()
      .then((token) => terminal.send("POST", "/pos/claim", { Authorization: `Bearer ${token}`, "Content-Type": type }, body));

  test("malformed JSON, another value than an object, invalid UTF-8", async () => {
    for (const body of ["", "{", '{"pairing_code":"222222"', "{'a':1}", Uint8Array.from([0x7b, 0xff, 0x7d])]) {
      await expectError(claim(body), 400, "4000", "Malformed JSON");
    }
    for (const body of ["null", "[]", '"text"', "5"])
      await expectError(claim(body), 400, "4000", "Request body must be a JSON object");
  });

  test("deep nesting is survived", async () => {
    await expectError(claim(`{"pairing_code":${"[".repeat(300_000)}${"]".repeat(300_000)}}`), 400, "4000");
  });

  test("415 for other media types and codings (settled detail 15)", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
      await expectError(claim("{}", type), 415, "4000");
    await expectError(claim(new TextEncoder().encode("{}"), undefined), 400, "4000");
    await terminal.activated();
    const sealed = JSON.stringify(terminal.seal(READY));
    await expectError(terminal.activate(READY, { body: sealed, headers: { "Content-Type": undefined } }), 415, "4000");
    await expectError(terminal.charge(terminal.chargeOf(), { headers: { "Content-Type": "text/plain" } }), 415, "4000");
    await expectError(terminal.charge(terminal.chargeOf(), { headers: { "Content-Encoding": "gzip" } }), 415, "4000");
    await expectOk(terminal.charge(terminal.chargeOf(), { headers: { "Content-Type": "application/json; charset=utf-8" } }));
  });

  test("1 MiB passes, a byte more is 413 (settled detail 15)", async () => {
    const padded = (length: number) => `{"pairing_code":"222222"}`.padEnd(length, " ");
    await expectError(claim(padded(LIMIT)), 400, "4000", "Invalid or expired pairing code");
    await expectError(claim(padded(LIMIT + 1)), 413, "4000");
    await terminal.activated();
    await expectError(terminal.signed("/pos/charge", padded(LIMIT + 1)), 413, "4000");
  });

  test("a stream without a length is cut off at the limit", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 65536;
        controller.enqueue(new Uint8Array(65536).fill(0x20));
      },
    });
    const headers = { Authorization: `Bearer ${await world.server.merchantToken()}`, "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: endless, duplex: "half" };
    const response = await world.server.fetch(new Request("http://mock.test/pos/claim", init as RequestInit));
    expect(response.status).toBe(413);
    expect(pulled).toBeLessThan(2 * LIMIT);
  });
});

describe("CORS", () => {
  const preflight = { Origin: "https://pos.test", "Access-Control-Request-Method": "POST" };

  test("off by default", async () => {
    const answer = await terminal.send("OPTIONS", "/pos/bootstrap", preflight);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  test("an allowed origin, on preflight, answer and refusal; others not", async () => {
    const { terminal: page } = createWorld({ cors: ["https://pos.test"] });
    const allowed = await page.send("OPTIONS", "/pos/charge", preflight);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("Access-Control-Allow-Origin")).toBe("https://pos.test");
    for (const name of ["Idempotency-Key", "X-Signature", "X-Device-Id", "Authorization", "Content-Type"]) {
      expect(allowed.headers.get("Access-Control-Allow-Headers")).toContain(name);
    }
    const answer = await expectOk(page.bootstrap({ Origin: "https://pos.test" }));
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("https://pos.test");
    expect(answer.headers.get("Vary")).toBe("Origin");
    const refusal = await page.bootstrap({ Origin: "https://pos.test", "X-Device-Id": undefined });
    expect([refusal.status, refusal.headers.get("Access-Control-Allow-Origin")]).toEqual([400, "https://pos.test"]);
    const other = await expectOk(page.bootstrap({ Origin: "https://evil.test" }));
    expect(other.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  test("any origin", async () => {
    const { terminal: page } = createWorld({ cors: "*" });
    expect((await expectOk(page.bootstrap({ Origin: "https://any.test" }))).headers.get("Access-Control-Allow-Origin")).toBe("*");
  });
});

describe("a base path", () => {
  test("is part of what is signed", async () => {
    const based = createWorld({ basePath: "/api/v1" });
    const device = based.terminal;
    const send = device.send.bind(device);
    device.send = (method, path, headers, body) => send(method, path.startsWith("/api") ? path : `/api/v1${path}`, headers, body);
    await device.activated();
    const body = JSON.stringify(device.seal(device.chargeOf()));
    await expectOk(device.signed("/api/v1/pos/charge", body));
    await expectError(device.signed("/pos/charge", body), 401, "4001", "Invalid signature");
    await expectError(send("POST", "/pos/bootstrap", device.activationHeaders()), 404, "4004");
    await expectError(send("POST", "/api/v10/pos/bootstrap", device.activationHeaders()), 404, "4004");
  });
});

describe("on a port", () => {
  let server: MockServer;
  let listening: Listening;

  beforeEach(async () => {
    server = createMockServer({ provision: PROVISION });
    listening = await server.listen(0);
  });
  afterEach(async () => {
    await listening.close();
    await server.close();
  });

  /** The in-process client, with its requests sent over the wire. */
  async function remote(): Promise<Terminal> {
    const clock = { now: Date.now() };
    const { terminal: device } = createWorld();
    const Type = device.constructor as typeof import("./mock-client.js").Terminal;
    const [first] = PROVISION.devices;
    if (first === undefined) throw new Error("no device");
    const over: MockServer = {
      ...server,
      async fetch(request) {
        const url = new URL(request.url);
        const body = request.method === "GET" ? undefined : await request.arrayBuffer();
        return fetch(listening.url + url.pathname + url.search, {
          method: request.method,
          headers: request.headers,
          ...(body === undefined ? {} : { body }),
        });
      },
    };
    return new Type(over, first, clock);
  }

  /** Sends bytes as they are and reads until the server closes. */
  function raw(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(listening.port, "127.0.0.1", () => socket.write(text));
      let received = "";
      socket.on("data", (chunk) => {
        received += chunk.toString("latin1");
      });
      socket.on("close", () => resolve(received));
      socket.on("error", reject);
    });
  }

  const HEADERS =
    "Host: x\r\nConnection: close\r\nX-Device-Id: POS-8F3A2C91\r\nUser-Agent: Viopay-POS/1.4.2 (Android 12; PAX-A920)\r\nX-Client-Type: pos\r\n";

  test("the whole walkthrough", async () => {
    expect(listening.url).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+$/);
    const device = await (await remote()).activated();
    expect(device.open(await expectOk(device.config()))["terminal"]).toBeDefined();
    expect(device.open(await expectOk(device.terminalParameters()))["card_ranges"]).toBeDefined();
    const chargeId = await device.charged();
    await expectOk(device.refund(chargeId, { amount: { value: "1500", currency: "EUR" } }));
    for (const verb of ["cancel", "reverse"] as const) await expectOk(device.cancel(await device.charged(), {}, verb));
    await expectError(device.send("POST", "/nowhere", {}), 404, "4004");
    await expectError(device.send("GET", "/pos/charge", {}), 405, "4000");
  });

  test("the absolute form of a target, a path that URL parsers would change, and one that they would not take", async () => {
    expect(await raw(`POST http://x/pos/bootstrap HTTP/1.1\r\n${HEADERS}Content-Length: 0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(`POST /pos/../pos/bootstrap HTTP/1.1\r\n${HEADERS}Content-Length: 0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await raw(`POST //pos/bootstrap HTTP/1.1\r\n${HEADERS}Content-Length: 0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await raw(`OPTIONS * HTTP/1.1\r\n${HEADERS}\r\n`)).toMatch(/^HTTP\/1\.1 404 /);
  });

  test("413 is answered before the body has come, and ends the connection", async () => {
    const token = await server.merchantToken();
    const head = `Host: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
    const declared = await raw(`POST /pos/claim HTTP/1.1\r\n${head}Content-Length: ${LIMIT + 1}\r\n\r\n{`);
    expect(declared).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close[\s\S]*"code":"4000"/i);
    const chunk = `10000\r\n${" ".repeat(65536)}\r\n`;
    const chunked = await raw(`POST /pos/claim HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}`);
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("a client that hangs up half-way leaves the server standing", async () => {
    const token = await server.merchantToken();
    await new Promise<void>((resolve) => {
      const socket = connect(listening.port, "127.0.0.1", () => {
        socket.write(
          `POST /pos/claim HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
        );
        setTimeout(() => socket.destroy(), 20);
      });
      socket.on("close", () => resolve());
    });
    await expectOk((await remote()).bootstrap());
  });

  test("closing waits for what runs, and frees the port", async () => {
    const device = await remote();
    const running = device.bootstrap();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await listening.close();
    await running.catch(() => undefined);
    await expect(fetch(`${listening.url}/pos/status`)).rejects.toThrow();
    listening = await server.listen(listening.port);
    await expectOk(device.bootstrap());
  });

  test("an idle connection is kept for a minute and more", async () => {
    const response = await fetch(`${listening.url}/pos/status`);
    await response.arrayBuffer();
    const [, seconds = "0"] = /timeout=(\d+)/.exec(response.headers.get("Keep-Alive") ?? "") ?? [];
    expect(Number(seconds)).toBeGreaterThanOrEqual(60);
  });

  test("a port that is taken rejects", async () => {
    await expect(server.listen(listening.port)).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

test("without a port, on the noble backend", async () => {
  await loadCrypto({ backend: "noble" });
  try {
    for (const tpk of ["TDES", "AES"] as const) {
      const { terminal: device } = createWorld({ tpk });
      await device.activated();
      const { encryptPinBlock } = await import("../../ts/core/pin-block/pin-block.js");
      const block = encryptPinBlock(device.installed.tpk, {
        format: tpk === "AES" ? 4 : 0,
        pin: "1234",
        pan: "4111111111111111",
      });
      expect(device.installed.msk.backend).toBe("noble");
      const answer = await expectOk(device.charge({ ...device.chargeOf(), pin_block: { block } }));
      expect(device.open(answer)["status"]).toBe("approved");
    }
  } finally {
    await loadCrypto();
  }
});
