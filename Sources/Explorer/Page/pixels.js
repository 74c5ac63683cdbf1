import { element, save } from "./elements.js";

/** An image of bytes in H W C order (`shape` has width, height and channels) as a canvas of its own size. */
export function picture(pixels, shape) {
  const canvas = element("canvas");
  draw(canvas, pixels, shape);
  return canvas;
}

/** Draws an image of bytes in H W C order on a canvas, which gets its size. */
export function draw(canvas, pixels, { width, height, channels }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let place = 0; place < width * height; place += 1) {
    for (let c = 0; c < 3; c += 1) image.data[4 * place + c] = pixels[place * channels + (channels === 3 ? c : 0)];
    image.data[4 * place + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The bytes in H W C order of what is drawn on a canvas of an image's size; grey by the luma of ITU-R BT.601. */
export function pixelsOf(canvas, { width, height, channels }) {
  const data = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height).data;
  const pixels = new Uint8Array(width * height * channels);
  for (let place = 0; place < width * height; place += 1) {
    const [red, green, blue] = data.subarray(4 * place, 4 * place + 3);
    if (channels === 3) pixels.set([red, green, blue], 3 * place);
    else pixels[place] = Math.floor((299 * red + 587 * green + 114 * blue + 500) / 1000);
  }
  return pixels;
}

/** ½‖x − x̂‖² of two images of bytes, pixels from 0 to 1. */
export function squaredError(first, second) {
  let sum = 0;
  for (let i = 0; i < first.length; i += 1) sum += ((first[i] - second[i]) / 255) ** 2;
  return sum / 2;
}

/** Saves canvases side by side as PNG, enlarged by a whole factor without smoothing. */
export function savePNG(canvases, name, side = 320) {
  const [{ width, height }] = canvases;
  const scale = Math.max(1, Math.floor(side / Math.max(width, height)));
  const gap = canvases.length > 1 ? 4 : 0;
  const sheet = element("canvas", {
    width: canvases.length * (width * scale + gap) - gap, height: height * scale,
  });
  const context = sheet.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.fillStyle = "white";
  context.fillRect(0, 0, sheet.width, sheet.height);
  canvases.forEach((canvas, i) => context.drawImage(canvas, i * (width * scale + gap), 0, width * scale, height * scale));
  sheet.toBlob(blob => save(blob, name), "image/png");
}
