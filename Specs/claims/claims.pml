/* Claims: who may run a request, decided by the machines alone (I1, I2, I4 of Specs/design.md).
 *
 * Two machines with one partition each; one or two home ledgers with one request each. Rendezvous find machines, as
 * many as like at once: a partition of the network doubles them, and each may die at any step, as it holds no truth. A
 * machine grants a tentative claim under a fresh fencing number; the ledger commits at most one claim per attempt and
 * orders it; the machine confirms it only while it is still tentative and under that very number. A claim that nobody
 * confirms expires; one that is confirmed is renewed, or ends.
 *
 *   claim(r, a)    rendezvous -> machines  keep a partition for attempt a of request r
 *   grant(m, f)    machine -> rendezvous   claim f of machine m is yours: TENTATIVE to confirm it, LEASE to use it
 *   found(m, f)    rendezvous -> ledger    this one, of the two that were granted; the other is released
 *   order(m, f)    ledger -> machine       attempt a is placed there: confirm claim f and start
 *   renew(m, f)    machine -> ledger       let claim f go on for another LEASE
 *   renewed(m, f)  ledger -> machine       so be it
 *   lapsed(m, f)   ledger -> machine       claim f is not in the books: stop, and empty the partition
 *   void(m, f)     machine -> ledger       nothing runs under claim f, and never will
 *
 * Messages are facts that are never removed: one that is read late is late, one that is read twice is repeated, one
 * that is never read is lost. A fact that stays true once it is true (a claim is void, or is not in the books) needs no
 * message of its own: who may read it late reads the state itself. Rendezvous have no state at all: what they ask,
 * report or release may have been sent by any of them at any time, so they stand for any number of them.
 *
 * Time is what is left of each span; one tick shortens all of them. The two ends of a lease are counted apart: on the
 * machine from the instant of the grant (of sending the renewal), on the ledger's side from the later instant of its
 * receipt, so that the machine's end never comes after the ledger's. Rates of clocks are taken as equal: the program
 * leaves a margin for drift, which the model does not need.
 *
 * The books are a replicated log (Specs/replication): a commit is one step, made by the primary of the newest view. A
 * new primary knows the books, but not who was renewed when: it gives each placement a whole lease. The old one may not
 * know that it is deposed, and goes on sending.
 *
 * An exclusive instance runs while its lease lasts; after that it is suspended, and still has its partition. An
 * ordinary one goes on without a lease, until it hears that it is not in the books. A machine that drains takes nobody
 * in. Its exclusive instance stops before another starts, its ordinary one only when another runs in its place.
 *
 * At any moment faults may stop for good (`calm`): from then on messages arrive before time passes, nothing old is
 * delivered any more, and agreed claims are renewed. Then every request must end up placed, and nothing else anywhere
 * (I4).
 *
 * A restart of a machine loses what is not on its disk; being down is not acting for a while, which every process may
 * do at any time.
 *
 * Each seeded mistake below (-DNAME) must be found, by the invariant that `cases` names; Specs/check sees to it.
 * Grown from the lease model of Gray and Cheriton (1989) with the fencing token of Chubby (OSDI 2006, 2.4).
 */
#ifndef REQUESTS
#define REQUESTS 2      /* 1 leaves the second ledger without one */
#endif
#ifndef LEASE
#define LEASE 3         /* ticks */
#endif
#ifndef TENTATIVE
#define TENTATIVE 2     /* ticks, below LEASE */
#endif
#ifndef FENCES
#define FENCES 2        /* claims that a machine grants while faults last */
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2      /* attempts that a ledger makes while faults last */
#endif
#ifndef RENEWALS
#define RENEWALS 1      /* of one claim, while faults last */
#endif
#ifndef CRASHES
#define CRASHES 0       /* restarts of machines, together */
#endif
#ifndef VIEWS
#define VIEWS 0         /* changes of the primary, of each ledger */
#endif
#ifndef DRAINS
#define DRAINS 0        /* 1: machine 0 may begin to drain at any time, and does so for good; for REQUESTS=1 */
#endif
#ifdef ORDINARY         /* request 0 is not exclusive */
#define EXCLUSIVE(r) ((r) != 0)
#else
#define EXCLUSIVE(r) true
#endif
/* What calm may need on top. Too little would show as a request that is not placed. */
#define FENCES_MAX (FENCES + 3)
#define ATTEMPTS_MAX (ATTEMPTS + 2)

