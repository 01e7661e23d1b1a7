import Agent
import Automata
import Console
import Discovery
import Foundation
import Ledger
import Testing

@Suite("Settings of a host")
struct HostSettingsTests {
    private let directory = FileManager.default.temporaryDirectory.path + "/palmier-settings-\(UUID().uuidString)"

    @Test("flags go over the environment, that over the file, and each value says where it came from")
    func layers() async throws {
        let file = try write(
            "partitions: 2\nname: from-file\nisolation: none\njoin: [10.0.0.1:7423, '[fd00::1]:7423']\n")
        defer { remove() }
        let settings = try await HostSettings(
            flags: ["partitions": ["4"], "state": [directory]],
            environment: ["PALMIER_PARTITIONS": "3", "PALMIER_NAME": "from-environment", "PALMIER_FABRIC": ""])
        let origins = Dictionary(uniqueKeysWithValues: settings.settings.map { ($0.name, $0.origin) })
        #expect(origins["partitions"] == "flag --partitions")
        #expect(origins["name"] == "environment PALMIER_NAME")
        #expect(origins["isolation"] == "file \(file)")
        #expect(origins["fabric"] == "default")
        #expect(origins["state"] == "flag --state")
        let options = try settings.options(isMaster: false)
        #expect(options.partitions == 4)
        #expect(options.name == "from-environment")
        #expect(options.isolation == .none)
        #expect(options.join.map(\.description) == ["10.0.0.1:7423", "[fd00::1]:7423"])
        #expect(options.state.path == directory)
        #expect(options.fabric == nil)
    }

    @Test("without any layer the defaults hold, and nothing needs to be there")
    func defaults() async throws {
        let settings = try await HostSettings(flags: ["state": [directory]], environment: [:])
        let options = try settings.options(isMaster: true)
        #expect(options.isMaster)
        #expect(options.partitions == nil)
        #expect(options.isolation == .auto)
        #expect(options.discovery == .auto)
        #expect(options.listen.isEmpty)
        #expect(options.apiListen == nil)
        #expect(options.logLevel == .notice)
        #expect(!options.name.isEmpty)
    }

    @Test("a port alone is every address, port 0 any free one; lists in the environment are separated by commas")
    func endpoints() async throws {
        let settings = try await HostSettings(
            flags: ["state": [directory], "api-listen": ["7424"]],
            environment: ["PALMIER_LISTEN": "10.0.0.1:7423,7425,127.0.0.1:0", "PALMIER_MEMORY": "2GiB"])
        let options = try settings.options(isMaster: true)
        #expect(options.apiListen == Endpoint(host: "::", port: 7_424))
        #expect(options.listen.map(\.description) == ["10.0.0.1:7423", "[::]:7425", "127.0.0.1:0"])
        #expect(options.memory == .mebibytes(2_048))
    }

