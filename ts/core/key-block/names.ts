/**
 * The header's values in words, for `explainKeyBlock`: ANSI X9.143:2021 tables 2 to 7. All of it is public.
 */
import { hasOwn } from "../../base/arguments.js";
import type { OptionalBlockId } from "./optional-read.js";

/** Key usage: clause 6.3.1, table 2. */
const USAGES: Readonly<Record<string, string>> = {
  B0: "base derivation key (BDK)",
  B1: "initial DUKPT key",
  B2: "base key variant (deprecated)",
  B3: "key derivation key, not X9.24",
  C0: "card verification key",
  D0: "data encryption, symmetric",
  D1: "data encryption, asymmetric",
  D2: "data encryption, decimalisation table",
  D3: "data encryption, sensitive data",
  E0: "EMV issuer master key: application cryptograms",
  E1: "EMV issuer master key: secure messaging for confidentiality",
  E2: "EMV issuer master key: secure messaging for integrity",
  E3: "EMV issuer master key: data authentication code",
  E4: "EMV issuer master key: dynamic numbers",
  E5: "EMV issuer master key: card personalisation",
  E6: "EMV issuer master key: other",
  E7: "EMV asymmetric key pair for PIN encryption",
  I0: "initialisation vector",
  K0: "key encryption or wrapping",
  K1: "key block protection",
  K2: "TR-34 asymmetric key",
  K3: "asymmetric key for wrapping or agreement",
  K4: "key block protection, ISO 20038",
  M0: "MAC: ISO 16609 algorithm 1 (TDEA)",
  M1: "MAC: ISO 9797-1 algorithm 1 (CBC-MAC)",
  M2: "MAC: ISO 9797-1 algorithm 2",
  M3: "MAC: ISO 9797-1 algorithm 3 (retail MAC)",
  M4: "MAC: ISO 9797-1 algorithm 4",
  M5: "MAC: ISO 9797-1:1999 algorithm 5",
  M6: "MAC: ISO 9797-1:2011 algorithm 5 (CMAC)",
  M7: "MAC: HMAC",
  M8: "MAC: ISO 9797-1 algorithm 6",
  P0: "PIN encryption",
  P1: "PIN generation",
  S0: "asymmetric key for signatures",
  S1: "asymmetric key of a certification authority",
  S2: "asymmetric key, not X9.24",
  V0: "PIN verification: other",
  V1: "PIN verification: IBM 3624",
  V2: "PIN verification: Visa PVV",
  V3: "PIN verification: X9.132 algorithm 1",
  V4: "PIN verification: X9.132 algorithm 2",
  V5: "PIN verification: X9.132 algorithm 3",
};

/** Algorithm: clause 6.3.2, table 3; I and J are ISO 20038's. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  A: "AES",
  D: "single DES",
  E: "elliptic curve",
  H: "HMAC",
  I: "HMAC with SHA-2 (ISO 20038)",
  J: "HMAC with SHA-3 (ISO 20038)",
  R: "RSA",
  S: "DSA",
  T: "TDEA",
};

/** Mode of use: clause 6.3.3, table 4. */
const MODES: Readonly<Record<string, string>> = {
  B: "encrypt and decrypt, or wrap and unwrap",
  C: "generate and verify",
  D: "decrypt or unwrap only",
  E: "encrypt or wrap only",
  G: "generate only",
  N: "no restriction beyond the usage",
  S: "sign only",
  T: "sign and decrypt",
  V: "verify only",
  X: "derive other keys",
  Y: "create key variants",
};

/** Exportability: clause 6.3.5, table 6. */
const EXPORTABILITY: Readonly<Record<string, string>> = {
  E: "may be passed on in a trusted key block",
  N: "may not be passed on",
  S: "sensitive: may be passed on in other forms than a key block, too",
};

/** Key context: clause 6.2, table 1. */
const CONTEXTS: Readonly<Record<string, string>> = {
  "0": "as the wrapping key says",
  "1": "storage only",
  "2": "exchange only",
};

/** Versions: clause 5; E is ISO 20038's. */
const VERSIONS: Readonly<Record<string, string>> = {
  A: "TDEA, key variant binding (deprecated)",
  B: "TDEA, derived keys",
  C: "TDEA, key variant binding",
  D: "AES, derived keys, CBC",
  E: "AES, derived keys, CTR (ISO 20038)",
};

/** Optional blocks: clause 6.3.6, table 7. */
const OPTIONAL_BLOCKS: Readonly<Record<OptionalBlockId, string>> = {
  AL: "asymmetric key life",
  BI: "base derivation key identifier",
  CT: "public key certificate",
  DA: "derivations allowed",
  FL: "flags",
  HM: "hash algorithm of the HMAC key",
  IK: "initial key identifier (AES DUKPT)",
  KC: "check value of the key",
  KP: "check value of the KBPK",
  KS: "initial key serial number (TDEA DUKPT)",
  KV: "key block values (deprecated)",
  LB: "label",
  PB: "padding block",
  PK: "check value of the KBPK it was exported under before",
  TC: "time of creation",
  TS: "time stamp",
  WP: "wrapping pedigree",
};

function named(table: Readonly<Record<string, string>>, value: string): string {
  if (hasOwn(table, value)) return table[value]!;
  return /^\d/.test(value) ? "proprietary" : "not in the table";
}

export const nameOfVersion = (version: string): string => named(VERSIONS, version);
export const nameOfUsage = (usage: string): string => named(USAGES, usage);
export const nameOfAlgorithm = (algorithm: string): string => named(ALGORITHMS, algorithm);
export const nameOfMode = (mode: string): string => named(MODES, mode);
export const nameOfExportability = (exportability: string): string => named(EXPORTABILITY, exportability);
export const nameOfContext = (context: string): string => named(CONTEXTS, context);
export const nameOfOptionalBlock = (id: string): string => named(OPTIONAL_BLOCKS, id);

/** Key version: clause 6.3.4, table 5. */
export function nameOfKeyVersion(keyVersion: string): string {
  if (keyVersion === "00") return "not used";
  return keyVersion.startsWith("c") ? `component ${keyVersion.charAt(1)} of a key` : `version ${keyVersion}`;
}
