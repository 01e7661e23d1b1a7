import ArgumentParser
import Automata
import Console
import Foundation
import Identity

struct FabricAccept: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept", abstract: "Become a master by an admission that was signed off-line.",
        discussion: Help.text(
            """
            Reads what `palmier fabric sign` printed for this machine's request. A master that runs already goes on as it \
            was, and has its new authority from its next start on.
            """,
            examples: .init("palmier fabric accept m2.admission", "then `palmier master`"),
            .init("palmier fabric accept m2.admission --state /srv/m2", "in the directory that made the request")))

    @Argument(help: "The admission's file.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("The state directory (PALMIER_STATE).", valueName: "DIR"), completion: .directory)
    var state: String?

    @OptionGroup var output: OutputOptions

    private struct Document: Encodable {
        var schema = "palmier.fabric-accepted/1"
        var fabric: String
        var fabricFingerprint: String
        var master: String
        var masterFingerprint: String
        var state: String
    }

    mutating func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let state = ConnectionChoice(state: state, environment: environment).stateDirectory
        let credential = try OfflineAdmission.accept(file, state, now: .wallClock)
        let document = Document(
            fabric: credential.fabric, fabricFingerprint: credential.trust.fingerprint, master: credential.name,
            masterFingerprint: credential.peer.fingerprint, state: state.path)
        let output = output.output
        try output.write(document, names: [credential.name]) { _ in
            var listing = Listing()
            listing.add("fabric", "\(document.fabric) (\(document.fabricFingerprint))")
            listing.add("master", "\(document.master) (\(document.masterFingerprint))")
            listing.add("state", document.state)
            return listing.text(style: output.style)
        }
        guard !output.format.isForPrograms else { return }
        let isStandard = state == StateDirectory.standard(environment: environment)
        Terminal.note("next: palmier master\(isStandard ? "" : " --state \(state.path)")")
    }
}
