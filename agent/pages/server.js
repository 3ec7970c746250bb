// What a cache server keeps, for whoever has a token of a workspace.
import { TimeChart, round_up_size } from "./charts.js";
import { by_id, element, show_facts, show_rows } from "./elements.js";
import { count_text, elapsed_text, percent_text, share_of, size_text, when_text } from "./format.js";

const k_token_name = "hearth-server-token";
const k_day_ms = 86_400_000;

function tell(words) {
  by_id("reading").textContent = words;
}

// Asks the API with the token of this tab. Errors: a text to show, `refused` where it is the token's fault.
class Api {
  constructor(token) {
    this.token = token;
  }

  async get(path) {
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${this.token}` }, cache: "no-store", credentials: "omit" }).catch(() => null);
    if (answer?.ok) {
      return answer.json();
    }
    const body = await answer?.json().catch(() => ({}));
    throw Object.assign(new Error(body?.error ?? "the server is out of reach"), { refused: answer?.status === 401 });
  }

  workspace(slug, rest) {
    return this.get(`v2/workspaces/${slug.split("/").map(encodeURIComponent).join("/")}/${rest}`);
  }
}

class Board {
  constructor() {
    const time_of = (at) => new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
    const chart = (id, options) => new TimeChart(by_id(id), by_id(`${id}-title`).textContent, { tell, time_of, ...options });
    const of_day = (name) => (_, now) => now[name];
    this.charts = [
      chart("rate", { series: [{ name: "", kind: "hit", value: (_, now) => share_of(now.hits, now.misses) }], text_of: percent_text, most: 1 }),
      chart("lookups", {
        series: [
          { name: "found", kind: "hit", value: of_day("hits") },
          { name: "missed", kind: "miss", value: of_day("misses") },
        ],
        text_of: count_text,
      }),
      chart("traffic", {
        series: [
          { name: "read", kind: "data", value: of_day("bytes_read") },
          { name: "written", kind: "miss", value: of_day("bytes_written") },
        ],
        text_of: size_text,
        round: round_up_size,
      }),
    ];
  }

  show(usage) {
    const days = usage.days.map(({ date, ...counts }) => ({ at: Date.parse(`${date}T00:00:00Z`), ...counts }));
    const sum = (name) => days.reduce((total, day) => total + day[name], 0);
    show_facts(by_id("tiles"), [
      ["hit rate", percent_text(usage.hit_rate), `${count_text(sum("hits"))} found, ${count_text(sum("misses"))} missed`],
      ["tags", count_text(usage.tags.length), `published ${count_text(usage.versions)} times`],
      ["size", size_text(usage.total_bytes), "of all that tags refer to"],
      ["sessions", count_text(usage.session_count), `${count_text(usage.session_errors)} with errors`],
      ["read", size_text(sum("bytes_read")), `${size_text(sum("bytes_written"))} written`],
      ["restores", count_text(usage.restores)],
    ]);
    // The first point is where the first step begins.
    const before = { ...days[0], at: days[0].at - k_day_ms };
    this.charts.forEach((chart) => chart.draw([before, ...days]));
    this.show_tables(usage);
  }

  show_tables({ tags, sessions, missed_keys }) {
    const number = (text) => ({ text, kind: "number" });
    const key = (text) => ({ text, kind: "key" });
    const rows = (id, items, none) => show_rows(by_id(id).tBodies[0], items.length > 0 ? items : [[{ text: none }]]);
    rows(
      "tags",
      tags.map((tag) => [key(tag.name), number(tag.bytes === null && tag.rows !== null ? `${count_text(tag.rows)} rows` : size_text(tag.bytes)), number(count_text(tag.restores)), { text: when_text(tag.published_ms) }, { text: tag.producer }]),
      "none yet",
    );
    rows(
      "sessions",
      sessions.map((one) => [
        { text: when_text(one.received_ms) },
        { text: one.tool },
        { text: one.run || one.producer },
        number(percent_text(share_of(one.hits, one.misses))),
        number(count_text(one.hits + one.misses)),
        number(size_text(one.bytes_read)),
        number(elapsed_text(one.duration_ms)),
      ]),
      "none reported",
    );
    rows(
      "missed",
      missed_keys.map((one) => [key(one.prefix || one.hash.slice(0, 16)), { text: one.tool }, number(count_text(one.misses)), number(count_text(one.recurring)), { text: when_text(one.last_seen_ms) }]),
      "none reported",
    );
  }
}

class Desk {
  constructor() {
    this.board = new Board();
    by_id("workspace").addEventListener("change", () => this.show());
    by_id("days").addEventListener("change", () => this.show());
    by_id("again").addEventListener("click", () => this.show());
    by_id("sign-out").addEventListener("click", () => this.sign_out(""));
    by_id("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.sign_in(by_id("token").value.trim());
    });
  }

  say(text, kind = "") {
    by_id("connection").textContent = text;
    by_id("connection").className = `badge ${kind}`;
  }

  async sign_in(token) {
    this.api = new Api(token);
    await this.guarded(async () => {
      const [{ token: ours }, workspaces] = await Promise.all([this.api.get("v2/session"), this.api.get("v2/workspaces")]);
      sessionStorage.setItem(k_token_name, token);
      by_id("token").value = "";
      by_id("who").textContent = `${ours.name} (${ours.access_level})`;
      by_id("workspace").replaceChildren(...workspaces.map(({ slug }) => element("option", { value: slug }, slug)));
      by_id("sign-in").hidden = true;
      by_id("sign-out").hidden = false;
      if (workspaces.length === 0) {
        this.say("no workspace yet");
        return;
      }
      await this.show();
    });
  }

  sign_out(problem) {
    sessionStorage.removeItem(k_token_name);
    by_id("board").hidden = true;
    by_id("sign-out").hidden = true;
    by_id("who").textContent = "";
    by_id("sign-in").hidden = false;
    by_id("sign-in-problem").textContent = problem;
    by_id("token").focus();
    this.say("signed out");
  }

  show() {
    return this.guarded(async () => {
      const usage = await this.api.workspace(by_id("workspace").value, `usage?days=${encodeURIComponent(by_id("days").value)}`);
      by_id("board").hidden = false;
      this.board.show(usage);
      this.say(`as of ${new Date(usage.generated_ms).toLocaleTimeString("en-GB")}`, "good");
    });
  }

  async guarded(action) {
    try {
      await action();
    } catch (problem) {
      if (problem.refused || by_id("board").hidden) {
        this.sign_out(problem.message);
      } else {
        this.say(problem.message, "bad");
      }
    }
  }
}

const desk = new Desk();
const kept = sessionStorage.getItem(k_token_name);
if (kept) {
  desk.sign_in(kept);
} else {
  desk.sign_out("");
}
