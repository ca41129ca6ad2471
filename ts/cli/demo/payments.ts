/** The walkthrough's last phase: charges, a refund, a cancellation, a reversal, and two declines. */
import { keyCheckValue } from "../../core/keys/check-value.js";
import type { ChargeOutcome, ChargeRequest } from "../../client/index.js";
import { jsonBytes, member, type Stage } from "./stage.js";
import type { Protection } from "./step.js";

const PHASE = "Payments, under the MSK and signed";
/** A test card number of the card schemes: no account belongs to it. */
const CARD = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
const PIN = "1234";
/** The one PIN that the mock takes for wrong. */
const WRONG_PIN = "9999";

export async function pay(stage: Stage): Promise<void> {
  const { terminal, around } = stage;
  const { signal } = around;

  const first = await approve(stage, "Charge 15.00 EUR, PIN", "1500", true);
  const partial = { amount: { value: "500", currency: "EUR" }, reason: "customer_request" };
  await stage.step(
    PHASE,
    "Refund 5.00 EUR",
    () => terminal.refund(first, partial, { signal }),
    (outcome, checks) => {
      checks.same("approved", outcome.outcome, "approved");
      if (outcome.outcome !== "approved") return [stage.sealed("refund", partial), stage.signed()];
      checks.that(`refund ${outcome.refundId}`, outcome.refundId !== "");
      checks.same("amount as asked", member(member(outcome.response, "amount"), "value"), partial.amount.value);
      checks.that("signed with a fresh nonce", stage.freshNonce());
      return [stage.sealed("refund", partial), stage.signed(), stage.opened("answer", outcome.response)];
    },
  );

  for (const action of ["cancel", "reverse"] as const) {
    const chargeId = await approve(stage, "Charge 7.50 EUR", "750", false);
    await stage.step(
      PHASE,
      action === "cancel" ? "Cancel it" : "Reverse it",
      () => terminal[action](chargeId, { signal }),
      (outcome, checks) => {
        checks.same("voided", outcome.outcome, "approved");
        checks.same("the charge asked for", outcome.chargeId, chargeId);
        checks.same("no body, an empty line is signed", stage.wire.sent, "");
        checks.that("signed with a fresh nonce", stage.freshNonce());
        if (outcome.outcome !== "approved") return [stage.signed()];
        checks.same(`status ${outcome.status}`, outcome.status, "cancelled");
        return [stage.signed(), stage.opened("answer", outcome.response)];
      },
    );
  }

  await decline(stage, "Charge 100.51 EUR", { amount: { value: "10051", currency: "EUR" } }, "51");
  // The host can only tell this PIN from the one before by deciphering its block.
  const wrongPin = terminal.encryptPin({ pin: WRONG_PIN, pan: CARD.number });
  await decline(stage, "Charge, wrong PIN", { amount: { value: "1500", currency: "EUR" }, pin_block: wrongPin }, "55");
}

async function decline(
  stage: Stage,
  name: string,
  fields: Pick<ChargeRequest, "amount" | "pin_block">,
  code: string,
): Promise<void> {
  const request = { card: CARD, terminal: reader(stage), authorization_type: "final", ...fields };
  await stage.step(
    PHASE,
    name,
    () => stage.terminal.charge(request, { signal: stage.around.signal }),
    (outcome, checks) => {
      checks.same("declined, and told as declined", outcome.outcome, "declined");
      const gateway = "gatewayData" in outcome ? outcome.gatewayData : undefined;
      const got = member(gateway, "response_code");
      checks.same(`response code ${String(got)}, ${String(member(gateway, "response_text"))}`, got, code);
      const pin = fields.pin_block === undefined ? [] : [stage.pinBlock(fields.pin_block)];
      return [...pin, ...payment(stage, request, outcome)];
    },
  );
}

/** One approved charge, with a PIN and auxiliary data if `full`. Returns its id. */
async function approve(stage: Stage, name: string, value: string, full: boolean): Promise<string> {
  const charge = async () => {
    const extra = full ? extras(stage) : undefined;
    const request = {
      card: CARD,
      amount: { value, currency: "EUR" },
      terminal: { ...reader(stage), terminal_entry_mode: "chip", attended: true, capabilities: ["chip", "contactless"] },
      emv_data: "9F2608A1B2C3D4E5F60718",
      stan: String(stage.count).padStart(6, "0"),
      authorization_type: "final",
      ...extra?.fields,
    };
    return { extra, request, outcome: await stage.terminal.charge(request, { signal: stage.around.signal }) };
  };
  const { outcome } = await stage.step(PHASE, name, charge, ({ extra, request, outcome }, checks) => {
    const { sent, headers } = stage.wire;
    checks.same("approved", outcome.outcome, "approved");
    checks.that("no card number on the wire", !sent.includes(CARD.number));
    if (extra !== undefined) checks.that("no PIN block on the wire", !sent.includes(extra.fields.pin_block.block));
    checks.that("signed with a fresh nonce", stage.freshNonce());
    checks.same("idempotency key sent", headers["Idempotency-Key"], outcome.idempotencyKey);
    if (outcome.outcome === "approved") {
      checks.that(`charge ${outcome.chargeId}`, outcome.chargeId !== "");
      checks.that("amount and currency as asked", outcome.amount.value === value && outcome.amount.currency === "EUR");
      const authorization = member(outcome.gatewayData, "authorization_code");
      checks.that(`authorization ${String(authorization)}`, typeof authorization === "string");
    }
    return [...(extra?.protection ?? []), ...payment(stage, request, outcome)];
  });
  if (outcome.outcome !== "approved") throw new Error("there is no approved charge to go on with");
  return outcome.chargeId;
}

/** What a full charge carries besides: the PIN under the TPK, auxiliary data under the TDK. */
function extras(stage: Stage) {
  const { terminal } = stage;
  const { tdk } = stage.keys();
  const loyalty = { loyalty_id: "L-20481", receipt_email: "customer@example.com" };
  const pin_block = terminal.encryptPin({ pin: PIN, pan: CARD.number });
  const auxiliary_data = terminal.sealAuxiliary(loyalty);
  const auxiliary: Protection = {
    action: "sealed",
    what: "auxiliary data",
    method: `AES-${tdk.bits}-CBC`,
    key: "TDK",
    kcv: keyCheckValue(tdk),
    plainBytes: jsonBytes(loyalty),
    wireBytes: jsonBytes(auxiliary_data),
    backend: tdk.backend,
  };
  return {
    fields: { cardholder_verification_method: "pin", pin_block, auxiliary_data },
    protection: [stage.pinBlock(pin_block), auxiliary],
  };
}

function payment(stage: Stage, request: unknown, outcome: ChargeOutcome): Protection[] {
  const protection = [stage.sealed("charge", request), stage.signed()];
  return "response" in outcome ? [...protection, stage.opened("answer", outcome.response)] : protection;
}

/** Complete, so that the sizes shown are those of the plaintext that was sealed. */
function reader(stage: Stage) {
  return { id: stage.terminal.terminalId ?? "", type: "pos" };
}
