import { byId, element, drawing, decimals, grouped, duration, fillChoices, save } from "./elements.js";
import { loadRuns, pictureAddress } from "./served-model.js";

const colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d46"];
const dashes = { training: "", validation: "6 3", test: "2 3" };

/** Curves, pictures and progress of runs, as their folders say now. */
export class Training {
  #runs = [];
  #follows = true;
  #onRuns;

  /** `onRuns` is told what the runs are now. */
  constructor(onRuns) {
    this.#onRuns = onRuns;
    for (const id of ["term", "from-zero"]) byId(id).addEventListener("change", () => this.#drawCurves());
    for (const id of ["picture-run", "picture-kind"]) byId(id).addEventListener("change", () => { this.#follows = true; this.#showPictures(); });
    byId("moment").addEventListener("input", () => {
      this.#follows = byId("moment").value === byId("moment").max;
      this.#showPicture();
    });
    byId("save-curves").addEventListener("click", () => {
      const text = new XMLSerializer().serializeToString(byId("curves").firstElementChild);
      save(new Blob([text], { type: "image/svg+xml" }), "curves.svg");
    });
  }

  /** Asks for the runs now, and again while one of them trains. */
  async start() {
    try {
      this.#runs = await loadRuns();
      this.#show();
      this.#onRuns(this.#runs);
    } catch {
      byId("runs").replaceChildren(element("p", { class: "note", textContent: "The program that served this page has ended." }));
      return;
    }
    setTimeout(() => this.start(), document.hidden ? 15_000 : this.#runs.some(run => run.isRunning) ? 2_000 : 15_000);
  }

  #show() {
    const names = this.#names;
    const head = element("tr", {}, ...["run", "state", "epochs", "steps", "speed", "left", "loss"].map(text => element("th", { scope: "col", textContent: text })));
    byId("runs").replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...this.#runs.map((run, i) => row(run, names[i])))));
    const terms = new Map(this.#runs.flatMap(run => run.series ?? []).map(series => [series.term, series.words]));
    fillChoices(byId("term"), [...terms]);
    fillChoices(byId("picture-run"), names.map((name, i) => [String(i), name]));
    this.#drawCurves();
    this.#showPictures();
  }

  /** What tells the runs apart: the ends of their folders. */
  get #names() {
    const parts = this.#runs.map(run => run.folder.split("/").filter(Boolean));
    const first = parts[0]?.findIndex((part, i) => parts.some(other => other[i] !== part)) ?? 0;
    return parts.map(path => path.slice(first < 0 || parts.length < 2 ? -1 : first).join("/"));
  }

  #drawCurves() {
    const term = byId("term").value;
    const names = this.#names;
    const lines = this.#runs.flatMap((run, i) => (run.series ?? []).filter(series => series.term === term).map(series => ({
      name: `${names[i]}, ${series.split}`, color: colors[i % colors.length], dash: dashes[series.split],
      points: series.points.filter(point => point[1] !== null),
    })));
    byId("curves").replaceChildren(curves(lines, byId("from-zero").checked, term));
    byId("curves-legend").replaceChildren(...lines.map(({ name, color, dash }) => element("span", { class: "key" },
      drawing("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" }, drawing("line", { x1: 0, x2: 24, y1: 4, y2: 4, stroke: color, "stroke-width": 3, "stroke-dasharray": dash })), name)));
  }

  get #kinds() { return this.#runs[byId("picture-run").value]?.pictures ?? []; }
  get #pictures() { return this.#kinds.find(({ kind }) => kind === byId("picture-kind").value)?.pictures ?? []; }

  #showPictures() {
    fillChoices(byId("picture-kind"), this.#kinds.map(({ kind }) => [kind, kind]));
    byId("progress-section").hidden = this.#kinds.length === 0;
    const moment = byId("moment");
    moment.max = Math.max(0, this.#pictures.length - 1);
    if (this.#follows) moment.value = moment.max;
    this.#showPicture();
  }

  #showPicture() {
    const shown = this.#pictures[byId("moment").value];
    if (!shown) return;
    byId("moment-name").textContent = shown.caption;
    const image = byId("moment-picture");
    const address = pictureAddress(byId("picture-run").value, shown.name);
    if (image.getAttribute("src") !== address) image.src = address;
    image.alt = `${byId("picture-kind").value} at ${shown.caption}`;
  }
}

function row(run, name) {
  const loss = run.series?.findLast(series => series.term === "loss")?.points.at(-1);
  const bar = element("progress", { max: run.totalSteps || 1, value: run.step ?? 0, "aria-label": `progress of ${name}` });
  const cells = run.series
    ? [run.state, run.epochs, element("span", {}, bar, ` ${grouped(run.step)} of ${grouped(run.totalSteps)}`),
      run.imagesPerSecond ? `${grouped(run.imagesPerSecond)} images/s` : "", run.secondsLeft === null ? "" : duration(run.secondsLeft),
      loss ? decimals(loss[1], 2) : ""]
    : [run.problem, "", "", "", "", ""];
  if (run.series && run.problem) cells[0] = `${run.state}: ${run.problem}`;
  return element("tr", {}, element("th", { scope: "row", textContent: name, title: run.folder }), ...cells.map(cell => element("td", {}, cell)));
}

/** Round numbers within a range, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * step; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}

/** Lines over the steps of training. */
function curves(lines, fromZero, term) {
  const width = Math.max(320, byId("curves").clientWidth);
  const [height, left, bottom, top] = [352, 58, 30, 10];
  const svg = drawing("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${term} over the steps` });
  const points = lines.flatMap(line => line.points);
  if (!points.length) return element("p", { class: "note", textContent: "Nothing has been measured yet." });
  const last = Math.max(1, ...points.map(point => point[0]));
  // The first steps are far above all others: they may leave the picture.
  const shown = points.filter(point => point[0] >= 0.05 * last).map(point => point[1]);
  let [low, high] = [Math.min(...shown), Math.max(...shown)];
  if (fromZero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const margin = 0.05 * (high - low);
  [low, high] = [fromZero ? low : low - margin, high + margin];
  const x = step => left + step / last * (width - left - 10);
  const y = value => top + (high - value) / (high - low) * (height - top - bottom);
  for (const value of ticks(low, high, 5)) {
    svg.append(drawing("line", { class: "axis", x1: left, x2: width - 10, y1: y(value), y2: y(value), stroke: "#8884" }),
      drawing("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value).replace("-", "−")));
  }
  for (const step of ticks(0, last, 6)) svg.append(drawing("text", { x: x(step), y: height - 10, "text-anchor": "middle" }, grouped(step)));
  for (const { points, color, dash, name } of lines) {
    const place = points.map(([step, value]) => `${x(step).toFixed(1)},${Math.max(top, Math.min(height - bottom, y(value))).toFixed(1)}`);
    const line = points.length > 1
      ? drawing("polyline", { points: place.join(" "), fill: "none", stroke: color, "stroke-width": 1.8, "stroke-dasharray": dash, "vector-effect": "non-scaling-stroke" })
      : drawing("circle", { cx: place[0]?.split(",")[0], cy: place[0]?.split(",")[1], r: 4, fill: color });
    line.append(drawing("title", {}, name));
    svg.append(line);
  }
  return svg;
}
