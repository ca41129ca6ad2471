/**
 * gzip: RFC 1952. Valid files of every shape open; damaged ones never do, except to their own content where the damage
 * is in a byte that carries none (time, extra flags, operating system).
 */
import { concatBytes } from "../../ts/base/bytes.js";
import { crc32 } from "../../ts/base/crc32.js";
import { gunzip, gzip } from "../../ts/core/envelope/gzip.js";
import { ascii, type Cases, hex, ok, pseudoRandom, same, toHex } from "../harness.js";

const LIMIT = 1 << 20;
const join = (...parts: Uint8Array[]) => concatBytes(parts);

/** Text that compresses, with some noise. */
function sample(length: number, seed: number): Uint8Array {
  const noise = pseudoRandom(seed)(length);
  return noise.map((byte, i) => (byte < 40 ? byte : 'the quick brown fox {"a":1} '.charCodeAt(i % 28)));
}

function le32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** One member of stored blocks (RFC 1951 clause 3.2.4), with header fields of the caller's. */
function stored(data: Uint8Array, flags = 0, fields: Uint8Array = new Uint8Array(0)): Uint8Array {
  const header = join(Uint8Array.of(0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 0xff), fields);
  const length = Uint8Array.of(1, data.length, data.length >> 8, ~data.length, ~data.length >> 8);
  return join(header, length, data, le32(crc32(data)), le32(data.length));
}

function opensTo(file: Uint8Array, content: Uint8Array, what: string): void {
  same(toHex(gunzip(file, LIMIT) ?? ascii("refused")), toHex(content), what);
}

function isRefused(file: Uint8Array, what: string, limit = LIMIT): void {
  ok(gunzip(file, limit) === undefined, `${what}: refused`);
}

