import API
import Foundation
import Testing

@testable import Console

@Suite("What machines say, for people")
struct MatchingTextTests {
    private let plain = Output(format: .table, style: Style(isColored: false))

    private static let instance = #"""
        {"schema": "palmier.instance/1", "customer": "ada", "reference": "db", "type": "", "parameters": {},
        "release": {"url": "u", "name": "", "version": ""}, "requirements": {"memoryMiB": 0}, "exclusive": false,
        "desired": "running", "state": "waiting", "reason": "", "attempt": 1, "revision": 1, "stateRevision": 1,
        "connection": {}, "requestedAt": "t", "changedAt": "t", "ageSeconds": 1, "home": "m1"}
        """#

    private static func refusal(_ code: String, _ text: String, lasting: Bool) -> String {
        #"{"code": "\#(code)", "by": "machine", "wanted": "", "found": "", "lasting": \#(lasting), "text": "\#(text)"}"#
    }

    private static func candidate(_ node: String, _ verdict: String, _ refusals: String...) -> String {
        #"{"node": "\#(node)", "fingerprint": "f-\#(node)", "fits": \#(verdict == "fits"), "verdict": "\#(verdict)", "#
            + #""hourly": "0.02", "refusals": [\#(refusals.joined(separator: ","))]}"#
    }

    private static let machines = #"""
        {"known": 41, "here": 0, "fits": 1, "notNow": 10, "never": 30, "unnamed": 37, "rules": [
        {"code": "full", "by": "machine", "lasting": false, "machines": 10, "text": "have no free partition"},
        {"code": "requirement", "by": "requester", "lasting": true, "machines": 29, "text": "do not have what is asked"},
        {"code": "too-dear", "by": "requester", "lasting": true, "machines": 1, "text": "is too dear"}],
        "candidates": [\#(candidate("w1", "fits")), \#(candidate("w2", "not now", refusal("full", "has no free partition", lasting: false))),
        \#(candidate("w3", "never", refusal("requirement", "has cpu = 2, cpu >= 4 asked", lasting: true), refusal("full", "has no free partition", lasting: false)))]}
        """#

    private static func decoded<Document: Decodable>(_ text: String) throws -> Document {
        try DocumentCoding.decode(Document.self, from: Data(text.utf8))
    }

    private func why(isWide: Bool) throws -> String {
        let document: WhyDocument = try Self.decoded(
            #"{"schema": "palmier.why/2", "instance": \#(Self.instance), "explanation": ["It was asked for."], "#
                + #""waitsFor": "w1 could take it now.", "machines": \#(Self.machines)}"#)
        return MatchingText.why(document, all: "palmier why db --all", isWide: isWide, output: plain)
    }

    @Test("counts stand first and add up; a machine shows the first rule that refused it; the rest is one command away")
    func whyTable() throws {
        #expect(
            try why(isWide: false) == """
                db is waiting
                41 machines known: 1 fits, 10 cannot now, 30 never can
                  not now: 10 have no free partition
                  never: 29 do not have what is asked, 1 is too dear
                w1 could take it now.
                  It was asked for.

                NODE  FITS     REASON
                w1    fits
                w2    not now  has no free partition
                w3    never    has cpu = 2, cpu >= 4 asked
                37 more not named: `palmier why db --all` names all
                """)
    }

    @Test("wide shows every rule, prices and fingerprints")
    func wide() throws {
        let text = try why(isWide: true)
        #expect(
            text.contains("NODE  FITS     REASON                                              HOURLY  FINGERPRINT"),
            "\(text)")
        #expect(
            text.contains("w3    never    has cpu = 2, cpu >= 4 asked; has no free partition  0.02    f-w3"), "\(text)")
    }

    @Test("a machine's last claims, newest first, with what is hidden counted")
    func claims() throws {
        func claim(_ reference: String, _ outcome: String, _ reason: String, _ refusals: String = "") -> String {
            #"{"at": "t", "ageSeconds": 63, "customer": "ada", "reference": "\#(reference)", "attempt": 2, "ledger": "m1", "#
                + #""outcome": "\#(outcome)", "reason": "\#(reason)", "refusals": [\#(refusals)]}"#
        }
        let full = Self.refusal("full", "has no free partition", lasting: false)
        let head = #"{"schema": "palmier.node-claims/1", "node": "w1", "fingerprint": "f""#
        let document: NodeClaimsDocument = try Self.decoded(
            head + #", "hidden": 3, "claims": [\#(claim("db", "refused", "has x; has no free partition", full)), "#
                + #"\#(claim("web", "placed", ""))]}"#)
        #expect(
            MatchingText.claims(document, isWide: false, output: plain) == """
                w1: the last 2 claims, 1 placed, 1 refused
                AGE  REQUEST  ATTEMPT  LEDGER  OUTCOME  REASON
                63s  ada/db   2        m1      refused  has no free partition
                63s  ada/web  2        m1      placed
                3 claims for others' requests not shown
                """)
        let none: NodeClaimsDocument = try Self.decoded(head + #", "hidden": 0, "claims": []}"#)
        #expect(MatchingText.claims(none, isWide: false, output: plain).hasPrefix("w1 has not been asked for anything"))
    }

    // MARK: Plans

    private static func plan(_ members: String, act: String = "change") throws -> PlanDocument {
        try decoded(
            #"{"schema": "palmier.plan/1", "customer": "ada", "reference": "db", "act": "\#(act)", "index": 3, "#
                + #""waitsFor": "", "reasons": [], \#(members)}"#)
    }

    @Test("a plan shows what goes behind a minus and what comes behind a plus, where it would run, and the command")
    func planText() throws {
        var plan = try Self.plan(
            #""changes": [{"field": "parameters.memory", "before": 32, "after": 64}, "#
                + #"{"field": "requirements.memoryMiB", "after": 512}, "#
                + #"{"field": "requirements.relations.apartFrom", "before": ["web@host", "store@lan"]}], "#
                + #""machines": \#(Self.machines), "hourly": "0.02", "#
                + #""hold": {"project": "web", "node": "w1", "amount": "3.60", "currency": "EUR", "left": "5.00"}"#)
        plan.command = "palmier request db --param memory=64 --check-index 3"
        plan.reasons = ["Something."]
        #expect(
            PlanText.text(plan, style: Style(isColored: false)) == """
                db would be changed (index 3)
                  - param memory  32
                  + param memory  64
                  + memory        512 MiB
                  - apart from    web@host, store@lan
                placement: w1 now, 0.02 an hour in the unit of account
                41 machines known: 1 fits, 10 cannot now, 30 never can
                  not now: 10 have no free partition
                  never: 29 do not have what is asked, 1 is too dear
                hold: 3.60 EUR for the first hour on w1; the project web has 5.00 EUR left
                note: Something.
                to go on: palmier request db --param memory=64 --check-index 3
                """)
        let coloured = PlanText.text(plan, style: Style(isColored: true))
        #expect(coloured.contains("\u{1B}[31m  - param memory  32\u{1B}[0m\n\u{1B}[32m  + param memory  64\u{1B}[0m"))
    }

    @Test("a plan that changes nothing, or would be refused, says so and names no command")
    func noPlan() throws {
        let nothing = try Self.plan(#""changes": []"#, act: "nothing")
        #expect(
            PlanText.text(nothing, style: Style(isColored: false)) == "nothing would change: db is as asked (index 3)")
        let refused = try Self.plan(
            #""changes": [], "refusal": {"code": "refused", "detail": "too dear", "remedy": "pay"}"#, act: "refused")
        #expect(
            PlanText.text(refused, style: Style(isColored: false))
                == "db would be refused (index 3)\nwhy refused: too dear\nto do: pay")
        #expect(!refused.changesSomething && !nothing.changesSomething)
    }

    @Test(
        "words are quoted for a shell where they need it",
        arguments: [
            ("cache", "cache"), ("cpu >= 4", "'cpu >= 4'"), ("", "''"), ("it's", #"'it'\''s'"#), ("web@lan", "web@lan"),
            ("-load", "-load"), ("a*", "'a*'"), ("ü", "'ü'"),
        ])
    func quoting(word: String, quoted: String) {
        #expect(ShellWord.quoted(word) == quoted)
    }
}
