/** A number of 16 bits (IEEE 754 binary16). */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = bits >> 10 & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Numbers of 16 bits, the lowest byte first. */
export function halves(bytes) {
  const values = new Float32Array(bytes.length / 2);
  for (let i = 0; i < values.length; i += 1) values[i] = half(bytes[2 * i] | bytes[2 * i + 1] << 8);
  return values;
}

/** SHA-256 (FIPS 180-4) in hexadecimal digits. The browser's own is there only for pages from secure origins. */
export function sha256(bytes) {
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every(p => n % p)) primes.push(n);
  const fraction = root => Math.floor((root - Math.floor(root)) * 4294967296);
  const constants = primes.map(p => fraction(Math.cbrt(p)));
  const hash = primes.slice(0, 8).map(p => fraction(Math.sqrt(p)));
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(padded.length - 4, bytes.length * 8 >>> 0);
  const turned = (x, n) => x >>> n | x << 32 - n;
  const w = new Int32Array(64);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t += 1) w[t] = view.getInt32(block + 4 * t);
    for (let t = 16; t < 64; t += 1) {
      const [x, y] = [w[t - 15], w[t - 2]];
      w[t] = w[t - 16] + w[t - 7] + (turned(x, 7) ^ turned(x, 18) ^ x >>> 3) + (turned(y, 17) ^ turned(y, 19) ^ y >>> 10);
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let t = 0; t < 64; t += 1) {
      const first = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + (e & f ^ ~e & g) + constants[t] + w[t] | 0;
      const second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, d + first | 0, c, b, a, first + second | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { hash[i] = hash[i] + value | 0; });
  }
  return hash.map(value => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The error function, to 1.2e-7 (Numerical Recipes' rational Chebyshev approximation, section 6.2). */
function erf(x) {
  const t = 1 / (1 + 0.5 * Math.abs(x));
  const tail = t * Math.exp(-x * x - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
    + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))));
  return x >= 0 ? 1 - tail : tail - 1;
}

const sigmoid = x => 1 / (1 + Math.exp(-x));

const activations = {
  identity: x => x, relu: x => Math.max(0, x), tanh: Math.tanh, sigmoid,
  leaky_relu: (x, slope) => x > 0 ? x : slope * x,
  elu: (x, alpha) => x > 0 ? x : alpha * Math.expm1(x),
  gelu: x => x * (1 + erf(x / Math.SQRT2)) / 2,
  silu: x => x * sigmoid(x),
  softplus: x => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x))),
};

/** Elements of a channel. */
export const area = shape => shape.slice(1).reduce((product, extent) => product * extent, 1);
/** Elements of a tensor. */
export const size = shape => shape.reduce((product, extent) => product * extent, 1);

/**
 * Calls `body` with every run of a convolution y[o, r, q] = Σ W[o, c, i, j]·x[c, r·s − p + i, q·s − p + j]: a weight, `count`
 * elements of y from an index on, and as many of x in steps of the horizontal stride.
 */
function forEachRun(x, y, { kernel, stride, padding }, body) {
  for (let o = 0; o < y[0]; o += 1) for (let c = 0; c < x[0]; c += 1) {
    for (let i = 0; i < kernel[0]; i += 1) for (let j = 0; j < kernel[1]; j += 1) {
      const weight = ((o * x[0] + c) * kernel[0] + i) * kernel[1] + j;
      const first = Math.max(0, Math.ceil((padding[1] - j) / stride[1]));
      const last = Math.min(y[2] - 1, Math.floor((x[2] - 1 + padding[1] - j) / stride[1]));
      if (first > last) continue;
      for (let r = 0; r < y[1]; r += 1) {
        const row = r * stride[0] - padding[0] + i;
        if (row < 0 || row >= x[1]) continue;
        body(weight, (c * x[1] + row) * x[2] + first * stride[1] - padding[1] + j, (o * y[1] + r) * y[2] + first, last - first + 1);
      }
    }
  }
}

