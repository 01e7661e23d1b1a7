import API
import ArgumentParser
import Console

struct NodeInvite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Make a token with which one machine joins from anywhere.",
        discussion: Help.text(
            "The token is used once, and is shown once. Whoever has it can join: it travels like a password.",
            examples: .init("palmier node invite --ttl 1h", "prints a token for a machine"),
            .init("palmier node invite --kind person --name alice@laptop", "prints a token for a person")))

    @Option(
        help: ArgumentHelp("machine, master or person.", valueName: "KIND"),
        completion: .list(["machine", "master", "person"]))
    var kind = "machine"

    @Option(help: ArgumentHelp("The name that the invited must have; needed for a person.", valueName: "NAME"))
    var name: String?

    @Option(help: ArgumentHelp("How long the token is good for; a week at most.", valueName: "DURATION"))
    var ttl: DurationArgument = .seconds(3_600)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard ["machine", "master", "person"].contains(kind) else {
            throw ValidationError("--kind: expected machine, master or person, found \"\(kind)\"")
        }
        guard kind != "person" || name != nil else { throw ValidationError("--kind person needs --name NAME") }
    }

    mutating func run() async throws {
        let request = InvitationRequest(kind: kind, name: name, ttlSeconds: ttl.duration.components.seconds)
        let invitation = try await connection.withMaster { try await $0.invite(request) }
        let output = output.output
        try output.write(invitation, names: [invitation.token]) { _ in invitation.token }
        guard !output.format.isForPrograms else { return }
        let use =
            switch kind {
            case "person": "palmier identity join TOKEN"
            case "master": "palmier master --token TOKEN"
            default: "palmier agent --token TOKEN"
            }
        Terminal.note("good for one \(kind) until \(invitation.expiresAt): \(use)")
    }
}
