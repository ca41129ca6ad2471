/**
 * What a terminal tells its app's log while it talks to the host: tries, retries, codes, trace ids and times. Never content: no header, no
 * body, no id of a charge.
 */
import type { Step } from "../../core/protocol/endpoints.js";

/** One thing that happened. */
export type TerminalEvent =
  /** A request has been answered, or has failed. */
  | {
      readonly type: "exchange";
      readonly step: Step | undefined;
      /** How long it took, in milliseconds. */
      readonly ms: number;
      /** HTTP status, where there was an answer. */
      readonly status: number | undefined;
      /** The error's code, as in `ERR_TIMEOUT`; absent where the host accepted. */
      readonly code: string | undefined;
      /** The host's own code and trace id, where it refused. */
      readonly hostCode: string | undefined;
      readonly traceId: string | undefined;
    }
  /** A request is going to be sent again. */
  | {
      readonly type: "retry";
      /** The try that failed, from 1. */
      readonly attempt: number;
      /** The pause before the next one, in milliseconds. */
      readonly delayMs: number;
      /** The code of the error that it failed with. */
      readonly reason: string;
    };

/** Who is told. What it throws is dropped: a log does not end a payment. */
export type OnEvent = (event: TerminalEvent) => void;

export function tell(onEvent: OnEvent | undefined, event: TerminalEvent): void {
  try {
    onEvent?.(event);
  } catch {
    // See `OnEvent`.
  }
}
