// What a good engineer would write with sharp (npm): one pipeline, fused and streamed by the libvips inside it, two threads.
// Only what sharp has: it runs gamma in an order of its own, and has no Sobel, Canny or Otsu.
// Usage: node sharp_peer.mjs NODE_MODULES STEP IN OUT
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [modules, step, from, to] = process.argv.slice(2);
const sharp = createRequire(resolve(modules) + '/')('sharp');
sharp.concurrency(2);
sharp.cache(false);

const steps = {
  copy: (image) => image,
  invert: (image) => image.negate(),
  'gaussian-blur': (image) => image.blur({ sigma: 5, minAmplitude: 0.0111 }),
  median: (image) => image.median(5),
  resize: async (image) => {
    const { width, height } = await image.metadata();
    return image.resize(Math.round(width / 2), Math.round(height / 2), { kernel: 'lanczos3' });
  },
};

const image = sharp(from, { limitInputPixels: false, sequentialRead: true });
const result = await steps[step](image);
if (to.endsWith('.png')) {
  // Level 1; sharp knows only 'no filter' and 'the best of all filters'.
  result.png({ compressionLevel: 1, adaptiveFiltering: true });
} else if (to.endsWith('.jpg')) {
  result.jpeg({ quality: 85 });
} else {
  result.tiff({ compression: 'deflate', predictor: 'horizontal', tile: true, tileWidth: 256, tileHeight: 256 });
}
await result.toFile(to);
