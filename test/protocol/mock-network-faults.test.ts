/** Faults of the network and of what stands between terminal and host, embedded and on a port; and answers that are another's. */
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type FaultKind, type Listening, readFault } from "../../ts/mock/index.js";
import { createWorld, expectError, expectOk, type World } from "./mock-client.js";

let listening: Listening | undefined;
afterEach(async () => {
  await listening?.close();
  listening = undefined;
});

const HEADERS = {
  "X-Device-Id": "POS-8F3A2C91",
  "User-Agent": "Viopay-POS/1.4.2 (Android 12; PAX-A920)",
  "X-Client-Type": "pos",
};

async function bootstrap(world: World, how: "embedded" | "port", signal?: AbortSignal): Promise<Response> {
  const init = { method: "POST", headers: HEADERS, redirect: "manual" as const, ...(signal === undefined ? {} : { signal }) };
  if (how === "embedded") return world.server.fetch(new Request("http://mock.test/pos/bootstrap", init));
  listening ??= await world.server.listen();
  return fetch(`${listening.url}/pos/bootstrap`, init);
}

describe.each(["embedded", "port"] as const)("%s", (how) => {
  test.each(["429", "503"] as const)("%s has no effect and says when to come again", async (kind) => {
    const world = createWorld({ faults: [`${kind}@bootstrap:count=1,ms=2500`] });
    const answer = await bootstrap(world, how);
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([Number(kind), "3"]);
    expect((await bootstrap(world, how)).status).toBe(200);
  });

  test("html is a captive portal's page, redirect leads elsewhere, wrong-type is the right answer under a wrong name", async () => {
    const world = createWorld({ faults: ["html:count=1", "redirect:count=1,skip=1", "wrong-type:count=1,skip=2"] });
    const html = await bootstrap(world, how);
    expect([html.status, html.headers.get("Content-Type"), await html.text()]).toEqual([
      200,
      "text/html; charset=utf-8",
      expect.stringContaining("<!doctype html>"),
    ]);
    const redirect = await bootstrap(world, how);
    expect([redirect.status, redirect.headers.get("Location")]).toEqual([307, "https://redirect.invalid/pos/bootstrap"]);
    const text = await bootstrap(world, how);
    expect([text.headers.get("Content-Type"), ((await text.json()) as { status: string }).status]).toEqual(["text/plain", "ok"]);
  });

  test("cut-body breaks off, slow-body takes its time, endless-body does not end", async () => {
    const world = createWorld({ faults: ["cut-body:count=1", "slow-body:count=1,skip=1,ms=60", "endless-body:count=1,skip=2"] });
    await expect((await bootstrap(world, how)).text()).rejects.toThrow();
    const before = performance.now();
    expect(((await (await bootstrap(world, how)).json()) as { status: string }).status).toBe("ok");
    expect(performance.now() - before).toBeGreaterThan(50);
    const reader = (await bootstrap(world, how)).body!.getReader();
    let length = 0;
    while (length < 1_000_000) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the body ended");
      length += value.length;
    }
    await reader.cancel();
  });

  test("reset ends the connection after the effect", async () => {
    const world = createWorld({ faults: ["reset@bootstrap:count=1"] });
    await expect(bootstrap(world, how)).rejects.toThrow();
    expect((await bootstrap(world, how)).status).toBe(200);
  });
});

test("reset is a RST on a port: the peer sees ECONNRESET", async () => {
  listening = await createWorld({ faults: ["reset@bootstrap"] }).server.listen();
  const { port } = listening;
  const head = [
    "POST /pos/bootstrap HTTP/1.1",
    "Host: x",
    ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
  ];
  const code = await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`${head.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on("end", () => resolve("FIN"));
  });
  expect(code).toBe("ECONNRESET");
});

describe("answers", () => {
  test("another-answer is an earlier charge's, pending is no outcome, 409 has no effect", async () => {
    const world = createWorld({
      faults: ["another-answer@charge:count=2", "pending@charge:count=1,skip=2", "409@charge:count=1,skip=3"],
    });
    const terminal = await world.terminal.activated();
    const first = terminal.open(await expectOk(terminal.charge(terminal.chargeOf("1500"))));
    const second = terminal.open(await expectOk(terminal.charge(terminal.chargeOf("700"))));
    expect(second).toEqual(first);
    expect(terminal.open(await expectOk(terminal.charge(terminal.chargeOf())))).toMatchObject({ status: "pending" });
    expect((await world.server.ledger()).length).toBe(3);
    await expectError(terminal.charge(terminal.chargeOf()), 409, "4009");
    expect((await world.server.ledger()).length).toBe(3);
  });

  test("swapped-keys are the right keys in each other's place", async () => {
    const world = createWorld({ faults: ["swapped-keys:count=1"] });
    const terminal = await (await world.terminal.claimed()).attested();
    const { keys, verification } = (await expectOk(terminal.fetchKeys())).body as unknown as {
      keys: Record<string, { key_block: string }>;
      verification: { kcv: Record<string, string> };
    };
    expect(keys["msk"]?.key_block).not.toBe(keys["tdk"]?.key_block);
    const issued = world.server.requests().at(-1)?.response as { verification: { kcv: Record<string, string> } };
    const { msk, tdk } = issued.verification.kcv;
    expect([verification.kcv["msk"], verification.kcv["tdk"]]).toEqual([tdk, msk]);
  });
});

test.each<FaultKind>(["slow-body", "429", "503"])("%s takes ms", (kind) => {
  expect(readFault(`${kind}:ms=5`)).toEqual({ kind, ms: 5 });
});
