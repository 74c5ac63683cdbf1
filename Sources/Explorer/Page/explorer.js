import { byId, decimals, fillChoices, say, showCommand } from "./elements.js";
import { draw, picture, savePNG, squaredError } from "./pixels.js";
import { latentText, shortest, pathBetween, normals, codeOf, nearest } from "./latent.js";
import { loadContent } from "./served-model.js";
import { containedContent } from "./contained-model.js";
import { Sliders } from "./sliders.js";
import { CodeMap } from "./map.js";
import { Strip, tile } from "./strips.js";
import { Training } from "./training.js";

const traversalSteps = 11;
const pathSteps = 11;
const sampleCount = 16;
const neighbourCount = 8;

/** What is shown. An origin is where the latent vector is from: `kind`, `name`, of images also `pixels`, `index` or `file`. */
const state = { models: [], model: null, other: null, latent: [], dimension: 0, imageClass: null, origin: null, ends: [null, null], mode: "latent" };

const parts = {};

// ---- commands

const command = (name, ...words) => [
  ...state.program.split(" "), name, state.model.summary.checkpoint, ...words,
  ...(state.imageClass === null || name === "embed" ? [] : ["--class", String(state.imageClass)]), ...state.dataArguments,
];
const file = kind => `${state.model.summary.name}-${kind}.png`;
const latentWords = latents => latents.map(latent => `--latent=${latentText(latent)}`);
const isUnmoved = () => state.origin?.latent && state.origin.latent.every((value, d) => value === state.latent[d]);

function pictureCommand() {
  if (isUnmoved() && state.origin.index !== undefined) return command("reconstruct", "--indices", String(state.origin.index));
  return command("sample", ...latentWords([state.latent]));
}

function traversalCommand() {
  const { low, high } = factsOf(state.dimension);
  return command("traverse", "--dimensions", String(state.dimension), `--start=${latentText(state.latent)}`,
    `--range=${shortest(low)}..${shortest(high)}`, "--steps", String(traversalSteps));
}

function pathCommand() {
  const [a, b] = state.ends;
  if (!a || !b) return command("interpolate", "--between", "A", "B");
  const kind = byId("path-kind").value;
  if (a.index !== undefined && b.index !== undefined) {
    return command("interpolate", "--between", String(a.index), String(b.index), "--steps", String(pathSteps), "--path", kind);
  }
  return command("sample", ...latentWords(pathBetween(a.latent, b.latent, pathSteps, kind)));
}

function samplesCommand() {
  return command("sample", "--from", byId("region").value, "--count", String(sampleCount), "--seed", byId("seed").value,
    "--temperature", byId("temperature").value);
}

function mapCommand() {
  const { axesText, factor, map } = parts.map;
  return command("embed", "--count", String(map?.count ?? 0), "--dimensions", axesText,
    ...(factor ? ["--color", factor.name] : []), "--output", file("map"));
}

// ---- the latent vector

const factsOf = dimension => state.model.summary.dimensions.find(facts => facts.dimension === dimension);

/** Where sliders are at the beginning: the prior's mean, or that of the codes. */
function middle(summary) {
  const latent = new Array(summary.latentSize).fill(0);
  if (!summary.hasPrior) for (const { dimension, mean } of summary.dimensions) latent[dimension] = Math.fround(mean);
  return latent;
}

/** Shows another latent vector. */
function setLatent(latent, origin) {
  // As the model gets it: what is shown is what a command with these numbers makes.
  state.latent = Array.from(latent, Math.fround);
  if (origin !== undefined) state.origin = origin && { ...origin, latent: [...state.latent] };
  parts.sliders.update(state.latent);
  parts.map.redraw();
  showPicture();
  showTraversalSoon();
}

function chooseDimension(dimension) {
  if (state.dimension === dimension) return;
  state.dimension = dimension;
  parts.sliders.choose(dimension);
  showTraversalSoon();
}

// ---- the picture

const redrawing = { isWanted: false, isBusy: false };

