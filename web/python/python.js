// @ts-check
/**
 * Runs a program in Python, in this very page: what PyScript and JupyterLite do as well.
 *
 * Query parameter: `grid`, the address that the program finds under the name `grid`.
 */

import { get } from "../common/elements.js";
import { keepOffline } from "../common/offline.js";

const query = new URLSearchParams(location.search);
const program = /** @type {HTMLTextAreaElement} */ (get("program"));
const run = /** @type {HTMLButtonElement} */ (get("run"));
const output = get("output");
const status = (/** @type {string} */ text) => void (get("status").textContent = text);
const root = document.documentElement;

let busy = false;
void keepOffline({ busy: () => busy });

/** @param {string} line */
function say(line) {
  output.append(`${line}\n`);
  output.scrollTop = output.scrollHeight;
}

async function load() {
  const [text, { loadPyodide }] = await Promise.all([
    fetch("program.txt").then((answer) => answer.text()),
    import(new URL("../pyodide/pyodide.mjs", import.meta.url).href),
  ]);
  program.value = text;
  return loadPyodide({
    indexURL: new URL("../pyodide/", import.meta.url).href,
    packages: ["syft_web"],
    stdout: say,
    stderr: say,
  });
}

async function start() {
  root.dataset.state = "loading";
  const python = await load();
  python.globals.set("grid", query.get("grid") ?? "ws://127.0.0.1:5000");
  run.addEventListener("click", async () => {
    busy = run.disabled = true;
    root.dataset.state = "running";
    output.textContent = "";
    status("Running…");
    try {
      await python.runPythonAsync(program.value);
      status("Done.");
      root.dataset.state = "done";
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
      status("It ended with an error; the last line says which.");
      root.dataset.state = "error";
    } finally {
      busy = run.disabled = false;
    }
  });
  run.disabled = false;
  status("Ready.");
  root.dataset.state = "idle";
}

start().catch((error) => {
  root.dataset.state = "error";
  status("Python could not be loaded. Check your internet connection, then load the page again.");
  console.error(error);
});
