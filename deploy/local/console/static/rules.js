// The rules table: line numbers, faults at their lines while typing, what it would change, and saving it.

import { fragment, latest, onNews, post } from "./console.js";

const AFTER = 100;
const table = document.getElementById("table");
const gutter = document.getElementById("gutter");
const findings = document.getElementById("findings");
const difference = document.getElementById("difference");
const save = document.getElementById("save");
const dirty = document.getElementById("dirty");
let saved = table.value;
let found = [];

function number() {
  const lines = table.value.split("\n").length;
  const marks = new Map(found.filter((each) => each.line).map((each) => [each.line, each]));
  gutter.replaceChildren(...Array.from({ length: lines }, (_, index) => {
    const line = document.createElement("div");
    const mark = marks.get(index + 1);
    line.textContent = index + 1;
    if (mark) { line.className = mark.kind; line.title = mark.message; }
    return line;
  }));
  gutter.scrollTop = table.scrollTop;
}

function goTo(line) {
  const lines = table.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  table.focus();
  table.setSelectionRange(start, start + (lines[line - 1] || "").length);
  const height = table.scrollHeight / Math.max(1, lines.length);
  table.scrollTop = Math.max(0, (line - 5) * height);
}

function showFindings(faults, warnings) {
  found = [...faults.map((each) => ({ ...each, kind: "fault" })), ...warnings.map((each) => ({ ...each, kind: "warning" }))];
  const rows = found.map((each) => {
    const row = document.createElement(each.line ? "button" : "p");
    row.className = `finding ${each.kind}`;
    const kind = document.createElement("b");
    kind.textContent = `${each.kind}${each.line ? `, line ${each.line}` : ""}`;
    row.append(kind, ` ${each.place}: ${each.message}`);
    if (each.line) { row.type = "button"; row.addEventListener("click", () => goTo(each.line)); }
    return row;
  });
  if (!rows.length) {
    const fine = document.createElement("p");
    fine.className = "dim";
    fine.textContent = "No fault and no warning.";
    rows.push(fine);
  }
  findings.replaceChildren(...rows);
  number();
}

const ask = latest();
let asked = new AbortController();
async function attempt() {
  const counts = ask();
  // The console need not begin with a draft that is none any more.
  asked.abort();
  asked = new AbortController();
  difference.classList.add("asking");
  try {
    const answer = await post("/rules/try", { text: table.value }, asked.signal);
    if (!counts()) return;
    showFindings(answer.faults, answer.warnings);
    difference.replaceChildren(fragment(answer.html));
    save.textContent = answer.faults.length ? "Save with faults" : "Save";
  } catch (problem) {
    if (counts()) findings.textContent = problem.message;
  }
  if (counts()) difference.classList.remove("asking");
}

// The first change is tried at once; those that come while the console still answers count as one.
let waiting;
function later() {
  clearTimeout(waiting);
  waiting = setTimeout(attempt, difference.classList.contains("asking") ? AFTER : 0);
}

function changed() {
  const is = table.value !== saved;
  save.disabled = !is;
  dirty.textContent = is ? "not saved" : "";
}

table.addEventListener("input", () => { number(); changed(); later(); });
table.addEventListener("scroll", () => { gutter.scrollTop = table.scrollTop; });
window.addEventListener("beforeunload", (event) => { if (table.value !== saved) event.preventDefault(); });

save.addEventListener("click", async () => {
  const text = table.value, said = document.getElementById("saved");
  save.disabled = true;
  said.textContent = "Saving …";
  try {
    const answer = await post("/rules/save", { text, digest: table.dataset.digest });
    table.dataset.digest = answer.digest;
    saved = text;
    said.textContent = answer.message;
    said.classList.toggle("fine", !answer.message.includes("refused"));
  } catch (problem) {
    said.textContent = problem.message;
    said.classList.remove("fine");
  }
  changed();
  later();
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save.click(); }
});

// New events count in the difference; a burst of them counts once.
let news;
onNews(() => { clearTimeout(news); news = setTimeout(attempt, 1000); });
number();
attempt();
