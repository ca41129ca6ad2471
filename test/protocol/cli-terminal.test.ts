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
