// SPDX-License-Identifier: Apache-2.0
// Operators and output options as the service declares them.
import { api, setServiceUrl } from "./api";

/** The part of JSON Schema that parameters and options use. */
export interface Schema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  pattern?: string;
  format?: string;
  const?: unknown;
  not?: Schema;
  multipleOf?: number;
  items?: Schema;
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  $ref?: string;
  "x-slider"?: [number, number];
  "x-unit"?: string;
}

export interface Operator {
  name: string;
  group: string;
  doc: string;
  definition: string;
  parameters: Record<string, Schema>;
}

export interface Catalog {
  operators: Operator[];
  byName: Map<string, Operator>;
  output: Record<string, Schema>;
}

interface OperatorSchema extends Schema {
  "x-group"?: string;
  "x-definition"?: string;
}

function operatorsOf(document: Record<string, unknown>): Operator[] {
  const definitions = (document["$defs"] ?? {}) as Record<string, OperatorSchema>;
  return Object.entries(definitions).map(([name, schema]) => ({
    name,
    group: schema["x-group"] ?? "",
    doc: schema.description ?? "",
    definition: schema["x-definition"] ?? "",
    parameters: schema.properties?.["parameters"]?.properties ?? {},
  }));
}

interface Description {
  servers: { url: string }[];
  components: { schemas: Record<string, Schema> };
}

let loaded: Promise<Catalog> | undefined;

/** Loads it once; after a failure the next call tries again. */
export function catalog(): Promise<Catalog> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<Catalog> {
  const [operatorDocument, description] = await Promise.all([
    api.operators(),
    api.description() as Promise<unknown> as Promise<Description>,
  ]);
  setServiceUrl(description.servers[0]?.url ?? "");
  const operators = operatorsOf(operatorDocument);
  return {
    operators,
    byName: new Map(operators.map((operator) => [operator.name, operator])),
    output: description.components.schemas["PipelineCheck"]?.properties?.["output"]?.properties ?? {},
  };
}

/** "gaussian-blur" as people read it: "Gaussian blur". */
export function title(name: string): string {
  const words = name.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
