"use strict";
// Computes decoders: arrays from the page's bytes, layers, links, data units. Mirrors aejax.types.Decoder.

const ACTIVATIONS = {
  identity: (a) => a,
  relu: (a) => (a > 0 ? a : 0),
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  tanh: Math.tanh,
  gelu: (a) => 0.5 * a * (1 + Math.tanh(0.7978845608028654 * (a + 0.044715 * a * a * a))), // as jax.nn.gelu
  softplus: (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
  exp: Math.exp,
  continuous_bernoulli: (a) =>
    Math.abs(a) < 0.1 ? 0.5 + a / 12 - (a * a * a) / 720 : -1 / Math.expm1(-a) - 1 / a,
};

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~"; // base 85

// The bytes of a text: five digits are four bytes, and the first `length` of these are deflated.
async function inflate(text, length) {
  const values = new Uint8Array(128);
  [...DIGITS].forEach((digit, value) => (values[digit.charCodeAt(0)] = value));
  const words = new DataView(new ArrayBuffer((text.length / 5) * 4));
  for (let i = 0; i < text.length; i += 5) {
    let word = 0;
    for (let j = 0; j < 5; j++) word = word * 85 + values[text.charCodeAt(i + j)];
    words.setUint32((i / 5) * 4, word);
  }
  const packed = new Uint8Array(words.buffer, 0, length);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The array at [offset, type, shape]: all first bytes of its numbers, then all second bytes, ... A float32 is stored with
// its sign as the last bit.
function unpack(bytes, [offset, type, shape]) {
  const size = shape.reduce((product, length) => product * length, 1);
  if (type === "u8") return bytes.subarray(offset, offset + size);
  const words = new Uint32Array(size);
  const [first, second, third, fourth] = [0, 1, 2, 3].map((plane) => offset + plane * size);
  for (let i = 0; i < size; i++) {
    const word = (bytes[first + i] << 24) | (bytes[second + i] << 16) | (bytes[third + i] << 8) | bytes[fourth + i];
    words[i] = (word >>> 1) | (word << 31);
  }
  return new Float32Array(words.buffer);
}

// Reads a decoder: its arrays, and for every layer an output that is used again in each call.
function prepare(bytes, { layers, link }) {
  let before = null;
  const prepared = layers.map(({ kind, activation, shape, arrays }) => {
    const read = Object.fromEntries(Object.entries(arrays).map(([name, place]) => [name, unpack(bytes, place)]));
    const output = new Float32Array(shape.reduce((product, length) => product * length, 1));
    const layer = { kind, activation, shape, before, output, gate: new Float32Array(kind === "gated" ? output.length : 0) };
    before = shape;
    return Object.assign(layer, read);
  });
  return { layers: prepared, link };
}

// The flat mean of p(x|z) for a code and conditions, in the units that the model sees.
function run({ layers, link }, z, c) {
  let hidden = z;
  for (const layer of layers) {
    if (layer.kind === "transposed_convolution") convolve(layer, hidden);
    else multiply(layer.kernel, layer.bias, hidden, layer.output);
    if (layer.condition) add(layer.condition, c, layer.output);
    if (layer.kind === "gated") {
      multiply(layer.gate_kernel, layer.gate_bias, hidden, layer.gate);
      for (let i = 0; i < layer.gate.length; i++) layer.output[i] *= ACTIVATIONS.sigmoid(layer.gate[i]);
    }
    if (layer.activation !== "identity") apply(ACTIVATIONS[layer.activation], layer.output, 0, layer.output.length);
    hidden = layer.output;
  }
  let first = 0;
  for (const { name, size, total } of link) {
    if (name === "softmax") softmax(hidden, first, size, total);
    else if (name !== "identity") apply(ACTIVATIONS[name], hidden, first, size);
    first += size;
  }
  return hidden;
}

function apply(activation, values, first, size) {
  for (let i = first; i < first + size; i++) values[i] = activation(values[i]);
}

function softmax(values, first, size, total) {
  let largest = -Infinity;
  let sum = 0;
  for (let i = first; i < first + size; i++) largest = Math.max(largest, values[i]);
  for (let i = first; i < first + size; i++) sum += values[i] = Math.exp(values[i] - largest);
  for (let i = first; i < first + size; i++) values[i] *= total / sum;
}

function multiply(kernel, bias, inputs, output) {
  output.set(bias);
  add(kernel, inputs, output);
}

function add(kernel, inputs, output) {
  const width = output.length;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (input === 0) continue; // as of most rectified units
    for (let o = 0, k = i * width; o < width; o++, k++) output[o] += input * kernel[k];
  }
}

// Stride 2 and 3 taps: input i reaches the outputs 2 i, 2 i + 1 and 2 i + 2. A series is an image of one row.
function convolve({ kernel, bias, shape, before, output }, inputs) {
  const isSeries = shape.length === 2;
  const [height, width, channels] = isSeries ? [1, ...shape] : shape;
  const [rows, columns, inner] = isSeries ? [1, ...before] : before;
  for (let place = 0; place < output.length; place += channels) output.set(bias, place);
  for (let row = 0; row < rows; row++) {
    for (let tall = 0; tall < (isSeries ? 1 : 3); tall++) {
      const y = isSeries ? 0 : 2 * row + 2 - tall;
      if (y >= height) continue;
      for (let column = 0; column < columns; column++) {
        const source = (row * columns + column) * inner;
        for (let wide = 0; wide < 3; wide++) {
          const x = 2 * column + 2 - wide;
          if (x >= width) continue;
          const target = (y * width + x) * channels;
          let k = (tall * 3 + wide) * inner * channels;
          for (let i = 0; i < inner; i++) {
            const input = inputs[source + i];
            if (input === 0) k += channels;
            else for (let o = 0; o < channels; o++, k++) output[target + o] += input * kernel[k];
          }
        }
      }
    }
  }
}
