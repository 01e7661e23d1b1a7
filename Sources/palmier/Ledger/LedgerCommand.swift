import ArgumentParser

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The ledgers of a fabric: who keeps them, and what their books say.",
        discussion: Help.text(
            """
            Each master founds a ledger, which is called after it and keeps what was asked through it. Other masters hold \
            replicas. When its primary dies, one of them leads it.
            """,
            examples: .init("palmier ledger status", "whether each ledger would survive its master"),
            .init("palmier ledger verify", "whether all that they say holds")),
        subcommands: [
            LedgerStatusCommand.self, LedgerVerifyCommand.self, LedgerBalanceCommand.self, LedgerExportCommand.self,
            LedgerInvoicesCommand.self,
        ])
}
