/** Attest and keys: signatures, time, replay, tokens, and the key sets they entitle to. */
import { beforeEach, describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../ts/base/bytes.js";
import { keyCheckValue } from "../../ts/core/keys/check-value.js";
import { aesCbcDecrypt } from "../../ts/core/ciphers.js";
import { hex } from "../harness.js";
import { createWorld, expectError, expectOk, READY, type Terminal, type World } from "./mock-client.js";

let world: World;
let terminal: Terminal;

beforeEach(async () => {
  world = createWorld();
  terminal = await world.terminal.claimed();
});

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const BAD_TOKEN = "Invalid or expired attestation token";

describe("attest (settled detail 4)", () => {
  test("a signed request gets a token of 300 seconds", async () => {
    const { body } = await expectOk(terminal.attest());
    expect(body).toEqual({
      status: "attested",
      attestation_token: expect.stringMatching(/^att_[0-9A-Za-z]{22}$/),
      expires_in_sec: 300,
    });
  });

  test.each([
    ["X-Key-Id", undefined],
    ["X-Timestamp", undefined],
    ["X-Timestamp", "13 Dec 2025 14:20:00"],
    ["X-Timestamp", "2025-12-13T14:20:00"],
    ["X-Timestamp", "2025-12-13T14:20:00+01:00"],
    ["X-Timestamp", "2025-02-30T14:20:00Z"],
    ["X-Timestamp", "1765635600"],
    ["X-Nonce", undefined],
    ["X-Nonce", "a1b2c3d4e5f"],
    ["X-Nonce", "a1b2c3d4-e5f6"],
    ["X-Signature", undefined],
    ["X-Signature", "SGVsbG8gV29ybGQ="],
    ["X-Signature", "v2=SGVsbG8gV29ybGQ="],
    ["X-Signature", "v1=not base64"],
    ["X-Client-Type", undefined],
    ["User-Agent", "curl/8"],
    ["X-Device-Id", "POS-1"],
  ])("%s %s is 400", async (name, value) => {
    await expectError(terminal.attest({ headers: { [name]: value } }), 400, "4000", /header/);
  });

  test("an unknown device is 404", async () => {
    const error = await expectError(terminal.attest({ headers: { "X-Device-Id": "POS-DEADBEEF" } }), 404, "4004");
    expect(error.details).toEqual({ device_id: "POS-DEADBEEF" });
  });

  test("a wrong signature, another device's, an unknown key id: one 401", async () => {
    const message = "Invalid signature";
    await expectError(terminal.attest({ headers: { "X-Signature": "v1=SGVsbG8gV29ybGQ=" } }), 401, "4001", message);
    const zeros = `v1=${"A".repeat(43)}=`;
    await expectError(terminal.attest({ headers: { "X-Signature": zeros } }), 401, "4001", message);
    await expectError(terminal.attest({ headers: { "X-Key-Id": "device-id-key-2020-01" } }), 401, "4001", message);
    await expectError(terminal.attest({ headers: { "X-Nonce": "anothernonce0" } }), 401, "4001", message);
    await expectError(terminal.attest({ headers: { "X-Device-Id": world.other.device.device_id } }), 401, "4001", message);
  });

  test("an unknown key id is 401 even where the signature over it holds", async () => {
    const { createHmac } = await import("node:crypto");
    const { device_id, identity_secret } = terminal.device;
    const text = [device_id, "revoked-key", terminal.timestamp(), "a1b2c3d4e5f6"].join("\n");
    const mac = createHmac("sha256", Buffer.from(identity_secret, "hex")).update(text).digest("base64");
    const headers = { "X-Key-Id": "revoked-key", "X-Nonce": "a1b2c3d4e5f6", "X-Signature": `v1=${mac}` };
    await expectError(terminal.attest({ headers }), 401, "4001", "Invalid signature");
  });

  test.each([
    ["5 minutes old", -5 * MINUTE, 200],
    ["a second older", -5 * MINUTE - SECOND, 401],
    ["1 minute ahead", MINUTE, 200],
    ["a second further", MINUTE + SECOND, 401],
  ])("a timestamp %s", async (_name, skew, status) => {
    const answer = terminal.attest({ skew });
    if (status === 200) await expectOk(answer);
    else await expectError(answer, 401, "4001", "X-Timestamp is outside the accepted window");
  });

  test("before the claim is 400", async () => {
    await expectError(world.other.attest(), 400, "4000", "Device is not claimed");
  });

  test("after activation it renews", async () => {
    await world.other.activated();
    await world.other.attested();
    expect((await world.other.status()).body["device_status"]).toBe("activated");
    await expectOk(world.other.config());
  });
});

describe("nonces (settled detail 16)", () => {
  const nonce = "a1b2c3d4e5f6";

  test("a nonce serves once in 10 minutes", async () => {
    await expectOk(terminal.attest({ nonce }));
    await expectError(terminal.attest({ nonce }), 401, "4001", "X-Nonce was used before");
    world.clock.now += 10 * MINUTE - 1;
    await expectError(terminal.attest({ nonce }), 401, "4001", "X-Nonce was used before");
    world.clock.now += 1;
    await expectOk(terminal.attest({ nonce }));
  });

  test("a request whose signature fails does not consume its nonce", async () => {
    await expectError(terminal.attest({ nonce, headers: { "X-Signature": `v1=${"A".repeat(43)}=` } }), 401, "4001");
    await expectOk(terminal.attest({ nonce }));
  });

  test("nonces are remembered per device", async () => {
    await world.other.claimed();
    await expectOk(terminal.attest({ nonce }));
    await expectOk(world.other.attest({ nonce }));
  });

  test("of several equal requests at once one passes", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => terminal.attest({ nonce })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 401, 401]);
  });
});

