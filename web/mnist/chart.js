// @ts-check
/** A small line chart in SVG: one value per update, cycle after cycle. */

const namespace = "http://www.w3.org/2000/svg";
/** Values drawn at most; of more, every second, third, ... is, so that drawing stays quick. */
const most = 4000;
const margin = { top: 8, right: 6, bottom: 24, left: 38 };

/**
 * @typedef {object} ChartOptions
 * @property {string} name What is drawn, for the text alternative.
 * @property {(value: number) => string} format
 * @property {number} [max] Fixed upper end; otherwise it follows the values.
 */

export class Chart {
  /**
   * @param {HTMLElement} container
   * @param {HTMLElement} text Where the text alternative is written.
   * @param {ChartOptions} options
   */
  constructor(container, text, options) {
    this.container = container;
    this.text = text;
    this.options = options;
    /** Values of each cycle. @type {number[][]} */
    this.cycles = [];
    this.scheduled = false;
    this.svg = container.appendChild(element("svg", { role: "img" }));
    new ResizeObserver(() => this.schedule()).observe(container);
    this.describe();
  }

  startCycle() {
    this.cycles.push([]);
  }

  /** @param {number} value */
  add(value) {
    if (!Number.isFinite(value)) return;
    this.cycles.at(-1)?.push(value);
    this.schedule();
  }

  clear() {
    this.cycles = [];
    this.describe();
    this.schedule();
  }

  /** Draws soon, at most some six times a second however fast values come. */
  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => {
      requestAnimationFrame(() => {
        this.scheduled = false;
        this.draw();
      });
    }, 160);
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.container;
    if (!width || !height) return;
    const values = this.cycles.flat();
    const updates = Math.max(values.length, 20);
    const ticks = niceTicks(this.options.max ?? (values.length ? values.reduce(larger, 0.1) : 2.5));
    const top = ticks[ticks.length - 1];
    const plotWidth = width - margin.left - margin.right;
    const plotHeight = height - margin.top - margin.bottom;
    /** @param {number} i */
    const x = (i) => margin.left + (plotWidth * i) / (updates - 1);
    /** @param {number} v */
    const y = (v) => margin.top + plotHeight * (1 - v / top);

    /** @type {SVGElement[]} */
    const parts = ticks.flatMap((tick) => [
      element("line", { class: "rule", x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) }),
      label(this.options.format(tick), { x: margin.left - 8, y: y(tick) + 4, "text-anchor": "end" }),
    ]);
    let first = 0;
    const step = Math.ceil(values.length / most);
    this.cycles.forEach((cycle, n) => {
      const end = first + cycle.length;
      if (n > 0) {
        const at = x(first - 0.5);
        parts.push(element("line", { class: "cycle-mark", x1: at, x2: at, y1: margin.top, y2: height - margin.bottom }));
      }
      if (cycle.length > 1) {
        const kept = step > 1 ? cycle.filter((_, i) => i % step === 0) : cycle;
        /** @type {(value: number, i: number) => [number, number]} */
        const point = (value, i) => [x(first + i * step), y(value)];
        const points = kept.map(point);
        const mean = smooth(kept).map(point);
        parts.push(element("path", { class: "each", d: path(thin(points, plotWidth)) }));
        parts.push(element("path", { class: "mean", d: path(thin(mean, plotWidth)) }));
      }
      first = end;
    });
    parts.push(label("0", { x: margin.left, y: height - 6 }));
    parts.push(label(`${updates} updates`, { x: width - margin.right, y: height - 6, "text-anchor": "end" }));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...parts);
  }

  /** The chart in words; called at the end of each cycle, not at each update. */
  describe() {
    const { name, format } = this.options;
    const cycles = this.cycles.filter((cycle) => cycle.length);
    const said = cycles.map((cycle, i) => {
      const [from, to] = [cycle[0], cycle[cycle.length - 1]];
      return `Cycle ${i + 1}: from ${format(from)} to ${format(to)} in ${cycle.length} updates.`;
    });
    this.svg.setAttribute("aria-label", `${name} of each update, as a line chart.`);
    this.text.textContent = said.length ? `${name}. ${said.join(" ")}` : `${name}: nothing yet.`;
  }
}

/**
 * Mean over each value and its neighbours, up to four on either side and as many on both.
 *
 * @param {number[]} values
 */
export function smooth(values) {
  const sums = [0];
  for (const value of values) sums.push(sums[sums.length - 1] + value);
  return values.map((_, i) => {
    const reach = Math.min(4, i, values.length - 1 - i);
    return (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1);
  });
}

/**
 * `Math.max` of an array would put all its values on the stack.
 *
 * @param {number} a
 * @param {number} b
 */
function larger(a, b) {
  return a > b ? a : b;
}

/** @param {number} max */
function niceTicks(max) {
  const rough = max / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999) ?? power * 10;
  const many = Math.ceil((max / step) * 0.999);
  return Array.from({ length: many + 1 }, (_, i) => i * step);
}

/**
 * Lowest and highest point of each pixel column, when there are more points than that.
 *
 * @param {[number, number][]} points
 * @param {number} width
 */
function thin(points, width) {
  if (points.length <= width * 2) return points;
  const group = Math.ceil((points.length / width) * 2);
  /** @type {[number, number][]} */
  const kept = [];
  for (let i = 0; i < points.length; i += group) {
    const column = points.slice(i, i + group);
    const low = column.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = column.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

/** @param {[number, number][]} points */
function path(points) {
  return points.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | number>} attributes
 * @returns {SVGElementTagNameMap[K]}
 */
function element(name, attributes) {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/**
 * @param {string} words
 * @param {Record<string, string | number>} attributes
 */
function label(words, attributes) {
  const made = element("text", attributes);
  made.textContent = words;
  return made;
}
