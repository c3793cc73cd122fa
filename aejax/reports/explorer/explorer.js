// The page: what is shown (state), how the user changes it, and one frame that draws all of it.

const data = JSON.parse(document.getElementById("contents").textContent);
const element = Object.fromEntries([...document.querySelectorAll("[id]")].map((found) => [found.id, found]));
const STRIP = 9; // pictures between two points
const MOST_SLIDERS = 12; // before one asks for more ...
const ALL_SLIDERS = 100; // ... and then
const NEAR = 14; // pixels
const SLIDE = 600; // ms from one member to the next
const WALK = 2500; // ms from one end to the other
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const darkness = matchMedia("(prefers-color-scheme: dark)");

const members = data.members; // with their arrays, after `start`
const state = {
  member: null,
  view: "strong",
  z: null, // the code that is decoded
  given: data.conditions.map((condition) => condition.typical),
  row: 0, // the test row that is shown
  ends: [], // up to two codes
  way: 0, // from the first to the second, in [0, 1]
  points: null, // [x, y, ...] of the codes as they are drawn: on their way during a slide
  slide: null, // {from, start, point}: the member before
  walk: null, // when a walk between the ends started, and where the pointer was
};
let labels = null;
let rows = null;
let givens = null;
let times = []; // ms of the last frames

async function start() {
  if (!window.DecompressionStream) {
    element.notes.append(item("This browser is too old for the page: it lacks DecompressionStream (2023)."));
    return;
  }
  const bytes = await inflate(element.blob.textContent, data.packed);
  for (const member of members) {
    member.codes = unpack(bytes, member.codes);
    member.k = member.mean.length;
    if (member.decoder) member.decoder = prepare(bytes, member.decoder);
    if (member.grid) for (const name of ["values", "least", "reach"]) member.grid[name] = unpack(bytes, member.grid[name]);
    member.takesGiven = member.decoder && member.decoder.layers[0].kernel.length > member.k * member.decoder.layers[0].bias.length;
  }
  labels = data.labels && unpack(bytes, data.labels);
  givens = data.c && unpack(bytes, data.c);
  const [scale, packed] = [data.rows[1] === "u8" ? 1 / 255 : 1, unpack(bytes, data.rows)];
  rows = Array.from({ length: data.rows[2][0] }, (_, i) => Float32Array.from(packed.subarray(i * size(), (i + 1) * size()), (value) => value * scale));
  for (const name of ["center", "spread"]) data[name] = data[name] && unpack(bytes, data[name]);
  fillPage();
  listen();
  choose(members[0]);
  document.documentElement.dataset.ready = "true";
}

function size() {
  return data.shape.reduce((product, length) => product * length, 1);
}

// ---- Codes, planes and decoding

// What a decoder is given beside z: categories as one-hot vectors, numbers as they are.
function givenInputs(codes) {
  return data.conditions.flatMap((condition, j) =>
    condition.categories.length ? condition.categories.map((_, i) => Number(i === codes[j])) : [codes[j]],
  );
}

// The mean of p(x|z) for a code, in data units.
function decode(member, z, given = state.given) {
  if (!member.decoder) return nearest(member, z);
  const output = run(member.decoder, member.takesGiven ? [...z, ...givenInputs(given)] : z);
  return data.center ? output.map((value, i) => value * data.spread[i] + data.center[i]) : output.slice();
}

// The decoded point of the grid that is nearest to a code.
function nearest({ grid, units }, z) {
  const place = grid.low.reduce((sum, low, axis) => {
    const step = Math.round(((z[units[axis]] - low) / (grid.high[axis] - low || 1)) * (grid.side - 1));
    return sum * grid.side + Math.max(0, Math.min(grid.side - 1, step));
  }, 0);
  return Float32Array.from(grid.least, (least, i) => least + (grid.values[place * grid.least.length + i] / 255) * grid.reach[i]);
}

function code(member, row) {
  return member.codes.slice(row * member.k, (row + 1) * member.k);
}

function reconstruction(member, row) {
  return decode(member, code(member, row), givens ? [...givens.subarray(row * data.conditions.length, (row + 1) * data.conditions.length)] : state.given);
}

