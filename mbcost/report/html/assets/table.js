// A table with sorting, a text filter, facets, rows that unfold, and keyboard navigation.

/**
 * columns: {key, title, value(row), text?(value, row), numeric?, sum?, hidden?, hint?}
 * facets: {key, title, choices: [text], of(row)} with the number of a choice or null
 * most: rows that are drawn at once, the first in the order asked for; all by default
 * first: {key, descending}: the order where none is asked for; that of the rows by default
 * parts(row): rows that the row stands for, shown when it is unfolded; partWord: what they are called
 * share(row): what the cumulative column adds up; pick(row): a row was chosen; id(row): its number in the state.
 */
class DataTable {
  constructor(options) {
    Object.assign(this, options);
    this.body = element("tbody");
    this.foot = element("tfoot");
    this.head = element("thead");
    this.count = element("span", { role: "status", class: "count" });
    this.shown = [];
    this.unfolded = new Set();
    const scroller = element(
      "div",
      { class: "scroller", role: "region", "aria-label": this.label, tabindex: "0" },
      element("table", { class: "data" }, element("caption", { class: "hidden" }, this.label), this.head, this.body, this.foot),
    );
    this.search = element("input", { type: "search", id: "filter", autocomplete: "off", spellcheck: "false" });
    this.search.addEventListener("input", () => update({ filter: this.search.value }));
    this.facetSelects = this.facets.map((facet) => this.facetSelect(facet));
    this.chooser = element("details", { class: "chooser" });
    const controls = element(
      "div",
      { class: "controls" },
      element("label", {}, "Filter ", this.search),
      ...this.facetSelects.map(({ label }) => label),
      this.chooser,
      ...(this.buttons ?? []),
      this.count,
    );
    this.node = element("div", { class: "later" }, controls, ...framed(scroller));
    this.body.addEventListener("keydown", (event) => this.onKey(event));
    this.body.addEventListener("click", (event) => this.onClick(event));
    this.head.addEventListener("click", (event) => this.onSort(event));
  }

  facetSelect(facet) {
    const select = element("select", { "data-facet": facet.key });
    select.addEventListener("change", () => update({ facets: { ...state.facets, [facet.key]: select.value } }));
    return { facet, select, label: element("label", {}, `${facet.title} `, select) };
  }

  /** Other rows, such as those of another target. */
  show(rows, facets) {
    this.rows = rows;
    this.facets = facets;
    this.unfolded.clear();
    facets.forEach((facet, number) => {
      const { select } = this.facetSelects[number];
      const choices = facet.choices.map((text, value) => element("option", { value }, cut(text, 60)));
      select.replaceChildren(element("option", { value: "" }, "all"), ...choices);
    });
    this.draw();
  }

  visibleColumns() {
    const chosen = state.columns;
    return this.columns.filter((column) => (chosen ? chosen.includes(column.key) : !column.hidden) || column.key === "name");
  }

  /** The column and direction of the order that is shown. */
  order() {
    if (this.columns.some(({ key }) => key === state.sort)) return { key: state.sort, descending: state.descending };
    return this.first ?? { key: "", descending: false };
  }

