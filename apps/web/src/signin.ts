// SPDX-License-Identifier: Apache-2.0
// Signing in with a token.
import { RequestError, sentenceOf, session } from "./api";
import { button, element, newId } from "./dom";
import type { View } from "./view";

export class SignInView implements View {
  readonly title = "Sign in";
  readonly node: HTMLElement;

  constructor(onDone: () => void, refusal: string) {
    const id = newId("token");
    const problem = element("p", { class: "problem", attributes: { role: "alert" } }, refusal);
    const input = element("input", {
      type: "password",
      id,
      name: "token",
      required: true,
      autocomplete: "current-password",
      spellcheck: false,
      attributes: { "aria-describedby": `${id}-help` },
    });
    const submit = element("button", { type: "submit", class: "primary wide" }, "Sign in");
    const check = async (): Promise<void> => {
      problem.textContent = "";
      submit.disabled = true;
      session.signIn(input.value.trim());
      try {
        await session.learn();
        onDone();
      } catch (error) {
        problem.textContent = sentenceOf(error);
        if (error instanceof RequestError && (error.status === 401 || error.status === 403)) {
          session.signOut();
          input.select();
          input.focus();
        }
      } finally {
        submit.disabled = false;
      }
    };
    this.node = element(
      "section",
      { class: "card sign-in" },
      element("h1", {}, "Sign in"),
      element(
        "form",
        {
          on: {
            submit: (event: SubmitEvent) => {
              event.preventDefault();
              void check();
            },
          },
        },
        element("label", { htmlFor: id }, "Token"),
        element(
          "div",
          { class: "row" },
          input,
          button("Show", () => (input.type = input.type === "password" ? "text" : "password"), {
            class: "quiet",
            name: "Show or hide the token",
          }),
        ),
        element(
          "p",
          { class: "help", id: `${id}-help` },
          "It begins with tsr_. The owner of the service makes tokens with “tessera token add”; that of “tessera serve” lies in the file token of its data folder.",
        ),
        problem,
        submit,
      ),
    );
  }

  leave(): void {}
}
