import API
import Automata
import Testing

@testable import Console

@Suite("The guide through a restoration")
struct LedgerRestoreTextTests {
    private let plain = Style(isColored: false)

    private static func document(
        op: UInt64 = 12, commit: UInt64 = 10, view: String = "2.1", present: Int = 1, damaged: [UInt64] = []
    ) -> LedgerRestoreDocument {
        let file = LedgerRestoreDocument.File(
            path: "/srv/m3/ledgers/ab", view: view, op: op, commit: commit, lastAt: "2026-11-22T12:00:00.000Z",
            damaged: damaged)
        let members = ["m3", "m1", "m2"].enumerated().map { index, name in
            LedgerRestoreDocument.Member(name: name, fingerprint: "aa-\(name)", isPresent: index < present)
        }
        return LedgerRestoreDocument(
            name: "lab", id: "ab", fingerprint: "9725", file: file, others: [], mended: [], members: members,
            uncertain: op - commit, isMajority: present >= 2, requests: 3, state: "/srv/m3", at: file.lastAt)
    }

    @Test("what is there, what is kept though nobody knows whether it counted, and what may be lost")
    func finding() {
        let text = LedgerRestoreText.finding(Self.document(), style: plain)
        #expect(
            text == """
                ledger     lab (9725)
                from       /srv/m3/ledgers/ab
                view       2.1
                entries    12, the last one made at 2026-11-22T12:00:00.000Z
                committed  10 entries, with 3 open requests
                uncertain  2 entries behind the commit point: kept, because they may have been acknowledged
                members    m3 (here), m1, m2
                into       /srv/m3
                may be lost: entries that only the other members had; nobody can know how many. 1 of 3 members is here, 2 make a \
                majority
                """)
        #expect(LedgerRestoreText.warning(Self.document()).contains("m1 and m2 must never again run with the files"))
    }

    @Test("a majority's files lose nothing; a copy that never was whole, and one with holes, say so")
    func others() {
        let majority = LedgerRestoreText.finding(Self.document(op: 12, commit: 12, present: 2), style: plain)
        #expect(majority.contains("nothing is lost: 2 of 3 members are here") && !majority.contains("may be lost"))
        #expect(majority.contains("uncertain  none"))
        #expect(LedgerRestoreText.finding(Self.document(view: "0.0"), style: plain).contains("careful:"))
        let torn = LedgerRestoreText.finding(Self.document(damaged: [4]), style: plain)
        #expect(torn.contains("not readable  1 entry"))
    }

    @Test("what was done names each place, and the next command")
    func done() {
        var document = Self.document()
        #expect(LedgerRestoreText.done(document, style: plain).isEmpty)
        document.result = .init(view: "1000007.0", keptThrough: 12, place: "/p", aside: "", report: "/r")
        let text = LedgerRestoreText.done(document, style: plain)
        #expect(text.hasPrefix("restored    lab, entries 1 to 12, in view 1000007.0\nwritten to  /p\nreport      /r\n"))
        #expect(text.contains("`palmier master --state /srv/m3`") && text.contains("`palmier ledger status lab`"))
    }

    @Test("who serves the ledger is taken from any master that knows; one that is unavailable is served by nobody")
    func serving() {
        func ledger(_ health: LedgerDocument.Health, _ primary: String) -> LedgerDocument {
            LedgerDocument(
                name: "lab", id: "ab", fingerprint: "9725", role: "replica", primary: primary, view: "2.1", op: 1,
                commit: 1, standing: 1, wanted: 2, minimum: 0, replaceAfterSeconds: 60, health: health, reasons: [],
                remedy: "", members: [], master: "m9", at: "2026-11-22T12:00:00.000Z")
        }
        func answer(_ ledgers: [LedgerDocument], elsewhere: [LedgerElsewhereDocument] = []) -> LedgersDocument {
            LedgersDocument(ledgers: ledgers, elsewhere: elsewhere, master: "m9")
        }
        #expect(LedgerSurvey.server(of: "ab", in: []) == nil)
        #expect(LedgerSurvey.server(of: "ab", in: [answer([ledger(.unavailable, "")])]) == nil)
        #expect(LedgerSurvey.server(of: "cd", in: [answer([ledger(.ok, "m1")])]) == nil)
        let known = [answer([ledger(.unavailable, "")]), answer([ledger(.degraded, "m1")])]
        #expect(LedgerSurvey.server(of: "ab", in: known) == .init(name: "m1", view: "2.1"))
        let other = LedgerElsewhereDocument(name: "lab", id: "ab", primary: "m2", api: [])
        #expect(LedgerSurvey.server(of: "ab", in: [answer([], elsewhere: [other])]) == .init(name: "m2", view: ""))
    }
}
