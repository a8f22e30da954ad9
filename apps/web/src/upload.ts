// SPDX-License-Identifier: Apache-2.0
// Uploads by links, several at a time, repeated while the service cannot be reached.
import { api, RequestError, type PutLink } from "./api";
import { showConnection } from "./events";
import { begin, findBegun, sendParts } from "./part_upload";

const parallelUploads = 3;
/** Files that may have been begun in parts are looked for from this size on. */
const largeBytes = 64 * 1024 * 1024;
const firstPauseMs = 1000;
const longestPauseMs = 20_000;

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const timer = window.setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      failed(signal.reason);
    });
  });
}

/** Repeats the work while its failure is transient, with growing pauses. */
export async function persistently<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let wait = firstPauseMs; ; wait = Math.min(wait * 2, longestPauseMs)) {
    try {
      const result = await work();
      showConnection("");
      return result;
    } catch (error) {
      if (signal.aborted || !(error instanceof RequestError) || !error.isTransient) {
        throw error;
      }
      showConnection(`${error.message} Trying again…`);
      await pause(Math.max(wait, error.retryAfterSeconds * 1000), signal);
    }
  }
}

/**
 * Why a PUT has failed of which the browser tells nothing. It says the same of a store that is away and of one whose rules
 * for pages of other origins (CORS) refuse this one; but the latter answers to requests that nobody reads.
 */
async function failureOf(url: string, begun: boolean): Promise<RequestError> {
  const { origin } = new URL(url, window.location.href);
  if (!begun && origin !== window.location.origin) {
    try {
      await fetch(origin, { mode: "no-cors", cache: "no-store" });
      return new RequestError(
        403,
        `The store at ${origin} refuses uploads from this page: its rules (CORS) must allow ${window.location.origin} to PUT with the header Content-Type. Tell the operator of this service.`,
      );
    } catch {
      // It is away.
    }
  }
  return new RequestError(0, "The connection broke during an upload.");
}

/** PUT with progress, which fetch() does not tell. */
function put(
  { url, headers }: PutLink,
  body: Blob,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, value);
    }
    let begun = false;
    request.upload.onprogress = (event) => {
      begun ||= event.loaded > 0;
      onSent(event.loaded);
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        done();
      } else {
        failed(new RequestError(request.status, detailOf(request)));
      }
    };
    request.onerror = () => void failureOf(url, begun).then(failed);
    request.onabort = () => failed(signal.reason);
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

function detailOf(request: XMLHttpRequest): string {
  try {
    const problem: unknown = JSON.parse(request.responseText);
    if (typeof problem === "object" && problem !== null && "detail" in problem) {
      return String(problem.detail);
    }
  } catch {
    // A bucket answers in XML.
  }
  return `The upload was refused with status ${request.status}.`;
}

/** Uploads one file; returns the object's name. */
async function upload(file: File, onSent: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  const transport = { put, persistently };
  const earlier = file.size >= largeBytes ? await findBegun(file, transport, signal) : undefined;
  if (earlier) {
    return sendParts(file, earlier.begun, earlier.done, transport, onSent, signal);
  }
  const place = await persistently(async () => {
    // A fresh reservation each time: the last link may have expired.
    const reserved = await api.reserveUpload(file.type, file.size);
    if ("upload" in reserved) {
      onSent(0);
      await put(reserved.upload, file, onSent, signal);
      onSent(file.size);
    }
    return reserved;
  }, signal);
  return "upload" in place
    ? place.object
    : sendParts(file, begin(file, place), new Set(), transport, onSent, signal);
}

/** Uploads all files; returns the objects' names in their order. */
export async function uploadAll(
  files: File[],
  onProgress: (sentBytes: number, files: number) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const objects: string[] = new Array<string>(files.length);
  const sent = new Array<number>(files.length).fill(0);
  let next = 0;
  let complete = 0;
  const tell = (): void => onProgress(sent.reduce((sum, bytes) => sum + bytes, 0), complete);
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const worker = async (): Promise<void> => {
    for (let index = next++; index < files.length; index = next++) {
      const file = files[index] as File;
      objects[index] = await upload(
        file,
        (bytes) => {
          sent[index] = bytes;
          tell();
        },
        either,
      );
      complete += 1;
      tell();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(parallelUploads, files.length) }, worker));
  } catch (error) {
    failure.abort(error);
    throw error;
  }
  return objects;
}
