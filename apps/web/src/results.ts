// SPDX-License-Identifier: Apache-2.0
// A job in a list: its state, progress, picture and what can be done with it.
import { api, isFinal, type Job, type JobState, sentenceOf, session } from "./api";
import { announce, button, element, inBytes, replaceChildren, save, whenVisible } from "./dom";

/** Larger results are not fetched for a small picture. */
export const largestShownBytes = 25_000_000;
const shownTypes = new Set(["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp"]);

const stateNames: Record<JobState, string> = {
  queued: "Queued",
  running: "Running",
  storing: "Storing",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export function stateName(state: JobState): string {
  return stateNames[state] ?? state;
}

export function canShow(job: Job): boolean {
  return job.result !== undefined && shownTypes.has(job.result.content_type) && job.result.size_bytes <= largestShownBytes;
}

export async function download(job: Job): Promise<void> {
  const link = await api.result(job.id);
  save(link.url, link.file_name);
  announce(`${link.file_name} is downloaded.`);
}

/** The actions that fit the job's state. */
export function actions(job: Job, onError: (sentence: string) => void): HTMLElement[] {
  const name = job.request.name;
  const act = (work: () => Promise<unknown>, done: string) => () => {
    void work().then(
      () => announce(done),
      (error: unknown) => onError(sentenceOf(error)),
    );
  };
  if (job.state === "done") {
    return [button("Download", act(() => download(job), `${name} is downloaded.`), { name: `Download the result of ${name}` })];
  }
  if (!session.may("submit")) {
    return [];
  }
  if (job.state === "failed" || job.state === "cancelled") {
    return [button("Retry", act(() => api.retryJob(job.id), `${name} is queued again.`), { name: `Retry ${name}` })];
  }
  return [button("Cancel", act(() => api.cancelJob(job.id), `${name} is cancelled.`), { class: "quiet", name: `Cancel ${name}` })];
}

export class JobRow {
  readonly node = element("li", { class: "job" });
  private readonly picture = element("div", { class: "frame" });
  private readonly state = element("span", { class: "state" });
  private readonly detail = element("span", { class: "detail" });
  private readonly bar = element("progress", { max: 1, value: 0 });
  private readonly tools = element("div", { class: "tools" });
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private drawnState = "";
  private pictureOf = "";

  constructor(private job: Job) {
    const link = `#/jobs/${encodeURIComponent(job.id)}`;
    this.bar.setAttribute("aria-label", `Progress of ${job.request.name}`);
    this.node.append(
      element("a", { class: "picture", href: link, tabIndex: -1, attributes: { "aria-hidden": "true" } }, this.picture),
      element(
        "div",
        { class: "what" },
        element("a", { class: "file-name", href: link, title: job.request.name }, job.request.name),
        element("div", { class: "line" }, this.state, this.detail),
        this.bar,
        this.problem,
      ),
      this.tools,
    );
    this.update(job);
  }

  get current(): Job {
    return this.job;
  }

  update(job: Job): void {
    // Events may arrive after a newer answer.
    if (job.generation < this.job.generation || (job.generation === this.job.generation && isFinal(this.job.state) && !isFinal(job.state))) {
      return;
    }
    this.job = job;
    this.bar.hidden = isFinal(job.state);
    this.bar.value = job.fraction;
    this.detail.textContent = detailOf(job);
    const drawn = `${job.state} ${job.generation}`;
    if (drawn === this.drawnState) {
      return;
    }
    this.drawnState = drawn;
    this.node.dataset["state"] = job.state;
    this.state.textContent = stateName(job.state);
    this.problem.textContent = job.failure && job.state === "failed" ? job.failure.sentence : "";
    const focused = this.tools.contains(document.activeElement);
    replaceChildren(this.tools, ...actions(job, (sentence) => (this.problem.textContent = sentence)));
    if (focused) {
      this.tools.querySelector("button")?.focus();
    }
    this.drawPicture();
  }

  private drawPicture(): void {
    const wanted = this.job.state === "done" ? `result ${this.job.generation}` : "none";
    if (wanted === this.pictureOf) {
      return;
    }
    this.pictureOf = wanted;
    const placeholder = element("span", { class: "no-picture" }, this.job.result ? formatOf(this.job) : "");
    replaceChildren(this.picture, placeholder);
    if (!canShow(this.job)) {
      return;
    }
    whenVisible(this.picture, () => {
      void api.result(this.job.id).then(
        (link) => {
          const image = element("img", { alt: "", src: link.url, decoding: "async", on: { error: () => image.replaceWith(placeholder) } });
          replaceChildren(this.picture, image);
        },
        () => {
          // The result has expired meanwhile; the row says what there is.
        },
      );
    });
  }
}

export function formatOf(job: Job): string {
  return (job.result?.content_type.split("/")[1] ?? "").toUpperCase();
}

function detailOf(job: Job): string {
  if (job.result && job.state === "done") {
    return `${job.result.width_px} × ${job.result.height_px}, ${inBytes(job.result.size_bytes)}`;
  }
  return isFinal(job.state) ? "" : job.stage;
}
