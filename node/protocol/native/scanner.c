/* Finds the members of a record in a line {"put":{...}}, and that it is canonical JSON: see ../scanner.py.

   Rules:

   - a line is called plain only if `Record.parse` would take it; what this isn't sure of, it leaves to that
   - nothing is allocated but by OpenSSL, nothing is written but `found`, and no byte behind a line's end is read: no
     state goes on at a newline or a zero, and every byte is looked at before the one after it
   - a function returns the place behind what it has read, or NULL where that isn't plain */

#include <stdint.h>
#include <string.h>

#include "sha256.h"

typedef const unsigned char *place;

typedef struct {
    place begin, end;
} span;

#define LARGEST_INTEGER 9007199254740991 /* 2^53 - 1 */
#define DIGITS 16                        /* of the largest integer */
#define LARGEST_RECORD 65536             /* names.LARGEST_RECORD, bytes */
#define DEEPEST 30                       /* canonical.DEEPEST without the line's own level and the record's */
#define FIRST "{\"put\":{"
#define PUT (sizeof FIRST - 2) /* bytes before the record */

/* What is found of one line, as scanner.py unpacks it. Places are counted from the line's begin. */
typedef struct {
    int64_t visibility; /* of VISIBILITIES, from 1; 0: the line isn't plain, and the rest says nothing */
    int64_t seq;
    int64_t kind, kind_end;
    int64_t id, id_end;
    int64_t expires; /* times have 20 bytes; 0: never */
    unsigned char key[HASH], value[HASH];
} record;

/* The last kind that was met, and the byte with which its keys begin: most records are of the kind of the one before. */
typedef struct {
    span name;
    unsigned char first;
} met;

static const char *const VISIBILITIES[] = {"public", "members", "partners"};

static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

static bool is_small(unsigned char c) { return c >= 'a' && c <= 'z'; }

static bool is_of_name(unsigned char c) { return is_small(c) || is_digit(c) || c == '_' || c == '-'; }

static bool is_of_key(unsigned char c) { return is_of_name(c) || (c >= 'A' && c <= 'Z'); }

static bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

static size_t length(span text) { return (size_t)(text.end - text.begin); }

static bool says(span text, const char *word) {
    return length(text) == strlen(word) && memcmp(text.begin, word, length(text)) == 0;
}

static bool consists_of(span text, bool (*allowed)(unsigned char)) {
    for (place at = text.begin; at < text.end; at++)
        if (!allowed(*at)) return false;
    return true;
}

/* One character beyond ASCII (RFC 3629): in its shortest form, and no surrogate. */
static place letter(place at) {
    unsigned char lowest = 0x80, highest = 0xBF;
    int following;
    if (*at >= 0xC2 && *at <= 0xDF) {
        following = 1;
    } else if (*at >= 0xE0 && *at <= 0xEF) {
        following = 2;
        if (*at == 0xE0) lowest = 0xA0;
        if (*at == 0xED) highest = 0x9F;
    } else if (*at >= 0xF0 && *at <= 0xF4) {
        following = 3;
        if (*at == 0xF0) lowest = 0x90;
        if (*at == 0xF4) highest = 0x8F;
    } else {
        return NULL;
    }
    at++;
    if (*at < lowest || *at > highest) return NULL;
    while (--following) {
        at++;
        if (*at < 0x80 || *at > 0xBF) return NULL;
    }
    return at + 1;
}

/* A string, without what only \u can spell. */
static place string(place at, span *text) {
    if (*at++ != '"') return NULL;
    text->begin = at;
    while (*at != '"') {
        if (is_plain(*at)) {
            at++;
        } else if (*at == '\\') {
            at++;
            if (*at == 0 || strchr("\"\\bfnrt", *at) == NULL) return NULL;
            at++;
        } else if ((at = letter(at)) == NULL) {
            return NULL;
        }
    }
    text->end = at;
    return at + 1;
}

static place integer(place at, int64_t *number) {
    int64_t sum = 0;
    bool negative = *at == '-';
    if (negative) at++;
    place first = at;
    if (*at == '0') {
        *number = 0;
        return negative ? NULL : at + 1; /* a digit behind it ends no member */
    }
    while (is_digit(*at)) {
        if (at - first == DIGITS) return NULL;
        sum = sum * 10 + (*at++ - '0');
    }
    if (at == first || sum > LARGEST_INTEGER) return NULL;
    *number = negative ? -sum : sum;
    return at;
}

static place word(place at, const char *expected) {
    while (*expected)
        if (*at++ != (unsigned char)*expected++) return NULL;
    return at;
}

/* The key of a member, which sorts behind `key`, and its colon. */
static place member(place at, span *key) {
    span before = *key;
    if (*at++ != '"') return NULL;
    key->begin = at;
    while (is_of_key(*at)) at++;
    key->end = at;
    if (at == key->begin || *at++ != '"' || *at++ != ':') return NULL;
    size_t shared = length(before) < length(*key) ? length(before) : length(*key);
    int order = shared ? memcmp(before.begin, key->begin, shared) : 0;
    return order < 0 || (order == 0 && length(before) < length(*key)) ? at : NULL;
}

static place value(place at, int depth);

static place object(place at, int depth) {
    span key = {at, at};
    if (*at == '}') return at + 1;
    for (;;) {
        if ((at = member(at, &key)) == NULL || (at = value(at, depth)) == NULL) return NULL;
        if (*at == '}') return at + 1;
        if (*at++ != ',') return NULL;
    }
}

static place array(place at, int depth) {
    if (*at == ']') return at + 1;
    for (;;) {
        if ((at = value(at, depth)) == NULL) return NULL;
        if (*at == ']') return at + 1;
        if (*at++ != ',') return NULL;
    }
}

