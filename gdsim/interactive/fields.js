// Rows of a form for values of a config, made from their JSON Schema, and the edits that follow from using them.

import { CODE, h, icon, iconButton } from "./dom.js";
import { scaleOf } from "./scales.js";

/** Return the kinds of values that a schema allows, references resolved, without null. */
export function choicesOf(schema, definitions) {
  const { $ref, ...rest } = schema;
  if ($ref) return choicesOf({ ...definitions[$ref.split("/").pop()], ...rest }, definitions);
  if (!schema.anyOf) return schema.type === "null" ? [] : [schema];
  return schema.anyOf.flatMap((choice) => choicesOf(choice, definitions));
}

/** Return a value as YAML in one line. */
export function asText(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return `[${value.map(asText).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  return `{${Object.entries(value).map(([key, each]) => `${key}: ${asText(each)}`).join(", ")}}`;
}

export const keyOf = (path) => JSON.stringify(path);

/** Return the id of the control of a setting, without spaces, at which `aria-describedby` would be divided. */
export const idOf = (path) => `field-${path.map(encodeURIComponent).join("-")}`;

/** Return the names of settings as words: `weight_decay` becomes "weight decay". */
const spoken = (name) => String(name).replaceAll("_", " ");

const isBelow = (path, above) => above.every((part, i) => path[i] === part);
const isText = ({ type }) => type === "string";
const isNumber = ({ type }) => type === "number" || type === "integer";
const isCollection = ({ type }) => type === "object" || type === "array";
const isFixedRow = ({ type, minItems, maxItems, items }) => (
  type === "array" && minItems === maxItems && maxItems <= 3 && isNumber(items ?? {})
);

/**
 * The rows of a form for one config.
 *
 * Each control has the path of its value in `data-path`; `editOf` returns what it asks for.
 */
export class Fields {
  constructor({ schema, mistakes = [] }) {
    this.definitions = schema.definitions;
    this.mistakes = new Map(mistakes.map(({ key, message }) => [keyOf(key), message]));
  }

  /**
   * Return the row of a setting.
   *
   * `value` is undefined where the config does not give one, and `fallback` is then in force.
   */
  row(path, schema, value, { fallback = schema.default, label = spoken(path.at(-1)), required = false } = {}) {
    const choices = choicesOf(schema, this.definitions), name = path.at(-1), id = idOf(path);
    const only = choices.length === 1 ? choices[0] : null;
    if (only?.properties && !only.required?.includes("class")) return this.group(path, only, value, { label });
    const about = { path, id, name, value, fallback, label, choices };
    const names = choices.flatMap((each) => each.enum ?? (each.const === undefined ? [] : [each.const]));
    // Names only, or names and mappings or lists, which are for the YAML pane.
    const areNames = choices.every((each) => each.enum || each.const || isCollection(each));
    const isChoice = names.length && areNames && typeof value !== "object";
    // Lists that contain anything but names are for the YAML pane.
    const items = choices.flatMap((each) => each.items ? choicesOf(each.items, this.definitions) : []);
    const listed = items.flatMap((each) => each.enum ?? []);
    const isListed = value === undefined || (Array.isArray(value) && value.every((each) => listed.includes(each)));
    const control = only?.type === "boolean" ? this.toggle(about)
      : isChoice ? this.select(about, names)
      : listed.length && isListed ? this.chips(about, listed)
      : only && isFixedRow(only) ? this.numbers(about, only)
      : only && isNumber(only) ? this.number(about, only)
      : choices.some(({ pattern }) => pattern?.startsWith("^#(")) && only ? this.color(about)
      : this.text(about, names);
    return this.labelled(about, schema.description, control, { required });
  }

  /** Return a row with a name before its control. */
  plain(id, label, control, attributes = {}, ...others) {
    const head = h("div", { class: "head" }, h("label", { for: id }, label), others);
    return h("div", { class: "row", "data-key": id, ...attributes }, head, control);
  }

  labelled({ path, id, value, label }, description, control, { required }) {
    const mistake = this.mistakes.get(keyOf(path));
    return h("div", { class: "row", "data-key": keyOf(path), "data-set": value !== undefined },
      h("div", { class: "head" },
        h("label", { for: id, id: `${id}-label` }, label),
        description && h("button", {
          type: "button", class: "icon small help", "data-action": "help", "aria-expanded": "false",
          "aria-controls": `${id}-help`, "aria-label": `About ${label}`, title: description,
        }, icon("help")),
        value !== undefined && !required && iconButton("reset", `Reset ${label}`, {
          class: "icon small", "data-action": "reset", "data-path": keyOf(path),
        })),
      control,
      description && h("p", { class: "about", id: `${id}-help`, hidden: true }, description),
      mistake && h("p", { class: "mistake", id: `${id}-mistake` }, mistake));
  }

  /** Return the attributes of a control. */
  attributes({ path, id }, kind, more = {}) {
    const wrong = this.mistakes.has(keyOf(path));
    return {
      id, "data-path": keyOf(path), "data-kind": kind, "aria-invalid": wrong && "true",
      "aria-describedby": wrong ? `${id}-mistake` : null, ...more,
    };
  }

  toggle(about) {
    const checked = about.value ?? about.fallback ?? false;
    return h("input", this.attributes(about, "toggle", { type: "checkbox", role: "switch", checked }));
  }

  select(about, names) {
    const { value, fallback } = about, shown = value ?? fallback;
    const options = names.map((name) => h("option", { value: name }, spoken(name)));
    if (shown === null || shown === undefined) options.unshift(h("option", { value: "" }, "automatic"));
    else if (!names.includes(shown)) options.unshift(h("option", { value: shown }, asText(shown)));
    return h("select", this.attributes(about, "select", { value: shown ?? "" }), options);
  }

  chips(about, names) {
    const shown = [about.value ?? about.fallback ?? []].flat();
    return h("div", { class: "chips", role: "group", "aria-labelledby": `${about.id}-label`, id: about.id },
      names.map((name) => h("label", { class: "chip" },
        h("input", {
          type: "checkbox", value: name, checked: shown.includes(name), "data-path": keyOf(about.path),
          "data-kind": "chips",
        }),
        h("span", {}, spoken(name)))));
  }

  numbers(about, { maxItems, items }) {
    const shown = about.value ?? about.fallback ?? [];
    return h("div", { class: "numbers", role: "group", "aria-labelledby": `${about.id}-label` },
      Array.from({ length: maxItems }, (_, i) => (
        this.number({ ...about, id: i ? `${about.id}-${i}` : about.id, value: shown[i], index: i }, items)
      )));
  }

  /** Return a field for a number, with a slider if there is a scale for it. */
  number(about, schema) {
    const { path, name, value, fallback, label, index } = about, shown = value ?? fallback;
    const part = index === undefined ? {} : { "data-index": index, "aria-label": `${label} ${index + 1}` };
    const scale = scaleOf(name, schema);
    const box = h("input", this.attributes(about, "number", {
      ...CODE, inputmode: "decimal", value: asText(value),
      placeholder: value === undefined ? asText(shown) || "automatic" : null, ...part,
    }));
    if (!scale) return box;
    const place = Math.min(Math.max(Math.round(scale.place(shown ?? 0)), 0), scale.last);
    return h("div", { class: "number" },
      h("input", {
        type: "range", min: 0, max: scale.last, value: place, "--share": place / scale.last, "data-path": keyOf(path),
        "data-kind": "slider", "data-name": name, "data-type": schema.type,
        "data-low": schema.minimum ?? schema.exclusiveMinimum,
        "data-above": schema.exclusiveMinimum !== undefined, "data-high": schema.maximum, ...part,
        "aria-label": `${index === undefined ? label : `${label} ${index + 1}`}, slider`,
        "aria-valuetext": asText(shown) || "automatic",
      }),
      box);
  }

  color(about) {
    const { path, value, label } = about, shown = /^#[0-9a-fA-F]{6}$/.test(value) ? value : "#888888";
    const chooser = { type: "color", value: shown, "aria-label": `Choose ${label}`, "data-path": keyOf(path) };
    return h("div", { class: "color" },
      h("input", this.attributes(about, "text", { ...CODE, value: asText(value), placeholder: "automatic" })),
      h("input", { ...chooser, "data-kind": "color" }));
  }

  text(about, names) {
    const { id, value, fallback, choices } = about;
    const others = choices.filter((each) => !isText(each)), isOptional = others.every((each) => each.const === false);
    const kind = others.length === choices.length || !isOptional ? "yaml" : others.length ? "optional" : "text";
    const box = h("input", this.attributes(about, kind, {
      ...CODE, value: asText(value), placeholder: value === undefined ? asText(fallback) || "automatic" : null,
      list: names.length ? `${id}-names` : null,
    }));
    const options = names.map((name) => h("option", { value: String(name) }));
    return names.length ? [box, h("datalist", { id: `${id}-names` }, options)] : box;
  }

  /** Return the settings of a mapping, folded. */
  group(path, schema, value, { label = spoken(path.at(-1)), names = Object.keys(schema.properties) } = {}) {
    const set = names.filter((name) => value?.[name] !== undefined).length;
    const keys = [...this.mistakes.keys()].map((key) => JSON.parse(key));
    const wrong = names.some((name) => keys.some((key) => isBelow(key, [...path, name])));
    return h("details", { class: "group", "data-key": keyOf(path) },
      h("summary", {}, h("span", {}, label),
        wrong ? h("span", { class: "count wrong" }, "wrong") : set > 0 && h("span", { class: "count" }, `${set} set`)),
      h("div", { class: "rows" }, this.rows(path, schema, value, names)));
  }

  rows(path, schema, value, names = Object.keys(schema.properties)) {
    return names.map((name) => this.row([...path, name], schema.properties[name], value?.[name]));
  }
}

/** Return the scale of a slider. */
export function scaleOfSlider({ dataset: { name, type, low, high, above } }) {
  const number = (text) => text === undefined ? undefined : Number(text);
  const least = above === undefined ? { minimum: number(low) } : { exclusiveMinimum: number(low) };
  return scaleOf(name, { type, ...least, maximum: number(high) });
}

/** Return the edit that a control asks for with its present state. */
export function editOf(control) {
  const path = JSON.parse(control.dataset.path), { kind, index } = control.dataset, text = control.value.trim();
  if (index !== undefined) {
    const controls = [...control.closest(".numbers").querySelectorAll("[data-kind=number]")];
    const values = controls.map((each) => each.value.trim() || each.placeholder);
    if (kind === "slider") values[index] = scaleOfSlider(control).value(Number(control.value));
    return { path, yaml: `[${values.join(", ")}]` };
  }
  if (kind === "slider") return { path, value: scaleOfSlider(control).value(Number(control.value)) };
  if (kind === "toggle") return { path, value: control.checked };
  if (kind === "chips") {
    const controls = [...control.closest(".chips").querySelectorAll("input")];
    return { path, value: controls.filter(({ checked }) => checked).map(({ value }) => value) };
  }
  if (text === "") return { path, remove: true };
  if (kind === "optional" && text === "false") return { path, value: false };
  return kind === "number" || kind === "yaml" ? { path, yaml: text } : { path, value: text };
}