    @Test("what a machine offers is set by flag, environment and file, for agents and masters alike")
    func offer() async throws {
        _ = try write("price: 250000\nhours: 19:00-07:00\nregion: from-file\ncpus: 4\n")
        defer { remove() }
        let settings = try await HostSettings(
            flags: ["state": [directory], "region": ["eu-west"], "max-memory": ["8GiB"]],
            environment: ["PALMIER_COUNTRY": "fr", "PALMIER_CONTINENT": "eu", "PALMIER_MAX_CPUS": "2"])
        for isMaster in [false, true] {
            let options = try settings.options(isMaster: isMaster)
            #expect(options.region == "eu-west" && options.country == "fr" && options.continent == "eu")
            #expect(options.cores == 4 && options.price == 250_000)
            #expect(
                options.terms
                    == OwnerTerms(hours: OwnerHours("19:00-07:00"), memoryMax: .mebibytes(8_192), coresMax: 2))
        }
        let origins = Dictionary(uniqueKeysWithValues: settings.settings.map { ($0.name, $0.origin) })
        #expect(origins["region"] == "flag --region" && origins["country"] == "environment PALMIER_COUNTRY")
        #expect(origins["hours"]?.hasPrefix("file ") == true && origins["max-memory"] == "flag --max-memory")
    }

    @Test("prices are exact decimals by name, a number alone is a partition's millionths, and both may stand together")
    func prices() async throws {
        func read(_ text: String) async throws -> HostOptions {
            try await HostSettings(flags: ["state": [directory]], environment: ["PALMIER_PRICE": text])
                .options(isMaster: false)
        }
        let all = try await read("core-hour=0.01,memory-hour=0.002,gpu-hour=1,partition-hour=0.05")
        #expect(all.price == 50_000)
        #expect(all.terms.rates == .init(core: 10_000, memory: 2_000, gpu: 1_000_000))
        let mixed = try await read("7, cpu-hour=0.000001")
        #expect(mixed.price == 7 && mixed.terms.rates == .init(core: 1))
        #expect(try await read("9007199254740992").price == 9_007_199_254_740_992)
        #expect(try await read("gpu-hour=0").terms == OwnerTerms())
    }

    @Test("how many replicas a master has and holds is set by flag, environment and file")
    func replicas() async throws {
        _ = try write("replace-after: 5m\nreplicas: 6\n")
        defer { remove() }
        let settings = try await HostSettings(
            flags: ["state": [directory], "replicas": ["4"]],
            environment: ["PALMIER_MINIMUM_REPLICAS": "4", "PALMIER_HOLD_REPLICAS": "0"])
        let options = try settings.options(isMaster: true)
        #expect(options.ledger == LedgerWishes(wanted: 4, minimum: 4, absence: .seconds(300)))
        #expect(options.heldReplicas == 0)
        let none = try await HostSettings(flags: ["state": ["/nowhere"], "replicas": ["0"]], environment: [:])
        #expect(try none.options(isMaster: true).ledger == LedgerWishes(wanted: 0))
        #expect(try none.options(isMaster: true).heldReplicas == 16)
    }

    @Test("what is not said of a ledger is not wished for; what is said must fit what the ledger says")
    func ledger() async throws {
        // That variable says whose accounts a command means.
        let silent = try await HostSettings(flags: ["state": ["/nowhere"]], environment: ["PALMIER_LEDGER": "m1"])
        #expect(try silent.options(isMaster: true).ledger.isEmpty)
        let named = try await HostSettings(
            flags: ["state": ["/nowhere"], "ledger": ["lab"]], environment: ["PALMIER_MINIMUM_REPLICAS": "3"])
        let wishes = try named.options(isMaster: true).ledger
        #expect(wishes == LedgerWishes(name: "lab", minimum: 3))
        try HostSettings.check(wishes, against: LedgerDescription(wanted: 4))
        for described in [nil, LedgerDescription(), LedgerDescription(wanted: 1)] {
            let refusal = try #require(throws: Refusal.self) {
                try HostSettings.check(wishes, against: described)
            }
            #expect(refusal.code == .invalid && refusal.message.contains("are \(described?.wanted ?? 2)"), "\(refusal)")
            #expect(refusal.remedy.contains("--replicas 3"))
        }
        for (name, reason) in [("my lab", "it has a space"), ("9725-b6ac-ad02-a597", "looks like a ledger's id")] {
            let wrong = try await HostSettings(flags: ["state": ["/nowhere"], "ledger": [name]], environment: [:])
            let refusal = try #require(throws: Refusal.self) { _ = try wrong.options(isMaster: true) }
            #expect(refusal.message.contains(reason) && refusal.message.contains("flag --ledger"), "\(refusal)")
        }
        let both = try await HostSettings(
            flags: ["state": ["/nowhere"], "replicas": ["2"], "minimum-replicas": ["3"]], environment: [:])
        let refusal = try #require(throws: Refusal.self) { _ = try both.options(isMaster: true) }
        #expect(refusal.message.contains("at most as many as replicas, 2, found \"3\""), "\(refusal)")
    }

    @Test("a token is never printed")
    func secret() async throws {
        let settings = try await HostSettings(
            flags: ["state": [directory]], environment: ["PALMIER_TOKEN": "palmier-secret"])
        let token = settings.settings.first { $0.name == "token" }
        #expect(token?.value == "(set)")
        #expect(token?.origin == "environment PALMIER_TOKEN")
    }

    @Test(
        "a wrong value names the setting, what was expected, what was found, and where it was set",
        arguments: [
            ("partitions", "many", "a whole number from 1 to 100"), ("partitions", "101", "1 to 100"),
            ("isolation", "docker", "one of auto, users, bubblewrap, none"),
            ("discovery", "maybe", "one of auto, daemon, embedded, none"), ("join", "some where", "HOST:PORT"),
            ("listen", "10.0.0.1:", "HOST:PORT or a port"), ("memory", "lots", "512MiB"),
            ("price", "-1", "from 0 to 9007199254740992"), ("price", "1,2", "it is said twice"),
            ("price", "9007199254740993", "from 0 to 9007199254740992"),
            ("price", "core-hours=0.01", "did you mean \"core-hour\"?"),
            ("price", "disk-hour=1", "core-hour, memory-hour"),
            ("price", "core-hour=0.0000001", "six digits behind the point"),
            ("price", "core-hour=-1", "a decimal from 0 on"), ("price", "core-hour=1e3", "a decimal from 0 on"),
            ("price", "core-hour=", "a decimal from 0 on"), ("price", "core-hour=1,cpu-hour=2", "it is said twice"),
            ("price", "core-hour=9007199254.740993", "a decimal from 0 on"),
            ("hours", "19-07", "such as 19:00-07:00"), ("hours", "24:00-07:00", "such as 19:00-07:00"),
            ("max-memory", "0", "above 0"), ("max-memory", "lots", "8GiB"), ("max-cpus", "0", "from 1 to 65535"),
            ("cpus", "65536", "from 1 to 65535"), ("cpus", "2.5", "from 1 to 65535"),
            ("country", "FR", "two lower-case letters"),
            ("country", "fra", "two lower-case letters"), ("country", "f1", "two lower-case letters"),
            ("continent", "eurasia", "one of af, an, as, eu, na, oc, sa"), ("continent", "EU", "one of af"),
            ("memory", "8388607TiB", "512MiB"),
            ("replicas", "7", "a whole number from 0 to 6"), ("replicas", "-1", "0 to 6"),
            ("replicas", "two", "0 to 6"),
            ("minimum-replicas", "7", "0 to 6"), ("replace-after", "0s", "a time from 1s to 30d"),
            ("replace-after", "soon", "a time from 1s"), ("hold-replicas", "1025", "0 to 1024"),
            ("hold-replicas", "maybe", "no, yes or a whole number"), ("replica-space", "lots", "512MiB or 2GiB"),
            ("region", "eu west", "such as eu-west"), ("region", String(repeating: "r", count: 64), "1 to 63 letters"),
            ("checkpoint-every", "-1", "a whole number from 0"),
            ("log-level", "loud", "one of trace"), ("name", String(repeating: "n", count: 64), "1 to 63 bytes"),
            ("token", "palmier-nonsense", "token"),
        ])
    func wrongValue(name: String, value: String, expected: String) async throws {
        let variable = "PALMIER_" + name.uppercased().replacing("-", with: "_")
        let settings = try await HostSettings(flags: ["state": [directory]], environment: [variable: value])
        let refusal = try #require(throws: Refusal.self) { _ = try settings.options(isMaster: false) }
        #expect(refusal.code == .invalid)
        #expect(refusal.message.contains(name) && refusal.message.contains(expected), "\(refusal)")
        #expect(refusal.message.contains("environment \(variable)"), "\(refusal)")
        #expect(!refusal.remedy.isEmpty)
    }

    @Test(
        "a file with a mistake is refused with its line and a remedy",
        arguments: [
            ("name: a\npartitons: 4\n", ":2: unknown key \"partitons\"", "did you mean \"partitions\"?"),
            ("join: 10.0.0.1:7423\n", ":1: join: expected a list", "write join: [first, second]"),
            ("name: [a, b]\n", ":1: name: expected one value", "write name: value"),
            ("state: /srv\n", ":1: the state directory cannot be set", "--state"),
            ("- a\n- b\n", "expected keys and values", "partitions: 4"), ("name: [\n", "is not YAML", "one key"),
        ])
    func wrongFile(text: String, message: String, remedy: String) async throws {
        _ = try write(text)
        defer { remove() }
        let refusal = try await #require(throws: Refusal.self) {
            _ = try await HostSettings(flags: ["state": [directory]], environment: [:])
        }
        #expect(refusal.code == .invalid)
        #expect(refusal.message.contains(message), "\(refusal)")
        #expect(refusal.remedy.contains(remedy), "\(refusal)")
    }

    @Test("a settings file that is named must be there")
    func missingFile() async throws {
        let refusal = try await #require(throws: Refusal.self) {
            _ = try await HostSettings(
                flags: ["state": [directory], "config": ["\(directory)/none.yaml"]], environment: [:])
        }
        #expect(refusal.message.contains("\(directory)/none.yaml cannot be read"))
    }

    private func write(_ text: String) throws -> String {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/config.yaml"))
        return "\(directory)/config.yaml"
    }

    private func remove() {
        do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record(error) }
    }
}
