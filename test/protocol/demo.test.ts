/** The demo: every step checked on every backend, nothing secret printed, and a host that misbehaves is a failure. */
import { afterEach, describe, it } from "vitest";
import { loadCrypto } from "../../ts/backend/select.js";
import { demonstrate } from "../../ts/cli/demo.js";
import type { Reporter } from "../../ts/cli/demo/report.js";
import type { Step } from "../../ts/cli/demo/step.js";
import { createMockServer, generateProvision, type Middleware } from "../../ts/mock/index.js";
import { ok, same } from "../harness.js";
import { command } from "./cli-io.js";

const ENDPOINTS =
  /^(?:GET \/pos\/status|POST \/pos\/(?:bootstrap|pairing-code|claim|attest|keys|config|terminal-parameters|activate|charge(?:\/ch_\w+\/(?:refund|cancel|reverse))?))$/;

interface Line {
  number?: number;
  request?: string;
  status?: number;
  checks?: { passed: boolean }[];
  protection?: { action: string; backend?: string; key?: string }[];
  summary?: { steps: number; checks_passed: number; failed: number; backend: string };
}

afterEach(async () => {
  await loadCrypto();
});

describe("viopay-pos demo", () => {
  for (const backend of ["wasm-simd", "wasm", "noble"] as const) {
    it(`--json on ${backend}: all thirteen endpoints, every check passed`, async () => {
      const { code, out, err } = await command(["demo", "--json", "--backend", backend]);
      same([code, err], [0, ""]);
      const lines = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Line);
      const steps = lines.filter((line) => line.number !== undefined);
      const summary = lines.at(-1)!.summary!;
      same([summary.steps, summary.failed, summary.backend], [steps.length, 0, backend]);
      same(summary.checks_passed, steps.flatMap((step) => step.checks!).length);
      for (const step of steps) {
        ok(ENDPOINTS.test(step.request!), step.request);
        ok(step.checks!.length > 0 && step.checks!.every((check) => check.passed), `checks of ${step.request}`);
      }
      const endpoints = new Set(steps.map((step) => step.request!.replace(/ch_\w+/, ":id")));
      same(endpoints.size, 13, "endpoints");
      const protections = steps.flatMap((step) => step.protection!);
      same([...new Set(protections.flatMap((item) => item.backend ?? []))], [backend], "who did the cryptography");
      for (const action of ["signed", "unwrapped", "opened", "sealed", "enciphered"]) {
        ok(
          protections.some((item) => item.action === action),
          action,
        );
      }
      for (const key of ["ZMK", "TMK", "KEK", "MSK", "TPK", "TDK"])
        ok(
          protections.some((item) => item.key === key),
          key,
        );
    });
  }

  it("text: one line a step, a summary at the end, colours only when allowed", async () => {
    const plain = await command(["demo"]);
    same(plain.code, 0);
    ok(!plain.out.includes("\u001b"), "no colours");
    const steps = plain.out.split("\n").filter((line) => /^ ?\d+ {2}/.test(line));
    const last = plain.out.trimEnd().split("\n").at(-1)!;
    ok(new RegExp(`^${steps.length} steps, \\d+ checks passed, 0 failed, [\\d.]+ ms, wasm-simd$`).test(last), last);
    ok(
      plain.out.split("\n").every((line) => line.length <= 140 && !line.endsWith(" ")),
      "lines fit",
    );
    ok((await command(["demo"], { color: true })).out.includes("\u001b[32m"), "colours");
  });
});

/** Runs the demo against a mock that misbehaves; the steps it reported and its exit code. */
async function against(middleware: Middleware): Promise<{ code: number; steps: Step[]; failures: string[]; failed: number }> {
  const mock = createMockServer({ middleware: [middleware] });
  const backend = await loadCrypto();
  const steps: Step[] = [];
  const failures: string[] = [];
  let failed = 0;
  const reporter: Reporter = {
    opening: () => {},
    step: (step) => steps.push(step),
    failure: (during) => failures.push(during),
    summary: (summary) => {
      failed = summary.failed;
    },
  };
  try {
    return { code: await demonstrate(mock, backend, reporter, new AbortController().signal), steps, failures, failed };
  } finally {
    await mock.close();
  }
}

