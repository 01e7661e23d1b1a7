/* Claims: who may run a request, decided by the machines alone (I1, I2, I4 of Specs/design.md).
 *
 * Two machines with one partition each; two home ledgers with one exclusive request each. A machine grants a
 * tentative claim under a fresh fencing number; the ledger commits at most one claim per attempt and orders it; the
 * machine confirms it only while it is still tentative and under that very number. A claim that is not renewed ends.
 *
 *   ask(r, a)      ledger -> machines    find a partition for attempt a of request r
 *   grant(m, f)    machine -> ledger     claim f of machine m is yours: TENTATIVE to confirm it, LEASE to use it
 *   order(m, f)    ledger -> machine     attempt a is placed there: confirm claim f and start
 *   refused(m, f)  machine -> ledger     claim f is not to be had, now or ever
 *   renew(m, f)    machine -> ledger     let claim f go on for another LEASE
 *   renewed(m, f)  ledger -> machine     so be it
 *
 * Messages are facts that are never removed: one that is read late is late, one that is read twice is repeated, one
 * that is never read is lost. Time is what is left of each span; one tick shortens all of them. The two ends
 * of a lease are counted apart: on the machine from the instant of the grant (of sending the renewal), on
 * the ledger's side from the later instant of its receipt, so that the machine's end never comes after the
 * ledger's. Rates of clocks are taken as equal: the program leaves a margin for drift, which the model does not need.
 *
 * At any moment faults may stop for good (`calm`): from then on messages arrive before time passes, nothing old is
 * delivered any more, and agreed claims are renewed. Then every request must end up placed (I4).
 *
 * A restart of a machine or a ledger loses what is not on its disk; being down is not acting for a while, which every
 * process may do at any time.
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
#define CRASHES 1       /* of machines and ledgers together */
#endif
/* What calm may need on top. Too little would show as a request that is not placed. */
#define FENCES_MAX (FENCES + 3)
#define ATTEMPTS_MAX (ATTEMPTS + 2)

#define M 2
#define R 2
#define FREE 0
#define HELD 1          /* tentative */
#define CONFIRMED 2

#define C(m, r) ((m) * R + (r))                        /* what machine m knows of request r */
#define G(m, f) ((m) * (FENCES_MAX + 1) + (f))         /* claim f of machine m; f = 0 is none */
#define FOR(r, a) (1 + (r) + R * (a))                  /* a grant's contents: request and attempt; 0 is no grant */

bool calm;
byte crashes;

/* A machine. All on its disk but `pending`, what would be left of the lease if the renewal under way were answered. */
byte newest[M];
byte hold[M * R], fence[M * R], tentative[M * R], lease[M * R], sent[M * R];
byte pending[M * R];

/* A home ledger. All on its disk but `left`, its view of the lease. `at` = 0, `under` = 0: the attempt is open. */
byte attempt[R], at[R], under[R], heard[R];
byte left[R];

/* The network. */
byte grant[M * (FENCES_MAX + 1)];
bool order[M * (FENCES_MAX + 1)], refused[M * (FENCES_MAX + 1)];
byte renew[M * (FENCES_MAX + 1)], renewed[M * (FENCES_MAX + 1)];

#define AGREED(r) (under[r] != 0 && hold[C(at[r], r)] == CONFIRMED && fence[C(at[r], r)] == under[r])

/* Hidden, that is no part of the state: they only give the verifier's message the invariant's name. */
hidden byte I1_one_placement, I2_one_tenant, I4_progress;

/* I1: never two machines with a confirmed claim of one request (an expired one is free again at that very tick). */
inline check_placement(r) {
    I1_one_placement = !(hold[C(0, r)] == CONFIRMED && hold[C(1, r)] == CONFIRMED); assert(I1_one_placement)
}
/* I2: never two tenants of one partition. */
inline check_tenant(m) {
    I2_one_tenant = !(hold[C(m, 0)] == CONFIRMED && hold[C(m, 1)] == CONFIRMED); assert(I2_one_tenant)
}

#ifdef DOUBLE_GRANT     /* mistake: only confirmed claims count as tenants */
#define VACANT(m) (hold[C(m, 0)] != CONFIRMED && hold[C(m, 1)] != CONFIRMED)
#else
#define VACANT(m) (hold[C(m, 0)] == FREE && hold[C(m, 1)] == FREE)
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

inline on_ask(m, r, a) {
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
    hold[C(m, r)] = CONFIRMED; tentative[C(m, r)] = 0;
    check_placement(r); check_tenant(m)
}

inline on_renewed(m, r) {
#ifdef LEASE_FROM_ANSWER /* mistake: the machine counts the renewed lease from the receipt of the answer */
    lease[C(m, r)] = LEASE;
#else
    lease[C(m, r)] = pending[C(m, r)];
#endif
    pending[C(m, r)] = 0
}

inline machine_restarts(m) {
    crashes++; pending[C(m, 0)] = 0; pending[C(m, 1)] = 0;
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
#define ASKED(r) ((r) < REQUESTS && (!calm || under[r] == 0))
#define ORDERED(m, r, f) (order[G(m, f)] && grant[G(m, f)] % R == FOR(r, 0) % R && \
    (!calm || (at[r] == (m) && under[r] == (f))))

/* A claim that its machine does not hold under this number will never be held again. */
#define GONE(m, r, f) (hold[C(m, r)] == FREE || fence[C(m, r)] != (f))

#define REFUSE(m, r, f) \
    :: d_step { ORDERED(m, r, f) && !CONFIRMABLE(m, r, f) && GONE(m, r, f) && !refused[G(m, f)] -> \
        refused[G(m, f)] = true }
