// The pages of a sweep and of a pick.

const { columns, cases, models, quality } = page;
const rows = columns.latency_ms.map((_, number) => number);
const caseRows = () => rows.filter((row) => columns.case[row] === state.view);
const caseName = ({ target, precision, threads, batch }) => `${target}, ${precision}, ${threads} thread${threads === 1 ? "" : "s"}, batch ${batch}`;
const sizeOf = (row) => (columns.resolution[row] === columns.input_width[row] ? `${columns.resolution[row]}` : `${columns.resolution[row]}x${columns.input_width[row]}`);
const nameOf = (row) => `${models[columns.model[row]]} ${columns.alpha[row]} / ${sizeOf(row)}`;
const of = (key) => (row) => columns[key]?.[row] ?? null;
const budget = () => {
  const value = Number.parseFloat(state.facets.budget ?? "");
  return Number.isFinite(value) && value > 0 ? value : (page.budget_ms ?? null);
};
/** The latency that is compared with a budget, and whether the budgets that are not of time are kept. */
const needs = of(columns.needs_ms ? "needs_ms" : "latency_ms");
const keepsOthers = (row) => columns.keeps?.[row] ?? true;
const fits = (row) => keepsOthers(row) && (budget() === null || needs(row) <= budget());
const qualityName = quality === "top1" ? "top-1 [%]" : "MACs";

/** An accuracy; one that was interpolated has no decimals to show. */
const top1Text = (row) => (columns.top1_source?.[row] === "interpolated" ? `${columns.top1[row].toFixed(0)} % (interpolated)` : `${columns.top1[row].toFixed(1)} %`);

const table = new DataTable({
  label: "Configurations",
  most: 500,
  columns: [
    { key: "name", title: "configuration", value: nameOf },
    { key: "alpha", title: "alpha", numeric: true, value: of("alpha") },
    { key: "resolution", title: "resolution", numeric: true, value: of("resolution"), text: (_, row) => sizeOf(row) },
    { key: "latency_ms", title: "ms", numeric: true, value: of("latency_ms"), text: (value) => significant(value) },
    { key: "interval", title: "90 % interval", numeric: true, value: of("latency_low_ms"), text: (low, row) => `${significant(low)} to ${significant(columns.latency_high_ms[row])}` },
    { key: "measured_ms", title: "measured", numeric: true, value: of("measured_ms"), text: (value) => significant(value) },
    { key: "top1", title: "top-1 %", numeric: true, value: of("top1"), text: (value) => value.toFixed(1) },
    { key: "macs", title: "MACs", numeric: true, value: of("macs"), text: (value) => si(value, 4) },
    { key: "params", title: "params", numeric: true, value: of("params"), text: (value) => si(value, 4) },
    { key: "peak", title: "activations", numeric: true, hidden: true, value: of("peak_activation_bytes"), text: (value) => bytes(value) },
    { key: "front", title: "front", value: (row) => columns.choice?.[row] || (columns.on_front[row] ? "on the front" : "") },
  ],
  facets: facets(),
  id: (row) => row,
  share: () => 0,
  words: nameOf,
  pick: (row) => update({ layer: state.layer === row ? null : row }),
});

function facets() {
  return [
    { key: "model", title: "Network", choices: models, of: (row) => columns.model[row] },
    { key: "front", title: "Front", choices: ["on it", "not on it"], of: (row) => (columns.on_front[row] ? 0 : 1) },
    { key: "fits", title: "Budget", choices: ["kept", "missed"], of: (row) => (fits(row) ? 0 : 1) },
  ];
}

const limit = element("input", { type: "number", id: "budget", min: "0", step: "any", size: "6" });
const answer = element("p", { class: "verdict", role: "status" });

/** The best configuration within the budgets, in words. */
function answerBudget() {
  if (document.activeElement !== limit) limit.value = budget() === null ? "" : Number(significant(budget()).replaceAll(",", ""));
  if (budget() === null && !page.others) {
    answer.textContent = "Enter a budget to see which configuration fits it.";
    return null;
  }
  const within = [budget() === null ? "" : milliseconds(budget()), page.others].filter(Boolean).join(" and ");
  const fitting = caseRows().filter((row) => fits(row) && of(quality)(row) !== null);
  if (!fitting.length) {
    answer.textContent = `Nothing with a known ${qualityName} keeps ${within}.`;
    return null;
  }
  const best = fitting.reduce((a, b) => {
    const better = columns[quality][b] - columns[quality][a];
    return better > 0 || (better === 0 && columns.latency_ms[b] < columns.latency_ms[a]) ? b : a;
  });
  const worth = quality === "top1" ? `top-1 ${top1Text(best)}` : `${si(columns.macs[best], 4)} MACs`;
  answer.textContent = `Best within ${within} by ${page.time}: ${nameOf(best)}, ${worth}, ${milliseconds(columns.latency_ms[best])}.`;
  answer.dataset.row = String(best);
  return best;
}