// The plane of the map: its origin, two directions (one if k = 1) and their names.
function planeOf(member) {
  if (state.view === "pca" && member.axes.length === 2) {
    return { origin: member.mean, directions: member.axes, names: ["PC 1", "PC 2"] };
  }
  const units = state.view === "strong" || state.view === "pca" ? member.units.slice(0, 2) : state.view.split(",").map(Number);
  const directions = units.map((unit) => member.mean.map((_, i) => Number(i === unit)));
  return { origin: member.mean.map(() => 0), directions, names: units.map(unitName) };
}

function unitName(unit) {
  return `z${String(unit + 1).replace(/\d/g, (digit) => "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089"[digit])}`;
}

function coordinates({ origin, directions }, z) {
  return directions.map((direction) => direction.reduce((sum, d, i) => sum + d * (z[i] - origin[i]), 0));
}

// Moves the code so that it lies at a point of the map, and leaves what the map does not show.
function moveTo(point) {
  const plane = planeOf(state.member);
  const now = coordinates(plane, state.z);
  plane.directions.forEach((direction, axis) => {
    state.z = state.z.map((value, i) => value + (point[axis] - now[axis]) * direction[i]);
  });
}

// The codes on the map [x, y, ...]; a single unit gets heights of no meaning.
function pointsOf(member) {
  member.points ??= {};
  if (!member.points[state.view]) {
    const plane = planeOf(member);
    const points = new Float32Array(2 * data.points);
    for (let row = 0; row < data.points; row++) {
      const [x, y] = coordinates(plane, code(member, row));
      points[2 * row] = x;
      points[2 * row + 1] = y ?? (((row * 0.61803) % 1) - 0.5) * 2;
    }
    member.points[state.view] = points;
  }
  return member.points[state.view];
}

const extents = {};

// The square that all members share: [center x, center y, half a side].
function extent() {
  if (!extents[state.view]) {
    const ranges = [0, 1].map((axis) => {
      const ends = members.flatMap((member) => {
        const values = pointsOf(member).filter((_, i) => i % 2 === axis).sort();
        return [values[Math.floor(0.002 * (values.length - 1))], values[Math.ceil(0.998 * (values.length - 1))]];
      });
      const least = data.prior && state.view !== "pca" ? 2.3 : 0;
      return [Math.min(-least, ...ends), Math.max(least, ...ends)];
    });
    if (!data.prior) ranges.forEach((range) => range[0] === range[1] && (range[1] += 1));
    const half = 0.56 * Math.max(...ranges.map(([low, high]) => high - low)) || 1;
    extents[state.view] = [(ranges[0][0] + ranges[0][1]) / 2, (ranges[1][0] + ranges[1][1]) / 2, half];
  }
  return extents[state.view];
}

function toPixels(x, y, side) {
  const [centerX, centerY, half] = extent();
  return [((x - centerX) / half + 1) * (side / 2), (1 - (y - centerY) / half) * (side / 2)];
}

function fromPixels(x, y, side) {
  const [centerX, centerY, half] = extent();
  return [centerX + (x / (side / 2) - 1) * half, centerY + (1 - y / (side / 2)) * half];
}

// ---- Changes

function choose(member) {
  const before = state.member;
  if (member.k !== before?.k) {
    state.z = code(member, state.row);
    state.ends = [];
  } else if (code(before, state.row).every((value, i) => value === state.z[i])) state.z = code(member, state.row);
  if (member.k < 3 || !member.decoder) state.view = "strong";
  state.slide = before && !calm.matches ? { from: state.points, start: performance.now(), member: before } : null;
  state.member = member;
  state.points = state.slide ? state.points : pointsOf(member);
  fillControls();
  say(announcement());
  redraw();
}

// Marks the code, or that of a test row which is near, as one end of a walk.
function markEnd(isNear = false) {
  if (isNear) state.z = code(state.member, state.row);
  if (state.ends.length === 2) state.ends = [];
  state.ends.push(state.z.slice());
  if (state.ends.length === 2 && !calm.matches) walk();
  redraw();
}

function walk(pointer = null) {
  state.walk = { start: performance.now(), pointer };
  redraw();
}

function walkTo(way) {
  state.way = way;
  const [a, b] = state.ends;
  state.z = a.map((value, i) => value + way * (b[i] - value));
  redraw();
}