/* Any value; `depth`: levels that are left. */
static place value(place at, int depth) {
    span text;
    int64_t number;
    switch (*at) {
    case '"': return string(at, &text);
    case '{': return depth ? object(at + 1, depth - 1) : NULL;
    case '[': return depth ? array(at + 1, depth - 1) : NULL;
    case 't': return word(at, "true");
    case 'f': return word(at, "false");
    default: return integer(at, &number);
    }
}

static bool is_name(span text) { return length(text) >= 1 && length(text) <= 64 && consists_of(text, is_of_name); }

/* 16 bytes as base64url: the last of 22 characters has two bits. */
static bool is_salt(span text) {
    return length(text) == 22 && consists_of(text, is_of_key) && strchr("AQgw", text.end[-1]) != NULL;
}

static int two_digits(place at) { return (at[0] - '0') * 10 + (at[1] - '0'); }

/* A moment of the calendar, spelled like 2026-11-21T12:00:00Z. */
static bool is_time(span text) {
    static const char form[] = "0000-00-00T00:00:00Z";
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (length(text) != sizeof form - 1) return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? !is_digit(text.begin[i]) : text.begin[i] != (unsigned char)form[i]) return false;
    place at = text.begin;
    int year = two_digits(at) * 100 + two_digits(at + 2), month = two_digits(at + 5), day = two_digits(at + 8);
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + leap && two_digits(at + 11) < 24 && two_digits(at + 14) < 60 &&
           two_digits(at + 17) < 60;
}

static int64_t visibility(span text) {
    for (size_t i = 0; i < sizeof VISIBILITIES / sizeof *VISIBILITIES; i++)
        if (says(text, VISIBILITIES[i])) return (int64_t)i + 1;
    return 0;
}

/* The value of one member of a record. What is required is counted in `required`. */
static place record_member(place at, span key, place line, span author, record *found, int *required) {
    span text;
    if (says(key, "seq")) {
        ++*required;
        return (at = integer(at, &found->seq)) != NULL && found->seq > 0 ? at : NULL;
    }
    if (says(key, "body")) {
        ++*required;
        return *at == '{' ? value(at, DEEPEST) : NULL;
    }
    bool is_author = says(key, "author"), is_id = says(key, "id"), is_kind = says(key, "kind");
    bool is_type = says(key, "type"), is_updated = says(key, "updated"), is_visibility = says(key, "visibility");
    bool salt = says(key, "salt"), expires = says(key, "expires"), checked = says(key, "checked");
    bool needed = is_author || is_id || is_kind || is_type || is_updated || is_visibility || salt;
    if (!needed && !expires && !checked && !says(key, "licence")) return value(at, DEEPEST);
    if ((at = string(at, &text)) == NULL) return NULL;
    *required += needed;
    if (is_author && (length(text) != length(author) || memcmp(text.begin, author.begin, length(author)) != 0))
        return NULL;
    if ((is_id || is_kind) && !is_name(text)) return NULL;
    if (is_type && !says(text, "record")) return NULL;
    if ((is_updated || expires || checked) && !is_time(text)) return NULL;
    if (salt && !is_salt(text)) return NULL;
    if (is_visibility && (found->visibility = visibility(text)) == 0) return NULL;
    if (is_kind) found->kind = text.begin - line, found->kind_end = text.end - line;
    if (is_id) found->id = text.begin - line, found->id_end = text.end - line;
    if (expires) found->expires = text.begin - line;
    return at;
}

static bool scan_line(place line, size_t size, span author, record *found) {
    enum { REQUIRED = 9 };
    int required = 0;
    if (size > PUT + LARGEST_RECORD + 1) return false; /* one byte behind the record */
    place at = word(line, FIRST);
    if (at == NULL) return false;
    span key = {at, at};
    do {
        if ((at = member(at, &key)) == NULL) return false;
        if ((at = record_member(at, key, line, author, found, &required)) == NULL) return false;
    } while (*at++ == ',');
    return at[-1] == '}' && at[0] == '}' && at + 1 == line + size && required == REQUIRED;
}

/* A record's place in the tree, and its hash (SPEC, "The tree"). */
static bool set_hashes(hasher *with, place line, size_t size, met *kind, record *found) {
    span name = {line + found->kind, line + found->kind_end}, id = {line + found->id, line + found->id_end};
    unsigned char told[64 + 1 + 64], digest[HASH]; /* what is_name lets through */
    memcpy(told, name.begin, length(name));
    if (kind->name.begin == NULL || length(name) != length(kind->name) ||
        memcmp(name.begin, kind->name.begin, length(name)) != 0) {
        if (!hash(with, told, length(name), digest)) return false;
        kind->name = name;
        kind->first = digest[0];
    }
    told[length(name)] = 0;
    memcpy(told + length(name) + 1, id.begin, length(id));
    if (!hash(with, told, length(name) + 1 + length(id), digest)) return false;
    found->key[0] = kind->first;
    memcpy(found->key + 1, digest, HASH - 1);
    return hash(with, line + PUT, size - PUT - 1, found->value);
}

/* Looks at `count` lines, each of sizes[i] bytes and a newline behind them (the last one may have a zero), for records
   of one author (a node id). */
void scan(const openssl *library, const char *lines, const uint64_t *sizes, size_t count, const char *author,
          record *found) {
    span of = {(place)author, (place)author + strlen(author)};
    hasher with = new_hasher(library);
    met kind = {{NULL, NULL}, 0};
    place line = (place)lines;
    for (size_t i = 0; i < count; line += sizes[i] + 1, i++) {
        record one = {0};
        bool plain = scan_line(line, sizes[i], of, &one) && set_hashes(&with, line, sizes[i], &kind, &one);
        if (!plain) one.visibility = 0;
        found[i] = one;
    }
    free_hasher(&with);
}
