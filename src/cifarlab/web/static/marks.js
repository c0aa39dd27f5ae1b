// Marking labels with the mouse and by keys; the form works without. Every mark is sent at once, in its order.

const form = document.querySelector("[data-marking]");
const boxes = [...form.querySelectorAll('input[name="image"]')];
const choice = form.elements.namedItem("new");
const said = form.querySelector("[data-said]");
let anchor = null; // where a range begins
let shift = false; // whether the last click held Shift
const TURNS = { ArrowLeft: "prev", ArrowRight: "next" };
let queue = Promise.resolve();
let waiting = 0; // marks in it
let acts = 0; // how often something was marked, selected or gone to
let current = null; // the picture that last had the focus

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

form.addEventListener("focusin", ({ target }) => {
  if (!boxes.includes(target)) return;
  if (current) item(current).classList.remove("here");
  current = target;
  item(current).classList.add("here");
});

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
    document.querySelector(`.pager a[rel="${TURNS[key]}"]`)?.focus(); // Enter then turns the page, no arrow key does
    return;
  }
  goTo(to);
  if (extends_) {
    anchor ??= from;
    selectRange(anchor, to);
    tellSelected();
  } else anchor = to;
  acts += 1;
}

function goTo(box) {
  box.focus();
  item(box).scrollIntoView({ block: "nearest" }); // above the bar: see --covered
}

// Left and right go, where no picture has the focus, back to the one that had it; a link to a page waits for Enter.
function arrow(event, here) {
  const to = current ?? boxes[0]; // none where the filter leaves no picture
  if (here) move(event.key, here, event.shiftKey);
  else if (to && !event.target.closest(`.pager a[rel="${TURNS[event.key]}"]`)) goTo(to);
}

const named = (boxes) => (boxes.length === 1 ? item(boxes[0]).dataset.image : `${boxes.length} pictures`);

function show(asked, marks) {
  for (const box of asked) {
    item(box).querySelector(".mark").textContent = marks[item(box).dataset.image];
    item(box).querySelector(".unkept")?.remove();
  }
}

async function send(entry, verdict, className, act) {
  if (entry.refused) return; // a mark that was not kept is not taken back either
  const { asked } = entry;
  const before = verdict === "undo" ? entry.before ?? "" : "";
  const fields = { verdict, new: className, before };
  const body = new URLSearchParams([...Object.entries(fields), ...asked.map((box) => ["image", box.value])]);
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const found = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(found.detail ?? `that did not work (${response.status})`);
    if (verdict !== "undo") entry.before = found.before;
    show(asked, found.marks);
    count(found);
    const words = found.marks[item(asked[0]).dataset.image] || "no mark";
    tell(`${named(asked)}: ${verdict !== "undo" ? words : asked.length === 1 ? `back to ${words}` : "taken back"}`);
  } catch (error) {
    putBack(entry, verdict, act);
    tell(`Not kept: ${error instanceof TypeError ? "the server cannot be reached" : error.message}`, true);
  }
}

// What is told above the gallery.
const next = document.querySelector('.pager a[rel="next"]');
const following = next?.href;
function count(found) {
  const here = boxes.filter((box) => item(box).querySelector(".mark").textContent).length;
  document.querySelector("[data-on-page]").textContent = `${here} of ${list.children.length} marked on this page`;
  document.querySelector("[data-marked]").textContent = found.summary;
  document.querySelector("[data-splits]").textContent = found.splits;
  for (const part of document.querySelectorAll("[data-serve]")) part.hidden = !found.serve.includes(part.dataset.serve);
  // Of unmarked pictures, those of the next page move up into this one.
  if (next && new URLSearchParams(location.search).get("marks") === "unmarked") next.href = here ? location.href : following;
}

// What was refused says so on its picture. Several are selected again as long as nothing else has been done since: else
// the next key would speak of pictures that its visitor has left behind. One alone has the focus, which is enough.
function putBack(entry, verdict, act) {
  const { asked } = entry;
  entry.refused = verdict !== "undo";
  const place = marked.indexOf(entry);
  if (!entry.refused) marked.push(entry);
  else if (place >= 0) marked.splice(place, 1);
  for (const box of asked) {
    if (item(box).querySelector(".unkept")) continue;
    const words = item(box).querySelector("label").appendChild(document.createElement("span"));
    words.className = "unkept";
    words.textContent = "not kept";
  }
  if (act !== acts) return;
  for (const box of asked) box.checked = asked.length > 1;
  asked[0].focus();
}

