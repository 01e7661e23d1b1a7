import API
import Automata
import Overlay
import Testing

@testable import Console

@Suite("Ledgers for people")
struct LedgerTextTests {
    private let plain = Output(format: .table, style: Style(isColored: false))

    private static func member(
        _ name: String, _ role: String = "replica", state: String? = nil, op: UInt64? = 120, behind: UInt64? = 0,
        heard: Int64? = 0
    ) -> LedgerMemberDocument {
        LedgerMemberDocument(
            name: name, fingerprint: PeerID(0xA0).fingerprint, role: role, state: state ?? role, op: op,
            behind: behind, heardSeconds: heard)
    }

    private static func ledger(
        _ name: String, role: String = "primary", primary: String? = nil, view: String = "2.1", standing: Int = 2,
        health: LedgerDocument.Health = .ok, reasons: [String] = [], remedy: String = "",
        members: [LedgerMemberDocument] = [], master: String = "m1"
    ) -> LedgerDocument {
        LedgerDocument(
            name: name, id: PeerID(hashing: name.utf8).description, fingerprint: PeerID(0xA0).fingerprint, role: role,
            primary: primary ?? name, view: view, op: 120, commit: 120, standing: standing, wanted: 2, minimum: 0,
            replaceAfterSeconds: 60, health: health, reasons: reasons, remedy: remedy, members: members,
            master: master, at: "2026-11-22T12:00:00.000Z")
    }

    private static func all(_ ledgers: [LedgerDocument], elsewhere: [LedgerElsewhereDocument] = []) -> LedgersDocument {
        LedgersDocument(ledgers: ledgers, elsewhere: elsewhere, master: "m1")
    }

    // MARK: Text

