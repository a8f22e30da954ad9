// SPDX-License-Identifier: Apache-2.0
// From signing in to the downloaded result, as a user goes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { sameBytes, Service, settings, step, tesseraCommand, until, WatchedPage, withBrowser } from "./support.mjs";

const pipeline = "gaussian-blur sigma=2.5 | otsu";

/** Drops files and folders where the pointer would be, as the desktop's file manager does. */
async function drop(page, selector, paths) {
  const session = await page.createCDPSession();
  const target = await page.waitForSelector(selector);
  const box = await target.boundingBox();
  const at = { x: box.x + box.width / 2, y: box.y + 10 };
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, ...at, data });
  }
}

await withBrowser(async ({ browser, folder, onEnd }) => {
  const service = await Service.start(folder, { terminal: true });
  onEnd(() => service.stop());
  const { token } = service;
  const pictures = join(folder, "pictures");
  mkdirSync(join(pictures, "below"), { recursive: true });
  copyFileSync(join(settings.photos, "parrots.png"), join(pictures, "parrots.png"));
  copyFileSync(join(settings.photos, "statue.png"), join(pictures, "below", "statue.png"));
  writeFileSync(join(pictures, "notes.txt"), "no image");
  const downloads = join(folder, "downloads");
  mkdirSync(downloads);

  const watched = await WatchedPage.open(browser);
  const { page } = watched;
  await watched.downloadsTo(downloads);

  step("A wrong token is refused, the right one is not.");
  await page.goto(service.url);
  await watched.signIn("tsr_wrong");
  await watched.see("The token is unknown");
  await watched.isAccessible("sign-in");
  await watched.signIn(token);
  await page.waitForSelector(".new-job");
  assert.equal(new URL(page.url()).hash.includes(token), false);

  step("A folder and a file are dropped.");
  await drop(page, ".drop", [pictures, join(settings.photos, "window.png")]);
  await page.waitForFunction(() => document.querySelectorAll(".thumbnails li").length === 3);
  assert.deepEqual((await watched.texts(".thumbnails .file-name")).sort(), ["parrots.png", "statue.png", "window.png"]);
  await watched.press("Remove window.png", "button");
  await watched.see("2 images");

  step("A pipeline is built, by keyboard and by forms that the catalogue declares.");
  await page.focus(".side button.wide");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await watched.isAccessible("the dialog of operators");
  await page.keyboard.type("bell curve");
  await page.waitForFunction(() => document.querySelectorAll("dialog button.operator").length === 1);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector("dialog"));
  await watched.addOperator("otsu", "Otsu");
  await watched.isAccessible("a new job");

  step("The preview shows what the service computes, and follows the settings.");
  await watched.press("Preview parrots.png");
  await page.waitForFunction(() => {
    const images = [...document.querySelectorAll(".preview .stage img")];
    return images.length === 2 && images.every((image) => image.complete && image.naturalWidth === 768);
  });
  const first = await page.$eval(".preview .after", (image) => image.src);
  await watched.fill("Sigma (px)", "2.5");
  await page.waitForFunction((old) => document.querySelector(".preview .after").src !== old, {}, first);
  await until("previews have left no jobs", async () => (await (await service.ask("/v1/jobs")).json()).jobs.length === 0);

  step("A value out of its range is not sent.");
  await watched.fill("Sigma (px)", "1000");
  await watched.press("Process 2 images");
  assert.equal(await page.evaluate(() => document.activeElement.validity?.rangeOverflow), true);
  await watched.fill("Sigma (px)", "2.5");

  assert.equal(await page.$eval(".as-text input", (input) => input.value), pipeline);

  step("The same pipeline can be given as text.");
  await page.click(".as-text summary");
  await watched.fill("Operators with their parameters, separated by |", "no-such-operator");
  await watched.press("Use");
  await watched.see("no-such-operator");
  await watched.fill("Operators with their parameters, separated by |", pipeline);
  await watched.press("Use");
  await page.waitForFunction(() => document.querySelectorAll(".step").length === 2);
  await page.waitForFunction(() => document.querySelector(".as-text .problem").textContent === "");
  await page.click(".as-text summary");
  await watched.screenshot("web-light.png", { width: 1280, height: 900, scheme: "light" });
  await watched.screenshot("web-dark.png", { width: 390, height: 844, scheme: "dark" });
  await watched.setLook({ width: 1280, scheme: "light" });

  step("It is submitted, and progress comes by events.");
  await watched.press("Process 2 images");
  await watched.waitForStates("done", "done");
  await watched.see("2 done");
  // The jobs may have ended before the page has its token for events.
  const events = () => watched.requests.filter((request) => request.url().includes("/v1/events"));
  await until("the page follows events", () => events().length > 0);
  assert.ok(events().every((request) => request.url().includes("token=tss_")));
  await watched.isAccessible("a batch");

  step("One result is downloaded: the bytes of `tessera apply`.");
  const expected = join(folder, "expected.png");
  tesseraCommand("apply", pipeline, join(pictures, "parrots.png"), "-o", expected);
  sameBytes(await watched.download(() => watched.press("Download the result of parrots.png")), expected);

  step("All are downloaded as an archive.");
  const archive = await watched.download(() => watched.press("Download all (zip)"));
  const entry = spawnSync("unzip", ["-p", archive, "parrots*"], { maxBuffer: 1 << 28 });
  assert.equal(entry.status, 0, String(entry.stderr));
  assert.ok(entry.stdout.equals(readFileSync(expected)), "the entry of the archive differs");

  step("A job's page has before and after; the slider moves by keyboard.");
  const jobUrl = await page.$eval('.job a[title="parrots.png"]', (link) => link.href);
  await page.click('.job a[title="parrots.png"]');
  await page.waitForSelector(".stage");
  await watched.isAccessible("a job");
  await page.focus(".divider-control input");
  await page.keyboard.press("End");
  assert.equal(await page.$eval(".stage", (stage) => stage.style.getPropertyValue("--divider")), "100%");

  step("It is all there after the page was loaded again.");
  await page.reload();
  await page.waitForFunction(() => {
    const images = [...document.querySelectorAll(".stage img")];
    return images.length === 2 && images.every((image) => image.complete && image.naturalWidth === 768);
  });
  await watched.screenshot("web-job.png", { width: 1280, height: 900, scheme: "light" });
  await watched.setLook({ width: 1280, scheme: "light" });

  step("A deep link asks who it is and then leads there.");
  const other = await WatchedPage.open(browser);
  await other.page.goto(jobUrl);
  await other.signIn(token);
  await other.see("gaussian-blur sigma=2.5 | otsu");
  assert.equal(other.page.url(), jobUrl);
  await other.page.goto(`${service.url}/#/jobs/job_none`);
  await other.see("Not found");
  other.check(token);
  await other.context.close();

  step("The link that the service prints on its terminal signs in, and the token leaves the address.");
  const linked = await WatchedPage.open(browser);
  const link = await until("the link is printed", () => service.log.match(/http:\S+#token=\S+/)?.[0]);
  assert.equal(link, `${service.url}/#token=${token}`);
  await linked.page.goto(link);
  await linked.page.waitForSelector(".new-job");
  assert.equal(linked.page.url(), `${service.url}/#/`);
  await linked.page.goto("about:blank");
  await linked.page.goBack();
  assert.equal(linked.page.url(), `${service.url}/#/`);
  await linked.context.close();

  step("What is no image fails with the reason, in its own row.");
  writeFileSync(join(folder, "broken.png"), "this is no picture");
  await page.goto(`${service.url}/#/`);
  await page.waitForSelector(".new-job");
  await watched.choose(join(folder, "broken.png"), join(pictures, "parrots.png"));
  await watched.press("Process 2 images");
  await watched.waitForStates("failed", "done");
  assert.match((await watched.texts(".job .problem"))[0], /\w+ \w+/);

  step("A job under way is cancelled and retried.");
  await page.goto(`${service.url}/#/`);
  await page.reload();
  await page.waitForSelector(".new-job");
  await watched.choose(join(pictures, "parrots.png"));
  await page.click(".as-text summary");
  await watched.fill("Operators with their parameters, separated by |", "resize scale=10 | non-local-means");
  await watched.press("Use");
  await page.waitForFunction(() => document.querySelector(".step-name").textContent === "Resize");
  await watched.press("Process 1 image");
  await watched.press("Cancel parrots.png");
  await watched.waitForStates("cancelled");
  await watched.press("Retry parrots.png");
  await page.waitForSelector('.job:is([data-state="queued"], [data-state="running"])');
  await watched.press("Cancel all");
  await watched.waitForStates("cancelled");

  step("Older jobs come page by page, and by state.");
  const [done] = (await (await service.ask("/v1/jobs?state=done&limit=1")).json()).jobs;
  const image = readFileSync(join(settings.photos, "window.png"));
  const form = new FormData();
  form.append("pipeline", "resize long-edge=16");
  for (let index = 0; index < 60; index += 1) {
    form.append("file", new Blob([image], { type: "image/png" }), `small-${index}.png`);
  }
  await service.ask("/v1/jobs", { method: "POST", body: form });
  await watched.press("Jobs", "link");
  await page.waitForFunction(() => document.querySelectorAll(".all-jobs .job").length === 50);
  await watched.press("Show older jobs");
  await page.waitForSelector(`.job a[href="#/jobs/${done.id}"]`);
  await page.select(".all-jobs select", "failed");
  await watched.waitForStates("failed");
  await watched.isAccessible("the list of jobs");

  step("The HTTP interface is described, operation by operation.");
  const description = await (await service.ask("/openapi.json")).json();
  const operations = Object.values(description.paths).flatMap((item) => Object.values(item));
  const reference = await WatchedPage.open(browser);
  await reference.page.goto(`${service.url}/docs#${operations[3].operationId}`);
  await reference.page.waitForSelector(".operation[open] .answer");
  assert.equal((await reference.page.$$(".operation .method")).length, operations.length);
  await reference.isAccessible("the description of the HTTP interface");
  reference.check(token);
  await reference.context.close();

  step("Signing out forgets everything.");
  await watched.press("Sign out");
  await page.waitForSelector(".sign-in");
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  watched.check(token);
});
