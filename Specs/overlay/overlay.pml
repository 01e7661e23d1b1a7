/* The overlay: joining, and consistent delivery (I8 of Specs/design.md).
 *
 * N peers with ids 0 to N - 1 on a ring; the leaf set has room for all of them. Peer 0 begins the ring, or peers 0 and
 * FIRST, which know each other; the others join, crash, and come back under the same id with nothing remembered.
 *
 *   join      a joining peer -> any active one, which answers with itself and its leaves
 *   question  leaf set exchange: who receives it takes the sender in, and answers
 *   answer    carries the leaf set; joined to its question by a number drawn at random (here: the asker's life)
 *   failed    "I probed q in vain": who receives it probes q for itself
 *
 * Messages are facts that are never removed: one that is read late is late, one that is read twice is repeated, one
 * that is never read is lost. A newer one of the same kind between the same two takes the place of the older.
 *
 * A peer calls another failed when it asked it, and it was down at some time since then without having been heard
 * since: probes to a live peer do not all get lost here. With that, and without stalls, I8 has no exception.
 *
 * I8, as an invariant of every state: an active peer that has no leaf closer to a key than itself would deliver it, so
 * then no other active peer may be closer. Keys are the peers' ids.
 *
 * Each seeded mistake (-DNAME) must be found; Specs/check sees to it. Source of the protocol: MSPastry (DSN 2004), 3.1.
 */
#ifndef N
#define N 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LIVES
#define LIVES 2         /* of one peer, the first included */
#endif
#ifndef GOSSIPS
#define GOSSIPS 0       /* periodic exchanges of active peers, all together */
#endif

#define DOWN 0
#define JOINING 1
#define AGREEING 2
#define ACTIVE 3

#define BIT(q) (1 << (q))
#define HAS(set, q) (((set) >> (q)) & 1)
#define TO(p, q) ((p) * N + (q))

byte state[N], life[N];
byte leaves[N], asked[N], failed[N];
/* Bit q of peer p: q was down while p was asking it, and was not heard since. */
byte missed[N];
/* Bit q of peer p: an active peer named q to p, since p began to agree. */
byte vouched[N];
byte crashes, gossips;

/* Messages: 0 is none. `question` and `answer` hold the asker's life; `told` the leaf set that came with the answer. */
byte question[N * N], answer[N * N], told[N * N];
byte failure[N * N];    /* from p to r: whom p called failed */
byte offer[N];          /* to a joining peer: the root's leaves and itself */

hidden byte I8_consistent_routing, hp, hq, hk, hm;

#define APART(a, b) ((a) > (b) -> (a) - (b) : (b) - (a))
#define DISTANCE(a, b) (2 * APART(a, b) > N -> N - APART(a, b) : APART(a, b))
#define CLOSER(a, k, b) (DISTANCE(a, k) < DISTANCE(b, k) || (DISTANCE(a, k) == DISTANCE(b, k) && (a) < (b)))

#ifdef SHUN             /* mistake: who agrees does not ask those it once called failed; they may be back */
#define SHUNNED(p) failed[p]
#else
#define SHUNNED(p) 0
#endif

#ifdef LEAVES_ONLY
#define KNOWN(p) (leaves[p])
#else
#define KNOWN(p) (state[p] == AGREEING -> leaves[p] | (asked[p] & vouched[p]) : leaves[p])
#endif
/* With a mark of who is active. */
#define TELLS(p) (KNOWN(p) | (state[p] == ACTIVE -> 128 : 0))

#ifdef FORGETFUL        /* mistake: a restarted peer answers before it knows whom its earlier life knew */
#define CAN_ANSWER(p) (state[p] != DOWN)
#else
#define CAN_ANSWER(p) (state[p] >= AGREEING)
#endif

#ifdef EARLY            /* mistake: delivers as soon as it has candidates for its leaf set */
#define DELIVERS(p) (state[p] >= AGREEING)
#else
#define DELIVERS(p) (state[p] == ACTIVE)
#endif

inline check_routing() {
    I8_consistent_routing = 1;
    hp = 0;
    do
    :: hp < N ->
        hk = 0;
        do
        :: hk < N && DELIVERS(hp) ->
            /* Does p know anyone closer to k? */
            hq = 0; hm = 0;
            do
            :: hq < N -> if :: HAS(leaves[hp], hq) && CLOSER(hq, hk, hp) -> hm = 1 :: else fi; hq++
            :: else -> break
            od;
            hq = 0;
            do
            :: hq < N && hm == 0 ->
                if
                :: hq != hp && DELIVERS(hq) && CLOSER(hq, hk, hp) -> I8_consistent_routing = 0
                :: else
                fi;
                hq++
            :: else -> break
            od;
            hk++
        :: else -> break
        od;
        hp++
    :: else -> break
    od;
    assert(I8_consistent_routing);
    hp = 0; hq = 0; hk = 0; hm = 0
}

