import API
import Accounting
import Automata
import Foundation
import Ledger
import Peer
import Replication
import Testing

@testable import Console

@Suite("Books from a ledger's entries")
struct BooksTests {
    private static let ledger = ledgerDocument("m1", PeerID(0xE1))
    private let plain = Output(format: .table, style: Style(isColored: false))

    /// As `palmier ledger` does it: entries up to an instant.
    private func replay(
        _ log: TestLog, until: Instant? = nil, _ each: (History) -> Void = { _ in }
    ) throws -> LedgerReplay {
        var replay = LedgerReplay(of: log.ledger)
        for entry in log.entries {
            if let until, entry.at > until { break }
            let history = replay.take(entry)
            each(try #require(history))
        }
        #expect(replay.discrepancies == [])
        return replay
    }

    private func balances(at text: String? = nil) throws -> BalancesDocument {
        let instant = try text.map { try Moment.last($0, "at") }
        return BalancesDocument(
            try replay(.books(), until: instant), of: Self.ledger, at: instant, now: day(2026, 1, 6))
    }

    // MARK: Balances

    @Test("an entry that does not follow changes nothing")
    func follows() throws {
        let log = TestLog.books()
        var replay = LedgerReplay(of: log.ledger)
        #expect(replay.take(log.entries[1]) == nil && replay.op == .zero)
        var forged = log
        forged.forge(1, .invited(token: Digest(of: []), expires: .zero))
        #expect(replay.take(forged.entries[0]) == nil && replay.op == .zero)
        #expect(replay.take(log.entries[0]) != nil && replay.digest == log.entries[0].digest)
    }

    @Test("what is owed, due and held, per account and currency, and to the last digit")
    func now() throws {
        let document = try balances()
        #expect(document.accounts.map(\.account) == ["ada", "lab"] && document.at == nil)
        let (ada, lab) = (document.accounts[0], document.accounts[1])
        #expect(ada.balances.map(\.currency) == ["EUR", "JPY"])
        let euro = ada.balances[0]
        // 5.25 hours at 0.02 twice: the first in an invoice, rounded to whole cents, half to even.
        #expect((euro.accrued, euro.invoiced, euro.total) == ("0.105", "0.10", "0.205"), "\(euro)")
        // 100 hours are reserved, and 10.5 of them used.
        #expect(euro.held == "1.79" && euro.corrected == "0.00", "\(euro)")
        #expect(ada.balances[1].corrected == "5" && ada.balances[1].held == "0")
        #expect(lab.balances.map(\.total) == ["-0.205", "-5"])
        #expect(ada.stocks == [.init(resource: "cpu", quantity: "10.5")])
        #expect(lab.stocks == [.init(resource: "cpu", quantity: "-10.5")])
    }

    @Test(
        "at any past date: what was recorded up to then, a day being meant to its end",
        arguments: [
            ("2025-12-31", nil, nil), ("2026-01-02", "0.00", "0.00"), ("2026-01-03", "0.105", "0.00"),
            ("2026-01-03T01:59:59Z", "0.00", "0.00"), ("2026-01-03T02:00:00Z", "0.105", "0.00"),
            ("2026-01-04T00:00:00.000Z", "0.00", "0.10"), ("2026-01-04", "0.105", "0.10"),
            ("2027-01-01", "0.105", "0.10"),
        ] as [(String, String?, String?)])
    func past(date: String, accrued: String?, invoiced: String?) throws {
        let document = try balances(at: date)
        let euro = document.accounts.first { $0.account == "ada" }?.balances.first { $0.currency == "EUR" }
        #expect(euro?.accrued == accrued && euro?.invoiced == invoiced, "\(document)")
    }

    @Test("one account alone; one that is none, with the nearest name and when it was looked for")
    func one() throws {
        let document = try balances(at: "2026-01-04")
        #expect(try document.only("ada").accounts.map(\.account) == ["ada"])
        let refusal = #expect(throws: Refusal.self) { _ = try document.only("adaa") }
        #expect(refusal?.code == .notFound && refusal?.remedy == "did you mean \"ada\"?")
        #expect(refusal?.message.contains("2026-01-04T23:59:59.999Z") == true)
        let text = BalancesText.text(try document.only("ada"), isWide: false, output: plain)
        #expect(text.contains("ada      EUR       0.105    0.10"), "\(text)")
        #expect(text.contains("RECEIVED LESS GIVEN") && text.contains("cpu"), "\(text)")
    }

    @Test(
        "what is no day and no instant is refused with how it is written",
        arguments: [
            "", "today", "2026-02-30", "2026-1-1", "2026-01-01T00:00", "2026-01-01T24:00Z", "2026-01-01T00:00.5Z",
            "2026-01-01T00:00:00.5Z", "2026-01-01TZ", "2026-01-01T-1:00Z", "2026-01-01T00:00:00:00Z",
        ])
    func nonsense(text: String) {
        let refusal = #expect(throws: Refusal.self) { _ = try Moment.last(text, "at") }
        #expect(refusal?.code == .invalid && refusal?.message.contains("--at") == true)
        #expect(refusal?.remedy.contains("2026-11-22") == true)
    }

    // MARK: Invoices

    @Test("invoices are those that were issued, with what is still owed; found by number and by account")
    func invoices() throws {
        var invoices: [Invoice] = []
        let replay = try replay(.books()) { invoices += $0.invoices }
        let all = InvoicesDocument(invoices, replay, of: Self.ledger, now: day(2026, 1, 6))
        #expect(all.invoices.map(\.number) == ["lab-000001"])
        let line = try #require(all.invoices.first)
        #expect((line.total, line.outstanding, line.currency, line.state) == ("0.10", "0.10", "EUR", "open"))
        let late = InvoicesDocument(invoices, replay, of: Self.ledger, now: day(2027, 1, 1))
        #expect(late.invoices.map(\.state) == ["overdue"])
        #expect(try InvoicesText.find("lab-000001", among: invoices, in: replay, of: Self.ledger) == invoices.first)
        #expect(try InvoicesText.find("ada", among: invoices, in: replay, of: Self.ledger) == nil)
        let refusal = #expect(throws: Refusal.self) {
            _ = try InvoicesText.find("lab-000002", among: invoices, in: replay, of: Self.ledger)
        }
        #expect(refusal?.code == .notFound && refusal?.remedy == "did you mean \"lab-000001\"?")
        let none = InvoicesDocument(
            invoices, replay, of: Self.ledger, account: AccountID("eve"), now: day(2026, 1, 6))
        #expect(none.invoices.isEmpty)
        let text = InvoicesText.text(all, isWide: true, output: plain)
        #expect(text.contains("m1: 1 document, 1 open") && text.contains("lab-000001"), "\(text)")
    }

