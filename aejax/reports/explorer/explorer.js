// What the page shows (state), and how the user changes it; it starts at the end.

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
    member.takesGiven = Boolean(member.decoder?.layers[0].condition);
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
  [state.walk, state.way] = [null, way];
  state.z = between(way);
  redraw(false);
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
    walkTo(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
  });
  element.way.addEventListener("input", () => walkTo(element.way.value / 100));
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
