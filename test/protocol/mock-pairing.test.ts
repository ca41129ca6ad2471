/** Bootstrap, pairing-code, status, claim: headers, the code's life, and whose token may claim what. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hmacSha256, importKey } from "../../ts/index.js";
import { createWorld, expectError, expectOk, PROVISION, type Terminal, type World } from "./mock-client.js";

let world: World;
let terminal: Terminal;

beforeEach(() => {
  world = createWorld();
  terminal = world.terminal;
});

const BAD_CODE = "Invalid or expired pairing code";
const MINUTE = 60_000;

async function newCode(of: Terminal = terminal): Promise<string> {
  return (await expectOk(of.pairingCode())).body["pairing_code"] as string;
}

describe("POS Activation headers (settled detail 1)", () => {
  const endpoints = ["bootstrap", "pairingCode", "status"] as const;

  test.each(endpoints)("%s accepts the documented headers", async (endpoint) => {
    await expectOk(terminal[endpoint]());
  });

  test.each([
    ["X-Device-Id", undefined],
    ["X-Device-Id", "POS-8F3A2C9"],
    ["X-Device-Id", "POS-8F3A2C911"],
    ["X-Device-Id", "POS-8F3A2C9G"],
    ["X-Device-Id", "pos-8F3A2C91"],
    ["X-Device-Id", "POS-UNKNOWN"],
    ["User-Agent", undefined],
    ["User-Agent", "curl/8.0"],
    ["User-Agent", "Viopay-POS/1.4.2"],
    ["User-Agent", "Viopay-POS/x (Android 12; PAX-A920)"],
    ["X-Client-Type", undefined],
    ["X-Client-Type", "web"],
  ])("%s: %s is 400 on all three", async (name, value) => {
    for (const endpoint of endpoints) {
      const error = await expectError(terminal[endpoint]({ [name]: value }), 400, "4000", /header/);
      expect(error.details).toEqual({ header: name });
    }
  });

  test("a browser's User-Agent passes, its absence does not", async () => {
    const browser = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Sec-Fetch-Mode": "cors" };
    await expectOk(terminal.bootstrap(browser));
    await expectError(terminal.bootstrap({ ...browser, "User-Agent": undefined }), 400, "4000");
    await expectError(terminal.bootstrap({ "User-Agent": browser["User-Agent"] }), 400, "4000");
  });

  test.each(endpoints)("%s: a well formed but unknown device is 404 with its id", async (endpoint) => {
    const error = await expectError(terminal[endpoint]({ "X-Device-Id": "POS-DEADBEEF" }), 404, "4004", "Device not found");
    expect(error.details).toEqual({ device_id: "POS-DEADBEEF" });
  });
});

describe("bootstrap", () => {
  test("answers time and the version demanded", async () => {
    const { body } = await expectOk(terminal.bootstrap());
    expect(body).toEqual({ status: "ok", server_time: "2025-12-13T14:20:00Z", min_supported_version: "1.3.5" });
  });

  test("tells an old app what it needs and leaves the decision to it", async () => {
    const { terminal: old } = createWorld({ appVersionMin: "9.0" });
    const { body } = await expectOk(old.bootstrap({ "User-Agent": "Viopay-POS/0.1 (Android 12; PAX-A920)" }));
    expect(body["min_supported_version"]).toBe("9.0");
  });
});

describe("pairing code and status", () => {
  const statusOf = async (of: Terminal = terminal) => (await expectOk(of.status())).body;

  test("six characters without look-alikes, 300 seconds", async () => {
    const { body } = await expectOk(terminal.pairingCode());
    expect(body["pairing_code"]).toMatch(/^[A-HJ-NP-Z2-9]{6}$/);
    expect(body["expires_in_sec"]).toBe(300);
    expect(Object.keys(body)).toEqual(["pairing_code", "expires_in_sec"]);
  });

  test("every character of the alphabet occurs", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) for (const character of await newCode()) seen.add(character);
    expect([...seen].sort().join("")).toBe("23456789ABCDEFGHJKLMNPQRSTUVWXYZ");
  });

  test("none, pending, expired, pending again, used", async () => {
    expect(await statusOf()).toEqual({ device_status: "inactive", is_claimed: false, pairing_code_status: "none" });
    await newCode();
    expect((await statusOf())["pairing_code_status"]).toBe("pending");
    world.clock.now += 5 * MINUTE - 1;
    expect((await statusOf())["pairing_code_status"]).toBe("pending");
    world.clock.now += 1;
    expect((await statusOf())["pairing_code_status"]).toBe("expired");
    await terminal.claimed();
    expect(await statusOf()).toEqual({ device_status: "claimed", is_claimed: true, pairing_code_status: "used" });
  });

  test("a claimed device gets no further code", async () => {
    await terminal.claimed();
    const error = await expectError(terminal.pairingCode(), 400, "4000", "Device is already claimed");
    expect(error.details).toEqual({ device_status: "claimed" });
    expect((await statusOf())["pairing_code_status"]).toBe("used");
  });

  test("devices do not see each other", async () => {
    await terminal.claimed();
    expect(await statusOf(world.other)).toEqual({ device_status: "inactive", is_claimed: false, pairing_code_status: "none" });
  });
});

describe("claim (settled detail 2)", () => {
  test("with and without device_id", async () => {
    const device_id = terminal.device.device_id;
    expect((await expectOk(terminal.claim({ pairing_code: await newCode(), device_id }))).body).toEqual({
      status: "claimed",
      device_id,
    });
    const other = world.other;
    const { body } = await expectOk(other.claim({ pairing_code: await newCode(other) }));
    expect(body).toEqual({ status: "claimed", device_id: other.device.device_id });
  });

  test("missing, malformed, unknown", async () => {
    await newCode();
    for (const body of [
      {},
      { pairing_code: 123456 },
      { pairing_code: "abc" },
      { pairing_code: "A3K9FO" },
      { pairing_code: null },
    ]) {
      await expectError(terminal.claim(body), 400, "4000", BAD_CODE);
    }
    await expectError(terminal.claim({ pairing_code: "222222" }), 400, "4000", BAD_CODE);
  });

  test("lower case is malformed", async () => {
    let code = await newCode();
    while (code === code.toLowerCase()) code = await newCode();
    await expectError(terminal.claim({ pairing_code: code.toLowerCase() }), 400, "4000", BAD_CODE);
  });

  test("superseded: one active code a device", async () => {
    const first = await newCode();
    const second = await newCode();
    await expectError(terminal.claim({ pairing_code: first }), 400, "4000", BAD_CODE);
    await expectOk(terminal.claim({ pairing_code: second }));
  });

  test("used", async () => {
    const code = await newCode();
    await expectOk(terminal.claim({ pairing_code: code }));
    await expectError(terminal.claim({ pairing_code: code }), 400, "4000", BAD_CODE);
  });

  test("expired to the millisecond", async () => {
    const code = await newCode();
    world.clock.now += 5 * MINUTE;
    await expectError(terminal.claim({ pairing_code: code }), 400, "4000", BAD_CODE);
    const next = await newCode();
    world.clock.now += 5 * MINUTE - 1;
    await expectOk(terminal.claim({ pairing_code: next }));
  });

  test("a device_id that does not match leaves the code usable", async () => {
    const code = await newCode();
    for (const device_id of [world.other.device.device_id, "", 7]) {
      await expectError(terminal.claim({ pairing_code: code, device_id }), 400, "4000", BAD_CODE);
    }
    await expectOk(terminal.claim({ pairing_code: code }));
  });

  test("another merchant's device", async () => {
    const code = await newCode();
    await expectError(world.foreign.claim({ pairing_code: code }), 400, "4000", BAD_CODE);
    await expectOk(terminal.claim({ pairing_code: code }));
  });

  test("two claims at once: one wins", async () => {
    const code = await newCode();
    const answers = await Promise.all([1, 2, 3, 4].map(() => terminal.claim({ pairing_code: code })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400, 400, 400]);
  });

  test("an inherited pairing_code is none", async () => {
    const code = await newCode();
    await expectError(terminal.claim(`{"__proto__":{"pairing_code":"${code}"}}`), 400, "4000", BAD_CODE);
    expect(({} as Record<string, unknown>)["pairing_code"]).toBeUndefined();
  });
});

describe("bearer tokens with the development secret", () => {
  const secret = new TextEncoder().encode(PROVISION.jwt.hs256_secret);
  const merchant_id = PROVISION.devices[0]?.merchant_id as string;
  const INVALID = "Invalid or expired bearer token";

  async function claimWith(authorization: string | undefined) {
    return terminal.claim({ pairing_code: await newCode() }, { Authorization: authorization });
  }

  function token(claims: Record<string, unknown>, seconds: number | undefined, alg = "HS256", key = secret): Promise<string> {
    const jwt = new SignJWT(claims).setProtectedHeader({ alg });
    if (seconds !== undefined) jwt.setExpirationTime(Math.floor(world.clock.now / 1000) + seconds);
    return jwt.sign(key);
  }

  test("a valid one claims, in any case of the scheme", async () => {
    await expectOk(claimWith(`bearer ${await token({ merchant_id }, 60)}`));
  });

  test("missing, garbage, another scheme", async () => {
    const valid = await token({ merchant_id }, 60);
    for (const authorization of [undefined, "Bearer", "Bearer x", "Bearer a.b.c", `Attestation ${valid}`, valid]) {
      await expectError(claimWith(authorization), 401, "4001", INVALID);
    }
  });

  test("expired by the server's clock, without exp, without merchant_id, with one that is no text", async () => {
    await expectError(claimWith(`Bearer ${await token({ merchant_id }, 0)}`), 401, "4001", INVALID);
    await expectError(claimWith(`Bearer ${await token({ merchant_id }, undefined)}`), 401, "4001", INVALID);
    await expectError(claimWith(`Bearer ${await token({}, 60)}`), 401, "4001", INVALID);
    await expectError(claimWith(`Bearer ${await token({ merchant_id: 5 }, 60)}`), 401, "4001", INVALID);
  });

  test("signed by another secret, another algorithm, or not at all", async () => {
    const other = new TextEncoder().encode("another secret of more than 32 bytes!!");
    await expectError(claimWith(`Bearer ${await token({ merchant_id }, 60, "HS256", other)}`), 401, "4001", INVALID);
    const long = new TextEncoder().encode(PROVISION.jwt.hs256_secret);
    await expectError(claimWith(`Bearer ${await token({ merchant_id }, 60, "HS384", long)}`), 401, "4001", INVALID);
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${encode({ alg: "none" })}.${encode({ merchant_id, exp: 9999999999 })}.`;
    await expectError(claimWith(`Bearer ${unsigned}`), 401, "4001", INVALID);
  });

  test("issuer and audience, where the provisioning names them", async () => {
    const jwt = { ...PROVISION.jwt, issuer: "https://portal.test", audience: "viopay-pos" };
    const strict = createWorld({ provision: { ...PROVISION, jwt } });
    const code = (await strict.terminal.pairingCode()).body["pairing_code"];
    const plain = await token({ merchant_id }, 60);
    await expectError(strict.terminal.claim({ pairing_code: code }, { Authorization: `Bearer ${plain}` }), 401, "4001", INVALID);
    await expectOk(strict.terminal.claim({ pairing_code: code }));
  });

  test("the server's own tokens are those that jose makes and verifies", async () => {
    const own = await world.server.merchantToken();
    const secret = new TextEncoder().encode((PROVISION.jwt as { hs256_secret: string }).hs256_secret);
    const { payload, protectedHeader } = await jwtVerify(own, secret, { currentDate: new Date(world.clock.now) });
    expect(protectedHeader).toEqual({ alg: "HS256", typ: "JWT" });
    const again = new SignJWT(payload).setProtectedHeader({ alg: "HS256", typ: "JWT" });
    expect(await again.sign(secret)).toBe(own);
  });

  test("a token's form is strict: three parts, Base64url without padding, an object, nothing critical", async () => {
    const [header = "", payload = "", signature = ""] = (await world.server.merchantToken()).split(".");
    const key = importKey(new TextEncoder().encode((PROVISION.jwt as { hs256_secret: string }).hs256_secret), {
      algorithm: "HMAC",
      usage: "M7",
    });
    const signed = (head: string, body: string): string => {
      const mac = hmacSha256(key, new TextEncoder().encode(`${head}.${body}`));
      return `${head}.${body}.${Buffer.from(mac).toString("base64url")}`;
    };
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    expect(signed(header, payload)).toBe(`${header}.${payload}.${signature}`);
    const refused = [
      `${header}.${payload}`,
      `${header}.${payload}.${signature}.`,
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature.slice(0, -2)}`,
      signed(encode({ alg: "HS512" }), payload),
      signed(encode({ alg: "HS256", crit: ["b64"], b64: false }), payload),
      signed(encode(["HS256"]), payload),
      signed(header, encode([1])),
      signed(header, encode({ merchant_id, exp: "9999999999" })),
      signed(header, encode({ merchant_id })),
      signed(header, encode({ merchant_id, exp: 9999999999, nbf: 9999999998 })),
      signed(header, encode({ merchant_id: 7, exp: 9999999999 })),
      signed(header, `${payload}=`),
    ];
    for (const one of refused) await expectError(claimWith(`Bearer ${one}`), 401, "4001", INVALID);
    await expectOk(claimWith(`Bearer ${signed(encode({ alg: "HS256" }), encode({ merchant_id, exp: 9999999999 }))}`));
    key.destroy();
  });

  test("the server's own tokens live as long as they say", async () => {
    const short = await world.server.merchantToken(undefined, { lifetimeSeconds: 10 });
    world.clock.now += 9_999;
    await expectOk(claimWith(`Bearer ${short}`));
    world.clock.now += 1;
    const code = (await world.other.pairingCode()).body["pairing_code"];
    await expectError(world.other.claim({ pairing_code: code }, { Authorization: `Bearer ${short}` }), 401, "4001", INVALID);
  });
});

describe("bearer tokens by JWKS", () => {
  let close = (): void => {};
  afterEach(() => close());

  test("asymmetric algorithms only; the server mints none", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: "portal-1", alg: "ES256" };
    const keys = createServer((_request, response) => {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => keys.listen(0, "127.0.0.1", resolve));
    close = () => keys.close();
    const jwks_url = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`;
    const { server, terminal: device, clock } = createWorld({ provision: { ...PROVISION, jwt: { jwks_url } } });
    await expect(server.merchantToken()).rejects.toMatchObject({ code: "ERR_PROVISION" });

    const code = (await device.pairingCode()).body["pairing_code"];
    const claims = { merchant_id: device.device.merchant_id, exp: Math.floor(clock.now / 1000) + 60 };
    const claim = (token: string) =>
      device.send(
        "POST",
        "/pos/claim",
        { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        JSON.stringify({ pairing_code: code }),
      );

    // The classic confusion: the public key as an HMAC secret.
    const publicText = new TextEncoder().encode(JSON.stringify(jwk));
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "portal-1" }).sign(publicText);
    await expectError(claim(confused), 401, "4001");
    const { privateKey: stranger } = await generateKeyPair("ES256");
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "portal-1" }).sign(stranger);
    await expectError(claim(forged), 401, "4001");

    const genuine = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "portal-1" }).sign(privateKey);
    await expectOk(claim(genuine));
  });
});
