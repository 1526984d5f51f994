// The page of a comparison.

const { subjects, comparisons } = page.comparison;
const current = () => comparisons[state.view];

const side = (row, key) => [row.first?.[key] ?? null, row.other?.[key] ?? null];
const ratio = (before, after) => (before && after ? after / before : null);
const nameOf = (row) => row.first?.name ?? row.other.name;
const partner = (row) => (row.first && row.other && row.other.name !== row.first.name ? row.other.name : "");

/** Decimals of milliseconds that suit the shortest latency, so that numbers of a column stand under each other. */
const decimals = Math.min(6, Math.max(1, 3 - Math.floor(Math.log10(Math.min(...page.cards.map(({ number }) => number.value || 1))))));

function pairColumns() {
  const time = (value) => value.toFixed(decimals);
  const both = (key) => (row) => ratio(...side(row, key));
  const factor = (value) => `× ${significant(value)}`;
  return [
    { key: "name", title: "layer", value: nameOf },
    { key: "partner", title: "matched with", hidden: true, value: partner },
    { key: "class", title: "class", value: (row) => (row.first ?? row.other).class },
    { key: "before", title: "ms before", numeric: true, sum: true, value: (row) => row.first?.latency_ms ?? null, text: time },
    { key: "after", title: "ms after", numeric: true, sum: true, value: (row) => row.other?.latency_ms ?? null, text: time },
    { key: "difference", title: "difference", numeric: true, sum: true, value: (row) => row.difference_ms, text: (value) => (value > 0 ? "+" : "") + value.toFixed(decimals) },
    { key: "moved", title: "moved", numeric: true, hidden: true, hint: "Size of the difference", value: (row) => Math.abs(row.difference_ms), text: time },
    { key: "ratio", title: "ratio", numeric: true, value: both("latency_ms"), text: factor },
    { key: "macs", title: "MACs", numeric: true, value: both("macs"), text: factor },
    { key: "traffic", title: "traffic", numeric: true, value: both("traffic_bytes"), text: factor },
    { key: "reason", title: "why", value: (row) => row.reason },
  ];
}

function pairFacets() {
  const rows = current().layers;
  const kinds = [...new Set(rows.map((row) => (row.first ?? row.other).class))];
  const states = ["matched", "only before", "only after"];
  return [
    { key: "class", title: "Class", choices: kinds, of: (row) => kinds.indexOf((row.first ?? row.other).class) },
    { key: "match", title: "Match", choices: states, of: (row) => (row.first && row.other ? 0 : row.first ? 1 : 2) },
  ];
}

let order = new Map();
const table = new DataTable({
  label: "Layers of both",
  columns: pairColumns(),
  facets: pairFacets(),
  id: (row) => order.get(row),
  share: (row) => Math.abs(row.difference_ms),
  words: (row) => `${nameOf(row)} ${row.other?.name ?? ""} ${row.reason}`,
  first: { key: "moved", descending: true },
  pick: (row) => update({ layer: state.layer === order.get(row) ? null : order.get(row) }),
  buttons: [element("button", { type: "button", id: "save-json", onclick: () => saveJson() }, "JSON")],
});

function saveJson() {
  download(`${fileName(document.title)}.json`, `${JSON.stringify(page.comparison, null, 2)}\n`, "application/json");
}

const explanation = element("div", { "aria-live": "polite" });

function explain() {
  const row = state.layer === null ? null : current().layers[state.layer];
  explanation.replaceChildren(...(row ? explained(row) : [element("p", { class: "note" }, "Select a layer to see what changed in it.")]));
}

/** What changed in a layer. */
function explained(row) {
  const lines = [
    ["layer", (part) => cut(part.name, 120)],
    ["class", (part) => part.class],
    ["output", (part) => shape(part.output_shape)],
    ["time", (part) => milliseconds(part.latency_ms)],
    ["MACs", (part) => part.macs.toLocaleString("en-US")],
    ["MAC/s", (part) => (part.macs ? `${si((part.macs / part.latency_ms) * 1e3)}MAC/s` : "–")],
    ["traffic", (part) => bytes(part.traffic_bytes)],
    ["bound by", (part) => part.bound],
  ].map(([label, text]) =>
    element("tr", {}, element("th", { scope: "row" }, label), ...[row.first, row.other].map((part) => element("td", {}, part ? text(part) : "–"))),
  );
  const head = ["", subjects[0].label, current().label].map((title) => (title ? element("th", { scope: "col" }, title) : element("td")));
  return [
    element("h3", {}, cut(nameOf(row), 120)),
    element("p", {}, `${row.reason}${row.matched_by ? `; matched by ${row.matched_by}` : ""}.`),
    element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Before and after" }, element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines))),
  ];
}

/** The layers of a class that changed most, against the first subject. */
function classHere(kind) {
  const rows = current().layers.filter((row) => (row.first ?? row.other).class === kind).sort((a, b) => Math.abs(b.difference_ms) - Math.abs(a.difference_ms));
  const total = rows.reduce((sum, row) => sum + row.difference_ms, 0);
  const signed = (value) => `${value > 0 ? "+" : ""}${value.toFixed(decimals)} ms`;
  const lines = rows.slice(0, 6).map((row) => element("tr", {}, element("th", { scope: "row" }, cut(nameOf(row), 60)), element("td", { class: "number" }, signed(row.difference_ms)), element("td", {}, row.reason)));
  return [
    element("h3", {}, kind),
    element("p", {}, element("strong", {}, signed(total)), ` from ${subjects[0].label} to ${current().label}, in ${rows.length} layer${rows.length === 1 ? "" : "s"}.`),
    element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Largest changes" }, element("table", {}, element("tbody", {}, ...lines))),
  ];
}

