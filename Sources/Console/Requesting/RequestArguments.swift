public import API
import Automata
import Claims
import Foundation
public import Releases

/// What `palmier request` was given, before it is the document that masters read.
public struct RequestArguments: Sendable {
    public var reference: String
    public var customer: String?
    public var type: String?
    /// `key=value`.
    public var assignments: [String] = []
    /// A YAML or JSON file with an object.
    public var parametersFile: String?
    /// `64MiB`, `2GiB`; a number alone is in MiB.
    public var memory: String?
    public var node: String?
    /// Conditions, all of which must hold; only empty ones: nothing is asked.
    public var require: [String] = []
    /// A policy; empty: the usual one.
    public var prefer: String?
    /// `web`, `web@lan`; only empty ones: nothing is kept apart.
    public var apartFrom: [String] = []
    public var togetherWith: [String] = []
    /// `0.02`; empty: any price.
    public var maxPrice: String?
    public var exclusive: Bool?
    public var project: String?
    /// Zero: the lease.
    public var patience: Duration?
    public var checkIndex: UInt64?
    /// How many there shall be.
    public var count: Int?
    /// `host`, `lan`, `country`, `continent`; empty: members are not kept apart.
    public var spread: String?
    /// `min=1, max=10, metric=cpu, target=60%`; empty: by no rule.
    public var scale: String?
    public var warm: Bool?
    /// `chance=95%, ceiling=0.5`; empty: as many as `count` says.
    public var forecast: String?
    /// A place of this reservation; empty: any place.
    public var reservation: String?

    public init(reference: String) {
        self.reference = reference
    }

    /// Checks what needs no release, by flag.
    public func check() throws(ProblemDocument) {
        try Bounds.checkName(reference, "NAME")
        if let customer { try Bounds.checkName(customer, "--customer") }
        if let type { try Bounds.checkChoice(type, "--type") }
        if let node { try Bounds.checkChoice(node, "--node") }
        if let project { try Bounds.checkChoice(project, "--project") }
        if let count, !(0...Bounds.membersMax).contains(count) {
            throw ProblemDocument(
                .invalid, "--count: expected 0 to \(Bounds.membersMax), found \(count)", remedy: "make several groups",
                field: "--count")
        }
        if let spread { _ = try Bounds.spread(spread, "--spread") }
        if let scale { _ = try Bounds.scale(scale, "--scale") }
        if let forecast { _ = try Bounds.forecast(forecast, "--forecast") }
        _ = try needs()
        _ = try patienceSeconds()
    }

    private func patienceSeconds() throws(ProblemDocument) -> Int64? {
        guard let patience else { return nil }
        let most = Specification.patienceMax
        guard (.zero...most).contains(patience) else {
            throw ProblemDocument(
                .invalid,
                "--patience: expected a time up to \(Wording.age(seconds: most.components.seconds)), found "
                    + "\(Wording.age(seconds: patience.components.seconds))",
                remedy: "an instance that no machine may take over is asked for with --node", field: "--patience")
        }
        return (patience.milliseconds + 999) / 1_000
    }

    /// Makes the document. What was not given is not in it, and so stays as it is.
    ///
    /// - Parameter release: its text and what it says; nil where the request exists and keeps its release. Without it
    ///   the parameters' types are not known: each is read as JSON where it is JSON, else as a string.
    /// - Parameter others: releases that serve as well, the better in front; nil: nothing is said of them.
    public func document(
        release: (text: RequestDocument.ReleaseText, release: Release)?, others: [RequestDocument.ReleaseText]? = nil
    ) throws -> RequestDocument {
        try check()
        var document = RequestDocument(reference: reference, customer: customer)
        document.release = release?.text
        document.orReleases = others
        for other in others ?? [] { try Bounds.checkURL(other.url, "--or-release") }
        if let url = release?.text.url { try Bounds.checkURL(url, "--release") }
        document.type = type
        let schema = try release?.release.type(named: type ?? "").schema ?? Schema(additional: .allowed)
        document.parameters = try parameters(schema)
        if let text = document.parameters?.canonicalJSON { try Bounds.checkParameters(text, "--param, --params-file") }
        let needs = try needs()
        if needs != RequestDocument.Needs() { document.requirements = needs }
        document.exclusive = exclusive
        document.project = project
        document.patienceSeconds = try patienceSeconds()
        document.checkIndex = checkIndex
        document.count = count
        document.spread = spread
        document.scale = try scale.map { (text) throws(ProblemDocument) in try Bounds.scale(text, "--scale") }
        document.warm = warm
        document.forecast = try forecast.map { (text) throws(ProblemDocument) in
            try Bounds.forecast(text, "--forecast")
        }
        return document
    }

