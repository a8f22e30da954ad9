// SPDX-License-Identifier: Apache-2.0
// Checks and bundles the web page, and writes it as a C++ source that the programs embed.
//
//   node build.mjs --modules NODE_MODULES --out web_assets.cpp
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

const maxCompressedBytes = 300_000;
const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: { modules: { type: "string" }, out: { type: "string" } },
});
const modules = resolve(options.modules);
const { build } = createRequire(join(modules, "-"))("esbuild");

function checkTypes() {
  const compiler = join(modules, "typescript", "bin", "tsc");
  const done = spawnSync(process.execPath, [compiler, "-p", here, "--pretty", "false"], { encoding: "utf8" });
  if (done.status !== 0) {
    process.stderr.write(done.stdout + done.stderr);
    process.exit(1);
  }
}

/**
 * The page's policy allows no markup from strings, not even empty ones, by which OpenSeadragon clears elements, and no
 * styles but those of files. Its licence goes with its code.
 */
const trustedTypes = {
  name: "trusted-types",
  setup(bundle) {
    bundle.onLoad({ filter: /[/]openseadragon[/]build[/].*[.]js$/ }, ({ path }) => {
      const original = readFileSync(path, "utf8");
      const contents = original
        .replaceAll(/\.innerHTML = "";/g, ".replaceChildren();")
        .replaceAll("document.head.appendChild(style);", "");
      const markup = contents.split("\n").filter((line) => /innerHTML|outerHTML|insertAdjacentHTML|head\.append/.test(line) && !/^\s*(\/\/|\*)/.test(line));
      if (markup.length > 0) {
        throw new Error(`${path} makes markup or styles from strings: ${markup.join(" ")}`);
      }
      const licence = readFileSync(join(modules, "openseadragon", "LICENSE.txt"), "utf8");
      return { contents: `/*! OpenSeadragon\n${licence}*/\n${contents.replaceAll("//! ", "// ")}`, loader: "js" };
    });
  },
};

/** The bundles by name ("main.js"), each with the hash of its content. */
async function bundles() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: ["src/main.ts", "src/docs.ts", "src/deep_zoom.ts", "src/style.css"],
    bundle: true,
    minify: true,
    charset: "utf8",
    target: ["es2022"],
    format: "esm",
    legalComments: "inline",
    nodePaths: [modules],
    plugins: [trustedTypes],
    outdir: "out",
    write: false,
  });
  return new Map(
    result.outputFiles.map((file) => {
      const name = file.path.slice(file.path.lastIndexOf("/") + 1);
      return [name, { content: Buffer.from(file.contents), hash: hashOf(file.contents) }];
    }),
  );
}

function hashOf(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

function assetPath(name, hash) {
  const dot = name.lastIndexOf(".");
  return `/assets/${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
}

function inBytes(content) {
  const lines = [];
  for (let at = 0; at < content.length; at += 32) {
    lines.push([...content.subarray(at, at + 32)].join(","));
  }
  return lines.join(",\n");
}

function inCpp(assets) {
  const arrays = assets.map(
    (asset, index) => `constexpr unsigned char content_${index}[] = {\n${inBytes(asset.gzip)}};\n`,
  );
  const entries = assets.map(
    (asset, index) =>
      `    WebAsset{"${asset.path}", "${asset.type}", "${asset.hash}", bytes_of(content_${index}), ${asset.immutable}}`,
  );
  return `// SPDX-License-Identifier: Apache-2.0
// Written by apps/web/build.mjs.
#include "service/web_page.hpp"

namespace tessera::service {
namespace {

template <std::size_t Size>
std::string_view bytes_of(const unsigned char (&content)[Size]) {
  return {reinterpret_cast<const char*>(content), Size};
}

${arrays.join("\n")}
}  // namespace

std::span<const WebAsset> web_assets() {
  static const WebAsset assets[] = {
${entries.join(",\n")}};
  return assets;
}

}  // namespace tessera::service
`;
}

checkTypes();
const built = await bundles();
const types = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };
const icon = readFileSync(join(here, "src", "icon.svg"));
built.set("icon.svg", { content: icon, hash: hashOf(icon) });
const assets = [...built].map(([name, { content, hash }]) => ({
  path: assetPath(name, hash),
  type: types[name.slice(name.lastIndexOf(".") + 1)],
  content,
  immutable: true,
}));
for (const name of readdirSync(join(here, "src")).filter((file) => file.endsWith(".html"))) {
  const html = readFileSync(join(here, "src", name), "utf8").replace(/%([a-z_.]+)%/g, (_, asset) => {
    const found = built.get(asset);
    if (!found) {
      throw new Error(`${name} names ${asset}, which is not built`);
    }
    return assetPath(asset, found.hash);
  });
  const path = name === "index.html" ? "/" : `/${name.replace(/\.html$/, "")}`;
  assets.push({ path, type: "text/html; charset=utf-8", content: Buffer.from(html), immutable: false });
}
for (const asset of assets) {
  asset.gzip = gzipSync(asset.content, { level: 9 });
  asset.hash = hashOf(asset.content);
}
const compressed = assets.reduce((sum, asset) => sum + asset.gzip.length, 0);
if (compressed > maxCompressedBytes) {
  console.error(`The page has ${compressed} bytes compressed; the limit is ${maxCompressedBytes}.`);
  process.exit(1);
}
const out = resolve(options.out);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, inCpp(assets));
console.log(`the page: ${compressed} bytes compressed`);
