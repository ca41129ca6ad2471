import { AUTO, HEX, openIo, pkcs7Pad, RAW, sealIo } from "../../assembly/envelope";
import { createKey } from "../../assembly/keys";
import { CHAIN, CHAIN_SIZE, IO, KIND_AES } from "../../assembly/layout";
import { FAILED, slotFree, slotPointer } from "../../assembly/slots";
import { wipe } from "../../assembly/word";

let handle: i32 = 0;

function slot(): usize {
  if (handle == 0) {
    for (let i = 0; i < 32; i++) store<u8>(IO + i, i * 5 + 1);
    handle = createKey(KIND_AES, IO, 32);
    wipe(IO, 32);
  }
  return slotPointer(handle);
}

function putIv(): void {
  for (let i = 0; i < 16; i++) store<u8>(CHAIN + i, 0xa0 + i);
}

function put(text: string): i32 {
  for (let i = 0; i < text.length; i++) store<u8>(IO + i, text.charCodeAt(i));
  return text.length;
}

/** Seals `text` as it is and opens it with `encoding`: length, or FAILED. */
function through(text: string, encoding: i32): i32 {
  putIv();
  const digits = sealIo(slot(), put(text), RAW, true);
  putIv();
  return openIo(slot(), digits, encoding, true);
}

function residue(at: usize, size: i32): i32 {
  let count = 0;
  for (let i = 0; i < size; i++) count += i32(load<u8>(at + i) != 0);
  return count;
}

describe("envelopes", () => {
  it("come back at every length, in both encodings", () => {
    let wrong = 0;
    for (let encoding = RAW; encoding <= HEX; encoding++) {
      for (let length = 0; length <= 200; length++) {
        for (let i = 0; i < length; i++) store<u8>(IO + i, i * 3 + length);
        putIv();
        const digits = sealIo(slot(), length, encoding, true);
        const plain = encoding == HEX ? 2 * length : length;
        wrong += i32(digits != 2 * (plain - (plain % 16) + 16));
        putIv();
        wrong += i32(openIo(slot(), digits, encoding, true) != length);
        for (let i = 0; i < length; i++) wrong += i32(load<u8>(IO + i) != u8(i * 3 + length));
        wipe(IO, digits);
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it("auto reads as hexadecimal text what decodes to JSON or gzip, and nothing else", () => {
    expect<i32>(through("7B7D", AUTO)).toBe(2, "{");
    expect<i32>(through("7b7d", AUTO)).toBe(2, "{ in lower case");
    expect<i32>(through("5B5D", AUTO)).toBe(2, "[");
    expect<i32>(through("1F8B08", AUTO)).toBe(3, "gzip");
    expect<i32>(through("5B", AUTO)).toBe(1, "one byte");
    expect<i32>(through("1F", AUTO)).toBe(2, "half of gzip's mark");
    expect<i32>(through("1F8C08", AUTO)).toBe(6, "not gzip");
    expect<i32>(through("7B7", AUTO)).toBe(3, "odd");
    expect<i32>(through("7B7G", AUTO)).toBe(4, "no digit");
    expect<i32>(through("313233", AUTO)).toBe(6, "digits of something else");
    expect<i32>(through("", AUTO)).toBe(0, "nothing");
    wipe(IO, 256);
  });

  it("hex refuses what is not hexadecimal text, and leaves nothing of it", () => {
    expect<i32>(through("7B7", HEX)).toBe(FAILED, "odd");
    expect<i32>(residue(IO, 256)).toBe(0);
    expect<i32>(through("7B7G", HEX)).toBe(FAILED, "no digit");
    expect<i32>(residue(IO, 256)).toBe(0);
    expect<i32>(through("", HEX)).toBe(0);
    wipe(IO, 256);
  });

  it("accepts right paddings and no others, and leaves nothing of what it refuses", () => {
    let wrong = 0;
    for (let last = 0; last < 256; last++) {
      for (let foreign = -1; foreign < 16; foreign++) {
        for (let i = 0; i < 32; i++) store<u8>(IO + i, i < 16 ? i : last);
        if (foreign >= 0) store<u8>(IO + 16 + foreign, load<u8>(IO + 16 + foreign) ^ 0x11);
        const count: i32 = load<u8>(IO + 31);
        let right = count >= 1 && count <= 16;
        for (let i = 32 - count; i < 32; i++) right = right && i32(load<u8>(IO + i)) == count;
        putIv();
        const digits = sealIo(slot(), 32, RAW, false);
        putIv();
        const opened = openIo(slot(), digits, RAW, true);
        wrong += i32(opened != (right ? 32 - count : FAILED));
        if (!right) wrong += residue(IO, digits);
        wipe(IO, digits);
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it("refuses ciphertext with any foreign character, and leaves nothing", () => {
    let wrong = 0;
    for (let c = 0; c < 256; c++) {
      const isDigit = (c >= 48 && c <= 57) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102);
      if (isDigit) continue;
      putIv();
      const digits = sealIo(slot(), put("abc"), RAW, true);
      store<u8>(IO + 5, c);
      putIv();
      wrong += i32(openIo(slot(), digits, RAW, true) != FAILED) + residue(IO, digits);
    }
    expect<i32>(wrong).toBe(0);
    expect<i32>(residue(CHAIN, CHAIN_SIZE)).toBe(0);
  });

  it("pads by 1 to a block", () => {
    for (let length = 0; length <= 32; length++) {
      const padded = pkcs7Pad(IO, length, 16);
      expect<i32>(padded).toBe((length / 16) * 16 + 16);
      expect<i32>(load<u8>(IO + padded - 1)).toBe(padded - length);
    }
    wipe(IO, 64);
    slotFree(handle);
  });
});
