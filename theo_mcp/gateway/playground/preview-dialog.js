// Opens HTML that a model wrote, in a frame that has an origin of its own and, until the user says so, no scripts.

import { byId } from "./dom.js";

/** Opens the dialog with `html`. */
export function openPreview(html, title) {
  const dialog = byId("preview");
  const place = byId("preview-place");
  const scripts = byId("preview-scripts");
  byId("preview-title").textContent = title || "Preview";
  scripts.checked = false;
  const draw = () => {
    // A new frame each time: what ran in the last one is gone with it.
    const frame = document.createElement("iframe");
    frame.title = "Preview of what the model made";
    frame.setAttribute("sandbox", "allow-scripts");
    frame.src = new URL("playground/preview.html", document.baseURI).href;
    frame.addEventListener("load", () => frame.contentWindow.postMessage({ html, scripts: scripts.checked }, "*"));
    place.replaceChildren(frame);
  };
  scripts.onchange = draw;
  dialog.onclose = () => place.replaceChildren();
  byId("preview-close").onclick = () => dialog.close();
  draw();
  dialog.showModal();
}
