// SPDX-License-Identifier: Apache-2.0
// One job: before and after, what was found, what was done.
import { api, type Finding, isFinal, type Job, sentenceOf, type SignedLink } from "./api";
import { compareView } from "./compare";
import { element, inBytes, replaceChildren } from "./dom";
import { EventFollower } from "./events";
import { originalOf } from "./originals";
import { asText } from "./pipeline";
import { actions, canShow, stateName } from "./results";
import type { View } from "./view";

const shownFindings = 100;

export class JobView implements View {
  readonly title: string;
  readonly node = element("div", { class: "one-job" });
  private readonly state = element("p", { class: "line", attributes: { role: "status" } });
  private readonly bar = element("progress", { max: 1, value: 0, attributes: { "aria-label": "Progress" } });
  private readonly picture = element("div", { class: "picture" });
  private readonly tools = element("div", { class: "row" });
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private readonly facts = element("dl", { class: "facts" });
  private readonly more = element("div");
  private readonly follower: EventFollower;
  private drawn = "";
  private originalUrl = "";

  private constructor(private job: Job) {
    this.title = job.request.name;
    this.node.append(
      element(
        "p",
        { class: "trail" },
        element("a", { href: `#/batches/${encodeURIComponent(job.batch)}` }, "All images of this submission"),
      ),
      element("div", { class: "row between" }, element("h1", { class: "file-name" }, job.request.name), this.tools),
      this.state,
      this.bar,
      this.problem,
      this.picture,
      this.facts,
      this.more,
    );
    this.update(job);
    this.follower = new EventFollower(
      { job: job.id },
      (changed) => this.update(changed),
      () => void api.job(job.id).then((changed) => this.update(changed)),
    );
  }

  static async open(id: string): Promise<JobView> {
    return new JobView(await api.job(id));
  }

  leave(): void {
    this.follower.stop();
    if (this.originalUrl) {
      URL.revokeObjectURL(this.originalUrl);
    }
  }

  private update(job: Job): void {
    const old = this.job;
    if (job.generation < old.generation || (job.generation === old.generation && isFinal(old.state) && !isFinal(job.state))) {
      return;
    }
    this.job = job;
    this.node.dataset["state"] = job.state;
    this.bar.hidden = isFinal(job.state);
    this.bar.value = job.fraction;
    const drawn = `${job.state} ${job.generation} ${job.stage}`;
    if (drawn === this.drawn) {
      return;
    }
    this.drawn = drawn;
    replaceChildren(
      this.state,
      element("span", { class: "state" }, stateName(job.state)),
      element("span", { class: "detail" }, isFinal(job.state) ? "" : job.stage),
    );
    this.problem.textContent = job.state === "failed" ? (job.failure?.sentence ?? "") : "";
    const look = element("a", { href: `#/jobs/${encodeURIComponent(job.id)}/view` }, "View in detail");
    replaceChildren(this.tools, job.state === "done" ? look : null, ...actions(job, (sentence) => (this.problem.textContent = sentence)));
    this.drawFacts();
    void this.drawPicture();
  }

  private drawFacts(): void {
    const { job } = this;
    const output = Object.entries(job.request.output).map(([name, value]) => `${name} ${String(value)}`);
    const facts: [string, string][] = [["Pipeline", asText(job.request.pipeline.operators)]];
    if (output.length > 0) {
      facts.push(["Output", output.join(", ")]);
    }
    if (job.result) {
      facts.push(
        ["Result", `${job.result.width_px} × ${job.result.height_px} pixels, ${inBytes(job.result.size_bytes)}, ${job.result.content_type}`],
        ["File name", job.result.file_name],
      );
    }
    facts.push(["Submitted", new Date(job.created).toLocaleString()], ["Job", job.id]);
    replaceChildren(this.facts, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
    const warnings = job.result?.warnings ?? [];
    replaceChildren(
      this.more,
      warnings.length > 0 ? element("h2", {}, "Warnings") : null,
      warnings.length > 0 ? element("ul", {}, ...warnings.map((each) => element("li", {}, each))) : null,
      ...(job.result?.findings ?? []).map(findingTable),
    );
  }

  private async drawPicture(): Promise<void> {
    const { job, drawn } = this;
    if (job.state !== "done") {
      replaceChildren(this.picture);
      return;
    }
    if (!canShow(job)) {
      replaceChildren(this.picture, element("p", { class: "help" }, "The result is too large, or of a type that browsers do not show: view it in detail, or download it."));
      return;
    }
    let after: SignedLink;
    try {
      after = await api.result(job.id);
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
      return;
    }
    const before = await this.beforeUrl();
    if (this.drawn !== drawn) {
      return; // it is drawn anew
    }
    const alone = (): void =>
      replaceChildren(this.picture, element("img", { class: "alone", src: after.url, alt: `Result of ${job.request.name}` }));
    if (!before) {
      alone();
      return;
    }
    const compared = compareView(before, after.url, job.request.name);
    // Browsers do not show every format that the service reads.
    compared.node.querySelector(".before")?.addEventListener("error", alone);
    replaceChildren(this.picture, compared.node);
  }

  /** The original's URL; empty if it is not kept any more. */
  private async beforeUrl(): Promise<string> {
    const original = originalOf(this.job.id);
    if (original) {
      this.originalUrl ||= URL.createObjectURL(original);
      return this.originalUrl;
    }
    try {
      return (await api.input(this.job.id)).url;
    } catch {
      return "";
    }
  }
}

function findingTable(finding: Finding): HTMLElement {
  const shown = finding.rows.slice(0, shownFindings);
  return element(
    "section",
    { class: "finding", attributes: { "aria-label": `Found by ${finding.operator}` } },
    element("h2", {}, `Found by ${finding.operator}: ${finding.count}`),
    element(
      "div",
      { class: "scroll", tabIndex: 0, attributes: { role: "region", "aria-label": `Table of ${finding.operator}` } },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...finding.columns.map((name) => element("th", { scope: "col" }, name)))),
        element(
          "tbody",
          {},
          ...shown.map((row) => element("tr", {}, ...row.map((value) => element("td", {}, String(value))))),
        ),
      ),
    ),
    finding.rows.length > shown.length ? element("p", { class: "help" }, `The first ${shown.length} of ${finding.count} are shown.`) : null,
  );
}
