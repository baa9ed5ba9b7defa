// Opens reports from file:// in headless Chromium, as tests/report/run calls it:
//
//     node check.mjs PLAYWRIGHT CHROMIUM FOLDER
//
// Every FOLDER/*/report.html is opened light, dark and narrow. Prints what is wrong and ends with status 1 if
// anything is. Leaves a screenshot of each page in its folder.
import {createRequire} from "node:module";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [playwright, chromium, folder] = process.argv.slice(2);
const browser = await createRequire(import.meta.url)(resolve(playwright)).chromium.launch({executablePath: chromium});
const wide = {width: 1280, height: 900}, narrow = {width: 360, height: 740};
const views = {
  light: {viewport: wide, colorScheme: "light"},
  dark: {viewport: wide, colorScheme: "dark"},
  narrow: {viewport: narrow, colorScheme: "light", deviceScaleFactor: 2, isMobile: true, hasTouch: true},
};

let failures = 0;
let checks = 0;
let at = "";
function expect(condition, what) {
  ++checks;
  if (condition) return;
  ++failures;
  console.log(`${at}: ${what}`);
}

// The number of colours in a part of a canvas, which is 1 if nothing is drawn there.
const drawnColours = canvas => {
  const copy = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height});
  const context = copy.getContext("2d", {willReadFrequently: true});
  context.drawImage(canvas, 0, 0);
  const {data} = context.getImageData(0, 0, copy.width, copy.height);
  return new Set(new Uint32Array(data.buffer)).size;
};

// Opens a report, checks what is true of every one, and returns the page.
async function open(run, view) {
  at = `${run}, ${view}`;
  const context = await browser.newContext(views[view]);
  const page = await context.newPage();
  const problems = [];
  const url = pathToFileURL(resolve(folder, run, "report.html")).href;
  page.on("console", message => problems.push(`console: ${message.text()}`));
  page.on("pageerror", error => problems.push(`exception: ${error.message}`));
  page.on("dialog", dialog => { problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", request => {
    if (request.url() !== url && !request.url().startsWith("data:")) problems.push(`request: ${request.url()}`);
  });
  await page.goto(url, {waitUntil: "load"});
  page.finish = async () => {
    await page.mouse.move(0, 0);
    await page.evaluate(() => scrollTo(0, 0));
    for (const problem of problems) expect(false, problem);
    await page.screenshot({path: join(folder, run, `${view}.png`), fullPage: true});
    await context.close();
  };
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width <= views[view].viewport.width, `the page scrolls sideways: ${width} pixels`);
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const brightness = Math.max(...dark.match(/\d+/g).map(Number));
  expect(view === "dark" ? brightness < 64 : brightness > 192, `the background is ${dark}`);
  return page;
}

async function expectCharts(page, count) {
  const colours = await page.$$eval("canvas", (all, source) => all.map(eval(source)), drawnColours.toString());
  expect(colours.length === count, `${colours.length} charts instead of ${count}`);
  for (const [i, number] of colours.entries()) expect(number > 20, `chart ${i} has ${number} colours`);
}

const shownImage = page => page.$eval("#grid", image => image.src);
const shownStep = page => page.textContent("#step");

async function checkSlider(page, last, count) {
  expect(await shownStep(page) === last, `shows ${await shownStep(page)} first instead of ${last}`);
  expect(await page.$eval("#grid", image => image.complete && image.naturalWidth > 100), "the grid is no image");
  const lastImage = await shownImage(page);
  await page.keyboard.press("ArrowLeft");
  expect(await shownImage(page) !== lastImage, "the left arrow key does not change the image");
  await page.keyboard.press("ArrowRight");
  expect(await shownImage(page) === lastImage, "the right arrow key does not go back");
  await page.keyboard.press("ArrowRight");
  expect(await shownStep(page) === last, "the right arrow key goes beyond the last grid");
  await page.fill("#slider", "0");
  expect(await shownStep(page) === "step 0", `the slider shows ${await shownStep(page)} at its left end`);
  await page.focus("#slider");
  await page.keyboard.press("ArrowRight");
  expect(await page.inputValue("#slider") === "1", "an arrow key moves the slider by more than one grid");
  await page.click("#play");
  await page.waitForFunction(() => document.getElementById("slider").value > 3);
  await page.click("#play");
  expect(await page.getAttribute("#slider", "max") === String(count - 1), "the slider has not as many places as grids");
}

