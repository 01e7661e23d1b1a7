import API
import Agent
public import Automata
import Configuration
import Discovery
import Foundation
import Identity
public import Ledger
import Peer
import Releases
import Synchronization
import Yams

/// A host's settings: flags over environment (`PALMIER_…`) over a YAML file, each with where it came from.
///
/// The file is `--config`, else `PALMIER_CONFIG`, else `config.yaml` of the state directory, which need not be there.
/// Unknown keys in it are refused, as unknown flags are.
public struct HostSettings: Sendable {
    /// In the order in which they are printed.
    static let keys: [SettingKey] = [
        SettingKey("state"), SettingKey("fabric", fallback: "(the one that answers)"), SettingKey("name"),
        SettingKey("listen", isList: true, fallback: "(every address, port 7423 or a free one)"),
        SettingKey("api-listen", fallback: "(every address, port 7424 or a free one)"),
        SettingKey("certificate-life", fallback: "7d"),
        SettingKey("ledger", fallback: "(as it is called; a new one after its master)"),
        SettingKey("replicas", fallback: "(as the ledger says; of a new one 2)"),
        SettingKey("minimum-replicas", fallback: "(as the ledger says; of a new one 0)"),
        SettingKey("replace-after", fallback: "(as the ledger says; of a new one 60s)"),
        SettingKey("hold-replicas", fallback: "16"), SettingKey("replica-space", fallback: "(any)"),
        SettingKey("checkpoint-every", fallback: "50000"),
        SettingKey("partitions", fallback: "\(InstanceHost.Configuration.defaultPartitionCount)"),
        SettingKey("isolation", fallback: "auto"),
        SettingKey("memory", fallback: "(three quarters of the machine's)"),
        SettingKey("cpus", fallback: "(all that it may use)"),
        SettingKey("region", fallback: "(none)"), SettingKey("country", fallback: "(none)"),
        SettingKey("continent", fallback: "(none)"), SettingKey("price", fallback: "0"),
        SettingKey("hours", fallback: "(always)"), SettingKey("hours-notice", fallback: "5m"),
        SettingKey("max-memory", fallback: "(what there is)"),
        SettingKey("max-cpus", fallback: "(what there is)"),
        SettingKey("discovery", fallback: "auto"),
        SettingKey("interfaces", isList: true, fallback: "(all that can multicast)"),
        SettingKey("join", isList: true), SettingKey("token", isSecret: true),
        SettingKey("log-level", fallback: "notice"), SettingKey("log-format", fallback: "text"),
    ]

    public let settings: [Setting]
    let values: [String: [String]]  // looked up only
    private let origins: [String: String]  // looked up only

