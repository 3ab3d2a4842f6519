// What plan.py does, for the clients of Node: list the tools, make the calls of a plan, and print what was seen.

import { readFileSync } from "node:fs";

/**
 * Makes the calls of the plan whose file is the last argument, each part on a session that `connect` opens. A session's
 * `progress` is null where the client has no place for it.
 */
export async function run(connect) {
  const plan = JSON.parse(readFileSync(process.argv.at(-1), "utf-8"));
  const seen = {};
  for (const part of plan.sessions) {
    const session = await connect(plan.command[0], plan.command.slice(1), part.env);
    try {
      seen.tools = session.tools;
      for (const [name, [tool, args]] of Object.entries(part.calls)) {
        if (session.tools.includes(tool)) seen[name] = await call(session, tool, args);
      }
      const handle = seen.slow?.text.match(/\brun_[0-9A-Za-z_-]+/)?.[0];
      if (handle) seen.result = await call(session, "theo_result", { handle, wait_s: plan.wait_s });
    } finally {
      await session.close();
    }
  }
  process.stdout.write(JSON.stringify(seen) + "\n");
}

/** A result whose blocks the client leaves as the protocol has them. */
export function ofBlocks(result) {
  const images = result.content.filter((block) => block.type === "image");
  return {
    text: result.content.filter((block) => block.type === "text").map((block) => block.text).join("\n"),
    structured: result.structuredContent ?? null,
    images: images.map((block) => ({ mime: block.mimeType, bytes: Buffer.from(block.data, "base64").length })),
    failed: result.isError ? "flag" : "",
  };
}

async function call(session, tool, args) {
  const before = session.progress?.length;
  let shown;
  try {
    shown = await session.call(tool, args);
  } catch (error) {
    shown = { text: error.message, structured: null, images: [], failed: error.name };
  }
  return { ...shown, progress: session.progress && session.progress.length - before };
}
