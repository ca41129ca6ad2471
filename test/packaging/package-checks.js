/** What others check packages for: publint, are-the-types-wrong (ESM only, as the package is), and knip over the sources. */
import { join } from "node:path";
import { must } from "./tally.js";
import { commandOf, folder, node, root } from "./tools.js";

/**
 * @param {import("./tally.js").Tally} tally
 * @param {string} tarball
 */
export async function checkPackage({ check }, tarball) {
  const commands = {
    "publint --strict": [commandOf("publint"), tarball, "--strict"],
    "attw --profile esm-only": [
      commandOf("@arethetypeswrong/cli", "attw"),
      tarball,
      "--profile",
      "esm-only",
      "--no-emoji",
      "--no-color",
    ],
    knip: [
      commandOf("knip"),
      "--directory",
      root,
      "--config",
      join(folder, "knip.json"),
      "--no-progress",
      "--treat-config-hints-as-errors",
    ],
  };
  for (const [name, command] of Object.entries(commands)) {
    await check(name, async () => {
      const { status, output, errors } = await node(command, { cwd: root });
      must(status === 0, `exit code ${status}\n${output}${errors}`);
    });
  }
}
