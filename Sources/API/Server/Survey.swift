import Accounting
import Automata
import Claims
import Ledger
import Neighbours
import Peer

/// What the machines that one master knows say to what a request asks.
struct Survey {
    let wanted: Wanted
    /// Where the request is; its own reservation keeps that machine from fitting again.
    let here: (machine: PeerID, name: String, offer: Offer?)?
    /// Best first.
    let candidates: [Offer]
    /// Who cannot now, then who never can; the closest first.
    let refusals: [Matching.Refusal]
    let closest: Matching.Refusal?
    private let offers: [PeerID: Offer]  // looked up only
    /// What is not as asked where it is, its own reservation given back; empty: it may stay.
    let unfit: [Mismatch]
    /// Where it would be, were it paid: nil where a machine can take it, or none would.
    let unpaid: PeerID?

    /// - Parameter there: what is there; its reservation is given back where it is.
    /// - Throws: what of the requirements cannot be read here: a later version wrote them.
    init(
        _ key: RequestKey, asking specification: Specification, from there: Request?, in views: Views
    ) throws(LanguageError) {
        let peer = views.peer
        let placement = there?.placement
        var standings: [Standing] = []
        var missing: Relation?
        for bond in peer.bonds(of: key, asking: specification) ?? [] {
            switch bond {
            case .free: continue
            case .standing(let standing), .mirrored(let standing): standings.append(standing)
            case .unplaced(let relation): missing = missing ?? relation
            }
        }
        let wanted = try Wanted(
            specification.requirements, standings: standings, release: specification.release.mark)
        var offers: [PeerID: Offer] = [:]
        var asked = [peer.claims.offer]
        var known: [PeerID: [Mismatch]] = [:]
        for neighbour in peer.neighbours.all {
            asked.append(Offer(neighbour.advertisement))
            guard !neighbour.isLive else { continue }
            let why = neighbour.state == .left ? "has left" : "does not answer"
            known[neighbour.advertisement.peer] = [Mismatch(.gone, found: why)]
        }
        if let kept = views.keepers(for: key, asking: specification) {
            for index in asked.indices {
                let machine = asked[index].machine
                guard kept.machines.contains(machine) else {
                    known[machine] = known[machine] ?? [Mismatch(.reserved, wanted: kept.name)]
                    continue
                }
                // What is kept there is the request's.
                asked[index].free = max(1, asked[index].free)
                asked[index].cores += kept.place.cores
                asked[index].memory = ByteCount(asked[index].memory.bytes + kept.place.memory.bytes)
                asked[index].gpus += kept.place.gpus
            }
        }
        for offer in asked {
            offers[offer.machine] = offer
            guard let missing, known[offer.machine] == nil else { continue }
            let found = "\(offer.name) while \(missing.reference) has no machine"
            known[offer.machine] =
                wanted.mismatches(with: offer, at: views.now)
                + [Mismatch(.relation, wanted: missing.description, found: found)]
        }
        let matching = Matching(
            wanted, asked.filter { $0.machine != placement?.machine }, home: peer.claims.offer.place, known: known,
            at: views.now)
        self.wanted = wanted
        self.offers = offers
        here = placement.map { ($0.machine, views.knownName(of: $0.machine), offers[$0.machine]) }
        if let request = there, let offer = placement.flatMap({ offers[$0.machine] }) {
            unfit = Self.unfit(wanted, offer, request, peer.bonds(of: key, asking: specification) ?? [], at: views.now)
        } else {
            unfit = []
        }
        let dear = placement == nil ? Self.dear(matching.candidates, key, specification, in: views) : []
        unpaid = dear.count == matching.candidates.count ? dear.first?.machine : nil
        let names = Set(dear.map(\.machine))
        candidates = matching.candidates.filter { !names.contains($0.machine) }
        closest = candidates.isEmpty ? matching.closest ?? dear.first : nil
        let ranked = (matching.refusals + dear).map { refusal in
            (
                rank: (refusal.mismatches.count { $0.isLasting }, refusal.mismatches.count, refusal.name),
                refusal: refusal
            )
        }
        refusals = ranked.sorted { $0.rank < $1.rank }.map(\.refusal)
    }

