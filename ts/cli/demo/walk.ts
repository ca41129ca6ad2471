/**
 * The walkthrough: a terminal and a merchant against a host over real HTTP, each step's result checked against what the protocol says
 * and, where something was protected, against what was to be seen on the wire.
 */
import { attestAndInstall, configure } from "./activation.js";
import { pair } from "./pairing.js";
import { pay } from "./payments.js";
import { Stage, type Surroundings } from "./stage.js";

export class Walk {
  readonly #stage: Stage;

  constructor(around: Surroundings) {
    this.#stage = new Stage(around);
  }

  /** The step that is under way, or was when the walk broke off. */
  get current(): string {
    return this.#stage.current;
  }

  async run(): Promise<void> {
    try {
      await pair(this.#stage);
      await attestAndInstall(this.#stage);
      await configure(this.#stage);
      await pay(this.#stage);
    } finally {
      this.#stage.terminal.destroy();
    }
  }
}
