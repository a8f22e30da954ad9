// SPDX-License-Identifier: Apache-2.0
// Two pictures over each other with a divider that a slider moves.
import { element, newId } from "./dom";

export interface Compared {
  node: HTMLElement;
  setAfter(url: string): void;
}

/** `before` is scaled to the size at which `after` is shown. */
export function compareView(before: string, after: string, name: string): Compared {
  const id = newId("divider");
  const beforeImage = element("img", { class: "before", src: before, alt: `${name}, before`, draggable: false });
  const afterImage = element("img", { class: "after", src: after, alt: `${name}, after`, draggable: false });
  const stage = element(
    "div",
    { class: "stage" },
    afterImage,
    beforeImage,
    element("span", { class: "tag left", attributes: { "aria-hidden": "true" } }, "Before"),
    element("span", { class: "tag right", attributes: { "aria-hidden": "true" } }, "After"),
  );
  const slider = element("input", {
    type: "range",
    id,
    min: "0",
    max: "100",
    step: "any",
    value: "50",
    on: { input: () => place(slider.valueAsNumber) },
  });
  const place = (percent: number): void => {
    stage.style.setProperty("--divider", `${percent}%`);
    slider.setAttribute("aria-valuetext", `${Math.round(percent)} % before, ${Math.round(100 - percent)} % after`);
  };
  place(50);
  const follow = (event: PointerEvent): void => {
    const box = stage.getBoundingClientRect();
    const percent = Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100));
    slider.value = String(percent);
    place(percent);
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    follow(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) {
      follow(event);
    }
  });
  const node = element(
    "figure",
    { class: "compare" },
    stage,
    element("div", { class: "divider-control" }, element("label", { htmlFor: id }, "Before and after"), slider),
  );
  return {
    node,
    setAfter: (url) => {
      afterImage.src = url;
    },
  };
}
