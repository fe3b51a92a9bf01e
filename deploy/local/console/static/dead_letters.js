// Dead letters: mark some, a group, or none, and send them again.

import { act } from "./console.js";

const marks = [...document.querySelectorAll("[data-sequence]")];
const marked = document.getElementById("redrive-marked");
const overwrite = () => document.getElementById("overwrite").checked;

function count() {
  const number = marks.filter((each) => each.checked).length;
  marked.disabled = !number;
  marked.textContent = number ? `Send ${number} marked again` : "Send the marked again";
}

async function send(content) {
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  await act("/dead-letters/redrive", { overwrite: overwrite(), ...content });
  for (const button of document.querySelectorAll("button")) button.disabled = false;
  count();
}

for (const each of marks) each.addEventListener("change", count);
for (const group of document.querySelectorAll("[data-group]")) {
  group.addEventListener("change", () => {
    for (const each of group.closest("section").querySelectorAll("[data-sequence]")) each.checked = group.checked;
    count();
  });
}
marked?.addEventListener("click", () => send({ sequences: marks.filter((each) => each.checked).map((each) => Number(each.dataset.sequence)) }));
document.getElementById("redrive-all")?.addEventListener("click", () => send({ all: true }));
for (const each of document.querySelectorAll("[data-redrive]")) {
  each.addEventListener("click", () => send({ sequences: [Number(each.dataset.redrive)] }));
}
