// SPDX-License-Identifier: Apache-2.0
// What all tests in a real browser share: the service, the browser, and expectations.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    tessera: { type: "string" },
    modules: { type: "string" },
    photos: { type: "string" },
    s3rver: { type: "string" },
    screenshots: { type: "string" },
    timeout: { type: "string", default: "180" },
  },
});
export const settings = values;
// How long an event may take on a slow machine; a bound, not an expectation.
export const timeout = Number(values.timeout) * 1000;

const require = createRequire(join(resolve(settings.modules), "-"));
const puppeteer = await import(require.resolve("puppeteer-core"));
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

function chromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) {
      if (existsSync(join(folder, name))) {
        return join(folder, name);
      }
    }
  }
  throw new Error("There is no Chromium: install the package chromium, as './run test' does.");
}

/** Waits until `work` returns something true; `work` may throw meanwhile. */
export async function until(what, work) {
  const end = Date.now() + timeout;
  for (;;) {
    let last;
    try {
      const result = await work();
      if (result) {
        return result;
      }
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`It did not come about that ${what}.`, { cause: last });
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

export function freePort() {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

export function tesseraCommand(...words) {
  const done = spawnSync(settings.tessera, words, { encoding: "utf8" });
  assert.equal(done.status, 0, `tessera ${words.join(" ")}: ${done.stderr}`);
  return done.stdout;
}

/** `tessera serve` with a data folder of its own. */
export class Service {
  /** On a terminal of its own if that is wanted, which then is its log. */
  static async start(folder, { publicUrl, terminal = false, more = [] } = {}) {
    const service = new Service();
    service.folder = folder;
    service.port = await freePort();
    service.url = `http://127.0.0.1:${service.port}`;
    const words = ["serve", "--data", join(folder, "data"), "--listen", `127.0.0.1:${service.port}`, ...more];
    if (publicUrl) {
      words.push("--public-url", publicUrl);
    }
    service.log = "";
    service.terminal = terminal;
    const quoted = [settings.tessera, ...words].map((word) => `'${word}'`).join(" ");
    const command = terminal ? ["script", "-qefc", `exec ${quoted}`, "/dev/null"] : [settings.tessera, ...words];
    service.process = spawn(command[0], command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, XDG_STATE_HOME: join(folder, "state"), TMPDIR: folder },
    });
    for (const stream of [service.process.stdout, service.process.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (service.log += text));
    }
    service.ended = new Promise((done) => service.process.once("exit", done));
    await until("the service is ready or has ended", async () => {
      return service.process.exitCode !== null || (await fetch(`${service.url}/readyz`)).ok;
    });
    assert.equal(service.process.exitCode, null, service.log);
    return service;
  }

  get token() {
    return readFileSync(join(this.folder, "data", "token"), "utf8").split("\n")[0];
  }

  /** A request beside the browser. */
  async ask(path, init = {}) {
    const headers = { Authorization: `Bearer ${this.token}`, ...init.headers };
    const response = await fetch(this.url + path, { ...init, headers });
    assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
    return response;
  }

  async stop() {
    const { pid } = this.process;
    const children = this.terminal ? readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ") : [pid];
    for (const child of children) {
      process.kill(Number(child), "SIGTERM");
    }
    await this.ended;
  }
}

/** A page whose complaints and requests are kept. */
export class WatchedPage {
  static async open(browser, { width = 1280, height = 900 } = {}) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(timeout);
    await page.setViewport({ width, height });
    const watched = new WatchedPage();
    Object.assign(watched, { context, page, complaints: [], requests: [] });
    page.on("pageerror", (error) => watched.complaints.push(String(error)));
    page.on("console", (message) => {
      // Refused and broken requests are expected where a test brings them about.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        watched.complaints.push(message.text());
      }
    });
    page.on("request", (request) => watched.requests.push(request));
    return watched;
  }

  /** Clicks what has this accessible name. */
  async press(name, role = "button") {
    await this.page.locator(`::-p-aria([name="${name}"][role="${role}"])`).click();
  }

  async fill(label, text) {
    const input = await this.page.waitForSelector(`::-p-aria([name="${label}"])`);
    await input.click({ count: 3 });
    await input.type(text);
  }

  async signIn(token) {
    await this.page.waitForSelector(".sign-in");
    await this.page.locator(`.sign-in input`).fill(token);
    await this.press("Sign in");
  }

  /** Waits until the text is somewhere in the page. */
  async see(text) {
    await this.page.waitForFunction((wanted) => document.body.innerText.includes(wanted), {}, text);
  }

  async texts(selector) {
    return this.page.$$eval(selector, (found) => found.map((each) => each.textContent));
  }

  /** Waits until the rows of jobs have these states. */
  async waitForStates(...states) {
    await this.page.waitForFunction(
      (wanted) => {
        const rows = [...document.querySelectorAll(".jobs .job")];
        return rows.map((row) => row.dataset.state).join() === wanted;
      },
      {},
      states.join(),
    );
  }

  async addOperator(words, name) {
    await this.press("Add an operator");
    await this.fill("Find by name or purpose", words);
    await this.page.locator(`dialog button.operator ::-p-text(${name})`).click();
    await this.page.waitForFunction(() => !document.querySelector("dialog"));
  }

  async choose(...files) {
    const input = await this.page.waitForSelector('input[aria-label="Images"]');
    await input.uploadFile(...files);
  }

  /** Saves downloads in the folder; download(action) returns the file's path. */
  async downloadsTo(folder) {
    const session = await this.page.createCDPSession();
    await session.send("Browser.setDownloadBehavior", {
      behavior: "allow",
      browserContextId: this.context.id,
      downloadPath: folder,
      eventsEnabled: true,
    });
    this.download = (action) =>
      new Promise((done, failed) => {
        const timer = setTimeout(() => failed(new Error("The download did not end.")), timeout);
        let name = "";
        const begun = (event) => (name = event.suggestedFilename);
        const moved = (event) => {
          if (event.state === "completed") {
            clearTimeout(timer);
            session.off("Browser.downloadWillBegin", begun);
            session.off("Browser.downloadProgress", moved);
            done(join(folder, name));
          }
        };
        session.on("Browser.downloadWillBegin", begun);
        session.on("Browser.downloadProgress", moved);
        Promise.resolve(action()).catch(failed);
      });
  }

  async setLook({ width, height = 900, scheme }) {
    await this.page.setViewport({ width, height });
    await this.page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
  }

  /** No violation of what axe-core checks, in light and dark, on a desktop and on a phone. */
  async isAccessible(where) {
    await this.page.evaluate(axeSource);
    for (const scheme of ["light", "dark"]) {
      for (const width of [1280, 375]) {
        await this.setLook({ width, scheme });
        const violations = await this.page.evaluate(async () => {
          const { violations: found } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
          return found.map((each) => `${each.id}: ${each.help}: ${each.nodes.map((node) => node.html).join(" ")}`);
        });
        assert.deepEqual(violations, [], `${where}, ${width} pixels wide, ${scheme}`);
        const overflow = await this.page.evaluate(
          () => document.scrollingElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(overflow <= 0, `${where}: ${overflow} pixels wider than a window of ${width}`);
      }
    }
    await this.setLook({ width: 1280, scheme: "light" });
  }

  async screenshot(name, look) {
    if (!settings.screenshots) {
      return;
    }
    await this.setLook(look);
    await this.page.evaluate(() => window.scrollTo(0, 0));
    // Pictures that are on their way are part of it.
    await this.page.waitForFunction(() => [...document.images].every((image) => image.complete));
    await this.page.screenshot({ path: join(settings.screenshots, name) });
  }

  /** Nothing failed in the page, and the token was never in an address. */
  check(token) {
    assert.deepEqual(this.complaints, []);
    for (const request of this.requests) {
      // Fragments are not sent.
      const [sent] = request.url().split("#");
      assert.ok(!sent.includes(token), `a token in ${sent}`);
    }
  }
}

