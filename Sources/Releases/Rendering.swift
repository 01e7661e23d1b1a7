public import Automata

/// An instance type with every template filled: what a machine runs. Equal renderings need no restart.
public struct RenderedInstance: Hashable, Sendable {
    public enum Command: Hashable, Sendable {
        case arguments([String])
        case script(String)
    }

    public enum Check: Hashable, Sendable {
        case tcp(port: UInt16)
        case http(url: String)
        case command(Command)
    }

    /// nil: there is nothing to run, the instance is running at once.
    public var command: Command?
    /// Also what scripts take the templates' values from.
    public var environment: [String: String]
    public var ready: Check?
    public var readyTimeout: Duration
    /// Canonical JSON.
    public var connection: String
    public var stop: Command?
    public var grace: Duration
    public var memory: ByteCount?
    public var openFiles: Int?
    public var processes: Int?
    public var fileSize: ByteCount?
    public var restart: InstanceType.Restart
}

extension InstanceType {
    /// Reads and validates the parameters for a context.
    public func parameters(_ parametersJSON: String) throws(ParameterError) -> JSONValue {
        try value(of: parametersJSON)
    }

    /// Fills all templates.
    ///
    /// - Throws: `unknownVariable` for a value that the context lacks, `badValue` for a result that is impossible
    ///   where it stands (a port that is no number), each with its place.
    public func render(_ context: RenderingContext) throws(ReleaseError) -> RenderedInstance {
        let place = "types.\(name)"
        var environment: [String: String] = [:]
        for (name, value) in self.environment {
            environment[name] = try value.render(context, place: "\(place).environment.\(name)")
        }
        let command = try self.command?.render(context, "\(place).command", &environment)
        let stop = try self.stop.command?.render(context, "\(place).stop.command", &environment)
        let check = try ready?.check.render(context, "\(place).ready", &environment)
        var connection: [String: JSONValue] = [:]
        for (name, value) in publish {
            connection[name] = try value.renderValue(context, place: "\(place).publish.\(name)")
        }
        var memory: ByteCount?
        if let text = try limits.memory?.render(context, place: "\(place).limits.memory") {
            memory = ByteCount(text: text)
            if memory == nil {
                throw ReleaseError(
                    .badValue, origin: "", place: "\(place).limits.memory", "\"\(text)\" is no amount of memory",
                    remedy: "write it as 64MiB or 2GiB")
            }
        }
        return RenderedInstance(
            command: command, environment: environment, ready: check, readyTimeout: ready?.timeout ?? .zero,
            connection: JSONValue.object(connection).canonicalJSON, stop: stop, grace: self.stop.grace,
            memory: memory, openFiles: limits.openFiles, processes: limits.processes, fileSize: limits.fileSize,
            restart: restart)
    }
}

extension InstanceType.Command {
    fileprivate func render(
        _ context: RenderingContext, _ place: String, _ environment: inout [String: String]
    ) throws(ReleaseError) -> RenderedInstance.Command {
        switch self {
        case .script(let template):
            return .script(try template.renderScript(context, place: place, environment: &environment))
        case .arguments(let templates):
            var arguments: [String] = []
            for (index, template) in templates.enumerated() {
                arguments.append(try template.render(context, place: "\(place)[\(index)]"))
            }
            return .arguments(arguments)
        }
    }
}

extension InstanceType.Ready.Check {
    fileprivate func render(
        _ context: RenderingContext, _ place: String, _ environment: inout [String: String]
    ) throws(ReleaseError) -> RenderedInstance.Check {
        switch self {
        case .http(let template): return .http(url: try template.render(context, place: "\(place).http"))
        case .command(let command): return .command(try command.render(context, "\(place).command", &environment))
        case .tcp(let template):
            let text = try template.render(context, place: "\(place).tcp")
            guard let port = UInt16(text), port > 0 else {
                throw ReleaseError(
                    .badValue, origin: "", place: "\(place).tcp", "\"\(text)\" is no port",
                    remedy: "write it as ${ports.NAME}")
            }
            return .tcp(port: port)
        }
    }
}

extension ByteCount {
    /// Reads `64MiB`, `2 GiB`, `512kB`, `1048576B`; nil for anything else. KiB, MiB, GiB, TiB are powers of 1,024; kB, MB,
    /// GB, TB powers of 1,000.
    public init?(text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits) else { return nil }
        guard let unit = ByteUnit(rawValue: String(text.dropFirst(digits.count).drop { $0 == " " })) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        if overflow { return nil }
        self.init(bytes)
    }
}

extension Duration {
    /// Reads `500ms`, `10s`, `5m`, `2h`; nil for anything else.
    init?(text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        // Ten digits: more than any use, and no overflow below.
        guard digits.count <= 10, let count = Int64(digits) else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(count)
        case "s": self = .seconds(count)
        case "m": self = .seconds(count * 60)
        case "h": self = .seconds(count * 3600)
        default: return nil
        }
    }
}
