// SPDX-License-Identifier: Apache-2.0
// The form of output options.
import { type Schema } from "./catalog";
import { element } from "./dom";
import { field } from "./form";

export class OutputForm {
  readonly node: HTMLElement;
  private readonly values: Record<string, unknown> = {};

  constructor(options: Record<string, Schema>) {
    this.node = element(
      "div",
      {},
      ...Object.entries(options).map(([name, schema]) =>
        field(name, schema, undefined, (value) => {
          // False is what every switch is without it.
          if (value === undefined || value === false) {
            delete this.values[name];
          } else {
            this.values[name] = value;
          }
        }),
      ),
    );
  }

  get output(): Record<string, unknown> {
    return { ...this.values };
  }

  checkValues(): boolean {
    for (const input of this.node.querySelectorAll("input")) {
      if (!input.checkValidity()) {
        input.closest("details")?.setAttribute("open", "");
        input.reportValidity();
        return false;
      }
    }
    return true;
  }
}
