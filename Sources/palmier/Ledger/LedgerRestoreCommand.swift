import API
import ArgumentParser
import Automata
import Console
import Foundation
import Ledger
import Replication
import Runtime

/// The guided last resort when a majority of a ledger's replicas is gone for good.
struct LedgerRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Go on with one replica, when a majority is gone for good.",
        discussion: Help.text(
            """
            The last resort: first try everything to start the others again with their disks. What the others alone had is \
            lost, and nobody can say how much that is.

            Reads what is left of a replica (the state directory of a master that does not run, STATE/ledgers/ID of it, or \
            a copy of that), shows what is there and what may be lost, asks for the ledger's name, and writes into the state \
            of the master that is to lead it, which does not run either. Of several --from, the one that knows most is \
            taken; entries that it does not give back are taken from the others. Nothing is erased: what was there before \
            is moved aside.

            From then on the ledger is in an epoch far above the old one. A member of the old one that comes back all the \
            same cannot commit any more once it meets the new one: it follows, or, when it has executed what the restored \
            ledger lacks, it is fenced, and says so in `palmier ledger status` and `palmier doctor`. Until they meet, both \
            would serve: start none of the old ones with their files.
            """,
            examples: .init("palmier ledger restore m1 --from /var/lib/palmier --dry-run", "shows what is left of it"),
            .init(
                "palmier ledger restore m1 --from /var/lib/palmier", "has this machine's master lead it, asking first"),
            .init("palmier ledger restore m1 --from /mnt/m2 --from /mnt/m3", "takes the better one of two disks")))

    @Argument(
        help: ArgumentHelp(
            "Which ledgers: names or ids. May be left out where only one is found.", valueName: "LEDGER"))
    var ledgers: [String] = []

    @Option(
        help: ArgumentHelp(
            "What is left of a replica: a stopped master's state directory, or a replica's file in it. Repeatable.",
            valueName: "DIR|FILE"), completion: .directory)
    var from: [String]

    @Option(
        help: ArgumentHelp("The state directory of the stopped master that shall lead it.", valueName: "DIR"),
        completion: .directory)
    var state: String?

    @Flag(help: "Give up all entries from the first one on that cannot be read.")
    var cutDamaged = false

    @OptionGroup var danger: DangerOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let target =
            state.map { StateDirectory($0) } ?? .standard(environment: ProcessInfo.processInfo.environment)
        let restore = try await LedgerRestore.open(state: target.path)
        defer { restore.close() }
        let findings = try chosen(
            of: await restore.examine(from.map { StateDirectory($0).path }, only: onlyThese), names: restore.names)
        let now = Instant.wallClock
        var documents = findings.map { LedgerRestoreDocument($0, state: target.path, names: restore.names, at: now) }
        for (index, finding) in findings.enumerated() {
            if !output.chosen.isForPrograms || !danger.yes {
                Terminal.note(LedgerRestoreText.finding(documents[index], style: output.noteStyle))
            }
            // Whether it can be done is said before anybody is asked.
            let trial = Member(peer: finding.ledger, store: StoreID(0))
            _ = try finding.restart(as: trial, at: now, givesUpDamaged: cutDamaged)
        }
        try await checkThatNobodyServes(findings, restore)
        guard !danger.dryRun else { return try write(documents) }
        for (index, finding) in findings.enumerated() {
            try danger.confirm(finding.name, what: LedgerRestoreText.warning(documents[index]))
            let done = try await restore.carryOut(finding, givesUpDamaged: cutDamaged, now: now)
            documents[index].result = .init(done)
            documents[index] = reported(documents[index])
            Terminal.note(LedgerRestoreText.done(documents[index], style: output.noteStyle))
        }
        try write(documents)
    }

    /// A ledger that lives must not be made a second time: its majority would stop when it met the second one.
    private func checkThatNobodyServes(_ findings: [LedgerSalvage], _ restore: LedgerRestore) async throws {
        let answers = await LedgerSurvey.answers(of: restore.masters, restore.credential)
        for finding in findings {
            guard let server = LedgerSurvey.server(of: finding.ledger.description, in: answers) else { continue }
            throw Refusal(
                .refused,
                "\(server.name) leads \(finding.name) now" + (server.view.isEmpty ? "" : ", in view \(server.view)")
                    + ": a majority of its replicas is there",
                remedy: "start this master; its replica is brought up to date by itself (`palmier ledger status`)")
        }
        guard answers.isEmpty, !output.chosen.isForPrograms else { return }
        Terminal.note(
            "no other master answers, so nobody could be asked whether a majority runs somewhere: make sure that none does"
        )
    }

    /// Ids need no look into the files of other ledgers; names do.
    private var onlyThese: Set<String> {
        let ids = ledgers.filter { PeerID($0) != nil || $0.split(separator: "-").count == 4 }
        return ids.count == ledgers.count ? Set(ids) : []
    }

    private func chosen(of findings: [LedgerSalvage], names: [PeerID: String]) throws(Refusal) -> [LedgerSalvage] {
        let shown = findings.map { "\($0.name) (\($0.ledger.fingerprint))" }.joined(separator: ", ")
        guard !ledgers.isEmpty else {
            guard findings.count > 1 else { return findings }
            // Only one of them may have lost its majority.
            throw Refusal(
                .invalid, "there are \(findings.count) ledgers in it: \(shown)",
                remedy:
                    "say which: `palmier ledger status` shows those that are unavailable; of one that is not, a second "
                    + "one would be made")
        }
        var chosen: [LedgerSalvage] = []
        for text in ledgers {
            let found = findings.filter {
                [$0.name, names[$0.ledger] ?? "", $0.ledger.description, $0.ledger.fingerprint].contains(text)
            }
            guard let finding = found.first else {
                throw Refusal(
                    .notFound, "no ledger in it is called \"\(text)\"",
                    remedy: shown.isEmpty ? "name another place with --from" : "there are: \(shown)")
            }
            guard found.count == 1 else {
                throw Refusal(
                    .conflict, "\(found.count) ledgers in it are called \"\(text)\"",
                    remedy: "say which by its id: \(found.map(\.ledger.description).joined(separator: ", "))")
            }
            if !chosen.contains(where: { $0.ledger == finding.ledger }) { chosen.append(finding) }
        }
        return chosen
    }

    private func write(_ documents: [LedgerRestoreDocument]) throws {
        guard output.chosen.isForPrograms || output.chosen == .name else { return }
        try output.output.write(LedgerRestoresDocument(ledgers: documents), names: documents.map(\.name)) { _ in "" }
    }

    /// Keeps what was done beside the replica, for whoever asks later; a report that cannot be written undoes nothing.
    private func reported(_ document: LedgerRestoreDocument) -> LedgerRestoreDocument {
        guard let result = document.result else { return document }
        var reported = document
        let path = "\(document.state)/ledgers/\(document.id).restored-\(result.view.prefix { $0 != "." }).json"
        reported.result?.report = path
        do {
            let text = try Output.text(of: reported, .json) + "\n"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return reported
        } catch {
            Terminal.note("the report \(path) could not be written: \(error.localizedDescription)")
            return document
        }
    }
}

