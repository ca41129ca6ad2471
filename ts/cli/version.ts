/** The version of the package that this command is part of. */
import { readFileSync } from "node:fs";

/** From package.json, which is two folders up in the sources and in the built package alike. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
