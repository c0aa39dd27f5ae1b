// Drop, paste, preview, and answers without leaving the page; without this script the form is sent as any other.

const form = document.querySelector("#ask");
const drop = document.querySelector("#drop");
const picture = document.querySelector("#picture");
const photograph = document.querySelector("#photograph");
const preview = document.querySelector("#preview");
const hint = document.querySelector("#hint");
const answer = document.querySelector("#answer");
const told = document.querySelector("#told");
const most = Number(form.dataset.most);
const megabytes = Number(form.dataset.megabytes);
let again = 0;
let current = null;

document.documentElement.classList.add("scripted");

function chosen() {
  return picture.files[0] ?? photograph.files[0] ?? null;
}

function show(file) {
  preview.hidden = true;
  hint.textContent = file.name;
  submit();
}

// The server's small square: a picture may be few bytes and yet unfold to more pixels than a browser can bear.
function showSquare(found) {
  const square = found.querySelector(".given img");
  preview.hidden = !square;
  if (square) preview.src = square.src;
}

function take(files) {
  const file = [...files].find((each) => each.type.startsWith("image/")) ?? files[0];
  const transfer = new DataTransfer();
  transfer.items.add(file);
  picture.files = transfer.files;
  photograph.value = "";
  show(file);
}

// What is chosen stands in the address; the picture does not.
function remember() {
  const query = new URLSearchParams();
  for (const box of form.querySelectorAll("input[type=checkbox]:checked")) query.append(box.name, box.value);
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  const boxes = [...form.querySelectorAll("input[name=model]")];
  const full = boxes.filter((box) => box.checked).length >= most;
  for (const box of boxes) box.disabled = full && !box.checked;
}

async function submit() {
  clearTimeout(again);
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  const data = new FormData(form);
  data.delete("picture");
  if (chosen()) data.append("picture", chosen());
  if (chosen()?.size >= megabytes * 2 ** 20) {
    warn(`The picture has more than ${megabytes} MB: make it smaller.`); // else the server would hang up while it is sent
    return;
  }
  answer.setAttribute("aria-busy", "true");
  told.textContent = "Asking the models…";
  try {
    const response = await fetch(form.action, { method: "POST", body: data, signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector("#answer");
    if (found) {
      showSquare(found);
      answer.replaceChildren(...found.childNodes);
      if (found.dataset.again) again = setTimeout(submit, Number(found.dataset.again));
    } else {
      warn(page.querySelector("[role=alert]")?.textContent ?? `That did not work: the server answered ${response.status}.`);
    }
  } catch (error) {
    if (error.name === "AbortError") return; // another question was asked meanwhile
    warn("The server cannot be reached: is it still running?");
  }
  answer.removeAttribute("aria-busy");
  told.textContent = summarise();
}

function warn(message) {
  answer.removeAttribute("aria-busy");
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.setAttribute("role", "alert");
  notice.textContent = message;
  answer.replaceChildren(notice);
}

// For those who listen: one sentence a model.
function summarise() {
  const cards = [...answer.querySelectorAll(".answer")];
  return cards
    .map((card) => `${card.querySelector("h3").textContent}: ${card.querySelector(".first").textContent.trim()}.`)
    .join(" ");
}

picture.addEventListener("change", () => {
  photograph.value = "";
  if (picture.files[0]) show(picture.files[0]);
});
photograph.addEventListener("change", () => {
  picture.value = "";
  if (photograph.files[0]) show(photograph.files[0]);
});
form.addEventListener("change", (event) => {
  if (event.target.type !== "checkbox") return;
  remember();
  if (chosen()) submit();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
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
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  take(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (!event.clipboardData?.files.length) return;
  event.preventDefault();
  take(event.clipboardData.files);
});
remember();
