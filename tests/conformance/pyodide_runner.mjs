// @ts-check
/**
 * Runs tests/conformance/cases.py inside Pyodide.
 *
 * `runCases` works on any Pyodide, in a browser too. Called by Node, this file boots the
 * Pyodide of the built site and prints one line of JSON for each case:
 *
 *   node pyodide_runner.mjs '{"pyodide": FOLDER, "project": FOLDER, "fixtures": FOLDER | null,
 *                             "mnist": FOLDER | null, "kernels": BUILD | null}'
 */

const script = `
import json, sys, time, traceback
from pathlib import Path

sys.path.insert(0, project)
from syft_web import kernels
from tests.conformance import cases

if build:
    kernels.use(build)

folders = cases.Folders(
    plans=Path(project) / "tests" / "conformance" / "data",
    fixtures=Path(fixtures) if fixtures else None,
    mnist=Path(mnist) if mnist else None,
)
for name in cases.names(folders):
    started, error = time.perf_counter(), None
    try:
        cases.run(name, folders)
    except Exception:
        error = traceback.format_exc()
    seconds = time.perf_counter() - started
    report(json.dumps({"name": name, "error": error, "seconds": round(seconds, 4)}))
`;

/**
 * @param {any} pyodide One with syft_web loaded.
 * @param {{project: string, fixtures: string | null, mnist: string | null}} folders Of its own
 *   file system; `project` is the root of this checkout.
 * @param {(line: string) => void} report Takes a line of JSON for each case.
 * @param {string | null} build Of the kernels; the best one when null.
 */
export function runCases(pyodide, folders, report, build = null) {
  const locals = pyodide.toPy({ ...folders });
  locals.set("report", report);
  locals.set("build", build ?? "");
  pyodide.runPython(script, { globals: locals });
}

/**
 * @param {{pyodide: string, project: string, fixtures: string | null, mnist: string | null,
 *   kernels: string | null}} real
 */
async function main(real) {
  const { loadPyodide } = await import(`${real.pyodide}/pyodide.mjs`);
  const pyodide = await loadPyodide({
    indexURL: real.pyodide,
    packages: ["syft_web"],
    // Only the cases' own lines may reach standard output.
    stdout: console.error,
    stderr: console.error,
  });
  /** @param {string} name @param {string | null} folder */
  const mount = (name, folder) => {
    if (folder === null) return null;
    pyodide.mountNodeFS(name, folder);
    return name;
  };
  const folders = {
    project: "/project",
    fixtures: mount("/fixtures", real.fixtures),
    mnist: mount("/mnist", real.mnist),
  };
  // Of the checkout only the tests: the package has to come out of its wheel.
  mount("/project/tests", `${real.project}/tests`);
  runCases(pyodide, folders, (line) => console.log(line), real.kernels);
}

const given = globalThis.process?.argv?.[2];
if (given) await main(JSON.parse(given));
