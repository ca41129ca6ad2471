/** Uses the browser's store as an app's TypeScript does. Only checked, never run. */
import type { TerminalStore } from "viopay-pos-crypto/client";
import { IndexedDbStore } from "viopay-pos-crypto/client/browser";

export const store: TerminalStore = new IndexedDbStore("terminal", { indexedDB: globalThis.indexedDB });
