// SPDX-License-Identifier: Apache-2.0
// mend_s3rver.mjs FOLDER: s3rver 3.7.1, installed in FOLDER, answers a PUT when it has received the last bytes, perhaps before
// they are in its file, so that a GET that follows gets an object cut off. Lets it wait for the file.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const file = join(process.argv[2], "node_modules/s3rver/lib/stores/filesystem.js");
const changes = [
  [
    `.on('finish', () => resolve([totalLength, md5Context.digest('hex')]))
          .pipe(writeStream);`,
    `.pipe(writeStream)
          .on('error', reject)
          .on('finish', () => resolve([totalLength, md5Context.digest('hex')]));`,
  ],
  [
    `.on('finish', () => {
          resolve([totalLength, md5Context.digest('hex')]);
        })
        .pipe(writeStream);`,
    `.pipe(writeStream)
        .on('error', reject)
        .on('finish', () => resolve([totalLength, md5Context.digest('hex')]));`,
  ],
  [
    `resolve([object.content.length, md5Context.digest('hex')]);`,
    `writeStream.on('error', reject).on('finish', () => resolve([object.content.length, md5Context.digest('hex')]));`,
  ],
];

let text = readFileSync(file, "utf8");
for (const [before, after] of changes) {
  if (text.includes(before)) {
    text = text.replace(before, after);
  } else if (!text.includes(after)) {
    throw new Error(`${file} is not that of s3rver 3.7.1.`);
  }
}
writeFileSync(file, text);
