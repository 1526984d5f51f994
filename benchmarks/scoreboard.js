// The page of the scoreboard: what each number of measured networks is worth, on every data set.

const METRICS = [
  { key: "mape", title: "mean absolute error", words: "The lower, the better, on a logarithmic scale.", best: 0 },
  { key: "hit10", title: "within 10 %", words: "The share of predictions within 10 % of the measured latency.", best: 1 },
  { key: "coverage90", title: "inside the interval", words: "The share of measured latencies in the 90 % interval: 90 % is right.", best: 0.9 },
];
const WRAPPED = "white-space:normal;min-width:11rem;max-width:18rem";
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C00", "#7F7F7F", "#882255"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "x", "triangle-down"];
const kinds = [...new Set(page.rows.map(({ kind }) => kind))];
const metric = () => METRICS[state.view];
const chosen = () => page.rows.filter(({ kind }) => !state.facets.kind || kind === state.facets.kind);

/** How good a value is, from 0 to 1: an error of 40 % is as bad as it gets here. */
function goodness(value) {
  const { key, best } = metric();
  const distance = Math.abs(value - best);
  return Math.max(0, 1 - distance / { mape: 0.4, hit10: 0.8, coverage90: 0.25 }[key]);
}

function lines() {
  return chosen().map((row) => {
    const place = kinds.indexOf(row.kind) % COLOURS.length;
    const found = page.measured.filter((number) => row.scores[number]?.[metric().key] !== undefined);
    return {
      type: "scatter",
      mode: "lines+markers",
      name: escapeText(row.kind),
      legendgroup: row.kind,
      showlegend: chosen().find(({ kind }) => kind === row.kind) === row,
      x: found.map(String),
      y: found.map((number) => 100 * row.scores[number][metric().key]),
      customdata: found.map(() => page.rows.indexOf(row)),
      marker: { color: COLOURS[place], symbol: SYMBOLS[place % SYMBOLS.length], size: 8 },
      line: { color: COLOURS[place], width: 1.5 },
      hovertemplate: `${escapeText(`${row.data}: ${row.target}`)}<br>%{x} measured: %{y:.1f} %<extra></extra>`,
    };
  });
}

function drawCharts() {
  const layout = {
    xaxis: { type: "category", categoryorder: "array", categoryarray: page.measured.map(String), title: { text: "measured networks of the device" } },
    yaxis: metric().key === "mape" ? { title: { text: "mean absolute error [%]" }, type: "log", tickvals: [1, 2, 5, 10, 20, 50, 100, 200], ticktext: ["1", "2", "5", "10", "20", "50", "100", "200"] } : { title: { text: `${metric().title} [%]` }, range: [0, 104] },
    legend: { orientation: "h", y: 1.12 },
  };
  const at = (number) => chosen().map(({ scores }) => scores[number]?.[metric().key]).filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = (values) => (values.length ? percent(values[Math.floor(values.length / 2)]) : "–");
  const summary = `${metric().words} Median of the targets: ${[0, 3, 10].map((number) => `${middle(at(number))} with ${number} measured`).join(", ")}.`;
  drawChart("scores", { title: `By number of measured networks: ${metric().title}`, summary, data: lines(), layout }, (point) => explain(page.rows[point.customdata]));
}

function explain(row) {
  const facts = [
    ["what", row.words],
    ["source", row.source],
    ["left out", row.left_out],
    ["blind", row.blind],
    ["ceiling", row.ceiling],
    ["others publish", row.peers || "nothing comparable was found"],
    ["scored by", `python ${row.command}, ${row.date}`],
  ];
  explainHere("scores", element("h4", {}, `${row.data}: ${row.target}`), element("dl", {}, ...facts.flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)])));
}

function cell(row, number) {
  const score = row.scores[number];
  const value = score?.[metric().key];
  if (value === undefined) return element("td", { class: "number" }, "–");
  const beside = metric().key === "mape" && score.baseline ? element("div", { class: "note" }, `MACs ${percent(score.baseline)}`) : null;
  const shade = `background:color-mix(in srgb, var(--sure) ${Math.round(28 * goodness(value))}%, transparent)`;
  return element("td", { class: "number", style: shade }, percent(value), beside);
}

function scoreTable() {
  const head = ["data", "target", ...page.measured.map((number) => `${number} measured`), "ceiling, and what others publish"];
  const rows = chosen().map((row) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", style: WRAPPED }, row.data, element("div", { class: "note" }, row.source)),
      element("td", { style: WRAPPED }, row.target, element("div", { class: "note" }, `left out: ${row.left_out}`)),
      ...page.measured.map((number) => cell(row, number)),
      element("td", { class: "note", style: WRAPPED }, [row.ceiling, row.peers].filter(Boolean).join("; ")),
    ),
  );
  return element("table", {}, element("thead", {}, element("tr", {}, ...head.map((title) => element("th", { scope: "col" }, title)))), element("tbody", {}, ...rows));
}

function drawTable() {
  document.getElementById("scores-table").replaceChildren(scoreTable());
}

function start() {
  const read = () => readHash(METRICS.length, () => 0);
  Object.assign(state, read());
  document.getElementById("head").append(navigation([["answer", "Answer"], ["sets", "Data sets"]]), themeButton());
  const select = element("select", { id: "kind", onchange: (event) => update({ facets: { ...state.facets, kind: event.target.value } }) }, element("option", { value: "" }, "all processors"), ...kinds.map((kind) => element("option", { value: kind }, kind)));
  select.value = state.facets.kind ?? "";
  const table = element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Scores", id: "scores-table", style: "max-height:none" });
  document.getElementById("main").append(
    section("answer", "What measured networks are worth", ...page.intro.map((text) => element("p", {}, text)), viewSwitch(METRICS.map(({ title }) => title), "Measure"), element("p", {}, element("label", { for: "kind" }, "Processors "), select), chartFigure("scores", "By number of measured networks", "tall")),
    section("sets", "Data sets", element("p", { class: "note" }, "Click a point above for how its data set was scored."), table),
  );
  drawTable();
  listeners.push((changes) => {
    if ("view" in changes || "facets" in changes) {
      drawCharts();
      drawTable();
    }
  });
  addEventListener("hashchange", () => {
    update(read());
    select.value = state.facets.kind ?? "";
  });
  startCharts(drawCharts);
}

start();
