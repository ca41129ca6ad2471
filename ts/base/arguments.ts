/**
 * What a caller passes, read in one way. Options are read as own properties: what pollutes `Object.prototype` chooses nothing.
 *
 * A wrong value may be a secret in the wrong place (a PAN as `bits`, a PIN as `usage`). Messages therefore hold its type, its length,
 * a word that the library itself knows, or a whole number below 256, which is no PIN: nothing else of it.
 */
import { isBytes } from "./byte-array.js";
import { describeType, invalidArgument, type PosCryptoError } from "./errors.js";

/** `Object.hasOwn` (ES2022), which WebViews older than Chrome 93 and Node before 16.9 do not have. */
export function hasOwn(object: object, name: PropertyKey): boolean {
  // biome-ignore lint/suspicious/noPrototypeBuiltins: what it asks for is what is missing
  return Object.prototype.hasOwnProperty.call(object, name);
}

/** An own property, never one of the prototype. `undefined` becomes the fallback. */
export function own<T extends object, K extends keyof T>(value: T, name: K): T[K] | undefined;
export function own<T extends object, K extends keyof T>(value: T, name: K, fallback: NonNullable<T[K]>): NonNullable<T[K]>;
export function own<T extends object, K extends keyof T>(value: T, name: K, fallback?: T[K]): T[K] | undefined {
  const found = hasOwn(value, name) ? value[name] : undefined;
  return found === undefined ? fallback : found;
}

/** `ERR_INVALID_ARGUMENT` for a value whose type alone is told. */
export function refusal(name: string, expected: string, value: unknown): PosCryptoError {
  return invalidArgument(name, expected, describeType(value));
}

/** `ERR_INVALID_ARGUMENT` in the place of a word: which, where it is one of the `known` ones. */
export function wordRefusal(name: string, expected: string, value: unknown, known: readonly string[] = []): PosCryptoError {
  if (typeof value !== "string") return refusal(name, expected, value);
  return invalidArgument(name, expected, known.includes(value) ? value : "another word");
}

/** `ERR_INVALID_ARGUMENT` in the place of a number: which, where it is a whole number below 256. */
export function numberRefusal(name: string, expected: string, value: unknown): PosCryptoError {
  if (typeof value !== "number") return refusal(name, expected, value);
  const shown = Number.isInteger(value) ? Math.abs(value) < 256 : !Number.isFinite(value);
  return invalidArgument(name, expected, shown ? value : "another number");
}

/** `ERR_INVALID_ARGUMENT` in the place of a text: its length, or itself where one or two characters are too short for a PIN. */
export function textRefusal(name: string, expected: string, value: unknown): PosCryptoError {
  if (typeof value !== "string") return refusal(name, expected, value);
  return invalidArgument(name, expected, /^[\x21-\x7e]{1,2}$/.test(value) ? value : `${value.length} characters`);
}

/** Throws `ERR_INVALID_ARGUMENT` unless `value` is a text of that form. */
export function assertText(name: string, value: unknown, form: RegExp, expected: string): asserts value is string {
  if (typeof value !== "string" || !form.test(value)) throw textRefusal(name, expected, value);
}

/** Throws `ERR_INVALID_ARGUMENT` for null, arrays and bytes, too. */
export function assertObject(name: string, value: unknown): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isBytes(value)) {
    throw refusal(name, "an object", value);
  }
}

/**
 * A copy of an options object that holds its own members and inherits nothing, so that it can be read by name. Throws
 * `ERR_INVALID_ARGUMENT` for anything but an object.
 */
export function ownOptions<T extends object>(name: string, options: T): T {
  assertObject(name, options);
  return Object.assign(Object.create(null), options);
}

/** Throws `ERR_INVALID_ARGUMENT` for anything but an array. */
export function assertArray(name: string, value: unknown): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw refusal(name, "an array", value);
}

/** `a, b or c` */
export function wordList(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;
}

/** Throws `ERR_INVALID_ARGUMENT` unless `value` is one of `words`. */
export function readChoice<W extends string>(name: string, value: unknown, words: readonly W[]): W {
  if (!words.includes(value as W)) throw wordRefusal(name, wordList(words), value);
  return value as W;
}

/** An option that is one of `words`; without a fallback it must be given. `prefix` goes before its name in the message. */
export function choice<T extends object, W extends string>(
  options: T,
  name: keyof T & string,
  words: readonly W[],
  fallback?: W,
  prefix = "",
): W {
  const value: unknown = own(options, name);
  return value === undefined && fallback !== undefined ? fallback : readChoice(prefix + name, value, words);
}

