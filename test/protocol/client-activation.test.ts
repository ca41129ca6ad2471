/** The terminal's way to activation against the mock host: every step, out of order, refused, tampered with, repeated. */
import { describe, expect, it } from "vitest";
import { importKey } from "../../ts/core/keys/key.js";
import { PosTerminal, type PosTerminalOptions } from "../../ts/client/index.js";
import { ok, rejectsCode, same, throwsCode } from "../harness.js";
import { apiError, json, ORIGIN, TEN, World } from "./client-world.js";

type Step = (terminal: PosTerminal) => Promise<unknown>;

describe("setUp", () => {
  it("walks every step in order and leaves a terminal that can charge", async () => {
    const world = new World();
    const steps: string[] = [];
    const terminal = world.terminal();
    const activation = await terminal.setUp({
      pollMs: 1,
      onStep: (step, ms) => {
        steps.push(step);
        ok(ms >= 0, "a duration");
      },
      onPairingCode: ({ code, expiresInSec }) => {
        ok(/^[2-9A-HJ-NP-Z]{6}$/.test(code), "a pairing code");
        same(expiresInSec, 300);
        void world.claim(code);
      },
    });
    same(activation.status, "activated");
    same(steps, [
      "bootstrap",
      "status",
      "pairing-code",
      "claimed",
      "attest",
      "keys",
      "config",
      "terminal-parameters",
      "activate",
    ]);
    same(terminal.terminalId, world.device.terminal_id);
    same(terminal.activatedAt, activation.activatedAt);
    same((await terminal.charge(TEN)).outcome, "approved");
  });

  it("leaves out the pairing of a device that is claimed already", async () => {
    const world = new World();
    await world.activate(world.terminal());
    const again = world.terminal();
    let asked = 0;
    await again.setUp({ onPairingCode: () => asked++ });
    same(asked, 0);
    same((await again.charge(TEN)).outcome, "approved");
  });

  it("asks for a new code when one has expired unused", async () => {
    const world = new World();
    const codes: string[] = [];
    await world.terminal().setUp({
      pollMs: 1,
      onPairingCode: ({ code }) => {
        codes.push(code);
        if (codes.length === 1) world.clock.now += 301_000;
        else void world.claim(code);
      },
    });
    same(codes.length, 2);
    ok(codes[0] !== codes[1], "another code");
  });

  it("works over real HTTP, below a path that the signatures cover", async () => {
    const world = new World({ now: Date.now, basePath: "/api/v2" });
    const listening = await world.server.listen();
    try {
      const { device_id, identity_key_id, identity_secret, zmk } = world.device;
      // No fetch is given: the platform's own.
      const terminal = new PosTerminal({
        baseUrl: `${listening.url}/`,
        deviceId: device_id,
        identityKeyId: identity_key_id,
        identityKey: importKey(identity_secret, { algorithm: "HMAC", usage: "M7" }),
        zmk: importKey(zmk, { algorithm: "AES", usage: "K0" }),
        appVersion: "1.4.2",
        os: "Android 12",
        model: "PAX-A920",
      });
      await terminal.setUp({
        pollMs: 5,
        onPairingCode: ({ code }) => {
          void world.server.merchantToken().then((token) =>
            fetch(`${listening.url}/pos/claim`, {
              method: "POST",
              headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
              body: JSON.stringify({ pairing_code: code }),
            }),
          );
        },
      });
      const outcome = await terminal.charge({ ...TEN, pin_block: terminal.encryptPin({ pin: "1234", pan: TEN.card.number }) });
      same(outcome.outcome, "approved");
      if (outcome.outcome === "approved") same((await terminal.cancel(outcome.chargeId)).outcome, "approved");
    } finally {
      await listening.close();
    }
  });
});

