"use strict";
(() => {
const at = id => document.getElementById(id);
const PURPOSE = {
  analyze: "One network on one or more devices, layer by layer.",
  compare: "Two to six networks or devices side by side.",
  sweep: "Many widths and resolutions. Alpha and resolution take lists and ranges: 0.5:1:0.1, 128:224:32.",
  pick: "The most accurate width and resolution that keeps every budget, separated by semicolons.",
};
const DO = {analyze: "Analyse", compare: "Compare", sweep: "Sweep", pick: "Pick"};
const FILES = {"report.html": "Report", "result.json": "JSON", "table.yaml": "YAML table"};
const networks = [];  // {upload or name, label}
const devices = [];   // {name, title, target}
let maxUpload = Infinity;
let pending = 0;      // uploads on their way

/** An element with attributes, properties and children; texts are texts, whatever they hold. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The answer of the server, as JSON; its problems are thrown as an Error. */
async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {...options, headers: {"x-mbcost": "page", ...options.headers}});
  } catch {
    throw new Error("The server does not answer. Is mbcost serve still running?");
  }
  if (answer.status === 204) return null;
  const text = await answer.text();
  let found = null;
  try { found = JSON.parse(text); } catch { /* said below */ }
  if (!answer.ok) throw new Error(found && found.problems || text || `${answer.status} ${answer.statusText}`);
  return found;
}

function say(text) { at("status").textContent = text; }

/** A line of a problem: words wrap, a line of a file and the mark below it stay as they are. */
function complaintLine(line) {
  return make("span", {className: /^\s*\d*\s*\|/.test(line) ? "quoted" : "words", textContent: `${line}\n`});
}

function complain(text) {
  const box = at("problem");
  box.replaceChildren();
  if (text) box.append(make("div", {className: "problem"}, make("pre", {}, ...text.split("\n").map(complaintLine))));
}

// -- networks ---------------------------------------------------------------------------------------------------------

function drawNetworks() {
  at("networks").replaceChildren(...networks.map((network, i) => make("li", {},
    make("span", {textContent: network.label}),
    removeButton(network.label, () => { networks.splice(i, 1); drawNetworks(); }),
    ...(network.sent === undefined ? [] : [make("progress", {value: network.sent, max: 1, ariaLabel: "Upload"})]),
  )));
}

function removeButton(what, action) {
  const button = make("button", {type: "button", className: "small", textContent: "×", onclick: action});
  button.setAttribute("aria-label", `Remove ${what}`);
  return button;
}

function addName() {
  const name = at("name").value.trim();
  if (!name) return;
  networks.push({name, label: name});
  at("name").value = "";
  drawNetworks();
}

/** Sends a file, with its progress; fetch tells none. */
function send(file, onProgress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/uploads?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("x-mbcost", "page");
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = event => onProgress(event.loaded / event.total);
    request.onerror = () => failed(new Error("The upload failed. Is mbcost serve still running?"));
    request.onload = () => {
      let found = null;
      try { found = JSON.parse(request.responseText); } catch { /* said below */ }
      if (request.status === 201) done(found);
      else failed(new Error(found && found.problems || request.responseText || request.statusText));
    };
    request.send(file);
  });
}

async function addFiles(files) {
  complain("");
  for (const file of files) {
    if (file.size > maxUpload) {
      complain(`error[MB900]: ${file.name} is larger than ${Math.floor(maxUpload / 2 ** 20)} MiB\n  = help: mbcost serve --max-upload takes larger ones`);
      continue;
    }
    const network = {label: file.name, sent: 0};
    networks.push(network);
    drawNetworks();
    ready(++pending);
    try {
      const made = await send(file, share => { network.sent = share; drawNetworks(); });
      Object.assign(network, {upload: made.upload, label: made.name});
      delete network.sent;
    } catch (error) {
      networks.splice(networks.indexOf(network), 1);
      complain(error.message);
    }
    ready(--pending);
    drawNetworks();
  }
}

function ready(waiting) { at("run").disabled = waiting > 0; }

// -- devices ----------------------------------------------------------------------------------------------------------

let searches = 0;
async function search() {
  const mine = ++searches;
  const found = await ask(`/api/devices?q=${encodeURIComponent(at("search").value)}`).catch(error => { complain(error.message); return []; });
  if (mine !== searches) return;  // a later search is on its way
  at("found").replaceChildren(...found.map(entry => make("li", {}, make("button", {
    type: "button", onclick: () => addDevice(entry.name),
  }, entry.title, make("span", {className: "note", textContent: entry.soc || entry.cpu || entry.name})))));
}

async function addDevice(name) {
  try {
    const device = await ask(`/api/devices/${encodeURIComponent(name)}`);
    const targets = device.processors.flatMap(processor => processor.runtimes.map(runtime => ({
      target: `${name}/${processor.name}@${runtime}`,
      label: `${processor.name} · ${runtime}`,
      usual: processor.default && runtime === processor.runtime,
    })));
    const first = targets.find(each => each.usual) || targets[0];
    devices.push({name, title: device.title, targets, target: first && first.target || name});
    drawDevices();
  } catch (error) {
    complain(error.message);
  }
}

function drawDevices() {
  at("devices").replaceChildren(...devices.map((device, i) => {
    const select = make("select", {onchange: event => { device.target = event.target.value; }},
      ...device.targets.map(each => make("option", {value: each.target, textContent: each.label, selected: each.target === device.target})));
    select.setAttribute("aria-label", `Processor and runtime of ${device.title}`);
    return make("li", {}, make("span", {textContent: device.title}),
      removeButton(device.title, () => { devices.splice(i, 1); drawDevices(); }), select);
  }));
}

