// Charts as SVG. A chart can be read with the pointer, or with Tab and the arrow keys: `tell` gets what is under
// the cursor, in words.
import { drawing } from "./elements.js";

const k_width = 400;
const k_height = 150;
const k_left = 52;
const k_right = 8;
const k_top = 8;
const k_bottom = 20;
const k_inner_width = k_width - k_left - k_right;
const k_inner_height = k_height - k_top - k_bottom;

// The least "1, 2 or 5 times a power of ten" that is not below `value`.
function round_up(value) {
  if (value <= 0) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value * 0.999999);
}

// The same for bytes: the least power of two.
export function round_up_size(value) {
  return 2 ** Math.ceil(Math.log2(Math.max(value, 1)));
}

function text_at(x, y, text, anchor) {
  return drawing("text", { x, y, "text-anchor": anchor }, text);
}

// What both kinds have in common: the frame, the cursor and who may move it. `slots` are x positions, left to right.
class Chart {
  constructor(container, title, tell) {
    this.title = title;
    this.tell = tell;
    this.slots = [];
    this.at = null;
    this.shape = drawing("g");
    this.cursor = drawing("line", { class: "cursor", y1: k_top, y2: k_top + k_inner_height, visibility: "hidden" });
    this.svg = drawing("svg", { viewBox: `0 0 ${k_width} ${k_height}`, role: "img", tabindex: "0", "aria-label": `${title}: nothing yet` }, this.shape, this.cursor);
    this.svg.addEventListener("keydown", (event) => this.on_key(event));
    this.svg.addEventListener("pointermove", (event) => this.on_pointer(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("blur", () => this.leave());
    container.replaceChildren(this.svg);
  }

  on_key(event) {
    const last = this.slots.length - 1;
    const from = this.at ?? last;
    const steps = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last };
    if (event.key === "Escape") {
      this.leave();
    } else if (event.key in steps && last >= 0) {
      event.preventDefault();
      this.move_to(Math.min(Math.max(steps[event.key], 0), last));
    }
  }

  on_pointer(event) {
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * k_width;
    const nearest = this.slots.reduce((best, slot, i) => (Math.abs(slot - x) < Math.abs(this.slots[best] - x) ? i : best), 0);
    if (this.slots.length > 0) {
      this.move_to(nearest);
    }
  }

  move_to(index) {
    this.at = index;
    const x = this.slots[index];
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.cursor.setAttribute("visibility", "visible");
    this.tell(`${this.title}: ${this.words_at(index)}`);
  }

  leave() {
    this.at = null;
    this.cursor.setAttribute("visibility", "hidden");
    this.tell("");
  }

  frame(top_text, left_text, right_text) {
    const bottom = k_top + k_inner_height;
    return [
      drawing("line", { class: "axis", x1: k_left, x2: k_width - k_right, y1: bottom, y2: bottom }),
      drawing("line", { class: "axis", x1: k_left, x2: k_width - k_right, y1: k_top, y2: k_top }),
      text_at(k_left - 5, k_top + 8, top_text, "end"),
      text_at(k_left - 5, bottom, "0", "end"),
      text_at(k_left, k_height - 5, left_text, "start"),
      text_at(k_width - k_right, k_height - 5, right_text, "end"),
    ];
  }

  show(shapes, summary) {
    this.shape.replaceChildren(...shapes);
    this.svg.setAttribute("aria-label", `${this.title}: ${summary}`);
    if (this.at !== null) {
      this.move_to(Math.min(this.at, this.slots.length - 1));
    }
  }
}

// Values over time. `series` are {name, kind, value(before, now)} over two neighbouring points, null where there
// was nothing to measure; `text_of` says a value; `most` fixes the scale, `round` makes one of the largest value.
export class TimeChart extends Chart {
  constructor(container, title, { tell, series, text_of, time_of, most = null, round = round_up }) {
    super(container, title, tell);
    Object.assign(this, { series, text_of, time_of, most, round });
    this.steps = [];
  }

