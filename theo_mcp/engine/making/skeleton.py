"""The source of a small HTTP API by rule, for where the built-in model would have to write code, which it cannot.

It makes, lists, reads, replaces and deletes what the prompt names, with the fields that it names, in memory. It needs
nothing but the language itself, and is run by a test in each language that it is written in.
"""

from __future__ import annotations

import json
import re
from typing import Final

from theo_mcp.engine import brief
from theo_mcp.wire.words import CodeLanguage

LANGUAGES: Final[tuple[CodeLanguage, ...]] = ("python", "nodejs", "typescript")
_NAMED: Final = re.compile(
    r"\b(?:api|service|backend|server|endpoints?)\s+(?:for|of|to manage|that manages|managing)\s+"
    r"(?:(?:an?|the|my|our|managing|storing|tracking)\s+)*([A-Za-z]\w{1,30}(?:\s+(?!with\b|that\b|and\b|in\b)[A-Za-z]\w{1,30})?)",
    re.IGNORECASE,
)
_VERBS: Final = re.compile(
    r"\b(create|read|list|update|delete|get|post|put|patch|add|remove|log|login|sign|auth|authentication|authorization|search|validat\w*|error\w*"
    r"|test\w*|pagina\w*|crud|endpoints?|fastapi|flask|express|node|python|typescript|sql\w*|postgres\w*)\b",
    re.IGNORECASE,
)
_PYTHON: Final = '''"""An HTTP API for NAME, kept in memory. Start it, then ask http://127.0.0.1:8000/NAME."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

FIELDS = FIELD_LIST
MOST_BYTES = 100_000
kept: dict[int, dict] = {}
made = 0
lock = Lock()


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer("GET")

    def do_POST(self) -> None:
        self.answer("POST")

    def do_PUT(self) -> None:
        self.answer("PUT")

    def do_DELETE(self) -> None:
        self.answer("DELETE")

    def answer(self, method: str) -> None:
        global made
        place, _, last = self.path.partition("?")[0].strip("/").partition("/")
        number = int(last) if last.isascii() and last.isdigit() else None
        if place != "NAME" or (last and number is None):
            return self.send(404, {"error": "There is no such path."})
        if method in ("POST", "PUT") and (given := self.given()) is None:
            return self.send(400, {"error": f"Send a JSON object with: {', '.join(FIELDS)}."})
        with lock:
            if number is None and method == "GET":
                return self.send(200, list(kept.values()))
            if number is None and method == "POST":
                made += 1
                kept[made] = {"id": made, **given}
                return self.send(201, kept[made])
            if number is None or method == "POST":
                return self.send(405, {"error": f"{method} is not for this path."})
            if number not in kept:
                return self.send(404, {"error": "There is none with this id."})
            if method == "PUT":
                kept[number] = {"id": number, **given}
            if method == "DELETE":
                del kept[number]
                return self.send(204, None)
            return self.send(200, kept[number])

    def given(self) -> dict | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return None
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return None
        if not isinstance(body, dict) or any(name not in body for name in FIELDS):
            return None
        return {name: body[name] for name in FIELDS}

    def send(self, status: int, body: object) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    ThreadingHTTPServer(("127.0.0.1", port), Api).serve_forever()
'''
_NODE: Final = """// An HTTP API for NAME, kept in memory. Start it, then ask http://127.0.0.1:8000/NAME.
import { createServer } from "node:http";TYPES

const FIELDS = FIELD_LIST;
const MOST_BYTES = 100_000;
const kept = new MapKEPT();
let made = 0;

function send(responseRESPONSE, statusNUMBER, bodyUNKNOWN) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
}

async function given(requestREQUEST) {
  let text = "";
  for await (const piece of request) {
    text += piece;
    if (text.length > MOST_BYTES) return undefined;
  }
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const whole = typeof body === "object" && body !== null && FIELDS.every((name) => Object.hasOwn(body, name));
  return whole ? Object.fromEntries(FIELDS.map((name) => [name, body[name]])) : undefined;
}

async function answer(requestREQUEST, responseRESPONSE) {
  const method = request.method ?? "";
  const [place, last, ...more] = (request.url ?? "").split("?")[0].replace(/^\\/|\\/$/g, "").split("/");
  if (place !== "NAME" || more.length > 0 || (last && !/^\\d{1,15}$/.test(last))) {
    return send(response, 404, { error: "There is no such path." });
  }
  const id = last ? Number(last) : undefined;
  const body = method === "POST" || method === "PUT" ? await given(request) : {};
  if (body === undefined) return send(response, 400, { error: `Send a JSON object with: ${FIELDS.join(", ")}.` });
  if (id === undefined && method === "GET") return send(response, 200, [...kept.values()]);
  if (id === undefined && method === "POST") {
    made += 1;
    kept.set(made, { id: made, ...body });
    return send(response, 201, kept.get(made));
  }
  if (id === undefined || !["GET", "PUT", "DELETE"].includes(method)) {
    return send(response, 405, { error: `${method} is not for this path.` });
  }
  if (!kept.has(id)) return send(response, 404, { error: "There is none with this id." });
  if (method === "PUT") kept.set(id, { id, ...body });
  if (method === "DELETE") {
    kept.delete(id);
    return send(response, 204, undefined);
  }
  return send(response, 200, kept.get(id));
}

createServer((request, response) => {
  answer(request, response).catch(() => send(response, 500, { error: "The request could not be answered." }));
}).listen(Number(process.argv[2] ?? 8000), "127.0.0.1");
"""
_TYPES: Final = {
    "TYPES": '\nimport type { IncomingMessage, ServerResponse } from "node:http";',
    "KEPT": "<number, Record<string, unknown>>",
    "RESPONSE": ": ServerResponse",
    "REQUEST": ": IncomingMessage",
    "NUMBER": ": number",
    "UNKNOWN": ": unknown",
}


def source(prompt: str, language: CodeLanguage) -> str:
    """The source, in one of `LANGUAGES`."""
    names = list(fields(prompt))
    if language == "python":
        tuple_of = "(" + "".join(f"{json.dumps(name)}, " for name in names).removesuffix(" ") + ")"
        return _PYTHON.replace("FIELD_LIST", tuple_of).replace("NAME", resource(prompt))
    text = _NODE
    for mark, typed in _TYPES.items():
        text = text.replace(mark, typed if language == "typescript" else "")
    return text.replace("FIELD_LIST", json.dumps(names)).replace("NAME", resource(prompt))


def resource(prompt: str) -> str:
    """What the API keeps, as it stands in its path: the words behind "API for", in the plural."""
    found = _NAMED.search(prompt)
    words = re.findall(r"[a-z0-9]+", found[1].lower()) if found else []
    name = "-".join(words) or "item"
    return name if name.endswith("s") else f"{name}s"


def fields(prompt: str) -> tuple[str, ...]:
    """The names of the fields, as the prompt lists them; what it lists of deeds is no field."""
    listed = [] if any(_VERBS.search(item) for item in brief.items(prompt)) else brief.items(prompt)
    names = ["_".join(re.findall(r"[a-z0-9]+", item.lower())) for item in listed]
    return tuple(dict.fromkeys(name for name in names if name and name != "id")) or ("name",)