// -- charts -----------------------------------------------------------------------------------------------------------

/** The network of the heat map: the one that is asked for, else that of the choice, else the first. */
const shownModel = () => Number(state.facets.model || columns.model[columns.choice?.indexOf("pick") >= 0 ? columns.choice.indexOf("pick") : caseRows()[0]] || 0);

/** Latency over width and resolution of one network, with the budget's contour. */
function heatMap() {
  const members = caseRows().filter((row) => columns.model[row] === shownModel());
  const widths = [...new Set(members.map((row) => columns.alpha[row]))].sort((a, b) => a - b);
  const larger = (a, b) => columns.resolution[a] - columns.resolution[b] || columns.input_width[a] - columns.input_width[b];
  const heights = [...new Set([...members].sort(larger).map(sizeOf))];
  const title = `${models[shownModel()]}: latency by width and resolution`;
  if (widths.length < 2 || heights.length < 2) return { title, summary: "A heat map needs at least two widths and two resolutions.", data: [], layout: {} };
  const [z, ids] = [0, 1].map(() => heights.map(() => widths.map(() => null)));
  for (const row of members) {
    const [i, j] = [heights.indexOf(sizeOf(row)), widths.indexOf(columns.alpha[row])];
    [z[i][j], ids[i][j]] = [columns.latency_ms[row], row];
  }
  const places = { x: widths.map((_, place) => place), y: heights.map((_, place) => place), z };
  const map = { type: "heatmap", ...places, customdata: ids, colorscale: "Cividis", xgap: 1, ygap: 1, colorbar: { title: { text: "ms" }, thickness: 12 }, texttemplate: "%{z:.3g}", hovertemplate: "%{z:.4g} ms<extra></extra>" };
  const data = [map];
  if (budget() !== null) {
    const at = budget();
    data.push({ type: "contour", ...places, connectgaps: false, hoverinfo: "skip", showscale: false, showlegend: false, contours: { start: at, end: at, size: 1, coloring: "none" }, line: { color: colour("mark"), width: 3, dash: "dash" } });
  }
  const axis = (texts, label) => ({ tickmode: "array", tickvals: texts.map((_, place) => place), ticktext: texts.map(String), title: { text: label }, automargin: true });
  const kept = budget() === null && !page.others ? "" : ` ${members.filter(fits).length} keep the budget.`;
  return { title, summary: `${members.length} configurations.${kept}`, data, layout: { xaxis: axis(widths, "alpha"), yaxis: axis(heights, "resolution") } };
}

/** Quality over latency: every network, the front, the budget. */
function frontChart() {
  const known = caseRows().filter((row) => of(quality)(row) !== null);
  const data = models.map((name, number) => {
    const members = known.filter((row) => columns.model[row] === number);
    return {
      type: "scatter", mode: "markers", name: escapeText(name), x: members.map(of("latency_ms")), y: members.map(of(quality)), customdata: members,
      text: members.map((row) => escapeText(nameOf(row))), hovertemplate: "%{text}<br>%{x:.4g} ms, %{y:.4s}<extra></extra>",
      marker: { color: page.palette[Math.min(number, page.palette.length - 1)], symbol: page.markers[number % page.markers.length], size: 8, opacity: members.map((row) => (columns.on_front[row] ? 1 : 0.45)) },
    };
  });
  const front = known.filter((row) => columns.on_front[row]).sort((a, b) => columns.latency_ms[a] - columns.latency_ms[b]);
  data.push({ type: "scatter", mode: "lines", name: "front", x: front.map(of("latency_ms")), y: front.map(of(quality)), line: { shape: "hv", width: 1, color: "#888888" }, hoverinfo: "skip" });
  const summary = `${front.length} of ${known.length} configurations are on the Pareto front.`;
  const layout = { xaxis: { title: { text: "ms" }, rangemode: "tozero" }, yaxis: { title: { text: qualityName } }, legend: { orientation: "h", y: -0.2 }, hovermode: "closest" };
  return { title: "Front", summary, data: known.length ? data : [], layout };
}

/** A click chooses a configuration, which is explained at that chart. */
const choose = (chart) => ({ customdata }) => {
  if (!Number.isInteger(customdata)) return;
  update({ layer: customdata });
  explainHere(chart, ...explained(customdata));
};

