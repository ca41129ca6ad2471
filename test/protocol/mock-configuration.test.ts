/** Config, terminal-parameters, activate: what they say, when they say it, and how they refuse envelopes. */
import { gunzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { aesCbcDecrypt } from "../../ts/core/ciphers.js";
import { openEnvelope, sealEnvelope, sealEnvelopeBytes } from "../../ts/core/envelope/envelope.js";
import { generateKey } from "../../ts/core/keys/key.js";
import { defaultTerminalParameters } from "../../ts/mock/index.js";
import { ascii, hex } from "../harness.js";
import { createWorld, expectError, expectOk, READY, type Terminal, type World } from "./mock-client.js";

let world: World;
let terminal: Terminal;

beforeEach(async () => {
  world = createWorld();
  terminal = await world.terminal.keyed();
});

const SECOND = 1000;
const UNOPENABLE = "Envelope cannot be opened";
const BAD_TOKEN = "Invalid or expired attestation token";

describe("config", () => {
  test("every member of the primary document, and the terminal's own id", async () => {
    const config = terminal.open(await expectOk(terminal.config()));
    expect(config).toMatchObject({
      terminal: { terminal_id: "TID-004812", device_id: "POS-8F3A2C91" },
      merchant: { merchant_key: "mk_acme", name: "Acme Corp", tip_info: {}, tax_info: {}, surcharge_info: {} },
      emv: { aid_list: expect.arrayContaining(["A0000000031010"]), terminal_capabilities: "E0F0C8" },
      security: { pin_required: true },
      branding: { theme: "dark" },
      device_config: { heartbeat_interval_sec: 60 },
    });
    expect(config).not.toHaveProperty("terminal_parameters");
  });

  test("a fresh IV for every answer", async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => terminal.config()));
    expect(new Set(answers.map((answer) => answer.body["initialization_vector"])).size).toBe(4);
  });

  test("before the keys were fetched", async () => {
    await (await world.other.claimed()).attested();
    await expectError(world.other.config(), 400, "4000", "Keys were not fetched");
    await expectError(world.other.terminalParameters(), 400, "4000", "Keys were not fetched");
  });
});

describe("terminal-parameters (settled detail 14)", () => {
  test("gzip in chunks of 2048 bytes before hex, each with its own IV", async () => {
    const { body } = await expectOk(terminal.terminalParameters());
    expect(Object.keys(body)).toEqual(["format", "content_encoding", "mode", "key_kcv", "chunks"]);
    expect([body["format"], body["content_encoding"], body["mode"]]).toEqual(["TR31-DATA-CHUNKED", "gzip", "CBC"]);
    const chunks = body["chunks"] as { ciphertext: string; initialization_vector: string; mode: string }[];
    expect(chunks.length).toBeGreaterThan(6);
    expect(new Set(chunks.map((chunk) => chunk.initialization_vector)).size).toBe(chunks.length);

    const parts = chunks.map((chunk) => {
      expect(chunk.mode).toBe("CBC");
      expect(chunk.ciphertext).toMatch(/^[0-9A-F]+$/);
      const text = aesCbcDecrypt(terminal.installed.msk, hex(chunk.initialization_vector), hex(chunk.ciphertext), {
        padding: "pkcs7",
      });
      return Buffer.from(Buffer.from(text).toString("latin1"), "hex");
    });
    for (const part of parts.slice(0, -1)) expect(part.length).toBe(2048);
    expect(JSON.parse(gunzipSync(Buffer.concat(parts)).toString())).toEqual(defaultTerminalParameters());
    expect(openEnvelope(terminal.installed.msk, body)).toEqual(defaultTerminalParameters());
  });

  test("an override, small enough for one envelope", async () => {
    const small = createWorld({ terminalParameters: { note: "small" } });
    const answer = await expectOk((await small.terminal.keyed()).terminalParameters());
    expect(answer.body).toMatchObject({ format: "TR31-DATA", content_encoding: "gzip" });
    expect(small.terminal.open(answer)).toEqual({ note: "small" });
  });
});

