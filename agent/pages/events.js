// Server-sent events over fetch, because EventSource cannot send a token. Calls `on_event(name, data)` for each,
// and `on_state` with "live", "waiting", "refused" or "full"; comes back by itself until refused.
const k_pause_ms = 2000;

// Whole events of a text that grows; what is left over stays.
function take_events(buffer, on_event) {
  const parts = buffer.split("\n\n");
  const rest = parts.pop();
  for (const part of parts) {
    const fields = Object.fromEntries(part.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
    if (fields.data) {
      on_event(fields.event, JSON.parse(fields.data));
    }
  }
  return rest;
}

async function read_stream(body, on_event) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    buffer = take_events(buffer + value, on_event);
  }
}

export async function listen(url, token, { on_event, on_state }) {
  for (;;) {
    try {
      const answer = await fetch(url, { headers: token ? { Authorization: `Bearer ${token}` } : {}, cache: "no-store", credentials: "omit" });
      if (answer.status === 401 || answer.status === 403) {
        on_state("refused");
        return;
      }
      if (answer.ok) {
        on_state("live");
        await read_stream(answer.body, on_event);
      }
      on_state(answer.status === 503 ? "full" : "waiting");
    } catch {
      on_state("waiting");
    }
    await new Promise((resume) => setTimeout(resume, k_pause_ms));
  }
}
