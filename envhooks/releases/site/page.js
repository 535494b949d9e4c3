"use strict";
// The page is whole without this: it adds search, filters, copying and the difference of two releases.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const releases = [...document.querySelectorAll(".release")];
  const sections = [...document.querySelectorAll("section.line")];
  const said = document.getElementById("said");
  const search = document.getElementById("search");
  const line = document.getElementById("line");
  const stages = [...document.querySelectorAll("input[name=stage]")];
  document.querySelectorAll("[data-script]").forEach((one) => { one.hidden = false; });

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(stages.filter((one) => one.checked).map((one) => one.value));
    let count = 0;
    for (const one of releases) {
      const text = one.dataset.text;
      const fits = (!line.value || one.dataset.line === line.value)
        && (wanted.has(one.dataset.stage) || !one.dataset.stage)
        && words.every((word) => text.includes(word));
      one.hidden = !fits;
      if (fits) count += 1;
    }
    for (const one of sections) one.hidden = !one.querySelector(".release:not([hidden])");
    said.textContent = `${count} of ${releases.length} releases`;
  };
  search.addEventListener("input", show);
  line.addEventListener("change", show);
  stages.forEach((one) => one.addEventListener("change", show));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const text = button.previousElementSibling.textContent;
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      said.textContent = "selected: copy it with the keyboard";
    }
  });

  const one = document.getElementById("one");
  const other = document.getElementById("other");
  const result = document.getElementById("difference");
  const cell = (row, kind, text) => {
    const made = document.createElement(kind);
    made.textContent = text;
    row.append(made);
    return made;
  };
  const compare = () => {
    result.replaceChildren();
    if (!one.value || !other.value) return;
    // a package may be called `constructor`, which every object has of its own
    const [a, b] = [one, other].map((chosen) => new Map(Object.entries(data[chosen.value].facts)));
    const unknown = [one, other].find((chosen) => !Object.keys(data[chosen.value].facts).length);
    if (unknown) {
      result.textContent = `Cannot tell: the environment of ${unknown.value} is not known.`;
      return;
    }
    // what the files of one do not name may be there all the same where a part of them could not be read
    const said = (facts, chosen, name) => facts.get(name) || (data[chosen.value].open ? "not known" : "-");
    const rows = [];
    for (const name of new Set([...a.keys(), ...b.keys()])) {
      if ((a.get(name) || "") !== (b.get(name) || "")) rows.push([name, said(a, one, name), said(b, other, name)]);
    }
    if (!rows.length) {
      result.textContent = "The same environment, as far as the files say.";
      return;
    }
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    cell(head, "td", "");
    for (const text of [one.value, other.value]) cell(head, "th", text).scope = "col";
    const body = table.createTBody();
    for (const row of rows) {
      const made = body.insertRow();
      cell(made, "th", row[0]).scope = "row";
      cell(made, "td", row[1]);
      cell(made, "td", row[2]);
    }
    result.append(table);
  };
  one.addEventListener("change", compare);
  other.addEventListener("change", compare);

  const open = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* a stray % of somebody's link */ }
    const found = document.getElementById(id);
    if (found && found.matches("details")) {
      found.open = true;
      found.hidden = false;
      found.scrollIntoView();
      found.querySelector("summary").focus();
    }
  };
  addEventListener("hashchange", open);
  open();
})();
