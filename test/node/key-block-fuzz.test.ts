/**
 * Random and damaged input to parseKeyBlock, explainKeyBlock and unwrapKeyBlock: nothing but PosCryptoError is thrown, nothing takes
 * long, and nothing opens that was not made by the KBPK.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  explainKeyBlock,
  importKey,
  loadCrypto,
  PosCryptoError,
  parseKeyBlock,
  type SecretKey,
  unwrapKeyBlock,
} from "../../ts/index.js";
import positives from "../../vectors/key-blocks.json" with { type: "json" };
import { pseudoRandom } from "../harness.js";

const INPUTS = 100_000;
const blocks = positives.vectors.map(({ block }) => block).filter((block) => block.length < 700);

/** A seeded stream of small numbers (xorshift32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const TEXTS = [
  "",
  "0",
  "FF",
  "PB",
  "KC",
  "00",
  "0004",
  "0002",
  "000400FF",
  "9999",
  "D0112",
  "\n",
  "\u0000",
  "\u00e9",
  "\ud800",
  "=",
  "-",
  " ",
  "ABCDEF",
];

/** One block cut, spliced, repeated, or with characters changed; or text from nothing. */
function damaged(pick: (below: number) => number): string {
  const block = blocks[pick(blocks.length)]!;
  const at = pick(block.length);
  const text = TEXTS[pick(TEXTS.length)]!;
  switch (pick(9)) {
    case 0:
      return block.slice(0, at) + String.fromCharCode(pick(pick(4) === 0 ? 65536 : 128)) + block.slice(at + 1);
    case 1:
      return block.slice(0, at);
    case 2:
      return block.slice(0, at) + text + block.slice(at);
    case 3:
      return block.slice(0, at) + text + block.slice(at + text.length);
    case 4:
      return block.slice(0, at) + blocks[pick(blocks.length)]!.slice(pick(block.length));
    case 5:
      return `${"ABCDEQR01S"[pick(10)]}${String(pick(10000)).padStart(4, "0")}${Array.from({ length: pick(150) }, () => String.fromCharCode(32 + pick(95))).join("")}`;
    case 6: {
      const header = block.slice(5, 12) + String(pick(100)).padStart(2, "0") + "00";
      const rest = Array.from({ length: pick(200) }, () => "0123456789ABCDEF"[pick(16)]).join("");
      return `${block[0]}${String(16 + rest.length).padStart(4, "0")}${header}${rest}`;
    }
    case 7: {
      // A vendor's block: a digit, and a length that is right.
      const rest = block.slice(5, 16 + pick(block.length));
      return `${pick(2)}${String(5 + rest.length).padStart(4, "0")}${rest}`;
    }
    default:
      return Buffer.from(block.slice(0, at) + text, "utf8").toString("base64");
  }
}

/** A code, or `returned`; anything else that is thrown fails the test. */
function outcomeOf(body: () => unknown): string {
  try {
    body();
    return "returned";
  } catch (error) {
    if (!(error instanceof PosCryptoError)) throw error;
    return error.code;
  }
}

function count(outcomes: Map<string, number>, outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

/** Stack traces are most of the cost of a hundred thousand errors. */
const traces = Error.stackTraceLimit;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = traces;
});

it(`${INPUTS} damaged blocks: parseKeyBlock and explainKeyBlock`, () => {
  const pick = numbers(1);
  const outcomes = new Map<string, number>();
  for (let i = 0; i < INPUTS; i++) {
    const text = damaged(pick);
    const input = i % 5 === 0 ? new Uint8Array(Buffer.from(text, "latin1")) : text;
    count(
      outcomes,
      outcomeOf(() => parseKeyBlock(input)),
    );
    if (i % 20 === 0) count(outcomes, `explained: ${outcomeOf(() => explainKeyBlock(input))}`);
  }
  expect([...outcomes.keys()].sort()).toEqual([
    "ERR_KEY_BLOCK_PROPRIETARY",
    "ERR_KEY_BLOCK_SYNTAX",
    "explained: returned",
    "returned",
  ]);
  for (const [outcome, times] of outcomes) expect(times, outcome).toBeGreaterThan(1000);
});

it("random bytes: parseKeyBlock and explainKeyBlock", () => {
  const random = pseudoRandom(11);
  for (let i = 0; i < 5_000; i++) {
    const bytes = random(i % 300);
    if (outcomeOf(() => parseKeyBlock(bytes)) === "returned") expect.fail("random bytes parsed");
    if (outcomeOf(() => explainKeyBlock(bytes)) !== "returned") expect.fail("explainKeyBlock threw");
  }
});

describe.each([
  { backend: "wasm-simd", inputs: INPUTS },
  { backend: "wasm", inputs: INPUTS / 5 },
  { backend: "noble", inputs: INPUTS / 5 },
] as const)("$backend", ({ backend, inputs }) => {
  let kbpks: SecretKey[];

  beforeAll(async () => {
    await loadCrypto({ backend });
    const aes = importKey(new Uint8Array(32).fill(7), { algorithm: "AES", usage: "K0" });
    kbpks = [
      aes,
      importKey(
        new Uint8Array(24).map((_, i) => i),
        { algorithm: "TDES", usage: "K0" },
      ),
    ];
  });

  it(`${inputs} damaged blocks: unwrapKeyBlock`, () => {
    const pick = numbers(2);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < inputs; i++) {
      const text = damaged(pick);
      count(
        outcomes,
        outcomeOf(() => unwrapKeyBlock(kbpks[i % 2]!, text, { policy: "report", hexCase: "any" })),
      );
    }
    const codes = ["ERR_KEY_BLOCK_KBPK", "ERR_KEY_BLOCK_MAC", "ERR_KEY_BLOCK_PROPRIETARY", "ERR_KEY_BLOCK_SYNTAX"];
    expect([...outcomes.keys()].sort()).toEqual(codes);
    for (const [outcome, times] of outcomes) expect(times, outcome).toBeGreaterThan(100);
  });
});
