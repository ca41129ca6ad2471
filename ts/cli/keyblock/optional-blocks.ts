/**
 * `--block ID=DATA`: optional blocks as a person writes them, or as the header has them (ANSI X9.143:2021 clause 6.3.6). All of it
 * travels in clear. What the data of an id must be is the library's to judge; here is only how people write them.
 */
import type { OptionalBlockInit } from "../../core/key-block/optional-write.js";
import { HM_CODES, type OptionalBlockValue, PEDIGREES } from "../../core/key-block/optional-read.js";
import { usageError } from "../options.js";

/** Turns what a person writes into the typed value; `undefined`: the text is the data itself. */
type Reader = (text: string) => OptionalBlockValue | undefined;

const DERIVATION = /^([0-9A-Z]{2})([A-Z])([A-Z])([A-Z])$/;

const READERS: Readonly<Record<string, Reader>> = {
  AL: (text) => (text === "static" || text === "ephemeral" ? { id: "AL", life: text } : undefined),
  BI: (text) => {
    const [, scheme, identifier] = /^(AES|TDEA|TDES):([0-9A-Fa-f]+)$/.exec(text) ?? [];
    return identifier === undefined ? undefined : { id: "BI", scheme: scheme === "AES" ? "AES" : "TDEA", identifier };
  },
  DA: (text) => {
    const parts = text.split(",").map((part) => DERIVATION.exec(part.trim()));
    const derivations = parts.flatMap((part) => {
      if (part === null) return [];
      const [, usage, algorithm, modeOfUse, exportability] = part as unknown as [string, string, string, string, string];
      return [{ usage, algorithm, modeOfUse, exportability }];
    });
    return derivations.length === parts.length ? { id: "DA", derivations } : undefined;
  },
  HM: (text) => {
    const hash = HM_CODES.find(([, name]) => name === text.toUpperCase())?.[1];
    return hash === undefined ? undefined : { id: "HM", hash };
  },
  IK: (text) => ({ id: "IK", initialKeyId: text }),
  KS: (text) => ({ id: "KS", keySerialNumber: text }),
  TC: (text) => time("TC", text),
  TS: (text) => time("TS", text),
  WP: (text) => {
    const pedigree = PEDIGREES[/^[0-3]$/.test(text) ? Number(text) : -1] ?? PEDIGREES.find((words) => words === text);
    return pedigree === undefined ? undefined : { id: "WP", pedigree };
  },
};

function time(id: "TC" | "TS", text: string): OptionalBlockValue | undefined {
  if (text !== "now" && !/[-:]/.test(text)) return undefined;
  return { id, time: text === "now" ? `${new Date().toISOString().slice(0, 19)}Z` : text, compact: false };
}

/** One `--block`. `ID` alone is for KC and KP, which are computed. Refusals never quote the data. */
export function readOptionalBlock(text: string): OptionalBlockInit {
  const [, id = "", , data] = /^([0-9A-Za-z]{2})(=(.*))?$/s.exec(text) ?? [];
  if (id === "") throw usageError("--block must be ID=DATA, as in LB=terminal 7, or KC or KP alone");
  if (data === undefined) {
    if (id === "KC" || id === "KP") return { id };
    throw usageError(`--block ${id} needs data: ${id}=DATA`);
  }
  return READERS[id]?.(data) ?? { id, data };
}
