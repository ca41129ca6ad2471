/**
 * What an observer of the mock gets to see of a request, for logs, traces and pages: payloads opened, and everything masked that
 * must not be shown. Card numbers keep their first six and last four digits (PCI DSS 4.0, 3.4.1); PIN blocks, envelopes inside
 * payloads and EMV data (which repeats the card number) are withheld.
 */
import { encodeUtf8 } from "../bytes.js";
import type { JsonValue } from "../envelope.js";
import type { Context } from "./context.js";
import type { Reply } from "./message.js";

/** One request as an observer gets to see it: opened, and masked. */
export interface RequestEvent {
  traceId: string;
  /** Milliseconds since the epoch by the server's clock. */
  time: number;
  /** From the request's arrival to its answer. */
  durationMs: number;
  method: string;
  /** Without query. */
  path: string;
  /** As in `charge`; absent where no route matched. */
  endpoint?: string;
  /** 0 where the connection was cut instead of an answer. */
  status: number;
  /** Scripted faults that met the request. */
  faults?: readonly string[];
  deviceId?: string;
  terminalId?: string;
  /** The key set and the check value of its MSK, where payloads were sealed. */
  keySetId?: string;
  keyKcv?: string;
  /** Of the body. */
  requestBytes: number;
  /** Of the body. */
  responseBytes: number;
  /** Opened and masked. */
  request?: JsonValue;
  response?: JsonValue;
}

const WITHHELD = ["pin_block", "auxiliary_data", "emv_data"];
/** Members whose digits are no card number. */
const PUBLIC = ["key_block", "rrn", "key_set_id"];

export function requestEvent(context: Context, reply: Reply, requestBytes: number): RequestEvent {
  const { endpoint, faults, deviceId, terminalId, keySetId, keyKcv, request, response } = context.exchange;
  return {
    traceId: context.traceId,
    time: context.receivedAt,
    durationMs: context.services.now() - context.receivedAt,
    method: context.request.method,
    path: context.path ?? "",
    status: reply.status,
    requestBytes,
    responseBytes: encodeUtf8(reply.body).length,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(faults === undefined ? {} : { faults }),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(terminalId === undefined ? {} : { terminalId }),
    ...(keySetId === undefined ? {} : { keySetId }),
    ...(keyKcv === undefined ? {} : { keyKcv }),
    ...(request === undefined ? {} : { request: mask(request) }),
    ...(response === undefined ? {} : { response: mask(response) }),
  };
}

function mask(value: JsonValue): JsonValue {
  if (typeof value === "string") return maskDigits(value);
  if (typeof value === "number") return Math.abs(value) < 1e11 ? value : maskDigits(String(value));
  if (Array.isArray(value)) return value.map((item) => mask(item as JsonValue));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]): [string, JsonValue] => {
    if (WITHHELD.includes(name)) return [name, "(withheld)"];
    return [maskDigits(name), PUBLIC.includes(name) ? item : mask(item as JsonValue)];
  });
  return Object.fromEntries(entries);
}

/** Whatever a member is called, 12 to 19 digits in a row may be a card number, and longer runs may hold one. */
function maskDigits(text: string): string {
  return text.replace(/[0-9]{12,}/g, (run) => run.slice(0, 6) + "*".repeat(run.length - 10) + run.slice(-4));
}
