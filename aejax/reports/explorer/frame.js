// One frame: the picture, the map, the walk, the test row and the rate-distortion plane, as the state says.

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
    [state.way, state.z] = [way, between(way)];
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
    paint(context, { x: i * (cell + gap), y: 0, width: cell, height }, decode(state.member, between(way)), true);
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
  return `test row ${data.ids[row]}${label === undefined ? "" : `, label ${label}`}`;
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