#define M 2
#define R 2
#define FREE 0
#define HELD 1          /* tentative */
#define CONFIRMED 2
#define VACATING 3      /* over, but something may still run, and the partition is not empty */

#define C(m, r) ((m) * R + (r))                        /* what machine m knows of request r */
#define G(m, f) ((m) * (FENCES_MAX + 1) + (f))         /* claim f of machine m; f = 0 is none */
#define FOR(r, a) (1 + (r) + R * (a))                  /* a grant's contents: request and attempt; 0 is no grant */

bool calm;
bool bereft;            /* calm, but the rendezvous has died, and its successor does not know what to release */
byte crashes;

/* A machine. All on its disk but tentative claims and `pending`, what would be left of the lease if the renewal under
 * way were answered. */
byte newest[M];
byte hold[M * R], fence[M * R], tentative[M * R], lease[M * R], sent[M * R];
byte pending[M * R];
bool draining;          /* machine 0 */

/* A ledger. The books: `at` = 0, `under` = 0: the attempt is open. `kept`: an ordinary request's earlier placement, by
 * its fencing number at machine 0, until the one that takes its place runs. */
byte attempt[R], at[R], under[R], kept;
/* Its primary. `left` is its view of the lease. */
byte view[R], heard[R], left[R];

/* The network. */
byte grant[M * (FENCES_MAX + 1)];
bool order[M * (FENCES_MAX + 1)];
byte renew[M * (FENCES_MAX + 1)], renewed[M * (FENCES_MAX + 1)];

#define AGREED(r) (under[r] != 0 && hold[C(at[r], r)] == CONFIRMED && fence[C(at[r], r)] == under[r])
#define PLACED(m, r) (under[r] != 0 && at[r] == (m) && under[r] == fence[C(m, r)])
#define KEPT(m, r) ((m) == 0 && (r) == 0 && kept != 0 && kept == fence[C(m, r)])
#define IN_BOOKS(m, r) (PLACED(m, r) || KEPT(m, r))
#define DRAINING(m) (draining && (m) == 0)

/* Hidden, that is no part of the state: they only give the verifier's message the invariant's name. */
hidden byte I1_one_placement, I2_one_tenant, I4_progress, KEEPS_RUNNING;

/* I1: never two machines that run one exclusive request; what is being stopped may run until its lease ends. */
#define TENANT(m, r) (hold[C(m, r)] == CONFIRMED || hold[C(m, r)] == VACATING)
#define RUNS(m, r) (TENANT(m, r) && lease[C(m, r)] != 0)
inline check_placement(r) {
    I1_one_placement = !(EXCLUSIVE(r) && RUNS(0, r) && RUNS(1, r)); assert(I1_one_placement)
}
/* I2: never two tenants of one partition. */
inline check_tenant(m) {
    I2_one_tenant = !(TENANT(m, 0) && TENANT(m, 1)); assert(I2_one_tenant)
}

#ifdef DOUBLE_GRANT     /* mistake: a tentative claim does not count as a tenant */
#define VACANT(m) (!TENANT(m, 0) && !TENANT(m, 1))
#elif defined(HASTY_GRANT) /* mistake: a partition is granted before the agent says that it is empty */
#define VACANT(m) (hold[C(m, 0)] % VACATING == FREE && hold[C(m, 1)] % VACATING == FREE)
#else
#define VACANT(m) (hold[C(m, 0)] == FREE && hold[C(m, 1)] == FREE)
#endif

#ifdef DRAIN_GRANTS     /* mistake: a machine that drains takes new tenants in */
#define WELCOME(m) VACANT(m)
#else
#define WELCOME(m) (VACANT(m) && !DRAINING(m))
#endif

#ifdef NO_FENCE         /* mistake: an order is matched by its request alone */
#define IS_FOR(m, r, f) (grant[G(m, f)] % R == FOR(r, 0) % R)
#else
#define IS_FOR(m, r, f) (fence[C(m, r)] == (f))
#endif

#ifdef LATE_ORDER       /* mistake: an order for the newest claim is obeyed though the claim has expired */
#define CONFIRMABLE(m, r, f) ((hold[C(m, r)] == HELD && IS_FOR(m, r, f)) || \
    (VACANT(m) && newest[m] == (f) && fence[C(m, r)] == (f)))