    // MARK: Contracts

    /// The customer's ledger and the supplier's.
    private func contract(used here: String, and there: String, signed: Bool = true) -> (TestLog, TestLog) {
        let (mine, theirs) = (PeerID(0xE1), PeerID(0xE2))
        let (far, machine) = (AccountID("far"), PeerID(0xF0))
        var (left, right) = (TestLog.books(of: mine), TestLog(of: theirs))
        left.add(.accountOpened(Account(id: far, kind: .organisation, title: "Far", ledger: theirs)))
        right.add(.accountOpened(Account(id: far, kind: .organisation, title: "Far")))
        right.add(.accountOpened(Account(id: TestLog.ada, kind: .person, title: "Ada", ledger: mine)))
        right.add(.resourceDefined(Resource(id: TestLog.cpu, title: "Processor", unit: .hour)))
        let contract = Contract(
            id: ContractID("c"), supplier: far, supplierLedger: theirs, customer: TestLog.ada, customerLedger: mine,
            offeredBy: mine, currency: TestLog.euro,
            terms: [.init(resource: TestLog.cpu, price: Price(millionths: 30_000))],
            period: Period(from: day(2026, 1, 1), to: day(2027, 1, 1)))
        left.add(.contractOffered(contract), at: day(2026, 1, 6))
        guard signed else { return (left, right) }
        right.add(.contractOffered(contract))
        left.add(.contractCountersigned(contract.id, terms: contract.digest, by: theirs), at: day(2026, 1, 6))
        right.add(.contractCountersigned(contract.id, terms: contract.digest, by: theirs))
        left.add(.machineListed(machine, supplier: far), at: day(2026, 1, 6))
        right.add(.machineListed(machine, supplier: far))
        let lent = ProjectOrder(
            id: ProjectID("lent"), customer: TestLog.ada, currency: TestLog.euro, ceiling: money("100"))
        right.add(.projectSet(lent))
        right.add(
            .held(
                HoldOrder(
                    instance: TestLog.instance, project: lent.id, machine: machine,
                    period: Period(from: day(2026, 1, 1), to: day(2026, 1, 2)), lines: [])))
        left.use(here, on: 7, machine: machine)
        if !there.isEmpty { right.use(there, on: 7, machine: machine) }
        return (left, right)
    }

    private func verify(_ logs: (TestLog, TestLog), readsBoth: Bool = true) throws -> LedgerVerificationDocument {
        var audit = LedgerAudit(of: logs.0.ledger, named: "m1")
        audit.begin("m1")
        _ = audit.read(logs.0.stretch())
        let others = readsBoth ? [logs.1.ledger: try replay(logs.1)] : [:]
        return LedgerVerificationDocument(audit, others: others, names: [logs.1.ledger: "m2"])
    }

