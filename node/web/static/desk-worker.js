// The worker of the desk's page: keeps this page and what it is made with (KEPT, which the node puts in front), so that
// it opens where the node can't be reached.
//
// - a page of another address, and whatever is sent, is none of its business
// - the newest page is the one that is shown; the one that is kept is for when no answer comes in time
"use strict";

const PAGE = "/desk", CACHE = "desk page", IN_TIME = 4_000;

async function keep(answer) {
  // Where somebody has to log in first, that isn't the page.
  if (answer.ok && !answer.redirected) await (await caches.open(CACHE)).put(PAGE, answer.clone());
}

const late = () => new Promise((resolve, reject) => setTimeout(() => reject(new Error("too late")), IN_TIME));

async function page(event) {
  try {
    const answer = await Promise.race([fetch(event.request), late()]);
    event.waitUntil(keep(answer.clone()));
    if (answer.status < 500) return answer;
  } catch {
    // What is kept will do.
  }
  return (await (await caches.open(CACHE)).match(PAGE)) ?? Response.error();
}

async function file(request) {
  return (await (await caches.open(CACHE)).match(request)) ?? fetch(request);
}

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(KEPT);
    await keep(await fetch(PAGE));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    for (const request of await cache.keys()) {
      const { pathname, search } = new URL(request.url);
      if (pathname !== PAGE && !KEPT.includes(pathname + search)) await cache.delete(request);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { origin, pathname, search } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname === PAGE) event.respondWith(page(event));
  else if (KEPT.includes(pathname + search)) event.respondWith(file(event.request));
});