#else
#define CONFIRMABLE(m, r, f) (hold[C(m, r)] == HELD && IS_FOR(m, r, f))
#endif

inline release(m, r) {
    hold[C(m, r)] = FREE; tentative[C(m, r)] = 0; lease[C(m, r)] = 0; pending[C(m, r)] = 0; sent[C(m, r)] = 0
}

inline on_claim(m, r, a) {
    newest[m]++;
    hold[C(m, r)] = HELD; fence[C(m, r)] = newest[m];
    tentative[C(m, r)] = TENTATIVE; lease[C(m, r)] = LEASE;
    grant[G(m, newest[m])] = FOR(r, a)
}

inline on_order(m, r) {
#ifdef LATE_ORDER
    if :: lease[C(m, r)] == 0 -> lease[C(m, r)] = LEASE :: else fi;
#endif
#ifdef LEASE_FROM_ORDER /* mistake: the machine counts the lease from the receipt of the order */
    lease[C(m, r)] = LEASE;
#endif
    if :: EXCLUSIVE(r) :: else -> lease[C(m, r)] = 0 fi;
    hold[C(m, r)] = CONFIRMED; tentative[C(m, r)] = 0;
    check_placement(r); check_tenant(m)
}

inline on_renewed(m, r) {
#ifdef LEASE_FROM_ANSWER /* mistake: the machine counts the renewed lease from the receipt of the answer */
    lease[C(m, r)] = LEASE;
#else
    lease[C(m, r)] = pending[C(m, r)];
#endif
    pending[C(m, r)] = 0; check_placement(r)
}

inline machine_restarts(m) {
    crashes++; pending[C(m, 0)] = 0; pending[C(m, 1)] = 0;
    if :: hold[C(m, 0)] == HELD -> release(m, 0) :: else fi;
    if :: hold[C(m, 1)] == HELD -> release(m, 1) :: else fi;
#ifdef AMNESIA          /* mistake: claims and fencing numbers are not on disk */
    newest[m] = 0; release(m, 0); release(m, 1); fence[C(m, 0)] = 0; fence[C(m, 1)] = 0;
#endif
}

#ifdef STALE_ANSWER     /* mistake: the answer to an earlier renewal counts for the one under way */
#define ANSWERED(m, r) (renewed[G(m, fence[C(m, r)])] != 0)
#else
#define ANSWERED(m, r) (renewed[G(m, fence[C(m, r)])] == sent[C(m, r)])
#endif

/* What is delivered once faults have stopped: nothing for an earlier attempt or an earlier claim. */
#define CLAIMED(r) ((r) < REQUESTS && (!calm || under[r] == 0))
#define ORDERED(m, r, f) (order[G(m, f)] && grant[G(m, f)] % R == FOR(r, 0) % R && \
    (!calm || (at[r] == (m) && under[r] == (f))))

/* Of two claims of one attempt a rendezvous releases one, or both when they came too late for it; and another
 * rendezvous, or its successor, may do so with the one that the first has reported. Once faults have stopped there is
 * one, and it releases the other one, unless it is a new one. */
#ifdef WRONG_RELEASE    /* mistake: a rendezvous releases the candidate that it reports, not the other one */
#define SAME(m, f, g) (grant[G(1 - (m), g)] == grant[G(m, f)])
#define HAS_RIVAL(m, f) (SAME(m, f, 1) || SAME(m, f, 2) || SAME(m, f, 3) || SAME(m, f, 4) || SAME(m, f, 5))
#define SPARE(m, r) (!calm || (!bereft && PLACED(m, r) && HAS_RIVAL(m, fence[C(m, r)])))
#else
#define SPARE(m, r) (!calm || (!bereft && under[r] != 0 && !PLACED(m, r)))
#endif

