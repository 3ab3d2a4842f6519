// The TypeScript SDK 2.x, in the era that the first argument names.

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { ofBlocks, run } from "./plan.mjs";

const mode = process.argv[2];

await run(async (command, args, env) => {
  const progress = [];
  const client = new Client({ name: "clients", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(new StdioClientTransport({ command, args, env }));
  return {
    tools: (await client.listTools()).tools.map((tool) => tool.name),
    progress,
    call: async (name, given) =>
      ofBlocks(await client.callTool({ name, arguments: given }, { onprogress: (one) => progress.push(one) })),
    close: () => client.close(),
  };
});
