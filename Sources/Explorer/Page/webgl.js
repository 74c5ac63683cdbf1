import { Network, area, size } from "./network.js";

/** Elements of a tensor in a row of its texture. */
const rowLength = 2048;

const activationText = {
  identity: "x", relu: "max(x, 0.0)", tanh: "tanh(clamp(x, -15.0, 15.0))", sigmoid: "1.0 / (1.0 + exp(-x))",
  leaky_relu: "x > 0.0 ? x : parameter * x", elu: "x > 0.0 ? x : parameter * (exp(x) - 1.0)",
  gelu: "0.5 * x * (1.0 + erf(x * 0.70710678118654752))", silu: "x / (1.0 + exp(-x))",
  softplus: "max(x, 0.0) + log(1.0 + exp(-abs(x)))",
};

const realText = value => { const text = String(Math.fround(value ?? 0)); return /[.e]/.test(text) ? text : `${text}.0`; };
const biasText = (inputs, place) => inputs === 3 ? `at(t2, ${place})` : "0.0";

/** Loops over a window with the place in x of each element that is not padding. */
const poolText = (x, y, { kernel, stride, padding }, first, combine, last) => `
  int c = i / ${area(y)}, r = i / ${y[2]} % ${y[1]}, q = i % ${y[2]};
  float value = ${first};
  for (int u = 0; u < ${kernel[0]}; u++) for (int v = 0; v < ${kernel[1]}; v++) {
    int row = r * ${stride[0]} - ${padding[0]} + u, column = q * ${stride[1]} - ${padding[1]} + v;
    if (row < 0 || row >= ${x[1]} || column < 0 || column >= ${x[2]}) continue;
    float x = at(t0, (c * ${x[1]} + row) * ${x[2]} + column);
    value = ${combine};
  }
  return ${last};`;

