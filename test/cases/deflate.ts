/**
 * Deflate streams, RFC 1951, bit by bit: every kind of block, every rule of the format broken once, the limits of output and window,
 * and compression that comes back as it was.
 */
import { deflate } from "../../ts/deflate/deflate.js";
import { wordLengths, wordTable } from "../../ts/deflate/huffman.js";
import { inflate, Output } from "../../ts/deflate/inflate.js";
import { ascii, type Cases, ok, pseudoRandom, same, toHex } from "../harness.js";

/** A stream as text of bits: numbers are given as [value, bits], code words with their first bit first. */
function stream(...parts: (string | readonly [value: number, bits: number])[]): Uint8Array {
  let bits = "";
  for (const part of parts) {
    if (typeof part === "string") bits += part.replaceAll(" ", "");
    else for (let i = 0; i < part[1]; i++) bits += (part[0] >> i) & 1;
  }
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  [...bits].forEach((bit, i) => {
    bytes[i >> 3] = bytes[i >> 3]! | (Number(bit) << (i & 7));
  });
  return bytes;
}

/** The content of a stream that uses up all of `data`, or what became of it. */
function inflated(data: Uint8Array, limit = 1 << 20): string {
  const output = new Output(limit, 16);
  const end = inflate(data, 0, output);
  if (end < 0) return "damaged";
  return end === data.length ? toHex(output.bytes.subarray(0, output.length)) : `ends at ${end} of ${data.length}`;
}

const final = "1";
const fixed = "10";
const own = "01";
/** Fixed code words: `a` is 97, so 00110000 + 97. */
const a = "10010001";
const b = "10010010";
const end = "0000000";
const length3 = "0000001";
const distance = (code: number) => code.toString(2).padStart(5, "0");

/**
 * The head of a block with its own codes: word lengths of the code length code in the order they are sent, then what that code
 * says.
 */
const head = (literals: number, distances: number, lengths: readonly number[], words: string) => {
  const sent = lengths.map((length) => [length, 3] as const);
  return [[literals - 257, 5], [distances - 1, 5], [lengths.length - 4, 4], ...sent, words] as const;
};
//                      16 17 18 0  8  7  9  6  10 5  11 4  12 3  13 2  14 1
const oneAndZeros = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/** With `oneAndZeros`: a one is sent as 0, a run of 11 to 138 zeros as 1 and seven bits. */
const zeros = (count: number) => `1 ${[...(count - 11).toString(2).padStart(7, "0")].reverse().join("")}`;

