// The key: typed or pasted, kept nowhere unless the user says so, and then in this tab alone.

import { byId } from "./dom.js";
import { headers, unreachable } from "./run.js";

const KEPT = "theo-playground-key";
const MAKE = "Make one on the gateway's machine: theo-mcp gateway keys create";

/** Wires the key's field; `known(models)` is called when the gateway has said yes to a key. */
export function keyField(known) {
  const field = byId("key");
  const state = byId("key-state");
  let asked = 0;

  const say = (kind, text) => {
    state.dataset.kind = kind;
    state.textContent = text;
  };
  const keep = () => {
    if (byId("key-keep").checked && field.value) sessionStorage.setItem(KEPT, field.value.trim());
    else sessionStorage.removeItem(KEPT);
  };
  const check = async () => {
    keep();
    const key = field.value.trim();
    const mine = ++asked;
    if (!key) return say("empty", `${MAKE}.`);
    if (/[^\x21-\x7e]/.test(key)) return say("bad", "This is not a key: it has spaces or letters that no key has.");
    say("asking", "Checking the key …");
    let response;
    try {
      response = await fetch(new URL("api/v1/models", document.baseURI), { headers: headers(key), cache: "no-store" });
      const models = response.ok ? (await response.json()).models ?? [] : [];
      if (mine !== asked) return undefined;
      if (response.ok) {
        say("good", `The key works: ${models.length} ${models.length === 1 ? "mode" : "modes"}.`);
        return known(models, key);
      }
    } catch {
      if (mine === asked) say("bad", unreachable);
      return undefined;
    }
    if (response.status === 401) say("bad", `The gateway does not know this key. ${MAKE}.`);
    else if (response.status === 403) say("bad", "The key may not list models; other endpoints may still take it.");
    else say("bad", `The key could not be checked: the gateway answered ${response.status}.`);
    return undefined;
  };

  field.value = sessionStorage.getItem(KEPT) ?? "";
  byId("key-keep").checked = Boolean(field.value);
  field.addEventListener("change", check);
  field.addEventListener("paste", () => setTimeout(check));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    check();
  });
  byId("key-keep").addEventListener("change", keep);
  byId("key-show").addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    byId("key-show").textContent = shown ? "Show" : "Hide";
    byId("key-show").setAttribute("aria-pressed", String(!shown));
  });
  check();
  return {
    get value() { return field.value.trim(); },
    refused: () => { say("bad", `The gateway does not know this key. ${MAKE}.`); field.focus(); },
  };
}
