// SPDX-License-Identifier: Apache-2.0
// A huge image, looked at part by part.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Service, step, tesseraCommand, until, WatchedPage, withBrowser } from "./support.mjs";

/** Cells of the picture, and pixels of each: 20040 x 20040 in all. The middle of the picture is that of a cell. */
const cells = 501;
const cellPx = 40;
const side = cells * cellPx;

const grayOf = (column, row) => ((column * 7 + row * 13) % 32) * 8;

await withBrowser(async ({ browser, folder, onEnd }) => {
  const service = await Service.start(folder);
  onEnd(() => service.stop());
  const { token } = service;
  const small = join(folder, "cells.pgm");
  const pixels = Buffer.alloc(cells * cells);
  for (let row = 0; row < cells; row += 1) {
    for (let column = 0; column < cells; column += 1) {
      pixels[row * cells + column] = grayOf(column, row);
    }
  }
  writeFileSync(small, Buffer.concat([Buffer.from(`P5 ${cells} ${cells} 255\n`), pixels]));
  const huge = join(folder, "huge.tif");
  tesseraCommand("apply", `resize width=${side} height=${side} fit=fill method=nearest`, small, "-o", huge, "--pyramid");

  step("A huge image is processed.");
  const form = new FormData();
  form.set("pipeline", "invert");
  form.set("output", JSON.stringify({ format: "tif", pyramid: true }));
  form.set("file", new Blob([readFileSync(huge)]), "huge.tif");
  const batch = await (await service.ask("/v1/jobs", { method: "POST", body: form })).json();
  const job = batch.jobs[0].id;
  await until("the job is done", async () => (await (await service.ask(`/v1/jobs/${job}`)).json()).state === "done");

  const watched = await WatchedPage.open(browser);
  const { page } = watched;
  /** Parts that have come: {region, size} as numbers. */
  const parts = [];
  page.on("response", (response) => {
    const found = /[/]iiif[/][^/]+[/](full|\d+,\d+,\d+,\d+)[/](max|\d+,\d*)[/]0[/]default[.]jpg$/.exec(response.url());
    if (found && response.status() === 200) {
      parts.push({ region: found[1].split(",").map(Number), size: found[2] });
    }
  });

  step("The viewer opens from the job's page, and only then is it loaded.");
  await page.goto(`${service.url}/#/jobs/${job}`);
  await watched.signIn(token);
  await page.waitForSelector(".one-job");
  assert.equal(watched.requests.some((request) => request.url().includes("deep_zoom")), false);
  await watched.press("View in detail", "link");
  await page.waitForSelector(".deep-zoom canvas");
  await until("the first parts have come", () => parts.length > 0);
  assert.equal(watched.requests.filter((request) => request.url().includes("deep_zoom")).length, 1);
  await watched.isAccessible("the viewer");

  /** The gray in the middle of the stage. */
  const middle = () =>
    page.evaluate(() => {
      const canvas = document.querySelector(".deep-zoom .openseadragon-canvas canvas");
      const context = canvas.getContext("2d");
      return context.getImageData(Math.floor(canvas.width / 2), Math.floor(canvas.height / 2), 1, 1).data[0];
    });
  const zoom = () => page.$eval(".viewer .detail", (shown) => Number.parseFloat(shown.textContent));

  step("It is zoomed by the keyboard, until pixels are seen.");
  const before = await zoom();
  assert.ok(before > 0 && before < 10, `${before} %`);
  await page.focus(".deep-zoom .openseadragon-canvas");
  await until("a pixel of the image covers one of the page", async () => {
    await page.keyboard.press("+");
    return (await zoom()) >= 100;
  });
  await until("parts at full size have come", () =>
    parts.some(({ region, size }) => region.length === 4 && size.startsWith(`${region[2]},`)),
  );
  const expected = 255 - grayOf((cells - 1) / 2, (cells - 1) / 2);
  await until("the middle of the picture is seen as it was processed", async () => Math.abs((await middle()) - expected) <= 3);
  await watched.screenshot("viewer-pixels.png", { width: 1280, height: 900, scheme: "light" });

  step("Buttons and keys show the whole image again.");
  await watched.press("Zoom in");
  await watched.press("Whole image");
  await until("the whole image is seen", async () => {
    const fits = await page.$eval(".deep-zoom", (stage) => Math.min(stage.clientWidth, stage.clientHeight));
    return Math.abs((await zoom()) - (100 * fits) / side) < 0.1;
  });
  await watched.screenshot("viewer-whole.png", { width: 1280, height: 900, scheme: "dark" });

  step("The original is another address.");
  await watched.press("The original", "link");
  await watched.see("The original of huge.tif");
  await page.waitForSelector(".deep-zoom canvas");
  await page.focus(".deep-zoom .openseadragon-canvas");
  await until("the original's pixels are seen", async () => {
    await page.keyboard.press("+");
    return (await zoom()) >= 100;
  });
  await until("the middle is that of the original", async () => Math.abs((await middle()) - (255 - expected)) <= 3);

  step("What has gone is told.");
  assert.equal(await page.$eval(".viewer [role=alert]", (node) => node.textContent), "");
  await page.goto(`${service.url}/#/jobs/job_00000000000000000000000000/view`);
  await watched.see("There is no job");
  watched.check(token);
});
