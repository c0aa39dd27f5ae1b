// Training curves that can be touched: values under the pointer and by arrow keys, smoothing, a log axis, runs on and off, seeds as one band.
// Without scripts, in print and for download the section's own figures stay.

/* global uPlot */

const QUANTITIES = { accuracy: "Accuracy", loss: "Loss (nats)" };
const SPLITS = ["validation", "train"];
const COLOURS = 6;
const HEIGHT = 260; // CSS pixels

for (const section of document.querySelectorAll("section[data-curves]")) begin(section);
addEventListener("curves:again", (event) => again(event.detail)); // app.js tells when a live part was renewed

async function begin(section) {
  if (section.begun) return; // it is being asked for
  section.begun = true;
  const names = JSON.parse(section.dataset.curves);
  const found = await Promise.all(names.map(read));
  const runs = found.filter((run) => run && run.columns.epoch?.length);
  section.begun = runs.length > 0;
  if (!runs.length) return;
  const widget = new Curves(runs);
  section.querySelector("h2").after(widget.element);
  section.classList.add("touched");
  section.curves = widget;
  widget.draw();
}

async function again(section) {
  if (!section.curves) return begin(section);
  const found = await Promise.all(section.curves.runs.map((run) => read(run.id)));
  section.curves.renew(found.filter(Boolean));
}

async function read(name) {
  try {
    const response = await fetch(`/v1/runs/${encodeURIComponent(name)}/history`);
    return response.ok ? await response.json() : null;
  } catch {
    return null; // the server may be gone for a moment
  }
}

