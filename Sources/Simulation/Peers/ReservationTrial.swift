import Accounting
import Automata
import Claims
import Ledger
import Peer

/// A project reserves places while faults strike, and asks for instances in them when they begin.
///
/// - **once** while it runs: no partition is promised to two for one time, nor a machine's memory and cores more than once.
/// - **kept** while it runs: nobody else is let in where a machine keeps a place, and who was there is gone soon after it began.
/// - **booked** while it runs: a machine of which the books say so keeps the place; and at the end, when all faults are long over,
///   each reservation that lasts has all of its places, and each request for one of them runs there.
struct ReservationTrial: Sendable {
    /// Calls of the trial have ids from here on.
    static let firstCall: UInt64 = 1 << 48
    private static let firstRequest: UInt64 = 1 << 49
    static let project = "lab"
    static let customer = Customer("res@lab")
    static let retry: Int64 = 5_000_000_000
    /// Who is asked to go has so long.
    static let notice: Duration = .seconds(30)
    /// What both sides may take to see that the other one is not as it was.
    static let settled: Int64 = 30_000_000_000
    /// How long after its beginning who was there may still be: the machine has been up all the time.
    static let emptied: Int64 = 20_000_000_000

    struct Planned: Sendable {
        var name: String
        /// When it is asked for.
        var at: Int64
        var from: Int64
        var until: Int64
        var places: Int
        /// The books have it.
        var isRecorded = false
        /// Of its requests, those that no master has acknowledged.
        var unasked: [Int]
    }

    var planned: [Planned] = []
    /// How many acts of the accounts are recorded.
    var acts = 0
    /// Since when each host's present life lasts.
    private var lives: [UInt32: (life: UInt64, since: Int64)] = [:]  // looked up only
    /// Since when the books say that a place is kept.
    private var booked: [ClaimReference: Int64] = [:]  // looked up only
    private var calls: [CallID: (reservation: Int, request: Int)] = [:]  // looked up only
    private var nextCall: UInt64 = 0

    init(_ settings: ReservationSettings, begins: Int64, ends: Int64, over: Int64, seed: UInt64) {
        var draw = Draw(seed: seed, "reservations")
        for number in 0..<settings.count {
            let from = draw.within(begins + 40_000_000_000...max(begins + 40_000_000_000, ends))
            let ahead = draw.within(
                settings.ahead.lowerBound.nanoseconds...settings.ahead.upperBound.nanoseconds)
            // Every second one lasts beyond the end, so that it can be looked at when all is whole.
            let until = number % 2 == 0 ? over + 600_000_000_000 : from + draw.within(40_000_000_000...120_000_000_000)
            let places = draw.within(settings.places)
            planned.append(
                Planned(
                    name: "r\(number)", at: max(begins, from - ahead), from: from, until: until, places: places,
                    unasked: Array(0..<places)))
        }
    }

    func act(machines: [PeerID]) -> Act? {
        guard let euro = Currency("EUR") else { preconditionFailure("EUR is a currency") }
        let (ada, lab) = (AccountID("ada"), AccountID("lab"))
        var all: [Act] = [
            .accountOpened(Account(id: ada, kind: .person, title: "Ada")),
            .accountOpened(Account(id: lab, kind: .organisation, title: "Lab")),
            .projectSet(ProjectOrder(id: ProjectID(Self.project), customer: ada, currency: euro, ceiling: .zero)),
        ]
        all += machines.map { .machineListed($0, supplier: lab) }
        return acts < all.count ? all[acts] : nil
    }

    func order(_ index: Int) -> ReservationOrder {
        let planned = planned[index]
        return ReservationOrder(
            id: ReservationID(planned.name), project: ProjectID(Self.project),
            period: Period(from: Instant(nanoseconds: planned.from), to: Instant(nanoseconds: planned.until)),
            count: planned.places, requirements: Requirements(memory: .mebibytes(16)))
    }

    func key(_ index: Int, _ request: Int) -> RequestKey {
        RequestKey(customer: Self.customer, reference: "\(planned[index].name).\(request)")
    }

    mutating func call(_ index: Int, _ request: Int) -> CallID {
        nextCall += 1
        let id = CallID(Self.firstRequest + nextCall)
        calls[id] = (index, request)
        return id
    }

    func call(recording index: Int?) -> CallID {
        CallID(Self.firstCall + (index.map { UInt64($0) + 1 << 20 } ?? UInt64(acts)))
    }

    mutating func answered(_ id: CallID, _ result: CallResult) {
        guard id.value < Self.firstRequest else {
            guard let (index, request) = calls.removeValue(forKey: id), case .request(.request) = result else { return }
            planned[index].unasked.removeAll { $0 == request }
            return
        }
        let number = id.value - Self.firstCall
        let isDone =
            switch result {
            case .recorded: true
            case .refused(let refusal):
                refusal.rule == Rule.periodOver.rawValue || refusal.rule == Rule.duplicate.rawValue
            default: false
            }
        guard isDone else { return }
        if number >= 1 << 20 {
            let index = Int(number - 1 << 20)
            if case .recorded = result { planned[index].isRecorded = true }
            planned[index].at = .max
        } else if Int(number) == acts {
            acts += 1
        }
    }

