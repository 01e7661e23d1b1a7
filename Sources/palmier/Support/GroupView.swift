import API
import Automata
import Console

/// Groups in words and tables.
enum GroupView {
    /// Where an instance is, or how many of a group are as they should be: `2 of 3`.
    static func place(of document: InstanceDocument) -> String {
        if let group = document.group { return "\(group.ready) of \(group.count)" }
        return document.where.map { "\($0.node)/\($0.partition)" } ?? ""
    }

    /// One line for each member; empty for one instance.
    static func members(of document: InstanceDocument) -> String {
        (document.group?.members ?? []).map { member in
            var text = "  \(member.reference) is \(member.state)"
            if let place = member.where { text += " on \(place.node)/\(place.partition)" }
            if !member.isCurrent, member.state != InstanceState.destroyed.rawValue { text += ", still as before" }
            if !member.reason.isEmpty { text += ": \(member.reason)" }
            return Table.printable(text)
        }.joined(separator: "\n")
    }

    static func add(_ group: GroupDocument, to listing: inout Listing) {
        listing.add("members", "\(group.ready) of \(group.count) as they should be, \(group.present) there")
        listing.add("spread", group.spread.map { "no two on one \($0)" } ?? "")
        listing.add("scale", group.scale ?? "")
        guard let warm = group.warm else { return }
        listing.add("warm", warm.forecast.map { "as many as are expected: \($0)" } ?? "as many as asked for")
        listing.add("served", "\(warm.served) began at once, \(warm.missed) did not")
        listing.add("preparing", warm.preparingSeconds.map { "\($0) s" } ?? "")
    }

    /// Members, and what was decided lately; empty for one instance.
    static func story(of document: InstanceDocument, style: Style) -> String {
        guard let group = document.group else { return "" }
        var text = ""
        if !group.members.isEmpty { text += "\n" + style.strong("members") + "\n" + members(of: document) }
        if !group.decisions.isEmpty { text += "\n" + style.strong("decisions") + "\n" + history(of: group) }
        return text
    }

    /// The newest last.
    static func history(of group: GroupDocument) -> String {
        group.decisions.map { Table.printable("  \($0.at) \($0.text)") }.joined(separator: "\n")
    }
}
