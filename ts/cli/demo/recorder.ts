/**
 * Watches a terminal's HTTP from outside: a `fetch` that keeps the bytes of every exchange as they were on the wire, so that the demo
 * can check what a listener would have seen.
 */
import type { Fetch } from "../../client/index.js";

export interface Exchange {
  readonly method: string;
  /** The request target. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sent: string;
  readonly status: number;
  readonly received: string;
}

export class Recorder {
  #last: Exchange | undefined;
  /** Every `X-Nonce` that was sent. */
  readonly nonces: string[] = [];

  get last(): Exchange {
    if (this.#last === undefined) throw new Error("nothing was exchanged");
    return this.#last;
  }

  readonly fetch: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    const received = await response.text();
    const { pathname, search } = new URL(url);
    const headers = init.headers as Record<string, string>;
    const nonce = headers["X-Nonce"];
    if (nonce !== undefined) this.nonces.push(nonce);
    const sent = typeof init.body === "string" ? init.body : "";
    this.#last = { method: init.method ?? "GET", path: pathname + search, headers, sent, status: response.status, received };
    return new Response(received, { status: response.status, headers: response.headers });
  };
}
