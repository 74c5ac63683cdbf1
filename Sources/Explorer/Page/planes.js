import { codeOf, distance, nearest } from "./latent.js";

/** Two latent dimensions. */
class DimensionsPlane {
  constructor(map, size, dimensions) { Object.assign(this, { map, size, dimensions }); }

  get names() { return this.dimensions.map(d => `z${d}`); }
  get hasOrigin() { return true; }

  point(row) { return this.dimensions.map(d => this.map.codes[row * this.size + d]); }
  toPlane(latent) { return this.dimensions.map(d => latent[d]); }

  fromPlane(place, latent) {
    const moved = [...latent];
    this.dimensions.forEach((d, axis) => { moved[d] = place[axis]; });
    return moved;
  }
}

/** The two principal components of the codes. */
class PrincipalPlane {
  constructor(map, size) { Object.assign(this, { map, size }); }

  get names() { return ["PC 1", "PC 2"]; }
  get hasOrigin() { return true; }

  point(row) { return this.toPlane(codeOf(this.map, row, this.size)); }

  toPlane(latent) {
    const { mean, directions } = this.map.principal;
    return directions.map(direction => direction.reduce((sum, value, d) => sum + value * (latent[d] - mean[d]), 0));
  }

  fromPlane(place, latent) {
    const before = this.toPlane(latent);
    const { directions } = this.map.principal;
    return latent.map((value, d) => value + directions.reduce((sum, direction, axis) => sum + (place[axis] - before[axis]) * direction[d], 0));
  }
}

/**
 * Neighbours stay neighbours (t-SNE). Between points there is no formula: a place of the plane and a latent vector belong
 * together by the points nearest to them, each weighted by one over its squared distance.
 */
class NeighborhoodPlane {
  #last = null;

  constructor(map, size, positions) { Object.assign(this, { map, size, positions }); }

  get names() { return ["t-SNE 1", "t-SNE 2"]; }
  get hasOrigin() { return false; }

  point(row) { return Array.from(this.positions.subarray(2 * row, 2 * row + 2)); }

  toPlane(latent) {
    // The place that the vector was made of, so that a marker stays where it was put.
    if (this.#last && distance(this.#last.latent, latent) === 0) return this.#last.place;
    return weighted(nearest(this.map, latent, 3), row => this.point(row));
  }

  fromPlane(place) {
    const plane = { ...this.map, codes: this.positions };
    const latent = weighted(nearest(plane, place, 3), row => codeOf(this.map, row, this.size)).map(Math.fround);
    this.#last = { latent, place };
    return latent;
  }
}

/** The mean of what belongs to rows. */
function weighted(found, valueOf) {
  const weights = found.map(({ distance }) => 1 / Math.max(distance ** 2, 1e-12));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const values = found.map(({ row }) => valueOf(row));
  return values[0].map((_, d) => values.reduce((sum, value, i) => sum + weights[i] / total * value[d], 0));
}

/** The plane of a choice: "principal", "tsne" or two dimensions; null for none. `map` is null where there are no codes. */
export async function planeOf(choice, model, map) {
  const size = model.summary.latentSize;
  if (choice === "") return null;
  if (choice === "principal") return new PrincipalPlane(map, size);
  if (choice === "tsne") {
    map.neighborhoods ??= await model.neighborhoods();
    return new NeighborhoodPlane(map, size, map.neighborhoods);
  }
  return new DimensionsPlane(map, size, choice.split(",").map(Number));
}
