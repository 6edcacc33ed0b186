// What a desk is told of a pass where its node is out of reach: one of seven verdicts. Nothing is asked of anybody.
//
//   const shown = await judge(text, told, { venue: "desk", asOf, now, arrived: {} })
//   shown.verdict, shown.sentence
//
// - sentences: the translation of each template in `said`, as the page has it; without one, English
// - it is node/roaming/{passes,status,verdicts}.py over again, rule by rule and word by word; what it answers is what
//   /api/v1/desk/verify would: tests/browser/test_desk_page.py holds the two together
// - told: see node/roaming/offline.py; asOf: when it was told; arrived: when this device let the pass in, by its key;
//   all times in seconds since 1970
// - nothing that a pass says is believed before its signature holds
"use strict";

const judge = (() => {
  const LONGEST = 2048, MOST_VENUES = 8, MOST_DAYS = 31, DAY = 86_400, LARGEST_LIST = 1 << 20;
  const CLAIMS = "aud company days exp iat iss jti name nbf status venues visit";
  const URI = "bra:status_list/";
  const said = (template, values = {}) => ({ template, values });
  const NOT_A_PASS = said(
    "this is no pass, or it was changed: ask the guest to show it again, or call their organisation",
  );

  class Malformed extends Error {}

  function need(holds) {
    if (!holds) throw new Malformed();
  }

  // --- reading

  // The bytes of base64url without padding, in its one spelling.
  function bytes(text) {
    need(/^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1);
    const raw = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    need(btoa(String.fromCharCode(...raw)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") === text);
    return raw;
  }

  // The one spelling of a value (SPEC, "Canonical JSON").
  function canonical(value, depth) {
    if (typeof value === "string") {
      need(!/[\ud800-\udfff]/u.test(value));
      return JSON.stringify(value);
    }
    if (typeof value === "boolean") return String(value);
    if (typeof value === "number") {
      need(Number.isSafeInteger(value));
      return String(value);
    }
    need(value !== null && depth > 0);
    if (Array.isArray(value)) return `[${value.map((each) => canonical(each, depth - 1))}]`;
    const members = Object.keys(value).sort().map((key) => {
      need(/^[A-Za-z0-9_-]+$/.test(key));
      return `"${key}":${canonical(value[key], depth - 1)}`;
    });
    return `{${members}}`;
  }

  function decoded(part, depth) {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes(part));
    const value = JSON.parse(text);
    need(canonical(value, depth) === text);
    return value;
  }

  const hasOnly = (value, keys) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).sort().join(" ") === keys;
  const isId = (value) => typeof value === "string" && /^[a-z0-9_-]{1,64}$/.test(value);
  const isNode = (value) => typeof value === "string" && /^bra1[a-z2-7]{32}$/.test(value);
  const isNumber = (value) => Number.isSafeInteger(value) && value >= 0;

  function isLine(value, pattern) {
    return typeof value === "string" && [...value].length <= 200 && new RegExp(pattern, "u").test(value) &&
      value.normalize("NFC") === value && value.trim() === value;
  }

  // A day of the calendar as a number of days; NaN for what is none.
  function day(text) {
    if (typeof text !== "string" || !/^\d{4}-\d\d-\d\d$/.test(text) || text < "1971" || text >= "2200") return NaN;
    const at = Date.parse(`${text}T00:00:00Z`);
    return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text) ? at / 1000 / DAY : NaN;
  }

  const howMany = ([first, last]) => day(last) - day(first) + 1;

  function read(text, pattern) {
    need(text.length <= LONGEST && /^[\x00-\x7f]*$/.test(text));
    const parts = text.split(".");
    need(parts.length === 3);
    const header = decoded(parts[0], 2);
    need(hasOnly(header, "alg kid typ") && header.alg === "Ed25519" && header.typ === "bra-pass+jwt");
    need(typeof header.kid === "string" && /^pass-[1-9][0-9]{0,15}$/.test(header.kid));
    const signature = bytes(parts[2]);
    need(signature.length === 64);
    const said = decoded(parts[1], 4);
    need(hasOnly(said, CLAIMS) && isId(said.jti) && isNode(said.iss) && isNode(said.aud) && isId(said.visit));
    need(Array.isArray(said.venues) && said.venues.length >= 1 && said.venues.length <= MOST_VENUES);
    need(said.venues.every(isId) && new Set(said.venues).size === said.venues.length);
    need(isLine(said.name, pattern) && isLine(said.company, pattern));
    need(Array.isArray(said.days) && said.days.length === 2);
    need(howMany(said.days) >= 1 && howMany(said.days) <= MOST_DAYS);
    need(isNumber(said.iat) && isNumber(said.nbf) && isNumber(said.exp));
    need(hasOnly(said.status, "status_list") && hasOnly(said.status.status_list, "idx uri"));
    const { idx, uri } = said.status.status_list;
    need(typeof uri === "string" && uri.startsWith(URI) && isId(uri.slice(URI.length)) && isNumber(idx));
    need(said.exp > said.nbf && said.exp > said.iat);
    need(said.exp - said.nbf <= Math.max(72 * 3600, howMany(said.days) * DAY + 2 * 3600));
    const signed = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
    return { ...said, kid: header.kid, list: uri.slice(URI.length), place: idx, signed, signature };
  }

  async function isSigned(pass, key) {
    const imported = await crypto.subtle.importKey("raw", bytes(key), { name: "Ed25519" }, false, ["verify"]);
    return crypto.subtle.verify("Ed25519", imported, pass.signature, pass.signed);
  }

  // --- revocations

  // The bytes of a status list; it was read by the node before, so it has an end.
  async function unpacked(list) {
    const stream = new Blob([bytes(list)]).stream().pipeThrough(new DecompressionStream("deflate"));
    const data = new Uint8Array(await new Response(stream).arrayBuffer());
    need(data.length <= LARGEST_LIST);
    return data;
  }

  async function isRevoked([bits, list], place) {
    const data = await unpacked(list), at = Math.floor((place * bits) / 8);
    return at >= data.length || Boolean((data[at] >> ((place * bits) % 8)) & ((1 << bits) - 1));
  }

  // --- the verdict

  function local(seconds, zone) {
    const parts = new Intl.DateTimeFormat("en", {
      timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    }).formatToParts(seconds * 1000);
    const at = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
    return { day: `${at.year}-${at.month}-${at.day}`, clock: `${at.hour}:${at.minute}` };
  }

  function age(issuer, list, now, told) {
    const who = { issuer: issuer.name };
    if (!list) {
      return said(
        "which passes {issuer} has revoked isn't known here: call {issuer}, and see that this node is connected",
        who,
      );
    }
    if (!(issuer.fresh_until > now && issuer.heard >= now - told.stale_seconds)) {
      return said(
        "nothing was heard from {issuer} for too long to know of revocations: call {issuer}, and see that this node is connected",
        who,
      );
    }
    if (list[2] <= now) {
      return said(
        "the list of passes that {issuer} has revoked is too old: call {issuer}, and see that this node is connected",
        who,
      );
    }
    return null;
  }

  async function judged(pass, issuer, place, arrived, list, now, told) {
    if (list && (await isRevoked(list, pass.place))) {
      return ["REVOKED", said("{issuer} has revoked this pass: call them", { issuer: issuer.name })];
    }
    if (pass.aud !== told.host || !pass.venues.includes(place.id)) {
      return ["NOT THIS VENUE", said(
        "this pass is not for {place}: ask the guest where they are expected",
        { place: place.name },
      )];
    }
    const today = local(now, place.zone).day, [first, last] = pass.days;
    if (now >= pass.exp || today > last) {
      return ["EXPIRED", said("this pass ended on {day}: ask for a new one", { day: last })];
    }
    if (pass.iat > now + told.leeway) {
      return ["NOT YET", said("this pass was issued in the future: check this machine's clock, then call its issuer")];
    }
    if (now < pass.nbf || today < first) return ["NOT YET", said("this pass begins on {day}", { day: first })];
    const once = arrived.length && first === last;
    const then = once ? local(arrived[0], place.zone).clock : "";
    if (once && told.replay === "refuse") {
      return ["EXPIRED", said("this pass of one day was used here at {time}: ask who came then", { time: then })];
    }
    const old = age(issuer, list, now, told);
    if (old) return ["STALE", old];
    const { name, company } = pass;
    if (once) {
      const shownBefore = { name, company, time: then };
      return ["OK", said("{name} of {company} is welcome; this pass was shown here at {time}, too", shownBefore)];
    }
    return ["OK", said("{name} of {company} is welcome", { name, company })];
  }

  // Why the bearer of a good pass is not expected at the place today, if that is so.
  function unexpected(pass, issuer, place, visit, now, told) {
    if (!visit) {
      if (pass.iss === told.host || howMany(pass.days) <= place.unasked_days) return null;
      const names = { place: place.name, issuer: issuer.name };
      if (!place.unasked_days) {
        return ["NOT THIS VENUE", said(
          "{place} takes nobody who has not asked before: call {issuer}, and have them ask for a visit",
          names,
        )];
      }
      const most = place.unasked_days === 1 ? said("1 day") : said("{number} days", { number: place.unasked_days });
      return ["NOT THIS VENUE", said(
        "{place} takes guests who have not asked for {most} at most: call {issuer}, and have them ask for a visit",
        { ...names, most },
      )];
    }
    const [state, venue, first, last] = visit, today = local(now, place.zone).day;
    if (!told.expected.includes(state)) {
      return ["REVOKED", said("this visit is {state} here: ask who expects them", { state: said(state) })];
    }
    if (venue !== place.id) {
      return ["NOT THIS VENUE", said(
        "this visit is not to {place}: ask the guest where they are expected",
        { place: place.name },
      )];
    }
    if (today > last) return ["EXPIRED", said(
      "this visit was agreed until {day}: ask who expects them",
      { day: last },
    )];
    if (today < first) return ["NOT YET", said("this visit was agreed from {day} on", { day: first })];
    return null;
  }

  const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);
  const moment = (seconds) => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");

  // An issuer as of now. The node's own word is as old as what was told.
  function known(id, told, asOf, now) {
    const said = own(told.issuers, id);
    if (!said) return null;
    const issuer = id === told.host ? { ...said, heard: asOf, fresh_until: Infinity } : said;
    return { ...issuer, phone: issuer.fresh_until > now ? issuer.phone ?? "" : "" };
  }

  // A sentence with its values, which may be sentences themselves. No value is a template.
  function spoken({ template, values }, sentences) {
    return (own(sentences, template) ?? template).replace(/\{(\w+)\}/g, (place, name) => {
      const value = own(values, name) ?? place;
      return typeof value === "object" ? spoken(value, sentences) : value;
    });
  }

  function shown(verdict, sentence, place, { id, issuer, pass, arrived = [] } = {}) {
    const answer = { verdict, sentence, venue: { id: place.id, name: place.name }, arrived: arrived.map(moment) };
    if (issuer) answer.issuer = { node_id: id, organisation: issuer.name, phone: issuer.phone };
    if (issuer?.heard !== undefined) answer.revocations_as_of = moment(issuer.heard);
    if (pass) {
      const { jti, name, company, days, visit } = pass;
      answer.pass = { id: jti, name, company, days, visit };
    }
    return answer;
  }

  async function judge(text, told, { venue, asOf, now, arrived = {}, sentences = {} }) {
    const answer = await verdictOn(text, told, { venue, asOf, now, arrived });
    return { ...answer, sentence: spoken(answer.sentence, sentences) };
  }

  async function verdictOn(text, told, { venue, asOf, now, arrived }) {
    const place = { id: venue, ...own(told.venues, venue) };
    let pass;
    try {
      pass = read(text.trim(), told.name);
    } catch {
      return shown("UNKNOWN ISSUER", NOT_A_PASS, place);
    }
    const id = pass.iss, issuer = known(id, told, asOf, now);
    if (!issuer) return shown("UNKNOWN ISSUER", said(
      "nobody here knows who issued this: call a partner who may",
    ), place);
    if (issuer.refused) return shown("UNKNOWN ISSUER", said(issuer.refused, { name: issuer.name }), place, { id, issuer });
    const key = own(issuer.keys, pass.kid);
    if (!key) {
      const sentence = said(
        "{issuer} has replaced the key of this pass: ask the guest for the new one",
        { issuer: issuer.name },
      );
      return shown("UNKNOWN ISSUER", sentence, place, { id, issuer });
    }
    if (!(await isSigned(pass, key))) return shown("UNKNOWN ISSUER", NOT_A_PASS, place);
    const named = `${id}/${pass.jti}/${venue}`;
    const times = [...(own(told.arrivals, named) ?? []), ...(own(arrived, named) ?? [])].sort((a, b) => a - b);
    const list = own(issuer.lists, pass.list);
    let [verdict, sentence] = await judged(pass, issuer, place, times, list, now, told);
    const visit = own(told.visits, `${id}/${pass.visit}`);
    if (verdict === "OK") [verdict, sentence] = unexpected(pass, issuer, place, visit, now, told) ?? [verdict, sentence];
    return shown(verdict, sentence, place, { id, issuer, pass, arrived: times });
  }

  return judge;
})();
