// What a model wrote, as text: fenced code in boxes, code and bold words within a paragraph as such, and all else as it
// is. Grows in place while it streams.

import { copy, doneButton, download, el } from "./dom.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$/;
const MARKED = /`([^`\n]+)`|\*\*(?!\s)([^*\n]+?)\*\*/g;
const EXTENSIONS = {
  python: "py", javascript: "js", typescript: "ts", html: "html", css: "css", json: "json", bash: "sh", sh: "sh",
  react: "jsx", vue: "vue", php: "php", nodejs: "js", markdown: "md", sql: "sql", go: "go", rust: "rs", java: "java",
};

/** The pieces of `text`: `{kind: "text" | "code", text, language}`. A fence that is still open is code already. */
export function blocksOf(text) {
  const blocks = [];
  let open = null;
  let lines = [];
  const close = (kind, language) => {
    const text = lines.join("\n");
    if (kind === "code") blocks.push({ kind, language, text });
    else if (text.trim()) blocks.push({ kind, language, text: text.replace(/^(\s*\n)+|\s+$/g, "") });
    lines = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const fence = FENCE.exec(line);
    if (open && fence && fence[1].startsWith(open.mark) && !fence[2]) {
      close("code", open.language);
      open = null;
    } else if (!open && fence) {
      close("text");
      open = { mark: fence[1], language: fence[2].toLowerCase() };
    } else lines.push(line);
  }
  close(open ? "code" : "text", open?.language);
  return blocks;
}

/** `text` with what a screen would hide or obey made visible: control characters, and marks that turn text round. */
export function visible(text) {
  return text
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (mark) => String.fromCharCode(0x2400 + mark.charCodeAt(0)))
    .replace(/\u007f/g, "\u2421")
    .replace(/[\u0080-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
      (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

export const looksLikeHtml = (text, language) =>
  language ? /^(html|htm|xhtml|website|email)$/i.test(language) : /^\s*<(!doctype html|html|head|body)\b/i.test(text);

/** Shows a text that grows: only what is new touches the page. `preview` opens HTML. */
export class GrowingText {
  #shown = [];

  constructor(place, preview) {
    this.place = place;
    this.preview = preview;
    place.replaceChildren();
  }

  /** `whole`: the language of a text that is code from its first to its last line. */
  show(text, whole) {
    const blocks = whole === undefined ? blocksOf(text) : text ? [{ kind: "code", language: whole, text }] : [];
    blocks.forEach((block, number) => {
      let shown = this.#shown[number];
      if (shown && (shown.kind !== block.kind || shown.language !== block.language)) {
        this.#shown.splice(number).forEach((each) => each.node.remove());
        shown = undefined;
      }
      if (!shown) {
        shown = block.kind === "code" ? codeBox(block.language, this.preview) : paragraph();
        this.#shown.push(shown);
        this.place.append(shown.node);
      }
      shown.set(block.text);
    });
    this.#shown.splice(blocks.length).forEach((each) => each.node.remove());
  }
}

function paragraph() {
  const node = el("div", { class: "prose", dir: "auto" });
  const shown = [];
  const set = (text) => {
    const pieces = piecesOf(text);
    const kept = pieces.findIndex((piece, number) => piece.tag !== shown[number]?.tag);
    shown.splice(kept < 0 ? pieces.length : kept).forEach((each) => each.node.remove());
    for (const { tag } of pieces.slice(shown.length)) {
      const written = document.createTextNode("");
      shown.push({ tag, node: tag ? el(tag, {}, written) : written, set: grow(written) });
      node.append(shown.at(-1).node);
    }
    pieces.forEach((piece, number) => shown[number].set(piece.text));
  };
  return { kind: "text", node, set };
}

/** The pieces of a paragraph: plain ones have no tag, `code` and **bold words** have theirs. */
export function piecesOf(text) {
  const pieces = [];
  let from = 0;
  for (const mark of text.matchAll(MARKED)) {
    if (mark.index > from) pieces.push({ tag: "", text: text.slice(from, mark.index) });
    pieces.push(mark[1] === undefined ? { tag: "b", text: mark[2] } : { tag: "code", text: mark[1] });
    from = mark.index + mark[0].length;
  }
  if (from < text.length) pieces.push({ tag: "", text: text.slice(from) });
  return pieces;
}

/** A sentence of the gateway's, with the commands in it as such. */
export const sentence = (text) =>
  piecesOf(text).map(({ tag, text: words }) => (tag === "code" ? el("code", {}, visible(words)) : visible(words)));

/** A box of code with what can be done with it. */
export function codeBox(language, preview, title) {
  const written = document.createTextNode("");
  let raw = "";
  const name = `${(title || "answer").replace(/\.[A-Za-z0-9]+$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 60)}`
    + `.${EXTENSIONS[language] ?? (/^[a-z0-9]{1,5}$/.test(language ?? "") ? language : "txt")}`;
  const open = el("button", { type: "button", class: "quiet strong", hidden: true, onclick: () => preview(raw, title) },
    "Open");
  const node = el("section", { class: "code", "aria-label": `Code${language ? ` in ${language}` : ""}` },
    el("header", {}, el("span", { class: "kind" }, title || language || "code"), open,
      doneButton("Copy", "Copied", () => copy(raw)), doneButton("Download", "Saved", () => download(name, raw))),
    el("pre", { tabIndex: 0, dir: "ltr" }, el("code", {}, written)));
  const grown = grow(written);
  const set = (text) => {
    raw = text;
    open.hidden = !looksLikeHtml(text, language);
    grown(text);
  };
  return { kind: "code", language, node, set };
}

/** Sets a text node; what only grew is appended, so that a selection in it stays. */
function grow(node) {
  return (text) => {
    const shown = visible(text);
    if (shown === node.data) return;
    if (shown.startsWith(node.data)) node.appendData(shown.slice(node.length));
    else node.data = shown;
  };
}
