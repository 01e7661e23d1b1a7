import Accounting
import Automata
import Foundation
import Ledger
import SwiftProtobuf
import Testing
import WireSchema

@testable import Wire

@Suite("A checkpoint of books is those books")
struct BooksTests {
    static let steps = 300

    static func workload(_ seed: UInt64) -> BooksWorkload {
        var workload = BooksWorkload(seed: seed)
        for _ in 0..<steps { workload.step() }
        return workload
    }

    @Test("what is read back is what was written, and is written the same again", arguments: UInt64(1)...12)
    func roundTrip(_ seed: UInt64) throws {
        let books = Self.workload(seed).books
        let bytes = books.encoded()
        let read = try Books(decoding: bytes)
        #expect(read.contents == books.contents, "seed \(seed)")
        #expect(read.encoded() == bytes, "seed \(seed)")
        #expect(read.accounts.audit() == [], "seed \(seed)")
        #expect(try Books(decoding: Books().encoded()).contents == Books().contents)
    }

    @Test(
        "a checkpoint and the entries behind it are the same books, and say the same of each entry, as all entries",
        arguments: UInt64(1)...12)
    func laterEntries(_ seed: UInt64) throws {
        let workload = Self.workload(seed)
        let all = workload.books.encoded()
        for cut in stride(from: 0, through: workload.entries.count, by: 61) {
            var whole = Books()
            for entry in workload.entries[..<cut] { whole.apply(entry) }
            var books = try Books(decoding: whole.encoded())
            var (history, other) = (History(), History())
            // As another replica has them: written and read.
            for entry in try workload.entries[cut...].map({ try Entry(decoding: $0.encoded()) }) {
                books.apply(entry, into: &history)
                whole.apply(entry, into: &other)
                #expect(books.outcome == whole.outcome)
            }
            #expect(books.encoded() == all, "seed \(seed), from \(cut)")
            #expect(history == other, "seed \(seed), from \(cut)")
        }
    }

    @Test(
        "the workload draws what it should: all of the books hold something, and every kind of act was done or refused")
    func coverage() {
        var taken: Set<ActKind> = []
        var refused: Set<ActKind> = []
        var (requests, placed, homes, admissions, tokens, refusals) = (0, 0, 0, 0, 0, 0)
        for seed in UInt64(1)...12 {
            let workload = Self.workload(seed)
            var books = Books()
            for entry in workload.entries {
                books.apply(entry)
                guard case .accounting(let act) = entry.fact else { continue }
                if case .refused = books.outcome { refused.insert(ActKind(act)) } else { taken.insert(ActKind(act)) }
            }
            let contents = books.contents
            requests += contents.requests.count
            placed += contents.requests.count { $0.placement != nil }
            homes += contents.homes.count
            admissions += contents.admissions.count
            tokens += contents.tokens.count { $0.redeemedBy != nil }
            refusals += contents.refusals.count
        }
        #expect(min(requests, placed, homes, admissions, tokens, refusals) > 5)
        #expect(taken.isSuperset(of: [.used, .held, .billed, .paid, .credited, .invoiceReceived, .subscribed]))
        #expect(refused.count > 12)
    }

    @Test("whatever the rules of the accounts take can be written and read", arguments: UInt64(1)...12)
    func representable(_ seed: UInt64) throws {
        var books = Books()
        for entry in Self.workload(seed).entries {
            if case .accounting(let act) = entry.fact, books.check(act, at: entry.at) == nil {
                #expect(try Act(decoding: act.encoded()) == act)
            }
            books.apply(entry)
        }
    }

