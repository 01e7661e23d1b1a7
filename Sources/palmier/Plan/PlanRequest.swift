import API
import ArgumentParser
import Console

/// `palmier plan request`: what `palmier request` with the same flags would do.
struct PlanRequest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "What a request would change, where it would run, and at what price.",
        discussion: Help.text(
            """
            Machines and prices are those of now: what is free may be taken when the request is made. Ends with 0 also \
            where the request would be refused; with --detailed-exitcode with 0 when nothing would change, 1 on an error or \
            where it would be refused, and 2 when something would change.
            """,
            examples: .init(
                "palmier plan request cache --require 'cpu >= 4' --prefer price",
                "where it would run, and what it costs"),
            .init("palmier plan request cache --param memory=128 -o json", "the same for a script")))

    @Argument(help: "Your own name for it.", completion: Names.instances)
    var name: String

    @OptionGroup var flags: RequestFlags

    @Flag(help: "End with 0 if nothing would change, 1 on an error, 2 if something would.")
    var detailedExitcode = false

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let plan: PlanDocument
        do {
            plan = try await made()
        } catch {
            guard detailedExitcode, let problem = Failure.problem(of: error) else { throw error }
            Failure.report(problem, format: output.chosen, style: output.noteStyle)
            throw Ending(.failed)
        }
        let output = output.output
        try output.write(plan, names: [plan.reference]) { _ in PlanText.text(plan, style: output.style) }
        guard detailedExitcode else { return }
        try Ending.with(plan.act == "refused" ? .failed : plan.changesSomething ? .accepted : .done)
    }

    private func made() async throws -> PlanDocument {
        let document = try await flags.document(flags.arguments(name, customer: customer.customer))
        var plan = try await connection.withMaster { try await $0.plan(document) }
        if plan.changesSomething { plan.command = command(at: plan.index) }
        return plan
    }

    /// What goes on from here, as a shell takes it.
    func command(at index: UInt64) -> String {
        let options: [(String, String?)] = [
            ("--customer", customer.customer), ("--master", connection.master), ("--state", connection.state),
            ("--fabric", connection.fabric),
        ]
        let words =
            ["palmier", "request", name] + flags.words
            + options.flatMap { flag, value in value.map { [flag, $0] } ?? [] }
            + ["--check-index", String(index)]
        return words.map { ShellWord.quoted($0) }.joined(separator: " ")
    }
}
