// SPDX-License-Identifier: Apache-2.0
// A large image, part by part: a job's result, or the image that it was submitted with.
import { api, type Job, sentenceOf } from "./api";
import type { DeepZoom } from "./deep_zoom";
import { announce, button, element } from "./dom";
import type { View } from "./view";

/** Addresses of pictures work for an hour; the image is opened anew before that. */
const renewAfterMs = 50 * 60_000;

type DeepZoomModule = typeof import("./deep_zoom");

function loadDeepZoom(): Promise<DeepZoomModule> {
  const path = document.querySelector<HTMLMetaElement>('meta[name="deep-zoom"]')?.content ?? "";
  return import(path) as Promise<DeepZoomModule>;
}

export class ViewerView implements View {
  readonly title: string;
  readonly node = element("div", { class: "viewer" });
  private readonly stage = element("div", { class: "deep-zoom", attributes: { role: "application", "aria-describedby": "viewer-help" } });
  private readonly zoom = element("span", { class: "detail", attributes: { "aria-live": "off" } });
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private image: DeepZoom | null = null;
  private left = false;
  private renewal = 0;

  private constructor(
    job: Job,
    private readonly input: boolean,
    private readonly module: DeepZoomModule,
  ) {
    const id = encodeURIComponent(job.id);
    const what = input ? `The original of ${job.request.name}` : `The result of ${job.request.name}`;
    this.title = what;
    this.stage.setAttribute("aria-label", `${what}: zoom and move`);
    this.node.append(
      element("p", { class: "trail" }, element("a", { href: `#/jobs/${id}` }, "Back to the job")),
      element(
        "div",
        { class: "row between" },
        element("h1", { class: "file-name" }, what),
        element(
          "div",
          { class: "row" },
          this.zoom,
          button("Zoom in", () => this.image?.zoomBy(2)),
          button("Zoom out", () => this.image?.zoomBy(0.5)),
          button("Whole image", () => this.image?.showAll(), { class: "quiet" }),
          job.state === "done"
            ? element(
                "a",
                { href: input ? `#/jobs/${id}/view` : `#/jobs/${id}/view/original` },
                input ? "The result" : "The original",
              )
            : null,
        ),
      ),
      this.problem,
      this.stage,
      element("p", { class: "help", id: "viewer-help" }, "With the keyboard: arrows move, + and - zoom, 0 shows the whole image."),
    );
    void this.open(job.id);
  }

  static async open(id: string, input: boolean): Promise<ViewerView> {
    const [job, module] = await Promise.all([api.job(id), loadDeepZoom()]);
    return new ViewerView(job, input, module);
  }

  leave(): void {
    this.left = true;
    window.clearTimeout(this.renewal);
    this.image?.close();
    this.image = null;
  }

  private async open(id: string): Promise<void> {
    try {
      const view = await api.view({ job: id, input: this.input });
      const info = await api.imageInfo(view);
      if (this.left) {
        return;
      }
      this.image?.close();
      this.image = this.module.openDeepZoom(
        this.stage,
        info,
        () => this.showZoom(),
        () => void this.explain(view.info),
      );
      this.renewal = window.setTimeout(() => void this.open(id), renewAfterMs);
      announce(`${this.title}: ${view.width_px} by ${view.height_px} pixels.`);
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
    }
  }

  private showZoom(): void {
    const zoom = this.image?.imageZoom ?? 0;
    this.zoom.textContent = zoom > 0 ? `${zoom < 0.1 ? (100 * zoom).toFixed(1) : Math.round(100 * zoom)} %` : "";
  }

  /** Pictures that fail to load say nothing themselves. */
  private async explain(info: string): Promise<void> {
    try {
      await api.imageInfo({ info });
      this.problem.textContent = "Some parts of the image could not be loaded.";
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
    }
  }
}
