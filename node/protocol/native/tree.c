/* The root of a set's prefix tree: see ../tree.py. */

#include <stdint.h>
#include <string.h>

#include "sha256.h"

#define DEEPEST 64 /* tree.DEEPEST: no branch is below so many bits */

typedef struct {
    unsigned char key[HASH], value[HASH];
} leaf;

static const unsigned char EMPTY[HASH] = {0};

static uint64_t first_bits(const leaf *of) {
    uint64_t bits = 0;
    for (int i = 0; i < DEEPEST / 8; i++) bits = bits << 8 | of->key[i];
    return bits;
}

static bool bit(uint64_t bits, int depth) { return bits >> (DEEPEST - 1 - depth) & 1; }

enum { LEAF = 0, BRANCH = 1 };

/* The hash of a leaf's key and value, or of what a branch has left and right. */
static bool node(hasher *with, unsigned char sort, const unsigned char left[HASH], const unsigned char right[HASH],
                 unsigned char found[HASH]) {
    unsigned char told[1 + 2 * HASH] = {sort};
    memcpy(told + 1, left, HASH);
    memcpy(told + 1 + HASH, right, HASH);
    return hash(with, told, sizeof told, found);
}

/* The subtree of `count` leaves, at least one, that are sorted and equal in their first `depth` bits. */
static bool subtree(hasher *with, const leaf *leaves, size_t count, int depth, unsigned char found[HASH]) {
    if (count == 1) return node(with, LEAF, leaves->key, leaves->value, found);
    uint64_t first = first_bits(leaves), differing = first ^ first_bits(leaves + count - 1);
    int parting = depth;
    while (parting < DEEPEST && !bit(differing, parting)) parting++;
    if (parting == DEEPEST) return false;
    size_t begin = 0, end = count - 1; /* the first leaf whose bit is set is behind `begin`, and at `end` or before */
    while (end - begin > 1) {
        size_t middle = begin + (end - begin) / 2;
        if (bit(first_bits(leaves + middle), parting))
            end = middle;
        else
            begin = middle;
    }
    unsigned char left[HASH], right[HASH];
    if (!subtree(with, leaves, end, parting + 1, left) ||
        !subtree(with, leaves + end, count - end, parting + 1, right) ||
        !node(with, BRANCH, left, right, found))
        return false;
    while (parting-- > depth) {
        bool is_right = bit(first, parting);
        if (!node(with, BRANCH, is_right ? EMPTY : found, is_right ? found : EMPTY, found)) return false;
    }
    return true;
}

/* Finds the root of `count` leaves, at least one: 64 bytes each, sorted by their keys, no key twice. 0 where the tree is
   deeper than 64, or OpenSSL refuses. */
int root(const openssl *library, const leaf *leaves, size_t count, unsigned char found[HASH]) {
    hasher with = new_hasher(library);
    bool done = subtree(&with, leaves, count, 0, found);
    free_hasher(&with);
    return done;
}
