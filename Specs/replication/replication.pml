/* Replication of a ledger: Viewstamped Replication Revisited on disk, with one reconfiguration and damaged entries
 * (I3, I4 of Specs/design.md).
 *
 * Three replicas hold a log of at most OPS entries; with VIEWS1 a fourth waits to take the place of one of them. A view
 * is (epoch, number); its primary is a member of the epoch's configuration, in turn.
 *
 *   prepare(w, n)    primary -> members   entry n of view w's log; sent before it is on the primary's own disk
 *   ack(w, n)        member -> primary    all entries up to n of view w's log are on my disk
 *   commit(w, n)     primary -> members   a quorum has acknowledged n
 *   vote(w)          member -> primary    my log, and the last view whose log it was (lastNormal); sent once a quorum
 *                                         wishes for w and w is on disk: afterwards nothing is said in an older view
 *   start(w)         primary -> members   the log with which view w begins: the best of a quorum's votes
 *   epoch            anyone -> anyone     the reconfiguration is committed, with the log up to it: view (1, 0) is on
 *
 * A reconfiguration is the last entry of epoch 0 and is committed by a quorum of epoch 0. A member of epoch 1
 * acknowledges and votes only with every entry of epoch 0. A replica that is no member any more keeps its data, and
 * hands it out, until a quorum of epoch 1 has it. A member is a peer with its store: a lost disk is a lost member.
 *
 * Messages are facts that are not removed while someone may read them: one that is read late is late, one that is
 * read twice is repeated, one that is never read is lost. All prepares and the start of a view are one fact, its
 * growing log. Being down is not acting for a while. A restart loses what is not on disk: the tail that a primary has
 * sent and not yet written.
 *
 * Wishes for a view are not kept: any two members may wish at any time. A member that knows of no epoch 1 does not wish
 * for its views.
 *
 * I4: at any moment faults may stop for good (`calm`). All that was on its way is lost; then those who live exchange
 * what they have, and change views where a quorum wishes for it. In the end a primary must stand with a quorum behind
 * it, with its whole log committed and every committed entry in it. That is tried from every state, on the side, in
 * one fair order of steps, not in all.
 *
 * Each seeded mistake below (-DNAME) must be found, by the invariant that `cases` names; Specs/check sees to it.
 * Sources: VRR (MIT-CSAIL-TR-2012-021); Protocol-Aware Recovery (FAST 2018) for damaged entries.
 */
#ifndef OPS
#define OPS 2           /* entries of a log, at most 3 */
#endif
#ifndef VIEWS0
#define VIEWS0 3        /* views of epoch 0 while faults last */
#endif
#ifndef VIEWS1
#define VIEWS1 0        /* views of epoch 1 while faults last; 0: no reconfiguration */
#endif
#ifndef CRASHES
#define CRASHES 1       /* restarts that lose something */
#endif
#ifndef LOSSES
#define LOSSES 1        /* disks lost for good: as many as a group of three bears */
#endif
#ifndef DAMAGES
#define DAMAGES 0       /* entries that become unreadable on one disk, found at its restart */
#endif

#if VIEWS1
#define N 4
#else
#define N 3
#endif
#define SPARE 3
#define Q 2             /* of three, in either epoch, to commit and to change views */
#define NACKS 2         /* 3 - Q + 1: so many never had it, so no quorum acknowledged it */

/* Views (0, 0), (0, 1), ..., (1, 0), (1, 1), ...; what a replica may be instead of being in one of them. */
#define W (VIEWS0 + VIEWS1)
#if W > 5
#error "VIEWS0 + VIEWS1 is at most 5"
#endif
#define FIRST1 VIEWS0
#define REMOVED 13
#define LEARNING 14
#define GONE 15

