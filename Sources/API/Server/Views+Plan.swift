import Accounting
import Automata
import Claims
import Ledger
import Neighbours
import Peer
import Releases

/// What a request would change, and where it would run.
extension Views {
    /// - Parameter known: what is there; nil for nothing.
    func plan(_ key: RequestKey, from known: Request?, to specification: Specification) -> PlanDocument {
        let changes = Self.changes(from: known?.specification, to: specification)
        let ledger = peer.ledger(for: key, asking: specification) ?? peer.id
        let books = peer.ledgers.first { $0.id == ledger }?.books
        var document = PlanDocument(
            customer: key.customer.name, reference: key.reference,
            act: changes.isEmpty ? "nothing" : known == nil ? "create" : "change", index: known?.revision.value ?? 0,
            changes: changes, where: known?.placement.map { place($0) }, waitsFor: "", reasons: [])
        if !changes.isEmpty, let refusal = refusal(key, from: known, to: specification, books) {
            (document.act, document.refusal) = ("refused", PlanDocument.Refusal(refusal))
        }
        // What is stopped or destroyed keeps what it has, and asks for no machine.
        guard specification.desired == .running else { return document }
        do {
            let surveys = try Survey.ofReleases(key, asking: specification, from: known, in: self)
            let chosen = surveys.last { !$0.survey.candidates.isEmpty } ?? surveys[0]
            let survey = chosen.survey
            document.reasons += notes(on: surveys.map { ($0.number, $0.survey) }, chosen.number, specification)
            if !specification.others.isEmpty { document.release = specification.acceptable[chosen.number].document.url }
            document.machines = survey.document(namesMax: PlanDocument.namesMax)
            document.waitsFor = survey.waitsFor
            if survey.here == nil, survey.candidates.isEmpty, let wait = reservationWait(key, asking: specification) {
                document.waitsFor = wait
            }
            document.hourly = survey.hourly.map { Decimal6($0).description }
            document.reasons += notes(on: survey, specification)
            pay(survey, key, specification.with(chosen.number), books, into: &document)
        } catch {
            document.reasons.append("\(own.name) cannot read what it asks: \(error)")
        }
        document.reasons += relationNotes(of: key, asking: specification)
        return document
    }

    /// Why the ledger would not take it.
    private func refusal(
        _ key: RequestKey, from known: Request?, to specification: Specification, _ books: Books?
    ) -> Refusal? {
        if known?.specification.requirements.reservation != specification.requirements.reservation,
            let objection = books?.reservationObjection(to: specification, at: now)
        {
            return objection
        }
        if let known { return known.objection(to: specification) }
        guard specification.desired == .running else { return nil }
        return books?.budgetBreach(of: key, asking: specification, at: now).map { Refusal($0) }
    }

    /// Which of several releases it would run, and why none before it.
    private func notes(
        on surveys: [(number: Int, survey: Survey)], _ chosen: Int, _ specification: Specification
    ) -> [String] {
        guard !specification.others.isEmpty, let first = surveys.first else { return [] }
        let names = specification.acceptable.map { name(of: $0.document) }
        guard first.survey.here == nil else { return ["It keeps its release, \(names[chosen])."] }
        let none = surveys.filter { $0.number < chosen }.map { number, survey in
            "For \(names[number]) there is no machine now: \(survey.waitsFor)"
        }
        guard chosen > 0 || !first.survey.candidates.isEmpty else {
            return ["No machine could take one of its releases now: \(names.joined(separator: ", "))."]
        }
        return none + [
            "It would run \(names[chosen]), the first of \(names.count) releases that a machine could take now."
        ]
    }

    /// As people know a release.
    func name(of document: ReleaseDocument) -> String {
        let summary = summary(of: document)
        return summary.name.isEmpty ? summary.url : "\(summary.name) \(summary.version)"
    }

    private func notes(on survey: Survey, _ specification: Specification) -> [String] {
        guard let here = survey.here else {
            guard survey.candidates.count > 1, survey.wanted.policy == .usual else { return [] }
            return ["Of two that fit, drawn at random, the one with more free partitions is asked."]
        }
        guard !survey.unfit.isEmpty else { return ["It stays on \(here.name), which is as asked."] }
        var notes = [
            "\(here.name) is not as asked any more: it \(survey.unfit.map(\.description).joined(separator: " and "))."
        ]
        if let next = survey.candidates.first?.name {
            notes.append(
                specification.exclusive
                    ? "It would move: stopped on \(here.name) first, since it is exclusive, then started on \(next)."
                    : "It would move: started on \(next), and ended on \(here.name) when it runs there.")
        } else {
            notes.append(
                "No other machine that is known here could take it now: it goes on on \(here.name) until one can.")
        }
        return notes
    }