/** What the pages show when a test fails. */
async function describePages(browser) {
  for (const [index, page] of (await browser.pages()).entries()) {
    console.log(`--- ${page.url()}`);
    console.log(await page.evaluate(() => document.body?.innerText ?? "").catch(String));
    if (settings.screenshots) {
      await page.screenshot({ path: join(settings.screenshots, `failure-${index}.png`) }).catch(() => {});
    }
  }
}

/** Runs a test with a browser and a temporary folder, and ends both. */
export async function withBrowser(test) {
  const folder = mkdtempSync(join(tmpdir(), "tessera-browser-"));
  const root = process.getuid?.() === 0;
  const browser = await puppeteer.launch({
    executablePath: chromium(),
    userDataDir: join(folder, "profile"),
    protocolTimeout: timeout,
    timeout,
    args: [
      "--disable-dev-shm-usage",
      "--disable-gpu",
      "--no-first-run",
      // Its sandbox does not work for root.
      ...(root ? ["--no-sandbox"] : []),
    ],
  });
  const cleanups = [];
  try {
    await test({ browser, folder, onEnd: (work) => cleanups.push(work) });
  } catch (error) {
    await describePages(browser);
    throw error;
  } finally {
    await browser.close();
    for (const work of cleanups.reverse()) {
      await work();
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function sameBytes(file, expected) {
  assert.ok(statSync(file).size > 0, `${file} is empty`);
  assert.ok(readFileSync(file).equals(readFileSync(expected)), `${file} differs from ${expected}`);
}

export function step(sentence) {
  console.log(sentence);
}