// -- results ----------------------------------------------------------------------------------------------------------

function kind() { return at("form").elements.kind.value; }

function asked() {
  const text = id => at(id).value.trim() || null;
  return {
    kind: kind(),
    devices: devices.map(device => device.target),
    alpha: text("alpha"), resolution: text("resolution"), precision: text("precision"), threads: text("threads"),
    budget: kind() === "pick" ? at("budget").value.split(";").map(each => each.trim()).filter(Boolean) : [],
    estimate: at("estimate").checked,
  };
}

async function run(event) {
  event.preventDefault();
  complain("");
  addName();
  const names = networks.map(network => network.upload ? {upload: network.upload} : {name: network.name});
  const groups = kind() === "analyze" && names.length ? names.map(name => [name]) : [names];
  try {
    const keys = [];
    for (const group of groups) {
      const body = JSON.stringify({...asked(), networks: group});
      keys.push((await ask("/api/results", {method: "POST", body, headers: {"content-type": "application/json"}})).key);
    }
    location.hash = keys[0];
  } catch (error) {
    say("");
    complain(error.message);
  }
}

let showing = 0;
async function show(key) {
  const mine = ++showing;
  complain("");
  at("shown").hidden = true;
  if (!key) { say(""); return; }
  if (at("result").getBoundingClientRect().top > innerHeight) at("result").scrollIntoView();
  let result;
  do {
    try {
      result = await ask(`/api/results/${key}?wait=${result ? 15 : 1}`);
    } catch (error) {
      if (mine === showing) { say(""); complain(error.message === "Not Found" ? "This analysis is not stored any more." : error.message); }
      return;
    }
    if (mine !== showing) return;  // another one was chosen
    if (result.state === "waiting") say(`${result.label}: waits for its turn …`);
    if (result.state === "running") say(`${result.label}: is being analysed …`);
  } while (result.state === "waiting" || result.state === "running");
  say("");
  refresh();
  if (result.state === "failed") { complain(result.problems); return; }
  const place = name => `/results/${key}/${name}`;
  at("title").textContent = result.title;
  at("headline").textContent = result.headline;
  at("command").textContent = result.command;
  at("notes").replaceChildren(...(result.notes || []).map(note => make("pre", {textContent: note})));
  at("links").replaceChildren(
    make("a", {href: place("report.html"), target: "_blank", rel: "noopener", textContent: "Open in a tab"}),
    ...result.files.map(name => make("a", {href: `${place(name)}?download`, download: "", textContent: `↓ ${FILES[name] || name}`})),
  );
  at("report").src = place("report.html");
  at("shown").hidden = false;
}

async function refresh() {
  const found = await ask("/api/results").catch(() => null);
  if (!found) return;
  at("none").hidden = found.length > 0;
  const current = location.hash.slice(1);
  at("list").replaceChildren(...found.map(result => {
    const open = make("button", {type: "button", className: "link", textContent: result.title || result.label, onclick: () => { location.hash = result.key; }});
    const answer = {done: result.headline, failed: (result.problems || "").split("\n")[0]}[result.state] || result.state;
    const row = make("tr", {},
      make("td", {textContent: new Date(result.made * 1000).toLocaleString([], {dateStyle: "short", timeStyle: "short"})}),
      make("td", {}, open, make("span", {className: "note", textContent: ` ${DO[result.kind]}`})),
      make("td", {textContent: answer, className: result.state}),
      make("td", {}, removeButton(result.title || result.label, () => remove(result.key))));
    if (result.key === current) row.setAttribute("aria-current", "true");
    return row;
  }));
}

async function remove(key) {
  try {
    await ask(`/api/results/${key}`, {method: "DELETE"});
  } catch (error) {
    complain(error.message);
  }
  if (location.hash.slice(1) === key) location.hash = "";
  refresh();
}

// -- start ------------------------------------------------------------------------------------------------------------

function chooseKind() {
  at("purpose").textContent = PURPOSE[kind()];
  at("run").textContent = DO[kind()];
  document.body.classList.toggle("pick", kind() === "pick");
}

function dress(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  at("theme").textContent = dark ? "Light" : "Dark";
}

at("theme").onclick = () => dress(document.documentElement.dataset.theme !== "dark");
dress(matchMedia("(prefers-color-scheme: dark)").matches);
at("kinds").onchange = chooseKind;
at("form").onsubmit = run;
at("add-name").onclick = addName;
at("name").onkeydown = event => { if (event.key === "Enter") { event.preventDefault(); addName(); } };
at("search").oninput = search;
at("search").onkeydown = event => { if (event.key === "Enter") event.preventDefault(); };
at("file").onchange = event => { addFiles([...event.target.files]); event.target.value = ""; };
for (const name of ["dragover", "drop"]) addEventListener(name, event => event.preventDefault());  // a miss opens no file
at("drop").ondragover = () => at("drop").classList.add("over");
at("drop").ondragleave = () => at("drop").classList.remove("over");
at("drop").ondrop = event => { at("drop").classList.remove("over"); addFiles([...event.dataTransfer.files]); };
addEventListener("hashchange", () => { show(location.hash.slice(1)); refresh(); });
addEventListener("focus", refresh);
chooseKind();
search();
refresh();
show(location.hash.slice(1));
ask("/api/networks").then(names => at("names").append(...names.map(name => make("option", {value: name}))), () => {});
ask("/api/about").then(about => { maxUpload = about.max_upload; }, () => {});
document.documentElement.dataset.ready = "true";
})();
