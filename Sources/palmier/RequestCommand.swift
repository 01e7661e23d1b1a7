import API
import ArgumentParser
import Automata
import Console

/// `palmier request`: declarative and named; the same name again changes it.
struct RequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Ask for running software; the same name again changes it.",
        discussion: Help.text(
            """
            The first time a release is needed. What is not mentioned stays as it was. On a terminal the command waits \
            until the instance runs, and prints its connection parameters; elsewhere it returns when a master has \
            written the request down, with exit code 2 while the instance is not running yet. A flag with an empty text \
            takes away what was said before. `palmier plan request` shows what would change, and where it would run.

            \(RequestFlags.language)
            """,
            examples: .init(
                "palmier request cache --release examples/memcached.yaml --wait",
                "has memcached run somewhere, and prints its address"),
            .init("palmier request cache --param memory=128", "changes one parameter of it"),
            .init(
                "palmier request cache --require 'cpu >= 2, memory >= 4GiB, region = fr'",
                "says what its machine must have"),
            .init(
                "palmier request web --release examples/memcached.yaml --count 3 --spread host", "three, on three hosts"
            ),
            .init(
                "palmier request db --release new.yaml --or-release old.yaml",
                "the first, or the second where no machine can run the first"),
            .init("palmier request cache --prefer 'price, load' --apart-from web", "the cheapest, and not where web is")
        ))

    @Argument(help: "Your own name for it.", completion: Names.instances)
    var name: String

    @OptionGroup var flags: RequestFlags

    @Option(
        help: ArgumentHelp(
            "Only where the request is at this index, as `palmier plan request` shows it; 0: where there is none.",
            valueName: "N"))
    var checkIndex: UInt64?

    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        var arguments = flags.arguments(name, customer: customer.customer)
        arguments.checkIndex = checkIndex
        var document = try await flags.document(arguments)
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