export const deflateCases: Cases = (suite) => {
  suite.group("inflate: blocks", () => {
    suite.test("stored, fixed, several, empty", () => {
      same(inflated(stream(final, "00", "00000", [2, 16], [0xfffd, 16], [0x61, 8], [0x62, 8])), "6162", "stored");
      same(inflated(stream(final, "00", "11111", [0, 16], [0xffff, 16])), "", "stored, empty, any filling bits");
      same(inflated(stream(final, fixed, end)), "", "fixed, empty");
      same(inflated(stream(final, fixed, a, b, end)), "6162", "fixed");
      same(inflated(stream("0", fixed, a, end, final, fixed, b, end)), "6162", "two blocks, not at a byte's edge");
      same(
        inflated(stream("0", fixed, a, end, final, "00", "000000000000", [1, 16], [0xfffe, 16], [0x62, 8])),
        "damaged",
        "skewed",
      );
    });

    suite.test("copies: overlapping, over blocks, of every kind of length and distance", () => {
      same(inflated(stream(final, fixed, a, length3, distance(0), end)), "61616161", "overlapping itself");
      same(inflated(stream(final, fixed, a, b, length3, distance(1), end)), "6162616261", "from two back");
      same(inflated(stream("0", fixed, a, end, final, fixed, length3, distance(0), end)), "61616161", "from the block before");
      same(inflated(stream(final, fixed, a, "11000101", distance(0), end)), `61${"61".repeat(258)}`, "258 by the last code");
      same(
        inflated(stream(final, fixed, a, "11000100", "11111", distance(0), end)),
        `61${"61".repeat(258)}`,
        "258 by extra bits",
      );
      same(
        inflated(stream(final, fixed, a, a, a, a, a, b, length3, distance(4), "0", end)),
        "616161616162616161",
        "from five back",
      );
    });

    suite.test("codes of a block's own: two literals of one bit, no distances", () => {
      // Literals: a and the end of the block, one bit each. Word lengths: 97 zeros, 1, 158 zeros, 1; distances: one zero.
      const withZero = [0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
      const runs = (count: number) => `0 ${[...(count - 11).toString(2).padStart(7, "0")].reverse().join("")}`;
      // Code length code: 18 is 0, then 0 is 10 and 1 is 11.
      const words = `${runs(97)} 11 ${runs(138)} ${runs(20)} 11 10`;
      same(inflated(stream(final, own, ...head(257, 1, withZero, words), "0 0 0 1")), "616161", "three a");
    });

    suite.test("long words: a code with words of 15 bits", () => {
      const frequencies = new Uint32Array(286);
      // Fibonacci's numbers make the deepest tree.
      for (let i = 0, x = 1, y = 1; i < 22; i++) {
        frequencies[i] = x;
        [x, y] = [y, x + y];
      }
      const lengths = wordLengths(frequencies, 15);
      same(Math.max(...lengths), 15, "longest");
      const kraft = lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0);
      same(kraft, 1, "complete");
      const data = Uint8Array.from({ length: 60_000 }, (_, i) =>
        Math.min(21, Math.floor(Math.log2(1 + ((i * 2654435761) >>> 0) / 1000))),
      );
      same(inflated(deflate(data)), toHex(data), "back again");
    });
  });

  suite.group("inflate: every rule broken once", () => {
    const withZero = [0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    const broken: readonly [string, Uint8Array][] = [
      ["nothing", new Uint8Array(0)],
      ["block type 3", stream(final, "11", end, end)],
      ["stored: complement differs", stream(final, "00", "00000", [1, 16], [0xfffd, 16], [0x61, 8])],
      ["stored: length beyond the input", stream(final, "00", "00000", [2, 16], [0xfffd, 16], [0x61, 8])],
      ["stored: cut in its length", stream(final, "00", "00000", [2, 16])],
      ["no last block", stream("0", fixed, a, end)],
      ["no end of block", stream(final, fixed, a, b)],
      ["length symbol 286", stream(final, fixed, a, "11000110", distance(0), end)],
      ["length symbol 287", stream(final, fixed, a, "11000111", distance(0), end)],
      ["distance symbol 30", stream(final, fixed, a, length3, distance(30), end)],
      ["distance symbol 31", stream(final, fixed, a, length3, distance(31), end)],
      ["distance beyond the beginning, at it", stream(final, fixed, length3, distance(0), end)],
      ["distance beyond the beginning, by one", stream(final, fixed, a, length3, distance(1), end)],
      ["287 literal words", stream(final, own, [30, 5], [0, 5], [0, 4], "000 000 000 000")],
      ["31 distance words", stream(final, own, [0, 5], [30, 5], [0, 4], "000 000 000 000")],
      ["code length code: empty", stream(final, own, ...head(257, 1, [0, 0, 0, 0], "000000000"))],
      ["code length code: one word of one bit", stream(final, own, ...head(257, 1, [0, 0, 1, 0], "000000000"))],
      ["code length code: incomplete", stream(final, own, ...head(257, 1, [0, 0, 2, 2, 2], "000000000"))],
      ["code length code: over-subscribed", stream(final, own, ...head(257, 1, [1, 1, 1, 0], "000000000"))],
      ["a repetition of nothing", stream(final, own, ...head(257, 1, [1, 0, 1, 0], "0 00 0 00 0 00"))],
      ["a run beyond the last word", stream(final, own, ...head(257, 1, oneAndZeros, `${zeros(138)} ${zeros(138)}`))],
      [
        "no word for the end of the block",
        stream(final, own, ...head(257, 1, oneAndZeros, `0 0 ${zeros(138)} ${zeros(118)}`), "0 1 0 1 0 0 0 0 0"),
      ],
      [
        "literal code: over-subscribed",
        stream(final, own, ...head(257, 1, oneAndZeros, `0 0 ${zeros(138)} ${zeros(116)} 0 0`), "0 0 0 0 0 0 0 0"),
      ],
      [
        "distance used where there is none",
        // Literals: the end of the block is 0, length 3 is 1. Distances: one word, of length zero.
        stream(final, own, ...head(258, 1, withZero, `0 1111111 0 1101011 11 11 10`), "1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
      ],
    ];
    for (const [name, data] of broken) {
      suite.test(name, () => {
        same(inflated(data), "damaged");
      });
    }

    suite.test("an incomplete code is allowed for one word of one bit only", () => {
      // Literals: the end of the block alone, one bit: 256 zeros and a one, then one distance word of no length.
      const runs = (count: number) => `0 ${[...(count - 11).toString(2).padStart(7, "0")].reverse().join("")}`;
      const words = `${runs(138)} ${runs(118)} 11 10`;
      same(inflated(stream(final, own, ...head(257, 1, withZero, words), "0")), "", "the word that exists");
      same(
        inflated(stream(final, own, ...head(257, 1, withZero, words), "1 0000000 0000000")),
        "damaged",
        "the word that does not",
      );
    });

    suite.test("every truncation of every kind of stream", () => {
      const content = pseudoRandom(5)(400).map((byte, i) => (i % 3 === 0 ? byte : 97));
      for (const data of [deflate(content), deflate(pseudoRandom(6)(300)), deflate(ascii("aaaaaaaaaaaaaaaa"))]) {
        ok(inflated(data) !== "damaged", "whole");
        for (let length = 0; length < data.length; length++) same(inflated(data.slice(0, length)), "damaged", `${length} bytes`);
      }
    });
  });

  suite.group("inflate: limits", () => {
    suite.test("output stops exactly at its limit, in literals, copies and stored blocks", () => {
      const streams = [
        ["6162", stream(final, fixed, a, b, end)],
        ["61616161", stream(final, fixed, a, length3, distance(0), end)],
        ["616263", stream(final, "00", "00000", [3, 16], [0xfffc, 16], [0x61, 8], [0x62, 8], [0x63, 8])],
      ] as const;
      for (const [content, data] of streams) {
        const length = content.length / 2;
        same(inflated(data, length), content, "at the limit");
        same(inflated(data, length - 1), "damaged", "below it");
      }
    });

    suite.test("a second stream neither sees the first one's output nor spoils it", () => {
      const output = new Output(100, 4);
      const first = stream(final, fixed, a, b, end);
      same(inflate(first, 0, output), first.length, "first");
      same(inflate(stream(final, fixed, length3, distance(1), end), 0, output), -1, "a distance into the first");
      same(toHex(output.bytes.subarray(0, 2)), "6162", "output of the first");
    });
  });

  suite.group("deflate", () => {
    suite.test("comes back: every length to 300, noise and text, around blocks and windows", () => {
      const random = pseudoRandom(1996);
      const text = (length: number) =>
        random(length).map((byte, i) => (byte < 30 ? byte : "to be or not to be, ".charCodeAt(i % 20)));
      const lengths = [
        ...Array.from({ length: 301 }, (_, i) => i),
        16_383,
        16_384,
        16_385,
        32_767,
        32_768,
        32_769,
        65_535,
        65_536,
        70_000,
      ];
      for (const length of lengths) {
        for (const data of [random(length), text(length), new Uint8Array(length)]) {
          const back = new Output(length, length);
          const packed = deflate(data);
          same(inflate(packed, 0, back), packed.length, `${length}: end`);
          ok(back.length === length && data.every((byte, i) => byte === back.bytes[i]), `${length}: content`);
        }
      }
    });

    suite.test("small results: fixed codes for little, stored for noise, own codes for text", () => {
      same(toHex(deflate(new Uint8Array(0))), "0300", "nothing");
      same(toHex(deflate(ascii("hello"))), "CB48CDC9C90700", "hello");
      same(
        toHex(deflate(new Uint8Array(200))),
        toHex(stream(final, fixed, "00110000", "11000011", "00100", distance(0), end)),
        "zeros",
      );
      const noise = pseudoRandom(7)(10_000);
      same(deflate(noise).length, 10_005, "noise");
      ok(deflate(new Uint8Array(100_000)).length < 150, "zeros");
      const text = ascii(
        JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ id: i, name: `name ${i * 7}`, flag: i % 2 === 0 }))),
      );
      ok(deflate(text).length < text.length / 6, `text: ${deflate(text).length} of ${text.length}`);
    });

    suite.test("codes are prefix codes, complete, within their limit, for any frequencies", () => {
      const random = pseudoRandom(1952);
      for (let round = 0; round < 200; round++) {
        const symbols = 1 + (random(1)[0] as number);
        const frequencies = new Uint32Array(symbols);
        for (let i = 0; i < symbols; i++)
          frequencies[i] = round % 3 === 0 ? 2 ** Math.min(i, 31) : (random(1)[0] as number) >> (round % 8);
        const used = frequencies.reduce((count, frequency) => count + (frequency > 0 ? 1 : 0), 0);
        const limit = used > 128 ? 15 : 7 + (round % 9);
        const { lengths, words } = wordTable(wordLengths(frequencies, limit));
        ok(Math.max(0, ...lengths) <= limit, `round ${round}: limit`);
        lengths.forEach((length, symbol) => {
          same(length > 0, frequencies[symbol]! > 0, `round ${round}: a word for symbol ${symbol}`);
        });
        const kraft = lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0);
        if (used > 1) same(kraft, 1, `round ${round}: complete`);
        const seen = new Set<string>();
        lengths.forEach((length, symbol) => {
          if (length > 0) seen.add(words[symbol]!.toString(2).padStart(length, "0").slice(-length) + length);
        });
        same(seen.size, used, `round ${round}: words differ`);
      }
      same(toHex(wordLengths(new Uint32Array(4), 15)), "00000000", "no symbols");
    });
  });
};
