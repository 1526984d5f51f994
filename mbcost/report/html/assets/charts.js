// Plotly's charts: unpacked from the page, drawn in the page's colours, saved as pictures.

const charts = new Map(); // name -> {node, chart, onClick}

/** Unpacks and runs Plotly, with a readable error where the browser cannot. */
async function loadPlotly() {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser cannot unpack the charts: it lacks DecompressionStream. Chrome and Edge 80, Firefox 113 and Safari 16.4 have it. Tables and numbers work without.");
  }
  const packed = fromBase64(document.getElementById("plotly").textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  document.getElementById("plotly").remove();
}

const fromBase64 = (text) => Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** The place of a chart: a figure with its summary, and buttons to save it. */
function chartFigure(name, title, className = "") {
  const node = element("div", { class: "chart", id: `chart-${name}`, role: "img" });
  const summary = element("figcaption", {});
  const save = (format) => element("button", { type: "button", class: "small", "data-save": format, onclick: () => saveChart(name, format) }, format.toUpperCase());
  const bar = element("div", { class: "bar" }, element("h3", {}, title), save("png"), save("svg"));
  for (const button of bar.querySelectorAll("button")) button.setAttribute("aria-label", `Save ${title} as ${button.textContent}`);
  const here = element("div", { class: "here", "aria-live": "polite", hidden: true });
  charts.set(name, { node, summary, title, here });
  return element("figure", { class: className, id: `figure-${name}` }, bar, node, here, summary);
}

let pressed = null; // where a chart was clicked last, in the window

/**
 * Explains what was clicked in a chart right there: beside the place of the click, or below a narrow chart. Nothing else is
 * explained at the same time.
 */
function explainHere(name, ...content) {
  for (const { here } of charts.values()) {
    here.hidden = true;
    here.replaceChildren();
  }
  if (!name || !content.length) return;
  const { here } = charts.get(name);
  const close = element("button", { type: "button", class: "small close", "aria-label": "Close", onclick: () => explainHere() }, "×");
  here.replaceChildren(close, ...content.filter(Boolean));
  here.hidden = false;
  const figure = here.parentElement.getBoundingClientRect();
  const floats = pressed !== null && figure.width >= NARROW;
  here.classList.toggle("floating", floats);
  if (floats) {
    const left = Math.min(Math.max(12, pressed.x - figure.left + 14), figure.width - here.offsetWidth - 12);
    here.style.left = `${left}px`;
    here.style.top = `${pressed.y - figure.top + 14}px`;
  }
  here.scrollIntoView({ block: "nearest" });
}
document.addEventListener("keydown", (event) => event.key === "Escape" && explainHere());

let colours = {}; // of the theme that is shown; asking for one makes the browser look at the whole page again
const forgetColours = () => (colours = {});
const colour = (name) => (colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());

const FONT = { family: "system-ui, sans-serif", size: 12 };
const pen = document.createElement("canvas").getContext("2d");

/** Pixels of the longest of some texts. */
function longest(texts, weight = 400) {
  pen.font = `${weight} ${FONT.size}px ${FONT.family}`;
  return Math.ceil(Math.max(0, ...texts.map((text) => pen.measureText(text).width)));
}

/** A text that is cut so that it takes no more than so many pixels. */
function cutTo(text, width, weight) {
  const whole = longest([text], weight);
  if (whole <= width) return text;
  let letters = Math.ceil((text.length * width) / whole) + 4; // near what fits, then down to it
  while (letters > 1 && longest([cut(text, letters)], weight) > width) letters -= 1;
  return cut(text, letters);
}

/** Widths [px] below which a chart has no room for names inside it, and for names of roofs at its sides. */
const NARROW = 560;
const NARROW_ROOFS = 820;

/** Annotations in the page's colours; on a narrow chart only those that are not in the words below it. */
function annotated(annotations, width) {
  const kept = annotations.filter(({ name }) => !((name === "roof" && width < NARROW_ROOFS) || (name === "peak" && width < NARROW)));
  return kept.map((one) => ({ ...one, font: { size: 11, color: colour("quiet"), ...one.font } }));
}

/** The traces, without numbers in the cells of a heat map that are too small for them. */
function legible({ data }, width) {
  return data.map((trace) => (trace.type === "heatmap" && (width - 140) / trace.x.length < 34 ? { ...trace, texttemplate: "" } : trace));
}

/** The height of a chart: a row for each bar or group of bars of a horizontal one, else as the style says. */
function fitHeight(node, { data, layout }) {
  const rows = data.some(({ orientation }) => orientation === "h") ? layout.yaxis?.ticktext?.length : 0;
  const row = layout.barmode === "group" ? Math.max(24, 6 + 11 * data.length) : 24;
  node.style.height = rows ? `${Math.min(800, Math.max(200, 108 + row * rows))}px` : "";
}

