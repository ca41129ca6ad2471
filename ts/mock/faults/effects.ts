/**
 * What each kind of fault does to a request: a middleware around the honest host.
 *
 * What has to come before the request's effect comes before `next()`, what spoils an answer comes after it. Only answers with
 * status 200 are spoiled; a refusal stays as it is.
 */
import { decodeHex, encodeHex } from "../../base/bytes.js";
import { type Envelope, type JsonValue, openEnvelope, sealEnvelope } from "../../core/envelope/envelope.js";
import { gzip } from "../../core/envelope/gzip.js";
import type { KeyRole, KeysResponse } from "../../core/key-set/install.js";
import { nonceKeys } from "../auth.js";
import type { Context } from "../context.js";
import { ApiError, conflict, errorReply, internalError, unauthorized } from "../http/errors.js";
import type { FaultKind, FaultRule } from "./spec.js";
import { cutReply, type Delivery, jsonReply, type Reply } from "../http/message.js";
import { sealCompressed } from "../payloads.js";
import type { ProvisionedDevice } from "../state/provision.js";
import type { SeededRandom } from "../seeded.js";
import type { KeySetRecord } from "../state/devices.js";

type Effect = (context: Context, next: () => Promise<Reply>, rule: FaultRule, random: SeededRandom) => Promise<Reply>;

const DELAY_MS = 1000;
const SKEW_MS = 600_000;
const BOMB_BYTES = 64 * 1024 * 1024;
const CIPHER_BLOCK_DIGITS = 32;
/** No version D block of a key set has fewer: two cipher blocks and the MAC. */
const PROTECTED_DIGITS = 96;

export const EFFECTS: Readonly<Record<FaultKind, Effect>> = {
  "drop-before": async () => cutReply(),

  "drop-after": async (_context, next) => {
    await next();
    return cutReply();
  },

  delay: async (_context, next, { ms = DELAY_MS }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return next();
  },

  duplicate: async (context, next) => {
    const reply = await next();
    const exchange = { ...context.exchange };
    await next();
    Object.assign(context.exchange, exchange);
    return reply;
  },

  "500": async (context) => errorReply(internalError(), context.traceId),

  "500-after": async (context, next) => {
    await next();
    return errorReply(internalError(), context.traceId);
  },

  "401": async (context, next) => {
    const device = context.services.devices.find(context.headers.get("X-Device-Id") ?? "");
    if (device === undefined || context.headers.get("Authorization") === null) {
      return errorReply(unauthorized("Invalid signature"), context.traceId);
    }
    await context.services.devices.revokeAttestation(device);
    return next();
  },

  "stale-nonce": async (context, next) => {
    const { store, lifetimes } = context.services;
    for (const key of nonceKeys(context.headers)) await store.setIfAbsent(key, "1", lifetimes.nonce * 1000);
    return next();
  },

  "clock-skew": async (context, next, { ms = SKEW_MS }) => {
    context.clockOffset += ms;
    return next();
  },

  "wrong-kcv": spoil<KeysResponse>((answer, { key }, random) => {
    const role = key ?? drawKey(answer, random);
    answer.verification.kcv[role] = otherDigit(answer.verification.kcv[role], random);
  }),

  "damaged-key-block": spoil<KeysResponse>((answer, { key }, random) => {
    const wrapped = answer.keys[key ?? drawKey(answer, random)];
    // The header's damage could show without any cryptography: the end is ciphertext and MAC.
    const header = wrapped.key_block.slice(0, -PROTECTED_DIGITS);
    wrapped.key_block = header + otherDigit(wrapped.key_block.slice(-PROTECTED_DIGITS), random);
  }),

  "damaged-envelope": spoil<Envelope>((answer, _rule, random) => {
    const part = "chunks" in answer ? answer.chunks[random(answer.chunks.length)] : answer;
    if (part !== undefined) (part as { ciphertext: string }).ciphertext = flipLastBlock(part.ciphertext, random);
  }),

  "truncated-chunk": spoil<Envelope>((answer, _rule, random) => {
    const part = "chunks" in answer ? answer.chunks[random(answer.chunks.length)] : answer;
    if (part !== undefined) (part as { ciphertext: string }).ciphertext = part.ciphertext.slice(0, -CIPHER_BLOCK_DIGITS);
  }),

  "gzip-bomb": async (context, next) => {
    const reply = await next();
    const at = reply.status === 200 ? await sealedUnder(context) : undefined;
    if (at === undefined) return reply;
    const { msk } = await context.services.keys.keySet(at.device, at.keySet);
    return { ...jsonReply(sealCompressed(msk, at.keySet.mskKcv, bomb())), headers: reply.headers };
  },

  "wrong-key-kcv": spoil<{ key_kcv: string }>((answer, _rule, random) => {
    answer.key_kcv = otherDigit(answer.key_kcv, random);
  }),

  "changed-amount": reseal((answer) => {
    const { value, ...rest } = answer["amount"] as { value: string };
    return { ...answer, amount: { ...rest, value: String(BigInt(value) + 1n) } };
  }),

  pending: reseal((answer) => ({ ...answer, status: "pending" })),

  "another-answer": async (context, next) => {
    const reply = await next();
    const { devices } = context.services;
    const name = `${context.exchange.deviceId ?? ""} ${context.exchange.endpoint ?? ""}`;
    const earlier = earlierAnswers.get(devices) ?? new Map<string, string>();
    earlierAnswers.set(devices, earlier);
    const body = earlier.get(name);
    if (reply.status === 200 && body === undefined) earlier.set(name, reply.body);
    return reply.status === 200 && body !== undefined ? { ...reply, body } : reply;
  },

  "swapped-keys": spoil<KeysResponse>(({ keys, verification: { kcv } }) => {
    [keys.msk.key_block, keys.tdk.key_block] = [keys.tdk.key_block, keys.msk.key_block];
    [kcv.msk, kcv.tdk] = [kcv.tdk, kcv.msk];
  }),

  "429": busy(429, "Too many requests"),
  "503": busy(503, "Service unavailable"),
  "409": async (context) => errorReply(conflict("Idempotency key was used with another request"), context.traceId),

  reset: async (_context, next) => {
    await next();
    return { ...cutReply(), reset: true };
  },

  "cut-body": deliver("cut"),
  "slow-body": deliver("slow"),
  "endless-body": deliver("endless"),

  "wrong-type": async (_context, next) => {
    const reply = await next();
    return { ...reply, headers: { ...reply.headers, "Content-Type": "text/plain" } };
  },

  html: async () => ({
    status: 200,
    headers: { "Content-Type": "text/html; charset=utf-8" },
    body: "<!doctype html><title>Welcome</title><p>Accept the terms of this network to go on.</p>",
  }),

  redirect: async (context) => ({
    status: 307,
    headers: { Location: `https://redirect.invalid${context.request.target}` },
    body: "",
  }),
};

