// Drop, paste, folders, and answers without leaving the page; without this script the form is sent as any other.

const form = document.querySelector("#ask");
const drop = document.querySelector("#drop");
const inputs = ["#picture", "#folder", "#photograph"].map((name) => document.querySelector(name));
const preview = document.querySelector("#preview");
const hint = document.querySelector("#hint");
const answer = document.querySelector("#answer");
const told = document.querySelector("#told");
const find = document.querySelector("#find");
const send = document.querySelector("#send");
const waiting = document.querySelector("#waiting");
const mostModels = Number(form.dataset.most);
const mostFiles = Number(form.dataset.files); // in one table
const mostPictures = Number(form.dataset.pictures); // in one request, as the server has it
const mostBytes = Number(form.dataset.megabytes) * 2 ** 20;
let again = 0;
let current = null;
let chosen = []; // [file, name] of each picture

document.documentElement.classList.add("scripted");

const isPicture = (file) => file.type.startsWith("image/") || /\.(avif|bmp|gif|hei[cf]|jpe?g|p[gnp]m|png|tiff?|webp)$/i.test(file.name);

// Of a folder, the pictures in it; what was chosen by itself is asked about whatever it is.
function take(files, isFolder = false) {
  const pictures = isFolder ? files.filter(([file, name]) => isPicture(file) && !/(^|\/)\./.test(name)) : files;
  if (isFolder) pictures.sort(([, one], [, other]) => one.localeCompare(other, "en", { numeric: true }));
  chosen = pictures.slice(0, mostFiles);
  preview.hidden = true;
  const left = [
    pictures.length > chosen.length ? `the first ${mostFiles.toLocaleString("en")} of ${pictures.length.toLocaleString("en")}` : "",
    files.length > pictures.length ? `${(files.length - pictures.length).toLocaleString("en")} other files left out` : "",
  ].filter(Boolean);
  const count = chosen.length === 1 ? chosen[0][1] : `${chosen.length.toLocaleString("en")} pictures`;
  hint.textContent = [count, ...left].join(", ");
  if (chosen.length) submit().then(showAnswer);
  else warn("There is no picture in that folder.");
}

// On a small screen the answer comes where nobody looks.
function showAnswer() {
  if (answer.childElementCount && answer.getBoundingClientRect().top > innerHeight - 80) answer.scrollIntoView({ block: "start" });
}

// The server's small square: a picture may be few bytes and yet unfold to more pixels than a browser can bear.
function showSquare() {
  const square = answer.querySelector(".given img");
  preview.hidden = !square;
  if (square) preview.src = square.src;
}

// Which models are chosen stands in the address; the pictures do not.
function remember() {
  const query = new URLSearchParams();
  for (const box of form.querySelectorAll("input[type=checkbox]:checked")) query.append(box.name, box.value);
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  const boxes = [...form.querySelectorAll("input[name=model]")];
  const full = boxes.filter((box) => box.checked).length >= mostModels;
  for (const box of boxes) box.disabled = full && !box.checked;
}

// Requests of as many pictures as the server takes at once; a tenth is left for what stands around them.
function split(files) {
  const parts = [];
  let bytes = Infinity;
  for (const each of files) {
    bytes += each[0].size;
    if (bytes > 0.9 * mostBytes || parts.at(-1).length >= mostPictures) {
      parts.push([]);
      bytes = each[0].size;
    }
    parts.at(-1).push(each);
  }
  return parts;
}

