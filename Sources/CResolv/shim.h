// Questions to DNS by the C library's resolver, and the records of an answer. Both are made of macros and of structures
// with unions, which Swift does not import.
#pragma once

#include <netinet/in.h>

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>

// Of the data of a record only what its type has: `target` of PTR and SRV, the numbers of SRV, the bytes of all others.
struct cresolv_record {
    unsigned type, priority, weight, port;
    char name[NS_MAXDNAME], target[NS_MAXDNAME];
    const unsigned char *data;
    unsigned length;
};

enum { cresolv_none = -1, cresolv_unanswered = -2, cresolv_malformed = -3 };

// Asks the configured name servers; returns the length of the answer, or one of the numbers above. Takes 12 s at most.
static inline int cresolv_ask(const char *name, int type, unsigned char *answer, int max) {
    struct __res_state state;
    int length;

    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return cresolv_unanswered;
    state.retrans = 2;
    state.retry = 2;
    length = res_nquery(&state, name, ns_c_in, type, answer, max);
    int error = state.res_h_errno;
    res_nclose(&state);
    if (length < 0) return error == HOST_NOT_FOUND || error == NO_DATA ? cresolv_none : cresolv_unanswered;
    return length > max ? max : length;
}

// Reads at most `max` records, answers before additional ones; returns how many, or `cresolv_malformed`. Names are as
// people write them, special characters escaped. `data` points into the answer.
static inline int cresolv_records(const unsigned char *answer, int length, struct cresolv_record *records, int max) {
    static const ns_sect sections[] = {ns_s_an, ns_s_ar};
    ns_msg message;
    ns_rr found;
    int count = 0;

    if (ns_initparse(answer, length, &message) != 0) return cresolv_malformed;
    for (int section = 0; section < 2; section++) {
        for (int index = 0; index < ns_msg_count(message, sections[section]) && count < max; index++) {
            if (ns_parserr(&message, sections[section], index, &found) != 0) return cresolv_malformed;
            struct cresolv_record *record = &records[count++];
            const unsigned char *data = ns_rr_rdata(found), *target = 0;
            memset(record, 0, sizeof *record);
            record->type = ns_rr_type(found);
            record->data = data;
            record->length = ns_rr_rdlen(found);
            strcpy(record->name, ns_rr_name(found));
            if (record->type == ns_t_srv) {
                if (record->length < 7) return cresolv_malformed;
                record->priority = ns_get16(data);
                record->weight = ns_get16(data + 2);
                record->port = ns_get16(data + 4);
                target = data + 6;
            } else if (record->type == ns_t_ptr) {
                target = data;
            }
            if (target && dn_expand(answer, answer + length, target, record->target, sizeof record->target) < 0)
                return cresolv_malformed;
        }
    }
    return count;
}
