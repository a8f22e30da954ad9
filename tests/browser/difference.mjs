// SPDX-License-Identifier: Apache-2.0
// The difference of before and after, of pictures whose difference is known.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { Service, step, tesseraCommand, until, WatchedPage, withBrowser } from "./support.mjs";

/** Left of the middle 127, right of it 120: inverted they differ by 1 and by 15. */
const width = 64;
const height = 32;
const grays = [127, 120];
const apart = grays.map((gray) => Math.abs(255 - 2 * gray));

await withBrowser(async ({ browser, folder, onEnd }) => {
  const service = await Service.start(folder);
  onEnd(() => service.stop());
  const { token } = service;
  const pixels = Buffer.alloc(width * height, Buffer.from(grays.flatMap((gray) => Array(width / 2).fill(gray))));
  writeFileSync(join(folder, "halves.pgm"), Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), pixels]));
  const picture = join(folder, "halves.png");
  tesseraCommand("convert", join(folder, "halves.pgm"), picture);

  const watched = await WatchedPage.open(browser);
  const { page } = watched;
  await page.goto(`${service.url}/#token=${token}`);

  /** Opens the page of a job that applies the pipeline to the picture. */
  const openJob = async (pipeline) => {
    await page.goto(`${service.url}/#/`);
    await page.reload();
    await page.waitForSelector(".new-job");
    await watched.choose(picture);
    await page.click(".as-text summary");
    await watched.fill("Operators with their parameters, separated by |", pipeline);
    await watched.press("Use");
    await page.waitForSelector(".step");
    await watched.press("Process 1 image");
    await watched.waitForStates("done");
    await page.click('.job a[title="halves.png"]');
    await page.waitForSelector(".one-job .compare");
  };
  const choose = async (label, value) => (await page.waitForSelector(`::-p-aria([name="${label}"][role="combobox"])`)).select(value);
  /** What the browser paints, in the middle of each half. */
  const painted = async () => {
    const canvas = await page.waitForSelector(".difference canvas");
    const shot = await canvas.screenshot({ encoding: "base64" });
    return page.evaluate(async (data) => {
      const bytes = Uint8Array.from(atob(data), (digit) => digit.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
      context.drawImage(image, 0, 0);
      return [1, 3].map((quarter) => {
        const [red, green, blue] = context.getImageData((image.width * quarter) / 4, image.height / 2, 1, 1).data;
        return red === green && green === blue ? red : [red, green, blue];
      });
    }, shot);
  };

  step("The difference is computed pixel by pixel, and told.");
  await openJob("invert");
  await choose("Show", "difference");
  await watched.see(`The largest difference is ${Math.max(...apart)} of 255; 100 % of the pixels differ.`);
  const raw = await page.$eval(".difference canvas", (canvas) => [
    ...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data,
  ]);
  assert.equal(raw.length, width * height * 4);
  for (let at = 0; at < raw.length; at += 4) {
    const expected = apart[(at / 4) % width < width / 2 ? 0 : 1];
    assert.deepEqual(raw.slice(at, at + 4), [expected, expected, expected, 255], `pixel ${at / 4}`);
  }
  assert.equal(await page.$eval(".stage", (stage) => stage.checkVisibility()), false);

  step("It is amplified by the factor that is chosen.");
  for (const factor of [8, 1, 16, 64]) {
    await choose("Amplified", String(factor));
    const expected = apart.map((each) => Math.min(255, each * factor));
    await until(`it is painted ${factor} times as bright`, async () => (await painted()).join() === expected.join());
  }
  await watched.isAccessible("the difference");

  step("Before and after come back.");
  await choose("Show", "divider");
  assert.equal(await page.$eval(".stage", (stage) => stage.checkVisibility()), true);
  assert.equal(await page.$(".difference canvas"), null);

  step("Equal pictures are told.");
  await openJob("invert | invert");
  await choose("Show", "difference");
  await watched.see("The two pictures are equal.");

  step("Pictures of two sizes have none, and the page says why.");
  await openJob("resize scale=0.5");
  await choose("Show", "difference");
  await watched.see(`before it is ${width} × ${height} pixels, after it ${width / 2} × ${height / 2}`);
  assert.equal(await page.$(".difference canvas"), null);
  await watched.isAccessible("no difference");
  watched.check(token);
});
