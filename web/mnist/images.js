// @ts-check
/** The page's share of MNIST, read from IDX files by range. */

import { SyftError } from "../syft-web.js";

/**
 * @typedef {object} Share
 * @property {number} start First image, counted from 0.
 * @property {number} length Number of images.
 * @property {Uint8Array} images 784 bytes an image, row by row, 0 is black.
 * @property {Uint8Array} labels One byte an image.
 */

const total = 60000;
const pixels = 784;
const imagesHeader = 16;
const labelsHeader = 8;
const folder = new URL("../data/mnist/", import.meta.url);

/**
 * @param {number} shard From 0.
 * @param {number} shards
 */
export function shareOf(shard, shards) {
  const start = Math.floor((total * shard) / shards);
  return { start, length: Math.floor((total * (shard + 1)) / shards) - start };
}

/**
 * @param {{start: number, length: number}} share
 * @param {(received: number, total: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<Share>}
 */
export async function loadShare({ start, length }, onProgress, signal) {
  const labels = await range("train-labels-idx1-ubyte", labelsHeader + start, length, signal);
  const images = await range(
    "train-images-idx3-ubyte",
    imagesHeader + start * pixels,
    length * pixels,
    signal,
    onProgress,
  );
  return { start, length, images, labels };
}

/** Images of the test set that this page looks at; nobody trains on them. */
const tested = 1000;

/** @type {Promise<Share> | null} */
let testShare = null;

/**
 * The first test images; fetched once.
 *
 * @returns {Promise<Share>}
 */
export function testImages() {
  testShare ??= loadTest().catch((error) => {
    testShare = null;
    throw error;
  });
  return testShare;
}

async function loadTest() {
  const { signal } = new AbortController();
  const [labels, images] = await Promise.all([
    range("t10k-labels-idx1-ubyte", labelsHeader, tested, signal),
    range("t10k-images-idx3-ubyte", imagesHeader, tested * pixels, signal),
  ]);
  return { start: 0, length: tested, images, labels };
}

/**
 * Bytes `from` to `from + length` of a file; of the whole file where ranges are not served.
 *
 * @param {string} name
 * @param {number} from
 * @param {number} length
 * @param {AbortSignal} signal
 * @param {(received: number, total: number) => void} [onProgress]
 */
async function range(name, from, length, signal, onProgress) {
  const url = new URL(name, folder);
  /** @param {string} problem */
  const fail = (problem) => new SyftError({ code: "data", message: `${name}: ${problem}.`, where: "images" });
  try {
    const headers = { Range: `bytes=${from}-${from + length - 1}` };
    const response = await fetch(url, { headers, signal });
    if (!response.ok) throw fail(`the server answered ${response.status}`);
    // A server that knows no ranges answers 200 with the whole file.
    const skip = response.status === 206 ? 0 : from;
    const result = new Uint8Array(length);
    let position = 0;
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    while (position < skip + length) {
      const { done, value } = await reader.read();
      if (done) break;
      const offset = position - skip;
      result.set(value.subarray(Math.max(0, -offset), Math.max(0, length - offset)), Math.max(0, offset));
      position += value.byteLength;
      onProgress?.(Math.min(position, skip + length), skip + length);
    }
    void reader.cancel();
    if (position < skip + length) throw fail("the file is shorter than it should be");
    return result;
  } catch (error) {
    if (error instanceof SyftError || signal.aborted) throw error;
    throw fail(`it could not be fetched (${error instanceof Error ? error.message : error})`);
  }
}

/**
 * Draws the first images of a share side by side.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Share} share
 */
export function drawSamples(canvas, share) {
  const side = 28;
  const many = Math.min(10, share.length);
  canvas.width = side * many;
  canvas.height = side;
  const context = canvas.getContext("2d");
  if (!context) return;
  for (let i = 0; i < many; i += 1) {
    const image = context.createImageData(side, side);
    for (let p = 0; p < pixels; p += 1) {
      image.data.fill(share.images[i * pixels + p], p * 4, p * 4 + 3);
      image.data[p * 4 + 3] = 255;
    }
    context.putImageData(image, i * side, 0);
  }
  const digits = [...share.labels.subarray(0, many)].join(", ");
  canvas.setAttribute("aria-label", `Some of the images this page trains on: the digits ${digits}.`);
}