// The nearest test row within NEAR pixels of a place on the map becomes the one that is shown; whether there is one.
function showRowAt(x, y, side) {
  let [least, found] = [NEAR * NEAR, -1];
  for (let row = 0; row < rows.length; row++) {
    const [a, b] = toPixels(state.points[2 * row], state.points[2 * row + 1], side);
    const distance = (a - x) ** 2 + (b - y) ** 2;
    if (distance < least) [least, found] = [distance, row];
  }
  if (found >= 0) state.row = found;
  return found >= 0;
}

// ---- Drawing

let asked = false;
const stale = { points: true, strip: true };

function redraw(everything = true) {
  if (everything) stale.points = stale.strip = true;
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

function frame(now) {
  asked = false;
  if (!element.map.clientWidth) return redraw(); // the page is not laid out yet
  const begin = performance.now();
  if (state.walk) {
    const way = Math.max(0, Math.min(1, (now - state.walk.start) / WALK));
    state.way = way;
    state.z = state.ends[0].map((value, i) => value + way * (state.ends[1][i] - value));
    if (way === 1) state.walk = null;
  }
  let progress = 1;
  if (state.slide) {
    const linear = Math.max(0, Math.min(1, (now - state.slide.start) / SLIDE));
    progress = linear * linear * (3 - 2 * linear);
    const to = pointsOf(state.member);
    const { from } = state.slide;
    state.points = linear === 1 ? to : from.map((value, i) => value + progress * (to[i] - value));
    stale.points = true;
  }
  drawPicture();
  drawMap();
  drawBetween();
  drawRow();
  drawTradeoff(progress);
  if (state.slide && progress === 1) state.slide = null;
  updateControls();
  keepTime(performance.now() - begin, now);
  if (state.walk || state.slide) redraw(false);
}

function drawPicture() {
  const { context, width, height } = surface(element.picture);
  paint(context, { x: 0, y: 0, width, height }, decode(state.member, state.z));
  const plane = planeOf(state.member);
  const place = coordinates(plane, state.z).map((value, axis) => `${plane.names[axis]} = ${number(value, 2)}`).join(", ");
  element.position.textContent = place + (state.member.decoder ? "" : " (the nearest of a grid of decoded points)");
}

const cloud = document.createElement("canvas"); // the points, which most frames do not change

function drawMap() {
  const { context, width } = surface(element.map);
  if (stale.points || cloud.width !== element.map.width) drawCloud(width);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(cloud, 0, 0);
  context.restore();
  const ink = color("ink");
  const [x, y] = toPixels(state.points[2 * state.row], state.points[2 * state.row + 1], width);
  circle(context, x, y, 7, ink, 2);
  const plane = planeOf(state.member);
  const at = (z) => {
    const [a, b = 0] = coordinates(plane, z);
    return toPixels(a, b, width);
  };
  if (state.ends.length === 2) {
    context.beginPath();
    state.ends.forEach((end) => context.lineTo(...at(end)));
    context.strokeStyle = ink;
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.stroke();
    context.setLineDash([]);
  }
  state.ends.forEach((end, i) => {
    const [a, b] = at(end);
    circle(context, a, b, 9, ink, 1.5, color("page"));
    context.fillStyle = ink;
    context.font = font(11, "600");
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("AB"[i], a, b + 0.5);
  });
  const [a, b] = at(state.z);
  for (const [stroke, thick] of [[color("page"), 5], [ink, 2]]) {
    context.strokeStyle = stroke;
    context.lineWidth = thick;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(a + 4 * dx, b + 4 * dy);
      context.lineTo(a + 12 * dx, b + 12 * dy);
    }
    context.stroke();
  }
}

function circle(context, x, y, radius, stroke, thick, fill = null) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  if (fill) [context.fillStyle] = [fill], context.fill();
  context.strokeStyle = stroke;
  context.lineWidth = thick;
  context.stroke();
}

