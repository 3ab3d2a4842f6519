// Sends one request and follows its answer: a stream, a body, or a job that is asked for until it has ended.

import { begun, errorIn, parsed, takeEvent, takeWhole } from "./answers.js";
import { eventsOf } from "./sse.js";

const POLL_MS = 1000;
const CUT = "The connection ended before the gateway said that the answer was finished. What came until then is kept.";

/** Runs `request`; calls `changed(answer)` at each step. Never throws: what goes wrong stands in `answer.error`. */
export async function run(request, key, signal, changed) {
  const answer = begun(request);
  changed(answer);
  try {
    const response = await fetch(request.url, {
      method: request.method, body: request.body, headers: headers(key), signal, cache: "no-store", referrer: "",
    });
    readHead(answer, response);
    if (!response.ok) await refused(answer, response);
    else if ((response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
      await stream(answer, response, changed);
    } else await whole(answer, response);
    if (answer.job && !answer.error) await follow(answer, key, signal, changed);
  } catch (error) {
    failed(answer, error, signal);
  }
  answer.endedAt = performance.now();
  answer.phase = answer.error ? (answer.error.stopped ? "stopped" : "failed") : "done";
  changed(answer);
  return answer;
}

export const headers = (key) => ({ "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) });

/** Why a request could not be made or read, in words. */
export const unreachable = "The gateway could not be reached. See whether it still runs, then send again.";

async function stream(answer, response, changed) {
  answer.phase = "waiting";
  changed(answer);
  for await (const event of eventsOf(response)) {
    takeEvent(answer, event);
    changed(answer);
    if (answer.error || answer.complete) return;
  }
  answer.error = { title: "The answer is incomplete", message: CUT, incomplete: true };
}

async function whole(answer, response) {
  const fields = parsed(await response.text());
  if (fields === null || typeof fields !== "object") {
    answer.error = { status: response.status, message: "The answer is not JSON.", requestId: answer.facts.requestId };
  } else {
    takeWhole(answer, fields);
    answer.complete = true;
  }
}

async function follow(answer, key, signal, changed) {
  for (;;) {
    answer.phase = "job";
    changed(answer);
    await pause(POLL_MS, signal);
    const address = new URL(`api/v1/jobs/${encodeURIComponent(answer.job.id)}`, document.baseURI);
    const response = await fetch(address, { headers: headers(key), signal, cache: "no-store" });
    if (!response.ok) return refused(answer, response);
    const body = parsed(await response.text());
    const job = body?.job ?? body ?? {};
    answer.job = { id: answer.job.id, status: job.status, progress: Number(job.progress) || 0 };
    if (job.status === "failed") answer.error = { status: 0, title: "The job failed", ...errorIn({ error: job.error }) };
    if (job.status === "completed") takeWhole(answer, typeof job.result === "string" ? { content: job.result } : job.result ?? {});
    if (job.status === "failed" || job.status === "completed") return undefined;
  }
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}

function readHead(answer, response) {
  const head = response.headers;
  answer.facts.requestId = head.get("x-request-id") ?? undefined;
  const [limit, remaining] = ["limit", "remaining"].map((each) => Number(head.get(`x-ratelimit-${each}-requests`) ?? NaN));
  if (remaining <= limit * 0.2) answer.limits = { limit, remaining, reset: head.get("x-ratelimit-reset-requests") };
}

async function refused(answer, response) {
  const text = await response.text();
  const error = errorIn(parsed(text) ?? {}, answer.facts.requestId);
  answer.error = { status: response.status, ...error, message: error.message || `The gateway answered ${response.status}.` };
  const after = response.headers.get("retry-after");
  if (after) {
    const seconds = /^\d+(\.\d+)?$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
    if (seconds > 0) answer.error.retryAt = performance.now() + seconds * 1000;
  }
}

function failed(answer, error, signal) {
  if (signal.aborted) {
    const message = answer.job ? `The job ${answer.job.id} goes on at the gateway; only the waiting has ended.`
      : "You stopped it. What came until then is kept.";
    answer.error = { title: "Stopped", message, stopped: true };
  } else if (answer.text || answer.phase === "waiting" || answer.phase === "answering") {
    answer.error = { title: "The answer is incomplete", message: CUT, incomplete: true };
  } else answer.error = { title: "No connection", message: unreachable };
  if (answer.facts.requestId) answer.error.requestId = answer.facts.requestId;
  void error;
}
