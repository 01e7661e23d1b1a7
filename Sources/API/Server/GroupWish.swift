import Automata
import Ledger

/// What a body says of a group: `count`, `spread`, `scale`, `warm`, `forecast`. What is not mentioned stays.
struct GroupWish {
    private let count: Int?
    /// nil within: members are not kept apart any more.
    private let spread: Relation.Scope??
    /// Canonical; empty: by no rule.
    private let scale: String?
    private let warm: Bool?
    private let forecast: String?

    static let known = ["count", "spread", "scale", "warm", "forecast"]

    /// - Throws: `invalid` with the field, where in its text, and the nearest known word.
    init(_ reader: BodyReader) throws(ProblemDocument) {
        count = try reader.integer("count", in: 0...Int64(GroupTerms.countMax)).map { Int($0) }
        if let text = try reader.text("spread") {
            spread = .some(try text.isEmpty ? nil : reader.word("spread", Relation.Scope.self))
        } else {
            spread = nil
        }
        scale = try reader.text("scale").map { (text) throws(ProblemDocument) in try Bounds.scale(text, "scale") }
        warm = try reader.boolean("warm")
        forecast = try reader.text("forecast").map { (text) throws(ProblemDocument) in
            try Bounds.forecast(text, "forecast")
        }
    }

    private var saysAnything: Bool {
        count != nil || spread != nil || scale != nil || warm != nil || forecast != nil
    }

    /// Lays the wish over what is there.
    ///
    /// - Throws: `invalid` where it is one instance, where a group cannot be so, and where its rule says how many there are.
    func apply(to specification: inout Specification, of key: RequestKey, known: Request?) throws(ProblemDocument) {
        guard saysAnything else { return try check(specification, key) }
        if let known, !known.isGroup {
            throw ProblemDocument(
                .invalid, "\(key) is one instance, and becomes no group",
                remedy: "take another name for the group, or destroy it and ask again", field: "count")
        }
        let old = known?.specification.group
        var terms = old ?? GroupTerms(count: 1)
        if let warm {
            guard old == nil || old?.isWarm == warm else {
                throw ProblemDocument(
                    .invalid, "\(key) \(warm ? "runs, and is not only prepared" : "is prepared, and does not run")",
                    remedy: "take another name", field: "warm")
            }
            terms.isWarm = warm
        }
        if let spread { terms.spread = spread }
        if let scale { terms.scale = scale }
        if let forecast { terms.forecast = forecast }
        guard terms.forecast.isEmpty || terms.isWarm else {
            throw ProblemDocument(
                .invalid, "forecast: \(key) is not prepared but runs", remedy: "give a rule with scale",
                field: "forecast")
        }
        if let count {
            let follows = terms.scale.isEmpty ? terms.forecast : terms.scale
            if old != nil, !follows.isEmpty, scale == nil, forecast == nil {
                throw ProblemDocument(
                    .invalid, "count: \(key) follows its rule, \(follows)",
                    remedy: "change the rule's min and max, or take it away with an empty text", field: "count")
            }
            terms.count = count
        } else if let rule = terms.scaleRule {
            terms.count = min(max(terms.count, rule.min), rule.max)
        }
        specification.group = terms
        try check(specification, key)
    }

    private func check(_ specification: Specification, _ key: RequestKey) throws(ProblemDocument) {
        guard specification.desired != .destroyed,
            let refusal = specification.group?.objection(to: key, specification)
        else { return }
        throw ProblemDocument(refusal, field: "count")
    }
}
