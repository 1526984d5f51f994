// The page of one network on one or more targets.

const { views } = page;
/** Rows that name their keys once, as objects. */
const unpacked = ({ keys, values }) => values.map((row) => Object.fromEntries(keys.map((key, place) => [key, row[place]])));
for (const each of views) {
  each.analysis.layers = unpacked(each.analysis.layers);
  each.rows = unpacked(each.rows);
  each.names = each.names.map((name, position) => name ?? each.analysis.layers[position].name);
}
const view = () => views[state.view];
const layersOf = (number) => views[number].analysis.layers;
/** The kernel that computes a layer, and the position of its main layer. */
const kernelOf = (layer) => view().rows[layer].kernel;
const mainOf = (layer) => view().kernels[kernelOf(layer)];

// -- layer table ------------------------------------------------------------------------------------------------------

/** A layer with what the page knows of it; `parts` are the positions of the layers that its kernel computes, its own first. */
function rowOf(position, parts) {
  return { position, layer: layersOf(state.view)[position], extra: view().rows[position], parts };
}

/** A row for every kernel, with the layers that are fused into it. */
function tableRows() {
  const members = view().kernels.map((main) => [main]);
  view().rows.forEach(({ kernel }, position) => {
    if (position !== view().kernels[kernel]) members[kernel].push(position);
  });
  return members.map((parts) => rowOf(parts[0], parts));
}

const fusedOf = (row) => row.parts?.slice(1).map((position) => rowOf(position)) ?? [];
/** The sum over a row's layers. */
const together = (value) => (row) => (row.parts ?? [row.position]).reduce((sum, position) => sum + value(layersOf(state.view)[position]), 0);

const ms = (value) => value.toFixed(tableDecimals);
let tableDecimals = 2;

function chooseDecimals() {
  const total = view().analysis.latency_ms;
  tableDecimals = total > 0 ? Math.min(6, Math.max(1, 3 - Math.floor(Math.log10(total)))) : 3;
}

function layerColumns() {
  const part = (number) => (row) => row.extra.split_ms[number];
  const time = (value) => ms(value);
  const count = (value) => value.toLocaleString("en-US");
  return [
    { key: "position", title: "#", numeric: true, ascending: true, hint: "Place in the order of execution", value: (row) => row.position },
    { key: "name", title: "layer", value: (row) => view().names[row.position], whole: (row) => row.layer.name },
    { key: "latency_ms", title: "ms", numeric: true, sum: true, value: (row) => row.layer.latency_ms, text: time },
    { key: "share", title: "%", numeric: true, sum: true, hint: "Share of the network's time", value: shareOf, text: (value) => (value * 100).toFixed(1), decorate: bar },
    { key: "cumulative", title: "cum. %", numeric: true, cumulative: true, text: (value) => (value * 100).toFixed(1) },
    { key: "class", title: "class", value: (row) => classOf(row) },
    { key: "op", title: "operator", hidden: true, value: (row) => row.layer.op },
    { key: "block", title: "block", hidden: true, value: (row) => (row.extra.block === null ? "" : cut(view().blocks[row.extra.block], 60)) },
    { key: "input_shape", title: "input", numeric: true, hidden: true, value: (row) => row.layer.input_shape.reduce((a, b) => a * b), text: (_, row) => shape(row.layer.input_shape) },
    { key: "output_shape", title: "output", numeric: true, hint: "Sorted by number of elements", value: (row) => row.layer.output_shape.reduce((a, b) => a * b), text: (_, row) => shape(row.layer.output_shape) },
    { key: "bound", title: "bound by", value: (row) => row.layer.bound },
    ...page.groups.map((group, number) => ({ key: group.name, title: `${group.name} ms`, numeric: true, sum: true, hidden: true, value: part(number), text: time })),
    { key: "macs", title: "MACs", numeric: true, sum: true, value: together((layer) => layer.macs), text: (value) => si(value) },
    { key: "params", title: "params", numeric: true, sum: true, hidden: true, value: together((layer) => layer.params), text: count },
    { key: "traffic", title: "traffic", numeric: true, sum: true, hint: "Bytes of input, weights and output", value: together((layer) => layer.input_bytes + layer.weight_bytes + layer.output_bytes), text: (value) => bytes(value) },
    { key: "weight_bytes", title: "weights", numeric: true, sum: true, hidden: true, value: together((layer) => layer.weight_bytes), text: (value) => bytes(value) },
    { key: "im2col_bytes", title: "im2col", numeric: true, sum: true, hidden: true, value: together((layer) => layer.im2col_bytes), text: (value) => bytes(value) },
    { key: "arithmetic_intensity", title: "MAC/B", numeric: true, hidden: true, value: (row) => row.layer.arithmetic_intensity || null, text: (value) => significant(value) },
    { key: "macs_per_s", title: "GMAC/s", numeric: true, value: (row) => row.extra.macs_per_s, text: (value) => significant(value / 1e9) },
    { key: "peak_share", title: "of peak", numeric: true, value: (row) => row.extra.peak_share, text: (value) => percent(value) },
    { key: "live_bytes", title: "alive", numeric: true, hidden: true, hint: "Live activations while the layer runs", value: (row) => row.extra.live_bytes, text: (value) => bytes(value) },
  ];
}

const classOf = (row) => (row.extra.class === null ? row.layer.bound : view().classes[row.extra.class]);
const shareOf = (row) => (view().analysis.latency_ms ? row.layer.latency_ms / view().analysis.latency_ms : 0);

function bar(cell, row) {
  const longest = Math.max(...layersOf(state.view).map((layer) => layer.latency_ms)) || 1;
  cell.style.setProperty("--bar", `${(100 * row.layer.latency_ms) / longest}%`);
  cell.classList.add("barred");
}

function layerFacets() {
  const bounds = [...new Set(view().kernels.map((main) => layersOf(state.view)[main].bound))];
  return [
    { key: "class", title: "Class", choices: view().classes, of: (row) => row.extra.class },
    { key: "block", title: "Block", choices: view().blocks, of: (row) => row.extra.block },
    { key: "bound", title: "Bound by", choices: bounds, of: (row) => bounds.indexOf(row.layer.bound) },
  ];
}