    /// Takes the layers together.
    ///
    /// - Parameters:
    ///   - flags: values by setting name; only those given. `config` names the file.
    ///   - environment: the process's.
    /// - Throws: `Refusal` `invalid`, with the file's line or the variable's name.
    public init(flags: [String: [String]], environment: [String: String]) async throws {
        let state = flags["state"]?.first.map { StateDirectory($0) } ?? .standard(environment: environment)
        let named = flags["config"]?.first ?? environment["PALMIER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let path = named ?? state.settings
        let recorder = OriginRecorder()
        let reader = try await Self.reader(
            flags: flags, environment: environment, file: path, mustExist: named != nil, recorder: recorder)
        var values: [String: [String]] = [:]
        var origins: [String: String] = [:]
        var settings: [Setting] = []
        for key in Self.keys {
            let found =
                key.isList
                ? reader.stringArray(forKey: ConfigKey([key.name]))
                : reader.string(forKey: ConfigKey([key.name])).map { [$0] }
            let value = found?.filter { !$0.isEmpty } ?? []
            let origin = value.isEmpty ? "default" : Self.origin(recorder.provider(of: key.name), key, path)
            values[key.name] = value.isEmpty ? nil : value
            origins[key.name] = origin
            var shown = value.isEmpty ? key.fallback : key.isSecret ? "(set)" : value.joined(separator: ",")
            if key.name == "state", value.isEmpty { shown = state.path }
            if key.name == "name", value.isEmpty { shown = Self.hostName }
            settings.append(Setting(name: key.name, value: shown, origin: origin))
        }
        self.values = values
        self.origins = origins
        self.settings = settings
    }

    // MARK: Layers

    private static let flagsLayer = "flags"

    private static func reader(
        flags: [String: [String]], environment: [String: String], file: String, mustExist: Bool,
        recorder: OriginRecorder
    ) async throws -> ConfigReader {
        let given = keys.compactMap { key -> (AbsoluteConfigKey, ConfigValue)? in
            guard let value = flags[key.name] else { return nil }
            let content: ConfigContent = key.isList ? .stringArray(value) : .string(value.first ?? "")
            return (AbsoluteConfigKey([key.name]), ConfigValue(content, isSecret: key.isSecret))
        }
        // An empty variable sets nothing: it is how one takes a variable back for one command.
        // PALMIER_LEDGER says whose accounts a command means: it must not rename the ledger of a master that is started beside.
        let variables = environment.filter {
            $0.key.hasPrefix("PALMIER_") && !$0.value.isEmpty && $0.key != "PALMIER_LEDGER"
        }
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: flagsLayer, values: Dictionary(uniqueKeysWithValues: given)),
            EnvironmentVariablesProvider(
                environmentVariables: variables, secretsSpecifier: .specific(["PALMIER_TOKEN"])
            ).prefixKeys(with: "palmier"),
        ]
        if mustExist || FileManager.default.fileExists(atPath: file) {
            try SettingsFile.check(file)
            do {
                let place = InMemoryProvider(values: ["filePath": ConfigValue(.string(file), isSecret: false)])
                providers.append(try await FileProvider<YAMLSnapshot>(config: ConfigReader(provider: place)))
            } catch {
                throw Refusal(.invalid, "\(file): \(error)", remedy: "write one key and its value a line")
            }
        }
        return ConfigReader(providers: providers, accessReporter: recorder)
    }

    private static func origin(_ provider: String?, _ key: SettingKey, _ file: String) -> String {
        guard let provider else { return "default" }
        if provider.contains(flagsLayer) { return "flag --\(key.name)" }
        return provider.contains("Environment") ? "environment \(key.variable)" : "file \(file)"
    }

    /// What a host is called unless it is told otherwise: the host name up to its first dot.
    public static var hostName: String {
        let full = ProcessInfo.processInfo.hostName
        return String(full.split(separator: ".").first ?? "localhost")
    }

    // MARK: Reading

    /// All of them as what they must be.
    ///
    /// - Throws: `Refusal` `invalid`: the setting, what was expected, what was found, and where it was set.
    public func options(isMaster: Bool) throws(Refusal) -> HostOptions {
        let name = values["name"]?.first ?? Self.hostName
        guard (1...63).contains(name.utf8.count) else {
            throw wrong("name", "1 to 63 bytes", name)
        }
        var token: JoinToken?
        if let text = values["token"]?.first {
            do {
                token = try JoinToken(text: text)
            } catch {
                throw Refusal(.invalid, "token: \(error.message) (\(origins["token"] ?? ""))", remedy: error.remedy)
            }
        }
        let prices = try prices()
        return HostOptions(
            isMaster: isMaster, state: StateDirectory(settings.first { $0.name == "state" }?.value ?? "."),
            fabric: values["fabric"]?.first, name: name, listen: try endpoints("listen"),
            apiListen: try endpoints("api-listen").first, certificateLife: try certificateLife(),
            ledger: try ledger(), heldReplicas: try heldReplicas(),
            replicaSpace: try read("replica-space", "an amount such as 512MiB or 2GiB") {
                ByteCount(text: $0) ?? ByteCount(text: $0 + "iB")
            }, region: try region(), country: try country(), continent: try continent(),
            checkpointInterval: UInt64(try integer("checkpoint-every", 0...Bounds.numberMax) ?? 50_000),
            partitions: try integer("partitions", (isMaster ? 0 : 1)...100).map { Int($0) },
            isolation: try word("isolation", Isolation.auto),
            memory: try read("memory", "an amount such as 512MiB or 8GiB") {
                ByteCount(text: $0).flatMap { $0 <= Bounds.machineMemoryMax ? $0 : nil }
            },
            cores: try cores("cpus"), price: prices.partition ?? 0, terms: try terms(prices),
            hoursNotice: try hoursNotice(), said: try said(prices),
            discovery: try word("discovery", DiscoveryMode.auto),
            interfaces: values["interfaces"] ?? [], join: try seeds(), token: token,
            logLevel: try word("log-level", HostOptions.LogLevel.notice),
            logFormat: try word("log-format", HostOptions.LogFormat.text))
    }

    func read<Value>(
        _ name: String, _ expected: String, _ convert: (String) -> Value?
    ) throws(Refusal) -> Value? {
        guard let text = values[name]?.first else { return nil }
        guard let value = convert(text) else { throw wrong(name, expected, text) }
        return value
    }

    private func certificateLife() throws(Refusal) -> Duration? {
        try read("certificate-life", "a time from 1m to 365d, such as 12h") { text in
            Wording.duration(text).flatMap { (.seconds(60)...(.seconds(365 * 86_400))).contains($0) ? $0 : nil }
        }
    }

    /// How many, `no` for none, `yes` for as many as usual.
    private func heldReplicas() throws(Refusal) -> Int {
        switch values["hold-replicas"]?.first {
        case "no": return 0
        case "yes", nil: return ReplicaPlacement.Configuration().heldMax
        default: break
        }
        let expected = "no, yes or a whole number from 0 to 1024"
        return try read("hold-replicas", expected) { Int($0).flatMap { (0...1_024).contains($0) ? $0 : nil } } ?? 0
    }

    private func ledger() throws(Refusal) -> LedgerWishes {
        var wishes = LedgerWishes(name: values["ledger"]?.first)
        if let name = wishes.name, let problem = LedgerDescription.problem(withName: name) {
            throw wrong("ledger", "a name such as \"lab\" (\(problem))", name)
        }
        let possible = 0...Int64(LedgerDescription.replicasMax)
        wishes.wanted = try integer("replicas", possible).map { Int($0) }
        wishes.minimum = try integer("minimum-replicas", possible).map { Int($0) }
        // Where one is not said, it is the ledger's: `check(_:against:)`.
        if let minimum = wishes.minimum, let wanted = wishes.wanted, minimum > wanted {
            throw wrong("minimum-replicas", "at most as many as replicas, \(wanted)", String(minimum))
        }
        wishes.absence = try read("replace-after", "a time from 1s to 30d, such as 5m") { text in
            Wording.duration(text).flatMap { LedgerDescription.absences.contains($0) ? $0 : nil }
        }
        return wishes
    }

    /// Holds what was said of the ledger against what its books say.
    ///
    /// - Parameter described: what they say; nil: nothing yet.
    /// - Throws: `invalid` where more replicas are wanted at once than at all.
    public static func check(
        _ wishes: LedgerWishes, against described: LedgerDescription?
    ) throws(Refusal) {
        let wanted = wishes.wanted ?? (described ?? LedgerDescription()).wanted
        guard let minimum = wishes.minimum, minimum > wanted else { return }
        throw Refusal(
            .invalid,
            "minimum-replicas: expected at most as many as replicas, which the ledger says are \(wanted), "
                + "found \"\(minimum)\"",
            remedy: "add --replicas \(minimum), or want fewer at once")
    }

    func integer(_ name: String, _ range: ClosedRange<Int64>) throws(Refusal) -> Int64? {
        let expected =
            range.upperBound == .max
            ? "a whole number from \(range.lowerBound) on"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return try read(name, expected) { Int64($0).flatMap { range.contains($0) ? $0 : nil } }
    }

    private func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, _ fallback: Word
    ) throws(Refusal) -> Word where Word.RawValue == String {
        let expected = "one of " + Word.allCases.map(\.rawValue).joined(separator: ", ")
        return try read(name, expected) { Word(rawValue: $0) } ?? fallback
    }

    /// `host:port`; where to listen also a port alone, for every address, and port 0, for any free one.
    private func endpoints(_ name: String) throws(Refusal) -> [Endpoint] {
        var result: [Endpoint] = []
        for text in values[name] ?? [] {
            if let port = UInt16(text) {
                result.append(Endpoint(host: "::", port: port))
                continue
            }
            let isAnyPort = text.hasSuffix(":0")
            guard let endpoint = Endpoint(isAnyPort ? text.dropLast() + "1" : text) else {
                throw wrong(name, "HOST:PORT or a port", text)
            }
            if isAnyPort {
                result.append(Endpoint(host: endpoint.host, port: 0))
                continue
            }
            result.append(endpoint)
        }
        return result
    }

    private func seeds() throws(Refusal) -> [SeedAddress] {
        var result: [SeedAddress] = []
        for text in values["join"] ?? [] {
            guard let address = SeedAddress(text) else {
                throw wrong("join", "HOST:PORT, an address, or a name with SRV records", text)
            }
            result.append(address)
        }
        return result
    }

    func wrong(_ name: String, _ expected: String, _ found: String) -> Refusal {
        Refusal(
            .invalid, "\(name): expected \(expected), found \"\(found)\" (\(origins[name] ?? "default"))",
            remedy: "correct it there; `palmier agent config` prints what counts and why")
    }
}

