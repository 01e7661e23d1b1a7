import ArgumentParser
import Console
import Foundation

/// The flags of `agent` and `master`. All are texts here: `HostSettings` reads them, together with the environment and
/// the file, so that one value has one error, wherever it was set.
struct HostFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where everything is kept that must survive a restart.", valueName: "DIR"),
        completion: .directory)
    var state: String?

    @Option(
        help: ArgumentHelp("A settings file; STATE/config.yaml when left out.", valueName: "FILE"),
        completion: .file(extensions: ["yaml"]))
    var config: String?

    @Option(help: ArgumentHelp("Joins this fabric and no other.", valueName: "NAME"))
    var fabric: String?

    @Option(help: ArgumentHelp("What the machine is called.", valueName: "NAME"))
    var name: String?

    @Option(help: ArgumentHelp("Where peers connect. Repeatable.", valueName: "HOST:PORT|PORT"))
    var listen: [String] = []

    @Option(help: ArgumentHelp("How many instances at the same time.", valueName: "N"))
    var partitions: String?

    @Option(
        help: ArgumentHelp("auto, users, bubblewrap or none.", valueName: "HOW"),
        completion: .list(["auto", "users", "bubblewrap", "none"]))
    var isolation: String?

    @Option(help: ArgumentHelp("What all instances together may ask for.", valueName: "AMOUNT"))
    var memory: String?

    @Option(help: ArgumentHelp("Cores that all instances together may ask for.", valueName: "N"))
    var cpus: String?

    @Option(
        help: ArgumentHelp(
            "Where it stands, in a word such as eu-west: requests ask for it, and replicas of a ledger are kept in several regions if possible.",
            valueName: "WORD"))
    var region: String?

    @Option(help: ArgumentHelp("The country where it stands: two lower-case letters, such as fr.", valueName: "CC"))
    var country: String?

    @Option(
        help: ArgumentHelp("The continent where it stands: af, an, as, eu, na, oc or sa.", valueName: "CC"),
        completion: .list(["af", "an", "as", "eu", "na", "oc", "sa"]))
    var continent: String?

    @Option(
        help: ArgumentHelp(
            "What an hour costs in the unit of account: core-hour=0.01, memory-hour=0.002 (a gigabyte), gpu-hour=1, partition-hour=0.05; a number alone is millionths for a partition. Repeatable.",
            valueName: "NAME=AMOUNT|N"))
    var price: [String] = []

    @Option(
        help: ArgumentHelp(
            "When it is for others, in UTC, such as 19:00-07:00; always when left out.", valueName: "FROM-UNTIL"))
    var hours: String?

    @Option(
        help: ArgumentHelp(
            "How long before the end of its hours it begins to drain; 5m when left out.", valueName: "TIME"))
    var hoursNotice: String?

    @Option(help: ArgumentHelp("The most memory that one instance may ask for, such as 8GiB.", valueName: "AMOUNT"))
    var maxMemory: String?

    @Option(help: ArgumentHelp("The most cores that one instance may ask for.", valueName: "N"))
    var maxCpus: String?

    @Option(
        help: ArgumentHelp("auto, daemon, embedded or none.", valueName: "HOW"),
        completion: .list(["auto", "daemon", "embedded", "none"]))
    var discovery: String?

    @Option(help: ArgumentHelp("An interface for discovery. Repeatable.", valueName: "NAME"))
    var interfaces: [String] = []

    @Option(
        help: ArgumentHelp(
            "A peer of another link: HOST:PORT, or a name whose DNS SRV records _palmier._tcp.NAME say where peers are. Repeatable.",
            valueName: "ADDRESS"))
    var join: [String] = []

    @Option(help: ArgumentHelp("An invitation from `palmier node invite`.", valueName: "TOKEN"))
    var token: String?

    @Option(
        help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "LEVEL"),
        completion: .list(["trace", "debug", "info", "notice", "warning", "error"]))
    var logLevel: String?

    @Option(help: ArgumentHelp("text or json.", valueName: "FORMAT"), completion: .list(["text", "json"]))
    var logFormat: String?

    /// By setting name; only those given.
    func values(_ master: MasterFlags? = nil) -> [String: [String]] {
        let single: [(String, String?)] = [
            ("state", state), ("config", config), ("fabric", fabric), ("name", name), ("partitions", partitions),
            ("isolation", isolation), ("memory", memory), ("cpus", cpus), ("region", region),
            ("country", country), ("continent", continent),
            ("price", price.isEmpty ? nil : price.joined(separator: ",")), ("hours", hours), ("max-memory", maxMemory),
            ("hours-notice", hoursNotice), ("max-cpus", maxCpus), ("discovery", discovery), ("token", token),
            ("log-level", logLevel),
            ("log-format", logFormat), ("api-listen", master?.apiListen),
            ("certificate-life", master?.certificateLife), ("ledger", master?.ledger), ("replicas", master?.replicas),
            ("minimum-replicas", master?.minimumReplicas), ("replace-after", master?.replaceAfter),
            ("hold-replicas", master?.holdReplicas), ("replica-space", master?.replicaSpace),
            ("checkpoint-every", master?.checkpointEvery),
        ]
        var values: [String: [String]] = [:]
        for (name, value) in single { values[name] = value.map { [$0] } }
        for (name, list) in [("listen", listen), ("interfaces", interfaces), ("join", join)] where !list.isEmpty {
            values[name] = list
        }
        return values
    }

    func settings(_ master: MasterFlags? = nil) async throws -> HostSettings {
        try await HostSettings(flags: values(master), environment: ProcessInfo.processInfo.environment)
    }
}

/// The flags that `master` has beside those of `agent`.
struct MasterFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Where users connect to a master?.", valueName: "HOST:PORT|PORT"))
    var apiListen: String?

    @Option(
        help: ArgumentHelp("How long a master's certificates live, for machines and itself.", valueName: "TIME"))
    var certificateLife: String?

    @Option(
        help: ArgumentHelp(
            "What its ledger is called: 1 to 63 letters, digits, -, _ and .; it stays so when left out.",
            valueName: "NAME"))
    var ledger: String?

    @Option(
        help: ArgumentHelp(
            "Replicas of its ledger on other masters: 0 to 6; they stay as many when left out, 2 at first.",
            valueName: "K"))
    var replicas: String?

    @Option(
        help: ArgumentHelp(
            "Replicas to have at once, even where the ledger stops when one of two masters does; 0 at first.",
            valueName: "M"))
    var minimumReplicas: String?

    @Option(
        help: ArgumentHelp(
            "How long a replica's master may be away before another takes its place; 60s at first.",
            valueName: "TIME"))
    var replaceAfter: String?

    @Option(
        help: ArgumentHelp(
            "Replicas of other masters' ledgers that this one takes: a number, yes for 16, or no; yes when left out.",
            valueName: "N"))
    var holdReplicas: String?

    @Option(
        help: ArgumentHelp(
            "What these may take on its disk, such as 2GiB; a ledger that grows beyond it moves to another master.",
            valueName: "SIZE"))
    var replicaSpace: String?

    @Option(
        help: ArgumentHelp(
            "Entries of a ledger between two copies of its books, from which a start goes on; 50000 when left out, 0: none are made.",
            valueName: "N"))
    var checkpointEvery: String?
}