/* A log: four bits for each entry, the first one lowest. An entry is known by the view in which it was made. */
#define LEN(l) ((l) == 0 -> 0 : ((l) < 16 -> 1 : ((l) < 256 -> 2 : 3)))
#define AT(l, n) (((l) >> (4 * (n) - 4)) & 15)
#define UP_TO(l, n) ((l) & ((1 << (4 * (n))) - 1))
#define MADE_IN(e) (((e) - 1) & 7)
#ifdef GOES_ON
#define REQUEST(w) (1 + (w) + 4 * crashes)
#else
#define REQUEST(w) (1 + (w))
#endif
#define RECONFIGURATION(w) (9 + (w))
#define PLACE(l) (AT(l, 1) > 8 -> 1 : (AT(l, 2) > 8 -> 2 : (AT(l, 3) > 8 -> 3 : 0)))
#define PROPOSER(l) ((AT(l, PLACE(l)) - 9) % 3)

/* The configuration that proposer p of epoch 0 asks for: one of the three gives way to the spare. */
#ifdef LEAVE            /* variant: it is p that gives way, and the spare comes first */
#define LEAVER(p) (p)
#define MEMBER(p, i) ((i) % 3 == 0 -> SPARE : ((p) + (i) % 3) % 3)
#else
#define LEAVER(p) (((p) + 2) % 3)
#define MEMBER(p, i) ((i) % 3 == 2 -> SPARE : ((p) + (i) % 3) % 3)
#endif

/* On the disk of each replica; `damaged`: bit n - 1 for entry n, of which only the header can be read. */
byte view[N], lastNormal[N];
short log[N];
#if DAMAGES
byte damaged[N];
#endif
#ifdef VOTE_UNSAVED
byte saved[N];
#endif
byte crashes, losses, damages;

/* The network. Of a view: its log, two bits of each replica's acks, what is committed. A vote: log, lastNormal + 1. */
bool begun[W];
short viewLog[W];
byte acks[W], committed[W];
short vote[W * N];
short epoch;            /* the log up to the committed reconfiguration */

#define ACK(w, r) ((acks[w] >> (2 * (r))) & 3)
#define VOTE(w, r) ((w) * N + (r))
#if N == 4
#define ACKED(w, n) ((ACK(w, 0) >= (n)) + (ACK(w, 1) >= (n)) + (ACK(w, 2) >= (n)) + (ACK(w, 3) >= (n)))
#else
#define ACKED(w, n) ((ACK(w, 0) >= (n)) + (ACK(w, 1) >= (n)) + (ACK(w, 2) >= (n)))
#endif
#if DAMAGES
#define INTACT(r) (damaged[r] == 0)
#else
#define INTACT(r) 1
#endif

#ifdef EARLY_EPOCH      /* mistake: a reconfiguration counts as soon as it is in the log, committed or not */
#define CONFIGURATION(r) PROPOSER(log[r])
#else
#define CONFIGURATION(r) PROPOSER(epoch)
#endif
#define PRIMARY(r, w) ((w) < FIRST1 -> (w) % 3 : MEMBER(CONFIGURATION(r), (w) - FIRST1))
#define SAME_EPOCH(v, w) (((v) < FIRST1) == ((w) < FIRST1))
#define IN_VIEW(r) (view[r] < W)
#define NORMAL(r) (IN_VIEW(r) && view[r] == lastNormal[r])

/* A restarted primary does not go on: it may have sent more than it remembers. */
#ifdef GOES_ON          /* mistake: it goes on in the same view */
#define WORKS(r) (NORMAL(r) && r == PRIMARY(r, view[r]) && INTACT(r))
#else
#define WORKS(r) (NORMAL(r) && r == PRIMARY(r, view[r]) && INTACT(r) && LEN(log[r]) == LEN(viewLog[view[r]]))
#endif

/* Hidden, that is no part of the state: invariants, to give the verifier's message their name; and scratch. */
hidden byte I3_nothing_lost, AGREEMENT, ONE_PRIMARY, I4_progress;
hidden byte i, j, k, n;

inline acknowledge(r, w) { acks[w] = (acks[w] & ~(3 << (2 * (r)))) | (LEN(log[r]) << (2 * (r))) }

#if DAMAGES
#define READABLE(r, n) (((damaged[r] >> ((n) - 1)) & 1) == 0)
#else
#define READABLE(r, n) 1
#endif
/* Entry n of view w's log is on r's disk: bit n - 1. */
#define HELD(r, w, n) ((view[r] != GONE && AT(log[r], n) == AT(viewLog[w], n) && READABLE(r, n)) << ((n) - 1))