function drawCloud(side) {
  stale.points = false;
  [cloud.width, cloud.height] = [element.map.width, element.map.height];
  const context = cloud.getContext("2d");
  const ratio = cloud.width / side;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawAxes(context, side);
  const radius = Math.max(1.6, Math.min(3.4, 90 / Math.sqrt(data.points))) * Math.min(1, side / 480);
  const groups = new Map(); // one path per color
  for (let i = 0; i < data.points; i++) {
    const fill = pointColor(i);
    if (!groups.has(fill)) groups.set(fill, []);
    groups.get(fill).push(i);
  }
  context.globalAlpha = darkness.matches ? 0.9 : 0.72;
  for (const [fill, mine] of groups) {
    context.fillStyle = fill;
    context.beginPath();
    for (const i of mine) {
      const [x, y] = toPixels(state.points[2 * i], state.points[2 * i + 1], side);
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.fill();
  }
  context.globalAlpha = 1;
}

function pointColor(i) {
  if (!labels) return color("accent");
  if (!data.labelRange) return data.classes[labels[i]]?.[darkness.matches ? "dark" : "light"] ?? color("muted");
  const [low, high] = data.labelRange;
  const place = Math.round(((labels[i] - low) / (high - low || 1)) * (data.scale.length - 1));
  return data.scale[Math.max(0, Math.min(data.scale.length - 1, place))];
}

// Ticks along two edges, circles at 1 and 2 sd of a prior N(0, I), and the names of the axes.
function drawAxes(context, side) {
  const [centerX, centerY, half] = extent();
  const rough = half / 2.5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const names = planeOf(state.member).names;
  context.font = font(11);
  context.fillStyle = color("muted");
  context.strokeStyle = color("line");
  context.lineWidth = 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  for (const [axis, center] of [centerX, centerY].entries()) {
    if (axis >= names.length) break;
    for (let n = Math.ceil((center - half) / step); n * step < center + half; n++) {
      const place = toPixels(n * step, n * step, side)[axis];
      if (place < 34 || place > side - 34) continue;
      const text = (n * step).toFixed(digits).replace("-", "\u2212");
      context.textAlign = axis ? "left" : "center";
      context.textBaseline = axis ? "middle" : "bottom";
      context.fillText(text, axis ? 8 : place, axis ? place : side - 7);
    }
  }
  context.font = font(13, "italic");
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillText(names[0], side - 9, side - 7);
  context.textAlign = "left";
  context.textBaseline = "top";
  if (names[1]) context.fillText(names[1], 8, 8);
  if (data.prior && state.view !== "pca" && names[1]) {
    for (const sd of [1, 2]) {
      const [x, y] = toPixels(0, 0, side);
      circle(context, x, y, (sd / half) * (side / 2), color("line"), 1.2);
    }
  }
}

function drawBetween() {
  const both = state.ends.length === 2;
  if (element.between.hidden === both) element.between.hidden = !both;
  if (!both || !stale.strip) return;
  stale.strip = false;
  const { context, width, height } = surface(element.strip);
  const gap = 6;
  const cell = (width - gap * (STRIP - 1)) / STRIP;
  for (let i = 0; i < STRIP; i++) {
    const way = i / (STRIP - 1);
    const z = state.ends[0].map((value, j) => value + way * (state.ends[1][j] - value));
    paint(context, { x: i * (cell + gap), y: 0, width: cell, height }, decode(state.member, z), true);
  }
}

function drawRow() {
  const shown = [[element.row, rows[state.row]], [element["row-decoded"], reconstruction(state.member, state.row)]];
  for (const [canvas, values] of shown) {
    const { context, width, height } = surface(canvas);
    paint(context, { x: 0, y: 0, width, height }, values, true);
    canvas.setAttribute("aria-label", inWords(values));
  }
  if (element["row-name"].textContent !== rowName(state.row)) element["row-name"].textContent = rowName(state.row);
}

function rowName(row) {
  const label = data.labelRange ? number(labels[row]) : data.rowLabels?.[row];
  return `test row ${data.ids[row] ?? row}${label === undefined ? "" : `, label ${label}`}`;
}

// A drawing for those who do not see it.
function inWords(values) {
  if (data.kind !== "table") return `${data.kind} of ${data.shape.join(" × ")} values`;
  return data.bars.map(({ name, feature }) => `${name} ${number(values[feature])}`).join(", ");
}

function tradeoffs() {
  return members.filter((member) => member.kl !== null && member.reconstruction !== null);
}

function drawTradeoff(progress) {
  if (element.tradeoff.hidden) return;
  const { context, width, height } = surface(element.plane);
  const known = tradeoffs();
  const box = { left: 60, right: width - 10, top: 8, bottom: height - 36 };
  const axis = (values, from, to) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = 0.1 * (high - low) || 1;
    return { low, high, place: (value) => from + ((value - low + margin) / (high - low + 2 * margin)) * (to - from) };
  };
  const x = axis(known.map((member) => member.kl), box.left, box.right);
  const y = axis(known.map((member) => member.reconstruction), box.bottom, box.top);
  context.strokeStyle = color("line");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(box.left, box.top);
  context.lineTo(box.left, box.bottom);
  context.lineTo(box.right, box.bottom);
  context.stroke();
  context.fillStyle = color("muted");
  context.font = font(11);
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const value of new Set([x.low, x.high])) context.fillText(number(value), x.place(value), box.bottom + 5);
  context.fillText("KL (nats)", (box.left + box.right) / 2, box.bottom + 20);
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of new Set([y.low, y.high])) context.fillText(number(value), box.left - 5, y.place(value));
  context.save();
  context.translate(9, (box.top + box.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText("reconstruction (nats)", 0, 0);
  context.restore();
  for (const member of known) {
    context.fillStyle = color("muted");
    context.globalAlpha = 0.55;
    context.beginPath();
    context.arc(x.place(member.kl), y.place(member.reconstruction), 3.5, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
  }
  const before = state.slide?.member ?? state.member;
  const [now, then] = [state.member, before].map((member) => [member.kl, member.reconstruction]);
  if (now.includes(null) || then.includes(null)) return;
  const [kl, distortion] = now.map((value, i) => then[i] + progress * (value - then[i]));
  context.fillStyle = color("accent");
  context.beginPath();
  context.arc(x.place(kl), y.place(distortion), 7, 0, 2 * Math.PI);
  context.fill();
}

let spoken = 0;

// The frame's own time, not that between frames: the page draws only what changes.
function keepTime(duration, now) {
  times = [...times.slice(-119), duration];
  if (now - spoken < 1000 || times.length < 10) return;
  spoken = now;
  const median = [...times].sort((a, b) => a - b)[times.length >> 1];
  element.speed.textContent = `A frame takes ${median.toFixed(1)} ms here: decoded and drawn by this page alone.`;
}

// ---- The parts of the page

function item(text) {
  const made = document.createElement("li");
  made.textContent = text;
  return made;
}

function option(value, text) {
  return new Option(text, value);
}

function fillPage() {
  const k = [...new Set(members.map((member) => member.k))].join(", ");
  element.map.setAttribute("aria-label", "Map of the test rows' codes");
  element.picture.setAttribute("aria-label", "the decoded code");
  element.about.textContent = `${data.about}, ${k} unit${k === "1" ? "" : "s"}; the codes of ${data.points.toLocaleString("en")} test rows`;
  element.notes.append(...data.notes.map(item));
  if (data.prior) element.notes.append(item("The circles are 1 and 2 standard deviations of the prior N(0, I)."));
  for (const { name } of data.labelRange ? [] : data.classes) {
    const [entry, dot] = [item(""), document.createElement("span")];
    entry.append(dot, name);
    element.legend.append(entry);
  }
  element.legend.hidden = !element.legend.children.length;
  element.scale.hidden = !data.labelRange;
  if (data.settings.length > 1) {
    element.sweep.hidden = false;
    element["setting-name"].textContent = data.setting;
    element.setting.max = data.settings.length - 1;
    element.setting.value = members[0].setting;
  }
  element["seed-label"].hidden = new Set(members.map((member) => member.seed)).size < 2;
  element.sweep.hidden = members.length < 2;
  if (data.settings.length < 2) for (const name of ["setting-name", "setting", "setting-value"]) element[name].hidden = true;
  element.tradeoff.hidden = tradeoffs().length < 2;
}

function colorLegend() {
  [...element.legend.children].forEach((entry, i) => {
    entry.firstChild.style.background = data.classes[i][darkness.matches ? "dark" : "light"];
  });
  if (!data.labelRange) return;
  element["scale-low"].textContent = number(data.labelRange[0]);
  element["scale-high"].textContent = number(data.labelRange[1]);
  const { context, width, height } = surface(element["scale-bar"]);
  data.scale.forEach((fill, i) => {
    context.fillStyle = fill;
    context.fillRect((i / data.scale.length) * width, 0, width / data.scale.length + 1, height);
  });
}

// What depends on the member: the sweep's value, its seeds, the metrics, and a slider for each unit.
function fillControls() {
  const { member } = state;
  const siblings = members.filter((other) => other.setting === member.setting);
  element.seed.replaceChildren(...siblings.map((other) => option(members.indexOf(other), other.seed)));
  element.seed.value = members.indexOf(member);
  const [name, value] = [data.setting, data.settings[member.setting]];
  element["setting-value"].textContent = value.startsWith(`${name} = `) ? value.slice(name.length + 3) : value;
  element.setting.setAttribute("aria-valuetext", value);
  element.metrics.textContent = metricsOf(member);
  element["row-decoded-name"].textContent = member.decoder ? "reconstruction" : "nearest decoded point";
  element.plane.setAttribute("aria-label", `${metricsOf(member)}, among ${tradeoffs().length} members`);
  const sliders = [...(member.takesGiven ? data.conditions.map(givenControl) : [])];
  const units = member.k > 2 && member.decoder ? member.units.slice(0, ALL_SLIDERS).map((unit) => unitControl(member, unit)) : [];
  sliders.push(...units.slice(0, MOST_SLIDERS));
  if (units.length > MOST_SLIDERS) {
    const [details, summary] = [document.createElement("details"), document.createElement("summary")];
    const weaker = member.k - units.length;
    summary.textContent = `${units.length - MOST_SLIDERS} more units` + (weaker ? `; the ${weaker} weakest have no slider` : "");
    details.addEventListener("toggle", () => redraw(false));
    details.append(summary, ...units.slice(MOST_SLIDERS));
    sliders.push(details);
  }
  element.sliders.replaceChildren(...sliders);
  element.controls.hidden = !sliders.length;
  element["controls-name"].textContent = units.length ? `Units by ${member.measure}` : "Given";
  element["view-label"].hidden = !units.length;
  if (!units.length) return;
  const strong = member.units.slice(0, 2).map(unitName).join(", ");
  element.view.replaceChildren(option("strong", `strongest units: ${strong}`), option("pca", "principal components"));
  for (const [i, a] of member.units.slice(0, 6).entries()) {
    for (const b of member.units.slice(i + 1, 6)) if (i || b !== member.units[1]) element.view.append(option(`${a},${b}`, `${unitName(a)}, ${unitName(b)}`));
  }
  element.view.value = state.view;
  if (element.view.selectedIndex < 0) element.view.append(option(state.view, state.view.split(",").map((unit) => unitName(Number(unit))).join(", "))), (element.view.value = state.view);
}

function metricsOf({ kl, reconstruction: distortion }) {
  return kl === null ? "" : `KL ${number(kl)}, reconstruction ${number(distortion)} nats`;
}

function unitControl(member, unit) {
  const values = Float32Array.from({ length: data.points }, (_, row) => member.codes[row * member.k + unit]).sort();
  const [low, high] = [values[Math.floor(0.005 * values.length)], values[Math.ceil(0.995 * (values.length - 1))]];
  const reach = Math.max(high - low, data.prior ? 5 : 1e-6);
  const middle = data.prior ? 0 : (low + high) / 2;
  const strength = `${member.measure === "KL" ? "KL" : "var"} ${number(member.strength[unit])}`;
  return control(unitName(unit), [middle - 0.6 * reach, middle + 0.6 * reach], strength, () => state.z[unit], (value) => {
    state.walk = null;
    state.z[unit] = value;
    redraw(false);
  }, (value) => number(value, 2));
}

function givenControl(condition, j) {
  const set = (value) => {
    state.given[j] = value;
    redraw();
  };
  if (!condition.categories.length) {
    return control(condition.name, [-3, 3], null, () => state.given[j], set, (value) => number(value * condition.spread + condition.center));
  }
  const [label, select] = [document.createElement("label"), document.createElement("select")];
  label.className = "given";
  select.append(...condition.categories.map((name, i) => option(i, name)));
  select.value = state.given[j];
  select.addEventListener("input", () => set(Number(select.value)));
  label.append(condition.name, select);
  return label;
}

// A slider with its name, its value and a remark; `updateControls` keeps it in step with the state.
function control(name, [low, high], remark, get, set, words) {
  const [label, input, output, beside] = ["label", "input", "span", "span"].map((tag) => document.createElement(tag));
  Object.assign(input, { type: "range", min: low, max: high, step: (high - low) / 200 });
  input.addEventListener("input", () => set(Number(input.value)));
  output.className = "value";
  label.append(name, input, output);
  if (remark === null) label.className = "given";
  else {
    beside.className = "strength";
    beside.textContent = remark;
    label.append(beside);
  }
  label.update = () => {
    if (document.activeElement !== input) input.value = get();
    output.textContent = words(get());
  };
  return label;
}

function updateControls() {
  for (const label of element.sliders.querySelectorAll("label")) if (!label.closest("details:not([open])")) label.update?.();
  element.way.value = 100 * state.way;
  element.play.textContent = state.walk ? "Pause" : "Play";
}

// ---- Words for screen readers

let saying = 0;

function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => (element.said.textContent = text), 700); // only where the user stops
}

