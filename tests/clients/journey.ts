// SPDX-License-Identifier: Apache-2.0
// A client by the types that are generated from openapi.json: it uploads, submits, waits, downloads and compares.
// No cast and no "any" stands here: what the document does not tell does not compile.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

const [server, token, image, pipeline, expected] = process.argv.slice(2);
assert.ok(server && token && image && pipeline && expected);

const client = createClient<paths>({ baseUrl: server, headers: { Authorization: `Bearer ${token}` } });

function got<Data>(answer: { data?: Data; error?: components["schemas"]["Problem"]; response: Response }): Data {
  assert.equal(answer.error, undefined, answer.error?.detail);
  assert.ok(answer.data !== undefined, `status ${answer.response.status}`);
  return answer.data;
}

const caller = got(await client.GET("/v1/me"));
assert.deepEqual([...caller.scopes].sort(), ["read", "submit"]);

const content = readFileSync(image);
const place = got(await client.POST("/v1/uploads", { body: { content_type: "image/png", size_bytes: content.length } }));
assert.ok(place.upload);
const put = await fetch(place.upload.url, { method: place.upload.method, headers: place.upload.headers, body: content });
assert.equal(put.ok, true, `status ${put.status}`);

const checked = got(await client.POST("/v1/pipelines", { body: { pipeline } }));
const steps = checked.pipeline["operators"];
assert.ok(Array.isArray(steps) && steps.length > 0);

const submission: components["schemas"]["Submission"] = {
  items: [{ object: place.object, name: "photo.png" }],
  pipeline: checked.pipeline,
  output: { format: "png" },
  priority: "interactive",
};
const key = { header: { "Idempotency-Key": "generated-client" } };
const batch = got(await client.POST("/v1/jobs", { params: key, body: submission }));
const again = got(await client.POST("/v1/jobs", { params: key, body: submission }));
assert.equal(again.id, batch.id);
const id = batch.jobs[0]?.id;
assert.ok(id);

/** Follows the events until the job has ended. */
async function followed(id: string): Promise<components["schemas"]["Job"]> {
  const { response } = await client.GET("/v1/events", { params: { query: { job: id } }, parseAs: "stream" });
  assert.ok(response.ok && response.body, `status ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    assert.equal(done, false, "the events have ended before the job");
    text += value;
    if (/"state":"(done|failed|cancelled)"/.test(text)) {
      await reader.cancel();
      return got(await client.GET("/v1/jobs/{id}", { params: { path: { id } } }));
    }
  }
}
const job = await followed(id);
assert.equal(job.state, "done", job.failure?.sentence);
assert.ok(job.result);
assert.equal(job.result.content_type, "image/png");

const result = got(await client.GET("/v1/jobs/{id}/result", { params: { path: { id }, query: { link: "1" } } }));
const bytes = Buffer.from(await (await fetch(result.url)).arrayBuffer());
assert.equal(bytes.length, result.size_bytes);
assert.ok(bytes.equals(readFileSync(expected)), "the result differs");

const page = got(await client.GET("/v1/jobs", { params: { query: { limit: 1, state: "done" } } }));
assert.equal(page.jobs[0]?.id, id);

const refused = await client.POST("/v1/pipelines", { body: { pipeline: "no-such-operator" } });
assert.equal(refused.error?.type, "/problems/unknown-operator");
assert.match(refused.error.detail, /no-such-operator/);
console.log(`${job.id}: ${bytes.length} bytes, as expected`);
