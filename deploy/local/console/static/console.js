// What every page has: the token of the session, the stream of news, times that move on, and buttons that post.

const meta = (name) => document.querySelector(`meta[name=${name}]`).content;

/** Shows a sentence for a while. */
export function tell(sentence, bad = false) {
  const toast = document.getElementById("toast");
  toast.textContent = sentence;
  toast.className = sentence ? (bad ? "shown bad" : "shown") : "";
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => { toast.className = ""; toast.textContent = ""; }, bad ? 12000 : 5000);
}

/** Of several questions, the answer to the last alone counts, whatever comes when. */
export function latest() {
  let last = 0;
  return () => {
    const mine = ++last;
    return () => mine === last;
  };
}

/** Posts JSON; gives the answer, or throws with the sentence that it holds. signal: gives the question up. */
export async function post(path, content = {}, signal = undefined) {
  let reply;
  try {
    reply = await fetch(path, {
      method: "POST",
      signal,
      headers: { "Content-Type": "application/json", "X-Console-Token": meta("token") },
      body: JSON.stringify(content),
    });
  } catch {
    throw new Error("The console does not answer; is the stack still up?");
  }
  const text = await reply.text();
  let answer;
  try { answer = JSON.parse(text); } catch { answer = { error: text || `It answered ${reply.status}.` }; }
  if (!reply.ok) throw new Error(answer.error || text);
  return answer;
}

/** Posts, says what came of it, and goes where the result is, unless the person has gone elsewhere. */
export async function act(path, content) {
  const from = location.pathname;
  try {
    const answer = await post(path, content);
    tell(answer.message || "Done.");
    if (answer.go && location.pathname === from) {
      sessionStorage.setItem("told", answer.message || "");
      location.assign(answer.go);
    }
    return answer;
  } catch (problem) {
    tell(problem.message, true);
    return null;
  }
}

/** A fragment that the console has rendered: all that an event holds is escaped in it already. */
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

const told = sessionStorage.getItem("told");
if (told) { sessionStorage.removeItem("told"); tell(told); }

function seconds(moment) { return (Date.parse(moment) - Date.now()) / 1000; }

function ago(moment) {
  const past = Math.max(0, -seconds(moment));
  if (past < 60) return `${Math.floor(past)} s ago`;
  if (past < 3600) return `${Math.floor(past / 60)} min ago`;
  return `${Math.floor(past / 3600)} h ago`;
}

/** Countdowns to the next delivery, and how long ago something was. */
export function tick(root = document) {
  for (const each of root.querySelectorAll("time.due")) {
    const left = seconds(each.dateTime);
    const text = left > 0 ? `next in ${left < 10 ? left.toFixed(0) : Math.round(left)} s` : "due now";
    if (each.textContent !== text) each.textContent = text;
  }
  for (const each of root.querySelectorAll("time.rel")) {
    const text = ago(each.dateTime);
    if (each.textContent !== text) each.textContent = text;
  }
  for (const each of root.querySelectorAll("time.ago")) {
    const text = `${each.dataset.clock ||= each.textContent}, ${ago(each.dateTime)}`;
    if (each.textContent !== text) each.textContent = text;
  }
}
setInterval(tick, 500);
tick();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post], button[data-copy]");
  if (!button) return;
  if (button.dataset.copy) {
    try {
      await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
      tell("Copied.");
    } catch {
      const details = document.querySelector(button.dataset.copy).closest("details");
      if (details) details.open = true;
      tell("The browser did not let the page copy; the command is shown below.", true);
    }
    return;
  }
  button.disabled = true;
  await act(button.dataset.post);
  button.disabled = false;
  offer();
});

const handlers = [];
/** Calls back with the rows of events that changed. */
export function onNews(handler) { handlers.push(handler); }

function showStatus({ head }) {
  const status = document.getElementById("status");
  status.replaceChildren(fragment(head));
  document.getElementById("dead-letters").textContent = status.querySelector("#rules-state").dataset.dead;
  live(true);
  offer();
}

/** Of the two buttons of the function, the one that makes sense now. */
function offer() {
  const paused = document.getElementById("function-state").dataset.paused === "yes";
  for (const button of document.querySelectorAll("[data-post^='/function/']")) {
    button.disabled = button.dataset.post.endsWith("pause") === paused;
  }
}
offer();

function live(is) { document.body.classList.toggle("offline", !is); }

function connect() {
  const source = new EventSource(`/stream?since=${encodeURIComponent(meta("since"))}`);
  source.addEventListener("open", () => live(true));
  source.addEventListener("error", () => {
    live(false);
    // A closed one does not come back by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  });
  // The stack is another one: nothing that this page shows counts, and its token neither.
  source.addEventListener("restarted", () => { source.close(); location.reload(); });
  source.addEventListener("status", (event) => showStatus(JSON.parse(event.data)));
  source.addEventListener("events", (event) => {
    const news = JSON.parse(event.data);
    for (const handler of handlers) handler(news);
  });
  window.addEventListener("pagehide", () => source.close(), { once: true });
}
// Not before the scripts of the view: whoever is not there yet is told nothing.
document.addEventListener("DOMContentLoaded", connect);
// A page that the browser kept shows the past.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