// Zooms by dragging, resets, hides a curve by its name, shows the grid of a step that is clicked.
async function checkChart(page) {
  const legend = () => page.$$eval(".u-legend", all => all.map(one => one.innerText.replace(/\s+/g, " ").trim()));
  const range = () => page.evaluate(() => charts.map(chart => [chart.scales.x.min, chart.scales.x.max]));
  expect((await legend()).every(text => /^step ?3,748.*\d\.\d/.test(text)), `not the last values: ${await legend()}`);
  const over = page.locator(".u-over").first();
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  const move = (x, options) => page.mouse.move(box.x + box.width * x, box.y + box.height / 2, options);
  await move(0.5);
  expect((await legend()).every(text => /^step ?1,87\d/.test(text)), `no values at the cursor: ${await legend()}`);
  await move(0.25);
  await page.mouse.down();
  await move(0.5, {steps: 4});
  await page.mouse.up();
  for (const [min, max] of await range()) {
    expect(Math.abs(min - 937) < 20 && Math.abs(max - 1874) < 20, `zoomed to ${min} ... ${max}`);
  }
  await page.fill("#smoothing", "2");
  expect((await range())[0][0] > 900, "another moving mean loses the zoom");
  await over.dblclick();
  expect((await range())[0][1] === 3748, "a double-click does not show all steps");
  await move(0.5);
  await page.mouse.down();
  await page.mouse.up();
  expect(await shownStep(page) === "step 1,900", `a click in the middle shows ${await shownStep(page)}`);
  const shown = () => page.evaluate(() => charts[0].series.map(series => series.show));
  await page.locator(".u-legend th", {hasText: "loss_D"}).click();
  expect(String(await shown()) === "true,false,true,false,true", `a click on a name shows ${await shown()}`);
  await page.locator(".u-legend th", {hasText: "loss_D"}).click();
  expect((await shown()).every(Boolean), "a second click does not show the curve again");
}

// The share of a chart's height that is reddish at a step, as the line of a fork is.
const reddishShare = (page, step) => page.evaluate(step => {
  const {ctx, bbox} = charts[0];
  const copy = new OffscreenCanvas(ctx.canvas.width, ctx.canvas.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(ctx.canvas, 0, 0);
  const {data} = copy.getImageData(Math.round(charts[0].valToPos(step, "x", true)), bbox.top, 1, bbox.height);
  return data.filter((value, i) => i % 4 === 0 && value - data[i + 2] > 25).length / bbox.height;
}, step);

const signs = page => page.$$eval("#found li", all => all.map(one => one.innerText));

for (const view of Object.keys(views)) {
  let page = await open("default", view);
  await expectCharts(page, 2);
  expect(await page.isVisible("#healthy") && (await signs(page)).length === 0, "warning signs in a healthy run");
  await checkSlider(page, "step 3,700", 38);
  if (view !== "narrow") await checkChart(page);
  expect(!await page.isVisible("#forks") && !await page.isVisible("#fork-line"), "forks of a run that is none");
  expect(await page.isVisible("#same-z"), "does not tell that the vectors are the same");
  expect((await page.innerText("#tables")).includes("0.0002"), "the settings lack the learning rate");
  expect((await page.innerText("#charts")).includes("What D gives to real images"), "no text on how to read a curve");
  if (view === "light") {
    await page.emulateMedia({colorScheme: "dark"});
    await expectCharts(page, 2);
    await page.emulateMedia({colorScheme: "light"});
  }
  await page.fill("#slider", "37");
  await page.finish();

  page = await open("sick", view);
  await expectCharts(page, 2);
  const found = await signs(page);
  expect(!await page.isVisible("#healthy"), "a sick run is called healthy");
  for (const text of ["from step 601 to 899", "from step 1,201 to 1,399", "loss_G was infinite or not a number at step 1,900",
                      "from step 100 to the end"]) {
    expect(found.some(sign => sign.includes(text)), `no sign tells "${text}" in: ${found.join(" | ")}`);
  }
  expect(await page.isVisible("#grid-sign"), "the grid does not tell that its images are alike");
  await page.finish();

  page = await open("long", view);
  await expectCharts(page, 2);
  expect((await page.innerText("#pale")).includes("every 25 steps"), "the page does not tell what a pale band is");
  expect(await page.getAttribute("#slider", "max") > 30, "fewer than 30 grids");
  await page.finish();

  page = await open("hostile", view);
  await expectCharts(page, 3);
  expect((await page.innerText("h1")).startsWith("</script><img"), "the title is not shown as text");
  expect(await page.$$eval("img", all => all.length) === 1, "text became an image");
  expect((await page.innerText("#forks")).startsWith("Fork of </script><img"), "a fork is not shown as text");
  await page.finish();

  page = await open("forked", view);
  await expectCharts(page, 2);
  const forks = await page.$$eval("#forks li", all => all.map(one => one.innerText));
  expect(forks.join("|") === "Fork of /home/a/out/gan at step 300: nothing changed|" +
    "Fork of /home/a/out/other at step 1,200: loss zero-sum → non-saturating, lr 0.0002 → 0.001", `forks: ${forks}`);
  for (const step of [300, 1200]) expect(await reddishShare(page, step) > 0.9, `no line at the fork of step ${step}`);
  expect(await reddishShare(page, 700) < 0.5, "a line where no fork is");
  expect(await page.isVisible("#fork-line"), "does not tell what the line is");
  expect(!await page.isVisible("#same-z"), "tells of vectors for pictures that are no grids");
  expect(!(await page.innerText("#tables")).includes("forks"), "the forks are among the settings");
  await page.finish();

  page = await open("begun", view);
  await page.finish();

  page = await open("empty", view);
  expect((await page.innerText("#notes")).includes("There is no metrics.csv."), "does not tell what is missing");
  expect(!await page.isVisible("#samples") && !await page.isVisible("#curves"), "shows what is not there");
  await page.finish();
}

await browser.close();
console.log(`${checks} checks, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
