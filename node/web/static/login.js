// A token link is /login#bra_…: the token goes into the form, and out of the address and the browser's history.
"use strict";

function takeToken() {
  const token = location.hash.slice(1);
  if (!token.startsWith("bra_")) return;
  history.replaceState(null, "", location.pathname + location.search);
  const form = document.getElementById("with-token");
  form.elements.token.value = token;
  form.querySelector("button").focus();
}

takeToken();
// The link may be opened where this page is shown already.
window.addEventListener("hashchange", takeToken);
