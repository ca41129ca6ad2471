/** The terminal on platforms that lack what Node and browsers have: React Native's URL and fetch, Chrome 61, frameworks' proxies. */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { importKey, keyCheckValue } from "../../ts/index.js";
import { readBaseUrl } from "../../ts/client/http/base-url.js";
import { type Fetch, MemoryStore, type PosTerminal } from "../../ts/client/index.js";
import { rejectsCode, same, throwsCode } from "../harness.js";
import { ORIGIN, TEN, World } from "./client-world.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** React Native up to 0.79: there is a URL, and its members throw. */
class ReactNativeUrl {
  get protocol(): string {
    throw new Error("URL.protocol is not implemented");
  }
}

/**
 * `fetch` of React Native: no streams, no `redirected`; what it followed shows in `url`. The host, which has a platform of its own, gets
 * the globals back while it works.
 */
function reactNativeFetch(world: World, missing: Record<string, unknown> = {}, addressOf = (url: string): string => url): Fetch {
  const there = Object.keys(missing).map((name) => [name, (globalThis as Record<string, unknown>)[name]] as const);
  return async (url, { signal: _none, ...init }) => {
    for (const [name, value] of there) vi.stubGlobal(name, value);
    const response = await world.server.fetch(new Request(url, init));
    const bytes = await response.arrayBuffer();
    for (const [name, value] of Object.entries(missing)) vi.stubGlobal(name, value);
    const { status, headers } = response;
    return { status, headers, url: addressOf(url), arrayBuffer: async () => bytes } as unknown as Response;
  };
}

async function walk(world: World, terminal: PosTerminal): Promise<void> {
  await world.activate(terminal);
  const charged = await terminal.charge(TEN);
  same(charged.outcome, "approved");
  const chargeId = (charged as { chargeId: string }).chargeId;
  same((await terminal.refund(chargeId, { amount: { value: "400", currency: "EUR" } })).outcome, "approved");
  const second = (await terminal.charge(TEN)) as { chargeId: string };
  same((await terminal.reverse(second.chargeId)).outcome, "approved");
}

describe("the whole walk", () => {
  it.each<[string, Record<string, unknown>]>([
    ["with React Native's URL and fetch", { URL: ReactNativeUrl }],
    ["without AbortController and performance, as in Chrome 61", { AbortController: undefined, performance: undefined }],
  ])("%s", async (_name, missing) => {
    const world = new World();
    const fetch = reactNativeFetch(world, missing);
    const token = await world.server.merchantToken();
    world.claim = (code) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      return fetch(`${ORIGIN}/pos/claim`, { method: "POST", headers, body: JSON.stringify({ pairing_code: code }) });
    };
    for (const [name, value] of Object.entries(missing)) vi.stubGlobal(name, value);
    await walk(world, world.terminal({ fetch }));
  });

  it("and a time limit without AbortController ends the call, not the exchange", async () => {
    const world = new World();
    vi.stubGlobal("AbortController", undefined);
    const terminal = world.terminal({ fetch: () => new Promise<Response>(() => {}), timeoutMs: 20 });
    await rejectsCode(terminal.bootstrap(), "ERR_TIMEOUT");
  });
});

it("a redirect that fetch followed shows in the address where `redirected` is missing", async () => {
  const world = new World();
  const elsewhere = reactNativeFetch(world, {}, (url) => url.replace(ORIGIN, "https://elsewhere.test"));
  const error = await rejectsCode(world.terminal({ fetch: elsewhere }).bootstrap(), "ERR_HOST_RESPONSE", /redirected/);
  same((error as unknown as { details: unknown }).details, { redirected: true });
  for (const address of [`${ORIGIN}:443`, ORIGIN.toUpperCase(), `${ORIGIN}/moved`]) {
    const here = reactNativeFetch(world, {}, (url) => url.replace(ORIGIN, address));
    await world.terminal({ fetch: here }).bootstrap();
  }
});