describe("timestamps (settled detail 17)", () => {
  test.each(["2025-12-13T14:20:00.250Z", "2025-12-13T14:20:00+00:00", "2025-12-13T14:19:59.999999+00:00"])(
    "%s is signed as sent",
    async (timestamp) => {
      const { createHmac } = await import("node:crypto");
      const fields = [terminal.device.device_id, terminal.device.identity_key_id, timestamp, "a1b2c3d4e5f6"];
      const mac = createHmac("sha256", Buffer.from(terminal.device.identity_secret, "hex"))
        .update(fields.join("\n"))
        .digest("base64");
      const headers = { "X-Timestamp": timestamp, "X-Nonce": "a1b2c3d4e5f6", "X-Signature": `v1=${mac}` };
      await expectOk(terminal.attest({ headers }));
    },
  );
});

describe("attestation tokens", () => {
  const requests = ["fetchKeys", "config", "terminalParameters"] as const;

  test.each(requests)("%s: headers, device and token", async (request) => {
    await terminal.attested();
    await expectError(terminal[request]({ "X-Device-Id": undefined }), 400, "4000");
    await expectError(terminal[request]({ "X-Device-Id": "POS-UNKNOWN" }), 400, "4000");
    const error = await expectError(terminal[request]({ "X-Device-Id": "POS-DEADBEEF" }), 404, "4004", "Device not found");
    expect(error.details).toEqual({ device_id: "POS-DEADBEEF" });
    const authorizations = [
      undefined,
      "Attestation",
      "Attestation att_AAAAAAAAAAAAAAAAAAAAAA",
      `Bearer ${terminal.token}`,
      terminal.token,
    ];
    for (const Authorization of authorizations) await expectError(terminal[request]({ Authorization }), 401, "4001", BAD_TOKEN);
    await expectError(terminal[request]({ Authorization: `Attestation ${terminal.token}x` }), 401, "4001", BAD_TOKEN);
  });

  test("a foreign device's token", async () => {
    await terminal.attested();
    await (await world.other.claimed()).attested();
    await expectError(terminal.fetchKeys({ Authorization: `Attestation ${world.other.token}` }), 401, "4001", BAD_TOKEN);
    await expectOk(terminal.fetchKeys());
  });

  test("300 seconds, to the millisecond", async () => {
    await terminal.attested();
    world.clock.now += 300 * SECOND - 1;
    await expectOk(terminal.fetchKeys());
    world.clock.now += 1;
    await expectError(terminal.fetchKeys(), 401, "4001", BAD_TOKEN);
  });

  test("a second attestation revokes the older token and keeps the keys (settled detail 5)", async () => {
    await terminal.keyed();
    const older = terminal.token;
    await terminal.attested();
    await expectError(terminal.config({ Authorization: `Attestation ${older}` }), 401, "4001", BAD_TOKEN);
    expect(terminal.open(await expectOk(terminal.config()))["terminal"]).toBeDefined();
  });
});

