// SPDX-License-Identifier: Apache-2.0
/** What fills the page for one address. */
export interface View {
  readonly title: string;
  readonly node: HTMLElement;
  /** The user goes elsewhere: streams end. */
  leave(): void;
}
