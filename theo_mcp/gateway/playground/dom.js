// Makes elements. Text only ever becomes a text node: nothing here, or anywhere in this page, parses HTML.

export const byId = (id) => document.getElementById(id);

/** An element with properties (`class`, `data-…`, `aria-…` and `on…` too) and children, which are nodes or text. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.includes("-")) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** A button that says for a moment that it has done its work. */
export function doneButton(label, done, act) {
  const button = el("button", { type: "button", class: "quiet", onclick: async () => {
    button.textContent = (await act()) === false ? "Not possible" : done;
    setTimeout(() => { button.textContent = label; }, 1600);
  } }, label);
  return button;
}

/** Copies `text`, also where the page has no clipboard of its own (plain http on another machine's name). */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { value: text, class: "aside", "aria-hidden": "true", readOnly: true });
    const focused = document.activeElement;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return copied;
  }
}

/** Saves `text` as a file of the user's. */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