/* Why a machine stops what it runs. A deposed primary may say so of any claim: it errs on the safe side. */
#ifdef NO_LAPSED        /* mistake: a machine never hears that its claim is not in the books */
#define LAPSED(m, r) false
#else
#define LAPSED(m, r) (!IN_BOOKS(m, r))
#endif
#ifdef STOPS_ORDINARY   /* mistake: a drain stops an ordinary instance before another one runs */
#define MOVES(m, r) (DRAINING(m) && PLACED(m, r))
#elif defined(DRAIN_STARTS_FIRST) /* mistake: a drain starts an exclusive instance elsewhere before it stopped here */
#define MOVES(m, r) false
#else
#define MOVES(m, r) (DRAINING(m) && PLACED(m, r) && EXCLUSIVE(r))
#endif
#ifdef CLAIM_VACATES    /* mistake: a machine that drains takes a claim for a later attempt for the end of this */
#define OUTDATED(m, r) (KEPT(m, r) && under[r] == 0)
#else
#define OUTDATED(m, r) false
#endif
/* A drain does not take away the only ordinary instance. */
inline vacate(m, r) {
    KEEPS_RUNNING = EXCLUSIVE(r) || !IN_BOOKS(m, r); assert(KEEPS_RUNNING);
    hold[C(m, r)] = VACATING; pending[C(m, r)] = 0
}

/* A claim that its machine does not hold under this number will never be held again. */
#ifdef SAID_TOO_EARLY   /* mistake: a machine calls a claim void while its instance is still being stopped */
#define VOID(m, r, f) (hold[C(m, r)] == FREE || hold[C(m, r)] == VACATING || fence[C(m, r)] != (f))
#else
#define VOID(m, r, f) (hold[C(m, r)] == FREE || fence[C(m, r)] != (f))
#endif

#define CONFIRM(m, r, f) \
    :: d_step { ORDERED(m, r, f) && CONFIRMABLE(m, r, f) -> on_order(m, r) }
#if FENCES == 2
#define EACH_FENCE(step, m, r) step(m, r, 1) step(m, r, 2) step(m, r, 3) step(m, r, 4) step(m, r, 5)
#else
#error "FENCES is 2: another count needs a line here with FENCES_MAX steps, and so does HAS_RIVAL"
#endif

/* A claim that waits for its order gives way to one for a later attempt of the same request. */
#define OVERTAKEN(m, r) (hold[C(m, r)] == HELD && grant[G(m, fence[C(m, r)])] < FOR(r, attempt[r]) && !DRAINING(m))

#define WITH(m, r) \
    :: d_step { (WELCOME(m) || OVERTAKEN(m, r)) && CLAIMED(r) && newest[m] < (calm -> FENCES_MAX : FENCES) -> \
        on_claim(m, r, attempt[r]) } \
    :: d_step { WELCOME(m) && !calm && \
        (r) < REQUESTS && attempt[r] > 1 && newest[m] < FENCES -> \
        on_claim(m, r, attempt[r] - 1) } \
    :: d_step { hold[C(m, r)] == HELD && SPARE(m, r) -> release(m, r) } \
    :: d_step { hold[C(m, r)] == CONFIRMED && !calm && sent[C(m, r)] < RENEWALS && EXCLUSIVE(r) -> \
        sent[C(m, r)]++; pending[C(m, r)] = LEASE; renew[G(m, fence[C(m, r)])] = sent[C(m, r)] } \
    :: d_step { hold[C(m, r)] == CONFIRMED && pending[C(m, r)] > lease[C(m, r)] && ANSWERED(m, r) -> \
        on_renewed(m, r) } \
    :: d_step { hold[C(m, r)] == CONFIRMED && calm && PLACED(m, r) && EXCLUSIVE(r) && lease[C(m, r)] == 0 -> \
        lease[C(m, r)] = LEASE; left[r] = LEASE; check_placement(r) } \
    :: d_step { hold[C(m, r)] == CONFIRMED && (LAPSED(m, r) || MOVES(m, r) || OUTDATED(m, r)) -> vacate(m, r) } \
    :: d_step { hold[C(m, r)] == CONFIRMED && !calm && view[r] > 0 && EXCLUSIVE(r) -> vacate(m, r) } \
    :: d_step { hold[C(m, r)] == VACATING -> release(m, r) }

proctype Machine(bit m) {
end:
    do
    WITH(m, 0)
    WITH(m, 1)
    EACH_FENCE(CONFIRM, m, 0)
    EACH_FENCE(CONFIRM, m, 1)
    :: d_step { !calm && crashes < CRASHES -> machine_restarts(m) }
    :: d_step { !calm && m == 0 && DRAINS && !draining -> draining = true }
    od
}

