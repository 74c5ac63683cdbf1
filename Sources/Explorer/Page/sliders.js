import { element, decimals } from "./elements.js";

/** How many sliders are shown at first where nobody knows which dimensions are active. */
const shownAtFirst = 16;

/** A slider for each latent dimension, those that carry most first. */
export class Sliders {
  #rows = new Map();
  #chosen = 0;

  /** `onChange(dimension, value)` while a slider moves, `onChoose(dimension)` when one is chosen. */
  constructor(container, moreButton, { onChange, onChoose }) {
    Object.assign(this, { container, moreButton, onChange, onChoose });
    moreButton.addEventListener("click", () => this.#showAll());
  }

  /** The dimensions in order. */
  get order() { return this.dimensions.map(({ dimension }) => dimension); }

  /** Makes the sliders of a model. */
  show(summary, latent) {
    this.dimensions = summary.dimensions;
    this.#rows.clear();
    const isKnown = this.dimensions.some(({ active }) => active);
    const shown = this.dimensions.filter(({ active }, place) => isKnown ? active : place < shownAtFirst);
    const hidden = this.dimensions.length - shown.length;
    this.container.replaceChildren(...shown.map(facts => this.#row(facts, latent)));
    this.moreButton.hidden = hidden === 0;
    this.moreButton.textContent = isKnown
      ? `${hidden} inactive ${hidden === 1 ? "dimension" : "dimensions"} …` : `${hidden} more dimensions …`;
    this.latent = latent;
    this.choose(this.#rows.has(this.#chosen) ? this.#chosen : this.order[0]);
  }

  /** Moves the sliders to a latent vector. */
  update(latent) {
    this.latent = latent;
    for (const [dimension, { input, output }] of this.#rows) {
      input.value = latent[dimension];
      output.textContent = decimals(latent[dimension], 2);
    }
  }

  /** Marks a dimension as the one that is traversed. */
  choose(dimension) {
    this.#chosen = dimension;
    for (const [number, { row, button }] of this.#rows) {
      row.classList.toggle("chosen", number === dimension);
      button.setAttribute("aria-pressed", String(number === dimension));
    }
    this.#rows.get(dimension)?.row.scrollIntoView({ block: "nearest" });
  }

  #showAll() {
    const missing = this.dimensions.filter(({ dimension }) => !this.#rows.has(dimension));
    this.container.append(...missing.map(facts => this.#row(facts, this.latent)));
    this.moreButton.hidden = true;
  }

  #row(facts, latent) {
    const { dimension, kl, factor, low, high, active } = facts;
    const name = `z${dimension}`;
    const input = element("input", {
      type: "range", min: low, max: high, step: "any", value: latent[dimension],
      "aria-label": `${name}${factor ? `, ${factor.name}` : ""}`,
    });
    const output = element("output", { textContent: decimals(latent[dimension], 2) });
    const button = element("button", { type: "button", textContent: name, title: `traverse ${name}` });
    const words = [
      kl !== null && `KL ${decimals(kl, 2)} nats`, factor && `${factor.name}, MI ${decimals(factor.nats, 2)} nats`,
    ].filter(Boolean).join(" · ");
    const row = element("div", { class: `slider${active === false ? " idle" : ""}` }, button, input, output);
    if (words) row.append(element("small", { textContent: words }));
    input.addEventListener("input", () => {
      output.textContent = decimals(input.valueAsNumber, 2);
      this.onChange(dimension, input.valueAsNumber);
    });
    input.addEventListener("keydown", event => {
      const sign = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!sign) return;
      event.preventDefault();
      input.value = input.valueAsNumber + sign * (high - low) / 100;
      input.dispatchEvent(new Event("input"));
    });
    for (const target of [input, button]) target.addEventListener("focus", () => this.onChoose(dimension));
    button.addEventListener("click", () => this.onChoose(dimension));
    this.#rows.set(dimension, { row, input, output, button });
    return row;
  }
}
