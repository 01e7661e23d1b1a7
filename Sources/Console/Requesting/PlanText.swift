public import API
import Releases

/// A plan in words: what is there and what would be, where, at what price, and how to go on.
public enum PlanText {
    public static func text(_ plan: PlanDocument, style: Style) -> String {
        var lines = [Table.printable(headline(plan))]
        lines += plan.changes.flatMap { difference($0, width: width(of: plan), style) }
        if let refusal = plan.refusal {
            lines.append(
                "why refused: " + Table.printable(refusal.detail.split(separator: "\n").joined(separator: " ")))
            if !refusal.remedy.isEmpty { lines.append("to do: " + Table.printable(refusal.remedy)) }
        }
        if let machines = plan.machines { lines += placement(plan, machines) }
        if let hold = plan.hold { lines.append(Table.printable(price(hold))) }
        lines += plan.reasons.map { Table.printable("note: \($0)") }
        if plan.changesSomething, let command = plan.command { lines.append("to go on: \(command)") }
        return lines.joined(separator: "\n")
    }

    private static func headline(_ plan: PlanDocument) -> String {
        let name = plan.reference
        return switch plan.act {
        case "create": "\(name) would be made; there is none of that name (index 0)"
        case "change": "\(name) would be changed (index \(plan.index))"
        case "nothing": "nothing would change: \(name) is as asked (index \(plan.index))"
        default: "\(name) would be refused (index \(plan.index))"
        }
    }

    // MARK: The difference

    /// What is there behind a `-`, what would be behind a `+`.
    private static func difference(_ change: PlanDocument.Change, width: Int, _ style: Style) -> [String] {
        let title = title(of: change.field)
        let padded = title + String(repeating: " ", count: width - title.count + 2)
        func line(_ sign: String, _ value: JSONValue) -> String {
            Table.printable("  \(sign) \(padded)\(text(of: value, change.field))")
        }
        var lines: [String] = []
        if let before = change.before { lines.append(style.removed(line("-", before))) }
        if let after = change.after { lines.append(style.added(line("+", after))) }
        return lines
    }

    private static func width(of plan: PlanDocument) -> Int {
        plan.changes.map { title(of: $0.field).count }.max() ?? 0
    }

    /// As the flags are called.
    private static func title(of field: String) -> String {
        switch field {
        case "requirements.memoryMiB": "memory"
        case "requirements.machine": "node"
        case "patienceSeconds": "patience"
        case "orReleases": "or release"
        case "requirements.condition": "require"
        case "requirements.policy": "prefer"
        case "requirements.priceMax": "max price"
        case "requirements.reservation": "reservation"
        case "requirements.relations.apartFrom": "apart from"
        case "requirements.relations.togetherWith": "together with"
        case "exclusive", "project", "release", "state", "type": field
        default: field.hasPrefix("parameters.") ? "param \(field.dropFirst("parameters.".count))" : field
        }
    }

    private static func text(of value: JSONValue, _ field: String) -> String {
        switch value {
        case .string(let text): text
        case .integer(let count) where field == "requirements.memoryMiB": "\(count) MiB"
        case .integer(let seconds) where field == "patienceSeconds": Wording.age(seconds: seconds)
        case .boolean(true) where field == "exclusive": "yes"
        case .array(let elements) where field.hasPrefix("requirements.") || field == "orReleases":
            elements.map { text(of: $0, field) }.joined(separator: ", ")
        case .null, .boolean, .integer, .number, .array, .object: value.canonicalJSON
        }
    }

    // MARK: Where, and at what price

    private static func placement(_ plan: PlanDocument, _ machines: MachinesDocument) -> [String] {
        let hourly = plan.hourly.map { ", \($0) an hour in the unit of account" } ?? ""
        var lines: [String] = []
        if let place = plan.where {
            lines.append("placement: it is on \(place.node)/\(place.partition)\(hourly)")
        } else {
            let fitting = machines.candidates.filter(\.fits)
            let others = fitting.dropFirst().map { $0.node + ($0.hourly.map { " (\($0))" } ?? "") }
            lines.append(
                fitting.first.map { first in
                    "placement: \(first.node) now\(hourly)"
                        + (others.isEmpty ? "" : "; next \(others.joined(separator: ", "))")
                } ?? "placement: no machine now")
        }
        lines.append(MatchingText.counts(machines))
        if !plan.waitsFor.isEmpty { lines.append(plan.waitsFor) }
        return lines.flatMap { $0.split(separator: "\n").map { Table.printable(String($0)) } }
    }

    private static func price(_ hold: PlanDocument.Hold) -> String {
        let left = "the project \(hold.project) has \(hold.left) \(hold.currency) left"
        return hold.amount.map { "hold: \($0) \(hold.currency) for the first hour on \(hold.node); \(left)" }
            ?? "hold: \(left)"
    }
}
