// SPDX-License-Identifier: Apache-2.0
// Processing nodes; for administrators also what failed too often, or cannot be read.
import { api, type DeadLetter, type ProcessingNode, sentenceOf, session, type Unreadable } from "./api";
import { announce, button, element, replaceChildren } from "./dom";
import type { View } from "./view";

const refreshMs = 5000;

interface Shown {
  nodes: ProcessingNode[];
  dead: DeadLetter[];
  unreadable: Unreadable[];
}

async function load(): Promise<Shown> {
  const none = { dead: [], unreadable: [] };
  const [nodes, letters] = await Promise.all([api.nodes(), session.may("admin") ? api.deadLetters() : none]);
  return { nodes, ...letters };
}

export class NodesView implements View {
  readonly title = "Nodes";
  readonly node = element("div", { class: "all-nodes" });
  private readonly summary = element("p", { class: "help", attributes: { role: "status" } });
  private readonly nodes = element("ul", { class: "jobs" });
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private readonly dead = element("section", { attributes: { "aria-label": "Dead letters" } });
  private drawn = "";
  private timer = 0;
  private left = false;

  private constructor(shown: Shown) {
    this.node.append(element("h1", {}, "Nodes"), this.summary, this.problem, this.nodes, this.dead);
    this.draw(shown);
    this.wait();
  }

  static async open(): Promise<NodesView> {
    return new NodesView(await load());
  }

  leave(): void {
    this.left = true;
    window.clearTimeout(this.timer);
  }

  private wait(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.refresh(), refreshMs);
  }

  private async refresh(): Promise<void> {
    try {
      if (!document.hidden) {
        const shown = await load();
        this.problem.textContent = "";
        this.draw(shown);
      }
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
    }
    if (!this.left) {
      this.wait();
    }
  }

  private draw(shown: Shown): void {
    const drawn = JSON.stringify({ ...shown, nodes: shown.nodes.map((node) => ({ ...node, seen: "" })) });
    if (this.left || drawn === this.drawn) {
      return;
    }
    this.drawn = drawn;
    const ranks = shown.nodes.flatMap((node) => node.details.ranks);
    const busy = ranks.filter((rank) => rank.busy).length;
    this.summary.textContent =
      shown.nodes.length === 0
        ? "There is no processing node: jobs wait until one is started."
        : `${counted(shown.nodes.length, "node")}; ${busy} of ${counted(ranks.length, "rank")} at work.`;
    replaceChildren(this.nodes, ...shown.nodes.map(nodeRow));
    // Buttons are made anew, and the focus stays where it was.
    const focused = this.dead.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : null;
    replaceChildren(this.dead, ...(session.may("admin") ? this.letters(shown) : []));
    if (focused) {
      const again = [...this.dead.querySelectorAll("button")].find((each) => each.getAttribute("aria-label") === focused);
      (again ?? this.dead.querySelector("h2"))?.focus();
    }
  }

  private letters({ dead, unreadable }: Shown): (HTMLElement | null)[] {
    const retryAll = button("Retry all", () => void this.act(dead.map(({ id }) => () => api.retryDead(id)), `${counted(dead.length, "job")} queued again.`));
    return [
      element(
        "div",
        { class: "row between" },
        element("h2", { tabIndex: -1 }, "Dead letters"),
        dead.length > 1 ? retryAll : null,
      ),
      element(
        "p",
        { class: "help" },
        dead.length === 0
          ? "There are none: no job has failed so often that the service gave up on it."
          : "These jobs failed so often that the service gave up on them. A retry begins anew; deleting a letter leaves its job failed.",
      ),
      element("ul", { class: "jobs" }, ...dead.map((letter) => this.letterRow(letter))),
      unreadable.length > 0 ? element("h2", {}, "Unreadable records") : null,
      unreadable.length > 0
        ? element("p", { class: "help" }, "Another version of the service wrote them, or they are damaged. They are kept until they are deleted.")
        : null,
      element("ul", { class: "jobs" }, ...unreadable.map((record) => this.unreadableRow(record))),
    ];
  }

  private letterRow(letter: DeadLetter): HTMLElement {
    return row(
      "failed",
      element("a", { class: "file-name", href: `#/jobs/${encodeURIComponent(letter.job)}` }, letter.job),
      [counted(letter.attempts, "attempt"), new Date(letter.time).toLocaleString()],
      letter.reason,
      button("Retry", () => void this.act([() => api.retryDead(letter.id)], `${letter.job} is queued again.`), {
        name: `Retry ${letter.job}`,
      }),
      this.deleteButton(letter.id, letter.job),
    );
  }

  private unreadableRow(record: Unreadable): HTMLElement {
    const name = element("span", { class: "file-name" }, record.id);
    return row("failed", name, [new Date(record.found).toLocaleString()], record.reason, this.deleteButton(record.id, record.id));
  }

  private deleteButton(id: string, name: string): HTMLButtonElement {
    const drop = (): void => {
      if (window.confirm(`Delete ${name}? This cannot be undone.`)) {
        void this.act([() => api.dropDead(id)], `${name} is deleted.`);
      }
    };
    return button("Delete", drop, { class: "quiet", name: `Delete ${name}` });
  }

  /** One after the other; the first that fails is told, and ends it. */
  private async act(work: (() => Promise<unknown>)[], done: string): Promise<void> {
    let problem = "";
    try {
      for (const each of work) {
        await each();
      }
      announce(done);
    } catch (error) {
      problem = sentenceOf(error);
    }
    await this.refresh();
    this.problem.textContent ||= problem;
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function row(state: string, name: HTMLElement, details: string[], problem: string, ...tools: HTMLElement[]): HTMLElement {
  return element(
    "li",
    { class: "job node", attributes: { "data-state": state } },
    element(
      "div",
      { class: "what" },
      name,
      element("div", { class: "line" }, ...details.map((each) => element("span", { class: "detail" }, each))),
      element("p", { class: "problem" }, problem),
    ),
    element("div", { class: "tools" }, ...tools),
  );
}

function nodeRow(node: ProcessingNode): HTMLElement {
  const { state, ranks, jobs, done, failed, restarts, reason } = node.details;
  const busy = ranks.filter((rank) => rank.busy).length;
  const details = [`${busy} of ${counted(ranks.length, "rank")} at work`, `version ${node.version}`];
  if (done !== undefined) {
    details.push(`${counted(done, "job")} done`, `${failed ?? 0} failed`, `${counted(restarts ?? 0, "restart")} of ranks`);
  }
  const made = row(state, element("span", { class: "file-name" }, node.host ? `${node.host} (${node.id})` : node.id), details, reason ?? "");
  made.querySelector(".line")?.prepend(element("span", { class: "state" }, state.charAt(0).toUpperCase() + state.slice(1)));
  const links = (jobs ?? []).map((id) => element("a", { href: `#/jobs/${encodeURIComponent(id)}` }, id));
  if (links.length > 0) {
    made.querySelector(".what")?.append(element("div", { class: "line" }, "Works on", ...links));
  }
  return made;
}
