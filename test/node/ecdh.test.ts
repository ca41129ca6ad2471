/** Agreements of the platform, node:crypto and WebCrypto, lead to the key that the published secret leads to, and to one key on both sides. */
import { createECDH, webcrypto } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deriveKeyFromSharedSecret, exposeKeyBytes, type SharedSecretOptions, type SecretKey } from "../../ts/index.js";
import published from "../../vectors/ecdh.json" with { type: "json" };

const agreed: SharedSecretOptions = {
  curve: "P-256",
  kdf: "NIST_SP800",
  hash: "SHA-512",
  sharedInfo: "00112233",
  algorithm: "AES",
  bits: 128,
  usage: "K1",
  extractable: true,
};
const curves = [
  { curve: "P-256", name: "prime256v1" },
  { curve: "P-384", name: "secp384r1" },
  { curve: "P-521", name: "secp521r1" },
] as const;

function bytesOf(key: SecretKey): string {
  const bytes = exposeKeyBytes(key);
  key.destroy();
  return Buffer.from(bytes).toString("hex");
}

/** Agreements until one secret begins with a zero byte, which one in 256 does. */
function agreementWithLeadingZero(): { z: Buffer; again: Buffer } {
  const host = createECDH("prime256v1");
  host.generateKeys();
  for (;;) {
    const terminal = createECDH("prime256v1");
    terminal.generateKeys();
    const z = terminal.computeSecret(host.getPublicKey());
    if (z[0] === 0) return { z, again: host.computeSecret(terminal.getPublicKey()) };
  }
}

describe("agreements", () => {
  const agreements = published.vectors.filter(({ operation }) => operation === "agreement");

  it.each(agreements)("published: $id", ({ privateKey = "", publicKey = "", z }) => {
    const ecdh = createECDH("prime256v1");
    ecdh.setPrivateKey(Buffer.from(privateKey, "hex"));
    const secret = ecdh.computeSecret(Buffer.from(publicKey, "hex"));
    expect(secret.toString("hex").toUpperCase()).toBe(z);
    expect(bytesOf(deriveKeyFromSharedSecret(secret, agreed))).toBe(
      bytesOf(deriveKeyFromSharedSecret(Buffer.from(z, "hex"), agreed)),
    );
  });

  it.each(curves)("$curve: both sides, through node:crypto and WebCrypto", async ({ curve, name }) => {
    const terminal = createECDH(name);
    terminal.generateKeys();
    const algorithm = { name: "ECDH", namedCurve: curve };
    const pair = await webcrypto.subtle.generateKey(algorithm, true, ["deriveBits"]);
    const hostPoint = new Uint8Array(await webcrypto.subtle.exportKey("raw", pair.publicKey));
    const terminalPoint = await webcrypto.subtle.importKey("raw", terminal.getPublicKey(), algorithm, true, []);
    const bits = curve === "P-521" ? 528 : Number(curve.slice(2));
    const z = await webcrypto.subtle.deriveBits({ name: "ECDH", public: terminalPoint }, pair.privateKey, bits);
    const options = { ...agreed, curve };
    expect(bytesOf(deriveKeyFromSharedSecret(new Uint8Array(z), options))).toBe(
      bytesOf(deriveKeyFromSharedSecret(terminal.computeSecret(hostPoint), options)),
    );
  });

  it("a secret that begins with a zero byte", () => {
    const { z, again } = agreementWithLeadingZero();
    expect(z).toHaveLength(32);
    expect(bytesOf(deriveKeyFromSharedSecret(z, agreed))).toBe(bytesOf(deriveKeyFromSharedSecret(again, agreed)));
  });
});
