// One face: a table with a row per label, each with its curve of the last half minute.

/* global uPlot */

export const SECONDS = 30;
// Colours of the tracks, as in the overlay.
const TRACKS = ["#5cc4f0", "#3cd6a6", "#ec96ce", "#f6de52", "#ff9078", "#ececec"];
const ROW_PX = 30;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class FaceCard {
  constructor(id, run) {
    this.id = id;
    this.labels = run.labels;
    this.decideBy = run.decide_by;
    this.thresholds = run.thresholds ?? run.labels.map(() => 0);
    this.times = [];
    this.values = this.labels.map(() => []);
    this.actives = this.labels.map(() => []);
    this.name = element("h2");
    this.now = element("p", { className: "now" });
    this.presence = element("p", { className: "presence" });
    this.quality = element("p", { className: "quality" });
    this.rows = this.labels.map((label, k) => this.#row(label, run.names[label] ?? "", this.thresholds[k]));
    const head = element("div", { className: "face-head" }, this.name, this.now, this.quality, this.presence);
    const table = element("table", {},
      element("caption", { textContent: `Action Units of face ${id}` }),
      element("colgroup", {}, ...["label", "curve", "bar", "value"].map((text) => element("col", { className: `col-${text}` }))),
      element("thead", {}, element("tr", {}, ...["label", "curve", "bar", "probability"].map(
        (text) => element("th", { scope: "col", textContent: text })))),
      element("tbody", {}, ...this.rows.map((row) => row.line)));
    const axis = element("div", { className: "axis", ariaHidden: "true" },
      element("span", { textContent: `${SECONDS} s ago` }), element("span", { textContent: "now" }));
    this.card = element("section", { className: "face" }, head, table, axis);
    this.card.dataset.face = id;
    this.card.style.setProperty("--track", TRACKS[(id - 1) % TRACKS.length]);
    this.card.setAttribute("aria-label", `Face ${id}`);
  }

  #row(label, name, threshold) {
    const curve = element("div", { className: "curve", ariaHidden: "true" });
    const fill = element("i"), tick = element("b");
    tick.style.left = `${100 * threshold}%`;
    const bar = element("div", { className: "bar", ariaHidden: "true" }, fill, ...(threshold ? [tick] : []));
    const value = element("td", { className: "value" });
    const line = element("tr", {},
      element("th", { scope: "row", title: name }, element("span", { className: "code", textContent: label }),
        element("span", { className: "name", textContent: name })),
      element("td", {}, curve), element("td", { className: "bar-cell" }, bar), value);
    line.dataset.label = label;
    return { line, curve, fill, value, plot: null };
  }

  // Takes the face of a message; nothing is drawn yet.
  add(time, face) {
    this.face = face;
    const shown = this.shown(face);
    this.#push(time, (label) => shown[label], (label) => face.active.includes(label));
  }

  // The probabilities that decisions are made by: thresholds belong to them.
  shown(face) {
    return (this.decideBy === "n" && face.probabilities_n) || face.probabilities;
  }

  // Takes note of a frame that does not show the face: a gap in its curves.
  skip(time) {
    this.#push(time, () => null, () => false);
  }

  #push(time, value, active) {
    if (this.times.length && time < this.times.at(-1)) this.#forget(this.times.length);
    this.times.push(time);
    this.labels.forEach((label, k) => {
      this.values[k].push(value(label));
      this.actives[k].push(active(label));
    });
    let old = 0;
    while (this.times[old] < time - SECONDS) old += 1;
    if (old > 64) this.#forget(old);
  }

  #forget(count) {
    this.times.splice(0, count);
    for (const list of [...this.values, ...this.actives]) list.splice(0, count);
  }

  draw(now, names) {
    const { face } = this;
    // Read before anything is written, and once: each reading after a write lays out the whole page.
    const width = this.rows[0].curve.clientWidth;
    this.colours = { curve: colour("--curve"), span: colour("--active-span"), threshold: colour("--threshold") };
    this.name.textContent = face.seat ? `${face.seat} (face ${this.id})` : `face ${this.id}`;
    this.now.textContent = face.active.map((label) => `${label} ${names[label] ?? ""}`.trim()).join(", ") || "no AU active";
    this.now.classList.toggle("none", !face.active.length);
    this.presence.textContent = face.confidence === null ? "" : `presence ${Math.round(100 * face.confidence)}%`;
    this.quality.textContent = face.quality === 0 ? `not reliable: ${(face.quality_reason ?? []).join(", ")}` : "";
    this.rows.forEach((row, k) => {
      const label = this.labels[k], value = this.shown(face)[label];
      row.line.classList.toggle("active", face.active.includes(label));
      row.fill.style.width = `${100 * value}%`;
      row.value.textContent = `${Math.round(100 * value)}%`;
      row.line.dataset.value = value;
      this.#plot(row, k, now, width);
    });
  }

  #plot(row, k, now, width) {
    if (!width) return;
    row.plot ??= this.#newPlot(row.curve, k, width);
    if (row.plot.width !== width) row.plot.setSize({ width, height: ROW_PX });
    row.plot.batch(() => {
      row.plot.setData([this.times, this.values[k]], false);
      row.plot.setScale("x", { min: now - SECONDS, max: now });
    });
  }

  #newPlot(place, k, width) {
    const spans = (plot) => this.#drawSpans(plot, k);
    return new uPlot({
      width, height: ROW_PX, padding: [2, 0, 2, 0], legend: { show: false }, axes: [{ show: false }, { show: false }],
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, sync: { key: `face-${this.id}` } },
      scales: { x: { time: false }, y: { range: [-0.02, 1.02] } },
      series: [{}, { stroke: () => this.colours.curve, width: 1.5, points: { show: false } }],
      hooks: { drawClear: [spans] },
    }, [this.times, this.values[k]], place);
  }

  #drawSpans(plot, k) {
    const { ctx, bbox } = plot, active = this.actives[k], times = this.times;
    ctx.save();
    ctx.fillStyle = this.colours.span;
    for (let start = 0; start < times.length; start += 1) {
      if (!active[start]) continue;
      let end = start;
      while (end + 1 < times.length && active[end + 1]) end += 1;
      const left = Math.max(plot.valToPos(times[start], "x", true), bbox.left);
      const right = plot.valToPos(times[end], "x", true);
      if (right >= left) ctx.fillRect(left, bbox.top, Math.max(right - left, 1), bbox.height);
      start = end;
    }
    if (this.thresholds[k]) {
      const y = plot.valToPos(this.thresholds[k], "y", true);
      ctx.strokeStyle = this.colours.threshold;
      ctx.globalAlpha = 0.55;
      ctx.setLineDash([3, 4]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  remove() {
    for (const row of this.rows) row.plot?.destroy();
    this.card.remove();
  }
}