describe("a host that misbehaves", () => {
  it("a host that misbehaves on command: the terminal recovers, and every check still holds", async () => {
    const faults = ["drop-after@charge:count=1", "500@keys:count=1", "401@config:count=1"].flatMap((spec) => ["--fault", spec]);
    const { code, out, err } = await command(["demo", "--json", "--seed", "7", ...faults]);
    same([code, err], [0, ""]);
    const { summary } = JSON.parse(out.trim().split("\n").at(-1)!) as Line;
    same([summary!.steps, summary!.failed], [18, 0]);
    same((await command(["demo", "--seed", "7"])).code, 2, "a seed without faults");
  });

  it("an answer that cannot be opened ends the walk with exit code 1", async () => {
    const { code, failures } = await against(async (context, next) => {
      const reply = await next();
      if (context.path !== "/pos/config") return reply;
      const envelope = JSON.parse(reply.body) as { ciphertext: string };
      const { ciphertext } = envelope;
      return {
        ...reply,
        body: JSON.stringify({ ...envelope, ciphertext: ciphertext.slice(0, -1) + (ciphertext.endsWith("0") ? "1" : "0") }),
      };
    });
    same([code, failures], [1, ["Config"]]);
  });

  it("an error ends the walk", async () => {
    const { code, steps, failures } = await against(async (context, next) => {
      const reply = await next();
      return context.path === "/pos/activate" ? { ...reply, status: 500 } : reply;
    });
    same([code, failures], [1, ["Activate"]]);
    same(steps.at(-1)!.name, "Terminal parameters");
  });

  it("a check that does not hold is counted, and the exit code is 1", async () => {
    const { code, steps, failures, failed } = await against(async (context, next) => {
      const reply = await next();
      return context.path === "/pos/pairing-code" ? { ...reply, body: reply.body.replace("300", "299") } : reply;
    });
    same([code, failures, failed], [1, [], 1]);
    same(
      steps
        .flatMap((step) => step.checks)
        .filter((check) => !check.passed)
        .map((check) => check.what),
      ["valid for 299 s"],
    );
  });
});

it("prints no secret", async () => {
  const provision = generateProvision();
  const mock = createMockServer({ provision });
  const backend = await loadCrypto();
  const { jsonReporter, textReporter } = await import("../../ts/cli/demo/report.js");
  const printed: string[] = [];
  const io = { out: (line: string) => void printed.push(line), color: false } as Parameters<typeof textReporter>[0];
  const [text, json] = [textReporter(io), jsonReporter(io)];
  const each = (tell: (reporter: Reporter) => void): void => {
    tell(text);
    tell(json);
  };
  const both: Reporter = {
    opening: (opening) => each((reporter) => reporter.opening(opening)),
    step: (step) => each((reporter) => reporter.step(step)),
    failure: (during, error) => each((reporter) => reporter.failure(during, error)),
    summary: (summary) => each((reporter) => reporter.summary(summary)),
  };
  try {
    same(await demonstrate(mock, backend, both, new AbortController().signal), 0);
  } finally {
    await mock.close();
  }
  const out = printed.join("").toLowerCase();
  const [device] = provision.devices;
  const jwt = provision.jwt as { hs256_secret: string };
  for (const secret of [
    device!.identity_secret,
    device!.zmk,
    jwt.hs256_secret,
    "4111111111111111",
    "att_",
    "eyJhbGciOi",
    "v1=",
  ]) {
    ok(!out.includes(secret.toLowerCase()), `absence of ${secret.slice(0, 4)}`);
  }
});