const table = new DataTable({
  label: "Kernels, with the layers that they compute",
  columns: layerColumns(),
  facets: layerFacets(),
  id: (row) => row.position,
  share: shareOf,
  words: (row) => `${row.layer.name} ${classOf(row)} ${row.layer.op} ${row.layer.block} ${row.layer.bound}`,
  first: { key: "latency_ms", descending: true },
  parts: fusedOf,
  partWord: "fused layers",
  quiet: (row) => row.layer.latency_ms === 0,
  pick: (row) => update({ layer: state.layer === row.position ? null : row.position }),
  buttons: [
    element("button", { type: "button", id: "save-csv", onclick: () => saveCsv() }, "CSV"),
    element("button", { type: "button", id: "save-json", onclick: () => saveJson() }, "JSON"),
  ],
});

/** The layers of the kernels that are shown, in the order of execution, with the columns and the bytes of `mbcost analyze --format csv`. */
function saveCsv() {
  const floats = new Set(["arithmetic_intensity", "latency_ms", "compute_ms", "memory_ms", "overhead_ms"]);
  const keys = Object.keys(layersOf(state.view)[0]);
  const { basis } = view().analysis;
  const cell = (key, value) => {
    if (key === "inputs") return csvCell(value.join(" "));
    if (Array.isArray(value)) return csvCell(shape(value));
    return floats.has(key) ? pythonFloat(value) : csvCell(String(value));
  };
  const shown = table.shown.flatMap(({ parts }) => parts).sort((a, b) => a - b).map((position) => layersOf(state.view)[position]);
  const lines = [[...keys, "basis"].join(","), ...shown.map((layer) => [...keys.map((key) => cell(key, layer[key])), csvCell(basis)].join(","))];
  download(`${fileName(document.title)}.csv`, `${lines.join("\n")}\n`, "text/csv");
}

function saveJson() {
  download(`${fileName(document.title)}.json`, `${JSON.stringify(view().analysis, null, 2)}\n`, "application/json");
}

// -- explain this number ----------------------------------------------------------------------------------------------

const explanation = element("div", { "aria-live": "polite" });

/** Formula, counts, rates and their sources: of the selected layer's kernel, or of the whole network. */
function explain() {
  const { form, analysis } = view();
  const own = view().own;
  const kernel = state.layer === null ? null : kernelOf(state.layer);
  const counts = new Map();
  for (const list of kernel === null ? own.counts : [own.counts[kernel]]) {
    for (const [term, count] of list) counts.set(term, (counts.get(term) ?? 0) + count);
  }
  const terms = [...counts.keys()].sort((a, b) => a - b);
  explanation.replaceChildren(...explainHead(kernel), formulaOf(form, terms), termTable(terms, counts, own, analysis), ...rateDetails(terms));
}

function explainHead(kernel) {
  const { analysis } = view();
  if (kernel === null) {
    return [
      element("h3", {}, "The whole network"),
      element("p", {}, element("strong", {}, milliseconds(analysis.latency_ms)), ". Select a layer in any view to see how its time is computed."),
    ];
  }
  const layer = analysis.layers[state.layer];
  const main = analysis.layers[mainOf(state.layer)];
  const time = element("p", {}, element("strong", {}, milliseconds(main.latency_ms)), `, ${percent(main.latency_ms / analysis.latency_ms || 0)} of the network; bound by ${main.bound}.`);
  const fused = mainOf(state.layer) !== state.layer;
  return [
    element("h3", {}, cut(layer.name, 120)),
    element("p", { class: "note" }, `${layer.op}, ${shape(layer.input_shape)} to ${shape(layer.output_shape)}, block ${cut(layer.block, 60)}`),
    fused ? element("p", {}, `Computed by the kernel of ${cut(main.name, 120)}; it takes no time of its own. That kernel:`) : null,
    time,
  ].filter(Boolean);
}

function formulaOf(form, terms) {
  const names = (test) => terms.filter((term) => test(page.groups[form.terms[term].group].name)).map((term) => form.terms[term].name);
  const sum = (list) => list.join(" + ") || "0";
  if (form.overlap === "none") return element("p", { class: "formula" }, `time = ${sum(names(() => true))}`);
  const compute = sum(names((group) => group === "compute"));
  const activations = names((group) => group === "activations");
  const weights = names((group) => group === "weights");
  const memory = form.overlap === "full" ? sum([...activations, ...weights]) : `${sum(activations)}, ${sum(weights)}`;
  const added = names((group) => group === "lowering" || group === "overhead");
  const whole = state.layer === null ? "time = sum over kernels of " : "time = ";
  return element("p", { class: "formula" }, `${whole}max(${compute}, ${memory})${added.length ? ` + ${sum(added)}` : ""}`);
}

