/** `viopay-pos kcv --expect`: the verdict, its exit code, and check values as letters have them. */
import { describe, it } from "vitest";
import { ok, same } from "../harness.js";
import { command } from "./cli-io.js";

/** Worked values: CMAC 08793E, ANSI_X9_24 E5E07C, GLOBALPLATFORM A801BE as AES; 57C409 and C66363 as TDES. */
const KEY = "3F419E1CB7079442AA37474C2EFBF8B8";

const kcv = async (...args: string[]) => await command(["kcv", "--key", "env:K", ...args], { env: { K: KEY } });

describe("kcv --expect", () => {
  it("right by any method: exit code 0, and the method", async () => {
    for (const [value, method, ...how] of [
      ["08793E", "CMAC"],
      ["08793e25ab", "CMAC"],
      ["E5E07C", "ANSI_X9_24"],
      ["A801BE", "GLOBALPLATFORM"],
      ["57C409", "ANSI_X9_24", "--algorithm", "TDES"],
      ["731FE1", "HMAC", "--algorithm", "HMAC"],
    ] as const) {
      const { code, out } = await kcv("--expect", value, ...how);
      same(code, 0, value);
      ok(out.endsWith(`right: ${method}\n`), out);
    }
  });

  it("wrong: exit code 1", async () => {
    const { code, out } = await kcv("--expect", "000000");
    same(code, 1);
    ok(/^wrong: /m.test(out), out);
    same((await kcv("--expect", "E5E07C", "--method", "CMAC")).code, 1);
  });

  it("wrong, but near: what the value is instead, never another value of the key", async () => {
    const { code, out } = await kcv("--expect", "57C409");
    same(code, 1);
    ok(/^near miss: .*TDES/m.test(out), out);
    const line = JSON.parse((await kcv("--expect", "57C409", "--json")).out) as { nearMisses: string[] };
    ok(
      line.nearMisses.some((text) => text.includes("TDES")),
      line.nearMisses.join(),
    );
  });

  it("as letters have it: label, spaces, small digits; said on standard error", async () => {
    for (const value of ["08 79 3E", "KCV 08 79 3e", "kcv: 08793E", "KCV=08793E", "08-79-3E"]) {
      const { code, out, err } = await kcv("--expect", value);
      same([code, err], [0, "note: --expect was read without what is no digit\n"], value);
      ok(out.endsWith("right: CMAC\n"), out);
    }
    same((await kcv("--expect", "08793E")).err, "");
  });

  it("--json", async () => {
    const { out } = await kcv("--expect", "08 79 3e", "--json");
    const line = JSON.parse(out) as Record<string, unknown>;
    same([line["expected"], line["method"]], ["08793E", "CMAC"]);
    const wrong = JSON.parse((await kcv("--expect", "000000", "--json")).out) as Record<string, unknown>;
    same(wrong["method"], null);
  });

  it("what is no check value is wrong usage, unquoted", async () => {
    for (const value of ["zzzzzz", "7", "KCV", KEY.slice(0, 30)]) {
      const { code, out, err } = await kcv("--expect", value);
      same([code, out], [2, ""], value);
      ok(err.startsWith("viopay-pos: --expect must be") && !err.includes(value), err);
    }
  });
});
