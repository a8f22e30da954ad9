// SPDX-License-Identifier: Apache-2.0
// Processing nodes and dead letters: for administrators, and what others see of it.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Service, settings, step, tesseraCommand, until, WatchedPage, withBrowser } from "./support.mjs";

/** The processes that a service has started to work on images. */
function ranksOf(ancestor) {
  const parents = new Map();
  const workers = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)) {
    try {
      parents.set(pid, Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]));
      const [program, command] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      if (program.endsWith("/tessera") && command === "worker") {
        workers.push(pid);
      }
    } catch (error) {
      if (error.code !== "ENOENT" && error.code !== "ESRCH") {
        throw error;
      }
      // It has just ended.
    }
  }
  const descends = (pid) => pid > 1 && (pid === ancestor || descends(parents.get(pid) ?? 0));
  return workers.filter(descends);
}

await withBrowser(async ({ browser, folder, onEnd }) => {
  const service = await Service.start(folder, { more: ["--max-attempts", "1"] });
  onEnd(() => service.stop());
  const { token } = service;
  const ask = async (path, init) => (await service.ask(path, init)).json();

  /** A job whose ranks are killed under it. Its id. */
  const killUnder = async (name) => {
    const form = new FormData();
    form.append("pipeline", "resize scale=10 | non-local-means");
    form.append("file", new Blob([readFileSync(join(settings.photos, "window.png"))]), name);
    const batch = await ask("/v1/jobs", { method: "POST", body: form });
    const { id } = batch.jobs[0];
    await until(`the ranks work on ${name}`, async () => (await ask(`/v1/jobs/${id}`)).layout !== null);
    for (const rank of ranksOf(service.process.pid)) {
      process.kill(rank, "SIGKILL");
    }
    await until(`${name} is given up`, async () => (await ask("/v1/dead")).dead.some((letter) => letter.job === id));
    return id;
  };

  const watched = await WatchedPage.open(browser);
  const { page } = watched;
  const letters = () => watched.texts('.all-nodes section .file-name');

  step("An administrator sees the node, and that nothing has been given up.");
  await page.goto(`${service.url}/#token=${token}`);
  await watched.press("Nodes", "link");
  await watched.see("1 node;");
  await watched.see("There are none: no job has failed so often");
  const [node] = (await ask("/v1/nodes")).nodes;
  await watched.see(`${node.host} (${node.id})`);
  await watched.isAccessible("nodes");

  step("Dead letters appear without a reload, with their jobs and reasons.");
  const first = await killUnder("first.png");
  const second = await killUnder("second.png");
  await page.waitForFunction((count) => document.querySelectorAll(".all-nodes section .file-name").length === count, {}, 2);
  assert.deepEqual((await letters()).sort(), [first, second].sort());
  const reasons = await watched.texts(".all-nodes section .problem");
  assert.ok(reasons.every((reason) => /\w+ \w+/.test(reason)), String(reasons));
  await watched.isAccessible("dead letters");
  await watched.screenshot("nodes-light.png", { width: 1280, height: 900, scheme: "light" });
  await watched.screenshot("nodes-dark.png", { width: 390, height: 844, scheme: "dark" });
  await watched.setLook({ width: 1280, scheme: "light" });

  step("One is retried by the keyboard: its job begins anew.");
  await page.focus(`button[aria-label="Retry ${first}"]`);
  await page.keyboard.press("Enter");
  await page.waitForFunction((count) => document.querySelectorAll(".all-nodes section .file-name").length === count, {}, 1);
  assert.equal((await ask(`/v1/jobs/${first}`)).generation, 2);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Dead letters");
  await ask(`/v1/jobs/${first}`, { method: "DELETE" });

  step("One is deleted, after a question.");
  const questions = [];
  page.on("dialog", (dialog) => {
    questions.push(dialog.message());
    void (questions.length === 1 ? dialog.dismiss() : dialog.accept());
  });
  await watched.press(`Delete ${second}`);
  await until("the question was asked", () => questions.length === 1);
  assert.equal((await ask("/v1/dead")).dead.length, 1);
  await watched.press(`Delete ${second}`);
  await watched.see("There are none: no job has failed so often");
  assert.deepEqual((await ask("/v1/dead")).dead, []);

  step("Who may only read sees neither dead letters nor what would be refused.");
  const state = `sqlite://${join(folder, "data", "state.db")}`;
  const added = tesseraCommand("token", "--state", state, "add", "local", "--scope", "read");
  const reader = await WatchedPage.open(browser);
  await reader.page.goto(`${service.url}/#token=${added.match(/tsr_\S+/)[0]}`);
  await reader.page.waitForSelector(".all-jobs .job");
  assert.deepEqual(await reader.page.$$eval("nav a", (links) => links.filter((link) => !link.hidden).map((link) => link.textContent)), [
    "Jobs",
    "Nodes",
    "API",
  ]);
  assert.deepEqual(await reader.page.$$eval(".job button", (buttons) => buttons.map((each) => each.textContent)), []);
  await reader.isAccessible("the list of jobs, for reading only");
  await reader.press("Nodes", "link");
  await reader.see("1 node;");
  assert.equal(await reader.page.$(".all-nodes section *"), null);
  assert.equal((await reader.page.evaluate(() => document.body.innerText)).includes(node.host), false);
  assert.equal(reader.requests.some((request) => request.url().includes("/v1/dead")), false);
  await reader.isAccessible("nodes, for reading only");
  watched.check(token);
  assert.deepEqual(reader.complaints, []);
});
