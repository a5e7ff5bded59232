// The parts of the form for what is minimized and where the paths start.

import { CODE, h, iconButton } from "./dom.js";
import { asText, choicesOf, keyOf } from "./fields.js";

const WORDS = {
  name: "Catalogue", expression: "Formula", samples: "Measured samples", python: "Python function", network: "Network",
};

/** Return the schemas of the mappings that an objective can be, by the key that tells them apart. */
function formsOf({ definitions }) {
  const choices = choicesOf(definitions.ObjectiveSpec, definitions).filter(({ required }) => required);
  return Object.fromEntries(choices.map((choice) => [choice.required[0], choice]));
}

/** Return the key that tells the form of an objective: "name", "expression", …. */
function formOf(objective, catalog) {
  if (typeof objective === "string") return catalog.some(({ name }) => name === objective) ? "name" : "expression";
  return Object.keys(WORDS).find((form) => form in Object(objective)) ?? "name";
}

const example = ({ examples, anyOf, enum: names }) => examples?.[0] ?? names?.[0] ?? (anyOf ? example(anyOf[0]) : "");

/** Return a first value of a form. */
export function templateOf(form, { schema }) {
  const { properties, required } = formsOf(schema)[form];
  if (form === "name" || form === "expression") return form === "name" ? "himmelblau" : "x^2 + 3*y^2";
  return Object.fromEntries(required.map((key) => {
    const choices = choicesOf(properties[key], schema.definitions);
    return [key, example({ ...properties[key], ...choices.find(({ examples, enum: names }) => examples || names) })];
  }));
}

export function objectiveSection(fields, studio) {
  const { objective } = studio.config, isList = Array.isArray(objective);
  const action = { "data-action": "add-function", "data-key": "add-function" };
  const add = iconButton("add", "Add a function", { text: true, ...action });
  if (!isList) return [...functionRows(fields, studio, ["objective"], objective), add];
  return [...objective.map((each, i) => functionCard(fields, studio, ["objective", i], each)), add];
}

function functionCard(fields, studio, path, objective) {
  const name = `Function ${path[1] + 1}`;
  const action = { class: "icon small", "data-action": "remove-function", "data-path": keyOf(path) };
  return h("section", { class: "card", "data-key": name, "aria-label": name },
    h("header", {}, h("b", {}, name),
      studio.config.objective.length > 1 && iconButton("remove", `Remove function ${path[1] + 1}`, action)),
    functionRows(fields, studio, path, objective));
}

/** Return the edit that removes one of several functions; the last one is not in a list. */
export function removingFunction(path, { config: { objective } }) {
  if (objective.length > 2) return { path, remove: true };
  return { path: ["objective"], value: objective[1 - path[1]] };
}

/** Return the edit that adds a function. */
export function addingFunction(value, { config: { objective } }) {
  if (Array.isArray(objective)) return { path: ["objective", objective.length], value };
  return { path: ["objective"], value: [objective, value] };
}

function functionRows(fields, studio, path, objective) {
  const { schema, catalog } = studio.hello, form = formOf(objective, catalog), forms = formsOf(schema);
  const given = typeof objective === "string" ? { [form]: objective } : objective ?? {}, id = [...path, "form"].join("-");
  const select = h("select", { id, "data-action": "form", "data-path": keyOf(path), value: form },
    Object.keys(forms).map((each) => h("option", { value: each }, WORDS[each] ?? each)));
  const names = Object.keys(forms[form].properties).filter((name) => name !== form);
  const more = fields.group(path, forms[form], given, { label: "more about the function", names });
  return [fields.plain(id, "from", select), ...mainRows(fields, catalog, path, form, objective, given, forms), more];
}

/** Return the rows of a function that are not folded. */
function mainRows(fields, catalog, path, form, objective, given, forms) {
  if (form === "name") return [catalogButton(catalog, given.name, path), ...parameters(fields, catalog, given, path)];
  if (form !== "expression") {
    return [fields.row([...path, form], forms[form].properties[form], given[form], { required: true })];
  }
  const constants = Object.entries(given.constants ?? {});
  return [
    formula(given.expression, typeof objective === "string" ? path : [...path, form], fields),
    ...constants.map(([name, value]) => fields.row([...path, "constants", name], { type: "number" }, value)),
  ];
}

