/** The generated terminal parameters: as large, as compressible and as consistent as production's. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { defaultTerminalParameters } from "../../ts/mock/index.js";

interface Parameters {
  ca_public_keys: { rid: string; index: string; modulus: string; exponent: string; checksum: string }[];
  emv_contact: { applications: { aid: string }[] };
  card_ranges: { low: string; high: string; pan_length: number }[];
}

const parameters = defaultTerminalParameters() as unknown as Parameters;

test("about 200 KB of JSON, about 17 KB gzipped", () => {
  const json = JSON.stringify(parameters);
  const zipped = gzipSync(json).length;
  expect(json.length).toBeGreaterThan(190_000);
  expect(json.length).toBeLessThan(215_000);
  expect(zipped).toBeGreaterThan(15_000);
  expect(zipped).toBeLessThan(19_000);
});

test("the same in every run", () => {
  expect(JSON.stringify(defaultTerminalParameters())).toBe(JSON.stringify(parameters));
});

test("every certification authority key has the checksum of EMV Book 2", () => {
  expect(parameters.ca_public_keys.length).toBeGreaterThan(10);
  for (const key of parameters.ca_public_keys) {
    const data = Buffer.from(key.rid + key.index + key.modulus + key.exponent, "hex");
    expect(createHash("sha1").update(data).digest("hex").toUpperCase()).toBe(key.checksum);
    expect(Number.parseInt(key.modulus.slice(0, 2), 16) & 0x80).toBe(0x80);
  }
});

test("every application has its authority's keys, and card ranges are sorted", () => {
  const rids = new Set(parameters.ca_public_keys.map((key) => key.rid));
  for (const { aid } of parameters.emv_contact.applications) expect(rids).toContain(aid.slice(0, 10));
  const lows = parameters.card_ranges.map((range) => range.low);
  expect(lows).toEqual([...lows].sort());
  for (const range of parameters.card_ranges) expect(range.low < range.high).toBe(true);
});
