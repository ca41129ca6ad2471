/**
 * What a scripted fault is, and the text it is written as: `KIND[@STEP[+STEP...]][:OPTION=VALUE[,OPTION=VALUE...]]`.
 *
 * `drop-after@charge`, `delay@charge+refund:ms=3000,p=0.1`, `wrong-kcv@keys:key=msk,count=1`. Steps are the endpoints' names; a
 * fault without steps applies at every step where its kind can happen.
 */
import { numberRefusal, own, ownOptions } from "../../base/arguments.js";
import { describeType, invalidArgument } from "../../base/errors.js";
import type { KeyRole } from "../../core/key-set/install.js";
import { type Step, STEPS, stepsWhere } from "../../core/protocol/endpoints.js";

const ATTESTED = stepsWhere(({ authentication }) => authentication === "attestation");
const SIGNED = stepsWhere(({ authentication }) => authentication === "signature");
const SEALED = stepsWhere(({ sealed }) => sealed.length > 0);

/** Every kind, and the steps at which it can happen. */
export const FAULT_STEPS = {
  /** The connection is cut before the request has any effect. */
  "drop-before": STEPS,
  /** The connection is cut after the request had its effect. */
  "drop-after": STEPS,
  /** The request is held up for `ms`, then handled as if it came in just then. */
  delay: STEPS,
  /** The request is delivered twice, unchanged; the first answer is given. */
  duplicate: STEPS,
  /** 500 before the request has any effect. */
  "500": STEPS,
  /** 500 after the request had its effect. */
  "500-after": STEPS,
  /** 401: an attestation token is revoked, other credentials are refused once. */
  "401": ["claim", "attest", ...ATTESTED, ...SIGNED],
  /** The nonce counts as used before. */
  "stale-nonce": ["attest", ...SIGNED],
  /** For this request the host's clock is off by `ms`: in what bootstrap says, and in judging timestamps. */
  "clock-skew": ["bootstrap", "attest", ...SIGNED],
  /** One stated check value is another. */
  "wrong-kcv": ["keys"],
  /** One hex digit of one key block is another. */
  "damaged-key-block": ["keys"],
  /** One bit of the answer's last cipher block is flipped. */
  "damaged-envelope": SEALED,
  /** One chunk lacks its last cipher block. */
  "truncated-chunk": ["terminal-parameters"],
  /** Intact, and 64 MiB when it is decompressed. */
  "gzip-bomb": ["terminal-parameters"],
  /** The answer states the check value of another key. */
  "wrong-key-kcv": SEALED,
  /** The approval is for one minor unit more. */
  "changed-amount": ["charge", "refund"],
  /** 429 before the request has any effect, with `Retry-After` of `ms`. */
  "429": STEPS,
  /** 503 before the request has any effect, with `Retry-After` of `ms`. */
  "503": STEPS,
  /** 409 as for an idempotency key of another request, before any effect. */
  "409": SIGNED,
  /** The connection is reset (TCP RST) after the request had its effect. */
  reset: STEPS,
  /** The answer's body ends in its middle. */
  "cut-body": STEPS,
  /** The answer's body comes in pieces over `ms`. */
  "slow-body": STEPS,
  /** The answer's body goes on without end, as spaces after the JSON. */
  "endless-body": STEPS,
  /** The right answer as `text/plain`. */
  "wrong-type": STEPS,
  /** 200 and a page of HTML before the request has any effect: a captive portal. */
  html: STEPS,
  /** 307 to another host before the request has any effect. */
  redirect: STEPS,
  /** The answer that an earlier charge or refund of this device got; none yet: the right one. */
  "another-answer": ["charge", "refund"],
  /** The answer's `status` is `pending`. */
  pending: ["charge", "refund"],
  /** The key blocks of MSK and TDK, and their check values, change places. */
  "swapped-keys": ["keys"],
} as const satisfies Record<string, readonly Step[]>;

/** A kind of `FAULT_STEPS`. */
export type FaultKind = keyof typeof FAULT_STEPS;

/** One scripted fault: what happens, where, how often. */
export interface FaultRule {
  kind: FaultKind;
  /** Default: every step at which the kind can happen. */
  steps?: readonly Step[];
  /** More than 0, at most 1. Default 1. */
  probability?: number;
  /** How often it happens in all. Default: without an end. */
  count?: number;
  /** Requests at these steps that it lets pass first. Default 0. */
  skip?: number;
  /** `delay`, `slow-body`, `429` and `503`: 0 to 600,000, default 1,000. `clock-skew`: how far ahead, -86,400,000 to 86,400,000, default 600,000. */
  ms?: number;
  /** `wrong-kcv` and `damaged-key-block`: which key. Default: drawn anew each time. */
  key?: KeyRole;
}

const KEYS: readonly KeyRole[] = ["tmk", "kek", "msk", "tpk", "tdk", "mac"];
const LARGEST = 1_000_000_000;
/** Milliseconds by kind: least, most. */
const MS: Partial<Record<FaultKind, readonly [number, number]>> = {
  delay: [0, 600_000],
  "slow-body": [0, 600_000],
  "429": [0, 600_000],
  "503": [0, 600_000],
  "clock-skew": [-86_400_000, 86_400_000],
};
const KEYED: readonly FaultKind[] = ["wrong-kcv", "damaged-key-block"];

