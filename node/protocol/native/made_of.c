/* SHA-256 of all sources, one behind the other by name: __init__.py takes no library that was made of others. */

#ifndef MADE_OF
#define MADE_OF ""
#endif

const char made_of[65] = MADE_OF;
