// SPDX-License-Identifier: Apache-2.0
// The pipeline editor: steps in order, each with a form of its parameters.
import { api, type Pipeline, RequestError, sentenceOf, type Step } from "./api";
import { type Catalog, type Operator, title } from "./catalog";
import { announce, button, element, newId, replaceChildren } from "./dom";
import { field } from "./form";

interface EditedStep {
  operator: Operator;
  values: Record<string, unknown>;
}

const storageKey = "tessera-pipeline";

export class PipelineEditor {
  readonly node: HTMLElement;
  private steps: EditedStep[] = [];
  private readonly list = element("ol", { class: "steps" });
  private readonly text = element("input", {
    type: "text",
    id: newId("pipeline-text"),
    spellcheck: false,
    autocomplete: "off",
  });
  private readonly problem = element("p", { class: "problem", attributes: { role: "alert" } });
  private readonly add: HTMLButtonElement;

  constructor(
    private readonly catalog: Catalog,
    private readonly onChange: () => void,
  ) {
    this.add = button("Add an operator", () => this.choose(), { class: "wide" });
    this.node = element(
      "div",
      {},
      this.list,
      this.add,
      element(
        "details",
        { class: "as-text" },
        element("summary", {}, "As text"),
        element("label", { htmlFor: this.text.id }, "Operators with their parameters, separated by |"),
        element(
          "form",
          {
            class: "row",
            on: {
              submit: (event: SubmitEvent) => {
                event.preventDefault();
                void this.readText();
              },
            },
          },
          this.text,
          element("button", { type: "submit" }, "Use"),
        ),
        this.problem,
      ),
    );
    this.set(stored());
  }

  get pipeline(): Pipeline {
    return {
      operators: this.steps.map(({ operator, values }) => ({ name: operator.name, parameters: { ...values } })),
    };
  }

  get isEmpty(): boolean {
    return this.steps.length === 0;
  }

  /** Whether every value is in its range; shows the first that is not. */
  checkValues(): boolean {
    for (const input of this.list.querySelectorAll("input")) {
      if (!input.checkValidity()) {
        input.closest("details")?.setAttribute("open", "");
        input.reportValidity();
        return false;
      }
    }
    return true;
  }

  /** Steps of operators that the catalogue does not have are left out. */
  set(pipeline: Pipeline): void {
    this.steps = pipeline.operators.flatMap((step) => {
      const operator = this.catalog.byName.get(step.name);
      return operator ? [{ operator, values: { ...step.parameters } }] : [];
    });
    this.draw();
    this.changed();
  }

  private changed(): void {
    sessionStorage.setItem(storageKey, JSON.stringify(this.pipeline));
    this.text.value = asText(this.pipeline.operators);
    this.onChange();
  }

  private async readText(): Promise<void> {
    this.problem.textContent = "";
    try {
      this.set((await api.checkPipeline(this.text.value)).pipeline);
    } catch (error) {
      this.problem.textContent = sentenceOf(error);
      if (!(error instanceof RequestError)) {
        throw error;
      }
    }
  }

  private choose(): void {
    chooseOperator(this.catalog, (operator) => {
      this.steps.push({ operator, values: {} });
      this.draw();
      this.changed();
      announce(`${title(operator.name)} is now step ${this.steps.length}.`);
      this.list.lastElementChild?.querySelector("summary")?.focus();
    });
  }

  private move(from: number, to: number): void {
    const [step] = this.steps.splice(from, 1);
    if (!step) {
      return;
    }
    this.steps.splice(to, 0, step);
    this.draw();
    this.changed();
    announce(`${title(step.operator.name)} is now step ${to + 1}.`);
    const moved = this.list.children[to];
    const action = to < from ? ".up" : ".down";
    const wanted = moved?.querySelector<HTMLButtonElement>(`${action}:not(:disabled)`) ?? moved?.querySelector("summary");
    wanted?.focus();
  }

  private remove(index: number): void {
    const [step] = this.steps.splice(index, 1);
    this.draw();
    this.changed();
    announce(step ? `${title(step.operator.name)} is removed.` : "");
    const next = this.list.children[Math.min(index, this.steps.length - 1)]?.querySelector("summary");
    (next ?? this.add).focus();
  }

