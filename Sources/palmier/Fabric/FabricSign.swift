import ArgumentParser
import Automata
import Console
import Foundation
import Identity

struct FabricSign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Admit a master by the root's key; needs no fabric within reach.",
        discussion: Help.text(
            """
            Reads a request of `palmier fabric request`, and prints the admission, to be carried back and taken in with \
            `palmier fabric accept`. Compare the fingerprint with the one that the other machine showed: a master may \
            let in anybody, for a year.

            The root is the directory STATE/root that `palmier fabric create` made, wherever it was moved to.
            """,
            examples: .init("palmier fabric sign m2.request > m2.admission", "with the root in the state directory"),
            .init("palmier fabric sign m2.request --root /media/key", "with the root on another disk")))

    @Argument(help: "The request's file.", completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp("Where the root is; STATE/root when left out.", valueName: "DIR"), completion: .directory)
    var root: String?

    @Option(help: ArgumentHelp("The state directory (PALMIER_STATE).", valueName: "DIR"), completion: .directory)
    var state: String?

    mutating func run() async throws {
        let state = ConnectionChoice(state: state, environment: ProcessInfo.processInfo.environment).stateDirectory
        let (admission, request) = try OfflineAdmission.sign(file, root: root ?? state.root, now: .wallClock)
        Terminal.writeLine(try admission.json())
        Terminal.note(
            "admitted master \(Table.printable(request.subject.name)) (\(request.peer.fingerprint)) "
                + "to fabric \(admission.trust.name) (\(admission.trust.fingerprint))")
        Terminal.note("next: on that machine, if it showed the same fingerprint, `palmier fabric accept FILE`")
    }
}
