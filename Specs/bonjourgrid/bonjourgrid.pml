/* BonjourGrid: machines that are idle, worker or coordinator, as Palmier does it.
 *
 * M machines; E computing elements, each a coordinator and its workers. Coordinators look for idle machines all at
 * once, by publish/subscribe on the link; a worker may hold a passive copy of its coordinator's state, COPIES of them
 * at most, and one of these takes the coordinator's place when it fails.
 *
 *     idle ──begins an element──▶ coordinator ──ended, or deposed──▶ idle
 *     idle ──accepts an invitation──▶ worker ──ended, or its lease ends──▶ idle
 *                                     worker with a copy ──its coordinator has failed──▶ coordinator
 *
 *   invitation(e, t)  coordinator -> machine   work for element e, whose coordinator I am in term t
 *   running(e, t)     coordinator -> link      published by the coordinator of term t; earlier ones' workers follow it
 *   ended(e)          coordinator -> link      the flag in its service's text: the element is done
 *   goodbye(e)        coordinator -> link      the service is withdrawn
 *
 * The machine decides: it takes the first invitation that reaches it while it is idle and refuses all others, and a
 * lease bounds what it has granted. Which machine leads an element in which term, and that the element has ended, is
 * an entry in the ledger of whoever asked for it (Specs/replication): a commit is one step here, refused to whoever is
 * not the coordinator of the newest term. A service that has gone can mean an end or a failure. Nobody judges by the
 * link, where the flag may have been missed: a copy asks the ledger to lead, a worker asks whether the element has
 * ended.
 *
 * What is published or sent is a fact that is never removed, and read late, twice or never. So a view of the link is as
 * old as one likes, and as every machine was idle once, a coordinator may at any time invite any of them: an invitation
 * of a term that has begun is always under way, and needs no state. A coordinator that is cut off is one whose copies
 * believe that it has failed, while it goes on for as long as it hears nothing; a worker that is cut off is one whose
 * lease ends while its coordinator works.
 *
 * At any moment faults may stop for good (`calm`): then news arrive before leases end, only a machine that is idle
 * is invited, and only by a coordinator that wants one. First nobody ends (I4 is looked at), then all may (`closing`).
 *
 * Checked, by these names:
 *   ONE_COORDINATOR   a machine serves at most one coordinator, and none while it is one
 *   ONE_HEAD          a term of an element has one coordinator
 *   NEVER_BACK        who follows a successor never obeys the deposed one again
 *   ENDED_NOT_FAILED  nobody takes the place of a coordinator that has told anyone of its end
 *   FAILED_NOT_ENDED  no worker takes a failure for the end
 *   KEPT_ON_FAILURE   once faults have stopped, no worker goes idle while a copy takes over
 *   NO_ORPHAN         once faults have stopped, every worker has a coordinator
 *   I4_progress       and every idle machine that is wanted is taken
 *   NO_DEADLOCK       nothing can happen any more only when every element has ended and every machine is idle
 *
 * Each seeded mistake (-DNAME) must be found; Specs/check sees to it. Source of the protocol: Abbes, Cérin, Jemni (IPDPS
 * 2009); passive copies and the status flag: the same with Saad (GRID 2010). Terms, leases and the ledger's word are
 * ours.
 */
#ifndef M
#define M 4             /* 3 or 4 */
#endif
#ifndef COPIES
#define COPIES 2        /* of one element */
#endif
#ifndef WANT
#define WANT 2          /* workers of one element */
#endif
#ifndef TERMS
#define TERMS 2         /* of one element, while faults last */
#endif
#ifndef CRASHES
#define CRASHES 1       /* of machines, together */
#endif
#ifndef SUSPICIONS
#define SUSPICIONS 1    /* of coordinators that live, but are cut off */
#endif
#define TERMS_MAX (TERMS + 1)   /* what calm may need on top: whoever has failed is replaced once */
#define TERM_BOUND (calm -> TERMS_MAX : TERMS)

#define E 2
#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)
#define ONE(set, i) (HAS(set, i) -> 1 : 0)
#define U(m, e) ((m) * E + (e))

bool calm, closing;
byte crashes, suspicions;

/* A machine: the elements that it works for, and that it coordinates, as bits; and in which term. */
byte serves[M], leads[M], under[M * E];
byte copies[E];         /* machines that hold a copy, as bits */

/* The ledger. Term 0: the element has not begun. */
byte term[E], head[E];
bool ended[E];

/* The link. */
bool flag[E], goodbye[E];

