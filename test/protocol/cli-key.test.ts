/** `viopay-pos key`: keys that come out as blocks, clear only with `--expose`; components there and back. */
import { describe, it } from "vitest";
import { parseKeyBlock } from "../../ts/core/key-block/header.js";
import { ok, same } from "../harness.js";
import { command } from "./cli-io.js";

const KBPK = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const TDES = "0123456789ABCDEFFEDCBA9876543210";
/** The worked example of `importKeyComponents`. */
const ONE = "9D04DDDBC7E1B6A3F6D0A4B2C6A1E58F";
const TWO = "A245C3C770E6D1E05C87E3FEE85A1D37";
const BOTH = "3F411E1CB7076743AA57474C2EFBF8B8";
const env = { K: KBPK, T: TDES, ONE, TWO, KEY: BOTH };

const key = async (...args: string[]) => await command(["key", ...args], { env });

async function opened(block: string, kbpk = "env:K"): Promise<{ key: string; kcv: string; bits: number }> {
  const { code, out, err } = await command(["keyblock", "unwrap", "--kbpk", kbpk, "--expose", "--json", block], { env });
  same([code, err], [0, ""]);
  return JSON.parse(out) as { key: string; kcv: string; bits: number };
}

describe("key generate", () => {
  for (const [algorithm, usage, version, kbpk, bits] of [
    ["AES", "P0", "D", "env:K", 256],
    ["TDES", "P0", "B", "env:T", 128],
    ["HMAC", "M7", "E", "env:K", 256],
  ] as const) {
    it(`${algorithm}: a block under the KBPK, no clear key, the check value on standard error`, async () => {
      const args = ["--usage", usage, "--algorithm", algorithm, "--version", version, "--kbpk", kbpk, "--block", "LB=x"];
      const { code, out, err } = await key("generate", ...args);
      same(code, 0, err);
      const { version: made, exportability, optionalBlocks } = parseKeyBlock(out.trim());
      same([made, exportability, optionalBlocks.some(({ id }) => id === "LB")], [version, "N", true]);
      const inside = await opened(out.trim(), kbpk);
      same(inside.bits, bits);
      ok(err.startsWith(`check value of the key: ${inside.kcv} (`), err);
      ok(!out.includes(inside.key) && !err.includes(inside.key), "no clear key");
      const other = await key("generate", ...args);
      ok((await opened(other.out.trim(), kbpk)).key !== inside.key, "a fresh key each time");
    });
  }

  it("--expose: the clear key, without a KBPK, or beside the block", async () => {
    const bare = await key("generate", "--usage", "D0", "--bits", "128", "--expose");
    ok(/^[0-9A-F]{32}\n$/.test(bare.out), bare.out);
    const both = JSON.parse((await key("generate", "--usage", "D0", "--expose", "--kbpk", "env:K", "--json")).out) as Record<
      string,
      string
    >;
    same(Object.keys(both), ["block", "key", "algorithm", "bits", "kcv"]);
    const inside = await opened(both["block"]!);
    same([inside.key, inside.kcv], [both["key"], both["kcv"]]);
    const hidden = JSON.parse((await key("generate", "--usage", "D0", "--kbpk", "env:K", "--json")).out) as Record<
      string,
      string
    >;
    same(Object.keys(hidden), ["block", "algorithm", "bits", "kcv"]);
  });

  it("wrong usage makes no key", async () => {
    for (const [args, message] of [
      [["--usage", "P0"], /--kbpk is missing: a key comes out as a block under a KBPK, or in clear with --expose/],
      [["--kbpk", "env:K"], /--usage is missing/],
      [["--usage", "zz", "--kbpk", "env:K"], /--usage must be/],
      [["--usage", "P0", "--bits", "130", "--kbpk", "env:K"], /--bits must be/],
    ] as const) {
      const { code, out, err } = await key("generate", ...args);
      same([code, out], [2, ""]);
      ok(message.test(err), err);
    }
  });
});

