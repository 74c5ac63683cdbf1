async function ask(path, options) {
  const answer = await fetch(`api/${path}`, options);
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ error: `the server answers with ${answer.status}` }));
  throw new Error([problem.error, problem.advice].filter(Boolean).join(" — "));
}

const post = (path, value) => ask(path, { method: "POST", body: JSON.stringify(value) });

/** Bytes from base64. */
export const bytesOf = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0));

/** What the server has: the models and how many runs. */
export async function loadContent() {
  const content = await (await ask("content")).json();
  content.models = content.models.map((summary, number) => new ServedModel(number, summary));
  return content;
}

/** The runs as they are now. */
export const loadRuns = async () => (await ask("runs")).json();

/** The address of a picture of a run. */
export const pictureAddress = (run, name) => `api/runs/${run}/pictures/${encodeURIComponent(name)}`;

/** A model whose encoder and decoder run in the program that serves the page. */
class ServedModel {
  constructor(number, summary) {
    this.path = `models/${number}`;
    this.summary = summary;
  }

  /** The images of latent vectors, bytes in H W C order. */
  async decode(latents, imageClass) {
    // A single one is what a slider shows: it does not wait for other work on the model.
    if (latents.length === 1) {
      const answer = await post(`${this.path}/picture`, { latent: Array.from(latents[0]), imageClass });
      return [new Uint8Array(await answer.arrayBuffer())];
    }
    const answer = await post(`${this.path}/decode`, { latents: latents.map(z => Array.from(z)), imageClass });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const size = bytes.length / latents.length;
    return latents.map((_, i) => bytes.subarray(i * size, (i + 1) * size));
  }

  /** Takes what the model's run has saved since; says whether there was anything. */
  async refresh() {
    const { isNew, summary } = await (await post(`${this.path}/refresh`, {})).json();
    if (isNew) [this.summary, this.loadedMap] = [summary, undefined];
    return isNew;
  }

  /** An image of the data set with its code. */
  encodeImage(index, imageClass) { return this.#encoded(`images/${index}/code`, undefined, imageClass); }

  /** The image in a file with its code. */
  encodeFile(file, imageClass) { return this.#encoded("encode", { method: "POST", body: file }, imageClass); }

  async #encoded(path, options, imageClass) {
    const query = imageClass === null ? "" : `?class=${imageClass}`;
    const found = await (await ask(`${this.path}/${path}${query}`, options)).json();
    return { ...found, pixels: bytesOf(found.pixels) };
  }

  /** Images of the data set, bytes in H W C order. */
  async images(indices) {
    const bytes = new Uint8Array(await (await ask(`${this.path}/images/${indices.join(",")}`)).arrayBuffer());
    const size = bytes.length / indices.length;
    return indices.map((_, i) => bytes.subarray(i * size, (i + 1) * size));
  }

  /** The points of the map, encoded when they are first asked for. */
  async map() {
    if (!this.loadedMap) {
      const map = await (await ask(`${this.path}/map`)).json();
      map.codes = new Float32Array(await (await ask(`${this.path}/codes`)).arrayBuffer());
      this.loadedMap = map;
      this.summary = await (await ask(this.path)).json();
    }
    return this.loadedMap;
  }

  /** The map's points in a plane in which neighbours stay neighbours: two numbers each. */
  async neighborhoods() {
    return new Float32Array(await (await ask(`${this.path}/neighborhoods`)).arrayBuffer());
  }

  /** Regions to draw from: what `zoo sample` calls them, and in words. */
  regions(labels) {
    const { hasPrior, isVariational, dataset, imagesProblem } = this.summary;
    const withImages = dataset && !imagesProblem;
    return [
      hasPrior && ["prior", "the prior"],
      withImages && ["aggregate", "a Gaussian fitted to the codes"],
      withImages && ["mixture:10", "10 Gaussians fitted to the codes"],
      withImages && isVariational && ["posterior", "posteriors of images"],
      ...(withImages && isVariational ? labels.map(name => [`class:${name}`, `images of class ${name}`]) : []),
    ].filter(Boolean);
  }

  /** Latent vectors from a region. */
  async sample(region, count, seed, temperature) {
    return (await (await post(`${this.path}/sample`, { region, count, seed, temperature })).json()).latents;
  }
}
