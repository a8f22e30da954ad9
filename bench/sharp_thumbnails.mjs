// Thumbnails as a good engineer would make them with sharp: two at a time.
// Usage: node sharp_thumbnails.mjs NODE_MODULES WIDTH FOLDER PHOTOGRAPH...
import { createRequire } from 'node:module';
import { join, parse, resolve } from 'node:path';

const [modules, width, folder, ...photographs] = process.argv.slice(2);
const sharp = createRequire(resolve(modules) + '/')('sharp');
sharp.concurrency(1);
sharp.cache(false);

const atATime = 2;
async function work() {
  for (let photograph = photographs.shift(); photograph; photograph = photographs.shift()) {
    await sharp(photograph, { limitInputPixels: false })
      .resize({ width: Number(width) })
      .jpeg({ quality: 85 })
      .toFile(join(folder, `${parse(photograph).name}.jpg`));
  }
}
await Promise.all(Array.from({ length: atATime }, work));
