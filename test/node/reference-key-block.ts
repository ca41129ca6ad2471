/**
 * Key blocks a second time, by node:crypto's single blocks alone: what the vectors we make are checked against. Shares no code with
 * the library, and works on any header text and any payload, so that it makes damaged blocks with a valid MAC as well.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";

type Version = "A" | "B" | "C" | "D" | "E";

interface Cipher {
  size: number;
  encrypt(block: Buffer): Buffer;
  decrypt(block: Buffer): Buffer;
}

function run(cipher: ReturnType<typeof createCipheriv> | ReturnType<typeof createDecipheriv>, block: Buffer): Buffer {
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

/** OpenSSL 3 has no single DES by default: three equal keys give it. */
function cipherOf(version: Version, key: Buffer): Cipher {
  if (version === "D" || version === "E") {
    const name = `aes-${key.length * 8}-ecb`;
    return {
      size: 16,
      encrypt: (block) => run(createCipheriv(name, key, null), block),
      decrypt: (block) => run(createDecipheriv(name, key, null), block),
    };
  }
  const three = key.length === 24 ? key : Buffer.concat([key, key.subarray(0, 8)]);
  return {
    size: 8,
    encrypt: (block) => run(createCipheriv("des-ede3", three, null), block),
    decrypt: (block) => run(createDecipheriv("des-ede3", three, null), block),
  };
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, i) => byte ^ b[i]!));

function blocksOf(data: Buffer, size: number): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += size) blocks.push(data.subarray(at, at + size));
  return blocks;
}

function doubled(block: Buffer): Buffer {
  const bits = (BigInt(`0x${block.toString("hex")}`) << 1n).toString(2).padStart(block.length * 8, "0");
  const kept = BigInt(`0b${bits.slice(-block.length * 8)}`);
  const carry = bits.length > block.length * 8 && bits[0] === "1";
  const result = carry ? kept ^ (block.length === 16 ? 0x87n : 0x1bn) : kept;
  return Buffer.from(result.toString(16).padStart(block.length * 2, "0"), "hex");
}

function cmac(cipher: Cipher, data: Buffer): Buffer {
  const k1 = doubled(cipher.encrypt(Buffer.alloc(cipher.size)));
  const blocks = data.length === 0 ? [Buffer.alloc(0)] : blocksOf(data, cipher.size);
  const last = blocks.pop()!;
  const whole = last.length === cipher.size;
  const padded = whole ? last : Buffer.concat([last, Buffer.from([0x80]), Buffer.alloc(cipher.size - last.length - 1)]);
  const chain = blocks.reduce((state, block) => cipher.encrypt(xor(state, block)), Buffer.alloc(cipher.size));
  return cipher.encrypt(xor(xor(chain, padded), whole ? k1 : doubled(k1)));
}

function derive(version: Version, kbpk: Buffer, purpose: number): Buffer {
  const algorithm = { A: 0, B: kbpk.length / 8 - 2, C: 0, D: kbpk.length / 8, E: kbpk.length / 8 }[version];
  const parts: Buffer[] = [];
  for (let i = 1; parts.length * 8 < kbpk.length; i++) {
    const input = Buffer.from([i, 0, purpose, 0, 0, algorithm, (kbpk.length * 8) >> 8, (kbpk.length * 8) & 255]);
    parts.push(...blocksOf(cmac(cipherOf(version, kbpk), input), 8));
  }
  return Buffer.concat(parts).subarray(0, kbpk.length);
}

/** Header and payload are taken as they are, well formed or not. */
export function referenceProtect(version: Version, kbpk: Buffer, header: string, payload: Buffer): string {
  const text = Buffer.from(header, "latin1");
  let ciphertext: Buffer;
  let mac: Buffer;
  if (version === "A" || version === "C") {
    const encryption = cipherOf(version, Buffer.from(kbpk.map((byte) => byte ^ 0x45)));
    const authentication = cipherOf(version, Buffer.from(kbpk.map((byte) => byte ^ 0x4d)));
    ciphertext = cbc(encryption, text.subarray(0, 8), payload);
    const macInput = blocksOf(Buffer.concat([text, ciphertext]), 8);
    mac = macInput.reduce((state, block) => authentication.encrypt(xor(state, block)), Buffer.alloc(8)).subarray(0, 4);
  } else {
    mac = cmac(cipherOf(version, derive(version, kbpk, 1)), Buffer.concat([text, payload]));
    const encryption = cipherOf(version, derive(version, kbpk, version === "E" ? 2 : 0));
    ciphertext = version === "E" ? ctr(encryption, mac, payload) : cbc(encryption, mac, payload);
  }
  return header + Buffer.concat([ciphertext, mac]).toString("hex").toUpperCase();
}

/** The payload, if the MAC verifies. */
export function referenceOpen(kbpk: Buffer, block: string, headerLength: number): Buffer | undefined {
  const version = block.charAt(0) as Version;
  const header = block.slice(0, headerLength);
  const macLength = { A: 4, B: 8, C: 4, D: 16, E: 16 }[version];
  const body = Buffer.from(block.slice(headerLength), "hex");
  const ciphertext = body.subarray(0, body.length - macLength);
  const mac = body.subarray(body.length - macLength);
  let payload: Buffer;
  if (version === "A" || version === "C") {
    const encryption = cipherOf(version, Buffer.from(kbpk.map((byte) => byte ^ 0x45)));
    payload = decryptCbc(encryption, Buffer.from(header.slice(0, 8), "latin1"), ciphertext);
  } else {
    const encryption = cipherOf(version, derive(version, kbpk, version === "E" ? 2 : 0));
    payload = version === "E" ? ctr(encryption, mac, ciphertext) : decryptCbc(encryption, mac, ciphertext);
  }
  const expected = header + block.slice(headerLength).toUpperCase();
  return referenceProtect(version, kbpk, header, payload) === expected ? payload : undefined;
}

function cbc(cipher: Cipher, iv: Buffer, data: Buffer): Buffer {
  let chain = iv;
  return Buffer.concat(blocksOf(data, cipher.size).map((block) => (chain = cipher.encrypt(xor(chain, block)))));
}

function decryptCbc(cipher: Cipher, iv: Buffer, data: Buffer): Buffer {
  const blocks = blocksOf(data, cipher.size);
  return Buffer.concat(blocks.map((block, i) => xor(cipher.decrypt(block), i === 0 ? iv : blocks[i - 1]!)));
}

function ctr(cipher: Cipher, counter: Buffer, data: Buffer): Buffer {
  const start = BigInt(`0x${counter.toString("hex")}`);
  const parts = blocksOf(data, 16).map((block, i) => {
    const value = ((start + BigInt(i)) % (1n << 128n)).toString(16).padStart(32, "0");
    return xor(block, cipher.encrypt(Buffer.from(value, "hex")));
  });
  return Buffer.concat(parts);
}

/** Length in bits, key, padding: section 6.4 of X9.143:2021. */
export function referencePayload(key: Buffer, padding: Buffer, bits = key.length * 8): Buffer {
  return Buffer.concat([Buffer.from([bits >> 8, bits & 255]), key, padding]);
}

/** A check value as KC and KP state it. */
export function referenceCheckValue(algorithm: string, key: Buffer, cmacMethod: boolean, bytes: number): string {
  const cipher = cipherOf(algorithm === "AES" ? "D" : "B", key);
  const zero = Buffer.alloc(cipher.size);
  return (cmacMethod ? cmac(cipher, zero) : cipher.encrypt(zero)).subarray(0, bytes).toString("hex").toUpperCase();
}
