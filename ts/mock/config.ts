/** The core configuration of a terminal, as `/pos/config` answers it: the primary document's members, filled. */
import type { JsonValue } from "../envelope.js";
import type { ProvisionedDevice } from "./provision.js";

export function deviceConfig(device: ProvisionedDevice): JsonValue {
  return {
    terminal: { terminal_id: device.terminal_id, device_id: device.device_id },
    merchant: {
      merchant_key: "mk_acme",
      merchant_id: device.merchant_id,
      name: "Acme Corp",
      category_code: "5812",
      country: "NL",
      tip_info: { enabled: true, suggestions_percent: [5, 10, 15], max_percent: 25, allow_custom: true },
      tax_info: { included: true, rate_percent: "21.00", label: "BTW" },
      surcharge_info: { enabled: false },
    },
    emv: {
      aid_list: ["A0000000031010", "A0000000041010", "A0000000043060", "A00000002501", "A0000001523010", "A0000000651010"],
      terminal_type: "22",
      terminal_capabilities: "E0F0C8",
      additional_terminal_capabilities: "FF80F0A001",
      terminal_country_code: "0528",
      transaction_currency_code: "0978",
      transaction_currency_exponent: 2,
    },
    security: { pin_required: true, pin_bypass_allowed: false, contactless_cvm_limit: "5000", max_offline_transactions: 0 },
    branding: { theme: "dark", accent_color: "#0B7A75", receipt_header: "Acme Corp" },
    device_config: {
      heartbeat_interval_sec: 60,
      screen_timeout_sec: 120,
      language: "en",
      supported_languages: ["en", "nl", "de"],
    },
  };
}