/* What a view has committed is on some disk, in every later view's log, and in that order at everyone in the view. */
inline check() {
    I3_nothing_lost = 1; AGREEMENT = 1;
    i = 0;
    do
    :: i < W ->
        if
        :: begun[i] && committed[i] != 0 ->
            j = i + 1;
            do
            :: j < W ->
                if
                :: begun[j] && UP_TO(viewLog[i], committed[i]) != UP_TO(viewLog[j], committed[i]) -> I3_nothing_lost = 0
                :: else
                fi;
                j++
            :: else -> break
            od;
            j = 0; n = 0;
            do
            :: j < N ->
                k = (committed[i] < LEN(log[j]) -> committed[i] : LEN(log[j]));
                if
                :: NORMAL(j) && view[j] == i && UP_TO(log[j], k) != UP_TO(viewLog[i], k) -> AGREEMENT = 0
                :: else
                fi;
                n = n | HELD(j, i, 1) | HELD(j, i, 2) | HELD(j, i, 3);
                j++
            :: else -> break
            od;
            n = n & ((1 << committed[i]) - 1);
            if :: n != (1 << committed[i]) - 1 -> I3_nothing_lost = 0 :: else fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    assert(AGREEMENT);
    assert(I3_nothing_lost)
}

/* Votes and acks whose reader has gone on mean nothing any more; without them there are fewer states. */
inline forget() {
    i = 0;
    do
    :: i < W && (i < FIRST1 || epoch != 0) ->
        j = (i < FIRST1 -> i % 3 : MEMBER(PROPOSER(epoch), i - FIRST1));
        if
        :: view[j] > i && view[j] != LEARNING ->
            if :: i != FIRST1 -> acks[i] = 0 :: else fi;
            k = 0;
            do
            :: k < N -> vote[VOTE(i, k)] = 0; k++
            :: else -> break
            od
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* The best of the votes in hand, and what can be read of it: the log with which a view begins. */
hidden byte given[N], enough;
hidden short givenLog[N], best;
hidden byte givenNormal[N], bestOf;
hidden short heldLog[N];        /* what is on the disks meanwhile, to take the entries from */
hidden byte heldDamaged[N];

#ifdef LONGEST          /* mistake: the longest log is the best, whatever its last view */
#define BETTER(a, b) (LEN(givenLog[a]) > LEN(givenLog[b]))
#else
#define BETTER(a, b) (givenNormal[a] > givenNormal[b] || \
    (givenNormal[a] == givenNormal[b] && LEN(givenLog[a]) > LEN(givenLog[b])))
#endif
#ifdef ONE_NACK         /* mistake: one that never had it is enough to cut an unreadable entry */
#define CUTS(count) ((count) >= 1)
#else
#ifdef NEVER_CUT        /* mistake: an unreadable entry is never cut */
#define CUTS(count) false
#else
#define CUTS(count) ((count) >= NACKS)
#endif
#endif

/* Hashes of headers tell whether two entries are the same; without them two logs of one view alone can be compared. */
#ifdef BLIND            /* mistake: a header becomes unreadable along with its entry */
#define ONE_LOG(a, b) ((a) == (b))
#define NEVER_HAD(i, n) (LEN(givenLog[i]) < n)
#else
#define ONE_LOG(a, b) true
#define NEVER_HAD(i, n) (AT(givenLog[i], n) != AT(best, n))
#endif
#define SURELY_SAME(i, n) (AT(heldLog[i], n) == AT(best, n) && ONE_LOG(givenNormal[i], givenNormal[bestOf]))

