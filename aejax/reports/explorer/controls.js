// The parts of the page around the pictures: texts, legends and controls, and words for screen readers.

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
