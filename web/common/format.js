// @ts-check
/** Numbers as people read them. */

const whole = new Intl.NumberFormat("en");

/** @param {number} value */
export function count(value) {
  return whole.format(value);
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * How far a download is, e.g. "2.1 of 16.9 MB".
 *
 * @param {number} received
 * @param {number | null} total
 */
export function amount(received, total) {
  if (!total) return size(received);
  const unit = size(total).split(" ")[1];
  const part = unit === "MB" ? (received / 1e6).toFixed(1) : unit === "kB" ? (received / 1e3).toFixed(0) : received;
  return `${part} of ${size(total)}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  if (s < 60) return s === 1 ? "1 second" : `${s} seconds`;
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}

/** @param {number | null | undefined} value */
export function loss(value) {
  if (value == null) return "–";
  if (!Number.isFinite(value)) return "not a number";
  return Math.abs(value) < 1e4 ? value.toFixed(3) : value.toExponential(1);
}

/** @param {number | null | undefined} value */
export function percent(value) {
  return value == null || !Number.isFinite(value) ? "–" : `${(value * 100).toFixed(1)} %`;
}

/** @param {number} ms */
export function pace(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}
