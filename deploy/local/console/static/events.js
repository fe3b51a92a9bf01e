// The list of events: rows that come and change, filters, the keyboard, and one event beside the list.

import { fragment, latest, onNews, tick } from "./console.js";

const KEPT = 1000;
const list = document.getElementById("events");
const split = document.getElementById("split");
const detail = document.getElementById("detail");
const text = document.getElementById("text");
const reason = document.getElementById("reason");
const chips = [...document.querySelectorAll(".chip")];
const rows = new Map([...list.children].map((row) => [row.dataset.number, row]));
let inPayload = new Set();

// -- filters ---------------------------------------------------------------------------------------

const wanted = new Set();

function matches(row) {
  const search = text.value.trim().toLowerCase();
  return (!wanted.size || wanted.has(row.dataset.outcome))
    && (!reason.value || row.dataset.reason === reason.value)
    && (!search || row.dataset.text.includes(search) || inPayload.has(row.dataset.number));
}

function summarise() {
  const counts = new Map(), reasons = new Map();
  let shown = 0;
  for (const row of rows.values()) {
    const { outcome, reason: why } = row.dataset;
    counts.set(outcome, (counts.get(outcome) || 0) + 1);
    if (why) reasons.set(why, (reasons.get(why) || 0) + 1);
    if (!row.hidden) shown += 1;
  }
  for (const chip of chips) {
    const count = counts.get(chip.dataset.outcome) || 0;
    chip.querySelector("b").textContent = count;
    chip.classList.toggle("zero", !count);
  }
  const names = [...reasons.keys()].sort();
  if (names.join() !== [...reason.options].slice(1).map((each) => each.value).join()) {
    const chosen = reason.value;
    reason.replaceChildren(new Option("any reason", ""), ...names.map((name) => new Option(name, name)));
    reason.value = names.includes(chosen) ? chosen : "";
  }
  const all = rows.size;
  document.getElementById("summary").textContent =
    `${shown === all ? "" : `${shown} of `}${all} event${all === 1 ? "" : "s"}`;
  document.getElementById("empty").hidden = all > 0;
  document.getElementById("no-match").hidden = !all || shown > 0;
  list.hidden = !shown;
}

function filter() {
  for (const row of rows.values()) {
    const hide = !matches(row);
    if (row.hidden !== hide) row.hidden = hide;
  }
  const query = new URLSearchParams();
  if (text.value) query.set("text", text.value);
  if (reason.value) query.set("reason", reason.value);
  for (const each of wanted) query.append("outcome", each);
  history.replaceState(history.state, "", location.pathname + (query.size ? `?${query}` : ""));
  summarise();
}

let searching;
const ask = latest();
function search() {
  const counts = ask();
  clearTimeout(searching);
  inPayload = new Set();
  filter();
  if (!text.value.trim()) return;
  searching = setTimeout(async () => {
    const reply = await fetch(`/search?text=${encodeURIComponent(text.value.trim())}`).catch(() => null);
    const found = reply?.ok ? await reply.json().catch(() => null) : null;
    if (!found || !counts()) return;
    inPayload = new Set(found.numbers.map(String));
    filter();
  }, 200);
}

text.addEventListener("input", search);
reason.addEventListener("change", filter);
document.getElementById("filters").addEventListener("reset", () => {
  wanted.clear();
  for (const chip of chips) chip.setAttribute("aria-pressed", "false");
  setTimeout(search);
});
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
for (const chip of chips) {
  chip.addEventListener("click", () => {
    const on = chip.getAttribute("aria-pressed") !== "true";
    chip.setAttribute("aria-pressed", on);
    on ? wanted.add(chip.dataset.outcome) : wanted.delete(chip.dataset.outcome);
    filter();
  });
}

// -- news ------------------------------------------------------------------------------------------

onNews(({ rows: changed, dropped }) => {
  for (const { number, row: html } of changed) {
    const key = String(number), old = rows.get(key);
    const row = fragment(html).querySelector("li");
    row.hidden = !matches(row);
    row.classList.toggle("current", old?.classList.contains("current") || false);
    if (old) {
      const focused = old.contains(document.activeElement);
      old.replaceWith(row);
      if (focused) row.firstElementChild.focus({ preventScroll: true });
    } else {
      row.classList.add("new");
      const after = [...list.children].find((each) => Number(each.dataset.number) < number);
      list.insertBefore(row, after || null);
    }
    rows.set(key, row);
    tick(row);
    // Also while it is on its way: what is answered then was looked up before.
    if (detail.dataset.wanted === key) refresh(key);
  }
  for (const number of dropped) { rows.get(String(number))?.remove(); rows.delete(String(number)); }
  while (rows.size > KEPT) {
    const last = list.lastElementChild;
    rows.delete(last.dataset.number);
    last.remove();
  }
  summarise();
});

