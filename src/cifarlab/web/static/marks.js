// Marking labels with the mouse and by keys; the form works without. Every mark is sent at once, in its order.

const form = document.querySelector("[data-marking]");
const boxes = [...form.querySelectorAll('input[name="image"]')];
const choice = form.elements.namedItem("new");
const said = form.querySelector("[data-said]");
let anchor = null; // where a range begins
const TURNED = "turned while marking";
let shift = false; // whether the last click held Shift
let queue = Promise.resolve();
let acts = 0; // how often something was marked, selected or gone to

const item = (box) => box.closest("li");
const selected = () => boxes.filter((box) => box.checked);
const focused = () => boxes.find((box) => box === document.activeElement);

function tell(words, failed = false) {
  said.textContent = words;
  said.classList.toggle("failed", failed);
}

function tellSelected() {
  acts += 1;
  const count = selected().length;
  tell(count ? `${count} selected` : "");
}

function selectRange(from, to) {
  const [first, last] = [boxes.indexOf(from), boxes.indexOf(to)].sort((one, other) => one - other);
  boxes.forEach((box, place) => (box.checked = first <= place && place <= last));
}

form.addEventListener("click", (event) => (shift = event.shiftKey || (shift && event.detail === 0)), true);
form.addEventListener("mousedown", (event) => (shift = event.shiftKey), true);
form.addEventListener("change", (event) => {
  if (!boxes.includes(event.target)) return;
  if (shift && anchor && anchor !== event.target) {
    selectRange(anchor, event.target);
  } else anchor = event.target;
  shift = false;
  tellSelected();
});

// A frame drawn around pictures by mouse or pen selects them; a finger scrolls.
const list = form.querySelector(".markable");
const BAND_BEGINS = 6; // pixels that a pointer must move: less is a click
const EDGE = 40; // pixels at the window's top and bottom in which it scrolls by itself
let band = null;

function beginBand(event) {
  const { pageX, pageY } = event;
  const before = event.shiftKey || event.ctrlKey || event.metaKey ? selected() : [];
  band = { left: pageX, top: pageY, x: event.clientX, y: event.clientY, before, was: selected(), frame: null };
}

function drawBand() {
  const [x, y] = [band.x + scrollX, band.y + scrollY];
  const [left, right] = [band.left, x].sort((one, other) => one - other);
  const [top, bottom] = [band.top, y].sort((one, other) => one - other);
  Object.assign(band.frame.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
  for (const [box, place] of band.places) {
    const inside = place.left < right && place.right > left && place.top < bottom && place.bottom > top;
    box.checked = inside || band.before.includes(box);
  }
  tellSelected();
}

function scrollBand() {
  if (!band?.frame) return;
  const under = Math.max(0, EDGE - band.y) - Math.max(0, band.y - (innerHeight - EDGE));
  if (under) {
    scrollBy({ top: -under / 3, behavior: "instant" });
    drawBand();
  }
  requestAnimationFrame(scrollBand);
}

function moveBand(event) {
  if (!band) return;
  [band.x, band.y] = [event.clientX, event.clientY];
  if (!band.frame) {
    if (Math.hypot(event.pageX - band.left, event.pageY - band.top) < BAND_BEGINS) return;
    list.setPointerCapture(event.pointerId);
    band.places = boxes.map((box) => {
      const { left, right, top, bottom } = item(box).getBoundingClientRect();
      return [box, { left: left + scrollX, right: right + scrollX, top: top + scrollY, bottom: bottom + scrollY }];
    });
    band.frame = document.body.appendChild(document.createElement("div"));
    band.frame.className = "band";
    scrollBand();
  }
  drawBand();
}

function endBand() {
  if (band?.frame) {
    band.frame.remove();
    anchor = selected()[0] ?? null;
    // The click that follows would turn the picture under the pointer over again.
    const swallow = (event) => event.preventDefault();
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, true));
  }
  band = null;
}

list.addEventListener("pointerover", (event) => (list.style.touchAction = event.pointerType === "pen" ? "none" : ""));
list.addEventListener("pointerdown", (event) => {
  if (event.button === 0 && event.pointerType !== "touch" && !event.target.closest("a")) beginBand(event);
});
addEventListener("pointermove", moveBand);
addEventListener("pointerup", endBand);
addEventListener("pointercancel", endBand);

function dropBand() {
  for (const box of boxes) box.checked = band.was.includes(box);
  tellSelected();
  endBand();
}

// How many pictures stand in a row: as many as have the first one's height on the page.
function columns() {
  const top = item(boxes[0]).offsetTop;
  const next = boxes.findIndex((box) => item(box).offsetTop !== top);
  return next < 0 ? boxes.length : next;
}

function move(key, from, extends_) {
  const place = boxes.indexOf(from);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() };
  const wanted = key === "Home" ? 0 : key === "End" ? boxes.length - 1 : place + steps[key];
  const to = boxes[wanted];
  if (!to) {
    if (["ArrowUp", "ArrowDown"].includes(key)) return true;
    sessionStorage.setItem(TURNED, key); // at the edges left and right turn the page; there the marking goes on
    const link = document.querySelector(`.pager a[data-key="${key}"]`);
    if (link) link.hash = ""; // which would take the focus from the picture that gets it there
    return false;
  }
  to.focus();
  item(to).scrollIntoView({ block: "nearest" }); // above the bar: see --covered
  if (extends_) {
    anchor ??= from;
    selectRange(anchor, to);
    tellSelected();
  } else anchor = to;
  acts += 1;
  return true;
}