inline choose(r) {
    bestOf = r; i = 0;
#ifndef OWN_LOG         /* mistake: the new primary keeps its own log */
    do
    :: i < N -> if :: given[i] && BETTER(i, bestOf) -> bestOf = i :: else fi; i++
    :: else -> break
    od;
#endif
    best = givenLog[bestOf]; enough = 1;
#if DAMAGES
    n = 1;
    do
    :: n <= LEN(best) ->
        i = 0; j = 0; k = 0;            /* j: a voter can still read it; k: so many never had it */
        do
        :: i < N ->
            if :: given[i] && SURELY_SAME(i, n) && ((heldDamaged[i] >> (n - 1)) & 1) == 0 -> j = 1 :: else fi;
            if :: given[i] && NEVER_HAD(i, n) -> k++ :: else fi;
            i++
        :: else -> break
        od;
        if
        :: j == 1
        :: j == 0 && CUTS(k) -> best = UP_TO(best, n - 1)
        :: else -> enough = 0
        fi;
        n++
    :: else -> break
    od
#endif
}

inline append(r, entry) {
    log[r] = log[r] | (entry << (4 * LEN(log[r]))); viewLog[view[r]] = log[r]
}

inline save(r) {
#ifdef VOTE_UNSAVED
    saved[r] = view[r];
#endif
    skip
}

inline begin(r, w) {
    ONE_PRIMARY = !begun[w]; assert(ONE_PRIMARY);
    begun[w] = 1; viewLog[w] = log[r]; acknowledge(r, w)
}

/* The reconfiguration is known to be committed. On disk before anything is said in the new epoch. */
inline enter(r, l) {
#ifdef COUNT_ONLY       /* mistake: so many entries are taken for these entries */
    log[r] = (LEN(log[r]) >= PLACE(l) -> UP_TO(log[r], PLACE(l)) : UP_TO(l, PLACE(l)));
#else
    log[r] = UP_TO(l, PLACE(l));
#endif
    if
    :: r == LEAVER(PROPOSER(l)) -> view[r] = REMOVED; lastNormal[r] = 0
    :: r != LEAVER(PROPOSER(l)) && r == MEMBER(PROPOSER(l), 0) ->
        view[r] = FIRST1; lastNormal[r] = FIRST1; begin(r, FIRST1)
    :: else -> view[r] = FIRST1; lastNormal[r] = FIRST1; acknowledge(r, FIRST1)
    fi;
    save(r); forget()
}

inline on_commit(r) {
    committed[view[r]]++;
#if VIEWS1
#if !defined(EARLY_EPOCH) && !defined(NOT_LAST)
    if
    :: view[r] < FIRST1 && PLACE(log[r]) == committed[view[r]] ->
        epoch = UP_TO(log[r], PLACE(log[r])); enter(r, epoch)
    :: else
    fi
#endif
#endif
}

inline on_wishes(r, w) {
    view[r] = w; vote[VOTE(w, r)] = log[r] | ((lastNormal[r] + 1) << 12);
    forget()
}

/* Votes of r itself, of a, and of b. */
inline on_votes(r, w, a, b) {
    i = 0;
    do
    :: i < N ->
        given[i] = (i == r || i == a || i == b) && vote[VOTE(w, i)] != 0;
        givenLog[i] = vote[VOTE(w, i)] & 4095; givenNormal[i] = vote[VOTE(w, i)] >> 12;
#if DAMAGES
        heldLog[i] = log[i]; heldDamaged[i] = damaged[i];
#endif
        i++
    :: else -> break
    od;
    choose(r);
    if
    :: enough ->
        log[r] = best; lastNormal[r] = w;
#if DAMAGES
        damaged[r] = 0;
#endif
        save(r); begin(r, w);
        i = 0;
        do
        :: i < N -> vote[VOTE(w, i)] = 0; i++
        :: else -> break
        od;
        forget()
    :: else
    fi
}

/* The log with which a view began is what was not made in it. */
inline on_start(r, w) {
    n = 1;
    do
    :: n <= LEN(viewLog[w]) && MADE_IN(AT(viewLog[w], n)) != w -> n++
    :: else -> break
    od;
    n--;
    enough = 1;
#if DAMAGES
    k = 1;
    do
    :: k <= n ->
        i = 0; j = 0;
        do
        :: i < N -> if :: AT(log[i], k) == AT(viewLog[w], k) && READABLE(i, k) -> j = 1 :: else fi; i++
        :: else -> break
        od;
        if :: j == 0 -> enough = 0 :: else fi;
        k++
    :: else -> break
    od;
#endif
    if
    :: enough ->
        log[r] = UP_TO(viewLog[w], n); view[r] = w; lastNormal[r] = w;
#if DAMAGES
        damaged[r] = 0;
#endif
        save(r); acknowledge(r, w); forget()
    :: else
    fi
}