    @Test("a contract that both ledgers have counted alike agrees; one that only we have is offered")
    func agreed() throws {
        let document = try verify(contract(used: "2", and: "2"))
        #expect(document.state == .ok, "\(document)")
        #expect(document.contracts == [.init(contract: "c", ledger: "m2", state: "agrees")])
        let offered = try verify(contract(used: "", and: "", signed: false))
        #expect(offered.contracts.map(\.state) == ["offered"] && offered.state == .ok, "\(offered)")
    }

    @Test(
        "where the two have counted differently, that is a finding with both sums; where one is behind, it is to be seen"
    )
    func disagreed() throws {
        let document = try verify(contract(used: "2", and: "3"))
        #expect(document.state == .problem && document.contracts.map(\.state) == ["differs"])
        let finding = try #require(document.findings.first)
        #expect(finding.kind == .contract && finding.text.contains("contract c with m2"), "\(finding)")
        #expect(finding.text.contains("0.06 EUR") && finding.text.contains("0.09 EUR"), "\(finding)")
        let behind = try verify(contract(used: "2", and: ""))
        #expect(behind.state == .incomplete && behind.findings.map(\.kind) == [.behind], "\(behind)")
        #expect(behind.contracts.map(\.state) == ["behind"] && behind.exitCode == .accepted)
        #expect(behind.findings.map(\.mismatch) == ["behind"] && finding.mismatch == "count")
        #expect(behind.findings.first?.remedy.contains("palmier contract settle c") == true)
    }

    @Test("a signed contract that the other ledger lacks is one-sided; within one ledger there is no other side")
    func oneSided() throws {
        let (left, right) = contract(used: "2", and: "2")
        let document = try verify((left, TestLog(of: right.ledger, beginning: .none)))
        #expect(document.findings.map(\.mismatch) == ["one-sided"] && document.exitCode == .failed, "\(document)")
        #expect(document.contracts.map(\.state) == ["differs"])

        var log = TestLog.books()
        let within = Contract(
            id: ContractID("w"), supplier: TestLog.lab, supplierLedger: log.ledger, customer: TestLog.ada,
            customerLedger: log.ledger, offeredBy: log.ledger, currency: TestLog.euro,
            terms: [.init(resource: TestLog.cpu, price: Price(millionths: 30_000))],
            period: Period(from: day(2026, 1, 1), to: day(2027, 1, 1)))
        log.add(.contractOffered(within), at: day(2026, 1, 7))
        #expect(try verify((log, right), readsBoth: false).contracts.map(\.state) == ["offered"])
        log.add(.contractCountersigned(within.id, terms: within.digest, by: log.ledger), at: day(2026, 1, 7))
        let signed = try verify((log, right), readsBoth: false)
        #expect(signed.contracts.map(\.state) == ["signed"] && signed.state == .ok, "\(signed)")
        #expect(VerificationText.all(.init(ledgers: [signed], missing: []), output: plain).contains("1 of 1"))
    }

    @Test("a contract whose other ledger cannot be read makes the whole incomplete")
    func unread() throws {
        let document = try verify(contract(used: "2", and: "2"), readsBoth: false)
        #expect(document.state == .incomplete && document.contracts.map(\.state) == ["not asked"])
        #expect(document.missing == ["contract c: the other ledger, m2, could not be read"])
    }

    // MARK: Export

    @Test(
        "hledger accepts the journal of a ledger's entries, strictly, and has the same balance",
        .enabled("hledger is installed") { Self.hledger != nil })
    func export() throws {
        let hledger = try #require(Self.hledger)
        var (export, body) = (MovementExport(.hledger), "")
        let replay = try replay(.books()) { history in
            for movement in history.movements { body += export.text(of: movement) }
        }
        let journal = export.head(of: replay.books.accounts) + body + export.tail
        let file = FileManager.default.temporaryDirectory.appending(path: "palmier-\(UUID().uuidString).journal")
        try Data(journal.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let path = file.path(percentEncoded: false)
        let check = try run(hledger, ["check", "--strict", "-f", path])
        #expect(check.status == 0, "\(check.output)\n\(journal)")
        let balance = try run(hledger, ["balance", "-f", path, "-N", "--flat", "invoiced:ada$", "cur:EUR"])
        #expect(balance.output.contains(" 0.10 EUR"), "\(balance.output)")
    }

    private static let hledger = ["/usr/bin/hledger", "/usr/local/bin/hledger"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        process.environment = ["LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": NSTemporaryDirectory()]
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
