import API
import ArgumentParser
import Automata
import Console

/// `palmier scale`: how many members a group has, and by which rule.
struct ScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Say how many members a group has, or by which rule that changes.",
        discussion: Help.text(
            """
            Without a count and a rule it shows the group and what was decided lately. Where there are too many members those go \
            first that do not run, then the newest. A group that follows a rule takes no count: change the rule, or take it \
            away with --rule ''.

            \(RequestFlags.language)
            """,
            examples: .init("palmier scale web 5", "five members, whatever there were before"),
            .init("palmier scale web --rule 'max=8, metric=cpu, target=60%'", "as many as their work needs"),
            .init("palmier scale web --history -o json", "what was decided, for a script")))

    @Argument(help: "The group's name.", completion: Names.instances)
    var name: String

    @Argument(help: ArgumentHelp("How many members there shall be.", valueName: "COUNT"))
    var count: Int?

    @Option(help: ArgumentHelp("The rule; empty: the count stays as it is.", valueName: "RULE"))
    var rule: String?

    @Flag(help: "Show what was decided lately, and change nothing.")
    var history = false

    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !history || (count == nil && rule == nil) else {
            throw ValidationError("--history changes nothing: leave out the count and the rule")
        }
    }

    mutating func run() async throws {
        let (name, customer) = (name, customer.customer)
        var arguments = RequestArguments(reference: name)
        arguments.customer = customer
        arguments.count = count
        arguments.scale = rule
        try arguments.check()
        let known = try await connection.withMaster { try await $0.instance(name, customer: customer) }
        guard let group = known.group else {
            throw Refusal(
                .invalid, "\(name) is one instance, and becomes no group",
                remedy: "ask for a group under another name: `palmier request NAME --release … --count N`")
        }
        guard count != nil || rule != nil else { return try show(known, group) }
        var document = try arguments.document(release: nil)
        let target = follow.target(.running)
        if let target { document.wait = .init(until: target.rawValue, timeoutSeconds: 1) }
        let asked = document
        var result = try await connection.withMaster { try await $0.request(asked) }
        if target != nil, let until = follow.wait ?? DesiredState(rawValue: result.desired) {
            let follower = Follower(
                options: connection, reference: name, customer: customer, until: until,
                timeout: follow.timeout.duration, progress: ProgressLine(isSilent: output.chosen.isForPrograms))
            result = try await follower.follow(result) ?? result
        }
        let output = output.output
        let shown = result
        try output.write(shown, names: [shown.reference]) { _ in InstanceView.result(shown, style: output.style) }
        try Ending.with(shown.exitCode)
    }

    private func show(_ document: InstanceDocument, _ group: GroupDocument) throws {
        let output = output.output
        try output.write(document, names: [document.reference]) { _ in
            guard history else { return InstanceView.details(document, style: output.style) }
            return group.decisions.isEmpty ? "nothing was decided yet" : GroupView.history(of: group)
        }
        if !history { try Ending.with(document.exitCode) }
    }
}
