import { byId, element } from "./elements.js";
import { pixelsOf } from "./pixels.js";
import { codeOf, normals } from "./latent.js";
import { bytesOf } from "./served-model.js";
import { Network, halves, sha256 } from "./network.js";
import { decoderNetwork } from "./webgl.js";

/** The models within this page; nothing in a page that a server gives. */
export async function containedContent() {
  const script = byId("contained");
  if (!script) return null;
  const content = JSON.parse(script.textContent);
  const bytes = bytesOf(content.weights);
  if (sha256(bytes) !== content.weightsDigest) throw new Error("The weights in this page are damaged: their digest is not what it should be.");
  const weights = halves(bytes);
  content.models = await Promise.all(content.models.map(async model => {
    const made = new ContainedModel(model, weights);
    if (model.map) made.thumbnails = await sheet(model.map);
    return made;
  }));
  return { ...content, runCount: 0 };
}

/** The picture in which the images of a map lie side by side. */
async function sheet({ images }) {
  const image = element("img", { src: images });
  await image.decode();
  const canvas = element("canvas", { width: image.width, height: image.height });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0);
  return canvas;
}

/** A model whose encoder and decoder run in this page. */
class ContainedModel {
  constructor({ summary, decoder, encoder, map, pseudoPosteriors }, weights) {
    this.summary = summary;
    this.decoder = decoderNetwork(decoder, weights, {
      latent: Array.from({ length: summary.latentSize }, (_, d) => Math.sin(d + 1)), imageClass: this.#classes(0),
    });
    this.encoder = new Network(encoder, weights);
    this.pseudoPosteriors = pseudoPosteriors;
    if (!map) return;
    const codes = bytesOf(map.codes);
    const positions = map.neighborhoods && new Float32Array(bytesOf(map.neighborhoods).buffer);
    this.loadedMap = { ...map, codes: new Float32Array(codes.buffer), neighborhoods: positions };
    this.rows = new Map(map.indices.map((index, row) => [index, row]));
  }

  #classes(imageClass) {
    return Array.from({ length: this.summary.classCount ?? 0 }, (_, k) => k === (imageClass ?? 0) ? 1 : 0);
  }

  async decode(latents, imageClass) {
    const { width, height, channels } = this.summary;
    const places = width * height;
    return latents.map(latent => {
      const { image } = this.decoder.run({ latent, imageClass: this.#classes(imageClass) });
      const pixels = new Uint8Array(image.length);
      for (let c = 0; c < channels; c += 1) for (let i = 0; i < places; i += 1) {
        pixels[i * channels + c] = Math.round(255 * Math.min(1, Math.max(0, image[c * places + i])));
      }
      return pixels;
    });
  }

  /** The numbers that the decoder gives, in C H W order, before they become bytes. */
  decodeNumbers(latent, imageClass) { return this.decoder.run({ latent, imageClass: this.#classes(imageClass) }).image; }

  #encode(pixels, imageClass) {
    const { width, height, channels } = this.summary;
    const places = width * height;
    const image = new Float32Array(pixels.length);
    for (let c = 0; c < channels; c += 1) for (let i = 0; i < places; i += 1) image[c * places + i] = pixels[i * channels + c] / 255;
    const { mean, logVariance } = this.encoder.run({ image, imageClass: this.#classes(imageClass) });
    return { mean: Array.from(mean), logVariance: logVariance && Array.from(logVariance) };
  }

  async encodeImage(index, imageClass) {
    const row = this.rows?.get(index);
    if (row === undefined) throw new Error(`Image ${index} is not in this page, which holds ${this.loadedMap?.count ?? 0} images: choose one on the map.`);
    const factor = this.loadedMap.factors.find(({ name }) => name === "label");
    const label = factor ? factor.positions[row] : null;
    const [pixels] = await this.images([index]);
    return { name: `image ${index}${factor ? ` (${factor.names[label]})` : ""}`, label, pixels, ...this.#encode(pixels, imageClass ?? label) };
  }

  async encodeFile(file, imageClass) {
    const { width, height } = this.summary;
    const image = await createImageBitmap(file).catch(() => { throw new Error(`${file.name} is no image that this browser reads.`); });
    // The largest part of the model's aspect from its middle.
    const scale = Math.min(image.width / width, image.height / height);
    const canvas = element("canvas", { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.drawImage(image, (image.width - scale * width) / 2, (image.height - scale * height) / 2, scale * width, scale * height, 0, 0, width, height);
    const pixels = pixelsOf(canvas, this.summary);
    return { name: file.name, label: null, pixels, ...this.#encode(pixels, imageClass) };
  }

  async images(indices) {
    const { width, height } = this.summary;
    return indices.map(index => {
      const row = this.rows.get(index);
      const canvas = element("canvas", { width, height });
      canvas.getContext("2d", { willReadFrequently: true }).drawImage(
        this.thumbnails, row % this.loadedMap.columns * width, Math.floor(row / this.loadedMap.columns) * height, width, height, 0, 0, width, height);
      return pixelsOf(canvas, this.summary);
    });
  }

  async map() { return this.loadedMap; }

  regions() {
    return [this.summary.hasPrior && ["prior", "the prior"], this.loadedMap && ["posterior", "codes of images"]].filter(Boolean);
  }

  async sample(region, count, seed, temperature) {
    const { latentSize } = this.summary;
    const noise = normals(count * latentSize, seed).map(value => value * temperature);
    const draw = i => noise.slice(i * latentSize, (i + 1) * latentSize);
    const choices = normals(count, seed + 1).map(value => Math.abs(value * 1e6) % 1);
    return Array.from({ length: count }, (_, i) => {
      if (region === "posterior") return codeOf(this.loadedMap, Math.floor(choices[i] * this.loadedMap.count), latentSize);
      const posterior = this.pseudoPosteriors?.[Math.floor(choices[i] * this.pseudoPosteriors.length)];
      return posterior ? draw(i).map((value, d) => posterior.mean[d] + Math.exp(posterior.logVariance[d] / 2) * value) : draw(i);
    });
  }
}
