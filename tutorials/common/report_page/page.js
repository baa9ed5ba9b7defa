"use strict";
// Builds the page from the data that the program has put into it. Text from the data enters the page as
// textContent, never as HTML.

const run = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const grouped = number => number.toLocaleString("en-US");
const plural = (number, word) => `${grouped(number)} ${word}${number === 1 ? "" : "s"}`;
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// ---- title, what is missing, warning signs

const options = run.settings?.options || {};
const lastStep = run.metrics ? run.metrics.last_step : 0;
document.title = run.title;
byId("title").textContent = run.title;
byId("summary").textContent = [
  options.steps > lastStep ? `${grouped(lastStep)} of ${plural(options.steps, "step")}` : plural(lastStep, "step"),
  options.data && `data ${options.data}`,
  options.seed !== undefined && `seed ${options.seed}`,
].filter(Boolean).join(" · ");

// The moments from which the run went on with other options, each in a folder of its own.
const settings = run.settings || {};
const forks = (Array.isArray(settings.forks) ? settings.forks : []).filter(fork => Number.isInteger(fork?.step));

function describeChanges({changes}) {
  const texts = Object.entries(changes || {}).map(([name, change]) => `${name} ${change?.before} → ${change?.after}`);
  return texts.join(", ") || "nothing changed";
}
byId("forks").hidden = byId("fork-line").hidden = forks.length === 0;
byId("forks").append(...forks.map(fork => element("li", {
  textContent: `Fork of ${fork.run} at step ${grouped(fork.step)}: ${describeChanges(fork)}`})));

byId("notes").hidden = run.notes.length === 0;
byId("notes").querySelector("ul").append(...run.notes.map(note => element("li", {textContent: note})));

function describeStretch([first, last]) {
  if (first === last) return `at step ${grouped(first)}`;
  return `from step ${grouped(first)} to ${last === lastStep ? "the end" : grouped(last)}`;
}

function describeSign(sign) {
  const text = byId(sign.kind).content.cloneNode(true);
  const named = sign.stretches.slice(0, 3).map(describeStretch);
  const more = sign.stretches.length - named.length;
  text.querySelector("i").textContent = named.join(", ") + (more > 0 ? ` and in ${grouped(more)} more stretches` : "");
  const column = text.querySelector("code:empty");
  if (column) column.textContent = sign.column;
  return element("li", {}, text);
}
byId("healthy").hidden = run.signs.length > 0;
byId("found").append(...run.signs.map(describeSign));

// ---- samples

const alike = run.signs.filter(sign => sign.kind === "alike").flatMap(sign => sign.stretches);
let shown = run.samples.length - 1;
let timer = 0;

function showGrid(index) {
  shown = Math.max(0, Math.min(index, run.samples.length - 1));
  const {step, png} = run.samples[shown];
  const name = `step ${grouped(step)}`;
  Object.assign(byId("grid"), {src: `data:image/png;base64,${png}`, alt: `Picture of ${name}`});
  byId("slider").value = shown;
  byId("slider").setAttribute("aria-valuetext", name);
  byId("step").textContent = name;
  byId("grid-sign").hidden = !alike.some(([first, last]) => first <= step && step <= last);
  for (const chart of charts) chart.redraw(false, false);
}

// Smooth scaling would blur enlarged pixels, and exact scaling would drop lines of a grid made smaller.
function chooseScaling() {
  const grid = byId("grid");
  grid.classList.toggle("enlarged", grid.naturalWidth <= grid.clientWidth * devicePixelRatio);
}

function play(playing) {
  clearInterval(timer);
  timer = playing ? setInterval(() => showGrid((shown + 1) % run.samples.length), 150) : 0;
  byId("play").classList.toggle("playing", playing);
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
}

function prepareSamples() {
  byId("samples").hidden = run.samples.length === 0;
  byId("same-z").hidden = !run.grids;
  if (run.samples.length === 0) return;
  byId("slider").max = run.samples.length - 1;
  byId("slider").addEventListener("input", event => { play(false); showGrid(Number(event.target.value)); });
  byId("play").addEventListener("click", () => play(timer === 0));
  byId("grid").addEventListener("load", chooseScaling);
  addEventListener("resize", chooseScaling);
  addEventListener("keydown", event => {
    const move = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input")) return;
    event.preventDefault();
    play(false);
    showGrid(shown + move);
  });
  showGrid(shown);
}

