// SPDX-License-Identifier: Apache-2.0
// The start: images, pipeline, output, submit.
import { api, RequestError, sentenceOf } from "./api";
import type { Catalog } from "./catalog";
import { announce, button, element, inBytes } from "./dom";
import { type Chosen, ImageChooser } from "./images";
import { rememberOriginal } from "./originals";
import { OutputForm } from "./output";
import { PipelineEditor } from "./pipeline";
import { Preview } from "./preview";
import { persistently, uploadAll } from "./upload";
import type { View } from "./view";

/** The service's limit of items in one submission. */
const itemsPerBatch = 1000;

export class NewJobView implements View {
  readonly title = "New";
  readonly node: HTMLElement;
  private readonly images: ImageChooser;
  private readonly pipeline: PipelineEditor;
  private readonly output: OutputForm;
  private readonly preview: Preview;
  private readonly previewCard: HTMLElement;
  private readonly submit: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly progress = element("progress", { hidden: true, max: 1, value: 0, attributes: { "aria-label": "Upload" } });
  private readonly status = element("p", { class: "help", attributes: { role: "status" } });
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private running: AbortController | null = null;

  constructor(catalog: Catalog) {
    this.images = new ImageChooser(() => this.refresh());
    this.output = new OutputForm(catalog.output);
    this.submit = button("Process", () => void this.start(), { class: "primary wide" });
    this.cancel = button("Stop the upload", () => this.running?.abort(new DOMException("stopped", "AbortError")), { class: "quiet" });
    this.cancel.hidden = true;
    this.preview = new Preview(catalog);
    this.previewCard = element(
      "section",
      { class: "card", attributes: { "aria-label": "Preview" } },
      element("h2", {}, "Preview"),
      this.preview.node,
    );
    this.pipeline = new PipelineEditor(catalog, () => this.refresh());
    this.node = element(
      "div",
      { class: "new-job" },
      element("h1", { class: "unseen" }, "New job"),
      element(
        "div",
        { class: "main" },
        element("section", { class: "card", attributes: { "aria-label": "Images" } }, element("h2", {}, "Images"), this.images.node),
        this.previewCard,
      ),
      element(
        "div",
        { class: "side" },
        element("section", { class: "card", attributes: { "aria-label": "Pipeline" } }, element("h2", {}, "Pipeline"), this.pipeline.node),
        element(
          "section",
          { class: "card", attributes: { "aria-label": "Output" } },
          element("details", {}, element("summary", {}, element("h2", {}, "Output")), this.output.node),
        ),
        element(
          "div",
          { class: "submit" },
          this.submit,
          element("div", { class: "row" }, this.progress, this.cancel),
          this.status,
          this.problem,
        ),
      ),
    );
    // The browser asks before an upload is lost.
    window.addEventListener("beforeunload", (event) => {
      if (this.running) {
        event.preventDefault();
      }
    });
    this.refresh();
  }

  leave(): void {
    // An upload goes on; it ends in the batch's page.
  }

  /** The user signs out. */
  abandon(): void {
    this.running?.abort(new DOMException("signed out", "AbortError"));
  }

  private refresh(): void {
    // The editor calls this before the constructor has ended.
    if (!this.pipeline) {
      return;
    }
    const shown = this.images.selected;
    this.previewCard.hidden = !shown || this.pipeline.isEmpty;
    this.preview.show(shown?.file, this.pipeline.pipeline);
    const count = this.images.images.length;
    this.submit.disabled = this.running !== null || count === 0;
    this.submit.textContent = count === 0 ? "Process" : `Process ${count} ${count === 1 ? "image" : "images"}`;
    if (this.running === null) {
      this.status.textContent =
        count === 0 ? "Choose images first." : this.pipeline.isEmpty ? "Without operators, images are only converted." : "";
    }
  }

  private async start(): Promise<void> {
    this.problem.textContent = "";
    if (!this.pipeline.checkValues() || !this.output.checkValues()) {
      return;
    }
    const images = [...this.images.images];
    this.running = new AbortController();
    this.progress.hidden = this.cancel.hidden = false;
    this.refresh();
    try {
      const first = await this.process(images, this.running.signal);
      window.location.hash = `#/batches/${encodeURIComponent(first)}`;
    } catch (error) {
      if (!this.running.signal.aborted) {
        this.problem.textContent = sentenceOf(error);
        if (!(error instanceof RequestError)) {
          throw error;
        }
      } else {
        announce("The upload is stopped.");
      }
    } finally {
      this.running = null;
      this.progress.hidden = this.cancel.hidden = true;
      this.refresh();
    }
  }

  /** Returns the id of the first batch. */
  private async process(images: Chosen[], signal: AbortSignal): Promise<string> {
    const pipeline = this.pipeline.pipeline;
    const output = this.output.output;
    // A mistake in the pipeline is cheaper to learn of before the upload.
    await persistently(() => api.checkPipeline(pipeline), signal);
    const bytes = images.reduce((sum, { file }) => sum + file.size, 0);
    const objects = await uploadAll(
      images.map(({ file }) => file),
      (sent, files) => {
        this.progress.value = bytes === 0 ? 0 : sent / bytes;
        this.status.textContent = `Uploading: ${files} of ${images.length}, ${inBytes(sent)} of ${inBytes(bytes)}`;
      },
      signal,
    );
    this.status.textContent = "Submitting…";
    let first = "";
    for (let begin = 0; begin < images.length; begin += itemsPerBatch) {
      const part = images.slice(begin, begin + itemsPerBatch);
      const items = part.map(({ file }, index) => ({ object: objects[begin + index], name: nameOf(file) }));
      // The key makes it safe to repeat a request whose answer was lost.
      const key = crypto.randomUUID();
      const batch = await persistently(() => api.submit({ items, pipeline, output }, key), signal);
      batch.jobs.forEach((job, index) => {
        const image = part[index];
        if (image) {
          rememberOriginal(job.id, image.file);
        }
      });
      first ||= batch.id;
    }
    announce(`${images.length} ${images.length === 1 ? "image is" : "images are"} submitted.`);
    return first;
  }
}

/** The service takes names without slashes and control characters; files may have any. */
function nameOf(file: File): string {
  const plain = file.name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\]/gu, "_");
  let name = plain;
  while (new TextEncoder().encode(name).length > 255) {
    name = [...name].slice(1).join("");
  }
  return name || "image";
}
