// Vercel's AI SDK: what a tool's `toModelOutput` makes of a result is what the model gets.

import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";

import { run } from "./plan.mjs";

await run(async (command, args, env) => {
  const client = await createMCPClient({ transport: new Experimental_StdioMCPTransport({ command, args, env }) });
  const tools = await client.tools();
  return {
    tools: Object.keys(tools),
    progress: null,
    call: async (name, given) => {
      const output = await tools[name].execute(given, { toolCallId: "1", messages: [] });
      return shown(output, await tools[name].toModelOutput({ toolCallId: "1", input: given, output }));
    },
    close: () => client.close(),
  };
});

function shown(output, { value }) {
  const files = value.filter((part) => part.type === "file");
  return {
    text: value.filter((part) => part.type === "text").map((part) => part.text).join("\n"),
    structured: output.structuredContent ?? null,
    images: files.map((file) => ({ mime: file.mediaType, bytes: Buffer.from(file.data.data, "base64").length })),
    failed: output.isError ? "flag" : "",
  };
}
