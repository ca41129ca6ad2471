/** HTTP of the terminal: limits, redirects, aborts, and what becomes of answers that are not the protocol's. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "vitest";
import { Clock } from "../../ts/client/http/clock.js";
import { type Fetch, Transport, type TransportOptions } from "../../ts/client/http/transport.js";
import { isOlderVersion } from "../../ts/client/activation/version.js";
import type { PosErrorCode } from "../../ts/base/errors.js";
import { ok, rejectsCode, same, throwsCode } from "../harness.js";
import { apiError, json, ORIGIN, TEN, World } from "./client-world.js";

const REQUEST = { method: "POST", path: "/pos/bootstrap", headers: {} } as const;

function transport(fetch: Fetch, options: Partial<TransportOptions> = {}): Transport {
  return new Transport({ baseUrl: ORIGIN, fetch, ...options });
}

async function details(promise: Promise<unknown>, code: PosErrorCode): Promise<Record<string, unknown>> {
  return ((await rejectsCode(promise, code)) as Error & { details: Record<string, unknown> }).details;
}

describe("answers", () => {
  it("JSON of any 2xx is the answer", async () => {
    same(await transport(async () => json(201, { a: 1 })).request(REQUEST), { status: 201, body: { a: 1 } });
  });

  it("the host's error envelope is ERR_HOST with its facts", async () => {
    const answer = { error: { code: "4000", message: "Invalid request body", details: { message: "Field" }, trace_id: "abc" } };
    same(await details(transport(async () => json(400, answer)).request(REQUEST), "ERR_HOST"), {
      status: 400,
      code: "4000",
      trace_id: "abc",
      message: "Invalid request body",
      details: { message: "Field" },
    });
  });

  it("texts of the host are cut, cleaned and masked, and are not in the message", async () => {
    const message = `card 4111 1111 1111 1111 and 4111111111111111\u0000${"x".repeat(500)}`;
    const error = (await rejectsCode(
      transport(async () => apiError(400, "4000", message)).request(REQUEST),
      "ERR_HOST",
    )) as Error & {
      details: Record<string, string>;
    };
    ok(!error.message.includes("card"), "the message is the library's own");
    ok(!/4111/.test(error.details["message"]!), "digits are masked");
    ok(error.details["message"]!.length <= 200 && !error.details["message"]!.includes("\u0000"), "cut and cleaned");
  });

  const strange: readonly (readonly [string, () => Response])[] = [
    ["HTML of a proxy", () => new Response("<html>", { status: 502 })],
    ["an error without envelope", () => json(500, { message: "no" })],
    ["an envelope with a number as code", () => json(400, { error: { code: 4000, message: "no" } })],
    ["an inherited envelope", () => json(400, '{"__proto__":{"error":{"code":"4000"}}}')],
    ["an empty answer", () => new Response(null, { status: 200 })],
    ["truncated JSON", () => json(200, '{"status":')],
    ["bytes that are no UTF-8", () => new Response(new Uint8Array([0x22, 0xff, 0x22]))],
    ["a redirect that fetch has not refused", () => new Response(null, { status: 307, headers: { Location: ORIGIN } })],
  ];
  for (const [what, answer] of strange) {
    it(`${what} is ERR_HOST_RESPONSE`, async () => {
      const got = await details(transport(async () => answer()).request(REQUEST), "ERR_HOST_RESPONSE");
      same(got["status"], answer().status);
    });
  }

  it("too long is ERR_HOST_RESPONSE, declared or not", async () => {
    const text = JSON.stringify("x".repeat(1000));
    const limit = { maxResponseBytes: text.length - 1 };
    await rejectsCode(transport(async () => json(200, text), limit).request(REQUEST), "ERR_HOST_RESPONSE");
    const declared = () => new Response("1", { headers: { "Content-Length": "1000000" } });
    await rejectsCode(transport(async () => declared(), limit).request(REQUEST), "ERR_HOST_RESPONSE");
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(4096)) });
    await rejectsCode(transport(async () => new Response(endless)).request(REQUEST), "ERR_HOST_RESPONSE");
    same((await transport(async () => json(200, text), { maxResponseBytes: text.length }).request(REQUEST)).status, 200);
  });

  it("works without streams", async () => {
    const plain = (text: string) =>
      ({
        status: 200,
        headers: new Headers(),
        body: null,
        arrayBuffer: async () => new TextEncoder().encode(text).buffer,
      }) as Response;
    same((await transport(async () => plain("[1]")).request(REQUEST)).body, [1]);
    await rejectsCode(transport(async () => plain("[1234]"), { maxResponseBytes: 3 }).request(REQUEST), "ERR_HOST_RESPONSE");
  });
});

describe("no answer", () => {
  it("a failing fetch is ERR_NETWORK with its cause", async () => {
    const cause = new TypeError("fetch failed");
    const error = await rejectsCode(
      transport(async () => {
        throw cause;
      }).request(REQUEST),
      "ERR_NETWORK",
    );
    ok(error.cause === cause, "the cause");
  });

  it("a body that breaks off is ERR_NETWORK", async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"a":')),
      pull: (controller) => controller.error(new Error("reset")),
    });
    await rejectsCode(transport(async () => new Response(body)).request(REQUEST), "ERR_NETWORK");
  });

  it("silence is ERR_TIMEOUT, also of a fetch that ignores its signal, and in the middle of a body", async () => {
    const silent: Fetch = () => new Promise(() => {});
    await rejectsCode(transport(silent, { timeoutMs: 20 }).request(REQUEST), "ERR_TIMEOUT");
    const stalled = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([0x5b])) }));
    await rejectsCode(transport(async () => stalled(), { timeoutMs: 20 }).request(REQUEST), "ERR_TIMEOUT");
  });

  it("an abort is ERR_ABORTED, before and during, and reaches fetch", async () => {
    let calls = 0;
    let seen: AbortSignal | undefined | null;
    const silent: Fetch = (_url, init) => {
      calls++;
      seen = init.signal;
      return new Promise(() => {});
    };
    await rejectsCode(transport(silent).request({ ...REQUEST, signal: AbortSignal.abort() }), "ERR_ABORTED");
    same(calls, 0);
    const stop = new AbortController();
    const pending = transport(silent).request({ ...REQUEST, signal: stop.signal });
    stop.abort();
    await rejectsCode(pending, "ERR_ABORTED");
    same([calls, seen?.aborted], [1, true]);
  });

  it("onSend says when bytes may leave", async () => {
    const order: string[] = [];
    const watched = transport(async () => {
      order.push("fetch");
      return json(200, 1);
    });
    await watched.request({ ...REQUEST, onSend: () => order.push("onSend") });
    same(order, ["onSend", "fetch"]);
  });
});

it("does not follow redirects of a real server", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(307, { Location: "/elsewhere" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const real = new Transport({ baseUrl: `http://127.0.0.1:${port}` });
    await rejectsCode(real.request(REQUEST), "ERR_NETWORK");
    same(asked, ["/pos/bootstrap"]);
  } finally {
    server.close();
  }
});

describe("a fetch that follows redirects", () => {
  const follow: Fetch = (url, init) => fetch(url, { ...init, redirect: "follow" });

  /** Two servers: the host, which redirects to `location`, and another that answers everything with `status` and `body`. */
  async function redirecting(
    status: number,
    body: unknown,
    use: (host: string, other: string, asked: string[]) => Promise<void>,
  ) {
    const asked: string[] = [];
    const servers = [
      createServer((request, response) => {
        const other = (servers[1]!.address() as AddressInfo).port;
        asked.push(`host ${request.url}`);
        if (request.url === "/pos/elsewhere") response.end(JSON.stringify(body));
        else
          response
            .writeHead(307, { Location: request.url === "/pos/here" ? "/pos/elsewhere" : `http://127.0.0.1:${other}/` })
            .end();
      }),
      createServer((_request, response) => {
        asked.push("other");
        response.writeHead(status).end(JSON.stringify(body));
      }),
    ] as const;
    for (const server of servers) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const [host, other] = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      await use(host!, other!, asked);
    } finally {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    }
  }

  it("whatever the other address answers is not the host's word", async () => {
    for (const [status, body] of [
      [200, { status: "approved" }],
      [404, { error: { code: "4004", message: "no", trace_id: "t" } }],
      [503, {}],
    ] as const) {
      await redirecting(status, body, async (host) => {
        const real = transport(follow, { baseUrl: host });
        same(await details(real.request(REQUEST), "ERR_HOST_RESPONSE"), { redirected: true });
        same(real.lastExchangeOk, false);
        same(await details(real.request({ ...REQUEST, path: "/pos/here" }), "ERR_HOST_RESPONSE"), { redirected: true });
      });
    }
  });

  it("an answer from another address is the host's where no redirect led there: an app may have its own way to it", async () => {
    const way: Fetch = async () => Object.defineProperty(json(200, {}), "url", { value: "https://proxy.test/pos/bootstrap" });
    same((await transport(way).request(REQUEST)).status, 200);
  });

  it("a charge is unknown then, and is not sent again, even by a terminal that repeats", async () => {
    for (const [status, body] of [
      [404, { error: { code: "4004", message: "no", trace_id: "t" } }],
      [503, {}],
    ] as const) {
      await redirecting(status, body, async (host, _other, asked) => {
        const world = new World();
        const terminal = await world.ready({ retry: { attempts: 3, firstDelayMs: 1 } });
        world.fault = (path) => follow(`${host}${path}`, { method: "POST", body: "{}" });
        const result = await terminal.charge(TEN);
        same([result.outcome, asked], ["unknown", ["host /pos/charge", "other"]]);
      });
    }
  });
});

