/** `viopay-pos keyblock`: blocks as people paste them, optional blocks as they write them, and re-wrapping under another KBPK. */
import { describe, it } from "vitest";
import { type KeyBlockHeader, parseKeyBlock } from "../../ts/core/key-block/header.js";
import { inOwnWords } from "../../ts/cli/own-words.js";
import { pastedBlock } from "../../ts/cli/pasted.js";
import { ok, same } from "../harness.js";
import { command, type Surroundings } from "./cli-io.js";

const KBPK = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const OTHER = "F0E0D0C0B0A090807060504030201000112233445566778899AABBCCDDEEFF00";
const TDES = "0123456789ABCDEFFEDCBA9876543210";
const KEY = "6AC292FAA1315B4D858AB3A3D7D5933A";
/** TR-31:2018 A.7.2.1. */
const BLOCK_A = "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701";
const KBPK_A = "89E88CF7931444F334BD7547FC3F380C";
const SECRETS = { K: KBPK, O: OTHER, T: TDES, KEY, A: KBPK_A };

async function done(args: readonly string[], around: Surroundings = { env: SECRETS }): Promise<string> {
  const { code, out, err } = await command(args, around);
  same([code, err], [0, ""], args.slice(0, 2).join(" "));
  return out.trim();
}

async function fails(code: 1 | 2, args: readonly string[], message: RegExp): Promise<void> {
  const result = await command(args, { env: SECRETS });
  same([result.code, result.out], [code, ""], args.slice(0, 2).join(" "));
  ok(message.test(result.err), result.err);
}

const wrap = (...args: string[]) => ["keyblock", "wrap", "--kbpk", "env:K", "--key", "env:KEY", "--usage", "P0", ...args];
const blocksOf = (header: KeyBlockHeader) =>
  header.optionalBlocks.filter(({ id }) => id !== "PB").map(({ id, data }) => `${id}=${data}`);

describe("a block as it was pasted", () => {
  const groups = BLOCK_A.replace(/(.{4})/g, "$1 ");
  for (const [what, args, around, dropped] of [
    ["one argument", [BLOCK_A], {}, undefined],
    ["read, by name", ["read", BLOCK_A], {}, undefined],
    ["groups as several arguments", groups.trim().split(" "), {}, "spaces"],
    ["groups in one argument", [groups], {}, "spaces"],
    ["lines in a file", ["file:b"], { files: { b: `${BLOCK_A.slice(0, 40)}\r\n${BLOCK_A.slice(40)}\r\n` } }, "line breaks"],
    [
      "indented lines",
      ["-"],
      { stdin: ` ${BLOCK_A.slice(0, 40)} \n  ${BLOCK_A.slice(40)}\n` },
      "line breaks and spaces at the ends of lines",
    ],
    ["quotes", [`"${BLOCK_A}"`], {}, "quotation marks"],
    ["standard input", [], { stdin: `${BLOCK_A}\n` }, undefined],
  ] as const) {
    it(`${what}: is read, and what was dropped is said`, async () => {
      const { code, out, err } = await command(["keyblock", ...args], around);
      same([code, err], [0, dropped === undefined ? "" : `note: ${dropped} were dropped from the key block\n`]);
      ok(out.includes("PIN encryption") && out.includes("1CEE8701"), out);
    });
  }

  it("spaces of a label stay, in lines too", async () => {
    const block = await done(wrap("--label", "terminal  7 of the shop", "--mode", "E"));
    same(pastedBlock(block), { text: block });
    for (let at = 1; at < block.length; at++) {
      same(pastedBlock(`${block.slice(0, at)}\n${block.slice(at)}`).text, block, `a line break at ${at}`);
    }
  });

  it("a slip in the action is named, and what was typed is not", async () => {
    await fails(2, ["keyblock", "rewarp"], /did you mean rewrap\?\nsee viopay-pos keyblock --help/);
    await fails(2, ["keyblock", "secretword"], /^viopay-pos: keyblock needs read, unwrap, wrap or rewrap, or a block\n/);
    const key = await command(["keyblock", TDES]);
    same(key.code, 1);
    ok(!key.err.includes(TDES) && !key.out.includes(TDES), "a key typed in the wrong place");
  });

  it("a label around it goes, and other material is named", async () => {
    const labelled = await command(["keyblock", `Key block: ${BLOCK_A}`]);
    same([labelled.code, labelled.err], [0, "note: a label was dropped from the key block\n"]);
    for (const [text, name] of [
      [TDES, /bare key|cryptogram/],
      [`U${TDES}`, /payShield/],
      ["-----BEGIN CERTIFICATE-----", /PEM/],
    ] as const) {
      const { code, out } = await command(["keyblock"], { stdin: text });
      same(code, 1);
      ok(name.test(out) && !out.includes(TDES), out);
    }
  });

  it("remedies are the command line's own options", async () => {
    const lower = BLOCK_A.slice(0, 16) + BLOCK_A.slice(16).toLowerCase();
    same((await command(["keyblock", lower])).code, 0);
    for (const args of [
      ["keyblock", "--hex-case", "upper", lower],
      ["keyblock", "unwrap", "--kbpk", "env:A", "--hex-case", "upper", lower],
    ]) {
      const { code, out, err } = await command(args, { env: SECRETS });
      same(code, 1);
      ok(!/hexCase/.test(`${out}${err}`), `${out}${err}`);
    }
    const refused = `${BLOCK_A.slice(0, 8)}X${BLOCK_A.slice(9)}`;
    ok(!/policy:|grammar:/.test((await command(["keyblock", refused])).out), "no option of the library");
    same(
      inOwnWords('ask the sender, or pass policy: "report" to open it; grammar: "lenient" opens it'),
      "ask the sender, or pass --report to open it; --grammar lenient opens it",
    );
  });

  it("would be refused: exit code 1", async () => {
    const { code, out } = await command(["keyblock", `${BLOCK_A.slice(0, 8)}X${BLOCK_A.slice(9)}`]);
    same(code, 1);
    ok(/^violation {2}/m.test(out), out);
  });
});

