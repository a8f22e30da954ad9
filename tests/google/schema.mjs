// SPDX-License-Identifier: Apache-2.0
// schema.mjs TOOLS FOLDER: parses the Terraform files of a folder and holds every resource to the provider's definition: unknown
// and missing arguments, blocks in place of arguments, and references to what is not there. Exits with 1 if there are complaints.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [tools, folder] = process.argv.slice(2);
const require = createRequire(path.resolve(tools, "node_modules/x.js"));
const { parse } = require("@cdktf/hcl2json");
const META = new Set(["for_each", "count", "depends_on", "lifecycle", "provider", "provisioner", "connection", "dynamic"]);

// Declarations of the provider: for each interface its members by Terraform's names, which stand in the links to the docs.
const declarations = new Map();
function declared(type) {
  const data = type.startsWith("data.");
  const name = type.replace(/^(data\.)?google_/, "").replaceAll("_", "-");
  const file = path.join(tools, "google/package/lib", `${data ? "data-google-" : ""}${name}`, "index.d.ts");
  if (!declarations.has(type)) {
    if (!fs.existsSync(file)) {
      return null;
    }
    const text = fs.readFileSync(file, "utf8");
    const interfaces = new Map();
    for (const [, title, body] of text.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)) {
      const members = new Map();
      for (const [, link, , optional, kind] of body.matchAll(/#(\w+) \w+#\w+\}[\s\S]*?\*\/\s+readonly (\w+)(\??): ([^;]+);/g)) {
        members.set(link, { required: optional === "", block: kind.match(/^(\w+)(\[\])?( \| cdktf\.IResolvable)?$/)?.[1] ?? "" });
      }
      // Some are documented without a link: the name in Terraform follows from that in TypeScript.
      for (const [, member, optional, kind] of body.matchAll(/readonly (\w+)(\??): ([^;]+);/g)) {
        const plain = member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        if (!members.has(plain)) {
          members.set(plain, { required: optional === "", block: kind.match(/^(\w+)(\[\])?( \| cdktf\.IResolvable)?$/)?.[1] ?? "" });
        }
      }
      interfaces.set(title, members);
    }
    const top = [...interfaces.keys()].find((title) => title.endsWith("Config") && new RegExp(`interface ${title} extends cdktf`).test(text));
    const getters = new Set([...text.matchAll(/get (\w+)\(\)/g)].map(([, name]) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)));
    declarations.set(type, { interfaces, top, getters });
  }
  return declarations.get(type);
}

let failures = 0;
function complain(where, what) {
  failures += 1;
  console.error(`${where}: ${what}`);
}

function check(where, body, members, interfaces) {
  const present = new Map(Object.entries(body).filter(([name]) => !META.has(name)));
  for (const dynamic of Object.entries(body.dynamic ?? {})) {
    present.set(dynamic[0], dynamic[1].flatMap((block) => block.content));
  }
  for (const [name, value] of present) {
    const member = members.get(name);
    if (member === undefined) {
      complain(where, `there is no argument '${name}'`);
      continue;
    }
    const inner = interfaces.get(member.block);
    // Blocks are parsed as lists of objects, attributes as values.
    const blocks = Array.isArray(value) && value.every((one) => one !== null && typeof one === "object" && !Array.isArray(one));
    if (inner !== undefined && !blocks) {
      complain(where, `'${name}' is a block`);
    } else if (inner !== undefined) {
      value.forEach((block) => check(`${where}.${name}`, block, inner, interfaces));
    } else if (blocks && value.length > 0) {
      complain(where, `'${name}' is no block`);
    }
  }
  for (const [name, member] of members) {
    if (member.required && !present.has(name)) {
      complain(where, `the argument '${name}' is missing`);
    }
  }
}

const files = fs.readdirSync(folder).filter((file) => file.endsWith(".tf")).sort();
const all = { resource: {}, data: {}, variable: new Set(), local: new Set() };
const parsed = [];
for (const file of files) {
  const content = await parse(file, fs.readFileSync(path.join(folder, file), "utf8"));
  parsed.push([file, content]);
  for (const kind of ["resource", "data"]) {
    for (const [type, named] of Object.entries(content[kind] ?? {})) {
      all[kind][type] = { ...all[kind][type], ...named };
    }
  }
  Object.keys(content.variable ?? {}).forEach((name) => all.variable.add(name));
  (content.locals ?? []).forEach((block) => Object.keys(block).forEach((name) => all.local.add(name)));
}

let resources = 0;
for (const kind of ["resource", "data"]) {
  for (const [type, named] of Object.entries(all[kind])) {
    const definition = declared(kind === "data" ? `data.${type}` : type);
    for (const [name, bodies] of Object.entries(named)) {
      const where = `${type}.${name}`;
      resources += 1;
      if (definition === null || definition.top === undefined) {
        complain(where, "the provider has no such resource");
        continue;
      }
      bodies.forEach((body) => check(where, body, definition.interfaces.get(definition.top), definition.interfaces));
    }
  }
}

// References, in all texts of all files; comments are gone after parsing.
const used = new Set();
for (const [file, content] of parsed) {
  const text = JSON.stringify(content);
  for (const [, name] of text.matchAll(/\bvar\.(\w+)/g)) {
    used.add(name);
    if (!all.variable.has(name)) {
      complain(file, `there is no variable '${name}'`);
    }
  }
  for (const [, name] of text.matchAll(/\blocal\.(\w+)/g)) {
    if (!all.local.has(name)) {
      complain(file, `there is no local value '${name}'`);
    }
  }
  for (const [, data, type, name, attribute] of text.matchAll(/\b(data\.)?(google_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?/g)) {
    const kind = data === undefined ? "resource" : "data";
    if (all[kind][type]?.[name] === undefined) {
      complain(file, `there is no ${data ?? ""}${type}.${name}`);
    } else if (attribute !== undefined && !declared(`${data ?? ""}${type}`)?.getters.has(attribute)) {
      complain(file, `${type}.${name} has no attribute '${attribute}'`);
    }
  }
  for (const [, name] of text.matchAll(/file\(\\"\$\{path\.module\}\/([^"$\\]+)\\"\)/g)) {
    if (!fs.existsSync(path.join(folder, name))) {
      complain(file, `there is no file '${name}'`);
    }
  }
}
for (const name of all.variable) {
  if (!used.has(name)) {
    complain("variables", `'${name}' is not used`);
  }
}
console.log(`${resources} resources of ${files.length} files fit the provider's definitions`);
process.exit(failures === 0 ? 0 : 1);
