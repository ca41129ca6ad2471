/** The terminal's store in IndexedDB, in a real browser: pages end, what they have stored goes on. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMockServer, type Listening, type MockServer } from "../../ts/mock/index.js";
import { bundle, hasChromium, launchChromium, type PageServer, servePage } from "./chromium.js";
import type {} from "./indexeddb-page.js";

describe.skipIf(!hasChromium())("in Chromium", () => {
  let browser: Browser;
  let context: BrowserContext;
  let served: PageServer;
  let server: MockServer;
  let listening: Listening;
  const charges = new Set<string>();

  beforeAll(async () => {
    served = await servePage("", await bundle("./indexeddb-page.ts"), "http://127.0.0.1:*");
    server = createMockServer({
      cors: served.origin,
      middleware: [
        async (exchange, next) => {
          const reply = await next();
          const made = exchange.exchange.response as { charge_id?: string } | undefined;
          if (exchange.exchange.endpoint === "charge" && made?.charge_id !== undefined) charges.add(made.charge_id);
          return reply;
        },
      ],
    });
    listening = await server.listen();
    browser = await launchChromium();
    context = await browser.newContext();
  });
  afterAll(async () => {
    await browser?.close();
    await listening?.close();
    await server?.close();
    await served?.close();
  });

  async function open(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(served.origin);
    await page.waitForFunction(() => window.store !== undefined);
    return page;
  }

  test("records keep their order, payloads go, old settled records are dropped", async () => {
    const page = await open();
    expect(await page.evaluate(() => window.store.exercise())).toEqual({
      payload: { sealed: "x" },
      listed: ["b unknown", "a approved", "lookup needs_host_lookup"],
      payloads: ["b"],
      pruned: ["b", "lookup"],
      absent: [null, null],
    });
    await page.close();
  });

  test("a page that ends with an open charge: the next one needs no pairing and settles it, once", async () => {
    const device = server.provision.devices[0]!;
    let page = await open();
    const ready = page.evaluate(([url, one]) => window.store.setUp(url, one), [listening.url, device] as const);
    await page.waitForFunction(() => window.pairingCode !== undefined);
    const code = await page.evaluate(() => window.pairingCode);
    const token = await server.merchantToken();
    const claimed = await fetch(`${listening.url}/pos/claim`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ pairing_code: code }),
    });
    expect(claimed.status).toBe(200);
    await ready;
    await page.close();

    page = await open();
    expect(await page.evaluate(([url, one]) => window.store.chargeInTheDark(url, one), [listening.url, device] as const)).toBe(
      "unknown",
    );
    const before = await page.evaluate(() => window.store.dump());
    await page.close();

    page = await open();
    expect(await page.evaluate(([url, one]) => window.store.recover(url, one), [listening.url, device] as const)).toEqual({
      restored: true,
      states: ["approved"],
    });
    expect(charges.size).toBe(1);
    const settled = await page.evaluate(() => window.store.dump());
    expect((JSON.parse(before) as { payloads: unknown[] }).payloads.length).toBe(1);
    expect((JSON.parse(settled) as { payloads: unknown[] }).payloads).toEqual([]);
    for (const secret of [
      "4111111111111111",
      "3431313131313131",
      '"4826"',
      "EXPIRY",
      "PIN_BLOCK",
      device.zmk,
      device.identity_secret,
    ]) {
      expect((before + settled).toUpperCase().includes(secret.toUpperCase())).toBe(false);
    }
    await page.close();
  });

  test.each([false, true])("the suite that every store must pass; lease: %s", async (lease) => {
    const page = await open();
    expect(await page.evaluate((one) => window.store.check(one), lease)).toBe(15);
    await page.close();
  });

  test.each([false, true])("two tabs: the second one is refused while the first is there; lease: %s", async (lease) => {
    const name = `two-tabs-${lease}`;
    const [first, second] = [await open(), await open()];
    const hold = (page: Page) => page.evaluate(([one, by]) => window.store.hold(one, by), [name, lease] as const);
    expect(await hold(first)).toBe("open");
    expect(await first.evaluate(() => window.store.write("a", "sending"))).toBe("written");
    const refused = (await hold(second)) as { code: string; message: string; details: { since: string; mayBeFrozen: boolean } };
    expect(refused.code).toBe("ERR_STORE");
    expect(refused.message).toMatch(/another tab, window or worker has it since 20/);
    expect(/froze/.test(refused.message)).toBe(!lease);
    expect(Math.abs(Date.parse(refused.details.since) - Date.now())).toBeLessThan(60_000);
    expect(await second.evaluate(() => window.store.write("a", "unknown", "sending"))).toMatch(/open elsewhere/);
    expect(await first.evaluate(() => window.store.write("a", "approved", "sending"))).toBe("written");
    // Closed by the app: at once. Closed with its page, as by a crash: at once, or after two intervals of the lease.
    await first.evaluate(() => window.store.release());
    expect(await hold(second)).toBe("open");
    await second.close();
    const third = await open();
    expect(await hold(third)).toBe("open");
    expect(await third.evaluate(() => window.store.write("a", "unknown", "sending"))).toMatch(/approved/);
    await third.close();
    await first.close();
  });

  test("a lease that was taken over while its tab was stopped: the tab writes nothing more", async () => {
    const [first, second] = [await open(), await open()];
    const hold = (page: Page) => page.evaluate(() => window.store.hold("stopped", true));
    expect(await hold(first)).toBe("open");
    expect(await first.evaluate(() => window.store.write("a", "sending"))).toBe("written");
    // The whole tab stands still, its timers, too.
    const stopped = first.evaluate(() => {
      const end = performance.now() + 3000;
      while (performance.now() < end);
      return window.store.write("a", "unknown", "sending");
    });
    expect(await hold(second)).toBe("open");
    expect(await second.evaluate(() => window.store.write("a", "approved", "sending"))).toBe("written");
    expect(await stopped).toMatch(/taken over|approved/);
    expect(await first.evaluate(() => window.store.write("b", "sending"))).toMatch(/taken over/);
    await first.close();
    await second.close();
  });

  test("a connection that died without a word is made anew", async () => {
    const page = await open();
    expect(await page.evaluate(() => window.store.disconnected())).toEqual(["a", "b"]);
    await page.close();
  });
});
