public import API

/// What machines say to a request, in words and tables.
public enum MatchingText {
    /// How many machines answer what, so that they add up; below it by which rules.
    public static func counts(_ machines: MachinesDocument) -> String {
        let parts: [(Int, String, String)] = [
            (machines.here, "has it", "have it"), (machines.fits, "fits", "fit"),
            (machines.notNow, "cannot now", "cannot now"), (machines.never, "never can", "never can"),
        ]
        let shown = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }
        let first = "\(Wording.count(machines.known, "machine")) known"
        var lines = [shown.isEmpty ? first : "\(first): \(shown.joined(separator: ", "))"]
        for (title, isLasting) in [("not now", false), ("never", true)] {
            let rules = machines.rules.filter { $0.lasting == isLasting }.map { "\($0.machines) \($0.text)" }
            if !rules.isEmpty { lines.append("  \(title): \(rules.joined(separator: ", "))") }
        }
        return lines.joined(separator: "\n")
    }

    /// - Parameter isWide: with every reason of each machine, not only the first.
    public static func table(_ candidates: [MachinesDocument.Candidate], isWide: Bool) -> Table {
        var columns: [Table.Column] = [.plain("NODE"), .state("FITS"), .flexible("REASON")]
        if isWide { columns += [.plain("HOURLY"), .plain("FINGERPRINT")] }
        var table = Table(columns)
        for candidate in candidates {
            let reasons = candidate.refusals.map(\.text)
            let cells = [
                candidate.node, candidate.verdict,
                (isWide ? reasons : Array(reasons.prefix(1))).joined(separator: "; "),
            ]
            table.add(isWide ? cells + [candidate.hourly ?? "", candidate.fingerprint] : cells)
        }
        return table
    }

    /// - Parameter all: the command that names every machine.
    public static func why(_ document: WhyDocument, all: String, isWide: Bool, output: Output) -> String {
        let (instance, machines) = (document.instance, document.machines)
        var sentence = "\(instance.reference) is \(instance.state)"
        if let place = instance.where { sentence += " on \(place.node)/\(place.partition)" }
        var lines = [Table.printable(sentence), counts(machines)]
        if !document.waitsFor.isEmpty { lines.append(Table.printable(document.waitsFor)) }
        lines += document.explanation.map { "  " + Table.printable($0) }
        if !machines.candidates.isEmpty {
            lines += ["", output.text(of: table(machines.candidates, isWide: isWide), isWide: isWide)]
        }
        if machines.unnamed > 0 {
            lines.append("\(machines.unnamed) more not named: `\(all)` names all")
        }
        return lines.joined(separator: "\n")
    }

    /// What a machine has been asked for.
    public static func claims(_ document: NodeClaimsDocument, isWide: Bool, output: Output) -> String {
        var lines: [String] = []
        if document.claims.isEmpty {
            lines.append(
                document.hidden > 0
                    ? "\(document.node) has not been asked for anything of yours lately"
                    : "\(document.node) has not been asked for anything since it started: no request has come as far as to it"
            )
        } else {
            let outcomes = ["placed", "granted", "refused", "outdone", "expired"].compactMap { outcome -> String? in
                let count = document.claims.count { $0.outcome == outcome }
                return count == 0 ? nil : "\(count) \(outcome)"
            }
            lines.append(
                document.claims.count == 1
                    ? "\(document.node): one claim"
                    : "\(document.node): the last \(document.claims.count) claims, \(outcomes.joined(separator: ", "))")
            lines.append(output.text(of: table(document.claims, isWide: isWide), isWide: isWide))
        }
        if document.hidden > 0 {
            lines.append("\(Wording.count(document.hidden, "claim")) for others' requests not shown")
        }
        return lines.map { $0.contains("\n") ? $0 : Table.printable($0) }.joined(separator: "\n")
    }

    private static func table(_ claims: [NodeClaimsDocument.Claim], isWide: Bool) -> Table {
        var columns: [Table.Column] = [
            .plain("AGE"), .plain("REQUEST"), .plain("ATTEMPT"), .plain("LEDGER"), .state("OUTCOME"),
            .flexible("REASON"),
        ]
        if isWide { columns.append(.plain("AT")) }
        var table = Table(columns)
        for claim in claims {
            let first = claim.refusals.first?.text ?? claim.reason
            let cells = [
                Wording.age(seconds: claim.ageSeconds), "\(claim.customer)/\(claim.reference)", String(claim.attempt),
                claim.ledger, claim.outcome, isWide ? claim.reason : first,
            ]
            table.add(isWide ? cells + [claim.at] : cells)
        }
        return table
    }
}
