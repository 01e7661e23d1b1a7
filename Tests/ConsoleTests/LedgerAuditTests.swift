import API
import Accounting
import Automata
import Peer
import Replication
import Testing

@testable import Console
@testable import Ledger

@Suite("Verifying a ledger")
struct LedgerAuditTests {
    private static let ledger = PeerID(0xE1)

    /// Reads each replica in one piece.
    private func audit(_ replicas: [(name: String, log: TestLog)]) -> LedgerAudit {
        var audit = LedgerAudit(of: Self.ledger, named: "m1")
        for (name, log) in replicas {
            audit.begin(name)
            _ = audit.read(log.stretch())
        }
        return audit
    }

    @Test("three replicas with the same entries: all holds, and the books are recomputed to the end")
    func well() {
        let log = TestLog.books()
        let document = LedgerVerificationDocument(audit([("m1", log), ("m2", log), ("m3", log)]))
        #expect(document.state == .ok && document.exitCode == .done)
        #expect(document.findings.isEmpty && document.missing.isEmpty)
        #expect(document.entry == log.last.value && document.digest == log.entries.last?.digest.description)
        #expect(document.replicas.map(\.state) == ["agrees", "agrees", "agrees"])
        let books = document.books
        #expect((books.entry, books.accounts, books.invoices, books.refusedActs) == (log.last.value, 2, 1, 1))
        #expect(books.movements > 3)
    }

    @Test("pages of any size make the same document")
    func pages() {
        let log = TestLog.books()
        let whole = LedgerVerificationDocument(audit([("m1", log), ("m2", log)]))
        for size in 1...5 {
            var audit = LedgerAudit(of: Self.ledger, named: "m1")
            for name in ["m1", "m2"] {
                audit.begin(name)
                var after = OpNumber.zero
                var pages = 0
                while pages < 100 {
                    let start = Int(after.value)
                    let end = min(start + size, log.entries.count)
                    pages += 1
                    guard let next = audit.read(log.stretch(start..<end)) else { break }
                    #expect(next.value == UInt64(end))
                    after = next
                }
                #expect(pages == (log.entries.count + size - 1) / size)
            }
            #expect(LedgerVerificationDocument(audit) == whole)
        }
    }

    @Test("a replica that lags is no finding: all agree up to where the last one is")
    func lag() {
        let log = TestLog.books()
        var audit = LedgerAudit(of: Self.ledger, named: "m1")
        audit.begin("m2")
        _ = audit.read(log.stretch(0..<4, commit: 4))
        audit.begin("m1")
        _ = audit.read(log.stretch())
        let document = LedgerVerificationDocument(audit)
        #expect(document.state == .ok && document.entry == 4 && document.books.entry == log.last.value)
        #expect(document.digest == log.entries[3].digest.description)
    }

    @Test("an entry that says something else than its digest is found: which entry, which replica, both digests")
    func forged() throws {
        let log = TestLog.books()
        var forged = log
        forged.forge(3, .accounting(.accountOpened(Account(id: AccountID("eve"), kind: .person, title: "Eve"))))
        let document = LedgerVerificationDocument(audit([("m1", log), ("m2", forged), ("m3", log)]))
        #expect(document.state == .problem && document.exitCode == .failed && document.findings.count == 1)
        let finding = try #require(document.findings.first)
        #expect(finding.kind == .broken && finding.replica == "m2" && finding.entry == 3)
        #expect(finding.found == log.entries[2].digest.description)
        let made = LogEntry(
            after: log.entries[1].digest, op: OpNumber(3), view: View(epoch: 1, number: 0), at: forged.entries[2].at,
            request: nil, body: forged.entries[2].body)
        #expect(finding.expected == made.digest.description)
        #expect(finding.text.contains("m2 at entry 3") && finding.remedy.contains("stop m2"), "\(finding)")
        #expect(finding.remedy.contains("ledgers/\(Self.ledger)"), "\(finding)")
        #expect(finding.remedy.contains("palmier ledger verify m1"), "\(finding)")
        #expect(document.replicas.map(\.state) == ["agrees", "broken", "agrees"])
        // The others have it whole.
        #expect(document.books.entry == log.last.value)
    }