class Curves {
  constructor(runs) {
    this.runs = runs;
    this.hidden = new Set();
    this.smoothing = 0;
    this.log = false;
    this.grouped = false;
    this.epoch = null; // the one that is read out; null for the last
    this.plots = {};
    this.element = make("div", { class: "curves" });
    this.element.append(this.controls(), ...Object.keys(QUANTITIES).map((name) => this.place(name)), this.table());
    new ResizeObserver(() => this.resize()).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  renew(runs) {
    this.runs = runs;
    this.draw();
  }

  // What is drawn: a line for each run, or for each set of runs that differ in the seed alone.
  get series() {
    if (!this.grouped) return this.runs.map((run, index) => ({ key: run.id, title: run.id, runs: [run], colour: index }));
    const groups = new Map();
    for (const run of this.runs) groups.set(run.same_but_seed, [...(groups.get(run.same_but_seed) ?? []), run]);
    return [...groups].map(([key, runs], index) => ({ key, title: titleOf(runs), runs, colour: index }));
  }

  controls() {
    const smooth = make("input", { type: "range", min: 0, max: 0.95, step: 0.05, value: 0, id: "smoothing" });
    const shown = make("output", { for: "smoothing" }, "off");
    smooth.addEventListener("input", () => {
      this.smoothing = Number(smooth.value);
      shown.textContent = this.smoothing ? this.smoothing.toFixed(2) : "off";
      this.draw();
    });
    const controls = make("div", { class: "curve-controls", role: "group", "aria-label": "How the curves are drawn" });
    controls.append(make("label", {}, "Smoothing ", smooth, " ", shown), this.tick("Log axis for the loss", "log"));
    if (new Set(this.runs.map((run) => run.same_but_seed)).size < this.runs.length) {
      controls.append(this.tick("Seeds as one: mean ± standard deviation", "grouped"));
    }
    return controls;
  }

  tick(words, field) {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      this[field] = box.checked;
      this.draw();
    });
    return make("label", {}, box, ` ${words}`);
  }

  place(name) {
    const words = `${QUANTITIES[name]} by epoch: left and right arrow keys move from epoch to epoch, the table below has the values`;
    const place = make("div", { class: "curve", tabindex: 0, role: "group", "aria-label": words, "data-quantity": name });
    place.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
      if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault(); // these keys lead from page to page elsewhere
      const at = Math.max(0, this.epochs.indexOf(this.epoch ?? this.epochs.at(-1)));
      const to = Math.min(this.epochs.length - 1, Math.max(0, at + steps[event.key]));
      this.point(this.epochs[to]);
      this.spoken.textContent = this.described();
    });
    return place;
  }

  table() {
    this.values = make("table", { class: "curve-values" });
    this.spoken = make("p", { class: "unseen", "aria-live": "polite" });
    const region = make("div", { class: "scroll", role: "group", "aria-label": "Values of the curves", tabindex: 0 });
    region.append(this.values);
    const below = make("div", {});
    below.append(region, this.spoken);
    return below;
  }

  draw() {
    const epochs = new Set(this.runs.flatMap((run) => run.columns.epoch));
    this.epochs = [...epochs].sort((one, other) => one - other);
    if (this.epoch !== null && !epochs.has(this.epoch)) this.epoch = null;
    for (const name of Object.keys(QUANTITIES)) this.drawOne(name);
    this.fill();
  }

  drawOne(name) {
    const place = this.element.querySelector(`[data-quantity="${name}"]`);
    const lines = this.lines(name);
    this.plots[name]?.destroy();
    const style = getComputedStyle(this.element);
    const ink = style.getPropertyValue("--muted").trim();
    const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
    const percent = (value) => `${+inPercent(value)} %`;
    const plain = (value) => (value === null ? "" : `${+value.toPrecision(6)}`); // nothing at the small ticks of a log axis
    const options = {
      width: place.clientWidth,
      height: HEIGHT,
      title: QUANTITIES[name],
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, focus: { prox: 16 }, points: { size: 7 } },
      scales: { x: { time: false, range: this.reach() }, y: name === "loss" && this.log ? { distr: 3 } : {} },
      axes: [
        { stroke: ink, grid, label: "epoch", labelSize: 22, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
        { stroke: ink, grid, size: 64, values: (_, ticks) => ticks.map(name === "accuracy" ? percent : plain) },
      ],
      series: [{}, ...lines.map((line) => this.drawn(line, style))],
      bands: lines.flatMap((line, index) => (line.edge === "high" ? [{ series: [index + 1, index + 2], fill: faint(line, style) }] : [])),
      hooks: { setCursor: [(plot) => this.pointed(plot)] },
    };
    this.plots[name] = new uPlot(options, [this.epochs, ...lines.map((line) => line.values)], place);
  }

  // A single epoch in the middle, with room on both sides; else from the first to the last.
  reach() {
    return (_, low, high) => (low === high || low === null ? [(low ?? 1) - 1, (low ?? 1) + 1] : [low, high]);
  }

  drawn(line, style) {
    const stroke = colourOf(line.colour, style);
    if (line.edge) return { stroke: "transparent", width: 0, points: { show: false } };
    if (line.best) return { stroke, width: 0, points: { show: true, size: 9, fill: stroke, stroke: style.getPropertyValue("--paper").trim() } };
    const dash = line.split === "train" ? [5, 4] : undefined;
    const alone = line.values.filter((value) => value !== null).length === 1;
    return { stroke, dash, width: line.split === "train" ? 1.25 : 2.25, points: { show: alone, size: 7, fill: stroke }, spanGaps: true };
  }

  lines(name) {
    const lines = [];
    for (const each of this.series.filter((one) => !this.hidden.has(one.key))) {
      for (const split of SPLITS) {
        const runs = each.runs.map((run) => this.smoothed(this.spread(run, `${split}_${name}`)));
        const has = this.epochs.map((_, row) => runs.map((values) => values[row]).filter((value) => value !== null));
        if (!has.some((values) => values.length)) continue;
        const common = { colour: each.colour, split, key: each.key };
        if (each.runs.length > 1 && split === "validation") {
          lines.push({ ...common, edge: "high", values: has.map((values) => (values.length > 1 ? mean(values) + deviation(values) : null)) });
          lines.push({ ...common, edge: "low", values: has.map((values) => (values.length > 1 ? mean(values) - deviation(values) : null)) });
        }
        const values = has.map((values) => (values.length ? mean(values) : null));
        lines.push({ ...common, values });
        const best = split === "validation" && each.runs.length === 1 ? bestEpoch(each.runs[0].columns) : null;
        if (best !== null) lines.push({ ...common, best, values: values.map((value, row) => (this.epochs[row] === best ? value : null)) });
      }
    }
    return lines;
  }

  // A run's column on the epochs of all runs; null where it has none.
  spread(run, column) {
    const at = new Map(run.columns.epoch.map((epoch, row) => [epoch, run.columns[column]?.[row] ?? null]));
    return this.epochs.map((epoch) => at.get(epoch) ?? null);
  }

  // An exponential moving average whose first values are not pulled towards 0, as TensorBoard's.
  smoothed(values) {
    let sum = 0;
    let weight = 0;
    return values.map((value) => {
      if (value === null || !this.smoothing) return value;
      sum = this.smoothing * sum + (1 - this.smoothing) * value;
      weight = this.smoothing * weight + 1 - this.smoothing;
      return sum / weight;
    });
  }

  pointed(plot) {
    const row = plot.cursor.idx;
    if (this.pointing || row === null || row === undefined) return;
    this.point(this.epochs[row], plot);
  }

  // The same epoch in both charts and in the table.
  point(epoch, from = null) {
    this.epoch = epoch;
    this.pointing = true;
    for (const plot of Object.values(this.plots)) {
      if (plot !== from) plot.setCursor({ left: plot.valToPos(epoch, "x"), top: plot.bbox.height / devicePixelRatio / 2 });
    }
    this.pointing = false;
    this.fill();
  }

  fill() {
    const epoch = this.epoch ?? this.epochs.at(-1);
    const row = this.epochs.indexOf(epoch);
    const focused = this.values.contains(document.activeElement) ? document.activeElement.value : null;
    const style = getComputedStyle(this.element);
    const head = make("tr", {}, make("th", { scope: "col", class: "left", rowspan: 2 }, `epoch ${epoch}`));
    const below = make("tr", {});
    for (const name of ["accuracy", "loss"]) {
      head.append(make("th", { scope: "colgroup", colspan: 2 }, name));
      for (const split of ["validation", "training"]) below.append(make("th", { scope: "col" }, split));
    }
    const body = this.series.map((each) => {
      const box = make("input", { type: "checkbox", value: each.key });
      box.checked = !this.hidden.has(each.key);
      box.addEventListener("change", () => {
        if (box.checked) this.hidden.delete(each.key);
        else this.hidden.add(each.key);
        this.draw();
      });
      const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = colourOf(each.colour, style);
      const line = make("tr", {}, make("th", { scope: "row", class: "left" }, make("label", {}, box, " ", swatch, ` ${each.title}`)));
      for (const cell of this.cells(each, row)) line.append(make("td", {}, cell));
      return line;
    });
    this.values.replaceChildren(make("thead", {}, head, below), make("tbody", {}, ...body));
    if (focused !== null) [...this.values.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
  }

  // As they were measured, not smoothed.
  cells(each, row) {
    return Object.keys(QUANTITIES).flatMap((name) =>
      SPLITS.map((split) => {
        const values = each.runs.map((run) => this.spread(run, `${split}_${name}`)[row]).filter((value) => value !== null);
        if (!values.length) return "–";
        const shown = (value) => (name === "accuracy" ? inPercent(value) : value.toFixed(4));
        return shown(mean(values)) + (values.length > 1 ? ` ± ${shown(deviation(values))}` : "") + (name === "accuracy" ? " %" : "");
      }),
    );
  }

  described() {
    const row = this.epochs.indexOf(this.epoch);
    const said = this.series.filter((each) => !this.hidden.has(each.key)).map((each) => {
      const [validation, training] = this.cells(each, row);
      return `${each.title}: ${validation === "–" ? `training ${training}` : `validation ${validation}`}`;
    });
    return `epoch ${this.epoch}. ${said.join("; ")}`;
  }

  resize() {
    for (const [name, plot] of Object.entries(this.plots)) {
      const width = this.element.querySelector(`[data-quantity="${name}"]`).clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: HEIGHT });
    }
  }
}

