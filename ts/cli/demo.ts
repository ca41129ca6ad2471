/**
 * `viopay-pos demo`: the whole walkthrough, a mock host and a terminal in one process over real HTTP on loopback. Exit code 0 only if
 * every step was reached and every check of every step held.
 */
import { type BackendInfo, loadCrypto } from "../backend/select.js";
import { importKey } from "../core/keys/key.js";
import { createMockServer, type MockServer } from "../mock/index.js";
import { jsonReporter, type Reporter, textReporter } from "./demo/report.js";
import type { Step } from "./demo/step.js";
import { Walk } from "./demo/walk.js";
import { readFaults } from "./fault-options.js";
import type { Io } from "./io.js";
import { readOptions } from "./options.js";

export const usage = `usage: viopay-pos demo [--backend auto|wasm-simd|wasm|noble] [--fault SPEC]... [--seed N] [--json]

  --backend NAME   what computes; default auto
  --fault SPEC     the mock misbehaves, as in \`viopay-pos mock\`, and the terminal recovers: drop-after@charge:count=1
  --seed N         for faults with a probability
  --json           one JSON line a step, and one as summary

examples:
  viopay-pos demo
  viopay-pos demo --backend noble --fault drop-after@charge:count=1

Starts a mock API on a free loopback port, walks a terminal from first boot to payments, and checks every result.
`;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, { backend: "text", fault: "texts", seed: "text", json: "flag" });
  const choice = options.choice("backend", ["auto", "wasm-simd", "wasm", "noble"]) ?? "auto";
  const backend = await loadCrypto({ backend: choice });
  const mock = createMockServer(readFaults(options));
  try {
    return await demonstrate(mock, backend, options.flag("json") ? jsonReporter(io) : textReporter(io), io.signal);
  } finally {
    await mock.close();
  }
}

/** Walks a terminal through `mock` on a port of its own. Returns the exit code. */
export async function demonstrate(
  mock: MockServer,
  backend: BackendInfo,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number> {
  const [device] = mock.provision.devices;
  if (device === undefined) throw new Error("the mock has no device");
  const steps: Step[] = [];
  let broken = 0;
  const start = performance.now();
  const { url, close } = await mock.listen(0);
  const identityKey = importKey(device.identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" });
  const zmk = importKey(device.zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" });
  try {
    reporter.opening({ backend, host: url, deviceId: device.device_id });
    const walk = new Walk({
      baseUrl: url,
      deviceId: device.device_id,
      identityKeyId: device.identity_key_id,
      identityKey,
      zmk,
      merchantToken: await mock.merchantToken(),
      signal,
      onStep: (step) => {
        steps.push(step);
        reporter.step(step);
      },
    });
    try {
      await walk.run();
    } catch (error) {
      broken = 1;
      reporter.failure(walk.current, error);
    }
  } finally {
    identityKey.destroy();
    zmk.destroy();
    await close();
  }
  const checks = steps.flatMap((step) => step.checks);
  const passed = checks.filter((check) => check.passed).length;
  const failed = checks.length - passed + broken;
  reporter.summary({ backend, steps: steps.length, checks: passed, failed, ms: performance.now() - start });
  return failed === 0 ? 0 : 1;
}
