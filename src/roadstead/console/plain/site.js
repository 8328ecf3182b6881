// The start page's life: asks the server how it is, and puts its real address into the commands.
"use strict";

const POLL_MS = 5000;
const ANSWER_TIMEOUT_MS = 4000;

const byId = (id) => document.getElementById(id);

function show(id, text) {
  const element = byId(id);
  // A region that is read aloud must not be written without need.
  if (element.textContent !== text) element.textContent = text;
}

function showState(state, text) {
  byId("state").dataset.state = state;
  show("state-text", text);
}

function duration(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "a moment";
  const parts = [];
  let rest = seconds;
  for (const [name, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
  }
  return parts.join(" ");
}

async function ask(path) {
  return fetch(path, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
}

async function pollHealth() {
  try {
    const answer = await ask("/healthz");
    const health = await answer.json();
    show("version", health.version);
    show("uptime", duration(health.uptime_s));
    if (health.status === "ok") showState("ok", "Up and serving");
    else showState("bad", `Not well: ${Object.entries(health.checks).map((pair) => pair.join(" ")).join(", ")}`);
  } catch {
    showState("bad", "Not answering");
  }
}

function fingerprint(bytes) {
  return [...new Uint8Array(bytes)].slice(0, 8).map((byte) => byte.toString(16).padStart(2, "0")).join(":") + ":…";
}

async function showEndpoint() {
  try {
    const keys = await (await ask("/v1/server_keys")).json();
    if (!keys.udp) return show("udp", "no device port is open");
    const host = keys.udp.host.includes(":") ? `[${keys.udp.host}]` : keys.udp.host;
    show("udp", `${host}:${keys.udp.port} (UDP)`);
    const der = Uint8Array.from(atob(keys.udp.public_key_der), (char) => char.charCodeAt(0));
    // Browsers offer digests to secure origins only; elsewhere the line would stay empty.
    if (crypto.subtle) show("key", fingerprint(await crypto.subtle.digest("SHA-256", der)));
    else byId("key").closest("div").hidden = true;
  } catch {
    show("udp", "unknown");
  }
}

function addCopyButtons() {
  if (!navigator.clipboard) return;
  for (const block of document.querySelectorAll(".code")) {
    const source = block.querySelector("pre");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${source.getAttribute("aria-label").toLowerCase()}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.closest("li").append(button);
  }
}

for (const element of document.querySelectorAll("[data-origin]")) element.textContent = location.origin;
for (const element of document.querySelectorAll("[data-host]")) element.textContent = location.hostname;
addCopyButtons();
showEndpoint();
pollHealth();
setInterval(() => { if (!document.hidden) pollHealth(); }, POLL_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) pollHealth(); });
