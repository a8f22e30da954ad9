// SPDX-License-Identifier: Apache-2.0
// Form fields drawn from JSON Schemas.
import { type Schema, title } from "./catalog";
import { element, newId } from "./dom";


type Change = (value: unknown) => void;

/** A field for a value of the schema; `change` gets undefined where the value is left to its default. */
export function field(name: string, schema: Schema, value: unknown, change: Change): HTMLElement {
  const id = newId("field");
  const help = schema.description
    ? element("p", { class: "help", id: `${id}-help` }, schema.description)
    : null;
  const described: Record<string, string> = help ? { "aria-describedby": help.id } : {};
  if (schema.type === "boolean") {
    const box = element("input", {
      type: "checkbox",
      id,
      checked: value === true,
      attributes: described,
      on: { change: () => change(box.checked) },
    });
    return element("div", { class: "field check" }, box, element("label", { htmlFor: id }, title(name)), help);
  }
  const unit = schema["x-unit"];
  const label = element(
    "label",
    { htmlFor: id },
    title(name),
    unit ? element("span", { class: "unit" }, ` (${unit})`) : null,
  );
  return element("div", { class: "field" }, label, control(id, name, schema, value, described, change), help);
}

function control(
  id: string,
  name: string,
  schema: Schema,
  value: unknown,
  described: Record<string, string>,
  change: Change,
): HTMLElement {
  if (schema.enum) {
    return choice(id, schema, value, described, change);
  }
  if (schema.type === "number" || schema.type === "integer") {
    return numberControl(id, name, schema, value, described, change);
  }
  const isColor = schema.pattern?.startsWith("^#") ?? false;
  const input = element("input", {
    type: isColor ? "color" : "text",
    id,
    value: String(value ?? schema.default ?? (isColor ? "#000000" : "")),
    attributes: described,
    on: { input: () => change(input.value) },
  });
  return input;
}

function choice(
  id: string,
  schema: Schema,
  value: unknown,
  described: Record<string, string>,
  change: Change,
): HTMLSelectElement {
  const values = schema.enum ?? [];
  const current = value ?? schema.default;
  // Without a default of its own the service decides.
  const optional = schema.default === undefined;
  const select = element("select", {
    id,
    attributes: described,
    on: { change: () => change(select.value === "" ? undefined : values[Number(select.value)]) },
  });
  if (optional) {
    select.append(element("option", { value: "" }, "Automatic"));
  }
  values.forEach((each, index) => {
    const text = each === true ? "yes" : each === false ? "no" : String(each);
    select.append(element("option", { value: String(index), selected: each === current }, text));
  });
  return select;
}

/** The slider's steps: about two hundred, of a round size. */
function stepOf(schema: Schema, from: number, to: number): number {
  if (schema.type === "integer") {
    return schema.not?.multipleOf === 2 ? 2 : 1;
  }
  return Math.min(1, 10 ** Math.ceil(Math.log10((to - from) / 200) - 0.3));
}

function numberControl(
  id: string,
  name: string,
  schema: Schema,
  value: unknown,
  described: Record<string, string>,
  change: Change,
): HTMLElement {
  const minimum = schema.minimum ?? 0;
  const maximum = schema.maximum ?? Number.MAX_SAFE_INTEGER;
  const [from, to] = schema["x-slider"] ?? [minimum, maximum];
  const current = value ?? schema.default;
  const start = typeof current === "number" ? current : undefined;
  const step = stepOf(schema, from, to);
  const exact = element("input", {
    type: "number",
    id,
    min: String(minimum),
    max: String(maximum),
    // Numbers may have any fraction; the browser checks the steps of whole ones from `min`.
    step: schema.type === "integer" ? String(step) : "any",
    value: start === undefined ? "" : String(start),
    placeholder: "auto",
    required: schema.default !== undefined,
    attributes: described,
    on: {
      input: () => {
        const typed = exact.valueAsNumber;
        if (Number.isNaN(typed)) {
          change(undefined);
        } else {
          slider.value = String(typed);
          change(typed);
        }
      },
    },
  });
  const slider = element("input", {
    type: "range",
    min: String(from),
    max: String(to),
    step: String(step),
    value: String(start ?? to),
    attributes: { "aria-label": `${title(name)}, slider` },
    on: {
      input: () => {
        exact.value = slider.value;
        change(slider.valueAsNumber);
      },
    },
  });
  return element("div", { class: "number" }, slider, exact);
}
