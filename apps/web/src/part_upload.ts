// SPDX-License-Identifier: Apache-2.0
// Large files in parts, several at a time. What has arrived stays: a file that is chosen again, after a break or
// when the page was closed, goes on where it was.
import { api, RequestError, type PartsPlace, type PutLink } from "./api";

const parallelParts = 4;

interface Begun {
  object: string;
  upload: string;
  size_bytes: number;
  part_bytes: number;
  count: number;
}

/** How the parts are sent; see upload.ts. */
export interface Transport {
  put: (link: PutLink, body: Blob, onSent: (bytes: number) => void, signal: AbortSignal) => Promise<void>;
  persistently: <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;
}

/** Where the page remembers an upload of that file. */
function recordOf(file: File): string {
  return `tessera-upload ${file.size} ${file.lastModified} ${file.name}`;
}

function remembered(file: File): Begun | undefined {
  try {
    const begun = JSON.parse(localStorage.getItem(recordOf(file)) ?? "null") as Begun | null;
    return begun?.size_bytes === file.size ? begun : undefined;
  } catch {
    return undefined; // storage may be forbidden
  }
}

function remember(file: File, begun: Begun | undefined): void {
  try {
    if (begun) {
      localStorage.setItem(recordOf(file), JSON.stringify(begun));
    } else {
      localStorage.removeItem(recordOf(file));
    }
  } catch {
    // It then begins anew when the page was closed.
  }
}

/** The parts that have arrived whole; undefined if the service does not know the upload any more. */
async function arrived(begun: Begun): Promise<Set<number> | undefined> {
  try {
    const { parts } = await api.partsReceived(begun.object, begun.upload);
    const whole = parts.filter(({ number, size_bytes }) => size_bytes === bytesOf(begun, number));
    return new Set(whole.map(({ number }) => number));
  } catch (error) {
    if (error instanceof RequestError && !error.isTransient) {
      return undefined;
    }
    throw error;
  }
}

function bytesOf(begun: Begun, number: number): number {
  return Math.min(begun.part_bytes, begun.size_bytes - (number - 1) * begun.part_bytes);
}

/** An upload of this file that broke off; undefined if there is none that can go on. */
export async function findBegun(
  file: File,
  transport: Transport,
  signal: AbortSignal,
): Promise<{ begun: Begun; done: Set<number> } | undefined> {
  const begun = remembered(file);
  const done = begun && (await transport.persistently(() => arrived(begun), signal));
  if (!begun || !done) {
    remember(file, undefined);
    return undefined;
  }
  return { begun, done };
}

export function begin(file: File, place: PartsPlace): Begun {
  const { upload, size_bytes, part_bytes, count } = place.parts;
  const begun = { object: place.object, upload, size_bytes, part_bytes, count };
  remember(file, begun);
  return begun;
}

/** Sends the parts that are not done, and has the object made; returns its name. */
export async function sendParts(
  file: File,
  begun: Begun,
  done: Set<number>,
  transport: Transport,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const waiting = Array.from({ length: begun.count }, (_, index) => index + 1).filter((number) => !done.has(number));
  const sent = new Map([...done].map((number) => [number, bytesOf(begun, number)]));
  const tell = (number: number, bytes: number): void => {
    sent.set(number, bytes);
    onSent([...sent.values()].reduce((sum, part) => sum + part, 0));
  };
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const worker = async (): Promise<void> => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      const part = number;
      const from = (part - 1) * begun.part_bytes;
      const body = file.slice(from, from + bytesOf(begun, part));
      await transport.persistently(async () => {
        // A fresh link each time: the last one may have expired.
        const { links } = await api.partLinks(begun.object, begun.upload, begun.size_bytes, [part]);
        tell(part, 0);
        await transport.put({ url: links[0]!.url, headers: {} }, body, (bytes) => tell(part, bytes), either);
      }, either);
      tell(part, bytesOf(begun, part));
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(parallelParts, waiting.length) }, worker));
  } catch (error) {
    failure.abort(error);
    throw error;
  }
  await transport.persistently(() => api.completeUpload(begun.object, begun.upload, begun.size_bytes), signal);
  remember(file, undefined);
  return begun.object;
}
