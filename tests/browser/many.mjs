// SPDX-License-Identifier: Apache-2.0
// A service without sign-in, and many images in one submission.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Service, step, WatchedPage, withBrowser } from "./support.mjs";

const count = 150;

await withBrowser(async ({ browser, folder, onEnd }) => {
  const service = await Service.start(folder, { more: ["--open"] });
  onEnd(() => service.stop());
  const pictures = join(folder, "pictures");
  mkdirSync(pictures);
  for (let index = 0; index < count; index += 1) {
    const pixels = Buffer.alloc(12, index % 256);
    writeFileSync(join(pictures, `tiny-${index}.ppm`), Buffer.concat([Buffer.from("P6 2 2 255\n"), pixels]));
  }
  const watched = await WatchedPage.open(browser);
  const { page } = watched;

  step("Nobody is asked for a token.");
  await page.goto(service.url);
  await page.waitForSelector(".new-job");
  assert.equal(await page.$eval("#sign-out", (button) => button.hidden), true);

  step("Many images are chosen, uploaded and processed.");
  await watched.choose(...readdirSync(pictures).map((name) => join(pictures, name)));
  await watched.see(`${count} images`);
  await watched.see("and 50 more");
  await watched.addOperator("invert", "Invert");
  await watched.press(`Process ${count} images`);
  // Each step of it, not all of it, has to come within the time of an event.
  for (let done = 30; done <= count; done += 30) {
    await page.waitForFunction((wanted) => document.querySelectorAll('.job[data-state="done"]').length >= wanted, {}, done);
  }
  await watched.see(`${count} done`);
  assert.equal((await page.$$('.job[data-state="done"]')).length, count);
  const submissions = watched.requests.filter(
    (request) => request.method() === "POST" && new URL(request.url()).pathname === "/v1/jobs",
  );
  assert.equal(submissions.length, 1);

  step("A large image goes in parts, and on where it was after the page was closed in between.");
  const large = join(folder, "large.pgm");
  const header = "P5\n9000 8000\n255\n";
  writeFileSync(large, Buffer.concat([Buffer.from(header), Buffer.alloc(9000 * 8000, 100)]));
  const partPuts = () =>
    watched.requests.filter((request) => request.method() === "PUT" && new URL(request.url()).searchParams.has("part"));
  const choose = async () => {
    await page.goto(`${service.url}/`);
    await page.waitForSelector(".new-job");
    await watched.choose(large);
    await watched.addOperator("invert", "Invert");
  };
  const network = await page.createCDPSession();
  const limit = (uploadThroughput) =>
    network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await limit(8e6);
  page.on("dialog", (dialog) => dialog.accept()); // "leave the page?"
  await choose();
  const firstPart = page.waitForResponse((response) => new URL(response.url()).searchParams.has("part") && response.ok());
  await watched.press("Process 1 image");
  await firstPart;
  await page.reload();
  const before = partPuts().length;
  await limit(-1);
  await choose();
  await watched.press("Process 1 image");
  await page.waitForFunction(() => document.querySelectorAll('.job[data-state="done"]').length >= 1);
  const after = partPuts().length - before;
  assert.ok(after >= 1 && after <= 4, `${after} of 5 parts were sent after the first had arrived`);
  assert.deepEqual(watched.complaints, []);
});
