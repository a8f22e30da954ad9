// SPDX-License-Identifier: Apache-2.0
// The originals of jobs that were submitted in this tab: shown beside results without a download.
const originals = new Map<string, File>();

export function rememberOriginal(jobId: string, file: File): void {
  originals.set(jobId, file);
}

export function originalOf(jobId: string): File | undefined {
  return originals.get(jobId);
}