describe("activate (settled detail 3)", () => {
  const statusOf = async () => (await terminal.status()).body["device_status"];

  test("claimed becomes activated; repeated, it keeps the first time", async () => {
    expect(await statusOf()).toBe("claimed");
    const first = terminal.open(await expectOk(terminal.activate(READY)));
    expect(first).toEqual({ status: "activated", activated_at: "2025-12-13T14:20:00Z" });
    expect(await statusOf()).toBe("activated");
    world.clock.now += 90 * SECOND;
    expect(terminal.open(await expectOk(terminal.activate(READY)))).toEqual(first);
  });

  test.each([
    [{}, { emv_ready: "is required", keys_installed: "is required", network_ok: "is required" }],
    [{ ...READY, emv_ready: "true" }, { emv_ready: "must be true or false" }],
    [{ ...READY, emv_ready: null }, { emv_ready: "is required" }],
    [{ ...READY, keys_installed: 1 }, { keys_installed: "must be true or false" }],
    [{ ...READY, network_ok: false }, { network_ok: "must be true" }],
  ])("%j is 400 with field details", async (plaintext, fields) => {
    const error = await expectError(terminal.activate(plaintext), 400, "4000", "Invalid request body");
    expect(error.details).toEqual({ fields });
    expect(await statusOf()).toBe("claimed");
  });

  test("inherited members do not count", async () => {
    const sealed = sealEnvelopeBytes(terminal.installed.msk, ascii(`{"__proto__":${JSON.stringify(READY)}}`));
    await expectError(terminal.activate({}, { body: JSON.stringify(sealed) }), 400, "4000", "Invalid request body");
    expect(({} as Record<string, unknown>)["emv_ready"]).toBeUndefined();
  });

  test("with keys not fetched", async () => {
    await (await world.other.claimed()).attested();
    const sealed = JSON.stringify(sealEnvelope(terminal.installed.msk, READY));
    await expectError(world.other.activate(READY, { body: sealed }), 400, "4000", "Keys were not fetched");
  });

  test("before the claim there is no token to activate with", async () => {
    world.other.token = terminal.token;
    const sealed = JSON.stringify(sealEnvelope(terminal.installed.msk, READY));
    await expectError(world.other.activate(READY, { body: sealed }), 401, "4001", BAD_TOKEN);
  });

  test("an expired token", async () => {
    world.clock.now += 300 * SECOND;
    await expectError(terminal.activate(READY), 401, "4001", BAD_TOKEN);
    expect(await statusOf()).toBe("claimed");
  });

  test("raw plaintexts and lower-case hex are opened as well", async () => {
    await expectOk(terminal.activate(READY, { seal: { plaintextEncoding: "raw" } }));
    const envelope = terminal.seal(READY, { seal: { includeKcv: true } }) as unknown as Record<string, string>;
    const lower = Object.fromEntries(
      Object.entries(envelope).map(([name, value]) => [
        name,
        name !== "mode" && /^[0-9A-F]+$/.test(value) ? value.toLowerCase() : value,
      ]),
    );
    await expectOk(terminal.activate(READY, { body: JSON.stringify(lower) }));
    const lowerText = sealEnvelopeBytes(terminal.installed.msk, ascii(Buffer.from(JSON.stringify(READY)).toString("hex")), {
      plaintextEncoding: "raw",
    });
    await expectOk(terminal.activate(READY, { body: JSON.stringify(lowerText) }));
  });
});

