/**
 * The session in the store, one access at a time: what is read is not replaced meanwhile, and what is written was read before.
 *
 * A save replaces the fields it names and leaves the others as they are stored. So a step that has not read the store cannot drop
 * the key sets that open payments of an earlier process need, and no step can write back keys that another has just replaced.
 */
import { PosCryptoError } from "../base/errors.js";
import { installKeySet, type KeysResponse } from "../core/key-set/install.js";
import type { Context, Installed } from "./session.js";
import type { StoredTerminal } from "./store/store.js";

/** What a step has reached. No retired key sets: an empty list. */
type Reached = Partial<Pick<StoredTerminal, "terminalId" | "keys" | "retiredKeys" | "activatedAt" | "keysMadeAt" | "storeKey">>;

function inTurn<T>(context: Context, body: () => Promise<T>): Promise<T> {
  const turn = context.storing.then(body);
  context.storing = turn.then(
    () => {},
    () => {},
  );
  return turn;
}

/** Errors: `ERR_STATE` where the store is another device's, whose keys and payments would be lost. */
export async function loadOwn(context: Context): Promise<StoredTerminal | undefined> {
  const stored = await context.store.loadTerminal();
  if (stored !== undefined && stored.deviceId !== context.identity.deviceId) {
    throw new PosCryptoError("ERR_STATE", "the store belongs to another device");
  }
  return stored;
}

/**
 * Persists what `reached` names, and what the session knows of pairing and clock. Both functions run in this save's turn: `reached`
 * just before the writing, `then` as soon as it is durable. Errors: `ERR_STATE` where the store is another device's.
 */
export function saveSession(context: Context, reached: () => Reached = () => ({}), then: () => void = () => {}): Promise<void> {
  return inTurn(context, async () => {
    const stored = await loadOwn(context);
    const { retiredKeys = [], ...fields } = { ...stored, ...reached() };
    await context.store.saveTerminal({
      ...fields,
      ...(retiredKeys.length === 0 ? {} : { retiredKeys }),
      version: 1,
      deviceId: context.identity.deviceId,
      claimed: context.session.claimed,
      clockOffsetMs: context.clock.offsetMs,
    });
    then();
  });
}

/** Whether stored keys that do not open end a restoration, or are left in the store while a new set is fetched. */
type KeysNeeded = "they must open" | "if they open";

/**
 * Takes pairing, terminal id and key sets back from the store where this session has no keys. Throws `ERR_STATE` where the store is
 * another device's; what `installKeySet` throws, where stored keys must open and do not.
 */
export function restoreSession(context: Context, need: KeysNeeded = "they must open"): Promise<void> {
  return inTurn(context, async () => {
    const stored = await loadOwn(context);
    const { session, clock } = context;
    if (stored === undefined || session.installed !== undefined) return;
    session.keysMadeAt ??= stored.keysMadeAt;
    restoreKeys(context, stored, need);
    session.claimed ||= stored.claimed;
    session.terminalId ??= stored.terminalId;
    session.activatedAt ??= stored.activatedAt;
    if (!session.bootstrapped && Number.isFinite(stored.clockOffsetMs)) clock.restore(stored.clockOffsetMs!);
  });
}

/** Opens what can be opened. Retired sets that cannot are kept for their payments, which stay unknown. */
function restoreKeys(context: Context, stored: StoredTerminal, need: KeysNeeded): void {
  const { session, zmk, clock } = context;
  const open = (response: KeysResponse): Installed => ({
    response,
    keys: installKeySet(zmk, response),
    installedAt: clock.now(),
  });
  const unopened: KeysResponse[] = [];
  const openIfPossible = (response: KeysResponse): Installed[] => {
    try {
      return [open(response)];
    } catch {
      unopened.push(response);
      return [];
    }
  };
  const { keys, retiredKeys = [] } = stored;
  const current = keys === undefined ? [] : need === "if they open" ? openIfPossible(keys) : [open(keys)];
  session.retired = ([] as Installed[]).concat(...retiredKeys.map(openIfPossible));
  session.unopened = unopened;
  session.installed = current[0];
}
