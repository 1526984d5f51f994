// What all pages share: elements, numbers as people read them, the state and its place in the URL, the theme.

const page = JSON.parse(document.getElementById("data").textContent);

/** An element with attributes and children. Strings become text, never markup. */
function element(tag, attributes = {}, ...children) {
  const namespace = SVG_TAGS.has(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const node = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
const SVG_TAGS = new Set(["svg", "g", "rect", "text", "path", "circle", "title"]);

/** A section with a heading that the navigation can go to. */
function section(id, title, ...children) {
  const heading = element("h2", { id: `${id}-title`, tabindex: "-1" }, title);
  return element("section", { id, "aria-labelledby": `${id}-title` }, heading, ...children);
}

/** How well founded a number is: 0 fitted to this target, 1 to the same or a related core, 2 a guess. */
function strength(basis) {
  if (["measured here", "calibrated"].includes(basis)) return 0;
  return ["from facts", "a bound"].includes(basis) ? 2 : 1;
}

/** A pill that says what a number rests on: a full, a half or an empty dot, and dashed where nothing of this target was fitted. */
function badge(basis) {
  if (!basis) return null;
  return element("span", { class: `basis${["", " middle", " weak"][strength(basis)]}`, title: `${basis}: ${page.meanings[basis]}` }, page.words[basis]);
}

/**
 * An interval as a picture: on a logarithmic scale around the value that is the same for all numbers of a page, so that a
 * guess within a factor of two is as wide as it is.
 */
function intervalBar({ value, low, high, basis }, widest, mini = false) {
  if (!(value > 0) || !(low > 0)) return null;
  const reach = Math.log(Math.max(2.5, widest * 1.15));
  const at = (factor) => 50 + (50 * Math.log(factor)) / reach;
  const ticks = mini ? [] : [0.5, 1, 2].map((factor) => element("span", { class: "tick", style: `left:${at(factor)}%` }, factor === 1 ? "" : factor < 1 ? "÷ 2" : "× 2"));
  const words = `90 % interval: ${milliseconds(low)} to ${milliseconds(high)}, from ${percent(low / value)} to ${percent(high / value)} of the value`;
  return element(
    "div",
    { class: `interval${["", " middle", " weak"][strength(basis)]}${mini ? " mini" : ""}`, role: "img", "aria-label": words, title: words },
    element("span", { class: "track" }),
    ...ticks,
    element("span", { class: "band", style: `left:${at(low / value)}%;width:${at(high / value) - at(low / value)}%` }),
    element("span", { class: "point", style: `left:${at(1)}%` }),
  );
}

/** The largest factor between a value and an end of its interval. */
const widestOf = (numbers) => Math.max(1, ...numbers.filter(({ value, low }) => value > 0 && low > 0).flatMap(({ value, low, high }) => [high / value, value / low]));

// -- numbers ----------------------------------------------------------------------------------------------------------

/** Significant `digits`, never with an exponent or with fewer digits than the integer part. */
function significant(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  const decimals = Math.min(12, Math.max(0, digits - 1 - magnitude));
  if (Math.abs(value) < 999.5) return value.toFixed(decimals); // a tenth of the time
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function si(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  for (const [factor, prefix] of [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= factor) return `${significant(value / factor, digits)} ${prefix}`;
  }
  return Number.isInteger(value) ? String(value) : significant(value, digits);
}

function bytes(count) {
  for (const [factor, unit] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (count >= factor) return `${significant(count / factor)} ${unit}`;
  }
  return `${count} B`;
}

/** Seconds with an SI prefix. */
function seconds(value) {
  if (value === 0) return "0 s";
  for (const [factor, unit] of [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]]) {
    if (Math.abs(value) >= factor) return `${significant(value / factor)} ${unit}`;
  }
  return `${significant(value / 1e-12)} ps`;
}

const milliseconds = (value) => `${significant(value)} ms`;
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const shape = (dimensions) => dimensions.join("x");
const cut = (text, longest) => (text.length <= longest ? text : `${text.slice(0, longest - 1)}…`);
/** A name for Plotly, which interprets some HTML in texts. */
const escapeText = (text) => cut(text, 48).replaceAll("&", "&amp;").replaceAll("<", "&lt;");

// -- state ------------------------------------------------------------------------------------------------------------

/** One state for all views. Differences from the defaults are in the URL's hash, so that a link restores them. */
const defaults = { view: 0, layer: null, sort: "", descending: false, filter: "", facets: {}, columns: null, theme: "", live: {} };
const state = { ...defaults };
const listeners = [];

function update(changes) {
  Object.assign(state, changes);
  writeHash();
  for (const listener of listeners) listener(changes);
}

function writeHash() {
  const words = new URLSearchParams();
  if (state.view) words.set("view", state.view);
  if (state.layer !== null) words.set("layer", state.layer);
  if (state.sort) words.set("sort", (state.descending ? "-" : "") + state.sort);
  if (state.filter) words.set("filter", state.filter);
  for (const [name, value] of Object.entries(state.facets)) if (value !== "") words.set(`is-${name}`, value);
  for (const [name, value] of Object.entries(state.live)) if (value !== "") words.set(name, value);
  if (state.columns) words.set("columns", state.columns.join(" "));
  if (state.theme) words.set("theme", state.theme);
  history.replaceState(null, "", `#${words}`);
}

/** What the live panel of an analysis keeps in the hash. */
const LIVE = ["alpha", "resolution", "threads", "precision", "clock", "bandwidth"];

/** The state of the hash; values that are invalid on this page are left out. */
function readHash(views, layers, themes = ["light", "dark"]) {
  const words = new URLSearchParams(location.hash.slice(1));
  const whole = (name, limit) => {
    const text = words.get(name) ?? "";
    return /^\d{1,9}$/.test(text) && Number(text) < limit ? Number(text) : null;
  };
  const view = whole("view", views) ?? 0;
  const sort = words.get("sort") ?? "";
  const facets = {};
  for (const [name, value] of words) if (name.startsWith("is-")) facets[name.slice(3)] = value;
  const live = Object.fromEntries(LIVE.filter((name) => words.has(name)).map((name) => [name, words.get(name)]));
  return {
    view,
    layer: whole("layer", layers(view)),
    sort: sort.replace(/^-/, ""),
    descending: sort.startsWith("-"),
    filter: words.get("filter") ?? "",
    facets,
    live,
    columns: words.has("columns") ? words.get("columns").split(" ") : null,
    theme: themes.includes(words.get("theme")) ? words.get("theme") : "",
  };
}

// -- theme ------------------------------------------------------------------------------------------------------------

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const prints = matchMedia("print");

function theme() {
  if (prints.matches) return "light";
  return state.theme || (prefersDark.matches ? "dark" : "light");
}

function applyTheme() {
  document.documentElement.dataset.theme = theme();
}

function themeButton() {
  const name = () => (theme() === "dark" ? "Light theme" : "Dark theme");
  const button = element("button", { type: "button", id: "theme" }, name());
  button.addEventListener("click", () => update({ theme: theme() === "dark" ? "light" : "dark" }));
  const follow = () => {
    applyTheme();
    button.textContent = name();
  };
  listeners.push((changes) => "theme" in changes && follow());
  for (const query of [prefersDark, prints]) query.addEventListener("change", follow);
  follow();
  return button;
}

// -- files ------------------------------------------------------------------------------------------------------------

function download(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const fileName = (text) => text.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 80);

/** A float as Python prints it, so that a table saved here is the table that the command line writes. */
function pythonFloat(value) {
  const magnitude = Math.abs(value);
  if (value === 0) return "0.0";
  if (magnitude >= 1e16 || magnitude < 1e-4) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const csvCell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Goes to a section. */
function goTo(id) {
  const heading = document.getElementById(`${id}-title`);
  heading.scrollIntoView({ block: "start" });
  heading.focus({ preventScroll: true });
}

/** Links to the sections, which leave the hash alone. */
function navigation(entries) {
  const items = entries.map(([id, title]) =>
    element("li", {}, element("button", { type: "button", class: "link", onclick: () => goTo(id) }, title)),
  );
  return element("nav", { "aria-label": "Sections" }, element("ul", {}, ...items));
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});

/** Buttons that choose what the page shows; none where there is one view only. */
function viewSwitch(labels, title) {
  if (labels.length === 1) return null;
  const buttons = labels.map((label, number) => element("button", { type: "button", class: "target", "aria-pressed": "false", onclick: () => update({ view: number, layer: null, facets: {} }) }, label));
  const press = () => buttons.forEach((button, number) => button.setAttribute("aria-pressed", String(number === state.view)));
  listeners.push((changes) => "view" in changes && press());
  press();
  return element("div", { class: "targets", role: "group", "aria-label": title }, ...buttons);
}
