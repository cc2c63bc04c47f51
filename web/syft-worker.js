// @ts-check
/**
 * The worker in which Python lives.
 *
 * It boots Pyodide from `./pyodide/`, with the wheels named in `pyodide-lock.json` fetched while
 * the runtime starts, imports `syft_web.bridge`, and then only carries messages: what the page
 * posts goes to `Bridge.receive`, what the bridge emits is posted to the page. The message format
 * is described in `syft_web/bridge/__init__.py`.
 *
 * Messages of its own, before the bridge is there:
 *   {kind: "boot", stage: "runtime" | "import" | "ready", received, total, ...}, in bytes; total
 *   is 0 until it is known
 *   {kind: "boot-failed", code, message, where}
 *
 * and at any time those of `syft-web/traffic.js`: {kind: "traffic", ...}.
 */

import { watchTraffic } from "./syft-web/traffic.js";

/** @typedef {{received: number, total: number, done: boolean}} FileProgress */

const base = new URL("./pyodide/", import.meta.url);
const core = ["pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"];
const wanted = ["syft_web"];
const started = performance.now();

/** The smallest WebAssembly module: nothing but its header. */
const emptyModule = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** How long Python's start waits for the sizes of its files. */
const sizesMs = 1000;

/** What the page posted while Python was still booting. @type {unknown[]} */
const waiting = [];
/** @type {(message: any) => void} */
let deliver = (message) => void waiting.push(message);

self.addEventListener("message", (event) => deliver(event.data));

async function boot() {
  const progress = new BootProgress();
  try {
    const python = await Promise.race([startPython(progress), progress.failure]);
    progress.stage("import");
    // One turn of the event loop, so that the page hears of the stage before Python blocks it.
    await new Promise((resolve) => setTimeout(resolve));
    const heap = () => python._module.HEAPU8.length;
    const bridge = python.pyimport("syft_web.bridge").Bridge.callKwargs(relay, { heap });
    deliver = (message) => {
      const converted = python.toPy(message);
      bridge.receive(converted);
      converted.destroy?.();
    };
    progress.stage("ready", {
      ms: Math.round(performance.now() - started),
      python: python.runPython("import sys; sys.version.split()[0]"),
    });
    for (const message of waiting.splice(0)) deliver(message);
  } finally {
    progress.close();
  }
}

/**
 * @param {BootProgress} progress
 * @returns {Promise<any>} Pyodide's own object.
 */
async function startPython(progress) {
  progress.stage("runtime");
  // Pyodide waits for ever where a Content-Security-Policy forbids WebAssembly.
  await WebAssembly.compile(emptyModule).catch((error) => {
    throw Object.assign(new Error(`WebAssembly is not allowed here (${error}).`), { code: "boot.wasm" });
  });
  const lockFileURL = new URL("pyodide-lock.json", base).href;
  const packages = progress.fetchJson(lockFileURL).then((lock) => packageFiles(lock, wanted));
  const sizes = packages.then((files) => progress.expect([...core, ...files])).catch(progress.fail);
  const { loadPyodide } = await import(new URL("pyodide.mjs", base).href);
  // A browser has few connections to a server; once the files fill them, sizes come too late.
  await Promise.race([sizes, new Promise((resolve) => setTimeout(resolve, sizesMs))]);
  return loadPyodide({
    indexURL: base.href,
    lockFileURL,
    packages: wanted,
    stdout: (/** @type {string} */ line) => console.debug(line),
    stderr: (/** @type {string} */ line) => console.warn(line),
  });
}

/**
 * File names of `names` and of all that they depend on.
 *
 * @param {{packages: Record<string, {file_name: string, depends: string[]}>}} lock
 * @param {string[]} names
 */
function packageFiles(lock, names) {
  /** @type {Map<string, string>} */
  const files = new Map();
  /** @param {string} name */
  const visit = (name) => {
    const key = name.toLowerCase();
    const entry = lock.packages[key] ?? lock.packages[key.replaceAll("_", "-")];
    if (!entry) throw new Error(`pyodide-lock.json does not list the package ${name}.`);
    if (files.has(entry.file_name)) return;
    files.set(entry.file_name, key);
    entry.depends.forEach(visit);
  };
  names.forEach(visit);
  return [...files.keys()];
}

/**
 * Sends what the bridge emits to the page; buffers are moved, not copied again.
 *
 * @param {any} event A Python dict, valid during this call only.
 */
function relay(event) {
  const message = event.toJs({ dict_converter: Object.fromEntries, create_pyproxies: false });
  /** @type {Transferable[]} */
  const buffers = [];
  collectBuffers(message, buffers);
  self.postMessage(message, { transfer: buffers });
}

/**
 * @param {unknown} value
 * @param {Transferable[]} buffers
 */
function collectBuffers(value, buffers) {
  if (ArrayBuffer.isView(value)) buffers.push(/** @type {ArrayBuffer} */ (value.buffer));
  else if (value && typeof value === "object") {
    for (const item of Object.values(value)) collectBuffers(item, buffers);
  }
}

