/**
 * The optional blocks of a header that is to be written: ANSI X9.143:2021 clause 6.3.6. Computes KC, KP, HM and PB, and checks the
 * ones that are stated.
 *
 * Check values are public by intent; stated ones are compared in constant time. Nothing else here is secret.
 */
import { encodeHex } from "../../base/bytes.js";
import { checkValueBytes, methodsFor } from "../keys/check-value-methods.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { assertArray, own } from "../../base/arguments.js";
import { blockSize } from "./header.js";
import { HM_CODES } from "./optional-read.js";
import { draftOptionalBlock, type OptionalDraft, paddingBlock, writeOptionalBlock } from "./optional-write.js";
import { isHmacLetter } from "./algorithm.js";
import { misplaced, unstrictLength } from "./judgement.js";
import { matchesCheckValue } from "./policy.js";
import type { KeyFacts } from "./strength.js";
import type { Fields, KeyBlockHeaderInit } from "./wrap-header.js";

/** Data of KC or KP: `00` and three bytes for TDEA, `01` and five for AES (X9.143:2021 clauses 6.3.6.7, 6.3.6.8). */
function checkValueData({ backend, slot, algorithm }: KeyFacts, name: string): string {
  const method = algorithm === "HMAC" ? undefined : methodsFor(algorithm)[0];
  if (method === undefined) throw invalidArgument(name, "absent: X9.143 defines check values for AES and TDES keys", algorithm);
  const value = checkValueBytes(backend, slot, algorithm, method, undefined, method === "CMAC" ? 5 : 3);
  return (method === "CMAC" ? "01" : "00") + encodeHex(value);
}

/** A check value that the caller states must be the real one, as far as X9.143 defines it. */
function verifyStated(data: string, { backend, slot, algorithm }: KeyFacts, id: string): void {
  const method = data.startsWith("01") ? "CMAC" : "ANSI_X9_24";
  const digits = data.slice(2);
  if (!methodsFor(algorithm).includes(method) || !/^0[01](?:[0-9A-F]{2}){2,5}$/.test(data)) return;
  if (!matchesCheckValue({ backend, slot, algorithm }, method, digits)) {
    const whose = id === "KC" ? "key" : "KBPK";
    throw new PosCryptoError("ERR_KCV_MISMATCH", `Key block: the stated ${id} is not the check value of the ${whose}`);
  }
}

/** Adds HM to an HMAC key's blocks, or checks the one given against the key's hash. */
function addHash(drafts: OptionalDraft[], letter: string, keyHash: KeyFacts["hash"]): void {
  if (!isHmacLetter(letter)) return;
  const given = drafts.find(({ id }) => id === "HM");
  const code = HM_CODES.find(([, hash]) => hash === keyHash)?.[0];
  if (given === undefined) {
    if (code === undefined) throw invalidArgument("header.optionalBlocks", "with HM for a key of unknown hash", "none");
    drafts.push({ id: "HM", data: code, form: undefined });
  } else if (code !== undefined && given.data !== code) {
    throw new PosCryptoError("ERR_KEY_USAGE", "Key block: HM is not the hash of the key");
  }
}

/** What may stand together: ids once, PB last, DA with B3, and in the strict form nothing where it does not belong. */
function checkDrafts(drafts: readonly OptionalDraft[], fields: Fields, strict: boolean): void {
  const name = "header.optionalBlocks";
  if (new Set(drafts.map(({ id }) => id)).size < drafts.length)
    throw invalidArgument(name, "blocks of different ids", "an id twice");
  drafts.forEach(({ id, data = "", form = "short" }, i) => {
    if (id === "PB" && i < drafts.length - 1) throw invalidArgument(name, "with PB at the end", `PB at ${i}`);
    if (id === "DA" && fields.usage !== "B3") throw invalidArgument(name, "without DA unless the usage is B3", fields.usage);
    const problem = strict ? (misplaced(id, fields) ?? unstrictLength({ id, data, form })) : undefined;
    if (problem !== undefined) throw invalidArgument(name, `without ${id} here (${problem}); grammar: "lenient" writes it`, id);
  });
}

/**
 * The text of all optional blocks, PB included, and their number. Throws `ERR_INVALID_ARGUMENT`, `ERR_KCV_MISMATCH` for a stated KC
 * or KP, `ERR_KEY_USAGE` for an HM that is not the key's hash.
 */
export function optionalText(init: KeyBlockHeaderInit, fields: Fields, key: KeyFacts, kbpk: KeyFacts, strict: boolean) {
  const list = own(init, "optionalBlocks", []);
  assertArray("header.optionalBlocks", list);
  if (list.length > 99) throw invalidArgument("header.optionalBlocks", "at most 99 blocks", list.length);
  const drafts = Array.from(list, (item: unknown, i) => draftOptionalBlock(item, `header.optionalBlocks[${i}]`, strict));
  checkDrafts(drafts, fields, strict);
  const fill = drafts[drafts.length - 1]?.id === "PB" ? drafts.pop()?.data : undefined;
  addHash(drafts, fields.algorithm, key.hash);
  let text = "";
  for (const { id, data, form } of drafts) {
    const whose = id === "KC" ? key : kbpk;
    if ((id === "KC" || id === "KP") && data !== undefined) verifyStated(data, whose, id);
    text += writeOptionalBlock(id, data ?? checkValueData(whose, id), form);
  }
  const pad = paddingBlock(text.length, blockSize(fields.version), fill);
  const count = drafts.length + (pad === "" ? 0 : 1);
  if (count > 99) throw invalidArgument("header.optionalBlocks", "at most 99 blocks with HM and PB", count);
  return { text: text + pad, count };
}
