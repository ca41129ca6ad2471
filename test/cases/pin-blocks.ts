/**
 * PIN blocks: published examples both ways, one defect at a time, every length and format, translation by the table, and random
 * input. ISO 9564-1.
 */
import {
  decryptPinBlock,
  encryptPinBlock,
  formatPinBlock,
  importKey,
  PosCryptoError,
  parsePinBlock,
  type SecretKey,
  translatePinBlock,
} from "../../ts/index.js";
import { setRandomSource } from "../../ts/base/random.js";
import negatives from "../../vectors/pin-block-negatives.json" with { type: "json" };
import published from "../../vectors/pin-blocks.json" with { type: "json" };
import { ascii, type Cases, hex, ok, pseudoRandom, same, throwsCode } from "../harness.js";

type Clear = 0 | 1 | 2 | 3;
type Format = Clear | 4;

const pan = "4012345678909";
const tdesKey = () => importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "TDES", usage: "P0" });
const aesKey = () => importKey("C1D0F8FB4958670DBA40AB1F3752EF0D", { algorithm: "AES", usage: "P0" });
const keyFor = (format: Format) => (format === 4 ? aesKey() : tdesKey());

/** Runs `body` with `bytes` as the engine's randomness, again from its start for every request. */
function withRandom<T>(bytes: Uint8Array, body: () => T): T {
  const before = setRandomSource((n) => bytes.slice(0, n));
  try {
    return body();
  } finally {
    setRandomSource(before);
  }
}

/** The randomness that yields the fill of a published field. */
function randomFor(format: Format, pinField: string): Uint8Array {
  if (format === 4) return hex(pinField.slice(16));
  const nibbles = Uint8Array.from(pinField.slice(2), (digit) => Number.parseInt(digit, 16));
  return format === 3 ? nibbles.map((nibble) => (nibble >= 10 ? nibble - 10 : 0)) : nibbles;
}

const panOf = (vector: { pan?: string }) => (vector.pan === undefined ? {} : { pan: vector.pan });

