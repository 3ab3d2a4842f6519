// The TypeScript SDK 1.x, which most desktop hosts are made of.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

import { ofBlocks, run } from "./plan.mjs";

await run(async (command, args, env) => {
  const progress = [];
  const client = new Client({ name: "clients", version: "1" });
  await client.connect(new StdioClientTransport({ command, args, env }));
  return {
    tools: (await client.listTools()).tools.map((tool) => tool.name),
    progress,
    call: async (name, given) =>
      ofBlocks(await client.callTool({ name, arguments: given }, undefined, { onprogress: (one) => progress.push(one) })),
    close: () => client.close(),
  };
});
