// SPDX-License-Identifier: Apache-2.0
// One submission: all its jobs, with live progress.
import { api, type Batch, isFinal, type Job, sentenceOf, session } from "./api";
import { announce, button, element, save } from "./dom";
import { EventFollower } from "./events";
import { asText } from "./pipeline";
import { JobRow } from "./results";
import type { View } from "./view";

export class BatchView implements View {
  readonly title = "Batch";
  readonly node = element("div", { class: "batch" });
  private readonly rows = new Map<string, JobRow>();
  private readonly heading = element("h1");
  private readonly summary = element("p", { class: "help", attributes: { role: "status" } });
  private readonly bar = element("progress", { max: 1, value: 0, attributes: { "aria-label": "Progress of all images" } });
  private readonly list = element("ul", { class: "jobs" });
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private readonly zip: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly follower: EventFollower;
  private frame = 0;

  private constructor(private readonly id: string, batch: Batch) {
    this.zip = button("Download all (zip)", () => void this.downloadAll(), { class: "primary" });
    this.cancel = button("Cancel all", () => void this.cancelAll(), { class: "quiet" });
    const steps = batch.jobs[0]?.request.pipeline.operators ?? [];
    this.node.append(
      element("div", { class: "row between" }, this.heading, element("div", { class: "row" }, this.cancel, this.zip)),
      element("p", { class: "pipeline-text" }, asText(steps)),
      this.bar,
      this.summary,
      this.problem,
      this.list,
    );
    this.take(batch);
    this.follower = new EventFollower({ batch: id }, (job) => this.update(job), () => void this.reload());
  }

  static async open(id: string): Promise<BatchView> {
    return new BatchView(id, await api.batch(id));
  }

  leave(): void {
    this.follower.stop();
    cancelAnimationFrame(this.frame);
  }

  private take(batch: Batch): void {
    for (const job of batch.jobs) {
      this.update(job);
    }
    this.draw();
  }

  private async reload(): Promise<void> {
    try {
      this.take(await api.batch(this.id));
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
    }
  }

  private update(job: Job): void {
    const row = this.rows.get(job.id);
    if (row) {
      row.update(job);
    } else {
      const added = new JobRow(job);
      this.rows.set(job.id, added);
      this.list.append(added.node);
    }
    // Many events may come between two frames.
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const jobs = [...this.rows.values()].map((row) => row.current);
    const counts = { done: 0, failed: 0, cancelled: 0, open: 0 };
    let fraction = 0;
    for (const job of jobs) {
      fraction += isFinal(job.state) ? 1 : job.fraction;
      counts[isFinal(job.state) ? (job.state as "done" | "failed" | "cancelled") : "open"] += 1;
    }
    this.heading.textContent = jobs.length === 1 ? (jobs[0]?.request.name ?? "") : `${jobs.length} images`;
    this.bar.value = jobs.length === 0 ? 0 : fraction / jobs.length;
    this.bar.hidden = counts.open === 0;
    const parts = [
      counts.open > 0 ? `${counts.open} to do` : "",
      counts.done > 0 ? `${counts.done} done` : "",
      counts.failed > 0 ? `${counts.failed} failed` : "",
      counts.cancelled > 0 ? `${counts.cancelled} cancelled` : "",
    ].filter(Boolean);
    const text = parts.join(", ");
    if (this.summary.textContent !== text) {
      this.summary.textContent = text;
    }
    this.cancel.hidden = counts.open === 0 || !session.may("submit");
    this.zip.hidden = counts.open > 0 || counts.done === 0;
  }

  private async cancelAll(): Promise<void> {
    try {
      this.take(await api.cancelBatch(this.id));
      announce("All jobs that had not ended are cancelled.");
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
    }
  }

  private async downloadAll(): Promise<void> {
    this.problem.textContent = "";
    this.zip.disabled = true;
    announce("The archive is fetched.");
    try {
      const url = URL.createObjectURL(await api.zip(this.id));
      save(url, `${this.id}.zip`);
      // The browser reads it after the click.
      window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
    } finally {
      this.zip.disabled = false;
    }
  }
}