/** For each operation the body of a function in GLSL ES 3.00 that computes element `i` of its output; the same as in network.js. */
const shaderBodies = {
  linear: (x, y, _, inputs) => `
  float sum = ${biasText(inputs, "i")};
  for (int k = 0; k < ${size(x[0])}; k++) sum += at(t0, k) * at(t1, i * ${size(x[0])} + k);
  return sum;`,
  conv2d: ([x], y, { kernel, stride, padding }, inputs) => `
  int o = i / ${area(y)}, r = i / ${y[2]} % ${y[1]}, q = i % ${y[2]};
  float sum = ${biasText(inputs, "o")};
  for (int c = 0; c < ${x[0]}; c++) for (int u = 0; u < ${kernel[0]}; u++) {
    int row = r * ${stride[0]} - ${padding[0]} + u;
    if (row < 0 || row >= ${x[1]}) continue;
    for (int v = 0; v < ${kernel[1]}; v++) {
      int column = q * ${stride[1]} - ${padding[1]} + v;
      if (column < 0 || column >= ${x[2]}) continue;
      sum += at(t0, (c * ${x[1]} + row) * ${x[2]} + column) * at(t1, ((o * ${x[0]} + c) * ${kernel[0]} + u) * ${kernel[1]} + v);
    }
  }
  return sum;`,
  conv_transpose2d: ([x], y, { kernel, stride, padding }, inputs) => `
  int o = i / ${area(y)}, r = i / ${y[2]} % ${y[1]}, q = i % ${y[2]};
  float sum = ${biasText(inputs, "o")};
  for (int u = 0; u < ${kernel[0]}; u++) {
    int row = r + ${padding[0]} - u;
    if (row < 0 || row % ${stride[0]} != 0 || row / ${stride[0]} >= ${x[1]}) continue;
    for (int v = 0; v < ${kernel[1]}; v++) {
      int column = q + ${padding[1]} - v;
      if (column < 0 || column % ${stride[1]} != 0 || column / ${stride[1]} >= ${x[2]}) continue;
      int place = row / ${stride[0]} * ${x[2]} + column / ${stride[1]};
      for (int c = 0; c < ${x[0]}; c++) sum += at(t0, c * ${area(x)} + place) * at(t1, ((c * ${y[0]} + o) * ${kernel[0]} + u) * ${kernel[1]} + v);
    }
  }
  return sum;`,
  activation: (x, y, step) => `
  float x = at(t0, i);
  const float parameter = ${realText(step.parameter)};
  return ${activationText[step.function]};`,
  batch_norm: (x, y, { epsilon }) => `
  int c = i / ${area(y)};
  return at(t1, c) * (at(t0, i) - at(t3, c)) / sqrt(at(t4, c) + ${realText(epsilon)}) + at(t2, c);`,
  // Mean and variance of a group are taken anew for each of its elements: there is no other place to keep them.
  group_norm: (x, y, { groups, epsilon }) => `
  const int count = ${size(y) / groups};
  int first = i / count * count;
  float mean = 0.0, variance = 0.0;
  for (int k = 0; k < count; k++) mean += at(t0, first + k);
  mean /= float(count);
  for (int k = 0; k < count; k++) { float d = at(t0, first + k) - mean; variance += d * d; }
  int c = i / ${area(y)};
  return at(t1, c) * (at(t0, i) - mean) / sqrt(variance / float(count) + ${realText(epsilon)}) + at(t2, c);`,
  upsample: ([x], y, { factor }) => `
  int c = i / ${area(y)}, r = i / ${y[2]} % ${y[1]}, q = i % ${y[2]};
  return at(t0, (c * ${x[1]} + r / ${factor[0]}) * ${x[2]} + q / ${factor[1]});`,
  max_pool: ([x], y, step) => poolText(x, y, step, "-3.4e38", "max(value, x)", "value"),
  average_pool: ([x], y, step) => poolText(x, y, step, "0.0", "value + x", `value / ${realText(step.kernel[0] * step.kernel[1])}`),
  add: () => "return at(t0, i) + at(t1, i);",
  append_class: ([x]) => `return i < ${size(x)} ? at(t0, i) : at(t1, (i - ${size(x)}) / ${area(x)});`,
  continuous_bernoulli_mean: () => `
  float l = at(t0, i);
  return abs(l) < 0.02 ? 0.5 + l / 12.0 : 1.0 / (1.0 - exp(-l)) - 1.0 / l;`,
  first_maps: () => "return at(t0, i);",
  joined_vectors: x => {
    let first = 0;
    return x.map((shape, k) => {
      const text = `if (i < ${first + size(shape)}) return at(t${k}, i - ${first});`;
      first += size(shape);
      return text;
    }).join("\n  ") + "\n  return 0.0;";
  },
  vector_part: (x, y, { first }) => `return at(t0, i + ${first});`,
  rescaled: () => "return at(t1, i) + exp(at(t2, i) / 2.0) * at(t0, i);",
  logistic_mixture_mean: ([x], y) => {
    const [channels, pixels] = [y[0], area(y)];
    const count = x[0] / (1 + 2 * channels + (channels === 3 ? 3 : 0));
    const map = name => `at(t0, (${name}) * ${pixels} + pixel)`;
    const squashed = name => `tanh(clamp(${map(name)}, -15.0, 15.0))`;
    return `
  int c = i / ${pixels}, pixel = i % ${pixels};
  float most = -3.4e38, sum = 0.0, result = 0.0;
  for (int k = 0; k < ${count}; k++) most = max(most, ${map("k")});
  for (int k = 0; k < ${count}; k++) {
    float weight = exp(${map("k")} - most);
    float mean = clamp(${map(`${count} + k`)}, -1.0, 1.0), before = mean;
    if (c > 0) { before = mean; mean = clamp(${map(`${2 * count} + k`)} + ${squashed(`${count * (1 + 2 * channels)} + k`)} * before, -1.0, 1.0); }
    if (c > 1) mean = clamp(${map(`${3 * count} + k`)} + ${squashed(`${count * (2 + 2 * channels)} + k`)} * before + ${squashed(`${count * (3 + 2 * channels)} + k`)} * mean, -1.0, 1.0);
    sum += weight;
    result += weight * (mean + 1.0) / 2.0;
  }
  return result / sum;`;
  },
};

const vertexSource = `#version 300 es
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1); }`;

const fragmentSource = (body, inputs) => `#version 300 es
precision highp float; precision highp int; precision highp sampler2D;
${Array.from({ length: inputs }, (_, k) => `uniform sampler2D t${k};`).join(" ")}
out vec4 color;
float at(sampler2D t, int i) { return texelFetch(t, ivec2(i % ${rowLength}, i / ${rowLength}), 0).r; }
float erf(float x) {
  float t = 1.0 / (1.0 + 0.5 * abs(x));
  float tail = t * exp(-x * x - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
    + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))));
  return x >= 0.0 ? 1.0 - tail : tail - 1.0;
}
float element(int i) {${body}
}
void main() { color = vec4(element(int(gl_FragCoord.y) * ${rowLength} + int(gl_FragCoord.x)), 0, 0, 1); }`;

let graphics;

/** The drawing context of the page; nothing where the browser has no graphics card for it. */
function graphicsContext() {
  graphics ??= document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  return graphics;
}

/** A network whose operations are fragment shaders of WebGL 2: every tensor is a texture of real numbers. */
export class ShaderNetwork {
  #gl;
  #textures = new Map();
  #programs = [];
  #frame;

