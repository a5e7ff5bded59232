// The form: one section per part of the config, which follows the text and changes it.

import { choose } from "./chooser.js";
import { h, morphChildren } from "./dom.js";
import { Fields, choicesOf, editOf, keyOf, scaleOfSlider } from "./fields.js";
import {
  addingFunction, hasPlaces, objectiveSection, removingFunction, startSection, startTemplate, templateOf,
} from "./objective.js";
import { adding, changingClass, classOf, duplicating, optimizerCards, renaming, scheduleTemplate } from "./optimizers.js";

/** Keys of `view` that are not folded. */
const VIEW = ["kind", "panels", "theme", "title"];

const pathOf = ({ dataset }) => JSON.parse(dataset.path);

export function createControls(root, studio) {
  new Controls(root, studio);
}

class Controls {
  constructor(root, studio) {
    Object.assign(this, { root, studio, keyboard: false });
    this.show();
    for (const type of ["state", "drawing", "hidden"]) studio.on(type, () => this.show());
    studio.on("checked", ({ mistake }) => this.checked(mistake));
    root.addEventListener("input", (event) => this.input(event.target));
    root.addEventListener("change", (event) => this.change(event.target));
    root.addEventListener("focusout", ({ target }) => delete target.dataset.changing);
    root.addEventListener("pointerdown", () => { this.keyboard = false; });
    root.addEventListener("keydown", () => { this.keyboard = true; });
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-action]");
      if (button) this.click(button);
    });
  }

  show() {
    const { studio, root } = this, { hello, config, mistakes } = studio;
    if (!hello || !config) {
      const unreadable = "The YAML cannot be read. Correct the marked line, or undo.";
      const words = hello && mistakes.length ? unreadable : "Loading…";
      return morphChildren(root, h("div", {}, h("p", { class: "quiet notice" }, words)));
    }
    const fields = new Fields({ schema: hello.schema, mistakes });
    morphChildren(root, h("div", {}, this.sections(fields)));
    const formula = root.querySelector(".formula[data-changing]");
    if (formula) this.showMistake(formula);
  }

  sections(fields) {
    const { hello: { schema }, config } = this.studio, { properties, definitions } = schema;
    const [view] = choicesOf(properties.view, definitions);
    const folded = Object.keys(view.properties).filter((name) => !VIEW.includes(name));
    const special = new Set(["objective", "start", "steps", "seed", "optimizers", "view"]);
    const others = Object.keys(properties).filter((name) => !special.has(name));
    return [
      section("Function", objectiveSection(fields, this.studio)),
      section("Start", [
        ...startSection(fields, this.studio),
        fields.row(["steps"], properties.steps, config.steps, { required: true }),
        fields.row(["seed"], properties.seed, config.seed),
      ]),
      section("Optimizers", optimizerCards(fields, this.studio)),
      section("Picture", [
        ...fields.rows(["view"], view, config.view, VIEW),
        fields.group(["view"], view, config.view, { label: "more about the picture", names: folded }),
        ...others.map((name) => fields.row([name], properties[name], config[name])),
      ]),
    ];
  }

  /** Follow a control while it changes. */
  input(control) {
    const { kind, path } = control.dataset;
    if (control.type === "text") control.dataset.changing = "";
    if (control.matches(".formula")) this.check(control.value);
    if (kind !== "slider") return;
    const place = Number(control.value), scale = scaleOfSlider(control), value = scale.value(place);
    const box = control.nextElementSibling;
    control.style.setProperty("--share", place / scale.last);
    control.setAttribute("aria-valuetext", value);
    control.dataset.changing = "";
    box.value = value;
    const edit = editOf(control), near = [1, -1, 2, -2].map((step) => place + step);
    const ahead = near.filter((each) => each >= 0 && each <= scale.last).map((each) => [{ path: JSON.parse(path), value: scale.value(each) }]);
    this.studio.try([edit], "value" in edit ? ahead : []);
  }

  change(control) {
    const { kind, action } = control.dataset;
    delete control.dataset.changing;
    if (action) return this.act(control, action);
    if (!kind) return;
    const byKeys = kind === "slider" && this.keyboard;
    this.studio.edit([editOf(control)], byKeys ? control.dataset.path : control.matches(".formula") ? "formula" : null);
  }

  /** Do what a select or a text field that is not a plain value asks for. */
  act(control, action) {
    const { studio } = this, path = control.dataset.path && pathOf(control), { value } = control;
    if (action === "form") this.setObjective(path, templateOf(value, studio.hello));
    if (action === "start-form") {
      const start = startTemplate(value, studio);
      studio.edit([start === undefined ? { path: ["start"], remove: true } : { path: ["start"], value: start }]);
    }
    if (action === "schedule") {
      const lr = studio.config.optimizers[path[1]]?.lr ?? 0.1;
      studio.edit([value ? { path, value: scheduleTemplate(value, studio, lr) } : { path, remove: true }]);
    }
    if (action === "argument") {
      const [name, ...rest] = value.split(/[:=]/), text = rest.join(":").trim();
      if (name.trim() && text) studio.edit([{ path: [...path, name.trim()], yaml: text }]);
      control.value = "";
    }
    if (action === "rename") this.rename(control, path[1], value.trim());
  }

  rename(control, label, next) {
    const { optimizers } = this.studio.config;
    if (next && next !== label && !(next in optimizers)) this.studio.edit(renaming(label, next, this.studio));
    else control.value = label;
  }

  click(button) {
    const { studio } = this, { action } = button.dataset, path = button.dataset.path && pathOf(button);
    const label = path?.[1];
    const actions = {
      help: () => this.toggleHelp(button),
      reset: () => studio.edit([{ path, remove: true }]),
      remove: () => studio.edit([{ path, remove: true }]),
      hide: () => studio.toggleHidden(label),
      duplicate: () => studio.edit(duplicating(label, studio)),
      "add-point": () => studio.edit([{ path, value: startTemplate("point", studio) }]),
      "add-optimizer": () => this.addOptimizer(),
      class: () => this.chooseClass(label),
      catalog: async () => this.setObjective(path, await this.chooseFunction()),
      "add-function": () => this.addFunction(),
      "remove-function": () => studio.edit([removingFunction(path, studio)]),
    };
    actions[action]?.();
  }

  toggleHelp(button) {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", open);
    this.root.querySelector(`#${CSS.escape(button.getAttribute("aria-controls"))}`).hidden = !open;
  }

  async addOptimizer() {
    const name = await this.askClass("Add an optimizer");
    if (name) this.studio.edit(adding(name, this.studio));
  }

  async chooseClass(label) {
    const name = await this.askClass(`The class of ${label}`);
    if (name && name !== classOf(label, this.studio.config.optimizers[label])) this.studio.edit(changingClass(label, name, this.studio));
  }

  askClass(title) {
    const { optimizers } = this.studio.hello.classes;
    const items = Object.entries(optimizers).map(([name, given]) => (
      { value: name, label: name, detail: Object.keys(given).slice(0, 4).join(", ") }
    ));
    const free = (text) => /^[\w/]+([.:][\w.]+)+$/.test(text) ? `Use ${text}` : null;
    return choose(this.studio.root, { title, hint: "Search, or type package.Class", items, free });
  }

  chooseFunction() {
    const items = this.studio.hello.catalog.map(({ name, title, thumbnail, dim }) => (
      { value: name, label: title || name, detail: dim === 1 ? "one variable" : "", image: thumbnail }
    ));
    return choose(this.studio.root, { title: "Functions", hint: "Search functions", items });
  }

  async addFunction() {
    const name = await this.chooseFunction();
    if (name) this.studio.edit([addingFunction(name, this.studio)]);
  }

  /** Set another objective, if there is one, and remove the start, which is a place on the old one. */
  setObjective(path, value) {
    if (!value) return;
    const start = hasPlaces(this.studio.config.start) ? [{ path: ["start"], remove: true }] : [];
    this.studio.edit([{ path, value }, ...start]);
  }

  check(expression) {
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.studio.send({ type: "check", expression }), 100);
  }

  /** Take the mistake in a formula that is being typed, or none; the picture then follows. */
  checked(mistake) {
    const formula = this.root.querySelector(".formula[data-changing]");
    if (!formula) return;
    this.mistake = mistake;
    this.showMistake(formula);
    if (!mistake) this.studio.edit([editOf(formula)], "formula");
  }

  /** Show what is wrong with a formula that is being typed, of which the config knows nothing. */
  showMistake(formula) {
    const { mistake } = this;
    const words = mistake ? `column ${mistake.column}: ${mistake.message}` : "";
    formula.parentElement.querySelector(".mistake").textContent = words;
    if (mistake) formula.setAttribute("aria-invalid", "true");
    else formula.removeAttribute("aria-invalid");
  }
}

function section(title, content) {
  return h("section", { class: "part", "data-key": title, "aria-label": title }, h("h2", {}, title), content);
}
