/**
 * What a backend is: the complete list of operations core asks of WebAssembly or of noble.
 *
 * Representation: bytes are `Uint8Array`, hexadecimal text is upper case out and either case in, Base64 is RFC 4648 clause 4
 * with padding. Every result is a fresh array that the caller owns. Key material goes in once (`createSlot`) and comes out only
 * through `readSlot`; everything else names a key by its slot.
 *
 * A backend checks lengths it depends on for memory safety and nothing else: argument validation with its messages is core's.
 * A slot that was destroyed, or reused since, throws `ERR_KEY_DESTROYED` in every operation that names it.
 */

declare global {
  /** As in the library `dom`, for consumers whose TypeScript does without: the only name of it in the types of core. */
  namespace WebAssembly {
    interface Module {}
  }
}

/** `wasm-simd`: WebAssembly with SIMD. `wasm`: WebAssembly without. `noble`: JavaScript, not constant-time. */
export type BackendName = "wasm-simd" | "wasm" | "noble";

/** The algorithms a backend computes with; everything else is kept as OPAQUE bytes. `DUKPT` is a terminal's state. */
export type SlotKind = "AES" | "TDES" | "HMAC" | "OPAQUE" | "DUKPT";

/** The calls of DUKPT: those of a host or an initial key, then those of a terminal (`Backend.dukpt`). */
export type DukptOperation =
  | "dukptInitialKey"
  | "dukptKeys"
  | "dukptLoad"
  | "dukptState"
  | "dukptNext"
  | "dukptSkip"
  | "dukptUpdateKey";

/** Names a key inside its backend: an index with a generation. Never 0. */
export type Slot = number;

/** `pkcs7`: RFC 5652 clause 6.3. `none`: whole blocks only. */
export type BlockPadding = "pkcs7" | "none";

/** Hash functions of HMAC keys. A slot's HMAC operations use SHA-256; the others exist for check values. */
export type HashName = "SHA-1" | "SHA-224" | "SHA-256" | "SHA-384" | "SHA-512";

/** TR-31 / X9.143 / ISO 20038 key block versions. */
export type KeyBlockVersion = "A" | "B" | "C" | "D" | "E";

/** How the plaintext of an envelope carries its bytes: as such, as upper-case hex text, or to be found out on opening. */
export type OpenEncoding = "hex" | "raw" | "auto";

/** Text is taken as UTF-8, in order, without separators. */
export type MessagePart = string | Uint8Array;

/** What became of a key block: opened into a slot, or refused for its MAC, or for its length field. */
export type UnwrapVerdict =
  /** `kind` is OPAQUE instead of the one asked for when the length does not suit it. `paddingLength`: payload bytes behind the key. */
  | { verdict: "opened"; slot: Slot; kind: SlotKind; length: number; paddingLength: number }
  /** The MAC does not verify. Nothing that depends on plaintext was looked at. */
  | { verdict: "mac" }
  /** The MAC verifies, but the length field is 0, not a multiple of 8, or larger than the payload. */
  | { verdict: "length" };

/**
 * All that core asks of WebAssembly or of noble. The three that exist are loaded by name; an object of this shape may be passed
 * to `loadCrypto`, which runs the known-answer tests on it. The file's head says how values are represented.
 */
export interface Backend {
  /** The backend's name. */
  readonly name: BackendName;
  /** Whether run time, branches and addresses are independent of key, plaintext, padding and MAC bytes. */
  readonly constantTime: boolean;

  /**
   * Copies `material` into a new slot and expands it. AES: 16, 24 or 32 bytes; TDES: 8, 16 or 24 (8 is single DES); HMAC and
   * OPAQUE: 1 to 8191. The caller wipes its own copy. Throws `ERR_KEY_CAPACITY`.
   */
  createSlot(kind: SlotKind, material: Uint8Array): Slot;
  /** Wipes and frees. A stale slot is ignored. */
  destroySlot(slot: Slot): void;
  /** Whether the slot names a key: false once it is destroyed or reused. */
  slotIsLive(slot: Slot): boolean;
  /** What the slot holds; `OPAQUE` is bytes that nothing is computed with. */
  slotKind(slot: Slot): SlotKind;
  /** Bytes of material. */
  slotLength(slot: Slot): number;
  /** A copy of the material, but never of a terminal's state; the caller wipes it. */
  readSlot(slot: Slot): Uint8Array;
  /**
   * How the 8-byte parts of a key of 8, 16 or 24 bytes relate, DES parity aside, compared in constant time: 1 K1 = K2, 2 K2 = K3,
   * 4 K1 = K3, 8 a part is a weak or semi-weak DES key (SP 800-67 r2 clauses 3.2 and 3.3.2), added up. 0 for other lengths.
   */
  slotParts(slot: Slot): number;

