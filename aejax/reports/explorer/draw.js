// Draws one row of data in a box of a canvas: an image, the bars of a table, or the curves of a series.

// The canvas's context in CSS pixels, with its backing store as sharp as the screen, and the size.
function surface(canvas) {
  const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function font(size, weight = "") {
  return `${weight} ${size}px system-ui, sans-serif`;
}

function number(value, fixed = null) {
  const size = Math.abs(value);
  const digits = fixed ?? (size >= 1000 || value === 0 ? 0 : size >= 100 ? 1 : size >= 0.01 ? 2 : 4);
  return value.toFixed(digits).replace("-", "\u2212");
}

// values: flat, in data units. A compact drawing has no words.
function paint(context, box, values, compact = false) {
  ({ image: paintImage, series: paintSeries })[data.kind]?.(context, box, values) ?? paintTable(context, box, values, compact);
}

const tile = document.createElement("canvas");

function paintImage(context, box, values) {
  const [height, width, channels] = data.shape;
  const [low, high] = data.range;
  [tile.width, tile.height] = [width, height];
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const value = values[i * channels + (channels === 3 ? c : 0)];
      pixels.data[4 * i + c] = (255 * (value - low)) / (high - low || 1);
    }
    pixels.data[4 * i + 3] = 255;
  }
  tile.getContext("2d").putImageData(pixels, 0, 0);
  const scale = Math.min(box.width / width, box.height / height);
  const [across, down] = [width * scale, height * scale];
  context.imageSmoothingEnabled = false;
  context.drawImage(tile, box.x + (box.width - across) / 2, box.y + (box.height - down) / 2, across, down);
  return true;
}

function paintSeries(context, box, values) {
  const [times, channels] = data.shape;
  const [low, high] = data.range;
  const margin = 0.06 * box.height;
  const y = (value) => box.y + box.height - margin - ((value - low) / (high - low || 1)) * (box.height - 2 * margin);
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
  context.strokeStyle = color("line");
  context.lineWidth = 1;
  for (const level of [low, (low + high) / 2, high]) {
    context.beginPath();
    context.moveTo(box.x, y(level));
    context.lineTo(box.x + box.width, y(level));
    context.stroke();
  }
  context.lineWidth = box.height > 150 ? 2 : 1.3;
  context.lineJoin = "round";
  const colors = [color("accent"), color("second"), color("muted"), color("ink")];
  for (let channel = 0; channel < channels; channel++) {
    context.strokeStyle = colors[channel % colors.length];
    context.beginPath();
    for (let t = 0; t < times; t++) {
      context.lineTo(box.x + (t / Math.max(1, times - 1)) * box.width, y(values[t * channels + channel]));
    }
    context.stroke();
  }
  context.restore();
  return true;
}

function paintTable(context, box, values, compact) {
  const pitch = Math.min(box.height / data.bars.length, 34);
  const size = Math.max(8, Math.min(13, 0.62 * pitch));
  context.font = font(size);
  const names = compact ? 0 : Math.min(0.4 * box.width, Math.max(...data.bars.map((bar) => context.measureText(bar.name).width)));
  const numbers = compact ? 0 : 4.2 * size;
  const left = box.x + names + (compact ? 2 : 10);
  const width = box.x + box.width - numbers - (compact ? 2 : 8) - left;
  const isSigned = data.bars.some((bar) => bar.signed);
  const [zero, unit] = isSigned ? [left + width / 2, width / 2] : [left, width];
  const [ink, muted, line, accent, second] = ["ink", "muted", "line", "accent", "second"].map(color);
  context.fillStyle = line;
  context.fillRect(zero - 0.5, box.y, 1, pitch * data.bars.length);
  context.textBaseline = "middle";
  data.bars.forEach((bar, i) => {
    const middle = box.y + (i + 0.5) * pitch;
    const value = values[bar.feature];
    const length = Math.max(-1, Math.min(1, (value - bar.base) / bar.reach)) * unit;
    context.fillStyle = length < 0 ? second : accent;
    context.fillRect(Math.min(zero, zero + length), middle - 0.31 * pitch, Math.abs(length), 0.62 * pitch);
    if (compact) return;
    context.fillStyle = muted;
    context.textAlign = "right";
    context.fillText(shortened(context, bar.name, names), left - 10, middle);
    context.fillStyle = ink;
    context.fillText(number(value), box.x + box.width, middle);
  });
}

function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && context.measureText(`${kept}\u2026`).width > width) kept = kept.slice(0, -1);
  return `${kept}\u2026`;
}
