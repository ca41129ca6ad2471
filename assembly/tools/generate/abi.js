/**
 * Makes ts/backend/abi.gen.ts: the numbers that the module and TypeScript must agree on, read from the sources of the module. A
 * constant that is missing there, or is no number, stops the recipe.
 */
import { readSource } from "./output.js";

/**
 * The exported integer constants of a source of the module, by name.
 * @param {string} path below assembly/
 * @returns {(name: string) => number}
 */
function constantsOf(path) {
  const text = readSource(`assembly/${path}`);
  const found = new Map(
    [...text.matchAll(/^export const (\w+): (?:i32|usize) = (-?\w+);$/gm)].map((match) => [match[1], match[2]]),
  );
  return (name) => {
    const value = Number(found.get(name) ?? Number.NaN);
    if (!Number.isInteger(value)) throw new Error(`assembly/${path} exports no integer ${name}`);
    return value;
  };
}

const layout = constantsOf("layout.ts");
const slots = constantsOf("slots.ts");
const keys = constantsOf("keys.ts");
const hash = constantsOf("hash.ts");
const envelope = constantsOf("envelope.ts");
const keyBlock = constantsOf("key-block.ts");

/**
 * @param {string} what
 * @param {string} name
 * @param {number} value
 */
function number(what, name, value) {
  return `/** ${what} */\nexport const ${name} = ${value};\n`;
}

/**
 * @param {string} what
 * @param {string} name
 * @param {Readonly<Record<string, number>>} members by their name in TypeScript
 */
function record(what, name, members) {
  const list = Object.entries(members).map(
    ([key, value]) => `${/^[A-Za-z]\w*$/.test(key) ? key : JSON.stringify(key)}: ${value}`,
  );
  return `/** ${what} */\nexport const ${name} = { ${list.join(", ")} } as const;\n`;
}

/** @returns {import("./output.js").Generated[]} */
export function generated() {
  const parts = [
    "/** What the WebAssembly module and TypeScript agree on: numbers of assembly/, all public. */\n",
    record("Kinds of slot (layout.ts).", "KINDS", {
      AES: layout("KIND_AES"),
      TDES: layout("KIND_TDES"),
      HMAC: layout("KIND_HMAC"),
      OPAQUE: layout("KIND_OPAQUE"),
      DUKPT: layout("KIND_DUKPT"),
    }),
    record("Hash functions (hash.ts).", "HASHES", {
      "SHA-1": hash("SHA1"),
      "SHA-224": hash("SHA224"),
      "SHA-256": hash("SHA256"),
      "SHA-384": hash("SHA384"),
      "SHA-512": hash("SHA512"),
    }),
    record("Plaintexts of envelopes (envelope.ts).", "ENCODINGS", {
      raw: envelope("RAW"),
      hex: envelope("HEX"),
      auto: envelope("AUTO"),
    }),
    "// Statuses (slots.ts): results below 0.\n",
    number("A MAC, a padding or text is not what it ought to be.", "FAILED", slots("FAILED")),
    number("The handle names no key.", "STALE", slots("STALE")),
    number("The key is of another kind than the operation needs.", "WRONG_KIND", slots("WRONG_KIND")),
    number("There is no room for another key.", "CAPACITY", slots("CAPACITY")),
    number("A length does not suit a key, a key block, or the area that it is for.", "BAD_LENGTH", slots("BAD_LENGTH")),
    number("Bytes of IO that a call may fill; what IO has beyond is room for padding (layout.ts).", "WINDOW", layout("WINDOW")),
    number("Parts of a long message are multiples of this (layout.ts).", "PART_UNIT", layout("PART_UNIT")),
    number("Characters of a MAC in Base64 (layout.ts).", "BASE64_MAC", layout("EXPECTED_SIZE")),
    number(
      "Bytes of the longest key, of any kind: the most that the 16 bits of X9.143 clause 6.4 state (keys.ts).",
      "LONGEST_KEY",
      keys("LONGEST_KEY"),
    ),
    number("Characters of the longest key block (key-block.ts).", "LONGEST_BLOCK", keyBlock("LONGEST_BLOCK")),
    record("Bytes of the MAC of a key block, by its version (key-block.ts).", "MAC_LENGTHS", {
      A: keyBlock("MAC_LENGTH_A"),
      B: keyBlock("MAC_LENGTH_B"),
      C: keyBlock("MAC_LENGTH_C"),
      D: keyBlock("MAC_LENGTH_D"),
      E: keyBlock("MAC_LENGTH_E"),
    }),
  ];
  return [{ path: "ts/backend/abi.gen.ts", text: parts.join("\n") }];
}
