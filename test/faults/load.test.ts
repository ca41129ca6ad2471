/** The load test, small: fewer terminals and charges, the same arrangements and the same demand. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { LoadReport } from "./load-run.js";
import { hasRedis } from "./redis-server.js";

const program = fileURLToPath(new URL("./load.js", import.meta.url));
const TERMINALS = 20;
const CHARGES = 5;

async function load(only: "one" | "two"): Promise<LoadReport> {
  const args = ["--terminals", String(TERMINALS), "--charges", String(CHARGES), "--only", only, "--json"];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [printed, complaints] = ["", ""];
  child.stdout.on("data", (part) => {
    printed += part;
  });
  child.stderr.on("data", (part) => {
    complaints += part;
  });
  const [code] = await once(child, "close");
  expect(complaints).toBe("");
  const [report] = JSON.parse(printed) as [LoadReport];
  expect(report.failures).toEqual({});
  expect(code).toBe(0);
  return report;
}

function expectExact(report: LoadReport): void {
  const count = TERMINALS * CHARGES;
  expect(report).toMatchObject({
    activated: TERMINALS,
    charges: count,
    approved: count,
    committed: count,
    distinct: count,
    told: count,
    exact: true,
  });
  expect(report.charge.p50).toBeGreaterThan(0);
  expect(report.chargesPerSecond).toBeGreaterThan(0);
  for (const { process, cpu, cryptoCalls } of report.spent) {
    expect(cpu).toBeGreaterThan(0);
    expect(cryptoCalls > 0).toBe(process !== "redis");
  }
}

describe("terminals at once", () => {
  test("one mock process: every charge approved and made once", async () => {
    const report = await load("one");
    expectExact(report);
    expect(report.byHost).toEqual([TERMINALS * CHARGES]);
  }, 120_000);

  test.skipIf(!hasRedis())(
    "two over one Redis: every charge approved and made once",
    async () => {
      const report = await load("two");
      expectExact(report);
      expect(report.stored).toBe(TERMINALS * CHARGES);
      // Each request of a terminal goes to the other process.
      expect(report.byHost).toHaveLength(2);
      for (const made of report.byHost) expect(made).toBeGreaterThan(0);
    },
    120_000,
  );
});