/** The layout in the page's colours, with room for the names at its axes: Plotly finds it by drawing twice. */
function themed({ layout }, width) {
  const axis = { gridcolor: colour("grid"), zerolinecolor: colour("grid"), linecolor: colour("line"), tickcolor: colour("line"), tickangle: 0, ticklabeloverflow: "allow" };
  const narrow = width < NARROW;
  const margin = { l: layout.yaxis?.title ? 66 : 56, r: narrow ? 8 : 16, t: layout.legend ? 40 : 16, b: 48, ...layout.margin };
  const axes = {};
  for (const name of ["xaxis", "yaxis"]) {
    if (!layout[name]) continue;
    axes[name] = { ...axis, ...layout[name] };
    const { ticktext, title } = layout[name];
    if (width < NARROW_ROOFS && layout.meta?.within && name === "xaxis") axes[name].range = layout.meta.within;
    if (!ticktext) continue;
    axes[name].automargin = false;
    const [space, titled] = [longest(ticktext), title ? 24 : 0];
    if (name === "yaxis") {
      const most = Math.max(72, width * (narrow ? 0.46 : 0.36));
      if (space > most) axes[name].ticktext = ticktext.map((text) => cut(text, Math.max(8, Math.floor((text.length * most) / space))));
      margin.l = Math.max(margin.l, Math.min(space, most) + 12 + titled);
    }
    else {
      const room = (width - margin.l - margin.r) / ticktext.length;
      // numbers stay level and are left out, names are turned, and left out where even that does not help
      const numbers = ticktext.every((text) => Number.isFinite(Number(text)));
      const needed = numbers ? space + 8 : 16;
      const every = space + 8 < room ? 1 : Math.max(1, Math.ceil(needed / room));
      const level = numbers || space + 8 < room;
      if (every > 1) {
        const kept = layout[name].tickvals.map((_, number) => number).filter((number) => number % every === 0);
        axes[name].tickvals = kept.map((number) => layout[name].tickvals[number]);
        axes[name].ticktext = kept.map((number) => ticktext[number]);
      }
      axes[name].tickangle = level ? 0 : -45;
      if (!level) margin.b = Math.max(margin.b, Math.ceil(space / Math.SQRT2) + 20 + titled);
    }
  }
  return {
    ...layout,
    ...axes,
    ...(layout.annotations ? { annotations: annotated(layout.annotations, width) } : {}),
    ...(layout.legend ? { legend: { ...layout.legend, x: 0, y: 1, yanchor: "bottom" } } : {}),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { ...FONT, color: colour("text") },
    margin,
    hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("line"), font: { color: colour("text") } },
    autosize: true,
    uirevision: state.view,
  };
}

/** Draws a chart, or its summary if it has no data. */
function drawChart(name, chart, onClick) {
  const entry = charts.get(name);
  entry.chart = chart;
  entry.summary.replaceChildren(chart.summary, ...(chart.notes ?? []).map((text) => element("p", {}, text)));
  entry.node.setAttribute("aria-label", `${chart.title}: ${chart.summary}`);
  if (!window.Plotly) return;
  if (!chart.data.length) {
    Plotly.purge(entry.node);
    entry.node.replaceChildren();
    return;
  }
  fitHeight(entry.node, chart);
  const config = { displaylogo: false, displayModeBar: false, showSendToCloud: false };
  Plotly.react(entry.node, legible(chart, entry.node.clientWidth), themed(chart, entry.node.clientWidth), config);
  entry.node.removeAllListeners?.("plotly_click");
  if (onClick) entry.node.on("plotly_click", ({ points, event }) => {
    pressed = event ? { x: event.clientX, y: event.clientY } : null;
    onClick(points[0]);
  });
}

/** Marks a place in a chart with shapes. */
function markChart(name, shapes) {
  const { node, chart } = charts.get(name);
  if (window.Plotly && chart?.data.length) Plotly.relayout(node, { shapes });
}

/** Draws all charts again in the page's current colours and width. */
function redrawCharts() {
  forgetColours();
  for (const { node, chart } of charts.values()) {
    if (!window.Plotly || !chart?.data.length) continue;
    const { shapes } = node.layout;
    Plotly.react(node, legible(chart, node.clientWidth), { ...themed(chart, node.clientWidth), shapes });
  }
}

async function saveChart(name, format) {
  const { node, title } = charts.get(name);
  if (!window.Plotly) return;
  const size = { width: Math.max(600, node.clientWidth), height: node.clientHeight, scale: format === "png" ? 2 : 1 };
  const url = await Plotly.toImage(node, { format, ...size });
  const content = url.slice(url.indexOf(",") + 1);
  const blob = format === "svg" ? new Blob([decodeURIComponent(content)], { type: "image/svg+xml" }) : pngBlob(content);
  download(`${fileName(document.title)}-${fileName(title)}.${format}`, blob);
}

const pngBlob = (text) => new Blob([fromBase64(text)], { type: "image/png" });

/**
 * Unpacks Plotly and draws the charts, or shows the error; then draws the rest of the page, which is below them.
 * The page's attributes `data-charts` and `data-drawn` are the times of both, in milliseconds since navigation.
 */
async function startCharts(drawCharts, drawRest = () => {}) {
  const tell = (what) => (document.documentElement.dataset[what] = String(Math.round(performance.now())));
  try {
    await loadPlotly();
  } catch (error) {
    document.getElementById("main").prepend(element("p", { role: "alert", class: "problem", id: "no-charts" }, error.message));
    for (const { node } of charts.values()) node.closest("figure").classList.add("undrawn");
    drawRest();
    return;
  }
  drawCharts();
  tell("charts");
  await new Promise((done) => setTimeout(done)); // so that the charts are shown before the rest is drawn
  drawRest();
  listeners.push((changes) => "theme" in changes && redrawCharts());
  for (const query of [prefersDark, prints]) query.addEventListener("change", redrawCharts);
  let resized;
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(redrawCharts, 50);
  });
  tell("drawn");
}
