// The request as a command of a POSIX shell, and as Python. Both name a variable where the key would be.

/** `text` as one word of any POSIX shell: nothing has a meaning between single quotes, not even `!` and newlines. */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const FILE = "\u0000file\u0000";

export function asCurl(request) {
  const lines = [
    `curl${request.streams ? " -N" : ""} ${quoted(request.url)}`,
    `  -H "Authorization: Bearer $${request.variable}"`,
  ];
  if (request.method !== "GET") lines.push("  -H 'Content-Type: application/json'");
  if (request.file) return withFile(request, lines);
  if (request.body !== undefined) lines.push(`  --data-raw ${quoted(request.body)}`);
  return lines.join(" \\\n");
}

/** A file is read by the shell, not written into the command; it goes through a pipe, as it may be long. */
function withFile(request, lines) {
  const [before, after] = JSON.stringify({ ...request.fields, fileData: FILE }, null, 2)
    .split(JSON.stringify(FILE).slice(1, -1));
  return [
    `{ printf '%s' ${quoted(before)}`,
    `  base64 < ${quoted(request.file)} | tr -d '\\n'`,
    `  printf '%s' ${quoted(after)}`,
    `} | ${[...lines, "  --data-binary @-"].join(" \\\n")}`,
  ].join("\n");
}

/** A chat with OpenAI's own package. */
export function asPython(request) {
  const { model, messages, temperature, stream } = request.fields;
  const lines = [
    "import os",
    "",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${JSON.stringify(request.base)}, api_key=os.environ[${JSON.stringify(request.variable)}])`,
    `${stream ? "chunks" : "answer"} = client.chat.completions.create(`,
    `    model=${JSON.stringify(model)},`,
    `    messages=${JSON.stringify(messages, null, 4).replaceAll("\n", "\n    ")},`,
  ];
  if (temperature !== undefined) lines.push(`    temperature=${temperature},`);
  if (!stream) return [...lines, ")", "print(answer.choices[0].message.content)"].join("\n");
  return [...lines, "    stream=True,", ")", "for chunk in chunks:",
    '    print(chunk.choices[0].delta.content or "", end="", flush=True)'].join("\n");
}