#ifdef EAGER_LOST       /* mistake: the ledger gives a machine up before the lease that it granted has ended */
#define ENDED(r) (left[r] <= 1)
#else
#define ENDED(r) (left[r] == 0)
#endif
#define MORE_ATTEMPTS(r) (attempt[r] < (calm -> ATTEMPTS_MAX : ATTEMPTS))

inline place(m, r, f) { at[r] = m; under[r] = f; heard[r] = 0; left[r] = LEASE; order[G(m, f)] = true }
inline answer(r) {
    left[r] = LEASE;
    if :: renewed[G(at[r], under[r])] < heard[r] -> renewed[G(at[r], under[r])] = heard[r] :: else fi
}
inline try_again(r) { attempt[r]++; at[r] = 0; under[r] = 0; heard[r] = 0; left[r] = 0 }

#define PLACE(m, r, f) \
    :: d_step { under[r] == 0 && grant[G(m, f)] == FOR(r, attempt[r]) && \
        (!calm || (hold[C(m, r)] == HELD && fence[C(m, r)] == (f))) -> place(m, r, f) }

#ifdef BOTH_WIN         /* mistake: two rendezvous report a claim of one attempt, and the ledger takes both */
#define PLACE_WRONGLY(m, r, f) \
    :: d_step { under[r] != 0 && !calm && grant[G(m, f)] == FOR(r, attempt[r]) && !order[G(m, f)] -> place(m, r, f) }
#elif defined(UNCOMMITTED_ORDER) /* mistake: the order leaves with the proposal, which is then lost with its primary */
#define PLACE_WRONGLY(m, r, f) \
    :: d_step { under[r] == 0 && !calm && view[r] < VIEWS && grant[G(m, f)] == FOR(r, attempt[r]) -> \
        order[G(m, f)] = true; view[r]++ }
#elif defined(DEPOSED_PLACES) /* mistake: a deposed primary places by its own disk alone, and its order is followed */
byte old_attempt[R];
#define PLACE_WRONGLY(m, r, f) \
    :: d_step { old_attempt[r] != 0 && !calm && grant[G(m, f)] == FOR(r, old_attempt[r]) -> \
        old_attempt[r] = 0; order[G(m, f)] = true }
#else
#define PLACE_WRONGLY(m, r, f)
#endif
#ifdef KEPT_TOO_SHORT   /* mistake: a drain ends an ordinary instance when another is placed, but does not run yet */
#define REPLACED(r) (under[r] != 0)
#else
#define REPLACED(r) AGREED(r)
#endif
#ifdef DEPOSED_RENEWS   /* mistake: a renewal is answered though no majority has said that this primary still leads */
byte old_at[R], old_under[R];
#endif

inline primary_changes(r) {
#ifdef DEPOSED_PLACES
    if :: under[r] == 0 -> old_attempt[r] = attempt[r] :: else fi;
#endif
#ifdef DEPOSED_RENEWS
    old_at[r] = at[r]; old_under[r] = under[r];
#endif
    view[r]++; heard[r] = 0;
#ifdef GIVES_UP_AT_ONCE /* mistake: a new primary takes every lease for ended */
    left[r] = 0
#else
    if :: under[r] != 0 -> left[r] = LEASE :: else fi
#endif
}

