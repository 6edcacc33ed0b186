// What `checks.py` asks of a page. Only reads: whatever is looked at stays as it is.

// Letters of a word that any column has room for.
const SHORT = 12;

function nameOf(element) {
  const text = (element.getAttribute("aria-label") || element.innerText || element.value || "").trim().slice(0, 40);
  const id = element.id ? `#${element.id}` : [...element.classList].map((each) => `.${each}`).join("");
  return `<${element.localName}${id}>${text ? ` "${text.replace(/\s+/g, " ")}"` : ""}`;
}

function shown(element) {
  return element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
}

// Text that only screen readers get is clipped to a point on purpose.
function forReadersOnly(element) {
  for (let each = element; each; each = each.parentElement) {
    const box = each.getBoundingClientRect();
    const style = getComputedStyle(each);
    const clips = style.overflow !== "visible" || style.clipPath !== "none" || style.clip !== "auto";
    if (clips && box.width <= 2 && box.height <= 2) return true;
    if (style.position === "absolute" && box.right < 0) return true;
  }
  return false;
}

// How a box is cut off, going up through all that holds it; empty where it can be seen, or scrolled to.
function cut(box, holder) {
  let { left, right, top, bottom } = box;
  for (let each = holder; each && each !== document.documentElement; each = each.parentElement) {
    if (each === document.body) break;
    const style = getComputedStyle(each);
    const edge = each.getBoundingClientRect();
    const hides = (overflow) => overflow === "hidden" || overflow === "clip";
    const scrolls = (overflow) => overflow === "auto" || overflow === "scroll";
    if (hides(style.overflowX) && (left < edge.left - 1 || right > edge.right + 1)) return `cut off by ${nameOf(each)}`;
    if (hides(style.overflowY) && (top < edge.top - 1 || bottom > edge.bottom + 1)) return `cut off by ${nameOf(each)}`;
    if (scrolls(style.overflowX)) ({ left, right } = edge);
    if (scrolls(style.overflowY)) ({ top, bottom } = edge);
    // It doesn't move with the page: what is beyond the window stays there.
    if (style.position === "fixed" && (top < -1 || bottom > innerHeight + 1)) return "fixed, and beyond the window";
  }
  return left < -1 || right > document.documentElement.clientWidth + 1 ? "beyond the edge of the window" : "";
}

// A long word may go on in the next line; a short one that does has been squeezed.
function broken(text) {
  const range = document.createRange();
  const hyphenated = getComputedStyle(text.parentElement).hyphens === "auto";
  for (const word of hyphenated ? [] : text.data.matchAll(/\S+/g)) {
    if (word[0].length > SHORT || /[-/\u00ad\u200b]/.test(word[0])) continue;
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 0);
    if (boxes.some((box) => box.top >= boxes[0].bottom)) return `broken within the word "${word[0]}"`;
  }
  return "";
}

function lost() {
  const root = document.documentElement;
  const found = root.scrollWidth > root.clientWidth ? [`the page is ${root.scrollWidth} px wide`] : [];
  const looked = (element) => !element.closest(".leaflet-container") && shown(element) && !forReadersOnly(element);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !looked(holder) || holder.closest("select, textarea")) continue;
    range.selectNodeContents(texts.currentNode);
    const how = [...range.getClientRects()].map((box) => cut(box, holder)).find(Boolean) || broken(texts.currentNode);
    if (how) found.push(`the text of ${nameOf(holder)} is ${how}`);
  }
  for (const element of document.querySelectorAll("input, select, textarea, button, img, svg, canvas, video, iframe")) {
    if (!looked(element)) continue;
    const how = cut(element.getBoundingClientRect(), element.parentElement);
    if (how) found.push(`${nameOf(element)} is ${how}`);
  }
  return found;
}

function seesFocus(element) {
  return [element, ...(element.labels || [])].some((each) => {
    const style = getComputedStyle(each);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    const clear = /rgba\(.*, 0\)|transparent/.test(style.outlineColor);
    return (outlined && !clear) || style.boxShadow !== "none";
  });
}

function isOnTop(element) {
  return [element, ...(element.labels || [])].some((each) =>
    [...each.getClientRects()].some((box) => {
      // Of what is higher than the window, the part in it.
      const across = Math.max(box.left, 0) + Math.min(box.right, innerWidth);
      const down = Math.max(box.top, 0) + Math.min(box.bottom, innerHeight);
      const top = document.elementFromPoint(across / 2, down / 2);
      return top && (each.contains(top) || top.contains(each));
    }),
  );
}

// Where the focus is now, and what is wrong with it there. Adds it to `seen`; the walk ends where it begins again. A date
// has several stops: what is within it is the browser's own.
function focused(seen) {
  const element = document.activeElement;
  const nowhere = !element || element === document.body || element === document.documentElement;
  const within = element === seen.at(-1);
  if (nowhere || (seen.includes(element) && !within)) return { end: true, name: nowhere ? "nowhere" : nameOf(element), fault: "" };
  if (!within) seen.push(element);
  const fault = within ? "" : !seesFocus(element) ? "doesn't show that it has the focus" : !isOnTop(element) ? "is hidden when it has the focus" : "";
  return { end: false, name: nameOf(element), fault };
}

// What can be used, but by what is no part of `seen`.
function leftOut(seen) {
  const usable = "a[href], button, input, select, textarea, summary, audio[controls], video[controls], [tabindex], [contenteditable=true]";
  // Arrow keys go on within these: Tab gets to one of each.
  const group = (element) => element.type === "radio" && element.name ? `${element.form?.id} ${element.name}` : element.closest("[role=grid], [role=listbox], [role=menu], [role=menubar], [role=radiogroup], [role=tablist], [role=toolbar], [role=tree]");
  const reached = new Set(seen.map(group).filter(Boolean));
  return [...document.querySelectorAll(usable)]
    .filter((element) => shown(element) && !element.matches(":disabled, [type=hidden], [inert] *"))
    .filter((element) => element.tabIndex >= 0 || !element.matches("[tabindex], [contenteditable]") || element.matches("a[href], button, input, select, textarea"))
    .filter((element) => !seen.includes(element) && !reached.has(group(element)))
    .map(nameOf);
}
