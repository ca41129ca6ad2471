/** Cancel and reverse: they name a charge, change nothing when repeated, and are not journalled. */
import type { CallOptions, Context } from "../session.js";
import { admit, type PaymentKeys, withIdempotencyKey } from "./admission.js";
import { readVoid } from "./answers.js";
import { asPosError, exchange, isRefusal, withClockRetries } from "./exchange.js";
import type { VoidOutcome } from "./outcomes.js";
import { checkChargeId } from "./requests.js";

/** Voids a charge before settlement. Repeating it is harmless and answers the same. */
export async function voidCharge(
  context: Context,
  action: "cancel" | "reverse",
  chargeId: string,
  options: CallOptions = {},
): Promise<VoidOutcome> {
  checkChargeId(chargeId);
  const paymentKey = `void ${chargeId}`;
  return await withIdempotencyKey(context, paymentKey, async () => {
    const { signal } = options;
    const keys = await admit(context, { step: `${action}()`, paymentKey, signal });
    return await sendVoid(context, keys, action, chargeId, options);
  });
}

/** Rejects only where nothing has left. */
async function sendVoid(
  context: Context,
  keys: PaymentKeys,
  action: "cancel" | "reverse",
  chargeId: string,
  { signal }: CallOptions,
): Promise<VoidOutcome> {
  let sent = 0;
  let attempts = 0;
  const onSend = () => {
    sent += 1;
  };
  try {
    return await withClockRetries(context, "steps", { signal }, async (timeoutMs, number) => {
      attempts = number;
      return readVoid(await exchange(context, keys, { step: action, chargeId, signal, timeoutMs, onSend }), chargeId);
    });
  } catch (error) {
    if (sent === 0) throw error;
    const cause = asPosError(error);
    if (attempts === 1 && isRefusal(cause)) return { outcome: "declined", status: "refused", chargeId, cause };
    return { outcome: "unknown", chargeId, cause };
  }
}
