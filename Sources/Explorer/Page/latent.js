/** The number in 32 bits as the shortest text that reads back as it. */
export function shortest(value) {
  const single = Math.fround(value);
  for (let digits = 1; digits < 10; digits += 1) {
    const text = String(Number(single.toPrecision(digits)));
    if (Math.fround(Number(text)) === single) return text;
  }
  return String(single);
}

/** A latent vector as commands take it. */
export const latentText = latent => Array.from(latent, shortest).join(",");

/** ‖a − b‖. */
export const distance = (a, b) => Math.sqrt(a.reduce((sum, value, d) => sum + (value - b[d]) ** 2, 0));

const norm = a => Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
const mixed = (a, aShare, b, bShare) => a.map((value, d) => aShare * value + bShare * b[d]);

/**
 * `count` points from `a` to `b`: on the straight line, or on the great circle with the norm changing evenly (White 2016,
 * arXiv:1609.04468).
 */
export function pathBetween(a, b, count, kind) {
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return [...a];
    if (i === count - 1) return [...b];
    const t = i / (count - 1);
    return kind === "slerp" ? onGreatCircle(a, b, t) : mixed(a, 1 - t, b, t);
  });
}

function onGreatCircle(a, b, t) {
  const [aNorm, bNorm] = [norm(a), norm(b)];
  if (aNorm === 0 || bNorm === 0 || a.length < 2) return mixed(a, 1 - t, b, t);
  const from = a.map(value => value / aNorm);
  const to = b.map(value => value / bNorm);
  const cosine = from.reduce((sum, value, d) => sum + value * to[d], 0);
  let across = mixed(to, 1, from, -cosine);
  let angle = Math.atan2(norm(across), cosine);
  if (norm(across) < 1e-9) {
    if (cosine >= 0) return mixed(a, 1 - t, b, t);
    const axis = from.reduce((best, value, d) => Math.abs(value) < Math.abs(from[best]) ? d : best, 0);
    across = from.map((value, d) => (d === axis ? 1 : 0) - from[axis] * value);
    angle = Math.PI;
  }
  const length = norm(across);
  const radius = (1 - t) * aNorm + t * bNorm;
  return mixed(from, radius * Math.cos(t * angle), across, radius * Math.sin(t * angle) / length);
}

/** Standard normal numbers of a seed, by Box and Muller's method from Marsaglia's xorshift generator. */
export function normals(count, seed) {
  let state = (seed * 2654435761 + 1013904223) >>> 0 || 1;
  const uniform = () => {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
    return (state + 0.5) / 4294967296;
  };
  for (let i = 0; i < 8; i += 1) uniform();
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** Rows of a map's codes. */
export const codeOf = (map, row, size) => Array.from(map.codes.subarray(row * size, (row + 1) * size));

/** The rows of a map whose codes are nearest to a latent vector, with their distances. */
export function nearest(map, latent, count, without) {
  const size = latent.length;
  const distances = [];
  for (let row = 0; row < map.count; row += 1) {
    if (map.indices[row] === without) continue;
    let sum = 0;
    for (let d = 0; d < size; d += 1) sum += (map.codes[row * size + d] - latent[d]) ** 2;
    distances.push({ row, distance: Math.sqrt(sum) });
  }
  return distances.sort((a, b) => a.distance - b.distance).slice(0, count);
}
