/**
 * Reading the host's JSON: own properties only, each with its type checked, so that an unexpected answer becomes
 * `ERR_HOST_RESPONSE` naming the field, never its value (an opened envelope is plaintext).
 */
import { hasOwn } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import type { JsonValue } from "../../core/envelope/envelope.js";

/** An object of JSON data. */
export type JsonObject = { readonly [name: string]: JsonValue };

/** The own property `name` of a JSON object; `undefined` for anything else. */
export function ownValue(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null || !hasOwn(object, name)) return undefined;
  return (object as Record<string, unknown>)[name];
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An answer that is not what the protocol says. `where` is a field or an endpoint. */
export function unexpectedAnswer(where: string, expected: string, details: Record<string, unknown> = {}): PosCryptoError {
  return new PosCryptoError("ERR_HOST_RESPONSE", `the host's "${where}" must be ${expected}`, {
    details: { field: where, ...details },
  });
}

export function requireObject(value: unknown, where: string): JsonObject {
  if (!isJsonObject(value)) throw unexpectedAnswer(where, "an object");
  return value;
}

export function requireString(object: unknown, name: string, pattern?: RegExp): string {
  const value = ownValue(object, name);
  if (typeof value !== "string" || value === "") throw unexpectedAnswer(name, "a text");
  if (pattern !== undefined && !pattern.test(value)) throw unexpectedAnswer(name, "of its documented form");
  return value;
}

/** A positive number of seconds. */
export function requireSeconds(object: unknown, name: string): number {
  const value = ownValue(object, name);
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) throw unexpectedAnswer(name, "a positive number");
  return value;
}
