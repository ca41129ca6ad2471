/**
 * TDES (SP 800-67) and single DES: the block, CBC, CMAC, and the two MACs of ISO 9797-1 that payment keys use, by published
 * vectors and by the laws that connect them.
 */
import { currentBackend } from "../../ts/backend/select.js";
import { cbcMac, importKey, retailMac, tdesCbcDecrypt, tdesCbcEncrypt, tdesCmac } from "../../ts/index.js";
import tdes from "../../vectors/tdes.json" with { type: "json" };
import { type Cases, hex, pseudoRandom, same, toHex } from "../harness.js";

const blockSize = 8;
const cbcVectors = tdes.vectors.filter(({ operation }) => operation === "cbc");
const cmacVectors = tdes.vectors.filter(({ operation }) => operation === "cmac");

function dataKey(material: string | Uint8Array) {
  return importKey(material, { algorithm: "TDES", usage: "D0", modeOfUse: "B" });
}

export const tdesCases: Cases = (suite) => {
  suite.group("TDES block", () => {
    for (const group of ["SP 800-67", "NIST TDES ECB", "table A.1", "table A.2", "table A.3", "table A.4"]) {
      suite.test(`vectors of ${group}`, () => {
        const backend = currentBackend();
        const vectors = tdes.vectors.filter(({ id, operation }) => operation === "block" && id.includes(group));
        same(vectors.length > 0, true, "there are vectors");
        for (const { id, key, plaintext, ciphertext } of vectors) {
          const slot = backend.createSlot("TDES", hex(key));
          same(toHex(backend.encryptBlock(slot, hex(plaintext ?? ""))), ciphertext, `${id}: ciphertext`);
          same(toHex(backend.decryptBlock(slot, hex(ciphertext ?? ""))), plaintext, `${id}: plaintext`);
          backend.destroySlot(slot);
        }
      });
    }

    suite.test("parity bits of the key do not matter; equal keys are single DES", () => {
      const backend = currentBackend();
      const random = pseudoRandom(3);
      const single = random(8);
      const block = random(8);
      const forms = [single, single.map((byte) => byte ^ 1), hex(toHex(single).repeat(2)), hex(toHex(single).repeat(3))];
      const results = forms.map((material) => {
        const slot = backend.createSlot("TDES", material);
        const result = toHex(backend.encryptBlock(slot, block));
        backend.destroySlot(slot);
        return result;
      });
      same(new Set(results).size, 1, "distinct results");
    });
  });

  suite.group("TDES-CBC", () => {
    for (const { id, key, iv, plaintext, ciphertext } of cbcVectors) {
      suite.test(id, () => {
        const secret = dataKey(key);
        same(toHex(tdesCbcEncrypt(secret, hex(iv ?? ""), hex(plaintext ?? ""), { padding: "none" })), ciphertext);
        same(toHex(tdesCbcDecrypt(secret, hex(iv ?? ""), hex(ciphertext ?? ""), { padding: "none" })), plaintext);
        secret.destroy();
      });
    }

    for (const keyBytes of [16, 24]) {
      suite.test(`${keyBytes} bytes: round trips at every length 0..40 and around the buffer's end`, () => {
        const random = pseudoRandom(keyBytes);
        const secret = dataKey(random(keyBytes));
        const iv = random(blockSize);
        const lengths = Array.from({ length: 41 }, (_value, index) => index);
        const long = [65528, 65535, 65536, 65544];
        for (const length of [...lengths, ...long.slice(0, suite.interpreted ? 0 : undefined)]) {
          const data = random(length);
          const sealed = tdesCbcEncrypt(secret, iv, data, { padding: "pkcs7" });
          same(sealed.length, length - (length % blockSize) + blockSize, `length ${length}: padded length`);
          same(tdesCbcDecrypt(secret, iv, sealed, { padding: "pkcs7" }), data, `length ${length}`);
        }
        secret.destroy();
      });
    }
  });

  suite.group("TDES MACs", () => {
    for (const { id, key, message, mac } of cmacVectors) {
      suite.test(id, () => {
        const secret = importKey(key, { algorithm: "TDES", usage: "M6", modeOfUse: "C" });
        same(toHex(tdesCmac(secret, hex(message ?? ""))), mac, "mac");
        secret.destroy();
      });
    }

    suite.test("ISO 9797-1 algorithm 1 is the last block of CBC, algorithm 3 decrypts and encrypts it once more", () => {
      const random = pseudoRandom(5);
      const material = random(16);
      const zero = new Uint8Array(blockSize);
      const algorithm1 = importKey(material, { algorithm: "TDES", usage: "M1", modeOfUse: "C" });
      const algorithm3 = importKey(material, { algorithm: "TDES", usage: "M3", modeOfUse: "C" });
      const cipher = dataKey(material);
      const left = dataKey(hex(toHex(material.subarray(0, 8)).repeat(2)));
      const right = dataKey(hex(toHex(material.subarray(8)).repeat(2)));
      for (const blocks of [1, 2, 3, 8, 100]) {
        const data = random(blockSize * blocks);
        const chained = tdesCbcEncrypt(cipher, zero, data, { padding: "none" }).slice(-blockSize);
        same(cbcMac(algorithm1, data, { padding: "none" }), chained, `algorithm 1, ${blocks} blocks`);
        const single = tdesCbcEncrypt(left, zero, data, { padding: "none" }).slice(-blockSize);
        const decrypted = tdesCbcDecrypt(right, zero, single, { padding: "none" });
        const retail = tdesCbcEncrypt(left, zero, decrypted, { padding: "none" });
        same(retailMac(algorithm3, data, { padding: "none" }), retail, `algorithm 3, ${blocks} blocks`);
      }
      for (const key of [algorithm1, algorithm3, cipher, left, right]) key.destroy();
    });
  });
};
