// What can be asked: each endpoint with its path, its fields and the body that they make. Adding one is one entry.

const THEO = { group: "Theo", variable: "THEO_API_KEY" };
const GETCODE = { group: "GetCode", variable: "GETCODE_API_KEY" };

const choice = (name, label, choices, extra = {}) => ({ name, label, kind: "choice", choices, ...extra });
const words = (name, label, extra = {}) => ({ name, label, kind: "words", ...extra });
const number = (name, label, extra = {}) => ({ name, label, kind: "number", ...extra });
const tick = (name, label, extra = {}) => ({ name, label, kind: "tick", ...extra });

const TEMPERATURE = number("temperature", "Temperature", { min: 0, max: 2, step: 0.1, placeholder: "default", more: true });
const STREAM = tick("stream", "Stream the answer", { initial: true, more: true });
const CONTINUE = tick("continue", "Continue the conversation of this tab");
const OUTPUT_TYPE = choice("outputType", "Output type",
  ["website", "chart", "api", "email", "pdf", "excel", "word", "powerpoint", "video", "image"]);

/** The fields that were filled in; an empty one is left out of the body. */
const filled = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) =>
  value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0)));

/** A conversation that the gateway keeps is named by its id; one that it does not keep goes along whole. */
const talk = (v, past) => {
  if (v.conversation === "new") return { conversation_id: "new" };
  if (v.conversation !== "continue" || !past) return {};
  return past.id ? { conversation_id: past.id } : { conversation: { messages: past.messages } };
};

export const ENDPOINTS = [
  {
    ...THEO, id: "completion", label: "Completion", path: "api/v1/completions", reads: "theo", talks: true,
    placeholder: "Ask for anything: an answer, code, an interface.",
    fields: [
      choice("mode", "Mode", ["auto", "fast", "think", "code", "image", "video", "research", "roast", "genui"]),
      choice("persona", "Persona", [["", "default"], ["none", "none"], ["own", "my own text"]]),
      { name: "system_prompt", label: "Persona text", kind: "area", when: (v) => v.persona === "own" },
      words("component_library", "Component library", { placeholder: "default", when: (v) => v.mode === "genui" }),
      choice("conversation", "Conversation", [["", "none"], ["new", "begin one"], ["continue", "continue"]]),
      { name: "skills", label: "Skills", kind: "skills", more: true },
      TEMPERATURE,
      number("max_iterations", "Most tool rounds", { min: 1, max: 20, step: 1, placeholder: "8", more: true }),
      STREAM,
    ],
    body: (v, past) => filled({
      prompt: v.prompt, mode: v.mode,
      persona: v.persona === "own" ? v.system_prompt && { system_prompt: v.system_prompt } : v.persona,
      component_library: v.mode === "genui" ? v.component_library : undefined,
      skills: v.skills, temperature: v.temperature, max_iterations: v.max_iterations,
      ...talk(v, past),
      stream: v.stream || undefined,
    }),
  },
  {
    ...THEO, id: "code", label: "Code", path: "api/v1/code", reads: "theo",
    placeholder: "Describe the code, such as: JWT authentication middleware.",
    fields: [words("language", "Language", { placeholder: "any" }), words("framework", "Framework", { placeholder: "any" })],
    body: (v) => filled({ prompt: v.prompt, language: v.language, framework: v.framework }),
  },
  {
    ...THEO, id: "chat", label: "Chat", path: "api/v1/chat/completions", reads: "chat", talks: true, python: true,
    placeholder: "Say something. This is the endpoint that OpenAI's packages call.",
    fields: [
      { name: "model", label: "Model", kind: "model" },
      { name: "system", label: "System text", kind: "area", more: true },
      CONTINUE, TEMPERATURE, STREAM,
    ],
    body: (v, past) => filled({
      model: v.model || "theo-1-auto",
      messages: [
        ...(v.system ? [{ role: "system", content: v.system }] : []),
        ...(v.continue && past ? past.messages : []),
        { role: "user", content: v.prompt },
      ],
      temperature: v.temperature, stream: v.stream || undefined,
    }),
  },
  {
    ...THEO, id: "research", label: "Research", path: "api/v1/research", reads: "theo",
    placeholder: "A question that needs sources.",
    fields: [choice("depth", "Depth", [["", "default"], "basic", "advanced"]),
      number("max_sources", "Most sources", { min: 1, max: 50, step: 1, placeholder: "10" })],
    body: (v) => filled({ prompt: v.prompt, depth: v.depth, max_sources: v.max_sources }),
  },
  {
    ...THEO, id: "images", label: "Images", path: "api/v1/images", reads: "theo",
    placeholder: "Describe the picture.",
    fields: [words("style", "Style", { placeholder: "any" }),
      choice("aspect_ratio", "Aspect ratio", [["", "default"], "1:1", "16:9", "9:16", "4:3"]),
      number("count", "How many", { min: 1, max: 4, step: 1, placeholder: "1" })],
    body: (v) => filled({ prompt: v.prompt, style: v.style, aspect_ratio: v.aspect_ratio, count: v.count }),
  },
  {
    ...THEO, id: "documents", label: "Documents", path: "api/v1/documents", reads: "theo",
    placeholder: "Describe the document.",
    fields: [choice("format", "Format", ["pdf", "docx", "pptx", "xlsx", "csv"])],
    body: (v) => filled({ prompt: v.prompt, format: v.format }),
  },
  {
    ...GETCODE, id: "generate", label: "Generate", path: "api/generate", reads: "getcode", streams: true,
    placeholder: "Describe what to make, such as: a landing page for a bakery.",
    fields: [OUTPUT_TYPE, choice("language", "Language",
      ["auto", "html", "react", "vue", "typescript", "python", "nodejs", "php"],
      { when: (v) => v.outputType === "website" || v.outputType === "api" })],
    body: (v) => filled({
      prompt: v.prompt, outputType: v.outputType, originalPrompt: v.originalPrompt,
      language: v.outputType === "website" || v.outputType === "api" ? v.language : undefined,
    }),
  },
  {
    ...GETCODE, id: "improve", label: "Improve", path: "api/improve", reads: "getcode",
    placeholder: "A rough request. It comes back as a detailed brief.",
    fields: [OUTPUT_TYPE],
    body: (v) => filled({ prompt: v.prompt, outputType: v.outputType }),
  },
  {
    ...GETCODE, id: "upload", label: "Upload", path: "api/upload", reads: "getcode", noPrompt: true,
    fields: [{ name: "file", label: "File", kind: "file", accept: "application/pdf,image/jpeg,image/png,image/webp,image/gif",
      hint: "PDF, JPEG, PNG, WebP or GIF. It becomes a prompt." }, OUTPUT_TYPE],
    body: (v) => filled({ fileData: v.file?.data, mimeType: v.file?.type, fileName: v.file?.name, outputType: v.outputType }),
  },
];

/** The request that `values` make: what is sent, and what curl shows, out of one. */
export function requestOf(endpoint, values, past) {
  const fields = endpoint.body(values, past);
  const base = new URL("api/v1", document.baseURI).href;
  return {
    endpoint: endpoint.id, method: "POST", path: endpoint.path, url: new URL(endpoint.path, document.baseURI).href, base,
    reads: endpoint.reads, streams: Boolean(endpoint.streams || fields.stream), variable: endpoint.variable, fields,
    file: endpoint.id === "upload" ? values.file?.name ?? "FILE" : undefined, body: JSON.stringify(fields, null, 2),
  };
}