describe("headers", () => {
  it("sends each level's own", async () => {
    const world = new World();
    const terminal = await world.activate(world.terminal());
    await terminal.charge(TEN);
    const header = (path: string) => world.wire.find((sent) => sent.path === path)!.headers;
    const agent = "Viopay-POS/1.4.2 (Android 12; PAX-A920)";
    same(header("/pos/bootstrap"), { "X-Device-Id": world.device.device_id, "User-Agent": agent, "X-Client-Type": "pos" });
    const attest = header("/pos/attest");
    same(attest["X-Key-Id"], world.device.identity_key_id);
    same(attest["X-Timestamp"], "2026-01-15T12:00:00Z");
    ok(/^[A-Za-z0-9]{12,}$/.test(attest["X-Nonce"]!), "a nonce");
    ok(/^v1=[A-Za-z0-9+/]{43}=$/.test(attest["X-Signature"]!), "a signature");
    ok(/^Attestation att_/.test(header("/pos/keys")["Authorization"]!), "the token");
    same(Object.keys(header("/pos/config")), ["Authorization", "X-Device-Id"]);
    const charge = header("/pos/charge");
    same(charge["X-Terminal-Id"], world.device.terminal_id);
    same(charge["X-Key-Id"], world.device.hmac_key_id);
    same(charge["X-Client-Type"], "pos");
    same(charge["Content-Type"], "application/json");
    ok(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(charge["Idempotency-Key"]!),
      "a UUID of version 4",
    );
    const nonces = world.wire.flatMap((sent) => sent.headers["X-Nonce"] ?? []);
    same(new Set(nonces).size, nonces.length, "fresh nonces");
  });

  it("uses macKeyId where the host does not name the MAC key", async () => {
    const world = new World();
    world.fault = async (path, pass) => {
      const response = await pass();
      if (path !== "/pos/keys") return response;
      const keys = (await response.json()) as { keys: { mac: { key_id?: string } } };
      delete keys.keys.mac.key_id;
      return json(200, keys);
    };
    const terminal = await world.activate(world.terminal({ macKeyId: world.device.hmac_key_id }));
    same((await terminal.charge(TEN)).outcome, "approved");
    const nameless = world.terminal();
    await nameless.setUp();
    await rejectsCode(nameless.charge(TEN), "ERR_INVALID_ARGUMENT", /macKeyId/);
  });
});

describe("steps out of order", () => {
  const early: readonly (readonly [string, Step])[] = [
    ["createPairingCode", (t) => t.createPairingCode()],
    ["fetchStatus", (t) => t.fetchStatus()],
    ["waitUntilClaimed", (t) => t.waitUntilClaimed()],
    ["attest", (t) => t.attest()],
    ["installKeys", (t) => t.installKeys()],
    ["fetchConfig", (t) => t.fetchConfig()],
    ["fetchTerminalParameters", (t) => t.fetchTerminalParameters()],
    ["activate", (t) => t.activate()],
    ["charge", (t) => t.charge(TEN)],
    ["refund", (t) => t.refund("ch_1", { amount: TEN.amount })],
    ["cancel", (t) => t.cancel("ch_1")],
    ["reverse", (t) => t.reverse("ch_1")],
  ];
  for (const [name, step] of early) {
    it(`${name} first: ERR_STATE, nothing sent`, async () => {
      const world = new World();
      const terminal = world.terminal();
      await rejectsCode(step(terminal), "ERR_STATE");
      same(world.wire.length, 0);
      throwsCode(() => terminal.encryptPin({ pin: "1234", pan: TEN.card.number }), "ERR_STATE");
      throwsCode(() => terminal.sealAuxiliary({}), "ERR_STATE");
    });
  }

  it("each step names the one it needs", async () => {
    const world = new World();
    const terminal = world.terminal();
    await terminal.bootstrap();
    await rejectsCode(terminal.waitUntilClaimed(), "ERR_STATE", /createPairingCode\(\)/);
    await rejectsCode(terminal.attest(), "ERR_STATE", /waitUntilClaimed\(\)/);
    const { code } = await terminal.createPairingCode();
    await world.claim(code);
    await terminal.waitUntilClaimed();
    await rejectsCode(terminal.installKeys(), "ERR_STATE", /attest\(\)/);
    await terminal.attest();
    await rejectsCode(terminal.fetchConfig(), "ERR_STATE", /installKeys\(\)/);
    await terminal.installKeys();
    await rejectsCode(terminal.charge(TEN), "ERR_STATE", /fetchConfig\(\)/);
    const error = (await rejectsCode(terminal.activate(), "ERR_STATE", /emv_ready/)) as Error & { details: { unmet: string[] } };
    same(error.details.unmet, ["emv_ready"]);
    await terminal.fetchConfig();
    await rejectsCode(terminal.activate(), "ERR_STATE", /emv_ready/);
    await rejectsCode(terminal.charge(TEN), "ERR_STATE", /activate\(\)/);
    await terminal.fetchTerminalParameters();
    same(world.wire.filter(({ path }) => path === "/pos/activate").length, 0);
    await terminal.activate();
  });
});

