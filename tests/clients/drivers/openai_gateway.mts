// The OpenAI SDK for TypeScript, as its users write it, against the gateway: chat, stream, models, an error, an abort.
import OpenAI from "openai";

const [origin, key] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${origin}/api/v1`, apiKey: key, maxRetries: 0 });
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Add two numbers in Python" },
];

const models: string[] = [];
for await (const model of client.models.list()) models.push(model.id);

const answer = await client.chat.completions.create({ model: "theo-1-auto", messages });

let streamed = "";
let finished: string | null = null;
let total = 0;
const stream = await client.chat.completions.create({
  model: "theo-1-auto",
  messages: [...messages, { role: "user", content: "And three?" }],
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta.content ?? "";
  finished = chunk.choices[0]?.finish_reason ?? finished;
  total = chunk.usage?.total_tokens ?? total;
}

const refused = await new OpenAI({ baseURL: `${origin}/api/v1`, apiKey: "theo_sk_wrong", maxRetries: 0 }).models
  .list()
  .then(() => "none", (error: unknown) => (error instanceof OpenAI.AuthenticationError ? error.code : String(error)));

const empty = await client.chat.completions
  .create({ model: "theo-1-auto", messages: [{ role: "user", content: " " }] })
  .then(() => "none", (error: unknown) => (error instanceof OpenAI.BadRequestError ? error.code : String(error)));

const stopped = await client.chat.completions.create({
  model: "theo-1-auto",
  messages: [{ role: "user", content: "Stop soon" }],
  stream: true,
});
let first = "";
for await (const chunk of stopped) {
  first = chunk.choices[0]?.delta.content ?? "";
  if (first) break; // which closes the connection
}

console.log(
  JSON.stringify({
    models,
    text: answer.choices[0]?.message.content,
    finish: answer.choices[0]?.finish_reason,
    tokens: answer.usage?.total_tokens,
    streamed,
    finished,
    total,
    refused,
    empty,
    first,
  }),
);