#ifdef NO_RETRY         /* mistake: who has refused once is never invited again */
byte refused[E];
#define INVITABLE(m, e) !HAS(refused[e], m)
#else
#define INVITABLE(m, e) true
#endif

/* Hidden, that is no part of the state: they only give the verifier's message the property's name. */
hidden byte ONE_COORDINATOR, ONE_HEAD, NEVER_BACK, ENDED_NOT_FAILED, FAILED_NOT_ENDED, KEPT_ON_FAILURE, NO_ORPHAN,
    I4_progress, NO_DEADLOCK;

#define IDLE(m) (serves[m] == 0 && leads[m] == 0)
#define WORKS(m, e) HAS(serves[m], e)
#define LEADS(m, e) HAS(leads[m], e)
/* Of the newest term: whose commits the ledger takes. */
#define RULES(m, e) (LEADS(m, e) && under[U(m, e)] == term[e])
#define LED(e) (term[e] != 0 && RULES(head[e], e))
#define LOST(e) (term[e] != 0 && !ended[e] && !LED(e) && copies[e] == 0)
#define GOES_ON(e) (!ended[e] && (LED(e) || copies[e] != 0))

#define FOLLOWS(m, e) (WORKS(m, e) && under[U(m, e)] == term[e] -> 1 : 0)
#if M == 4
#define WORKERS(e) (FOLLOWS(0, e) + FOLLOWS(1, e) + FOLLOWS(2, e) + FOLLOWS(3, e))
#define COUNT(set) (ONE(set, 0) + ONE(set, 1) + ONE(set, 2) + ONE(set, 3))
#define ANY(what, e) (what(0, e) || what(1, e) || what(2, e) || what(3, e))
#else
#define WORKERS(e) (FOLLOWS(0, e) + FOLLOWS(1, e) + FOLLOWS(2, e))
#define COUNT(set) (ONE(set, 0) + ONE(set, 1) + ONE(set, 2))
#define ANY(what, e) (what(0, e) || what(1, e) || what(2, e))
#endif
#define WANTS(e) (LED(e) && !ended[e] && WORKERS(e) < WANT)

#define HEADS(m, e) (LEADS(m, e) && under[U(m, e)] == newest)
inline check_roles(m) {
    ONE_COORDINATOR = serves[m] != 3 && leads[m] != 3 && (serves[m] == 0 || leads[m] == 0); assert(ONE_COORDINATOR)
}
/* Before m becomes the coordinator of a term. */
inline check_head(m, e, newest) { ONE_HEAD = !ANY(HEADS, e); assert(ONE_HEAD) }

#ifdef OBEDIENT         /* mistake: the coordinator's view decides, a machine takes every invitation */
#define WILLING(m) (leads[m] == 0)
#elif defined(STILL_PUBLISHED) /* mistake: a coordinator does not withdraw its machine's idle service */
#define WILLING(m) (serves[m] == 0)
#else
#define WILLING(m) IDLE(m)
#endif
#ifdef BUSY_BEGINS      /* mistake: a machine becomes coordinator though it is a worker */
#define CAN_BEGIN(m) (leads[m] == 0)
#else
#define CAN_BEGIN(m) IDLE(m)
#endif

inline goes_idle(m, e) {
    serves[m] = serves[m] & ~BIT(e); leads[m] = leads[m] & ~BIT(e); under[U(m, e)] = 0; copies[e] = copies[e] & ~BIT(m)
}

/* Begins an element, or begins it anew when its coordinator and all copies are gone. */
inline begin(m, e) {
    check_head(m, e, term[e] + 1);
    term[e]++; head[e] = m; leads[m] = leads[m] | BIT(e); under[U(m, e)] = term[e]; check_roles(m)
}

inline accept(m, e, t) { serves[m] = serves[m] | BIT(e); under[U(m, e)] = t; check_roles(m) }

inline take_over(m, e) {
    ENDED_NOT_FAILED = !flag[e] && !goodbye[e]; assert(ENDED_NOT_FAILED);
#ifdef OWN_TERM         /* mistake: a copy counts the term on by itself, without the ledger */
    check_head(m, e, under[U(m, e)] + 1);
    under[U(m, e)]++;
    if :: under[U(m, e)] > term[e] -> term[e] = under[U(m, e)]; head[e] = m :: else fi;
#else
    check_head(m, e, term[e] + 1);
    term[e]++; head[e] = m; under[U(m, e)] = term[e];
#endif
    serves[m] = serves[m] & ~BIT(e); leads[m] = leads[m] | BIT(e); copies[e] = copies[e] & ~BIT(m);
    check_roles(m)
}

