/**
 * Nothing leaks: no key, PIN, PAN or plaintext in any form shows up in a printed or serialised key, or anywhere in an error: its
 * message, stack, cause, details and own properties.
 */
import {
  aesCbcDecrypt,
  decryptPinBlock,
  encryptPinBlock,
  formatPinBlock,
  generateKey,
  importKey,
  importKeyComponents,
  openEnvelope,
  openEnvelopeBytes,
  parsePinBlock,
  sealEnvelope,
  sealEnvelopeBytes,
  signRequest,
  translatePinBlock,
  unwrapKeyBlock,
  verifyKeyCheckValue,
  wrapKeyBlock,
} from "../../ts/index.js";
import { ascii, type Cases, hex, ok, same, toHex } from "../harness.js";
import { OPTION_NAMES } from "../option-names.js";
import { call, caught, destroyKeys, makeKeys, replaced, requestFields, secrets, surface, withKeys } from "./surface.js";

/** The ways in which a secret could be printed. */
function formsOf(secret: string): string[] {
  const isKey = /^[0-9A-F]{32,}$/.test(secret);
  const bytes = isKey ? hex(secret) : ascii(secret);
  const text = toHex(bytes);
  const decimal = [...bytes.slice(0, 6)];
  const latin = String.fromCharCode(...bytes.slice(0, 8));
  const forms = [text.slice(0, 16), text.slice(-16), decimal.join(","), decimal.join(", "), base64(bytes).slice(0, 10), latin];
  return [...forms, ...forms.map((form) => form.toLowerCase()), ...(isKey ? [] : [secret])];
}

const allForms = Object.entries(secrets).map(([name, secret]) => ({ name, forms: formsOf(secret) }));

/** Names of the secrets that show up in `value`: an error with everything on it, or text. */
export function leaksIn(value: unknown): string[] {
  const text = typeof value === "string" ? value : everythingOf(value, new Set());
  return allForms.filter(({ forms }) => forms.some((form) => text.includes(form))).map(({ name }) => name);
}

/** All text that is reachable from a value by its own properties, hidden ones included. */
function everythingOf(value: unknown, seen: Set<unknown>): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return toHex(value);
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return String(value);
  if (seen.has(value)) return "";
  seen.add(value);
  const parts = [value instanceof Error ? String(value) : "", JSON.stringify(value) ?? ""];
  for (const name of Reflect.ownKeys(value)) {
    parts.push(String(name), everythingOf((value as Record<PropertyKey, unknown>)[name], seen));
  }
  return parts.join("\n");
}

/** React Native's Babel makes a private field a property that nothing lists: no printing, copying or serialising shows it. */
function isLoweredField(key: object, own: PropertyKey): boolean {
  return /^__private_\d+_\w+$/.test(String(own)) && !Object.prototype.propertyIsEnumerable.call(key, own);
}

/** Digits that no length, bound or clause in a message has. */
const PINS = ["7391", "73918", "739182", "7391826", "73918264", "739182640", "7391826405", "73918264051", "739182640517"];
const DIGITS = [...PINS, secrets.pan];
/** Each as text and as a number, in hex and with text around it, and among others. */
const MISPLACED: readonly unknown[] = [
  ...([] as unknown[]).concat(
    ...DIGITS.map((digits) => [
      digits,
      Number(digits),
      -Number(digits),
      Number(digits) / 10,
      ` ${digits}`,
      [digits],
      [Number(digits)],
    ]),
  ),
  ...DIGITS.map((digits) => ({ [digits]: digits })),
  secrets.aes,
  secrets.aes.toLowerCase(),
  [secrets.aes],
  { [secrets.aes]: secrets.aes },
];

