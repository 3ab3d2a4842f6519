// The fields of one endpoint as a form, and what was filled in.

import { el } from "./dom.js";

const OFFERED = new Set(["model", "skills"]);

export class Fields {
  #kept = {};
  #controls = [];
  #endpoint = null;
  /** What the gateway offers; null until a key has been accepted. */
  offers = { models: null, skills: null, skillsProblem: "" };

  constructor(place, morePlace, changed) {
    this.place = place;
    this.morePlace = morePlace;
    this.changed = changed;
  }

  /** Draws the fields of `endpoint` with what was filled in before. */
  show(endpoint) {
    this.#endpoint = endpoint;
    this.#controls = endpoint.fields.map((field) => ({ field, ...this.#draw(field) }));
    this.place.replaceChildren(...this.#controls.filter((each) => !each.field.more).map((each) => each.node));
    const more = this.#controls.filter((each) => each.field.more).map((each) => each.node);
    this.morePlace.querySelector(".fields").replaceChildren(...more);
    this.morePlace.hidden = more.length === 0;
    this.#hide();
  }

  /** Draws again what is made of the offers, but where somebody is at work. */
  offered() {
    for (const each of this.#controls) {
      if (!OFFERED.has(each.field.kind) || each.node.contains(document.activeElement)) continue;
      const before = each.node;
      each.node = this.#draw(each.field).node;
      before.replaceWith(each.node);
    }
    this.#hide();
  }

  get values() {
    return { ...this.#defaults(), ...this.#kept[this.#endpoint.id] };
  }

  /** Fills the fields of `endpoint` again, as they were for an earlier request. */
  restore(endpoint, values) {
    this.#kept[endpoint.id] = { ...values };
    this.show(endpoint);
  }

  set(name, value) {
    (this.#kept[this.#endpoint.id] ??= {})[name] = value;
    this.#hide();
    this.changed();
  }

  #defaults() {
    return Object.fromEntries(this.#endpoint.fields.map((field) =>
      [field.name, field.initial ?? (field.kind === "choice" ? value(field.choices[0]) : undefined)]));
  }

  #hide() {
    for (const { field, node } of this.#controls) node.hidden = field.when ? !field.when(this.values) : false;
  }

  #draw(field) {
    const now = this.values[field.name];
    const id = `field-${field.name}`;
    const hint = field.hint && el("p", { class: "hint", id: `${id}-hint` }, field.hint);
    const common = { id, "aria-describedby": hint ? `${id}-hint` : undefined };
    const set = (read) => (event) => this.set(field.name, read(event.target));
    const boxed = (control, ...extra) =>
      ({ node: el("div", { class: `field ${field.kind}` }, el("label", { htmlFor: id }, field.label), control, ...extra, hint) });
    switch (field.kind) {
      case "choice":
        return boxed(el("select", { ...common, onchange: set((each) => each.value) }, ...field.choices.map((each) =>
          el("option", { value: value(each), selected: value(each) === now }, label(each)))));
      case "model":
        return boxed(this.#models(common, now, set((each) => each.value)));
      case "area":
        return boxed(el("textarea", { ...common, rows: 3, value: now ?? "", oninput: set((each) => each.value) }));
      case "number":
        return boxed(el("input", {
          ...common, type: "number", min: field.min, max: field.max, step: field.step, placeholder: field.placeholder ?? "",
          value: now ?? "", oninput: set((each) => (each.value === "" ? undefined : each.valueAsNumber)),
        }));
      case "words":
        return boxed(el("input", {
          ...common, type: "text", placeholder: field.placeholder ?? "", value: now ?? "", autocomplete: "off",
          oninput: set((each) => each.value),
        }));
      case "tick":
        return { node: el("div", { class: "field tick" }, el("label", {},
          el("input", { ...common, type: "checkbox", checked: Boolean(now), onchange: set((each) => each.checked) }),
          field.label), hint) };
      case "file":
        return boxed(el("input", { ...common, type: "file", accept: field.accept, onchange: (event) => this.#read(field, event) }),
          el("p", { class: "hint" }, now ? `${now.name}, ${size(now.size)}` : ""));
      default:
        return { node: this.#skills(field, now ?? []) };
    }
  }

  #models(common, now, onchange) {
    const ids = ["theo-1-auto", ...new Set((this.offers.models ?? []).map((each) => each.model_id))].filter(Boolean);
    return el("select", { ...common, onchange }, ...[...new Set(ids)].map((each) =>
      el("option", { value: each, selected: each === now }, each)));
  }

  #skills(field, now) {
    const skills = this.offers.skills;
    const said = this.offers.skillsProblem || (skills === null ? "They are listed when a key is accepted." : "There are none.");
    const rows = (skills ?? []).map((skill) => el("label", { title: skill.description ?? "" },
      el("input", { type: "checkbox", checked: now.includes(skill.slug), onchange: (event) => {
        const chosen = (this.values.skills ?? []).filter((each) => each !== skill.slug);
        this.set("skills", event.target.checked ? [...chosen, skill.slug] : chosen);
      } }), skill.name || skill.slug));
    return el("fieldset", { class: "field skills" }, el("legend", {}, field.label),
      ...(rows.length ? rows : [el("p", { class: "hint" }, said)]));
  }

  #read(field, event) {
    const [file] = event.target.files;
    if (!file) return this.set(field.name, undefined);
    const reader = new FileReader();
    reader.onload = () => {
      const data = String(reader.result).replace(/^[^,]*,/, "");
      this.set(field.name, { name: file.name, type: file.type, size: file.size, data });
      event.target.parentElement.querySelector(".hint").textContent = `${file.name}, ${size(file.size)}`;
    };
    return reader.readAsDataURL(file);
  }
}

const value = (each) => (Array.isArray(each) ? each[0] : each);
const label = (each) => (Array.isArray(each) ? each[1] : each);

export const size = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`);