export const pinBlockCases: Cases = (suite) => {
  suite.group("PIN blocks: published examples", () => {
    for (const { id, source, format, pin, key, pinField, block, ...rest } of published.vectors) {
      suite.test(`${id}: ${source}`, () => {
        const options = { format: format as Format, ...panOf(rest as { pan?: string }) };
        const random = randomFor(options.format, pinField);
        if (options.format === 4) {
          const tpk = importKey(key as string, { algorithm: "AES", usage: "P0" });
          same(
            withRandom(random, () => encryptPinBlock(tpk, { ...options, pin })),
            block,
            "block",
          );
          same(decryptPinBlock(tpk, block, options), pin, "PIN");
          tpk.destroy();
        } else {
          const clear = { ...options, format: options.format };
          same(
            withRandom(random, () => formatPinBlock({ ...clear, pin })),
            block,
            "block",
          );
          same(
            withRandom(random, () => formatPinBlock({ ...clear, pin: ascii(pin) })),
            block,
            "block of bytes",
          );
          same(parsePinBlock(block, clear), pin, "PIN");
          same(parsePinBlock(block.toLowerCase(), clear), pin, "PIN of small letters");
        }
      });
    }
  });

  suite.group("PIN blocks: one defect each, one error", () => {
    const message = "the PIN block cannot be read; compare key, format and PAN (check digit included) with the sender's";
    for (const { id, format, block, key, ...rest } of negatives.vectors) {
      suite.test(id, () => {
        const options = panOf(rest as { pan?: string });
        if (format === 4) {
          const tpk = importKey(key as string, { algorithm: "AES", usage: "P0" });
          throwsCode(() => decryptPinBlock(tpk, block, { format, ...options }), "ERR_PIN_BLOCK", message);
          tpk.destroy();
          return;
        }
        throwsCode(() => parsePinBlock(block, { format: format as Clear, ...options }), "ERR_PIN_BLOCK", message);
      });
    }

    suite.test("every nibble that a format fixes, with every other value", () => {
      const fields = { 0: "041234FFFFFFFFFF", 1: "141234A05B6C7D8E", 2: "241234FFFFFFFFFF", 3: "341234ABCDEFFEDC" };
      const fill: Record<Clear, string> = { 0: "F", 1: "0123456789ABCDEF", 2: "F", 3: "ABCDEF" };
      for (const format of [0, 1, 2, 3] as const) {
        for (let at = 0; at < 16; at++) {
          for (const digit of "0123456789ABCDEF") {
            const field = fields[format].slice(0, at) + digit + fields[format].slice(at + 1);
            // A PAN of zeros adds nothing, so that field and block are the same.
            const read = () => parsePinBlock(field, { format, pan: "0" });
            const length = Number.parseInt(field.charAt(1), 16);
            const expected =
              field.startsWith(String(format)) &&
              length >= 4 &&
              length <= 12 &&
              /^[0-9]+$/.test(field.slice(2, 2 + length)) &&
              [...field.slice(2 + length)].every((nibble) => fill[format].includes(nibble));
            if (expected) same(read(), field.slice(2, 2 + length), `${format} ${at} ${digit}`);
            else throwsCode(read, "ERR_PIN_BLOCK", message);
          }
        }
      }
    });
  });

  suite.group("PIN blocks: round trips", () => {
    const pins = ["1234", "00000", "999999", "1234567", "12345678", "123456789", "1234567890", "12345678901", "123456789012"];
    for (const format of [0, 1, 2, 3, 4] as const) {
      suite.test(`format ${format}, every length of PIN and PAN`, () => {
        const tpk = keyFor(format);
        for (const pin of pins) {
          for (let digits = 1; digits <= 19; digits += 3) {
            const options = { format, pan: "9876543210987654321".slice(0, digits) };
            const block = encryptPinBlock(tpk, { ...options, pin });
            ok(new RegExp(`^[0-9A-F]{${format === 4 ? 32 : 16}}$`).test(block), "form of the block");
            same(decryptPinBlock(tpk, block, options), pin, "PIN");
            same(decryptPinBlock(tpk, block.toLowerCase(), options), pin, "PIN of small letters");
          }
        }
        tpk.destroy();
      });
    }

    suite.test("formats 1, 3 and 4 hide equal PINs; the fill has every value", () => {
      const [one, three] = [new Set<string>(), new Set<string>()];
      const seen = { 1: new Set<string>(), 3: new Set<string>(), 4: new Set<string>() };
      const tpk = aesKey();
      for (let i = 0; i < 64; i++) {
        const first = formatPinBlock({ format: 1, pin: "1234" });
        const third = formatPinBlock({ format: 3, pin: "1234", pan: "0" });
        seen[1].add(first);
        seen[3].add(third);
        seen[4].add(encryptPinBlock(tpk, { format: 4, pin: "1234", pan }));
        for (const nibble of first.slice(6)) one.add(nibble);
        for (const nibble of third.slice(6)) three.add(nibble);
      }
      tpk.destroy();
      same([...one].sort().join(""), "0123456789ABCDEF", "fill of format 1");
      same([...three].sort().join(""), "ABCDEF", "fill of format 3");
      ok(seen[1].size === 64 && seen[3].size === 64 && seen[4].size === 64, "no block came twice");
    });

    suite.test("rejected randomness is drawn again: the fill of format 3 is fair", () => {
      const bytes = Uint8Array.from([255, 254, 253, 252, 5, 4, 3, 2, 1, 0, 251, 250, 249, 248]);
      // Ten places are found in the first draw of 14, the other four in a second one, which is short and begins with rejects.
      let draws = 0;
      const before = setRandomSource((n) => (draws++ === 0 ? bytes.slice(0, n) : new Uint8Array(n).fill(3)));
      try {
        same(formatPinBlock({ format: 3, pin: "1234", pan: "0" }), "341234BAFEDCDDDD", "block");
        same(draws, 2, "draws");
      } finally {
        setRandomSource(before);
      }
    });

    suite.test("a source of randomness that is stuck, or fails, is ERR_NO_RANDOM", () => {
      const failing = () => {
        throw new Error("no entropy");
      };
      const before = setRandomSource((n) => new Uint8Array(n).fill(255));
      try {
        throwsCode(() => formatPinBlock({ format: 3, pin: "1234", pan: "0" }), "ERR_NO_RANDOM", /again and again/);
        setRandomSource(failing);
        for (const format of [1, 3] as const) {
          throwsCode(() => formatPinBlock({ format, pin: "1234", pan: "0" }), "ERR_NO_RANDOM");
        }
      } finally {
        setRandomSource(before);
      }
    });

    suite.test("12 digits before the check digit bind formats 0 and 3, the whole PAN binds format 4", () => {
      const block = formatPinBlock({ format: 0, pin: "1234", pan: "99994012345678909" });
      same(parsePinBlock(block, { format: 0, pan: "4012345678901" }), "1234", "other digits around");
      const tpk = aesKey();
      const bound = encryptPinBlock(tpk, { format: 4, pin: "1234", pan });
      throwsCode(() => decryptPinBlock(tpk, bound, { format: 4, pan: "4012345678901" }), "ERR_PIN_BLOCK");
      throwsCode(() => decryptPinBlock(tpk, bound, { format: 4, pan: "04012345678909" }), "ERR_PIN_BLOCK");
      tpk.destroy();
    });
  });

  suite.group("PIN blocks: translation", () => {
    const allowed = new Set([
      "00",
      "02",
      "03",
      "04",
      "10",
      "11",
      "12",
      "13",
      "14",
      "22",
      "30",
      "32",
      "33",
      "34",
      "40",
      "42",
      "43",
      "44",
    ]);
    for (const from of [0, 1, 2, 3, 4] as const) {
      for (const to of [0, 1, 2, 3, 4] as const) {
        suite.test(`${from} to ${to} ${allowed.has(`${from}${to}`) ? "keeps the PIN" : "is refused"}`, () => {
          const [fromKey, toKey] = [keyFor(from), keyFor(to)];
          const block = encryptPinBlock(fromKey, { format: from, pin: "40817", pan });
          const translate = () => translatePinBlock(fromKey, toKey, block, { from, to, pan });
          if (allowed.has(`${from}${to}`)) same(decryptPinBlock(toKey, translate(), { format: to, pan }), "40817", "PIN");
          else throwsCode(translate, "ERR_PIN_TRANSLATION", new RegExp(`format ${from} .*format ${to}`));
          fromKey.destroy();
          toKey.destroy();
        });
      }
    }

    suite.test("a damaged block is ERR_PIN_BLOCK; a forbidden pair is refused before the block is looked at", () => {
      const [tdes, aes] = [tdesKey(), aesKey()];
      throwsCode(() => translatePinBlock(tdes, aes, "0".repeat(16), { from: 0, to: 4, pan }), "ERR_PIN_BLOCK");
      throwsCode(() => translatePinBlock(tdes, tdes, "no block", { from: 0, to: 1, pan }), "ERR_PIN_TRANSLATION");
      tdes.destroy();
      aes.destroy();
    });
  });

  suite.group("PIN blocks: keys and arguments", () => {
    const wrongKeys: readonly [string, Format, () => SecretKey][] = [
      ["format 0 under AES", 0, aesKey],
      ["format 1 under AES", 1, aesKey],
      ["format 2 under AES", 2, aesKey],
      ["format 3 under AES", 3, aesKey],
      ["format 4 under TDES", 4, tdesKey],
      ["another usage", 4, () => importKey("C1D0F8FB4958670DBA40AB1F3752EF0D", { algorithm: "AES", usage: "D0" })],
      ["single DES", 0, () => importKey("0123456789ABCDEF", { algorithm: "DES", usage: "M1" })],
    ];
    for (const [name, format, make] of wrongKeys) {
      suite.test(`${name}: ERR_KEY_USAGE both ways`, () => {
        const key = make();
        throwsCode(() => encryptPinBlock(key, { format, pin: "1234", pan }), "ERR_KEY_USAGE");
        throwsCode(() => decryptPinBlock(key, "0".repeat(format === 4 ? 32 : 16), { format, pan }), "ERR_KEY_USAGE");
        key.destroy();
      });
    }

    suite.test("mode of use: E enciphers only, D deciphers only, each half of a translation needs its own", () => {
      const make = (modeOfUse: string) =>
        importKey("C1D0F8FB4958670DBA40AB1F3752EF0D", { algorithm: "AES", usage: "P0", modeOfUse });
      const [e, d, b] = [make("E"), make("D"), make("B")];
      const block = encryptPinBlock(e, { format: 4, pin: "1234", pan });
      same(decryptPinBlock(d, block, { format: 4, pan }), "1234", "PIN");
      throwsCode(() => decryptPinBlock(e, block, { format: 4, pan }), "ERR_KEY_USAGE");
      throwsCode(() => encryptPinBlock(d, { format: 4, pin: "1234", pan }), "ERR_KEY_USAGE");
      const both = { from: 4, to: 4, pan } as const;
      same(decryptPinBlock(b, translatePinBlock(d, e, block, both), { format: 4, pan }), "1234", "PIN");
      throwsCode(() => translatePinBlock(e, e, block, both), "ERR_KEY_USAGE", /"fromKey"/);
      throwsCode(() => translatePinBlock(d, d, block, both), "ERR_KEY_USAGE", /"toKey"/);
      for (const key of [e, d, b]) key.destroy();
      throwsCode(() => decryptPinBlock(d, block, { format: 4, pan }), "ERR_KEY_DESTROYED");
    });

    const pins: readonly [string, unknown][] = [
      ["3 digits", "123"],
      ["13 digits", "1234567890123"],
      ["empty", ""],
      ["a letter", "12a4"],
      ["a space", "123 "],
      ["a sign", "+123"],
      ["Arabic digits", "١٢٣٤"],
      ["a number", 1234],
      ["bytes of no digits", Uint8Array.of(1, 2, 3, 4)],
      ["3 bytes", ascii("123")],
      ["an array", ["1", "2", "3", "4"]],
      ["undefined", undefined],
    ];
    for (const [name, pin] of pins) {
      suite.test(`pin: ${name}`, () => {
        const error = throwsCode(
          () => formatPinBlock({ format: 1, pin: pin as string }),
          "ERR_INVALID_ARGUMENT",
          /^"pin" must be /,
        );
        if (typeof pin === "string" && pin !== "") ok(!error.message.includes(pin), "the message holds the PIN");
      });
    }

    const pans: readonly unknown[] = [undefined, "", "4012-3456", "12345678901234567890", 4012345678909, "４０１２"];
    for (const wrong of pans) {
      suite.test(`pan: ${String(wrong)}`, () => {
        const options = { format: 0, pan: wrong as string } as const;
        throwsCode(() => formatPinBlock({ ...options, pin: "1234" }), "ERR_INVALID_ARGUMENT", /^"pan" must be /);
        throwsCode(() => parsePinBlock("041274EDCBA9876F", options), "ERR_INVALID_ARGUMENT", /^"pan" must be /);
      });
    }

    suite.test("format, and blocks that are none", () => {
      for (const format of [-1, 4, 5, 0.5, Number.NaN, "0", null, undefined]) {
        throwsCode(
          () => formatPinBlock({ format: format as 0, pin: "1234", pan }),
          "ERR_INVALID_ARGUMENT",
          /^"format" must be a whole number from 0 to 3, /,
        );
      }
      for (const block of ["", "041274EDCBA9876", "041274EDCBA9876F0", "041274EDCBA9876G", 4, null, undefined]) {
        const read = () => parsePinBlock(block as string, { format: 0, pan });
        throwsCode(read, "ERR_INVALID_ARGUMENT", /^"block" must be 16 hex digits, /);
      }
    });

    const inputs = suite.backend === "noble" ? 20_000 : 100_000;
    suite.test(`${inputs} random and mutated inputs: a PIN of 4 to 12 digits, or a PosCryptoError`, () => {
      const random = pseudoRandom(9564);
      const alphabet = "0123456789ABCDEFabcdefFF G";
      let read = 0;
      for (let i = 0; i < inputs; i++) {
        const bytes = random(20);
        const format = (bytes[0]! & 3) as Clear;
        const length = bytes[1]! < 230 ? 16 : bytes[1]! - 230;
        let text = [...bytes.slice(2, 2 + Math.min(18, length))].map((byte) => alphabet.charAt(byte % 26)).join("");
        if (bytes[1]! < 128) text = `${format}4${1000 + (i % 9000)}${text.replace(/[^A-Fa-f]/g, "F").slice(6)}`;
        try {
          const pin = parsePinBlock(text, { format, pan: "0" });
          ok(/^[0-9]{4,12}$/.test(pin), "a PIN");
          read++;
        } catch (error) {
          ok(error instanceof PosCryptoError && ["ERR_PIN_BLOCK", "ERR_INVALID_ARGUMENT"].includes(error.code), String(error));
        }
      }
      ok(read > 100, `some were readable: ${read}`);
    });
  });

  suite.group("panDigits: what the PAN is", () => {
    const pan = "4567890123457";
    suite.test("account-12 takes the twelve digits before the check digit, in formats 0 and 3", () => {
      for (const format of [0, 3] as const) {
        const block = formatPinBlock({ format, pin: "8482", pan: "456789012345", panDigits: "account-12" });
        same(parsePinBlock(block, { format, pan }), "8482");
        same(parsePinBlock(block, { format, pan: "456789012345", panDigits: "account-12" }), "8482");
      }
      const whole = formatPinBlock({ format: 0, pin: "8482", pan, panDigits: "full" });
      same(formatPinBlock({ format: 0, pin: "8482", pan: "456789012345", panDigits: "account-12" }), whole);
      ok(formatPinBlock({ format: 0, pin: "8482", pan: "456789012345" }) !== whole, "twelve digits as a PAN are another block");
    });

    suite.test("enciphered, deciphered and translated alike", () => {
      const tpk = importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "TDES", usage: "P0" });
      const account = { pan: "456789012345", panDigits: "account-12" } as const;
      const block = encryptPinBlock(tpk, { format: 0, pin: "8482", ...account });
      same(decryptPinBlock(tpk, block, { format: 0, pan }), "8482");
      same(decryptPinBlock(tpk, translatePinBlock(tpk, tpk, block, { from: 0, to: 3, ...account }), { format: 3, pan }), "8482");
      tpk.destroy();
    });

    suite.test("refuses other lengths, format 4, and words that are none", () => {
      const wrong = (options: object, message: RegExp) => {
        throwsCode(() => formatPinBlock({ format: 0, pin: "8482", ...options } as never), "ERR_INVALID_ARGUMENT", message);
      };
      wrong(
        { pan, panDigits: "account-12" },
        /^"pan" must be the 12 digits before the check digit, since panDigits is account-12, got 13 digits$/,
      );
      wrong({ panDigits: "account-12" }, /^"pan" must be/);
      wrong({ pan, panDigits: "twelve" }, /^"panDigits" must be full or account-12/);
      wrong({ pan, panDigits: null }, /^"panDigits" must be/);
      const tpk = importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "AES", usage: "P0" });
      const options = { format: 4, pin: "8482", pan: "456789012345", panDigits: "account-12" } as const;
      throwsCode(() => encryptPinBlock(tpk, options), "ERR_INVALID_ARGUMENT", /format 4, which has the whole PAN/);
      tpk.destroy();
    });
  });
};
