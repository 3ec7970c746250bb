// What an agent does, as it happens or as a record has it.
import { Histogram, TimeChart, round_up_size } from "./charts.js";
import { by_id, show_bars, show_facts, show_rows } from "./elements.js";
import { listen } from "./events.js";
import { count_text, elapsed_text, percent_text, share_of, size_text, time_text } from "./format.js";

const k_most_points = 600;
const k_token_name = "hearth-token";

function point_of([at, hits, misses, stores, read, written, published, pending]) {
  return { at, hits, misses, stores, read, written, published, pending };
}

// The growth of a count in a second; a count that fell is of a new agent.
function rate(name) {
  return (before, now) => {
    const seconds = (now.at - before.at) / 1000;
    return seconds > 0 && now[name] >= before[name] ? (now[name] - before[name]) / seconds : 0;
  };
}

class Board {
  constructor(tell) {
    this.points = [];
    this.started = 0;
    const time_of = (at) => elapsed_text(at - this.started);
    const chart = (id, options) => new TimeChart(by_id(id), by_id(`${id}-title`).textContent, { tell, time_of, ...options });
    const per_second = (value) => (value >= 10 || Number.isInteger(value) ? count_text(value) : value.toFixed(1));
    this.charts = [
      chart("rate", { series: [{ name: "", kind: "hit", value: (_, now) => share_of(now.hits, now.misses) }], text_of: percent_text, most: 1 }),
      chart("lookups", {
        series: [
          { name: "found", kind: "hit", value: rate("hits") },
          { name: "missed", kind: "miss", value: rate("misses") },
        ],
        text_of: per_second,
      }),
      chart("traffic", {
        series: [
          { name: "read", kind: "data", value: rate("read") },
          { name: "stored", kind: "miss", value: rate("written") },
        ],
        text_of: size_text,
        round: round_up_size,
      }),
      chart("queue", { series: [{ name: "objects", kind: "data", value: (_, now) => now.pending }], text_of: count_text }),
    ];
    this.latency = new Histogram(by_id("latency"), by_id("latency-title").textContent, { tell, text_of: time_text });
  }

  // The run so far, or a record of one.
  begin(run) {
    this.started = run.started_ms;
    this.points = run.activity.timeline.map(point_of);
    this.show(run);
  }

  add(now) {
    this.points.push(...now.activity.timeline.map(point_of));
    if (this.points.length > k_most_points) {
      this.points = this.points.filter((_, i) => i % 2 === 0 || i === this.points.length - 1);
    }
    this.show(now);
  }

