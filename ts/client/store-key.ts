/**
 * The store key: a random AES key that outcomes are sealed under while their records are kept. It is made at first use and stored as a
 * key block under the ZMK, so that outcomes stay readable after the key sets that they came under have gone.
 *
 * A terminal's ZMK often has mode of use D: it may only unwrap. That keeps a terminal from making blocks that others take for the
 * host's. This block is read by this terminal alone, and its header says that it is no key-encryption key; so it is wrapped by a
 * copy of the ZMK that lives for one call.
 */
import { unwrapKeyBlock } from "../core/key-block/unwrap.js";
import { wrapKeyBlock } from "../core/key-block/wrap.js";
import { copyWithAttributes } from "../core/key-set/key-set.js";
import { generateKey, internals, type SecretKey } from "../core/keys/key.js";
import { loadOwn, saveSession } from "./persistence.js";
import type { Context } from "./session.js";

const ATTRIBUTES = { algorithm: "AES", usage: "D0", modeOfUse: "B" } as const;

/**
 * The terminal's store key. `undefined` where there is none and none can be made: under a ZMK that is no AES key, which no AES key may
 * be wrapped under. Throws what the store throws.
 */
export function storeKey(context: Context): Promise<SecretKey | undefined> {
  const { session } = context;
  session.storeKey ??= readOrMake(context).catch((error: unknown) => {
    session.storeKey = undefined;
    throw error;
  });
  return session.storeKey;
}

/** The same, where there is one already. Throws what the store throws. */
export async function readStoreKey(context: Context): Promise<SecretKey | undefined> {
  if (context.session.storeKey !== undefined) return await context.session.storeKey;
  const stored = (await loadOwn(context))?.storeKey;
  const key = stored === undefined ? undefined : read(context.zmk, stored);
  if (key !== undefined) context.session.storeKey = Promise.resolve(key);
  return key;
}

async function readOrMake(context: Context): Promise<SecretKey | undefined> {
  const stored = (await loadOwn(context))?.storeKey;
  const known = stored === undefined ? undefined : read(context.zmk, stored);
  if (known !== undefined || context.zmk.algorithm !== "AES") return known;
  const { key, block } = make(context.zmk);
  try {
    await saveSession(context, () => ({ storeKey: block }));
    return key;
  } catch (error) {
    key.destroy();
    throw error;
  }
}

/** `undefined` for a block under another ZMK: what was sealed under its key stays unread. */
function read(zmk: SecretKey, block: string): SecretKey | undefined {
  try {
    return unwrapKeyBlock(zmk, block, { expectUsage: ATTRIBUTES.usage, expectModeOfUse: ATTRIBUTES.modeOfUse }).key;
  } catch {
    return undefined;
  }
}

function make(zmk: SecretKey): { key: SecretKey; block: string } {
  const { backend } = internals(zmk, "zmk");
  const key = generateKey({ ...ATTRIBUTES, exportability: "E", bits: zmk.bits, backend });
  const wrapping = copyWithAttributes(zmk, { modeOfUse: "B" });
  try {
    return { key, block: wrapKeyBlock(wrapping, key, { version: "D", exportability: "N" }) };
  } catch (error) {
    key.destroy();
    throw error;
  } finally {
    wrapping.destroy();
  }
}
