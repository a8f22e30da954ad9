// SPDX-License-Identifier: Apache-2.0
// What the pipeline does to a small copy of an image, computed by the service while its settings move.
import { type Pipeline, RequestError, send, sentenceOf, type Step } from "./api";
import type { Catalog, Schema } from "./catalog";
import { type Compared, compareView } from "./compare";
import { element, replaceChildren } from "./dom";

const longestSide = 1024;
const settleMs = 150;
/** Browsers decode images whole, so larger files are not tried. */
const largestBytes = 100_000_000;

interface Copy {
  blob: Blob;
  url: string;
  /** Of the copy's sides to the image's. */
  scale: number;
}

/** A copy with sides of at most `longestSide`. Throws if the browser cannot decode the image. */
async function smallCopy(file: File): Promise<Copy> {
  if (file.size > largestBytes) {
    throw new Error("The image is too large.");
  }
  const full = await createImageBitmap(file);
  try {
    const scale = Math.min(1, longestSide / Math.max(full.width, full.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(full.width * scale)), Math.max(1, Math.round(full.height * scale)));
    const context = canvas.getContext("2d");
    if (!context) {
      throw new Error("The browser has no canvas.");
    }
    context.imageSmoothingQuality = "high";
    context.drawImage(full, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: "image/png" });
    return { blob, url: URL.createObjectURL(blob), scale };
  } finally {
    full.close();
  }
}

/** Lengths in pixels become those of the copy, as far as the limits allow. */
function scaledValue(value: unknown, schema: Schema | undefined, scale: number): unknown {
  if (typeof value !== "number" || schema?.["x-unit"] !== "px") {
    return value;
  }
  let scaled = value * scale;
  if (schema.type === "integer") {
    scaled = schema.not?.multipleOf === 2 ? 2 * Math.round((scaled - 1) / 2) + 1 : Math.round(scaled);
  }
  return Math.min(schema.maximum ?? scaled, Math.max(schema.minimum ?? scaled, scaled));
}

export function scaledPipeline(pipeline: Pipeline, catalog: Catalog, scale: number): Pipeline {
  return {
    operators: pipeline.operators.map((step): Step => {
      const schemas = catalog.byName.get(step.name)?.parameters ?? {};
      const given = step.parameters ?? {};
      const parameters = Object.entries(schemas).flatMap(([name, schema]) => {
        const value = given[name] ?? schema.default;
        const scaled = scaledValue(value, schema, scale);
        // What is neither given nor changed is left to the service.
        return name in given || scaled !== value ? [[name, scaled]] : [];
      });
      return { name: step.name, parameters: Object.fromEntries(parameters) as Record<string, unknown> };
    }),
  };
}

export class Preview {
  readonly node: HTMLElement;
  private readonly place = element("div");
  private readonly status = element("p", { class: "help", attributes: { role: "status" } });
  private readonly problem = element("p", { class: "problem" });
  private copies = new Map<File, Promise<Copy>>();
  private shown: { file: File; view: Compared } | null = null;
  private afterUrl = "";
  private running: AbortController | null = null;
  private timer = 0;
  private wanted = "";

  constructor(private readonly catalog: Catalog) {
    this.node = element("div", { class: "preview" }, this.place, this.status, this.problem);
  }

  /** Shows the pipeline's effect on the image soon; nothing without an image or an operator. */
  show(file: File | undefined, pipeline: Pipeline): void {
    const wanted = file ? `${file.name} ${file.size} ${file.lastModified} ${JSON.stringify(pipeline)}` : "";
    if (wanted === this.wanted) {
      return;
    }
    this.wanted = wanted;
    window.clearTimeout(this.timer);
    this.running?.abort();
    this.problem.textContent = "";
    if (!file || pipeline.operators.length === 0) {
      this.clear();
      return;
    }
    this.timer = window.setTimeout(() => void this.compute(file, pipeline), settleMs);
  }

  private clear(): void {
    replaceChildren(this.place);
    this.status.textContent = "";
    this.shown = null;
  }

  private copyOf(file: File): Promise<Copy> {
    let copy = this.copies.get(file);
    if (!copy) {
      for (const old of this.copies.values()) {
        void old.then(
          ({ url }) => URL.revokeObjectURL(url),
          () => {},
        );
      }
      copy = smallCopy(file);
      this.copies = new Map([[file, copy]]);
    }
    return copy;
  }

  private async compute(file: File, pipeline: Pipeline): Promise<void> {
    const running = new AbortController();
    this.running = running;
    let copy: Copy;
    try {
      copy = await this.copyOf(file);
    } catch {
      this.clear();
      this.status.textContent = "The image is too large for a preview, or of a kind that this browser does not show.";
      return;
    }
    const form = new FormData();
    form.append("pipeline", JSON.stringify(scaledPipeline(pipeline, this.catalog, copy.scale)));
    form.append("output", JSON.stringify({ format: "png" }));
    form.append("file", copy.blob, "preview.png");
    this.node.setAttribute("aria-busy", "true");
    try {
      const response = await send("/v1/apply?keep=false", { method: "POST", body: form, signal: running.signal });
      if (response.status !== 200) {
        this.status.textContent = "The preview takes too long.";
        return;
      }
      const after = URL.createObjectURL(await response.blob());
      if (running.signal.aborted) {
        URL.revokeObjectURL(after);
        return;
      }
      this.draw(file, copy, after);
    } catch (error) {
      if (!running.signal.aborted) {
        this.problem.textContent = error instanceof RequestError ? sentenceOf(error) : "The preview failed.";
      }
    } finally {
      if (this.running === running) {
        this.node.removeAttribute("aria-busy");
      }
    }
  }

  private draw(file: File, copy: Copy, after: string): void {
    if (this.shown?.file === file) {
      // The divider stays where it is.
      this.shown.view.setAfter(after);
    } else {
      this.shown = { file, view: compareView(copy.url, after, file.name) };
      replaceChildren(this.place, this.shown.view.node);
    }
    URL.revokeObjectURL(this.afterUrl);
    this.afterUrl = after;
    this.status.textContent = copy.scale < 1 ? "Of a small copy: details may differ in the full size." : "";
  }
}