    private func pay(
        _ survey: Survey, _ key: RequestKey, _ specification: Specification, _ books: Books?,
        into document: inout PlanDocument
    ) {
        guard let project = specification.project,
            let machine = survey.here?.machine ?? survey.candidates.first?.machine ?? survey.unpaid
        else { return }
        guard let books else {
            document.reasons.append(
                "What the project \(project) pays, \(own.name) does not know: it keeps no replica of the ledger.")
            return
        }
        guard let quote = books.quote(key, asking: specification, on: machine, at: now),
            let status = books.accounts.projectStatus(ProjectID(project), at: now)
        else { return }
        let currency = status.order.currency
        var hold = PlanDocument.Hold(
            project: project, node: knownName(of: machine), amount: nil, currency: currency.code,
            left: status.left.text(in: currency))
        switch quote {
        case .success(let amount): hold.amount = amount.text(in: currency)
        case .failure(let breach):
            document.reasons.append(
                document.where == nil
                    ? "On \(hold.node) the project could not pay: \(breach.message)."
                    : "The project could not pay, so that it would be stopped: \(breach.message).")
        }
        document.hold = hold
    }

    // MARK: What would be another

    private static func changes(from old: Specification?, to new: Specification) -> [PlanDocument.Change] {
        let before = old.map { fields($0) } ?? []
        let after = fields(new)
        let names = (after + before).map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        return names.compactMap { name in
            let (was, becomes) = (before.first { $0.name == name }?.value, after.first { $0.name == name }?.value)
            // Of one address there may be several texts.
            let isOtherText = name == "release" && old.map { $0.release.text != new.release.text } == true
            guard was != becomes || isOtherText else { return nil }
            guard isOtherText, was == becomes, let old else {
                return PlanDocument.Change(field: name, before: was, after: becomes)
            }
            return PlanDocument.Change(field: name, before: digested(old.release), after: digested(new.release))
        }
    }

    private static func digested(_ release: ReleaseDocument) -> JSONValue {
        .string("\(release.url), sha256 \(Digest(of: release.text.utf8).description.prefix(16))…")
    }

    /// What it says, without what is usual.
    private static func fields(_ specification: Specification) -> [(name: String, value: JSONValue)] {
        let requirements = specification.requirements
        var fields: [(name: String, value: JSONValue)] = [("release", .string(specification.release.url))]
        func add(_ name: String, _ text: String?) {
            if let text, !text.isEmpty { fields.append((name, .string(text))) }
        }
        if !specification.others.isEmpty {
            fields.append(("orReleases", .array(specification.others.map { .string($0.document.url) })))
        }
        add("type", specification.type)
        if case .object(let members) = JSONValue(text: specification.parameters) {
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                fields.append(("parameters.\(name)", value))
            }
        }
        if requirements.memory > .zero {
            fields.append(("requirements.memoryMiB", .integer(requirements.memory.bytes >> 20)))
        }
        add("requirements.machine", requirements.machine)
        add("requirements.condition", requirements.condition)
        add("requirements.policy", requirements.policy)
        add("requirements.priceMax", requirements.priceMax.map { Decimal6($0).description })
        add("requirements.reservation", requirements.reservation)
        for (name, isApart) in [("apartFrom", true), ("togetherWith", false)] {
            let others = requirements.relations.filter { $0.isApart == isApart }
            guard !others.isEmpty else { continue }
            fields.append(
                (
                    "requirements.relations.\(name)",
                    .array(others.map { .string("\($0.reference)@\($0.scope.rawValue)") })
                ))
        }
        if let terms = specification.group {
            fields.append(("count", .integer(Int64(terms.count))))
            add("spread", terms.spread?.rawValue)
            add("scale", terms.scale)
            if terms.isWarm { fields.append(("warm", .boolean(true))) }
            add("forecast", terms.forecast)
        }
        if specification.exclusive { fields.append(("exclusive", .boolean(true))) }
        if let patience = specification.patience {
            fields.append(("patienceSeconds", .integer(patience.components.seconds)))
        }
        add("project", specification.project)
        fields.append(("state", .string(specification.desired.rawValue)))
        return fields
    }
}

extension PlanDocument.Refusal {
    fileprivate init(_ refusal: Refusal) {
        self.init(
            code: refusal.code.rawValue, detail: refusal.message, remedy: refusal.remedy,
            rule: refusal.rule.isEmpty ? nil : refusal.rule)
    }
}