/** Decodes and draws the latent vector that is wanted last; those that were wanted meanwhile are left out. */
async function showPicture() {
  redrawing.isWanted = true;
  if (redrawing.isBusy) return;
  setBusy(true);
  try {
    while (redrawing.isWanted) {
      redrawing.isWanted = false;
      const started = performance.now();
      const { model, other, latent, imageClass } = state;
      const [[pixels], compared] = await Promise.all([model.decode([latent], imageClass), comparedPixels(other, latent)]);
      if (model !== state.model || other !== state.other) { redrawing.isWanted = true; continue; }
      drawPicture(pixels, compared);
      performance.measure("slider to picture", { start: started });
    }
    say("");
  } catch (error) {
    say(error.message, true);
  } finally {
    setBusy(false);
  }
}

function setBusy(isBusy) {
  redrawing.isBusy = isBusy;
  byId("pictures").setAttribute("aria-busy", String(isBusy));
}

/** What the other model makes of the same latent vector or image: its pixels, or a sentence. */
async function comparedPixels(other, latent) {
  if (!other) return null;
  if (state.mode === "latent") {
    if (other.summary.latentSize !== latent.length) return `${other.summary.name} has ${other.summary.latentSize} latent dimensions: give both the same image`;
    return (await other.decode([latent], classFor(other)))[0];
  }
  const { origin } = state;
  if (!origin?.pixels) return "choose an image: a point of the map, a number or a file";
  if (origin.pixels.length !== sizeOf(other.summary)) return `${other.summary.name} takes images of another size`;
  const found = origin.file ? await other.encodeFile(origin.file, classFor(other)) : await other.encodeImage(origin.index, classFor(other));
  return (await other.decode([found.mean], classFor(other)))[0];
}

const sizeOf = ({ width, height, channels }) => width * height * channels;
const classFor = model => model.summary.classCount === null ? null : Math.min(state.imageClass ?? 0, model.summary.classCount - 1);

function drawPicture(pixels, compared) {
  const { origin, model, other } = state;
  draw(byId("decoded").querySelector("canvas"), pixels, model.summary);
  const original = byId("original");
  original.hidden = !origin?.pixels;
  const error = image => model.summary.hasBytes && origin?.pixels?.length === image.length ? `½‖x − x̂‖² ${decimals(squaredError(origin.pixels, image), 2)}` : "";
  if (origin?.pixels) {
    draw(original.querySelector("canvas"), origin.pixels, model.summary);
    original.querySelector("figcaption").textContent = origin.name;
  }
  const what = isUnmoved() ? (origin.pixels ? "reconstruction" : origin.name) : origin ? `moved away from ${origin.name}` : "decoded from the sliders";
  byId("decoded").querySelector("figcaption").textContent = [other && model.summary.name, what, error(pixels)].filter(Boolean).join(" · ");
  const figure = byId("compared");
  figure.hidden = !other;
  if (!other) return;
  const isPicture = typeof compared !== "string";
  figure.querySelector("canvas").hidden = !isPicture;
  if (isPicture) draw(figure.querySelector("canvas"), compared, other.summary);
  figure.querySelector("figcaption").textContent = isPicture
    ? [other.summary.name, state.mode === "latent" ? "the same z" : "its own reconstruction", error(compared)].filter(Boolean).join(" · ") : compared;
}

// ---- images

async function showImage(index) {
  await attempt(async () => {
    const found = await state.model.encodeImage(index, null);
    if (state.model.summary.classCount !== null && found.label !== null) chooseClass(found.label);
    byId("search").value = index;
    setLatent(found.mean, { kind: "image", index, name: found.name, pixels: found.pixels });
    showNeighbours(found.mean, index);
  });
}

async function showFile(chosen) {
  if (!chosen) return;
  await attempt(async () => {
    const found = await state.model.encodeFile(chosen, state.imageClass);
    setLatent(found.mean, { kind: "file", file: chosen, name: chosen.name, pixels: found.pixels });
    showNeighbours(found.mean);
  });
}

async function showNeighbours(latent, index) {
  const { map } = parts.map;
  const { model } = state;
  byId("neighbours-block").hidden = !map;
  if (!map) return;
  const found = nearest(map, latent, neighbourCount, index);
  const images = await model.images(found.map(({ row }) => map.indices[row]));
  byId("neighbours").replaceChildren(...found.map(({ row, distance }, i) =>
    tile(picture(images[i], model.summary), `${map.indices[row]}: ${decimals(distance, 2)}`, () => showImage(map.indices[row]))));
}

/** Does what may fail, and says why it did. */
async function attempt(work) {
  try { await work(); } catch (error) { say(error.message, true); }
}

// ---- strips

