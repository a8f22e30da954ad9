// SPDX-License-Identifier: Apache-2.0
// The page: addresses, sign-in and what is shown.
import { RequestError, sentenceOf, session } from "./api";
import { BatchView } from "./batch";
import { catalog } from "./catalog";
import { byId, button, element, replaceChildren } from "./dom";
import { JobView } from "./job";
import { JobsView } from "./jobs";
import { NewJobView } from "./new_job";
import { NodesView } from "./nodes";
import { SignInView } from "./signin";
import type { View } from "./view";
import { ViewerView } from "./viewer";

const content = byId("content");
const signOut = byId("sign-out");
let current: View | null = null;
let newJob: NewJobView | null = null;
let turn = 0;

/** "#token=..." signs in and leaves the address, so that neither history nor bookmarks keep it. */
function takeTokenFromAddress(): void {
  const given = /^#token=([^&]+)$/.exec(window.location.hash)?.[1];
  if (given) {
    session.signIn(decodeURIComponent(given));
    window.history.replaceState(null, "", "#/");
  }
}

async function viewOf(address: string): Promise<View> {
  // Everything else needs what these load, such as the service's own URL and what the user may do.
  const [known] = await Promise.all([catalog(), session.learn()]);
  const [kind, id, part, which] = address.replace(/^#?\/?/, "").split("/").map(decodeURIComponent);
  if (kind === "jobs" && id && part === "view") {
    return ViewerView.open(id, which === "original");
  }
  if (kind === "jobs" && id) {
    return JobView.open(id);
  }
  if (kind === "jobs") {
    return JobsView.open();
  }
  if (kind === "batches" && id) {
    return BatchView.open(id);
  }
  if (kind === "nodes") {
    return NodesView.open();
  }
  if (!session.may("submit")) {
    return JobsView.open();
  }
  // Chosen images stay while the user looks at other pages.
  newJob ??= new NewJobView(known);
  return newJob;
}

function show(view: View): void {
  current?.leave();
  current = view;
  replaceChildren(content, view.node);
  document.title = `${view.title} · Tessera`;
  signOut.hidden = !session.hasToken;
  const place = window.location.hash.split("/")[1] || (session.may("submit") ? "" : "jobs");
  const address = place === "jobs" || place === "nodes" ? `#/${place}` : "#/";
  for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a")) {
    const scope = link.dataset["scope"];
    link.hidden = (scope === "submit" || scope === "read") && !session.may(scope);
    if (link.getAttribute("href") === address) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

function problemView(error: unknown): View {
  const missing = error instanceof RequestError && error.status === 404;
  return {
    title: missing ? "Not found" : "Problem",
    node: element(
      "section",
      { class: "card" },
      element("h1", {}, missing ? "Not found" : "Something went wrong"),
      element("p", { attributes: { role: "alert" } }, sentenceOf(error)),
      button("Try again", () => void go()),
    ),
    leave: () => {},
  };
}

async function go(): Promise<void> {
  const mine = ++turn;
  let view: View;
  try {
    view = await viewOf(window.location.hash);
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) {
      return; // the sign-in is shown
    }
    view = problemView(error);
  }
  if (mine !== turn) {
    view.leave();
    return;
  }
  show(view);
  // Focus follows, for the keyboard and for screen readers.
  content.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function askForToken(refusal: string): void {
  turn += 1;
  newJob?.abandon();
  newJob = null;
  show(new SignInView(() => void go(), refusal));
  content.querySelector("input")?.focus();
}

async function begin(): Promise<void> {
  takeTokenFromAddress();
  session.whenUnauthorized(() => {
    if (current instanceof SignInView) {
      return; // it says so itself
    }
    const had = session.hasToken;
    session.signOut();
    askForToken(had ? "The token is not accepted any more. Sign in again." : "");
  });
  signOut.addEventListener("click", () => {
    session.signOut();
    // Nothing of one user's stays for the next: no images, no pipeline.
    sessionStorage.clear();
    askForToken("");
  });
  window.addEventListener("hashchange", () => {
    takeTokenFromAddress();
    if (!(current instanceof SignInView) || session.hasToken) {
      void go();
    }
  });
  await go();
}

void begin();