/* Asks all of a set who are not being asked; those who are get their full time anew when `again`. */
inline ask(p, set, again) {
    hk = 0;
    do
    :: hk < N ->
        if
        :: HAS(set, hk) && hk != p && !HAS(asked[p], hk) ->
            asked[p] = asked[p] | BIT(hk); question[TO(p, hk)] = life[p];
            if :: state[hk] == DOWN -> missed[p] = missed[p] | BIT(hk) :: else -> missed[p] = missed[p] & ~BIT(hk) fi
#ifndef STALE_VERDICT   /* mistake: is not asked anew when an active peer names it meanwhile; it may be back */
        :: HAS(set, hk) && HAS(asked[p], hk) && again && state[hk] != DOWN -> missed[p] = missed[p] & ~BIT(hk)
#endif
        :: else
        fi;
        hk++
    :: else -> break
    od;
    hk = 0
}

/* Named by others: asked, never taken in on hearsay. An active peer's word counts more than an earlier failure, while
 * agreeing; that of peers who are agreeing themselves does not, or the dead would be asked for ever. */
inline consider(p, set, isActive) {
#ifdef HEARSAY          /* mistake: takes peers in because others name them */
    leaves[p] = (leaves[p] | (set)) & ~BIT(p) & ~failed[p]
#else
    if
    :: isActive && state[p] == AGREEING -> vouched[p] = vouched[p] | (set); ask(p, ((set) & (~leaves[p] | asked[p]) & ~SHUNNED(p)), 1)
    :: else -> ask(p, ((set) & ~leaves[p] & ~failed[p]), 0)
    fi
#endif
}

inline hear(p, q) { failed[p] = failed[p] & ~BIT(q); missed[p] = missed[p] & ~BIT(q) }

inline on_question(p, q) {   /* p receives q's */
    hear(p, q);
#ifndef ASKER_KNOWS     /* mistake: who asks us is taken for one who knows us */
    if :: state[p] == AGREEING && !HAS(leaves[p], q) -> ask(p, BIT(q), 0) :: else fi;
#endif
    leaves[p] = leaves[p] | BIT(q);
    answer[TO(p, q)] = question[TO(q, p)]; told[TO(p, q)] = TELLS(p)
}

inline on_answer(p, q) {     /* p receives q's */
    hear(p, q);
    leaves[p] = leaves[p] | BIT(q); asked[p] = asked[p] & ~BIT(q);
    consider(p, (told[TO(q, p)] & 127), (told[TO(q, p)] > 127))
}

inline call_failed(p, q) {
    failed[p] = failed[p] | BIT(q); asked[p] = asked[p] & ~BIT(q); missed[p] = missed[p] & ~BIT(q);
    vouched[p] = vouched[p] & ~BIT(q);
    if
    :: HAS(leaves[p], q) ->
        leaves[p] = leaves[p] & ~BIT(q);
        hk = 0;
        do
        :: hk < N -> if :: HAS(leaves[p], hk) -> failure[TO(p, hk)] = q + 1 :: else fi; hk++
        :: else -> break
        od;
        hk = 0
    :: else
    fi
}

inline crash(p) {
    crashes++;
    state[p] = DOWN; leaves[p] = 0; asked[p] = 0; failed[p] = 0; missed[p] = 0; offer[p] = 0; vouched[p] = 0;
    hk = 0;
    do
    :: hk < N -> if :: HAS(asked[hk], p) -> missed[hk] = missed[hk] | BIT(p) :: else fi; hk++
    :: else -> break
    od;
    hk = 0
}

/* A restart takes longer than an exchange between two that live, lost and repeated messages included: nobody still
 * waits for anyone who could answer. */
#define ABLE(p) (state[p] >= AGREEING -> BIT(p) : 0)
#if N == 3
#define ALL_ABLE (ABLE(0) | ABLE(1) | ABLE(2))
#define QUIET (((asked[0] | asked[1] | asked[2]) & ALL_ABLE) == 0)
#elif N == 4
#define ALL_ABLE (ABLE(0) | ABLE(1) | ABLE(2) | ABLE(3))
#define QUIET (((asked[0] | asked[1] | asked[2] | asked[3]) & ALL_ABLE) == 0)
#else
#define ALL_ABLE (ABLE(0) | ABLE(1) | ABLE(2) | ABLE(3) | ABLE(4))
#define QUIET (((asked[0] | asked[1] | asked[2] | asked[3] | asked[4]) & ALL_ABLE) == 0)
#endif

