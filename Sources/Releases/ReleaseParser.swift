import Automata

extension Release {
    /// Bytes of a document.
    public static let textBytesMax = 64 << 10

    /// Reads a release document.
    ///
    /// - Parameter origin: the file or the URL, as errors shall name it.
    public static func parse(text: String, origin: String) throws(ReleaseError) -> Release {
        guard text.utf8.count <= textBytesMax else {
            throw ReleaseError(
                .badValue, origin: origin, "the document has \(text.utf8.count) bytes, the limit is \(textBytesMax)",
                remedy: "move large content into an archive")
        }
        let top = try YAMLReader(text: text, origin: origin)
            .map(known: ["name", "version", "description", "source", "requires", "default", "types"])
        let name = try top.required("name", "memcached").word(
            "a name of lower-case letters, digits, \".\", \"+\" and \"-\", up to 63 characters", 63
        ) { ("a"..."z").contains($0) || ("0"..."9").contains($0) || ".+-".contains($0) }
        let version = try top.required("version", "\"1.0\"").word(
            "a version of letters, digits, \".\", \"+\", \"-\", \"~\" and \"_\", up to 63 characters", 63
        ) { $0.isASCII && ($0.isLetter || $0.isNumber || ".+-~_".contains($0)) }

        let typesReader = try top.required("types", "{\(name): {command: […]}}")
        var types: [InstanceType] = []
        for member in try typesReader.entries() {
            try member.checkName("an instance type")
            types.append(try InstanceType(member))
        }
        guard let first = types.first else {
            throw typesReader.error(.missingKey, "there is no instance type", remedy: "write at least one")
        }
        var defaultType = first.name
        if let reader = top["default"] {
            defaultType = try reader.text()
            guard types.contains(where: { $0.name == defaultType }) else {
                throw reader.error(
                    .unknownInstanceType, "there is no instance type \"\(defaultType)\"",
                    remedy: suggestion(for: defaultType, among: types.map(\.name)))
            }
        } else if types.count > 1 {
            throw top.reader.error(
                .missingKey, "there are \(types.count) instance types and no default",
                remedy: "write default: \(first.name)")
        }
        return Release(
            name: name, version: version, summary: try top["description"]?.text() ?? "",
            source: try Source(top["source"]), requires: try top["requires"]?.text() ?? "", types: types,
            defaultType: defaultType, origin: origin,
            digest: Digest(of: text.utf8))
    }
}

extension Release.Source {
    fileprivate init(_ reader: YAMLReader?) throws(ReleaseError) {
        self.init()
        guard let reader else { return }
        if reader.isScalar, try reader.text() == "none" { return }
        let map = try reader.map(known: ["debian", "archive", "build"])
        if let debian = map["debian"] {
            for item in try debian.list() {
                // Debian Policy 5.6.1; what is stricter than a shell or apt would need keeps options out.
                packages.append(
                    try item.word("a Debian package's name", 100) {
                        ("a"..."z").contains($0) || ("0"..."9").contains($0) || ".+-".contains($0)
                    })
            }
        }
        if let archive = map["archive"] {
            let fields = try archive.map(known: ["url", "sha256", "strip"])
            let url = try fields.required("url", "https://…")
            let text = try url.text()
            guard text.hasPrefix("https://") || text.hasPrefix("file:/") else {
                throw url.error(.badValue, "expected an https: or file: URL, found \"\(text)\"")
            }
            let sum = try fields.required("sha256", "64 hexadecimal digits (sha256sum FILE prints them)")
            guard let sha256 = Digest(hexadecimal: try sum.text()) else {
                throw sum.error(.badValue, "expected 64 hexadecimal digits, found \"\(try sum.text())\"")
            }
            self.archive = .init(url: text, sha256: sha256, strip: try fields["strip"]?.integer(in: 0...10) ?? 0)
        }
        build = try map["build"]?.text()
    }
}

