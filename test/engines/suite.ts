/**
 * The suite as one portable script: every case of test/cases in an engine that no test framework knows, over the library as it is
 * published (test/engines/bundle.js sees to that). Needs promises and nothing else of a host: no clock, no TextEncoder, no crypto.
 */
import { type BackendInfo, backendInfo, type LoadOptions, loadCrypto } from "../../ts/index.js";
import { allCases } from "../cases/index.js";
import { ok, same, type Suite } from "../harness.js";

export interface SuiteOptions {
  /** Default `auto`, as an app asks. */
  choice?: LoadOptions["backend"];
  /** The compiled module to load, where the host has one. */
  module?: WebAssembly.Module | undefined;
  /** The engine does not compile JavaScript: fewer repetitions inside the cases, not fewer cases. */
  interpreted?: boolean;
  /** Random bytes for an engine that has no CSPRNG: of the platform's, never made up. */
  randomBytes?: ((n: number) => Uint8Array) | undefined;
  /** Told before every case, for hosts that show progress or hang. */
  onCase?: (name: string) => void;
}

export interface Report {
  tier: string;
  /** Why this tier, in the library's words. */
  reason: string;
  /** How many cases there are; a row may add checks of its own to what passed or failed. */
  cases: number;
  passed: number;
  failed: number;
  /** `name: message` of the first failures. */
  failures: string[];
  interpreted: boolean;
}

interface Case {
  name: string;
  body: () => void | Promise<void>;
}

const MOST_FAILURES = 20;

/** Loads the library as an app does, then runs every case in turn. Rejects only if the library cannot be loaded. */
export async function runSuite(options: SuiteOptions = {}): Promise<Report> {
  const { choice = "auto", module, interpreted = false, randomBytes, onCase } = options;
  const info = await loadCrypto({ backend: choice, module, randomBytes });
  const cases = casesFor(info, interpreted);
  const { name: tier, reason } = info;
  const report: Report = { tier, reason, cases: cases.length, passed: 0, failed: 0, failures: [], interpreted };
  for (const { name, body } of cases) {
    onCase?.(name);
    try {
      await body();
      report.passed++;
    } catch (error) {
      report.failed++;
      if (report.failures.length < MOST_FAILURES) report.failures.push(`${name}: ${messageOf(error)}`);
    }
  }
  return report;
}

/** The same cases as test/node/core.test.ts runs, and one that is the first thing an app does. */
function casesFor(info: BackendInfo, interpreted: boolean): Case[] {
  const cases: Case[] = [
    {
      name: "says which backend it is and why",
      body: () => {
        const now = backendInfo();
        same(now.name, info.name);
        same(now.selfTest, "passed");
        same(now.constantTime, info.name !== "noble");
        ok(now.reason.length > 0, "reason");
      },
    },
  ];
  let group = "";
  const suite: Suite = {
    backend: info.name,
    interpreted,
    group: (name, body) => {
      const outer = group;
      group = `${outer}${name} > `;
      body();
      group = outer;
    },
    test: (name, body) => {
      cases.push({ name: `${group}${name}`, body });
    },
  };
  for (const list of allCases) list(suite);
  return cases;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