let traversalTimer;
function showTraversalSoon() {
  clearTimeout(traversalTimer);
  traversalTimer = setTimeout(showTraversal, 120);
}

const isNear = (value, other, step) => Math.abs(value - other) <= step / 2;

function showTraversal() {
  const { model, latent, dimension } = state;
  const { low, high } = factsOf(dimension);
  parts.traversal.container.querySelector(".name").textContent = `z${dimension}`;
  const values = Array.from({ length: traversalSteps }, (_, i) => low + (high - low) * i / (traversalSteps - 1));
  const latents = values.map(value => latent.map((kept, d) => d === dimension ? value : kept));
  const here = values.findIndex(value => isNear(value, latent[dimension], (high - low) / (traversalSteps - 1)));
  attempt(() => parts.traversal.show(model, state.imageClass, latents, values.map(value => decimals(value, 1)), i => setLatent(latents[i]), here));
}

function showPath() {
  const [a, b] = state.ends;
  if (!a || !b) {
    const missing = !a && !b ? "its two ends" : a ? "where it ends" : "where it begins";
    return parts.path.say(`A path needs ${missing}: choose an image or move the sliders, then “Path from here” and “Path to here”.`);
  }
  const latents = pathBetween(a.latent, b.latent, pathSteps, byId("path-kind").value);
  const captions = latents.map((_, i) => i === 0 ? a.index ?? a.name : i === pathSteps - 1 ? b.index ?? b.name : decimals(i / (pathSteps - 1), 1));
  attempt(() => parts.path.show(state.model, state.imageClass, latents, captions, i => setLatent(latents[i], null)));
}

function setEnd(place) {
  const { origin, latent } = state;
  state.ends[place] = { latent: [...latent], name: isUnmoved() ? origin.name : "sliders", ...(isUnmoved() && origin.index !== undefined ? { index: origin.index } : {}) };
  showPath();
}

function showSamples() {
  const [region, seed, temperature] = [byId("region").value, Math.max(0, byId("seed").valueAsNumber || 0), byId("temperature").valueAsNumber];
  if (!region) return parts.samples.say("This model has no prior to draw from, and there are no images at hand.");
  const { model, imageClass } = state;
  attempt(async () => {
    const latents = await model.sample(region, sampleCount, seed, Number.isFinite(temperature) ? temperature : 1);
    if (model === state.model) await parts.samples.show(model, imageClass, latents, latents.map((_, i) => String(i)),
      i => setLatent(latents[i], { kind: "sample", name: `sample ${i} of seed ${seed}` }));
  });
}

function showRandom() {
  const { latentSize, hasPrior, dimensions } = state.model.summary;
  const noise = normals(latentSize, Math.floor(Math.random() * 2 ** 32));
  const latent = hasPrior ? noise : noise.map((value, d) => { const { mean, deviation } = factsOf(d) ?? dimensions[0]; return mean + deviation * value; });
  setLatent(latent, { kind: "random", name: hasPrior ? "a draw from the prior" : "a random code" });
}

// ---- models

function chooseClass(number) {
  state.imageClass = number;
  byId("class").value = String(number);
}

function showHeading() {
  const { summary } = state.model;
  document.title = `${summary.name} · zoo explore`;
  byId("title").textContent = summary.name;
  byId("facts").textContent = [summary.description.slice(summary.description.startsWith(summary.name) ? summary.name.length : 0).trim(), summary.step !== null && `step ${summary.step.toLocaleString("en")}`].filter(Boolean).join(" · ");
}

function showModel(model) {
  const before = state.model;
  state.model = model;
  const { summary } = model;
  showHeading();
  const { classCount, classNames } = summary;
  byId("class-choice").hidden = classCount === null;
  state.imageClass = classCount === null ? null : Math.min(state.imageClass ?? 0, classCount - 1);
  if (classCount !== null) {
    fillChoices(byId("class"), Array.from({ length: classCount }, (_, i) => [String(i), classNames?.[i] ?? String(i)]));
    chooseClass(state.imageClass);
  }
  state.ends = [null, null];
  state.origin = null;
  const keeps = before && before.summary.latentSize === summary.latentSize;
  state.latent = keeps ? state.latent : middle(summary);
  state.dimension = summary.dimensions[0].dimension;
  showFacts();
  parts.map.show(model, null);
  byId("neighbours-block").hidden = true;
  for (const id of ["search-label"]) byId(id).hidden = Boolean(summary.imagesProblem) || !summary.dataset;
  showRegions([]);
  showPath();
  setLatent(state.latent);
  loadMap(model);
}

