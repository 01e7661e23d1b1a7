import Automata
import Claims
import Ledger

/// What a body says of `requirements`. What is not mentioned stays, and an empty text or list takes away what was there.
struct RequirementsWish {
    private let memory: ByteCount?
    /// Empty: any.
    private let machine: String?
    /// nil within: nothing is asked any more.
    private let condition: Condition??
    /// Canonical; empty: the usual one.
    private let policy: String?
    private let priceMax: Int64??
    private let apart: [Relation]?
    private let together: [Relation]?
    /// Empty: none.
    private let reservation: String?

    private static let path = "requirements"

    /// - Parameter reader: nil: the body says nothing of them.
    /// - Throws: `invalid` with the field, where in its text, and the nearest known word.
    init(_ reader: BodyReader?) throws(ProblemDocument) {
        memory = try reader?.integer("memoryMiB", in: 0...Bounds.memoryMiBMax).map { .mebibytes($0) }
        machine = try reader?.text("machine")
        if let machine { try Bounds.checkChoice(machine, "\(Self.path).machine") }
        if let text = try reader?.text("condition") {
            condition = .some(try Bounds.condition(text, "\(Self.path).condition"))
        } else {
            condition = nil
        }
        policy = try reader?.text("policy").map { (text) throws(ProblemDocument) in
            try Bounds.policy(text, "\(Self.path).policy")
        }
        if let text = try reader?.text("priceMax") {
            priceMax = .some(try Bounds.price(text, "\(Self.path).priceMax"))
        } else {
            priceMax = nil
        }
        reservation = try reader?.text("reservation")
        if let reservation, !reservation.isEmpty {
            try Bounds.checkReservation(reservation, "\(Self.path).reservation")
        }
        let relations = try reader?.object("relations", known: ["apartFrom", "togetherWith"])
        apart = try Self.relations(relations, "apartFrom", isApart: true)
        together = try Self.relations(relations, "togetherWith", isApart: false)
    }

    static let known = ["memoryMiB", "machine", "condition", "policy", "priceMax", "relations", "reservation"]

    private static func relations(
        _ reader: BodyReader?, _ list: String, isApart: Bool
    ) throws(ProblemDocument) -> [Relation]? {
        guard let reader, reader.has(list) else { return nil }
        var found: [Relation] = []
        for element in try reader.objects(list, known: ["instance", "scope"]) {
            let reference = try element.requiredText("instance")
            try Bounds.checkName(reference, element.field("instance"))
            let relation = Relation(
                isApart: isApart, scope: try element.word("scope", Relation.Scope.self) ?? .host, reference: reference)
            if !found.contains(relation) { found.append(relation) }
        }
        return found
    }

    /// Whether it says anything about other instances.
    var saysRelations: Bool { apart != nil || together != nil }

    /// Lays the wish over what is there.
    ///
    /// - Throws: `invalid`, or `unsatisfiable` with the two that contradict each other.
    func apply(to requirements: inout Requirements, of key: RequestKey) throws(ProblemDocument) {
        if let memory { requirements.memory = memory }
        if let machine { requirements.machine = machine.isEmpty ? nil : machine }
        if let condition { requirements.condition = condition?.description ?? "" }
        if let policy { requirements.policy = policy }
        if let priceMax { requirements.priceMax = priceMax }
        if let reservation { requirements.reservation = reservation.isEmpty ? nil : reservation }
        if saysRelations {
            let old = requirements.relations
            requirements.relations = (apart ?? old.filter(\.isApart)) + (together ?? old.filter { !$0.isApart })
            try Self.check(requirements.relations, of: key)
        }
        // What another version has written, and nobody mentions, is not judged here.
        guard memory != nil || condition != nil || priceMax != nil else { return }
        try Self.checkContradiction(requirements)
    }

    private static func check(_ relations: [Relation], of key: RequestKey) throws(ProblemDocument) {
        let field = "\(path).relations"
        guard relations.count <= Requirements.relationsMax else {
            throw ProblemDocument(
                .invalid,
                "\(field): \(key) would stand in \(relations.count) relations, at most \(Requirements.relationsMax) are kept",
                remedy: "name fewer instances, or a wider scope such as country", field: field)
        }
        if let own = relations.first(where: { $0.reference == key.reference }) {
            throw ProblemDocument(
                .invalid, "\(field): \(key) cannot stand on \(own): that is itself", remedy: "name another instance",
                field: field)
        }
        for near in relations where !near.isApart {
            // The same host is on the same LAN, and so on.
            let far = relations.first {
                $0.isApart && $0.reference == near.reference && Self.width(of: $0.scope) >= Self.width(of: near.scope)
            }
            guard let far else { continue }
            throw ProblemDocument(
                .unsatisfiable, "\(field): no machine stands on \(near) and on \(far)",
                remedy: "leave out one of the two",
                field: field)
        }
    }

    private static func checkContradiction(_ requirements: Requirements) throws(ProblemDocument) {
        guard !requirements.condition.isEmpty else { return }
        let field = "\(path).condition"
        let condition: Condition
        do {
            condition = try Condition(requirements.condition)
        } catch {
            return  // of another version, and not mentioned now
        }
        var parts = [condition]
        if requirements.memory > .zero { parts.append(.term(.init(.memory, .atLeast, [.bytes(requirements.memory)]))) }
        if let most = requirements.priceMax { parts.append(.term(.init(.price, .atMost, [.number(most)]))) }
        try Bounds.checkContradiction(of: parts, field)
    }

    private static func width(of scope: Relation.Scope) -> Int { Relation.Scope.allCases.firstIndex(of: scope) ?? 0 }
}