describe("keyblock wrap --block", () => {
  it("writes optional blocks as a person writes them", async () => {
    const label = ["--block", "LB=terminal 7"];
    for (const [usage, algorithm, given, expected] of [
      ["B0", "TDES", ["KS=ffff9876543210E00000", "BI=TDEA:FFFF987654"], ["KS=FFFF9876543210E00000", "BI=00FFFF987654"]],
      ["B0", "AES", ["BI=AES:12345678", "WP=0"], ["BI=0112345678", "WP=000"]],
      ["B1", "AES", ["IK=1234567890123456"], ["IK=1234567890123456"]],
      ["B3", "AES", ["DA=K0AEN, D0ABE"], ["DA=01K0AEND0ABE"]],
      ["P0", "AES", ["TS=2026-11-28T22:34:31Z", "WP=lesser"], ["TS=2026-11-28T22:34:31Z", "WP=001"]],
      ["P0", "AES", ["TC=20261128223431Z", "WP=001"], ["TC=20261128223431Z", "WP=001"]],
      ["P0", "AES", ["10=own data"], ["10=own data"]],
    ] as const) {
      const args = given.flatMap((block) => ["--block", block]);
      const how = ["--usage", usage, "--algorithm", algorithm];
      const block = await done(["keyblock", "wrap", "--kbpk", "env:K", "--key", "env:KEY", ...how, ...args, ...label]);
      same(blocksOf(parseKeyBlock(block)), [...expected, "LB=terminal 7"]);
      ok(
        parseKeyBlock(block).optionalBlocks.every(({ id, value }) => /^\d/.test(id) || value !== undefined),
        "as the standard has it",
      );
    }
    const now = parseKeyBlock(await done(wrap("--block", "TS=now"))).optionalBlocks[0]!.data;
    ok(Math.abs(Date.parse(now) - Date.now()) < 60_000, now);
  });

  it("KC and KP are computed, HM comes with an HMAC key or is checked against its hash", async () => {
    const header = parseKeyBlock(await done(wrap("--block", "KC", "--block", "KP")));
    same(blocksOf(header), blocksOf(parseKeyBlock(await done(wrap("--with-kcv")))));
    same(
      header.optionalBlocks.slice(0, 2).map(({ id }) => id),
      ["KC", "KP"],
    );
    const mac = (...args: string[]) => [
      "keyblock",
      "wrap",
      "--kbpk",
      "env:K",
      "--key",
      "env:KEY",
      "--usage",
      "M7",
      "--algorithm",
      "HMAC",
      ...args,
    ];
    same(blocksOf(parseKeyBlock(await done(mac("--block", "HM=sha-256")))), ["HM=21"]);
    await fails(1, mac("--block", "HM=SHA-512"), /ERR_KEY_USAGE/);
  });

  it("refuses what no block has, names the option, quotes nothing", async () => {
    for (const block of [
      "",
      "K",
      "KS",
      `KS=${TDES}`,
      "IK=12",
      "BI=AES:1234567890",
      "WP=4",
      "DA=K0AEN",
      "TS=yesterday",
      "LB=ü",
      "HM=MD5",
      "AL=1",
    ]) {
      const { code, out, err } = await command(wrap("--block", block), { env: SECRETS });
      same([block, code, out], [block, 2, ""]);
      ok(/^viopay-pos: --block /.test(err) && !err.includes(TDES), err);
    }
    await fails(2, wrap("--block", "KS=FFFF9876543210E00000", "--label", "ü"), /^viopay-pos: --(?:label|block) /);
  });

  it("--json: the block, and what the key is", async () => {
    const line = JSON.parse(await done(wrap("--json"))) as Record<string, unknown>;
    same(Object.keys(line), ["block", "algorithm", "bits", "kcv"]);
    same([line["algorithm"], line["bits"]], ["AES", 128]);
  });
});

