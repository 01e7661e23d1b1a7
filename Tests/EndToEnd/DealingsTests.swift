import Foundation
import Lab
import Testing

extension Scenarios {
    /// Contracts, subscriptions and incidents, between the ledgers of two masters.
    @Suite("Dealings")
    struct DealingsTests {
        private static let flags = ["--isolation", "none", "--replicas", "1"]

        /// Two masters, each with a ledger of its own and a replica of the other's: m1 keeps `lab`, m2 keeps `ada`.
        private func withTwo(_ title: String, _ scenario: (Member, Member) async throws -> Void) async throws {
            try await Trial.with(title) { trial in
                let m1 = try await trial.firstMaster(flags: Self.flags)
                let m2 = try trial.member("m2", isMaster: true, Self.flags)
                try await trial.fleet([m2])
                for master in [m1, m2] {
                    try await Polling.until("\(master.name) says that both ledgers are well", within: .seconds(30)) {
                        try await master.palmier(["ledger", "status"]).code == 0
                    }
                }
                try await run(m1, "account add lab --kind organisation --title Laboratory --city Lille --country FR")
                try await run(m1, "account add ada --kind person --title Ada --city Paris --country FR --kept-by m2")
                try await run(m2, "account add ada --kind person --title Ada --city Paris --country FR")
                try await run(m1, "resource define help --unit month --title Help")
                try await scenario(m1, m2)
            }
        }

        @discardableResult
        private func run(_ master: Member, _ line: String, ending code: ExitCode = .done) async throws -> Answer {
            try await master.palmier(line.split(separator: " ").map(String.init)).ended(with: code)
        }

        /// What a program writes into the books that no command writes.
        private func post(_ master: Member, _ path: String, _ body: String) async throws -> (status: Int, body: String)
        {
            try await MasterSocket.withClient { client in
                try await MasterSocket(master, client).post("/v1/ledgers/-/\(path)", body)
            }
        }

        private func offer(_ m1: Member, _ m2: Member) async throws {
            try await run(m1, "contract offer c1 lab ada --term help=9EUR/day --from 2025-01-01 --to 2036-01-01")
            try await Polling.until("m2 sees the offer", within: .seconds(20)) {
                try await m2.palmier(["contract", "show", "c1", "--ledger", "m1"]).code == 0
            }
        }

        @Test(
            "a contract of two ledgers is offered, countersigned, billed, settled and reconciled; what one side lacks is named",
            .timeLimit(.minutes(4)))
        func twoLedgers() async throws {
            try await withTwo("dealings-two") { m1, m2 in
                try await offer(m1, m2)
                let offered = try await run(m1, "contract list").output
                #expect(offered.contains("m2 has to countersign") && offered.contains("ada@m2"), "\(offered)")
                #expect(try await run(m1, "ledger verify").output.contains("1 of 1"))
                let foreign = try await run(m1, "contract countersign c1 --yes", ending: .refused)
                #expect(foreign.error.contains("(rule: wrong-party)"), "\(foreign)")
                try await run(m2, "contract countersign c1", ending: .usage)  // nobody to be asked
                let signed = try await run(m2, "contract countersign c1 --yes").output
                #expect(signed.contains("ledger m2") && signed.contains("ledger m1"), "\(signed)")
                try await run(m2, "contract countersign c1 --yes")

                // What is subscribed is known on both sides by one name; the supplier's ledger bills it.
                try await run(m1, "project set lent --account ada --ceiling 500EUR")
                try await run(m2, "project set web --account ada --ceiling 500EUR")
                let subscription = "--supplier lab --cycle day --from 2025-01-01"
                try await run(m1, "subscription add s1 help --project lent \(subscription)")
                try await run(m2, "subscription add s1 help --project web \(subscription)")
                for master in [m1, m2] { try await run(master, "subscription end s1 --at 2025-01-03") }
                try await agree(m1, ["agrees"])
                try await run(m1, "account terms lab ada --cycle day")
                let issued = try await run(m1, "account bill lab --cycle day -o name").output
                #expect(issued == "lab-000001\n", "\(issued)")

                // Billed on one side only.
                let broken = try await run(m2, "ledger verify m2 -o json", ending: .failed)
                    .document(MismatchesDocument.self)
                #expect(broken.contracts.map(\.state) == ["differs"], "\(broken)")
                #expect(Set(broken.findings.compactMap(\.mismatch)) == ["behind", "invoice"], "\(broken)")
                let told = try await run(m1, "ledger verify", ending: .failed).output
                #expect(told.contains("lab-000001") && told.contains("palmier contract settle c1"), "\(told)")

                try await run(m2, "contract settle c1 --dry-run")
                try await run(m2, "ledger verify", ending: .failed)
                try await run(m2, "contract settle c1")
                try await agree(m2, ["agrees"])

                // Paid here, credited there.
                try await run(m2, "account pay lab-000001 10EUR --reference B-1")
                try await run(m1, "node supplier m1 lab")
                try await run(m1, "incident open i1 Fire --node m1 --from 2025-01-01 --to 2025-01-02")
                try await run(m1, "incident credit i1 lab-000001 4EUR")
                try await run(m1, "ledger verify m1", ending: .failed)
                let settled = try await run(m1, "contract settle c1").output
                #expect(settled.contains("received lab-000002") && settled.contains("payment B-1"), "\(settled)")
                try await agree(m1, ["agrees"])
                let again = try await run(m2, "contract settle c1").output
                #expect(again.hasPrefix("nothing to settle"), "\(again)")
                let ended = try await run(m1, "contract end c1 --at 2030-01-01 --yes").output
                #expect(ended.contains("ledger m1") && ended.contains("ledger m2"), "\(ended)")
                try await run(m2, "contract end c1 --yes")  // as it ends already
                try await run(m2, "contract end c1 --at 2031-01-01 --yes", ending: .failed)
                try await agree(m2, ["agrees"])
                for master in [m1, m2] {
                    let invoices = try await run(master, "ledger invoices").output
                    #expect(invoices.contains("lab-000001") && invoices.contains("credit"), "\(invoices)")
                }
            }
        }