inline lose_disk(r) {
    losses++; log[r] = 0; lastNormal[r] = 0;
#ifdef AMNESIA          /* mistake: a replica that lost its disk comes back as the same member */
    view[r] = 0;
#else
    view[r] = GONE;
#endif
    forget()
}

#define CAN_VOTE(r, w) (IN_VIEW(r) && view[r] < (w) && SAME_EPOCH(view[r], w) && \
    ((w) < FIRST1 || ACKED(FIRST1, 1) >= Q))
#define CAN_START(r, w) (IN_VIEW(r) && begun[w] && view[r] <= (w) && lastNormal[r] != (w) && SAME_EPOCH(view[r], w) && \
    r != PRIMARY(r, w))
#define VOTED(r, q) (IN_VIEW(r) && view[r] != lastNormal[r] && r == PRIMARY(r, view[r]) && \
    vote[VOTE(view[r], r)] != 0 && vote[VOTE(view[r], q)] != 0)
/* Which view or whose vote, chosen on the way into a step. */
hidden byte to, with, also;
#define EACH_VIEW(can, r) :: can(r, 1) -> to = 1
#if W > 2
#define EACH_VIEW_2(can, r) :: can(r, 2) -> to = 2
#else
#define EACH_VIEW_2(can, r)
#endif
#if W > 3
#define EACH_VIEW_3(can, r) :: can(r, 3) -> to = 3
#else
#define EACH_VIEW_3(can, r)
#endif
#if W > 4
#define EACH_VIEW_4(can, r) :: can(r, 4) -> to = 4
#else
#define EACH_VIEW_4(can, r)
#endif
#define SOME_VIEW(can, r) if EACH_VIEW(can, r) EACH_VIEW_2(can, r) EACH_VIEW_3(can, r) EACH_VIEW_4(can, r) fi

/* Found at a restart, which also loses what a primary has not yet written. One of three copies of an entry at most. */
#ifdef TRUNCATE         /* mistake: what is damaged is taken for what was never written */
#define DAMAGED(r, n) log[r] = UP_TO(log[r], n - 1)
#else
#define DAMAGED(r, n) damaged[r] = damaged[r] | (1 << (n - 1))
#endif
#define DAMAGE(r, n) \
    :: d_step { damages < DAMAGES && IN_VIEW(r) && n <= LEN(log[r]) && !(WORKS(r) && ACK(view[r], r) < n) && \
        READABLE(0, n) && READABLE(1, n) && READABLE(2, n) -> \
        damages++; \
        if :: WORKS(r) -> log[r] = UP_TO(log[r], ACK(view[r], r)) :: else fi; \
        DAMAGED(r, n) }
/* Fetched from another replica, by place and hash. */
#define REPAIR(r, q) \
    :: d_step { IN_VIEW(r) && q != r && damaged[r] != 0 && damaged[q] == 0 && log[q] == log[r] -> damaged[r] = 0 }