function withBias(bias, shape) {
  const y = new Float32Array(size(shape));
  if (bias) for (let c = 0; c < shape[0]; c += 1) y.fill(bias[c], c * area(shape), (c + 1) * area(shape));
  return y;
}

/** Elements of a map under a window, padding left out. */
function pooled(x, xShape, yShape, { kernel, stride, padding }, combine) {
  const y = new Float32Array(size(yShape));
  for (let c = 0; c < yShape[0]; c += 1) for (let r = 0; r < yShape[1]; r += 1) for (let q = 0; q < yShape[2]; q += 1) {
    const members = [];
    for (let i = 0; i < kernel[0]; i += 1) for (let j = 0; j < kernel[1]; j += 1) {
      const [row, column] = [r * stride[0] - padding[0] + i, q * stride[1] - padding[1] + j];
      if (row >= 0 && row < xShape[1] && column >= 0 && column < xShape[2]) members.push(x[(c * xShape[1] + row) * xShape[2] + column]);
    }
    y[(c * yShape[1] + r) * yShape[2] + q] = combine(members);
  }
  return y;
}

/** What each operation of a program does with the values and shapes of its inputs, for one image. */
const operations = {
  linear([x, weight, bias], _, shape) {
    const y = withBias(bias, shape);
    const count = x.length;
    for (let o = 0; o < y.length; o += 1) {
      let sum = y[o];
      for (let i = 0, w = o * count; i < count; i += 1, w += 1) sum += x[i] * weight[w];
      y[o] = sum;
    }
    return y;
  },
  conv2d([x, weight, bias], [xShape], shape, step) {
    const y = withBias(bias, shape);
    const stride = step.stride[1];
    forEachRun(xShape, shape, step, (w, from, to, count) => {
      const factor = weight[w];
      for (let k = 0; k < count; k += 1) y[to + k] += factor * x[from + k * stride];
    });
    return y;
  },
  // The transpose of the convolution that maps y to x.
  conv_transpose2d([x, weight, bias], [xShape], shape, step) {
    const y = withBias(bias, shape);
    const stride = step.stride[1];
    forEachRun(shape, xShape, step, (w, to, from, count) => {
      const factor = weight[w];
      for (let k = 0; k < count; k += 1) y[to + k * stride] += factor * x[from + k];
    });
    return y;
  },
  activation: ([x], _, __, step) => x.map(value => activations[step.function](value, step.parameter)),
  batch_norm([x, scale, shift, mean, variance], [shape], _, { epsilon }) {
    return x.map((value, i) => {
      const c = Math.floor(i / area(shape));
      return scale[c] * (value - mean[c]) / Math.sqrt(variance[c] + epsilon) + shift[c];
    });
  },
  group_norm([x, scale, shift], [shape], _, { groups, epsilon }) {
    const y = new Float32Array(x.length);
    const count = x.length / groups;
    for (let g = 0; g < groups; g += 1) {
      const members = x.subarray(g * count, (g + 1) * count);
      const mean = members.reduce((sum, value) => sum + value, 0) / count;
      const variance = members.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
      for (let i = g * count; i < (g + 1) * count; i += 1) {
        const c = Math.floor(i / area(shape));
        y[i] = scale[c] * (x[i] - mean) / Math.sqrt(variance + epsilon) + shift[c];
      }
    }
    return y;
  },
  reshape: ([x]) => x,
  upsample([x], [small], large, { factor }) {
    const y = new Float32Array(size(large));
    for (let c = 0; c < large[0]; c += 1) for (let r = 0; r < large[1]; r += 1) for (let q = 0; q < large[2]; q += 1) {
      y[(c * large[1] + r) * large[2] + q] = x[(c * small[1] + Math.floor(r / factor[0])) * small[2] + Math.floor(q / factor[1])];
    }
    return y;
  },
  max_pool: ([x], [xShape], shape, step) => pooled(x, xShape, shape, step, members => Math.max(...members)),
  average_pool: ([x], [xShape], shape, step) => pooled(x, xShape, shape, step,
    members => members.reduce((sum, value) => sum + value, 0) / (step.kernel[0] * step.kernel[1])),
  add: ([a, b]) => a.map((value, i) => value + b[i]),
  append_class([x, classes], [shape], whole) {
    const y = new Float32Array(size(whole));
    y.set(x);
    classes.forEach((value, k) => y.fill(value, x.length + k * area(shape), x.length + (k + 1) * area(shape)));
    return y;
  },
  // E[x] = 1/(1 − e⁻ˡ) − 1/l; near 0 its series.
  continuous_bernoulli_mean: ([x]) => x.map(l => Math.abs(l) < 0.02 ? 0.5 + l / 12 : 1 / -Math.expm1(-l) - 1 / l),
  first_maps: ([x], _, shape) => x.subarray(0, size(shape)),
  joined_vectors: vectors => Float32Array.from(vectors.flatMap(vector => [...vector])),
  vector_part: ([x], _, shape, { first }) => x.subarray(first, first + size(shape)),
  // What the levels of a ladder compute: Operations/Levels.swift has the formulas.
  precision_weighted_mean: ([below, logBelow, above, logAbove]) => below.map((mean, d) =>
    sigmoid(logAbove[d] - logBelow[d]) * (mean - above[d]) * Math.exp(-logAbove[d] / 2)),
  precision_weighted_log_variance: ([, logBelow, , logAbove]) => logBelow.map((value, d) => -activations.softplus(logAbove[d] - value)),
  rescaled: ([u, mean, logVariance]) => u.map((value, d) => mean[d] + Math.exp(logVariance[d] / 2) * value),
  // The mean of each pixel's mixture (Salimans and others 2017), with the means of the channels before in place of their values.
  logistic_mixture_mean([x], [maps], shape) {
    const [channels, pixels] = [shape[0], area(shape)];
    const count = maps[0] / (1 + 2 * channels + (channels === 3 ? 3 : 0));
    const y = new Float32Array(size(shape));
    const clamped = value => Math.min(1, Math.max(-1, value));
    for (let pixel = 0; pixel < pixels; pixel += 1) {
      const at = map => x[map * pixels + pixel];
      const logits = Array.from({ length: count }, (_, k) => at(k));
      const most = Math.max(...logits);
      const weights = logits.map(logit => Math.exp(logit - most));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      for (let k = 0; k < count; k += 1) {
        const means = [];
        for (let c = 0; c < channels; c += 1) {
          let mean = at(count * (1 + c) + k);
          if (c === 1) mean += Math.tanh(at(count * (1 + 2 * channels) + k)) * means[0];
          if (c === 2) mean += Math.tanh(at(count * (2 + 2 * channels) + k)) * means[0] + Math.tanh(at(count * (3 + 2 * channels) + k)) * means[1];
          means.push(clamped(mean));
          y[c * pixels + pixel] += weights[k] / sum * (means[c] + 1) / 2;
        }
      }
    }
    return y;
  },
};

/** An encoder or decoder that runs in the page, an image at a time. */
export class Network {
  /** `description` is what the program wrote; `weights` are those of the whole page. */
  constructor(description, weights) {
    Object.assign(this, description);
    this.constants = new Map(this.parameters.map(({ tensor, offset, count }) => [tensor, weights.subarray(offset, offset + count)]));
  }

  /** The values of the outputs, by name, given those of the inputs by name. */
  run(inputs) {
    const values = new Map(this.constants);
    for (const [name, tensor] of Object.entries(this.inputs)) values.set(tensor, Float32Array.from(inputs[name]));
    for (const step of this.steps) {
      const result = operations[step.operation](step.inputs.map(id => values.get(id)), step.inputs.map(id => this.shapes[id]), this.shapes[step.output], step);
      values.set(step.output, result);
    }
    return Object.fromEntries(Object.entries(this.outputs).map(([name, tensor]) => [name, values.get(tensor)]));
  }
}
