/**
 * The library against node:crypto at every length 0..1100: AES-CBC for all key sizes and both paddings, HMAC-SHA-256, and whole
 * envelopes against a composition of Node's primitives. All backends.
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  hmacSha256,
  importKey,
  keyCheckValue,
  loadCrypto,
  openEnvelope,
  sealEnvelope,
  signRequest,
} from "../../ts/index.js";
import { pseudoRandom } from "../harness.js";

const lastLength = 1100;

function nodeEncrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array, padding: boolean): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv).setAutoPadding(padding);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

function nodeDecrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, iv);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

for (const backend of ["wasm-simd", "wasm", "noble"] as const) {
  describe(backend, () => {
    beforeAll(async () => {
      await loadCrypto({ backend });
    });

    it.each([16, 24, 32])("AES-CBC with a key of %i bytes", (keyBytes) => {
      const random = pseudoRandom(keyBytes);
      const material = random(keyBytes);
      const key = importKey(material, { algorithm: "AES", usage: "D0", modeOfUse: "B" });
      for (let length = 0; length <= lastLength; length++) {
        const iv = random(16);
        const data = random(length);
        const padded = nodeEncrypt(material, iv, data, true);
        if (!padded.equals(aesCbcEncrypt(key, iv, data, { padding: "pkcs7" }))) expect.fail(`encrypt, pkcs7, ${length}`);
        if (!Buffer.from(data).equals(aesCbcDecrypt(key, iv, padded, { padding: "pkcs7" })))
          expect.fail(`decrypt, pkcs7, ${length}`);
        if (length % 16 !== 0) continue;
        const bare = nodeEncrypt(material, iv, data, false);
        if (!bare.equals(aesCbcEncrypt(key, iv, data, { padding: "none" }))) expect.fail(`encrypt, none, ${length}`);
        if (!Buffer.from(data).equals(aesCbcDecrypt(key, iv, bare, { padding: "none" }))) expect.fail(`decrypt, none, ${length}`);
      }
      key.destroy();
    });

    it.each([1, 20, 32, 64, 65, 131])("HMAC-SHA-256 with a key of %i bytes", (keyBytes) => {
      const random = pseudoRandom(keyBytes);
      const material = random(keyBytes);
      const key = importKey(material, { algorithm: "HMAC", usage: "M7", modeOfUse: "C" });
      for (let length = 0; length <= lastLength; length++) {
        const data = random(length);
        const expected = createHmac("sha256", material).update(data).digest();
        if (!expected.equals(hmacSha256(key, data))) expect.fail(`length ${length}`);
      }
      key.destroy();
    });

    it.each(["hex", "raw"] as const)("envelopes with plaintextEncoding %s", (plaintextEncoding) => {
      const random = pseudoRandom(41);
      const material = random(32);
      const key = importKey(material, { algorithm: "AES", usage: "D0", modeOfUse: "B" });
      for (let length = 0; length <= 300; length++) {
        const value = { amount: String(length), text: "é€𝄞\u0001".repeat(length >> 3) + "x".repeat(length & 7) };
        const sealed = sealEnvelope(key, value, { plaintextEncoding });
        if (!("ciphertext" in sealed)) throw new Error("one ciphertext expected");
        const iv = Buffer.from(sealed.initialization_vector, "hex");
        const opened = nodeDecrypt(material, iv, Buffer.from(sealed.ciphertext, "hex"));
        const text = plaintextEncoding === "hex" ? Buffer.from(opened.toString("latin1"), "hex") : opened;
        expect(JSON.parse(text.toString("utf8"))).toEqual(value);
        expect(sealed.ciphertext).toMatch(/^[0-9A-F]+$/);

        const json = Buffer.from(JSON.stringify(value));
        const plaintext = plaintextEncoding === "hex" ? Buffer.from(json.toString("hex")) : json;
        const theirs = {
          format: "TR31-DATA" as const,
          ciphertext: nodeEncrypt(material, iv, plaintext, true).toString("hex"),
          initialization_vector: iv.toString("hex"),
          mode: "CBC" as const,
        };
        expect(openEnvelope(key, theirs)).toEqual(value);
      }
      key.destroy();
    });

    it("chunked gzip envelopes, both ways", () => {
      const random = pseudoRandom(43);
      const material = random(32);
      const key = importKey(material, { algorithm: "AES", usage: "D0", modeOfUse: "B" });
      const value = {
        parameters: Array.from({ length: 400 }, (_item, i) => ({
          tag: `9F${i}`,
          value: Buffer.from(random(40)).toString("hex"),
        })),
      };
      const sealed = sealEnvelope(key, value, { gzip: true, chunkBytes: 1000, includeKcv: true });
      if (!("chunks" in sealed)) throw new Error("chunks expected");
      expect(sealed.key_kcv).toBe(keyCheckValue(key));
      expect(sealed.chunks.length).toBeGreaterThan(10);
      const pieces = sealed.chunks.map((chunk) => {
        const text = nodeDecrypt(material, Buffer.from(chunk.initialization_vector, "hex"), Buffer.from(chunk.ciphertext, "hex"));
        return Buffer.from(text.toString("latin1"), "hex");
      });
      expect(JSON.parse(gunzipSync(Buffer.concat(pieces)).toString("utf8"))).toEqual(value);

      const zipped = gzipSync(JSON.stringify(value));
      const chunks = [];
      for (let at = 0; at < zipped.length; at += 777) {
        const iv = random(16);
        const ciphertext = nodeEncrypt(material, iv, Buffer.from(zipped.subarray(at, at + 777).toString("hex")), true).toString(
          "hex",
        );
        chunks.push({ ciphertext, initialization_vector: Buffer.from(iv).toString("hex"), mode: "CBC" as const });
      }
      const theirs = { format: "TR31-DATA-CHUNKED" as const, content_encoding: "gzip" as const, mode: "CBC" as const, chunks };
      expect(openEnvelope(key, { ...theirs, key_kcv: keyCheckValue(key) })).toEqual(value);
      key.destroy();
    });

    it("request signatures", () => {
      const material = Buffer.from("a secret of the terminal, 32 byt");
      const key = importKey(material, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" });
      const fields = {
        method: "POST",
        path: "/pos/charge",
        terminalId: "TID-004812",
        timestamp: "2025-12-13T14:35:00Z",
        nonce: "f9e8d7c6b5a4",
      };
      for (const body of ["", "{}", '{"format":"TR31-DATA","ciphertext":"é"}', "x".repeat(70_000)]) {
        const text = ["POST", "/pos/charge", body, "TID-004812", "2025-12-13T14:35:00Z", "f9e8d7c6b5a4"].join("\n");
        const expected = `v1=${createHmac("sha256", material).update(text).digest("base64")}`;
        expect(signRequest(key, { ...fields, body })).toBe(expected);
        expect(signRequest(key, { ...fields, body: Buffer.from(body) })).toBe(expected);
        if (body === "") expect(signRequest(key, fields)).toBe(expected);
      }
      key.destroy();
    });
  });
}