const named = (boxes) => (boxes.length === 1 ? item(boxes[0]).dataset.image : `${boxes.length} pictures`);

function show(asked, marks) {
  for (const box of asked) {
    item(box).querySelector(".mark").textContent = marks[item(box).dataset.image];
    item(box).querySelector(".unkept")?.remove();
  }
}

async function send(asked, verdict, className, act) {
  const body = new URLSearchParams([["verdict", verdict], ["new", className], ...asked.map((box) => ["image", box.value])]);
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const found = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(found.detail ?? `that did not work (${response.status})`);
    show(asked, found.marks);
    document.querySelector("[data-marked]").textContent = found.summary;
    for (const part of document.querySelectorAll("[data-kept]")) part.hidden = false;
    tell(`${named(asked)}: ${verdict === "undo" ? "taken back" : found.marks[item(asked[0]).dataset.image]}`);
  } catch (error) {
    putBack(asked, verdict, act);
    tell(`Not kept: ${error instanceof TypeError ? "the server cannot be reached" : error.message}`, true);
  }
}

// What was refused says so under its picture. It is selected again as long as nothing else has been done since: else the
// next key would speak of pictures that its visitor has left behind.
function putBack(asked, verdict, act) {
  if (verdict === "undo") marked.push(asked);
  else marked.splice(marked.indexOf(asked), 1);
  for (const box of asked) {
    if (item(box).querySelector(".unkept")) continue;
    const words = item(box).querySelector("label").appendChild(document.createElement("span"));
    words.className = "unkept";
    words.textContent = "not kept";
  }
  if (act !== acts) return;
  for (const box of asked) box.checked = true;
  asked[0].focus();
}

// What is said goes to all that are selected, or to the picture in focus; then the next one has the focus. Undo, as long
// as the focus stays there, takes back what was said last, and the focus goes back to it.
const marked = []; // the pictures of each mark on this page, the last behind
let left = null; // where the last mark left the focus

function addressed(verdict) {
  const chosen = selected();
  if (chosen.length) return chosen;
  const here = focused();
  if (verdict === "undo" && marked.length && (!here || here === left)) return marked.pop();
  return here ? [here] : [];
}

function mark(verdict, className = "") {
  const goesOn = !selected().length || document.activeElement === choice;
  const asked = addressed(verdict);
  if (!asked.length) {
    tell("Select a picture first", true);
    return;
  }
  if (verdict === "relabel" && !className && lacksClass(asked)) return;
  choice.removeAttribute("aria-invalid");
  for (const box of selected()) box.checked = false;
  if (verdict === "undo") asked[0].focus();
  else {
    marked.push(asked);
    if (goesOn) (boxes[boxes.indexOf(asked.at(-1)) + 1] ?? asked.at(-1)).focus();
  }
  left = anchor = focused() ?? null;
  const act = (acts += 1);
  queue = queue.then(() => send(asked, verdict, className, act));
}

// Where no other class is suggested one must be chosen: the pictures stay selected, and the focus goes to the classes.
function lacksClass(asked) {
  const without = asked.filter((box) => !item(box).querySelector(".said"));
  if (!without.length) return false;
  for (const box of asked) box.checked = true;
  choice.setAttribute("aria-invalid", "true");
  choice.focus();
  tell(`No other class is suggested for ${named(without)}: choose a class`, true);
  return true;
}

choice.addEventListener("change", () => choice.removeAttribute("aria-invalid"));
choice.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  mark("relabel", choice.value);
});

form.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("formaction") && selected().length) return; // a file, which the browser keeps
  event.preventDefault();
  const verdict = event.submitter?.value;
  if (verdict) mark(verdict, verdict === "relabel" ? choice.value : "");
  else tell("Select a picture first", true);
});

function act(key) {
  const button = form.querySelector(`button[data-key="${CSS.escape(key)}"]`);
  const option = form.querySelector(`option[data-key="${CSS.escape(key)}"]`);
  if (button?.hasAttribute("formaction")) button.click();
  else if (button) mark(button.value, button.value === "relabel" ? choice.value : "");
  else if (option) mark("relabel", option.value);
  else return false;
  return true;
}

addEventListener(
  "keydown",
  (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const here = focused();
    let done = false;
    if (here && /^(Arrow|Home$|End$)/.test(event.key)) done = move(event.key, here, event.shiftKey);
    else if (event.shiftKey) return;
    else if (event.key === "a") {
      for (const box of boxes) box.checked = true;
      tellSelected();
      done = true;
    } else if (event.key === "Escape" && band?.frame) {
      dropBand();
      done = true;
    } else if (event.key === "Escape" && selected().length) {
      for (const box of boxes) box.checked = false;
      tellSelected();
      done = true;
    } else if (event.key.length === 1) done = act(event.key);
    if (done) event.preventDefault();
  },
  true,
);

// As much of the window's foot as the bar covers: no picture that is gone to stays under it.
const bar = form.querySelector(".marking-tools");
new ResizeObserver(() => list.style.setProperty("--covered", `${bar.offsetHeight}px`)).observe(bar);

const turned = sessionStorage.getItem(TURNED);
sessionStorage.removeItem(TURNED);
if (turned) boxes.at(turned === "ArrowLeft" ? -1 : 0)?.focus();