extension InstanceType {
    fileprivate init(_ member: YAMLMap.Member) throws(ReleaseError) {
        let map = try member.value.map(known: [
            "description", "parameters", "ports", "secrets", "command", "environment", "ready", "publish", "stop",
            "limits", "restart",
        ])
        let schema = try map["parameters"].map(Schema.init(reading:)) ?? .empty
        if let reader = map["parameters"], schema.kind != .object {
            throw reader.error(.badValue, "parameters are always an object", remedy: "write type: object")
        }
        let ports = try map["ports"]?.names("a port") ?? []
        let secrets = try map["secrets"]?.names("a secret") ?? []
        let scope = TemplateScope(parameters: schema, ports: ports, secrets: secrets)

        name = member.name
        summary = try map["description"]?.text() ?? ""
        self.schema = schema
        self.ports = ports
        self.secrets = secrets
        command = try map["command"].map { (reader) throws(ReleaseError) in try Command(reader, scope) }
        environment = try map["environment"]?.templates(scope, isName: Self.isVariableName) ?? []
        ready = try map["ready"].map { (reader) throws(ReleaseError) in try Ready(reader, scope) }
        publish = try map["publish"]?.templates(scope, isName: { !$0.isEmpty && $0.count <= 63 }) ?? []
        stop = try Stop(map["stop"], scope)
        limits = try Limits(map["limits"], scope)
        restart = try Restart(map["restart"])
        if command == nil, let reader = map["ready"] ?? map["stop"] ?? map["limits"] ?? map["restart"] {
            throw reader.error(
                .missingKey, "there is no command that this could be about", remedy: "write command: […]")
        }
    }

    private static func isVariableName(_ name: String) -> Bool {
        !name.isEmpty && name.first?.isNumber == false
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
}

extension InstanceType.Command {
    fileprivate init(_ reader: YAMLReader, _ scope: TemplateScope) throws(ReleaseError) {
        if reader.isScalar {
            let template = try reader.template(.shell, scope)
            guard !template.parts.isEmpty else { throw reader.error(.badValue, "the command is empty") }
            self = .script(template)
            return
        }
        guard reader.isList else {
            throw reader.wrongType("a list of arguments, or the text of a shell script")
        }
        var arguments: [Template] = []
        for item in try reader.list() { arguments.append(try item.template(.plain, scope)) }
        guard let first = arguments.first, !first.parts.isEmpty else {
            throw reader.error(.badValue, "the command is empty", remedy: "write command: [program, argument, …]")
        }
        self = .arguments(arguments)
    }
}

extension InstanceType.Ready {
    fileprivate init(_ reader: YAMLReader, _ scope: TemplateScope) throws(ReleaseError) {
        let map = try reader.map(known: ["tcp", "http", "command", "timeout"])
        let checks = ["tcp", "http", "command"].filter { map[$0] != nil }
        guard checks.count == 1 else {
            throw reader.error(
                .badValue, "expected exactly one of tcp, http and command, found \(checks.count)",
                remedy: "write ready: {tcp: \"${ports.NAME}\"}")
        }
        if let tcp = map["tcp"] {
            check = .tcp(try tcp.template(.plain, scope))
        } else if let http = map["http"] {
            check = .http(try http.template(.plain, scope))
        } else {
            check = .command(try InstanceType.Command(try map.required("command", "[program]"), scope))
        }
        timeout = try map["timeout"]?.duration(upTo: .seconds(3600)) ?? .seconds(30)
    }
}

extension InstanceType.Stop {
    fileprivate init(_ reader: YAMLReader?, _ scope: TemplateScope) throws(ReleaseError) {
        let map = try reader?.map(known: ["command", "grace"])
        command = try map?["command"].map { (reader) throws(ReleaseError) in try InstanceType.Command(reader, scope) }
        grace = try map?["grace"]?.duration(upTo: .seconds(3600)) ?? .seconds(10)
    }
}

extension InstanceType.Limits {
    fileprivate init(_ reader: YAMLReader?, _ scope: TemplateScope) throws(ReleaseError) {
        let map = try reader?.map(known: ["memory", "openFiles", "processes", "fileSize"])
        let memory = map?["memory"]
        let template = try memory?.template(.plain, scope)
        if let memory, let template, template.variables.isEmpty { _ = try memory.byteCount() }
        self.memory = template
        openFiles = try map?["openFiles"]?.integer(in: 16...1_048_576)
        processes = try map?["processes"]?.integer(in: 1...100_000)
        fileSize = try map?["fileSize"]?.byteCount()
    }
}

extension InstanceType.Restart {
    fileprivate init(_ reader: YAMLReader?) throws(ReleaseError) {
        var policyReader = reader
        var map: YAMLMap?
        if let reader, reader.isMap {
            let fields = try reader.map(known: ["policy", "attempts", "window"])
            policyReader = fields["policy"]
            map = fields
        }
        var policy = Policy.onFailure
        if let policyReader {
            let text = try policyReader.text()
            guard let known = Policy(rawValue: text) else {
                throw policyReader.error(
                    .badValue, "unknown restart policy \"\(text)\"",
                    remedy: suggestion(for: text, among: Policy.allCases.map(\.rawValue)))
            }
            policy = known
        }
        self.policy = policy
        attempts = try map?["attempts"]?.integer(in: 0...100) ?? 3
        window = try map?["window"]?.duration(upTo: .seconds(86_400)) ?? .seconds(60)
    }
}

extension YAMLMap.Member {
    /// Names that may stand in templates and paths.
    fileprivate func checkName(_ what: String) throws(ReleaseError) {
        guard isPlainName(name) else {
            throw ReleaseError(
                .badValue, origin: value.origin, line: keyLine, column: keyColumn, place: value.path,
                "\"\(name)\" is no name for \(what)", remedy: plainNameRule)
        }
    }
}

private let plainNameRule = "names are lower-case letters, digits and \"-\", up to 31 characters, a letter first"

private func isPlainName(_ name: String) -> Bool {
    guard let first = name.first, ("a"..."z").contains(first), name.count <= 31 else { return false }
    return name.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
}

extension YAMLReader {
    /// A text of certain characters that begins with a letter or a digit, since it becomes a name on disk.
    fileprivate func word(
        _ expected: String, _ countMax: Int, _ isAllowed: (Character) -> Bool
    ) throws(ReleaseError) -> String {
        let text = try text()
        guard let first = text.first, first.isLetter || first.isNumber, text.count <= countMax,
            text.allSatisfy(isAllowed)
        else { throw error(.badValue, "expected \(expected), found \(JSONValue.string(text).excerpt)") }
        return text
    }