// One request, asked again for as long as the server is busy.
async function ask(files, isTable, signal) {
  const data = new FormData(form);
  data.delete("picture");
  for (const [file, name] of files) data.append("picture", file, name);
  if (isTable) data.append("table", "1");
  for (;;) {
    const response = await fetch(form.action, { method: "POST", body: data, signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector("#answer");
    if (!found) throw new Error(page.querySelector("[role=alert]")?.textContent ?? `That did not work: the server answered ${response.status}.`);
    if (response.status !== 503) return found;
    if (!answer.querySelector("#lines")) answer.replaceChildren(...found.childNodes);
    await new Promise((resolve) => (again = setTimeout(resolve, Number(found.dataset.again))));
  }
}

// That something is computed is told to who listens, and shown at the window's foot and on the button, which keeps the focus.
function wait(words, done = 0, all = 0) {
  told.textContent = words;
  waiting.hidden = false;
  waiting.querySelector("span").textContent = words;
  const bar = waiting.querySelector("progress");
  if (done) [bar.max, bar.value] = [all, done];
  else bar.removeAttribute("value");
  send.setAttribute("aria-disabled", "true");
  send.textContent = "Classifying…";
}

function stopWaiting() {
  answer.removeAttribute("aria-busy");
  waiting.hidden = true;
  send.removeAttribute("aria-disabled");
  send.textContent = "Classify";
}

async function submit() {
  clearTimeout(again);
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  const large = chosen.filter(([file]) => file.size >= mostBytes); // the server would hang up while it is sent
  const files = chosen.filter((each) => !large.includes(each));
  const isTable = chosen.length > 1;
  if (!files.length && chosen.length) {
    warn(`${isTable ? "Each picture" : "The picture"} has more than ${form.dataset.megabytes} MB: make it smaller.`);
    return;
  }
  answer.setAttribute("aria-busy", "true");
  const models = form.querySelectorAll("input[name=model]:checked").length;
  wait(models > 1 ? "Asking the models…" : "Asking the model…");
  let done = 0;
  try {
    for (const part of files.length ? split(files) : [[]]) {
      const found = await ask(part, isTable, signal);
      const hasLines = found.querySelector("#lines");
      if (done && hasLines) addLines(found);
      else if (done) addNotice(sayUnanswered(files.length - done, found.querySelector("[role=alert]")?.textContent.trim()));
      else answer.replaceChildren(...found.childNodes);
      if (found.dataset.again) again = setTimeout(submit, Number(found.dataset.again));
      if (!hasLines) break;
      done += part.length;
      if (done < files.length) wait(say(`${done} of ${files.length} pictures`), done, files.length);
    }
    showSquare();
    if (large.length) addNotice(`Left out, as they have more than ${form.dataset.megabytes} MB: ${large.map(([, name]) => name).join(", ")}.`);
  } catch (error) {
    if (error.name === "AbortError") return; // another question was asked meanwhile
    const why = error instanceof TypeError ? "The server cannot be reached: is it still running?" : error.message;
    if (!done) return warn(why);
    addNotice(sayUnanswered(files.length - done, why));
  }
  stopWaiting();
  told.textContent = summarise();
}

const sayUnanswered = (count, why) => `The last ${count === 1 ? "picture has" : `${count.toLocaleString("en")} pictures have`} no answer: ${why}`;

function say(words) {
  const count = document.querySelector("#count");
  if (count) count.textContent = words;
  return words;
}

// The next pictures come below the last, in the table and in its file.
function addLines(found) {
  document.querySelector("#lines").append(...found.querySelector("#lines").childNodes);
  const csv = document.querySelector("#csv");
  const [head, first] = csv.href.split(",");
  const next = atob(found.querySelector("#csv").href.split(",")[1]);
  csv.href = `${head},${btoa(atob(first) + next.slice(next.indexOf("\n") + 1))}`;
  const heads = [...answer.querySelectorAll(".predicted thead .run")];
  [...found.querySelectorAll(".predicted thead .run")].forEach((head, place) => {
    const words = head.querySelector(".doubtful");
    if (words && !heads[place].querySelector(".doubtful")) heads[place].append(words);
  });
  say(`${document.querySelectorAll("#lines tr").length.toLocaleString("en")} pictures`);
}

function warn(message) {
  stopWaiting();
  answer.replaceChildren();
  addNotice(message);
}

function addNotice(message) {
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.setAttribute("role", "alert");
  notice.textContent = message;
  answer.prepend(notice);
}

// For those who listen: one sentence a model, or how many there are.
function summarise() {
  const cards = [...answer.querySelectorAll(".answer")].filter((card) => card.querySelector(".first"));
  const words = cards.map((card) => `${card.querySelector("h3").textContent}: ${card.querySelector(".first").textContent.trim()}.`);
  return document.querySelector("#count")?.textContent ?? words.join(" ");
}

for (const input of inputs) {
  input.addEventListener("change", () => {
    for (const other of inputs) if (other !== input) other.value = "";
    if (input.files.length) take([...input.files].map((file) => [file, file.webkitRelativePath || file.name]), input.webkitdirectory);
  });
}
form.addEventListener("change", (event) => {
  if (event.target.type !== "checkbox") return;
  remember();
  if (chosen.length) submit();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!send.hasAttribute("aria-disabled")) submit();
});

// Models are found by typing; Enter chooses the first that is left.
find?.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/);
  const choices = [...document.querySelectorAll("#offered .choice")];
  for (const choice of choices) choice.hidden = !words.every((word) => choice.textContent.toLowerCase().includes(word));
  document.querySelector("#unfound").hidden = choices.some((choice) => !choice.hidden);
});
find?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  document.querySelector("#offered .choice:not([hidden]) input:enabled")?.click();
});

// The files of what is dropped, those inside of folders too, each with its path.
async function unfold(entry, found) {
  if (found.length > 20 * mostFiles) return; // somebody's whole disk
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) found.push([file, entry.fullPath.replace(/^\//, "")]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([]))); // a hundred at a time
    if (!entries.length) return;
    for (const each of entries) await unfold(each, found);
  }
}

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});

async function receive(event, transfer) {
  if (!transfer?.files.length) return;
  event.preventDefault();
  for (const input of inputs) input.value = "";
  const plain = [...transfer.files].map((file) => [file, file.name]);
  // Entries are gone once this turn of the event loop is over.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) {
    take(plain);
    return;
  }
  const found = [];
  for (const entry of entries) await unfold(entry, found);
  take(found, true);
}
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  receive(event, event.dataTransfer);
});
document.addEventListener("paste", (event) => receive(event, event.clipboardData));
remember();
