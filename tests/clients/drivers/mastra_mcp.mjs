// Mastra's MCP client: each tool as its agents call it.

import { MCPClient } from "@mastra/mcp";

import { ofBlocks, run } from "./plan.mjs";

const PREFIX = "theo_"; // the server's name, which it puts before each tool's

await run(async (command, args, env) => {
  const client = new MCPClient({ id: String(Math.random()), servers: { theo: { command, args, env } } });
  const tools = await client.listTools();
  return {
    tools: Object.keys(tools).map((name) => name.slice(PREFIX.length)),
    progress: null,
    call: async (name, given) => shown(await tools[PREFIX + name].execute(given, {})),
    close: () => client.disconnect(),
  };
});

function shown(output) {
  if (Array.isArray(output.content)) return ofBlocks(output);
  return { text: JSON.stringify(output), structured: output, images: [], failed: "" };
}