/* What an earlier life said has arrived or never will: a restart and a join take longer than a message. */
inline forget(p) {
    hk = 0;
    do
    :: hk < N -> question[TO(p, hk)] = 0; answer[TO(p, hk)] = 0; told[TO(p, hk)] = 0; failure[TO(p, hk)] = 0; hk++
    :: else -> break
    od;
    hk = 0
}

#ifdef NO_NUMBER        /* mistake: an answer to an earlier life counts */
#define ANSWERS(p, q) (answer[TO(q, p)] != 0)
#else
#define ANSWERS(p, q) (answer[TO(q, p)] == life[p])
#endif

#ifdef UNHEARD          /* mistake: calls failed who was heard since */
#define SILENT(p, q) (HAS(asked[p], q) && (state[q] == DOWN || life[q] > 1))
#else
#define SILENT(p, q) (HAS(asked[p], q) && (state[q] == DOWN || HAS(missed[p], q)))
#endif

#define WITH(p, q) \
    :: d_step { p != q && state[p] == JOINING && state[q] == ACTIVE && offer[p] != ((leaves[q] | BIT(q)) & ~BIT(p)) -> \
        offer[p] = (leaves[q] | BIT(q)) & ~BIT(p) } \
    :: d_step { p != q && CAN_ANSWER(p) && question[TO(q, p)] != 0 && \
        !(HAS(leaves[p], q) && answer[TO(p, q)] == question[TO(q, p)] && told[TO(p, q)] == TELLS(p) && \
          !HAS(failed[p], q)) -> \
        on_question(p, q); check_routing() } \
    :: d_step { p != q && state[p] >= AGREEING && ANSWERS(p, q) && \
        (HAS(asked[p], q) || !HAS(leaves[p], q)) -> on_answer(p, q); check_routing() } \
    :: d_step { p != q && state[p] >= AGREEING && SILENT(p, q) -> call_failed(p, q); check_routing() } \
    :: d_step { p != q && state[p] >= AGREEING && state[q] == DOWN && HAS(leaves[p], q) && !HAS(asked[p], q) -> \
        ask(p, BIT(q), 0) } \
    :: d_step { p != q && state[p] >= AGREEING && failure[TO(q, p)] != 0 && \
        HAS(leaves[p], failure[TO(q, p)] - 1) && !HAS(asked[p], failure[TO(q, p)] - 1) -> \
        ask(p, BIT(failure[TO(q, p)] - 1), 0); failure[TO(q, p)] = 0 } \
    :: d_step { p != q && state[p] == ACTIVE && gossips < GOSSIPS && HAS(leaves[p], q) && !HAS(asked[p], q) -> \
        gossips++; ask(p, BIT(q), 0) }

proctype Peer(byte p) {
end:
    do
    :: d_step { state[p] == DOWN && life[p] < LIVES && (life[p] == 0 || QUIET) -> life[p]++; state[p] = JOINING; forget(p) }
    :: d_step { state[p] == JOINING && offer[p] != 0 ->
#ifdef NO_AGREEMENT     /* mistake: is active as soon as it has an answer, before its leaves know of it */
        leaves[p] = leaves[p] | offer[p]; state[p] = ACTIVE; ask(p, offer[p], 0); check_routing() }
#else
        state[p] = AGREEING; vouched[p] = offer[p]; ask(p, offer[p], 0); check_routing() }
#endif
    /* Everyone was asked, and has answered or failed. */
    :: d_step { state[p] == AGREEING && asked[p] == 0 ->
        if :: leaves[p] != 0 -> state[p] = ACTIVE; vouched[p] = 0 :: else -> state[p] = JOINING; offer[p] = 0 fi;
        check_routing() }
    :: d_step { crashes < CRASHES && state[p] != DOWN -> crash(p) }
    WITH(p, 0)
    WITH(p, 1)
    WITH(p, 2)
#if N > 3
    WITH(p, 3)
#endif
#if N > 4
    WITH(p, 4)
#endif
    od
}

init {
    byte i;
    atomic {
        life[0] = 1; state[0] = ACTIVE;
#ifdef FIRST
        life[FIRST] = 1; state[FIRST] = ACTIVE; leaves[0] = BIT(FIRST); leaves[FIRST] = BIT(0);
#endif
        do :: i < N -> run Peer(i); i++ :: else -> break od
    }
}
