/// A text with `${…}` to be filled in on the machine.
///
/// `$${` stands for a literal `${`. Known: `${parameters.NAME}` (with further dots into objects), `${ports.NAME}`,
/// `${secrets.NAME}`, `${address}`, `${partition.directory}`, `${release.directory}`, `${instance.reference}`.
public struct Template: Hashable, Sendable {
    public enum Variable: Hashable, Sendable, CustomStringConvertible {
        case parameter([String])
        case port(String)
        case secret(String)
        case address
        case partitionDirectory
        case releaseDirectory
        case instanceReference

        public var description: String {
            switch self {
            case .parameter(let path): "parameters.\(path.joined(separator: "."))"
            case .port(let name): "ports.\(name)"
            case .secret(let name): "secrets.\(name)"
            case .address: "address"
            case .partitionDirectory: "partition.directory"
            case .releaseDirectory: "release.directory"
            case .instanceReference: "instance.reference"
            }
        }
    }

    enum Part: Hashable, Sendable {
        case text(String)
        case variable(Variable)
    }

    let parts: [Part]

    var variables: [Variable] {
        parts.compactMap { if case .variable(let variable) = $0 { variable } else { nil } }
    }

    /// How `${` is read.
    enum Dialect {
        /// Every `${…}` is ours.
        case plain
        /// Shell text: `${HOME}` and the like belong to the shell; a name with a dot never does, nor does `address`.
        case shell
    }
}

/// Why a text is no template: to be completed with the place by the reader of the document.
struct TemplateProblem: Error {
    var message: String
    var remedy: String
}

/// What a template may name: declared by the instance type that it belongs to.
struct TemplateScope {
    var parameters: Schema
    var ports: [String]
    var secrets: [String]

    var known: [String] {
        parameters.properties.map { "parameters.\($0.name)" } + ports.map { "ports.\($0)" }
            + secrets.map { "secrets.\($0)" }
            + ["address", "partition.directory", "release.directory", "instance.reference"]
    }

    /// Finds the variable of a name, or says why there is none.
    func variable(named name: String) throws(TemplateProblem) -> Template.Variable {
        let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        switch words[0] {
        case "address" where words.count == 1: return .address
        case "partition" where words.dropFirst() == ["directory"]: return .partitionDirectory
        case "release" where words.dropFirst() == ["directory"]: return .releaseDirectory
        case "instance" where words.dropFirst() == ["reference"]: return .instanceReference
        case "ports" where words.count == 2 && ports.contains(words[1]): return .port(words[1])
        case "secrets" where words.count == 2 && secrets.contains(words[1]): return .secret(words[1])
        case "parameters" where words.count > 1:
            try checkParameter(Array(words.dropFirst()), name)
            return .parameter(Array(words.dropFirst()))
        default: throw unknown(name)
        }
    }

    /// A parameter in a template must always have a value: required or with a default, all the way down.
    private func checkParameter(_ path: [String], _ name: String) throws(TemplateProblem) {
        var schema = parameters
        for key in path {
            guard let next = schema.property(key) else {
                // Members that the schema leaves free may be named, and may be absent when it comes to filling in.
                if schema.additional != .forbidden { return }
                throw unknown(name)
            }
            guard schema.required.contains(key) || next.alwaysHasValue else {
                throw TemplateProblem(
                    message: "${\(name)} may have no value",
                    remedy: "make \"\(key)\" required in the parameters' schema, or give it a default")
            }
            schema = next
        }
    }

    private func unknown(_ name: String) -> TemplateProblem {
        TemplateProblem(message: "unknown variable ${\(name)}", remedy: suggestion(for: name, among: known))
    }
}

extension Schema {
    /// Whether validation leaves a value even where none was given.
    fileprivate var alwaysHasValue: Bool {
        defaultValue != nil
            || kind == .object && required.isEmpty && properties.contains { $0.schema.alwaysHasValue }
    }
}

