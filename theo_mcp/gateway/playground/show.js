// One answer on the screen: who answers, how it stands, the text as it grows, and what came with it.

import { byId, el } from "./dom.js";
import { size } from "./form.js";
import { codeBox, GrowingText, sentence, visible } from "./text.js";

const SPOKEN_MS = 5000;
const TITLES = {
  400: "The request is not right", 401: "The gateway does not know this key", 402: "The credits of this key are used up",
  403: "This key may not do that", 404: "Not found", 409: "Not now", 413: "The request is too large",
  415: "The request is not JSON", 422: "The gateway will not do that", 429: "Too many requests",
  501: "Not available on this gateway", 503: "The gateway is busy",
};
const STEPS = {
  400: "Change what the sentence names, then send again.",
  401: "Make a key on the gateway's machine with theo-mcp gateway keys create, and paste it above.",
  402: "Make a key with more credits on the gateway's machine: theo-mcp gateway keys create.",
};
const PHASES = {
  sending: "Sending …", waiting: "Waiting for the first words …", answering: "Answering …", done: "Done", failed: "Failed",
  stopped: "Stopped",
};

export class Screen {
  #text = null;
  #drawn = null;
  #spokenAt = 0;
  #extras = "";
  #ticking = 0;

  /** `uses`: {prompt(text, original), preview(html, title), retry()}, what the buttons of an answer do. */
  constructor(uses) {
    this.uses = uses;
  }