    /// - Returns: since when the host's present life lasts.
    mutating func since(_ host: UInt32, life: UInt64, now: Int64) -> Int64 {
        if let known = lives[host], known.life == life { return known.since }
        lives[host] = (life, now)
        return now
    }

    mutating func since(_ claim: ClaimReference, now: Int64) -> Int64 {
        if let known = booked[claim] { return known }
        booked[claim] = now
        return now
    }
}

extension PeerPopulation {
    mutating func beginReservations(_ core: inout World) {
        guard let trial = reservations else { return }
        run(.reservationBooks, at: 1_000_000_000, &core)
        run(.reservationLook, at: watch.workload.begins, &core)
        for (index, planned) in trial.planned.enumerated() {
            run(.reserve(index), at: planned.at, &core)
            run(.reservationAsks(index), at: planned.from + 1_000_000_000, &core)
        }
    }

    /// The acts one after the other, each until it is recorded.
    mutating func keepReservationBooks(_ core: inout World) {
        let machines = (0..<UInt32(count)).map { core.id(of: $0) }
        guard let trial = reservations, let act = trial.act(machines: machines) else { return }
        run(.reservationBooks, at: core.now + ReservationTrial.retry, &core)
        guard watch.running.contains(0) else { return }
        give(.call(trial.call(recording: nil), .record(.accounting(act))), to: 0, &core)
    }

    mutating func reserve(_ index: Int, _ core: inout World) {
        guard let trial = reservations, trial.planned[index].at < .max, core.now < trial.planned[index].from else {
            return
        }
        run(.reserve(index), at: core.now + ReservationTrial.retry, &core)
        guard watch.running.contains(0) else { return }
        give(.call(trial.call(recording: index), .record(.accounting(.reserved(trial.order(index))))), to: 0, &core)
    }

    mutating func reservationAsks(_ index: Int, _ core: inout World) {
        guard let planned = reservations?.planned[index], planned.isRecorded, !planned.unasked.isEmpty,
            core.now + 20_000_000_000 < planned.until
        else { return }
        run(.reservationAsks(index), at: core.now + ReservationTrial.retry, &core)
        let masters = watch.running.items.filter { hosts[Int($0)].isMaster }.sorted()
        guard masters.contains(0) else { return }
        for request in planned.unasked {
            guard let key = reservations?.key(index, request), let id = reservations?.call(index, request) else {
                return
            }
            var specification = Specification(
                release: ReleaseDocument(url: "file:true.yaml", text: "name: true"),
                requirements: Requirements(memory: .mebibytes(16)), exclusive: request % 2 == 1)
            specification.project = ReservationTrial.project
            specification.requirements.reservation = planned.name
            give(.call(id, .request(.ask(key, specification, basedOn: nil, wait: nil))), to: 0, &core)
        }
    }

    mutating func reservationAnswered(_ id: CallID, _ result: CallResult, _ core: inout World) {
        let acts = reservations?.acts
        reservations?.answered(id, result)
        if reservations?.acts != acts { keepReservationBooks(&core) }
    }

    // MARK: What machines keep

    mutating func lookAtReservations(_ core: inout World) {
        guard reservations != nil, !core.isOver else { return }
        run(.reservationLook, at: core.now + 1_000_000_000, &core)
        for host in watch.running.items.sorted() {
            _ = reservations?.since(host, life: hosts[Int(host)].lives, now: core.now)
            checkPromises(of: host, &core)
            checkSquatters(on: host, &core)
        }
        checkBookings(&core)
    }

    /// **once**
    private mutating func checkPromises(of host: UInt32, _ core: inout World) {
        guard let kept = hosts[Int(host)].look({ $0.claims.bookings }), kept.count > 1 else { return }
        reached["several bookings on a machine", default: 0] += 1
        for (index, one) in kept.enumerated() {
            for other in kept[(index + 1)...]
            where one.claim.partition == other.claim.partition && one.record.terms.overlaps(other.record.terms) {
                let what =
                    "\(name(host))'s partition \(one.claim.partition) is promised to "
                    + "\(one.record.terms.reservation) and to \(other.record.terms.reservation) for one time"
                return watch.checker.report("once", what, [host], &core)
            }
        }
    }

