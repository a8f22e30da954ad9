// SPDX-License-Identifier: Apache-2.0
// Whether a document is OpenAPI, by a validator that is not ours: node validate.mjs NODE_MODULES openapi.json
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, file] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "-"));
const { Validator } = await import(require.resolve("@seriousme/openapi-schema-validator"));
const validator = new Validator();
const { valid, errors } = await validator.validate(JSON.parse(readFileSync(file, "utf8")));
console.log(valid ? `OpenAPI ${validator.version}` : JSON.stringify(errors, null, 1));
process.exit(valid && validator.version === "3.1" ? 0 : 1);
