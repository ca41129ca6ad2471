/** The merchant portal in a real Chromium, with a terminal in another page of it: pairing, activation, a charge, and what is shown. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createMockServer, generateProvision, type Listening, type MockServer } from "../../ts/mock/index.js";
import { bundle, hasChromium, launchChromium, type PageServer, servePage } from "./chromium.js";

const POS_BODY =
  '<h1>POS</h1><p>code <output id="code"></output></p><p>step <output id="step"></output></p><p>backend <output id="backend"></output></p><button id="charge">Charge 15.00</button><p>outcome <output id="outcome"></output></p>';

describe.skipIf(!hasChromium())("in Chromium", () => {
  let browser: Browser;
  let script: string;
  let context: BrowserContext;
  let server: MockServer;
  let listening: Listening;
  let pos: PageServer;
  /** What any page complained about. */
  let complaints: string[];

  beforeAll(async () => {
    [browser, script] = await Promise.all([launchChromium("MAP portal.test 127.0.0.1"), bundle("./pos-page.ts")]);
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    complaints = [];
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.on("weberror", (error) => complaints.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
  });
  afterEach(async () => {
    await context.close();
    await listening.close();
    await server.close();
    await pos?.close();
  });

  /** A mock whose terminals may run in pages of `pos`. */
  async function start(options: Parameters<typeof createMockServer>[0] = {}): Promise<void> {
    server = createMockServer({ portal: true, cors: "*", ...options });
    listening = await server.listen(0);
    pos = await servePage(POS_BODY, script, listening.url);
  }

  async function openPortal(url = `${listening.url}/portal`): Promise<Page> {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  async function startTerminal(index = 0): Promise<Page> {
    const page = await context.newPage();
    await page.goto(pos.origin);
    await page.waitForFunction(() => "startTerminal" in window);
    const device = server.provision.devices[index];
    if (device === undefined) throw new Error("no device");
    // Not awaited: it ends when the terminal is activated.
    await page.evaluate(([url, one]) => void window.startTerminal(url, one), [listening.url, device] as const);
    return page;
  }

  const codeOf = async (page: Page): Promise<string> => {
    await page.waitForFunction(() => document.getElementById("code")?.textContent?.length === 6);
    return (await page.textContent("#code")) ?? "";
  };

  const stage = (page: Page) => page.locator(".stages [aria-current=step]").first();

  test("a terminal is paired by the code typed into the portal, comes up, and charges", async () => {
    await start({ faults: ["delay@attest+config+activate:ms=900"] });
    const portal = await openPortal();
    await portal.getByText("live", { exact: true }).waitFor();
    expect(await stage(portal).textContent()).toBe("inactive");
    expect(await portal.getByText("No requests yet.").isVisible()).toBe(true);

    const terminal = await startTerminal();
    const code = await codeOf(terminal);
    expect(await terminal.textContent("#backend")).toBe("wasm-simd");
    await portal.getByText("pairing code: pending").waitFor();

    await portal.getByLabel("Pairing code").fill(code.toLowerCase());
    await portal.keyboard.press("Enter");
    await portal.getByText(`${server.provision.devices[0]?.device_id} is claimed.`).waitFor();
    for (const name of ["claimed", "keyed", "activated"]) {
      await portal.locator(".stages [aria-current=step]", { hasText: name }).waitFor({ timeout: 20_000 });
    }
    await terminal.getByText("ready").waitFor();

    // The check values shown are those of the keys that were issued.
    const cells = await portal.locator(".kcv td").allTextContents();
    expect(cells.length).toBe(6);
    for (const cell of cells) expect(cell).toMatch(/^[0-9A-F]{6}$/);
    expect(await portal.locator(".kcv th").allTextContents()).toEqual(["TMK", "KEK", "MSK", "TPK", "TDK", "MAC"]);

    await terminal.getByRole("button", { name: "Charge 15.00" }).click();
    await terminal.locator("#outcome", { hasText: "approved" }).waitFor();
    const row = portal.locator("#requests > li", { hasText: "/pos/charge" });
    await row.waitFor();
    expect(await row.textContent()).toContain("200 approved");
    await row.locator("summary").click();
    const shown = (await row.textContent()) ?? "";
    expect(shown).toContain("411111******1111");
    expect(shown).toContain('"value": "1500"');
    expect(shown).toContain("authorization_code");
    expect(shown).toContain(`under MSK ${cells[2]}`);
    expect(await portal.content()).not.toContain("4111111111111111");

    const paths = await portal.locator("#requests > li:visible .request").allTextContents();
    const order = ["bootstrap", "pairing-code", "claim", "attest", "keys", "config", "terminal-parameters", "activate", "charge"];
    const seen = paths.map((text) => /\/pos\/([a-z-]+)/.exec(text)?.[1] ?? "");
    expect(seen.filter((name, index) => seen.indexOf(name) === index)).toEqual(order);
    const screenshot = process.env["PORTAL_SCREENSHOT"];
    if (screenshot !== undefined) await portal.screenshot({ path: screenshot, fullPage: true });
    expect(complaints).toEqual([]);
  });

  test("a wrong code says so and keeps the page usable", async () => {
    await start();
    const portal = await openPortal();
    await portal.getByText("live", { exact: true }).waitFor();
    await portal.getByLabel("Pairing code").fill("222222");
    await portal.getByRole("button", { name: "Claim device" }).click();
    await portal.getByText("Not claimed: Invalid or expired pairing code").waitFor();
    expect(await portal.evaluate(() => document.activeElement?.id)).toBe("code");
    const terminal = await startTerminal();
    await portal.getByLabel("Pairing code").fill(await codeOf(terminal));
    await portal.getByRole("button", { name: "Claim device" }).click();
    await terminal.getByText("ready").waitFor();
  });

  test("faults are shown where they hit: a cut connection, and the same charge sent again", async () => {
    await start();
    const portal = await openPortal();
    const terminal = await startTerminal();
    await portal.getByLabel("Pairing code").fill(await codeOf(terminal));
    await portal.getByRole("button", { name: "Claim device" }).click();
    await terminal.getByText("ready").waitFor();
    server.faults.set(["drop-after@charge:count=1"], 1);
    await terminal.getByRole("button", { name: "Charge 15.00" }).click();
    const row = portal.locator("#requests > li", { hasText: "fault: drop-after" });
    await row.waitFor();
    expect(await row.textContent()).toContain("connection cut");
    await terminal.locator("#outcome", { hasText: /approved|unknown/ }).waitFor();
  });

  test("devices can be told apart, and status polls hidden", async () => {
    await start({ provision: generateProvision(2) });
    const portal = await openPortal();
    const terminals = [await startTerminal(0), await startTerminal(1)];
    for (const terminal of terminals) {
      await portal.getByLabel("Pairing code").fill(await codeOf(terminal));
      await portal.getByRole("button", { name: "Claim device" }).click();
      await terminal.getByText("ready").waitFor();
    }
    await portal.locator(".stages [aria-current=step]", { hasText: "activated" }).nth(1).waitFor();
    const [first, second] = server.provision.devices.map(({ device_id }) => device_id);
    await portal.getByLabel("Show").selectOption(first ?? "");
    const visible = portal.locator("#requests > li:visible");
    const devices = () => visible.evaluateAll((items) => items.map((item) => (item as HTMLElement).dataset["device"]));
    expect(new Set(await devices())).toEqual(new Set([first]));
    await portal.getByLabel("Show").selectOption(second ?? "");
    expect(new Set(await devices())).toEqual(new Set([second]));
    expect(await visible.locator(".request", { hasText: "/pos/status" }).count()).toBe(0);
    await portal.getByLabel("hide status polls").uncheck();
    expect(await visible.locator(".request", { hasText: "/pos/status" }).count()).toBeGreaterThan(0);
  });

  test("by another name than this machine's it needs the token, which leaves the address", async () => {
    await start();
    const base = listening.url.replace("127.0.0.1", "portal.test");
    const without = await openPortal(`${base}/portal`);
    await without.getByText("The portal's token is missing or wrong").waitFor();
    expect(await without.locator(".device").count()).toBe(0);
    const withToken = await openPortal(`${base}/portal#token=${server.portalToken}`);
    await withToken.getByText("live", { exact: true }).waitFor();
    expect(withToken.url()).toBe(`${base}/portal`);
    expect(await withToken.locator(".device").count()).toBe(1);
    const terminal = await startTerminal();
    await withToken.getByLabel("Pairing code").fill(await codeOf(terminal));
    await withToken.getByRole("button", { name: "Claim device" }).click();
    await terminal.getByText("ready").waitFor();
  });

  test("every control has a name, headings are in order, and a keyboard reaches everything", async () => {
    await start({ provision: generateProvision(2) });
    const portal = await openPortal();
    await portal.getByText("live", { exact: true }).waitFor();
    const problems = await portal.evaluate(() => {
      const found: string[] = [];
      for (const control of document.querySelectorAll<HTMLInputElement>("input, select, button")) {
        const named = control.labels?.length !== 0 || (control.textContent ?? "").trim() !== "";
        if (!named) found.push(`no name: ${control.outerHTML}`);
      }
      const levels = [...document.querySelectorAll("h1, h2, h3")].map((heading) => Number(heading.tagName[1]));
      if (levels[0] !== 1) found.push("the first heading is not h1");
      for (const [index, level] of levels.entries())
        if (level > (levels[index - 1] ?? 1) + 1) found.push("a heading level is skipped");
      const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
      if (new Set(ids).size !== ids.length) found.push("an id is used twice");
      if (document.documentElement.lang !== "en") found.push("no language");
      for (const name of ["aria-labelledby", "aria-describedby"]) {
        for (const element of document.querySelectorAll(`[${name}]`)) {
          for (const id of (element.getAttribute(name) ?? "").split(" ")) if (!ids.includes(id)) found.push(`${name}: no ${id}`);
        }
      }
      return found;
    });
    expect(problems).toEqual([]);
    const reached: string[] = [];
    await portal.keyboard.press("Tab");
    for (let i = 0; i < 9; i++) {
      reached.push(await portal.evaluate(() => document.activeElement?.id || (document.activeElement?.textContent ?? "").trim()));
      await portal.keyboard.press("Tab");
    }
    expect(reached.slice(0, 7)).toEqual([
      "Skip to the requests",
      "code",
      "Claim device",
      "filter",
      "polls",
      "follow",
      "requests",
    ]);
    // No sideways scrolling on a phone.
    await portal.setViewportSize({ width: 360, height: 740 });
    expect(await portal.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  });
});
