/**
 * Envelopes: our vectors both ways, one defect at a time, every size around a block and a chunk, `auto`, limits, keys.
 */
import { gzip } from "../../ts/core/envelope/gzip.js";
import {
  type ChunkedEnvelope,
  type DataEnvelope,
  type Envelope,
  exposeKeyBytes,
  importKey,
  type JsonValue,
  keyCheckValue,
  openEnvelope,
  openEnvelopeBytes,
  type SealOptions,
  sealEnvelope,
  sealEnvelopeBytes,
} from "../../ts/index.js";
import { encodeUtf8 } from "../../ts/base/bytes.js";
import type { PosCryptoError } from "../../ts/base/errors.js";
import { setRandomSource } from "../../ts/base/random.js";
import negatives from "../../vectors/envelope-negatives.json" with { type: "json" };
import positives from "../../vectors/envelopes.json" with { type: "json" };
import { ascii, type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

const material = "8A3F0C61D2957EB41F60C8A5937B2ED4460D19F7AC5283E0B7D46A1895C3F20E";
const dataKey = (modeOfUse = "B") => importKey(material, { algorithm: "AES", usage: "D0", modeOfUse });

/** Runs `body` with a key that is destroyed afterwards. */
function withKey(body: (key: ReturnType<typeof dataKey>) => void): void {
  const key = dataKey();
  try {
    body(key);
  } finally {
    key.destroy();
  }
}

function partsOf(envelope: Envelope): readonly { ciphertext: string; initialization_vector: string }[] {
  return envelope.format === "TR31-DATA" ? [envelope] : envelope.chunks;
}

/** Seals with the IVs of an envelope that is known. */
function resealed(vector: Envelope, seal: () => Envelope): Envelope {
  const ivs = partsOf(vector).map((part) => hex(part.initialization_vector));
  const before = setRandomSource(() => ivs.shift() ?? new Uint8Array(0));
  try {
    return seal();
  } finally {
    setRandomSource(before);
  }
}

interface Positive {
  id: string;
  key: string;
  plaintextEncoding: "hex" | "raw";
  json?: string;
  bytes?: string;
  sealable: boolean;
  envelope: Envelope;
}

export const envelopeCases: Cases = (suite) => {
  suite.group("envelopes: our vectors", () => {
    for (const vector of positives.vectors as unknown as Positive[]) {
      suite.test(vector.id, () => {
        const { plaintextEncoding, envelope } = vector;
        const key = importKey(vector.key, { algorithm: "AES", usage: "D0" });
        if (vector.json !== undefined) {
          const value = JSON.parse(vector.json) as JsonValue;
          same(openEnvelope(key, envelope, { plaintextEncoding }), value, "value");
          same(openEnvelope(key, envelope), value, "value under auto");
          same(toHex(openEnvelopeBytes(key, envelope, { plaintextEncoding })), toHex(encodeUtf8(vector.json)), "bytes");
        } else {
          same(toHex(openEnvelopeBytes(key, envelope, { plaintextEncoding })), vector.bytes, "bytes");
        }
        if (vector.sealable) {
          const options: SealOptions = { plaintextEncoding, includeKcv: envelope.key_kcv !== undefined };
          const seal = () =>
            vector.json === undefined
              ? sealEnvelopeBytes(key, hex(vector.bytes as string), options)
              : sealEnvelope(key, JSON.parse(vector.json) as JsonValue, options);
          same(resealed(envelope, seal), envelope, "sealed again");
        }
        key.destroy();
      });
    }
  });

  suite.group("envelopes: one defect each", () => {
    for (const { id, key, code, plaintextEncoding, envelope } of negatives.vectors) {
      suite.test(id, () => {
        const secret = importKey(key, { algorithm: "AES", usage: "D0" });
        const encoding = plaintextEncoding as "hex" | "raw" | "auto";
        const message = code === "ERR_ENVELOPE_OPEN" ? "the envelope cannot be opened" : /^(the envelope was sealed|envelope: )/;
        const error = throwsCode(
          () => openEnvelope(secret, envelope, { plaintextEncoding: encoding }),
          code as "ERR_ENVELOPE_OPEN",
          message,
        );
        same(error.cause, undefined, "cause");
        // Bytes have no JSON or UTF-8 to be wrong.
        if (encoding !== "auto" && !/JSON|UTF-8|empty|byte order|read as/.test(id)) {
          throwsCode(
            () => openEnvelopeBytes(secret, envelope, { plaintextEncoding: encoding }),
            code as "ERR_ENVELOPE_OPEN",
            message,
          );
        }
        ok(!secret.destroyed, "the key is alive");
        secret.destroy();
      });
    }

    suite.test("every value of the last plaintext byte: padding right, or one error", () => {
      withKey((key) => {
        const sealed = sealEnvelopeBytes(key, ascii("12345678901234567890"), { plaintextEncoding: "raw" }) as DataEnvelope;
        // Changing the block before the last changes the padding bit by bit, and one block of plaintext to noise.
        for (let value = 0; value < 256; value++) {
          const bytes = hex(sealed.ciphertext);
          bytes[15] = bytes[15]! ^ value;
          const envelope = { ...sealed, ciphertext: toHex(bytes) };
          const open = () => openEnvelopeBytes(key, envelope, { plaintextEncoding: "raw" });
          // The plaintext ends with 12 times 0C: 0C stays, 01 alone is right again.
          if (value === 0 || value === (0x0c ^ 0x01)) same(open().length, value === 0 ? 20 : 31, `change by ${value}`);
          else throwsCode(open, "ERR_ENVELOPE_OPEN", "the envelope cannot be opened");
        }
      });
    });
  });

  suite.group("envelopes: sealing", () => {
    suite.test("the form of every kind; a fresh IV each", () => {
      withKey((key) => {
        const form = { format: "TR31-DATA", ciphertext: /^[0-9A-F]+$/, initialization_vector: /^[0-9A-F]{32}$/, mode: "CBC" };
        const plain = sealEnvelope(key, { a: 1 }) as DataEnvelope;
        same(Object.keys(plain), Object.keys(form), "members");
        ok(form.ciphertext.test(plain.ciphertext) && form.initialization_vector.test(plain.initialization_vector), "hex");
        same([plain.format, plain.mode], ["TR31-DATA", "CBC"], "format and mode");
        same((sealEnvelope(key, {}, { includeKcv: true }) as DataEnvelope).key_kcv, keyCheckValue(key), "key_kcv");
        const zipped = sealEnvelope(key, { a: 1 }, { gzip: true, includeKcv: true }) as DataEnvelope;
        same([zipped.format, zipped.content_encoding, zipped.key_kcv], ["TR31-DATA", "gzip", keyCheckValue(key)], "gzip");
        const chunked = sealEnvelope(key, { a: 1 }, { gzip: true, chunkBytes: 10, includeKcv: true }) as ChunkedEnvelope;
        same(Object.keys(chunked), ["format", "content_encoding", "mode", "key_kcv", "chunks"], "members of chunked");
        same(Object.keys(chunked.chunks[0] ?? {}), ["ciphertext", "initialization_vector", "mode"], "members of a chunk");
        const ivs = new Set([...chunked.chunks, plain, zipped].map((part) => part.initialization_vector));
        same(ivs.size, chunked.chunks.length + 2, "IVs");
      });
    });

    suite.test("bytes of every length 0 to 200 and around 64 KiB, hex and raw", () => {
      withKey((key) => {
        const random = pseudoRandom(31);
        const lengths = Array.from({ length: 201 }, (_, i) => i);
        const long = [32_767, 32_768, 65_535, 65_536, 65_537, 100_000];
        for (const length of [...lengths, ...long.slice(0, suite.interpreted ? 1 : undefined)]) {
          const bytes = random(length);
          for (const plaintextEncoding of ["hex", "raw"] as const) {
            const sealed = sealEnvelopeBytes(key, bytes, { plaintextEncoding }) as DataEnvelope;
            const inner = plaintextEncoding === "hex" ? 2 * length : length;
            same(sealed.ciphertext.length, 2 * 16 * (Math.floor(inner / 16) + 1), `ciphertext of ${length}`);
            const opened = openEnvelopeBytes(key, sealed, { plaintextEncoding });
            ok(opened.length === length && opened.every((byte, i) => byte === bytes[i]), `${plaintextEncoding}, ${length} bytes`);
          }
        }
      });
    });

    suite.test("chunks: every size around the compressed length", () => {
      withKey((key) => {
        const bytes = pseudoRandom(32)(300);
        for (const plaintextEncoding of ["hex", "raw"] as const) {
          const whole = sealEnvelopeBytes(key, bytes, { gzip: true, plaintextEncoding });
          same(whole.format, "TR31-DATA", "format below the default chunk");
          for (const chunkBytes of [1, 2, 7, 15, 16, 17, 150, 322, 323, 324, 1000]) {
            const sealed = sealEnvelopeBytes(key, bytes, { gzip: true, chunkBytes, plaintextEncoding });
            same(toHex(openEnvelopeBytes(key, sealed, { plaintextEncoding })), toHex(bytes), `chunks of ${chunkBytes}`);
            if (sealed.format === "TR31-DATA") ok(chunkBytes > 300, `no chunks of ${chunkBytes}`);
          }
        }
      });
    });

    suite.test("chunks: what counts is all of them, read one way", () => {
      withKey((key) => {
        const seal = (bytes: Uint8Array) => sealEnvelopeBytes(key, bytes, { plaintextEncoding: "raw" }) as DataEnvelope;
        const chunked = (...parts: Uint8Array[]) => {
          const chunks = parts.map(seal);
          return { format: "TR31-DATA-CHUNKED", content_encoding: "gzip", mode: "CBC", chunks };
        };
        const content = ascii('{"a":"0123456789"}');
        const file = gzip(content);
        const text = toHex(file);
        for (const plaintextEncoding of ["auto", "hex", "raw"] as const) {
          const open =
            (...parts: Uint8Array[]) =>
            () =>
              openEnvelope(key, chunked(...parts), { plaintextEncoding });
          const [raw, hexText] = [open(file.slice(0, 9), file.slice(9)), open(ascii(text.slice(0, 9)), ascii(text.slice(9)))];
          if (plaintextEncoding === "hex") throwsCode(raw, "ERR_ENVELOPE_OPEN");
          else same(raw(), { a: "0123456789" }, "bytes");
          if (plaintextEncoding === "raw") throwsCode(hexText, "ERR_ENVELOPE_OPEN");
          else same(hexText(), { a: "0123456789" }, "hex text");
          // Characters beside the digits, as which a careless decoder would take them.
          const oneLess = (pair: string) => `${(Number.parseInt(pair, 16) >> 4) - 1}G`;
          const neighbours = [
            text.replace("A", ":"),
            text.replace("F", "?"),
            text.replace("9", ")"),
            text.replace("B", '"'),
            text.replace(/[13579]0(?=(..)*$)/, oneLess),
          ];
          for (const other of neighbours) {
            ok(other !== text, "a change");
            throwsCode(open(ascii(other), new Uint8Array(0)), "ERR_ENVELOPE_OPEN");
          }
          // A part that fails is not left out: here the others would do without it.
          const envelope = chunked(file, new Uint8Array(0));
          const last = envelope.chunks[envelope.chunks.length - 1] as DataEnvelope;
          last.initialization_vector = toHex(hex(last.initialization_vector).map((byte, i) => (i === 15 ? byte ^ 1 : byte)));
          throwsCode(() => openEnvelope(key, envelope, { plaintextEncoding }), "ERR_ENVELOPE_OPEN");
        }
      });
    });

    suite.test("200 KB of terminal parameters in chunks of 2048, opened by auto", () => {
      withKey((key) => {
        const value = {
          aids: Array.from({ length: 1200 }, (_, i) => ({
            aid: `A0000000${1000 + i}`,
            limit: String(i * 37),
            tac: "DC4000A800".repeat(9),
          })),
        };
        const sealed = sealEnvelope(key, value, { gzip: true, includeKcv: true });
        same(sealed.format, "TR31-DATA-CHUNKED", "format");
        same(openEnvelope(key, JSON.parse(JSON.stringify(sealed))), value, "value");
        for (const { ciphertext } of partsOf(sealed).slice(0, -1)) same(ciphertext.length, 2 * (4096 + 16), "a full chunk");
      });
    });

    suite.test("text beyond ASCII, lone surrogates, and members named like prototypes come back as they were", () => {
      withKey((key) => {
        const value = JSON.parse(
          '{"__proto__":{"polluted":true},"constructor":1,"é€😀":"\\ud800","long":"' + "ü".repeat(3000) + '"}',
        );
        for (const plaintextEncoding of ["hex", "raw"] as const) {
          const opened = openEnvelope(key, sealEnvelope(key, value, { plaintextEncoding })) as Record<string, unknown>;
          same(JSON.stringify(opened), JSON.stringify(value), plaintextEncoding);
          same(Object.keys(opened).includes("__proto__"), true, "__proto__ is an own member");
          same(({} as Record<string, unknown>)["polluted"], undefined, "Object.prototype");
        }
      });
    });

    suite.test("scalars: with a stated encoding always; under auto all but hex text", () => {
      withKey((key) => {
        for (const value of [null, true, 12, 0.5, "text", ""] as const) {
          for (const plaintextEncoding of ["hex", "raw"] as const) {
            same(openEnvelope(key, sealEnvelope(key, value, { plaintextEncoding }), { plaintextEncoding }), value, String(value));
          }
          throwsCode(() => openEnvelope(key, sealEnvelope(key, value)), "ERR_ENVELOPE_OPEN");
          if (typeof value !== "number")
            same(openEnvelope(key, sealEnvelope(key, value, { plaintextEncoding: "raw" })), value, "raw, auto");
        }
      });
    });

    suite.test("values that JSON cannot express, and bytes", () => {
      withKey((key) => {
        const cyclic: Record<string, unknown> = {};
        cyclic["self"] = cyclic;
        const hostile = {
          toJSON: () => {
            throw new Error("secret plaintext");
          },
        };
        const big: readonly unknown[] = typeof BigInt === "function" ? [BigInt(1), { n: BigInt(1) }] : [];
        for (const value of [undefined, () => 1, Symbol("s"), ...big, cyclic, hostile, new Uint8Array(2)]) {
          const error = throwsCode(
            () => sealEnvelope(key, value as JsonValue),
            "ERR_INVALID_ARGUMENT",
            /^"value" must be a JSON value, got /,
          );
          ok(!error.message.includes("secret") && error.cause === undefined, "no content in the message");
        }
      });
    });
  });

  suite.group("envelopes: limits, keys, options", () => {
    suite.test("formats: only the forms that are due at a place; a block of ciphertext comes once", () => {
      withKey((key) => {
        const value = { text: "0123456789".repeat(60), seed: toHex(pseudoRandom(7)(300)) };
        const chunked = sealEnvelope(key, value, { gzip: true, chunkBytes: 64 }) as ChunkedEnvelope;
        const data = sealEnvelope(key, value) as DataEnvelope;
        same(openEnvelope(key, chunked, { formats: ["TR31-DATA-CHUNKED"] }), value);
        same(openEnvelope(key, data, { formats: ["TR31-DATA"] }), value);
        throwsCode(
          () => openEnvelope(key, chunked, { formats: ["TR31-DATA"] }),
          "ERR_ENVELOPE_FORMAT",
          /"format" must be TR31-DATA here/,
        );
        throwsCode(() => openEnvelope(key, data, { formats: ["TR31-DATA-CHUNKED"] }), "ERR_ENVELOPE_FORMAT", /"format"/);
        throwsCode(
          () => openEnvelopeBytes(key, chunked, { plaintextEncoding: "hex", formats: ["TR31-DATA"] }),
          "ERR_ENVELOPE_FORMAT",
        );
        throwsCode(() => openEnvelope(key, data, { formats: ["CBC" as "TR31-DATA"] }), "ERR_INVALID_ARGUMENT", /formats\[0\]/);
        throwsCode(() => openEnvelope(key, data, { formats: "TR31-DATA" as never }), "ERR_INVALID_ARGUMENT", /formats/);
        // One known block under IVs of one's choice writes any text: each such envelope repeats it, in either case of hex.
        const known = data.ciphertext.slice(0, 32);
        for (const block of [known, known.toLowerCase()]) {
          const chunks = [known, block].map((ciphertext, i) => ({
            ciphertext,
            initialization_vector: i.toString(16).padStart(32, "0"),
            mode: "CBC" as const,
          }));
          const forged: ChunkedEnvelope = { format: "TR31-DATA-CHUNKED", content_encoding: "gzip", mode: "CBC", chunks };
          throwsCode(() => openEnvelope(key, forged), "ERR_ENVELOPE_OPEN");
        }
        const spliced = { ...chunked, chunks: [...chunked.chunks, chunked.chunks[0]!] };
        throwsCode(() => openEnvelope(key, spliced), "ERR_ENVELOPE_OPEN");
      });
    });

    suite.test("maxBytes is exact for text, bytes and gzip, and checked before opening where it can be", () => {
      withKey((key) => {
        const value = { text: "x".repeat(87) };
        const size = JSON.stringify(value).length;
        const sealings: SealOptions[] = [{}, { plaintextEncoding: "raw" }, { gzip: true }, { gzip: true, chunkBytes: 16 }];
        for (const options of sealings) {
          const sealed = sealEnvelope(key, value, options);
          same(openEnvelope(key, sealed, { maxBytes: size }), value, "at the limit");
          throwsCode(() => openEnvelope(key, sealed, { maxBytes: size - 1 }), "ERR_ENVELOPE_OPEN");
          const plaintextEncoding = options.plaintextEncoding ?? "hex";
          same(openEnvelopeBytes(key, sealed, { plaintextEncoding, maxBytes: size }).length, size, "bytes at the limit");
          throwsCode(() => openEnvelopeBytes(key, sealed, { plaintextEncoding, maxBytes: size - 1 }), "ERR_ENVELOPE_OPEN");
        }
        throwsCode(() => openEnvelope(key, sealEnvelope(key, value), { maxBytes: 10 }), "ERR_ENVELOPE_OPEN");
        const foreign = { ...sealEnvelope(key, value), key_kcv: "000000" };
        throwsCode(() => openEnvelope(key, foreign, { maxBytes: 10 }), "ERR_ENVELOPE_KEY");
        same(openEnvelope(key, sealEnvelope(key, {}, { gzip: true }), { maxBytes: 2 }), {}, "gzip that makes it longer");
        const noise = pseudoRandom(1000)(40_000);
        const compressed = sealEnvelopeBytes(key, noise, { gzip: true });
        same(openEnvelopeBytes(key, compressed, { plaintextEncoding: "hex", maxBytes: 40_000 }), noise, "noise in gzip");
        const maxBytes = suite.interpreted ? 1 << 17 : 1 << 20;
        const bomb = sealEnvelopeBytes(key, new Uint8Array(3 * maxBytes), { gzip: true, chunkBytes: 100 });
        throwsCode(() => openEnvelopeBytes(key, bomb, { plaintextEncoding: "hex", maxBytes }), "ERR_ENVELOPE_OPEN");
      });
    });

    suite.test("a chunk that is not hex text is named", () => {
      withKey((key) => {
        const sealed = sealEnvelope(key, { text: "x".repeat(200) }, { gzip: true, chunkBytes: 8 }) as ChunkedEnvelope;
        const chunks = sealed.chunks.map((chunk, i) =>
          i === 1 ? { ...chunk, ciphertext: chunk.ciphertext.replace(/./g, "z") } : chunk,
        );
        const error = throwsCode(
          () => openEnvelope(key, { ...sealed, chunks }),
          "ERR_ENVELOPE_FORMAT",
          /"chunks\[1\]\.ciphertext"/,
        );
        same((error as PosCryptoError).details, { member: "chunks[1].ciphertext" });
      });
    });

    suite.test("keys: D0 AES with the mode of use, nothing else", () => {
      const [encryptOnly, decryptOnly] = [dataKey("E"), dataKey("D")];
      const sealed = sealEnvelope(encryptOnly, { a: 1 });
      same(openEnvelope(decryptOnly, sealed), { a: 1 }, "value");
      throwsCode(() => openEnvelope(encryptOnly, sealed), "ERR_KEY_USAGE");
      throwsCode(() => sealEnvelope(decryptOnly, {}), "ERR_KEY_USAGE");
      const others = [
        importKey(material, { algorithm: "AES", usage: "K0" }),
        importKey(material, { algorithm: "AES", usage: "P0" }),
        importKey(material.slice(0, 48), { algorithm: "TDES", usage: "D0" }),
        importKey(material, { algorithm: "HMAC", usage: "M7" }),
      ];
      for (const other of others) {
        throwsCode(() => sealEnvelope(other, {}), "ERR_KEY_USAGE");
        throwsCode(() => sealEnvelopeBytes(other, new Uint8Array(1)), "ERR_KEY_USAGE");
        throwsCode(() => openEnvelope(other, sealed), "ERR_KEY_USAGE");
        throwsCode(() => openEnvelopeBytes(other, sealed, { plaintextEncoding: "hex" }), "ERR_KEY_USAGE");
        other.destroy();
      }
      encryptOnly.destroy();
      decryptOnly.destroy();
      throwsCode(() => sealEnvelope(encryptOnly, {}), "ERR_KEY_DESTROYED");
      throwsCode(() => openEnvelope(decryptOnly, sealed), "ERR_KEY_DESTROYED");
    });

    suite.test("another key: ERR_ENVELOPE_KEY with key_kcv; without it, one failure", () => {
      withKey((key) => {
        const other = importKey("00".repeat(32), { algorithm: "AES", usage: "D0" });
        throwsCode(() => openEnvelope(other, sealEnvelope(key, {}, { includeKcv: true })), "ERR_ENVELOPE_KEY");
        let failed = 0;
        for (let i = 0; i < 20; i++) {
          try {
            openEnvelope(other, sealEnvelope(key, { i }));
          } catch (error) {
            failed++;
            same((error as Error).message, "the envelope cannot be opened", "message");
          }
        }
        same(failed, 20, "failures");
        other.destroy();
      });
    });

    suite.test("key_kcv of 3 to 5 bytes, either method, either case", () => {
      withKey((key) => {
        const sealed = sealEnvelope(key, {});
        for (const method of ["CMAC", "ANSI_X9_24"] as const) {
          for (const length of [3, 4, 5]) {
            const kcv = keyCheckValue(key, { method, length });
            same(openEnvelope(key, { ...sealed, key_kcv: kcv }), {}, `${method} ${length}`);
            same(openEnvelope(key, { ...sealed, key_kcv: kcv.toLowerCase() }), {}, `${method} ${length}, small letters`);
          }
        }
      });
    });

    suite.test("members come from the envelope itself, not from its prototype", () => {
      withKey((key) => {
        const sealed = sealEnvelope(key, { a: 1 });
        throwsCode(() => openEnvelope(key, Object.create(sealed)), "ERR_ENVELOPE_FORMAT", /"format"/);
        const { mode, ...rest } = sealed;
        throwsCode(() => openEnvelope(key, Object.assign(Object.create({ mode }), rest)), "ERR_ENVELOPE_FORMAT", /"mode"/);
        throwsCode(
          () => openEnvelope(key, JSON.parse(`{"__proto__":${JSON.stringify(sealed)}}`)),
          "ERR_ENVELOPE_FORMAT",
          /"format"/,
        );
        same(openEnvelope(key, { ...sealed, later: true }), { a: 1 }, "members of a later version are ignored");
      });
    });

    suite.test("options of a wrong kind", () => {
      withKey((key) => {
        const wrong: readonly [object, RegExp][] = [
          [{ plaintextEncoding: "auto" }, /^"plaintextEncoding" must be hex or raw/],
          [{ plaintextEncoding: 1 }, /^"plaintextEncoding" /],
          [{ includeKcv: 1 }, /^"includeKcv" must be a boolean, got number$/],
          [{ gzip: "yes" }, /^"gzip" must be a boolean/],
          [{ gzip: true, chunkBytes: 0 }, /^"chunkBytes" must be a whole number of bytes from 1, got 0$/],
          [{ gzip: true, chunkBytes: 1.5 }, /^"chunkBytes" /],
          [{ gzip: true, chunkBytes: "1" }, /^"chunkBytes" /],
          [{ chunkBytes: 100 }, /^"chunkBytes" must be absent without gzip, got 100$/],
        ];
        for (const [options, message] of wrong) throwsCode(() => sealEnvelope(key, {}, options), "ERR_INVALID_ARGUMENT", message);
        const sealed = sealEnvelope(key, {});
        for (const maxBytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "1"]) {
          throwsCode(
            () => openEnvelope(key, sealed, { maxBytes: maxBytes as number }),
            "ERR_INVALID_ARGUMENT",
            /^"maxBytes" must be /,
          );
        }
        throwsCode(() => openEnvelope(key, sealed, { plaintextEncoding: "utf8" as "raw" }), "ERR_INVALID_ARGUMENT");
        throwsCode(() => openEnvelopeBytes(key, sealed, {} as { plaintextEncoding: "raw" }), "ERR_INVALID_ARGUMENT");
        throwsCode(() => openEnvelopeBytes(key, sealed, { plaintextEncoding: "auto" as "raw" }), "ERR_INVALID_ARGUMENT");
      });
    });

    suite.test("the TDK seals, too; a key that cannot be exposed opens, too", () => {
      const tdk = importKey(material, { algorithm: "AES", usage: "D0" });
      throwsCode(() => exposeKeyBytes(tdk), "ERR_KEY_NOT_EXTRACTABLE");
      same(openEnvelope(tdk, sealEnvelope(tdk, { track2: "x" })), { track2: "x" }, "value");
      tdk.destroy();
    });
  });
};
