// The desk's page where there are scripts: the verdict comes without another page, and also where the node is out of
// reach. It is judged here then (verdict.js), by what the node told before.
//
// - the node is asked first; whoever isn't answered in time judges by itself, and says so
// - what was told is fetched again every few minutes. A device that may not ask any more forgets it, as one does where
//   somebody logs out
// - who arrived is written down on this device before the node is told, and until it has answered: it notes nobody twice
// - where browsers don't trust the way to the node (plain http), they keep and check nothing for a page: the form does all
// - the device's clock may be wrong: the node's counts, as far as it was heard
"use strict";

(() => {
  if (!window.isSecureContext) return;
  const TOLD = "/desk/bundle", CACHE = "desk told", ARRIVAL = "arrival ";
  const IN_TIME = 4_000, ALL_IN_TIME = 30_000, OFTEN = 3 * 60_000; // milliseconds; the second is for all that is told
  const form = document.getElementById("desk"), template = document.getElementById("answer");
  const [words, texts, sentences] = ["words", "texts", "sentences"].map((name) => JSON.parse(template.dataset[name]));
  const language = document.documentElement.lang || "en";
  const reach = document.getElementById("reach"), waiting = document.getElementById("waiting");
  const post = (fields) =>
    fetch("/desk/verdict", { method: "POST", body: new URLSearchParams(fields), signal: AbortSignal.timeout(IN_TIME) });

  function tell(element, text) {
    element.textContent = text;
    element.hidden = !text;
  }

  // --- what the node told

  async function kept() {
    return (await caches.open(CACHE)).match(TOLD);
  }

  async function refresh() {
    const before = await kept();
    const headers = before ? { "If-None-Match": before.headers.get("ETag") } : {};
    const answer = await fetch(TOLD, { headers, cache: "no-store", signal: AbortSignal.timeout(ALL_IN_TIME) });
    const cache = await caches.open(CACHE);
    if (answer.redirected || [401, 403].includes(answer.status)) return cache.delete(TOLD);
    if (!answer.ok && answer.status !== 304) return;
    const at = answer.headers.get("Told-At"), skew = Date.parse(answer.headers.get("Date")) - Date.now();
    const said = { ETag: answer.headers.get("ETag"), "Told-At": at, Skew: Math.round(skew / 1000) };
    const data = answer.status === 304 ? await before.blob() : await answer.blob();
    await cache.put(TOLD, new Response(data, { headers: said }));
    for (const [key, each] of arrivals()) if (each.sent < Number(at)) localStorage.removeItem(key);
  }

  // Seconds by the node's clock.
  async function now() {
    return Date.now() / 1000 + Number((await kept())?.headers.get("Skew") ?? 0);
  }

  document.querySelector("form[action='/logout']")?.addEventListener("submit", () => caches.delete(CACHE));

  // --- who arrived: {token, venue, at, sent, noted}, by pass and venue; `sent` is null until the node has answered

  function arrivals() {
    return Object.keys(localStorage).filter((key) => key.startsWith(ARRIVAL))
      .map((key) => [key, JSON.parse(localStorage.getItem(key))]);
  }

  function unsent() {
    return arrivals().filter(([, each]) => each.sent === null);
  }

  function count() {
    const number = unsent().length;
    tell(waiting, number ? texts.waiting.replace("{number}", number) : "");
  }

  // This page's own word to the node is as old as its session: a new one is in a new page.
  async function csrf() {
    const answer = await fetch("/desk", { cache: "no-store", signal: AbortSignal.timeout(IN_TIME) });
    const html = new DOMParser().parseFromString(await answer.text(), "text/html");
    return html.querySelector("#desk [name=csrf]")?.value ?? null;
  }

  async function deliver() {
    let word = form.elements.csrf?.value ?? "";
    for (const [key, each] of unsent()) {
      const { token, venue, at } = each;
      let answer = await post({ csrf: word, token, venue, at, arrived: "yes" });
      if (answer.redirected || answer.status === 403) {
        word = await csrf();
        if (word === null) {
          tell(reach, texts.login);
          break;
        }
        answer = await post({ csrf: word, token, venue, at, arrived: "yes" });
      }
      if (answer.redirected || answer.status === 403 || answer.status === 429 || answer.status >= 500) break;
      const found = answer.ok ? await answer.json() : { verdict: answer.status, arrived: [] };
      const noted = found.arrived.length > 0;
      if (!noted) unnoted(found);
      // The pass names somebody: it stays no longer than the node has to be told.
      localStorage.setItem(key, JSON.stringify({ venue, at, sent: Math.floor(await now()), noted }));
    }
    count();
  }

  function unnoted(found) {
    const line = document.createElement("p");
    line.className = "notice bad";
    line.setAttribute("role", "alert");
    const word = words[found.verdict]?.[0] ?? found.verdict;
    line.textContent = `${texts.unnoted.replace("{verdict}", word)} ${found.pass?.name ?? ""}`;
    document.getElementById("unnoted").append(line);
  }

  // Only one page of this device speaks at a time.
  const alone = (job) => navigator.locks.request("desk", job).catch(() => count());
  const meet = () => alone(() => deliver().then(refresh));

  // --- the verdict

  async function byItself(token, venue) {
    const response = await kept();
    if (!response) return tell(reach, texts.untold);
    const asOf = Number(response.headers.get("Told-At")), told = await response.json(), seen = {};
    if (!Object.hasOwn(told.venues, venue)) return tell(reach, texts.untold);
    for (const [key, { at, noted }] of arrivals()) if (noted) seen[key.slice(ARRIVAL.length)] = [at];
    try {
      const found = await judge(token, told, { venue, asOf, now: await now(), arrived: seen, sentences });
      const time = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(asOf * 1000);
      tell(reach, texts.alone.replace("{time}", time));
      return found;
    } catch (error) {
      // It is too old for signatures (Ed25519), or for the venue's time zone.
      console.error(error);
      return tell(reach, texts.unable);
    }
  }

  // What the node says; null where it can't be reached, undefined where it has something else to say first.
  async function byTheNode(fields) {
    const answer = navigator.onLine ? await post(fields).catch(() => null) : null;
    if (!answer || answer.status >= 500) return null;
    return answer.ok && !answer.redirected ? answer.json() : undefined;
  }

  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

  function shown(found, token, venue) {
    const section = template.content.firstElementChild.cloneNode(true);
    const [word, colour, icon] = words[found.verdict];
    const { pass, issuer, revocations_as_of: asOf, arrived } = found;
    const days = pass ? [...new Set(pass.days)].map((each) => day.format(new Date(each))).join(" – ") : "";
    const said = {
      word, icon, days, sentence: `${found.sentence[0].toUpperCase()}${found.sentence.slice(1)}.`,
      name: pass?.name, company: pass?.company, organisation: issuer?.organisation, phone: issuer?.phone,
      "as-of": asOf ? `${moment.format(new Date(asOf))} UTC` : "",
      arrived: arrived.map((each) => `${moment.format(new Date(each))} UTC`).join(", "),
    };
    for (const element of section.querySelectorAll("[data-is]")) element.textContent = said[element.dataset.is] ?? "";
    if (found.lang) section.querySelector(".sentence").lang = found.lang;
    const there = { ...said, pass, issuer, arriving: found.verdict === "OK" };
    for (const element of section.querySelectorAll("[data-of]")) if (!there[element.dataset.of]) element.remove();
    section.querySelector("a")?.setAttribute("href", `tel:${issuer?.phone}`);
    section.classList.add(colour);
    section.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      arrive(section, found, token, venue);
    });
    return section;
  }

  async function arrive(section, found, token, venue) {
    const arriving = section.querySelector("form");
    const key = `${ARRIVAL}${found.issuer.node_id}/${found.pass.id}/${venue}`;
    localStorage.setItem(key, JSON.stringify({ token, venue, at: Math.floor(await now()), sent: null, noted: true }));
    await alone(deliver);
    const { sent, noted } = JSON.parse(localStorage.getItem(key)), line = document.createElement("p");
    line.setAttribute("role", "status");
    line.textContent = sent === null ? texts.kept : noted ? texts.noted : "";
    arriving.replaceWith(line);
    form.elements.token.focus();
  }

  let asked = 0;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = new FormData(form), token = fields.get("token").trim(), venue = fields.get("venue") ?? "";
    const place = document.getElementById("verdict"), field = form.elements.token, turn = ++asked;
    // What was said of one guest isn't there for the next, however long that takes; and what is typed next isn't added to
    // this pass.
    place.replaceChildren();
    tell(reach, "");
    field.value = "";
    let found = await byTheNode(fields);
    if (turn !== asked) return;
    if (found === undefined) {
      field.value = token;
      return form.submit();
    }
    found ??= await byItself(token, venue);
    if (turn !== asked) return;
    // Whoever types the next pass already goes on with it.
    const free = !field.value;
    if (!found) {
      if (free) field.value = token;
      return;
    }
    const section = shown(found, token, venue);
    place.append(section);
    if (!free) return;
    section.focus();
    // A reader types as soon as the next pass is before it.
    section.addEventListener("keydown", ({ key, target, ctrlKey, altKey, metaKey }) => {
      if (target === section && key.length === 1 && !ctrlKey && !altKey && !metaKey) form.elements.token.focus();
    });
  });

  // --- the camera: pressed once it looks for a code, pressed again it is off

  const button = document.getElementById("scan"), video = document.getElementById("camera");
  let looking = null;

  async function look() {
    if (looking) return looking.abort();
    looking = new AbortController();
    tell(reach, "");
    button.setAttribute("aria-pressed", "true");
    video.hidden = false;
    const text = await scan(video, video.dataset.decoder, looking.signal).catch(() => tell(reach, texts.blind));
    button.setAttribute("aria-pressed", "false");
    video.hidden = true;
    looking = null;
    if (!text) return;
    form.elements.token.value = text;
    form.requestSubmit();
  }

  if (navigator.mediaDevices) {
    button.hidden = false;
    button.addEventListener("click", look);
  }

  // --- which venue's desk this is: the address says it, or else what was chosen here before

  const venues = form.elements.venue;
  if (venues?.tagName === "SELECT") {
    venues.required = true;
    venues.value = new URLSearchParams(location.search).get("venue") || venues.value || localStorage.getItem("venue") || "";
    venues.addEventListener("change", () => localStorage.setItem("venue", venues.value));
  }

  // Without a worker, the page goes on while it is open, and opens where its node is.
  navigator.serviceWorker?.register("/desk/worker.js", { scope: "/desk" }).catch(() => null);
  count();
  meet();
  setInterval(meet, OFTEN);
  addEventListener("online", meet);
})();
