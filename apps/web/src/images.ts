// SPDX-License-Identifier: Apache-2.0
// Choosing photographs: files and folders, by dropping, by dialogs or from the clipboard.
import { announce, button, element, inBytes, newId, replaceChildren, whenVisible } from "./dom";

export interface Chosen {
  id: string;
  file: File;
}

/** A thousand thumbnails of large photographs would be too much for a browser. */
const shownAtOnce = 100;

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return [await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed))];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    // It returns some of the entries at a time, and none at the end.
    const entries = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (entries.length === 0) {
      return files;
    }
    for (const each of entries) {
      files.push(...(await filesOf(each)));
    }
  }
}

/** Of folders only what looks like an image; files that were chosen by name are left to the service's judgement. */
function looksLikeImage(file: File): boolean {
  return file.type.startsWith("image/") || /\.(jpe?g|jfif|png|tiff?|webp|gif|bmp|p[bgpn]m|hei[cf]|avif|svs)$/i.test(file.name);
}

export class ImageChooser {
  readonly node: HTMLElement;
  private chosen: Chosen[] = [];
  private readonly grid = element("ul", { class: "thumbnails", attributes: { "aria-label": "Chosen images" } });
  private readonly summary = element("p", { class: "help" });
  private readonly zone: HTMLElement;
  private readonly clear: HTMLButtonElement;
  private selectedId = "";
  private readonly urls = new Map<string, string>();

  constructor(private readonly onChange: () => void) {
    const files = this.input(false);
    const folder = this.input(true);
    this.clear = button("Remove all", () => this.set([]), { class: "quiet" });
    this.zone = element(
      "div",
      {
        class: "drop",
        on: {
          dragover: (event) => {
            event.preventDefault();
            this.zone.classList.add("over");
          },
          dragleave: () => this.zone.classList.remove("over"),
          drop: (event) => {
            event.preventDefault();
            this.zone.classList.remove("over");
            void this.takeDropped(event.dataTransfer);
          },
        },
      },
      element("p", { class: "drop-title" }, "Drop photographs or folders here"),
      element(
        "div",
        { class: "row center" },
        button("Choose files", () => files.click()),
        button("Choose a folder", () => folder.click(), { class: "quiet" }),
      ),
      files,
      folder,
    );
    this.node = element("div", {}, this.zone, element("div", { class: "row between" }, this.summary, this.clear), this.grid);
    this.draw();
  }

  /** The image that is looked at: the one that was pressed last, else the first. */
  get selected(): Chosen | undefined {
    return this.chosen.find(({ id }) => id === this.selectedId) ?? this.chosen[0];
  }

  get images(): Chosen[] {
    return this.chosen;
  }

  take(files: File[]): void {
    const known = new Set(this.chosen.map(({ file }) => keyOf(file)));
    const fresh = files.filter((file) => !known.has(keyOf(file)));
    this.set([...this.chosen, ...fresh.map((file) => ({ id: newId("image"), file }))]);
    announce(`${fresh.length} ${fresh.length === 1 ? "image is" : "images are"} added; ${this.chosen.length} in all.`);
  }

  private set(chosen: Chosen[]): void {
    this.chosen = chosen;
    this.draw();
    this.onChange();
  }

  private input(folder: boolean): HTMLInputElement {
    const input = element("input", {
      type: "file",
      multiple: true,
      hidden: true,
      attributes: { "aria-label": folder ? "A folder of images" : "Images" },
      on: {
        change: () => {
          const files = [...(input.files ?? [])];
          this.take(folder ? files.filter(looksLikeImage) : files);
          // The same choice again is a change again.
          input.value = "";
        },
      },
    });
    if (folder) {
      input.webkitdirectory = true;
    } else {
      input.accept = "image/*,.heic,.heif,.avif,.svs,.pbm,.pgm,.ppm,.pnm";
    }
    return input;
  }

  private async takeDropped(transfer: DataTransfer | null): Promise<void> {
    // Entries must be asked for before the first pause.
    const entries = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
    const files: File[] = [];
    if (entries.length === 0) {
      files.push(...(transfer?.files ?? []));
    }
    for (const entry of entries) {
      const found = await filesOf(entry);
      files.push(...(entry.isDirectory ? found.filter(looksLikeImage) : found));
    }
    this.take(files);
  }

  private draw(): void {
    const bytes = this.chosen.reduce((sum, { file }) => sum + file.size, 0);
    this.summary.textContent =
      this.chosen.length === 0
        ? "No image is chosen yet."
        : `${this.chosen.length} ${this.chosen.length === 1 ? "image" : "images"}, ${inBytes(bytes)}`;
    this.zone.classList.toggle("compact", this.chosen.length > 0);
    this.clear.hidden = this.chosen.length === 0;
    const keep = new Set(this.chosen.map(({ id }) => id));
    for (const [id, url] of this.urls) {
      if (!keep.has(id)) {
        URL.revokeObjectURL(url);
        this.urls.delete(id);
      }
    }
    const more = this.chosen.length - shownAtOnce;
    replaceChildren(
      this.grid,
      ...this.chosen.slice(0, shownAtOnce).map((image) => this.drawImage(image)),
      more > 0 ? element("li", { class: "more" }, `and ${more} more`) : null,
    );
  }

  private drawImage(image: Chosen): HTMLElement {
    const frame = element("button", {
      type: "button",
      class: "frame",
      attributes: { "aria-label": `Preview ${image.file.name}`, "aria-pressed": String(image.id === this.selected?.id) },
      on: {
        click: () => {
          this.selectedId = image.id;
          for (const each of this.grid.querySelectorAll(".frame")) {
            each.setAttribute("aria-pressed", String(each === frame));
          }
          this.onChange();
        },
      },
    });
    whenVisible(frame, () => {
      const url = this.urls.get(image.id) ?? URL.createObjectURL(image.file);
      this.urls.set(image.id, url);
      const picture = element("img", {
        alt: "",
        src: url,
        decoding: "async",
        on: { error: () => replaceChildren(frame, element("span", { class: "no-picture" }, typeOf(image.file))) },
      });
      replaceChildren(frame, picture);
    });
    return element(
      "li",
      {},
      frame,
      element("span", { class: "file-name", title: image.file.name }, image.file.name),
      button("✕", () => this.set(this.chosen.filter(({ id }) => id !== image.id)), {
        class: "remove",
        name: `Remove ${image.file.name}`,
      }),
    );
  }
}

function keyOf(file: File): string {
  return `${file.webkitRelativePath || file.name}\n${file.size}\n${file.lastModified}`;
}

function typeOf(file: File): string {
  const dot = file.name.lastIndexOf(".");
  return dot > 0 ? file.name.slice(dot + 1).toUpperCase() : "image";
}