    /// **kept**: who was there is gone.
    private mutating func checkSquatters(on host: UInt32, _ core: inout World) {
        let since = reservations?.since(host, life: hosts[Int(host)].lives, now: core.now) ?? core.now
        for (number, instance) in hosts[Int(host)].instances.sorted(by: { $0.key < $1.key }) {
            guard let kept = hosts[Int(host)].look({ $0.claims.isKept(number) }) ?? nil else { continue }
            let reservation = instance.order.specification.requirements.reservation
            if reservation == kept.terms.reservation {
                reached["a reservation's instance in its place", default: 0] += 1
                continue
            }
            reached["another one's instance where a place is kept", default: 0] += 1
            // A booking may come later than its beginning.
            let claim = kept.claim(on: core.id(of: host), number)
            let booked = reservations?.since(claim, now: core.now) ?? core.now
            guard core.now - since > ReservationTrial.emptied, core.now - booked > ReservationTrial.emptied,
                core.localNow(host) - kept.terms.from > .nanoseconds(ReservationTrial.emptied)
            else { continue }
            let what =
                "\(name(host))'s partition \(number) is kept for \(kept.terms.reservation) since "
                + "\(kept.terms.from), and \(instance.order.request) is still there"
            watch.checker.report("kept", what, [host], &core)
        }
    }

    /// **kept**: nobody is let in.
    mutating func checkLetIn(_ order: InstanceOrder, on host: UInt32, _ core: inout World) {
        guard reservations != nil,
            let kept = hosts[Int(host)].look({ $0.claims.isKept(order.claim.partition) }) ?? nil,
            order.specification.requirements.reservation != kept.terms.reservation
        else { return }
        // A grant that was given before it began is ordered, and put out at once.
        guard core.localNow(host) - kept.terms.from > .seconds(15) else { return }
        let what =
            "\(name(host)) lets \(order.request) into \(order.claim.partition), which is kept for "
            + kept.terms.reservation
        watch.checker.report("kept", what, [host], &core)
    }

    /// **booked**: what the books say that machines keep, they keep.
    private mutating func checkBookings(_ core: inout World) {
        for (place, order) in reservedPlaces() {
            guard let claim = place.claim, let host = core.number(of: claim.machine) else { continue }
            guard let booked = reservations?.since(claim, now: core.now), core.now - booked > ReservationTrial.settled,
                watch.running.contains(host), core.localNow(host) < order.period.end,
                let since = reservations?.since(host, life: hosts[Int(host)].lives, now: core.now),
                core.now - since > ReservationTrial.settled
            else { continue }
            let kept = hosts[Int(host)].look { $0.claims.bookings.contains { $0.claim == claim } } ?? false
            guard !kept else { continue }
            let what = "the books say that \(name(host)) keeps place \(place.key.reference) (\(claim)), and it does not"
            return watch.checker.report("booked", what, [host], &core)
        }
    }

    /// As the primary of the ledger says that has the reservations.
    private mutating func reservedPlaces() -> [(place: ReservedPlace, order: ReservationOrder)] {
        for host in watch.running.items.sorted() where hosts[Int(host)].isMaster {
            let found = hosts[Int(host)].look { peer -> [(ReservedPlace, ReservationOrder)] in
                for ledger in peer.ledgers where ledger.isLeading {
                    let books = ledger.books
                    guard !books.accounts.allReservations.isEmpty else { continue }
                    return books.accounts.allReservations.flatMap { reservation in
                        books.places(of: reservation).map { ($0, reservation.order) }
                    }
                }
                return []
            }
            if let found, !found.isEmpty { return found }
        }
        return []
    }

    // MARK: At the end

    mutating func checkReservations(_ core: inout World) {
        guard let trial = reservations, !core.isOver else { return }
        let places = reservedPlaces()
        for (index, planned) in trial.planned.enumerated() where planned.isRecorded && planned.until > core.now {
            let own = places.filter { $0.order.id.name == planned.name }
            let booked = own.count { $0.place.claim != nil }
            guard booked == planned.places else {
                let reasons = own.map(\.place.reason).filter { !$0.isEmpty }.joined(separator: ", ")
                let what =
                    "\(booked) of \(planned.places) places of \(planned.name) are kept, although all faults are "
                    + "over: \(reasons)"
                return watch.checker.report("booked", what, [], &core)
            }
            reached["reservation complete at the end", default: 0] += 1
            for request in 0..<planned.places where !planned.unasked.contains(request) {
                let key = trial.key(index, request)
                let isThere = (0..<count).contains { host in
                    hosts[host].instances.contains { number, instance in
                        instance.order.request == key && instance.isRunning
                            && own.contains {
                                $0.place.claim?.machine == core.id(of: UInt32(host))
                                    && $0.place.claim?.partition == number
                            }
                    }
                }
                guard !isThere else { continue }
                let desks = (0..<UInt32(count)).flatMap { hosts[Int($0)].peer?.ledgers.compactMap(\.desk) ?? [] }
                let said = desks.compactMap { $0.requests.view(of: key) }.map {
                    "\($0.status.state) \($0.status.reason)"
                }
                let what =
                    "\(key) does not run in a place of \(planned.name), although all faults are over: "
                    + said.joined(separator: ", ")
                return watch.checker.report("booked", what, [], &core)
            }
        }
    }
}