        /// Both ledgers hold, and their contracts are in these states, in each.
        private func agree(_ master: Member, _ states: [String]) async throws {
            let document = try await run(master, "ledger verify -o json").document(AllMismatchesDocument.self)
            #expect(document.ledgers.count == 2, "\(document)")
            for ledger in document.ledgers {
                #expect(ledger.contracts.map(\.state) == states && ledger.findings.isEmpty, "\(ledger)")
            }
        }

        @Test(
            "a contract that one ledger alone has, and sums that differ, are named, and end with 1",
            .timeLimit(.minutes(3)))
        func mismatches() async throws {
            try await withTwo("dealings-mismatch") { m1, m2 in
                // m2 records an offer that m1 never made, and signs it.
                try await run(m2, "account add lab --kind organisation --title Laboratory --kept-by m1")
                try await run(m2, "resource define help --unit month --title Help")
                let id = try await run(m1, "ledger status m1 -o json").document(OneLedgerDocument.self).id
                let body = """
                    {"name":"ghost","supplier":"lab","customer":"ada","currency":"EUR","from":"2026-01-01",
                    "to":"2036-01-01","terms":[{"resource":"help","price":"1","per":"day"}],"offeredBy":"\(id)"}
                    """
                let told = try await post(m2, "contracts", body)
                #expect(told.status == 200, "\(told)")
                let alone = try await run(m2, "ledger verify m2 -o json", ending: .failed)
                    .document(MismatchesDocument.self)
                #expect(alone.findings.compactMap(\.mismatch) == ["one-sided"], "\(alone)")
                #expect(alone.findings.first?.text.contains("contract ghost with m1") == true, "\(alone)")
                try await run(m1, "ledger verify", ending: .failed)
            }
        }

