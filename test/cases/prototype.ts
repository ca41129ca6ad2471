/**
 * A polluted `Object.prototype` chooses nothing: with the name of every option of every public function planted there, each function
 * of core gives the result that it gives without. The names come from the declarations (test/node/option-names.test.ts).
 */
import { SecretKey } from "../../ts/index.js";
import { setRandomSource } from "../../ts/base/random.js";
import { type Cases, ok, pseudoRandom, same, toHex } from "../harness.js";
import { planted, VALUES } from "../option-names.js";
import { call, discard, type Entry, surface, withKeys } from "./surface.js";

/** A result with what its handles may do; handles are destroyed. */
function outcomeOf(body: () => unknown): string {
  let result: unknown;
  try {
    result = body();
  } catch (error) {
    return String(error);
  }
  const text = JSON.stringify(result, (_name, value: unknown) => {
    if (value instanceof Uint8Array) return toHex(value);
    return value instanceof SecretKey ? describeKey(value) : value;
  });
  discard(result);
  return text ?? String(result);
}

/** `toJSON` of a key comes before a replacer sees it, so that keys are looked for first. */
function describeKey(key: SecretKey): string {
  const { usage, algorithm, bits, modeOfUse, exportability, keyVersion, hash, extractable } = key;
  return [usage, algorithm, bits, modeOfUse, exportability, keyVersion, hash, extractable].join();
}

/** The call's result, and the facts of a key that it returns. */
function resultOf({ name }: Entry, args: readonly unknown[]): string {
  return outcomeOf(() => {
    const result = call(name, args);
    const key = result instanceof SecretKey ? result : (result as { key?: unknown } | null)?.key;
    return key instanceof SecretKey ? { result, facts: describeKey(key), key } : result;
  });
}

/** Equal random bytes and one time for every run, so that results can be compared. */
function fixed<T>(body: () => T): T {
  const source = setRandomSource(pseudoRandom(11));
  const clock = Date.now;
  Date.now = () => 1_767_225_600_000;
  try {
    return body();
  } finally {
    Date.now = clock;
    setRandomSource(source);
  }
}

export const prototypeCases: Cases = (suite) => {
  suite.group("options planted on Object.prototype", () => {
    suite.test("planting shows, and ends", () => {
      same(planted("seen", () => ({}) as { gzip?: unknown }).gzip, undefined, "afterwards");
      same(
        planted("seen", () => (({}) as { gzip?: unknown }).gzip),
        "seen",
        "meanwhile",
      );
    });

    for (const item of surface) {
      suite.test(`${item.name} sees none of them`, () => {
        withKeys((keys) => {
          const args = item.args(keys);
          const before = fixed(() => resultOf(item, args));
          ok(!before.startsWith("PosCryptoError"), `the call itself: ${before}`);
          for (const value of VALUES) {
            const meanwhile = fixed(() => planted(value, () => resultOf(item, args)));
            same(meanwhile, before, `with ${String(value)} planted`);
          }
          // Errors are the same, too: what is missing is not found on the prototype.
          const empty = args.map((argument) => (isPlain(argument) ? {} : argument));
          const refused = fixed(() => resultOf(item, empty));
          for (const value of VALUES) {
            const meanwhile = fixed(() => planted(value, () => resultOf(item, empty)));
            same(meanwhile, refused, `with empty options and ${String(value)} planted`);
          }
        });
      });
    }
  });
};

function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
