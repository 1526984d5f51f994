// The page of a stream: buffers side by side, and the frames of one number of buffers over time.

const { results } = page.stream;
const current = () => page.timelines[state.view];
const events = () => current().events;
const eventKey = new Map(["stage", "unit", "frame", "start", "end"].map((name, number) => [name, number]));
const of = (name) => (row) => events()[row][eventKey.get(name)];
const inMilliseconds = (value) => value.toFixed(3);

const table = new DataTable({
  label: "Frames over time",
  columns: [
    { key: "name", title: "stage", value: (row) => page.stages[of("stage")(row)] },
    { key: "unit", title: "unit", value: (row) => page.units[of("unit")(row)] },
    { key: "frame", title: "frame", numeric: true, value: of("frame"), text: String },
    { key: "start", title: "starts ms", numeric: true, value: of("start"), text: inMilliseconds },
    { key: "end", title: "ends ms", numeric: true, value: of("end"), text: inMilliseconds },
    { key: "time", title: "takes ms", numeric: true, sum: true, value: (row) => of("end")(row) - of("start")(row), text: inMilliseconds },
  ],
  facets: facets(),
  id: (row) => row,
  share: (row) => of("end")(row) - of("start")(row),
  words: (row) => `${page.stages[of("stage")(row)]} ${page.units[of("unit")(row)]}`,
  pick: (row) => update({ layer: state.layer === row ? null : row }),
  buttons: [element("button", { type: "button", id: "save-json", onclick: () => saveJson() }, "JSON")],
});

function facets() {
  return [
    { key: "stage", title: "Stage", choices: page.stages, of: of("stage") },
    { key: "unit", title: "Unit", choices: page.units, of: of("unit") },
  ];
}

function saveJson() {
  download(`${fileName(document.title)}.json`, `${JSON.stringify(page.stream, null, 2)}\n`, "application/json");
}

function bufferCards() {
  const cards = page.cards.map(({ label, value, note, work, bound }) =>
    element("div", { class: "card", "data-card": label }, element("span", { class: "label" }, label), element("span", { class: "value" }, value), element("span", { class: "note" }, note), element("span", { class: "note" }, work), element("strong", {}, bound)),
  );
  return element("div", { class: "cards" }, ...cards);
}

function stageTable() {
  const head = ["stage", "unit", "ms", "MB"].map((title) => element("th", { scope: "col" }, title));
  const lines = page.stream.stages.map((stage) =>
    element("tr", {}, element("th", { scope: "row" }, stage.name), element("td", {}, stage.unit), element("td", { class: "number" }, stage.ms.toFixed(2)), element("td", { class: "number" }, (stage.bytes / 1e6).toFixed(1))),
  );
  return element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Stages" }, element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines)));
}

function drawView() {
  table.show(events().map((_, number) => number), facets());
  table.mark(true);
}

function drawCharts() {
  drawChart("busy", page.charts.busy);
  drawTimeline();
}

/** A stage of a frame in words. */
function explained(row) {
  const [stage, unit] = [page.stages[of("stage")(row)], page.units[of("unit")(row)]];
  const [start, end] = [of("start")(row), of("end")(row)];
  return [
    element("h3", {}, `${cut(stage, 80)}, frame ${of("frame")(row)}`),
    element("p", {}, `On ${unit} from ${inMilliseconds(start)} to ${inMilliseconds(end)} ms: `, element("strong", {}, milliseconds(end - start)), "."),
  ];
}

function drawTimeline() {
  drawChart("timeline", current().chart, ({ customdata }) => {
    if (!Number.isInteger(customdata)) return;
    update({ layer: customdata });
    explainHere("timeline", ...explained(customdata));
  });
  markCharts();
}

/** The chosen stage of a frame: a frame around its bar. */
function markCharts() {
  if (state.layer === null) {
    markChart("timeline", []);
    return;
  }
  const [unit, start, end] = ["unit", "start", "end"].map((name) => of(name)(state.layer));
  markChart("timeline", [{ type: "rect", x0: start, x1: end, y0: unit - 0.45, y1: unit + 0.45, line: { color: colour("mark"), width: 3 } }]);
}

function start() {
  const read = () => readHash(results.length, (number) => page.timelines[number].events.length);
  Object.assign(state, read());
  document.getElementById("head").append(navigation([["answer", "Answer"], ["timeline", "Timeline"], ["events", "Frames"]]), themeButton());
  const caveats = page.caveats.map((text) => element("li", {}, text));
  document.getElementById("main").append(
    section("answer", "Answer", element("p", { class: "note" }, page.plan), element("p", {}, ...page.grounds.flatMap(([name, basis]) => [`${name} `, badge(basis), " "])), bufferCards(), element("p"), element("div", { class: "pair" }, chartFigure("busy", "Utilisation of each unit"), element("div", {}, element("h3", {}, "Stages"), stageTable())), caveats.length ? element("details", {}, element("summary", {}, "Caveats"), element("ul", {}, ...caveats)) : null),
    section("timeline", "Timeline", viewSwitch(page.cards.map(({ label }) => label), "Buffers"), chartFigure("timeline", "Frames on the units", "tall")),
    section("events", "Frames", table.node),
  );
  document.getElementById("foot").prepend(element("dl", {}, ...page.provenance.flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)])));
  drawView();
  listeners.push((changes) => {
    if ("view" in changes || "layer" in changes) explainHere();
    if ("view" in changes) {
      drawView();
      drawTimeline();
      return;
    }
    if (["sort", "filter", "facets", "columns"].some((key) => key in changes)) table.draw();
    if ("layer" in changes) {
      table.mark(true);
      markCharts();
    }
  });
  addEventListener("hashchange", () => update(read()));
  startCharts(drawCharts);
}

start();
