// Operators' pages show what changes on the node as it changes: each part that is marked with data-live is asked for anew.
// Without JavaScript, or where the stream is lost, a person loads the page again. A page without such parts follows nothing.
"use strict";

if (document.querySelector("[data-live]")) {
  const shown = document.getElementById("live");

  // A part in which somebody stands with the keyboard, or has chosen something, waits until they are done.
  const inUse = (part) =>
    part.contains(document.activeElement) ||
    [...part.querySelectorAll("input")].some((each) => each.checked !== each.defaultChecked);
  const renew = (part) => {
    if (inUse(part)) part.dataset.waits = "yes";
    else htmx.trigger(part, "changed");
  };
  const renewAll = (kinds) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      if (!kinds || part.dataset.live.split(" ").some((kind) => kinds.includes(kind))) renew(part);
    }
  };
  document.addEventListener("focusout", () => {
    // The focus is nowhere while it moves.
    setTimeout(() => { for (const part of document.querySelectorAll("[data-waits]")) renew(part); });
  });

  const say = (state) => {
    shown.dataset.state = state;
    shown.querySelector("[role=status]").textContent = shown.dataset[state];
  };
  let stream;
  const rest = () => stream?.close();
  const watch = () => {
    rest();
    stream = new EventSource("/operate/live");
    stream.addEventListener("open", () => {
      say("on");
      // What changed between the page and the stream, or while there was none.
      renewAll();
    });
    stream.addEventListener("changed", (event) => renewAll(event.data.split(" ")));
    stream.addEventListener("error", () => say("lost"));
  };
  // A browser has few connections to one host: tabs that nobody looks at need none.
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : watch()));
  window.addEventListener("pagehide", rest);
  if (!document.hidden) watch();
}