function announcement() {
  const setting = data.settings[state.member.setting];
  return [setting, metricsOf(state.member)].filter(Boolean).join(": ");
}

function place() {
  element.picture.setAttribute("aria-label", inWords(decode(state.member, state.z)));
  return `${element.position.textContent}; nearest ${rowName(state.row)}`;
}

// ---- Input

function listen() {
  const { map } = element;
  const at = (event) => {
    const box = map.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const here = () => {
    const [x, y = 0] = coordinates(planeOf(state.member), state.z);
    return toPixels(x, y, map.clientWidth);
  };
  let pressed = null;
  const follow = (event) => {
    const [x, y] = at(event);
    if (state.walk) {
      const [a, b] = state.walk.pointer ?? (state.walk.pointer = [x, y]);
      if (Math.hypot(a - x, b - y) < 24) return; // the hand still rests after a click
      state.walk = null;
    }
    moveTo(fromPixels(x, y, map.clientWidth));
    showRowAt(x, y, map.clientWidth);
    redraw(false);
  };
  map.addEventListener("pointerdown", (event) => {
    pressed = at(event);
    state.walk = null;
    follow(event);
  });
  map.addEventListener("pointermove", follow);
  map.addEventListener("pointerup", (event) => {
    const [x, y] = at(event);
    if (pressed && Math.hypot(pressed[0] - x, pressed[1] - y) < 6) markEnd(showRowAt(x, y, map.clientWidth));
    pressed = null;
  });
  map.addEventListener("keydown", (event) => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (arrow) {
      const [, , half] = extent();
      const step = half * (event.shiftKey ? 0.1 : 0.02);
      const now = coordinates(planeOf(state.member), state.z);
      state.walk = null;
      moveTo(now.map((value, axis) => value + arrow[axis] * step));
    } else if (event.key === "Home") state.z = Float32Array.from(state.member.mean);
    else if (event.key === "Enter" || event.key === " ") markEnd(showRowAt(...here(), map.clientWidth));
    else if (event.key === "Escape") state.ends = [];
    else return;
    event.preventDefault();
    showRowAt(...here(), map.clientWidth);
    redraw(state.ends.length < 2);
    requestAnimationFrame(() => say(place()));
  });
  element.strip.addEventListener("click", (event) => {
    const box = element.strip.getBoundingClientRect();
    state.walk = null;
    walkTo(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
  });
  element.way.addEventListener("input", () => {
    state.walk = null;
    walkTo(element.way.value / 100);
  });
  element.play.addEventListener("click", () => {
    if (state.walk) state.walk = null;
    else walk();
    redraw(false);
  });
  element.clear.addEventListener("click", () => {
    [state.ends, state.walk] = [[], null];
    redraw();
  });
  element.setting.addEventListener("input", () => {
    const there = members.filter((member) => member.setting === Number(element.setting.value));
    choose(there.find((member) => member.seed === state.member.seed) ?? there[0]);
  });
  element.seed.addEventListener("input", () => choose(members[element.seed.value]));
  element.view.addEventListener("input", () => {
    state.view = element.view.value;
    state.slide = calm.matches ? null : { from: state.points, start: performance.now(), member: state.member };
    if (calm.matches) state.points = pointsOf(state.member);
    redraw();
  });
  const restyle = () => {
    colorLegend();
    redraw();
  };
  darkness.addEventListener("change", restyle);
  window.addEventListener("resize", restyle);
  restyle();
}

start();
