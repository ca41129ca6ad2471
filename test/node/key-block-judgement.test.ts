/**
 * One judgement: `explainKeyBlock` has an error or a violation under a setting of the knobs if and only if `unwrapKeyBlock` refuses
 * the block from its header alone under the same setting. Every class of the negative vectors, and generated headers with one to
 * three defects under a right MAC, by all sixteen settings; and a planted disagreement, which the same comparison finds.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  explainKeyBlock,
  importKey,
  type KeyAlgorithm,
  type KeyBlockExplanation,
  type KeyBlockKnobs,
  loadCrypto,
  PosCryptoError,
  unwrapKeyBlock,
} from "../../ts/index.js";
import dialects from "../../vectors/key-block-dialects.json" with { type: "json" };
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import { referencePayload, referenceProtect } from "./reference-key-block.js";

interface Sample {
  id: string;
  kbpk: string;
  algorithm: KeyAlgorithm;
  usage?: string;
  block: string;
}

const SETTINGS: KeyBlockKnobs[] = ["any", "required"].flatMap((lengthHiding) =>
  ["any", "upper"].flatMap((hexCase) =>
    ["lenient", "strict"].flatMap((grammar) =>
      ["enforce", "report"].map((policy) => ({ lengthHiding, hexCase, grammar, policy }) as KeyBlockKnobs),
    ),
  ),
);

/** Findings that take the key: the header alone cannot show them. */
const NEEDS_KEY = ["key-length", "strength", "weak-key", "surplus-padding", "key-check-value", "kbpk-check-value"];

/** Whether unwrapping refuses from the header alone; `undefined` where a refusal for another cause came first. */
function refuses({ kbpk, algorithm, usage = "K1", block }: Sample, knobs: KeyBlockKnobs): boolean | undefined {
  const key = importKey(kbpk, { algorithm, usage });
  try {
    unwrapKeyBlock(key, block, knobs).key.destroy();
    return false;
  } catch (error) {
    if (!(error instanceof PosCryptoError)) throw error;
    if (error.code === "ERR_KEY_BLOCK_SYNTAX" || error.code === "ERR_KEY_BLOCK_PROPRIETARY") return true;
    if (error.code !== "ERR_KEY_BLOCK_POLICY") return undefined;
    const found = (error.details as { findings: { code: string }[] }).findings;
    return found.some(({ code }) => !NEEDS_KEY.includes(code));
  } finally {
    key.destroy();
  }
}

type Explain = (block: string, knobs: KeyBlockKnobs) => KeyBlockExplanation;

const refusing = ({ findings }: KeyBlockExplanation) => findings.some(({ severity }) => severity !== "notice");

interface Outcome {
  compared: number;
  disagreements: string[];
}

function compare(samples: readonly Sample[], explain: Explain): Outcome {
  const outcome: Outcome = { compared: 0, disagreements: [] };
  for (const sample of samples) {
    for (const knobs of SETTINGS) {
      const verdict = refuses(sample, knobs);
      if (verdict === undefined) continue;
      outcome.compared++;
      if (refusing(explain(sample.block, knobs)) !== verdict) outcome.disagreements.push(`${sample.id} ${JSON.stringify(knobs)}`);
    }
  }
  return outcome;
}

const vectors: Sample[] = [
  ...negatives.vectors.map(({ kbpkAlgorithm, kbpkUsage = "K1", ...each }) => {
    return { ...each, algorithm: kbpkAlgorithm as KeyAlgorithm, usage: kbpkUsage };
  }),
  ...dialects.vectors.map((each) => ({ ...each, algorithm: /^[DE]/.test(each.block) ? ("AES" as const) : ("TDES" as const) })),
];

const KBPK = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";

/** Optional blocks: well formed, in another case, malformed, misplaced, unknown, in every form of length. */
const optionalBlock = fc.record({
  id: fc.constantFrom("AL", "BI", "CT", "DA", "FL", "HM", "IK", "KC", "KP", "PK", "KS", "KV", "LB", "TC", "TS", "WP", "ZZ", "10"),
  data: fc.constantFrom(
    ...["", "0101", "000123456789", "0089abcdef01", "0089ABCDEF01", "01D0ABE", "21", "99", "A29903", "00abcdef", "0200AB"],
    ...["0123456789ABCDEF", "0123456789abcdef", "0123456789ABCDEF0123", "fffF9876543210E00000", "0000", "20260101120000Z"],
    ...["2026-01-01T12:00:00Z", "20260101120000", "001", "02000aQUJDREVGR0g=", "02000CQUJDREVGR0hJ", "a label, ~"],
  ),
  form: fc.constantFrom("short", "short", "short", "long", "long-bytes"),
  lower: fc.boolean(),
});

type Optional = typeof optionalBlock extends fc.Arbitrary<infer T> ? T : never;