// ---- curves

const kWindows = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
let windows = [1];
let charts = [];

// The mean of the finite values in a window around each point.
function movingMean(values, points) {
  const sums = [0], counts = [0];
  values.forEach((value, i) => {
    sums.push(sums[i] + (value ?? 0));
    counts.push(counts[i] + (value === null ? 0 : 1));
  });
  const half = Math.floor((points - 1) / 2);
  return values.map((_, i) => {
    const begin = Math.max(0, i - half), end = Math.min(values.length, i + half + 1);
    const count = counts[end] - counts[begin];
    return count > 0 ? (sums[end] - sums[begin]) / count : null;
  });
}

const smoothingSteps = () => windows[byId("smoothing").value];

// A chart's data: the steps, then for each curve its pale values (low and high if a point stands for several
// steps), then the moving mean of each curve.
function chartData(curves) {
  const {step, columns, rows_per_point} = run.metrics;
  const values = curves.map(curve => columns[curve.column]);
  const pale = values.flatMap(({mean, low, high}) => rows_per_point > 1 ? [high, low] : [mean]);
  const points = Math.max(1, Math.round(smoothingSteps() / rows_per_point));
  return [step, ...pale, ...values.map(({mean}) => movingMean(mean, points))];
}

// Returns the limits of the y axis for the values in view. A few outliers may lie outside.
function yRange(chart) {
  const [begin, end] = chart.series[0].idxs;
  const values = chart.data.slice(1).flatMap((column, i) => chart.series[i + 1].show ? column.slice(begin, end + 1) : [])
    .filter(value => value !== null).sort((a, b) => a - b);
  if (values.length === 0) return [0, 1];
  const at = share => values[Math.round(share * (values.length - 1))];
  if (values[0] >= 0 && values[values.length - 1] <= 1) return [0, 1];
  const low = at(0.003), high = at(0.997);
  return uPlot.rangeNum(low >= 0 && low < high / 2 ? 0 : low, high, 0.05, true);
}

