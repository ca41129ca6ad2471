/**
 * Terminal parameters as a production host sends them: about 200 KB of JSON, about 17 KB gzipped, the same in every run.
 *
 * AIDs, action codes' layout, currencies and response codes are those of real terminals. The certification authority keys are test
 * keys: their moduli come from a generator and certify nothing, while their checksums are right (EMV Book 2, 11.1: SHA-1 over RID,
 * index, modulus, exponent). Card ranges are made up within each scheme's leading digits. Nothing here is secret.
 */
import { decodeHex, encodeHex } from "../bytes.js";
import type { JsonValue } from "../envelope.js";
import { COUNTRIES, CURRENCIES, RECEIPT_TEXTS, RESPONSE_TEXTS, SCHEMES, type Scheme } from "./parameter-tables.js";
import { type SeededRandom as Random, seededRandom } from "./seeded.js";
import { sha1 } from "./sha1.js";

const CARD_RANGES = 760;
const REVOKED = 24;

/** The parameter set. Every call makes a new, equal value. */
export function defaultTerminalParameters(): JsonValue {
  const random = seededRandom(0x504f5331);
  return {
    schema: "terminal-parameters/3",
    version: "2025.12.01-17",
    environment: "test",
    emv_contact: { applications: SCHEMES.flatMap((scheme) => contactApplications(scheme)) },
    emv_contactless: { applications: SCHEMES.flatMap((scheme) => contactlessApplications(scheme)) },
    ca_public_keys: SCHEMES.flatMap((scheme) => certificationKeys(scheme, random)),
    revoked_certificates: revokedCertificates(random),
    card_ranges: cardRanges(random),
    currencies: CURRENCIES.map(([code, numeric, exponent, name]) => ({ code, numeric, exponent, name })),
    countries: COUNTRIES.map(([alpha2, numeric, currency]) => ({ alpha2, numeric, currency })),
    response_texts: responseTexts(),
    receipts: receipts(),
    communication: {
      heartbeat_interval_sec: 60,
      connect_timeout_ms: 10000,
      response_timeout_ms: 45000,
      retries: 2,
      reversal_interval_sec: 30,
      maintenance_window: { start: "03:00", end: "05:00", time_zone: "Europe/Amsterdam" },
    },
  };
}

function contactApplications(scheme: Scheme): JsonValue[] {
  return scheme.aids.map(([aid, label], index) => ({
    aid,
    label,
    scheme: scheme.name,
    enabled: true,
    priority: index + 1,
    partial_selection: true,
    application_version: scheme.applicationVersion,
    terminal_type: "22",
    terminal_capabilities: "E0F0C8",
    additional_terminal_capabilities: "FF80F0A001",
    tac_default: scheme.tac[0],
    tac_denial: scheme.tac[1],
    tac_online: scheme.tac[2],
    floor_limit: "0",
    random_selection: { threshold: "0", target_percent: 0, max_target_percent: 0 },
    ddol_default: "9F3704",
    tdol_default: "9F02065F2A029A039C0195059F3704",
    merchant_category_code: "5812",
    online_tags: "57 5A 5F24 5F2A 5F34 82 84 95 9A 9C 9F02 9F03 9F09 9F10 9F1A 9F1E 9F26 9F27 9F33 9F34 9F35 9F36 9F37 9F41",
    response_tags: "71 72 8A 91 95 9B 9F26 9F27 9F36",
  }));
}

