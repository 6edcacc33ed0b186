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
// Who goes back twice before the first page has come sees the second one: the first was left.
let returning;
document.addEventListener("htmx:historyCacheMiss", ({ detail }) => {
  returning?.abort();
  returning = detail.xhr;
});
// Where what somebody asked for can't be put into the page, it is shown as the page that it is; what can't be shown so, and
// what never came, is told where they are. What the page asks for by itself says so in its own place.
function failed(why) {
  const told = document.getElementById("failed");
  told.hidden = !why;
  told.textContent = why ? told.dataset[why] : "";
}
const asked = ({ detail: { requestConfig } }) => requestConfig.triggeringEvent?.isTrusted;
document.addEventListener("htmx:beforeSend", (event) => asked(event) && failed(""));
document.addEventListener("htmx:sendError", (event) => asked(event) && failed("away"));
document.addEventListener("htmx:responseError", (event) => {
  if (!asked(event)) return;
  if (event.detail.requestConfig.verb === "get") location.assign(event.detail.pathInfo.finalRequestPath);
  else failed("refused");
});

// Times are shown by the visitor's own clock, too: which one that is, the browser knows.
document.cookie = `zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; Path=/; SameSite=Lax; Max-Age=31536000`;