    fileprivate func names(_ what: String) throws(ReleaseError) -> [String] {
        var names: [String] = []
        for item in try list() {
            let name = try item.text()
            guard isPlainName(name) else {
                throw item.error(.badValue, "\"\(name)\" is no name for \(what)", remedy: plainNameRule)
            }
            guard !names.contains(name) else { throw item.error(.badValue, "\"\(name)\" is there twice") }
            names.append(name)
        }
        return names
    }

    fileprivate func template(_ dialect: Template.Dialect, _ scope: TemplateScope) throws(ReleaseError) -> Template {
        do {
            return try Template(try text(), dialect: dialect, scope: scope)
        } catch let problem as TemplateProblem {
            throw error(.unknownVariable, problem.message, remedy: problem.remedy)
        } catch let error as ReleaseError {
            throw error
        } catch {
            throw self.error(.badValue, "\(error)")
        }
    }

    fileprivate func templates(
        _ scope: TemplateScope, isName: (String) -> Bool
    ) throws(ReleaseError) -> [(name: String, value: Template)] {
        var templates: [(name: String, value: Template)] = []
        for member in try entries() {
            guard isName(member.name) else {
                throw member.value.error(.badValue, "\"\(member.name)\" is no name that is possible here")
            }
            templates.append((member.name, try member.value.template(.plain, scope)))
        }
        return templates
    }

    fileprivate func byteCount() throws(ReleaseError) -> ByteCount {
        let text = try text()
        guard let count = ByteCount(text: text) else {
            throw error(.badValue, "\"\(text)\" is no amount of bytes", remedy: "write it as 64MiB or 2GiB")
        }
        return count
    }
}
