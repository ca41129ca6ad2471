/** The built command at a pseudo-terminal: prompts, what is shown of what is typed, line editing, Ctrl-C and Ctrl-D, colours. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { ok, same } from "../harness.js";
import { noTerminal, PseudoTerminal } from "./pseudo-terminal.js";

const KEY = "3F419E1CB7079442AA37474C2EFBF8B8";
const KBPK_A = "89E88CF7931444F334BD7547FC3F380C";
const KEY_A = "F039121BEC83D26B169BDCD5B22AAF8F";
/** TR-31:2018 A.7.2.1. */
const BLOCK_A = "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701";
const CHECK_VALUES = "CMAC            08793E\nANSI_X9_24      E5E07C\nGLOBALPLATFORM  A801BE\n";

const folder = mkdtempSync(join(tmpdir(), "viopay-pos-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(noTerminal !== undefined)(`at a terminal${noTerminal === undefined ? "" : ` (skipped: ${noTerminal})`}`, () => {
  for (const [how, args] of [
    ["--key -", ["kcv", "--key", "-"]],
    ["no --key", ["kcv"]],
  ] as const) {
    it(`${how}: a prompt, no echo, Enter ends`, async () => {
      const terminal = new PseudoTerminal(args);
      await terminal.answer("key in hex (not shown): ", KEY.toLowerCase());
      same(await terminal.end(), 0);
      same(terminal.text, `key in hex (not shown): \n${CHECK_VALUES}`);
    });
  }

  it("a key typed with slips: Backspace, Ctrl-U, Ctrl-W and arrow keys, spaces between groups", async () => {
    const terminal = new PseudoTerminal(["kcv"]);
    await terminal.sees("(not shown): ");
    terminal.type(`00112233\u0015${KEY.slice(0, 4)} ${KEY.slice(4, 8)} 99AA\u0017\u001b[D\u001b[1;5C\u001bOA`);
    terminal.type(`${KEY.slice(8)}FF`);
    terminal.type("\u007f\b\r");
    same(await terminal.end(), 0);
    ok(terminal.text.endsWith(CHECK_VALUES), terminal.screen);
  });

  it("Ctrl-C ends it with 130 and nothing else", async () => {
    const terminal = new PseudoTerminal(["kcv"]);
    await terminal.sees("(not shown): ");
    terminal.type(`${KEY}\u0003`);
    same(await terminal.end(), 130);
    same(terminal.text, "key in hex (not shown): \n");
  });

  it("Ctrl-D: with a key it ends the line, without one it is wrong usage", async () => {
    const full = new PseudoTerminal(["kcv", "--method", "CMAC"]);
    await full.sees("(not shown): ");
    full.type(`${KEY}\u0004`);
    same([await full.end(), full.text], [0, "key in hex (not shown): \nCMAC  08793E\n"]);
    const empty = new PseudoTerminal(["kcv"]);
    await empty.sees("(not shown): ");
    empty.type("\u0004");
    same(await empty.end(), 2);
    ok(empty.text.endsWith("viopay-pos: --key: nothing was entered\nsee viopay-pos kcv --help\n"), empty.screen);
  });

  it("leaves the terminal as it was: the next command echoes again", async () => {
    const terminal = new PseudoTerminal(["kcv", "--method", "CMAC"], { after: '; read -r line; echo "got $line"' });
    await terminal.answer("(not shown): ", KEY);
    await terminal.sees("08793E");
    terminal.type("hello\r");
    same(await terminal.end(), 0);
    ok(terminal.text.endsWith("hello\ngot hello\n"), terminal.screen);
  });

  it("the prompt is on standard error, results alone on standard output", async () => {
    const out = join(folder, "kcv.txt");
    const terminal = new PseudoTerminal(["kcv"], { after: `> '${out}'` });
    await terminal.answer("(not shown): ", KEY);
    same(await terminal.end(), 0);
    same([terminal.text, readFileSync(out, "utf8")], ["key in hex (not shown): \n", CHECK_VALUES]);
  });

  it("several secrets are asked for in turn, and a paste of several lines answers them", async () => {
    const terminal = new PseudoTerminal(["pin", "encrypt", "--format", "0"]);
    await terminal.sees("PIN key in hex (not shown): ");
    terminal.type("0123456789ABCDEFFEDCBA9876543210\r");
    await terminal.sees("card number (not shown): ");
    terminal.type("4111111111111111\n1234\n");
    same(await terminal.end(), 0);
    ok(/PIN \(not shown\): \n[0-9A-F]{16}\n$/.test(terminal.text), terminal.screen);
    for (const secret of ["01234567", "41111111", "1234\n"]) ok(!terminal.text.includes(secret), "no echo");
  });

  it("a block may be typed in lines, is shown, and ends with an empty line", async () => {
    const terminal = new PseudoTerminal(["keyblock", "unwrap", "--expose"]);
    await terminal.sees("key block (an empty line ends it): ");
    terminal.type(`${BLOCK_A.slice(0, 30)}x\u007f\r${BLOCK_A.slice(30)}\r\r`);
    await terminal.answer("KBPK in hex (not shown): ", KBPK_A);
    same(await terminal.end(), 0);
    ok(terminal.text.includes("note: line breaks were dropped from the key block"), terminal.screen);
    ok(terminal.text.includes(KEY_A) && !terminal.text.includes(KBPK_A), terminal.screen);
  });

  it("keyblock BLOCK: findings in the colour of their severity, none under NO_COLOR", async () => {
    const damaged = `${BLOCK_A.slice(0, 8)}X${BLOCK_A.slice(9)}`;
    const colored = new PseudoTerminal(["keyblock", damaged]);
    same(await colored.end(), 1);
    ok(colored.screen.includes("\u001b[33mviolation") && colored.screen.includes("\u001b[36mnotice"), colored.screen);
    const broken = new PseudoTerminal(["keyblock", BLOCK_A.slice(0, 60)]);
    same(await broken.end(), 1);
    ok(broken.screen.includes("\u001b[31merror"), broken.screen);
    const plain = new PseudoTerminal(["keyblock", BLOCK_A], { env: { NO_COLOR: "1" } });
    same(await plain.end(), 0);
    ok(!plain.screen.includes("\u001b"), plain.screen);
  });

  it("key combine: components one by one, a check value after each, the letter, a block", async () => {
    const [one, two] = ["9D04DDDBC7E1B6A3F6D0A4B2C6A1E58F", "A245C3C770E6D1E05C87E3FEE85A1D37"];
    const kbpk = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
    const terminal = new PseudoTerminal(["key", "combine", "--usage", "K0"]);
    await terminal.answer("component 1 in hex (not shown): ", one.replace(/(.{4})/g, "$1 "));
    await terminal.sees("component 1: check value ");
    await terminal.answer("component 2 in hex (not shown): ", two.slice(2));
    await terminal.sees("component 2 must be 16, 24 or 32 bytes, got 15; once more");
    await terminal.answer("component 2 in hex (not shown): ", two);
    await terminal.sees("component 2: check value ");
    await terminal.answer("component 3 in hex; Enter alone: no more (not shown): ", "");
    await terminal.sees("2 components give AES, 128 bits, check value 3C19B9 (CMAC)");
    await terminal.answer("check value in the key letter (Enter alone: none): ", "KCV 3c 19 b9");
    await terminal.sees("right: the key letter has the same check value (CMAC)");
    await terminal.answer("KBPK in hex (not shown): ", kbpk);
    same(await terminal.end(), 0);
    ok(/\nD0144K0AN00N0000[0-9A-F]{128}\ncheck value of the key: 3C19B9 \(CMAC\)\n$/.test(terminal.text), terminal.screen);
    for (const secret of [one, two, kbpk]) ok(!terminal.text.includes(secret.slice(2, 10)), "no echo");
  });

  it("key combine: another check value in the letter, no key", async () => {
    const terminal = new PseudoTerminal(["key", "combine", "--usage", "K0", "--expose"]);
    await terminal.answer("component 1 in hex (not shown): ", KEY);
    await terminal.answer("component 2 in hex (not shown): ", KEY_A);
    await terminal.answer("component 3 in hex; Enter alone: no more (not shown): ", "");
    await terminal.answer("check value in the key letter (Enter alone: none): ", "000000");
    same(await terminal.end(), 1);
    ok(/ERR_KCV_MISMATCH: [^\n]+\n$/.test(terminal.text), terminal.screen);
  });

  it("files and pipes work as they do without a terminal", async () => {
    const file = join(folder, "key.hex");
    writeFileSync(file, `${KEY}\n`);
    const fromFile = new PseudoTerminal(["kcv", "--key", `file:${file}`]);
    same([await fromFile.end(), fromFile.text], [0, CHECK_VALUES]);
    const fromPipe = new PseudoTerminal(["kcv", "--key", "-"], { after: `< '${file}'` });
    same([await fromPipe.end(), fromPipe.text], [0, CHECK_VALUES]);
    const missing = new PseudoTerminal(["kcv"], { after: `< '${file}'` });
    same(await missing.end(), 2);
    ok(missing.text.startsWith("viopay-pos: --key is missing\n"), missing.screen);
  });
});
