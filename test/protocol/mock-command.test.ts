/** `viopay-pos mock` as a command: faults and their seed, what may be combined, and where the portal is said to be. */
import { describe, expect, test } from "vitest";
import { toProvisionJson } from "../../ts/mock/index.js";
import { command, type Surroundings } from "./cli-io.js";
import { PROVISION } from "./mock-client.js";

const BOOTSTRAP = {
  "X-Device-Id": PROVISION.devices[0]?.device_id ?? "",
  "User-Agent": "Viopay-POS/1.4.2 (Android 12; PAX-A920)",
  "X-Client-Type": "pos",
};
const files = { "p.json": toProvisionJson(PROVISION) };

/** Runs the mock with the test's provisioning, hands its address to `use`, stops it, and returns what it printed. */
async function running(args: readonly string[], use: (url: string, out: () => string) => Promise<void>): Promise<string> {
  const stop = new AbortController();
  let printed = "";
  let started: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    started = resolve;
  });
  const around: Surroundings = {
    files,
    signal: stop.signal,
    onOut: (text) => {
      printed += text;
      if (/merchant.token/.test(printed)) started();
    },
  };
  const end = command(["mock", "--port", "0", "--provision", "p.json", ...args], around);
  try {
    await Promise.race([first, end.then(({ err }) => Promise.reject(new Error(err)))]);
    const url = /http:\/\/[0-9.:]+/.exec(printed)?.[0] ?? "";
    await use(url, () => printed);
  } finally {
    stop.abort();
  }
  const { code, out } = await end;
  expect(code).toBe(0);
  return out;
}

const bootstrap = (url: string) => fetch(`${url}/pos/bootstrap`, { method: "POST", headers: BOOTSTRAP });

describe("--fault and --seed", () => {
  test("faults happen, are printed with their requests, and a seed repeats them", async () => {
    const outcomes = async (seed: string): Promise<string> => {
      let seen = "";
      const args = ["--fault", "drop-after@bootstrap:count=1,skip=3", "--fault", "500@bootstrap:p=0.5", "--seed", seed];
      const out = await running(args, async (url) => {
        for (let i = 0; i < 12; i++)
          seen += await bootstrap(url).then(
            ({ ok }) => (ok ? "." : "5"),
            () => "x",
          );
      });
      expect(out).toContain(`faults: drop-after@bootstrap:count=1,skip=3  500@bootstrap:p=0.5, seed ${seed}\n`);
      expect(out).toMatch(/ {2}cut {2}POST \/pos\/bootstrap .* ms {2}drop-after(?: 500)?\n/);
      return seen;
    };
    const first = await outcomes("7");
    expect(first[3]).toBe("x");
    expect(first).toMatch(/5/);
    expect(first).toMatch(/\./);
    expect(await outcomes("7")).toBe(first);
  });

  test("--json tells the seed that was drawn, and the faults of a request", async () => {
    const out = await running(["--json", "--fault", "500@bootstrap"], async (url) => {
      expect((await bootstrap(url)).status).toBe(500);
    });
    const [first, second] = out.split("\n").map((line) => (line === "" ? {} : JSON.parse(line)));
    expect(Number.isInteger(first.seed)).toBe(true);
    expect(second.request).toMatchObject({ endpoint: "bootstrap", status: 500, faults: ["500"] });
  });

  test.each(["0", "3877936361", "4294967295"])("a seed of the API's range, as it is drawn and printed: %s", async (seed) => {
    const out = await running(["--json", "--fault", "500@bootstrap", "--seed", seed], async () => {});
    expect(JSON.parse(out.split("\n")[0] ?? "").seed).toBe(Number(seed));
  });

  test("faults are set while it runs, by the control endpoint", async () => {
    await running([], async (url) => {
      expect((await bootstrap(url)).status).toBe(200);
      const body = JSON.stringify({ faults: ["500@bootstrap"] });
      const set = await fetch(`${url}/mock/faults`, { method: "PUT", headers: { "Content-Type": "application/json" }, body });
      expect(set.status).toBe(200);
      expect((await bootstrap(url)).status).toBe(500);
    });
  });
});

test.each([
  ["--seed", "1"],
  ["--fault", "fire"],
  ["--fault", "wrong-kcv@charge"],
  ["--fault", "delay@charge:ms=forever"],
  ["--fault"],
  ["--fault", "500", "--seed", "-1"],
  ["--redis", "http://127.0.0.1", "--provision", "p.json"],
  ["--redis", "a-secret-password", "--provision", "p.json"],
  ["--redis", "redis://:a-secret-password@127.0.0.1:6379"],
  ["--redis", "env:NOT_SET", "--provision", "p.json"],
])("mock %s %s is wrong usage and quotes nothing", async (...args) => {
  const { code, out, err } = await command(["mock", "--port", "0", ...args], { files });
  expect([code, out]).toEqual([2, ""]);
  expect(err).not.toContain("a-secret-password");
});

test("a wrong fault is told what there is", async () => {
  const { err } = await command(["mock", "--fault", "wrong-kcv@charge"]);
  expect(err).toMatch(/"--fault.steps" must be of keys for wrong-kcv/);
  expect(err).toMatch(/; kinds of faults: .*drop-before, drop-after, delay/);
});

describe("the portal", () => {
  test("on loopback is named without a token", async () => {
    const out = await running([], async (url) => {
      expect((await fetch(`${url}/portal`)).headers.get("Content-Type")).toContain("text/html");
      expect((await fetch(`${url}/portal/state`)).status).toBe(200);
    });
    expect(out).toMatch(/^merchant portal: http:\/\/127\.0\.0\.1:[0-9]+\/portal$/m);
  });

  test("open to the network is named with the token, in JSON too", async () => {
    const out = await running(["--host", "0.0.0.0"], async () => {});
    expect(out).toMatch(/^merchant portal: http:\/\/0\.0\.0\.0:[0-9]+\/portal#token=[A-Za-z0-9]{32}$/m);
    const json = await running(["--host", "0.0.0.0", "--json"], async () => {});
    expect(JSON.parse(json.split("\n")[0] ?? "").portal).toMatch(/\/portal#token=[A-Za-z0-9]{32}$/);
  });
});