function subjectCards() {
  return element(
    "div",
    { class: "cards" },
    ...page.cards.map(({ label, value, note, work, basis, number: own, ratio: text }, number) =>
      element(
        "div",
        { class: `card subject${strength(basis) === 2 ? " unsure" : ""}`, "data-card": subjects[number].label },
        element("span", { class: "label" }, label),
        element("span", { class: "value" }, value),
        badge(basis),
        intervalBar(own, widestOf(page.cards.map((card) => card.number))),
        element("span", { class: "note" }, note),
        element("span", { class: "note" }, work),
        element("strong", {}, text),
      ),
    ),
  );
}

function drawView() {
  const rows = current().layers;
  order = new Map(rows.map((row, number) => [row, number]));
  table.show(rows, pairFacets());
  table.mark(true);
  explain();
}

function drawCharts() {
  const toClass = (point) => {
    const name = page.comparison.classes[point.pointNumber].class;
    const kind = pairFacets()[0].choices.indexOf(name);
    const value = kind < 0 || state.facets.class === String(kind) ? "" : String(kind);
    update({ facets: { ...state.facets, class: value } });
    explainHere("classes", ...(value ? classHere(name) : []));
  };
  drawChart("classes", page.charts.classes, toClass);
  drawChart("parts", page.charts.parts);
  drawPairs();
}

function drawPairs() {
  const unlike = page.places[state.view];
  document.getElementById("unlike").hidden = !unlike;
  document.getElementById("figure-pairs").hidden = Boolean(unlike);
  document.getElementById("each-layer").open = !unlike;
  if (unlike) {
    drawChart("places", unlike.chart);
    document.getElementById("places").replaceChildren(...textTable(unlike.table));
  } else if (charts.get("places").chart) drawChart("places", { data: [], layout: {}, title: "", summary: "" });
  drawChart("pairs", page.pairs[state.view], ({ customdata }) => {
    if (!Number.isInteger(customdata)) return;
    update({ layer: customdata });
    explainHere("pairs", ...explained(current().layers[customdata]));
  });
  markCharts();
}

function markCharts() {
  const row = state.layer === null ? null : current().layers[state.layer];
  const line = { color: colour("mark"), width: 2 };
  const { chart } = charts.get("pairs");
  const axes = [["xref", "x", "yref"], ["yref", "y", "xref"]];
  const times = row && chart.data.length ? side(row, "latency_ms") : [];
  const shapes = axes.flatMap(([ref, axis, across], number) => {
    const other = axis === "x" ? "y" : "x";
    return times[number] ? [{ type: "line", [ref]: axis, [`${axis}0`]: times[number], [`${axis}1`]: times[number], [across]: "paper", [`${other}0`]: 0, [`${other}1`]: 1, line }] : [];
  });
  markChart("pairs", shapes);
}

function start() {
  const read = () => readHash(comparisons.length, (number) => comparisons[number].layers.length);
  Object.assign(state, read());
  const sections = [["answer", "Answer"], ["time", "Time"], ["layers", "Layers"], ["explain", "Explain"]];
  document.getElementById("head").append(navigation(sections), themeButton());
  const caveats = page.caveats.flatMap(([label, notes]) => notes.map(([, note]) => element("li", {}, label ? element("strong", {}, `${label} `) : null, note)));
  const verdicts = comparisons.flatMap(({ verdicts: sentences }) => sentences.map((sentence) => element("p", { class: "verdict" }, sentence)));
  document.getElementById("main").append(
    section("answer", "Answer", subjectCards(), ...verdicts, caveats.length ? element("details", {}, element("summary", {}, "Caveats"), element("ul", {}, ...caveats)) : null),
    section("time", "Where the time goes", element("div", { class: "pair" }, chartFigure("classes", "Time by operator class"), chartFigure("parts", "What the time is spent on"))),
    section("layers", "Layer by layer", viewSwitch(comparisons.map(({ label }) => label), `Compared with ${subjects[0].label}`), element("div", { id: "unlike", class: "stack" }, chartFigure("places", "By class and image size"), element("div", { id: "places" })), chartFigure("pairs", "Layer against layer", "tall"), element("details", { id: "each-layer", open: true }, element("summary", {}, "Every layer"), table.node)),
    section("explain", "What changed", explanation),
  );
  const origins = page.provenance.flatMap(([label, rows]) => [...(label ? [element("dt", {}, element("strong", {}, label)), element("dd")] : []), ...rows.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)])]);
  document.getElementById("foot").prepend(element("h2", {}, "Provenance"), element("dl", {}, ...origins));
  listeners.push((changes) => {
    if ("view" in changes || "layer" in changes) explainHere();
    if ("view" in changes) {
      drawView();
      drawPairs();
      return;
    }
    if (["sort", "filter", "facets", "columns"].some((key) => key in changes)) table.draw();
    if ("layer" in changes) {
      table.mark(true);
      explain();
      markCharts();
    }
  });
  addEventListener("hashchange", () => update(read()));
  startCharts(drawCharts, drawView);
}

start();