/** What is known of the dimensions, which encoding images may have changed. */
function showFacts() {
  const { summary } = state.model;
  parts.sliders.show(summary, state.latent);
  parts.sliders.choose(state.dimension);
  byId("latent-note").textContent = summary.statisticsOf
    ? `in order of ${summary.isVariational ? "KL" : "variance"}, over ${summary.statisticsOf}` : "in the order of their numbers: no image has been encoded";
}

function showRegions(labels) {
  fillChoices(byId("region"), state.model.regions(labels));
  showSamples();
}

/** What the map shows, and what a click does. */
function mapNote() {
  const { summary } = state.model;
  const { map, axesText } = parts.map;
  if (!map) return summary.imagesProblem ?? (summary.dataset ? "encoding images …" : "");
  const images = `${map.count.toLocaleString("en")} ${summary.split} images of ${summary.dataset}.`;
  if (!parts.map.isPlane) return `${images} With one latent dimension there is no plane.`;
  const place = axesText === "tsne" ? "it decodes between the codes of the three nearest points. Distances between groups mean nothing here."
    : "it moves the latent vector in this plane, and what the plane does not show stays.";
  return `${images} A click on a point shows the image; elsewhere ${place}`;
}

async function loadMap(model) {
  if (model.summary.imagesProblem || !model.summary.dataset) return;
  try {
    const map = await model.map();
    if (model !== state.model) return;
    const { summary } = model;
    parts.map.show(model, map);
    byId("search").max = summary.imageCount - 1;
    if (!summary.hasPrior && !state.origin) state.latent = middle(summary).map(Math.fround);
    showFacts();
    showRegions(map.factors.find(({ name }) => name === "label")?.names ?? []);
    setLatent(state.latent);
  } catch (error) {
    byId("map-note").textContent = error.message;
  }
}

/** Models of runs that train, or have just ended, become what their runs have saved last. */
async function followRuns(runs) {
  for (const model of state.models) {
    const run = runs.find(({ folder }) => folder === model.summary.run);
    if (!run || (!run.isRunning && !model.isFollowed)) continue;
    model.isFollowed = run.isRunning;
    await attempt(async () => { if (await model.refresh()) showRefreshed(model); });
  }
}

function showRefreshed(model) {
  if (model === state.other) showPicture();
  if (model !== state.model) return;
  showHeading();
  showFacts();
  const { origin } = state;
  const isImage = isUnmoved() && origin.index !== undefined;
  if (model.summary.dataset && !model.summary.imagesProblem) loadMap(model);
  if (isImage) showImage(origin.index); else setLatent(state.latent, null);
  showSamples();
  showPath();
}

function showOther(model) {
  state.other = model;
  byId("compare-modes").hidden = !model;
  if (model && model.summary.latentSize !== state.latent.length) setMode("image");
  else showPicture();
}

function setMode(mode) {
  state.mode = mode;
  byId("same-latent").setAttribute("aria-pressed", String(mode === "latent"));
  byId("same-image").setAttribute("aria-pressed", String(mode === "image"));
  showPicture();
}

// ---- the page

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("zoo-theme", theme); } catch { /* a page in a file may have no storage */ }
  parts.map?.redraw();
}

function switchTheme() {
  const isDark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(isDark ? "light" : "dark");
}

function showView(name) {
  for (const view of ["explore", "training"]) {
    byId(view).hidden = view !== name;
    byId(`view-${view}`).setAttribute("aria-pressed", String(view === name));
  }
  if (name === "explore") parts.map?.redraw();
}

function savePicture() {
  const canvases = [...document.querySelectorAll("#pictures figure:not([hidden]) canvas:not([hidden])")];
  savePNG(canvases, file("picture"), 512);
}

function nextDimension(step) {
  const { order } = parts.sliders;
  const shown = order.filter((_, i) => i < byId("sliders").childElementCount);
  chooseDimension(shown[(shown.indexOf(state.dimension) + step + shown.length) % shown.length]);
}

const keys = {
  0: () => setLatent(middle(state.model.summary), null),
  r: showRandom, s: savePicture, t: switchTheme,
  d: () => byId("draw-again").click(),
  a: () => setEnd(0), b: () => setEnd(1),
  "[": () => nextDimension(-1), "]": () => nextDimension(1),
  "/": () => byId("search").focus(),
  "?": () => byId("keys").showModal(),
};