function contactlessApplications(scheme: Scheme): JsonValue[] {
  const transactions = ["purchase", "purchase_with_cashback", "refund"] as const;
  return scheme.aids.flatMap(([aid, label]) =>
    transactions.map((transaction) => ({
      aid,
      label,
      scheme: scheme.name,
      transaction,
      kernel: scheme.kernel,
      enabled: transaction !== "purchase_with_cashback" || scheme.name === "mastercard",
      terminal_transaction_qualifiers: scheme.kernel === "C3" ? "3600C000" : "26004000",
      kernel_configuration: transaction === "refund" ? "20" : "30",
      reader_limits: CURRENCIES.map(([currency, , exponent]) => ({
        currency,
        cvm_required: amountIn(exponent, 50),
        contactless_transaction: amountIn(exponent, 10000),
        on_device_cvm_transaction: amountIn(exponent, 25000),
        contactless_floor: "0",
      })),
      tac_default: scheme.tac[0],
      tac_denial: transaction === "refund" ? "FFFFFFFFFF" : scheme.tac[1],
      tac_online: scheme.tac[2],
      cvm_capability: { cvm_required: "60", no_cvm_required: "08" },
      magstripe_mode: { supported: false, application_version: "0001", udol_default: "9F6A04" },
      torn_transactions: { max_records: 0, max_lifetime_sec: 300 },
      message_hold_time_ms: 1300,
      status_check: false,
      zero_amount_allowed: false,
    })),
  );
}

function amountIn(exponent: number, whole: number): string {
  return String(whole * 10 ** exponent);
}

function certificationKeys(scheme: Scheme, random: Random): JsonValue[] {
  return scheme.keyIndexes.map(([index, bytes], position) => {
    const modulus = modulusOf(bytes, random);
    const exponent = "03";
    const checksum = encodeHex(sha1(decodeHex("capk", scheme.rid + index + modulus + exponent)));
    return {
      rid: scheme.rid,
      index,
      modulus,
      exponent,
      checksum,
      hash_algorithm: "01",
      signature_algorithm: "01",
      expires: `${2027 + position}-12-31`,
    };
  });
}

/** As long as an RSA modulus says: first and last bit set. */
function modulusOf(bytes: number, random: Random): string {
  const modulus = Uint8Array.from({ length: bytes }, () => random(256));
  modulus[0] = (modulus[0] ?? 0) | 0x80;
  modulus[bytes - 1] = (modulus[bytes - 1] ?? 0) | 1;
  return encodeHex(modulus);
}

function revokedCertificates(random: Random): JsonValue[] {
  return Array.from({ length: REVOKED }, () => {
    const scheme = SCHEMES[random(SCHEMES.length)] as Scheme;
    const key = scheme.keyIndexes[random(scheme.keyIndexes.length)] as readonly [string, number];
    return { rid: scheme.rid, index: key[0], serial: digits(random, 6) };
  });
}

function cardRanges(random: Random): JsonValue[] {
  const products = ["debit", "credit", "prepaid", "commercial"];
  const ranges = Array.from({ length: CARD_RANGES }, (_, position) => {
    const scheme = SCHEMES[position % SCHEMES.length] as Scheme;
    const prefix = scheme.leadingDigits[random(scheme.leadingDigits.length)] as string;
    const bin = prefix + digits(random, 6 - prefix.length);
    return {
      low: `${bin}00`,
      high: `${bin}99`,
      scheme: scheme.name,
      product: products[random(products.length)] as string,
      issuer_country: (COUNTRIES[random(COUNTRIES.length)] as readonly string[])[0] as string,
      pan_length: scheme.panLength,
      luhn: true,
      online_pin: true,
      surcharge_allowed: false,
    };
  });
  return ranges.sort((a, b) => (a.low < b.low ? -1 : 1));
}

function digits(random: Random, length: number): string {
  return Array.from({ length }, () => String(random(10))).join("");
}

function responseTexts(): JsonValue {
  return Object.entries(RESPONSE_TEXTS).map(([code, texts]) => ({
    code,
    approved: code === "00",
    retry_allowed: ["55", "65", "91", "96"].includes(code),
    texts: { en: texts[0], nl: texts[1], de: texts[2] },
  }));
}

function receipts(): JsonValue {
  const languages = ["en", "nl", "de"] as const;
  return languages.map((language, column) => ({
    language,
    width: 32,
    texts: Object.fromEntries(Object.entries(RECEIPT_TEXTS).map(([name, texts]) => [name, texts[column] as string])),
    merchant_copy: [
      "merchant_name",
      "merchant_address",
      "terminal_id",
      "date_time",
      "card",
      "aid",
      "amount",
      "authorization",
      "signature",
    ],
    cardholder_copy: ["merchant_name", "merchant_address", "terminal_id", "date_time", "card", "aid", "amount", "authorization"],
  }));
}
