// The page: which endpoint, what is sent, the answer, and what was asked before in this tab.

import { asCurl, asPython } from "./curl.js";
import { byId, copy, doneButton, el } from "./dom.js";
import { ENDPOINTS, requestOf } from "./endpoints.js";
import { Fields } from "./form.js";
import { keyField } from "./key.js";
import { openPreview } from "./preview-dialog.js";
import { headers, run } from "./run.js";
import { Screen } from "./show.js";

const prompt = byId("prompt");
const past = [];
let endpoint = ENDPOINTS[0];
let thread = null;
let original = null;
let running = null;
let drawing = 0;

const fields = new Fields(byId("fields"), byId("more"), () => drawRequest());
const screen = new Screen({ prompt: usePrompt, preview: openPreview, retry: () => send() });

const values = () => ({ ...fields.values, prompt: prompt.value, originalPrompt: original ?? undefined });
const request = () => requestOf(endpoint, values(), thread);

// --- choosing an endpoint ---------------------------------------------------------------------------------------

function choose(id) {
  endpoint = ENDPOINTS.find((each) => each.id === id);
  byId(`endpoint-${id}`).checked = true;
  byId("prompt-field").hidden = Boolean(endpoint.noPrompt);
  prompt.placeholder = endpoint.placeholder ?? "";
  byId("tab-python").hidden = !endpoint.python;
  if (!endpoint.python && byId("tab-python").getAttribute("aria-selected") === "true") openTab("curl");
  fields.show(endpoint);
  drawRequest();
}

for (const group of ["Theo", "GetCode"]) {
  byId("endpoints").append(el("div", { class: "group", role: "group", "aria-label": `${group}'s endpoints` },
    el("span", { class: "group-name", "aria-hidden": "true" }, group),
    el("div", {}, ...ENDPOINTS.filter((each) => each.group === group).map((each) => el("label", { class: "pill" },
      el("input", { type: "radio", name: "endpoint", id: `endpoint-${each.id}`, value: each.id, onchange: () => choose(each.id) }),
      el("span", {}, each.label))))));
}

// --- the request ------------------------------------------------------------------------------------------------

function drawRequest() {
  const now = request();
  byId("path").textContent = `POST /${endpoint.path}`;
  byId("curl").textContent = asCurl(now);
  byId("python").textContent = endpoint.python ? asPython(now) : "";
}

function usePrompt(text, asked) {
  if (asked) {
    choose("generate");
    fields.restore(endpoint, { ...fields.values, outputType: asked.outputType });
    original = asked.prompt ?? null;
  }
  prompt.value = text;
  drawRequest();
  prompt.focus();
  prompt.scrollIntoView({ block: "nearest" });
}

const TABS = ["answer", "curl", "python"];