/** A configuration in a few lines. */
function explained(row) {
  const measured = of("measured_ms")(row);
  const lines = [
    ["latency", `${milliseconds(columns.latency_ms[row])}${measured === null ? "" : `, measured ${milliseconds(measured)}`}`],
    ["90 % interval", `${significant(columns.latency_low_ms[row])} to ${milliseconds(columns.latency_high_ms[row])}`],
    ["top-1", of("top1")(row) === null ? "–" : top1Text(row)],
    ["MACs", si(columns.macs[row], 4)],
    ["parameters", si(columns.params[row], 4)],
    ["activations", bytes(columns.peak_activation_bytes[row])],
    ["budget", budget() === null && !page.others ? "none" : fits(row) ? "kept" : "missed"],
  ].flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)]);
  const { basis } = cases[columns.case[row]];
  const number = { value: columns.latency_ms[row], low: columns.latency_low_ms[row], high: columns.latency_high_ms[row], basis };
  return [element("h3", {}, nameOf(row)), element("p", {}, badge(basis)), intervalBar(number, widestOf([number]), true), element("dl", {}, ...lines)];
}

function drawCharts() {
  const heat = heatMap();
  document.getElementById("figure-heat").hidden = !heat.data.length;
  drawChart("heat", heat, choose("heat"));
  drawChart("front", frontChart(), choose("front"));
  markCharts();
}

function markCharts() {
  const line = { color: colour("mark"), width: 2 };
  const shapes = budget() === null ? [] : [{ type: "line", x0: budget(), x1: budget(), yref: "paper", y0: 0, y1: 1, line: { ...line, dash: "dash" } }];
  const row = state.layer;
  if (row !== null && of(quality)(row) !== null) {
    shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: of(quality)(row), y1: of(quality)(row), line });
    shapes.push({ type: "line", x0: columns.latency_ms[row], x1: columns.latency_ms[row], yref: "paper", y0: 0, y1: 1, line });
  }
  markChart("front", shapes);
  const { chart } = charts.get("heat");
  if (row === null || columns.model[row] !== shownModel() || !chart?.data.length) {
    markChart("heat", []);
    return;
  }
  const [x, y] = [chart.layout.xaxis.ticktext.indexOf(String(columns.alpha[row])), chart.layout.yaxis.ticktext.indexOf(sizeOf(row))];
  markChart("heat", [{ type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5, line: { ...line, width: 4 } }]);
}

// -- the page ---------------------------------------------------------------------------------------------------------

function caseSwitch() {
  if (cases.length === 1) return element("p", { class: "note" }, `${caseName(cases[0])} `, badge(cases[0].basis));
  const buttons = cases.map((entry, number) => element("button", { type: "button", class: "target", "aria-pressed": "false", onclick: () => update({ view: number, layer: null }) }, element("span", {}, `${caseName(entry)} `, badge(entry.basis))));
  const press = () => buttons.forEach((button, number) => button.setAttribute("aria-pressed", String(number === state.view)));
  listeners.push((changes) => "view" in changes && press());
  press();
  return element("div", { class: "targets", role: "group", "aria-label": "Target" }, ...buttons);
}

function drawView() {
  table.show(caseRows(), facets());
  table.mark(true);
}

function start() {
  const read = () => readHash(cases.length, () => rows.length);
  Object.assign(state, read());
  document.getElementById("head").append(navigation([["answer", "Answer"], ["grid", "Grid and front"], ["layers", "Configurations"]]), themeButton());
  // with every key, so that nothing is left to do when the field is left and the click that leaves it is not lost
  limit.addEventListener("input", () => update({ facets: { ...state.facets, budget: limit.value } }));
  const cards = page.cards.map(({ label, value, note, number }) =>
    element("div", { class: `card${number && strength(number.basis) === 2 ? " unsure" : ""}`, "data-card": label }, element("span", { class: "label" }, label), element("span", { class: "value" }, value), note ? element("span", { class: "note" }, note) : null, number ? badge(number.basis) : null, number ? intervalBar(number, widestOf([number]), true) : null),
  );
  const caveats = page.caveats.map((text) => element("li", {}, text));
  document.getElementById("main").append(
    section("answer", "Answer", cards.length ? element("div", { class: "cards" }, ...cards) : null, page.asked ? element("p", { class: "note" }, page.asked) : null, caseSwitch(), element("div", { class: "controls" }, element("label", {}, "Budget ", limit, " ms")), answer, caveats.length ? element("details", {}, element("summary", {}, "Caveats"), element("ul", {}, ...caveats)) : null),
    section("grid", "Grid and front", element("div", { class: "pair" }, chartFigure("heat", "Latency by width and resolution"), chartFigure("front", "Front"))),
    section("layers", "Configurations", table.node),
  );
  document.getElementById("foot").prepend(element("dl", {}, ...page.provenance.flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)])));
  answerBudget();
  listeners.push((changes) => {
    if (["view", "facets", "layer"].some((key) => key in changes)) explainHere();
    if ("view" in changes) drawView();
    else if (["sort", "filter", "facets", "columns"].some((key) => key in changes)) table.draw();
    if ("view" in changes || "facets" in changes) answerBudget();
    if ("view" in changes || "facets" in changes) drawCharts();
    else if ("layer" in changes) {
      table.mark(true);
      markCharts();
    }
  });
  addEventListener("hashchange", () => update(read()));
  startCharts(drawCharts, drawView);
}

start();