  private draw(): void {
    replaceChildren(this.list, ...this.steps.map((step, index) => this.drawStep(step, index)));
  }

  private drawStep(step: EditedStep, index: number): HTMLElement {
    const name = title(step.operator.name);
    const tools = element(
      "div",
      { class: "tools" },
      button("↑", () => this.move(index, index - 1), { class: "quiet up", name: `Move ${name} up` }),
      button("↓", () => this.move(index, index + 1), { class: "quiet down", name: `Move ${name} down` }),
      button("✕", () => this.remove(index), { class: "quiet", name: `Remove ${name}` }),
    );
    tools.querySelector<HTMLButtonElement>(".up")!.disabled = index === 0;
    tools.querySelector<HTMLButtonElement>(".down")!.disabled = index === this.steps.length - 1;
    const parameters = Object.entries(step.operator.parameters);
    return element(
      "li",
      { class: "step" },
      element(
        "details",
        { open: true },
        element("summary", {}, element("span", { class: "step-name" }, name)),
        element("p", { class: "help" }, step.operator.doc),
        ...parameters.map(([parameter, schema]) =>
          field(parameter, schema, step.values[parameter], (value) => {
            if (value === undefined) {
              delete step.values[parameter];
            } else {
              step.values[parameter] = value;
            }
            this.changed();
          }),
        ),
      ),
      tools,
    );
  }
}

function stored(): Pipeline {
  try {
    const known: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? "null");
    if (typeof known === "object" && known !== null && "operators" in known && Array.isArray(known.operators)) {
      return { operators: known.operators as Step[] };
    }
  } catch {
    // It was written by another version of the page.
  }
  return { operators: [] };
}

/** "gaussian-blur sigma=2 | otsu" */
export function asText(steps: Step[]): string {
  return steps
    .map(({ name, parameters }) =>
      [
        name,
        ...Object.entries(parameters ?? {}).map(([parameter, value]) => {
          const text = String(value);
          return `${parameter}=${/^[^\s|"\\]+$/.test(text) ? text : JSON.stringify(text)}`;
        }),
      ].join(" "),
    )
    .join(" | ");
}

/** Asks for an operator in a dialog, by group or by a few letters of name or description. */
function chooseOperator(catalog: Catalog, take: (operator: Operator) => void): void {
  const id = newId("chooser");
  const found = element("p", { class: "unseen", attributes: { role: "status" } });
  const groups = element("div", { class: "groups" });
  const search = element("input", {
    type: "search",
    id,
    autocomplete: "off",
    on: { input: () => draw() },
  });
  const dialog = element(
    "dialog",
    { class: "chooser", attributes: { "aria-labelledby": `${id}-title` }, on: { close: () => dialog.remove() } },
    element(
      "div",
      { class: "row" },
      element("h2", { id: `${id}-title` }, "Add an operator"),
      button("✕", () => dialog.close(), { class: "quiet", name: "Close" }),
    ),
    element("label", { htmlFor: id }, "Find by name or purpose"),
    search,
    found,
    groups,
  );
  const draw = (): void => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = catalog.operators.filter((operator) => {
      const text = `${operator.name} ${title(operator.name)} ${operator.group} ${operator.doc}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    found.textContent = words.length === 0 ? "" : `${fitting.length} operators`;
    const byGroup = new Map<string, Operator[]>();
    for (const operator of fitting) {
      byGroup.set(operator.group, [...(byGroup.get(operator.group) ?? []), operator]);
    }
    replaceChildren(
      groups,
      ...[...byGroup].map(([group, operators]) =>
        element(
          "section",
          { attributes: { "aria-label": group } },
          element("h3", {}, group),
          element(
            "ul",
            {},
            ...operators.map((operator) =>
              element(
                "li",
                {},
                element(
                  "button",
                  {
                    type: "button",
                    class: "operator",
                    on: {
                      click: () => {
                        dialog.close();
                        take(operator);
                      },
                    },
                  },
                  element("strong", {}, title(operator.name)),
                  " ",
                  element("span", {}, operator.doc),
                ),
              ),
            ),
          ),
        ),
      ),
      fitting.length === 0 ? element("p", {}, "No operator fits.") : null,
    );
  };
  draw();
  document.body.append(dialog);
  dialog.showModal();
  search.focus();
}
