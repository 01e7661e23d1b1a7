#ifndef PALMIER_AVAHI_CLIENT_LIBRARY_H
#define PALMIER_AVAHI_CLIENT_LIBRARY_H

// libavahi-client, opened when it is first needed instead of linked.
//
// libavahi-core and libavahi-client (0.8) both export `avahi_entry_group_free`, with different parameters, and both call
// it through the dynamic linker. In a process that links both, one library calls the other's function and crashes.
// RTLD_DEEPBIND makes libavahi-client find its own first. Besides, a host without D-Bus then needs neither library.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stddef.h>

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>

#define PALMIER_AVAHI_CLIENT_FUNCTIONS(X) \
    X(client_new) \
    X(client_free) \
    X(client_errno) \
    X(client_get_state) \
    X(client_get_host_name_fqdn) \
    X(entry_group_new) \
    X(entry_group_free) \
    X(entry_group_commit) \
    X(entry_group_add_record) \
    X(entry_group_update_service_txt_strlst) \
    X(service_browser_free) \
    X(service_browser_new) \
    X(service_resolver_new) \
    X(service_resolver_free) \
    X(record_browser_new) \
    X(record_browser_free)

/// The functions of libavahi-client that are used, without their prefix.
typedef struct PalmierAvahiClient {
#define X(name) __typeof__(avahi_##name) *_Nonnull name;
    PALMIER_AVAHI_CLIENT_FUNCTIONS(X)
#undef X
} PalmierAvahiClient;

/// Fills `library`. Returns NULL, or what is wrong, in text of the dynamic linker that is valid until its next call.
static inline const char *_Nullable palmier_avahi_client_load(PalmierAvahiClient *_Nonnull library) {
    void *handle = dlopen("libavahi-client.so.3", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (!handle) return dlerror();
    void *symbol;
#define X(name) \
    if (!(symbol = dlsym(handle, "avahi_" #name))) return dlerror(); \
    library->name = (__typeof__(avahi_##name) *)symbol;
    PALMIER_AVAHI_CLIENT_FUNCTIONS(X)
#undef X
    return NULL;
}

#endif
