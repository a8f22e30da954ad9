// SPDX-License-Identifier: Apache-2.0
// The service's HTTP interface as the page uses it.

export type JobState = "queued" | "running" | "storing" | "done" | "failed" | "cancelled";

export interface Finding {
  operator: string;
  columns: string[];
  count: number;
  rows: number[][];
}

export interface JobResult {
  file_name: string;
  content_type: string;
  size_bytes: number;
  width_px: number;
  height_px: number;
  findings: Finding[];
  warnings: string[];
}

export interface Pipeline {
  operators: Step[];
}

export interface Step {
  name: string;
  parameters?: Record<string, unknown>;
}

export interface Job {
  id: string;
  batch: string;
  owner: string;
  request: { name: string; pipeline: Pipeline; output: Record<string, unknown>; priority: string };
  generation: number;
  state: JobState;
  fraction: number;
  stage: string;
  created: string;
  updated: string;
  failure?: { code: string; sentence: string };
  result?: JobResult;
}

/** Whose token this is. Administrators may do everything. */
export interface Caller {
  owner: string;
  scopes: ("submit" | "read" | "admin" | "metrics")[];
}

/** A process that works on jobs. Hosts, jobs and counts are told to administrators only. */
export interface ProcessingNode {
  id: string;
  host: string;
  version: string;
  seen: string;
  details: {
    state: string;
    ranks: { busy: boolean }[];
    jobs?: string[];
    done?: number;
    failed?: number;
    restarts?: number;
    reason?: string;
  };
}

/** A message about a job that failed too often. */
export interface DeadLetter {
  id: string;
  job: string;
  reason: string;
  attempts: number;
  time: string;
}

/** A record that this version of the service cannot read. */
export interface Unreadable {
  id: string;
  reason: string;
  found: string;
}

export interface Batch {
  id: string;
  state: string;
  fraction: number;
  created: string;
  jobs: Job[];
}

export interface SignedLink {
  url: string;
  file_name: string;
  size_bytes: number;
}

/** Addresses at which an image is shown part by part. */
export interface ImageView {
  info: string;
  width_px: number;
  height_px: number;
  expires: string;
}

export interface PutLink {
  url: string;
  headers: Record<string, string>;
}

/** Where a file goes in one piece. */
export interface WholePlace {
  object: string;
  upload: PutLink;
}

/** Where a large file goes, in parts. */
export interface PartsPlace {
  object: string;
  parts: { upload: string; size_bytes: number; part_bytes: number; count: number };
}

export function isFinal(state: JobState): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}

/** What the service said when it refused; `status` 0: it could not be reached. */
export class RequestError extends Error {
  constructor(
    readonly status: number,
    sentence: string,
    readonly retryAfterSeconds = 0,
  ) {
    super(sentence);
  }
  /** Whether the same request may succeed later. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** The sentence of anything that was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const tokenKey = "tessera-token";
let token = sessionStorage.getItem(tokenKey) ?? "";
let caller: Caller | null = null;
/** Called when the service refuses the token. */
let onUnauthorized: () => void = () => {};

export const session = {
  get hasToken(): boolean {
    return token !== "";
  },
  /** Asks whose token this is, if that is not known yet. Throws RequestError if it is not accepted. */
  async learn(): Promise<void> {
    caller ??= await api.caller();
  },
  /** As the service said; false before learn(). */
  may(scope: Caller["scopes"][number]): boolean {
    return caller !== null && (caller.scopes.includes(scope) || caller.scopes.includes("admin"));
  },
  signIn(given: string): void {
    caller = null;
    token = given;
    sessionStorage.setItem(tokenKey, given);
  },
  signOut(): void {
    caller = null;
    token = "";
    sessionStorage.removeItem(tokenKey);
  },
  whenUnauthorized(action: () => void): void {
    onUnauthorized = action;
  },
};

interface RequestOptions {
  method?: string;
  json?: unknown;
  body?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function problemOf(response: Response): Promise<RequestError> {
  let sentence = `The service answered with status ${response.status}.`;
  try {
    const problem: unknown = await response.json();
    if (typeof problem === "object" && problem !== null && "detail" in problem && typeof problem.detail === "string") {
      sentence = problem.detail;
    }
  } catch {
    // A proxy's answer need not be JSON.
  }
  return new RequestError(response.status, sentence, Number(response.headers.get("Retry-After")) || 0);
}

/** Sends a request with the token. Throws RequestError unless the answer is a success. */
export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  if (token) {
    headers["Authorization"] = `Bearer ${token}`;
  }
  let body: BodyInit | null = options.body ?? null;
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.json);
  }
  const init: RequestInit = { method: options.method ?? "GET", headers, body, cache: "no-store" };
  if (options.signal) {
    init.signal = options.signal;
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (options.signal?.aborted) {
      throw error;
    }
    throw new RequestError(0, "The service cannot be reached.");
  }
  if (response.status === 401) {
    const problem = await problemOf(response);
    onUnauthorized();
    throw problem;
  }
  if (!response.ok) {
    throw await problemOf(response);
  }
  return response;
}

