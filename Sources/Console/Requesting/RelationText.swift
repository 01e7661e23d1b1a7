public import API
import Automata

/// How people write in regard to which other instance one stands: `web`, `web@lan`, `web@country`.
public enum RelationText {
    /// - Parameter flag: names where the texts come from.
    /// - Returns: nil where nothing was given; an empty list where only empty texts were.
    /// - Throws: `invalid` with the nearest scope.
    public static func relations(
        _ texts: [String], _ flag: String
    ) throws(ProblemDocument) -> [RelationsDocument.Relation]? {
        guard !texts.isEmpty else { return nil }
        var relations: [RelationsDocument.Relation] = []
        for text in texts where !text.isEmpty { relations.append(try relation(text, flag)) }
        return relations
    }

    /// A name with an @ in it needs its scope behind it, so that a mistyped scope is never taken for a part of a name.
    private static func relation(_ text: String, _ flag: String) throws(ProblemDocument) -> RelationsDocument.Relation {
        let scopes = Relation.Scope.allCases.map(\.rawValue)
        let at = text.lastIndex(of: "@")
        let name = String(text[..<(at ?? text.endIndex)])
        let scope = at.map { String(text[text.index(after: $0)...]) } ?? Relation.Scope.host.rawValue
        guard scopes.contains(scope) else {
            let near = nearestName(to: scope, among: scopes).map { "did you mean \"\(name)@\($0)\"? " } ?? ""
            throw ProblemDocument(
                .invalid, "\(flag): there is no scope \"\(scope.prefix(64))\" in \"\(text.prefix(200))\"",
                remedy:
                    "\(near)scopes are \(scopes.joined(separator: ", ")); a name with an @ in it needs one behind it, "
                    + "as in \"\(text.prefix(200))@host\"", field: flag)
        }
        try Bounds.checkName(name, flag)
        return RelationsDocument.Relation(instance: name, scope: scope)
    }

    /// As it is written; `host` is not said.
    public static func text(of relation: RelationsDocument.Relation) -> String {
        let scope = relation.scope ?? Relation.Scope.host.rawValue
        return scope == Relation.Scope.host.rawValue && !relation.instance.contains("@")
            ? relation.instance : "\(relation.instance)@\(scope)"
    }
}
