import API
import ArgumentParser
import Automata
import Console

struct ContractCountersign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "countersign", abstract: "Agree to a contract that was offered, for a ledger.",
        discussion: Help.text(
            """
            Shows the terms as the other ledger offers them, asks for the name, and records in the ledger that agrees what it \
            lacks: the other side's account, the resources, the contract, and the countersignature, which is recorded in the \
            other ledger too. It may be repeated, and then goes on where it ended.
            """,
            examples: .init("palmier contract countersign c1 --ledger m2", "shows the terms, asks, and signs"),
            .init("palmier contract countersign c1 --ledger m2 --dry-run", "what would be recorded, and where")))

    @Argument(help: "The contract's name.", completion: Names.contracts)
    var name: String

    @Option(
        help: ArgumentHelp("Who offers it, where several ledgers offer one of this name.", valueName: "LEDGER"),
        completion: Names.ledgers)
    var offeredBy: String?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        let (name, wanted, offeredBy, yes) = (name, options.books.only, offeredBy, yes)
        let (dryRun, output) = (options.dryRun, options.output.output)
        let noteOutput = Output(format: .table, style: options.output.noteStyle)
        let document = try await options.connection.withConnection { connection in
            try await LedgerSource.with(connection) { source in
                let ledger = try source.ledger(wanted)
                let mine = try await Self.contract(name, in: ledger, source)
                let offering = try await Self.offering(name, to: ledger, mine, by: offeredBy, source)
                let offer = try await source.ask(offering) { try await $0.contract(name, of: $1) }
                try Self.check(offer, for: ledger)
                let signing = try await Self.signing(offer, mine, by: ledger, offeredIn: offering, source)
                if !signing.steps.isEmpty, !dryRun {
                    Terminal.note(DealingsText.terms(offer, output: noteOutput))
                    try DangerOptions.confirm(name, what: "the ledger \(ledger.name) agrees to these terms", yes: yes)
                }
                return try await Self.carryOut(
                    signing.steps, of: name, in: [ledger, offering], by: connection.client, dryRun: dryRun)
            }
        }
        try output.write(document, names: [document.contract]) { _ in
            document.text(nothing: "the contract \(name) is countersigned in both ledgers already")
        }
    }

    // MARK: Which

    /// As a ledger has it; nil when it has none of the name.
    private static func contract(
        _ name: String, in ledger: LedgerDocument, _ source: LedgerSource
    ) async throws -> ContractDocument? {
        let all = try await source.ask(ledger) { try await $0.contracts(of: $1) }
        return all.contracts.first { $0.name == name }
    }

    /// The ledger that offers it: as these books say, as the user says, or the only one that does.
    private static func offering(
        _ name: String, to ledger: LedgerDocument, _ mine: ContractDocument?, by named: String?,
        _ source: LedgerSource
    ) async throws -> LedgerDocument {
        if let named { return try source.ledger(named) }
        if let mine { return try source.ledger(mine.offeredBy) }
        var found: [LedgerDocument] = []
        for other in source.survey.ledgers where other.id != ledger.id {
            if let offer = try await contract(name, in: other, source), offer.countersigner == ledger.id {
                found.append(other)
            }
        }
        guard let first = found.first else {
            let unasked = source.unasked.isEmpty ? "" : "; not asked: \(source.unasked.joined(separator: ", "))"
            throw Refusal(
                .notFound, "no ledger offers a contract \"\(name)\" to \(ledger.name)\(unasked)",
                remedy: "`palmier contract list --ledger LEDGER` shows what a ledger offers", rule: "unknown-contract")
        }
        guard found.count == 1 else {
            throw Refusal(
                .conflict, "\(found.count) ledgers offer a contract \"\(name)\" to \(ledger.name)",
                remedy: "say which with --offered-by: \(found.map(\.name).joined(separator: ", "))")
        }
        return first
    }

    private static func check(_ offer: ContractDocument, for ledger: LedgerDocument) throws(Refusal) {
        guard offer.countersigner != ledger.id else { return }
        let sides = [offer.supplier, offer.customer]
        let signer = sides.first { $0.ledgerId == offer.countersigner }?.ledger ?? offer.countersigner
        throw Refusal(
            .refused, "the contract \(offer.name) is for the ledger \(signer) to countersign, not for \(ledger.name)",
            remedy: "countersign it with --ledger \(signer)", rule: "wrong-party")
    }

    private static func signing(
        _ offer: ContractDocument, _ mine: ContractDocument?, by ledger: LedgerDocument,
        offeredIn offering: LedgerDocument, _ source: LedgerSource
    ) async throws -> ContractSigning {
        let other = offer.supplier.ledgerId == offering.id ? offer.supplier.account : offer.customer.account
        return try ContractSigning(
            offer: offer, mine: mine,
            accounts: try await source.ask(ledger) { try await $0.accounts(of: $1) }.accounts,
            resources: try await source.ask(ledger) { try await $0.resources(of: $1) }.resources,
            others: (
                try await source.ask(offering) { try await $0.account(other, of: $1) },
                try await source.ask(offering) { try await $0.resources(of: $1) }.resources
            ))
    }

    // MARK: Recording

    /// Records one step after the other, through one master, which knows who leads each ledger. A dry run tries the first one,
    /// since the others may rest on it.
    static func carryOut(
        _ steps: [ContractSigning.Step], of contract: String, in ledgers: [LedgerDocument], by client: PalmierClient,
        dryRun: Bool
    ) async throws -> RecordedAllDocument {
        var document = RecordedAllDocument(contract: contract, acts: [], isDryRun: dryRun)
        for step in steps {
            let name = ledgers.first { $0.id == step.ledger }?.name ?? step.ledger
            guard !dryRun else {
                if document.acts.isEmpty { try await tryOut(step, by: client) }
                document.acts.append(.init(ledger: name, act: step.what))
                continue
            }
            let recorded = try await client.record(step.act, in: step.ledger)
            document.acts.append(.init(ledger: recorded.ledger, act: step.what, entry: recorded.entry))
        }
        return document
    }

    private static func tryOut(_ step: ContractSigning.Step, by client: PalmierClient) async throws {
        do {
            _ = try await client.record(step.act, in: step.ledger, dryRun: true)
        } catch let error as ClientError where error.exitCode == .notFound && error.problem.rule == nil {
            return  // no replica of that ledger is here to try it on
        }
    }
}