async function json<Answer>(path: string, options: RequestOptions = {}): Promise<Answer> {
  return (await (await send(path, options)).json()) as Answer;
}

const at = encodeURIComponent;

export const api = {
  job: (id: string) => json<Job>(`/v1/jobs/${at(id)}`),
  jobs: (query: Record<string, string>) =>
    json<{ jobs: Job[]; next?: string }>(`/v1/jobs?${new URLSearchParams(query)}`),
  batch: (id: string) => json<Batch>(`/v1/batches/${at(id)}`),
  cancelJob: (id: string) => json<Job>(`/v1/jobs/${at(id)}`, { method: "DELETE" }),
  cancelBatch: (id: string) => json<Batch>(`/v1/batches/${at(id)}`, { method: "DELETE" }),
  retryJob: (id: string) => json<Job>(`/v1/jobs/${at(id)}/retry`, { method: "POST" }),
  result: async (id: string) => ownLink(await json<SignedLink>(`/v1/jobs/${at(id)}/result?link=1`)),
  input: async (id: string) => ownLink(await json<SignedLink>(`/v1/jobs/${at(id)}/input?link=1`)),
  view: async (image: { job: string; input: boolean }) => {
    const view = await json<ImageView>("/v1/views", { method: "POST", json: image });
    return { ...view, info: ownUrl(view.info) };
  },
  /** info.json, whose addresses are those by which this page was opened. */
  imageInfo: async (view: { info: string }) => {
    const info = await json<{ id: string }>(view.info);
    return { ...info, id: ownUrl(info.id) };
  },
  zip: async (id: string) => (await send(`/v1/batches/${at(id)}/results.zip`)).blob(),
  reserveUpload: async (contentType: string, sizeBytes: number) => {
    const place = await json<WholePlace | PartsPlace>("/v1/uploads", {
      method: "POST",
      json: { size_bytes: sizeBytes, ...(contentType ? { content_type: contentType } : {}) },
    });
    if ("upload" in place) {
      place.upload.url = ownUrl(place.upload.url);
    }
    return place;
  },
  partLinks: async (object: string, upload: string, sizeBytes: number, parts: number[]) => {
    const { links } = await json<{ links: { number: number; url: string }[] }>("/v1/uploads/links", {
      method: "POST",
      json: { object, upload, size_bytes: sizeBytes, parts },
    });
    return { links: links.map(({ number, url }) => ({ number, url: ownUrl(url) })) };
  },
  partsReceived: (object: string, upload: string) =>
    json<{ parts: { number: number; size_bytes: number }[] }>(
      `/v1/uploads/parts?${new URLSearchParams({ object, upload })}`,
    ),
  completeUpload: (object: string, upload: string, sizeBytes: number) =>
    json<{ object: string }>("/v1/uploads/complete", {
      method: "POST",
      json: { object, upload, size_bytes: sizeBytes },
    }),
  submit: (submission: unknown, key: string) =>
    json<Batch>("/v1/jobs", { method: "POST", json: submission, headers: { "Idempotency-Key": key } }),
  checkPipeline: (pipeline: unknown) =>
    json<{ pipeline: Pipeline; text: string }>("/v1/pipelines", { method: "POST", json: { pipeline } }),
  streamToken: () => json<{ token: string }>("/v1/stream-tokens", { method: "POST" }),
  caller: () => json<Caller>("/v1/me"),
  nodes: async () => (await json<{ nodes: ProcessingNode[] }>("/v1/nodes")).nodes,
  deadLetters: () => json<{ dead: DeadLetter[]; unreadable: Unreadable[] }>("/v1/dead"),
  retryDead: (id: string) => json<DeadLetter>(`/v1/dead/${at(id)}/retry`, { method: "POST" }),
  dropDead: (id: string) => send(`/v1/dead/${at(id)}`, { method: "DELETE" }),
  operators: () => json<Record<string, unknown>>("/v1/operators"),
  description: () => json<Record<string, unknown>>("/openapi.json"),
};

/** The URL by which the service makes links to itself; the user may have come by another name of the same host. */
let serviceUrl = "";
export function setServiceUrl(url: string): void {
  serviceUrl = url.replace(/\/+$/, "");
}
function ownUrl(url: string): string {
  return serviceUrl && url.startsWith(`${serviceUrl}/`) ? url.slice(serviceUrl.length) : url;
}
function ownLink(link: SignedLink): SignedLink {
  return { ...link, url: ownUrl(link.url) };
}
