// Plotly's charts: unpacked from the page, drawn in the page's colours, saved as pictures.

const charts = new Map(); // name -> {node, chart, onClick}

/** Unpacks and runs Plotly; an error that a reader understands where the browser cannot. */
async function loadPlotly() {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser cannot unpack the charts: it lacks DecompressionStream. Chrome and Edge 80, Firefox 113 and Safari 16.4 have it. Tables and numbers work without.");
  }
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  document.getElementById("plotly").remove();
}

/** The place of a chart: a figure with its summary, and buttons to save it. */
function chartFigure(name, title, className = "") {
  const node = element("div", { class: "chart", id: `chart-${name}`, role: "img" });
  const summary = element("figcaption", {});
  const save = (format) => element("button", { type: "button", class: "small", "data-save": format, onclick: () => saveChart(name, format) }, format.toUpperCase());
  const bar = element("div", { class: "bar" }, element("h3", {}, title), save("png"), save("svg"));
  for (const button of bar.querySelectorAll("button")) button.setAttribute("aria-label", `Save ${title} as ${button.textContent}`);
  charts.set(name, { node, summary, title });
  return element("figure", { class: className, id: `figure-${name}` }, bar, node, summary);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The layout with the page's colours. */
function themed(layout) {
  const axis = { gridcolor: colour("grid"), zerolinecolor: colour("grid"), linecolor: colour("line"), tickcolor: colour("line") };
  const result = {
    ...layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("text"), family: "system-ui, sans-serif", size: 12 },
    margin: { l: 56, r: 16, t: 16, b: 48, ...layout.margin },
    hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("line"), font: { color: colour("text") } },
    autosize: true,
  };
  for (const name of ["xaxis", "yaxis"]) if (layout[name]) result[name] = { ...axis, ...layout[name] };
  return result;
}

/** Draws a chart, or says what there is instead. */
function drawChart(name, chart, onClick) {
  const entry = charts.get(name);
  entry.chart = chart;
  entry.summary.textContent = chart.summary;
  entry.node.setAttribute("aria-label", `${chart.title}: ${chart.summary}`);
  if (!window.Plotly) return;
  if (!chart.data.length) {
    Plotly.purge(entry.node);
    entry.node.replaceChildren();
    return;
  }
  const config = { displaylogo: false, displayModeBar: false, showSendToCloud: false, responsive: true };
  Plotly.react(entry.node, chart.data, themed(chart.layout), config);
  entry.node.removeAllListeners?.("plotly_click");
  if (onClick) entry.node.on("plotly_click", (event) => onClick(event.points[0]));
}

/** Marks a place in a chart with shapes. */
function markChart(name, shapes) {
  const { node, chart } = charts.get(name);
  if (window.Plotly && chart?.data.length) Plotly.relayout(node, { shapes });
}

function recolourCharts() {
  for (const { node, chart } of charts.values()) {
    if (!window.Plotly || !chart?.data.length) continue;
    const { shapes } = node.layout;
    Plotly.react(node, chart.data, { ...themed(chart.layout), shapes });
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

function pngBlob(text) {
  return new Blob([Uint8Array.from(atob(text), (character) => character.charCodeAt(0))], { type: "image/png" });
}

/** Runs `draw` once Plotly is there; says why where it cannot be. */
async function startCharts(draw) {
  try {
    await loadPlotly();
  } catch (error) {
    document.getElementById("main").prepend(element("p", { role: "alert", class: "problem", id: "no-charts" }, error.message));
    for (const { node } of charts.values()) node.closest("figure").classList.add("undrawn");
    return;
  }
  draw();
  document.documentElement.dataset.drawn = String(Math.round(performance.now()));
  listeners.push((changes) => "theme" in changes && recolourCharts());
  for (const query of [prefersDark, prints]) query.addEventListener("change", recolourCharts);
}
