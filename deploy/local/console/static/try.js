// Trying: the last edit is kept in the browser; what is sent is shown in the list of events.

import { act, latest, onNews, post, tell } from "./console.js";

const KEY = "last-edit";
const event = document.getElementById("event");
const sample = document.getElementById("sample");
const kept = document.getElementById("kept");
const problem = document.getElementById("send-error");

const fill = latest();
async function load(path) {
  const counts = fill();
  const reply = await fetch(path).catch(() => null);
  const text = await reply?.text().catch(() => null);
  if (text == null || !counts()) return;
  if (reply.ok) event.value = text; else tell(text, true);
  keep();
}

function keep() {
  localStorage.setItem(KEY, event.value);
  kept.textContent = event.value ? "kept in this browser" : "";
}

// What a person writes is newer than a sample that is still on its way.
event.addEventListener("input", () => { fill(); keep(); });
sample.addEventListener("change", () => { if (sample.value) load(`/samples/${encodeURIComponent(sample.value)}`); });

async function send(straight) {
  problem.textContent = "";
  try {
    const images = document.getElementById("with-images").checked;
    const answer = await post("/send", { text: event.value, straight, images });
    sessionStorage.setItem("told", answer.message);
    location.assign(answer.go);
  } catch (fault) {
    problem.textContent = fault.message;
  }
}

document.getElementById("send").addEventListener("click", () => send(false));
document.getElementById("send-straight").addEventListener("click", () => send(true));
event.addEventListener("keydown", (pressed) => {
  if (pressed.key === "Enter" && (pressed.ctrlKey || pressed.metaKey)) send(false);
});
document.getElementById("new-id").addEventListener("click", () => {
  const id = crypto.randomUUID();
  event.value = /^\s*[{[]/.test(event.value)
    ? event.value.replace(/("id"\s*:\s*")[^"]*(")/, `$1${id}$2`)
    : event.value.replace(/^(ce-id:\s*).*$/im, `$1${id}`);
  keep();
});

const kind = document.getElementById("kind");
kind.addEventListener("change", () => { document.getElementById("source-line").hidden = kind.value !== "copy"; });
document.getElementById("create").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  act("/images/create", Object.fromEntries(new FormData(submitted.target)));
});

const look = latest();
async function showArmed() {
  const counts = look();
  const reply = await fetch("/faults").catch(() => null);
  const found = reply?.ok ? await reply.json().catch(() => null) : null;
  if (!found || !counts()) return;
  const shown = found.armed.map((each) => {
    const span = document.createElement("span");
    span.textContent = `${each.title}: ${each.applied} of ${each.times ?? "all"}`;
    return span;
  });
  if (!shown.length) {
    const none = document.createElement("span");
    none.className = "dim";
    none.textContent = "No fault is armed.";
    shown.push(none);
  }
  document.getElementById("armed").replaceChildren(...shown);
  document.querySelector("[data-fault=clear]").disabled = !found.armed.length;
}

for (const button of document.querySelectorAll("[data-fault]")) {
  button.addEventListener("click", async () => {
    await act(`/faults/${button.dataset.fault}`, { times: Number(document.getElementById("times").value) });
    showArmed();
  });
}
onNews(showArmed);

const edited = new URLSearchParams(location.search).get("event");
if (edited && /^\d+$/.test(edited)) {
  load(`/events/${edited}/text`);
} else if (localStorage.getItem(KEY)) {
  event.value = localStorage.getItem(KEY);
  kept.textContent = "kept in this browser";
} else {
  sample.value = "plain-structured.json";
  load("/samples/plain-structured.json");
}
