// SPDX-License-Identifier: Apache-2.0
// The page with a bucket of another origin, whose server holds pages to its CORS rules: gateway, node and notifier are
// processes of their own, and images go from the browser to the store and back without them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { freePort, sameBytes, settings, step, tesseraCommand, until, WatchedPage, withBrowser } from "./support.mjs";

const pipeline = "gaussian-blur sigma=2.5 | otsu";

/** As docs/web.md has it. */
const rules = (origin) => `<CORSConfiguration><CORSRule>
<AllowedOrigin>${origin}</AllowedOrigin>
<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>
<AllowedHeader>content-type</AllowedHeader>
</CORSRule></CORSConfiguration>`;

/** Starts a program that ends with the test; returns when its address answers. */
async function start(onEnd, command, address, environment = {}) {
  let log = "";
  const process_ = spawn(command[0], command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  for (const stream of [process_.stdout, process_.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (log += text));
  }
  const ended = new Promise((done) => process_.once("exit", done));
  onEnd(async () => {
    process_.kill("SIGTERM");
    await ended;
  });
  if (address) {
    await until(`${command.slice(0, 2).join(" ")} answers or has ended`, async () => {
      return process_.exitCode !== null || (await fetch(address)).status > 0;
    });
  }
  assert.equal(process_.exitCode, null, log);
}

await withBrowser(async ({ browser, folder, onEnd }) => {
  const [store, gateway, notifier, other] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const [storeUrl, url, notifierUrl, otherUrl] = [store, gateway, notifier, other].map((port) => `http://127.0.0.1:${port}`);
  writeFileSync(join(folder, "cors.xml"), rules(url));
  mkdirSync(join(folder, "store"));
  await start(
    onEnd,
    ["node", settings.s3rver, "--directory", join(folder, "store"), "--address", "127.0.0.1", "--port", String(store), "--silent",
      "--configure-bucket", "pictures", join(folder, "cors.xml"), "--configure-bucket", "closed"],
    storeUrl,
  );
  const environment = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER", TMPDIR: folder };
  const onBucket = (bucket) => [
    "--queue", `sqlite://${join(folder, `${bucket}-queue.db`)}`, "--state", `sqlite://${join(folder, `${bucket}-state.db`)}`,
    "--store", `s3://${bucket}?endpoint=${storeUrl}`,
  ];
  const token = tesseraCommand("token", "--state", `sqlite://${join(folder, "pictures-state.db")}`, "add", "alice", "--scope", "submit,read").match(/tsr_\S+/)[0];
  const program = (name, bucket, ...more) => [settings.tessera, name, ...onBucket(bucket), ...more];
  await start(onEnd, program("notifier", "pictures", "--listen", `127.0.0.1:${notifier}`, "--allow-origin", url), notifierUrl, environment);
  await start(onEnd, program("gateway", "pictures", "--listen", `127.0.0.1:${gateway}`, "--notifier-url", notifierUrl), url, environment);
  await start(onEnd, program("node", "pictures", "--ranks", "1", "--threads", "1", "--drain-limit", "1"), "", environment);

  const watched = await WatchedPage.open(browser);
  const { page } = watched;
  const downloads = join(folder, "downloads");
  mkdirSync(downloads);
  await watched.downloadsTo(downloads);
  const addOperators = async () => {
    await page.waitForSelector(".new-job");
    await watched.choose(join(settings.photos, "parrots.png"));
    await page.click(".as-text summary");
    await watched.fill("Operators with their parameters, separated by |", pipeline);
    await watched.press("Use");
    await page.waitForSelector(".step");
  };

  step("An image goes straight to the bucket, and is processed.");
  await page.goto(`${url}/#token=${token}`);
  await addOperators();
  await watched.press("Process 1 image");
  await watched.waitForStates("done");
  const puts = watched.requests.filter((request) => request.method() === "PUT");
  assert.ok(puts.length > 0 && puts.every((request) => new URL(request.url()).origin === storeUrl));

  step("The result comes from the bucket: seen, compared and downloaded.");
  await page.click('.job a[title="parrots.png"]');
  await page.waitForFunction(() => {
    const images = [...document.querySelectorAll(".stage img")];
    return images.length === 2 && images.every((image) => image.complete && image.naturalWidth === 768);
  });
  assert.equal(await page.$eval(".stage .after", (image) => new URL(image.src).origin), storeUrl);
  const expected = join(folder, "expected.png");
  tesseraCommand("apply", pipeline, join(settings.photos, "parrots.png"), "-o", expected);
  sameBytes(await watched.download(() => watched.press("Download the result of parrots.png")), expected);
  const choose = async (value) => (await page.waitForSelector('::-p-aria([name="Show"][role="combobox"])')).select(value);
  await choose("difference");
  await watched.see("The largest difference is");

  step("The original, too, is there after the page was loaded again.");
  await page.reload();
  await page.waitForFunction(() => document.querySelector(".stage .before")?.naturalWidth === 768);
  assert.equal(await page.$eval(".stage .before", (image) => new URL(image.src).origin), storeUrl);
  await choose("difference");
  await watched.see("The largest difference is");
  watched.check(token);

  step("A bucket without rules refuses uploads, and the page says so, and what is missing.");
  const second = tesseraCommand("token", "--state", `sqlite://${join(folder, "closed-state.db")}`, "add", "bob", "--scope", "submit,read").match(/tsr_\S+/)[0];
  await start(onEnd, program("gateway", "closed", "--listen", `127.0.0.1:${other}`), otherUrl, environment);
  await page.goto(`${otherUrl}/#token=${second}`);
  await addOperators();
  await watched.press("Process 1 image");
  await watched.see(`The store at ${storeUrl} refuses uploads from this page: its rules (CORS) must allow ${otherUrl} to PUT`);
  await watched.isAccessible("a refused upload");
});