  /** Whether a row or one of its parts has all words of the filter; which parts have them. */
  matches(row) {
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (one) => {
      const text = this.words(one).toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const own = has(row);
    const parts = own || !this.parts ? [] : this.parts(row).filter(has);
    return { found: own || parts.length > 0, parts };
  }

  /** The rows that pass filter and facets, in the selected order. */
  select() {
    const kept = this.rows.filter(
      (row) =>
        this.matches(row).found &&
        this.facets.every((facet) => (state.facets[facet.key] ?? "") === "" || String(facet.of(row)) === state.facets[facet.key]),
    );
    const { key, descending } = this.order();
    const column = this.columns.find((one) => one.key === key);
    if (!column) return kept;
    const sign = descending ? -1 : 1;
    const compare = (a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (typeof x === "string" ? x.localeCompare(y, "en") : x - y);
    };
    return kept.toSorted(compare);
  }

  draw() {
    if (this.search.value !== state.filter) this.search.value = state.filter;
    for (const { facet, select } of this.facetSelects) select.value = state.facets[facet.key] ?? "";
    this.shown = this.select();
    const columns = this.visibleColumns();
    this.head.replaceChildren(element("tr", {}, ...columns.map((column) => this.heading(column))));
    const whole = this.rows.reduce((sum, row) => sum + this.share(row), 0);
    let running = 0;
    this.lines = new Map();
    this.rowOf = new Map();
    const drawn = this.shown.slice(0, this.most ?? this.shown.length);
    const lines = drawn.flatMap((row) => {
      running += this.share(row);
      return [this.line(row, columns, whole ? running / whole : 0), ...this.openParts(row).map((part) => this.line(part, columns, null, true))];
    });
    this.body.replaceChildren(...lines);
    this.foot.replaceChildren(...(columns.some((column) => column.sum) ? [this.total(columns)] : []));
    const cutOff = drawn.length < this.shown.length ? `, the first ${drawn.length} drawn` : "";
    this.count.textContent = `${this.shown.length} of ${this.rows.length} shown${cutOff}`;
    this.drawChooser();
    this.mark();
  }

  openParts(row) {
    if (!this.parts) return [];
    const parts = this.parts(row);
    if (this.unfolded.has(this.id(row)) || parts.some((part) => this.id(part) === state.layer)) return parts;
    return this.matches(row).parts;
  }

  heading(column) {
    const { key, descending } = this.order();
    const sorted = key === column.key;
    const arrow = sorted ? (descending ? " ▼" : " ▲") : "";
    const attributes = {
      scope: "col",
      "data-key": column.key,
      class: `${column.numeric ? "number" : ""}${column.cumulative ? "" : " sortable"}`,
      "aria-sort": sorted ? (descending ? "descending" : "ascending") : "none",
      title: column.hint,
    };
    const content = column.cumulative ? column.title : element("button", { type: "button", class: "link" }, column.title + arrow);
    return element("th", attributes, content);
  }

  /** The whole head of a column sorts: its natural direction, then the other, then as it was. */
  onSort(event) {
    const head = event.target.closest("th.sortable");
    if (!head) return;
    const column = this.columns.find(({ key }) => key === head.dataset.key);
    const natural = Boolean(column.numeric) && column.ascending !== true;
    const { key, descending } = this.order();
    if (key !== column.key) update({ sort: column.key, descending: natural });
    else if (descending === natural) update({ sort: column.key, descending: !natural });
    else update({ sort: "", descending: false });
    this.head.querySelector(`[data-key="${column.key}"] button`)?.focus();
  }

  line(row, columns, cumulative, part = false) {
    const cells = columns.map((column) => {
      if (column.key === "name") return this.nameCell(row, column, part);
      const value = column.cumulative ? cumulative : column.value(row);
      const text = value === null || (part && column.cumulative) ? "–" : column.text ? column.text(value, row) : String(value);
      const cell = element("td", { class: column.numeric ? "number" : "", "data-key": column.key }, text);
      if (column.decorate && !part) column.decorate(cell, row);
      return cell;
    });
    const kind = part ? "child" : this.quiet?.(row) ? "quiet" : "";
    const line = element("tr", { "data-id": this.id(row), class: kind }, ...cells);
    this.lines.set(this.id(row), line);
    this.rowOf.set(line, row);
    return line;
  }

  nameCell(row, column, part) {
    const name = column.value(row);
    const attributes = { type: "button", class: "link name", tabindex: "-1", title: cut(column.whole?.(row) ?? name, 400), "aria-pressed": "false" };
    const parts = part || !this.parts ? [] : this.parts(row);
    const open = parts.length > 0 && this.openParts(row).length > 0;
    const fold = parts.length
      ? element("button", { type: "button", class: "fold", tabindex: "-1", "aria-expanded": String(open), "aria-label": `${parts.length} ${this.partWord} in ${cut(name, 80)}` }, `${open ? "−" : "+"}${parts.length}`)
      : null;
    return element("th", { scope: "row" }, element("button", attributes, cut(name, 80)), fold);
  }

  total(columns) {
    const sum = (column) => this.shown.reduce((total, row) => total + (column.value(row) ?? 0), 0);
    const cells = columns.map((column) => {
      if (column.key === "name") return element("th", { scope: "row" }, "Total of the shown rows");
      if (column.cumulative || !column.sum) return element("td");
      const value = sum(column);
      return element("td", { class: "number", "data-key": column.key, "data-value": value }, column.text ? column.text(value) : String(value));
    });
    return element("tr", {}, ...cells);
  }

  drawChooser() {
    const visible = new Set(this.visibleColumns().map(({ key }) => key));
    const boxes = this.columns
      .filter(({ key }) => key !== "name")
      .map((column) => {
        const box = element("input", { type: "checkbox", value: column.key, checked: visible.has(column.key) });
        box.addEventListener("change", () => {
          const wanted = this.columns.filter(({ key }) => (key === column.key ? box.checked : visible.has(key)));
          update({ columns: wanted.map(({ key }) => key) });
          this.chooser.querySelector(`input[value="${column.key}"]`)?.focus();
        });
        return element("label", {}, box, ` ${column.title}`);
      });
    this.chooser.replaceChildren(element("summary", {}, "Columns"), element("div", { class: "choices" }, ...boxes));
  }

  /** Marks the selected row, which the keyboard reaches first. */
  mark(scroll = false) {
    if (this.parts && state.layer !== null && !this.lines.has(state.layer) && this.shown.some((row) => this.openParts(row).some((part) => this.id(part) === state.layer))) {
      this.draw(); // it is a part of a row that was folded
    }
    const first = this.shown.length ? this.id(this.shown[0]) : null;
    const reached = this.lines.has(state.layer) ? state.layer : first;
    for (const [id, line] of this.lines) {
      const button = line.querySelector("button.name");
      button.tabIndex = id === reached ? 0 : -1;
      button.setAttribute("aria-pressed", String(id === state.layer));
      line.classList.toggle("selected", id === state.layer);
    }
    const line = this.lines.get(state.layer);
    if (scroll && line) {
      const box = line.closest(".scroller");
      const top = line.offsetTop - box.clientHeight / 2;
      if (line.offsetTop < box.scrollTop + 40 || line.offsetTop > box.scrollTop + box.clientHeight - 80) box.scrollTop = top;
    }
  }

  /** A click anywhere in a row chooses it; one on its number of parts unfolds it. */
  onClick(event) {
    const line = event.target.closest("tr[data-id]");
    if (!line || String(getSelection() ?? "")) return;
    const row = this.rowOf.get(line);
    if (event.target.closest("button.fold")) this.fold(this.id(row));
    else this.pick(row);
  }

  fold(id, open = !this.unfolded.has(id)) {
    this.unfolded[open ? "add" : "delete"](id);
    this.draw();
    this.lines.get(id)?.querySelector("button.fold")?.focus();
  }

  onKey(event) {
    if (!event.target.classList.contains("name")) return;
    const line = event.target.closest("tr");
    if (["ArrowRight", "ArrowLeft"].includes(event.key) && line.querySelector("button.fold")) {
      event.preventDefault();
      const id = this.id(this.rowOf.get(line));
      this.fold(id, event.key === "ArrowRight");
      this.lines.get(id).querySelector("button.name").focus();
      return;
    }
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const lines = [...this.body.children];
    const next = Math.min(lines.length - 1, Math.max(0, lines.indexOf(line) + steps[event.key]));
    event.target.tabIndex = -1;
    const button = lines[next].querySelector("button.name");
    button.tabIndex = 0;
    button.focus();
  }
}

/** A box that scrolls, in a frame that shades the side where columns are hidden, and words that say so. */
function framed(scroller) {
  const frame = element("div", { class: "frame" }, scroller);
  const words = element("p", { class: "more", "aria-hidden": "true" }, "scroll sideways for more columns →");
  const look = () => {
    const hidden = scroller.scrollWidth - scroller.clientWidth;
    if (hidden <= 1) delete frame.dataset.more;
    else frame.dataset.more = scroller.scrollLeft < hidden - 1 ? "right" : "left";
  };
  scroller.addEventListener("scroll", look, { passive: true });
  const watch = new ResizeObserver(look);
  watch.observe(scroller);
  for (const child of scroller.children) watch.observe(child);
  return [frame, words];
}

/** A small table of texts; its rows may be those of the page, which `select` chooses. */
function textTable({ caption, head, align, rows: lines, ids }, select) {
  const side = (number) => (align[number] === "r" ? "number" : "");
  const first = (text, line) =>
    element("th", { scope: "row" }, ids ? element("button", { type: "button", class: "link", onclick: () => select(ids[line]) }, cut(text, 80)) : cut(text, 120));
  const cells = (line, number) => line.map((text, column) => (column ? element("td", { class: side(column) }, text) : first(text, number)));
  return framed(
    element(
      "div",
      { class: "scroller", role: "region", tabindex: "0", "aria-label": caption },
      element(
        "table",
        { class: "data texts" },
        element("caption", { class: "hidden" }, caption),
        element("thead", {}, element("tr", {}, ...head.map((text, column) => element("th", { scope: "col", class: side(column) }, text)))),
        element("tbody", {}, ...lines.map((line, number) => element("tr", {}, ...cells(line, number)))),
      ),
    ),
  );
}
