// Makes a map of each element of the class "map" as soon as it is seen: the outlines of the world, and points on it.
//
// - data-points: the address of the points, or data-block: the id of a <script type="application/json"> that holds them:
//   {"points": [[latitude, longitude, kind, title, page], …], "more": bool}, in microdegrees; a point needs no page
// - data-outlines, data-near: the addresses of the outlines, and of finer ones (see hatch_build.py)
// - data-texts: the texts, in the page's language
// - what is said of a point comes from others, so it is only ever text
// - the list beside a map says the same: who can't see or use the map misses nothing
"use strict";

(() => {
  const CLOSEST = 14;
  const NEAR_ENOUGH = 10; // to show all points: nearer, nothing of the outlines is left to be seen
  const NEAR = 5; // From here on, finer outlines are worth their size.
  const THE_WORLD = [[-50, -130], [70, 155]];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const number = new Intl.NumberFormat(document.documentElement.lang || "en");

  async function json(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  function make(name, className, text = "") {
    const element = document.createElement(name);
    element.className = className;
    element.textContent = text;
    return element;
  }

  // --- the points

  // Each kind has its shape, and in map.css its colour: either tells them apart.
  const SHAPES = {
    venue: "M12 3a9 9 0 1 0 .1 0z", event: "M12 1 23 12 12 23 1 12z", organisation: "M4 4h16v16H4z",
    offer: "M12 2 23 21H1z", need: "M1 3h22L12 22z", contact: "M12 2a6 10 0 1 0 .1 0z",
    culture_guide: "M6 3h12l5 9-5 9H6L1 12z", practice: "M12 2l10 7-4 12H6L2 9z",
    adoption: "M8 2h8v6h6v8h-6v6H8v-6H2V8h6z",
  };

  function shape(kind) {
    const [drawing, path] = ["svg", "path"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
    drawing.setAttribute("viewBox", "0 0 24 24");
    drawing.setAttribute("class", `map-shape ${kind}`);
    path.setAttribute("d", SHAPES[kind] ?? SHAPES.contact);
    drawing.append(path);
    return drawing;
  }

  // A mark that says what it is to who can't see it.
  const Mark = L.DivIcon.extend({
    createIcon(old) {
      const element = L.DivIcon.prototype.createIcon.call(this, old);
      element.setAttribute("aria-label", this.options.label);
      element.title = this.options.label;
      if (this.options.kind) element.append(shape(this.options.kind));
      return element;
    },
  });

  const Point = L.Marker.extend({
    initialize(point, said) {
      const [latitude, longitude, kind, title] = point;
      const icon = new Mark({ className: "map-mark", iconSize: [26, 26], kind, label: `${title} (${said})` });
      L.Marker.prototype.initialize.call(this, [latitude / 1e6, longitude / 1e6], { icon });
      this.point = point;
    },
  });

  function cluster(texts) {
    return (those) => {
      const many = those.getChildCount(), wide = 30 + 6 * String(many).length, text = number.format(many);
      const label = texts.group.replace("{n}", text);
      return new Mark({ className: "map-cluster", iconSize: [wide, wide], html: text, label });
    };
  }

  function popup([, , kind, title, page], texts) {
    const content = make("div", "map-popup");
    // What leads to this node's own pages is a link; anything else is none.
    const own = /^\/[a-z]/.test(page ?? "");
    const name = make(own ? "a" : "strong", "", title);
    if (own) name.href = page;
    else name.tabIndex = -1;
    content.append(name, make("span", "", texts.kinds[kind] ?? kind));
    return content;
  }

  // --- the map

  class WorldMap {
    constructor(element) {
      this.element = element;
      this.texts = JSON.parse(element.dataset.texts);
      this.map = L.map(element, {
        zoomControl: false, attributionControl: false, scrollWheelZoom: false, worldCopyJump: true,
        minZoom: 1, maxZoom: CLOSEST, maxBounds: [[-85, -600], [85, 600]], maxBoundsViscosity: 1,
        zoomAnimation: !still, markerZoomAnimation: !still, fadeAnimation: false, inertia: !still,
      }).fitBounds(THE_WORLD, { animate: false });
      L.control.zoom({ zoomInTitle: this.texts.closer, zoomOutTitle: this.texts.farther }).addTo(this.map);
      L.control.scale({ imperial: false }).addTo(this.map);
      L.control.attribution({ prefix: false }).addAttribution(this.texts.source).addTo(this.map);
      this.outlines = new L.Outlines().addTo(this.map);
      this.marks = L.markerClusterGroup({
        iconCreateFunction: cluster(this.texts), maxClusterRadius: 60, showCoverageOnHover: false, animate: !still,
        chunkedLoading: true, chunkInterval: 25, chunkDelay: 10, spiderLegPolylineOptions: { className: "map-leg" },
      }).addTo(this.map);
      this.marks.bindPopup((mark) => popup(mark.point, this.texts), { closeButton: true });
      // They are there from the first: what stands below the map must not move away under a finger.
      this.legend = element.nextElementSibling;
      this.status = this.legend.nextElementSibling;
      this.handle();
      this.load();
    }

    handle() {
      // The page goes on scrolling under the wheel until somebody has chosen the map.
      this.element.addEventListener("focusin", () => this.map.scrollWheelZoom.enable());
      this.element.addEventListener("focusout", () => this.map.scrollWheelZoom.disable());
      this.element.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.map.closePopup();
      });
      this.map.on("popupopen", ({ popup: opened }) => {
        const box = opened.getElement();
        box.querySelector(".leaflet-popup-close-button").setAttribute("aria-label", this.texts.close);
        box.querySelector(".map-popup > :first-child").focus({ preventScroll: true });
      });
      this.map.on("popupclose", ({ popup: closed }) => {
        // What had the focus is gone: it goes back to the point.
        if (document.activeElement === document.body) closed._source.getElement()?.focus({ preventScroll: true });
      });
      this.map.on("zoomend", () => this.refine());
      const recolour = () => this.outlines.recolour();
      this.looks = [matchMedia("(prefers-color-scheme: dark)"), matchMedia("print")];
      for (const look of this.looks) look.addEventListener("change", recolour);
      this.forget = () => {
        for (const look of this.looks) look.removeEventListener("change", recolour);
        this.map.remove();
      };
    }

    async load() {
      const { points, block, outlines } = this.element.dataset;
      this.status.textContent = this.texts.loading;
      try {
        const [lines, found] = await Promise.all([
          this.outlines.known ? null : json(outlines),
          block ? JSON.parse(document.getElementById(block).textContent) : json(points),
        ]);
        if (lines && !this.refined) this.outlines.show(lines);
        this.show(found);
      } catch {
        const again = make("button", "", this.texts.again);
        again.type = "button";
        again.addEventListener("click", () => this.load());
        this.status.replaceChildren(make("span", "", this.texts.failed), " ", again);
      }
    }

    async refine() {
      if (this.refined || this.map.getZoom() < NEAR) return;
      this.refined = true;
      try {
        this.outlines.show(await json(this.element.dataset.near));
      } catch {
        this.refined = false; // What is there will do until one moves again.
      }
    }

    show({ points, more }) {
      const { kinds } = this.texts;
      this.marks.clearLayers();
      this.marks.addLayers(points.map((point) => new Point(point, kinds[point[2]] ?? point[2])));
      const there = L.latLngBounds(points.map(([latitude, longitude]) => [latitude / 1e6, longitude / 1e6]));
      if (points.length) this.map.fitBounds(there, { padding: [30, 30], maxZoom: NEAR_ENOUGH, animate: false });
      const shown = [...new Set(points.map((point) => point[2]))].sort();
      this.legend.replaceChildren(
        ...shown.map((kind) => {
          const entry = make("li", "");
          entry.append(shape(kind), kinds[kind] ?? kind);
          return entry;
        }),
      );
      const text = more ? this.texts.more : points.length ? this.texts.shown : this.texts.none;
      this.status.textContent = text.replace("{n}", number.format(points.length));
    }
  }

  // --- which elements

  const maps = new WeakMap();
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      maps.set(target, new WorldMap(target));
    }
  });
  const within = (element) => [...element.querySelectorAll(".map"), ...(element.matches(".map") ? [element] : [])];
  for (const element of within(document.body)) seen.observe(element);
  // Parts of a page come and go.
  document.body.addEventListener("htmx:load", ({ target }) => {
    for (const element of within(target)) if (!maps.has(element)) seen.observe(element);
  });
  document.body.addEventListener("htmx:beforeCleanupElement", ({ target }) => maps.get(target)?.forget());
})();
