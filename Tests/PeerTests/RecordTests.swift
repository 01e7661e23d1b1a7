import Accounting
import Automata
import Ledger
import Replication
import Testing

@testable import Peer

@Suite("acts of the books, recorded in any ledger through any master")
struct RecordTests {
    let m1 = PeerID(0x10)
    let m2 = PeerID(0x20)
    let m3 = PeerID(0x30)
    static let lab = Account(id: AccountID("lab"), kind: .organisation, title: "Laboratory")
    static let ada = Account(id: AccountID("ada"), kind: .person, title: "Ada")

    private func village() -> Village {
        var village = Village(masters: [m1, m2, m3]) { $0.placement.wanted = 2 }
        village.pass(.seconds(5))
        return village
    }

    private func gift() -> Act {
        let lines = [("lab", -5), ("ada", 5)].map {
            Posting.Line(account: AccountID($0.0), amount: Money(trillionths: Int128($0.1) * 1_000_000_000_000))
        }
        guard let euro = Currency("EUR") else { preconditionFailure("EUR is a currency") }
        return .posted(Posting(id: PostingID("v-1"), lines: lines, currency: euro, reason: "gift"))
    }

    /// What `ada` owes in the replica of a master.
    private func owed(_ ledger: PeerID, at id: PeerID, _ village: Village) -> String? {
        village[id]?.ledgers.first { $0.id == ledger }?.books.accounts.standings(of: AccountID("ada")).first?
            .owes.description
    }

    @Test(
        "only the founder of a ledger says its rules: others are refused by a rule's name, as callers and as clients of the log"
    )
    func described() throws {
        var village = village()
        let rules = LedgerDescription(name: "mine", wanted: 0)
        let local = village.call(.record(.described(rules)), of: m1, at: m2)
        #expect(village.answers[local]?.first?.refusal?.rule == "founder-only")
        village.give(.received(.call(number: 9, .record(.described(rules)), of: m1), from: m2), to: m1)
        let request = ClientRequest(
            id: RequestID(session: SessionID(high: 1, low: 1), number: 1),
            operation: FactCoding.numbered.encode(.described(rules)))
        village.give(.received(.ledgerRequest(HeldLedger.group(of: m1), request), from: m3), to: m1)
        village.pass(.seconds(2))
        let refused = village.wire.contains {
            if case .result(9, .refused(let refusal)) = $0.message { refusal.rule == "founder-only" } else { false }
        }
        let busy = village.wire.contains {
            if case .ledgerAnswer(_, _, .busy(let why)) = $0.message { why.contains("founder-only") } else { false }
        }
        #expect(refused && busy)
        #expect(village[m1]?.ownLedger?.described == nil)
        let own = village.call(.record(.described(rules)), of: m1, at: m1)
        village.pass(.seconds(2))
        #expect(village.answers[own]?.first?.refusal == nil && village[m1]?.ownLedger?.described == rules)
    }

    private func record(_ act: Act, of ledger: PeerID?, at id: PeerID, _ village: inout Village) -> CallResult? {
        let call = village.call(.record(.accounting(act)), of: ledger, at: id)
        village.pass(.seconds(1))
        return village.answers[call]?.first
    }

    @Test("each master takes an act for each ledger, and all replicas have it")
    func anywhere() {
        var village = village()
        for (ledger, master) in [(m1, m1), (m1, m2), (m2, m3), (m3, m1)] {
            for account in [Self.lab, Self.ada] {
                guard case .recorded? = record(.accountOpened(account), of: ledger, at: master, &village) else {
                    Issue.record("\(account.id) is not in \(ledger), asked at \(master)")
                    continue
                }
            }
            for replica in [m1, m2, m3] {
                let books = village[replica]?.ledgers.first { $0.id == ledger }?.books
                #expect(books?.accounts.accountViews.map(\.account.id.name) == ["ada", "lab"])
            }
        }
    }

    @Test("an act that was committed and whose answer was lost is repeated at the next primary, and counts once")
    func lostAnswer() {
        var village = village()
        for account in [Self.lab, Self.ada] { _ = record(.accountOpened(account), of: m1, at: m2, &village) }
        village.losesResults = true
        let call = village.call(.record(.accounting(gift())), of: m1, at: m2)
        village.pass(.milliseconds(200))
        #expect(village.answers[call] == nil)
        #expect(owed(m1, at: m3, village) == "5", "it is committed")
        village.losesResults = false
        village.kill(m1)
        village.pass(.seconds(4))
        guard case .recorded? = village.answers[call]?.first else {
            Issue.record("\(String(describing: village.answers[call]))")
            return
        }
        #expect(village.primaries(of: m1).count == 1 && village.primaries(of: m1) != [m1])
        for master in [m2, m3] { #expect(owed(m1, at: master, village) == "5", "at \(master)") }
        #expect(village.facts(m2, of: m1).count { $0 == .accounting(gift()) } == 2, "it stands in the log twice")
        // And a user who repeats it by hand.
        guard case .recorded? = record(gift(), of: m1, at: m3, &village) else {
            Issue.record("a repetition is an error")
            return
        }
        #expect(owed(m1, at: m2, village) == "5")
    }

    @Test("what breaks a rule is refused with the rule's name through any master, and nothing is written")
    func refused() {
        var village = village()
        let before = village.facts(m1)
        for master in [m1, m2] {
            guard case .refused(let refusal)? = record(gift(), of: m1, at: master, &village) else {
                Issue.record("it was taken")
                continue
            }
            #expect(refusal.rule == "unknown-account" && refusal.code == .notFound && refusal.message.contains("lab"))
        }
        #expect(village.facts(m1) == before)
    }

    @Test("other facts are taken for the ledger of the master that sends them, and for no other")
    func foreign() {
        var village = village()
        let call = village.call(.record(.invited(token: Digest(of: [1]), expires: seconds(1))), of: m1, at: m2)
        village.pass(.seconds(1))
        guard case .refused(let refusal)? = village.answers[call]?.first else {
            Issue.record("\(String(describing: village.answers[call]))")
            return
        }
        #expect(refusal.code == .refused)
    }

    @Test("a ledger without a primary and without another replica is refused in the end, with what to do")
    func unled() {
        var village = Village(masters: [m1, m2])
        village.pass(.seconds(5))
        village.kill(m1)
        village.pass(.seconds(1))
        guard case .refused(let refusal)? = record(.accountOpened(Self.ada), of: m1, at: m2, &village) else {
            Issue.record("it was taken")
            return
        }
        #expect(refusal.code == .unreachable && refusal.remedy.contains("palmier ledger status"))
    }
}
