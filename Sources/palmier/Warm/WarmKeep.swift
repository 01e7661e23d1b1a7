import API
import ArgumentParser
import Automata
import Console
import Releases

struct WarmKeep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keep", abstract: "Keep places for a release prepared; the same again changes how many.",
        discussion: Help.text(
            """
            How many: --count, or --forecast from when requests came so far: as many as are enough with --chance while another \
            one is being prepared, bounded by --ceiling, what an hour of all of them may cost, and --max.
            """,
            examples: .init("palmier warm keep examples/memcached.yaml --count 2", "two places, always"),
            .init(
                "palmier warm keep examples/memcached.yaml --forecast --ceiling 0.5", "as many as are worth it")))

    @Argument(
        help: ArgumentHelp("The release's YAML document, as `palmier request` takes it.", valueName: "RELEASE"),
        completion: .file(extensions: ["yaml"]))
    var release: String

    @Option(help: ArgumentHelp("What the group is called; else warm-RELEASE.", valueName: "NAME"))
    var name: String?

    @Option(help: ArgumentHelp("How many places.", valueName: "N"))
    var count: Int?

    @Flag(help: "As many as are expected to be of use.")
    var forecast = false

    @Option(help: ArgumentHelp("With which chance a request shall find one; usually 95%.", valueName: "SHARE"))
    var chance: String?

    @Option(
        help: ArgumentHelp("The most that an hour of all places may cost, in the unit of account.", valueName: "PRICE"))
    var ceiling: String?

    @Option(help: ArgumentHelp("The most places.", valueName: "N"))
    var max: Int?

    @Option(help: ArgumentHelp("Which of the release's instance types.", valueName: "TYPE"))
    var type: String?

    @Option(help: ArgumentHelp("Memory that each place must have, such as 512MiB.", valueName: "AMOUNT"))
    var memory: String?

    @Option(help: ArgumentHelp("What must hold at the machines, as in `palmier request`.", valueName: "CONDITION"))
    var require: [String] = []

    @Option(help: ArgumentHelp("The project that pays, and whose requests are served.", valueName: "PROJECT"))
    var project: String?

    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (count != nil) != forecast else {
            throw ValidationError("say how many places: either --count N, or --forecast with --ceiling or --max")
        }
        guard forecast || (chance == nil && ceiling == nil && max == nil) else {
            throw ValidationError("--chance, --ceiling and --max belong to --forecast")
        }
    }

    mutating func run() async throws {
        let source = try await ReleaseSource.read(release)
        let name = name ?? "warm-\(source.release.name)"
        var arguments = RequestArguments(reference: name)
        arguments.customer = customer.customer
        arguments.type = type
        arguments.memory = memory
        arguments.require = require
        arguments.project = project
        arguments.warm = true
        arguments.count = count
        arguments.forecast = forecast ? rule : ""
        var document = try arguments.document(release: source)
        let target = follow.target(.running)
        if let target { document.wait = .init(until: target.rawValue, timeoutSeconds: 1) }
        let asked = document
        var result = try await connection.withMaster { try await $0.request(asked) }
        if target != nil {
            let follower = Follower(
                options: connection, reference: name, customer: customer.customer, until: .running,
                timeout: follow.timeout.duration, progress: ProgressLine(isSilent: output.chosen.isForPrograms))
            result = try await follower.follow(result) ?? result
        }
        let output = output.output
        let shown = result
        try output.write(shown, names: [shown.reference]) { _ in InstanceView.result(shown, style: output.style) }
        try Ending.with(shown.exitCode)
    }

    private var rule: String {
        var settings = ["chance=\(chance ?? "95%")"]
        if let ceiling { settings.append("ceiling=\(ceiling)") }
        if let max { settings.append("max=\(max)") }
        return settings.joined(separator: ", ")
    }
}
