public import API
import Automata
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
    public var exclusive: Bool?
    public var project: String?

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
    }

    /// Makes the document. What was not given is not in it, and so stays as it is.
    ///
    /// - Parameter release: its text and what it says; nil where the request exists and keeps its release. Without it
    ///   the parameters' types are not known: each is read as JSON where it is JSON, else as a string.
    public func document(release: (text: RequestDocument.ReleaseText, release: Release)?) throws -> RequestDocument {
        try check()
        var document = RequestDocument(reference: reference, customer: customer)
        document.release = release?.text
        if let url = release?.text.url { try Bounds.checkURL(url, "--release") }
        document.type = type
        let schema = try release?.release.type(named: type ?? "").schema ?? Schema(additional: .allowed)
        document.parameters = try parameters(schema)
        if let text = document.parameters?.canonicalJSON { try Bounds.checkParameters(text, "--param, --params-file") }
        if memory != nil || node != nil {
            document.requirements = RequestDocument.Needs(memoryMiB: try memoryMiB(), machine: node)
        }
        document.exclusive = exclusive
        document.project = project
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

    private func memoryMiB() throws(Refusal) -> Int64? {
        guard let memory else { return nil }
        let mebibytes =
            Int64(memory) ?? ByteCount(text: memory).map { ($0.bytes >> 20) + ($0.bytes % (1 << 20)).signum() }
        guard let mebibytes, (0...Bounds.memoryMiBMax).contains(mebibytes) else {
            throw Refusal(
                .invalid, "--memory: expected an amount such as 64MiB or 2GiB, at most 256TiB, found \"\(memory)\"",
                remedy: "write a number and B, KiB, MiB or GiB")
        }
        return mebibytes
    }
}