proctype Replica(byte r) {
end:
    do
    /* Normal case. */
#ifdef NOT_LAST         /* mistake: requests are taken after the reconfiguration in the same epoch */
    :: d_step { WORKS(r) && LEN(log[r]) < OPS -> append(r, REQUEST(view[r])) }
#else
    :: d_step { WORKS(r) && LEN(log[r]) < OPS && (view[r] >= FIRST1 || PLACE(log[r]) == 0) ->
        append(r, REQUEST(view[r])) }
#endif
#if VIEWS1
    :: d_step { WORKS(r) && LEN(log[r]) < OPS && view[r] < FIRST1 && PLACE(log[r]) == 0 ->
        append(r, RECONFIGURATION(view[r])) }
#endif
    :: d_step { WORKS(r) && ACK(view[r], r) < LEN(log[r]) -> acknowledge(r, view[r]) }
    :: d_step { NORMAL(r) && r != PRIMARY(r, view[r]) && LEN(log[r]) < LEN(viewLog[view[r]]) ->
        log[r] = log[r] | (AT(viewLog[view[r]], LEN(log[r]) + 1) << (4 * LEN(log[r]))); acknowledge(r, view[r]) }
#ifdef MINORITY         /* mistake: the primary's own write is enough */
    :: d_step { WORKS(r) && committed[view[r]] < ACK(view[r], r) -> on_commit(r) }
#else
    :: d_step { WORKS(r) && committed[view[r]] < LEN(log[r]) && ACKED(view[r], committed[view[r]] + 1) >= Q ->
        on_commit(r) }
#endif

    /* View changes. */
#if W > 1
    :: atomic { SOME_VIEW(CAN_VOTE, r); d_step { on_wishes(r, to) } }
    :: atomic { SOME_VIEW(CAN_START, r); d_step { on_start(r, to); i = 0 } }
#endif
    :: atomic {
        if
        :: r != 0 && VOTED(r, 0) -> with = 0; also = r
        :: r != 1 && VOTED(r, 1) -> with = 1; also = r
        :: r != 2 && VOTED(r, 2) -> with = 2; also = r
#if N > 3
        :: r != 3 && VOTED(r, 3) -> with = 3; also = r
#endif
#if DAMAGES             /* Otherwise the best of three is the best of two of them. */
        :: VOTED(r, 0) && VOTED(r, 1) && VOTED(r, 2) -> with = (r + 1) % 3; also = (r + 2) % 3
#endif
        fi;
        d_step { on_votes(r, view[r], with, also); i = 0 } }
#if DAMAGES
    REPAIR(r, 0)
    REPAIR(r, 1)
    REPAIR(r, 2)
#endif

#if VIEWS1
    /* Reconfiguration. */
#ifdef EARLY_EPOCH
    :: d_step { IN_VIEW(r) && view[r] < FIRST1 && PLACE(log[r]) != 0 ->
        epoch = UP_TO(log[r], PLACE(log[r])); enter(r, log[r]) }
    :: d_step { view[r] == LEARNING && epoch != 0 -> enter(r, epoch) }
#else
    :: d_step { (view[r] < FIRST1 || view[r] == LEARNING) && epoch != 0 -> enter(r, epoch) }
#endif
#ifdef NOT_LAST
    :: d_step { WORKS(r) && view[r] < FIRST1 && PLACE(log[r]) != 0 && PLACE(log[r]) <= committed[view[r]] ->
        epoch = UP_TO(log[r], PLACE(log[r])); enter(r, epoch) }
#endif
#ifdef NO_CATCH_UP      /* mistake: who knows the configuration votes, with whatever log */
    :: d_step { (view[r] < FIRST1 || view[r] == LEARNING) && epoch != 0 && r != LEAVER(PROPOSER(epoch)) ->
        on_wishes(r, FIRST1 + 1) }
#endif
#ifdef ERASE_EARLY      /* mistake: who is removed erases its data as soon as it knows */
    :: d_step { view[r] == REMOVED -> log[r] = 0; view[r] = GONE }
#else
    :: d_step { view[r] == REMOVED && ACKED(FIRST1, 1) >= Q -> log[r] = 0; view[r] = GONE }
#endif
#endif

    /* Faults. */
    :: d_step { crashes < CRASHES && WORKS(r) && ACK(view[r], r) < LEN(log[r]) ->
        crashes++; log[r] = UP_TO(log[r], ACK(view[r], r)) }
    :: d_step { losses < LOSSES && view[r] != GONE -> lose_disk(r) }
#if DAMAGES
    DAMAGE(r, 1)
    DAMAGE(r, 2)
#if OPS > 2
    DAMAGE(r, 3)
#endif
#endif
#ifdef FORGET_VIEW      /* mistake: after a restart a replica is in the last view in which it was normal */
    :: d_step { crashes < CRASHES && IN_VIEW(r) && !NORMAL(r) -> crashes++; view[r] = lastNormal[r] }
#endif
#ifdef VOTE_UNSAVED     /* mistake: the vote is sent before its view is on disk */
    :: d_step { IN_VIEW(r) && saved[r] != view[r] -> saved[r] = view[r] }
    :: d_step { crashes < CRASHES && IN_VIEW(r) && saved[r] != view[r] -> crashes++; view[r] = saved[r] }
#endif
#ifdef FORGET_EPOCH     /* mistake: view (1, 0) is concluded from the log anew after a restart */
    :: d_step { crashes < CRASHES && view[r] == FIRST1 && NORMAL(r) -> crashes++; view[r] = 0; lastNormal[r] = 0 }
#endif
#ifdef NORMAL_FIRST     /* mistake: lastNormal is on disk before the log, and a restart comes between */
    :: d_step { crashes < CRASHES && IN_VIEW(r) && view[r] < 1 && begun[1] && r != 1 ->
        crashes++; view[r] = 1; lastNormal[r] = 1 }
#endif
    od
}

