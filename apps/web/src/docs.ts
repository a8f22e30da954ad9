// SPDX-License-Identifier: Apache-2.0
// The HTTP interface for people, drawn from /openapi.json.
import { api, sentenceOf } from "./api";
import type { Schema } from "./catalog";
import { byId, type Child, element, replaceChildren } from "./dom";

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

interface Answer {
  $ref?: string;
  description?: string;
  content?: Record<string, { schema?: Schema }>;
}

interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses: Record<string, Answer>;
  security?: unknown[];
}

interface Description {
  info: { title: string; version: string; summary: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Answer> };
}

function anchor(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]+/g, "-");
}

/** "JobPage" of "#/components/schemas/JobPage". */
function lastPart(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

/** A type in a few words: "text", "list of Job", "1 to 100". */
function typeOf(schema: Schema): Child[] {
  if (schema.$ref) {
    const name = lastPart(schema.$ref);
    return [element("a", { href: `#schema-${anchor(name)}` }, name)];
  }
  if (schema.const !== undefined) {
    return [element("code", {}, JSON.stringify(schema.const))];
  }
  if (schema.enum) {
    return schema.enum.flatMap((value, index) => [index > 0 ? ", " : null, element("code", {}, JSON.stringify(value))]);
  }
  if (schema.oneOf) {
    return schema.oneOf.flatMap((each, index) => [index > 0 ? ", or " : null, ...typeOf(each)]);
  }
  if (schema.type === "array") {
    return ["list of ", ...typeOf(schema.items ?? {})];
  }
  const range =
    schema.minimum !== undefined && schema.maximum !== undefined
      ? `, ${schema.minimum} to ${schema.maximum}`
      : schema.minimum !== undefined
        ? `, at least ${schema.minimum}`
        : "";
  const length = schema.minLength === undefined ? "" : `, at least ${schema.minLength} characters`;
  const kind = Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "any value");
  return [`${kind}${schema.format ? ` (${schema.format})` : ""}${range}${length}`];
}

/** The members of an object, those of objects in it too. */
function members(schema: Schema): Child {
  const variants = schema.oneOf;
  if (variants) {
    return element("div", {}, ...variants.flatMap((each, index) => [element("p", { class: "help" }, index === 0 ? "Either:" : "Or:"), members(each)]));
  }
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) {
    return element("p", {}, ...typeOf(schema), schema.description ? ` — ${schema.description}` : null);
  }
  const required = new Set(schema.required ?? []);
  return element(
    "dl",
    { class: "members" },
    ...properties.flatMap(([name, property]) => {
      const nested = property.properties ? property : property.items?.properties ? property.items : null;
      return [
        element("dt", {}, element("code", {}, name), required.has(name) ? null : element("span", { class: "help" }, " optional")),
        element(
          "dd",
          {},
          ...typeOf(property),
          property.description ? element("p", { class: "help" }, property.description) : null,
          nested ? members(nested) : null,
        ),
      ];
    }),
  );
}

function contents(content: Record<string, { schema?: Schema }>): Child[] {
  return Object.entries(content).flatMap(([type, { schema }]) => [
    element("p", {}, element("code", {}, type), ": ", ...typeOf(schema ?? {}), schema?.description && !schema.$ref ? ` — ${schema.description}` : null),
    schema && !schema.$ref && schema.properties ? members(schema) : null,
  ]);
}

function operationNode(path: string, method: string, operation: Operation, description: Description): HTMLElement {
  const responses = Object.entries(operation.responses).map(([status, given]): Child => {
    const answer = given.$ref ? (description.components.responses[lastPart(given.$ref)] ?? given) : given;
    return element(
      "div",
      { class: "answer" },
      element("p", {}, element("code", {}, status === "default" ? "4xx, 5xx" : status), ` ${answer.description ?? ""}`),
      ...contents(answer.content ?? {}),
    );
  });
  return element(
    "details",
    { class: "operation", id: operation.operationId },
    element(
      "summary",
      {},
      element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("code", {}, path),
      element("span", { class: "help" }, operation.summary),
    ),
    element("p", {}, operation.security?.length === 0 ? "No token is needed." : "Send Authorization: Bearer TOKEN."),
    operation.parameters.length > 0 ? element("h3", {}, "Parameters") : null,
    operation.parameters.length > 0
      ? element(
          "dl",
          { class: "members" },
          ...operation.parameters.flatMap((parameter) => [
            element("dt", {}, element("code", {}, parameter.name), element("span", { class: "help" }, ` in the ${parameter.in}`)),
            element("dd", {}, ...typeOf(parameter.schema), parameter.description ? element("p", { class: "help" }, parameter.description) : null),
          ]),
        )
      : null,
    operation.requestBody ? element("h3", {}, "Body") : null,
    ...contents(operation.requestBody?.content ?? {}),
    element("h3", {}, "Answers"),
    ...responses,
  );
}

function draw(description: Description): void {
  const byTag = new Map<string, HTMLElement[]>();
  for (const [path, item] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags[0] ?? "Other";
      byTag.set(tag, [...(byTag.get(tag) ?? []), operationNode(path, method, operation, description)]);
    }
  }
  replaceChildren(
    byId("content"),
    element("h1", {}, `${description.info.title} ${description.info.version}: HTTP interface`),
    element("p", {}, description.info.summary),
    element(
      "p",
      {},
      "Its address is ",
      element("code", {}, description.servers[0]?.url ?? ""),
      ". For programs there is ",
      element("a", { href: "/openapi.json" }, "openapi.json"),
      ", OpenAPI 3.1.",
    ),
    ...[...byTag].map(([tag, operations]) =>
      element("section", { attributes: { "aria-label": tag } }, element("h2", {}, tag), ...operations),
    ),
    element(
      "section",
      { attributes: { "aria-label": "Schemas" } },
      element("h2", {}, "Schemas"),
      ...Object.entries(description.components.schemas).map(([name, schema]) =>
        element("details", { class: "operation", id: `schema-${anchor(name)}` }, element("summary", {}, element("code", {}, name)), members(schema)),
      ),
    ),
  );
}

/** What an address names is opened, and shown. */
function openTarget(): void {
  const target = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary")?.focus();
  }
}

async function begin(): Promise<void> {
  try {
    draw((await api.description()) as unknown as Description);
    openTarget();
  } catch (error) {
    replaceChildren(byId("content"), element("p", { class: "problem", attributes: { role: "alert" } }, sentenceOf(error)));
  }
}

window.addEventListener("hashchange", openTarget);
void begin();
