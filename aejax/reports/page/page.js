"use strict";
// Sorting, filtering and what lies under the pointer; without it, the page is a plain document.

const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const element = (name) => document.getElementById(name);
const signed = (text) => text.replace(/-/g, "−");
const plain = (text) => text.trim().toLowerCase().replace(/_/g, " ").replace(/−/g, "-");

// Sorting: by a cell's number, or by its text; rows without a value come last.

function valueOf(cell) {
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  return cell.textContent === "–" ? null : cell.textContent;
}

function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function sortBy(table, column) {
  const heading = table.tHead.rows[0].cells[column];
  const sign = heading.ariaSort === "ascending" ? -1 : 1;
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row.cells[column]), row]);
  rows.sort(([a], [b]) => (a === null) - (b === null) || sign * compare(a, b));
  for (const cell of table.tHead.rows[0].cells) cell.ariaSort = null;
  heading.ariaSort = sign === 1 ? "ascending" : "descending";
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

for (const table of all("#settings, #members")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, column));
    heading.append(button);
  });
}

// Columns: the last ones that do not fit are hidden until they are asked for.

function showColumns(table, count) {
  for (const row of table.rows) [...row.cells].forEach((cell, column) => { cell.hidden = column >= count; });
}

function fitColumns() {
  const table = element("settings"), button = element("columns");
  const total = table.rows[0].cells.length, room = table.parentElement.clientWidth;
  const least = table.rows[0].querySelector(".leading")?.cellIndex ?? 1;
  let count = total;
  showColumns(table, total);
  if (button.dataset.all === undefined) while (count > least + 1 && table.offsetWidth > room) showColumns(table, --count);
  button.hidden = count === total && button.dataset.all === undefined;
  button.textContent = count === total ? "Only the columns that fit" : `All ${total} columns`;
}

element("columns").addEventListener("click", () => {
  const button = element("columns");
  if (button.dataset.all === undefined) button.dataset.all = "true";
  else delete button.dataset.all;
  fitColumns();
});
addEventListener("resize", fitColumns);
fitColumns();

// Filtering: every word must be in the row; NAME>=NUMBER compares a column whose name contains NAME.

const TESTS = { "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b };

function matches(row, word) {
  const asked = word.match(/^([^<>=]+)(<=|>=|<|>|=)([^<>=]+)$/);
  if (!asked) return plain(row.textContent).includes(plain(word));
  const headings = [...row.closest("table").tHead.rows[0].cells].map((cell) => plain(cell.querySelector("small").textContent
    + " " + cell.querySelector("span").textContent));
  const column = headings.findIndex((name) => name.includes(plain(asked[1])));
  if (column < 0) return false;
  const value = valueOf(row.cells[column]);
  if (typeof value === "number") return TESTS[asked[2]](value, Number(asked[3].replace("−", "-")));
  return value !== null && asked[2] === "=" && plain(value).includes(plain(asked[3]));
}

function filterRows() {
  const words = element("filter").value.split(/\s+/).filter(Boolean);
  const rows = all("#settings tbody tr");
  const kept = new Set(rows.filter((row) => words.every((word) => matches(row, word))).map((row) => row.dataset.s));
  const listed = new Set(rows.map((row) => row.dataset.s));
  for (const found of all("[data-s]")) {
    found.classList.toggle("off", listed.has(found.dataset.s) && !kept.has(found.dataset.s));
  }
  element("shown").textContent = words.length ? `${kept.size} of ${rows.length} settings` : "";
}

element("tools").hidden = all("#settings tbody tr").length < 4;
element("filter").addEventListener("input", filterRows);

// What lies under the pointer: its setting stands out everywhere, and a mark says what it is.

const labels = JSON.parse(element("panels").textContent).labels;
const panels = new Map(JSON.parse(element("panels").textContent).panels.map((panel) => [panel.id, panel]));
let hot = null;

function highlight(setting) {
  if (setting === hot) return;
  hot = setting;
  document.body.classList.toggle("some-hot", setting !== null);
  for (const found of all("[data-s]")) found.classList.toggle("hot", found.dataset.s === setting);
}

function say(text, event) {
  const tip = element("tip");
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = signed(text);
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const above = event.clientY - tip.offsetHeight - 12;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above < 8 ? event.clientY + 18 : above}px`;
}

/** The point of a panel's lines that is nearest to a place in it. */
function nearest(panel, x, y) {
  const [left, top, right, floor] = panel.box;
  const across = (value) => left + ((value - panel.x[0]) / (panel.x[1] - panel.x[0])) * (right - left);
  const scale = panel.log ? Math.log10 : (value) => value;
  const [low, high] = panel.y.map(scale);
  const up = (value) => floor - ((scale(value) - low) / (high - low)) * (floor - top);
  let best = null;
  for (const line of panel.series) {
    if (document.querySelector(`#settings tr[data-s="${line.s}"].off`)) continue;
    for (let i = 0; i < line.e.length; i++) {
      const far = Math.hypot(3 * (across(line.e[i]) - x), up(line.m[i]) - y);
      if (!best || far < best.far) best = { far, line, i, x: across(line.e[i]) };
    }
  }
  return best;
}

function described(panel, { line, i }) {
  const name = [labels[line.s], `epoch ${line.e[i]}`, { valid: "validation", train: "training" }[line.split] ?? line.split];
  const spread = line.low ? ` (${line.n} seeds from ${line.low[i]} to ${line.high[i]})` : "";
  return `${name.filter(Boolean).join(", ")}: ${panel.name.replace(/_/g, " ")} ${line.m[i]}${spread}`;
}

function point(event) {
  const svg = event.target.closest("svg");
  const panel = svg && panels.get(svg.id);
  for (const cursor of all(".cursor.on")) cursor.classList.remove("on");
  if (!panel) {
    const marked = event.target.closest("[data-s]");
    highlight(marked ? marked.dataset.s : null);
    say(event.target.closest("[data-tip]")?.dataset.tip, event);
    return;
  }
  const box = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.width / box.width;
  const found = nearest(panel, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
  if (!found) return;
  const cursor = svg.querySelector(".cursor");
  cursor.classList.add("on");
  cursor.setAttribute("transform", `translate(${found.x} 0)`);
  highlight(String(found.line.s));
  say(described(panel, found), event);
}

document.addEventListener("pointermove", point);
document.addEventListener("pointerdown", point);
document.addEventListener("pointerleave", () => { highlight(null); element("tip").hidden = true; });

for (const block of all("pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(block);
    await navigator.clipboard?.writeText(block.textContent);
    button.textContent = "Copied";
  });
  block.after(button);
}
document.documentElement.dataset.ready = "true";
