/** Cancel and reverse: they name a charge, change nothing when repeated, and are not journalled. */
import { equip, exclusively } from "./admission.js";
import type { VoidOutcome } from "./outcomes.js";
import { readVoid } from "./answers.js";
import { checkChargeId } from "./requests.js";
import { asPosError, exchange, insistently, isRefusal, openAnswer } from "./sending.js";
import type { CallOptions, Context } from "../session.js";

/** Voids a charge before settlement. Repeating it is harmless and answers the same. */
export async function voidCharge(
  context: Context,
  action: "cancel" | "reverse",
  chargeId: string,
  options: CallOptions = {},
): Promise<VoidOutcome> {
  checkChargeId(chargeId);
  let left = false;
  const own = `void ${chargeId}`;
  return await exclusively(context, own, async () => {
    const { signal } = options;
    const equipment = await equip(context, { step: `${action}()`, own, signal });
    const onSend = () => {
      left = true;
    };
    let sendings = 0;
    try {
      return await insistently(context, "steps", options, async (timeoutMs) => {
        sendings += 1;
        const body = await exchange(context, equipment, `/pos/charge/${chargeId}/${action}`, { signal, timeoutMs, onSend });
        return readVoid(openAnswer(equipment, body, action), chargeId);
      });
    } catch (error) {
      if (!left) throw error;
      const cause = asPosError(error);
      if (sendings === 1 && isRefusal(cause)) return { outcome: "declined", status: "refused", chargeId, cause };
      return { outcome: "unknown", chargeId, cause };
    }
  });
}