describe("reactive state", () => {
  it("leaves terminals and keys alone: they cannot be extended, so frameworks make no proxy of them", () => {
    const world = new World();
    const terminal = world.terminal();
    same(
      [Object.isExtensible(terminal), Object.isExtensible(importKey("00".repeat(16), { algorithm: "AES", usage: "D0" }))],
      [false, false],
    );
  });

  it("and a key behind a proxy, or of another copy of the package, is named as such", () => {
    const zmk = importKey("00".repeat(32), { algorithm: "AES", usage: "K0" });
    class SecretKey {}
    for (const foreign of [new Proxy(zmk, {}), new SecretKey()]) {
      throwsCode(
        () => keyCheckValue(foreign as typeof zmk),
        "ERR_INVALID_ARGUMENT",
        /^"key" must be a SecretKey, got a SecretKey of another copy of viopay-pos-crypto, or one behind a proxy/,
      );
    }
  });
});

describe("baseUrl", () => {
  it("is what the platform's URL says of it, for addresses that a host may have", () => {
    const label = fc
      .stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
      .filter((text) => !/^(?:[0-9]+|0x[0-9a-f]*)$/.test(text) && !/^..--/.test(text));
    const host = fc.oneof(
      fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => `h${labels.join(".")}x`),
      fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join(".")),
      fc.constantFrom("[::1]", "[2001:db8::1]", "localhost"),
    );
    const path = fc
      .array(fc.stringMatching(/^[A-Za-z0-9_~!$&()*+,;=:@-]{1,8}$/), { maxLength: 3 })
      .map((parts) => parts.map((part) => `/${part}`).join(""));
    const port = fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined });
    fc.assert(
      fc.property(fc.constantFrom("https", "http", "HTTPS"), host, port, path, (scheme, name, number, rest) => {
        const text = `${scheme}://${name}${number === undefined ? "" : `:${number}`}${rest}`;
        const { origin, hostname, pathname } = new URL(text);
        const read = readBaseUrl(text);
        expect([text, read.origin, read.hostname, read.prefix || "/"]).toEqual([text, origin, hostname, pathname]);
      }),
    );
  });

  it.each([
    ["", /an absolute URL/],
    ["api.viopay.io", /an absolute URL/],
    ["ftp://api.viopay.io", /got a URL of ftp/],
    ["https://", /host/],
    ["https://a b", /host/],
    ["https://müller.example", /xn--/],
    ["https://user:secret@api.viopay.io", /free of user name/],
    ["https://api.viopay.io?x=1", /free of query/],
    ["https://api.viopay.io/#x", /free of query/],
    ["https://api.viopay.io:0", /port/],
    ["https://api.viopay.io:65536", /port/],
    ["https://api.viopay.io/a/../b", /without \. and \.\./],
    ["https://api.viopay.io/a b", /percent-encoded/],
    ["https://api.viopay.io\\@evil.example", /host|user/],
    ["http://api.viopay.io", /https/],
    ["http://10.0.2.2:8787", /dangerouslyAllowHttpTo/],
  ])("%j is refused, and its content is not repeated", (baseUrl, message) => {
    const error = throwsCode(() => new World().terminal({ baseUrl }), "ERR_INVALID_ARGUMENT", message);
    expect(error.message).not.toContain("secret");
  });

  it("of http is accepted for the test hosts that are named, and for no other", () => {
    const world = new World();
    const dangerouslyAllowHttpTo = ["10.0.2.2", "Emulator.local"];
    world.terminal({ baseUrl: "http://10.0.2.2:8787", dangerouslyAllowHttpTo });
    world.terminal({ baseUrl: "http://emulator.local", dangerouslyAllowHttpTo });
    throwsCode(() => world.terminal({ baseUrl: "http://10.0.2.3", dangerouslyAllowHttpTo }), "ERR_INVALID_ARGUMENT");
    throwsCode(() => world.terminal({ dangerouslyAllowHttpTo: "10.0.2.2" as never }), "ERR_INVALID_ARGUMENT", /an array/);
  });
});

it("a MemoryStore works where nothing but the language exists", async () => {
  same(await new MemoryStore().loadTerminal(), undefined);
});
