#ifndef PALMIER_PREFETCH_H
#define PALMIER_PREFETCH_H

/// Asks the processor to fetch a cache line that will soon be changed. Swift has no word for it. A hint: any address will do.
static inline void prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

#endif
