/**
 * AES: the block (FIPS 197), CBC (SP 800-38A 6.2) with and without PKCS#7, and CMAC (SP 800-38B), by published vectors and by
 * the laws that connect them at lengths no vector covers.
 */
import { currentBackend } from "../../ts/backend/select.js";
import { aesCbcDecrypt, aesCbcEncrypt, aesCmac, importKey } from "../../ts/index.js";
import aesBlock from "../../vectors/aes-block.json" with { type: "json" };
import aesCbc from "../../vectors/aes-cbc.json" with { type: "json" };
import aesCmacVectors from "../../vectors/aes-cmac.json" with { type: "json" };
import { type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

const blockSize = 16;

function dataKey(material: string | Uint8Array) {
  return importKey(material, { algorithm: "AES", usage: "D0", modeOfUse: "B" });
}

export const aesCases: Cases = (suite) => {
  suite.group("AES block", () => {
    for (const { id, key, plaintext, ciphertext } of aesBlock.vectors) {
      suite.test(id, () => {
        const backend = currentBackend();
        const slot = backend.createSlot("AES", hex(key));
        same(toHex(backend.encryptBlock(slot, hex(plaintext))), ciphertext, "ciphertext");
        same(toHex(backend.decryptBlock(slot, hex(ciphertext))), plaintext, "plaintext");
        backend.destroySlot(slot);
      });
    }
  });

  suite.group("AES-CBC", () => {
    for (const { id, key, iv, plaintext, ciphertext } of aesCbc.vectors) {
      suite.test(id, () => {
        const secret = dataKey(key);
        same(toHex(aesCbcEncrypt(secret, hex(iv), hex(plaintext), { padding: "none" })), ciphertext, "ciphertext");
        same(toHex(aesCbcDecrypt(secret, hex(iv), hex(ciphertext), { padding: "none" })), plaintext, "plaintext");
        const padded = aesCbcEncrypt(secret, hex(iv), hex(plaintext), { padding: "pkcs7" });
        same(padded.length, hex(plaintext).length + blockSize, "a full block of padding");
        same(toHex(padded).slice(0, ciphertext.length), ciphertext, "the blocks before the padding");
        secret.destroy();
      });
    }

    for (const keyBytes of [16, 24, 32]) {
      suite.test(`${8 * keyBytes} bits: round trips at every length 0..80 and around the buffer's end, both paddings`, () => {
        const random = pseudoRandom(keyBytes);
        const secret = dataKey(random(keyBytes));
        const iv = random(blockSize);
        const lengths = Array.from({ length: 81 }, (_value, index) => index);
        const long = [2047, 2048, 65519, 65520, 65535, 65536, 65537, 65552, 131071, 131072, 150000];
        for (const length of [...lengths, ...long.slice(0, suite.interpreted ? 3 : undefined)]) {
          const data = random(length);
          const sealed = aesCbcEncrypt(secret, iv, data, { padding: "pkcs7" });
          same(sealed.length, length - (length % blockSize) + blockSize, `length ${length}: padded length`);
          same(aesCbcDecrypt(secret, iv, sealed, { padding: "pkcs7" }), data, `length ${length}`);
          if (length % blockSize !== 0) continue;
          const bare = aesCbcEncrypt(secret, iv, data, { padding: "none" });
          same(bare, sealed.subarray(0, length), `length ${length}: the same blocks without padding`);
          same(aesCbcDecrypt(secret, iv, bare, { padding: "none" }), data, `length ${length}: none`);
        }
        secret.destroy();
      });
    }

    suite.test("a message of 200,000 bytes equals the same message in pieces chained by hand", () => {
      const random = pseudoRandom(7);
      const secret = dataKey(random(32));
      const first = random(blockSize);
      const data = random(200_000);
      const whole = aesCbcEncrypt(secret, first, data, { padding: "none" });
      let iv = first;
      for (let at = 0; at < data.length; at += 16_000) {
        const piece = aesCbcEncrypt(secret, iv, data.subarray(at, at + 16_000), { padding: "none" });
        same(whole.subarray(at, at + piece.length), piece, `piece at ${at}`);
        const opened = aesCbcDecrypt(secret, iv, piece, { padding: "none" });
        same(opened, data.subarray(at, at + piece.length), `opened piece at ${at}`);
        iv = piece.slice(-blockSize);
      }
      secret.destroy();
    });

    suite.test("inputs stay as they were, results are fresh arrays", () => {
      const random = pseudoRandom(9);
      const secret = dataKey(random(16));
      const iv = random(blockSize);
      const data = random(48);
      const before = toHex(iv) + toHex(data);
      const a = aesCbcEncrypt(secret, iv, data, { padding: "none" });
      const b = aesCbcEncrypt(secret, iv, data, { padding: "none" });
      const opened = aesCbcDecrypt(secret, iv, a, { padding: "none" });
      same(toHex(iv) + toHex(data), before, "inputs");
      a.fill(0);
      same(aesCbcDecrypt(secret, iv, b, { padding: "none" }), opened, "the second result");
      secret.destroy();
    });

    suite.test("every wrong padding is refused with one error, every right one accepted", () => {
      const random = pseudoRandom(11);
      const secret = dataKey(random(32));
      const iv = random(blockSize);
      const messages = new Set<string>();
      for (let last = 0; last < 256; last++) {
        for (const good of [true, false]) {
          const block = random(blockSize).map((byte) => byte | 0x80);
          const isLength = last >= 1 && last <= blockSize;
          if (isLength) block.fill(last, blockSize - last);
          block[blockSize - 1] = last;
          if (!good && last > 1 && isLength) block[blockSize - last] = last ^ 0x40;
          const sealed = aesCbcEncrypt(secret, iv, block, { padding: "none" });
          if (isLength && (good || last === 1)) {
            same(aesCbcDecrypt(secret, iv, sealed, { padding: "pkcs7" }).length, blockSize - last, `padding ${last}`);
          } else {
            const error = throwsCode(() => aesCbcDecrypt(secret, iv, sealed, { padding: "pkcs7" }), "ERR_DECRYPT");
            messages.add(error.message);
          }
        }
      }
      same(messages.size, 1, "messages");
      secret.destroy();
    });
  });

  suite.group("AES-CMAC", () => {
    for (const { id, key, message, mac } of aesCmacVectors.vectors) {
      suite.test(id, () => {
        const secret = importKey(key, { algorithm: "AES", usage: "M6", modeOfUse: "C" });
        same(toHex(aesCmac(secret, hex(message))), mac, "mac");
        secret.destroy();
      });
    }

    suite.test("equals CBC under the subkeys at every length 0..80 and around the buffer's end", () => {
      const random = pseudoRandom(13);
      const material = random(32);
      const secret = importKey(material, { algorithm: "AES", usage: "M6", modeOfUse: "C" });
      const cipher = dataKey(material);
      const zero = new Uint8Array(blockSize);
      const l = aesCbcEncrypt(cipher, zero, zero, { padding: "none" });
      const subkey1 = double(l);
      const subkey2 = double(subkey1);
      const lengths = Array.from({ length: 81 }, (_value, index) => index);
      const long = [65519, 65520, 65535, 65536, 65537, 65793, 131072];
      for (const length of [...lengths, ...long.slice(0, suite.interpreted ? 1 : undefined)]) {
        const data = random(length);
        const whole = length > 0 && length % blockSize === 0;
        const padded = new Uint8Array(whole ? length : length - (length % blockSize) + blockSize);
        padded.set(data);
        if (!whole) padded[length] = 0x80;
        const subkey = whole ? subkey1 : subkey2;
        for (let i = 0; i < blockSize; i++) padded[padded.length - blockSize + i]! ^= subkey[i]!;
        const expected = aesCbcEncrypt(cipher, zero, padded, { padding: "none" }).slice(-blockSize);
        same(aesCmac(secret, data), expected, `length ${length}`);
      }
      secret.destroy();
      cipher.destroy();
    });
  });

  suite.group("AES keys", () => {
    suite.test("equal keys in different slots do not disturb each other", () => {
      const random = pseudoRandom(17);
      const iv = random(blockSize);
      const data = random(64);
      const materials = [random(16), random(24), random(32), random(16), random(24), random(32)];
      const keys = materials.map((material) => dataKey(material));
      const expected = keys.map((key) => toHex(aesCbcEncrypt(key, iv, data, { padding: "pkcs7" })));
      keys[2]!.destroy();
      const again = dataKey(materials[0]!);
      same(toHex(aesCbcEncrypt(again, iv, data, { padding: "pkcs7" })), expected[0], "the reused slot");
      for (const index of [0, 1, 3, 4, 5]) {
        same(toHex(aesCbcEncrypt(keys[index]!, iv, data, { padding: "pkcs7" })), expected[index], `key ${index}`);
        keys[index]!.destroy();
      }
      again.destroy();
      ok(keys.every((key) => key.destroyed));
    });
  });
};

/** Doubling in GF(2^128), SP 800-38B 6.1. */
function double(block: Uint8Array): Uint8Array {
  const result = new Uint8Array(blockSize);
  for (let i = 0; i < blockSize; i++) result[i] = (block[i]! << 1) | ((block[i + 1] ?? 0) >> 7);
  if (block[0]! >> 7) result[blockSize - 1]! ^= 0x87;
  return result;
}
