// The cards of optimizers, and the edits that add, copy and rename them.

import { CODE, h, iconButton } from "./dom.js";
import { idOf, keyOf } from "./fields.js";

/** Arguments that a card always shows; the others are folded until the config gives them. */
const SHOWN = new Set(["lr", "momentum", "betas", "alpha", "rho"]);

/** Keys of an optimizer that have their own place in the card. */
const PLACED = new Set(["class", "color", "schedule", "noise"]);

/** Return whether a key is one of gdsim, and not an argument of a class, of which the schema only has a description. */
const isOwn = (own, name) => name in own && Object.keys(own[name]).length > 1;

/** Read a default of Python: `(0.9, None)` becomes `[0.9, null]`; undefined if the argument is required. */
function literal(text) {
  const words = { None: "null", True: "true", False: "false", "(": "[", ")": "]", "'": '"' };
  try {
    return JSON.parse(text.replace(/None|True|False|[()']/g, (word) => words[word]));
  } catch {
    return undefined;
  }
}

/** Return the name of the class that a label with its settings stands for. */
export const classOf = (label, spec) => spec?.class ?? label;

export function optimizerCards(fields, studio) {
  const optimizers = Object.entries(studio.config.optimizers ?? {});
  return [
    ...optimizers.map(([label, spec]) => card(fields, studio, label, spec ?? {}, optimizers.length > 1)),
    iconButton("add", "Add an optimizer", { text: true, "data-action": "add-optimizer", "data-key": "add-optimizer" }),
  ];
}

function card(fields, studio, label, spec, removable) {
  const { hello: { classes, schema }, hidden } = studio, path = ["optimizers", label], name = classOf(label, spec);
  const [mapping] = schema.definitions.OptimizerSpec.anyOf, own = mapping.properties;
  const color = studio.colorOf(label), seen = !hidden.has(label), key = { "data-path": keyOf(path) };
  const small = { class: "icon small", ...key };
  const mistake = fields.mistakes.get(keyOf(path)) ?? fields.mistakes.get(keyOf([...path, "class"]));
  const args = argumentsOf(classes.optimizers[name], spec, own).map(([each, argument, fallback]) => ({
    row: fields.row([...path, each], argument, spec[each], { fallback }),
    shown: SHOWN.has(each) || spec[each] !== undefined,
  }));
  const others = Object.keys(own).filter((each) => !PLACED.has(each) && isOwn(own, each));
  return h("section", { class: "card", "data-key": label, "aria-label": `Optimizer ${label}`, "data-hidden": !seen },
    h("header", {},
      h("input", {
        type: "color", class: "swatch", value: color, "aria-label": `Color of ${label}`, "data-kind": "color",
        "data-path": keyOf([...path, "color"]),
      }),
      h("input", {
        ...CODE, class: "name", value: label, title: label, "aria-label": `Label of ${label}`, "data-action": "rename", ...key,
      }),
      iconButton(seen ? "shown" : "hidden", `${seen ? "Hide" : "Show"} ${label}`, { ...small, "data-action": "hide" }),
      iconButton("copy", `Duplicate ${label}`, { ...small, "data-action": "duplicate" }),
      removable && iconButton("remove", `Remove ${label}`, { ...small, "data-action": "remove" })),
    fields.plain(`${idOf(path)}-class`, "class", h("button", {
      type: "button", class: "select", id: `${idOf(path)}-class`, "data-action": "class",
      "aria-label": `Class of ${label}: ${name}. Choose another`, ...key,
    }, h("span", {}, name))),
    mistake && h("p", { class: "mistake" }, mistake),
    args.filter(({ shown }) => shown).map(({ row }) => row),
    schedule(fields, studio, path, spec.schedule),
    h("details", { class: "group", "data-key": "more" },
      h("summary", {}, h("span", {}, "more settings")),
      h("div", { class: "rows" },
        fields.row([...path, "noise"], own.noise, spec.noise),
        others.map((each) => fields.row([...path, each], own[each], spec[each])),
        args.filter(({ shown }) => !shown).map(({ row }) => row),
        !classes.optimizers[name] && anotherArgument(fields, path))));
}

/** Return the name, schema and default of each argument of a class; of an unknown class, of those that are given. */
function argumentsOf(known, spec, own) {
  if (known) return Object.entries(known).map(([name, [text, schema]]) => [name, schema, literal(text)]);
  const given = Object.keys(spec).filter((name) => !isOwn(own, name));
  const isNumber = (name) => typeof (spec[name] ?? 0) === "number";
  return [...new Set(["lr", ...given])].map((name) => [name, isNumber(name) ? { type: "number" } : {}, undefined]);
}

function anotherArgument(fields, path) {
  const id = idOf([...path, ""]), action = { "data-action": "argument", "data-path": keyOf(path) };
  return fields.plain(id, "add argument", h("input", { ...CODE, id, placeholder: "name: value", ...action }));
}

function schedule(fields, { hello: { classes } }, path, value) {
  const name = typeof value === "string" ? value : value?.class ?? "", own = [...path, "schedule"], id = idOf(own);
  const settings = value?.class ? value : {}, names = Object.keys(classes.schedules);
  const select = h("select", { id, value: name, "data-action": "schedule", "data-path": keyOf(own) },
    h("option", { value: "" }, "constant rate"), names.map((each) => h("option", { value: each }, each)));
  const shown = Object.entries(classes.schedules[name] ?? {}).filter(([each, [text]]) => (
    !text || each in settings || each === "gamma"
  ));
  return h("div", { class: "schedule", "data-key": "schedule" },
    fields.plain(id, "schedule", select),
    shown.map(([each, [text, schema]]) => (
      fields.row([...own, each], schema, settings[each], { fallback: literal(text), required: !text })
    )));
}

/** Return a schedule with values for the arguments that its class requires. */
export function scheduleTemplate(name, { hello: { classes }, config }, lr) {
  const { steps } = config, guesses = {
    T_max: steps, T_0: Math.ceil(steps / 3), total_steps: steps, total_iters: steps, step_size: Math.ceil(steps / 3),
    milestones: [Math.ceil(steps / 2)], gamma: 0.95, max_lr: lr, base_lr: lr / 10,
  };
  const required = Object.entries(classes.schedules[name]).filter(([, [text]]) => !text).map(([key]) => key);
  const extra = name === "OneCycleLR" ? ["total_steps"] : [];
  const wanted = [...required, ...extra].filter((key) => key in guesses);
  return { class: name, ...Object.fromEntries(wanted.map((key) => [key, guesses[key]])) };
}

/** Return a label that is not in use yet. */
function freeLabel(label, optimizers) {
  for (let i = 1; ; i++) {
    const tried = i === 1 ? label : `${label} ${i}`;
    if (!(tried in optimizers)) return tried;
  }
}

/** Learning rates that move visibly on functions of a few units' width, where torch's default would not. */
const RATES = { SGD: 0.01, ASGD: 0.01, LBFGS: 1, Adadelta: 1 };

/** Return the edits that add an optimizer. */
export function adding(className, { config, hello: { classes } }) {
  const known = classes.optimizers[className], hasRate = !known || "lr" in known;
  const name = className.split(/[.:]/).pop(), label = freeLabel(name, config.optimizers ?? {});
  const named = label === className ? {} : { class: className }, rate = hasRate ? { lr: RATES[className] ?? 0.1 } : {};
  return [{ path: ["optimizers", label], value: { ...named, ...rate } }];
}

export function duplicating(label, { config: { optimizers } }) {
  const spec = { class: classOf(label, optimizers[label]), ...optimizers[label] };
  delete spec.color;
  return [{ path: ["optimizers", freeLabel(label, optimizers)], value: spec }];
}

export function renaming(label, next, { config: { optimizers } }) {
  const named = optimizers[label]?.class === undefined ? [{ path: ["optimizers", next, "class"], value: label }] : [];
  return [{ path: ["optimizers", label], rename: next }, ...named];
}

/** Return the edits that change the class; arguments that the new one does not have are removed. */
export function changingClass(label, className, { config: { optimizers }, hello: { classes, schema } }) {
  const path = ["optimizers", label], known = classes.optimizers[className];
  const own = schema.definitions.OptimizerSpec.anyOf[0].properties;
  const gone = Object.keys(optimizers[label] ?? {}).filter((name) => known && !(name in known) && !isOwn(own, name));
  const removals = gone.map((name) => ({ path: [...path, name], remove: true }));
  return [{ path: [...path, "class"], value: className }, ...removals];
}