    /// 80,000 acts with a wrong byte or a wrong field, of which those that can be read are applied.
    @Test("whatever act can be read, books that it is applied to never trap, and balance", arguments: UInt64(1)...4)
    func anyAct(_ seed: UInt64) throws {
        let workload = Self.workload(seed)
        let right = workload.entries.compactMap { entry -> [UInt8]? in
            guard case .accounting(let act) = entry.fact else { return nil }
            return act.encoded()
        }
        var mutation = Mutation(corpus: right, random: .stream(seed: seed, "acts"))
        var books = workload.books
        let now = try #require(workload.entries.last?.at)
        var (read, taken) = (0, 0)
        for round in 0..<20_000 {
            guard let act = try? Act(decoding: mutation.next()) else { continue }
            read += 1
            let checked = books.check(act, at: now)
            books.apply(Entry(index: books.index.next, at: now, fact: .accounting(act)))
            if case .refused(let breach) = books.outcome {
                #expect(checked == breach)
            } else {
                #expect(checked == nil)
                taken += 1
            }
            if round % 1_000 == 0 { #expect(books.accounts.audit() == [], "seed \(seed), round \(round)") }
        }
        #expect(books.accounts.audit() == [], "seed \(seed)")
        #expect(read > 4_000 && taken > 400, "seed \(seed): \(read) read, \(taken) taken")
    }

    @Test("cut anywhere, it is refused or other books, never a trap")
    func truncation() {
        let bytes = BooksWorkload.sample.encoded()
        for count in 0..<bytes.count {
            let cut = try? Books(decoding: Array(bytes.prefix(count)))
            #expect(cut?.contents != BooksWorkload.sample.contents)
        }
    }

    struct Violation: Sendable, CustomStringConvertible {
        let description: String
        let code: WireError.Code
        let checkpoint: WireBooksCheckpoint

        init(
            _ description: String, _ code: WireError.Code, _ change: (inout WireBooksCheckpoint) -> Void
        ) {
            self.description = description
            self.code = code
            var checkpoint = WireBooksCheckpoint(BooksWorkload.sample.contents)
            change(&checkpoint)
            self.checkpoint = checkpoint
        }
    }

    @Test("books that no log adds up to, and those of a later version, are refused", arguments: violations)
    func bounds(_ violation: Violation) throws {
        let bytes: [UInt8] = try violation.checkpoint.serializedBytes()
        let error = #expect(throws: WireError.self) { try Books(decoding: bytes) }
        #expect(error?.code == violation.code, "\(error?.message ?? "")")
    }

    static let violations: [Violation] = [
        Violation("no layout", .missing) { $0.layout = 0 },
        Violation("a layout of tomorrow", .unknownKind) { $0.layout = 6 },
        Violation("an index without successor", .outOfBounds) { $0.index = .max },
        Violation("a request twice", .malformed) { $0.requests.append($0.requests[0]) },
        Violation("a partition with two tenants", .malformed) {
            var twin = $0.requests.first { $0.hasPlacement } ?? WireRequest()
            twin.key.reference = "twin"
            $0.requests.append(twin)
        },
        Violation("a release that is not there", .outOfBounds) { $0.requests[0].release = 999 },
        Violation("a note twice", .malformed) { $0.homes.append($0.homes[0]) },
        Violation("a peer admitted twice", .malformed) { $0.admissions.append($0.admissions[0]) },
        Violation("10,001 admissions", .outOfBounds) {
            $0.admissions = Array(repeating: $0.admissions[0], count: 10_001)
        },
        Violation("a token twice", .malformed) { $0.tokens.append($0.tokens[0]) },
        Violation("a token of 31 bytes", .outOfBounds) { $0.tokens[0].token.removeLast() },
        Violation("no accounts", .malformed) { $0.accounts = Data() },
        Violation("accounts that are cut", .malformed) { $0.accounts.removeLast() },
        Violation("a rule of tomorrow", .unknownKind) { $0.refusals[0].rule = "too-nice" },
        Violation("a refusal later than the books", .malformed) {
            $0.refusals[$0.refusals.count - 1].index = $0.index + 1
        },
        Violation("a refusal twice", .malformed) { $0.refusals.append($0.refusals[0]) },
        Violation("seven replicas", .outOfBounds) { $0.described = described { $0.wanted = 7 } },
        Violation("more at once than at all", .outOfBounds) { $0.described = described { $0.minimum = 3 } },
        Violation("a ledger's name of 64 bytes", .outOfBounds) {
            $0.described = described { $0.name = RefusalTests.long(64) }
        },
        Violation("no absence at all", .outOfBounds) { $0.described = described { $0.absenceMilliseconds = 999 } },
        Violation("an absence above 30 days", .outOfBounds) {
            $0.described = described { $0.absenceMilliseconds = 30 * 86_400_000 + 1 }
        },
    ]

    /// What is said of a ledger, with something wrong in it.
    private static func described(_ change: (inout WireDescribed) -> Void) -> WireDescribed {
        var described = WireDescribed(LedgerDescription(name: "lab"))
        change(&described)
        return described
    }

    @Test("a ledger's name and rules are in its books' checkpoint, once somebody has said them")
    func described() throws {
        var books = try Books(decoding: BooksWorkload.sample.encoded())
        #expect(books.described == nil)
        let description = LedgerDescription(name: "lab", wanted: 6, minimum: 6, absence: .seconds(30 * 86_400))
        books.apply(Entry(index: books.index.next, at: someInstant, fact: .described(description)))
        #expect(try Books(decoding: books.encoded()).described == description)
    }

    @Test("a field of a later version makes it other books, so it is refused")
    func unknownField() {
        #expect {
            try Books(decoding: BooksWorkload.sample.encoded() + [0xBA, 0x3E, 0x00])
        } throws: { ($0 as? WireError)?.code == .unknownKind }
    }
}
