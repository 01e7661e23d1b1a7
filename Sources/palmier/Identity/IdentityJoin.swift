import API
import ArgumentParser
import Automata
import Console
import Foundation
import Identity

struct IdentityJoin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join", abstract: "Become a person of a fabric, with a token.",
        discussion: Help.text(
            "An administrator makes the token: palmier node invite --kind person --name NAME.",
            examples: .init("palmier identity join palmier-abc", "redeems a token under this user's name"),
            .init("palmier identity join palmier-abc --name alice@laptop", "the name must be the invited one")))

    @Argument(help: "palmier-…, as it was given.")
    var token: String

    @Option(help: ArgumentHelp("The name that the invitation is for; user@host when left out.", valueName: "NAME"))
    var name: String?

    @OptionGroup var output: OutputOptions

    private struct Document: Encodable {
        var schema = "palmier.identity/1"
        var fabric: String
        var name: String
        var fingerprint: String
        var directory: String
    }

    mutating func run() async throws {
        let token = try JoinToken(text: token)
        guard token.kind == .person else {
            throw Refusal(
                .invalid, "the token is for a \(token.kind.rawValue), not for a person",
                remedy: token.kind == .master ? "palmier master --token TOKEN" : "palmier agent --token TOKEN")
        }
        let home = Profile.home(environment: ProcessInfo.processInfo.environment)
        // Until the fabric's name is known, the key waits under a name that no fabric can have.
        let key = try PrivateKey.loadOrCreate(at: "\(home)/.joining/\(token.rootDigest.description.prefix(16)).pem")
        let client = EnrolmentClient(masters: [], token: token)
        let credential = try await client.join(as: .person, name: name ?? Connection.ownName, key: key) { step in
            Terminal.note("\(step)")
        }
        let masters = token.endpoints.map { Endpoint(host: $0.host, port: token.apiPort) }
        var profile = Profile(directory: "\(home)/\(credential.fabric)", credential: credential, masters: masters)
        try profile.save(now: .wallClock)
        let document = Document(
            fabric: credential.fabric, name: credential.name, fingerprint: credential.peer.fingerprint,
            directory: profile.directory)
        try output.output.write(document, names: [credential.name]) { _ in
            "you are \(document.name) (\(document.fingerprint)) of the fabric \(document.fabric)"
        }
    }
}
