/** The mock without a port: a service worker of the page's own origin is the host, and the page's terminal charges against it. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProvisionedDevice } from "../../ts/mock/index.js";
import { bundle, hasChromium, launchChromium, type PageServer, servePage } from "./chromium.js";

describe.skipIf(!hasChromium())("in Chromium", () => {
  let browser: Browser;
  let served: PageServer;

  beforeAll(async () => {
    const [page, worker] = await Promise.all([bundle("./pos-page.ts"), bundle("./mock-worker.ts")]);
    const body =
      '<output id="code"></output><output id="step"></output><button id="charge">Charge</button><output id="outcome"></output>';
    served = await servePage(body, page, "'self'", { "/worker.js": worker });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  test("pairing, activation and a charge with a service worker as the host", async () => {
    const page = await browser.newPage();
    const sent: string[] = [];
    page.on("request", (request) => sent.push(new URL(request.url()).pathname));
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(served.origin);
    await page.evaluate(async () => {
      await navigator.serviceWorker.register("/worker.js");
      await navigator.serviceWorker.ready;
      if (navigator.serviceWorker.controller === null) {
        await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
      }
    });
    const provision = await page.evaluate(async () => (await fetch("/test/provision")).json());
    const device = (provision as { devices: ProvisionedDevice[] }).devices[0];
    if (device === undefined) throw new Error("no device");
    await page.evaluate(([url, one]) => void window.startTerminal(url, one), [served.origin, device] as const);
    await page.waitForFunction(() => document.getElementById("code")?.textContent?.length === 6);
    const claimed = await page.evaluate(async () => {
      const token = await (await fetch("/test/token")).text();
      const response = await fetch("/pos/claim", {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ pairing_code: document.getElementById("code")?.textContent }),
      });
      return response.status;
    });
    expect(claimed).toBe(200);
    await page.getByText("ready").waitFor();
    await page.getByRole("button", { name: "Charge" }).click();
    await page.locator("#outcome", { hasText: "approved" }).waitFor();
    expect(complaints).toEqual([]);
    expect(sent).toContain("/pos/charge");
    expect(served.asked.filter((path) => path.startsWith("/pos/"))).toEqual([]);
  });
});
