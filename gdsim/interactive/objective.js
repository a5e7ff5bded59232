// The parts of the form for what is minimized and where the paths start.

import { h, iconButton } from "./dom.js";
import { asText, choicesOf, keyOf } from "./fields.js";

const WORDS = { name: "Catalogue", expression: "Formula", samples: "Measured samples", python: "Python function", network: "Network" };

/** Return the schemas of the mappings that an objective can be, by the key that tells them apart. */
function formsOf({ definitions }) {
  const choices = choicesOf(definitions.ObjectiveSpec, definitions).filter(({ required }) => required);
  return Object.fromEntries(choices.map((choice) => [choice.required[0], choice]));
}

/** Return the key that tells the form of an objective: "name", "expression", …; "list" for several. */
export function formOf(objective, catalog) {
  if (Array.isArray(objective)) return "list";
  if (typeof objective === "string") return catalog.some(({ name }) => name === objective) ? "name" : "expression";
  return Object.keys(WORDS).find((form) => form in Object(objective)) ?? "name";
}

const example = ({ examples, anyOf, enum: names }) => examples?.[0] ?? names?.[0] ?? (anyOf ? example(anyOf[0]) : "");

/** Return a first value of a form. */
export function templateOf(form, { schema }) {
  const { properties, required } = formsOf(schema)[form];
  if (form === "name" || form === "expression") return form === "name" ? "himmelblau" : "x^2 + 3*y^2";
  return Object.fromEntries(required.map((key) => [key, example({ ...properties[key], ...resolved(properties[key], schema) })]));
}

const resolved = (property, { definitions }) => choicesOf(property, definitions).find(({ examples, enum: names }) => examples || names) ?? {};

export function objectiveSection(fields, studio) {
  const { schema, catalog } = studio.hello, objective = studio.config.objective, form = formOf(objective, catalog);
  const forms = formsOf(schema), path = ["objective"], given = typeof objective === "string" ? { [form]: objective } : objective ?? {};
  const kinds = { ...forms, ...(form === "list" ? { list: {} } : {}) };
  const select = h("select", { id: "objective-form", "data-action": "form", value: form },
    Object.keys(kinds).map((each) => h("option", { value: each }, WORDS[each] ?? each)));
  const rows = [h("div", { class: "row", "data-key": "form" }, h("div", { class: "head" }, h("label", { for: "objective-form" }, "from")), select)];
  if (form === "list") {
    rows.push(fields.row(path, { description: "Several functions, each with all optimizers." }, objective, { label: "functions", required: true }));
  } else {
    const names = Object.keys(forms[form].properties).filter((name) => name !== form);
    if (form === "name") rows.push(catalogButton(catalog, given.name), ...parameters(fields, catalog, given));
    else if (form === "expression") rows.push(formula(given.expression, typeof objective === "string" ? path : [...path, form], fields));
    else rows.push(fields.row([...path, form], forms[form].properties[form], given[form], { required: true }));
    rows.push(fields.group(path, forms[form], given, { label: "more about the function", names }));
  }
  return rows;
}

function catalogButton(catalog, name) {
  const { title = name, thumbnail } = catalog.find((each) => each.name === name) ?? {};
  return h("button", { type: "button", class: "current", "data-action": "catalog", "data-key": "catalog", "aria-label": `Function: ${title}. Choose another` },
    thumbnail && h("img", { src: thumbnail, alt: "" }), h("b", {}, title || name), h("span", { class: "quiet" }, "Change…"));
}

function parameters(fields, catalog, given) {
  const known = catalog.find(({ name }) => name === given.name)?.parameters ?? {};
  return Object.entries(known).map(([name, schema]) => fields.row(["objective", name], schema, given[name]));
}

function formula(expression, path, fields) {
  const mistake = fields.mistakes.get(keyOf(path));
  return h("div", { class: "row tall", "data-key": "formula" },
    h("div", { class: "head" }, h("label", { for: "formula" }, "f(x, y) =")),
    h("input", {
      id: "formula", type: "text", class: "code", value: expression, autocomplete: "off", spellcheck: "false",
      "data-path": keyOf(path), "data-kind": "text", "aria-describedby": "formula-mistake", "aria-invalid": mistake ? "true" : null,
    }),
    h("p", { id: "formula-mistake", class: "mistake", "data-key": "formula-mistake", role: "status" }, mistake ?? ""));
}

// Starts.

const STARTS = { own: "the function's own", point: "one point", points: "several points", grid: "a grid", random: "random points" };

const startForm = (start) => {
  if (start === null || start === undefined) return "own";
  if (typeof start === "number") return "point";
  if (Array.isArray(start)) return Array.isArray(start[0]) ? "points" : "point";
  return Object.keys(start).find((form) => form in STARTS) ?? "own";
};

/** Return whether a start belongs to one function only, by its coordinates. */
export const hasPlaces = (start) => ["point", "points"].includes(startForm(start));

/** Return a first value of a form of start, or undefined for the function's own. */
export function startTemplate(form, studio) {
  const { config, hello: { catalog } } = studio, name = config.objective?.name ?? config.objective;
  const point = [config.start].flat(form === "points" ? 0 : 1)[0];
  const own = catalog.find((each) => each.name === name)?.start ?? [1, 1];
  const first = Array.isArray(point) ? point : Array.isArray(config.start) && typeof point === "number" ? config.start : own;
  return { point: first, points: [first, first.map((each) => -each)], grid: { grid: first.map(() => 5) }, random: { random: 16 } }[form];
}

export function startSection(fields, studio) {
  const { start } = studio.config, form = startForm(start), { definitions } = studio.hello.schema;
  const select = h("select", { id: "start-form", "data-action": "start-form", value: form },
    Object.entries(STARTS).map(([value, words]) => h("option", { value }, words)));
  const head = h("div", { class: "row", "data-key": "start-form" }, h("div", { class: "head" }, h("label", { for: "start-form" }, "start")), select);
  const item = { type: "number" };
  if (form === "point") {
    const schema = typeof start === "number" ? item : { type: "array", items: item, minItems: start.length, maxItems: start.length };
    return [head, fields.row(["start"], schema, start, { label: "at", required: true })];
  }
  if (form === "points") {
    const points = Array.isArray(start) ? start : start.points ?? [], path = Array.isArray(start) ? ["start"] : ["start", "points"];
    return [head, ...points.map((point, i) => pointRow([...path, i], point, i, points.length > 1)),
      h("button", { type: "button", class: "button quiet-button", "data-action": "add-point", "data-path": keyOf([...path, points.length]) }, "Add a point")];
  }
  if (form === "own") return [head];
  const { properties } = definitions.Start;
  return [head, fields.row(["start", form], properties[form], start[form], { label: form === "grid" ? "points per side" : "points", required: true })];
}

function pointRow(path, point, i, removable) {
  const id = `point-${i}`;
  return h("div", { class: "row", "data-key": keyOf(path), "data-set": removable },
    h("div", { class: "head" }, h("label", { for: id }, `point ${i + 1}`),
      removable && iconButton("reset", `Remove point ${i + 1}`, { class: "icon small", "data-action": "reset", "data-path": keyOf(path) })),
    h("input", { id, type: "text", value: asText(point), "data-path": keyOf(path), "data-kind": "yaml", autocomplete: "off" }));
}