function termTable(terms, counts, own) {
  const { form, rates } = view();
  const lines = terms.map((term) => {
    const { name, unit, group } = form.terms[term];
    const count = counts.get(term);
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", { class: "number" }, `${count.toLocaleString("en-US", { maximumFractionDigits: 1 })} ${unit}`),
      element("td", { class: "number" }, `${seconds(own.rates[term])} per ${unit}`),
      element("td", { class: "number" }, seconds(count * own.rates[term])),
      element("td", {}, page.groups[group].name),
      element("td", {}, sourceMark(rates[term].source)),
    );
  });
  const head = ["term", "count", "× rate", "= time", "is", "source"].map((title, number) =>
    element("th", { scope: "col", class: number && number < 4 ? "number" : "" }, title),
  );
  const content = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
  return element("div", {}, ...framed(element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Terms" }, content)));
}

const sourceMark = (source) => element("span", { class: `source ${source}` }, source);

/** What a term counts, how its rate was computed, and every number that went in. */
function rateDetails(terms) {
  const { form, rates } = view();
  return terms.map((term) => {
    const rate = rates[term];
    const inputs = rate.inputs.map((input) =>
      element(
        "li",
        {},
        element("code", {}, input.name),
        ` ${input.value} `,
        sourceMark(input.source),
        input.note ? ` ${input.note}.` : "",
        input.reference ? element("span", { class: "note" }, ` ${input.reference}`) : null,
      ),
    );
    return element(
      "details",
      {},
      element("summary", {}, `Where ${form.terms[term].name} comes from`),
      form.terms[term].counts ? element("p", {}, `Count: ${form.terms[term].counts}`) : null,
      element("p", {}, `Rate: ${rate.formula}`),
      element("ul", {}, ...inputs),
    );
  });
}

// -- what if ----------------------------------------------------------------------------------------------------------

/**
 * The form's own arithmetic: the time of the network [s] and its parts at a point of the grid, at a setting (precision and
 * threads), and with factors on clock and bandwidth.
 */
function predict(setting, point, clock = 1, bandwidth = 1) {
  const { form, live } = view();
  const [kernels, hosted] = live.tables[setting.table];
  const rates = setting.rates_s.map((rate, term) => {
    const limits = setting.limits?.[term] ?? [[1, 0, 0]];
    return rate * Math.max(...limits.map(([factor, withClock, withBandwidth]) => factor * clock ** withClock * bandwidth ** withBandwidth));
  });
  const groups = page.groups.map((_, group) => hosted[group]?.[point] ?? 0);
  let latency = groups.reduce((sum, time) => sum + time, 0);
  const additive = form.overlap === "none";
  for (const [number, terms] of kernels) {
    const parts = page.groups.map(() => 0);
    for (const [term, counts] of terms) parts[form.terms[term].group] += number * counts[point] * rates[term];
    const [compute, activations, weights, lowering, overhead] = parts;
    const memory = form.overlap === "parallel" ? Math.max(activations, weights) : activations + weights;
    const hidden = [
      !additive && compute < memory,
      !additive && (compute >= memory || (form.overlap === "parallel" && activations < weights)),
      !additive && (compute >= memory || (form.overlap === "parallel" && activations >= weights)),
    ];
    parts.forEach((part, group) => {
      if (!hidden[group]) groups[group] += part;
    });
    latency += (additive ? compute + (activations + weights + lowering) : Math.max(compute, memory) + lowering) + overhead;
  }
  return { latency, groups };
}

const slider = (id, range) => element("input", { type: "range", id, ...range });
const knobs = {
  alpha: slider("alpha", { min: "0", step: "1" }),
  resolution: slider("resolution", { min: "0", step: "1" }),
  threads: slider("threads", { min: "0", step: "1" }),
  precision: element("select", { id: "precision" }),
  clock: slider("clock", { min: "-1", max: "1", step: "0.01" }),
  bandwidth: slider("bandwidth", { min: "-1", max: "1", step: "0.01" }),
};
const KNOB_TITLES = { alpha: "Width alpha", resolution: "Resolution", threads: "Threads", precision: "Precision", clock: "Clock", bandwidth: "Bandwidth" };
const knobTexts = Object.fromEntries(Object.keys(knobs).map((name) => [name, element("output", { for: name })]));
const whatIf = {
  answer: element("p", { id: "what-if-answer", role: "status" }),
  bars: element("div"),
  grid: element("div", { id: "live-grid" }),
  note: element("p", { class: "note" }),
};

/** The choices of the knobs that have steps. */
function choices() {
  const { live } = view();
  return {
    alpha: live.alphas.map(String),
    resolution: live.sides.map(String),
    threads: [...new Set(live.settings.map(({ threads }) => threads))].sort((a, b) => a - b).map(String),
    precision: [...new Set(live.settings.map(({ precision }) => precision))],
  };
}

/** What the analysis itself has. */
function ownKnobs() {
  const { live } = view();
  return { alpha: String(live.alphas[live.own[0]]), resolution: String(live.sides[live.own[1]]), threads: String(live.settings[0].threads), precision: live.settings[0].precision, clock: "1", bandwidth: "1" };
}

/** What is chosen: that of the link where this target has it. */
function chosenKnobs() {
  const [own, known] = [ownKnobs(), choices()];
  const factor = (name) => {
    const value = Number(state.live[name]);
    return value >= 0.5 && value <= 2 ? state.live[name] : own[name];
  };
  const of = (name) => (known[name].includes(state.live[name]) ? state.live[name] : own[name]);
  return { alpha: of("alpha"), resolution: of("resolution"), threads: of("threads"), precision: of("precision"), clock: factor("clock"), bandwidth: factor("bandwidth") };
}

function whatIfSection() {
  const value = (name) => {
    const { value: now } = knobs[name];
    if (name === "precision") return now;
    return name in choices() ? choices()[name][Number(now)] : String(2 ** Number(now));
  };
  for (const [name, knob] of Object.entries(knobs)) knob.addEventListener("input", () => turn({ [name]: value(name) }));
  const rows = Object.entries(knobs).map(([name, knob]) =>
    element("div", { class: "knob", "data-knob": name }, element("label", { for: name }, element("span", {}, KNOB_TITLES[name])), knob, name === "precision" ? null : knobTexts[name]),
  );
  return section(
    "what-if",
    "What if",
    element("div", { class: "live" },
      element("div", { class: "knobs" }, ...rows, element("button", { type: "button", onclick: () => update({ live: {} }) }, "Reset")),
      element("div", {}, whatIf.answer, whatIf.bars),
    ),
    whatIf.grid,
    whatIf.note,
  );
}

/** Turns knobs; those that are as in the analysis are not in the link. */
function turn(changes) {
  const own = ownKnobs();
  update({ live: Object.fromEntries(Object.entries({ ...chosenKnobs(), ...changes }).filter(([name, value]) => value !== own[name])) });
}

function prepareWhatIf() {
  const known = choices();
  knobs.precision.replaceChildren(...known.precision.map((name) => element("option", { value: name }, name)));
  for (const name of ["alpha", "resolution", "threads"]) knobs[name].max = String(known[name].length - 1);
  for (const [name, list] of Object.entries(known)) knobs[name].closest(".knob").hidden = list.length < 2;
  answerWhatIf();
}

function answerWhatIf() {
  const { analysis, live } = view();
  const [chosen, known] = [chosenKnobs(), choices()];
  const setting = live.settings.find(({ precision, threads }) => precision === chosen.precision && String(threads) === chosen.threads) ?? live.settings[0];
  const moves = (place) => Boolean(setting.limits?.some((limits) => limits.some((limit) => limit[place + 1] !== 0)));
  [knobs.clock.disabled, knobs.bandwidth.disabled] = [!moves(0), !moves(1)];
  const [clock, bandwidth] = ["clock", "bandwidth"].map((name) => (knobs[name].disabled ? 1 : Number(chosen[name])));
  for (const name of ["alpha", "resolution", "threads"]) {
    knobs[name].value = String(known[name].indexOf(chosen[name]));
    knobTexts[name].textContent = chosen[name];
    knobs[name].setAttribute("aria-valuetext", chosen[name]);
  }
  knobs.precision.value = chosen.precision;
  [["clock", clock], ["bandwidth", bandwidth]].forEach(([name, factor]) => {
    knobs[name].value = String(Math.log2(factor));
    knobTexts[name].textContent = `× ${significant(factor)}`;
  });
  const own = live.own[0] * live.sides.length + live.own[1];
  const before = predict(live.settings[0], own);
  if (!before.latency) {
    whatIf.answer.textContent = "There is nothing to change.";
    whatIf.bars.replaceChildren();
    whatIf.grid.replaceChildren();
    return;
  }
  const pointOf = (alpha, side) => live.alphas.map(String).indexOf(alpha) * live.sides.length + live.sides.map(String).indexOf(side);
  const after = predict(setting, pointOf(chosen.alpha, chosen.resolution), clock, bandwidth);
  const change = after.latency / before.latency - 1;
  const words = Math.abs(change) < 5e-5 ? "as it is" : `${change > 0 ? "+" : "−"}${percent(Math.abs(change))}`;
  whatIf.answer.replaceChildren(element("strong", {}, milliseconds(after.latency * 1e3)), ` ${words}, ${significant(analysis.batch / after.latency)} frames/s`);
  whatIf.answer.dataset.seconds = String(after.latency);
  whatIf.bars.replaceChildren(splitBar("now", before, before), splitBar("then", after, before), groupLegend(before, after));
  drawLiveGrid(chosen, (alpha, side) => predict(setting, pointOf(alpha, side), clock, bandwidth).latency);
  const still = ["clock", "bandwidth"].filter((name) => knobs[name].disabled);
  const fixed = !setting.limits
    ? " Clock and bandwidth are fixed: it is not known how the rates of this target depend on them."
    : still.length ? ` No rate of this target follows the ${still.join(" or the ")}.` : "";
  whatIf.note.textContent = `Recomputed on this page from counts at ${live.alphas.length * live.sides.length} sizes of the network and rates at ${live.settings.length} settings of the target; exact at these, and kept in the link. A changed target has no interval.${fixed}`;
}

/** Every width and resolution at the chosen setting; a click chooses one. */
function drawLiveGrid(chosen, latencyOf) {
  const { alpha: alphas, resolution: sides } = choices();
  if (alphas.length * sides.length < 2) {
    whatIf.grid.replaceChildren();
    return;
  }
  const times = sides.map((side) => alphas.map((alpha) => latencyOf(alpha, side)));
  const most = Math.max(...times.flat());
  const cell = (row, column) => {
    const [alpha, side] = [alphas[column], sides[row]];
    const pressed = alpha === chosen.alpha && side === chosen.resolution;
    const shade = Math.round((60 * times[row][column]) / most);
    const attributes = { type: "button", tabindex: pressed ? "0" : "-1", "aria-pressed": String(pressed), "aria-label": `alpha ${alpha}, resolution ${side}: ${milliseconds(times[row][column] * 1e3)}`, style: `--shade:${shade}%`, onclick: () => pickSize(alpha, side) };
    return element("td", {}, element("button", attributes, significant(times[row][column] * 1e3)));
  };
  const lines = sides.map((side, row) => element("tr", {}, element("th", { scope: "row" }, side), ...alphas.map((_, column) => cell(row, column))));
  const head = element("tr", {}, element("th", { scope: "col" }, "resolution"), ...alphas.map((alpha) => element("th", { scope: "col" }, alphas.length > 1 ? `alpha ${alpha} [ms]` : "latency [ms]")));
  const sizes = element("table", { class: "sizes" }, element("caption", { class: "hidden" }, "Latency [ms] by width and resolution"), element("thead", {}, head), element("tbody", {}, ...lines.reverse()));
  whatIf.grid.replaceChildren(...framed(element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Latency by width and resolution" }, sizes)));
}

function pickSize(alpha, resolution) {
  turn({ alpha, resolution });
  whatIf.grid.querySelector('[aria-pressed="true"]')?.focus();
}

/** One bar, split into the parts of the time, at the scale of the longer of the two. */
function splitBar(label, { latency, groups }, reference) {
  const scale = Math.max(latency, reference.latency * 2.2);
  const parts = groups.map((time, number) => element("span", { class: "part", style: `width:${(100 * time) / scale}%;background:${page.groups[number].colour}` }));
  return element("div", { class: "split", "aria-hidden": "true" }, element("span", { class: "split-label" }, label), element("span", { class: "split-bar" }, ...parts));
}

function groupLegend(before, after) {
  const lines = page.groups.map(({ name, colour: fill }, number) =>
    before.groups[number] || after.groups[number]
      ? element("tr", {}, element("th", { scope: "row" }, element("span", { class: "swatch", style: `background:${fill}` }), name), element("td", { class: "number" }, seconds(before.groups[number])), element("td", { class: "number" }, seconds(after.groups[number])))
      : null,
  );
  const head = ["spent on", "now", "then"].map((title, number) => element("th", { scope: "col", class: number ? "number" : "" }, title));
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
}

// -- graph ------------------------------------------------------------------------------------------------------------

const graphBox = element("div", { class: "scroller graph", tabindex: "0", role: "region", "aria-label": "Graph of kernels" });
const minimap = element("div", { class: "minimap", "aria-hidden": "true" });
const NODE = { width: 216, height: 32, gapX: 28, gapY: 18, rows: 6 };
const graph = { open: new Set(), nodes: [], size: null, zoom: 1 };

/** What is drawn as a box: a kernel of an unfolded block, or a whole block. */
function graphUnits() {
  const { analysis, kernels, regions } = view();
  const units = [];
  const unitOf = [];
  const folded = new Map();
  kernels.forEach((main, kernel) => {
    const block = regions.of[kernel];
    const alone = regions.of.indexOf(block) === regions.of.lastIndexOf(block);
    if (!alone && !graph.open.has(block)) {
      if (!folded.has(block)) {
        folded.set(block, units.length);
        units.push({ block, kernels: [] });
      }
      unitOf[kernel] = folded.get(block);
    } else {
      unitOf[kernel] = units.length;
      units.push({ block: null, kernels: [] });
    }
    units[unitOf[kernel]].kernels.push(kernel);
  });
  for (const unit of units) unit.ms = unit.kernels.reduce((sum, kernel) => sum + analysis.layers[kernels[kernel]].latency_ms, 0);
  return { units, unitOf };
}

/** The connections between the boxes. */
function graphEdges(unitOf) {
  const { analysis, rows } = view();
  const maker = new Map(analysis.layers.map((layer, position) => [layer.name, rows[position].kernel]));
  const edges = new Set();
  analysis.layers.forEach((layer, position) => {
    const to = unitOf[rows[position].kernel];
    for (const input of layer.inputs) {
      const from = maker.has(input) ? unitOf[maker.get(input)] : to;
      if (from !== to) edges.add(`${from} ${to}`);
    }
  });
  return [...edges].map((edge) => edge.split(" ").map(Number));
}

/** Places by rank (longest path from the start), in columns from left to right; within a rank below the middle of the inputs. */
function layOut(units, edges) {
  const { kernels } = view();
  const count = units.length;
  const before = units.map(() => []);
  for (const [from, to] of edges) before[to].push(from);
  const order = units.map((_, unit) => unit).sort((a, b) => kernels[units[a].kernels[0]] - kernels[units[b].kernels[0]]);
  const rank = new Array(count).fill(0);
  for (let pass = 0, moved = true; moved && pass < count; pass += 1) {
    moved = false;
    for (const unit of order) {
      const wanted = Math.min(count, Math.max(0, ...before[unit].map((from) => rank[from] + 1)));
      if (wanted > rank[unit]) [rank[unit], moved] = [wanted, true];
    }
  }
  const lanes = [];
  for (const unit of order) (lanes[rank[unit]] ??= []).push(unit);
  const kept = lanes.filter(Boolean);
  const column = new Array(count).fill(0);
  for (const lane of kept) {
    const wish = (unit) => (before[unit].length ? before[unit].reduce((sum, from) => sum + column[from], 0) / before[unit].length : 0);
    lane.sort((a, b) => wish(a) - wish(b) || a - b);
    lane.forEach((unit, number) => (column[unit] = number - (lane.length - 1) / 2));
  }
  const rows = Math.max(NODE.rows, Math.ceil(kept.length / Math.max(1, Math.floor((graphBox.clientWidth || 1200) / (NODE.width + NODE.gapX)))));
  const places = [];
  let left = NODE.gapX;
  for (let start = 0; start < kept.length; start += rows) {
    const part = kept.slice(start, start + rows);
    const widest = Math.max(...part.map((lane) => lane.length));
    const middle = left + (widest * (NODE.width + NODE.gapX)) / 2;
    part.forEach((lane, row) => {
      for (const unit of lane) places[unit] = { x: middle + column[unit] * (NODE.width + NODE.gapX), y: NODE.gapY + row * (NODE.height + NODE.gapY), page: start };
    });
    left += widest * (NODE.width + NODE.gapX) + NODE.gapX;
  }
  return { places, width: left, height: NODE.gapY + Math.min(rows, kept.length) * (NODE.height + NODE.gapY) };
}

/** A connection: straight down to the next row, around boxes in between, or over to the next column. */
function edgePath(from, to) {
  const [x0, y0, x1, y1] = [from.x, from.y + NODE.height, to.x, to.y];
  if (from.page !== to.page) {
    const gap = (to.x < from.x ? from.x : to.x) - NODE.width / 2 - NODE.gapX / 2;
    return `M${x0} ${y0}C${x0} ${y0 + 14} ${gap} ${y0 + 14} ${gap} ${y0 - 10}L${gap} ${y1 + 4}C${gap} ${y1 - 14} ${x1} ${y1 - 14} ${x1} ${y1}`;
  }
  if (y1 - y0 <= NODE.gapY + 1) return `M${x0} ${y0}C${x0} ${y0 + 9} ${x1} ${y1 - 9} ${x1} ${y1}`;
  const [right0, right1] = [x0 + NODE.width / 2, x1 + NODE.width / 2];
  const bow = Math.max(right0, right1) + Math.min(NODE.gapX - 6, 8 + (y1 - y0) / 40);
  return `M${right0} ${y0 - NODE.height / 2}C${bow} ${y0} ${bow} ${y1} ${right1} ${y1 + NODE.height / 2}`;
}

function drawGraph() {
  const { analysis, kernels, rows, names, regions } = view();
  if (state.layer !== null) graph.open.add(regions.of[kernelOf(state.layer)]);
  const { units, unitOf } = graphUnits();
  const edges = graphEdges(unitOf);
  const { places, width, height } = layOut(units, edges);
  const slowestTime = Math.max(...units.map(({ ms: time }) => time)) || 1;
  const paths = edges.map(([from, to]) => element("path", { d: edgePath(places[from], places[to]), class: "edge" }));
  graph.nodes = units.map(({ block, kernels: members, ms: time }, unit) => {
    const slowest = members.reduce((a, b) => (analysis.layers[kernels[b]].latency_ms > analysis.layers[kernels[a]].latency_ms ? b : a));
    const [main, kind] = [kernels[members[0]], rows[kernels[slowest]].class];
    const fill = kind === null ? "none" : page.palette[Math.min(kind, page.palette.length - 1)];
    const layer = analysis.layers[main];
    const name = block === null ? names[main] : regions.labels[block];
    const words = block === null ? `${cut(layer.name, 200)}: ${layer.op}, ${shape(layer.output_shape)}, ${milliseconds(time)}` : `${cut(name, 200)}: ${members.length} kernels, ${milliseconds(time)}`;
    const click = () => (block === null ? update({ layer: main }) : unfoldBlocks([block]));
    const { x, y } = places[unit];
    return element(
      "g",
      { class: block === null ? "node" : "node block", transform: `translate(${x - NODE.width / 2} ${y})`, onclick: click },
      element("title", {}, words),
      element("rect", { class: "box", width: NODE.width, height: NODE.height, rx: 5 }),
      element("rect", { width: 5, height: NODE.height, fill, rx: 2 }),
      element("rect", { class: "heat", x: 5, y: NODE.height - 4, width: (NODE.width - 5) * (time / slowestTime), height: 4, fill }),
      element("text", { x: 14, y: 19 }, cutTo(name, block === null ? NODE.width - 66 : NODE.width - 74 - longest([`+${members.length}`]), block === null ? 400 : 600)),
      block === null ? null : element("text", { x: NODE.width - 56, y: 19, class: "cost" }, `+${members.length}`),
      element("text", { x: NODE.width - 8, y: 19, class: "cost" }, time ? ms(time) : ""),
    );
  });
  graph.unitOf = unitOf;
  graph.size = { width, height, places };
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${units.length} boxes for ${kernels.length} kernels, ${edges.length} connections` }, ...paths, ...graph.nodes);
  graphBox.replaceChildren(svg);
  zoomTo(graph.zoom);
}

/** Unfolds blocks, or folds all where none are named. */
function unfoldBlocks(blocks) {
  if (!blocks.length) graph.open.clear();
  for (const block of blocks) graph.open.add(block);
  drawGraph();
  markGraph();
}

function zoomTo(zoom) {
  graph.zoom = Math.min(3, Math.max(0.2, zoom));
  const svg = graphBox.firstElementChild;
  const [x, y] = [graphBox.scrollLeft + graphBox.clientWidth / 2, graphBox.scrollTop + graphBox.clientHeight / 2];
  const before = svg.getBoundingClientRect().width || 1;
  svg.setAttribute("width", graph.size.width * graph.zoom);
  svg.setAttribute("height", graph.size.height * graph.zoom);
  const grown = (graph.size.width * graph.zoom) / before;
  graphBox.scrollTo(x * grown - graphBox.clientWidth / 2, y * grown - graphBox.clientHeight / 2);
  drawMinimap();
}

/** The whole graph in small with the part that is seen; only where a part is. */
function drawMinimap() {
  const { width, height, places } = graph.size;
  const all = graphBox.scrollWidth <= graphBox.clientWidth + 1 && graphBox.scrollHeight <= graphBox.clientHeight + 1;
  minimap.hidden = all;
  if (all) return;
  const boxes = places.map(({ x, y }) => element("rect", { x: x - NODE.width / 2, y, width: NODE.width, height: NODE.height, class: "small-box" }));
  const seen = element("rect", { x: graphBox.scrollLeft / graph.zoom, y: graphBox.scrollTop / graph.zoom, width: graphBox.clientWidth / graph.zoom, height: graphBox.clientHeight / graph.zoom, class: "seen" });
  const scale = Math.min(160 / width, 110 / height);
  minimap.replaceChildren(element("svg", { width: width * scale, height: height * scale, viewBox: `0 0 ${width} ${height}` }, ...boxes, seen));
}

/** Where the minimap is pressed comes into the middle. */
function moveByMinimap(event) {
  if (!(event.buttons & 1) && event.type !== "pointerdown") return;
  const box = minimap.firstElementChild.getBoundingClientRect();
  const share = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  graphBox.scrollTo(share[0] * graph.size.width * graph.zoom - graphBox.clientWidth / 2, share[1] * graph.size.height * graph.zoom - graphBox.clientHeight / 2);
}

function graphSection() {
  const button = (text, label, onclick) => element("button", { type: "button", "aria-label": label, onclick }, text);
  const fit = () => zoomTo(Math.min(1, (graphBox.clientWidth - 4) / graph.size.width, (graphBox.clientHeight - 4) / graph.size.height));
  graphBox.addEventListener("scroll", drawMinimap, { passive: true });
  graphBox.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomTo(graph.zoom * (event.deltaY < 0 ? 1.15 : 1 / 1.15));
  }, { passive: false });
  for (const type of ["pointerdown", "pointermove"]) minimap.addEventListener(type, moveByMinimap);
  return section(
    "graph",
    "Graph",
    element("p", { class: "note" }, "Each box is a block of kernels, or a kernel, with its time as a bar. Click a block to unfold it, a kernel to select it; the table above has the same data."),
    element("div", { class: "controls" },
      button("Fold all", null, () => unfoldBlocks([])), button("Unfold all", null, () => unfoldBlocks(view().regions.labels.map((_, block) => block))),
      button("−", "Zoom out", () => zoomTo(graph.zoom / 1.25)), button("+", "Zoom in", () => zoomTo(graph.zoom * 1.25)), button("Fit", "Fit into the window", fit),
    ),
    element("div", { class: "graph-frame" }, graphBox, minimap),
  );
}

function markGraph() {
  const kernel = state.layer === null ? -1 : kernelOf(state.layer);
  if (kernel >= 0 && graph.nodes[graph.unitOf[kernel]].classList.contains("block")) drawGraph(); // in a folded block
  graph.nodes.forEach((node, unit) => node.classList.toggle("selected", kernel >= 0 && unit === graph.unitOf[kernel]));
  if (kernel < 0) return;
  const box = graph.nodes[graph.unitOf[kernel]].getBoundingClientRect();
  const frame = graphBox.getBoundingClientRect();
  if (box.top < frame.top || box.bottom > frame.bottom) graphBox.scrollTop += box.top - frame.top - frame.height / 2;
  if (box.left < frame.left || box.right > frame.right) graphBox.scrollLeft += box.left - frame.left - frame.width / 2;
}

// -- charts -----------------------------------------------------------------------------------------------------------

/** A point or bar of a layer: it is selected everywhere, and explained at this chart. */
const pickPoint = (chart) => (point) => {
  if (!Number.isInteger(point.customdata)) return;
  update({ layer: point.customdata });
  explainHere(chart, ...layerHere(point.customdata));
};

/** A bar of a group: the table shows the group alone, and its slowest kernels are listed at this chart. */
const pickGroup = (chart, facet) => (point) => {
  const again = state.facets[facet] === String(point.pointNumber);
  update({ facets: { ...state.facets, [facet]: again ? "" : String(point.pointNumber) } });
  explainHere(chart, ...(again ? [] : groupHere(facet, point.pointNumber)));
};

/** A layer's time in a few lines: what it is, what it is spent on, and where the rest is explained. */
function layerHere(position) {
  const { analysis, form } = view();
  const main = mainOf(position);
  const layer = analysis.layers[main];
  const share = percent(layer.latency_ms / analysis.latency_ms || 0);
  const own = view().own;
  const times = (own?.counts[kernelOf(position)] ?? []).map(([term, count]) => [term, count, count * own.rates[term]]).sort((a, b) => b[2] - a[2]).slice(0, 4);
  const lines = times.map(([term, count, time]) =>
    element("tr", {}, element("th", { scope: "row" }, form.terms[term].name), element("td", { class: "number" }, `${si(count)} ${form.terms[term].unit}`), element("td", { class: "number" }, `${seconds(own.rates[term])} each`), element("td", { class: "number" }, seconds(time))),
  );
  const head = ["term", "count", "× rate", "= time"].map((title, number) => element("th", { scope: "col", class: number ? "number" : "" }, title));
  const total = { latency: layer.latency_ms / 1e3, groups: view().rows[main].split_ms.map((part) => part / 1e3) };
  return [
    element("h3", {}, cut(view().names[position], 80)),
    element("p", {}, element("strong", {}, milliseconds(layer.latency_ms)), `, ${share} of the network; ${layer.op}, ${shape(layer.input_shape)} to ${shape(layer.output_shape)}, bound by ${layer.bound}.`),
    main === position ? null : element("p", { class: "note" }, `It is fused into ${cut(view().names[main], 80)}, whose time this is.`),
    layer.latency_ms ? splitBar("", total, { latency: total.latency / 2.2 }) : null,
    lines.length ? element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Largest terms" }, element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines))) : null,
    element("button", { type: "button", class: "link", onclick: () => goTo("explain") }, "Formula, rates and their sources"),
  ];
}

/** The slowest kernels of a class or a block. */
function groupHere(facet, number) {
  const rows = tableRows().filter((row) => row.extra[facet] === number).sort((a, b) => b.layer.latency_ms - a.layer.latency_ms);
  const total = rows.reduce((sum, row) => sum + row.layer.latency_ms, 0);
  const select = (row) => () => {
    update({ layer: row.position });
    explainHere(facet === "class" ? "by_class" : "by_block", ...layerHere(row.position));
  };
  const lines = rows.slice(0, 6).map((row) =>
    element("tr", {}, element("th", { scope: "row" }, element("button", { type: "button", class: "link", onclick: select(row) }, cut(view().names[row.position], 60))), element("td", { class: "number" }, milliseconds(row.layer.latency_ms)), element("td", { class: "number" }, percent(shareOf(row))), element("td", {}, row.layer.bound)),
  );
  const rest = rows.length > 6 ? ` The slowest 6:` : "";
  return [
    element("h3", {}, cut(view()[facet === "class" ? "classes" : "blocks"][number], 80)),
    element("p", {}, element("strong", {}, milliseconds(total)), `, ${percent(total / view().analysis.latency_ms || 0)} of the network, in ${rows.length} kernel${rows.length === 1 ? "" : "s"}.${rest}`),
    element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Slowest kernels" }, element("table", {}, element("tbody", {}, ...lines))),
    element("button", { type: "button", class: "link", onclick: () => goTo("layers") }, "All of them in the table"),
  ];
}

function drawCharts() {
  const groups = { by_class: pickGroup("by_class", "class"), by_block: pickGroup("by_block", "block") };
  for (const [name, chart] of Object.entries(view().charts)) drawChart(name, name === "roofline" ? withSelection(chart) : chart, groups[name] ?? pickPoint(name));
  markCharts();
}

/** The roofline with a ring around the selected kernel as its last trace. */
function withSelection(chart) {
  if (!chart.data.length) return chart;
  const ring = { type: "scatter", mode: "markers", ...ringPlace(), hoverinfo: "skip", showlegend: false, marker: { symbol: "circle-open", size: 34, color: colour("mark"), line: { width: 3 } } };
  return { ...chart, data: [...chart.data, ring] };
}

function ringPlace() {
  const main = state.layer === null ? null : mainOf(state.layer);
  const rate = main === null ? null : view().rows[main].macs_per_s;
  return rate ? { x: [view().analysis.layers[main].arithmetic_intensity], y: [rate] } : { x: [], y: [] };
}

function markCharts() {
  if (!window.Plotly) return;
  const main = state.layer === null ? null : mainOf(state.layer);
  const extra = main === null ? null : view().rows[main];
  const line = { color: colour("mark"), width: 2 };
  const band = (axis, middle) => ({ type: "rect", [`${axis}ref`]: axis, [`${axis}0`]: middle - 0.45, [`${axis}1`]: middle + 0.45, [axis === "x" ? "yref" : "xref"]: "paper", [axis === "x" ? "y0" : "x0"]: 0, [axis === "x" ? "y1" : "x1"]: 1, line });
  const time = (start, length) => ({ type: "rect", xref: "x", x0: start, x1: start + length, yref: "paper", y0: 0, y1: 1, line, fillcolor: colour("mark"), opacity: 0.35 });
  markChart("by_class", extra?.class != null ? [band("y", extra.class)] : []);
  markChart("by_block", extra?.block != null ? [band("y", extra.block)] : []);
  markChart("timeline", extra ? [time(extra.start_ms, view().analysis.layers[main].latency_ms)] : []);
  const upright = (x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line });
  markChart("memory", state.layer === null ? [] : [upright(state.layer)]);
  markChart("arena", state.layer === null ? [] : [upright(1 + kernelOf(state.layer))]);
  const { node, chart } = charts.get("roofline");
  if (!chart?.data.length) return;
  const [ring, place] = [chart.data.at(-1), ringPlace()];
  if (ring.x[0] === place.x[0] && ring.y[0] === place.y[0]) return;
  Object.assign(ring, place);
  Plotly.restyle(node, { x: [place.x], y: [place.y] }, [chart.data.length - 1]);
}

// -- the page ---------------------------------------------------------------------------------------------------------

const cards = element("div", { class: "cards" });
const verdict = element("p", { class: "verdict" });
const subject = element("p", { class: "note" });
const caveats = element("ul");
const hints = element("div");
const provenance = element("dl");

const numberOf = ({ analysis }) => ({ value: analysis.latency_ms, low: analysis.latency_low_ms, high: analysis.latency_high_ms, basis: analysis.basis });

/** The latency with its interval as a picture, and what both rest on. */
function headline({ label, value, note, detail, basis }) {
  return element(
    "div",
    { class: `card headline${strength(basis) === 2 ? " unsure" : ""}`, "data-card": label },
    element("span", { class: "top" }, element("span", { class: "label" }, label), badge(basis)),
    element("span", { class: "value" }, value),
    intervalBar(numberOf(view()), widestOf(views.map(numberOf))),
    element("span", { class: "factor" }, note),
    element("span", { class: "note" }, `${basis}: ${page.meanings[basis]}; interval from ${detail}`),
  );
}

function drawAnswer() {
  const { analysis } = view();
  subject.textContent = `${view().name}: ${view().subject}`;
  verdict.textContent = view().verdict;
  cards.replaceChildren(
    ...view().cards.map(({ label, value, note, detail, basis }) =>
      basis ? headline({ label, value, note, detail, basis }) : element("div", { class: "card", title: detail || null, "data-card": label }, element("span", { class: "label" }, label), element("span", { class: "value" }, value), element("span", { class: "note" }, note)),
    ),
  );
  cards.dataset.latency = analysis.latency_ms;
  caveats.replaceChildren(...view().caveats.map((text) => element("li", {}, text)));
  caveats.closest("details").hidden = !view().caveats.length;
  provenance.replaceChildren(...view().provenance.flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)]));
}

function drawHints() {
  const { analysis } = view();
  if (!view().hints.length) {
    hints.replaceChildren(element("p", {}, "None of the changes that mbcost tries saves 2 % or more."));
    return;
  }
  const lines = view().hints.map(({ change, latency_s: latency, saving }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, change),
      element("td", { class: "number" }, milliseconds(latency * 1e3)),
      element("td", { class: "number barred", style: `--bar:${saving * 100}%` }, `−${percent(saving)}`),
    ),
  );
  const head = ["change", "latency", "saving"].map((title, number) => element("th", { scope: "col", class: number ? "number" : "" }, title));
  hints.replaceChildren(
    element("p", { class: "note" }, `The model was run again with one change at a time; now it takes ${milliseconds(analysis.latency_ms)}. Accuracy is not considered.`),
    element("table", { class: "hints" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines)),
  );
}

/** One button per target, with its latency. */
function targetSwitch() {
  if (views.length === 1) return null;
  const buttons = views.map(({ name, analysis }, number) =>
    element(
      "button",
      { type: "button", class: "target", "aria-pressed": "false", onclick: () => update({ view: number, layer: null, facets: {} }) },
      element("span", {}, `${name}, ${analysis.target.precision} `, badge(analysis.basis)),
      element("strong", {}, milliseconds(analysis.latency_ms)),
      intervalBar(numberOf(views[number]), widestOf(views.map(numberOf)), true),
    ),
  );
  const group = element("div", { class: "targets", role: "group", "aria-label": "Target" }, ...buttons);
  const press = () => buttons.forEach((button, number) => button.setAttribute("aria-pressed", String(number === state.view)));
  listeners.push((changes) => "view" in changes && press());
  press();
  return group;
}

function drawView() {
  chooseDecimals();
  table.show(tableRows(), layerFacets());
  table.mark(true);
  explain();
  prepareWhatIf();
  drawHints();
  graph.open.clear();
  drawGraph();
  markGraph();
}

function start() {
  Object.assign(state, readHash(views.length, (number) => layersOf(number).length));
  const sections = [
    ["answer", "Answer"], ["time", "Time"], ["hints", "Hints"], ["what-if", "What if"], ["roofline", "Roofline"], ["schedule", "Schedule"], ["layers", "Layers"],
    ["explain", "Explain"], ["arena", "Memory"], ["graph", "Graph"],
  ];
  document.getElementById("head").append(subject, navigation(sections), themeButton());
  const answer = section("answer", "Answer", targetSwitch(), cards, verdict, element("details", { open: true }, element("summary", {}, "Caveats"), caveats));
  document.getElementById("main").append(
    answer,
    section("time", "Where the time goes", element("div", { class: "pair" }, element("div", { class: "stack" }, chartFigure("by_class", "Time by operator class"), section("hints", "Hints", hints)), chartFigure("by_block", "Time by block"))),
    whatIfSection(),
    section("roofline", "Roofline", chartFigure("roofline", "Roofline", "tall")),
    section("schedule", "Schedule", element("div", { class: "pair" }, chartFigure("timeline", "Timeline"), chartFigure("memory", "Activation memory"))),
    section("layers", "Layers", table.node),
    section("explain", "Explain this number", explanation),
    section("arena", "Memory before deploying", chartFigure("arena", "Arena over time")),
    graphSection(),
  );
  document.getElementById("foot").prepend(element("h2", {}, "Provenance"), provenance);
  drawAnswer();
  listeners.push((changes) => {
    if ("view" in changes) {
      explainHere();
      drawAnswer();
      drawView();
      drawCharts();
      return;
    }
    if (["sort", "filter", "facets", "columns"].some((key) => key in changes)) table.draw();
    if ("live" in changes) answerWhatIf();
    if ("layer" in changes) {
      explainHere();
      table.mark(true);
      explain();
      markGraph();
      markCharts();
    }
  });
  addEventListener("hashchange", () => update(readHash(views.length, (number) => layersOf(number).length)));
  startCharts(drawCharts, drawView);
}

start();
