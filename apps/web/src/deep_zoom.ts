// SPDX-License-Identifier: Apache-2.0
// OpenSeadragon, as the viewer uses it. A bundle of its own, which is loaded when the viewer opens.
import OpenSeadragon from "openseadragon";

export interface DeepZoom {
  zoomBy(factor: number): void;
  showAll(): void;
  /** 1: a pixel of the image on a pixel of the page. */
  readonly imageZoom: number;
  close(): void;
}

/** Shows an image service (IIIF info.json) in `place`. `onChange` is called as tiles arrive and the zoom changes. */
export function openDeepZoom(place: HTMLElement, info: object, onChange: () => void, onProblem: () => void): DeepZoom {
  const viewer = OpenSeadragon({
    element: place,
    // Their types do not know the descriptions that they take.
    tileSources: [info as OpenSeadragon.TileSource],
    drawer: "canvas",
    showNavigationControl: false,
    showNavigator: true,
    navigatorPosition: "BOTTOM_RIGHT",
    animationTime: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
    // Pixels are looked at, so they are seen.
    maxZoomPixelRatio: 8,
    imageSmoothingEnabled: false,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    // Tiles whose making takes long are waited for.
    timeout: 60_000,
    tileRetryMax: 2,
    tileRetryDelay: 1000,
  });
  for (const event of ["tile-loaded", "tile-load-failed", "animation-finish", "open", "update-viewport"] as const) {
    viewer.addHandler(event, onChange);
  }
  // OpenSeadragon goes by the place of a key on an American keyboard, and turns and mirrors the picture by others.
  viewer.addHandler("canvas-key", (event) => {
    const { key } = event.originalEvent as KeyboardEvent;
    const factor = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, _: 1 / 1.5 }[key];
    if (factor) {
      viewer.viewport.zoomBy(factor).applyConstraints();
    }
    event.preventDefaultAction = factor !== undefined || !(key.startsWith("Arrow") || key === "0");
  });
  viewer.addHandler("open-failed", onProblem);
  viewer.addHandler("tile-load-failed", onProblem);
  return {
    zoomBy(factor) {
      viewer.viewport.zoomBy(factor);
      viewer.viewport.applyConstraints();
    },
    showAll() {
      viewer.viewport.goHome();
    },
    get imageZoom() {
      return viewer.world.getItemAt(0)?.viewportToImageZoom(viewer.viewport.getZoom(true)) ?? 0;
    },
    close() {
      viewer.destroy();
    },
  };
}
