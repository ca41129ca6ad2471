/**
 * The key block vectors against a second implementation over node:crypto's single blocks: every positive opens there to the same
 * key and padding, and every negative has the MAC its name claims, so that its one defect is the only one.
 */
import { describe, expect, it } from "vitest";
import dialects from "../../vectors/key-block-dialects.json" with { type: "json" };
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import positives from "../../vectors/key-blocks.json" with { type: "json" };
import { referenceCheckValue, referenceOpen, referencePayload, referenceProtect } from "./reference-key-block.js";

const bytes = (hex: string) => Buffer.from(hex, "hex");
const macDigits = (version: string) => ({ A: 8, B: 16, C: 8 })[version] ?? 32;

describe("published and own key blocks", () => {
  it.each(positives.vectors)("$id", ({ block, kbpk, key, padding, version, checkValue }) => {
    const headerLength = block.length - macDigits(version) - (4 + key.length + padding.length);
    const payload = referenceOpen(bytes(kbpk), block, headerLength);
    expect(payload?.toString("hex")).toBe(referencePayload(bytes(key), bytes(padding)).toString("hex"));
    const letter = block.charAt(7);
    if (checkValue !== undefined) {
      const value = referenceCheckValue(letter === "A" ? "AES" : "TDES", bytes(key), letter === "A", checkValue.length / 2);
      expect(value).toBe(checkValue);
    }
  });
});

describe("key blocks as the field writes them", () => {
  it("40 blocks of six dialects", () => {
    expect([dialects.vectors.length, new Set(dialects.vectors.map(({ dialect }) => dialect)).size]).toEqual([40, 6]);
  });

  it.each(dialects.vectors)("$id", ({ version, kbpk, key, padding, headerLength, block }) => {
    const payload = referencePayload(bytes(key), bytes(padding));
    expect(referenceOpen(bytes(kbpk), block, headerLength)?.toString("hex")).toBe(payload.toString("hex"));
    const header = block.slice(0, headerLength);
    const again = referenceProtect(version as "A", bytes(kbpk), header, payload);
    expect(again).toBe(header + block.slice(headerLength).toUpperCase());
    expect(Number(block.slice(1, 5))).toBe(block.length);
  });
});

/** Where the ciphertext begins, from the front: these blocks are well formed. */
function headerEnd(block: string): number {
  let at = 16;
  for (let left = Number(block.slice(12, 14)); left > 0; left--) {
    const short = Number.parseInt(block.slice(at + 2, at + 4), 16);
    at += short === 0 ? Number.parseInt(block.slice(at + 6, at + 10), 16) : short;
  }
  return at;
}

describe("negatives", () => {
  const authentic = ["ERR_KEY_BLOCK_PAYLOAD", "ERR_KEY_BLOCK_POLICY", "ERR_KCV_MISMATCH"];
  it.each(negatives.vectors.filter(({ code }) => authentic.includes(code)))("$id: the MAC verifies", ({ block, kbpk }) => {
    expect(referenceOpen(bytes(kbpk), block, headerEnd(block))).toBeDefined();
  });

  it.each(negatives.vectors.filter(({ code }) => code === "ERR_KEY_BLOCK_MAC"))("$id: the MAC does not", ({ block, kbpk }) => {
    expect(referenceOpen(bytes(kbpk), block, headerEnd(block))).toBeUndefined();
  });

  it("payload negatives state a length that cannot be", () => {
    for (const { block, kbpk } of negatives.vectors.filter(({ code }) => code === "ERR_KEY_BLOCK_PAYLOAD")) {
      const payload = referenceOpen(bytes(kbpk), block, headerEnd(block))!;
      const bits = payload.readUInt16BE(0);
      expect(bits === 0 || bits % 8 !== 0 || bits / 8 > payload.length - 2).toBe(true);
    }
  });
});