function openTab(name) {
  for (const each of TABS) {
    const tab = byId(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
    byId(`panel-${each}`).hidden = each !== name;
  }
}

for (const name of TABS) {
  byId(`tab-${name}`).addEventListener("click", () => openTab(name));
  byId(`tab-${name}`).addEventListener("keydown", (event) => {
    const shown = TABS.filter((each) => !byId(`tab-${each}`).hidden);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = shown[(shown.indexOf(name) + step + shown.length) % shown.length];
    openTab(next);
    byId(`tab-${next}`).focus();
  });
}
for (const name of ["curl", "python"]) {
  byId(`${name}-tools`).append(doneButton("Copy", "Copied", () => copy(byId(name).textContent)));
}

// --- sending ----------------------------------------------------------------------------------------------------

async function send() {
  if (running || !valid()) return;
  const asked = { endpoint, values: values(), request: request() };
  running = new AbortController();
  for (const [id, on] of [["send", false], ["stop", true]]) byId(id).hidden = !on;
  if (document.activeElement === byId("send") || document.activeElement === document.body) byId("stop").focus({ preventScroll: true });
  byId("answer-pane").setAttribute("aria-busy", "true");
  openTab("answer");
  const pane = byId("answer-pane");
  if (pane.getBoundingClientRect().top > innerHeight * 0.4) pane.scrollIntoView();
  const answer = await run(asked.request, key.value, running.signal, (now) => {
    asked.answer = now;
    cancelAnimationFrame(drawing);
    drawing = requestAnimationFrame(() => screen.show(now));
  });
  cancelAnimationFrame(drawing);
  screen.show(answer);
  running = null;
  byId("answer-pane").setAttribute("aria-busy", "false");
  const stopping = document.activeElement === byId("stop");
  for (const [id, on] of [["send", true], ["stop", false]]) byId(id).hidden = !on;
  if (answer.error?.status === 401) key.refused();
  else if (stopping || document.activeElement === document.body) byId("send").focus({ preventScroll: true });
  if (asked.endpoint.talks && answer.complete) remember(asked, answer);
  past.unshift(asked);
  drawPast(asked);
  drawRequest();
}

/** Whether it can be sent; if not, the browser's own words stand at the field. */
function valid() {
  const blank = !endpoint.noPrompt && !prompt.value.trim();
  prompt.setCustomValidity(blank ? "Write a prompt first." : "");
  const file = byId("field-file");
  file?.setCustomValidity(endpoint.noPrompt && !fields.values.file ? "Choose a file first." : "");
  const form = byId("ask");
  for (const wrong of form.querySelectorAll(":invalid")) wrong.closest("details")?.setAttribute("open", "");
  return form.reportValidity();
}

function remember(asked, answer) {
  const goesOn = asked.values.continue || asked.values.conversation === "continue";
  const before = goesOn && thread ? thread.messages : [];
  const said = [{ role: "user", content: asked.values.prompt }, { role: "assistant", content: answer.text }];
  thread = { id: answer.facts.conversationId, messages: [...before, ...said] };
  if (asked.values.conversation === "new" && endpoint === asked.endpoint) {
    fields.restore(endpoint, { ...fields.values, conversation: "continue" });
  }
}

// --- what was asked before --------------------------------------------------------------------------------------

function drawPast(shown) {
  byId("past").hidden = past.length === 0;
  byId("past-list").replaceChildren(...past.map((asked) => el("li", {}, el("button", {
    type: "button", class: "past", "aria-current": asked === shown ? "true" : undefined, onclick: () => goBack(asked),
  }, el("span", { class: "kind" }, asked.endpoint.label), el("span", { class: "what" },
    asked.values.prompt && !asked.endpoint.noPrompt ? asked.values.prompt : asked.values.file?.name ?? ""),
  el("span", { class: "small" }, asked.answer.phase)))));
}

function goBack(asked) {
  if (running) return;
  prompt.value = asked.values.prompt;
  original = asked.values.originalPrompt ?? null;
  fields.restore(asked.endpoint, asked.values);
  choose(asked.endpoint.id);
  openTab("answer");
  screen.show(asked.answer);
  drawPast(asked);
}

// --- keyboard, theme, key ---------------------------------------------------------------------------------------

byId("ask").addEventListener("submit", (event) => { event.preventDefault(); send(); });
byId("stop").addEventListener("click", () => running?.abort());
prompt.addEventListener("input", () => { prompt.setCustomValidity(""); original = null; drawRequest(); });
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running && !document.querySelector("dialog[open]")) running.abort();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
});

const NEXT_THEME = { system: "light", light: "dark", dark: "system" };
const theme = () => document.documentElement.dataset.theme ?? "system";
const drawTheme = () => { byId("theme").textContent = `Theme: ${theme()}`; };
byId("theme").addEventListener("click", () => {
  const next = NEXT_THEME[theme()];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  sessionStorage.setItem("theo-playground-theme", next);
  drawTheme();
});
drawTheme();

const key = keyField(async (models, secret) => {
  fields.offers = { models, skills: null, skillsProblem: "" };
  try {
    const response = await fetch(new URL("api/v1/skills", document.baseURI), { headers: headers(secret), cache: "no-store" });
    const body = await response.json();
    if (response.ok) fields.offers.skills = body.skills ?? [];
    else fields.offers.skillsProblem = body.error?.message ?? `The gateway answered ${response.status}.`;
  } catch {
    fields.offers.skillsProblem = "The list of skills could not be read.";
  }
  fields.offered();
});
openTab("answer");
choose("completion");
