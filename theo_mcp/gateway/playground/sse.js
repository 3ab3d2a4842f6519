// Server-sent events out of bytes that may be cut anywhere, even inside a character or between CR and LF.

export class EventReader {
  #rest = "";
  #name = "";
  #data = [];
  #skipsNewline = false;

  /** The events that `text` completes: `{name, data}`. An event that the stream's end cuts off is none. */
  feed(text) {
    this.#rest += this.#skipsNewline && text.startsWith("\n") ? text.slice(1) : text;
    if (text) this.#skipsNewline = false;
    const events = [];
    for (let end; (end = /\r\n|\n|\r/.exec(this.#rest)) !== null;) {
      this.#skipsNewline = end[0] === "\r" && end.index === this.#rest.length - 1;
      const line = this.#rest.slice(0, end.index);
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (line !== "") this.#field(line);
      else if (this.#data.length) {
        events.push({ name: this.#name, data: this.#data.join("\n") });
        this.#name = "";
        this.#data = [];
      } else this.#name = "";
    }
    return events;
  }

  #field(line) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
  }
}

/** The events of a response, as they come. */
export async function* eventsOf(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const events = new EventReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      yield* events.feed(done ? decoder.decode() : decoder.decode(value, { stream: true }));
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
