public import ArgumentParser
import Automata
import Console
import Foundation
import Identity

extension AdmissionPolicy: ExpressibleByArgument {}

struct FabricCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a fabric, once; this machine becomes its first master.",
        discussion: Help.text(
            """
            Writes the fabric's root, and the first master's authority and certificate, into the state directory. \
            Refuses to overwrite what is there. The root's key (STATE/root) is needed to admit further masters only, \
            and the directory may be moved off-line (see `palmier fabric sign`).

            Who is let in: ask (a person approves each machine), link (machines on the same link by themselves), token \
            (only with a token).
            """,
            examples: .init("palmier fabric create lab", "a fabric where a person approves each machine"),
            .init(
                "palmier fabric create demo --admission link --state /tmp/m1",
                "machines on the link come in by themselves")))

    private struct Document: Encodable {
        var schema = "palmier.fabric-created/1"
        var name: String
        var fingerprint: String
        var policy: String
        var master: String
        var masterFingerprint: String
        var state: String
        /// The directory of the key above all others.
        var root: String
    }

    @Argument(help: "The fabric's name.")
    var name: String

    @Option(help: ArgumentHelp("Where it is written (PALMIER_STATE).", valueName: "DIR"), completion: .directory)
    var state: String?

    @Option(help: "How machines are let in.")
    var admission: AdmissionPolicy = .ask

    @Option(help: ArgumentHelp("What the first master is called; the host's name when left out.", valueName: "NAME"))
    var masterName: String?

    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let state = ConnectionChoice(state: state, environment: ProcessInfo.processInfo.environment).stateDirectory
        try refuseToOverwrite(state)
        let now = Instant.wallClock
        let masterName = masterName ?? HostSettings.hostName
        let root = try FabricRoot.create(name: name, policy: admission, now: now)
        let authority = try root.makeAuthority(name: masterName, now: now)
        let credential = try authority.issueOwn(key: PrivateKey(), now: now)
        // The root last: it is what refuses a second attempt, and after a failure there is none.
        try authority.save(to: state.authority)
        try credential.save(to: state.identity)
        try root.save(to: state.root)
        let document = Document(
            name: name, fingerprint: root.trust.fingerprint, policy: admission.rawValue, master: masterName,
            masterFingerprint: credential.peer.fingerprint, state: state.path, root: state.root)
        let output = output.output
        try output.write(document, names: [name]) { _ in
            var listing = Listing()
            listing.add("fabric", "\(name) (\(document.fingerprint))")
            listing.add("master", "\(masterName) (\(document.masterFingerprint))")
            listing.add("admission", admission.rawValue)
            listing.add("state", state.path)
            return listing.text(style: output.style)
        }
        guard !output.format.isForPrograms else { return }
        let isStandard = state == StateDirectory.standard(environment: ProcessInfo.processInfo.environment)
        let start = isStandard ? "palmier master" : "palmier master --state \(state.path)"
        Terminal.note("next: \(start)")
        Terminal.note(
            "\(state.root)/key.pem is the key above all others. It is needed to admit further masters only: keep a copy "
                + "of the directory elsewhere, or move it off-line (`palmier fabric sign --root DIR` takes it from there)."
        )
    }

    private func refuseToOverwrite(_ state: StateDirectory) throws(Refusal) {
        let taken = ["\(state.root)/key.pem", "\(state.authority)/key.pem", "\(state.identity)/key.pem"]
        guard let found = taken.first(where: { FileManager.default.fileExists(atPath: $0) }) else { return }
        throw Refusal(
            .failed, "\(found) exists: this state directory belongs to a fabric already, and nothing was changed",
            remedy: "name another directory with --state, or start what is there with `palmier master`")
    }
}