// What is said goes to all that are selected, or to the picture in focus; then the next one has the focus. Undo, as long
// as the focus stays there, brings back what counted before the last mark, and the focus goes back to its pictures.
const marked = []; // the pictures of each mark on this page, the last behind, and after how many of the file's lines
let left = null; // where the last mark left the focus

function addressed(verdict) {
  const chosen = selected();
  if (chosen.length) return { asked: chosen };
  const here = focused() ?? (bar.contains(document.activeElement) ? current : null);
  if (verdict === "undo" && marked.length && (!here || here === left)) return marked.pop();
  return { asked: here ? [here] : [] };
}

function mark(verdict, className = "") {
  const entry = addressed(verdict);
  const { asked } = entry;
  if (!asked.length) {
    tell("Select a picture first", true);
    return;
  }
  if (verdict === "relabel" && !className && lacksClass(asked)) return;
  choice.removeAttribute("aria-invalid");
  for (const box of selected()) box.checked = false;
  if (verdict === "undo") asked[0].focus();
  else {
    marked.push(entry);
    goTo(boxes[boxes.indexOf(asked.at(-1)) + 1] ?? asked.at(-1));
  }
  left = anchor = focused() ?? null;
  const act = (acts += 1);
  waiting += 1;
  queue = queue.then(() => send(entry, verdict, className, act)).then(() => (waiting -= 1));
}

// Who goes elsewhere waits for the answers: a mark that was under way would be lost, and one that was refused never seen.
addEventListener(
  "click",
  (event) => {
    const link = event.target.closest("a[href]:not([download])");
    if (!link || !waiting || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    queue.then(() => said.classList.contains("failed") || location.assign(link.href));
  },
  true,
);

addEventListener(
  "submit",
  (event) => {
    if (event.target === form || !waiting) return;
    event.preventDefault();
    const { target, submitter } = event;
    queue.then(() => said.classList.contains("failed") || target.requestSubmit(submitter));
  },
  true,
);
addEventListener("beforeunload", (event) => {
  if (waiting) event.preventDefault();
});

// Where no other class is suggested one must be chosen: selection and focus stay as they are, for a class's key.
function lacksClass(asked) {
  const without = asked.filter((box) => !item(box).querySelector(".said"));
  if (!without.length) return false;
  choice.setAttribute("aria-invalid", "true");
  tell(`No other class is suggested for ${named(without)}: ${classKeys ? `press ${classKeys} for the class, or ` : ""}choose a class`, true);
  return true;
}

const keyed = [...choice.querySelectorAll("option[data-key]")].map((option) => option.dataset.key);
const classKeys = matchMedia("(pointer: coarse), (max-width: 40rem)").matches ? "" : keyed.length > 1 ? `${keyed[0]} to ${keyed.at(-1)}` : keyed.join();

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
    const leaves = event.key === "Escape" && event.target === choice;
    if (event.target.closest("input:not([type=checkbox]), select, textarea") && !leaves) return;
    const here = focused();
    let done = false;
    if (here ? /^(Arrow|Home$|End$)/.test(event.key) : event.key in TURNS && !event.shiftKey) {
      arrow(event, here);
      done = true;
    } else if (event.shiftKey) return;
    else if (event.key === "Enter" && here) {
      item(here).querySelector(".open").click();
      done = true;
    } else if (event.key === "a") {
      for (const box of boxes) box.checked = true;
      tellSelected();
      done = true;
    } else if (event.key === "Escape" && band?.frame) {
      dropBand();
      done = true;
    } else if (event.key === "Escape") {
      for (const box of boxes) box.checked = false;
      tellSelected();
      choice.removeAttribute("aria-invalid");
      if (current) goTo(current);
      done = true;
    } else if (event.key.length === 1) done = act(event.key);
    if (done) event.preventDefault();
  },
  true,
);

// As much of the window's foot as the bar covers: no picture that is gone to stays under it.
const bar = form.querySelector(".marking-tools");
new ResizeObserver(() => list.style.setProperty("--covered", `${bar.offsetHeight}px`)).observe(bar);

// The page gives the focus to the first picture without a mark, maybe before this script listens.
if (focused()) focused().dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