    @Test("a line for each ledger, the reason next to the state, and each thing to do once with the names it is for")
    func table() {
        let members = [Self.member("m1", "primary"), Self.member("m2", behind: 3), Self.member("m3", behind: 1)]
        let text = LedgerText.status(
            Self.all(
                [
                    Self.ledger("m1", members: members),
                    Self.ledger(
                        "m2", standing: 1, health: .degraded, reasons: ["m4 is away for 9 s"], remedy: "start m4 again"),
                    Self.ledger(
                        "m3", standing: 1, health: .degraded, reasons: ["m4 is away for 9 s"], remedy: "start m4 again"),
                    Self.ledger("m4", primary: "", standing: 0, health: .unavailable, remedy: "start m4, m5 again"),
                ]), isWide: false, output: plain)
        #expect(
            text == """
                4 ledgers: 1 ok, 2 degraded, 1 unavailable
                NAME  STATE        REASON              PRIMARY  REPLICAS  ENTRIES  BEHIND
                m1    ok                               m1       2 of 2    120      3
                m2    degraded     m4 is away for 9 s  m2       1 of 2    120
                m3    degraded     m4 is away for 9 s  m3       1 of 2    120
                m4    unavailable                               0 of 2    120
                to do (m2, m3): start m4 again
                to do (m4): start m4, m5 again
                """)
    }

    @Test("with -o wide also view, members with their states, and who told it")
    func wide() {
        let members = [Self.member("m1", "primary"), Self.member("m2", state: "catching up")]
        let text = LedgerText.status(Self.all([Self.ledger("m1", members: members)]), isWide: true, output: plain)
        #expect(text.contains("VIEW  MEMBERS") && text.contains("2.1   m1 (primary), m2 (catching up)  m1"))
    }

    @Test("a ledger whose primary could not be asked, and of which the master has no replica, is not passed over")
    func elsewhere() {
        let other = LedgerElsewhereDocument(name: "m9", id: "9", primary: "m8", api: [])
        let text = LedgerText.status(Self.all([], elsewhere: [other]), isWide: false, output: plain)
        #expect(
            text == "m1 holds no ledger\nm9 is led by m8, which could not be asked; no replica of it is on m1")
    }

    @Test("one ledger: a line for each replica, numbered, with what it lacks; then the rules, reasons and what to do")
    func details() {
        let members = [
            Self.member("m1", "primary"), Self.member("m2", behind: 3, heard: 2),
            Self.member("m3", state: "failed", op: nil, behind: nil, heard: 41),
        ]
        let ledger = Self.ledger(
            "m1", standing: 1, health: .degraded, reasons: ["m3 is away for 41 s, and is replaced after 60 s"],
            remedy: "start m3 again, or another master: it is let in by itself", members: members)
        #expect(
            LedgerText.details(ledger, isWide: false, output: plain) == """
                m1: degraded, led by m1, with 1 of 2 replicas
                NAME  STATE           ENTRIES  BEHIND  HEARD    FINGERPRINT
                m1    primary         120      0       0s ago   a000-0000-0000-0000
                m2    replica 1 of 2  120      3       2s ago   a000-0000-0000-0000
                m3    failed                           41s ago  a000-0000-0000-0000
                ledger   a000-0000-0000-0000
                view     2.1
                entries  120 committed
                rules    2 replicas wanted, at least 0; one that is away is replaced after 60s
                told by  m1, at 2026-11-22T12:00:00.000Z
                degraded: m3 is away for 41 s, and is replaced after 60 s
                to do: start m3 again, or another master: it is let in by itself
                """)
    }

    @Test("a ledger that nobody leads says so first")
    func leaderless() {
        let ledger = Self.ledger("m1", role: "replica", primary: "", standing: 0, health: .unavailable)
        #expect(LedgerText.sentence(ledger) == "m1: unavailable, nobody leads it, with 0 of 2 replicas")
    }

    @Test("a name of another master cannot move the cursor of whoever looks at it")
    func harmless() {
        let evil = Self.ledger(
            "evil\u{1B}[2J", health: .degraded, reasons: ["\u{1B}[1m"], remedy: "\u{1B}",
            members: [Self.member("\u{1B}")])
        let other = LedgerElsewhereDocument(name: "\u{1B}", id: "9", primary: "\u{1B}", api: [])
        for text in [
            LedgerText.status(Self.all([evil], elsewhere: [other]), isWide: true, output: plain),
            LedgerText.details(evil, isWide: true, output: plain),
        ] { #expect(!text.contains("\u{1B}")) }
    }

    @Test(
        "a command ends by the worst ledger: 0 when all are ok, 2 when one is degraded, 1 when one is unavailable",
        arguments: [
            ([.ok, .ok], .done), ([], .done), ([.ok, .degraded], .accepted), ([.unavailable, .degraded, .ok], .failed),
        ] as [([LedgerDocument.Health], API.ExitCode)])
    func exitCodes(states: [LedgerDocument.Health], code: API.ExitCode) {
        #expect(Self.all(states.map { Self.ledger("m1", health: $0) }).exitCode == code)
    }

    // MARK: Asking primaries

    @Test("of each ledger that another master leads, that master's word counts, once asked; the own one comes first")
    func merging() throws {
        let elsewhere = LedgerElsewhereDocument(
            name: "m0", id: PeerID(hashing: "m0".utf8).description, primary: "m2", api: [])
        let first = Self.all(
            [
                Self.ledger("m1"), Self.ledger("m2", role: "replica", view: "2.1"),
                Self.ledger("m3", role: "replica", primary: "m3", view: "2.9"),
            ], elsewhere: [elsewhere])
        #expect(LedgerSurvey.primaries(to: first) == ["m2", "m3"])
        let second = LedgersDocument(
            ledgers: [
                Self.ledger("m2", view: "2.1", standing: 1, health: .degraded, master: "m2"),
                Self.ledger("m1", role: "replica", view: "9.9", master: "m2"),
                Self.ledger("m0", primary: "m2", master: "m2"),
            ], elsewhere: [], master: "m2")
        // A primary that was replaced meanwhile, and does not know it.
        let third = LedgersDocument(
            ledgers: [Self.ledger("m3", view: "2.8", master: "m3")], elsewhere: [], master: "m3")
        let merged = LedgerSurvey.merged(first, with: [second, third])
        #expect(merged.ledgers.map(\.name) == ["m1", "m0", "m2", "m3"])
        #expect(merged.ledgers.map(\.master) == ["m1", "m2", "m2", "m1"] && merged.elsewhere.isEmpty)
        #expect(merged.ledgers[2].health == .degraded)
        // Numbers, not texts.
        let later = LedgerSurvey.merged(
            Self.all([Self.ledger("m2", role: "replica", view: "2.9")]),
            with: [Self.all([Self.ledger("m2", view: "2.10", master: "m2")])])
        #expect(later.ledgers[0].master == "m2")
    }

    @Test("one ledger is found by name, id or fingerprint; an unknown one is refused with the nearest name")
    func finding() throws {
        let document = Self.all(
            [Self.ledger("alpha")], elsewhere: [.init(name: "beta", id: "b", primary: "m2", api: ["10.0.0.2:7424"])])
        #expect(try LedgerSurvey.find("alpha", in: document).name == "alpha")
        #expect(try LedgerSurvey.find(document.ledgers[0].id, in: document).name == "alpha")
        let unknown = #expect(throws: Refusal.self) { _ = try LedgerSurvey.find("alpah", in: document) }
        #expect(unknown?.exitCode == .notFound && unknown?.remedy.contains("alpha") == true)
        let away = #expect(throws: Refusal.self) { _ = try LedgerSurvey.find("beta", in: document) }
        #expect(away?.exitCode == .unreachable && away?.remedy.contains("--master 10.0.0.2:7424") == true)
        let twice = Self.all([Self.ledger("alpha"), Self.ledger("alpha")])
        let several = #expect(throws: Refusal.self) { _ = try LedgerSurvey.find("alpha", in: twice) }
        #expect(several?.code == .conflict)
    }

    // MARK: Doctor

    @Test("doctor warns of a degraded ledger, calls an unavailable one a problem, each with the remedy")
    func checks() {
        let checks = MasterChecks.ledgers(
            Self.all([
                Self.ledger("m1"), Self.ledger("m2", standing: 1, health: .degraded, reasons: ["why"], remedy: "do"),
                Self.ledger("m3", standing: 0, health: .unavailable, remedy: "do it"),
            ]))
        #expect(checks.map(\.state) == [.ok, .warning, .problem])
        #expect(checks[1].message == "m2 is degraded, with 1 of 2 replicas: why" && checks[1].remedy == "do")
        #expect(checks[0].message == "1 ledger on m1 with all replicas wanted" && checks[2].remedy == "do it")
    }
}