    @Test("where the first replica is the broken one, the books come from the next")
    func forgedFirst() {
        let log = TestLog.books()
        var forged = log
        forged.forge(3, .invited(token: Digest(of: [1]), expires: .zero))
        let document = LedgerVerificationDocument(audit([("m1", forged), ("m2", log)]))
        #expect(document.findings.map(\.kind) == [.broken] && document.findings.first?.replica == "m1")
        #expect(document.books.entry == log.last.value && document.books.accounts == 2)
        // Two are no majority: whoever moved one log aside might lose the ledger.
        #expect(document.findings.first?.remedy.contains("keep all state directories") == true)
        let alone = LedgerVerificationDocument(audit([("m1", forged)]))
        #expect(alone.books.entry == 2 && alone.missing.contains { $0.contains("up to entry 2 of") }, "\(alone)")
    }

    @Test("an entry taken out, or put in from another ledger, breaks the chain at its place")
    func foreign() {
        let log = TestLog.books()
        let other = TestLog.books(of: PeerID(0xE2))
        #expect(LedgerVerificationDocument(audit([("m1", other)])).findings.first?.entry == 1)
        var audit = LedgerAudit(of: Self.ledger, named: "m1")
        audit.begin("m1")
        var stretch = log.stretch()
        stretch.entries.remove(at: 4)
        #expect(audit.read(stretch) == nil)
        let finding = LedgerVerificationDocument(audit).findings.first
        #expect(finding?.kind == .disorder && finding?.entry == 5, "\(String(describing: finding))")
    }