function shadeSigns(chart, curves) {
  const {ctx, bbox} = chart;
  ctx.save();
  ctx.fillStyle = colour("warn") + "2e";
  for (const sign of run.signs.filter(sign => curves.some(curve => curve.column === sign.column))) {
    for (const [first, last] of sign.stretches) {
      const left = Math.max(bbox.left, chart.valToPos(first, "x", true));
      const right = Math.min(bbox.left + bbox.width, chart.valToPos(last, "x", true) + devicePixelRatio);
      if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
  }
  ctx.restore();
}

function drawLine(chart, step, stroke, dashes) {
  const {ctx, bbox} = chart;
  const x = Math.round(chart.valToPos(step, "x", true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dashes.map(pixels => pixels * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

function markSteps(chart) {
  for (const fork of forks) drawLine(chart, fork.step, colour("link"), []);
  if (run.samples.length > 0) drawLine(chart, run.samples[shown].step, colour("soft"), [4, 3]);
}

// A click, unlike a drag, shows the sample grid nearest to its step.
function showGridAtClick(chart) {
  let down = 0;
  chart.over.addEventListener("mousedown", event => { down = event.clientX; });
  chart.over.addEventListener("click", event => {
    if (run.samples.length === 0 || Math.abs(event.clientX - down) > 3) return;
    const step = chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x");
    const distances = run.samples.map(sample => Math.abs(sample.step - step));
    play(false);
    showGrid(distances.indexOf(Math.min(...distances)));
  });
}

// Without a cursor on the chart, its legend shows the last values.
function showLastValues(chart) {
  if (chart.cursor.idx == null) chart.setLegend({idx: chart.data[0].length - 1}, false);
}

function makeChart(title, curves) {
  const paleColumns = run.metrics.rows_per_point > 1 ? 2 : 1;
  const firstMean = 1 + paleColumns * curves.length;
  const stroke = i => colour(`curve-${i % 4 + 1}`);
  const value = (_, number) => number == null ? "" :
    number !== 0 && Math.abs(number) < 0.001 ? number.toExponential(1) : number.toPrecision(3);
  const axis = {stroke: colour("soft"), grid: {stroke: colour("grid"), width: 1}, ticks: {show: false},
                font: `12px ${colour("sans")}`};
  const place = element("div");
  const reading = element("dl", {}, ...curves.flatMap((curve, i) => {
    const swatch = element("span", {className: "swatch"});
    swatch.style.borderColor = stroke(i);
    return [element("dt", {}, swatch, curve.label), element("dd", {textContent: curve.how_to_read})];
  }));
  byId("charts").append(element("div", {className: "chart"}, element("h3", {textContent: title}), place, reading));
  const size = () => ({width: Math.floor(place.clientWidth), height: place.clientWidth < 480 ? 220 : 260});
  const chart = new uPlot({
    ...size(),
    scales: {x: {time: false}, y: {range: yRange}},
    axes: [{...axis, size: 30, values: (_, splits) => splits.map(grouped)}, {...axis, size: 52}],
    cursor: {sync: {key: "run"}, y: false},
    series: [
      {label: "step", value: (_, step) => step == null ? "" : grouped(step)},
      ...curves.flatMap((_, i) => Array(paleColumns).fill(
        {class: "pale", stroke: stroke(i) + "48", width: paleColumns === 1 ? 1 : 0, points: {show: false}})),
      ...curves.map((curve, i) => ({label: curve.label, stroke: stroke(i), width: 2, points: {show: false}, value})),
    ],
    bands: paleColumns === 1 ? [] : curves.map((_, i) => ({series: [2 * i + 1, 2 * i + 2], fill: stroke(i) + "40"})),
    hooks: {
      drawClear: [chart => shadeSigns(chart, curves)],
      draw: [markSteps],
      setCursor: [showLastValues],
      setSeries: [(chart, index, {show}) => {
        if (index < firstMean || show === undefined) return;
        for (let i = 0; i < paleColumns; ++i) chart.setSeries(1 + (index - firstMean) * paleColumns + i, {show});
      }],
    },
  }, chartData(curves), place);
  chart.curves = curves;
  showLastValues(chart);
  new ResizeObserver(() => chart.setSize(size())).observe(place);
  showGridAtClick(chart);
  return chart;
}

function drawCharts() {
  for (const chart of charts) chart.destroy();
  byId("charts").replaceChildren();
  const drawn = run.curves.filter(curve => curve.column in run.metrics.columns);
  const titles = [...new Set(drawn.map(curve => curve.chart))];
  charts = titles.map(title => makeChart(title, drawn.filter(curve => curve.chart === title)));
}

function tellWindow() {
  byId("window").textContent = plural(smoothingSteps(), "step");
}

function smooth() {
  tellWindow();
  for (const chart of charts) {
    const {min, max} = chart.scales.x;
    chart.setData(chartData(chart.curves), false);
    chart.setScale("x", {min, max});
  }
}

function prepareCurves() {
  byId("curves").hidden = !run.metrics;
  if (!run.metrics) return;
  const {step, rows_per_point} = run.metrics;
  windows = kWindows.filter(steps => steps === 1 || steps >= 2 * rows_per_point && steps <= lastStep / 5);
  byId("smoothing").max = windows.length - 1;
  byId("smoothing").value = windows.filter(steps => steps <= Math.max(1, lastStep / 60)).length - 1;
  byId("smoothing").addEventListener("input", smooth);
  byId("pale").textContent = rows_per_point > 1 ?
    `Pale bands span the values of every ${rows_per_point} steps.` : "Pale lines are the values of single steps.";
  tellWindow();
  drawCharts();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
}

// ---- settings

function settingText(value) {
  if (value === "" || value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function settingsList(title, entries) {
  const rows = entries.map(([name, value]) => element("div", {}, element("dt", {textContent: name}),
                                                      element("dd", {textContent: settingText(value)})));
  return [element("h3", {textContent: title}), element("dl", {}, ...rows)];
}

function prepareSettings() {
  byId("settings").hidden = !run.settings;
  if (!run.settings) return;
  const isGroup = ([, value]) => value !== null && typeof value === "object" && !Array.isArray(value);
  const entries = Object.entries(run.settings).filter(([name]) => name !== "forks");
  const lists = entries.filter(isGroup).map(([name, group]) => settingsList(name, Object.entries(group)));
  lists.push(settingsList("program and machine", entries.filter(entry => !isGroup(entry))));
  byId("tables").append(...lists.flat());
}

prepareCurves();
prepareSamples();
prepareSettings();