#define CONFIRM(m, r, f) \
    :: d_step { ORDERED(m, r, f) && CONFIRMABLE(m, r, f) -> on_order(m, r) }
#if FENCES == 2
#define EACH_FENCE(step, m, r) step(m, r, 1) step(m, r, 2) step(m, r, 3) step(m, r, 4) step(m, r, 5)
#elif FENCES == 3
#define EACH_FENCE(step, m, r) step(m, r, 1) step(m, r, 2) step(m, r, 3) step(m, r, 4) step(m, r, 5) step(m, r, 6)
#else
#error "FENCES is 2 or 3: another count needs a line here with FENCES_MAX steps"
#endif

#define WITH(m, r) \
    :: d_step { VACANT(m) && hold[C(m, r)] == FREE && ASKED(r) && newest[m] < (calm -> FENCES_MAX : FENCES) -> \
        on_ask(m, r, attempt[r]) } \
    :: d_step { VACANT(m) && hold[C(m, r)] == FREE && !calm && \
        (r) < REQUESTS && attempt[r] > 1 && newest[m] < FENCES -> \
        on_ask(m, r, attempt[r] - 1) } \
    :: d_step { hold[C(m, r)] == CONFIRMED && !calm && sent[C(m, r)] < RENEWALS -> \
        sent[C(m, r)]++; pending[C(m, r)] = LEASE; renew[G(m, fence[C(m, r)])] = sent[C(m, r)] } \
    :: d_step { hold[C(m, r)] == CONFIRMED && pending[C(m, r)] > lease[C(m, r)] && ANSWERED(m, r) -> on_renewed(m, r) }

proctype Machine(bit m) {
end:
    do
    WITH(m, 0)
    WITH(m, 1)
    EACH_FENCE(CONFIRM, m, 0)
    EACH_FENCE(CONFIRM, m, 1)
    EACH_FENCE(REFUSE, m, 0)
    EACH_FENCE(REFUSE, m, 1)
    :: d_step { !calm && crashes < CRASHES -> machine_restarts(m) }
    od
}

#ifdef EAGER_LOST       /* mistake: the ledger gives a machine up before the lease that it granted has ended */
#define ENDED(r) (left[r] <= 1)
#else
#define ENDED(r) (left[r] == 0)
#endif

#define PLACE(m, r, f) \
    :: d_step { under[r] == 0 && grant[G(m, f)] == FOR(r, attempt[r]) && \
        (!calm || (hold[C(m, r)] == HELD && fence[C(m, r)] == (f))) -> \
        at[r] = m; under[r] = f; heard[r] = 0; left[r] = LEASE; order[G(m, f)] = true }

inline try_again(r) { attempt[r]++; at[r] = 0; under[r] = 0; heard[r] = 0; left[r] = 0 }

proctype Ledger(bit r) {
end:
    do
    EACH_FENCE(PLACE, 0, r)
    EACH_FENCE(PLACE, 1, r)
    /* Renewals may arrive one after the other, ... */
    :: d_step { under[r] != 0 && renew[G(at[r], under[r])] > heard[r] ->
        heard[r]++; left[r] = LEASE; renewed[G(at[r], under[r])] = heard[r] }
    /* ... or the newest first. */
    :: d_step { under[r] != 0 && renew[G(at[r], under[r])] > heard[r] + 1 ->
        heard[r] = renew[G(at[r], under[r])]; left[r] = LEASE; renewed[G(at[r], under[r])] = heard[r] }
#ifndef NO_RETRY        /* mistake: the ledger waits for ever for a claim that has ended */
    :: d_step { under[r] != 0 && ENDED(r) && attempt[r] < (calm -> ATTEMPTS_MAX : ATTEMPTS) -> try_again(r) }
    :: d_step { under[r] != 0 && refused[G(at[r], under[r])] &&
        attempt[r] < (calm -> ATTEMPTS_MAX : ATTEMPTS) -> try_again(r) }
#endif
    :: d_step { !calm && crashes < CRASHES && under[r] != 0 -> crashes++;
#ifdef LEDGER_FORGETS   /* mistake: a ledger that restarts takes every lease for ended */
        left[r] = 0 }
#else
        left[r] = LEASE }
#endif
    od
}

inline shorten(span) { if :: span > 0 -> span-- :: else fi }

inline tick_claim(m, r) {
    if
    :: calm && AGREED(r) && at[r] == m                    /* renewed in time, again and again */
    :: else ->
        shorten(pending[C(m, r)]); shorten(lease[C(m, r)]);
        if
        :: hold[C(m, r)] == HELD ->
#ifndef NO_EXPIRY       /* mistake: an unconfirmed claim never expires by itself */
            shorten(tentative[C(m, r)]);
            if :: tentative[C(m, r)] == 0 -> release(m, r) :: else fi
#else
            skip
#endif
        :: hold[C(m, r)] == CONFIRMED && lease[C(m, r)] == 0 -> release(m, r)
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

/* I4: nothing is left to happen, so every request is placed, each on a machine of its own. */
inline check_progress() {
    I4_progress = AGREED(0) && (REQUESTS == 1 || (AGREED(1) && at[0] != at[1])); assert(I4_progress)
}

proctype Clock() {
end:
    do
    :: d_step { !calm && TIME_MATTERS -> tick() }
    :: atomic { calm && timeout && TIME_MATTERS -> d_step { tick() } }
    :: d_step { !calm -> calm = true }
    :: atomic { calm && timeout && !TIME_MATTERS -> check_progress(); break }
    od
}

init {
    atomic { attempt[0] = 1; attempt[1] = 1; run Machine(0); run Machine(1); run Ledger(0); run Ledger(1); run Clock() }
}