proctype Ledger(bit r) {
end:
    do
    EACH_FENCE(PLACE, 0, r)
    EACH_FENCE(PLACE, 1, r)
    EACH_FENCE(PLACE_WRONGLY, 0, r)
    EACH_FENCE(PLACE_WRONGLY, 1, r)
    /* Renewals may arrive one after the other, ... */
    :: d_step { under[r] != 0 && renew[G(at[r], under[r])] > heard[r] ->
        heard[r]++; answer(r) }
    /* ... or the newest first. */
    :: d_step { under[r] != 0 && renew[G(at[r], under[r])] > heard[r] + 1 ->
        heard[r] = renew[G(at[r], under[r])]; answer(r) }
#ifdef DEPOSED_RENEWS
    :: d_step { old_under[r] != 0 && !calm && renew[G(old_at[r], old_under[r])] > renewed[G(old_at[r], old_under[r])] ->
        renewed[G(old_at[r], old_under[r])]++ }
#endif
#ifdef GIVEN_UP_RENEWED /* mistake: the ledger renews whatever machine asks, also a claim that it has given up */
    :: d_step { !calm && fence[C(0, r)] != 0 && renew[G(0, fence[C(0, r)])] > renewed[G(0, fence[C(0, r)])] ->
        renewed[G(0, fence[C(0, r)])]++ }
#endif
#ifndef NO_RETRY        /* mistake: the ledger waits for ever for a claim that has ended */
    :: d_step { under[r] != 0 && ENDED(r) && MORE_ATTEMPTS(r) -> try_again(r) }
    :: d_step { under[r] != 0 && order[G(at[r], under[r])] && VOID(at[r], r, under[r]) && MORE_ATTEMPTS(r) ->
        try_again(r) }
#endif
    :: d_step { !calm && view[r] < VIEWS -> primary_changes(r) }
    /* Its machine drains: an ordinary instance stays until the next one runs. */
    :: d_step { draining && !EXCLUSIVE(r) && under[r] != 0 && at[r] == 0 && kept == 0 && MORE_ATTEMPTS(r) ->
        kept = under[r]; try_again(r) }
    :: d_step { !EXCLUSIVE(r) && kept != 0 && (REPLACED(r) || VOID(0, r, kept)) ->
        KEEPS_RUNNING = AGREED(r) || VOID(0, r, kept); assert(KEEPS_RUNNING); kept = 0 }
#ifdef DRAIN_STARTS_FIRST
    :: d_step { draining && EXCLUSIVE(r) && under[r] != 0 && at[r] == 0 && MORE_ATTEMPTS(r) -> try_again(r) }
#endif
    od
}

inline shorten(span) { if :: span > 0 -> span-- :: else fi }

#ifdef REUSED_NUMBER    /* mistake: a claim that has expired gives its fencing number back */
#define GIVE_BACK(m) newest[m]--
#else
#define GIVE_BACK(m) skip
#endif

inline tick_claim(m, r) {
    if
    :: calm && AGREED(r) && at[r] == m                    /* renewed in time, again and again */
    :: else ->
        shorten(pending[C(m, r)]); shorten(lease[C(m, r)]);
        if
        :: hold[C(m, r)] == HELD ->
#ifndef NO_EXPIRY       /* mistake: an unconfirmed claim never expires by itself */
            shorten(tentative[C(m, r)]);
            if :: tentative[C(m, r)] == 0 -> release(m, r); GIVE_BACK(m) :: else fi
#else
            skip
#endif
        :: else
        fi
    fi
}

inline tick_ledger(r) { if :: calm && AGREED(r) :: else -> shorten(left[r]) fi }

#define RUNNING_OUT(m, r) (lease[C(m, r)] != 0 && !(calm && AGREED(r) && at[r] == (m)))
#define WAITING(r) (left[r] != 0 && !(calm && AGREED(r)))
#define TIME_MATTERS (RUNNING_OUT(0, 0) || RUNNING_OUT(0, 1) || RUNNING_OUT(1, 0) || RUNNING_OUT(1, 1) || \
    WAITING(0) || WAITING(1))

inline tick() {
    tick_claim(0, 0); tick_claim(0, 1); tick_claim(1, 0); tick_claim(1, 1); tick_ledger(0); tick_ledger(1)
}

/* I4: nothing is left to happen, so every request is placed, each on a machine of its own that does not drain, and no
 * partition is lost to a claim that is not in the books. */
#define SETTLED(m, r) (hold[C(m, r)] == FREE || (hold[C(m, r)] == CONFIRMED && PLACED(m, r)))
inline check_progress() {
    I4_progress = AGREED(0) && !DRAINING(at[0]) && (REQUESTS == 1 || (AGREED(1) && at[0] != at[1])) &&
        SETTLED(0, 0) && SETTLED(0, 1) && SETTLED(1, 0) && SETTLED(1, 1);
    assert(I4_progress)
}

proctype Clock() {
end:
    do
    :: d_step { !calm && TIME_MATTERS -> tick() }
    :: atomic { calm && timeout && TIME_MATTERS -> d_step { tick() } }
    :: d_step { !calm -> calm = true }
    :: d_step { !calm -> calm = true; bereft = true }
    :: atomic { calm && timeout && !TIME_MATTERS -> check_progress(); break }
    od
}

init {
    atomic { attempt[0] = 1; attempt[1] = 1; run Machine(0); run Machine(1); run Ledger(0); run Ledger(1); run Clock() }
}