        @Test(
            "subscriptions are billed by themselves; lines lead back to them, and read as text, JSON, HTML and UBL",
            .timeLimit(.minutes(3)))
        func subscriptions() async throws {
            try await Trial.with("dealings-subscriptions") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--replicas", "0"])
                for line in [
                    "account add lab --kind organisation --title Laboratory --city Lille --country FR",
                    "account add ada --kind person --title Ada --city Paris --country FR",
                    "resource define help --unit month --title Help", "node supplier m1 lab",
                    "project set web --account ada --ceiling 50EUR",
                ] {
                    try await run(m1, line)
                }
                for (cycle, price) in [("day", 1), ("week", 2), ("month", 3), ("year", 4)] {
                    try await run(m1, "price set help \(price)EUR --per \(cycle) --from 2020-01-01")
                    let start = "--from 2025-01-01 --node m1"
                    let end = cycle == "day" ? "2025-01-03" : cycle == "week" ? "2025-01-10" : "2025-01-02"
                    try await run(
                        m1, "subscription add \(cycle) help --project web --supplier lab --cycle \(cycle) \(start)")
                    try await run(m1, "subscription end \(cycle) --at \(end)")
                }
                // Two days, two weeks, a month and a year: by whoever leads the ledger, within a minute and a half.
                try await Polling.until("the ledger bills by itself", within: .seconds(100), every: .seconds(2)) {
                    try await run(m1, "account invoices -o name").output == "lab-000001\n"
                }
                let json = try await run(m1, "ledger invoices lab-000001 -o json").document(IssuedDocument.self)
                #expect(
                    json.total == "13.00"
                        && json.lines.map(\.subscription).sorted() == ["day", "month", "week", "year"])
                #expect(json.lines.allSatisfy { $0.machine?.count == 32 && $0.project == "web" }, "\(json)")
                #expect(json.lines.map(\.quantity).sorted() == ["1", "1", "2", "2"])
                let list = try await run(m1, "subscription list").output
                #expect(list.contains("4 subscriptions in the ledger m1") && list.contains("ended"), "\(list)")

