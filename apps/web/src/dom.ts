// SPDX-License-Identifier: Apache-2.0
// Elements without a framework.

export type Child = Node | string | null | undefined | false;
type Listeners = { [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void };
interface Extras {
  class?: string;
  on?: Listeners;
  /** ARIA states, data-* and everything else that is an attribute rather than a property. */
  attributes?: Record<string, string>;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<Omit<HTMLElementTagNameMap[Tag], "className" | "children" | "attributes">> & Extras = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  const { class: classes, on, attributes, ...rest } = properties;
  Object.assign(made, rest);
  if (classes) {
    made.className = classes;
  }
  for (const [name, value] of Object.entries(attributes ?? {})) {
    made.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on ?? {})) {
    made.addEventListener(name, listener as EventListener);
  }
  append(made, ...children);
  return made;
}

export function append(parent: Node, ...children: Child[]): void {
  for (const child of children) {
    if (child) {
      parent.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
    }
  }
}

export function replaceChildren(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, ...children);
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`The page has no element '${id}'.`);
  }
  return found;
}

export function button(label: string, action: () => void, properties: { class?: string; name?: string } = {}): HTMLButtonElement {
  return element(
    "button",
    {
      type: "button",
      class: properties.class ?? "",
      attributes: properties.name ? { "aria-label": properties.name } : {},
      on: { click: action },
    },
    label,
  );
}

let lastId = 0;
export function newId(prefix: string): string {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** Read by screen readers; politely, so the latest replaces what has not been read yet. */
export function announce(sentence: string): void {
  byId("announcements").textContent = sentence;
}

/** "1.4 MB" */
export function inBytes(count: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1000 && unit + 1 < units.length) {
    count /= 1000;
    unit += 1;
  }
  return `${unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

/** Calls `work` for each element when it comes near the viewport, once. */
export function whenVisible(target: Element, work: () => void): void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        observer.disconnect();
        work();
      }
    },
    { rootMargin: "200px" },
  );
  observer.observe(target);
}

/** Lets the user save a URL's content. */
export function save(url: string, fileName: string): void {
  const link = element("a", { href: url, download: fileName, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}
