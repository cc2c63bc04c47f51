// @ts-check
/**
 * Runs tests/conformance/kernel_checks.py inside Pyodide.
 *
 * `runChecks` works on any Pyodide, in a browser too. Called by Node, this file boots the
 * Pyodide of the built site and prints one line of JSON for each check:
 *
 *   node kernels_runner.mjs '{"pyodide": FOLDER, "project": FOLDER, "builds": [BUILD, ...]}'
 */

const script = `
import json, sys, traceback

sys.path.insert(0, project)
from syft_web import kernels
from tests.conformance import kernel_checks

report(json.dumps({"info": kernels.info()}))
for build in builds:
    for name in kernel_checks.CHECKS:
        error = None
        try:
            kernel_checks.run(name, build)
        except Exception:
            error = traceback.format_exc()
        report(json.dumps({"build": build, "name": name, "error": error}))
`;

/**
 * @param {any} pyodide One with syft_web loaded.
 * @param {string} project Root of this checkout in its own file system.
 * @param {string[]} builds Of the kernels.
 * @param {(line: string) => void} report Takes a line of JSON: what is in use, then the checks.
 */
export function runChecks(pyodide, project, builds, report) {
  const locals = pyodide.toPy({ project, builds });
  locals.set("report", report);
  pyodide.runPython(script, { globals: locals });
}

/** @param {{pyodide: string, project: string, builds: string[]}} real */
async function main(real) {
  const { loadPyodide } = await import(`${real.pyodide}/pyodide.mjs`);
  const pyodide = await loadPyodide({
    indexURL: real.pyodide,
    packages: ["syft_web"],
    stdout: console.error,
    stderr: console.error,
  });
  // Of the checkout only the tests: the package has to come out of its wheel.
  pyodide.mountNodeFS("/project/tests", `${real.project}/tests`);
  runChecks(pyodide, "/project", real.builds, (line) => console.log(line));
}

const given = globalThis.process?.argv?.[2];
if (given) await main(JSON.parse(given));
