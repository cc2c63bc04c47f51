// @ts-check
/** A square to draw a digit in, and the drawing as the 28 x 28 pixels that a model wants. */

const side = 28;
/** The digit itself fills a box of this size, as in the MNIST collection. */
const box = 20;

export class DigitPad {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onChange Something was drawn, or all was wiped.
   */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("This browser draws no canvas.");
    this.context = context;
    /** @type {{x: number, y: number} | null} */
    this.last = null;
    this.empty = true;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.up());
    this.wipe();
  }

  clear() {
    this.wipe();
    this.onChange();
  }

  wipe() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.empty = true;
  }

  /**
   * Shows an image of 784 bytes in place of a drawing.
   *
   * @param {Uint8Array} image
   */
  show(image) {
    const small = new OffscreenCanvas(side, side);
    const context = small.getContext("2d");
    if (!context) return;
    const pixels = context.createImageData(side, side);
    image.forEach((value, i) => pixels.data.set([value, value, value, 255], i * 4));
    context.putImageData(pixels, 0, 0);
    this.wipe();
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
    this.empty = false;
  }

  /** @param {PointerEvent} event */
  at({ offsetX, offsetY }) {
    const scale = this.canvas.width / this.canvas.clientWidth;
    return { x: offsetX * scale, y: offsetY * scale };
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.at(event);
    this.line(this.last);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.last) this.line(this.at(event));
  }

  up() {
    if (!this.last) return;
    this.last = null;
    this.onChange();
  }

  /** @param {{x: number, y: number}} to */
  line(to) {
    const from = this.last ?? to;
    const { context, canvas } = this;
    context.strokeStyle = "#fff";
    context.lineWidth = canvas.width / 13;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
    this.last = to;
    this.empty = false;
  }

  /** The drawing as the collection has its digits: in a box of 20 x 20, its weight in the middle. */
  pixels() {
    const { width, height } = this.canvas;
    const drawn = this.context.getImageData(0, 0, width, height).data;
    const found = bounds(drawn, width, height);
    const result = new Float32Array(side * side);
    if (!found) return result;
    const [left, top, right, bottom] = found;
    const scale = box / Math.max(right - left, bottom - top, 1);
    const small = new OffscreenCanvas(side, side);
    const context = small.getContext("2d", { willReadFrequently: true });
    if (!context) return result;
    context.imageSmoothingQuality = "high";
    const [w, h] = [(right - left) * scale, (bottom - top) * scale];
    /** @param {number} x @param {number} y */
    const draw = (x, y) => {
      context.fillStyle = "#000";
      context.fillRect(0, 0, side, side);
      context.drawImage(this.canvas, left, top, right - left, bottom - top, x, y, w, h);
      return context.getImageData(0, 0, side, side).data;
    };
    const [x, y] = [(side - w) / 2, (side - h) / 2];
    const [cx, cy] = centre(draw(x, y));
    const centred = draw(x + side / 2 - cx, y + side / 2 - cy);
    return result.map((_, i) => centred[i * 4] / 255);
  }
}

/**
 * Left, top, right and bottom of what is drawn; null where nothing is.
 *
 * @param {Uint8ClampedArray} data
 * @param {number} width
 * @param {number} height
 */
function bounds(data, width, height) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (data[(y * width + x) * 4] < 40) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
  }
  return right ? [left, top, right, bottom] : null;
}

/**
 * The centre of weight of a small image.
 *
 * @param {Uint8ClampedArray} data
 */
function centre(data) {
  let [weight, x, y] = [0, 0, 0];
  for (let i = 0; i < side * side; i += 1) {
    const value = data[i * 4];
    weight += value;
    x += value * ((i % side) + 0.5);
    y += value * (Math.floor(i / side) + 0.5);
  }
  return weight ? [x / weight, y / weight] : [side / 2, side / 2];
}
