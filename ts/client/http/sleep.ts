/** Pauses, and waits for what another call does, that an AbortSignal ends. */
import { PosCryptoError } from "../../base/errors.js";

/** The error of a call that its signal has ended; its cause is the signal's reason, which engines before 2022 do not keep. */
export function abortedBy(signal: AbortSignal | undefined): PosCryptoError {
  const cause: unknown = signal?.reason ?? new Error("the signal was aborted");
  return new PosCryptoError("ERR_ABORTED", "the call was aborted", { cause });
}

/** Rejects with `ERR_ABORTED` as soon as `signal` is aborted. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      reject(abortedBy(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
  });
}

/** Settles as `promise` does, or rejects with `ERR_ABORTED` as soon as `signal` is aborted; `promise` then goes on alone. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortedBy(signal));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    const over = () => signal.removeEventListener("abort", abort);
    promise.then(resolve, reject).then(over, over);
  });
}