export const gzipCases: Cases = (suite) => {
  suite.group("CRC-32", () => {
    suite.test("check value, and in pieces", () => {
      same(crc32(ascii("123456789")), 0xcbf43926, "check value");
      same(crc32(new Uint8Array(0)), 0, "of nothing");
      const data = sample(1000, 1);
      for (const cut of [0, 1, 3, 4, 5, 999, 1000]) {
        same(crc32(data.subarray(cut), crc32(data.subarray(0, cut))), crc32(data), `cut at ${cut}`);
      }
    });
  });

  suite.group("CRC-32 by words", () => {
    suite.test("at every place of a buffer and every length, as bit by bit", () => {
      const bitwise = (data: Uint8Array) => {
        let register = -1;
        for (const byte of data) {
          register ^= byte;
          for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ (0xedb88320 & -(register & 1));
        }
        return ~register >>> 0;
      };
      const data = pseudoRandom(8)(120);
      for (let from = 0; from < 9; from++) {
        for (let length = 0; length <= 80; length++) {
          const part = data.subarray(from, from + length);
          same(crc32(part), bitwise(part), `${length} bytes from ${from}`);
        }
      }
    });
  });

  suite.group("gzip: valid files", () => {
    suite.test("what gzip makes, gunzip opens; equal input gives equal output without a time", () => {
      for (const length of [0, 1, 2, 100, 1000, 16383, 16384, 16385, 40000, 200_000]) {
        const content = sample(length, length + 1);
        const file = gzip(content);
        same(toHex(file.subarray(0, 10)), "1F8B0800000000000003", "header");
        same(toHex(gzip(content)), toHex(file), "the same again");
        opensTo(file, content, `${length} bytes`);
      }
    });

    suite.test("a file of another maker: fixed codes, name, comment, extra field, header CRC", () => {
      // printf hello | gzip -9n
      opensTo(hex("1F8B0800000000000203CB48CDC9C907008 6A6103605000000"), ascii("hello"), "gzip -9n");
      const data = ascii("stored");
      const extra = Uint8Array.of(4, 0, 0x41, 0x42, 0, 0);
      opensTo(stored(data), data, "no flags");
      opensTo(stored(data, 1), data, "FTEXT");
      opensTo(stored(data, 4, extra), data, "FEXTRA");
      opensTo(stored(data, 8, ascii("name\0")), data, "FNAME");
      opensTo(stored(data, 16, ascii("\0")), data, "FCOMMENT, empty");
      opensTo(stored(data, 8, ascii(`${"n".repeat(40_000)}\0`)), data, "a long name");
      opensTo(stored(data, 28, join(extra, ascii("name\0comment\0"))), data, "three fields");
      const header = Uint8Array.of(0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 0xff);
      const sum = crc32(header);
      opensTo(stored(data, 2, Uint8Array.of(sum, sum >> 8)), data, "FHCRC");
      isRefused(stored(data, 2, Uint8Array.of(sum ^ 1, sum >> 8)), "FHCRC that is wrong");
      isRefused(stored(data, 2, Uint8Array.of(sum, (sum >> 8) ^ 1)), "FHCRC that is wrong in its second byte");
      for (const flag of [0x20, 0x40, 0x80]) isRefused(stored(data, flag), `reserved flag ${flag}`);
    });

    suite.test("members: several, equal ones, empty ones, of different makers", () => {
      const [a, b] = [sample(500, 2), sample(20_000, 3)];
      opensTo(join(gzip(a), gzip(b)), join(a, b), "two");
      opensTo(join(gzip(a), gzip(a), gzip(a)), join(a, a, a), "three equal");
      opensTo(join(gzip(new Uint8Array(0)), gzip(a), gzip(new Uint8Array(0))), a, "empty ones around");
      opensTo(join(stored(a), gzip(b), stored(b.subarray(0, 9))), join(a, b, b.subarray(0, 9)), "of different makers");
      const one = gzip(ascii("x"));
      const many = join(...Array.from({ length: 1500 }, () => one));
      opensTo(many, ascii("x".repeat(1500)), "1500 members");
      const empty = gzip(new Uint8Array(0));
      opensTo(join(...Array.from({ length: 4096 }, () => empty)), new Uint8Array(0), "4096 empty members");
      isRefused(join(...Array.from({ length: 4097 }, () => empty)), "one member too many");
    });
  });

  suite.group("gzip: damaged files", () => {
    const content = sample(600, 7);
    const file = gzip(content);

    suite.test("nothing, and every truncation", () => {
      isRefused(new Uint8Array(0), "nothing");
      for (let length = 0; length < file.length; length++) isRefused(file.slice(0, length), `${length} bytes`);
      const two = join(file, stored(ascii("second")));
      for (let length = file.length + 1; length < two.length; length++) isRefused(two.slice(0, length), `${length} bytes of two`);
    });

    suite.test("anything after the last trailer", () => {
      for (const tail of ["00", "0000", "1F", "1F8B", "1F8B08", "1F8B0800000000000000FF", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"]) {
        isRefused(join(file, hex(tail)), tail);
      }
      isRefused(join(file, file.slice(0, -1)), "a second member, cut");
      isRefused(join(file, new Uint8Array(8)), "zeros");
    });

    suite.test("a trailer that is missing between members, doubled, or swapped", () => {
      const other = gzip(sample(600, 8));
      isRefused(join(file.slice(0, -8), file), "no trailer between");
      isRefused(join(file, file.slice(-8)), "trailer twice");
      isRefused(join(file.slice(0, -8), other.slice(-8)), "another member's trailer");
      isRefused(join(file.slice(0, -8), file.slice(-4), file.slice(-8, -4)), "CRC and size swapped");
    });

    suite.test("every bit of a small file: refused, or the same content", () => {
      let harmless = 0;
      for (const name of ["deflated", "stored"]) {
        const intact = name === "stored" ? stored(ascii("hello, hello, hello")) : gzip(ascii("hello, hello, hello"));
        for (let bit = 0; bit < 8 * intact.length; bit++) {
          const damaged = intact.slice();
          damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
          const opened = gunzip(damaged, LIMIT);
          if (opened === undefined) continue;
          harmless++;
          same(toHex(opened), toHex(ascii("hello, hello, hello")), `${name}, bit ${bit}`);
          const at = bit >> 3;
          // fflate passes over the complement of a stored length: the length itself and the content are what CRC and size cover.
          const complement = at === 13 || at === 14;
          const filling = name === "stored" ? (at === 10 && (bit & 7) > 2) || complement : at === intact.length - 9;
          ok(bit === 24 || (at >= 4 && at <= 9) || filling, `${name}: bit ${bit & 7} of byte ${at} carries content`);
        }
      }
      ok(harmless >= 98 && harmless < 136, `FTEXT, time, flags, system, filling bits: ${harmless}`);
    });

    suite.test("1,000 mutations: never other content", () => {
      const random = pseudoRandom(1952);
      let refused = 0;
      for (let i = 0; i < 1000; i++) {
        const [kind, high, low, value] = random(4) as unknown as [number, number, number, number];
        const at = ((high << 8) | low) % file.length;
        const pieces = [file.slice(0, at), file.slice(at)] as const;
        const mutated = [
          join(pieces[0], Uint8Array.of(value), pieces[1].slice(1)),
          join(pieces[0], Uint8Array.of(value), pieces[1]),
          join(pieces[0], pieces[1].slice(1 + (value & 7))),
          join(pieces[0], file.slice(value, value + 9), pieces[1]),
        ][kind & 3]!;
        const opened = gunzip(mutated, LIMIT);
        if (opened === undefined) refused++;
        else same(toHex(opened), toHex(content), `mutation ${i}`);
      }
      ok(refused > 900, `${refused} refused`);
    });

    suite.test("5,000 random inputs, some after a real header: refused, nothing thrown", () => {
      const random = pseudoRandom(1951);
      for (let i = 0; i < 5000; i++) {
        const bytes = random(1 + (i % 60));
        isRefused(i % 2 === 0 ? bytes : join(file.slice(0, 10), bytes), `input ${i}`);
      }
    });
  });

  suite.group("gzip: limits", () => {
    suite.test("the limit is exact, over all members", () => {
      const content = sample(5000, 9);
      opensTo(gzip(content), content, "no limit near");
      ok(gunzip(gzip(content), 5000) !== undefined, "5000 of 5000");
      isRefused(gzip(content), "4999 of 5000", 4999);
      isRefused(join(gzip(content), gzip(content)), "two members", 9999);
      ok(gunzip(gzip(new Uint8Array(0)), 0) !== undefined, "0 of 0");
    });

    suite.test("a bomb stops at the limit", () => {
      const size = suite.interpreted ? 1 << 20 : 8 << 20;
      const bomb = gzip(new Uint8Array(size));
      ok(bomb.length < size >> 9, `${size} bytes in ${bomb.length}`);
      isRefused(bomb, "bomb", size >> 3);
      isRefused(join(...Array.from({ length: 4 }, () => bomb)), "bombs in a row", size + (size >> 3));
    });
  });
};