/** The members that a function looks for in an object that it is given. */
function namesRead(object: object, use: (watched: object) => unknown): string[] {
  const names = new Set(Object.keys(object));
  const note = (name: PropertyKey) => typeof name === "string" && OPTION_NAMES.includes(name) && names.add(name);
  const watched = new Proxy(object, {
    get: (target, name) => {
      note(name);
      return Reflect.get(target, name);
    },
    getOwnPropertyDescriptor: (target, name) => {
      note(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
  });
  caught(() => use(watched));
  return [...names];
}

/** Copies of an object with each misplaced value in each of those members, and one level deeper. */
function misplacedIn(object: object, names: readonly string[]): object[] {
  const values = [PINS[0], Number(PINS[0]), Number(PINS[5]), secrets.pan, Number(secrets.pan), secrets.aes];
  const deeper = ([] as unknown[]).concat(...values.map((value) => [value, { msk: value }, [{ id: value }]]));
  return ([] as object[]).concat(...names.map((name) => deeper.map((value) => ({ ...object, [name]: value }))));
}

/** The misplaced value that an error tells in its message, its details or its cause. */
function toldIn(error: unknown): string | undefined {
  const { message, details, cause } = error as { message?: unknown; details?: unknown; cause?: unknown };
  const text = [String(message), everythingOf(details, new Set()), everythingOf(cause, new Set())].join("\n");
  // The shortest PIN begins all others.
  const isTold = [PINS[0]!, secrets.pan, secrets.aes.slice(0, 16)].some((secret) => text.toUpperCase().includes(secret));
  return isTold ? text : undefined;
}

function errorOf(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("an error was expected");
}

export const leakCases: Cases = (suite) => {
  suite.group("leaks", () => {
    suite.test("the check finds a secret in every place and form", () => {
      for (const [name, secret] of Object.entries(secrets)) {
        const bytes = /^[0-9A-F]{32,}$/.test(secret) ? hex(secret) : ascii(secret);
        const planted: unknown[] = [
          new Error(`bad key ${secret}`),
          Object.assign(new Error("bad"), { cause: new Error(toHex(bytes).toLowerCase()) }),
          Object.assign(new Error("bad"), { details: { got: base64(bytes) } }),
          Object.assign(new Error("bad"), { details: { got: [...bytes] } }),
          Object.defineProperty(new Error("bad"), "hidden", { value: bytes }),
          Object.assign(new Error("bad"), { [Symbol("x")]: [...bytes].join(", ") }),
        ];
        for (const [index, error] of planted.entries()) ok(leaksIn(error).includes(name), `${name} planted ${index}`);
      }
      same(leaksIn(new Error("nothing in here")), [], "a clean error");
    });

    suite.test("a key prints as what it is, and nothing else", () => {
      withKeys((keys) => {
        for (const [name, key] of Object.entries(keys)) {
          same(leaksIn(key), [], name);
          same(
            Reflect.ownKeys(key).filter((own) => own !== Symbol.dispose && !isLoweredField(key, own)),
            [],
            `${name}: own properties`,
          );
          ok(/^SecretKey\([0-9A-Z]{2} [A-Z]+-\d+( KCV [0-9A-F]{6})?\)$/.test(String(key)), `${name}: ${key}`);
          same(JSON.stringify({ key }), JSON.stringify({ key: String(key) }), `${name}: JSON`);
          same(JSON.stringify({ ...key }), "{}", `${name}: spread`);
          for (const member in key) ok(leaksIn(String(key[member as keyof typeof key])).length === 0, `${name}.${member}`);
        }
        same(String(keys.mac), "SecretKey(M7 HMAC-256)", "an imported HMAC secret");
      });
      const made = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
      ok(/^SecretKey\(M7 HMAC-256 KCV [0-9A-F]{6}\)$/.test(String(made)), `a generated HMAC key: ${made}`);
      made.destroy();
      same(String(made), "SecretKey(M7 HMAC-256 destroyed)", "a destroyed key");
    });

    suite.test("secrets in the wrong place: every text argument", () => {
      withKeys((keys) => {
        for (const { name, kinds, args } of surface) {
          kinds.forEach((kind, position) => {
            if (kind === "json" || kind === "bytes") return;
            for (const secret of Object.values(secrets)) {
              for (const value of [secret, `${secret}Z`, secret.slice(1), [secret], { [secret]: secret }]) {
                const error = caught(() => call(name, replaced(args(keys), position, value)));
                if (error !== undefined) same(leaksIn(error), [], `${name}, argument ${position}`);
              }
            }
          });
        }
      });
    });

    suite.test("secrets in the wrong member: every member of every object", () => {
      withKeys((keys) => {
        for (const { name, kinds, args } of surface) {
          kinds.forEach((kind, position) => {
            if (kind !== "object" && kind !== "envelope") return;
            const right = args(keys);
            const members = Object.keys(right[position] as object);
            for (const member of members) {
              const all = [...Object.values(secrets), ascii(secrets.pin), hex(secrets.aes)];
              for (const secret of suite.interpreted ? [secrets.pan, secrets.aes] : all) {
                const value = { ...(right[position] as object), [member]: secret };
                const error = caught(() => call(name, replaced(right, position, value)));
                if (error !== undefined) same(leaksIn(error), [], `${name}, member ${member}`);
              }
            }
          });
        }
      });
    });

    suite.test("a PAN, PINs of 4 to 12 digits and a key in the place of every argument and every option: none is told", () => {
      withKeys((keys) => {
        for (const { name, kinds, args } of surface) {
          kinds.forEach((kind, position) => {
            const right = args(keys);
            const misplaced = suite.interpreted ? MISPLACED.slice(0, 3) : MISPLACED;
            const whole = misplaced.map((value) => replaced(right, position, value));
            const isObject = kind === "object" || kind === "options" || kind === "envelope";
            // JSON is what is sealed: it may hold anything.
            const object = right[position] as object;
            const names = isObject ? namesRead(object, (watched) => call(name, replaced(right, position, watched))) : [];
            const within = isObject ? misplacedIn(object, names).map((value) => replaced(right, position, value)) : [];
            for (const given of kind === "json" ? [] : [...whole, ...within]) {
              const error = caught(() => call(name, given));
              const told = error === undefined ? undefined : toldIn(error);
              if (told !== undefined) throw new Error(`${name}, argument ${position}: ${told}`);
            }
          });
        }
      });
    });

    suite.test("keys that cannot be imported", () => {
      const aes = { algorithm: "AES", usage: "D0" } as const;
      for (const material of [
        `${secrets.aes}Z`,
        secrets.aes.slice(2),
        ` ${secrets.aes}`,
        hex(secrets.aes).subarray(1),
        secrets.pin,
      ]) {
        same(leaksIn(errorOf(() => importKey(material, aes))), [], "importKey");
        same(leaksIn(errorOf(() => importKeyComponents([secrets.zmk, material], aes))), [], "importKeyComponents");
      }
      same(leaksIn(errorOf(() => importKeyComponents([secrets.zmk, secrets.zmk], aes))), [], "equal components");
      const wrongKcv = { kcvs: ["000000", "000000"] };
      same(leaksIn(errorOf(() => importKeyComponents([secrets.zmk, secrets.aes], aes, wrongKcv))), [], "component KCVs");
    });

    suite.test("failed cryptography: key blocks, check values, envelopes, PIN blocks, padding", () => {
      withKeys((keys) => {
        const { zmk, data, tpk, tdesTpk, exposed } = keys;
        const other = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
        const otherData = generateKey({ algorithm: "AES", usage: "D0", bits: 256 });
        const block = wrapKeyBlock(zmk, data, { version: "D" });
        const errors = [
          errorOf(() => unwrapKeyBlock(other, block)),
          errorOf(() => unwrapKeyBlock(zmk, `${block.slice(0, -1)}${block.endsWith("0") ? "1" : "0"}`)),
          errorOf(() => unwrapKeyBlock(zmk, block, { kcv: "000000" })),
          errorOf(() => unwrapKeyBlock(zmk, block, { expectUsage: "P0" })),
          errorOf(() => wrapKeyBlock(zmk, exposed, { version: "D" })),
          errorOf(() => verifyKeyCheckValue(data, "000000")),
        ];
        const sealed = sealEnvelope(data, { text: secrets.plaintext, pan: secrets.pan });
        ok("ciphertext" in sealed);
        const damaged = { ...sealed, initialization_vector: "FF".repeat(16) };
        errors.push(
          errorOf(() => openEnvelope(otherData, sealed)),
          errorOf(() => openEnvelope(data, damaged)),
        );
        const raw = sealEnvelopeBytes(data, ascii(secrets.plaintext), { plaintextEncoding: "raw" });
        errors.push(errorOf(() => openEnvelope(data, raw)));
        errors.push(errorOf(() => openEnvelopeBytes(data, raw, { plaintextEncoding: "hex" })));
        errors.push(errorOf(() => openEnvelopeBytes(data, raw, { plaintextEncoding: "raw", maxBytes: 1 })));
        const { pin, pan } = secrets;
        const pinBlock = encryptPinBlock(tdesTpk, { format: 0, pin, pan });
        const clear = formatPinBlock({ format: 0, pin, pan });
        errors.push(
          errorOf(() => decryptPinBlock(tdesTpk, pinBlock, { format: 1 })),
          errorOf(() => decryptPinBlock(tdesTpk, pinBlock, { format: 4, pan })),
          errorOf(() => parsePinBlock(clear, { format: 2 })),
          errorOf(() => parsePinBlock(clear, { format: 0, pan: `${pan}x` })),
          errorOf(() => encryptPinBlock(tdesTpk, { format: 0, pin: `${pin}1`, pan })),
          errorOf(() => encryptPinBlock(tdesTpk, { format: 0, pin: `${pin.slice(0, 11)}x`, pan })),
          errorOf(() => encryptPinBlock(tdesTpk, { format: 0, pin, pan: `${pan}${pan}` })),
          errorOf(() => encryptPinBlock(tpk, { format: 0, pin, pan })),
          errorOf(() => translatePinBlock(tdesTpk, tpk, pinBlock, { from: 0, to: 1, pan })),
          errorOf(() => translatePinBlock(tdesTpk, tpk, pinBlock.replace(/^../, "00"), { from: 0, to: 4, pan: "1" })),
        );
        const blocks = hex("00".repeat(32));
        errors.push(errorOf(() => aesCbcDecrypt(data, blocks.subarray(16), blocks, { padding: "pkcs7" })));
        errors.push(errorOf(() => signRequest(keys.mac, { ...requestFields, path: `/${secrets.plaintext}\n` })));
        for (const [index, error] of errors.entries()) same(leaksIn(error), [], `error ${index}`);
        other.destroy();
        otherData.destroy();
      });
    });

    suite.test("errors of destroyed keys", () => {
      const keys = makeKeys();
      const calls = surface.map(({ name, kinds, args }) => ({ name, kinds, args: args(keys) }));
      destroyKeys(keys);
      for (const { name, kinds, args } of calls) {
        if (!kinds.includes("key")) continue;
        const error = errorOf(() => call(name, args)) as { code?: string };
        same(error.code, "ERR_KEY_DESTROYED", name);
        same(leaksIn(error), [], name);
      }
    });
  });
};

function base64(bytes: Uint8Array): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let text = "";
  for (let i = 0; i + 2 < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    text += [18, 12, 6, 0].map((shift) => alphabet[(group >> shift) & 63]).join("");
  }
  return text;
}
