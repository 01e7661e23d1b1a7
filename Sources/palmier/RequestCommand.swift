import API
import ArgumentParser
import Automata
import Console
import Releases

/// `palmier request`: declarative and named; the same name again changes it.
struct RequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Ask for running software; the same name again changes it.",
        discussion: Help.text(
            """
            The first time a release is needed. What is not mentioned stays as it was. On a terminal the command waits \
            until the instance runs, and prints its connection parameters; elsewhere it returns when a master has \
            written the request down, with exit code 2 while the instance is not running yet.
            """,
            examples: .init(
                "palmier request cache --release examples/memcached.yaml --wait",
                "has memcached run somewhere, and prints its address"),
            .init("palmier request cache --param memory=128", "changes one parameter of it")))

    @Argument(help: "Your own name for it.", completion: Names.instances)
    var name: String

    @Option(
        help: ArgumentHelp(
            "The release's YAML document: a path, file:PATH, or https://…#sha256=….", valueName: "URL|PATH"),
        completion: .file(extensions: ["yaml"]))
    var release: String?

    @Option(help: ArgumentHelp("Which of the release's instance types.", valueName: "TYPE"))
    var type: String?

    @Option(
        name: .customLong("param"),
        help: ArgumentHelp("A parameter; read by the release's schema. Repeatable.", valueName: "KEY=VALUE"))
    var parameters: [String] = []

    @Option(
        help: ArgumentHelp("Parameters from a YAML or JSON file; --param goes over it.", valueName: "FILE"),
        completion: .file())
    var paramsFile: String?

    @Option(help: ArgumentHelp("Memory that the machine must have free, such as 512MiB.", valueName: "AMOUNT"))
    var memory: String?

    @Option(
        help: ArgumentHelp("The one machine that may run it; empty for any.", valueName: "NAME"),
        completion: Names.nodes)
    var node: String?

    @Flag(inversion: .prefixedNo, help: "Never on two machines at once, whatever fails.")
    var exclusive: Bool?

    @Option(
        help: ArgumentHelp(
            "The project that pays for it: the price of each next hour is reserved against its ceiling.",
            valueName: "PROJECT"))
    var project: String?

    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        var arguments = RequestArguments(reference: name)
        arguments.customer = customer.customer
        arguments.type = type
        arguments.assignments = parameters
        arguments.parametersFile = paramsFile
        arguments.memory = memory
        arguments.node = node
        arguments.exclusive = exclusive
        arguments.project = project
        try arguments.check()
        var source: (text: RequestDocument.ReleaseText, release: Release)?
        if let release { source = try await ReleaseSource.read(release) }
        var document = try arguments.document(release: source)
        let target = follow.target(.running)
        if let target {
            let step = min(follow.timeout.duration, Follower.step)
            document.wait = .init(until: target.rawValue, timeoutSeconds: Double(step.milliseconds) / 1_000)
        }
        let asked = document
        var result = try await connection.withMaster { try await $0.request(asked) }
        // One that was stopped stays so when it is changed: then that is what is waited for.
        if target != nil, let until = follow.wait ?? DesiredState(rawValue: result.desired) {
            let follower = Follower(
                options: connection, reference: name, customer: customer.customer, until: until,
                timeout: follow.timeout.duration, progress: ProgressLine(isSilent: output.chosen.isForPrograms))
            result = try await follower.follow(result) ?? result
        }
        try show(result, waitedFor: target)
    }

    private func show(_ result: InstanceDocument, waitedFor target: DesiredState?) throws {
        let output = output.output
        try output.write(result, names: [result.reference]) { isWide in
            isWide
                ? InstanceView.details(result, style: output.style)
                : InstanceView.result(result, style: output.style)
        }
        let code = result.exitCode
        if code != .done, !output.format.isForPrograms {
            let ending = target == nil ? "accepted" : code == .failed ? "it failed" : "not ready in time; it goes on"
            Terminal.note("\(ending): `palmier why \(name)` says why, `palmier instance show \(name)` how it is")
        }
        try Ending.with(code)
    }
}
