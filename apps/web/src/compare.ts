// SPDX-License-Identifier: Apache-2.0
// Two pictures over each other with a divider that a slider moves, or their difference.
import { sentenceOf } from "./api";
import { differenceOf } from "./difference";
import { element, newId } from "./dom";

export interface Compared {
  node: HTMLElement;
  setAfter(url: string): void;
}

const factors = [1, 2, 4, 8, 16, 32, 64];
const firstFactor = 8;

/** `before` is scaled to the size at which `after` is shown. */
export function compareView(before: string, after: string, name: string): Compared {
  const stage = new DividedStage(before, after, name);
  const difference = new DifferenceStage(name);
  let afterUrl = after;
  const id = newId("compare");
  const mode = element(
    "select",
    { id, on: { change: () => choose() } },
    element("option", { value: "divider" }, "Before and after"),
    element("option", { value: "difference" }, "Difference"),
  );
  const choose = (): void => {
    const wanted = mode.value === "difference";
    stage.show(!wanted);
    difference.show(wanted ? { before, after: afterUrl } : null);
  };
  const node = element(
    "figure",
    { class: "compare" },
    stage.node,
    difference.node,
    element("div", { class: "row compare-mode" }, element("label", { htmlFor: id }, "Show"), mode, difference.control),
    difference.status,
    stage.control,
  );
  choose();
  return {
    node,
    setAfter: (url) => {
      afterUrl = url;
      stage.setAfter(url);
      if (mode.value === "difference") {
        choose();
      }
    },
  };
}

class DividedStage {
  readonly node: HTMLElement;
  readonly control: HTMLElement;
  private readonly slider: HTMLInputElement;
  private readonly afterImage: HTMLImageElement;

  constructor(before: string, after: string, name: string) {
    const id = newId("divider");
    const beforeImage = element("img", { class: "before", src: before, alt: `${name}, before`, draggable: false });
    this.afterImage = element("img", { class: "after", src: after, alt: `${name}, after`, draggable: false });
    this.node = element(
      "div",
      { class: "stage" },
      this.afterImage,
      beforeImage,
      element("span", { class: "tag left", attributes: { "aria-hidden": "true" } }, "Before"),
      element("span", { class: "tag right", attributes: { "aria-hidden": "true" } }, "After"),
    );
    this.slider = element("input", {
      type: "range",
      id,
      min: "0",
      max: "100",
      step: "any",
      value: "50",
      on: { input: () => this.place(this.slider.valueAsNumber) },
    });
    this.control = element("div", { class: "divider-control" }, element("label", { htmlFor: id }, "Divider"), this.slider);
    this.place(50);
    this.node.addEventListener("pointerdown", (event) => {
      this.node.setPointerCapture(event.pointerId);
      this.follow(event);
    });
    this.node.addEventListener("pointermove", (event) => {
      if (this.node.hasPointerCapture(event.pointerId)) {
        this.follow(event);
      }
    });
  }

  show(shown: boolean): void {
    this.node.hidden = !shown;
    this.control.hidden = !shown;
  }

  setAfter(url: string): void {
    this.afterImage.src = url;
  }

  private place(percent: number): void {
    this.node.style.setProperty("--divider", `${percent}%`);
    this.slider.setAttribute("aria-valuetext", `${Math.round(percent)} % before, ${Math.round(100 - percent)} % after`);
  }

  private follow(event: PointerEvent): void {
    const box = this.node.getBoundingClientRect();
    const percent = Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100));
    this.slider.value = String(percent);
    this.place(percent);
  }
}

class DifferenceStage {
  readonly node = element("div", { class: "difference" });
  readonly control: HTMLElement;
  readonly status = element("p", { class: "help", attributes: { role: "status" } });
  private readonly factor: HTMLSelectElement;
  private turn = 0;

  constructor(private readonly name: string) {
    const id = newId("factor");
    this.factor = element(
      "select",
      { id, on: { change: () => this.amplify() } },
      ...factors.map((each) => element("option", { value: String(each), selected: each === firstFactor }, `× ${each}`)),
    );
    this.control = element("div", { class: "row" }, element("label", { htmlFor: id }, "Amplified"), this.factor);
  }

  /** Null: it is hidden. */
  show(pictures: { before: string; after: string } | null): void {
    const mine = ++this.turn;
    this.node.hidden = pictures === null;
    this.control.hidden = pictures === null;
    this.status.textContent = pictures ? "The pictures are compared…" : "";
    if (!pictures) {
      this.node.replaceChildren();
      return;
    }
    void differenceOf(pictures.before, pictures.after).then(
      ({ canvas, largest, share }) => {
        if (mine !== this.turn) {
          return;
        }
        const told =
          largest === 0
            ? "The two pictures are equal."
            : `The largest difference is ${largest} of 255; ${percent(share)} of the pixels differ.`;
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `${this.name}, difference of before and after. ${told}`);
        this.node.replaceChildren(canvas);
        this.amplify();
        this.status.textContent = told;
      },
      (error: unknown) => {
        if (mine === this.turn) {
          this.node.replaceChildren();
          this.status.textContent = sentenceOf(error);
        }
      },
    );
  }

  private amplify(): void {
    const [canvas] = this.node.children;
    if (canvas instanceof HTMLCanvasElement) {
      canvas.style.filter = `brightness(${this.factor.value})`;
    }
  }
}

function percent(share: number): string {
  const value = 100 * share;
  return value > 0 && value < 0.01 ? "less than 0.01 %" : `${value.toFixed(value < 10 ? 2 : 0)} %`;
}