#ifdef CALM
/* I4: faults stop, and nothing of what was on its way arrives. On the side: copies change, the state does not. */
#define EPOCH1 16       /* views of epoch 1 from here on; of epoch 0 below REMOVED */
hidden byte calmView[N], calmNormal[N], calmStopped[N], calmDamaged[N], turn, who, top, settled;
hidden short calmLog[N], known;

#define CALM_IN_VIEW(r) (calmView[r] < REMOVED || calmView[r] >= EPOCH1)
#define CALM_PRIMARY(w) ((w) < REMOVED -> (w) % 3 : MEMBER(PROPOSER(known), (w) - EPOCH1))
#define CALM_WORKS(r) (CALM_IN_VIEW(r) && calmView[r] == calmNormal[r] && r == CALM_PRIMARY(calmView[r]) && \
    !calmStopped[r] && calmDamaged[r] == 0)
/* Who has a primary that works stays, until it hears that a member is in a later view: a quorum wished for that. */
#define SUSPECTS(r) (calmView[r] != calmNormal[r] || !(CALM_WORKS(CALM_PRIMARY(calmView[r])) && \
    calmView[CALM_PRIMARY(calmView[r])] == calmView[r]))
#ifdef DEAF_PRIMARY     /* mistake: a primary that works never wishes, though nobody follows it */
#define WISHES(r) (SUSPECTS(r) || (calmView[r] < top && !CALM_WORKS(r)))
#else
#define WISHES(r) (SUSPECTS(r) || calmView[r] < top)
#endif
#ifdef SILENT_LEAVER    /* mistake: a replica that is no member any more answers nobody */
#define TELLS(r) (calmView[r] >= EPOCH1)
#else
#define TELLS(r) (calmView[r] >= EPOCH1 || calmView[r] == REMOVED)
#endif

inline calm_enter(r) {
    calmLog[r] = known; calmStopped[r] = 0;
    calmView[r] = (r == LEAVER(PROPOSER(known)) -> REMOVED : EPOCH1); calmNormal[r] = calmView[r]
}

inline copy() {
    who = 0; known = 0;
    do
    :: who < N ->
        calmView[who] = (IN_VIEW(who) && view[who] >= FIRST1 -> EPOCH1 + view[who] - FIRST1 : view[who]);
        calmNormal[who] = (lastNormal[who] >= FIRST1 -> EPOCH1 + lastNormal[who] - FIRST1 : lastNormal[who]);
        calmLog[who] = log[who];
        calmStopped[who] = NORMAL(who) && who == PRIMARY(who, view[who]) && LEN(log[who]) < LEN(viewLog[view[who]]);
#if DAMAGES
        calmDamaged[who] = damaged[who];
#else
        calmDamaged[who] = 0;
#endif
        who++
    :: else -> break
    od
}

inline tell_epoch() {
    who = 0;
    do
    :: who < N -> if :: TELLS(who) -> known = UP_TO(calmLog[who], PLACE(calmLog[who])) :: else fi; who++
    :: else -> break
    od;
    who = 0;
    do
    :: who < N && known != 0 ->
        if :: calmView[who] < REMOVED || calmView[who] == LEARNING -> calm_enter(who) :: else fi;
        who++
    :: else -> break
    od
}