function optionalText({ id, data, form, lower }: Optional): string {
  const digits = (n: number, width: number) => {
    const text = n.toString(16).padStart(width, "0");
    return lower ? text : text.toUpperCase();
  };
  if (form === "short") return id + digits(data.length + 4, 2) + data;
  return `${id}00${form === "long" ? "04" : "02"}${digits(data.length + 10, 4)}${data}`;
}

/** A block under a right MAC whose header is wrong in any of the ways that its fields, optional blocks and PB can be. */
const generated: fc.Arbitrary<Sample> = fc
  .record({
    version: fc.constantFrom("D", "E"),
    usage: fc.constantFrom("P0", "D0", "B0", "B1", "B3", "K0", "M6", "M7", "Z9", "10", "P-"),
    algorithm: fc.constantFrom("A", "A", "T", "H", "J", "R", "Z", "7"),
    modeOfUse: fc.constantFrom("N", "E", "B", "X", "S", "Q", "1"),
    keyVersion: fc.constantFrom("00", "00", "12", "c1"),
    exportability: fc.constantFrom("E", "N", "S", "Z"),
    context: fc.constantFrom("0", "0", "1", "2", "3"),
    reserved: fc.constantFrom("0", "0", "0", "1"),
    blocks: fc.array(optionalBlock, { maxLength: 4 }),
    pad: fc.constantFrom("needed", "needed", "surplus", "always", "missing"),
    hidden: fc.boolean(),
    lowerBody: fc.boolean(),
    lengthError: fc.constantFrom(0, 0, 0, 0, 1),
  })
  .map((plan) => {
    let optional = plan.blocks.map(optionalText).join("");
    let count = plan.blocks.length;
    let rest = (16 - (optional.length % 16)) % 16;
    if (plan.pad !== "missing" && (rest > 0 || plan.pad === "always")) {
      if (rest < 4) rest += 16;
      if (plan.pad === "surplus") rest += 16;
      optional += `PB${rest.toString(16).toUpperCase().padStart(2, "0")}${"0".repeat(rest - 4)}`;
      count++;
    }
    const key = Buffer.alloc(16, "0123456789abcdef");
    const padding = Buffer.alloc(plan.hidden ? 30 : 14, 7);
    const length = 16 + optional.length + 2 * (18 + padding.length) + 32 + plan.lengthError;
    const { version, usage, algorithm, modeOfUse, keyVersion, exportability, context, reserved } = plan;
    const fields =
      usage + algorithm + modeOfUse + keyVersion + exportability + String(count).padStart(2, "0") + context + reserved;
    const header = version + String(length).padStart(4, "0") + fields + optional;
    const block = referenceProtect(version as "D", Buffer.from(KBPK, "hex"), header, referencePayload(key, padding));
    const body = block.slice(header.length);
    return { id: header, kbpk: KBPK, algorithm: "AES", block: header + (plan.lowerBody ? body.toLowerCase() : body) };
  });

const HEADERS = 800;

describe("explainKeyBlock and unwrapKeyBlock are one judgement", () => {
  const trace = Error.stackTraceLimit;
  beforeAll(async () => {
    Error.stackTraceLimit = 0;
    await loadCrypto({ backend: "wasm-simd" });
    return () => {
      Error.stackTraceLimit = trace;
    };
  });

  it("every negative vector and every dialect, under all sixteen settings", () => {
    const { compared, disagreements } = compare(vectors, explainKeyBlock);
    expect(disagreements).toEqual([]);
    expect(compared).toBeGreaterThan(2_000);
  });

  it(`${HEADERS} generated headers, under all sixteen settings`, () => {
    const samples = fc.sample(generated, { numRuns: HEADERS, seed: 20261128 });
    const { compared, disagreements } = compare(samples, explainKeyBlock);
    expect(disagreements).toEqual([]);
    // A refusal for the key, which comes first, is not compared: the MAC is right, and 16 bytes suit most algorithms.
    expect(compared).toBeGreaterThan(HEADERS * 15);
  });

  it("finds a planted disagreement: a reader that refuses every PB longer than needed, and one that forgets KC's format", () => {
    const samples = [...vectors, ...fc.sample(generated, { numRuns: 300, seed: 7 })];
    const eager: Explain = (block, knobs) => explainKeyBlock(block, { ...knobs, grammar: "strict" });
    const forgetful: Explain = (block, knobs) => {
      const explanation = explainKeyBlock(block, knobs);
      return { ...explanation, findings: explanation.findings.filter(({ message }) => !/ of KC /.test(message)) };
    };
    expect(compare(samples, eager).disagreements.length).toBeGreaterThan(10);
    expect(compare(samples, forgetful).disagreements.length).toBeGreaterThan(0);
  });
});
