import API
import ArgumentParser
import Automata
import Console
import Foundation
import Identity

struct IdentityShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "This user's identities, and the masters kept with them.",
        discussion: Help.text(
            examples: .init("palmier identity show", "one line for each fabric"),
            .init("palmier identity show -o json", "the same for a script")))

    private struct Document: Encodable {
        struct Item: Encodable {
            var fabric: String
            var name: String
            var kind: String
            var fingerprint: String
            var directory: String
            var masters: [String]
            /// ISO 8601.
            var expiresAt: String
        }

        var schema = "palmier.identities/1"
        var identities: [Item]
    }

    @OptionGroup var output: OutputOptions

    func run() throws {
        let home = Profile.home(environment: ProcessInfo.processInfo.environment)
        let profiles = try Profile.fabrics(in: home).map { try Profile.load(fabric: $0, home: home) }
        let document = Document(
            identities: profiles.map { profile in
                Document.Item(
                    fabric: profile.fabric, name: profile.credential.name, kind: profile.credential.kind.rawValue,
                    fingerprint: profile.credential.peer.fingerprint, directory: profile.directory,
                    masters: profile.masters.map(\.description),
                    expiresAt: DocumentCoding.text(of: profile.credential.notAfter))
            })
        let output = output.output
        try output.write(document, names: document.identities.map(\.name)) { isWide in
            guard !profiles.isEmpty else { return "no identity in \(home)" }
            var table = Table([
                .plain("FABRIC"), .plain("NAME"), .plain("FINGERPRINT"), .plain("EXPIRES"), .flexible("MASTERS"),
            ])
            for profile in profiles {
                let rest = (profile.credential.notAfter - .wallClock).components.seconds
                table.add([
                    profile.fabric, profile.credential.name, profile.credential.peer.fingerprint,
                    rest > 0 ? "in \(Wording.age(seconds: rest))" : "ended",
                    profile.masters.map(\.description).joined(separator: ", "),
                ])
            }
            return output.text(of: table, isWide: isWide)
        }
    }
}
