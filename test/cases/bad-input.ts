/**
 * Bad input: every public function with every argument of a wrong kind, odd objects, polluted prototypes. Each gets a typed error
 * with its code and the one form of message, shows no secret, and leaves the keys as they were.
 */
import { PosCryptoError, SecretKey } from "../../ts/index.js";
import { type Cases, ok, same } from "../harness.js";
import { leaksIn } from "./leaks.js";
import {
  type ArgumentKind,
  besideSurface,
  call,
  caught,
  discard,
  type Entry,
  exportedFunctions,
  replaced,
  secrets,
  show,
  surface,
  withKeys,
} from "./surface.js";

/** By its function: engines that lack BigInt do not parse its literals either. */
const big: readonly unknown[] = typeof BigInt === "function" ? [BigInt(10)] : [];
const never: readonly unknown[] = [null, 1, Number.NaN, true, Symbol("x"), () => "x", ...big];
const notText = [undefined, ...never, {}, [], new Uint8Array(16), new String("text"), { toString: () => "text" }];
const notBytes = [undefined, ...never, "00", {}, [], [1, 2], new ArrayBuffer(16), new Uint16Array(8), { length: 16 }];
const notObject = [null, 1, true, "text", Symbol("x"), [], new Uint8Array(16)];

const wrong: Readonly<Record<ArgumentKind, readonly unknown[]>> = {
  key: [undefined, ...never, "key", secrets.aes, {}, [], new Uint8Array(32), Object.create(SecretKey.prototype)],
  bytes: notBytes,
  material: [undefined, ...never, {}, [], new ArrayBuffer(32), new Uint16Array(16), new String(secrets.aes)],
  text: notText,
  number: [undefined, null, "3", true, Number.NaN, Number.POSITIVE_INFINITY, 2.5, Symbol("x"), {}, [], ...big],
  block: [
    undefined,
    ...never,
    {},
    [],
    new ArrayBuffer(112),
    new String("D0112P0AE00E0000"),
    "",
    "D",
    "D0112P0AE00E0000",
    new Uint8Array(0),
  ],
  object: [undefined, ...notObject],
  options: notObject,
  array: [undefined, ...never, "text", {}, { length: 2 }, [null, null], [1, 2], [{}, {}]],
  envelope: [undefined, ...never, "text", [], {}, { format: "TR31-DATA" }, { format: "OTHER", chunks: [] }],
  json: [undefined, Symbol("x"), () => "x", ...big, ...big.map((a) => ({ a }))],
};

/** What a value of the wrong kind may be answered with. */
function codesFor(kind: ArgumentKind, { name }: Entry): readonly string[] {
  if (kind === "block") return ["ERR_INVALID_ARGUMENT", "ERR_KEY_BLOCK_SYNTAX"];
  if (kind === "envelope") return ["ERR_INVALID_ARGUMENT", "ERR_ENVELOPE_FORMAT"];
  if (kind === "array") return ["ERR_INVALID_ARGUMENT", "ERR_KEY_COMPONENTS"];
  if (kind === "object" && name === "installKeySet") return ["ERR_INVALID_ARGUMENT", "ERR_KEY_SET"];
  return ["ERR_INVALID_ARGUMENT"];
}

const oneForm = /^"[A-Za-z_][\w.[\]]*" must be .+, got .+$/s;

/** Functions that explain bad blocks instead of refusing them. */
const explainers: readonly string[] = ["explainKeyBlock", "identifyMaterial"];

/** Names of options, as an attacker who polluted `Object.prototype` would choose their values. */
const pollution: Readonly<Record<string, unknown>> = {
  extractable: true,
  exportability: "E",
  modeOfUse: "X",
  keyVersion: "99",
  usage: "K0",
  backend: "wasm",
  padding: "none",
  policy: "report",
  hexCase: "any",
  grammar: "strict",
  lengthHiding: "required",
  expectUsage: "B0",
  expectModeOfUse: "X",
  kcv: "000000",
  kcvs: ["000000", "000000"],
  plaintextEncoding: "raw",
  includeKcv: true,
  gzip: true,
  chunkBytes: 1,
  maxBytes: 1,
  key_kcv: "000000",
  content_encoding: "gzip",
  chunks: [],
  body: "polluted",
  pan: "1",
  hash: "SHA-1",
  length: 2,
  side: "host",
  keepTransportKeys: true,
  optionalBlocks: [],
  details: { polluted: true },
  cause: "polluted",
};