    @Test("replicas that differ from one place on, each with a chain of its own: the place, and who is alone")
    func forked() throws {
        let log = TestLog.books()
        var forked = log
        forked.fork(at: 9, .invited(token: Digest(of: [1]), expires: .zero))
        for order in [["m1", "m2", "m3"], ["m3", "m2", "m1"]] {
            let replicas = order.map { ($0, $0 == "m3" ? forked : log) }
            let document = LedgerVerificationDocument(audit(replicas))
            #expect(document.state == .problem && document.findings.count == 1 && document.digest.isEmpty)
            let finding = try #require(document.findings.first)
            #expect(finding.kind == .differs && finding.entry == 9 && finding.replica == "m3", "\(finding)")
            #expect(finding.expected == log.entries[8].digest.description)
            #expect(finding.found == forked.entries[8].digest.description)
            #expect(finding.text.contains("and \(log.entries.count - 9) more"), "\(finding)")
            #expect(document.replicas.filter { $0.state == "differs" }.map(\.name) == ["m3"])
        }
        let two = LedgerVerificationDocument(audit([("m1", log), ("m2", forked)])).findings.first
        #expect(
            two?.replica == nil && two?.remedy.contains("keep all state directories") == true,
            "\(String(describing: two))")
    }

    @Test("a place that a disk does not give back is named; what stands behind it is held against the other replicas")
    func damaged() {
        var log = TestLog.books()
        let good = log
        log.forge(7, .invited(token: Digest(of: [1]), expires: .zero))
        var audit = LedgerAudit(of: Self.ledger, named: "m1")
        audit.begin("m1")
        _ = audit.read(good.stretch())
        audit.begin("m2")
        #expect(audit.read(log.stretch(0..<4, damaged: 5)) == OpNumber(5))
        #expect(audit.read(log.stretch(5..<log.entries.count)) == nil)
        let document = LedgerVerificationDocument(audit)
        #expect(document.findings.map(\.kind) == [.damaged, .broken])
        #expect(document.findings.map(\.entry) == [5, 7] && document.replicas.map(\.state) == ["agrees", "broken"])
        #expect(document.findings[0].text == "m2 cannot read entry 5 from its disk any more")
    }

    @Test("a replica that is wrong throughout is not read to its end")
    func garbage() {
        var log = TestLog(of: Self.ledger)
        for number in 0..<50 { log.add(.invited(token: Digest(of: [UInt8(number)]), expires: .zero)) }
        for op in 1...50 { log.forge(UInt64(op), .invited(token: Digest(of: [99]), expires: .zero)) }
        var audit = LedgerAudit(of: Self.ledger, named: "m1")
        audit.begin("m1")
        #expect(audit.read(log.stretch(0..<40, commit: 50)) == nil)
        #expect(LedgerVerificationDocument(audit).findings.count == LedgerAudit.findingsMax)
    }

    @Test("books out of balance are found, with the sum and the currency")
    func unbalanced() throws {
        var audit = audit([("m1", TestLog.books())])
        // No log adds up to this: as a defect of the books would.
        var contents = audit.replay.books.contents
        var posting = Accounts()
        var history = History()
        for act in [
            Act.accountOpened(Account(id: TestLog.ada, kind: .person, title: "Ada")),
            .accountOpened(Account(id: TestLog.lab, kind: .organisation, title: "Lab")),
        ] { posting.apply(act, at: .zero, into: &history) }
        contents.accounts = posting
        audit.replay.books = try Books(contents)
        let document = LedgerVerificationDocument(audit)
        #expect(document.state == .problem && document.exitCode == .failed)
        #expect(document.findings.allSatisfy { $0.kind == .books } && !document.findings.isEmpty)
        #expect(document.findings.contains { $0.text.contains("ada does not add up") }, "\(document.findings)")
    }

    @Test("what could not be asked makes it incomplete, and nothing else")
    func incomplete() {
        let log = TestLog.books()
        var audit = audit([("m1", log)])
        audit.begin("m2")
        audit.end(because: "it does not answer")
        let document = LedgerVerificationDocument(audit)
        #expect(document.state == .incomplete && document.exitCode == .accepted && document.findings.isEmpty)
        #expect(document.missing == ["m2 was not asked: it does not answer"])
        #expect(document.replicas.map(\.state) == ["agrees", "not asked"])
        #expect(document.entry == log.last.value)
    }

    @Test("where the log's beginning is not kept that is said, and what is kept is still compared")
    func pruned() {
        let log = TestLog.books()
        var audit = LedgerAudit(of: Self.ledger, named: "m1")
        for name in ["m1", "m2"] {
            audit.begin(name)
            var stretch = log.stretch(5..<log.entries.count)
            stretch.first = OpNumber(6)
            _ = audit.read(stretch)
        }
        let document = LedgerVerificationDocument(audit)
        #expect(document.state == .incomplete && document.findings.isEmpty && document.books.entry == 0)
        #expect(document.missing.first?.contains("entries 1 to 5 are in a checkpoint only") == true, "\(document)")
        #expect(document.replicas.map(\.state) == ["agrees", "agrees"] && document.entry == log.last.value)
    }

    @Test("entries of a later version are said to be unknown: the books are not believed")
    func unknown() {
        var log = TestLog.books()
        log.add(.operation([0xff, 0xff, 0xff]), at: day(2026, 1, 7))
        let document = LedgerVerificationDocument(audit([("m1", log)]))
        #expect(
            document.state == .incomplete && document.missing.first?.contains("1 of the entries are of a later") == true
        )
    }

    @Test("people read the state, each finding with both digests, and what to do once")
    func text() {
        let log = TestLog.books()
        var forged = log
        forged.forge(3, .invited(token: Digest(of: [1]), expires: .zero))
        let plain = Output(format: .table, style: Style(isColored: false))
        let good = LedgerVerificationDocument(audit([("m1", log), ("m2", log)]))
        let text = VerificationText.one(good, isWide: false, output: plain)
        #expect(text.hasPrefix("m1: ok, 2 of 2 replicas agree up to entry \(log.last)\n"), "\(text)")
        #expect(text.contains("in balance") && text.contains("1 act refused by a rule") && !text.contains("to do"))
        let bad = LedgerVerificationDocument(audit([("m1", log), ("m2", forged), ("m3", log)]))
        let told = VerificationText.one(bad, isWide: false, output: plain)
        #expect(told.contains("m1: problem, 1 finding") && told.contains("to do: stop m2"), "\(told)")
        #expect(
            told.contains("  expected \(bad.findings[0].expected ?? "")\n  found    \(bad.findings[0].found ?? "")"))
        let all = LedgerVerificationsDocument(ledgers: [good, bad], missing: ["m4 was not asked"])
        #expect(all.exitCode == .failed)
        let table = VerificationText.all(all, output: plain)
        #expect(table.contains("2 ledgers: 1 ok, 1 problem; 1 could not be read"), "\(table)")
        #expect(table.contains("warning: m4 was not asked"), "\(table)")
    }
}
