import { element, drawing, decimals, save, fillChoices } from "./elements.js";
import { draw } from "./pixels.js";
import { planeOf } from "./planes.js";

/** Colours that people with any colour vision tell apart (Okabe and Ito 2008), and some between. */
const kinds = [
  "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#b8a800", "#7a5195", "#8c6d46", "#7f7f7f",
];

/** Where a value from 0 to 1 is on a scale from dark blue to yellow. */
function shade(share) {
  const stops = [[68, 60, 140], [49, 104, 160], [33, 145, 140], [94, 190, 98], [225, 205, 60]];
  const place = Math.min(share, 0.9999) * (stops.length - 1);
  const [from, to] = [stops[Math.floor(place)], stops[Math.floor(place) + 1]];
  return `rgb(${from.map((value, c) => Math.round(value + (to[c] - value) * (place % 1))).join(" ")})`;
}

/** The codes of images in a plane: two latent dimensions, the two principal components, or one that keeps neighbourhoods. */
export class CodeMap {
  #plane = null;
  #points = [];
  #asked = 0;

  /**
   * `onImage(row)` where a point is chosen, `onPlace(latent)` where a place is, `onNote(text)` where there is something to say and
   * `onNote(null)` when it has passed; `latentOf()` gives the latent vector that is shown.
   */
  constructor(parts, { onImage, onPlace, onNote, latentOf }) {
    Object.assign(this, parts, { onImage, onPlace, onNote, latentOf });
    this.axes.addEventListener("change", () => this.#place());
    this.color.addEventListener("change", () => this.#recolor());
    this.canvas.addEventListener("pointermove", event => this.#hover(event));
    this.canvas.addEventListener("pointerleave", () => { this.hint.hidden = true; });
    this.canvas.addEventListener("click", event => this.#click(event));
    this.canvas.addEventListener("keydown", event => this.#key(event));
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
  }

  /** Shows the codes of a model; `map` is null where there are none. */
  show(model, map) {
    [this.model, this.map, this.#plane] = [model, map, null];
    const { latentSize, dimensions } = model.summary;
    const order = dimensions.map(({ dimension }) => dimension);
    const pairs = latentSize < 2 ? [] : [0, 2, 4].filter(i => i + 1 < order.length && i + 1 < 6).map(i => [order[i], order[i + 1]].sort((a, b) => a - b));
    const { principal } = map ?? {};
    fillChoices(this.axes, [
      ...(principal ? [["principal", `principal components (${principal.shares.map(share => `${Math.round(100 * share)} %`).join(", ")})`]] : []),
      ...pairs.map(([i, j]) => [`${i},${j}`, `z${i}, z${j}`]),
      ...(principal && map.count >= 4 ? [["tsne", "neighbourhoods (t-SNE)"]] : []),
    ]);
    fillChoices(this.color, [...(map?.factors ?? []).map((factor, i) => [String(i), factor.name]), ["", "none"]]);
    if (map?.factors.length) this.color.value = String(Math.max(0, map.factors.findIndex(({ names }) => names.length <= 10)));
    this.#place();
    this.#recolor();
  }

  /** The axes as commands name them. */
  get axesText() { return this.axes.value; }
  /** The factor that colours points; null for none. */
  get factor() { return this.map?.factors[this.color.value] ?? null; }
  get isPlane() { return this.axes.value !== ""; }

  /** Takes the plane that is chosen and puts the points into it. */
  async #place() {
    const { map, model } = this;
    const choice = this.axes.value;
    if (choice === "tsne" && !map.neighborhoods) this.onNote("finding neighbours …");
    let plane;
    try {
      plane = await planeOf(choice, model, map);
    } catch (error) {
      return this.onNote(error.message);
    }
    // Another choice has been made while this one was computed.
    if (choice !== this.axes.value || map !== this.map || model !== this.model) return;
    this.#plane = plane;
    this.#points = [];
    this.onNote(null);
    if (!plane) return this.redraw();
    let [low, high] = [[-3, -3], [3, 3]];
    if (map) {
      for (let row = 0; row < map.count; row += 1) this.#points.push(plane.point(row));
      low = [0, 1].map(axis => this.#points.reduce((least, point) => Math.min(least, point[axis]), Infinity));
      high = [0, 1].map(axis => this.#points.reduce((most, point) => Math.max(most, point[axis]), -Infinity));
    }
    const middle = [0, 1].map(axis => (low[axis] + high[axis]) / 2);
    this.bounds = { middle, reach: [0, 1].map(axis => 0.54 * Math.max(high[axis] - low[axis], 1e-3)) };
    this.redraw();
  }

  #toScreen([x, y]) {
    const { middle, reach } = this.bounds;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    return [width / 2 + (x - middle[0]) / reach[0] * width / 2, height / 2 - (y - middle[1]) / reach[1] * height / 2];
  }

  #fromScreen([x, y]) {
    const { middle, reach } = this.bounds;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    return [middle[0] + (2 * x / width - 1) * reach[0], middle[1] + (1 - 2 * y / height) * reach[1]];
  }

  // ---- drawing

  #recolor() {
    const { factor } = this;
    const isFew = factor && factor.names.length <= kinds.length;
    const colorAt = position => isFew ? kinds[position] : shade(position / Math.max(1, factor.names.length - 1));
    this.colors = factor?.positions.map(colorAt);
    const key = (text, color) => element("span", { class: "key" },
      drawing("svg", { viewBox: "0 0 8 8", "aria-hidden": "true" }, drawing("circle", { cx: 4, cy: 4, r: 3.5, fill: color })), text);
    const shown = factor ? (isFew ? factor.names.map((_, i) => i) : [0, 0.25, 0.5, 0.75, 1].map(share => Math.round(share * (factor.names.length - 1)))) : [];
    this.legend.replaceChildren(...shown.map(i => key(factor.names[i], colorAt(i))));
    this.redraw();
  }

  /** Draws everything again, for instance after the latent vector has moved. */
  redraw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !this.model) return;
    Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(document.documentElement);
    context.fillStyle = style.getPropertyValue("--panel");
    context.fillRect(0, 0, width, height);
    if (!this.#plane) return;
    this.#drawAxes(context, style, width, height);
    const radius = this.#points.length > 3000 ? 1.6 : 2.3;
    this.#points.forEach((point, row) => {
      const [x, y] = this.#toScreen(point);
      context.fillStyle = this.colors?.[row] ?? style.getPropertyValue("--soft");
      context.globalAlpha = 0.75;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
    this.#drawMarker(context, style);
  }

  #drawAxes(context, style, width, height) {
    const { names, hasOrigin } = this.#plane;
    if (hasOrigin) {
      const [x, y] = this.#toScreen([0, 0]);
      context.strokeStyle = style.getPropertyValue("--line");
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x, 0); context.lineTo(x, height);
      context.moveTo(0, y); context.lineTo(width, y);
      context.stroke();
    }
    const [low, high] = [this.#fromScreen([0, height]), this.#fromScreen([width, 0])];
    context.fillStyle = style.getPropertyValue("--soft");
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "right";
    context.fillText(`${names[0]} ${decimals(low[0], 1)} … ${decimals(high[0], 1)}`, width - 6, height - 7);
    context.textAlign = "left";
    context.fillText(`${names[1]} ${decimals(low[1], 1)} … ${decimals(high[1], 1)}`, 6, 14);
  }

  #drawMarker(context, style) {
    const [x, y] = this.#toScreen(this.#plane.toPlane(this.latentOf()));
    for (const [color, width] of [[style.getPropertyValue("--panel"), 5], [style.getPropertyValue("--ink"), 2]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x - 9, y); context.lineTo(x + 9, y);
      context.moveTo(x, y - 9); context.lineTo(x, y + 9);
      context.stroke();
    }
  }

  // ---- pointing

  #pointAt(event) {
    const near = { row: -1, distance: 9 };
    this.#points.forEach((point, row) => {
      const [x, y] = this.#toScreen(point);
      const distance = Math.hypot(x - event.offsetX, y - event.offsetY);
      if (distance < near.distance) Object.assign(near, { row, distance });
    });
    return near.row;
  }

  async #hover(event) {
    if (!this.#plane) return;
    const row = this.#pointAt(event);
    this.hint.hidden = row < 0;
    if (row < 0) return;
    const index = this.map.indices[row];
    const { factor, hint, canvas } = this;
    hint.querySelector("span").textContent = `image ${index}${factor ? `, ${factor.name} ${factor.names[factor.positions[row]]}` : ""}`;
    const isRight = event.offsetX > canvas.clientWidth / 2;
    hint.style.left = isRight ? "" : `${event.offsetX + 14}px`;
    hint.style.right = isRight ? `${canvas.clientWidth - event.offsetX + 14}px` : "";
    hint.style.top = `${Math.min(event.offsetY, canvas.clientHeight - 110)}px`;
    const number = ++this.#asked;
    const [pixels] = await this.model.images([index]);
    if (number === this.#asked) draw(hint.querySelector("canvas"), pixels, this.model.summary);
  }

  #click(event) {
    if (!this.#plane) return;
    const row = this.#pointAt(event);
    if (row >= 0) this.onImage(row);
    else this.onPlace(this.#plane.fromPlane(this.#fromScreen([event.offsetX, event.offsetY]), this.latentOf()));
  }

  #key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || !this.#plane) return;
    event.preventDefault();
    const place = this.#plane.toPlane(this.latentOf()).map((value, axis) => value + step[axis] * this.bounds.reach[axis] / 40);
    this.onPlace(this.#plane.fromPlane(place, this.latentOf()));
  }

  savePNG(name) { this.canvas.toBlob(blob => save(blob, name), "image/png"); }
}