describe("bootstrap", () => {
  for (const [appVersion, minimum, tooOld] of [
    ["1.4.2", "1.4.2", false],
    ["1.4.2", "1.4", false],
    ["1.10.0", "1.9.9", false],
    ["2", "1.9.9", false],
    ["1.4.2", "1.4.3", true],
    ["1.4.2", "1.4.2.1", true],
    ["1.4.2-beta", "1.4.2", true],
    ["1.9.9", "1.10.0", true],
  ] as const) {
    it(`app ${appVersion}, minimum ${minimum}: ${tooOld ? "ERR_VERSION_TOO_OLD" : "goes on"}`, async () => {
      const world = new World({ appVersionMin: minimum });
      const terminal = world.terminal({ appVersion });
      if (!tooOld) {
        same((await terminal.bootstrap()).minSupportedVersion, minimum);
        return;
      }
      const error = (await rejectsCode(terminal.bootstrap(), "ERR_VERSION_TOO_OLD")) as Error & { details: object };
      same(error.details, { minSupportedVersion: minimum, appVersion });
      await rejectsCode(terminal.createPairingCode(), "ERR_STATE");
    });
  }

  it("applies the host's time to signatures", async () => {
    const world = new World();
    const terminal = world.terminal({ now: () => world.clock.now - 7_200_000 });
    same((await terminal.bootstrap()).clockOffsetMs, 7_200_000);
    await world.activate(terminal);
    same(terminal.clockOffsetMs, 7_200_000);
    same((await terminal.charge(TEN)).outcome, "approved");
    same(world.wire.at(-1)!.headers["X-Timestamp"], "2026-01-15T12:00:00Z");
  });

  it("a clock that goes wrong after bootstrap: the host's 401 says so, with the offset, and the clock is right again", async () => {
    const world = new World();
    let skew = 0;
    const terminal = world.terminal({ now: () => world.clock.now + skew });
    await terminal.bootstrap();
    const { code } = await terminal.createPairingCode();
    await world.claim(code);
    await terminal.waitUntilClaimed();
    skew = 600_000;
    const error = (await rejectsCode(terminal.attest(), "ERR_HOST")) as Error & { details: Record<string, unknown> };
    same([error.details["status"], error.details["code"]], [401, "4001"]);
    ok(typeof error.details["trace_id"] === "string", "a trace id");
    ok(/clock was 600 s ahead of the host's/.test(error.message), "the explanation");
    same([error.details["clockSkewMs"], error.details["clockOffsetMs"], terminal.clockOffsetMs], [600_000, -600_000, -600_000]);
    same((await terminal.attest()).expiresInSec, 300);
  });

  for (const [what, answer] of [
    ["another status", { status: "maintenance", server_time: "2026-01-15T12:00:00Z" }],
    ["no time", { status: "ok" }],
    ["a time that is none", { status: "ok", server_time: "2026-13-15T12:00:00Z" }],
    ["a local time", { status: "ok", server_time: "2026-01-15T12:00:00+01:00" }],
    ["a version that is none", { status: "ok", server_time: "2026-01-15T12:00:00Z", min_supported_version: "new" }],
    ["inherited members", '{"__proto__":{"status":"ok","server_time":"2026-01-15T12:00:00Z"}}'],
    ["an array", []],
    ["null", "null"],
  ] as const) {
    it(`${what} is ERR_HOST_RESPONSE`, async () => {
      const world = new World();
      world.fault = async () => json(200, answer);
      const terminal = world.terminal();
      await rejectsCode(terminal.bootstrap(), "ERR_HOST_RESPONSE");
      await rejectsCode(terminal.createPairingCode(), "ERR_STATE");
      expect(({} as Record<string, unknown>)["status"]).toBeUndefined();
    });
  }
});

describe("pairing", () => {
  it("tells an expired code", async () => {
    const world = new World();
    const terminal = world.terminal();
    await terminal.bootstrap();
    await terminal.createPairingCode();
    world.clock.now += 301_000;
    await rejectsCode(terminal.waitUntilClaimed({ pollMs: 1 }), "ERR_PAIRING_EXPIRED");
  });

  it("waiting ends with the signal, at once", async () => {
    const world = new World();
    const terminal = world.terminal();
    await terminal.bootstrap();
    await terminal.createPairingCode();
    const stop = new AbortController();
    const waiting = terminal.waitUntilClaimed({ signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await rejectsCode(waiting, "ERR_ABORTED");
    const before = world.wire.length;
    await rejectsCode(terminal.fetchStatus({ signal: stop.signal }), "ERR_ABORTED");
    same(world.wire.length, before, "requests after the abort");
  });

  it("refuses a code that could do harm on a screen", async () => {
    const world = new World();
    const terminal = world.terminal();
    await terminal.bootstrap();
    world.fault = async () => json(200, { pairing_code: "<b>A3K9F2", expires_in_sec: 300 });
    await rejectsCode(terminal.createPairingCode(), "ERR_HOST_RESPONSE");
  });
});

/** A claimed and attested terminal. */
async function attested(world: World): Promise<PosTerminal> {
  const terminal = world.terminal();
  await terminal.bootstrap();
  const { code } = await terminal.createPairingCode();
  await world.claim(code);
  await terminal.waitUntilClaimed();
  await terminal.attest();
  return terminal;
}

describe("attestation", () => {
  const paths = (world: World, from: number) => world.wire.slice(from).map(({ path }) => path);

  it("that has expired is replaced automatically, before the host is asked", async () => {
    const world = new World();
    const terminal = await attested(world);
    world.clock.now += 300_000;
    const before = world.wire.length;
    await terminal.installKeys();
    same(paths(world, before), ["/pos/attest", "/pos/keys"]);
  });

  it("that the host has revoked is replaced automatically", async () => {
    const world = new World();
    const terminal = await attested(world);
    await world.terminal().setUp();
    const before = world.wire.length;
    await terminal.installKeys();
    same(paths(world, before), ["/pos/keys", "/pos/attest", "/pos/keys"]);
  });

  it("is replaced once a call: a second refusal is the caller's", async () => {
    const world = new World();
    const terminal = await attested(world);
    world.fault = async (path, pass) => (path === "/pos/keys" ? apiError(401, "4001") : pass());
    const before = world.wire.length;
    const error = (await rejectsCode(terminal.installKeys(), "ERR_HOST")) as Error & { details: Record<string, unknown> };
    same(error.details["status"], 401);
    same(paths(world, before), ["/pos/keys", "/pos/attest", "/pos/keys"]);
    world.fault = undefined;
    await terminal.installKeys();
  });

  it("a wrong identity secret is the host's 401", async () => {
    const world = new World();
    await world.activate(world.terminal());
    const wrong = importKey("00".repeat(31) + "01", { algorithm: "HMAC", usage: "M7" });
    const error = (await rejectsCode(world.terminal({ identityKey: wrong }).setUp(), "ERR_HOST")) as Error & {
      details: Record<string, unknown>;
    };
    same(error.details["status"], 401);
  });

  for (const token of ["nope", "att_", "att_a b", "att_x\r\nX-Evil: 1", 7]) {
    it(`a token like ${JSON.stringify(token)} is refused`, async () => {
      const world = new World();
      const terminal = await attested(world);
      world.fault = async () => json(200, { status: "attested", attestation_token: token, expires_in_sec: 300 });
      await rejectsCode(terminal.attest(), "ERR_HOST_RESPONSE");
    });
  }
});

describe("keys", () => {
  type KeysAnswer = { keys: Record<string, { key_block: string }>; verification: { kcv: Record<string, string> } };
  const damages: readonly (readonly [string, string, (answer: KeysAnswer) => void])[] = [
    ["a damaged block", "ERR_KEY_BLOCK_MAC", ({ keys }) => (keys["msk"]!.key_block = flipLast(keys["msk"]!.key_block))],
    ["a wrong check value", "ERR_KCV_MISMATCH", ({ verification }) => (verification.kcv["mac"] = "000000")],
    ["a missing check value", "ERR_KEY_SET", ({ verification }) => delete verification.kcv["tdk"]],
    ["a missing key", "ERR_KEY_SET", ({ keys }) => delete keys["tpk"]],
    ["exchanged keys", "ERR_KEY_SET", ({ keys }) => ([keys["tpk"], keys["msk"]] = [keys["msk"]!, keys["tpk"]!])],
  ];
  for (const [what, code, damage] of damages) {
    it(`${what}: ${code}, and no key is left`, async () => {
      const world = new World();
      const terminal = await attested(world);
      world.fault = async (_path, pass) => {
        const answer = (await (await pass()).json()) as KeysAnswer;
        damage(answer);
        return json(200, answer);
      };
      await rejectsCode(terminal.installKeys(), code as "ERR_KEY_SET");
      same(terminal.keys, undefined);
      world.fault = undefined;
      await terminal.installKeys();
      ok(terminal.keys !== undefined, "keys after a good answer");
    });
  }

  it("a new set replaces the old one, whose keys are wiped", async () => {
    const world = new World();
    const terminal = await world.ready();
    const old = terminal.keys!;
    await terminal.attest();
    const fresh = await terminal.installKeys();
    ok(old.msk.destroyed && old.mac.destroyed && old.tpk.destroyed && old.tdk.destroyed, "the old keys are wiped");
    ok(fresh !== old && !fresh.msk.destroyed, "a new set");
    same((await terminal.charge(TEN)).outcome, "approved");
  });

  it("a failed renewal keeps the keys that work", async () => {
    const world = new World();
    const terminal = await world.ready();
    await terminal.attest();
    world.fault = async (path, pass) => (path === "/pos/keys" ? apiError(500, "5000") : pass());
    await rejectsCode(terminal.installKeys(), "ERR_HOST");
    same((await terminal.charge(TEN)).outcome, "approved");
  });

  it("a charge during a renewal waits for the new keys", async () => {
    const world = new World();
    const terminal = await world.ready();
    await terminal.attest();
    const renewal = terminal.installKeys();
    const charge = terminal.charge(TEN);
    await rejectsCode(terminal.installKeys(), "ERR_STATE");
    const keys = await renewal;
    same((await charge).outcome, "approved");
    same(world.events.at(-1)!.keyKcv, keys.checkValues.msk.kcv);
  });

  it("a renewal while a payment is under way, and while it is open: the payment keeps its keys", async () => {
    const world = new World();
    const terminal = await world.ready();
    await terminal.attest();
    world.fault = async (path, pass) => {
      if (path !== "/pos/charge") return pass();
      await terminal.installKeys();
      await pass();
      throw new TypeError("dropped");
    };
    const old = terminal.keys!;
    same((await terminal.charge(TEN)).outcome, "unknown");
    world.fault = undefined;
    await terminal.installKeys();
    ok(!old.msk.destroyed, "kept");
    same([(await terminal.recover()).payments[0]!.state, world.charges().length], ["approved", 1]);
    same(world.events.at(-1)!.keyKcv, old.checkValues.msk.kcv);
    ok(old.msk.destroyed, "wiped once nothing needs it");
    same((await terminal.charge(TEN)).outcome, "approved");
  });

  it("a renewal while a cancellation is under way leaves the keys for its answer", async () => {
    const world = new World();
    const terminal = await world.ready();
    const charge = await terminal.charge(TEN);
    if (charge.outcome !== "approved") throw new Error(charge.outcome);
    await terminal.attest();
    world.fault = async (path, pass) => {
      if (path.endsWith("/cancel")) await terminal.installKeys();
      return await pass();
    };
    const old = terminal.keys!;
    same((await terminal.cancel(charge.chargeId)).outcome, "approved");
    ok(old.msk.destroyed && !terminal.keys!.msk.destroyed, "the old keys are wiped when it is over");
  });

  it("keys that the app destroyed are not used", async () => {
    const world = new World();
    const terminal = await world.ready();
    terminal.keys!.destroy();
    await rejectsCode(terminal.charge(TEN), "ERR_STATE", /installKeys\(\)/);
    same([world.wire.length, terminal.activationConditions.keys_installed], [0, false]);
  });

  it("expired keys are not used: without new ones nothing is sent", async () => {
    const world = new World({ lifetimes: { keySet: 3600 } });
    const terminal = await world.ready();
    const old = terminal.keys!;
    world.clock.now += 3_600_000;
    world.fault = async (path, pass) => (path === "/pos/keys" ? apiError(500, "5000") : pass());
    await rejectsCode(terminal.charge(TEN), "ERR_HOST");
    ok(!world.wire.some(({ path }) => path === "/pos/charge"), "no charge");
    world.fault = undefined;
    same((await terminal.charge(TEN)).outcome, "approved");
    ok(terminal.keys !== old && old.msk.destroyed, "a new set");
  });
});

function flipLast(block: string): string {
  return block.slice(0, -1) + (block.endsWith("0") ? "1" : "0");
}

describe("configuration", () => {
  it("opens config and parameters", async () => {
    const world = new World();
    const terminal = await world.activate(world.terminal());
    same((terminal.config!["terminal"] as Record<string, unknown>)["device_id"], world.device.device_id);
    ok(JSON.stringify(terminal.terminalParameters).length > 150_000, "realistic parameters");
    const parameters = world.wire.find(({ path }) => path === "/pos/terminal-parameters")!;
    ok((JSON.parse(parameters.answer) as { chunks: unknown[] }).chunks.length > 1, "several chunks");
  });

  for (const [path, step] of [
    ["/pos/config", (t) => t.fetchConfig()],
    ["/pos/terminal-parameters", (t) => t.fetchTerminalParameters()],
  ] as readonly (readonly [string, Step])[]) {
    it(`${path}: damage and foreign keys are refused`, async () => {
      const world = new World();
      const terminal = await attested(world);
      await terminal.installKeys();
      const bend = (change: (envelope: Record<string, unknown>) => void) => {
        world.fault = async (_path, pass) => {
          const envelope = (await (await pass()).json()) as Record<string, unknown>;
          change(envelope);
          return json(200, envelope);
        };
      };
      bend((envelope) => {
        const part = ((envelope["chunks"] as Record<string, string>[] | undefined)?.[0] ?? envelope) as Record<string, string>;
        part["ciphertext"] = flipLast(part["ciphertext"]!);
      });
      await rejectsCode(step(terminal), "ERR_ENVELOPE_OPEN");
      bend((envelope) => (envelope["key_kcv"] = "000000"));
      await rejectsCode(step(terminal), "ERR_ENVELOPE_KEY");
      bend((envelope) => (envelope["format"] = "TR31"));
      await rejectsCode(step(terminal), "ERR_ENVELOPE_FORMAT");
      same([terminal.terminalId, terminal.config, terminal.terminalParameters], [undefined, undefined, undefined]);
      world.fault = undefined;
      await step(terminal);
    });
  }
});

describe("activate", () => {
  it("does not claim a network that the last request did not find", async () => {
    const world = new World();
    const terminal = await attested(world);
    await terminal.installKeys();
    await terminal.fetchConfig();
    await terminal.fetchTerminalParameters();
    same(terminal.activationConditions, { emv_ready: true, keys_installed: true, network_ok: true });
    world.fault = async () => {
      throw new TypeError("down");
    };
    await rejectsCode(terminal.fetchStatus(), "ERR_NETWORK");
    const error = (await rejectsCode(terminal.activate(), "ERR_STATE")) as Error & { details: { unmet: string[] } };
    same(error.details.unmet, ["network_ok"]);
    world.fault = undefined;
    await terminal.fetchStatus();
    same((await terminal.activate()).status, "activated");
  });

  it("keys that were destroyed are not installed", async () => {
    const world = new World();
    const terminal = await world.ready();
    terminal.destroy();
    same(terminal.keys, undefined);
    same(terminal.activationConditions.keys_installed, false);
    await rejectsCode(terminal.charge(TEN), "ERR_STATE");
  });
});

describe("constructor", () => {
  const wrong: readonly (readonly [string, Partial<Record<keyof PosTerminalOptions, unknown>>])[] = [
    ["baseUrl", { baseUrl: "http://api.viopay.io" }],
    ["baseUrl", { baseUrl: "ftp://localhost" }],
    ["baseUrl", { baseUrl: "/pos" }],
    ["baseUrl", { baseUrl: 7 }],
    ["baseUrl", { baseUrl: "https://user:password@api.viopay.io" }],
    ["baseUrl", { baseUrl: "https://api.viopay.io?x=1" }],
    ["baseUrl", { baseUrl: "http://127.0.0.1.example.com" }],
    ["deviceId", { deviceId: "POS-8F3A2C9" }],
    ["deviceId", { deviceId: "POS-8F3A2C91\r\nX: 1" }],
    ["identityKeyId", { identityKeyId: "" }],
    ["identityKeyId", { identityKeyId: "a b" }],
    ["appVersion", { appVersion: "one" }],
    ["appVersion", { appVersion: undefined }],
    ["os", { os: "Android (12)" }],
    ["os", { os: "Android\n12" }],
    ["model", { model: "a;b" }],
    ["model", { model: " " }],
    ["identityKey", { identityKey: "00" }],
    ["zmk", { zmk: null }],
    ["macKeyId", { macKeyId: "a b" }],
    ["now", { now: 1 }],
    ["timeoutMs", { timeoutMs: 0 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["idempotencyTtlMs", { idempotencyTtlMs: -1 }],
    ["fetch", { fetch: "fetch" }],
  ];
  for (const [name, change] of wrong) {
    it(`refuses ${name} ${JSON.stringify(Object.values(change)[0]) ?? "left out"}`, () => {
      const world = new World();
      throwsCode(
        () => world.terminal(change as Partial<PosTerminalOptions>),
        "ERR_INVALID_ARGUMENT",
        new RegExp(`^"${name}" must be `),
      );
    });
  }

  for (const baseUrl of [ORIGIN, "https://api.viopay.io/v1/", "http://localhost:8787", "http://127.0.0.1", "http://[::1]:1"]) {
    it(`takes ${baseUrl}`, () => {
      new World().terminal({ baseUrl });
    });
  }
});