test("what happens under a token that was renewed meanwhile does not touch the new one", async () => {
  const { generateProvision, MemoryStore } = await import("../../ts/mock/index.js");
  const { DeviceStates } = await import("../../ts/mock/state/devices.js");
  const lifetimes = { pairingCode: 300, attestation: 300, keySet: 3600, idempotency: 3600, nonce: 600 };
  const { devices } = generateProvision();
  const states = new DeviceStates(devices, new MemoryStore(), Date.now, lifetimes);
  const device = devices[0] as (typeof devices)[0];
  await states.claim(await states.createPairingCode(device), device.merchant_id, undefined);
  const older = await states.attest(device);
  const newer = await states.attest(device);
  await expect(states.beginOpening(device, older)).rejects.toMatchObject({ status: 401 });
  await states.forgiveOpening(device, older);
  expect((await states.read(device)).attestation).toMatchObject({ token: newer, failures: 0 });
});

describe("keys", () => {
  test("six keys, wrapped in order, that install with their check values", async () => {
    await terminal.attested();
    const answer = await expectOk(terminal.fetchKeys());
    expect(Object.keys(answer.body)).toEqual(["key_set", "transport", "keys", "verification"]);
    expect(answer.body["transport"]).toEqual({ format: "TR31", encryption: "AES-256", wrapped_under: "kek" });
    const keys = terminal.install(answer);
    expect(keys.keyIds.mac).toBe("hmac-key-2025-01");
    expect(keys.issuedAt?.getTime()).toBe(world.clock.now);
    expect(keys.expiresAt?.getTime()).toBe(world.clock.now + 30 * 86_400 * SECOND);
    expect([keys.msk.algorithm, keys.tpk.algorithm, keys.tdk.algorithm, keys.mac.algorithm]).toEqual([
      "AES",
      "TDES",
      "AES",
      "HMAC",
    ]);
    const kcv = (answer.body["verification"] as { kcv: Record<string, string> }).kcv;
    expect(keyCheckValue(keys.msk)).toBe(kcv["msk"]);
  });

  test("an AES PIN key on demand", async () => {
    const aes = await createWorld({ tpk: "AES" }).terminal.keyed();
    expect(aes.installed.tpk.algorithm).toBe("AES");
  });

  test("fresh keys for every device and every call", async () => {
    await terminal.attested();
    await (await world.other.claimed()).attested();
    const answers = [
      await expectOk(terminal.fetchKeys()),
      await expectOk(terminal.fetchKeys()),
      await expectOk(world.other.fetchKeys()),
    ];
    const blocks = answers.flatMap((answer) =>
      Object.values(answer.body["keys"] as Record<string, { key_block: string }>).map((key) => key.key_block),
    );
    expect(new Set(blocks).size).toBe(18);
    const checkValues = answers.map((answer) => (answer.body["verification"] as { kcv: Record<string, string> }).kcv["msk"]);
    expect(new Set(checkValues).size).toBe(3);
  });

  test("an older set is accepted until it expires, chosen by key_kcv (settled detail 5)", async () => {
    const shortLived = createWorld({ lifetimes: { keySet: 3600 } });
    const device = await shortLived.terminal.activated();
    const old = device.installed;
    shortLived.clock.now += 30 * MINUTE;
    await device.attested();
    const fresh = device.install(await expectOk(device.fetchKeys()));

    // Config goes out under the newest; activation and charges come in under either.
    const config = await expectOk(device.config());
    expect(config.body["key_kcv"]).toBe(keyCheckValue(fresh.msk));
    for (const keySet of [old, fresh]) {
      const activated = await expectOk(device.activate(READY, { keySet, seal: { includeKcv: true } }));
      expect(activated.body["key_kcv"]).toBe(keyCheckValue(keySet.msk));
      expect(device.open(activated, keySet)["status"]).toBe("activated");
      const charged = await expectOk(device.charge(device.chargeOf(), { keySet, seal: { includeKcv: true } }));
      expect(device.open(charged, keySet)["status"]).toBe("approved");
    }
    // Without key_kcv the set that signed is taken; without a signature the newest.
    expect(device.open(await expectOk(device.charge(device.chargeOf(), { keySet: old })), old)["status"]).toBe("approved");
    await expectError(device.activate(READY, { keySet: old }), 400, "4000", "Envelope cannot be opened");

    shortLived.clock.now += 30 * MINUTE;
    await expectError(device.charge(device.chargeOf(), { keySet: old }), 401, "4001", "Invalid signature");
    await expectOk(device.charge(device.chargeOf(), { keySet: fresh }));
  });

  test("the host's keys stay usable when another process would install them", async () => {
    const { MemoryStore } = await import("../../ts/mock/index.js");
    const now = Date.UTC(2025, 11, 13, 14, 20, 0);
    const store = new MemoryStore(() => now);
    const first = createWorld({ store, now: () => now });
    const device = await first.terminal.activated();
    const second = createWorld({ store, now: () => now });
    second.terminal.keys = device.installed;
    const charged = await expectOk(second.terminal.charge(second.terminal.chargeOf()));
    const chargeId = device.open(charged)["charge_id"] as string;
    expect(device.open(await expectOk(device.cancel(chargeId)))["status"]).toBe("cancelled");
  });

  test("the store holds no key, card number or PIN in clear", async () => {
    const { MemoryStore } = await import("../../ts/mock/index.js");
    const seen: string[] = [];
    class Recording extends MemoryStore {
      override async set(key: string, value: string, ttlMs?: number): Promise<void> {
        seen.push(key, value);
        return super.set(key, value, ttlMs);
      }
      override async setIfAbsent(key: string, value: string, ttlMs?: number): Promise<boolean> {
        seen.push(key, value);
        return super.setIfAbsent(key, value, ttlMs);
      }
      override async compareAndSet(
        key: string,
        expected: string | undefined,
        next: string | undefined,
        ttlMs?: number,
      ): Promise<boolean> {
        seen.push(key, next ?? "");
        return super.compareAndSet(key, expected, next, ttlMs);
      }
    }
    const now = Date.UTC(2025, 11, 13, 14, 20, 0);
    const recorded = createWorld({ store: new Recording(() => now), now: () => now });
    const device = await recorded.terminal.activated();
    const answer = await expectOk(device.charge(device.chargeOf(), { idempotencyKey: "key-1" }));
    const chargeId = device.open(answer)["charge_id"] as string;
    await expectOk(device.refund(chargeId, { amount: { value: "500", currency: "EUR" } }, { idempotencyKey: "key-2" }));
    const all = seen.join("\n");
    expect(all).toContain(`charge:${chargeId}`);
    // Four digits can occur in any ciphertext; as a value of JSON they cannot.
    for (const secret of ["4111111111111111", '"1500"', "approved", device.device.zmk, device.device.identity_secret]) {
      expect(all).not.toContain(secret);
    }
    expect(all.toUpperCase()).not.toContain(Buffer.from("4111111111111111").toString("hex").toUpperCase());
  });
});

test("the message envelope is AES-256-CBC over the hex text of the JSON, as the primary document says", async () => {
  await terminal.keyed();
  const { body } = await expectOk(terminal.config());
  expect(Object.keys(body)).toEqual(["format", "ciphertext", "initialization_vector", "mode", "key_kcv"]);
  const iv = hex(body["initialization_vector"] as string);
  const plaintext = aesCbcDecrypt(terminal.installed.msk, iv, hex(body["ciphertext"] as string), { padding: "pkcs7" });
  expect(Buffer.from(plaintext).toString("latin1")).toMatch(/^7B22(?:[0-9A-F]{2})+7D$/);
  expect(encodeUtf8(JSON.stringify(terminal.open(await terminal.config()))).length).toBe(plaintext.length / 2);
});