extension LedgerRestoreDocument {
    fileprivate init(_ finding: LedgerSalvage, state: String, names: [PeerID: String], at now: Instant) {
        let present = finding.present
        self.init(
            name: finding.name, id: finding.ledger.description, fingerprint: finding.ledger.fingerprint,
            file: File(finding.chosen), others: finding.others.map { File($0) },
            mended: finding.mended.map(\.value),
            members: finding.chosen.remains.membership.members.map {
                Member(
                    name: names[$0.peer] ?? "", fingerprint: $0.peer.fingerprint, isPresent: present.contains($0))
            },
            uncertain: finding.chosen.remains.uncertain, isMajority: finding.isMajority,
            requests: finding.chosen.books.held.count, state: state, at: DocumentCoding.text(of: now))
    }
}

extension LedgerRestoreDocument.File {
    fileprivate init(_ remains: LedgerRemains) {
        let found = remains.remains
        self.init(
            path: remains.source, view: found.state.lastNormal.description, op: found.op.value,
            commit: found.commit.value, lastAt: DocumentCoding.text(of: found.at), damaged: found.damaged.map(\.value),
            lostHistory: found.lostHistory.map(\.value))
    }
}

extension LedgerRestoreDocument.Result {
    fileprivate init(_ done: LedgerRestoration) {
        self.init(
            view: done.restart.state.view.description, keptThrough: done.restart.keptThrough.value, place: done.place,
            aside: done.aside ?? "", report: "")
    }
}