/* Entries that someone can still read are fetched. */
inline repair() {
    who = 0;
    do
    :: who < N ->
        n = 1;
        do
        :: n <= LEN(calmLog[who]) ->
            i = 0;
            do
            :: i < N ->
                if
                :: AT(calmLog[i], n) == AT(calmLog[who], n) && ONE_LOG(calmNormal[i], calmNormal[who]) &&
                    ((calmDamaged[i] >> (n - 1)) & 1) == 0 ->
                    calmDamaged[who] = calmDamaged[who] & ~(1 << (n - 1))
                :: else
                fi;
                i++
            :: else -> break
            od;
            n++
        :: else -> break
        od;
        who++
    :: else -> break
    od
}

/* Whoever is not in a later view follows the newest primary that works; k: so many hold its log. */
inline follow() {
    j = N; who = 0; k = 0;
    do
    :: who < N -> if :: CALM_WORKS(who) && (j == N || calmView[who] > calmView[j]) -> j = who :: else fi; who++
    :: else -> break
    od;
    who = 0;
    do
    :: who < N && j < N ->
        if
        :: CALM_IN_VIEW(who) && calmView[who] <= calmView[j] ->
            calmLog[who] = calmLog[j]; calmView[who] = calmView[j]; calmNormal[who] = calmView[j];
            calmStopped[who] = 0; calmDamaged[who] = 0; k++
        :: else
        fi;
        who++
    :: else -> break
    od
}

inline change_view() {
    who = 0; top = 0; k = 0;
    do
    :: who < N -> if :: CALM_IN_VIEW(who) && calmView[who] > top -> top = calmView[who] :: else fi; who++
    :: else -> break
    od;
    who = 0;
    do
    :: who < N ->
        given[who] = 0;
        if :: CALM_IN_VIEW(who) && WISHES(who) -> given[who] = 1; k++ :: else fi;
        givenLog[who] = calmLog[who]; givenNormal[who] = calmNormal[who];
        heldLog[who] = calmLog[who]; heldDamaged[who] = calmDamaged[who];
        who++
    :: else -> break
    od;
    if
    :: k >= Q ->
        who = 0; top++;
        do
        :: who < N -> if :: given[who] -> calmView[who] = top; calmStopped[who] = 0 :: else fi; who++
        :: else -> break
        od;
        who = CALM_PRIMARY(top);
        if
        :: given[who] ->
            choose(who);
            if :: enough -> calmLog[who] = best; calmNormal[who] = top; calmDamaged[who] = 0 :: else fi
        :: else
        fi
    :: else
    fi
}

inline calm() {
    copy();
    turn = 0; settled = 0;
    do
    :: turn < 12 && !settled ->
        tell_epoch(); repair(); follow();
        if
        :: k >= Q && j < N && calmView[j] < REMOVED && PLACE(calmLog[j]) != 0 ->
            known = UP_TO(calmLog[j], PLACE(calmLog[j])); who = j; calm_enter(who)
        :: k >= Q && j < N && !(calmView[j] < REMOVED && PLACE(calmLog[j]) != 0) -> settled = 1
        :: else -> change_view()
        fi;
        turn++
    :: else -> break
    od;
    I4_progress = settled; assert(I4_progress);
    i = 0;
    do
    :: i < W ->
        I3_nothing_lost = UP_TO(viewLog[i], committed[i]) == UP_TO(calmLog[j], committed[i]); assert(I3_nothing_lost);
        i++
    :: else -> break
    od
}
#endif

/* Looks at every state. */
proctype Observer() {
end:
    do
    :: d_step { true -> check(); i = 0 }
#ifdef CALM
    :: d_step { true -> calm(); i = 0 }
#endif
    od
}

init {
    byte r;
    atomic {
        begun[0] = 1;
        do
        :: r < N -> if :: r == SPARE -> view[r] = LEARNING :: else fi; run Replica(r); r++
        :: else -> break
        od;
        run Observer()
    }
}
