/**
 * What an observer of the mock gets to see of a request, for logs, traces and pages: payloads opened, and everything masked that
 * must not be shown, which masking.ts decides.
 */
import { encodeUtf8 } from "../../base/bytes.js";
import type { JsonValue } from "../../core/envelope/envelope.js";
import type { Context } from "../context.js";
import { mask, maskText } from "./masking.js";
import type { Reply } from "../http/message.js";
import type { Refusal } from "./refusal.js";

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
  /** Why the request was refused: more than the answer says. */
  refusal?: Refusal;
  /** What was accepted and is probably a mistake. */
  notes?: readonly string[];
}

export function requestEvent(context: Context, reply: Reply, requestBytes: number): RequestEvent {
  const { endpoint, faults, deviceId, terminalId, keySetId, keyKcv, request, response, refusal, notes } = context.exchange;
  return {
    traceId: context.traceId,
    time: context.receivedAt,
    durationMs: context.services.now() - context.receivedAt,
    method: context.request.method,
    path: maskText(context.path ?? ""),
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
    ...(refusal === undefined || reply.status < 400 ? {} : { refusal }),
    ...(notes === undefined ? {} : { notes }),
  };
}
