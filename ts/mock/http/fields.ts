/**
 * Reading the members of an opened payload: collects every defect, so that one refusal names them all.
 *
 * Members are named as in `card.expiry_year`; values never appear, because they may be card data. Only own members count.
 */
import { own } from "../../base/arguments.js";
import { badRequest } from "./errors.js";

type Defects = Record<string, string>;

export class Fields {
  readonly #object: unknown;
  readonly #prefix: string;
  readonly #defects: Defects;
  /** The names that were asked for, and the members that were read as objects. */
  readonly #asked = new Set<string>();
  readonly #inner: Fields[] = [];

  constructor(value: unknown, prefix = "", defects: Defects = {}) {
    this.#object = value;
    this.#prefix = prefix;
    this.#defects = defects;
  }

  /** The member, or `undefined`; a `null` counts as absent. */
  get(name: string): unknown {
    this.#asked.add(name);
    const object = this.#object;
    if (typeof object !== "object" || object === null) return undefined;
    return own(object as Record<string, unknown>, name) ?? undefined;
  }

  /** The members of a member that is an object. */
  object(name: string): Fields {
    const value = this.get(name);
    if (value === undefined) this.defect(name, "is required");
    else if (!isObject(value)) this.defect(name, "must be an object");
    const inner = new Fields(isObject(value) ? value : {}, `${this.#prefix}${name}.`, isObject(value) ? this.#defects : {});
    this.#inner.push(inner);
    return inner;
  }

  optionalObject(name: string): Fields | undefined {
    return this.get(name) === undefined ? undefined : this.object(name);
  }

  text(name: string, pattern: RegExp, form: string): string {
    if (this.get(name) === undefined) this.defect(name, "is required");
    return this.optionalText(name, pattern, form) ?? "";
  }

  optionalText(name: string, pattern: RegExp, form: string): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value === "string" && pattern.test(value)) return value;
    this.defect(name, `must be ${form}`);
    return undefined;
  }

  integer(name: string, min: number, max: number): number {
    const value = this.get(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    this.defect(name, value === undefined ? "is required" : `must be a whole number from ${min} to ${max}`);
    return min;
  }

  boolean(name: string): boolean {
    const value = this.get(name);
    if (typeof value === "boolean") return value;
    this.defect(name, value === undefined ? "is required" : "must be true or false");
    return false;
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.get(name) === undefined ? undefined : this.boolean(name);
  }

  defect(name: string, problem: string): void {
    this.#defects[this.#prefix + name] = problem;
  }

  /** A sentence for every member that nobody asked for: it was ignored, and is perhaps another's misspelling. */
  unknown(): string[] {
    const names = isObject(this.#object) ? Object.keys(this.#object).filter((name) => !this.#asked.has(name)) : [];
    const own = names.map((name) => {
      const meant = [...this.#asked].find((known) => plain(known) === plain(name));
      const hint = meant === undefined ? "" : `: did you mean ${this.#prefix}${meant}?`;
      return `${this.#prefix}${name} is no member of this request and was ignored${hint}`;
    });
    return [...own, ...this.#inner.flatMap((inner) => inner.unknown())];
  }

  /** Throws 400 with `details.fields` if there was any defect. */
  check(message = "Invalid request body"): void {
    if (Object.keys(this.#defects).length > 0) throw badRequest(message, { fields: { ...this.#defects } });
  }
}

/** Names that differ in case, dashes and underscores only are one name to a person. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