    /// Machines that would take it, and that its project cannot pay: the ledger refuses them, whatever they say.
    private static func dear(
        _ candidates: [Offer], _ key: RequestKey, _ specification: Specification, in views: Views
    ) -> [Matching.Refusal] {
        guard let project = specification.project, !candidates.isEmpty,
            let ledger = views.peer.ledger(for: key, asking: specification),
            let books = views.peer.ledgers.first(where: { $0.id == ledger })?.books,
            let status = books.accounts.projectStatus(ProjectID(project), at: views.now)
        else { return [] }
        let left = "\(status.left.text(in: status.order.currency)) \(status.order.currency.code) left"
        return candidates.compactMap { offer in
            guard case .failure(let breach)? = books.quote(key, asking: specification, on: offer.machine, at: views.now)
            else { return nil }
            let no = Mismatch(.budget, wanted: breach.message, found: left)
            return Matching.Refusal(machine: offer.machine, name: offer.name, mismatches: [no])
        }
    }

    /// What ends the tenancy of a request that is there, once it asks for this.
    private static func unfit(
        _ wanted: Wanted, _ offer: Offer, _ request: Request, _ bonds: [Books.Bond], at now: Instant
    ) -> [Mismatch] {
        let own = Demand(of: request.chosen.requirements)
        var room = offer
        room.free += 1
        room.cores += own.cores
        room.memory = ByteCount(room.memory.bytes + own.memory.bytes)
        room.gpus += own.gpus
        let broken: [Mismatch] = bonds.compactMap { bond in
            guard case .standing(let standing) = bond, !standing.holds(on: offer.machine, at: offer.place) else {
                return nil
            }
            return Mismatch(.relation, wanted: standing.relation.description, found: offer.name)
        }
        return wanted.mismatches(with: room, at: now).filter(\.endsTenancy) + broken
    }

    /// Of several releases the first that a machine could take now, else the first; what runs keeps its own where it may.
    ///
    /// - Returns: its number, and what machines say to it.
    static func ofReleases(
        _ key: RequestKey, asking specification: Specification, from known: Request?, in views: Views
    ) throws(LanguageError) -> [(number: Int, survey: Survey)] {
        let running = known?.placement == nil ? nil : known?.chosen.release
        let numbers = Array(specification.acceptable.indices)
        let own = numbers.first { specification.acceptable[$0].document.text == running?.text }
        var surveys: [(number: Int, survey: Survey)] = []
        for number in own.map({ [$0] }) ?? (running == nil ? numbers : [0]) {
            let survey = try Survey(key, asking: specification.with(number), from: known, in: views)
            surveys.append((number, survey))
            if !survey.candidates.isEmpty { break }
        }
        return surveys
    }

    /// No machine can ever take it, as far as they are known here.
    var isHopeless: Bool {
        here == nil && candidates.isEmpty && !refusals.isEmpty && refusals.allSatisfy(\.isLasting)
    }

    /// What an hour of the request costs where it is or would be first, in millionths; nil: nowhere.
    var hourly: Int64? { (here.map { $0.offer } ?? candidates.first).map { $0.hourly(wanted.demand) } }

    /// - Parameter namesMax: how many machines are named; nil: all.
    func document(namesMax: Int?) -> MachinesDocument {
        let never = refusals.count { $0.isLasting }
        let known = (here == nil ? 0 : 1) + candidates.count + refusals.count
        var named: [MachinesDocument.Candidate] = []
        func add(_ candidate: @autoclosure () -> MachinesDocument.Candidate) {
            if named.count < namesMax ?? .max { named.append(candidate()) }
        }
        if let here { add(document(of: here.machine, here.name, "here")) }
        for offer in candidates { add(document(of: offer.machine, offer.name, "fits")) }
        for refusal in refusals { add(document(of: refusal)) }
        return MachinesDocument(
            known: known, here: here == nil ? 0 : 1, fits: candidates.count, notNow: refusals.count - never,
            never: never, rules: rules, candidates: named, unnamed: known - named.count,
            closest: here == nil ? closest.map { document(of: $0) } : nil)
    }

