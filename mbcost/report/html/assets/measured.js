// The pages of a validation and of a calibration.

const { rows: columns, result } = page;
const rows = columns.name.map((_, number) => number);
const nameOf = (row) => columns.name[row];
const signed = (share) => `${share > 0 ? "+" : share < 0 ? "−" : ""}${percent(Math.abs(share))}`;

/** How a value is written, by the kind of its column. */
const TEXTS = {
  text: (value) => cut(value, 120),
  number: (value) => String(value),
  ms: (value) => significant(value),
  error: signed,
  share: percent,
  flag: (value) => (value ? "yes" : "no"),
};

const table = new DataTable({
  label: "Latencies",
  most: 500,
  columns: page.columns.map(({ key, title, kind, hidden, hint }) => ({
    key,
    title,
    hidden,
    hint,
    numeric: !["text", "flag"].includes(kind),
    value: (row) => (kind === "flag" && columns[key][row] !== null ? Number(columns[key][row]) : columns[key][row]),
    text: (_, row) => TEXTS[kind](columns[key][row]),
    decorate: kind === "error" ? errorBars(columns[key]) : undefined,
  })),
  facets: facets(),
  id: (row) => row,
  share: () => 0,
  words: (row) => `${nameOf(row)} ${columns.group[row]} ${columns.source?.[row] ?? ""}`,
  pick: (row) => select(row),
  buttons: [
    element("button", { type: "button", id: "save-csv", onclick: () => saveCsv() }, "CSV"),
    result && element("button", { type: "button", id: "save-json", onclick: () => saveJson() }, "JSON"),
  ].filter(Boolean),
});

/** Puts a bar behind an error, with a length proportional to it. */
function errorBars(values) {
  const longest = values.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0) || 1;
  return (cell, row) => {
    cell.style.setProperty("--bar", `${(100 * Math.abs(values[row] ?? 0)) / longest}%`);
    cell.classList.add("barred");
  };
}

function facets() {
  return page.facets.map(({ key, title, choices, of }) => ({ key, title, choices, of: (row) => of[row] }));
}

function select(row) {
  update({ layer: state.layer === row ? null : row });
}

/** The rows that are shown, with the columns and the bytes of `--format csv`. */
function saveCsv() {
  const floats = new Set(page.columns.filter(({ kind }) => !["text", "flag", "number"].includes(kind)).map(({ key }) => key));
  floats.add("alpha");
  const keys = Object.keys(columns);
  const cell = (key, value) => {
    if (value === null) return "";
    if (typeof value === "boolean") return value ? "True" : "False";
    return floats.has(key) ? pythonFloat(value) : csvCell(String(value));
  };
  const lines = [keys.join(","), ...table.shown.map((row) => keys.map((key) => cell(key, columns[key][row])).join(","))];
  download(`${fileName(document.title)}.csv`, `${lines.join("\n")}\n`, "text/csv");
}

function saveJson() {
  const all = rows.map((row) => Object.fromEntries(Object.keys(columns).map((key) => [key, columns[key][row]])));
  const { warnings, ...first } = result;
  download(`${fileName(document.title)}.json`, `${JSON.stringify({ ...first, rows: all, warnings }, null, 2)}\n`, "application/json");
}

// -- one latency ------------------------------------------------------------------------------------------------------

const details = element("div", { "aria-live": "polite" });

function explain() {
  const row = state.layer;
  if (row === null) {
    details.replaceChildren(element("p", { class: "note" }, "Select a latency in a chart or in the table to see its details."));
    return;
  }
  details.replaceChildren(...explained(row));
}

/** A latency with all that is known of it. */
function explained(row) {
  const entries = page.columns.flatMap(({ key, title, kind, hint }) => {
    const value = columns[key][row];
    const text = value === null ? "–" : kind === "text" ? cut(value, 1000) : TEXTS[kind](value);
    return [element("dt", {}, hint ?? title), element("dd", {}, text)];
  });
  return [element("h3", {}, cut(nameOf(row), 200)), element("dl", {}, ...entries)];
}

// -- charts -----------------------------------------------------------------------------------------------------------

/** A chart with the names of its points. */
function named(chart) {
  const texts = (trace) => (trace.customdata ? { ...trace, text: trace.customdata.map((row) => escapeText(nameOf(row))) } : trace);
  return { ...chart, data: chart.data.map(texts) };
}

function drawCharts() {
  for (const [name, chart] of Object.entries(page.charts)) {
    drawChart(name, named(chart), ({ customdata }) => {
      if (!Number.isInteger(customdata)) return;
      select(customdata);
      explainHere(name, ...(state.layer === null ? [] : explained(customdata)));
    });
  }
  markCharts();
}

/** Cross hairs on the selected row in every chart that shows it. */
function markCharts() {
  const line = { color: colour("mark"), width: 2 };
  for (const [name, { data }] of Object.entries(page.charts)) {
    const trace = data.find(({ customdata }) => customdata?.includes(state.layer));
    const place = trace?.customdata.indexOf(state.layer);
    const hairs = trace && [
      { type: "line", x0: trace.x[place], x1: trace.x[place], yref: "paper", y0: 0, y1: 1, line },
      { type: "line", xref: "paper", x0: 0, x1: 1, y0: trace.y[place], y1: trace.y[place], line },
    ];
    markChart(name, hairs ?? []);
  }
}

// -- the page ---------------------------------------------------------------------------------------------------------

function drawSection({ id, title, text, pair, charts: names, tables }) {
  const figure = (name) => chartFigure(name, page.charts[name].title);
  return section(
    id,
    title,
    ...text.map((words) => element("p", {}, words)),
    pair.length ? element("div", { class: "pair" }, ...pair.map(figure)) : null,
    names.length ? element("div", { class: "pair" }, ...names.map(figure)) : null,
    ...tables.flatMap((content) => [element("p"), ...textTable(content, select)]),
  );
}

function drawView() {
  table.show(rows, facets());
  table.mark(true);
  explain();
}

function start() {
  const read = () => readHash(1, () => rows.length);
  Object.assign(state, read());
  const own = [["layers", "Latencies"], ["explain", "One latency"]];
  document.getElementById("head").append(navigation([["answer", "Answer"], ...page.sections.map(({ id, title }) => [id, title]), ...own]), themeButton());
  const cards = page.cards.map(({ label, value, note }) =>
    element("div", { class: "card", "data-card": label }, element("span", { class: "label" }, label), element("span", { class: "value" }, value), element("span", { class: "note" }, note)),
  );
  const caveats = page.caveats.map((text) => element("li", {}, text));
  document.getElementById("main").append(
    section(
      "answer",
      "Answer",
      element("div", { class: "cards" }, ...cards),
      page.basis ? element("p", {}, "Predictions: ", badge(page.basis)) : null,
      ...page.verdicts.map((text) => element("p", { class: "verdict" }, text)),
      caveats.length ? element("details", {}, element("summary", {}, "Caveats"), element("ul", {}, ...caveats)) : null,
    ),
    ...page.sections.map(drawSection),
    section("layers", "Latencies", table.node),
    section("explain", "One latency", details),
  );
  const origins = page.provenance.flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)]);
  document.getElementById("foot").prepend(element("h2", {}, "Provenance"), element("dl", {}, ...origins));
  listeners.push((changes) => {
    if (["sort", "filter", "facets", "columns"].some((key) => key in changes)) table.draw();
    if ("layer" in changes) {
      explainHere();
      table.mark(true);
      explain();
      markCharts();
    }
  });
  addEventListener("hashchange", () => update(read()));
  startCharts(drawCharts, drawView);
}

start();