/* An order of the coordinator of term t, or its publication. */
inline follow(m, e, t) { NEVER_BACK = under[U(m, e)] < t; assert(NEVER_BACK); under[U(m, e)] = t }
#ifdef NO_TERM          /* mistake: a worker obeys any coordinator of its element */
#define NEWER(m, e, t) (under[U(m, e)] != (t))
#else
#define NEWER(m, e, t) (under[U(m, e)] < (t))
#endif
#ifdef NO_REDIRECT      /* mistake: workers do not look for the copy that has taken over */
#define REDIRECTED false
#else
#define REDIRECTED true
#endif

inline hears_of_end(m, e) { FAILED_NOT_ENDED = ended[e]; assert(FAILED_NOT_ENDED); goes_idle(m, e) }

#ifdef GONE_IS_ENDED    /* mistake: a worker takes a service that has gone for an element that has ended */
#define TAKEN_FOR_ENDED(e) (ended[e] || !LED(e))
#else
#define TAKEN_FOR_ENDED(e) ended[e]
#endif
#ifdef LINK_VERDICT     /* mistake: a copy that saw no flag takes a service that has gone for one that has failed */
#define TAKEN_FOR_FAILED(e) !LED(e)
#else
#define TAKEN_FOR_FAILED(e) (!LED(e) && !ended[e])
#endif
#ifdef ALL_OR_NOTHING   /* mistake: an element does nothing before it has all its workers, and keeps those it has */
#define CAN_END(e) (WORKERS(e) >= WANT)
#else
#define CAN_END(e) true
#endif
#ifdef GOODBYE_FIRST    /* mistake: the service is withdrawn before the end is in the ledger */
#define MAY_END(e) (CAN_END(e) && goodbye[e])
#else
#define MAY_END(e) CAN_END(e)
#endif

/* A view as old as one likes invites anybody; a machine that refuses does nothing. */
#define INVITED(m, e, t) \
    :: d_step { (t) <= term[e] && WILLING(m) && !WORKS(m, e) && INVITABLE(m, e) && \
        (!calm || ((t) == term[e] && WANTS(e))) -> accept(m, e, t) }
#define TOLD(m, e, t) \
    :: d_step { (t) <= term[e] && WORKS(m, e) && NEWER(m, e, t) && REDIRECTED && (!calm || (t) == term[e]) -> \
        follow(m, e, t) }
#if TERMS == 1
#define EACH_TERM(step, m, e) step(m, e, 1) step(m, e, 2)
#elif TERMS == 2
#define EACH_TERM(step, m, e) step(m, e, 1) step(m, e, 2) step(m, e, 3)
#elif TERMS == 3
#define EACH_TERM(step, m, e) step(m, e, 1) step(m, e, 2) step(m, e, 3) step(m, e, 4)
#else
#error "TERMS is 1 to 3: another count needs a line here with TERMS_MAX steps"
#endif

/* Machines are alike: while faults last, the one that begins element 0 is called 0. */
#define FIRST(m, e) (term[e] == 0 && (calm || e == 1 || m == 0))

#define WITH(m, e) \
    :: d_step { CAN_BEGIN(m) && (FIRST(m, e) || LOST(e)) && term[e] < TERM_BOUND -> begin(m, e) } \
    EACH_TERM(INVITED, m, e) \
    EACH_TERM(TOLD, m, e) \
    /* The coordinator has a copy made. */ \
    :: d_step { FOLLOWS(m, e) && LED(e) && !ended[e] && !HAS(copies[e], m) && COUNT(copies[e]) < COPIES -> \
        copies[e] = copies[e] | BIT(m) } \
    /* It has failed, ... */ \
    :: d_step { WORKS(m, e) && HAS(copies[e], m) && TAKEN_FOR_FAILED(e) && term[e] < TERM_BOUND -> take_over(m, e) } \
    /* ... or is cut off, and believed to have failed. */ \
    :: d_step { WORKS(m, e) && HAS(copies[e], m) && LED(e) && !ended[e] && !calm && suspicions < SUSPICIONS && \
        term[e] < TERM_BOUND -> suspicions++; take_over(m, e) } \
    STEP_DOWN(m, e) \
    :: d_step { RULES(m, e) && !ended[e] && MAY_END(e) && (!calm || closing) -> ended[e] = true } \
    :: d_step { RULES(m, e) && ended[e] && !flag[e] -> flag[e] = true } \
    :: d_step { RULES(m, e) && ended[e] && flag[e] -> goodbye[e] = true; goes_idle(m, e) } \
    /* A worker sees the flag, ... */ \
    :: d_step { WORKS(m, e) && flag[e] -> hears_of_end(m, e) } \
    /* ... or, having missed it, asks. */ \
    :: d_step { WORKS(m, e) && TAKEN_FOR_ENDED(e) -> hears_of_end(m, e) } \
    :: d_step { WORKS(m, e) && !calm -> goes_idle(m, e) } /* cut off, until its lease ended */ \
    MISTAKE(m, e)

