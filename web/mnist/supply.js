// @ts-check
/** What training needs before anybody is asked: Python in a worker, and the images in it. */

import { ArrayDataset, sharedRuntime } from "../syft-web.js";
import { loadShare, shareOf } from "./images.js";

/** @typedef {import("./session.js").Change} Change */

export class Supply {
  /**
   * @param {(change: Change) => void} change
   * @param {(share: import("./images.js").Share) => void} onShare Sees the images before they move.
   */
  constructor(change, onShare) {
    this.change = change;
    this.onShare = onShare;
    /** @type {{key: string, dataset: ArrayDataset} | null} */
    this.images = null;
  }

  /**
   * Python and the images, side by side.
   *
   * @param {import("./session.js").Settings} settings
   * @param {AbortSignal} signal
   */
  async prepare(settings, signal) {
    const runtime = sharedRuntime();
    const key = `${settings.shard}/${settings.shards}`;
    if (this.images?.key === key && this.images.dataset.runtime === runtime) return this.images.dataset;
    const share = shareOf(settings.shard, settings.shards);
    this.change({ state: "loading" });
    let python = false;
    let images = { received: 0, total: /** @type {number | null} */ (share.length * 784) };
    /** @param {{stage: string, received: number, total: number}} boot */
    const onBoot = ({ stage, received, total }) => {
      python = stage === "ready";
      if (python) this.change({ state: "data", ...images });
      else this.change({ state: "loading", asset: stage, received, total });
    };
    /**
     * @param {number} received
     * @param {number} total
     */
    const onImages = (received, total) => {
      images = { received, total };
      if (python) this.change({ state: "data", ...images });
    };
    runtime.on("boot", onBoot);
    const loaded = await Promise.all([
      loadShare(share, onImages, signal),
      runtime.ready.then(() => void (python = true)),
    ]).finally(() => runtime.off("boot", onBoot));
    signal.throwIfAborted();
    const dataset = await this.move(loaded[0], key);
    signal.throwIfAborted();
    return dataset;
  }

  /**
   * Hands the images to the worker; their buffers are moved, nothing stays behind.
   *
   * @param {import("./images.js").Share} share
   * @param {string} key
   */
  async move(share, key) {
    this.change({ state: "data" });
    this.onShare(share);
    const dataset = new ArrayDataset([
      { data: share.images, shape: [share.length, 784], divide: 255 },
      { data: share.labels, oneHot: 10 },
    ]);
    await dataset.ready;
    this.images = { key, dataset };
    return dataset;
  }
}