// The epoch that was kept: the last that was noted as the best so far, where another measure than accuracy chose;
// else that of the highest validation accuracy, then the lowest loss; null where nothing was held out.
function bestEpoch({ epoch, validation_accuracy: accuracy, validation_loss: loss, is_best: noted }) {
  const chosen = (noted ?? []).lastIndexOf(1);
  if (chosen >= 0) return epoch[chosen];
  const rows = [...epoch.keys()].filter((row) => (accuracy?.[row] ?? null) !== null && (loss?.[row] ?? null) !== null);
  const [best] = rows.sort((one, other) => accuracy[other] - accuracy[one] || loss[one] - loss[other]);
  return best === undefined ? null : epoch[best];
}

function titleOf(runs) {
  const names = new Set(runs.map((run) => run.id.replace(/-seed\d+$/, "")));
  const name = names.size === 1 ? [...names][0] : runs[0].id;
  return runs.length > 1 ? `${name}, ${runs.length} seeds` : runs[0].id;
}

function colourOf(index, style) {
  return style.getPropertyValue(`--figure-series-${(index % COLOURS) + 1}`).trim();
}

function faint(line, style) {
  return `${colourOf(line.colour, style)}33`; // a fifth
}

// As `rounded` in utils/text.py: a half goes up, also one that went through float32.
function inPercent(fraction) {
  const nearly = Number((100 * fraction).toFixed(5)); // 48.125 and not 48.12499998
  return (Math.round(Number(`${Math.abs(nearly)}e2`)) / 100 * Math.sign(nearly || 1)).toFixed(2);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

// Of a sample: divided by one less than there are.
function deviation(values) {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

function make(kind, attributes, ...children) {
  const element = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