/// Notes which layer gave each value.
private final class OriginRecorder: AccessReporter {
    private let providers = Mutex<[String: String]>([:])

    func report(_ event: AccessEvent) {
        for result in event.providerResults {
            guard case .success(let lookup) = result.result, lookup.value != nil else { continue }
            let key = event.metadata.key.components.joined(separator: ".")
            providers.withLock { $0[key] = result.providerName }
            return
        }
    }

    func provider(of key: String) -> String? { providers.withLock { $0[key] } }
}

/// The file's form, checked before its values are looked up, because a lookup never meets an unknown key.
private enum SettingsFile {
    static func check(_ path: String) throws(Refusal) {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw Refusal(
                .invalid, "\(path) cannot be read: \(error.localizedDescription)",
                remedy: "check the path after --config")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Refusal(.invalid, "\(path) is not YAML: \(error)", remedy: "write one key and its value a line")
        }
        guard let root else { return }
        guard case .mapping(let mapping) = root else {
            throw Refusal(
                .invalid, "\(path):1: expected keys and values", remedy: "write, for instance, `partitions: 4`")
        }
        let known = HostSettings.keys.map(\.name)
        for (keyNode, value) in mapping {
            let key = keyNode.scalar?.string ?? ""
            let place = "\(path):\(keyNode.mark?.line ?? 0)"
            guard let setting = HostSettings.keys.first(where: { $0.name == key }), key != "state" else {
                let hint = nearestName(to: key, among: known).map { "did you mean \"\($0)\"?" }
                throw Refusal(
                    .invalid,
                    key == "state"
                        ? "\(place): the state directory cannot be set by a file that may lie in it"
                        : "\(place): unknown key \"\(key)\"",
                    remedy: key == "state"
                        ? "use --state or PALMIER_STATE"
                        : hint ?? "known: \(known.joined(separator: ", "))")
            }
            let fits = setting.isList ? value.sequence?.allSatisfy { $0.scalar != nil } == true : value.scalar != nil
            guard fits else {
                throw Refusal(
                    .invalid, "\(place): \(key): expected \(setting.isList ? "a list of texts" : "one value")",
                    remedy: setting.isList ? "write \(key): [first, second]" : "write \(key): value")
            }
        }
    }
}
