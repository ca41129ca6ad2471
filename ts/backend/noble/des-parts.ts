/**
 * How the parts of a TDEA key relate: NIST SP 800-67 r2 clauses 3.2 and 3.3.2. Parts are secret; every byte is read whatever the
 * others are, and the answer is a public fact about the key.
 */

/** 1 if all bits of `difference` are 0, else 0. */
function isZero(difference: number): number {
  return Number(difference === 0);
}

/** 1 if the parts that begin at `a` and `b` are the same DES key. */
function samePart(key: Uint8Array, a: number, b: number): number {
  let difference = 0;
  for (let i = 0; i < 8; i++) difference |= (key[a + i]! ^ key[b + i]!) & 0xfe;
  return isZero(difference);
}

/** The bytes of the 4 weak and 12 semi-weak keys, which repeat two of them in each half. */
const FIRST_HALF = [0x00, 0x1e, 0xe0, 0xfe];
const SECOND_HALF = [0x00, 0x0e, 0xf0, 0xfe];

/** 1 if the part at `at` is a weak or semi-weak key. */
function isWeakPart(key: Uint8Array, at: number): number {
  let weak = 0;
  for (let pair = 0; pair < 16; pair++) {
    let difference = 0;
    for (let i = 0; i < 8; i++) {
      const half = i < 4 ? FIRST_HALF : SECOND_HALF;
      difference |= (key[at + i]! & 0xfe) ^ half[i % 2 === 0 ? pair & 3 : pair >> 2]!;
    }
    weak |= isZero(difference);
  }
  return weak;
}

/** As `Backend.slotParts` says. */
export function desParts(key: Uint8Array): number {
  const parts = key.length / 8;
  if (parts !== 1 && parts !== 2 && parts !== 3) return 0;
  let weak = 0;
  for (let at = 0; at < key.length; at += 8) weak |= isWeakPart(key, at);
  const firstTwo = parts > 1 ? samePart(key, 0, 8) : 0;
  const lastTwo = parts > 2 ? samePart(key, 8, 16) : 0;
  const outer = parts > 2 ? samePart(key, 0, 16) : 0;
  return firstTwo | (lastTwo << 1) | (outer << 2) | (weak << 3);
}