                try await run(m1, "incident open i1 Fire --node m1 --from 2025-01-01 --to 2025-01-02")
                let note = try await run(m1, "incident credit i1 lab-000001 2.50EUR -o name").output
                #expect(note == "lab-000002\n")
                let all = try await run(m1, "ledger invoices").output
                #expect(all.contains("10.50") && all.contains("credit"), "\(all)")
                for number in ["lab-000001", "lab-000002"] {
                    let text = try await run(m1, "ledger invoices \(number)").output
                    #expect(text.contains("From    Laboratory (lab), Lille, FR"), "\(text)")
                    let html = try await run(m1, "ledger invoices \(number) --format html").output
                    #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains(number))
                    let ubl = try await run(m1, "ledger invoices \(number) --format ubl").output
                    #expect(ubl.contains(number == "lab-000001" ? "<Invoice " : "<CreditNote "), "\(ubl)")
                    let file = try trial.write(ubl, to: "\(number).xml")
                    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/xmllint") else {
                        tell("SKIPPED: xmllint is not installed: apt-get install libxml2-utils")
                        continue
                    }
                    try Answer(
                        await Place.machine.run(["/usr/bin/xmllint", "--noout", file], within: .seconds(60))
                    ).ended(with: .done)
                }
                try await run(m1, "ledger verify")
            }
        }

        @Test(
            "wrong input about contracts, subscriptions and what is owed is refused by its rule, and stores nothing",
            .timeLimit(.minutes(3)))
        func refused() async throws {
            try await Trial.with("dealings-refused") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--replicas", "0"])
                for line in [
                    "account add lab --kind organisation --title Laboratory",
                    "account add ada --kind person --title Ada",
                    "resource define help --unit month --title Help", "node supplier m1 lab",
                    "project set web --account ada --ceiling 50EUR",
                    "price set help 5EUR --per month --from 2020-01-01",
                    "price set help 5USD --per year --from 2020-01-01",
                    "subscription add s1 help --project web --supplier lab --cycle month --from 2025-01-01",
                    "account bill lab --through 2025-02-01",
                    "contract offer c1 lab ada --term help=4EUR/week --from 2026-01-01 --to 2036-01-01",
                ] {
                    try await run(m1, line)
                }
                let usage =
                    #"{"instance":"ada/x","resource":"help","node":"m1","release":"r","project":"web","quantity":"#
                try await run(m1, "price set help 0.01EUR --from 2020-01-01")
                let first = try await post(
                    m1, "usage", usage + #""1","from":"2025-03-01","to":"2025-03-03"}"#)
                #expect(first.status == 200, "\(first)")
                let before = try await state(m1)
                for (line, rule, code, value) in Self.wrong {
                    for dryRun in ["", " --dry-run"] {
                        let answer = try await run(m1, line + dryRun + " -o json", ending: code)
                        let problem = try answer.document(RuleDocument.self)
                        #expect(problem.rule == rule && problem.detail.contains(value), "\(line): \(answer)")
                        #expect(!problem.remedy.isEmpty, "\(answer)")
                    }
                }
                for (rest, rule) in [
                    (#""-1","from":"2025-04-01","to":"2025-04-02"}"#, "negative-quantity"),
                    (#""1","from":"2025-03-02","to":"2025-03-04"}"#, "period-overlap"),
                ] {
                    let answer = try await post(m1, "usage", usage + rest)
                    #expect(answer.status == 400 && answer.body.contains("\"\(rule)\""), "\(answer)")
                }
                #expect(try await state(m1) == before)
                try await run(m1, "ledger verify")
            }
        }

        /// Where the ledger is, and what its books say, without the hour.
        private func state(_ master: Member) async throws -> [String] {
            var texts: [String] = []
            for line in ["account show", "contract list", "subscription list", "incident list", "account invoices"] {
                let text = try await run(master, line + " -o json").output
                texts.append(text.split(separator: "\n").filter { !$0.contains("\"at\"") }.joined(separator: "\n"))
            }
            return texts
        }

        /// What is typed, the rule, the exit code, and a value that is named.
        private static let wrong: [(String, String, ExitCode, String)] = [
            ("account correct v ada=5 lab=-4 --currency EUR --reason r", "unbalanced", .usage, "1 EUR"),
            ("account correct v ada=5 eve=-5 --currency EUR --reason r", "unknown-account", .notFound, "eve"),
            ("contract offer c2 eve ada --term help=1EUR --to 2036-01-01", "unknown-account", .notFound, "eve"),
            ("contract offer c1 lab ada --term help=1EUR --to 2036-01-01", "duplicate", .failed, "c1"),
            ("contract offer c2 lab ada --term help=-1EUR --to 2036-01-01", "negative-price", .usage, "-1 EUR"),
            ("contract offer c2 lab ada --term gpu=1EUR --to 2036-01-01", "unknown-resource", .notFound, "gpu"),
            ("contract offer c2 lab ada --term help=1EUR --to 2020-01-01", "empty-period", .usage, "2020-01-01"),
            ("contract offer c2 lab lab --term help=1EUR --to 2036-01-01", "wrong-party", .refused, "lab"),
            (
                "subscription add s2 help --project web --supplier lab --cycle month --quantity=-1",
                "negative-quantity",
                .usage, "-1"
            ),
            ("subscription add s2 help --project web --supplier lab --cycle year", "wrong-currency", .usage, "USD"),
            ("subscription add s2 help --project web --supplier lab --cycle day", "unpriced", .refused, "day"),
            (
                "subscription add s2 help --project wob --supplier lab --cycle month", "unknown-project", .notFound,
                "wob"
            ),
            (
                "subscription add s2 help --project web --supplier lab --cycle month --quantity 50", "ceiling-exceeded",
                .refused, "250"
            ),
            (
                "subscription add s1 help --project web --supplier lab --cycle month --quantity 2", "duplicate",
                .failed,
                "s1"
            ),
            ("contract end c9 --yes", "unknown-contract", .notFound, "c9"),
            ("contract end c1 --at 2020-01-01 --yes", "overflow", .usage, "2020-01-01"),
            ("subscription end s9", "unknown-subscription", .notFound, "s9"),
            ("account pay lab-000001 1USD --reference b", "wrong-currency", .usage, "USD"),
            ("account pay lab-000001 99EUR --reference b", "over-paid", .usage, "99"),
            ("account pay lab-000001 0EUR --reference b", "negative-amount", .usage, "0 EUR"),
            ("incident credit i9 lab-000001 1EUR", "unknown-incident", .notFound, "i9"),
            ("incident open i Fire --node m1 --from 2025-01-02 --to 2025-01-01", "empty-period", .usage, "2025-01-02"),
            ("price set help 1EUR --per month --from 2019-01-01", "stale-price", .failed, "2019-01-01"),
        ]
    }
}

/// What scripts read of `ledger verify`; written down apart from the program's own types.
struct MismatchesDocument: Decodable, Sendable {
    struct Contract: Decodable, Sendable {
        let contract: String
        let state: String
    }

    struct Finding: Decodable, Sendable {
        let kind: String
        let mismatch: String?
        let text: String
    }

    let contracts: [Contract]
    let findings: [Finding]
}

struct AllMismatchesDocument: Decodable, Sendable {
    let ledgers: [MismatchesDocument]
}

struct OneLedgerDocument: Decodable, Sendable {
    let id: String
}

/// A document as it was issued.
struct IssuedDocument: Decodable, Sendable {
    struct Line: Decodable, Sendable {
        let subscription: String
        let quantity: String
        let project: String?
        let machine: String?
    }

    let total: String
    let lines: [Line]
}