function catalogButton(catalog, name, path) {
  const { title = name, thumbnail } = catalog.find((each) => each.name === name) ?? {};
  const label = `Function: ${title}. Choose another`;
  const action = { "data-action": "catalog", "data-key": "catalog", "data-path": keyOf(path) };
  return h("button", { type: "button", class: "current", "aria-label": label, ...action },
    thumbnail && h("img", { src: thumbnail, alt: "" }),
    h("b", {}, title || name),
    h("span", { class: "quiet" }, "Change…"));
}

function parameters(fields, catalog, given, path) {
  const known = catalog.find(({ name }) => name === given.name)?.parameters ?? {};
  return Object.entries(known).map(([name, schema]) => fields.row([...path, name], schema, given[name]));
}

function formula(expression, path, fields) {
  const mistake = fields.mistakes.get(keyOf(path)), number = path.find(Number.isInteger);
  const id = number ? `formula-${number}` : "formula";
  return h("div", { class: "row tall", "data-key": "formula" },
    h("div", { class: "head" }, h("label", { for: id }, "f =")),
    h("input", {
      ...CODE, id, class: "code formula", value: expression, "data-path": keyOf(path), "data-kind": "text",
      "aria-describedby": `${id}-mistake`, "aria-invalid": mistake ? "true" : null,
    }),
    h("p", { id: `${id}-mistake`, class: "mistake", "data-key": "formula-mistake", role: "status" }, mistake ?? ""));
}

// Starts.

const STARTS = {
  own: "the function's own", point: "one point", points: "several points", grid: "a grid", random: "random points",
};

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
  const { config: { objective, start }, hello: { catalog } } = studio, given = startForm(start);
  const [first] = [objective].flat(), own = catalog.find(({ name }) => name === (first?.name ?? first))?.start ?? [1, 1];
  const point = { point: [start].flat(), points: [start?.points ?? start].flat()[0] }[given] ?? own;
  const others = { grid: { grid: point.map(() => 5) }, random: { random: 16 } };
  return { point, points: [point, point.map((each) => -each)], ...others }[form];
}

export function startSection(fields, studio) {
  const { start } = studio.config, form = startForm(start), { definitions } = studio.hello.schema;
  const select = h("select", { id: "start-form", "data-action": "start-form", value: form },
    Object.entries(STARTS).map(([value, words]) => h("option", { value }, words)));
  const head = fields.plain("start-form", "start", select), item = { type: "number" };
  if (form === "point") {
    const { length } = [start].flat(), row = { type: "array", items: item, minItems: length, maxItems: length };
    return [head, fields.row(["start"], Array.isArray(start) ? row : item, start, { label: "at", required: true })];
  }
  if (form === "points") {
    const isList = Array.isArray(start), points = isList ? start : start.points ?? [];
    const path = isList ? ["start"] : ["start", "points"], next = keyOf([...path, points.length]);
    const add = { type: "button", class: "button", "data-action": "add-point", "data-path": next };
    const rows = points.map((point, i) => pointRow(fields, [...path, i], point, i, points.length > 1));
    return [head, rows, h("button", add, "Add a point")];
  }
  if (form === "own") return [head];
  const { properties } = definitions.Start;
  const label = form === "grid" ? "points per side" : "points";
  return [head, fields.row(["start", form], properties[form], start[form], { label, required: true })];
}

function pointRow(fields, path, point, i, removable) {
  const id = `point-${i}`, key = { "data-path": keyOf(path) };
  const remove = iconButton("reset", `Remove point ${i + 1}`, { class: "icon small", "data-action": "reset", ...key });
  const box = h("input", { ...CODE, id, value: asText(point), "data-kind": "yaml", ...key });
  return fields.plain(id, `point ${i + 1}`, box, { "data-set": removable }, removable && remove);
}
