import Automata
import Claims
import Ledger
import Neighbours
import Peer

/// Why a request is where it is.
extension Views {
    /// - Parameter namesMax: how many machines are named; nil: all.
    func why(_ request: Request, namesMax: Int?) -> WhyDocument {
        let document = instance(request)
        let survey: Survey
        do {
            let surveys = try Survey.ofReleases(request.key, asking: request.specification, from: request, in: self)
            survey = (surveys.last { !$0.survey.candidates.isEmpty } ?? surveys[0]).survey
        } catch {
            let none = MachinesDocument(
                known: 0, here: 0, fits: 0, notNow: 0, never: 0, rules: [], candidates: [], unnamed: 0, closest: nil)
            return WhyDocument(
                instance: document, explanation: explanation(document, request),
                waitsFor: "\(own.name) cannot read what it asks (\(error)): ask a master of a later version.",
                machines: none)
        }
        let quota = quotaMismatch(of: request)
        let isSought = request.specification.desired == .running && request.placement == nil
        let kept = reservationWait(request.key, asking: request.specification)
        return WhyDocument(
            instance: document, explanation: explanation(document, request),
            waitsFor: isSought ? kept ?? waitsFor(document, survey, quota) : "",
            ledger: quota.map { MachinesDocument.Refusal($0) }, machines: survey.document(namesMax: namesMax))
    }

    /// The ledger's own refusal comes before what any machine says.
    private func waitsFor(_ instance: InstanceDocument, _ survey: Survey, _ quota: Mismatch?) -> String {
        if let quota {
            return
                "It waits for its project, which would hold \(quota.wanted) and may hold \(quota.found), to have less: "
                + "when something of it ends, the oldest that waits is placed."
        }
        guard let first = survey.candidates.first else { return survey.waitsFor }
        let place = survey.candidates.count == 1 ? first.name : "\(first.name), for one,"
        return
            "\(place) could take it now: it is asked when \(instance.home.isEmpty ? "its master" : instance.home) looks "
            + "again, within seconds."
    }

    private func explanation(_ instance: InstanceDocument, _ request: Request) -> [String] {
        var sentences = [
            "\(instance.customer)/\(instance.reference) was asked for at \(instance.requestedAt) and shall be "
                + "\(instance.desired); it is \(instance.state)"
                + (instance.reason.isEmpty ? "." : ": \(instance.reason).")
        ]
        if instance.attempt > 1 {
            sentences.append("This is attempt \(instance.attempt): \(instance.attempt - 1) before it ended early.")
        }
        if instance.stateRevision < instance.revision {
            sentences.append(
                "Its newest change (revision \(instance.revision)) has not been answered by the machine yet.")
        }
        if let place = instance.where {
            sentences.append("It is placed on \(place.node) (\(place.fingerprint)), partition \(place.partition).")
        }
        sentences += releaseNotes(on: request)
        sentences += relationNotes(of: request.key, asking: request.specification)
        sentences += shareNotes(on: request)
        if !instance.home.isEmpty { sentences.append("Master \(instance.home) holds it in its ledger.") }
        return sentences
    }

    /// Which of several releases it has got, and why.
    private func releaseNotes(on request: Request) -> [String] {
        let acceptable = request.specification.acceptable
        guard acceptable.count > 1 else { return [] }
        let names = acceptable.map { name(of: $0.document) }
        var sentences = ["It accepts \(acceptable.count) releases, in this order: \(names.joined(separator: ", "))."]
        if request.placement != nil {
            let reason = request.choice.map { ", since there was no machine for those before it (\($0.reason))" } ?? ""
            sentences.append("It got \(name(of: request.chosen.release))\(reason).")
        }
        return sentences
    }

    /// What is not as a relation's author may think: nothing keeps an instance apart from one that is not there.
    func relationNotes(of key: RequestKey, asking specification: Specification) -> [String] {
        guard let bonds = peer.bonds(of: key, asking: specification) else {
            guard !specification.requirements.relations.isEmpty else { return [] }
            let ledger = peer.ledger(for: key, asking: specification).map { peer.ledgerName(of: $0) } ?? "another"
            return [
                "Where the instances are that it stands in relation to, only the ledger \(ledger) knows, of which "
                    + "\(own.name) keeps no replica: machines are shown without regard to it."
            ]
        }
        return bonds.map { bond in
            let relation: Automata.Relation
            switch bond {
            case .free(let of), .unplaced(let of): relation = of
            case .standing(let standing), .mirrored(let standing): relation = standing.relation
            }
            let other = RequestKey(customer: key.customer, reference: relation.reference)
            let isThere = peer.ledger(of: other) != nil
            return switch bond {
            case .standing(let standing):
                "It shall stand on \(relation), which is on \(knownName(of: standing.machine))."
            case .mirrored(let standing):
                "\(relation.reference), which is on \(knownName(of: standing.machine)), shall stand on "
                    + "\(relation.isApart ? "another" : "the same") \(relation.scope.rawValue) "
                    + "\(relation.isApart ? "than" : "as") it."
            case .free where isThere:
                "It shall stand on \(relation), which has no machine yet: nothing keeps it apart now."
            case .free: "It shall stand on \(relation), and there is no \(relation.reference): nothing keeps it apart."
            case .unplaced where isThere: "It shall stand on \(relation), which has no machine yet: it waits for that."
            case .unplaced: "It shall stand on \(relation), and there is no \(relation.reference): it waits for that."
            }
        }
    }
}

extension InstanceDocument.Needs {
    init(_ requirements: Requirements) {
        self.init(
            memoryMiB: requirements.memory.bytes >> 20, machine: requirements.machine,
            condition: requirements.condition.isEmpty ? nil : requirements.condition,
            policy: requirements.policy.isEmpty ? nil : requirements.policy,
            priceMax: requirements.priceMax.map { Decimal6($0).description },
            relations: requirements.relations.isEmpty ? nil : RelationsDocument(requirements.relations),
            reservation: requirements.reservation)
    }
}

extension RelationsDocument {
    init(_ relations: [Automata.Relation]) {
        func list(isApart: Bool) -> [Relation] {
            relations.filter { $0.isApart == isApart }.map {
                Relation(instance: $0.reference, scope: $0.scope.rawValue)
            }
        }
        self.init(apartFrom: list(isApart: true), togetherWith: list(isApart: false))
    }
}
