/**
 * Every error of a reader of key blocks, check values and PIN blocks says what to do: each message has a remedy of the table, or
 * stands in the list of those that can have none, with the reason.
 */
import {
  decryptPinBlock,
  explainKeyCheckValue,
  importKey,
  importKeyComponents,
  type KeyAlgorithm,
  parseKeyBlock,
  parsePinBlock,
  type PinBlockFormat,
  translatePinBlock,
  type UnwrapOptions,
  unwrapKeyBlock,
  verifyKeyCheckValue,
} from "../../ts/index.js";
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import pinNegatives from "../../vectors/pin-block-negatives.json" with { type: "json" };
import { type Cases, ok, same } from "../harness.js";

/** What a person can do, by the words that say it. */
const REMEDIES: readonly (readonly [what: string, words: RegExp])[] = [
  ["mend the text", /drop (?:it|them|the)|decode it once|encode it again|pass (?:what follows|the text)|copy the whole block/],
  [
    "ask the sender",
    /ask the sender|have (?:the|its|another|the sender)|compare (?:key|the KBPK's)|exported|read it and its letter again/,
  ],
  ["another option", /(?:pass|takes|opens it|accepts it) ?|(?:hexCase|grammar|lengthHiding|policy): "/],
  ["another key", /an? (?:AES|TDES) key protects|only AES and TDES keys|to unwrap a key takes|format 4 takes/],
  ["another function", /combine all of them|importKey takes it|openEnvelope opens it|explainKeyCheckValue shows/],
  ["what an argument must be", /^"[\w.[\]]+" must be .+, got /],
  ["what else is allowed", /it may become/],
];

/** Messages that can have no remedy, and why. */
const NONE: readonly (readonly [RegExp, reason: string])[] = [
  [/"(?:key|kbpk|tpk|fromKey)" was destroyed/, "the key is gone; the caller destroyed it"],
  [/^"(?:key|kcv)" .*has no check value/, "no method exists for the algorithm"],
];

interface Told {
  code: string;
  message: string;
}

function errorOf(body: () => unknown): Told | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return { code, message };
  }
}

const unexplained = (messages: Iterable<string>) =>
  [...messages].filter(
    (message) => ![...REMEDIES.map(([, words]) => words), ...NONE.map(([form]) => form)].some((form) => form.test(message)),
  );

const TDES = "0123456789ABCDEFFEDCBA9876543210";

/** Everything that readers of key blocks refuse: by the vectors, and by arguments. */
function* keyBlockErrors(): Generator<Told | undefined> {
  for (const each of negatives.vectors) {
    const { kbpk, kbpkAlgorithm, block, options, kbpkUsage: usage = "K1", kbpkMode: modeOfUse = "N" } = each;
    const key = importKey(kbpk, { algorithm: kbpkAlgorithm as KeyAlgorithm, usage, modeOfUse });
    yield errorOf(() => unwrapKeyBlock(key, block, options as UnwrapOptions));
    yield errorOf(() => parseKeyBlock(block));
    key.destroy();
    if (block === "") yield errorOf(() => unwrapKeyBlock(key, block));
  }
  const block = negatives.vectors.find(({ id }) => id === "PB alone")!.block;
  const key = importKey(TDES, { algorithm: "TDES", usage: "K1" });
  for (const options of [
    { policy: "x" },
    { kcv: "1" },
    { kcv: 5 },
    { expectUsage: 1 },
    { hash: "MD5" },
    { extractable: 1 },
    null,
  ]) {
    yield errorOf(() => unwrapKeyBlock(key, block, options as UnwrapOptions));
  }
  for (const wrong of [5, {}, null]) yield errorOf(() => parseKeyBlock(wrong as unknown as string));
  for (const text of [TDES, `U${TDES}`, "eyJ.a.b", "MIIB", "hello", "KCV 1", "D", "D0000P0AE00E0000", "RD0112", "Q".repeat(40)]) {
    yield errorOf(() => parseKeyBlock(text));
  }
}

function* checkValueErrors(): Generator<Told | undefined> {
  const attributes = { usage: "K0" };
  for (const algorithm of ["AES", "TDES"] as const) {
    const key = importKey(TDES, { algorithm, ...attributes });
    for (const value of ["", "1", "123456", "12345Z", "1234567890ABCDEF00", 7, null]) {
      yield errorOf(() => verifyKeyCheckValue(key, value as string));
      yield errorOf(() => explainKeyCheckValue(key, value as string));
    }
    for (const method of ["CMAC", "HMAC", "ANSI_X9_24", "x", 5, { hash: "MD5" }]) {
      yield errorOf(() => verifyKeyCheckValue(key, "123456", { method: method as "CMAC" }));
    }
    yield errorOf(() => verifyKeyCheckValue(key, "123456", { length: 99 }));
    yield errorOf(() => importKeyComponents([TDES, `FF${TDES.slice(2)}`], { algorithm, ...attributes }, { kcv: "123456" }));
    yield errorOf(() =>
      importKeyComponents([TDES, `FF${TDES.slice(2)}`], { algorithm, ...attributes }, { kcvs: ["123456", "123456"] }),
    );
    key.destroy();
    yield errorOf(() => verifyKeyCheckValue(key, "123456"));
  }
  const rsa = importKey(TDES, { algorithm: "RSA", usage: "S0" });
  yield errorOf(() => verifyKeyCheckValue(rsa, "123456"));
  rsa.destroy();
}

function* pinBlockErrors(): Generator<Told | undefined> {
  for (const vector of pinNegatives.vectors as { format: number; block: string; pan?: string; key?: string }[]) {
    const { format, block, pan, key: material = TDES } = vector;
    const algorithm = format === 4 ? "AES" : "TDES";
    const key = importKey(material, { algorithm, usage: "P0" });
    yield errorOf(() => decryptPinBlock(key, block, { format: format as PinBlockFormat, pan }));
    if (format < 4) yield errorOf(() => parsePinBlock(block, { format: format as 0, pan }));
    yield errorOf(() => decryptPinBlock(key, block, { format: (format === 4 ? 0 : 4) as PinBlockFormat, pan: "4012345678909" }));
    yield errorOf(() => translatePinBlock(key, key, block, { from: 0, to: 1, pan: "4012345678909" }));
    key.destroy();
  }
  for (const block of ["", "12", "zz".repeat(8), 5]) yield errorOf(() => parsePinBlock(block as string, { format: 0, pan: "1" }));
  for (const pan of [undefined, "", "x", 5])
    yield errorOf(() => parsePinBlock("00".repeat(8), { format: 0, pan: pan as string }));
}

export const remedyCases: Cases = (suite) => {
  suite.group("every error of a reader says what to do, or why nothing can be done", () => {
    for (const [what, errors, least] of [
      ["key blocks", keyBlockErrors, 70],
      ["check values", checkValueErrors, 15],
      ["PIN blocks", pinBlockErrors, 5],
    ] as const) {
      suite.test(what, () => {
        const messages = new Set<string>();
        for (const told of errors()) if (told !== undefined) messages.add(told.message);
        ok(messages.size >= least, `${messages.size} different messages`);
        same(unexplained(messages), [], "without a remedy");
      });
    }

    suite.test("the table finds a message without a remedy", () => {
      same(unexplained(["Key block: the MAC does not verify", "the PIN block cannot be read"]).length, 2);
    });
  });
};