/** An option that is true or false. */
export function flag<T extends object>(options: T, name: keyof T & string, fallback = false): boolean {
  const value: unknown = own(options, name);
  if (value === undefined) return fallback;
  if (typeof value !== "boolean") throw refusal(name, "a boolean", value);
  return value;
}

/** An option that is text of any content. */
export function text<T extends object>(options: T, name: keyof T & string, prefix = ""): string | undefined {
  const value: unknown = own(options, name);
  if (value === undefined || typeof value === "string") return value;
  throw refusal(prefix + name, "a string", value);
}

/** An option that is a function. */
export function func<T extends object, K extends keyof T & string>(options: T, name: K, prefix = ""): T[K] | undefined {
  const value = own(options, name);
  if (value === undefined || typeof value === "function") return value;
  throw refusal(prefix + name, "a function", value);
}

/** Bounds of a number, both inclusive, and what it counts. */
export interface NumberBounds {
  readonly min: number;
  readonly max?: number;
  /** `bytes`, `milliseconds`. */
  readonly unit?: string;
  /** What is used where nothing is given; without it, a number must be given. */
  readonly fallback?: number;
  /** Goes before the name in the message: `retry.`. */
  readonly prefix?: string;
}

/** ` of bytes from 1`, ` from 0 to 4` */
function describeBounds(bounds: NumberBounds): string {
  const [max, unit] = [own(bounds, "max", Number.POSITIVE_INFINITY), own(bounds, "unit")];
  const from = ` from ${bounds.min}${max === Number.POSITIVE_INFINITY ? "" : ` to ${max}`}`;
  return unit === undefined ? from : ` of ${unit}${from}`;
}

/** The option, or the fallback where there is one; and what messages call it. */
function givenNumber<T extends object>(options: T, name: keyof T & string, bounds: NumberBounds): [unknown, string] {
  const value: unknown = own(options, name);
  return [value === undefined ? own(bounds, "fallback") : value, own(bounds, "prefix", "") + name];
}

/** Throws `ERR_INVALID_ARGUMENT` unless `value` is a whole number within the bounds. */
export function readWholeNumber(name: string, value: unknown, bounds: NumberBounds): number {
  const max = own(bounds, "max", Number.MAX_SAFE_INTEGER);
  if (Number.isSafeInteger(value) && (value as number) >= bounds.min && (value as number) <= max) return value as number;
  throw numberRefusal(name, `a whole number${describeBounds(bounds)}`, value);
}

/** An option that is a whole number. */
export function wholeNumber<T extends object>(options: T, name: keyof T & string, bounds: NumberBounds): number {
  const [value, label] = givenNumber(options, name, bounds);
  return readWholeNumber(label, value, bounds);
}

/** An option that is a number, fractions allowed. NaN is refused, and so is Infinity unless it is the bound. */
export function numeric<T extends object>(options: T, name: keyof T & string, bounds: NumberBounds): number {
  const [value, label] = givenNumber(options, name, bounds);
  if (typeof value === "number" && value >= bounds.min && value <= own(bounds, "max", Number.MAX_VALUE)) return value;
  throw numberRefusal(label, `a number${describeBounds(bounds)}`, value);
}

/**
 * The longest time that timers of engines keep: 2^31 - 1 ms, 24.8 days (HTML, "timers": the timeout is a signed 32-bit number). A longer
 * one would end after 1 ms, so that it is refused.
 */
const LONGEST_TIMER_MS = 0x7fffffff;

/** An option that is a time for a timer, in milliseconds from `min` to `LONGEST_TIMER_MS`. */
export function timerMs<T extends object>(
  options: T,
  name: keyof T & string,
  min: number,
  fallback: number,
  prefix = "",
): number {
  return numeric(options, name, { min, max: LONGEST_TIMER_MS, unit: "milliseconds", fallback, prefix });
}

/**
 * The option `signal`: anything with the shape of an AbortSignal, another realm's or jsdom's among them. An AbortController in its
 * place is refused with what to pass.
 */
export function abortSignal<T extends { readonly signal?: AbortSignal | undefined }>(options: T): AbortSignal | undefined {
  const value: unknown = own(options, "signal");
  if (value === undefined || isSignal(value)) return value;
  const isController = typeof value === "object" && value !== null && isSignal((value as Partial<AbortController>).signal);
  throw invalidArgument(
    "signal",
    "an AbortSignal",
    isController ? "an AbortController: pass controller.signal" : describeType(value),
  );
}

/** By its shape: an AbortSignal inherits its members, and those of other realms have other prototypes. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== "object" || value === null) return false;
  try {
    const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
    return typeof aborted === "boolean" && typeof addEventListener === "function" && typeof removeEventListener === "function";
  } catch {
    // A proxy around one, as of a framework's reactive state, on which its members cannot be called.
    return false;
  }
}
