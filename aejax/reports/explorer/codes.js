// Codes: decoding them, the plane of the map, and the square around them that all members share.

// What a decoder is given beside z: categories as one-hot vectors, numbers as they are.
function givenInputs(codes) {
  return data.conditions.flatMap((condition, j) =>
    condition.categories.length ? condition.categories.map((_, i) => Number(i === codes[j])) : [codes[j]],
  );
}

// The mean of p(x|z) for a code, in data units.
function decode(member, z, given = state.given) {
  if (!member.decoder) return nearest(member, z);
  const output = run(member.decoder, z, givenInputs(given));
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

// The code a share of the way from the first end to the second.
function between(way) {
  const [a, b] = state.ends;
  return a.map((value, i) => value + way * (b[i] - value));
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
