import { element, showCommand } from "./elements.js";
import { picture, savePNG } from "./pixels.js";

/** A row of small pictures, each of which can be chosen. */
export class Strip {
  #number = 0;

  /**
   * `name` is that of the file that PNG saves; `command()` gives the words of the command that makes the pictures, or nothing.
   */
  constructor(container, name, command) {
    this.container = container;
    this.tiles = container.querySelector(".tiles");
    const heading = container.querySelector(".heading");
    heading.append(
      element("button", { type: "button", textContent: "PNG", onclick: () => this.#save(name) }),
      element("button", { type: "button", textContent: "Command", onclick: () => showCommand(command()) }));
  }

  #save(name) {
    const canvases = [...this.tiles.querySelectorAll("canvas")];
    if (canvases.length) savePNG(canvases, name, 128);
  }

  /** Shows latent vectors decoded, or a sentence in their place; `choose(i)` when one is chosen. */
  async show(model, imageClass, latents, captions, choose, here = -1) {
    const number = ++this.#number;
    const images = await model.decode(latents, imageClass);
    if (number !== this.#number) return;
    const tiles = images.map((pixels, i) => tile(picture(pixels, model.summary), String(captions[i]), () => choose(i)));
    tiles[here]?.classList.add("here");
    this.tiles.replaceChildren(...tiles);
  }

  say(text) {
    this.#number += 1;
    this.tiles.replaceChildren(element("p", { class: "note", textContent: text }));
  }
}

/** A small picture with a caption that can be chosen. */
export function tile(canvas, caption, choose) {
  return element("button", { class: "tile", type: "button", "aria-label": caption, title: caption, onclick: choose },
    canvas, element("span", { textContent: caption }));
}
