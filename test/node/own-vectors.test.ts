/**
 * The vectors that this project made, by a second path: node:crypto's single blocks, CBC and HMAC, and node:zlib, without any code
 * of the library. Then the library against the same path where no vector exists: enciphered PIN blocks of formats 0 to 3, MACs of
 * ISO 9797-1, gzip.
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { gunzipSync, gzipSync, constants as zlib } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gunzip, gzip } from "../../ts/core/envelope/gzip.js";
import { cbcMac, decryptPinBlock, encryptPinBlock, importKey, openEnvelope, retailMac, sealEnvelope } from "../../ts/index.js";
import { setRandomSource } from "../../ts/base/random.js";
import envelopeNegatives from "../../vectors/envelope-negatives.json" with { type: "json" };
import envelopes from "../../vectors/envelopes.json" with { type: "json" };
import pinNegatives from "../../vectors/pin-block-negatives.json" with { type: "json" };
import pinBlocks from "../../vectors/pin-blocks.json" with { type: "json" };
import signatures from "../../vectors/signatures.json" with { type: "json" };
import { pseudoRandom } from "../harness.js";

const bytes = (hex: string) => Buffer.from(hex, "hex");
const upper = (data: Buffer) => data.toString("hex").toUpperCase();
const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));

function block(algorithm: string, key: Buffer, data: Buffer, decipher = false): Buffer {
  const cipher = (decipher ? createDecipheriv : createCipheriv)(algorithm, key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

/** OpenSSL 3 has no two-key TDES in its default provider: three keys, repeated. */
const threeKeys = (key: Buffer) => Buffer.concat([key, key, key]).subarray(0, 24);

/** ISO 9564-1 in words of strings: PAN fields as hexadecimal digits. */
function panField(format: number, pan: string): string {
  if (format === 4) {
    const padded = pan.padStart(12, "0");
    return `${(padded.length - 12).toString(16)}${padded}`.padEnd(32, "0");
  }
  return `0000${`000000000000${pan.slice(0, -1)}`.slice(-12)}`;
}

interface PinVector {
  format: number;
  pan?: string;
  key?: string;
  block: string;
}

/** The PIN field inside a block. */
function fieldOf({ format, pan, key, block: text }: PinVector): string {
  const combine = (data: Buffer) => (pan === undefined ? data : xor(data, bytes(panField(format, pan))));
  if (format !== 4) return upper(combine(bytes(text)));
  const algorithm = `aes-${(key as string).length * 4}-ecb`;
  const outer = block(algorithm, bytes(key as string), bytes(text), true);
  return upper(block(algorithm, bytes(key as string), combine(outer), true));
}

/** What each format says a field is. */
const GRAMMAR = [
  /^0([4-9A-C])(\d+)F*$/,
  /^1([4-9A-C])(\d+[0-9A-F]*)$/,
  /^2([4-9A-C])(\d+)F*$/,
  /^3([4-9A-C])(\d+)[A-F]*$/,
  /^4([4-9A-C])(\d+)A*$/,
];

/** The PIN in a field, by regular expression, or `undefined`. */
function pinIn(format: number, field: string): string | undefined {
  const match = GRAMMAR[format]?.exec(field.slice(0, 16));
  const length = Number.parseInt(match?.[1] ?? "", 16);
  const pin = match?.[2]?.slice(0, length) ?? "";
  const exact = format === 1 || match?.[2]?.length === length;
  return exact && /^\d{4,12}$/.test(pin) && pin.length === length ? pin : undefined;
}

describe("vectors/pin-blocks.json", () => {
  it.each(pinBlocks.vectors as unknown as (PinVector & { id: string; pin: string; pinField: string; panField?: string })[])(
    "$id",
    (vector) => {
      if (vector.panField !== undefined) expect(panField(vector.format, vector.pan as string)).toBe(vector.panField);
      expect(fieldOf(vector)).toBe(vector.pinField);
      expect(pinIn(vector.format, vector.pinField)).toBe(vector.pin);
    },
  );
});

describe("vectors/pin-block-negatives.json", () => {
  it.each(pinNegatives.vectors as unknown as (PinVector & { id: string })[])("$id", (vector) => {
    expect(pinIn(vector.format, fieldOf(vector))).toBeUndefined();
  });

  it("each differs from the others", () => {
    expect(new Set(pinNegatives.vectors.map((vector) => JSON.stringify({ ...vector, id: "", defect: "" }))).size).toBe(
      pinNegatives.vectors.length,
    );
  });
});

interface Sealed {
  ciphertext: string;
  initialization_vector: string;
}

