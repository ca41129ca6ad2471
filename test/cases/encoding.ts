/**
 * Text and bytes: hexadecimal and Base64 (RFC 4648), UTF-8 (RFC 3629) by the engine and by our own loops, the backend's
 * hexadecimal of secrets, and constant-time equality.
 */
import { currentBackend } from "../../ts/backend/select.js";
import {
  assertBytes,
  concatBytes,
  decodeBase64,
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  isHex,
  isWellFormed,
  readUtf8,
  wipe,
  writeUtf8,
} from "../../ts/base/bytes.js";
import { ascii, type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

/** What an engine without TextEncoder does. */
function encodeWithoutEncoder(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  return out.slice(0, writeUtf8(text, out));
}

/** RFC 4648 clause 10. */
const base64Vectors = [
  ["", ""],
  ["f", "Zg=="],
  ["fo", "Zm8="],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg=="],
  ["fooba", "Zm9vYmE="],
  ["foobar", "Zm9vYmFy"],
] as const;

/** Unicode 15 clause 3.9, table 3-7: the first and last sequence of every row, and what is just outside. */
const malformedUtf8 = [
  "80",
  "BF",
  "C0AF",
  "C180",
  "C2",
  "C27F",
  "C2C0",
  "E08080",
  "E09FBF",
  "E0A0",
  "EDA080",
  "EDBFBF",
  "EFBF",
  "F0808080",
  "F08FBFBF",
  "F09080",
  "F4908080",
  "F5808080",
  "FF",
  "41C2",
  "E282",
] as const;
const wellFormedUtf8 = [
  "",
  "00",
  "7F",
  "C280",
  "DFBF",
  "E0A080",
  "ED9FBF",
  "EE8080",
  "EFBFBF",
  "F0908080",
  "F48FBFBF",
  "EFBBBF41",
] as const;

/** The 44 lengths at which something in the module changes: vectors, tails, windows. */
const lengths = [...Array.from({ length: 36 }, (_value, index) => index), 63, 64, 65, 1000, 32767, 32768, 32769, 100_000];

export const encodingCases: Cases = (suite) => {
  suite.group("hexadecimal", () => {
    suite.test("the backend's and the library's agree at every length, in both cases", () => {
      const backend = currentBackend();
      const random = pseudoRandom(1);
      for (const length of lengths) {
        const bytes = random(length);
        const text = backend.encodeHex(bytes);
        same(text, toHex(bytes), `length ${length}`);
        if (length <= 1000) same(encodeHex(bytes), text, `library, length ${length}`);
        same(backend.decodeHex(text), bytes, `back from upper case, length ${length}`);
        same(backend.decodeHex(text.toLowerCase()), bytes, `back from lower case, length ${length}`);
        if (length <= 1000) same(decodeHex("text", text.toLowerCase()), bytes, `library, back, length ${length}`);
      }
    });

    suite.test("every character that is no digit is refused, at every place", () => {
      const backend = currentBackend();
      const digits = "0123456789ABCDEFabcdef";
      for (let code = 0; code < 0x250; code++) {
        const character = String.fromCharCode(code);
        const isDigit = digits.includes(character);
        for (const place of [0, 1, 31, 32, 33, 65]) {
          const text = `${"A".repeat(place)}${character}${"0".repeat(65 - place)}`;
          same(backend.decodeHex(text) !== undefined, isDigit, `U+${code.toString(16)} at ${place}`);
          if (place < 2) same(isHex(text), isDigit, `library, U+${code.toString(16)} at ${place}`);
        }
      }
      for (const text of ["0", "000", "0".repeat(70_001), "Ａ0", "😀", `${"0".repeat(65_536)}é`])
        same(backend.decodeHex(text), undefined);
    });

    suite.test("the library's says what is wrong without repeating it", () => {
      throwsCode(
        () => decodeHex("iv", "ABC"),
        "ERR_INVALID_ARGUMENT",
        '"iv" must be an even number of hexadecimal digits, got 3',
      );
      throwsCode(() => decodeHex("iv", "XY"), "ERR_INVALID_ARGUMENT", '"iv" must be hexadecimal text, got other characters');
      throwsCode(() => decodeHex("iv", 12), "ERR_INVALID_ARGUMENT", '"iv" must be hexadecimal text, got number');
    });
  });

  suite.group("Base64", () => {
    for (const [text, encoded] of base64Vectors) {
      suite.test(`RFC 4648 clause 10: "${text}"`, () => {
        same(encodeBase64(ascii(text)), encoded);
        same(decodeBase64(encoded), ascii(text));
      });
    }

    suite.test("comes back at every length, and only its canonical form is taken", () => {
      const random = pseudoRandom(2);
      for (let length = 0; length < 100; length++) {
        const bytes = random(length);
        same(decodeBase64(encodeBase64(bytes)), bytes, `length ${length}`);
      }
      const refused = [
        "Zg",
        "Zg=",
        "Zg===",
        "Z===",
        "====",
        "Zh==",
        "Zm9=",
        "Zm9v\n",
        " Zm9v",
        "Zm-v",
        "Zm_v",
        "Z=g=",
        "Zm9vYg==Zm9v",
        "Zmé=",
        "Zg==\u0100\u0100\u0100\u0100",
      ];
      for (const text of refused) same(decodeBase64(text), undefined, text);
    });
  });

  suite.group("UTF-8", () => {
    suite.test("every code point, by the engine and by our loops", () => {
      for (let from = 0; from < 0x110000; from += 0x1000) {
        let text = "";
        for (let code = from; code < from + 0x1000; code += from < 0x1000 ? 1 : 7) {
          if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
        }
        const bytes = encodeUtf8(text);
        same(toHex(encodeWithoutEncoder(text)), toHex(bytes), `from U+${from.toString(16)}`);
        ok(decodeUtf8(bytes) === text && readUtf8(bytes) === text, `back, from U+${from.toString(16)}`);
        ok(isWellFormed(text), "well formed");
      }
    });

    suite.test("lone surrogates become U+FFFD and are found", () => {
      for (const text of ["\ud800", "\udc00", "a\ud83d", "\udc00\ud800", "\ud83d\ud83d\ude00", "\ud83dx", "\ude00b"]) {
        ok(!isWellFormed(text), "lone");
        same(toHex(encodeWithoutEncoder(text)), toHex(encodeUtf8(text)), "the same replacement");
        ok(toHex(encodeUtf8(text)).includes("EFBFBD"), "replaced");
      }
      ok(isWellFormed("\ud83d\ude00"), "a pair");
    });

    suite.test("malformed sequences are refused, byte order marks are kept", () => {
      for (const bytes of malformedUtf8) {
        for (const around of ["", "41"]) {
          same(decodeUtf8(hex(around + bytes + around)), undefined, bytes);
          same(readUtf8(hex(around + bytes + around)), undefined, `fallback, ${bytes}`);
        }
      }
      for (const bytes of wellFormedUtf8) {
        const text = decodeUtf8(hex(bytes));
        ok(text !== undefined && readUtf8(hex(bytes)) === text, bytes);
        same(toHex(encodeUtf8(text ?? "")), bytes);
      }
    });
  });

  suite.group("bytes", () => {
    suite.test("equality is of content and length, wherever the difference is", () => {
      const backend = currentBackend();
      const random = pseudoRandom(3);
      for (const length of [0, 1, 7, 8, 9, 31, 32, 33, 1000, 32_768, 32_769, 70_000]) {
        const bytes = random(length);
        ok(backend.equal(bytes, bytes.slice()), `equal, length ${length}`);
        ok(!backend.equal(bytes, concatBytes([bytes, new Uint8Array(1)])), `a zero more, length ${length}`);
        for (const place of [0, 1, length >> 1, length - 1].filter((at) => at >= 0 && at < length)) {
          const other = bytes.slice();
          other[place]! ^= 0x80;
          ok(!backend.equal(bytes, other), `different at ${place} of ${length}`);
        }
      }
    });

    suite.test("assertBytes names the argument, what it must be and what it is", () => {
      const check = (value: unknown, length?: Parameters<typeof assertBytes>[2]) => () => assertBytes("iv", value, length);
      const ofLength = (length: number) => new Uint8Array(length);
      throwsCode(check(ofLength(15), 16), "ERR_INVALID_ARGUMENT", '"iv" must be 16 bytes, got 15');
      throwsCode(check(ofLength(0), 1), "ERR_INVALID_ARGUMENT", '"iv" must be 1 byte, got 0');
      throwsCode(check(ofLength(9), { min: 1, max: 8 }), "ERR_INVALID_ARGUMENT", '"iv" must be 1 to 8 bytes, got 9');
      throwsCode(check(ofLength(0), { min: 1 }), "ERR_INVALID_ARGUMENT", '"iv" must be at least 1 byte, got 0');
      throwsCode(check(ofLength(9), { max: 8 }), "ERR_INVALID_ARGUMENT", '"iv" must be at most 8 bytes, got 9');
      throwsCode(check(ofLength(9), { multipleOf: 8 }), "ERR_INVALID_ARGUMENT", '"iv" must be a multiple of 8 bytes, got 9');
      const others = [
        "00",
        [1, 2],
        null,
        undefined,
        5,
        {},
        new ArrayBuffer(16),
        new Uint8ClampedArray(16),
        new DataView(new ArrayBuffer(16)),
      ];
      for (const value of others) throwsCode(check(value), "ERR_INVALID_ARGUMENT", /^"iv" must be a Uint8Array, got /);
      check(ofLength(16), { min: 16, multipleOf: 8 })();
    });

    suite.test("wipe zeroes what there is", () => {
      const bytes = pseudoRandom(4)(40);
      wipe(bytes, undefined);
      same(bytes, new Uint8Array(40));
    });
  });
};
