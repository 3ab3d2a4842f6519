// Puts what the gateway sends together into one answer: events and whole bodies of both APIs and of chat.

export function begun(request) {
  return {
    request, phase: "sending", text: "", whole: undefined, facts: {}, tools: [], artifacts: [], images: [], files: [],
    followUps: [], usage: null, notices: [], skills: [], structured: null, sources: [], suggestion: null, job: null, limits: null,
    error: null, complete: false, startedAt: performance.now(), firstAt: null, endedAt: null,
  };
}

/** Takes one event of a stream in; what has another name or cannot be read is passed over. */
export function takeEvent(answer, { name, data }) {
  if (answer.request.reads === "chat") return takeChunk(answer, data);
  const fields = parsed(data);
  if (fields === null || typeof fields !== "object") return;
  switch (answer.request.reads === "getcode" ? fields.type ?? name : name) {
    case "meta": takeFacts(answer, fields); break;
    case "skills": answer.skills = fields.active ?? []; break;
    case "genui_meta": answer.facts.library = fields.library; break;
    case "tool": takeTool(answer, fields); break;
    case "artifact": takeArtifact(answer, fields); break;
    case "token": grow(answer, fields.token ?? fields.text); break;
    case "queue": answer.notices.push(said(fields.message)); answer.phase = "waiting"; break;
    case "error": answer.error = { status: 0, ...errorIn(fields.error ? fields : { error: fields }) }; break;
    case "done":
      answer.complete = true;
      takeWhole(answer, fields);
  }
}

function takeChunk(answer, data) {
  if (data.trim() === "[DONE]") {
    answer.complete = true;
    return;
  }
  const fields = parsed(data);
  if (fields === null || typeof fields !== "object") return;
  if (fields.error) answer.error = { status: 0, ...errorIn(fields) };
  grow(answer, fields.choices?.[0]?.delta?.content);
  takeFacts(answer, fields);
}

/** Takes a body that has the whole answer in, or a stream's last event. */
export function takeWhole(answer, fields) {
  takeFacts(answer, fields);
  const text = fields.content ?? fields.choices?.[0]?.message?.content ?? fields.improved ?? fields.analysedPrompt
    ?? fields.report;
  if (typeof text === "string" && text) answer.text = text;
  answer.suggestion = fields.improved ?? fields.analysedPrompt ?? answer.suggestion;
  answer.followUps = list(fields.follow_ups).map((each) => (typeof each === "string" ? { label: each, prompt: each } : each))
    .filter((each) => each.prompt);
  answer.structured = fields.structured_output ?? answer.structured;
  answer.sources = list(fields.sources ?? fields.structured_output?.data?.sources ?? answer.sources);
  answer.notices.push(...list(fields.notices).map(said));
  if (fields.skills_active) answer.skills = fields.skills_active;
  for (const tool of list(fields.tools_used)) takeTool(answer, tool);
  for (const artifact of list(fields.artifacts)) takeArtifact(answer, artifact);
  for (const image of list(fields.images)) takeArtifact(answer, { type: "image", title: image.prompt, imageUrl: image.url });
  if (fields.download_url) {
    answer.files.push({ url: fields.download_url, name: fields.title ?? "document", size: fields.size_bytes });
  }
  if (fields.videoUrl ?? fields.url) answer.files.push({ url: fields.videoUrl ?? fields.url, name: "Video" });
  if (fields.job_id ?? fields.poll_url) answer.job = { id: fields.job_id ?? fields.id, status: fields.status, progress: 0 };
}

function takeFacts(answer, fields) {
  const facts = answer.facts;
  const routing = fields.routing ?? {};
  const ours = fields.theo_mcp ?? {};
  const model = typeof fields.model === "string" ? { id: fields.model } : fields.model ?? {};
  Object.assign(facts, present({
    mode: fields.theo_metadata?.mode ?? fields.mode,
    resolved: fields.theo_metadata?.resolved_mode ?? fields.resolved_mode,
    confidence: routing.confidence, reason: routing.reason, server: routing.server, engineId: routing.engine_id,
    model: model.id || ours.model, label: model.label, requestId: fields.request_id,
    conversationId: fields.conversation_id, finish: ours.finish_reason || fields.choices?.[0]?.finish_reason,
    draft: ours.draft || undefined, cached: fields._cached || fields.usage?.cached || undefined,
  }));
  if (ours.notice && !answer.notices.includes(ours.notice)) answer.notices.push(said(ours.notice));
  if (ours.artifact?.url) answer.files.push(ours.artifact);
  if (fields.usage) answer.usage = { ...answer.usage, ...present(fields.usage) };
  if (fields.tokensUsed !== undefined) answer.usage = { ...answer.usage, total_tokens: fields.tokensUsed };
  for (const tool of list(fields.tools)) takeTool(answer, tool);
}

function takeTool(answer, tool) {
  const known = answer.tools.find((each) => each.name === tool.name && each.arguments === tool.arguments);
  if (known) Object.assign(known, tool);
  else if (tool.name) answer.tools.push({ ...tool });
}

function takeArtifact(answer, artifact) {
  const url = artifact.imageUrl ?? artifact.videoUrl ?? artifact.downloadUrl ?? artifact.url;
  const key = artifact.id || url || artifact.code;
  if (!key || answer.artifacts.some((each) => each.key === key)) return;
  answer.artifacts.push({ ...artifact, key, url: typeof url === "string" ? url : undefined });
}

function grow(answer, text) {
  if (typeof text !== "string" || text === "") return;
  answer.firstAt ??= performance.now();
  answer.phase = "answering";
  answer.text += text;
}

/** What an error says, in whichever envelope: an object, a string, or a page of a proxy's. */
export function errorIn(fields, requestId) {
  const error = fields?.error;
  const inner = error !== null && typeof error === "object" ? error : { message: error ?? fields?.message ?? fields?.detail };
  return present({
    message: said(inner.message), code: inner.code, hint: inner.hint, requestId: inner.request_id ?? requestId,
  });
}

export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const said = (value) => (typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value));
const list = (value) => (Array.isArray(value) ? value : []);
const present = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) =>
  value !== undefined && value !== null && value !== ""));
