/**
 * Sealing and opening at the level of the backend: one fused operation must equal its steps (UTF-8, hexadecimal, PKCS#7, CBC,
 * hexadecimal), at every length around blocks and buffers, and every refusal must look alike.
 */
import { currentBackend } from "../../ts/backend/select.js";
import { encodeUtf8 } from "../../ts/base/bytes.js";
import { ascii, type Cases, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

/** Around the block. */
const lengths = Array.from({ length: 50 }, (_value, index) => index);
/** Around the windows of the module's buffer (16 and 32 KiB to seal, 32 KiB of ciphertext to open), and beyond. */
const long = [
  5461, 5462, 16_367, 16_368, 16_383, 16_384, 16_385, 32_751, 32_752, 32_767, 32_768, 32_769, 49_152, 65_536, 200_003,
];

/** Texts whose UTF-8 is one to four bytes for a character, and mixed, so that parts end inside of one. */
const alphabets = ["x", "é", "€", "😀", "aé€😀"] as const;

export const backendEnvelopeCases: Cases = (suite) => {
  suite.group("sealing", () => {
    suite.test("equals its steps at every length, bytes and text alike, and opens again", () => {
      const backend = currentBackend();
      const random = pseudoRandom(21);
      const slot = backend.createSlot("AES", random(32));
      const iv = random(16);
      for (const length of [...lengths, ...long.slice(0, suite.interpreted ? 3 : undefined)]) {
        const bytes = random(length);
        for (const encoding of ["hex", "raw"] as const) {
          const plaintext = encoding === "hex" ? ascii(toHex(bytes)) : bytes;
          const expected = toHex(backend.cbcEncrypt(slot, iv, plaintext, "pkcs7"));
          ok(backend.seal(slot, iv, bytes, encoding) === expected, `${encoding}, ${length} bytes: sealed`);
          same(backend.open(slot, iv, expected, encoding), bytes, `${encoding}, ${length} bytes: opened`);
          same(backend.open(slot, iv, expected.toLowerCase(), "raw"), plaintext, `${encoding}, ${length} bytes: opened raw`);
        }
      }
      backend.destroySlot(slot);
    });

    suite.test("reads text as UTF-8, whatever its characters, and gives it back", () => {
      const backend = currentBackend();
      const slot = backend.createSlot("AES", pseudoRandom(22)(16));
      const iv = new Uint8Array(16);
      for (const alphabet of alphabets) {
        for (const length of [0, 1, 5, 1000, ...(suite.interpreted ? [] : [5462, 16_384])]) {
          const text = `{${alphabet.repeat(length)}`;
          for (const encoding of ["hex", "raw"] as const) {
            const sealed = backend.seal(slot, iv, text, encoding);
            ok(
              sealed === backend.seal(slot, iv, encodeUtf8(text), encoding),
              `${alphabet} x ${length}, ${encoding}: as its bytes`,
            );
            ok(backend.openText(slot, iv, sealed, encoding) === text, `${alphabet} x ${length}, ${encoding}: back`);
            ok(backend.openText(slot, iv, sealed, "auto") === text, `${alphabet} x ${length}, ${encoding}: found out again`);
          }
        }
      }
      backend.destroySlot(slot);
    });
  });

  suite.group("opening", () => {
    suite.test("auto decides on the whole plaintext, short and long", () => {
      const backend = currentBackend();
      const slot = backend.createSlot("AES", pseudoRandom(23)(24));
      const iv = pseudoRandom(24)(16);
      const rest = "0".repeat(70_000);
      const cases: readonly [string, boolean][] = [
        ["7B7D", true],
        ["7b", true],
        ["5B5D", true],
        ["1F8B08", true],
        [`7B${rest}`, true],
        [`1f8B${rest}`, true],
        ["", false],
        ["7", false],
        ["7B7", false],
        ["7B7G", false],
        ["1F", false],
        ["1F8C", false],
        ["313233", false],
        ["{}", false],
        [`7B${rest}0`, false],
        [`7B${rest}0g`, false],
        [`22${rest}`, false],
        [`${rest}7B`, false],
      ];
      for (const [plaintext, isHex] of cases) {
        const sealed = backend.seal(slot, iv, plaintext, "raw");
        const what = `${plaintext.slice(0, 8)}, ${plaintext.length} characters`;
        const decoded = isHex ? backend.decodeHex(plaintext) : ascii(plaintext);
        same(backend.open(slot, iv, sealed, "auto"), decoded, what);
        const readable = backend.decodeHex(plaintext);
        same(backend.open(slot, iv, sealed, "hex"), readable, `${what}: as hex`);
      }
      backend.destroySlot(slot);
    });

    suite.test("nothing but a multiple of 32 hexadecimal digits with a right padding opens", () => {
      const backend = currentBackend();
      const random = pseudoRandom(25);
      const slot = backend.createSlot("AES", random(32));
      const iv = random(16);
      for (const length of [30, 40_000]) {
        const sealed = backend.seal(slot, iv, random(length), "raw");
        const refused = [
          "",
          sealed.slice(0, -1),
          sealed.slice(0, -2),
          sealed.slice(0, -16),
          `${sealed}00`,
          `G${sealed.slice(1)}`,
          `${sealed.slice(0, -1)} `,
          `${sealed.slice(0, -1)}é`,
          `${sealed.slice(0, 40)}\u0130${sealed.slice(41)}`,
          `${sealed.slice(0, 40)}😀${sealed.slice(42)}`,
        ];
        for (const ciphertext of refused) {
          for (const encoding of ["hex", "raw", "auto"] as const) {
            same(backend.open(slot, iv, ciphertext, encoding), undefined, `${ciphertext.length} characters`);
            same(backend.openText(slot, iv, ciphertext, encoding), undefined, `${ciphertext.length} characters as text`);
          }
        }
        ok(backend.open(slot, iv, sealed, "raw") !== undefined, "and works on afterwards");
      }
      backend.destroySlot(slot);
    });

    suite.test("every wrong last byte is refused, every right one taken", () => {
      const backend = currentBackend();
      const random = pseudoRandom(26);
      const slot = backend.createSlot("AES", random(32));
      const iv = random(16);
      for (let last = 0; last < 256; last++) {
        const plaintext = new Uint8Array(32).fill(last, Math.max(0, 32 - last));
        plaintext[31] = last;
        const sealed = toHex(backend.cbcEncrypt(slot, iv, plaintext, "none"));
        const right = last >= 1 && last <= 16;
        same(backend.open(slot, iv, sealed, "raw"), right ? plaintext.slice(0, 32 - last) : undefined, `last byte ${last}`);
        if (!right || last === 1) continue;
        plaintext[32 - last]! ^= 1;
        const damaged = toHex(backend.cbcEncrypt(slot, iv, plaintext, "none"));
        same(backend.open(slot, iv, damaged, "raw"), undefined, `padding of ${last} with one foreign byte`);
      }
      backend.destroySlot(slot);
    });

    suite.test("text must be UTF-8, bytes need not be", () => {
      const backend = currentBackend();
      const slot = backend.createSlot("AES", pseudoRandom(27)(32));
      const iv = new Uint8Array(16);
      for (const length of [2, 70_000]) {
        const bytes = new Uint8Array(length).fill(0x7b);
        bytes[length - 1] = 0xc3;
        const sealed = backend.seal(slot, iv, bytes, "raw");
        same(backend.openText(slot, iv, sealed, "auto"), undefined, "as text");
        same(backend.open(slot, iv, sealed, "auto"), bytes, "as bytes");
      }
      backend.destroySlot(slot);
    });

    suite.test("a destroyed key is told apart from a failure, even where the ciphertext is hopeless", () => {
      const backend = currentBackend();
      const slot = backend.createSlot("AES", pseudoRandom(28)(32));
      const iv = new Uint8Array(16);
      const sealed = backend.seal(slot, iv, "{}", "hex");
      backend.destroySlot(slot);
      for (const ciphertext of [sealed, "", "zz", "0".repeat(70_000)]) {
        throwsCode(() => backend.open(slot, iv, ciphertext, "auto"), "ERR_KEY_DESTROYED");
        throwsCode(() => backend.openText(slot, iv, ciphertext, "auto"), "ERR_KEY_DESTROYED");
      }
      throwsCode(() => backend.seal(slot, iv, "{}", "hex"), "ERR_KEY_DESTROYED");
      throwsCode(() => backend.seal(slot, iv, "x".repeat(70_000), "hex"), "ERR_KEY_DESTROYED");
    });
  });
};