describe("envelopes that cannot be opened (settled details 6 and 7)", () => {
  const bytes =
    (data: Uint8Array, plaintextEncoding: "hex" | "raw" = "raw") =>
    () =>
      sealEnvelopeBytes(terminal.installed.msk, data, { plaintextEncoding });
  const json = ascii(JSON.stringify(READY));

  const causes: [string, () => object][] = [
    ["padding", () => ({ ...terminal.seal(READY), ciphertext: "00".repeat(32) })],
    ["another key", () => sealEnvelope(generateKey({ algorithm: "AES", usage: "D0", bits: 256 }), READY)],
    [
      "a cut ciphertext",
      () => {
        const envelope = terminal.seal(READY) as { ciphertext: string };
        return { ...envelope, ciphertext: envelope.ciphertext.slice(0, -32) };
      },
    ],
    ["hex text of an odd length", bytes(ascii(`${Buffer.from(json).toString("hex")}0`))],
    ["text that is neither hex nor JSON", bytes(ascii("hello"))],
    ["invalid UTF-8", bytes(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), "hex")],
    ["broken JSON", bytes(ascii('{"emv_ready":true'), "hex")],
    ["nothing", bytes(new Uint8Array(0))],
  ];

  test("every cause gets the same answer, without details", async () => {
    const answers: unknown[] = [];
    for (const [, make] of causes) {
      await terminal.attested();
      const error = await expectError(terminal.activate({}, { body: JSON.stringify(make()) }), 400, "4000", UNOPENABLE);
      answers.push({ ...error, trace_id: "" });
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  test.each(causes)("%s counts: the third is answered 400 and kills the token", async (_name, make) => {
    for (let i = 0; i < 3; i++) {
      await expectError(terminal.activate({}, { body: JSON.stringify(make()) }), 400, "4000", UNOPENABLE);
    }
    await expectError(terminal.activate(READY), 401, "4001", BAD_TOKEN);
    await expectError(terminal.config(), 401, "4001", BAD_TOKEN);
    await terminal.attested();
    await expectOk(terminal.activate(READY));
  });

  test("two do not, and a new token starts afresh", async () => {
    const broken = JSON.stringify(causes[0]?.[1]());
    const twice = async () => {
      await expectError(terminal.activate({}, { body: broken }), 400, "4000", UNOPENABLE);
      await expectError(terminal.activate({}, { body: broken }), 400, "4000", UNOPENABLE);
    };
    await twice();
    await terminal.attested();
    await twice();
    await expectOk(terminal.activate(READY));
  });

  test("many at once get no more than three attempts", async () => {
    const broken = JSON.stringify(causes[0]?.[1]());
    const answers = await Promise.all(Array.from({ length: 20 }, () => terminal.activate({}, { body: broken })));
    expect(answers.filter((answer) => answer.status === 400).length).toBe(3);
    expect(answers.filter((answer) => answer.status === 401).length).toBe(17);
    await expectError(terminal.config(), 401, "4001", BAD_TOKEN);
  });

  const malformed: [string, (envelope: Record<string, unknown>) => object, RegExp][] = [
    ["no format", ({ format: _, ...rest }) => rest, /format/],
    ["another format", (envelope) => ({ ...envelope, format: "TR31" }), /format/],
    [
      "chunked",
      (envelope) => ({ format: "TR31-DATA-CHUNKED", content_encoding: "gzip", mode: "CBC", chunks: [envelope] }),
      /format/,
    ],
    ["gzip (settled detail 8)", (envelope) => ({ ...envelope, content_encoding: "gzip" }), /content_encoding/],
    ["no ciphertext", ({ ciphertext: _, ...rest }) => rest, /ciphertext/],
    ["an empty ciphertext", (envelope) => ({ ...envelope, ciphertext: "" }), /ciphertext/],
    ["an odd ciphertext", (envelope) => ({ ...envelope, ciphertext: `${envelope["ciphertext"]}0` }), /ciphertext/],
    ["half a block", (envelope) => ({ ...envelope, ciphertext: "00".repeat(24) }), /ciphertext/],
    ["a ciphertext that is no hex", (envelope) => ({ ...envelope, ciphertext: "zz".repeat(16) }), /ciphertext/],
    ["a ciphertext that is no text", (envelope) => ({ ...envelope, ciphertext: 12 }), /ciphertext/],
    ["no IV", ({ initialization_vector: _, ...rest }) => rest, /initialization_vector/],
    ["a short IV", (envelope) => ({ ...envelope, initialization_vector: "00".repeat(15) }), /initialization_vector/],
    ["no mode", ({ mode: _, ...rest }) => rest, /mode/],
    ["another mode", (envelope) => ({ ...envelope, mode: "ECB" }), /mode/],
    ["a foreign key_kcv", (envelope) => ({ ...envelope, key_kcv: "000000" }), /key_kcv/],
    ["a malformed key_kcv", (envelope) => ({ ...envelope, key_kcv: 5 }), /key_kcv/],
    [
      "an inherited ciphertext",
      ({ ciphertext, ...rest }) => JSON.parse(JSON.stringify(rest).replace("{", `{"__proto__":{"ciphertext":"${ciphertext}"},`)),
      /ciphertext/,
    ],
  ];

  test.each(malformed)("%s is 400, may say so, and does not count", async (_name, bend, says) => {
    const envelope = terminal.seal(READY) as unknown as Record<string, unknown>;
    const body = JSON.stringify(bend(envelope));
    for (let i = 0; i < 4; i++) {
      const error = await expectError(terminal.activate({}, { body }), 400, "4000", "Invalid envelope");
      expect(JSON.stringify(error.details)).toMatch(says);
    }
    await expectOk(terminal.activate(READY));
  });

  test("an opened payload that is no object is 400 and does not count", async () => {
    for (const plaintext of [["a"], [[]], [READY]]) {
      await expectError(terminal.activate(plaintext), 400, "4000", "Invalid request body");
    }
    await expectError(terminal.activate([]), 400, "4000", "Invalid request body");
    await expectOk(terminal.activate(READY));
  });
});
