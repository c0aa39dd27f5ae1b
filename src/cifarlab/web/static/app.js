// Small helpers; every page works without them.

const POLL_MILLISECONDS = 2000;

// Arrow keys follow the links to the image or page before and after; where they mean something themselves, they keep it.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, .scroll, pre")) return;
  document.querySelector(`a[data-key="${event.key}"]`)?.click();
});

// A confusion matrix is one stop of the Tab key: arrow keys go from cell to cell, Home and End to a row's ends.
const matrix = document.querySelector("table.confusion");
if (matrix) {
  const cells = [...matrix.querySelectorAll("td a")];
  const place = (cell) => [cell.closest("tr").rowIndex, cell.closest("td").cellIndex];
  const stop = (cell) => cells.forEach((each) => (each.tabIndex = each === cell ? 0 : -1));
  stop(cells[0]);
  matrix.addEventListener("focusin", (event) => event.target.matches("td a") && stop(event.target));
  matrix.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !event.target.matches("td a")) return;
    const [row, column] = place(event.target);
    const inRow = cells.filter((cell) => place(cell)[0] === row);
    const inColumn = cells.filter((cell) => place(cell)[1] === column);
    const beside = (line, step) => line[line.indexOf(event.target) + step]; // empty cells are passed over
    const to = {
      ArrowLeft: () => beside(inRow, -1), ArrowRight: () => beside(inRow, 1), Home: () => inRow[0], End: () => inRow.at(-1),
      ArrowUp: () => beside(inColumn, -1), ArrowDown: () => beside(inColumn, 1),
    }[event.key];
    if (!to) return;
    event.preventDefault();
    to()?.focus();
  });
}

// Forms that only ask leave no empty words in the address.
for (const form of document.querySelectorAll('form[method="get"]')) {
  form.addEventListener("submit", () => {
    const empty = [...form.elements].filter((field) => field.name && field.value === "");
    for (const field of empty) field.disabled = true;
    // The browser has read the form by then; whoever comes back can fill it in again.
    setTimeout(() => empty.forEach((field) => (field.disabled = false)));
  });
}

// Runs can be compared once two are ticked, and tagged or deleted once one is.
const selection = document.querySelector("form.selection");
function countSelected() {
  // A group's own box stands for those of its runs; ticks of other pages of the list are hidden fields.
  const count = selection.querySelectorAll('input[name="run"]:checked, input[data-elsewhere]').length;
  for (const button of selection.querySelectorAll("[data-needs]")) button.disabled = count < Number(button.dataset.needs);
  selection.querySelector("[data-selected]").textContent = count ? `${count} selected` : "";
}
if (selection) {
  selection.addEventListener("change", countSelected);
  addEventListener("pageshow", countSelected);
  countSelected();
}

// Times are written in UTC; whoever reads them here has a zone.
let moment, zone; // made where a time is: it takes longer than all else here
function localise(content) {
  for (const time of content.querySelectorAll("time[datetime]")) {
    moment ??= new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" }); // 2026-11-30 12:04
    zone ??= new Intl.DateTimeFormat("en", { timeZoneName: "short" });
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    time.title = time.textContent;
    time.textContent = `${moment.format(when)} ${zone.formatToParts(when).find((part) => part.type === "timeZoneName").value}`;
  }
  return content;
}
localise(document);

function parse(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return localise(template.content);
}

async function ask(address, tag) {
  const response = await fetch(address, { headers: { Accept: "text/html", ...(tag ? { "If-None-Match": tag } : {}) } });
  if (response.status === 304) return null;
  return { ok: response.ok, status: response.status, tag: response.headers.get("ETag"), content: parse(await response.text()) };
}

// Make `old` what `found` is and touch nothing that is the same: focus, scrolling and open details stay where they are.
function patch(old, found) {
  let there = served(old.firstChild);
  for (const node of [...found.childNodes]) {
    const known = node.id && [...old.children].find((child) => child.id === node.id);
    // What came in between is gone from the page.
    while (known && there && there !== known) there = removed(there);
    if (!there || (isBlank(node) && !isBlank(there))) old.insertBefore(node, there);
    else {
      if (isBlank(there) && !isBlank(node)) there = removed(there);
      const next = served(there?.nextSibling ?? null);
      if (!there) old.append(node);
      else if (there.nodeName !== node.nodeName || there.nodeType !== Node.ELEMENT_NODE || there.id !== node.id) {
        if (!there.isEqualNode(node)) there.replaceWith(node);
      } else if (!there.isEqualNode(node)) patchElement(there, node);
      there = next;
    }
  }
  while (there) there = removed(there);
}

// The next that came from the server: curves that can be touched are a script's own.
function served(node) {
  return node?.nodeType === Node.ELEMENT_NODE && node.matches(".curves") ? served(node.nextSibling) : node;
}

function removed(node) {
  const next = served(node.nextSibling);
  node.remove();
  return next;
}

function isBlank(node) {
  return node.nodeType === Node.TEXT_NODE && !node.data.trim();
}

