import Accounting
import Automata
import Claims
import Ledger
import Peer

/// Reservations, where their places are kept, and why others are not.
extension BooksView {
    func reservations(for who: Principal) throws(ProblemDocument) -> ReservationsDocument {
        let books = try held()
        let shown = known(books, to: who).map { document($0, books, isWhole: false) }
        return ReservationsDocument(reservations: shown, source: source(books))
    }

    func reservation(named name: String, for who: Principal) throws(ProblemDocument) -> ReservationDocument {
        let books = try held()
        let known = known(books, to: who)
        guard let found = known.first(where: { $0.order.id.name == name }) else {
            let names = known.map(\.order.id.name)
            let near = nearestName(to: name, among: names).map { "did you mean \"\($0)\"?" }
            throw ProblemDocument(
                Refusal(
                    .notFound, "the ledger \(self.name) has no reservation \"\(name)\"",
                    remedy: near ?? "`palmier project reservation list` shows all; another ledger's with --ledger",
                    rule: Rule.unknownReservation.rawValue))
        }
        var document = document(found, books, isWhole: true)
        document.source = source(books)
        return document
    }

    /// Those of projects whose figures are the caller's to see.
    private func known(_ books: Books, to who: Principal) -> [Reservation] {
        let projects = books.accounts.projectStatuses(at: now).filter { who.mayRead($0.order.customer) }
        let names = Set(projects.map(\.order.id))
        return books.accounts.allReservations.filter { names.contains($0.order.project) }
    }

    private func document(_ reservation: Reservation, _ books: Books, isWhole: Bool) -> ReservationDocument {
        let order = reservation.order
        let desk = views.peer.ledgers.first { $0.id == ledger }?.desk
        let places = reservation.isWanted(at: now) ? books.places(of: reservation) : []
        let shown = places.map { place -> ReservationDocument.Place in
            let number = place.key.reservedPlace?.number ?? 0
            guard let claim = place.claim else {
                let unmet = desk?.requests.unmet(of: place)?.reason ?? place.reason
                return ReservationDocument.Place(
                    number: number, state: "searching", reason: unmet.isEmpty ? "machines are being asked" : unmet)
            }
            let user = books.user(of: place)
            return ReservationDocument.Place(
                number: number, state: user == nil ? "booked" : "used", node: views.knownName(of: claim.machine),
                fingerprint: claim.machine.fingerprint, partition: "\(claim.partition)",
                instance: user.map { "\($0.key)" }, reason: "")
        }
        let missing = places.first { $0.claim == nil }
        return ReservationDocument(
            name: order.id.name, project: order.project.name, state: reservation.phase(at: now).rawValue,
            from: order.period.start.civilText, until: order.period.end.civilText, count: order.count,
            booked: shown.count { $0.node != nil }, used: shown.count { $0.instance != nil },
            requirements: InstanceDocument.Needs(order.requirements), places: isWhole ? shown : [],
            machines: isWhole ? missing.flatMap { machines(for: $0, of: order) } : nil,
            madeAt: reservation.madeAt.civilText)
    }

    /// What machines say to a place that is still to be booked, as to a request.
    private func machines(for place: ReservedPlace, of order: ReservationOrder) -> MachinesDocument? {
        var specification = Specification(
            release: ReleaseDocument(url: "", text: ""), requirements: order.requirements, project: order.project.name)
        specification.requirements.booking = order.terms
        return try? Survey(place.key, asking: specification, from: nil, in: views)
            .document(namesMax: WhyDocument.namesMax)
    }
}

extension Views {
    /// The machines that keep a place which a request could have, and what each keeps; nil: it asks for none.
    func keepers(
        for key: RequestKey, asking specification: Specification
    ) -> (name: String, machines: Set<PeerID>, place: Holdings)? {
        guard let name = specification.requirements.reservation, specification.requirements.booking == nil,
            let books = peer.ledgers.first(where: { $0.id == peer.ledger(for: key, asking: specification) ?? peer.id })?
                .books, let found = books.reservation(name, at: now)
        else { return nil }
        let free = books.places(of: found).filter { books.user(of: $0) == nil }.compactMap { $0.claim?.machine }
        return (name, now >= found.order.period.start ? Set(free) : [], found.order.place)
    }

    /// What a request waits for that asks for a place of a reservation; nil: it asks for none, or that is over.
    func reservationWait(_ key: RequestKey, asking specification: Specification) -> String? {
        guard let name = specification.requirements.reservation,
            let books = peer.ledgers.first(where: { $0.id == peer.ledger(for: key, asking: specification) ?? peer.id })?
                .books, let found = books.reservation(name, at: now)
        else { return nil }
        let start = found.order.period.start
        guard now >= start else {
            return "It waits for the reservation \(name) to begin, at \(start.civilText)."
        }
        return
            "It waits for a place of the reservation \(name): `palmier project reservation show \(name)` tells of them."
    }
}
