// A table with sorting, a text filter, facets and keyboard navigation.

/**
 * columns: {key, title, value(row), text?(value, row), numeric?, sum?, hidden?, hint?}
 * facets: {key, title, choices: [text], of(row)} with the number of a choice or null
 * most: rows that are drawn at once, the first in the order asked for; all by default
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
    this.node = element("div", { class: "later" }, controls, scroller);
    this.body.addEventListener("keydown", (event) => this.onKey(event));
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

  /** The rows that pass filter and facets, in the selected order. */
  select() {
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = this.rows.filter((row) => {
      const text = this.words(row).toLowerCase();
      return (
        words.every((word) => text.includes(word)) &&
        this.facets.every((facet) => (state.facets[facet.key] ?? "") === "" || String(facet.of(row)) === state.facets[facet.key])
      );
    });
    const column = this.columns.find(({ key }) => key === state.sort);
    if (!column) return kept;
    const sign = state.descending ? -1 : 1;
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
    const drawn = this.shown.slice(0, this.most ?? this.shown.length);
    const lines = drawn.map((row) => {
      running += this.share(row);
      const line = this.line(row, columns, whole ? running / whole : 0);
      this.lines.set(this.id(row), line);
      return line;
    });
    this.body.replaceChildren(...lines);
    this.foot.replaceChildren(...(columns.some((column) => column.sum) ? [this.total(columns)] : []));
    const cutOff = drawn.length < this.shown.length ? `, the first ${drawn.length} drawn` : "";
    this.count.textContent = `${this.shown.length} of ${this.rows.length} shown${cutOff}`;
    this.drawChooser();
    this.mark();
  }

  heading(column) {
    const sorted = state.sort === column.key;
    const arrow = sorted ? (state.descending ? " ▼" : " ▲") : "";
    const next = () => {
      const first = Boolean(column.numeric);
      if (!sorted) update({ sort: column.key, descending: first });
      else if (state.descending === first) update({ sort: column.key, descending: !first });
      else update({ sort: "", descending: false });
      this.head.querySelector(`[data-key="${column.key}"] button`)?.focus();
    };
    const attributes = {
      scope: "col",
      "data-key": column.key,
      class: column.numeric ? "number" : "",
      "aria-sort": sorted ? (state.descending ? "descending" : "ascending") : "none",
    };
    const content = column.cumulative
      ? column.title
      : element("button", { type: "button", class: "link", onclick: next, title: column.hint }, column.title + arrow);
    return element("th", attributes, content);
  }

  line(row, columns, cumulative) {
    const cells = columns.map((column) => {
      if (column.key === "name") {
        const name = column.value(row);
        const attributes = { type: "button", class: "link name", tabindex: "-1", title: cut(name, 400), "aria-pressed": "false" };
        const button = element("button", { ...attributes, onclick: () => this.pick(row) }, cut(name, 80));
        return element("th", { scope: "row" }, button);
      }
      const value = column.cumulative ? cumulative : column.value(row);
      const text = value === null ? "–" : column.text ? column.text(value, row) : String(value);
      const cell = element("td", { class: column.numeric ? "number" : "", "data-key": column.key }, text);
      if (column.decorate) column.decorate(cell, row);
      return cell;
    });
    return element("tr", { "data-id": this.id(row), class: this.quiet?.(row) ? "quiet" : "" }, ...cells);
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

  onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !event.target.classList.contains("name")) return;
    event.preventDefault();
    const lines = [...this.body.children];
    const now = lines.indexOf(event.target.closest("tr"));
    const next = Math.min(lines.length - 1, Math.max(0, now + steps[event.key]));
    event.target.tabIndex = -1;
    const button = lines[next].querySelector("button.name");
    button.tabIndex = 0;
    button.focus();
  }
}
