/* SHA-256 by the OpenSSL that Python's hashlib uses. Its functions are handed in (see __init__.py): nothing is linked,
   and nothing but a C compiler is needed to build this. */

#ifndef SHA256_H
#define SHA256_H

#include <stdbool.h>
#include <stddef.h>

#define HASH 32 /* bytes */

/* Of openssl/evp.h, in this order: EVP_MD_CTX_new, EVP_MD_CTX_free, EVP_sha256, EVP_DigestInit_ex, EVP_DigestUpdate,
   EVP_DigestFinal_ex. */
typedef struct {
    void *(*new_context)(void);
    void (*free_context)(void *context);
    const void *(*sha256)(void);
    int (*begin)(void *context, const void *type, void *engine);
    int (*add)(void *context, const void *data, size_t size);
    int (*end)(void *context, unsigned char *hash, unsigned int *size);
} openssl;

typedef struct {
    const openssl *library;
    void *context; /* NULL: there is none, and every hash fails */
} hasher;

static inline hasher new_hasher(const openssl *library) {
    hasher made = {library, library->new_context()};
    if (made.context && library->begin(made.context, library->sha256(), NULL) != 1) {
        library->free_context(made.context);
        made.context = NULL;
    }
    return made;
}

static inline void free_hasher(hasher *ended) {
    if (ended->context) ended->library->free_context(ended->context);
}

/* Finds the hash of `size` bytes; false where OpenSSL refuses. */
static inline bool hash(hasher *with, const void *data, size_t size, unsigned char found[HASH]) {
    const openssl *library = with->library;
    void *context = with->context;
    return context && library->begin(context, NULL, NULL) == 1 && library->add(context, data, size) == 1 &&
           library->end(context, found, NULL) == 1;
}

#endif