  /** One block through the bare cipher: 16 bytes for AES, 8 for TDES. */
  encryptBlock(slot: Slot, block: Uint8Array): Uint8Array;
  /** The inverse of `encryptBlock`. */
  decryptBlock(slot: Slot, block: Uint8Array): Uint8Array;
  /** SP 800-38A 6.2. With `none`, `data` is a multiple of the block. */
  cbcEncrypt(slot: Slot, iv: Uint8Array, data: Uint8Array, padding: BlockPadding): Uint8Array;
  /** `undefined`: the PKCS#7 padding is wrong. `data` is a non-empty multiple of the block (may be empty with `none`). */
  cbcDecrypt(slot: Slot, iv: Uint8Array, data: Uint8Array, padding: BlockPadding): Uint8Array | undefined;
  /** SP 800-38B: 16 bytes for AES, 8 for TDES. */
  cmac(slot: Slot, data: Uint8Array): Uint8Array;
  /** ISO 9797-1 algorithm 1, zero IV; `data` is a non-empty multiple of the block. Full block out. */
  cbcMac(slot: Slot, data: Uint8Array): Uint8Array;
  /** ISO 9797-1 algorithm 3 over a 16-byte TDES slot; `data` is a non-empty multiple of 8. 8 bytes out. */
  retailMac(slot: Slot, data: Uint8Array): Uint8Array;

  /** HMAC-SHA-256 of the parts' concatenation: 32 bytes. */
  hmac(slot: Slot, parts: readonly MessagePart[]): Uint8Array;
  /** The same as Base64: 44 characters. */
  hmacBase64(slot: Slot, parts: readonly MessagePart[]): string;
  /** Whether `expected` is exactly that text; constant time over 44 characters, `false` at once for another length. */
  hmacBase64Equals(slot: Slot, parts: readonly MessagePart[], expected: string): boolean;
  /** HMAC with another hash over an HMAC or OPAQUE slot, for check values: the full digest. */
  hmacWith(hash: HashName, slot: Slot, message: Uint8Array): Uint8Array;
  /** FIPS 180-4: the full digest. */
  digest(hash: HashName, data: Uint8Array): Uint8Array;

  /**
   * Opens `block` = header text, HEX(ciphertext), HEX(MAC), already checked for public syntax; `headerLength` characters belong
   * to the header text. Derives KBEK and KBAK from `kbpk`, verifies the MAC over the header text as received, and puts the key
   * into a new slot of `kind` (or OPAQUE). The material never leaves the backend.
   */
  unwrapKeyBlock(kbpk: Slot, version: KeyBlockVersion, block: string, headerLength: number, kind: SlotKind): UnwrapVerdict;
  /**
   * Payload = bit length, the material of `key`, `padding`. Returns HEX(ciphertext) then HEX(MAC); `header` already holds the
   * total length. `2 + slotLength(key) + padding.length` is a multiple of the cipher block (any length in version E).
   */
  wrapKeyBlock(kbpk: Slot, version: KeyBlockVersion, header: string, key: Slot, padding: Uint8Array): string;

  /**
   * DUKPT (X9.24-3:2017), in one call, so that neither an initial key nor a register nor a transaction key ever leaves the backend
   * (but as a terminal's state in a key block). `input` and the result are public. `undefined`: see the operation.
   *
   * An identity is 12 bytes: 8 of an AES initial key ID, or of a TDES KSN with the bits of the counter cleared; 2 zeros; the bits
   * of the counter (21 or 32); 1 if `slot` is a base derivation key. A request is 4 bytes: kind of slot (AES 1, TDES 2, HMAC 3),
   * bytes of the key, and its use: AES as in 6.3.2; TDES 8 times the place of FF in the variant from the right, and 100 (hex) for
   * the one-way step. Results are handles of 4 bytes each, in the order of the requests. Numbers are big-endian.
   *
   * - `dukptInitialKey`: identity to the initial key under the base derivation key `slot`
   * - `dukptKeys`: identity and requests to working keys at `counter`, which is not 0
   * - `dukptLoad`: identity to a terminal at counter 1. These three: `undefined` for a TDEA key of two equal halves
   * - `dukptState`: the public 24 bytes of a terminal's state (kind, bytes of a key, bits of the counter, format; next counter,
   *   all ones at the end; registers in use; identity), or `undefined` if the state cannot be one
   * - `dukptNext`: requests to working keys of the next transaction, which is spent; `undefined` if there is none
   * - `dukptSkip`: spends every counter below `counter`; `undefined` if that is no later counter
   * - `dukptUpdateKey`: one request, whose use does not count, to the update key of an AES terminal
   */
  dukpt(operation: DukptOperation, slot: Slot, counter: number, input: Uint8Array): Uint8Array | undefined;

  /** AES-CBC with PKCS#7 over the UTF-8 of `plaintext` (or its upper-case hex text): hex ciphertext. */
  seal(slot: Slot, iv: Uint8Array, plaintext: MessagePart, encoding: "hex" | "raw"): string;
  /**
   * The inverse for hex `ciphertext` of a non-zero multiple of 32 digits (other characters are a failed opening).
   * `undefined` for every cause: padding, hex text. `auto` takes the plaintext for hex text only when it is an even number of
   * hex digits whose first decoded bytes are `{`, `[` or 1F 8B.
   */
  open(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): Uint8Array | undefined;
  /** As `open`, decoded as UTF-8; invalid UTF-8 is `undefined`, too. */
  openText(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): string | undefined;

  /** Upper-case hex of secret bytes. */
  encodeHex(bytes: Uint8Array): string;
  /** Bytes of hex text of either case; `undefined` for anything but an even number of hex digits. */
  decodeHex(text: string): Uint8Array | undefined;
  /** Equality of two byte strings; constant time where lengths agree. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}