    private var rules: [MachinesDocument.Rule] {
        [false, true].flatMap { isLasting in
            let codes = refusals.filter { $0.isLasting == isLasting }.compactMap { $0.mismatches.first?.code }
            return Mismatch.Code.allCases.compactMap { code -> MachinesDocument.Rule? in
                let machines = codes.count { $0 == code }
                guard machines > 0 else { return nil }
                return MachinesDocument.Rule(
                    code: code.rawValue, by: code.party.rawValue, lasting: isLasting, machines: machines,
                    text: code.phrase(for: machines))
            }
        }
    }

    private func document(of refusal: Matching.Refusal) -> MachinesDocument.Candidate {
        document(
            of: refusal.machine, refusal.name, refusal.isLasting ? "never" : "not now",
            refusal.mismatches.map { MachinesDocument.Refusal($0) })
    }

    private func document(
        of machine: PeerID, _ name: String, _ verdict: String, _ refusals: [MachinesDocument.Refusal] = []
    ) -> MachinesDocument.Candidate {
        let hourly = offers[machine].map { Decimal6($0.hourly(wanted.demand)).description }
        return MachinesDocument.Candidate(
            node: name, fingerprint: machine.fingerprint, fits: verdict == "fits", verdict: verdict, hourly: hourly,
            refusals: refusals)
    }

    // MARK: In words

    /// What has to happen before it gets a machine, in one sentence; empty where one could take it now.
    var waitsFor: String {
        guard here == nil, candidates.isEmpty else { return "" }
        guard let closest else { return "It waits for a machine: none is known here." }
        guard !isHopeless else {
            return "No machine known here can ever take it. The closest is \(closest.name), which \(closest.words)."
        }
        var events: [(event: String, machines: [String])] = []
        for refusal in refusals where !refusal.isLasting {
            let event = refusal.mismatches.map(\.event).reduce(into: [String]()) {
                if !$0.contains($1) { $0.append($1) }
            }
            .joined(separator: " and ")
            if let index = events.firstIndex(where: { $0.event == event }) {
                events[index].machines.append(refusal.name)
            } else {
                events.append((event, [refusal.name]))
            }
        }
        let shown = events.prefix(Self.eventsMax).map { event, machines in
            "\(event) (\(machines.count > 2 ? "\(machines.count) machines" : machines.joined(separator: ", ")))"
        }
        let rest = events.count - shown.count
        return "It waits for \(shown.joined(separator: ", or for "))"
            + (rest > 0 ? ", or for what \(rest) more machines lack." : ".")
    }

    /// The most that are told in one sentence.
    private static let eventsMax = 4
}

extension Mismatch {
    /// What would end it, as the rest of "it waits for".
    fileprivate var event: String {
        switch code {
        case .gone: "a machine that is gone to come back"
        case .otherMachine: wanted
        case .requirement, .short: "\(wanted) to be free"
        case .relation: "\(wanted)"
        case .tooDear: "a price of at most \(wanted)"
        case .ownerLimit: "an owner who gives \(wanted)"
        case .notAccepting: "a machine to take instances again"
        case .ownerHours: "the hours from \(wanted) UTC"
        case .full, .outranked: "a free partition"
        case .reserved: "a place that no reservation keeps"
        case .yielding: "a tenant to leave"
        case .silent, .notAsked: "an answer"
        case .budget: "the project to have more (it has \(found))"
        case .quota: "the project to have \(wanted)"
        case .unreadable, .staleAttempt, .other: "a machine that can take it"
        }
    }
}

extension MachinesDocument.Refusal {
    init(_ mismatch: Mismatch) {
        self.init(
            code: mismatch.code.rawValue, by: mismatch.code.party.rawValue, wanted: mismatch.wanted,
            found: mismatch.found, lasting: mismatch.isLasting, text: mismatch.description)
    }
}
