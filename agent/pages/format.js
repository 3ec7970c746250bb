// Amounts for people. Pure functions; what was not measured is an en dash, never 0.
export const k_unknown = "–";

export function count_text(count) {
  return count === null || count === undefined ? k_unknown : Math.round(count).toLocaleString("en-GB");
}

// Two digits at least, never an exponent.
function digits(value) {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(2);
}

export function size_text(bytes) {
  if (bytes === null || bytes === undefined) {
    return k_unknown;
  }
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit + 1 < units.length) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(amount) : digits(amount)} ${units[unit]}`;
}

export function time_text(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) {
    return k_unknown;
  }
  if (milliseconds < 1) {
    return `${digits(milliseconds * 1000)} µs`;
  }
  return milliseconds < 1000 ? `${digits(milliseconds)} ms` : `${digits(milliseconds / 1000)} s`;
}

export function percent_text(share) {
  if (share === null || share === undefined) {
    return k_unknown;
  }
  return share === 1 ? "100 %" : `${(100 * share).toFixed(1)} %`;
}

export function share_of(hits, misses) {
  return hits + misses > 0 ? hits / (hits + misses) : null;
}

// "1:05" from the beginning.
export function elapsed_text(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// A date and time; what never was has none.
export function when_text(ms) {
  return ms ? new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : k_unknown;
}
