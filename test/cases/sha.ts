/**
 * SHA-2 and HMAC: FIPS 180-4 and RFC 4231 by published vectors; every boundary of a block and of the buffer by the laws that
 * connect the ways in (bytes, text, several parts, Base64).
 */
import { currentBackend } from "../../ts/backend/select.js";
import { hmacSha256, importKey } from "../../ts/index.js";
import hmacOther from "../../vectors/hmac-other.json" with { type: "json" };
import hmacSha256Vectors from "../../vectors/hmac-sha256.json" with { type: "json" };
import sha from "../../vectors/sha.json" with { type: "json" };
import type { HashName } from "../../ts/backend/contract.js";
import { ascii, type Cases, hex, ok, pseudoRandom, same, toHex } from "../harness.js";

const macKey = (material: string | Uint8Array) => importKey(material, { algorithm: "HMAC", usage: "M7", modeOfUse: "C" });

export const shaCases: Cases = (suite) => {
  suite.group("SHA-256", () => {
    for (const { id, message, repeat, digest } of sha.vectors.filter(({ hash }) => hash === "SHA-256")) {
      suite.test(id, () => {
        const unit = hex(message);
        const data = new Uint8Array(unit.length * repeat);
        for (let at = 0; at < data.length; at += unit.length) data.set(unit, at);
        same(toHex(currentBackend().digest("SHA-256", data)), digest, "digest");
      });
    }
  });

  suite.group("HMAC", () => {
    for (const { id, key, message, mac } of hmacSha256Vectors.vectors) {
      suite.test(id, () => {
        const secret = macKey(key);
        const full = hmacSha256(secret, hex(message));
        same(full.length, 32, "length");
        same(toHex(full).slice(0, mac.length), mac, "mac");
        secret.destroy();
      });
    }

    for (const { id, hash, key, message, mac } of hmacOther.vectors) {
      suite.test(id, () => {
        const backend = currentBackend();
        for (const kind of ["HMAC", "OPAQUE"] as const) {
          const slot = backend.createSlot(kind, hex(key));
          const full = backend.hmacWith(hash as HashName, slot, hex(message));
          same(toHex(full).slice(0, mac.length), mac, `mac of a ${kind} slot`);
          backend.destroySlot(slot);
        }
      });
    }

    suite.test("keys of every length around the block are hashed or not as FIPS 198-1 says", () => {
      const backend = currentBackend();
      const random = pseudoRandom(21);
      const message = random(100);
      for (const length of [1, 31, 32, 63, 64, 65, 127, 128, 129, 1000, 8191]) {
        const material = random(length);
        const secret = macKey(material);
        const block = new Uint8Array(64);
        block.set(length > 64 ? backend.digest("SHA-256", material) : material);
        const inner = backend.digest("SHA-256", joined(xored(block, 0x36), message));
        const expected = backend.digest("SHA-256", joined(xored(block, 0x5c), inner));
        same(hmacSha256(secret, message), expected, `key of ${length} bytes`);
        secret.destroy();
      }
    });

    suite.test("parts, text and Base64 give the MAC of the concatenation, at every boundary", () => {
      const backend = currentBackend();
      const random = pseudoRandom(23);
      const slot = backend.createSlot("HMAC", random(32));
      const text = "é€𝄞 POST\n/pos/charge\n";
      const textBytes = hex("C3A9E282ACF09D849E20504F53540A2F706F732F6368617267650A");
      const lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 4096, 65535, 65536, 65537, 140_000];
      for (const length of lengths.slice(0, suite.interpreted ? 10 : undefined)) {
        const data = random(length);
        const whole = backend.hmac(slot, [joined(textBytes, data, textBytes)]);
        same(backend.hmac(slot, [text, data, text]), whole, `length ${length}`);
        const split = length >> 1;
        same(backend.hmac(slot, [text, data.subarray(0, split), "", data.subarray(split), text]), whole);
        const base64 = backend.hmacBase64(slot, [text, data, text]);
        same(base64, toBase64(whole), `Base64, length ${length}`);
        ok(backend.hmacBase64Equals(slot, [text, data, text], base64), "equal to itself");
        for (const at of [0, 21, 42, 43]) {
          const other = base64[at] === "A" ? "B" : "A";
          const wrong = base64.slice(0, at) + other + base64.slice(at + 1);
          ok(!backend.hmacBase64Equals(slot, [text, data, text], wrong), `differs at ${at}`);
        }
        ok(!backend.hmacBase64Equals(slot, [text, data, text], base64.slice(0, 43)), "shorter");
        ok(!backend.hmacBase64Equals(slot, [text, data, text], `${base64}=`), "longer");
        ok(!backend.hmacBase64Equals(slot, [text, data, text], `${base64.slice(0, 43)}\u0100`), "not ASCII");
      }
      const long = "x".repeat(200_000);
      same(backend.hmac(slot, [long]), backend.hmac(slot, [ascii(long)]), "long text");
      const wide = "€".repeat(70_000);
      const wideBytes = new Uint8Array(210_000);
      for (let at = 0; at < wideBytes.length; at += 3) wideBytes.set([0xe2, 0x82, 0xac], at);
      same(backend.hmac(slot, [wide]), backend.hmac(slot, [wideBytes]), "long text of three bytes a character");
      backend.destroySlot(slot);
    });
  });

  suite.group("hex and equality of secrets", () => {
    suite.test("hex of every byte, both cases in, upper case out", () => {
      const backend = currentBackend();
      const all = Uint8Array.from({ length: 256 }, (_value, index) => index);
      same(backend.encodeHex(all), toHex(all), "encoded");
      same(backend.decodeHex(toHex(all)) ?? new Uint8Array(), all, "decoded upper case");
      same(backend.decodeHex(toHex(all).toLowerCase()) ?? new Uint8Array(), all, "decoded lower case");
      same(backend.encodeHex(new Uint8Array()), "", "nothing");
      same(backend.decodeHex("")?.length, 0, "nothing back");
    });

    suite.test("hex of every length, and every character that is not a digit is refused at every place", () => {
      const backend = currentBackend();
      const random = pseudoRandom(25);
      for (let length = 1; length <= 70; length++) {
        const bytes = random(length);
        const text = backend.encodeHex(bytes);
        same(text, toHex(bytes), `length ${length}`);
        same(toHex(backend.decodeHex(text) ?? new Uint8Array()), text, `length ${length} back`);
        const at = length % (2 * length);
        same(backend.decodeHex(`${text.slice(0, at)}G${text.slice(at + 1)}`), undefined, `G at ${at} of ${length}`);
        same(backend.decodeHex(text.slice(1)), undefined, "odd");
      }
      for (let code = 0; code < 0x180; code++) {
        const character = String.fromCharCode(code);
        const valid = /[0-9A-Fa-f]/.test(character);
        for (const at of [0, 15, 16, 33]) {
          const text = `${"0".repeat(at)}${character}${"0".repeat(33 - at)}`;
          same(backend.decodeHex(text) !== undefined, valid, `U+${code.toString(16)} at ${at}`);
        }
      }
    });

    suite.test("equal: every length, a difference in every byte", () => {
      const backend = currentBackend();
      const random = pseudoRandom(27);
      for (let length = 0; length <= 70; length++) {
        const a = random(length);
        ok(backend.equal(a, a.slice()), `length ${length}`);
        ok(!backend.equal(a, random(length + 1)), "other length");
        for (let at = 0; at < length; at++) {
          const b = a.slice();
          b[at]! ^= 1 << (at & 7);
          ok(!backend.equal(a, b), `byte ${at} of ${length}`);
        }
      }
    });
  });
};

function joined(...parts: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function xored(block: Uint8Array, byte: number): Uint8Array {
  return block.map((value) => value ^ byte);
}

function toBase64(bytes: Uint8Array): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => alphabet[(group >> shift) & 63]).join("");
    text += i + 3 <= bytes.length ? digits : digits.slice(0, bytes.length - i + 1).padEnd(4, "=");
  }
  return text;
}
