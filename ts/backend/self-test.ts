/**
 * The known-answer test every backend passes before core uses it: hexadecimal, AES-CBC both ways, HMAC, and a key block of version
 * D, whose MAC is a CMAC. It finds an engine that compiles the module and computes wrongly (or a module that is not ours); it is no
 * validation. It runs once in a process that may have nothing to do but open one envelope, so it calls what such a process calls
 * next, and each algorithm once (measured: it is a seventh of the time from import to the first opened envelope).
 *
 * Sources: SP 800-38A F.2.5; RFC 4231 4.3; TR-31:2018 A.7.4. All values are public.
 */
import type { Backend } from "./contract.js";

const KEY_256 = "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4";
const CBC_IV = "000102030405060708090A0B0C0D0E0F";
const CBC_PLAINTEXT = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51";
const CBC_CIPHERTEXT = "F58C4C04D6E5F1BA779EABFB5F7BFBD69CFC4E967EDB808D679F777BC6702C7D";
const HMAC_KEY = "4A656665";
const HMAC_MESSAGE = ["what do ya want ", "for nothing?"];
const HMAC_VALUE = "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843";
const KBPK = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";
const BLOCK_HEADER = "D0112P0AE00E0000";
const BLOCK_BODY = "B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
const BLOCK_KEY = "3F419E1CB7079442AA37474C2EFBF8B8";

/** The first operation that gives a wrong answer, or throws and what; `undefined` if all are right. Leaves no key behind. */
export function failedSelfTest(backend: Backend): string | undefined {
  const tests: readonly [string, (backend: Backend) => boolean][] = [
    ["hexadecimal", testHex],
    ["AES-CBC", testCbc],
    ["HMAC-SHA-256", testHmac],
    ["key block", testKeyBlock],
  ];
  for (const [name, test] of tests) {
    try {
      if (!test(backend)) return name;
    } catch (error) {
      // A backend that compiles on first use fails here where a policy forbids that: the reason is the engine's.
      return `${name}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}

function testHex(backend: Backend): boolean {
  const bytes = backend.decodeHex("00ff9AaF");
  return bytes !== undefined && backend.encodeHex(bytes) === "00FF9AAF" && backend.decodeHex("0G") === undefined;
}

function testCbc(backend: Backend): boolean {
  const slot = backend.createSlot("AES", hex(backend, KEY_256));
  try {
    const iv = hex(backend, CBC_IV);
    const plaintext = hex(backend, CBC_PLAINTEXT);
    const sealed = backend.seal(slot, iv, plaintext, "raw");
    const opened = backend.open(slot, iv, sealed, "raw");
    const padded = sealed.length === CBC_CIPHERTEXT.length + 32 && sealed.startsWith(CBC_CIPHERTEXT);
    return padded && opened !== undefined && backend.equal(opened, plaintext);
  } finally {
    backend.destroySlot(slot);
  }
}

function testHmac(backend: Backend): boolean {
  const slot = backend.createSlot("HMAC", hex(backend, HMAC_KEY));
  try {
    return backend.encodeHex(backend.hmac(slot, HMAC_MESSAGE)) === HMAC_VALUE;
  } finally {
    backend.destroySlot(slot);
  }
}

/** The published block opens to its key; the same block under another header does not. */
function testKeyBlock(backend: Backend): boolean {
  const kbpk = backend.createSlot("AES", hex(backend, KBPK));
  try {
    const opened = backend.unwrapKeyBlock(kbpk, "D", BLOCK_HEADER + BLOCK_BODY, BLOCK_HEADER.length, "AES");
    if (opened.verdict !== "opened") return false;
    const material = backend.readSlot(opened.slot);
    backend.destroySlot(opened.slot);
    const forged = backend.unwrapKeyBlock(
      kbpk,
      "D",
      BLOCK_HEADER.replace("E00E", "B00E") + BLOCK_BODY,
      BLOCK_HEADER.length,
      "AES",
    );
    return backend.encodeHex(material) === BLOCK_KEY && opened.paddingLength === 14 && forged.verdict === "mac";
  } finally {
    backend.destroySlot(kbpk);
  }
}

function hex(backend: Backend, text: string): Uint8Array {
  return backend.decodeHex(text) ?? new Uint8Array(0);
}