  /** `gl` is a context of WebGL 2. Throws where an operation has no shader or the context does not compute with real numbers. */
  constructor(description, weights, gl) {
    Object.assign(this, description);
    if (!gl?.getExtension("EXT_color_buffer_float")) throw new Error("there is no WebGL 2 with real numbers");
    this.#gl = gl;
    this.#frame = gl.createFramebuffer();
    for (const { tensor, offset, count } of this.parameters) this.#texture(tensor, count, weights.subarray(offset, offset + count));
    for (const tensor of Object.values(this.inputs)) this.#texture(tensor, size(this.shapes[tensor]), null);
    for (const step of this.steps) {
      // The elements of a reshaped tensor are those of the tensor.
      if (step.operation === "reshape") { this.#textures.set(step.output, this.#textures.get(step.inputs[0])); continue; }
      const body = shaderBodies[step.operation]?.(step.inputs.map(id => this.shapes[id]), this.shapes[step.output], step, step.inputs.length);
      if (!body) throw new Error(`${step.operation} has no shader`);
      this.#texture(step.output, size(this.shapes[step.output]), null);
      this.#programs.push({ step, program: this.#program(body, step.inputs.length) });
    }
  }

  #texture(tensor, count, values) {
    const gl = this.#gl;
    const [width, height] = [Math.min(count, rowLength), Math.ceil(count / rowLength)];
    if (height > gl.getParameter(gl.MAX_TEXTURE_SIZE)) throw new Error("a tensor is larger than a texture");
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    this.#textures.set(tensor, { texture, width, height });
    this.#fill(tensor, values);
  }

  #fill(tensor, values) {
    const gl = this.#gl;
    const { texture, width, height } = this.#textures.get(tensor);
    let padded = null;
    if (values) { padded = new Float32Array(width * height); padded.set(values); }
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, width, height, 0, gl.RED, gl.FLOAT, padded);
  }

  #program(body, inputs) {
    const gl = this.#gl;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertexSource], [gl.FRAGMENT_SHADER, fragmentSource(body, inputs)]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`a shader does not link: ${gl.getProgramInfoLog(program)}`);
    gl.useProgram(program);
    for (let k = 0; k < inputs; k += 1) gl.uniform1i(gl.getUniformLocation(program, `t${k}`), k);
    return program;
  }

  #target({ texture, width, height }) {
    const gl = this.#gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    gl.viewport(0, 0, width, height);
  }

  /** The values of the outputs, by name, given those of the inputs by name. Throws where the context is lost. */
  run(inputs) {
    const gl = this.#gl;
    for (const [name, tensor] of Object.entries(this.inputs)) this.#fill(tensor, inputs[name]);
    for (const { step, program } of this.#programs) {
      gl.useProgram(program);
      step.inputs.forEach((id, k) => {
        gl.activeTexture(gl.TEXTURE0 + k);
        gl.bindTexture(gl.TEXTURE_2D, this.#textures.get(id).texture);
      });
      gl.activeTexture(gl.TEXTURE0);
      this.#target(this.#textures.get(step.output));
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
    const results = Object.entries(this.outputs).map(([name, tensor]) => [name, this.#read(tensor)]);
    if (gl.isContextLost()) throw new Error("the graphics card has been taken away");
    return Object.fromEntries(results);
  }

  #read(tensor) {
    const gl = this.#gl;
    const texture = this.#textures.get(tensor);
    this.#target(texture);
    const pixels = new Float32Array(4 * texture.width * texture.height);
    gl.readPixels(0, 0, texture.width, texture.height, gl.RGBA, gl.FLOAT, pixels);
    return Float32Array.from({ length: size(this.shapes[tensor]) }, (_, i) => pixels[4 * i]);
  }
}

/** How far two lists of numbers are apart. */
const farthest = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), a.length === b.length ? 0 : Infinity);

/** The median of the milliseconds that something takes. */
function milliseconds(work) {
  return [0, 1, 2].map(() => { const start = performance.now(); work(); return performance.now() - start; }).sort((a, b) => a - b)[1];
}

/**
 * A decoder on the graphics card where that is faster and gives the same pictures to 1/1000, as tried here and now, else on the
 * processor; should the card be taken away, on the processor from then on.
 */
export function decoderNetwork(description, weights, inputs) {
  const plain = new Network(description, weights);
  try {
    const shaders = new ShaderNetwork(description, weights, graphicsContext());
    if (!(farthest(shaders.run(inputs).image, plain.run(inputs).image) < 1e-3)) return plain;
    if (milliseconds(() => shaders.run(inputs)) > milliseconds(() => plain.run(inputs))) return plain;
    let current = shaders;
    return {
      run(values) {
        try { return current.run(values); } catch (error) {
          if (current === plain) throw error;
          current = plain;
          return plain.run(values);
        }
      },
      get usesGraphicsCard() { return current === shaders; },
    };
  } catch {
    return plain;
  }
}
