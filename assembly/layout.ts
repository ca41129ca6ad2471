/**
 * The memory map: the areas of linear memory. A file that divides an area of scratch among its own says so where it does.
 *
 * | offset  | size   | name          | secret | wiped by                                   |
 * |---------|--------|---------------|--------|--------------------------------------------|
 * | 0x00000 | 64     | NULL_GUARD    | no     | never written; handle 0 is never valid     |
 * | 0x00040 | 64     | CHAIN         | yes    | the call that ends a message               |
 * | 0x00080 | 64     | DIGEST        | yes    | the call that ends a message               |
 * | 0x000C0 | 64     | EXPECTED      | yes    | the call that compares                     |
 * | 0x00100 | 512    | HASH_SCHEDULE | yes    | every hash call                            |
 * | 0x00300 | 512    | BLOCK_SCRATCH | yes    | every call that uses it                    |
 * | 0x00500 | 640    | KBEK          | yes    | the key block call that derived it         |
 * | 0x00780 | 640    | KBAK          | yes    | the key block call that derived it         |
 * | 0x00A00 | 2560   | PLANES        | yes    | every AES call that uses it                |
 * | 0x01400 | 704    | DUKPT         | yes    | every DUKPT call                           |
 * | 0x016C0 | 2368   | (reserve)     |        |                                            |
 * | 0x02000 | 65 792 | IO            | yes    | the host's `wipeIo`, after it copied       |
 * | 0x12100 | ...    | constants     | no     | placed by the compiler (--memoryBase)      |
 * | heap    | 65536n | SLOTS         | yes    | `slotDestroy` (page heads: public, kept)   |
 *
 * Sizes are bytes. Everything but the constants and live slots is zero once the host has ended its message and wiped IO.
 */

/** Chaining value of CBC, CMAC and CTR (16 bytes), then the bytes so far of a streamed message (8 bytes). */
export const CHAIN: usize = 0x0040;
export const CHAIN_SIZE: i32 = 64;
export const TOTAL: usize = CHAIN + 16;

/** Running hash state (32 bytes SHA-1/SHA-256, 64 bytes SHA-512), then the finished digest or MAC. */
export const DIGEST: usize = 0x0080;
export const DIGEST_SIZE: i32 = 64;

/** 44 characters of Base64 to compare a MAC with, from the host. */
export const EXPECTED: usize = 0x00c0;
export const EXPECTED_SIZE: i32 = 44;

/** W+K of one hash block. */
export const HASH_SCHEDULE: usize = 0x0100;
export const HASH_SCHEDULE_SIZE: i32 = 512;

/** Last blocks of hashes, keys' blocks of HMAC, MACs and Base64 in the making. */
export const BLOCK_SCRATCH: usize = 0x0300;
export const BLOCK_SCRATCH_SIZE: i32 = 512;

/** Key block encryption and authentication keys, each in the shape of a key slot. */
export const KBEK: usize = 0x0500;
export const KBAK: usize = 0x0780;

/** AES: bit planes of round keys and states, and the last block of a CMAC. */
export const PLANES: usize = 0x0a00;
export const PLANES_SIZE: i32 = 2560;

/** DUKPT: the key under work (dukpt-derivation.ts), then handles that a call has made (32 bytes). */
export const DUKPT: usize = 0x1400;
export const DUKPT_SIZE: i32 = 704;
export const DUKPT_RESULTS: usize = DUKPT + 656;

/** Data in and out. 64 KiB and 256 bytes of slack for the last padded block. */
export const IO: usize = 0x2000;
export const IO_SIZE: i32 = 0x10100;
/** Bytes of IO that the host may fill. */
export const WINDOW: i32 = 0x10000;

/** Parts of a message before its last are multiples of this: the longest block of a hash, and a multiple of all other blocks. */
export const PART_UNIT: i32 = 128;

/** First byte the compiler may use for constants; equals `--memoryBase` in asconfig.json. */
export const CONSTANTS: usize = 0x12100;

/**
 * A key slot, by kind. Offsets are relative to the slot.
 *
 * | offset | size | field          | kinds        |
 * |--------|------|----------------|--------------|
 * | 0      | 2    | (zero)         | all          |
 * | 2      | 1    | kind           | all          |
 * | 3      | 1    | span in slots  | all          |
 * | 4      | 4    | material bytes | all          |
 * | 16     | 32   | material       | AES, TDES    |
 * | 48     | 32   | CMAC subkeys   | AES, TDES    |
 * | 80     | 560  | key schedule   | AES, TDES    |
 * | 16     | 32   | inner midstate | HMAC         |
 * | 48     | 32   | outer midstate | HMAC         |
 * | 80     | n    | material       | HMAC, OPAQUE |
 * | 80     | n    | state          | DUKPT        |
 */
export const SLOT_SIZE: i32 = 640;
export const SLOT_LIMIT: i32 = 65536;
export const SLOT_KIND: usize = 2;
export const SLOT_SPAN: usize = 3;
export const SLOT_LENGTH: usize = 4;
export const SLOT_BLOCK_MATERIAL: usize = 16;
export const SLOT_SUBKEYS: usize = 48;
export const SLOT_SCHEDULE: usize = 80;
export const SLOT_SCHEDULE_SIZE: i32 = 560;
export const SLOT_INNER: usize = 16;
export const SLOT_OUTER: usize = 48;
export const SLOT_BYTES_MATERIAL: usize = 80;

/**
 * A page of slots: the generations of its 102 slots (2 bytes each), the number of slots not to be given out (2 bytes), and from
 * byte 256 the slots. The head is public, and the only thing outside the constants that is not zero when no key lives.
 */
export const PAGE_SLOTS: i32 = 102;
export const PAGE_USED: usize = 204;
export const PAGE_HEAD_SIZE: i32 = 256;

/** Kinds of slot. 0 is a free slot. */
export const KIND_FREE: i32 = 0;
export const KIND_AES: i32 = 1;
export const KIND_TDES: i32 = 2;
export const KIND_HMAC: i32 = 3;
export const KIND_OPAQUE: i32 = 4;
/** A DUKPT terminal: its state (dukpt.ts), which only a key block brings in or out. */
export const KIND_DUKPT: i32 = 5;