interface EnvelopeVector {
  id: string;
  key: string;
  plaintextEncoding: string;
  envelope: Sealed & { format: string; content_encoding?: string; key_kcv?: string; chunks?: Sealed[] };
}

/** The content of an envelope; throws like OpenSSL and zlib do. */
function contentOf({ key, plaintextEncoding, envelope }: EnvelopeVector): Buffer {
  const parts = envelope.chunks ?? [envelope];
  const plaintexts = parts.map(({ ciphertext, initialization_vector: iv }) => {
    const cipher = createDecipheriv(`aes-${key.length * 4}-cbc`, bytes(key), bytes(iv));
    return Buffer.concat([cipher.update(bytes(ciphertext)), cipher.final()]);
  });
  const whole = Buffer.concat(plaintexts);
  let inner = whole;
  if (plaintextEncoding === "hex") {
    const text = whole.toString("latin1");
    if (!/^([0-9A-Fa-f]{2})*$/.test(text)) throw new Error("no hex text");
    inner = bytes(text);
  }
  return envelope.content_encoding === "gzip" ? gunzipSync(inner) : inner;
}

describe("vectors/envelopes.json", () => {
  it.each(envelopes.vectors as unknown as (EnvelopeVector & { json?: string; bytes?: string })[])("$id", (vector) => {
    const content = contentOf(vector);
    if (vector.json !== undefined) expect(content.toString("utf8")).toBe(vector.json);
    else expect(upper(content)).toBe(vector.bytes);
  });
});

describe("vectors/envelope-negatives.json", () => {
  const opening = (envelopeNegatives.vectors as unknown as (EnvelopeVector & { code: string })[]).filter(
    ({ code, plaintextEncoding }) => {
      return code === "ERR_ENVELOPE_OPEN" && plaintextEncoding !== "auto";
    },
  );
  // node:zlib ignores what follows the last trailer, and Buffer decodes any bytes as text.
  const lenient = /behind the trailer/;
  it.each(opening.filter(({ id }) => !lenient.test(id)))("$id", (vector) => {
    expect(() => JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(contentOf(vector)))).toThrow();
  });

  it("has every code", () => {
    const codes = new Set(envelopeNegatives.vectors.map(({ code }) => code));
    expect([...codes].sort()).toEqual(["ERR_ENVELOPE_FORMAT", "ERR_ENVELOPE_KEY", "ERR_ENVELOPE_OPEN"]);
    expect(opening.length).toBeGreaterThan(25);
  });
});

describe("vectors/signatures.json", () => {
  it.each(signatures.vectors as unknown as Record<string, string>[])("$id", (vector) => {
    const lines = vector["kind"] === "request" ? ["method", "path", "body", "terminalId"] : ["deviceId", "keyId"];
    const values = [...lines, "timestamp", "nonce"].map((name) => {
      return name === "body" && vector["bodyHex"] !== undefined
        ? bytes(vector["bodyHex"])
        : Buffer.from(vector[name] ?? "", "utf8");
    });
    const text = Buffer.concat(values.flatMap((value, i) => (i === 0 ? [value] : [Buffer.from("\n"), value])));
    expect(upper(text)).toBe(vector["text"]);
    const mac = createHmac("sha256", bytes(vector["key"] as string))
      .update(text)
      .digest("base64");
    expect(`v1=${mac}`).toBe(vector["signature"]);
  });
});