#ifdef NO_STEP_DOWN     /* mistake: a deposed coordinator never hears of its successor */
#define STEP_DOWN(m, e)
#else
#define STEP_DOWN(m, e) :: d_step { LEADS(m, e) && under[U(m, e)] < term[e] -> goes_idle(m, e) }
#endif

#ifdef NO_RETRY
#define MISTAKE(m, e) :: d_step { LED(e) && !IDLE(m) && !WORKS(m, e) && !calm -> refused[e] = refused[e] | BIT(m) }
#elif defined(FLAG_UNCOMMITTED) /* mistake: a deposed coordinator publishes the flag, without the ledger's word */
#define MISTAKE(m, e) :: d_step { LEADS(m, e) && under[U(m, e)] < term[e] && !flag[e] -> flag[e] = true }
#elif defined(GOODBYE_FIRST)
#define MISTAKE(m, e) :: d_step { RULES(m, e) && !goodbye[e] && (!calm || closing) -> goodbye[e] = true }
#else
#define MISTAKE(m, e)
#endif

inline crash(m) {
    crashes++; serves[m] = 0; leads[m] = 0; under[U(m, 0)] = 0; under[U(m, 1)] = 0;
    copies[0] = copies[0] & ~BIT(m); copies[1] = copies[1] & ~BIT(m)
}

proctype Machine(byte m) {
end:
    do
    WITH(m, 0)
    WITH(m, 1)
    /* Comes back idle, and remembers nothing. */
    :: d_step { !calm && crashes < CRASHES && !IDLE(m) -> crash(m) }
    od
}

#define ORPHAN(m, e) (WORKS(m, e) && !(LED(e) && FOLLOWS(m, e)))
#define SERVED(m, e) (!ORPHAN(m, e))

/* Nobody has renewed it, and nothing else could happen: the lease ends. */
#ifdef NO_LEASE         /* mistake: a machine is granted for ever */
#define EXPIRE(m, e)
#else
#define EXPIRE(m, e) \
    :: atomic { calm && timeout && ORPHAN(m, e) -> \
        d_step { KEPT_ON_FAILURE = !GOES_ON(e); assert(KEPT_ON_FAILURE); goes_idle(m, e) } }
#endif

#define FREE(m, e) IDLE(m)
inline check_progress() {
    NO_ORPHAN = !ANY(ORPHAN, 0) && !ANY(ORPHAN, 1); assert(NO_ORPHAN);
    I4_progress = !(ANY(FREE, 0) && (WANTS(0) || WANTS(1) || term[0] == 0 || term[1] == 0 || LOST(0) || LOST(1)));
    assert(I4_progress)
}
#define BUSY(m, e) (!IDLE(m))
inline check_end() { NO_DEADLOCK = ended[0] && ended[1] && !ANY(BUSY, 0); assert(NO_DEADLOCK) }

#ifdef NO_LEASE
#define ORPHANS false
#else
#define ORPHANS (ANY(ORPHAN, 0) || ANY(ORPHAN, 1))
#endif

proctype Clock() {
end:
    do
    :: d_step { !calm -> calm = true }
    EXPIRE(0, 0) EXPIRE(0, 1) EXPIRE(1, 0) EXPIRE(1, 1) EXPIRE(2, 0) EXPIRE(2, 1)
#if M == 4
    EXPIRE(3, 0) EXPIRE(3, 1)
#endif
    :: atomic { calm && !closing && timeout && !ORPHANS -> d_step { check_progress(); closing = true } }
    :: atomic { closing && timeout && !ORPHANS -> check_end(); break }
    od
}

init {
    atomic {
        run Machine(0); run Machine(1); run Machine(2);
#if M == 4
        run Machine(3);
#endif
        run Clock()
    }
}