/**
 * Counts the bytes of the boot as they arrive, and notices files that do not.
 *
 * Pyodide offers no progress, and waits for ever when its core cannot be fetched; so while it
 * boots, `fetch` is watched. `pyodide.asm.js` comes by `import()` and is counted when it is there.
 */
class BootProgress {
  constructor() {
    /** @type {Map<string, FileProgress>} */
    this.files = new Map();
    /** @type {string} */
    this.current = "runtime";
    this.lastPost = 0;
    /** Whether the sizes of all files are known, so that there is a total to tell. */
    this.sized = false;
    /** @type {Map<string, Promise<any>>} */
    this.json = new Map();
    /** @type {(error: unknown) => void} */
    this.fail = () => undefined;
    this.failure = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failure.catch(() => undefined);
    this.nativeFetch = self.fetch;
    self.fetch = (input, init) => this.fetch(input, init);
    this.observer = new PerformanceObserver((list) => {
      for (const entry of /** @type {PerformanceResourceTiming[]} */ (list.getEntries())) {
        // What comes by `fetch` is counted as it comes, and a HEAD brings nothing.
        if (entry.initiatorType !== "fetch") this.finish(entry.name);
      }
    });
    this.observer.observe({ type: "resource", buffered: true });
  }

  close() {
    self.fetch = this.nativeFetch;
    this.observer.disconnect();
  }

  /**
   * @param {string} name
   * @param {object} [more]
   */
  stage(name, more = {}) {
    this.current = name;
    this.post(more);
  }

  /** @param {object} [more] */
  post(more = {}) {
    this.lastPost = performance.now();
    let received = 0;
    let total = 0;
    for (const file of this.files.values()) {
      // A compressed file has a size on its way that is smaller than what arrives of it.
      const { received: some, total: size } = file;
      received += file.done ? size : size ? Math.min(some, size) : some;
      total += size;
    }
    if (!this.sized) total = 0;
    self.postMessage({ kind: "boot", stage: this.current, received, total, ...more });
  }

  /**
   * Asks for the sizes of all files at once, so that the total is known from the start.
   *
   * @param {string[]} names
   */
  async expect(names) {
    const sizes = await Promise.all(
      names.map(async (name) => {
        const url = new URL(name, base).href;
        const answer = await this.nativeFetch.call(self, url, { method: "HEAD" }).catch(() => null);
        const size = Number(answer?.ok ? answer.headers.get("Content-Length") : 0);
        if (size > 0) this.file(url).total = size;
        return size;
      }),
    );
    // A total of some of the files would be passed by what arrives.
    this.sized = sizes.every((size) => size > 0);
    this.post();
  }

  /** @param {string} url */
  file(url) {
    let file = this.files.get(url);
    if (!file) this.files.set(url, (file = { received: 0, total: 0, done: false }));
    return file;
  }

  /** @param {string} url */
  finish(url) {
    const file = this.files.get(url);
    if (!file || file.done) return;
    file.done = true;
    this.post();
  }

  /**
   * A file that both this worker and Pyodide read is fetched once.
   *
   * @param {string} url
   */
  fetchJson(url) {
    const answer = this.nativeFetch.call(self, url).then((response) => {
      if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
      return response.json();
    });
    this.json.set(url, answer);
    return answer;
  }

  /**
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   */
  async fetch(input, init) {
    const url = new URL(input instanceof Request ? input.url : input, self.location.href).href;
    const known = this.json.get(url);
    if (known) return new Response(JSON.stringify(await known));
    if (!url.startsWith(base.href)) return this.nativeFetch.call(self, input, init);
    /** @type {Response} */
    let response;
    try {
      response = await this.nativeFetch.call(self, input, init);
    } catch (error) {
      const broken = new Error(`${url} could not be fetched (${error}).`);
      this.fail(broken);
      throw broken;
    }
    if (!response.ok) this.fail(new Error(`${url} answered ${response.status}.`));
    return this.counted(response, this.file(url));
  }

  /**
   * The same answer, with its bytes counted on their way.
   *
   * @param {Response} response
   * @param {FileProgress} file
   */
  counted(response, file) {
    if (!response.body) return response;
    const count = new TransformStream({
      transform: (/** @type {Uint8Array} */ chunk, controller) => {
        file.received += chunk.byteLength;
        // Ten reports a second are enough for a progress bar.
        if (performance.now() - this.lastPost > 100) this.post();
        controller.enqueue(chunk);
      },
      flush: () => {
        file.total ||= file.received;
        file.done = true;
        this.post();
      },
    });
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(count), { status, statusText, headers });
  }
}

watchTraffic((entry) => self.postMessage({ kind: "traffic", ...entry }));
boot().catch((error) => {
  self.postMessage({
    kind: "boot-failed",
    code: error?.code ?? "boot",
    message: `Python could not be started: ${error instanceof Error ? error.message : error}`,
    where: "boot",
  });
});
