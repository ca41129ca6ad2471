/**
 * Test vectors are what they claim to be: every file is listed in vectors/SOURCES.md with its count and checksum, and the
 * primitives' values are recomputed with node:crypto, so that a wrong digit is found here and not blamed on the library.
 */
import { createCipheriv, createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import aesBlock from "../../vectors/aes-block.json" with { type: "json" };
import aesCbc from "../../vectors/aes-cbc.json" with { type: "json" };
import hmacOther from "../../vectors/hmac-other.json" with { type: "json" };
import hmacSha256 from "../../vectors/hmac-sha256.json" with { type: "json" };
import sha from "../../vectors/sha.json" with { type: "json" };
import tdes from "../../vectors/tdes.json" with { type: "json" };
import { readFacts, readRows } from "../refresh-sources.js";

const bytes = (hex: string) => Buffer.from(hex, "hex");
const hashName = (name: string) => name.replace("-", "").toLowerCase();

function encrypt(algorithm: string, key: Buffer, iv: Buffer | null, plaintext: string): string {
  const cipher = createCipheriv(algorithm, key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(bytes(plaintext)), cipher.final()])
    .toString("hex")
    .toUpperCase();
}

/** OpenSSL 3 has no single DES and no two-key TDES in its default provider: three keys, repeated. */
function threeKeys(hex: string): Buffer {
  return bytes((hex + hex + hex).slice(0, 48));
}

describe("vectors/SOURCES.md", () => {
  const rows = readRows();
  const facts = readFacts();

  it("lists every file of the folder, and nothing else", () => {
    expect(rows.map((row) => row.file)).toEqual(facts.map((fact) => fact.file));
  });

  it.each(facts)("$file: count and checksum", ({ file, count, sha256 }) => {
    expect(rows.find((row) => row.file === file)).toMatchObject({ count, sha256 });
    expect(Number(count)).toBeGreaterThan(0);
  });

  it.each(rows)("$file: origin and terms", ({ origin, terms }) => {
    expect(origin).not.toBe("");
    expect(terms).not.toBe("");
  });
});

describe("values agree with node:crypto", () => {
  it.each(aesBlock.vectors)("$id", ({ key, plaintext, ciphertext }) => {
    expect(encrypt(`aes-${key.length * 4}-ecb`, bytes(key), null, plaintext)).toBe(ciphertext);
  });

  it.each(aesCbc.vectors)("$id", ({ key, iv, plaintext, ciphertext }) => {
    expect(encrypt(`aes-${key.length * 4}-cbc`, bytes(key), bytes(iv), plaintext)).toBe(ciphertext);
  });

  it("tdes.json", () => {
    for (const { id, operation, key, iv, plaintext, ciphertext } of tdes.vectors) {
      if (operation === "cmac" || plaintext === undefined) continue;
      const chain = iv === undefined ? null : bytes(iv);
      const algorithm = iv === undefined ? "des-ede3-ecb" : "des-ede3-cbc";
      expect(encrypt(algorithm, threeKeys(key), chain, plaintext), id).toBe(ciphertext);
    }
  });

  it("sha.json", () => {
    for (const { id, hash, message, repeat, digest } of sha.vectors) {
      const data = repeat === 1 ? bytes(message) : Buffer.alloc((repeat * message.length) / 2, bytes(message));
      expect(createHash(hashName(hash)).update(data).digest("hex").toUpperCase(), id).toBe(digest);
    }
  });

  it.each([...hmacSha256.vectors, ...hmacOther.vectors])("$id", ({ hash, key, message, mac }) => {
    const full = createHmac(hashName(hash), bytes(key)).update(bytes(message)).digest("hex").toUpperCase();
    expect(full.slice(0, mac.length)).toBe(mac);
  });
});
