import API
import Automata
import Console
import Releases

/// Instances in words and tables.
enum InstanceView {
    /// `cache is running on worker-1/p03`.
    static func sentence(_ document: InstanceDocument) -> String {
        var text = "\(document.reference) is \(document.state)"
        if let place = document.where { text += " on \(place.node)/\(place.partition)" }
        if !document.reason.isEmpty { text += ": \(document.reason)" }
        if let moving = document.moving, !moving.reason.isEmpty { text += " (\(moving.reason))" }
        return text
    }

    /// - Parameter unreachable: what is known of by name only: the master that holds it does not answer.
    static func table(_ documents: [InstanceDocument], unreachable: [UnreachableDocument], isWide: Bool) -> Table {
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("WHERE"), .plain("AGE"),
        ]
        if isWide {
            columns += [
                .plain("RELEASE"), .plain("TYPE"), .plain("DESIRED"), .plain("ATTEMPT"), .plain("CUSTOMER"),
                .plain("MASTER"), .plain("CONNECTION"),
            ]
        }
        var table = Table(columns)
        for document in documents {
            var cells = [
                document.reference, document.state, document.reason,
                GroupView.place(of: document), Wording.age(seconds: document.ageSeconds),
            ]
            if isWide {
                cells += [
                    release(document), document.type, document.desired, String(document.attempt), document.customer,
                    document.home, document.connection == .object([:]) ? "" : document.connection.canonicalJSON,
                ]
            }
            table.add(cells)
        }
        for document in unreachable {
            let cells = [document.reference, InstanceState.unreachable.rawValue, document.reason, "", ""]
            table.add(isWide ? cells + ["", "", "", "", document.customer, document.home, ""] : cells)
        }
        return table
    }

    /// `2 running, 1 waiting`.
    static func counts(_ list: InstancesDocument) -> String {
        // A group is its members.
        let states =
            list.instances.filter { $0.group == nil }.map(\.state)
            + list.unreachable.map { _ in InstanceState.unreachable.rawValue }
        guard !states.isEmpty else { return list.instances.isEmpty ? "no instances" : "no instances in a group" }
        return InstanceState.allCases.compactMap { state in
            let count = states.count { $0 == state.rawValue }
            return count == 0 ? nil : "\(count) \(state.rawValue)"
        }.joined(separator: ", ")
    }

    /// What it is, and how to use it.
    static func result(_ document: InstanceDocument, style: Style) -> String {
        [
            sentence(document), promise(document), GroupView.members(of: document),
            connection(document, style: style),
        ].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    static func details(_ document: InstanceDocument, style: Style) -> String {
        var listing = Listing()
        listing.add("name", document.reference)
        listing.add("state", document.state)
        listing.add("reason", document.reason)
        listing.add("desired", document.desired == document.state ? "" : document.desired)
        if let group = document.group {
            GroupView.add(group, to: &listing)
        } else {
            listing.add(
                "where", document.where.map { "\($0.node)/\($0.partition) (\($0.fingerprint))" } ?? "nowhere yet")
        }
        listing.add("member of", document.memberOf ?? "")
        listing.add("took over", document.tookOver ?? "")
        listing.add("release", release(document))
        if let releases = document.releases {
            listing.add("of releases", releases.map { name(of: $0) }.joined(separator: ", "))
            listing.add("since", document.releaseReason.map { "no machine before it (\($0))" } ?? "")
        }
        listing.add("type", document.type)
        listing.add("parameters", document.parameters == .object([:]) ? "" : document.parameters.canonicalJSON)
        listing.add("memory", document.requirements.memoryMiB == 0 ? "" : "\(document.requirements.memoryMiB) MiB")
        listing.add("node", document.requirements.machine.map { "\($0) only" } ?? "")
        listing.add("require", document.requirements.condition ?? "")
        listing.add("reservation", document.requirements.reservation ?? "")
        listing.add("prefer", document.requirements.policy ?? "")
        listing.add("max price", document.requirements.priceMax.map { "\($0) an hour" } ?? "")
        let relations = document.requirements.relations
        listing.add("apart from", others(relations?.apartFrom))
        listing.add("together with", others(relations?.togetherWith))
        listing.add("promise", promise(document))
        listing.add("moving", document.moving?.reason ?? "")
        listing.add("project", document.project ?? "")
        listing.add("attempt", document.attempt > 1 ? String(document.attempt) : "")
        listing.add("customer", document.customer)
        listing.add("master", document.home)
        listing.add("age", Wording.age(seconds: document.ageSeconds))
        let connection = connection(document, style: style)
        return listing.text(style: style) + GroupView.story(of: document, style: style)
            + (connection.isEmpty ? "" : "\n" + style.strong("connection") + "\n" + connection)
    }

    private static func promise(_ document: InstanceDocument) -> String {
        guard let promise = document.promise, let seconds = document.patienceSeconds else { return "" }
        let patience = Wording.age(seconds: seconds)
        let kept =
            document.exclusive
            ? "it stops before its lease ends" : "it goes on while it is cut off"
        return "\(promise): \(kept); elsewhere after \(patience) of silence"
    }

    private static func others(_ relations: [RelationsDocument.Relation]?) -> String {
        (relations ?? []).map { RelationText.text(of: $0) }.joined(separator: ", ")
    }

    private static func connection(_ document: InstanceDocument, style: Style) -> String {
        // What was published once is of no use while nothing listens there.
        guard document.state == InstanceState.running.rawValue, case .object(let members) = document.connection
        else { return "" }
        var listing = Listing()
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            if case .string(let text) = value {
                listing.add(name, text)
            } else {
                listing.add(name, value.canonicalJSON)
            }
        }
        return listing.text(style: style, indent: 2)
    }

    private static func release(_ document: InstanceDocument) -> String { name(of: document.release) }

    private static func name(of release: InstanceDocument.ReleaseSummary) -> String {
        release.name.isEmpty ? release.url : "\(release.name) \(release.version)"
    }
}
