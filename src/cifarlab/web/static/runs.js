// Ticks in the table of runs: they are kept in the address, in every link to the table and in its filter.

const form = document.querySelector("form.selection");

function ticked() {
  const boxes = [...form.querySelectorAll('input[name="run"]')].filter((box) => box.checked || "elsewhere" in box.dataset);
  return [...new Set(boxes.map((box) => box.value))];
}

function withTicks(address, names) {
  const changed = new URL(address, location.href);
  changed.searchParams.delete("run");
  for (const name of names) changed.searchParams.append("run", name);
  return changed.pathname + changed.search;
}

function keep() {
  const names = ticked();
  history.replaceState(history.state, "", withTicks(location.href, names) + location.hash);
  const main = form.closest("main");
  if (main.dataset.live) main.dataset.live = withTicks(main.dataset.live, names);
  for (const link of main.querySelectorAll('a[href^="/runs?"], a[href="/runs"]')) link.setAttribute("href", withTicks(link.href, names));
  for (const filter of document.querySelectorAll("form[data-keeps-ticks]")) {
    for (const old of filter.querySelectorAll('input[type="hidden"][name="run"]')) old.remove();
    for (const name of names) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "run", value: name });
      filter.append(field);
    }
  }
  mark();
}

// The box of a group of seeds stands for all of them.
function mark() {
  for (const all of form.querySelectorAll("input[data-all]")) {
    const boxes = [...all.closest("tr").querySelectorAll('input[name="run"]')];
    all.hidden = false;
    all.checked = boxes.every((box) => box.checked);
    all.indeterminate = !all.checked && boxes.some((box) => box.checked);
  }
}

if (form) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      for (const box of event.target.closest("tr").querySelectorAll('input[name="run"]')) box.checked = event.target.checked;
      form.dispatchEvent(new Event("change")); // who counts the ticks counts them again
      return;
    }
    keep();
  });
  form.elements.tags.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the form's first button compares
    form.querySelector('[formaction*="/selection/tag"]').click();
  });
  addEventListener("pageshow", keep); // a browser that goes back brings ticks along
  keep();
}
