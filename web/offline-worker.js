// @ts-check
/**
 * The service worker of the site: what was loaded once is there without a network.
 *
 * The build lists every file with a key that changes with its contents (`site-files.js`). A file
 * is answered from the cache if it is there under its key; else it is fetched, and kept. So nothing
 * stale is ever served, and after a new build only what changed is fetched. Parts of files, asked
 * for by their range, are kept as such.
 *
 * Messages of pages: `{keep: true}` fetches everything that a page needs to start again;
 * `{takeOver: true}` lets a new version of this worker begin at once, if no other page is open.
 */

const worker = /** @type {any} */ (self);
const cacheName = "syft-web-site";

worker.importScripts("site-files.js");
/** Key of each file's contents by its path. @type {Record<string, string>} */
const files = worker.siteFiles;

/** What a page fetches by itself when it is wanted. */
const notKept = /^(data|simple)\//;

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(Promise.all([forgetOthers(), worker.clients.claim()]));
});

worker.addEventListener("message", (/** @type {any} */ event) => {
  if (event.data?.keep) event.waitUntil(keepAll());
  if (event.data?.takeOver) event.waitUntil(takeOver());
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const path = pathOf(event.request.url);
  if (event.request.method === "GET" && path) event.respondWith(answer(event, path));
});

/**
 * The path of a file of this site; empty for anything else.
 *
 * @param {string} address
 */
function pathOf(address) {
  const scope = worker.registration.scope;
  const url = new URL(address);
  const plain = url.origin + url.pathname;
  if (!plain.startsWith(scope)) return "";
  const path = decodeURIComponent(plain.slice(scope.length));
  const file = path === "" || path.endsWith("/") ? `${path}index.html` : path;
  return Object.hasOwn(files, file) ? file : "";
}

/**
 * Under which address a file, or a part of it, is in the cache.
 *
 * @param {string} path
 * @param {string | null} range
 */
function keyOf(path, range) {
  const key = new URL(encodeURI(path), worker.registration.scope);
  key.searchParams.set("contents", files[path]);
  if (range) key.searchParams.set("range", range);
  return key.href;
}

/**
 * @param {any} event
 * @param {string} path
 */
async function answer(event, path) {
  const range = event.request.headers.get("range");
  const key = keyOf(path, range);
  const cache = await caches.open(cacheName);
  const found = await cache.match(key);
  if (found) return range ? asPart(found) : found;
  const response = await fetch(event.request);
  // A cache takes no partial answers; its status is put right when it is read.
  const kept = response.status === (range ? 206 : 200) && response.type === "basic";
  if (kept && !response.redirected) {
    const { headers } = response;
    const copy = new Response(response.clone().body, { headers });
    // A full disk is no reason to fail.
    event.waitUntil(cache.put(key, copy).catch(() => undefined));
  }
  return response;
}

/** @param {Response} found */
function asPart(found) {
  return new Response(found.body, { status: 206, headers: found.headers });
}

/** Fetches what is not in the cache yet; the browser's own cache has most of it. */
async function keepAll() {
  const cache = await caches.open(cacheName);
  for (const path of Object.keys(files)) {
    const key = keyOf(path, null);
    if (notKept.test(path) || (await cache.match(key))) continue;
    const response = await fetch(new URL(encodeURI(path), worker.registration.scope), {
      cache: "no-cache",
    });
    if (response.ok) await cache.put(key, response);
  }
  for (const client of await worker.clients.matchAll()) client.postMessage({ kept: true });
}

/** Removes contents that no file has any more. */
async function forgetOthers() {
  const cache = await caches.open(cacheName);
  const current = new Set(Object.keys(files).map((path) => keyOf(path, null)));
  for (const request of await cache.keys()) {
    const url = new URL(request.url);
    url.searchParams.delete("range");
    if (!current.has(url.href)) await cache.delete(request);
  }
}

async function takeOver() {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.length <= 1) await worker.skipWaiting();
}
