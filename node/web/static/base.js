// What all pages do with JavaScript; each also works without.
"use strict";

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// Fields that answer at once: a select or checkbox with data-submit sends its form.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// What comes into a page says what it is (data-say): it is read out, and has the focus where what had it is gone.
document.addEventListener("htmx:afterSettle", ({ target }) => {
  const say = target.querySelector("[data-say]");
  if (!say) return;
  document.getElementById("said").textContent = say.textContent;
  if (document.activeElement === document.body) say.focus();
});
// Where what somebody asked for can't be put into the page, it is shown as the page that it is.
document.addEventListener("htmx:responseError", ({ detail: { requestConfig, pathInfo } }) => {
  if (requestConfig.verb === "get" && requestConfig.triggeringEvent?.isTrusted) location.assign(pathInfo.finalRequestPath);
});

// Times are shown by the visitor's own clock, too: which one that is, the browser knows.
document.cookie = `zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; Path=/; SameSite=Lax; Max-Age=31536000`;
