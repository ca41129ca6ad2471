/**
 * A vitest reporter that counts: results by tier into the JSON file named by TEST_COUNTS. A tier is the project, and inside the
 * project `node` the backend that a core case ran on.
 */
import { writeFileSync } from "node:fs";

export default class CountReporter {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {Record<string, { passed: number, failed: number, skipped: number }>} */
    const tiers = {};
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const isCase = /core\.test\.ts$/.test(module.moduleId) && test.parent.type === "suite";
        const backend = isCase ? ` ${test.fullName.split(" > ")[0]}` : "";
        const tier = `${module.project.name}${backend}`;
        tiers[tier] ??= { passed: 0, failed: 0, skipped: 0 };
        const state = test.result().state;
        tiers[tier][state === "passed" || state === "failed" ? state : "skipped"]++;
      }
    }
    const brokenModules = modules.filter((module) => module.errors().length > 0).length;
    const path = process.env["TEST_COUNTS"];
    if (path !== undefined) writeFileSync(path, JSON.stringify({ tiers, errors: brokenModules + unhandledErrors.length }));
  }
}
