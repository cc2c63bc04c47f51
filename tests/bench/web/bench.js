// The page of the benchmarks: every engine behind the same few functions, which
// tests/bench/page.py calls. Nothing is measured here but by the engines themselves.

import { JaxSteps, loadJax } from "./jax_steps.js";
import { TfjsSteps, loadTfjs } from "./tfjs_steps.js";

/* global tf */

const TYPES = { float32: Float32Array, int32: Int32Array };

let py = null;
const cases = {};
const running = {};

async function load(name) {
  if (cases[name]) return cases[name];
  const about = await (await fetch(`/made/${name}/case.json`)).json();
  const bytes = await (await fetch(`/made/${name}/arrays.bin`)).arrayBuffer();
  const arrays = {};
  for (const [key, dtype, shape, offset] of about.arrays) {
    const count = shape.reduce((a, b) => a * b, 1);
    arrays[key] = { data: new TYPES[dtype](bytes, offset, count), shape };
  }
  cases[name] = { about, arrays };
  return cases[name];
}

/** Start Pyodide with the site's package and tests/bench/measures.py. */
async function bootPython() {
  const start = performance.now();
  const { loadPyodide } = await import("/pyodide/pyodide.mjs");
  py = await loadPyodide({ packages: ["syft_web"] });
  const booted = performance.now();
  py.FS.writeFile("measures.py", await (await fetch("/bench/measures.py")).text());
  py.runPython("import sys; sys.path.insert(0, '.'); import json, measures");
  return { boot: (booted - start) / 1000, import: (performance.now() - booted) / 1000 };
}

/** Lines of Python; the value of the last one comes back through JSON. */
async function python(code) {
  return JSON.parse(await py.runPythonAsync(code));
}

/** Bring files of the server to Pyodide. */
async function give(paths) {
  for (const path of paths) {
    const answer = await fetch(`/made/${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    py.FS.mkdirTree(`/made/${path}`.replace(/\/[^/]*$/, ""));
    py.FS.writeFile(`/made/${path}`, new Uint8Array(await answer.arrayBuffer()));
  }
}

/** From an empty page to the first training step of a case, and what was downloaded for it. */
async function start(name) {
  const times = await bootPython();
  await prepare("python:auto", name);
  const [loss] = await visit("python:auto", name, "losses", 1);
  const seconds = performance.now() / 1000;
  const files = performance.getEntriesByType("resource").map((entry) => {
    return [new URL(entry.name).pathname, entry.transferSize, entry.encodedBodySize];
  });
  return { ...times, seconds, loss, files };
}

/** Unpack a wheel that Pyodide was given into its packages. */
async function install(path) {
  py.unpackArchive(py.FS.readFile(path), "wheel");
}

class PythonSteps {
  constructor(build, name) {
    this.build = build;
    this.name = name;
    this.steps = `steps_${name}_${build}`;
  }

  async prepare() {
    const reason = await python(`json.dumps(measures.use("${this.build}"))`);
    if (reason) throw new Error(reason);
    await give(["case.json", "arrays.bin", "plan.bin"].map((file) => `${this.name}/${file}`));
    await python(`
case = measures.Case("/made/${this.name}")
${this.steps} = measures.PlanSteps(case)
"null"`);
  }

  async call(code) {
    return python(`measures.use("${this.build}"); json.dumps(${this.steps}.${code})`);
  }

  losses(count) {
    return this.call(`losses(${count})`);
  }

  time(count) {
    return this.call(`time(${count})`);
  }
}

/** An engine ready for a case, under a key; engine: "python:BUILD", "tfjs:BACKEND", "jax". */
async function prepare(engine, name) {
  const [kind, part] = engine.split(":");
  const { about, arrays } = await load(name);
  let steps = null;
  if (kind === "python") {
    steps = new PythonSteps(part, name);
    await steps.prepare();
  } else if (kind === "tfjs") {
    await tf.setBackend(part);
    await tf.ready();
    steps = new TfjsSteps(about, arrays);
  } else {
    steps = new JaxSteps(about, arrays);
  }
  running[`${engine}/${name}`] = steps;
}

async function visit(engine, name, action, count) {
  const [kind, part] = engine.split(":");
  if (kind === "tfjs") await tf.setBackend(part);
  return running[`${engine}/${name}`][action](count);
}

window.bench = { bootPython, give, install, loadJax, loadTfjs, prepare, python, start, visit };
