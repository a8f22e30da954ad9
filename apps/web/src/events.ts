// SPDX-License-Identifier: Apache-2.0
// Following events: Server-Sent Events with a short-lived token, reconnected without a gap.
import { api, type Job, RequestError, sentenceOf, session } from "./api";
import { byId } from "./dom";

const eventTypes = ["snapshot", "queued", "running", "progress", "storing", "done", "failed", "cancelled"];
const firstPauseMs = 500;
const longestPauseMs = 15_000;

/** The events of a batch or a job, or all of the owner's, until stop() is called. */
export class EventFollower {
  private source: EventSource | null = null;
  private lastId = "";
  private pauseMs = firstPauseMs;
  private timer = 0;
  private stopped = false;

  constructor(
    private readonly filter: Record<string, string>,
    private readonly onJob: (job: Job) => void,
    /** Events were missed that are not available any more: what is shown must be fetched again. */
    private readonly onReset: () => void,
  ) {
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    window.clearTimeout(this.timer);
    this.source?.close();
    showConnection("");
  }

  private async connect(): Promise<void> {
    const query = new URLSearchParams(this.filter);
    if (this.lastId) {
      query.set("after", this.lastId);
    }
    try {
      if (session.hasToken) {
        query.set("token", (await api.streamToken()).token);
      }
    } catch (error) {
      this.reconnect(error);
      return;
    }
    if (this.stopped) {
      return;
    }
    const source = new EventSource(`/v1/events?${query}`);
    this.source = source;
    source.onopen = () => {
      this.pauseMs = firstPauseMs;
      showConnection("");
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) {
        // The stream token has expired: the browser does not try again by itself, and would with the old one.
        this.reconnect(new RequestError(0, "The connection to the service is lost."));
      } else {
        // The browser reconnects, with Last-Event-ID.
        showConnection("The connection to the service is lost. Trying again…");
      }
    };
    source.addEventListener("reset", (event) => {
      this.lastId = event.lastEventId;
      this.onReset();
    });
    for (const type of eventTypes) {
      source.addEventListener(type, (event) => {
        this.lastId = event.lastEventId;
        const job = JSON.parse(event.data as string) as Job | null;
        // Null: a record of another version of the service.
        if (job) {
          this.onJob(job);
        }
      });
    }
  }

  private reconnect(error: unknown): void {
    this.source?.close();
    if (this.stopped || (error instanceof RequestError && error.status === 401)) {
      return;
    }
    showConnection(`${sentenceOf(error)} Trying again…`);
    this.timer = window.setTimeout(() => void this.connect(), this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs);
  }
}

export function showConnection(sentence: string): void {
  const place = byId("connection");
  if (place.textContent !== sentence) {
    place.textContent = sentence;
  }
}