extension Template {
    init(_ text: String, dialect: Dialect, scope: TemplateScope) throws(TemplateProblem) {
        var parts: [Part] = []
        var literal = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            literal += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
                continue
            }
            guard rest.hasPrefix("${"), let end = rest.firstIndex(of: "}") else {
                if rest.hasPrefix("${"), dialect == .plain {
                    throw TemplateProblem(message: "\"${\" without \"}\"", remedy: "write $${ for a literal ${")
                }
                literal.append(rest.removeFirst())
                continue
            }
            let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
            guard dialect == .plain || Self.isOurs(name) else {
                literal.append(rest.removeFirst())
                continue
            }
            let variable = try scope.variable(named: name)
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = ""
            parts.append(.variable(variable))
            rest = rest[rest.index(after: end)...]
        }
        literal += rest
        if !literal.isEmpty { parts.append(.text(literal)) }
        self.parts = parts
    }

    /// Whether the name in a shell text's `${name}` is a template's: the shell knows no name with a dot, and all of
    /// its operators (`:-`, `#`, `%`, …) hold a character that our names do not.
    private static func isOurs(_ name: String) -> Bool {
        name == "address"
            || name.contains(".")
                && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_" }
    }
}

/// What fills the variables, all of it known to the machine when an instance starts.
public struct RenderingContext: Hashable, Sendable {
    /// Validated, with defaults.
    public var parameters: JSONValue
    public var ports: [String: UInt16]
    public var secrets: [String: String]
    public var address: String
    public var partitionDirectory: String
    public var releaseDirectory: String
    /// The customer's own name of the request.
    public var instanceReference: String

    public init(
        parameters: JSONValue, ports: [String: UInt16], secrets: [String: String] = [:], address: String,
        partitionDirectory: String, releaseDirectory: String, instanceReference: String
    ) {
        self.parameters = parameters
        self.ports = ports
        self.secrets = secrets
        self.address = address
        self.partitionDirectory = partitionDirectory
        self.releaseDirectory = releaseDirectory
        self.instanceReference = instanceReference
    }

    func value(of variable: Template.Variable, place: String) throws(ReleaseError) -> JSONValue {
        switch variable {
        case .address: return .string(address)
        case .partitionDirectory: return .string(partitionDirectory)
        case .releaseDirectory: return .string(releaseDirectory)
        case .instanceReference: return .string(instanceReference)
        case .port(let name): if let port = ports[name] { return .integer(Int64(port)) }
        case .secret(let name): if let secret = secrets[name] { return .string(secret) }
        case .parameter(let path):
            var value: JSONValue? = parameters
            for key in path {
                guard case .object(let members)? = value else { break }
                value = members[key]
            }
            if let value { return value }
        }
        throw ReleaseError(
            .unknownVariable, origin: "", place: place, "${\(variable)} has no value",
            remedy: "give the parameter in the request")
    }
}

extension Template {
    func render(_ context: RenderingContext, place: String) throws(ReleaseError) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .variable(let variable): text += try context.value(of: variable, place: place).plainText
            }
        }
        return text
    }

    /// A template that is one variable keeps the type of its value; any other is a string.
    func renderValue(_ context: RenderingContext, place: String) throws(ReleaseError) -> JSONValue {
        if parts.count == 1, case .variable(let variable) = parts[0] {
            return try context.value(of: variable, place: place)
        }
        return .string(try render(context, place: place))
    }

    /// Shell text in which each variable is a reference to an environment variable, so that no value, whatever it
    /// holds, is ever read as shell.
    ///
    /// - Parameter environment: receives the variables' values.
    func renderScript(
        _ context: RenderingContext, place: String, environment: inout [String: String]
    ) throws(ReleaseError) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .variable(let variable):
                let value = try context.value(of: variable, place: place).plainText
                let base = "PALMIER_" + String(variable.description.map { $0.isLetter || $0.isNumber ? $0 : "_" })
                var name = base
                var suffix = 2
                while let taken = environment[name], taken != value {
                    name = "\(base)_\(suffix)"
                    suffix += 1
                }
                environment[name] = value
                text += "${\(name)}"
            }
        }
        return text
    }
}

extension JSONValue {
    /// A string as it is, anything else as JSON.
    var plainText: String {
        if case .string(let text) = self { text } else { canonicalJSON }
    }
}