function listen() {
  const onClick = (id, work) => byId(id).addEventListener("click", work);
  onClick("reset", keys[0]);
  onClick("random", showRandom);
  onClick("save-picture", savePicture);
  onClick("picture-command", () => showCommand(pictureCommand()));
  onClick("save-map", () => parts.map.savePNG(file("map")));
  onClick("map-command", () => showCommand(mapCommand()));
  onClick("set-a", keys.a);
  onClick("set-b", keys.b);
  onClick("theme", switchTheme);
  onClick("help", keys["?"]);
  onClick("same-latent", () => setMode("latent"));
  onClick("same-image", () => setMode("image"));
  onClick("view-explore", () => showView("explore"));
  onClick("view-training", () => showView("training"));
  onClick("draw-again", () => { byId("seed").value = (byId("seed").valueAsNumber || 0) + 1; showSamples(); });
  onClick("copy-command", async () => {
    await navigator.clipboard?.writeText(byId("command").textContent);
    byId("copy-command").textContent = "Copied";
    setTimeout(() => { byId("copy-command").textContent = "Copy"; }, 1500);
  });
  for (const id of ["region", "seed", "temperature"]) byId(id).addEventListener("change", showSamples);
  byId("path-kind").addEventListener("change", showPath);
  byId("class").addEventListener("change", () => { chooseClass(Number(byId("class").value)); setLatent(state.latent); showSamples(); showPath(); });
  byId("search").addEventListener("change", () => { if (byId("search").value !== "") showImage(byId("search").valueAsNumber); });
  byId("file").addEventListener("change", () => showFile(byId("file").files[0]));
  byId("model").addEventListener("change", () => showModel(state.models[byId("model").value]));
  byId("other").addEventListener("change", () => showOther(state.models[byId("other").value] ?? null));
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (byId("explore").hidden || event.target.matches("input:not([type=range]):not([type=checkbox]), select, textarea")) return;
    const work = keys[event.key];
    if (!work) return;
    event.preventDefault();
    work();
  });
  const target = byId("pictures");
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, event => {
      event.preventDefault();
      target.classList.toggle("target", name === "dragover");
      if (name === "drop") showFile(event.dataTransfer.files[0]);
    });
  }
}

function makeParts() {
  parts.sliders = new Sliders(byId("sliders"), byId("more-sliders"), {
    onChange: (dimension, value) => setLatent(state.latent.map((kept, d) => d === dimension ? value : kept)),
    onChoose: chooseDimension,
  });
  parts.map = new CodeMap({
    canvas: byId("map"), axes: byId("axes"), color: byId("color"), hint: byId("map-hint"), legend: byId("legend"),
  }, {
    onImage: row => showImage(parts.map.map.indices[row]),
    onPlace: latent => setLatent(latent, { kind: "place", name: "a place of the map" }),
    onNote: text => { byId("map-note").textContent = text ?? mapNote(); },
    latentOf: () => state.latent,
  });
  parts.traversal = new Strip(byId("traversal"), "traversal.png", traversalCommand);
  parts.path = new Strip(byId("path"), "path.png", pathCommand);
  parts.samples = new Strip(byId("samples"), "samples.png", samplesCommand);
}

async function start() {
  try {
    const theme = localStorage.getItem("zoo-theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch { /* a page in a file may have no storage */ }
  try {
    const content = await containedContent() ?? await loadContent();
    Object.assign(state, content);
    makeParts();
    listen();
    byId("views").hidden = !content.runCount || !content.models.length;
    const names = content.models.map(({ summary }, i) => [String(i), content.models.some((other, j) => j !== i && other.summary.name === summary.name) ? summary.checkpoint : summary.name]);
    byId("model-choice").hidden = byId("other-choice").hidden = names.length < 2;
    fillChoices(byId("model"), names);
    fillChoices(byId("other"), [["", "nothing"], ...names]);
    showView(content.models.length ? "explore" : "training");
    if (content.models.length) showModel(content.models[0]);
    if (content.runCount) new Training(followRuns).start();
    for (const note of content.models.flatMap(({ summary }) => summary.notes)) say(note);
  } catch (error) {
    say(error.message, true);
  }
}

start();
