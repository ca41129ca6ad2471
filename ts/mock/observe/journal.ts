/** The latest requests of this process, as observers see them: for the portal, `GET /mock/requests` and `MockServer.requests`. */
import type { RequestEvent } from "./observe.js";

/** A request in the journal. */
export interface JournalledRequest extends RequestEvent {
  /** Counts the requests of this process, from 1. */
  number: number;
}

const KEPT = 300;

export class RequestJournal {
  readonly #requests: JournalledRequest[] = [];
  #last = 0;

  /** The oldest is pushed out. Browsers' preflights are no part of the story. */
  add(event: RequestEvent): void {
    if (event.method === "OPTIONS") return;
    this.#last += 1;
    this.#requests.push({ ...event, number: this.#last });
    if (this.#requests.length > KEPT) this.#requests.shift();
  }

  /** Those with a greater number, the oldest first. */
  after(number: number): JournalledRequest[] {
    return this.#requests.filter((request) => request.number > number);
  }

  /** Numbers go on: whoever has asked before is not told the same again. */
  clear(): void {
    this.#requests.length = 0;
  }
}