  show(run) {
    const { figures, activity } = run;
    by_id("board").hidden = false;
    by_id("tag").textContent = figures.generation ? `${figures.tag}, generation ${figures.generation}` : figures.tag;
    by_id("phase").textContent = run.ended_ms ? "" : (figures.phase ?? "");
    this.show_tiles(run);
    this.charts.forEach((chart) => chart.draw(this.points));
    const { p50, p95, p99 } = figures.latency_ms;
    this.latency.draw(activity.latency, [["p50", p50], ["p95", p95], ["p99", p99]]);
    this.show_publishing(figures, run.publishing);
    show_bars(by_id("reasons"), figures.miss_reasons ?? {}, count_text);
    show_rows(by_id("misses").tBodies[0], activity.misses.map(({ key, reason }) => [{ text: key, kind: "key" }, { text: reason }]));
    by_id("notes").hidden = figures.notes.length === 0;
    by_id("notes").lastElementChild.replaceChildren(...figures.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
    this.show_verdicts(figures.verdicts ?? []);
  }

  show_tiles({ figures, started_ms, at_ms, ended_ms }) {
    const hits = figures.lookups_hit ?? figures.hits;
    const misses = figures.lookups_missed ?? figures.misses;
    const { mean, p95 } = figures.latency_ms;
    show_facts(by_id("tiles"), [
      ["hit rate", percent_text(share_of(hits ?? 0, misses ?? 0)), `${count_text(hits)} found, ${count_text(misses)} missed`],
      ["a hit takes", time_text(mean), `95 % within ${time_text(p95)}`],
      ["read", size_text(figures.bytes_read), `${size_text(figures.bytes_written)} stored`],
      ["published", count_text(figures.published), `${count_text(figures.pending)} pending, ${count_text(figures.refused)} refused`],
      ["429 answers", count_text(figures.http_429), `${count_text(figures.conflicts)} conflicts, ${count_text(figures.retries)} retries`],
      [ended_ms ? "ran for" : "running for", elapsed_text((ended_ms || at_ms) - started_ms), `${figures.mode}, ${figures.backend}`],
    ]);
  }

  show_publishing(figures, publishing) {
    const refused = Object.entries(figures.refused_reasons ?? {}).map(([reason, count]) => `${reason} ${count_text(count)}`);
    const facts = [
      ["pending", count_text(figures.pending)],
      ["published", count_text(figures.published)],
      ["refused", refused.join(", ") || "0"],
      ["backend calls", count_text(figures.backend_calls)],
      ["the tag holds", `${count_text(figures.tag_objects)} objects, ${size_text(figures.tag_bytes)}`],
    ];
    if (publishing) {
      const { state, in_flight, flushes, bytes, error } = publishing;
      facts.unshift(["now", in_flight > 0 ? `${state} ${count_text(in_flight)} objects` : state]);
      facts.push(["flushes", `${count_text(flushes)}, ${size_text(bytes)}`], ...(error ? [["last error", error]] : []));
    }
    show_facts(by_id("publishing"), facts);
  }

  show_verdicts(verdicts) {
    by_id("verdicts").hidden = verdicts.length === 0;
    const made = (name, text) => Object.assign(document.createElement(name), { textContent: text });
    by_id("verdicts").lastElementChild.replaceChildren(
      ...verdicts.map(({ title, certainty, evidence, fix }) => {
        const item = made("li", "");
        item.append(made("strong", title), ` (${certainty})`, ...evidence.map((line) => made("p", line)), ...(fix ? [made("pre", fix)] : []));
        return item;
      }),
    );
  }
}

// While paused the newest event waits; points are not lost.
class Pause {
  constructor(button, board) {
    this.button = button;
    this.board = board;
    this.held = [];
    button.addEventListener("click", () => this.toggle());
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey && !event.altKey && event.target.tagName !== "INPUT") {
        this.toggle();
      }
    });
  }

  get on() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  toggle() {
    this.button.setAttribute("aria-pressed", String(!this.on));
    this.button.textContent = this.on ? "Go on" : "Pause";
    if (!this.on) {
      this.held.splice(0).forEach((now) => this.board.add(now));
    }
  }

  take(now) {
    if (this.on) {
      this.held = [...this.held.slice(-k_most_points), now];
    } else {
      this.board.add(now);
    }
  }
}

function show_connection(text, kind = "") {
  by_id("connection").textContent = text;
  by_id("connection").className = `badge ${kind}`;
}

// "#token=…" of the address, which browsers send to nobody; it is taken out of the address bar and kept for this tab
// only.
function known_token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(k_token_name, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(k_token_name) ?? "";
}

function ask_for_token(refused, { board, pause }) {
  show_connection("token wanted", "bad");
  by_id("sign-in").hidden = false;
  by_id("sign-in-problem").textContent = refused ? "That token was refused." : "";
  by_id("token").focus();
  by_id("sign-in").onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(k_token_name, by_id("token").value.trim());
    by_id("sign-in").hidden = true;
    follow(board, pause);
  };
}

function follow(board, pause) {
  const token = known_token();
  const states = {
    live: () => show_connection("live", "good"),
    waiting: () => show_connection("the agent has ended, or is out of reach", "bad"),
    full: () => show_connection("too many pages are open", "bad"),
    refused: () => ask_for_token(token !== "", { board, pause }),
  };
  listen("events", token, {
    on_event: (name, data) => (name === "run" ? board.begin(data) : pause.take(data)),
    on_state: (state) => states[state](),
  });
}

function tell(words) {
  by_id("reading").textContent = words;
}

const record = JSON.parse(by_id("record").textContent);
const board = new Board(tell);
if (record) {
  by_id("pause").hidden = true;
  by_id("hint-pause").hidden = true;
  board.begin(record);
  show_connection(`recorded ${new Date(record.started_ms).toLocaleString("en-GB")}`);
} else {
  addEventListener("hashchange", () => location.reload());  // another token
  follow(board, new Pause(by_id("pause"), board));
}