/** Runs `body` with the pollution in place; nothing of the test's own runs meanwhile. */
function polluted<T>(body: () => T): T {
  const values = new Map<string, PropertyDescriptor>();
  for (const name of Object.keys(pollution)) {
    values.set(name, { value: pollution[name], configurable: true, enumerable: false, writable: true });
  }
  try {
    for (const [name, descriptor] of values)
      Object.defineProperty(Object.prototype, name, Object.assign(Object.create(null), descriptor));
    return body();
  } finally {
    for (const name of values.keys()) delete (Object.prototype as Record<string, unknown>)[name];
  }
}

export const badInputCases: Cases = (suite) => {
  suite.group("bad input", () => {
    suite.test("every function of the entry is covered", () => {
      const covered = [...surface.map(({ name }) => name), ...besideSurface];
      same([...covered].sort(), exportedFunctions().sort(), "functions");
    });

    for (const item of surface) {
      const { name, kinds } = item;
      suite.test(`${name}: arguments that work`, () => {
        withKeys((keys) => {
          discard(call(name, item.args(keys)));
          for (const [keyName, key] of Object.entries(keys)) ok(!key.destroyed, `${keyName} is alive`);
        });
      });

      if (kinds.length > 0) {
        suite.test(`${name}: every argument of a wrong kind`, () => {
          withKeys((keys) => {
            const right = item.args(keys);
            kinds.forEach((kind, position) => {
              wrong[kind].forEach((value, index) => {
                const what = `argument ${position} (${kind}), wrong value ${index}`;
                const args = replaced(right, position, value);
                if (explainers.includes(name) && (typeof value === "string" || value instanceof Uint8Array)) {
                  call(name, args);
                  return;
                }
                const error = caught(() => call(name, args));
                ok(error instanceof PosCryptoError, `${what}: a PosCryptoError instead of ${String(error)}`);
                const { code, message } = error as PosCryptoError;
                ok(codesFor(kind, item).includes(code), `${what}: the code ${code} (${message})`);
                if (code === "ERR_INVALID_ARGUMENT") ok(oneForm.test(message), `${what}: the form of ${message}`);
                same(leaksIn(error), [], `${what}: secrets in the error`);
              });
            });
            for (const [keyName, key] of Object.entries(keys)) ok(!key.destroyed, `${keyName} is alive`);
            discard(call(name, item.args(keys)));
          });
        });
      }

      if (item.deterministic && kinds.length > 0) {
        suite.test(`${name}: a polluted prototype changes nothing`, () => {
          withKeys((keys) => {
            const args = item.args(keys);
            const before = show(call(name, args));
            const outcome = polluted(() => {
              try {
                return { result: call(name, args), error: undefined };
              } catch (error) {
                return { result: undefined, error };
              }
            });
            ok(outcome.error === undefined, `no error instead of ${String(outcome.error)}`);
            same(show(outcome.result), before, "result");
          });
        });
      }
    }

    suite.test("a polluted prototype does not widen a key", () => {
      const key = polluted(
        () =>
          call("importKey", [secrets.aes, Object.assign(Object.create(null), { algorithm: "AES", usage: "D0" })]) as SecretKey,
      );
      same([key.modeOfUse, key.exportability, key.extractable, key.keyVersion], ["N", "N", false, "00"], "attributes");
      key.destroy();
      const other = polluted(() => call("importKey", [secrets.aes, { algorithm: "AES", usage: "D0" }]) as SecretKey);
      same([other.modeOfUse, other.exportability, other.extractable, other.keyVersion], ["N", "N", false, "00"], "attributes");
      other.destroy();
    });

    suite.test("JSON that tries to pollute changes no prototype", () => {
      withKeys((keys) => {
        const hostile = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
        for (const { name, kinds, args } of surface) {
          kinds.forEach((kind, position) => {
            if (kind !== "object" && kind !== "options" && kind !== "envelope" && kind !== "json") return;
            const right = args(keys);
            const merged = JSON.parse(hostile);
            for (const [member, value] of Object.entries((right[position] ?? {}) as object)) merged[member] = value;
            const error = caught(() => call(name, replaced(right, position, merged)));
            ok(error === undefined || error instanceof PosCryptoError, `${name}, argument ${position}: ${String(error)}`);
            same(({} as { polluted?: boolean }).polluted, undefined, `${name}: Object.prototype.polluted`);
          });
        }
      });
    });
  });
};