  draw(points) {
    this.steps = points.slice(1).map((now, i) => ({ at: now.at, values: this.series.map(({ value }) => value(points[i], now)) }));
    if (this.steps.length === 0) {
      return;
    }
    const first = points[0].at;
    const span = Math.max(this.steps.at(-1).at - first, 1);
    const most = this.most ?? this.round(Math.max(...this.steps.flatMap(({ values }) => values.map((value) => value ?? 0))));
    this.slots = this.steps.map(({ at }) => k_left + ((at - first) / span) * k_inner_width);
    const shapes = this.series.flatMap(({ kind }, i) => this.curve(i, kind, most));
    const last = this.steps.length - 1;
    this.show([...this.frame(this.text_of(most), this.time_of(first), this.time_of(this.steps[last].at)), ...shapes, ...this.legend()], this.words_at(last));
  }

  // What the colours mean, where there are several.
  legend() {
    const named = this.series.filter(({ name }) => this.series.length > 1 && name);
    return named.map(({ name, kind }, i) => drawing("text", { class: `name ${kind}`, x: k_left + k_inner_width / 2 + (i - (named.length - 1) / 2) * 60, y: k_height - 5, "text-anchor": "middle" }, name));
  }

  curve(i, kind, most) {
    const y_of = (value) => k_top + k_inner_height * (1 - Math.min(value / most, 1));
    const runs = [[]];
    this.steps.forEach(({ values }, step) => {
      if (values[i] === null) {
        runs.push([]);
      } else {
        runs.at(-1).push([this.slots[step].toFixed(1), y_of(values[i]).toFixed(1)]);
      }
    });
    const bottom = k_top + k_inner_height;
    return runs
      .filter((run) => run.length > 0)
      .flatMap((run) => {
        const way = run.map(([x, y]) => `${x},${y}`).join(" ");
        return [
          drawing("polygon", { class: `area ${kind}`, points: `${run[0][0]},${bottom} ${way} ${run.at(-1)[0]},${bottom}` }),
          run.length > 1 ? drawing("polyline", { class: `line ${kind}`, points: way }) : drawing("circle", { class: `bar ${kind}`, cx: run[0][0], cy: run[0][1], r: 2 }),
        ];
      });
  }

  words_at(index) {
    const { at, values } = this.steps[index];
    const parts = this.series.map(({ name }, i) => `${this.text_of(values[i])}${name ? ` ${name}` : ""}`);
    return `${parts.join(", ")} at ${this.time_of(at)}`;
  }
}

// Counts in buckets, each a factor above the one before; `buckets` are [upper bound, count], ascending.
export class Histogram extends Chart {
  constructor(container, title, { tell, text_of }) {
    super(container, title, tell);
    this.text_of = text_of;
    this.buckets = [];
  }

  draw(buckets, marks) {
    this.buckets = buckets;
    if (buckets.length === 0) {
      return;
    }
    const low = Math.log2(buckets[0][0]) - 0.25;
    const high = Math.log2(buckets.at(-1)[0]);
    const x_of = (bound) => k_left + ((Math.log2(bound) - low) / Math.max(high - low, 0.25)) * k_inner_width;
    const most = Math.max(...buckets.map(([, count]) => count));
    this.slots = buckets.map(([bound]) => (x_of(bound) + x_of(bound * 2 ** -0.25)) / 2);
    const bars = buckets.map(([bound, count]) => {
      const height = Math.max((count / most) * k_inner_height, 1);
      const left = x_of(bound * 2 ** -0.25);
      return drawing("rect", { class: "bar data", x: left, y: k_top + k_inner_height - height, width: Math.max(x_of(bound) - left - 1, 1), height });
    });
    const lines = marks
      .filter(([, value]) => value !== null && value >= buckets[0][0] * 0.8)
      .flatMap(([name, value], i) => {
        const x = Math.min(x_of(value), k_width - k_right);
        return [drawing("line", { class: "cursor", x1: x, x2: x, y1: k_top, y2: k_top + k_inner_height }), drawing("text", { class: "mark", x: x - 3, y: k_top + 10 + 12 * i, "text-anchor": "end" }, name)];
      });
    const said = marks.map(([name, value]) => `${name} ${this.text_of(value)}`).join(", ");
    this.show([...this.frame(String(most), this.text_of(buckets[0][0] * 2 ** -0.25), this.text_of(buckets.at(-1)[0])), ...bars, ...lines], said);
  }

  words_at(index) {
    const [bound, count] = this.buckets[index];
    return `${count} of up to ${this.text_of(bound)}`;
  }
}
