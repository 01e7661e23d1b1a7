import ArgumentParser

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The ledgers of a fabric: who leads them, and who keeps replicas.",
        discussion: Help.text(
            """
            Each master founds a ledger, which is called after it unless it is named otherwise, and keeps what was asked through it. Other masters hold \
            replicas. When its primary dies, one of them leads it.
            """,
            examples: .init("palmier ledger status", "whether each ledger would survive its master"),
            .init("palmier ledger status m1", "one ledger, replica by replica"),
            .init(
                "palmier ledger restore m1 --from /var/lib/palmier", "the last resort, when a majority is gone for good"
            )),
        subcommands: [LedgerStatusCommand.self, LedgerRestoreCommand.self])
}
