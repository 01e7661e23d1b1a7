import API
import ArgumentParser
import Console

struct FabricShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The fabric's public facts.",
        discussion: Help.text(
            examples: .init("palmier fabric show", "name, fingerprint, and who is let in"),
            .init("palmier fabric show -o json", "with the root's certificate")))

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let fabric = try await connection.withMaster { try await $0.fabric() }
        let output = output.output
        try output.write(fabric, names: [fabric.name]) { isWide in
            var listing = Listing()
            listing.add("fabric", fabric.name)
            listing.add("fingerprint", fabric.fingerprint)
            listing.add("admission", fabric.policy)
            listing.add("answered by", "\(fabric.master) (\(fabric.masterFingerprint))")
            listing.add(
                "root key",
                fabric.holdsRoot ? "on this master: further masters can be admitted here" : "not on this master")
            return listing.text(style: output.style) + (isWide ? "\n" + fabric.root : "")
        }
    }
}