function patchElement(old, found) {
  const own = old.matches(".touched") ? ["open", "class"] : ["open"];
  for (const { name } of [...old.attributes]) if (!found.hasAttribute(name) && !own.includes(name)) old.removeAttribute(name);
  for (const { name, value } of found.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  patch(old, found);
}

// What changes while something is trained is asked for again, and put in place of what was there.
function follow(region, replace) {
  let tag = null;
  const turn = async () => {
    if (!document.hidden) {
      try {
        const found = await ask(region.dataset.live, tag);
        if (found?.ok) {
          tag = found.tag;
          if (!replace(found.content)) return;
        }
      } catch {
        // The server may be gone for a moment: it is asked again.
      }
    }
    setTimeout(turn, POLL_MILLISECONDS);
  };
  setTimeout(turn, POLL_MILLISECONDS);
}

const table = document.querySelector("main[data-live]:not([data-live=''])");
if (table) {
  follow(table, (content) => {
    const live = content.querySelector(".chip.running, .job");
    for (const id of ["waiting", "table"]) {
      const place = document.getElementById(id);
      const found = content.querySelector(`#${id}`);
      if (place && found) patch(place, found); // ticks are no attributes: they stay
    }
    if (selection) countSelected();
    else if (content.querySelector("#table input")) return renew(location.pathname);
    return Boolean(live);
  });
}

const live = document.getElementById("live");
if (live?.dataset.live) {
  follow(live, (content) => {
    if (!content.querySelector(".chip.running") && !hasTyped()) return renew(live.dataset.live.replace(/\/live$/, ""));
    patch(live, content);
    for (const section of live.querySelectorAll("section[data-curves]")) dispatchEvent(new CustomEvent("curves:again", { detail: section }));
    return true;
  });
}

// What has no folder yet: its page changes in place until it is another one.
const starting = document.querySelector("[data-starting]:not([data-starting=''])");
if (starting) {
  starting.dataset.live = starting.dataset.starting;
  follow(starting, (content) => {
    const found = content.querySelector("[data-starting]:not([data-starting=''])");
    if (!found) return renew(starting.dataset.starting);
    patch(starting, found);
    return true;
  });
}

// What was typed and not saved yet would be lost with the page.
function hasTyped() {
  if (document.querySelector("#notes #refused")) return true; // a refused form's words are its page's own
  return [...document.querySelectorAll("main input[name], main textarea")].some((field) => field.value !== field.defaultValue);
}

// Another page at the same address, with the focus where it was: on the same button, link or field, or on the content.
const FOCUS = "cifarlab-focus";
function renew(path) {
  const held = document.activeElement;
  if (held && held !== document.body) sessionStorage.setItem(FOCUS, JSON.stringify([path, nameOf(held)]));
  if (location.pathname === path) location.reload();
  else location.replace(path); // it was a refused form's, which a reload would send again
  return false;
}
function nameOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const form = element.closest("form")?.getAttribute("action");
  if (form && element.name) return `form[action="${CSS.escape(form)}"] [name="${CSS.escape(element.name)}"]`;
  if (form) return `form[action="${CSS.escape(form)}"] button`;
  return element.matches("a[href]") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : "#content";
}
function findFocus() {
  const [path, name] = JSON.parse(sessionStorage.getItem(FOCUS) ?? "[]");
  sessionStorage.removeItem(FOCUS);
  if (path !== location.pathname || document.querySelector("[autofocus]")) return;
  (document.querySelector(name) ?? document.getElementById("content")).focus({ preventScroll: true });
}
findFocus();

// What is to be said of a training's settings changes with them.
const training = document.querySelector("form.training:has(#hints)");
let latest;
training?.addEventListener("change", async () => {
  const address = (latest = `/trainings/new?${new URLSearchParams(new FormData(training))}`);
  try {
    const said = (await ask(address)).content.querySelector("#hints");
    if (said && address === latest) patch(document.getElementById("hints"), said); // answers may overtake each other
  } catch {
    // Whoever starts the training is told what is wrong.
  }
});

// Figures that were not drawn yet come one after the other: the server draws one at a time.
async function fill() {
  for (const section of document.querySelectorAll("[data-lazy]")) {
    const note = section.querySelector(".asking");
    try {
      const found = await ask(section.dataset.lazy);
      if (found.status === 204) section.remove();
      else if (found.ok) note.replaceWith(found.content);
      else note.textContent = found.content.querySelector(".notice")?.textContent ?? `That did not work (${found.status}).`;
    } catch {
      note.textContent = "The server cannot be reached.";
    }
    section.removeAttribute("data-lazy");
  }
}
fill();

// Networks are asked in place: the page need not be left.
const story = document.querySelector("[data-story]");
story?.querySelector("[data-ask]")?.addEventListener("click", async (event) => {
  event.preventDefault();
  const asked = event.target.href;
  const note = document.createElement("p");
  note.className = "asking";
  note.setAttribute("role", "status");
  note.textContent = "Asking the networks…";
  event.target.replaceWith(note);
  try {
    const found = await ask(story.dataset.story);
    if (found.ok) {
      story.replaceChildren(found.content);
      history.replaceState(null, "", asked); // so that it can be bookmarked, and is there again after a reload
    } else note.textContent = found.content.querySelector(".notice")?.textContent ?? `That did not work (${found.status}).`;
  } catch {
    note.textContent = "The server cannot be reached.";
  }
});