describe("keyblock rewrap", () => {
  const rewrap = (...args: string[]) => ["keyblock", "rewrap", "--from-kbpk", "env:K", "--to-kbpk", "env:O", ...args];
  const clear = async (kbpk: string, block: string) =>
    (JSON.parse(await done(["keyblock", "unwrap", "--kbpk", kbpk, "--expose", "--json", block])) as { key: string }).key;

  it("the same key and attributes under another KBPK; the key is nowhere in the output", async () => {
    const made = await done(
      wrap(
        "--mode",
        "B",
        "--exportability",
        "S",
        "--key-version",
        "07",
        "--context",
        "2",
        "--block",
        "KC",
        "--block",
        "KP",
        "--label",
        "a b",
      ),
    );
    const result = await command(rewrap(made), { env: SECRETS });
    same([result.code, result.err], [0, ""]);
    const moved = result.out.trim();
    const [old, now] = [parseKeyBlock(made), parseKeyBlock(moved)];
    same({ ...now, optionalBlocks: 0 }, { ...old, optionalBlocks: 0 });
    same(
      blocksOf(now).filter((text) => !text.startsWith("KP")),
      blocksOf(old).filter((text) => !text.startsWith("KP")),
    );
    ok(blocksOf(now)[1] !== blocksOf(old)[1], "KP is the new KBPK's");
    same(await clear("env:O", moved), KEY);
    ok(!result.out.includes(KEY), "no clear key");
  });

  it("to another version, with narrower attributes", async () => {
    const made = await done(wrap("--algorithm", "TDES", "--mode", "B", "--exportability", "E"));
    const how = [
      "keyblock",
      "rewrap",
      "--from-kbpk",
      "env:K",
      "--to-kbpk",
      "env:T",
      "--version",
      "B",
      "--mode",
      "D",
      "--exportability",
      "N",
    ];
    const moved = await done([...how, "--key-version", "02", "--block", "TS=now", made]);
    const { version, modeOfUse, exportability, keyVersion } = parseKeyBlock(moved);
    same([version, modeOfUse, exportability, keyVersion], ["B", "D", "N", "02"]);
    same(await clear("env:T", moved), KEY);
  });

  it("a published block: version A to D, a stated check value first", async () => {
    const how = ["keyblock", "rewrap", "--from-kbpk", "env:A", "--to-kbpk", "env:K", "--version", "D"];
    const moved = JSON.parse(await done([...how, "--kcv", "CB 9D EA", "--json", BLOCK_A])) as { block: string; kcv: string };
    same([moved.kcv, await clear("env:K", moved.block)], ["CB9DEA", "F039121BEC83D26B169BDCD5B22AAF8F"]);
    await fails(1, [...how, "--kcv", "000000", BLOCK_A], /ERR_KCV_MISMATCH/);
  });

  it("a time stamp is the new block's; --without leaves blocks out", async () => {
    const made = await done(
      wrap("--exportability", "E", "--block", "TS=2020-01-01T00:00:00Z", "--block", "TC=2020-01-01T00:00:00Z", "--label", "x"),
    );
    const blocks = blocksOf(parseKeyBlock(await done(rewrap("--without", "LB", made))));
    same([blocks.length, blocks[1]], [2, "TC=2020-01-01T00:00:00Z"]);
    ok(blocks[0]!.startsWith("TS=") && !blocks[0]!.includes("2020"), blocks[0]!);
    await fails(2, rewrap("--without", "KS", made), /--without names an optional block/);
  });

  it("widens nothing, and moves no key that may not move", async () => {
    const made = await done(wrap("--mode", "E", "--exportability", "E"));
    await fails(1, rewrap("--mode", "B", made), /ERR_KEY_USAGE/);
    await fails(1, rewrap("--exportability", "S", made), /ERR_KEY_USAGE/);
    await fails(1, rewrap("--usage", "D0", made), /ERR_KEY_USAGE/);
    await fails(1, rewrap(await done(wrap("--mode", "E"))), /ERR_KEY_NOT_EXPORTABLE/);
    await fails(1, ["keyblock", "rewrap", "--from-kbpk", "env:O", "--to-kbpk", "env:K", made], /ERR_KEY_BLOCK_MAC/);
    await fails(2, rewrap("--version", "F", made), /--version must be one of/);
  });
});
