// Builds elements. Whatever comes from outside gets in as text or as an attribute's value, never as markup.
export function by_id(id) {
  return document.getElementById(id);
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// A <dl> of names and texts; a text may be followed by a smaller one.
export function show_facts(list, facts) {
  list.replaceChildren(
    ...facts.map(([name, text, detail]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, text, ...(detail ? [element("small", {}, detail)] : []))),
    ),
  );
}

export function show_rows(body, rows) {
  body.replaceChildren(...rows.map((cells) => element("tr", {}, ...cells.map(({ text, kind }) => element("td", kind ? { class: kind } : {}, text)))));
}

// Names and counts, the most frequent first, each with a bar.
export function show_bars(list, counts, text_of) {
  const ranked = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const most = ranked.length > 0 ? ranked[0][1] : 0;
  list.replaceChildren(
    ...ranked.map(([name, count]) =>
      element("li", {}, element("span", {}, name), element("span", {}, text_of(count)), element("progress", { max: most, value: count, "aria-label": name })),
    ),
  );
}
