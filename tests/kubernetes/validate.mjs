// SPDX-License-Identifier: Apache-2.0
// validate.mjs NODE_MODULES FILE...: checks every document of YAML files against the schemas of Kubernetes' API and of KEDA, and
// that it has no field which those do not know. Prints the documents as one JSON array; complaints go to standard error.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.resolve(modules, file)));
const { default: YAML } = await load("yaml/dist/index.js");

const packages = [
  { name: "kubernetes-models", has: (group) => group === "" || !group.endsWith("keda.sh") },
  { name: "@kubernetes-models/keda", has: (group) => group.endsWith("keda.sh") },
];

async function validatorOf(document) {
  const [version, group = ""] = String(document.apiVersion).split("/").reverse();
  const { name } = packages.find((candidate) => candidate.has(group));
  const model = path.join(modules, name, group, version, `${document.kind}.js`);
  if (!fs.existsSync(model)) {
    return null;
  }
  const schema = fs.readFileSync(model, "utf8").match(/_schemas\/(\w+)(\.js)?"/)[1];
  return (await load(`${name}/_schemas/${schema}.js`)).validate;
}

// Validators read each property that the schema names, and no other: a property that stays unread is not known to it.
// The API's schemas allow unknown properties, which Kubernetes drops, so that a misspelt one would go unnoticed.
function watched(value, read) {
  if (value === null || typeof value !== "object") {
    return value;
  }
  const children = new Map();
  read.set(value, new Set());
  return new Proxy(value, {
    get(target, key) {
      if (!Object.hasOwn(target, key) || (Array.isArray(target) && key === "length")) {
        return target[key];
      }
      read.get(target).add(key);
      if (!children.has(key)) {
        children.set(key, watched(target[key], read));
      }
      return children.get(key);
    },
  });
}

function unknown(value, read, where) {
  if (value === null || typeof value !== "object") {
    return [];
  }
  return Object.keys(value).flatMap((key) => {
    const place = `${where}/${key}`;
    return read.get(value)?.has(key) ? unknown(value[key], read, place) : [place];
  });
}

const documents = [];
let failures = 0;
for (const file of files) {
  for (const parsed of YAML.parseAllDocuments(fs.readFileSync(file, "utf8"))) {
    const complain = (text) => {
      failures += 1;
      console.error(`${path.basename(file)}: ${text}`);
    };
    if (parsed.errors.length > 0) {
      complain(parsed.errors[0].message);
      continue;
    }
    const document = parsed.toJS();
    if (document === null) {
      continue;
    }
    documents.push(document);
    const name = `${document.kind} ${document.metadata?.name}`;
    const validate = await validatorOf(document);
    if (validate === null) {
      complain(`${name}: the API has no ${document.kind} in ${document.apiVersion}`);
      continue;
    }
    const read = new Map();
    if (!validate(watched(document, read), { instancePath: "" })) {
      for (const error of validate.errors) {
        complain(`${name}: ${error.instancePath || "/"}: ${error.keyword} ${JSON.stringify(error.params)}`);
      }
    }
    for (const place of unknown(document, read, "")) {
      complain(`${name}: the API does not know ${place}`);
    }
  }
}
console.log(JSON.stringify(documents));
process.exit(failures === 0 ? 0 : 1);