// -- one event -------------------------------------------------------------------------------------

let refreshing;
function refresh(number) {
  clearTimeout(refreshing);
  refreshing = setTimeout(() => load(number, false), 150);
}

const look = latest();
async function load(number, focus) {
  const counts = look();
  const reply = await fetch(`/events/${number}?part`).catch(() => null);
  const content = await reply?.text().catch(() => null);
  if (content == null || !counts()) return;
  const opened = [...detail.querySelectorAll("details")].map((each) => each.open);
  const top = detail.scrollTop, inside = detail.contains(document.activeElement);
  if (reply.ok) detail.replaceChildren(fragment(content));
  else detail.textContent = content;
  [...detail.querySelectorAll("details")].forEach((each, index) => { each.open = opened[index] && !focus; });
  detail.scrollTop = focus ? 0 : top;
  tick(detail);
  if (focus || inside) detail.focus({ preventScroll: !focus });
}

function mark(number) {
  for (const row of list.querySelectorAll(".current")) row.classList.remove("current");
  rows.get(String(number))?.classList.add("current");
}

function open(number, { push = true, focus = false } = {}) {
  detail.dataset.wanted = String(number);
  split.classList.add("open");
  mark(number);
  if (push) history.pushState({ number }, "", `/events/${number}${location.search}`);
  load(number, focus);
}

function close({ push = true } = {}) {
  const number = detail.dataset.wanted;
  delete detail.dataset.wanted;
  clearTimeout(refreshing);
  look();
  split.classList.remove("open");
  detail.replaceChildren();
  mark("");
  if (push) history.pushState({}, "", `/${location.search}`);
  rows.get(String(number))?.firstElementChild.focus();
}

list.addEventListener("click", (event) => {
  const link = event.target.closest("a.row");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.parentElement.dataset.number, { focus: matchMedia("(max-width: 900px)").matches || event.detail === 0 });
});
detail.addEventListener("click", (event) => {
  if (!event.target.closest("a.close")) return;
  event.preventDefault();
  close();
});
window.addEventListener("popstate", () => {
  const number = location.pathname.match(/^\/events\/(\d+)$/)?.[1];
  number ? open(number, { push: false }) : close({ push: false });
});

// -- the keyboard ----------------------------------------------------------------------------------

function step(by) {
  const shown = [...list.children].filter((row) => !row.hidden);
  if (!shown.length) return;
  const at = shown.findIndex((row) => row.contains(document.activeElement));
  const from = at >= 0 ? at : shown.findIndex((row) => row.classList.contains("current"));
  const next = shown[Math.min(Math.max(from + by, 0), shown.length - 1)];
  next.firstElementChild.focus();
  next.scrollIntoView({ block: "nearest" });
  if (split.classList.contains("open") && matchMedia("(min-width: 901px)").matches) {
    open(next.dataset.number, { focus: false });
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape") {
    if (typing) { typing.blur(); return; }
    if (split.classList.contains("open")) close();
    return;
  }
  if (typing) {
    if (event.key === "ArrowDown" && typing === text) { event.preventDefault(); step(1); }
    return;
  }
  const inList = !event.target.closest("#detail");
  if (event.key === "/") { event.preventDefault(); text.focus(); text.select(); }
  else if (event.key === "j" || (event.key === "ArrowDown" && inList)) { event.preventDefault(); step(1); }
  else if (event.key === "k" || (event.key === "ArrowUp" && inList)) { event.preventDefault(); step(-1); }
});

// -- as the address says ---------------------------------------------------------------------------

const query = new URLSearchParams(location.search);
text.value = query.get("text") || "";
for (const each of query.getAll("outcome")) {
  wanted.add(each);
  chips.find((chip) => chip.dataset.outcome === each)?.setAttribute("aria-pressed", "true");
}
summarise();
reason.value = query.get("reason") || "";
search();
const shown = detail.querySelector("article")?.dataset.number;
if (shown) {
  detail.dataset.wanted = shown;
  mark(shown);
  rows.get(shown)?.scrollIntoView({ block: "nearest" });
}