describe("key combine", () => {
  const combine = ["combine", "--usage", "K0", "--component", "env:ONE", "--component", "env:TWO"];

  it("components with their check values, then the key's, then a block", async () => {
    const { code, out, err } = await key(...combine, "--kcv", "3C 19 B9", "--kbpk", "env:K");
    same(code, 0, err);
    const lines = err.trim().split("\n");
    ok(/^component 1: check value [0-9A-F]{6} \(CMAC\), [0-9A-F]{6} \(ANSI_X9_24\)$/.test(lines[0]!), lines[0]!);
    ok(lines[2]!.startsWith("2 components give AES, 128 bits, check value 3C19B9 (CMAC)"), lines[2]!);
    same(lines[3], "right: the key letter has the same check value (CMAC)");
    same([(await opened(out.trim())).kcv, (await opened(out.trim())).key], ["3C19B9", xor(ONE, TWO)]);
    for (const secret of [ONE, TWO, xor(ONE, TWO)]) ok(!`${out}${err}`.includes(secret), "no clear key or component");
  });

  it("--expose gives the key, --json one line", async () => {
    same((await key(...combine, "--expose")).out.trim(), xor(ONE, TWO));
    const line = JSON.parse((await key(...combine, "--kcv", "3C19B9", "--kbpk", "env:K", "--json")).out) as Record<
      string,
      unknown
    >;
    same(Object.keys(line), ["block", "algorithm", "bits", "kcv", "components", "method"]);
  });

  it("no key for another check value, equal or single components", async () => {
    for (const [code, args, message] of [
      [1, [...combine, "--kcv", "000000", "--expose"], /ERR_KCV_MISMATCH/],
      [1, ["combine", "--usage", "K0", "--component", "env:ONE", "--component", "env:ONE", "--expose"], /ERR_KEY_COMPONENTS/],
      [1, ["combine", "--usage", "K0", "--component", "env:ONE", "--component", "env:K", "--expose"], /ERR_KEY_COMPONENTS/],
      [2, ["combine", "--usage", "K0", "--component", "env:ONE", "--expose"], /at least twice/],
      [2, ["combine", "--usage", "K0", "--expose"], /--component is missing/],
      [2, [...combine], /--kbpk is missing/],
    ] as const) {
      const result = await key(...args);
      same([result.code, result.out], [code, ""], args.join(" "));
      ok(message.test(result.err) && !result.err.includes(ONE), result.err);
    }
  });
});

describe("key split", () => {
  it("a key or a block becomes components that combine gives back", async () => {
    const block = (
      await command(["keyblock", "wrap", "--kbpk", "env:K", "--key", "env:KEY", "--usage", "D0"], { env })
    ).out.trim();
    for (const from of [
      ["--key", "env:KEY"],
      ["--kbpk", "env:K", block],
    ]) {
      const { code, out, err } = await key("split", ...from, "--count", "4", "--expose", "--json");
      same([code, err], [0, ""]);
      const { components, kcv } = JSON.parse(out) as { components: { component: string; kcv: string }[]; kcv: string };
      same(components.length, 4);
      const parts = Object.fromEntries(components.map(({ component }, i) => [`P${i}`, component]));
      const options = Object.keys(parts).flatMap((name) => ["--component", `env:${name}`]);
      const again = await command(["key", "combine", "--usage", "D0", ...options, "--kcv", kcv, "--expose"], { env: parts });
      same(again.out.trim(), BOTH);
      for (const { kcv: value } of components) ok(again.err.includes(value), "each component's check value");
    }
    const text = await key("split", "--key", "env:KEY", "--expose");
    ok(/^(?:component \d {2}[0-9A-F]{32} {2}check value [0-9A-F]{6}\n){3}$/.test(text.out), text.out);
    ok(text.err.startsWith("check value of the key: "), text.err);
  });

  it("nothing comes out without --expose", async () => {
    const { code, out, err } = await key("split", "--key", "env:KEY");
    same([code, out], [2, ""]);
    ok(/--expose is missing: components are printed in clear/.test(err), err);
    same(
      (await key("splt")).err,
      "viopay-pos: key needs generate, combine or split; did you mean split?\nsee viopay-pos key --help\n",
    );
  });
});

function xor(a: string, b: string): string {
  const other = Buffer.from(b, "hex");
  const bytes = Buffer.from(a, "hex").map((byte, i) => byte ^ other[i]!);
  return Buffer.from(bytes).toString("hex").toUpperCase();
}