    private func parameters(_ schema: Schema) throws -> JSONValue? {
        guard parametersFile != nil || !assignments.isEmpty else { return nil }
        var members: [String: JSONValue] = [:]
        if let parametersFile {
            let text: String
            do {
                text = try String(contentsOfFile: parametersFile, encoding: .utf8)
            } catch {
                throw Refusal(
                    .invalid, "--params-file \(parametersFile) cannot be read: \(error.localizedDescription)",
                    remedy: "check the path; a relative one starts at the working directory")
            }
            guard case .object(let read) = try JSONValue(yaml: text, origin: parametersFile) else {
                throw Refusal(
                    .invalid, "\(parametersFile) holds no keys and values", remedy: "write `key: value` lines")
            }
            members = read
        }
        guard case .object(let given) = try schema.parameters(fromText: assignments) else { return .object(members) }
        members.merge(given) { Self.overlay($0, with: $1) }
        return .object(members)
    }

    /// `--param a.b=1` changes one member of what the file says about `a`.
    private static func overlay(_ below: JSONValue, with above: JSONValue) -> JSONValue {
        guard case .object(let low) = below, case .object(let high) = above else { return above }
        return .object(low.merging(high) { overlay($0, with: $1) })
    }

    /// Each text is read here by itself, so that its error names its flag and its place.
    private func needs() throws(ProblemDocument) -> RequestDocument.Needs {
        var needs = RequestDocument.Needs(memoryMiB: try memoryMiB(), machine: node, reservation: reservation)
        if let reservation, !reservation.isEmpty { try Bounds.checkReservation(reservation, "--reservation") }
        if !require.isEmpty {
            var conditions: [Condition] = []
            for text in require {
                if let condition = try Bounds.condition(text, "--require") { conditions.append(condition) }
            }
            try Bounds.checkContradiction(of: conditions, "--require")
            needs.condition = conditions.map(\.description).joined(separator: ", ")
        }
        if let prefer { needs.policy = try Bounds.policy(prefer, "--prefer") }
        if let maxPrice { needs.priceMax = try Bounds.price(maxPrice, "--max-price").map { "\(Decimal6($0))" } ?? "" }
        if !apartFrom.isEmpty || !togetherWith.isEmpty {
            needs.relations = RelationsDocument(
                apartFrom: try RelationText.relations(apartFrom, "--apart-from"),
                togetherWith: try RelationText.relations(togetherWith, "--together-with"))
        }
        return needs
    }

    private func memoryMiB() throws(ProblemDocument) -> Int64? {
        guard let memory else { return nil }
        let mebibytes =
            Int64(memory) ?? ByteCount(text: memory).map { ($0.bytes >> 20) + ($0.bytes % (1 << 20)).signum() }
        guard let mebibytes, (0...Bounds.memoryMiBMax).contains(mebibytes) else {
            throw ProblemDocument(
                .invalid, "--memory: expected an amount such as 64MiB or 2GiB, at most 256TiB, found \"\(memory)\"",
                remedy: "write a number and B, KiB, MiB or GiB", field: "--memory")
        }
        return mebibytes
    }
}