/** RFC 9110 10.2.3: whole seconds. Nothing has happened when the answer is given. */
function busy(status: 429 | 503, message: string): Effect {
  return async (context, _next, { ms = DELAY_MS }) => {
    const headers = { "Retry-After": String(Math.ceil(ms / 1000)) };
    return errorReply(new ApiError(status, "5000", message, undefined, headers), context.traceId);
  };
}

function deliver(kind: Delivery["kind"]): Effect {
  return async (_context, next, { ms = DELAY_MS }) => ({ ...(await next()), delivery: { kind, ms } });
}

/** The last sealed answers by device and endpoint: what `another-answer` gives instead of the right one. */
const earlierAnswers = new WeakMap<object, Map<string, string>>();

/** An effect that changes members of a sealed answer and seals it anew. */
function reseal(change: (answer: Record<string, JsonValue>) => Record<string, JsonValue>): Effect {
  return async (context, next) => {
    const reply = await next();
    const at = reply.status === 200 ? await sealedUnder(context) : undefined;
    if (at === undefined) return reply;
    const { msk } = await context.services.keys.keySet(at.device, at.keySet);
    const answer = openEnvelope(msk, JSON.parse(reply.body)) as Record<string, JsonValue>;
    return { ...jsonReply(sealEnvelope(msk, change(answer), { includeKcv: true })), headers: reply.headers };
  };
}

/** An effect that changes members of a successful answer's JSON. */
function spoil<T>(change: (answer: T, rule: FaultRule, random: SeededRandom) => void): Effect {
  return async (_context, next, rule, random) => {
    const reply = await next();
    if (reply.status !== 200 || reply.cut === true) return reply;
    const answer = JSON.parse(reply.body) as T;
    change(answer, rule, random);
    return { ...reply, body: JSON.stringify(answer) };
  };
}

/** The device and key set by which the answer was sealed. */
async function sealedUnder(context: Context): Promise<{ device: ProvisionedDevice; keySet: KeySetRecord } | undefined> {
  const { devices } = context.services;
  const device = devices.find(context.exchange.deviceId ?? "");
  if (device === undefined) return undefined;
  const keySet = devices.liveKeySets(await devices.read(device)).find(({ id }) => id === context.exchange.keySetId);
  return keySet === undefined ? undefined : { device, keySet };
}

function drawKey(answer: KeysResponse, random: SeededRandom): KeyRole {
  const roles = Object.keys(answer.keys) as KeyRole[];
  return roles[random(roles.length)] as KeyRole;
}

/** The text with one of its hex digits exchanged for another. */
function otherDigit(text: string, random: SeededRandom): string {
  const digits = "0123456789ABCDEF";
  const places = [...text].flatMap((character, index) => (digits.includes(character) ? [index] : []));
  const place = places[random(places.length)] ?? 0;
  const digit = digits[(digits.indexOf(text[place] ?? "0") + 1 + random(15)) % 16] as string;
  return text.slice(0, place) + digit + text.slice(place + 1);
}

function flipLastBlock(ciphertext: string, random: SeededRandom): string {
  const block = decodeHex("ciphertext", ciphertext.slice(-CIPHER_BLOCK_DIGITS));
  const bit = random(8 * block.length);
  block[bit >> 3] = (block[bit >> 3] as number) ^ (1 << (bit & 7));
  return ciphertext.slice(0, -CIPHER_BLOCK_DIGITS) + encodeHex(block);
}

let compressedBomb: Uint8Array | undefined;

/** JSON like any other, but for its length: spaces between two braces. Made once. */
function bomb(): Uint8Array {
  if (compressedBomb === undefined) {
    const text = new Uint8Array(BOMB_BYTES).fill(0x20);
    text[0] = 0x7b;
    text[BOMB_BYTES - 1] = 0x7d;
    compressedBomb = gzip(text);
  }
  return compressedBomb;
}
