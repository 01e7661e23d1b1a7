import ArgumentParser
import Automata
import Console
import Foundation
import Identity

struct FabricRequest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "Ask in a file to become a master: for a root kept off-line.",
        discussion: Help.text(
            """
            Prints this machine's request, to be carried to where the root's key is and signed there with `palmier \
            fabric sign`. The key that it was made with stays in the state directory. A master asks so again before its \
            authority ends, after a year.
            """,
            examples: .init(
                "palmier fabric request --fabric lab > m2.request", "on the machine that is to be a master"),
            .init("palmier fabric request --name m2 > m2.request", "under another name than the host's")))

    @Option(
        help: ArgumentHelp("Where everything is kept that must survive a restart.", valueName: "DIR"),
        completion: .directory)
    var state: String?

    @Option(help: ArgumentHelp("What the master is called.", valueName: "NAME"))
    var name: String?

    @Option(help: ArgumentHelp("For this fabric and no other.", valueName: "NAME"))
    var fabric: String?

    mutating func run() async throws {
        var flags: [String: [String]] = [:]
        for (key, value) in [("state", state), ("name", name), ("fabric", fabric)] { flags[key] = value.map { [$0] } }
        let options = try await HostSettings(flags: flags, environment: ProcessInfo.processInfo.environment)
            .options(isMaster: true)
        let request = try OfflineAdmission.request(
            options.state, name: name, fallback: options.name, fabric: options.fabric)
        Terminal.writeLine(request.pem)
        Terminal.note("request of master \(request.subject.name): \(request.peer.fingerprint)")
        Terminal.note("next: where the root's key is, `palmier fabric sign FILE`; it shows the same fingerprint")
    }
}
