// DNS SRV records by the C library's resolver. Its answers are read by macros and by structures with unions, which Swift
// does not import.
#pragma once

#include <netinet/in.h>

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>

struct cresolv_service {
    unsigned priority, weight, port;
    char target[NS_MAXDNAME];
};

enum { cresolv_none = -1, cresolv_unanswered = -2, cresolv_malformed = -3 };

// Fills at most `max` services; returns how many, or one of the numbers above. Takes 12 s at most.
static inline int cresolv_services(const char *name, struct cresolv_service *services, int max) {
    struct __res_state state;
    unsigned char answer[16384];
    ns_msg message;
    ns_rr record;
    int length, count = 0;

    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return cresolv_unanswered;
    state.retrans = 2;
    state.retry = 2;
    length = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, sizeof answer);
    int error = state.res_h_errno;
    res_nclose(&state);
    if (length < 0) return error == HOST_NOT_FOUND || error == NO_DATA ? cresolv_none : cresolv_unanswered;
    if (length > (int)sizeof answer) length = sizeof answer;
    if (ns_initparse(answer, length, &message) != 0) return cresolv_malformed;
    for (int index = 0; index < ns_msg_count(message, ns_s_an) && count < max; index++) {
        if (ns_parserr(&message, ns_s_an, index, &record) != 0) return cresolv_malformed;
        if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7) continue;
        const unsigned char *data = ns_rr_rdata(record);
        struct cresolv_service *service = &services[count];
        service->priority = ns_get16(data);
        service->weight = ns_get16(data + 2);
        service->port = ns_get16(data + 4);
        if (dn_expand(answer, answer + length, data + 6, service->target, sizeof service->target) < 0)
            return cresolv_malformed;
        count++;
    }
    return count;
}