it("keeps a path of baseUrl in address and target", async () => {
  let address = "";
  const prefixed = transport(
    async (url) => {
      address = url;
      return json(200, 1);
    },
    { baseUrl: `${ORIGIN}/api/v1//` },
  );
  await prefixed.request(REQUEST);
  same(address, `${ORIGIN}/api/v1/pos/bootstrap`);
  same(prefixed.target("/pos/charge"), "/api/v1/pos/charge");
});

describe("clock", () => {
  it("uses the middle of the exchange", () => {
    let local = 1000;
    const clock = new Clock(() => local);
    clock.synchronise("1970-01-01T01:00:00Z", 1000, 3000);
    same(clock.offsetMs, 3_600_000 - 2000);
    local = 10_000;
    same(clock.timestamp(), "1970-01-01T01:00:08Z");
    clock.synchronise("1970-01-01T00:00:10.5+00:00", 10_000, 10_000);
    same(clock.offsetMs, 500);
    throwsCode(() => clock.synchronise("yesterday", 0, 0), "ERR_HOST_RESPONSE");
    same(clock.offsetMs, 500);
  });
});

describe("versions", () => {
  for (const [version, minimum, older] of [
    ["1", "1.0.0.0", false],
    ["1.2", "1.10", true],
    ["1.2.3-rc.1", "1.2.3-rc.2", false],
    ["1.2.3-rc.1", "1.2.3", true],
    ["1.2.3", "1.2.3-rc.1", false],
    ["1.2.3.4.5", "1", undefined],
    ["1", "", undefined],
    ["v1", "1", undefined],
  ] as const) {
    it(`${version} against ${minimum || "nothing"}: ${older}`, () => same(isOlderVersion(version, minimum), older));
  }
});
