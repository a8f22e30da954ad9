// SPDX-License-Identifier: Apache-2.0
// How far two pictures of one size are apart, pixel by pixel.

/** Browsers hold pictures decoded: two of this size, and what is drawn, take 600 MB. */
const mostPixels = 50_000_000;
/** What is compared in one go. */
const stripPixels = 1_000_000;

export interface Difference {
  /** At each pixel and in each colour |before - after|. */
  canvas: HTMLCanvasElement;
  /** The largest of them, of 255. */
  largest: number;
  /** Of the pixels, how many are not equal. */
  share: number;
}

/** The content of another origin's URL. An answer that an <img> has left in the cache lacks the permission to read it. */
async function contentOf(url: string, which: string): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url, { cache: "no-store" });
  } catch {
    throw new Error(`The picture ${which} cannot be compared: the store is out of reach, or its rules (CORS) do not let this page read it.`);
  }
  if (!response.ok) {
    throw new Error(`The picture ${which} cannot be compared: the store answered with status ${response.status}.`);
  }
  return response.blob();
}

async function pictureOf(url: string, which: string): Promise<HTMLImageElement> {
  const elsewhere = new URL(url, window.location.href).origin !== window.location.origin;
  const own = elsewhere ? URL.createObjectURL(await contentOf(url, which)) : url;
  const picture = new Image();
  picture.src = own;
  try {
    await picture.decode();
  } catch {
    throw new Error(`The picture ${which} cannot be loaded, or is of a kind that this browser does not show.`);
  } finally {
    if (elsewhere) {
      URL.revokeObjectURL(own);
    }
  }
  return picture;
}

function context(canvas: HTMLCanvasElement | OffscreenCanvas, readsBack: boolean) {
  const made = canvas.getContext("2d", { willReadFrequently: readsBack }) as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (!made) {
    throw new Error("The pictures are too large for this browser to compare.");
  }
  return made;
}

/** Replaces the pixels of `before` by the differences. Transparent pixels count as far as they are seen. */
function compareStrip(before: Uint8ClampedArray, after: Uint8ClampedArray): { largest: number; unequal: number } {
  let largest = 0;
  let unequal = 0;
  for (let at = 0; at < before.length; at += 4) {
    const alphaBefore = before[at + 3]!;
    const alphaAfter = after[at + 3]!;
    const least = Math.abs(alphaBefore - alphaAfter);
    let most = least;
    for (let channel = at; channel < at + 3; channel += 1) {
      const apart = Math.max(least, Math.abs(before[channel]! * alphaBefore - after[channel]! * alphaAfter) / 255);
      before[channel] = apart;
      most = Math.max(most, before[channel]!);
    }
    before[at + 3] = 255;
    largest = Math.max(largest, most);
    unequal += most > 0 ? 1 : 0;
  }
  return { largest, unequal };
}

/** Throws an Error whose message says why there is no difference to show. */
export async function differenceOf(beforeUrl: string, afterUrl: string): Promise<Difference> {
  const [before, after] = await Promise.all([pictureOf(beforeUrl, "before"), pictureOf(afterUrl, "after")]);
  const { naturalWidth: width, naturalHeight: height } = after;
  if (before.naturalWidth !== width || before.naturalHeight !== height) {
    throw new Error(
      `There is a difference only between pictures of one size: before it is ${before.naturalWidth} × ${before.naturalHeight} pixels, after it ${width} × ${height}.`,
    );
  }
  if (width * height > mostPixels) {
    throw new Error(
      `The pictures have ${Math.round((width * height) / 1e6)} megapixels, and ${mostPixels / 1e6} are the limit of the difference: view them in detail.`,
    );
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const drawn = context(canvas, false);
  const rows = Math.min(height, Math.max(1, Math.floor(stripPixels / width)));
  const strip = context(new OffscreenCanvas(width, rows), true);
  const pixelsOf = (picture: HTMLImageElement, top: number): ImageData => {
    strip.clearRect(0, 0, width, rows);
    strip.drawImage(picture, 0, -top);
    return strip.getImageData(0, 0, width, Math.min(rows, height - top));
  };
  let largest = 0;
  let unequal = 0;
  for (let top = 0; top < height; top += rows) {
    const pixels = pixelsOf(before, top);
    const found = compareStrip(pixels.data, pixelsOf(after, top).data);
    largest = Math.max(largest, found.largest);
    unequal += found.unequal;
    drawn.putImageData(pixels, 0, top);
  }
  return { canvas, largest, share: unequal / (width * height) };
}