  /** Shows `answer`, from scratch or, while it grows, only what is new. */
  show(answer) {
    if (this.#drawn !== answer) {
      this.#drawn = answer;
      this.#extras = "";
      this.#spokenAt = 0;
      this.#text = new GrowingText(byId("text"), this.uses.preview);
      byId("empty").hidden = true;
      byId("answer").hidden = false;
    }
    const pane = byId("answer-pane");
    const follows = answer.endedAt === null && pane.scrollHeight - pane.scrollTop - pane.clientHeight < 60;
    this.#text.show(answer.text, sourceLanguage(answer));
    byId("text").dataset.phase = answer.phase;
    byId("text").hidden = !answer.text;
    byId("facts").replaceChildren(...facts(answer));
    this.#status(answer);
    const extras = JSON.stringify([answer.phase, answer.tools, answer.artifacts.length, answer.files.length,
      answer.notices, answer.sources.length, answer.job, answer.error, answer.structured !== null]);
    if (follows) pane.scrollTop = pane.scrollHeight;
    if (extras === this.#extras) return;
    this.#extras = extras;
    byId("events").replaceChildren(...events(answer));
    byId("made").replaceChildren(...made(answer, this.uses));
    byId("numbers").replaceChildren(...numbers(answer));
    this.#error(answer);
  }

  /** Says how it stands, to the eye at once and to a screen reader at most every few seconds. */
  #status(answer) {
    const state = byId("state");
    const words = PHASES[answer.phase] ?? `Job ${answer.job?.status ?? ""}, ${answer.job?.progress ?? 0} %`;
    if (state.textContent !== words) state.textContent = words;
    state.dataset.phase = answer.phase;
    const ended = answer.endedAt !== null;
    const now = performance.now();
    if (!ended && this.#spokenAt && now - this.#spokenAt < SPOKEN_MS) return;
    this.#spokenAt = now;
    const count = answer.text.split(/\s+/).filter(Boolean).length;
    byId("spoken").textContent = answer.error ? "" : count ? `${words} ${count} words.` : words;
  }

  #error(answer) {
    clearInterval(this.#ticking);
    const place = byId("error");
    place.hidden = !answer.error;
    if (!answer.error) return;
    const { status, title, message, hint, code, requestId, retryAt, stopped } = answer.error;
    place.dataset.kind = stopped ? "calm" : "bad";
    const mayHelp = !status || status === 429 || (status >= 500 && status !== 501);
    const again = el("button", { type: "button", class: "quiet", onclick: () => this.uses.retry() }, "Send again");
    const wait = el("p", { class: "countdown" });
    const tick = () => {
      const left = Math.ceil((retryAt - performance.now()) / 1000);
      again.disabled = left > 0;
      wait.textContent = left > 0 ? `You can send again in ${left} s.` : "You can send again now.";
      if (left <= 0) clearInterval(this.#ticking);
    };
    if (retryAt) {
      tick();
      this.#ticking = setInterval(tick, 250);
    }
    place.replaceChildren(...[
      el("h3", {}, title ?? TITLES[status] ?? "It went wrong"), el("p", {}, visible(message ?? "")),
      (hint ?? STEPS[status]) && el("p", {}, visible(hint ?? STEPS[status])), retryAt && wait,
      el("p", { class: "small" }, [status && `HTTP ${status}`, code, requestId && `request ${requestId}`].filter(Boolean).join(" · ")),
      mayHelp && again,
    ].filter(Boolean));
  }
}

/** The language of an answer that is source from first to last; undefined for prose, with or without fences. */
function sourceLanguage(answer) {
  const { endpoint, fields } = answer.request;
  const drawn = fields.mode === "genui" || answer.facts.resolved === "genui";
  if (answer.text.includes("```") || !(drawn || ["code", "generate"].includes(endpoint))) return undefined;
  if (/^\s*</.test(answer.text)) return "html";
  if (/^\s*[{[]/.test(answer.text)) return "json";
  return endpoint === "code" || fields.language ? (fields.language ?? "").replace("auto", "").toLowerCase() : undefined;
}

function facts(answer) {
  const { facts: known } = answer;
  const chip = (text, extra = {}) => el("li", extra, visible(String(text)));
  const confidence = typeof known.confidence === "number" ? `, ${Math.round(known.confidence * 100)} % sure` : "";
  const mode = known.mode === "auto" && known.resolved ? `auto → ${known.resolved}${confidence}` : known.resolved ?? known.mode;
  return [
    known.model && chip(known.label && known.label !== known.model ? `${known.label} (${known.model})` : known.model, { class: "model" }),
    mode && chip(mode),
    known.draft && chip("draft", { class: "draft", title: "The small built-in model wrote this: check it before you use it." }),
    known.cached && chip("from the cache"),
    ...answer.skills.map((skill) => chip(`skill: ${skill.name || skill.slug || skill}`)),
    known.server && chip(known.server),
    known.reason && el("li", { class: "reason" }, visible(known.reason)),
  ].filter(Boolean);
}

function events(answer) {
  const rows = answer.notices.map((notice) => el("p", { class: "notice" }, ...sentence(notice)));
  for (const tool of answer.tools) {
    const given = tool.arguments === undefined ? "" : ` ${JSON.stringify(tool.arguments)}`;
    rows.push(el("p", { class: "tool", "data-status": tool.status ?? "" }, el("b", {}, visible(tool.name)),
      visible(`${given.slice(0, 300)} ${tool.status ?? ""}${tool.description ? `: ${tool.description}` : ""}`)));
  }
  if (answer.job && answer.endedAt === null) {
    rows.push(el("div", { class: "job" }, el("progress", { max: 100, value: answer.job.progress, "aria-label": "Progress of the job" }),
      el("span", { class: "small" }, answer.job.id)));
  }
  return rows;
}

function made(answer, uses) {
  const parts = answer.artifacts.map((artifact) => artifactBox(artifact, uses));
  for (const file of answer.files) parts.push(link(file.url, file.name ?? "File", file.size));
  if (answer.sources.length) parts.push(sources(answer.sources));
  else if (answer.structured && sourceLanguage(answer) !== "json") {
    const box = codeBox("json", uses.preview, answer.request.fields.mode === "genui" ? "components.json" : "data.json");
    box.set(JSON.stringify(answer.structured.data ?? answer.structured, null, 2));
    parts.push(box.node);
  }
  if (answer.suggestion && answer.endedAt !== null) {
    parts.push(el("button", { type: "button", class: "primary", onclick: () => uses.prompt(answer.suggestion, answer.request.fields) },
      "Use as prompt for Generate"));
  }
  if (answer.followUps.length) {
    parts.push(el("div", { class: "follow-ups" }, el("h3", {}, "Next"), ...answer.followUps.map((each) =>
      el("button", { type: "button", class: "quiet", title: each.prompt, onclick: () => uses.prompt(each.prompt) },
        visible(each.label || each.prompt)))));
  }
  return parts;
}

function artifactBox(artifact, uses) {
  const title = artifact.title || artifact.type || "Artifact";
  if (typeof artifact.code === "string" || typeof artifact.html === "string") {
    const box = codeBox(artifact.html ? "html" : (artifact.language ?? "").toLowerCase(), uses.preview, title);
    box.set(artifact.html ?? artifact.code);
    return box.node;
  }
  const ours = artifact.url?.startsWith("data:image/") || sameOrigin(artifact.url);
  if (!ours || (artifact.type !== "image" && !artifact.imageUrl)) return link(artifact.url, title, artifact.sizeBytes);
  return el("figure", {}, el("img", { src: artifact.url, alt: title, loading: "lazy" }), link(artifact.url, title));
}

/** What research cites, by its numbers in the text. */
function sources(found) {
  return el("section", { class: "sources" }, el("h3", {}, "Sources"), el("ol", {}, ...found.map((source) =>
    el("li", { value: source.number ?? undefined }, link(source.url, source.title || source.url)))));
}

/** A link to a file; what is no http or data address is shown and cannot be followed. */
function link(url, name, bytes) {
  const label = `${visible(String(name))}${bytes ? ` (${size(bytes)})` : ""}`;
  const safe = /^(https?:|data:image\/(png|jpeg|webp|gif))/.test(absolute(url)?.href ?? "");
  if (!safe) return el("p", { class: "file" }, url ? `${label}: ${visible(String(url))}` : `${label} is not ready.`);
  return el("p", { class: "file" }, el("a", { href: url, target: "_blank", rel: "noopener noreferrer",
    download: url.startsWith("data:") ? "image" : undefined }, label));
}

function absolute(url) {
  try {
    return new URL(url, document.baseURI);
  } catch {
    return null;
  }
}

const sameOrigin = (url) => absolute(url)?.origin === location.origin && Boolean(url);

function numbers(answer) {
  const { usage, facts: known, limits } = answer;
  const ended = answer.endedAt;
  const row = (name, text) => [el("dt", {}, name), el("dd", {}, text)];
  const rows = [];
  if (usage?.cost_cents !== undefined) rows.push(...row("Cost", `${usage.cost_cents} ¢`));
  const tokens = usage?.completion_tokens;
  if (tokens !== undefined) rows.push(...row("Tokens", `${usage.prompt_tokens ?? "?"} in, ${tokens} out`));
  else if (usage?.total_tokens !== undefined) rows.push(...row("Tokens", String(usage.total_tokens)));
  if (ended !== null) {
    const first = answer.firstAt === null ? "" : `, first words after ${seconds(answer.firstAt - answer.startedAt)}`;
    rows.push(...row("Time", `${seconds(ended - answer.startedAt)}${first}`));
    const writing = answer.firstAt === null ? 0 : (ended - answer.firstAt) / 1000;
    if (tokens > 1 && writing > 0.05 && !known.cached) rows.push(...row("Speed", `${(tokens / writing).toFixed(1)} tokens/s`));
  }
  if (known.finish === "length") rows.push(...row("Ended", "at the longest that was allowed"));
  if (known.conversationId) rows.push(...row("Conversation", known.conversationId));
  if (known.requestId) rows.push(...row("Request", known.requestId));
  if (limits) rows.push(...row("Rate limit", `${limits.remaining} of ${limits.limit} requests left${limits.reset ? `, anew in ${limits.reset}` : ""}`));
  return rows;
}

const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
