// SPDX-License-Identifier: Apache-2.0
// All jobs of the user, newest first.
import { api, type Job, type JobState, sentenceOf } from "./api";
import { announce, button, element, newId } from "./dom";
import { EventFollower } from "./events";
import { JobRow, stateName } from "./results";
import type { View } from "./view";

const states: JobState[] = ["queued", "running", "storing", "done", "failed", "cancelled"];
const pageSize = 50;

export class JobsView implements View {
  readonly title = "Jobs";
  readonly node: HTMLElement;
  private rows = new Map<string, JobRow>();
  private readonly list = element("ul", { class: "jobs" });
  private readonly more: HTMLButtonElement;
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private readonly empty = element("p", { class: "help", hidden: true }, "There are no jobs here yet.");
  private readonly filter: HTMLSelectElement;
  private readonly follower: EventFollower;
  private next = "";
  private loading = 0;

  private constructor() {
    const id = newId("filter");
    this.filter = element(
      "select",
      { id, on: { change: () => void this.reload() } },
      element("option", { value: "" }, "All"),
      ...states.map((state) => element("option", { value: state }, stateName(state))),
    );
    this.more = button("Show older jobs", () => void this.load(), { class: "wide" });
    this.node = element(
      "div",
      { class: "all-jobs" },
      element(
        "div",
        { class: "row between" },
        element("h1", {}, "Jobs"),
        element("div", { class: "row" }, element("label", { htmlFor: id }, "State"), this.filter),
      ),
      this.problem,
      this.empty,
      this.list,
      this.more,
    );
    this.follower = new EventFollower({}, (job) => this.update(job), () => void this.reload());
  }

  static async open(): Promise<JobsView> {
    const view = new JobsView();
    try {
      await view.load();
    } catch (error) {
      view.leave();
      throw error;
    }
    return view;
  }

  leave(): void {
    this.follower.stop();
  }

  private async reload(): Promise<void> {
    this.next = "";
    try {
      await this.load(true);
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
    }
  }

  private async load(fromStart = false): Promise<void> {
    const turn = ++this.loading;
    const query: Record<string, string> = { limit: String(pageSize) };
    if (this.filter.value) {
      query["state"] = this.filter.value;
    }
    if (this.next && !fromStart) {
      query["after"] = this.next;
    }
    const page = await api.jobs(query);
    if (turn !== this.loading) {
      return; // another filter was chosen meanwhile
    }
    if (fromStart) {
      this.rows.clear();
      this.list.replaceChildren();
    }
    this.next = page.next ?? "";
    this.more.hidden = !this.next;
    for (const job of page.jobs) {
      this.add(job, false);
    }
    this.empty.hidden = this.rows.size > 0;
    announce(`${this.rows.size} jobs are shown.`);
  }

  private add(job: Job, first: boolean): void {
    const known = this.rows.get(job.id);
    if (known) {
      known.update(job);
      return;
    }
    const row = new JobRow(job);
    this.rows.set(job.id, row);
    if (first) {
      this.list.prepend(row.node);
    } else {
      this.list.append(row.node);
    }
    this.empty.hidden = true;
  }

  private update(job: Job): void {
    const known = this.rows.get(job.id);
    if (known) {
      known.update(job);
      return;
    }
    const newest = this.list.firstElementChild ? [...this.rows.values()][0]?.current.created : undefined;
    const fits = !this.filter.value || this.filter.value === job.state;
    // Jobs that are older than what is shown come with their page.
    if (fits && (newest === undefined || job.created >= newest)) {
      this.add(job, true);
    }
  }
}
