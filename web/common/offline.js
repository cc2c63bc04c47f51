// @ts-check
/** Makes a page of this site start without a network from its second visit on. */

/**
 * Registers the site's service worker, and lets it keep what the page needs.
 *
 * After a new build the page is loaded once more, unless it is busy or others are open; then
 * the next visit is the first with the new files.
 *
 * @param {{busy: () => boolean}} options `busy` says whether the person would lose something.
 * @returns {Promise<boolean>} Whether the page will start without a network next time.
 */
export async function keepOffline({ busy }) {
  // Not in private windows of some browsers, nor on plain http beyond this machine.
  const workers = navigator.serviceWorker;
  if (!workers) return false;
  try {
    const before = workers.controller;
    const registration = await workers.register(new URL("../offline-worker.js", import.meta.url), {
      updateViaCache: "none",
    });
    workers.addEventListener("controllerchange", () => {
      if (before && !busy()) location.reload();
    });
    const offer = () => {
      if (before && registration.waiting && !busy()) {
        registration.waiting.postMessage({ takeOver: true });
      }
    };
    offer();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", offer);
    });
    const kept = new Promise((resolve) => {
      workers.addEventListener("message", ({ data }) => data?.kept && resolve(true));
    });
    (await workers.ready).active?.postMessage({ keep: true });
    return await kept;
  } catch (error) {
    console.info("This page will need the network next time as well:", error);
    return false;
  }
}