describe("the library against node:crypto and node:zlib", () => {
  it("PIN blocks of formats 0 to 3 under TDES keys", () => {
    for (const keyHex of ["0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEFFEDCBA98765432100011223344556677"]) {
      const tpk = importKey(keyHex, { algorithm: "TDES", usage: "P0" });
      for (const vector of pinBlocks.vectors as unknown as (PinVector & { pin: string; pinField: string })[]) {
        const { format, pan, pin, pinField } = vector;
        if (format === 4) continue;
        const nibbles = Uint8Array.from(pinField.slice(2), (digit) => Number.parseInt(digit, 16));
        setRandomSource((n) => (format === 3 ? nibbles.map((nibble) => Math.max(0, nibble - 10)) : nibbles).slice(0, n));
        const options = { format: format as 0 | 1 | 2 | 3, pan };
        const expected = upper(block("des-ede3-ecb", threeKeys(bytes(keyHex)), bytes(vector.block)));
        try {
          expect(encryptPinBlock(tpk, { ...options, pin })).toBe(expected);
        } finally {
          setRandomSource(undefined);
        }
        expect(decryptPinBlock(tpk, expected, options)).toBe(pin);
      }
      tpk.destroy();
    }
  });

  it("CBC-MAC and retail MAC", () => {
    const random = pseudoRandom(9797);
    const single = (key: Buffer, data: Buffer, decipher: boolean) =>
      block("des-ede3-ecb", Buffer.concat([key, key, key]), data, decipher);
    for (let blocks = 1; blocks <= 20; blocks++) {
      const key = Buffer.from(random(16));
      const data = Buffer.from(random(blocks * 16));
      const cipher = createCipheriv("aes-128-cbc", key, Buffer.alloc(16)).setAutoPadding(false);
      const aes = importKey(key, { algorithm: "AES", usage: "M1" });
      expect(Buffer.from(cbcMac(aes, data, { padding: "none" }))).toEqual(cipher.update(data).subarray(-16));
      let chain: Buffer = Buffer.alloc(8);
      for (let at = 0; at < data.length; at += 8)
        chain = single(key.subarray(0, 8), xor(data.subarray(at, at + 8), chain), false);
      const expected = single(key.subarray(0, 8), single(key.subarray(8), chain, true), false);
      const retail = importKey(key, { algorithm: "TDES", usage: "M3" });
      expect(Buffer.from(retailMac(retail, data, { padding: "none" }))).toEqual(expected);
      aes.destroy();
      retail.destroy();
    }
  });

  it("envelopes both ways: what OpenSSL sealed is opened, what was sealed OpenSSL opens", () => {
    const keyHex = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
    const key = importKey(keyHex, { algorithm: "AES", usage: "D0" });
    for (let length = 0; length < 300; length += 7) {
      for (const plaintextEncoding of ["hex", "raw"] as const) {
        const value = { text: "é".repeat(length) };
        const envelope = sealEnvelope(key, value, { plaintextEncoding }) as unknown as EnvelopeVector["envelope"];
        expect(contentOf({ id: "", key: keyHex, plaintextEncoding, envelope }).toString("utf8")).toBe(JSON.stringify(value));
        expect(openEnvelope(key, envelope, { plaintextEncoding })).toEqual(value);
      }
    }
    key.destroy();
  });

  it("gzip both ways: every level, strategy and window of zlib; several members", () => {
    const random = pseudoRandom(1950);
    for (let round = 0; round < 150; round++) {
      const [a = 0, b = 0, level = 0, strategy = 0, memory = 0, kind = 0] = random(6);
      const length = a * (b % 80);
      const content = Buffer.from(random(length)).map((byte, i) =>
        kind % 3 === 0 ? byte : kind % 3 === 1 ? 65 + (byte & 3) : (i * 7) & 31,
      );
      const options = {
        level: level % 10,
        strategy: [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED][
          strategy % 5
        ] as number,
        memLevel: 1 + (memory % 9),
        windowBits: 9 + (kind % 7),
      };
      const files = [gzipSync(content, options), gzip(content), gzipSync(content.subarray(0, b), options)];
      const expected = Buffer.concat([content, content, content.subarray(0, b)]);
      expect(Buffer.compare(gunzip(Buffer.concat(files), 1 << 20) ?? Buffer.from("refused"), expected)).toBe(0);
      expect(Buffer.compare(gunzipSync(gzip(content)), content)).toBe(0);
    }
  });

  it("damage: nothing opens to other content; what zlib refuses opens only where a stored length's complement is wrong", () => {
    const random = pseudoRandom(1949);
    const content = Buffer.from(random(900)).map((byte) => 65 + (byte & 7));
    const files = [
      gzipSync(content),
      gzipSync(content, { level: 0 }),
      Buffer.concat([gzipSync(content.subarray(0, 400)), gzipSync(content.subarray(400))]),
    ];
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const file = files[round % 3] as Buffer;
      const [high = 0, low = 0, bit = 0, cut = 0] = random(4);
      const damaged = Buffer.from(cut < 40 ? file.subarray(0, file.length - 1 - cut) : file);
      const at = ((high << 8) | low) % damaged.length;
      damaged[at] = (damaged[at] as number) ^ (1 << (bit & 7));
      const opened = gunzip(damaged, 1 << 20);
      if (opened === undefined) {
        refused++;
        continue;
      }
      expect(Buffer.compare(opened, content)).toBe(0);
      // fflate does not compare a stored block's length with its complement; the content is covered by CRC and size.
      const refusal = zlibError(damaged);
      expect(refusal === undefined || (round % 3 === 1 && refusal === "invalid stored block lengths")).toBe(true);
    }
    expect(refused).toBeGreaterThan(2500);
  });
});

/** zlib's message for a file that it refuses. */
function zlibError(file: Uint8Array): string | undefined {
  try {
    gunzipSync(file);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