/**
 * A rule from its text, or a checked copy of one.
 *
 * @param name what errors call it
 * @throws `ERR_INVALID_ARGUMENT`
 * @example
 * ```ts
 * import { faultText, readFault } from "viopay-pos-crypto/mock";
 *
 * const rule = readFault("delay@charge+refund:ms=3000,p=0.1");
 * console.log(rule.kind, rule.steps?.join(), rule.probability); // prints delay charge,refund 0.1
 * console.log(faultText(rule)); // prints delay@charge+refund:p=0.1,ms=3000
 * ```
 */
export function readFault(source: unknown, name = "fault"): FaultRule {
  if (typeof source === "string") return checkRule(parse(source, name), name);
  if (typeof source !== "object" || source === null || Array.isArray(source)) {
    throw invalidArgument(name, "the text of a fault, or an object", describeType(source));
  }
  return checkRule(source, name);
}

/** The text that `readFault` reads. */
export function faultText(rule: FaultRule): string {
  const { kind, steps: at, probability: p, count, skip, ms, key } = ownOptions("rule", rule);
  const steps = at === undefined ? "" : `@${at.join("+")}`;
  const options = Object.entries({ p, count, skip, ms, key })
    .filter(([, value]) => value !== undefined)
    .map(([option, value]) => `${option}=${value}`);
  return `${kind}${steps}${options.length === 0 ? "" : `:${options.join(",")}`}`;
}

const OPTIONS: Readonly<Record<string, keyof FaultRule>> = {
  p: "probability",
  count: "count",
  skip: "skip",
  ms: "ms",
  key: "key",
};

function parse(text: string, name: string): object {
  const parts = /^([a-z0-9-]+)(?:@([a-z+-]+))?(?::(.+))?$/.exec(text);
  if (parts === null) throw invalidArgument(name, "KIND@STEP:OPTION=VALUE, as in delay@charge:ms=3000,p=0.1", "another form");
  const [, kind, steps, options] = parts;
  const rule: Record<string, unknown> = { kind };
  if (steps !== undefined) rule["steps"] = steps.split("+");
  for (const option of options?.split(",") ?? []) {
    const [, key = "", value = ""] = /^([a-z]+)=(.+)$/.exec(option) ?? [];
    const member = Object.hasOwn(OPTIONS, key) ? (OPTIONS[key] as string) : undefined;
    if (member === undefined)
      throw invalidArgument(name, "followed by p, count, skip, ms or key, each with =VALUE", "another option");
    if (Object.hasOwn(rule, member)) throw invalidArgument(name, "given each option once", "one twice");
    rule[member] = member === "key" ? value : numberOf(value);
  }
  return rule;
}

function numberOf(text: string): number {
  return /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
}

function checkRule(source: object, name: string): FaultRule {
  const given = source as Readonly<Partial<Record<keyof FaultRule, unknown>>>;
  const known: readonly string[] = ["kind", ...Object.values(OPTIONS), "steps"];
  if (Object.keys(source).some((member) => !known.includes(member))) {
    throw invalidArgument(name, `an object of ${known.join(", ")}`, "another member");
  }
  const kind = own(given, "kind");
  if (typeof kind !== "string" || !Object.hasOwn(FAULT_STEPS, kind)) {
    throw invalidArgument(`${name}.kind`, `one of ${Object.keys(FAULT_STEPS).join(", ")}`, "another");
  }
  // Without a prototype: what is left out stays out.
  const rule: FaultRule = Object.assign(Object.create(null), { kind: kind as FaultKind });
  const possible: readonly string[] = FAULT_STEPS[rule.kind];
  const steps = own(given, "steps");
  if (steps !== undefined) {
    if (!Array.isArray(steps) || steps.length === 0 || steps.some((step) => !possible.includes(step))) {
      throw invalidArgument(`${name}.steps`, `of ${possible.join(", ")} for ${kind}`, "others");
    }
    rule.steps = [...new Set(steps as Step[])];
  }
  const limit = (member: "probability" | "count" | "skip" | "ms", min: number, max: number, whole = true): void => {
    const value = own(given, member);
    if (value === undefined) return;
    if (typeof value !== "number" || !(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
      throw numberRefusal(`${name}.${member}`, `a ${whole ? "whole " : ""}number from ${min} to ${max}`, value);
    }
    rule[member] = value;
  };
  limit("probability", Number.MIN_VALUE, 1, false);
  limit("count", 1, LARGEST);
  limit("skip", 0, LARGEST);
  const ms = MS[rule.kind];
  if (ms !== undefined) limit("ms", ...ms);
  else if (own(given, "ms") !== undefined) throw invalidArgument(`${name}.ms`, "left out for this kind", "a value");
  const key = own(given, "key");
  if (key === undefined) return rule;
  if (!KEYED.includes(rule.kind)) throw invalidArgument(`${name}.key`, "left out for this kind", "a value");
  if (!KEYS.includes(key as KeyRole)) throw invalidArgument(`${name}.key`, `one of ${KEYS.join(", ")}`, "another");
  rule.key = key as KeyRole;
  return rule;
}
