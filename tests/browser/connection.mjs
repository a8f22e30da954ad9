// SPDX-License-Identifier: Apache-2.0
// A connection that breaks and comes back, and a token that ends.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";
import { join } from "node:path";

import { freePort, Service, settings, step, tesseraCommand, until, WatchedPage, withBrowser } from "./support.mjs";

/** Stands between browser and service, and can break every connection. */
class Cable {
  constructor(servicePort) {
    this.sockets = new Set();
    this.broken = false;
    /** Called with what the browser sends; true breaks the cable. */
    this.watch = () => false;
    this.seen = "";
    this.server = createServer((client) => {
      if (this.broken) {
        client.destroy();
        return;
      }
      const service = connect(servicePort, "127.0.0.1");
      for (const socket of [client, service]) {
        this.sockets.add(socket);
        socket.on("close", () => {
          this.sockets.delete(socket);
          client.destroy();
          service.destroy();
        });
        socket.on("error", () => socket.destroy());
      }
      client.on("data", (bytes) => {
        const text = bytes.toString("latin1");
        this.seen += text;
        if (this.watch(text)) {
          this.break();
        } else {
          service.write(bytes);
        }
      });
      service.on("data", (bytes) => client.write(bytes));
    });
  }

  listen(port) {
    return new Promise((done) => this.server.listen(port, "127.0.0.1", done));
  }

  break() {
    this.broken = true;
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  mend() {
    this.broken = false;
    this.watch = () => false;
  }
}

await withBrowser(async ({ browser, folder, onEnd }) => {
  const port = await freePort();
  const service = await Service.start(folder, { publicUrl: `http://127.0.0.1:${port}` });
  // By another name than that of the service's links, which the page then turns into its own.
  const url = `http://localhost:${port}`;
  onEnd(() => service.stop());
  const cable = new Cable(service.port);
  await cable.listen(port);
  onEnd(() => {
    cable.break();
    cable.server.close();
  });
  const { token } = service;
  const watched = await WatchedPage.open(browser);
  const { page } = watched;
  await page.goto(`${url}/#token=${token}`);
  await page.waitForSelector(".new-job");
  await watched.addOperator("invert", "Invert");
  await watched.choose(join(settings.photos, "parrots.png"), join(settings.photos, "statue.png"));

  step("The connection breaks in an upload, which is then made again.");
  cable.watch = (text) => text.startsWith("PUT /objects/");
  await watched.press("Process 2 images");
  await watched.see("Trying again…");
  assert.equal(cable.broken, true);
  cable.mend();
  await page.waitForSelector(".batch");
  await watched.waitForStates("done", "done");
  assert.equal(await page.$eval("#connection", (place) => place.textContent), "");

  step("The connection breaks while jobs run; what was missed comes afterwards, without a reload.");
  await page.goto(`${url}/#/`);
  await page.waitForSelector(".new-job");
  const followed = page.waitForResponse((response) => response.url().includes("/v1/events?batch="));
  // With an event the page knows from where on it has missed some. The browser tells when it has delivered one: that the service has
  // sent it is too early, since the broken connection may lose it.
  const inspector = await page.createCDPSession();
  await inspector.send("Network.enable");
  let delivered = "";
  inspector.on("Network.eventSourceMessageReceived", ({ eventId }) => (delivered = eventId));
  await watched.press("Process 2 images");
  await followed;
  await until("the page has been given an event", () => delivered !== "");
  await inspector.detach();
  const batch = decodeURIComponent(new URL(page.url()).hash.split("/")[2]);
  const begin = cable.seen.length;
  cable.break();
  await watched.see("Trying again…");
  await until("the jobs are done meanwhile", async () => {
    return (await (await service.ask(`/v1/batches/${batch}`)).json()).state === "done";
  });
  cable.mend();
  await watched.waitForStates("done", "done");
  await page.waitForFunction(() => document.querySelector("#connection").textContent === "");
  assert.match(cable.seen.slice(begin), /GET \/v1\/events\?batch=[^\r]*(after=|[^]*\r\nLast-Event-ID: )/i);

  step("A token that is withdrawn leads to the sign-in, and from there back to the same place.");
  const state = `sqlite://${join(folder, "data", "state.db")}`;
  const place = page.url();
  const added = tesseraCommand("token", "--state", state, "add", "local", "--scope", "submit,read");
  const second = added.match(/tsr_\S+/)[0];
  tesseraCommand("token", "--state", state, "remove", createHash("sha256").update(token).digest("hex"));
  const headers = { Authorization: `Bearer ${token}` };
  await until("the service refuses it", async () => (await fetch(`${service.url}/v1/me`, { headers })).status === 401);
  await watched.press("Download the result of parrots.png");
  await watched.see("The token is not accepted any more");
  await watched.signIn(second);
  await watched.waitForStates("done", "done");
  assert.equal(page.url(), place);
  watched.check(token);
  watched.check(second);
});
