/**
 * Bytes that are not an ordinary Uint8Array of this realm: of another realm (frames, test runners), detached by a transfer, or
 * something that only looks like one. The same answer on every backend, and nothing left in the module.
 */
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { noble } from "../../ts/backend/noble/noble.js";
import { wasm } from "../../ts/backend/wasm/mvp.js";
import {
  aesCbcEncrypt,
  aesCmac,
  encryptPinBlock,
  generateKey,
  hmacSha256,
  importKey,
  loadCrypto,
  openEnvelopeBytes,
  parseKeyBlock,
  type SecretKey,
  sealEnvelope,
  sealEnvelopeBytes,
  signRequest,
} from "../../ts/index.js";

const AES = { algorithm: "AES", usage: "D0" } as const;
const MATERIAL = "3F419E1CB7079442AA37474C2EFBF8B8";
const BLOCK = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
const FIELDS = { method: "POST", path: "/pos/charge", terminalId: "T", timestamp: "2026-01-01T00:00:00Z", nonce: "n".repeat(22) };

const detached = () => {
  const bytes = Uint8Array.from(Buffer.from(MATERIAL, "hex"));
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
};
const otherRealm = (): Uint8Array => {
  return runInNewContext("Uint8Array.from(list)", { list: [...Buffer.from(MATERIAL, "hex")] });
};
const impostors: readonly [string, () => unknown][] = [
  ["detached", detached],
  ["an object with its prototype", () => Object.create(Uint8Array.prototype)],
  ["a proxy", () => new Proxy(new Uint8Array(16), {})],
  [
    "words that call themselves bytes",
    () => Object.defineProperty(new Uint16Array(8), Symbol.toStringTag, { value: "Uint8Array" }),
  ],
];

describe.each(["wasm-simd", "wasm", "noble"] as const)("foreign arrays, %s", (tier) => {
  let key: SecretKey;
  let cmac: SecretKey;
  let mac: SecretKey;
  let tpk: SecretKey;

  beforeAll(async () => {
    await loadCrypto({ backend: tier === "noble" ? noble : tier === "wasm" ? wasm : tier });
    key = importKey(MATERIAL, AES);
    cmac = importKey(MATERIAL, { algorithm: "AES", usage: "M6" });
    mac = importKey(MATERIAL, { algorithm: "HMAC", usage: "M7" });
    tpk = importKey(MATERIAL, { algorithm: "AES", usage: "P0" });
  });

  afterAll(async () => {
    await loadCrypto();
  });

  const uses = (): [string, (bytes: Uint8Array) => unknown][] => [
    ["material", (bytes) => importKey(bytes, AES).destroy()],
    ["data of a CMAC", (bytes) => aesCmac(cmac, bytes)],
    ["data of an HMAC", (bytes) => hmacSha256(mac, bytes)],
    ["an IV", (bytes) => aesCbcEncrypt(key, bytes, new Uint8Array(16), { padding: "none" })],
    ["bytes to seal", (bytes) => sealEnvelopeBytes(key, bytes)],
    ["bytes to compress", (bytes) => sealEnvelopeBytes(key, bytes, { gzip: true })],
    ["a body", (bytes) => signRequest(mac, { ...FIELDS, body: bytes })],
  ];

  it("of another realm are bytes like any other", () => {
    for (const [what, use] of uses()) expect(() => use(otherRealm()), what).not.toThrow();
    expect(aesCmac(cmac, otherRealm())).toEqual(aesCmac(cmac, Uint8Array.from(Buffer.from(MATERIAL, "hex"))));
    const block: Uint8Array = runInNewContext("Uint8Array.from(list)", { list: [...Buffer.from(BLOCK)] });
    expect(parseKeyBlock(block).usage).toBe("P0");
    const pin: Uint8Array = runInNewContext("Uint8Array.from([0x31, 0x32, 0x33, 0x34])");
    expect(encryptPinBlock(tpk, { format: 4, pin, pan: "4111111111111111" })).toHaveLength(32);
    expect(() => sealEnvelope(key, otherRealm() as never)).toThrow('"value" must be a JSON value, got bytes');
  });

  it.each(impostors)("%s: ERR_INVALID_ARGUMENT everywhere", (_name, make) => {
    for (const [what, use] of uses()) {
      expect(() => use(make() as Uint8Array), what).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    }
    expect(() => parseKeyBlock(make() as Uint8Array)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    expect(() => encryptPinBlock(tpk, { format: 4, pin: make() as Uint8Array, pan: "4111111111111111" })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  it("a source of randomness that throws is ERR_NO_RANDOM", () => {
    const failing = vi.spyOn(crypto, "getRandomValues").mockImplementation(() => {
      throw new Error("no entropy");
    });
    try {
      const code = expect.objectContaining({ code: "ERR_NO_RANDOM" });
      expect(() => generateKey({ ...AES, bits: 128 })).toThrow(code);
    } finally {
      failing.mockRestore();
    }
  });

  it("an envelope of more chunks than a call has arguments", { timeout: 60_000 }, () => {
    const bytes = Uint8Array.from({ length: 130_000 }, (_, i) => (i * 2654435761) >>> 24);
    const sealed = sealEnvelopeBytes(key, bytes, { gzip: true, chunkBytes: 1, plaintextEncoding: "raw" });
    expect(openEnvelopeBytes(key, sealed, { plaintextEncoding: "raw" })).toEqual(bytes);
  });
});
