/**
 * The last line of the WebAssembly backend: an error that is not ours (a trap of the module, an exception of the engine) leaves no
 * message behind in the module, no module that is broken, and reaches the caller as a `PosCryptoError`.
 */
import { PosCryptoError } from "../../base/errors.js";
import type { Backend } from "../contract.js";
import { METHODS, type Method } from "../methods.js";
import { brokenCall } from "../refusals.js";

type Call = (this: Backend, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => unknown;

/** `backend` whose methods call `forget` when anything but a `PosCryptoError` leaves them. */
export function guarded(backend: Backend, forget: () => void): Backend {
  const methods: Record<string, unknown> = { name: backend.name, constantTime: backend.constantTime };
  for (const name of Object.keys(METHODS) as Method[]) {
    const call = backend[name] as Call;
    methods[name] = (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): unknown => {
      try {
        return call.call(backend, a, b, c, d, e);
      } catch (error) {
        if (error instanceof PosCryptoError) throw error;
        forget();
        throw brokenCall(error);
      }
    };
  }
  return methods as unknown as Backend;
}
