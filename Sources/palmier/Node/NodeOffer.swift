import API
import ArgumentParser
import Automata
import Console

/// What a machine offers: shown, or said anew while it runs.
struct NodeOffer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offer", abstract: "What a machine asks for, and when and how much of it is for others.",
        discussion: Help.text(
            """
            Without a flag it is shown. What is said holds at once and over restarts; what is not mentioned stays. Where the \
            machine's agent is started again with a flag, a variable or a settings file that says the same thing, that holds. \
            For administrators, and on the machine itself; without a name: this machine.
            """,
            examples: .init(
                "palmier node offer worker-1 --price core-hour=0.01 --hours 19:00-07:00",
                "for others at night, by the core"),
            .init("palmier node offer worker-1 --reset", "as its agent was started, again")))

    @Argument(help: "A name, a fingerprint or an id; this machine when left out.", completion: Names.nodes)
    var node: String?

    @Option(
        help: ArgumentHelp(
            "What an hour costs: core-hour=0.01, memory-hour=0.002 (a gigabyte), gpu-hour=1, partition-hour=0.05. Repeatable.",
            valueName: "NAME=AMOUNT"))
    var price: [String] = []

    @Option(
        help: ArgumentHelp("When it is for others, in UTC, such as 19:00-07:00; always.", valueName: "FROM-UNTIL"))
    var hours: String?

    @Option(help: ArgumentHelp("The most memory that one instance may ask for; 0: any.", valueName: "AMOUNT"))
    var maxMemory: String?

    @Option(help: ArgumentHelp("The most cores that one instance may ask for; 0: any.", valueName: "N"))
    var maxCpus: String?

    @Option(help: ArgumentHelp("Where it stands, in a word such as eu-west; empty: nowhere.", valueName: "WORD"))
    var region: String?

    @Option(help: ArgumentHelp("The country where it stands: two lower-case letters; empty: none.", valueName: "CC"))
    var country: String?

    @Option(
        help: ArgumentHelp(
            "The continent where it stands: af, an, as, eu, na, oc or sa; empty: none.", valueName: "CC"),
        completion: .list(["af", "an", "as", "eu", "na", "oc", "sa"]))
    var continent: String?

    @Flag(help: "Forget what was said while it ran: what its agent was started with holds again.")
    var reset = false

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    private var flags: OfferFlags {
        var flags = OfferFlags()
        (flags.price, flags.hours) = (price, hours)
        (flags.maxMemory, flags.maxCpus) = (maxMemory, maxCpus)
        (flags.region, flags.country, flags.continent) = (region, country, continent)
        return flags
    }

    mutating func run() async throws {
        var request = try flags.request()
        let says = request != NodeOfferRequest()
        guard !(reset && says) else {
            throw Refusal(
                .invalid, "--reset stands beside other flags", remedy: "reset first, then say what shall differ")
        }
        if reset { request.reset = true }
        let (node, body, changes) = (node, request, reset || says)
        let document = try await NodeOwner.ask(connection, node) { client in
            changes ? try await client.setOffer(of: node, body) : try await client.offer(of: node)
        }
        let output = output.output
        try output.write(document, names: [document.node]) { _ in Self.text(of: document, style: output.style) }
    }

    private static func text(of document: NodeOfferDocument, style: Style) -> String {
        var listing = Listing()
        func add(_ name: String, _ value: String, _ field: String) {
            listing.add(name, document.kept.contains(field) ? "\(value) (said while it ran)" : value)
        }
        listing.add("node", document.node)
        add("partition-hour", document.partitionHour, "partitionHour")
        add("core-hour", document.coreHour, "coreHour")
        add("memory-hour", document.memoryHour, "memoryHour")
        add("gpu-hour", document.gpuHour, "gpuHour")
        add("hours", document.hours, "hours")
        let memory = document.maxMemoryBytes == 0 ? "any" : ByteCount(document.maxMemoryBytes).description
        add("max memory", memory, "maxMemoryBytes")
        add("max cpus", document.maxCpus == 0 ? "any" : String(document.maxCpus), "maxCpus")
        add("region", document.region.isEmpty ? "none" : document.region, "region")
        add("country", document.country.isEmpty ? "none" : document.country, "country")
        add("continent", document.continent.isEmpty ? "none" : document.continent, "continent")
        return listing.text(style: style)
    }
}
