import Automata
import Claims
import Foundation
import Ledger
import Neighbours
import Peer
import SwiftProtobuf
import Testing
import WireSchema

@testable import Wire

@Suite("What does not keep to the schema is refused with a reason")
struct RefusalTests {
    /// One violation each: what it does to a message that is otherwise right.
    struct Violation: Sendable, CustomStringConvertible {
        let description: String
        let code: WireError.Code
        let message: WirePeerMessage

        init(
            _ description: String, _ code: WireError.Code = .outOfBounds, of sample: PeerMessage,
            _ change: (inout WirePeerMessage) -> Void
        ) throws {
            self.description = description
            self.code = code
            var message = try WirePeerMessage(serializedBytes: sample.encoded())
            change(&message)
            self.message = message
        }
    }

    static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test("a message with one value outside its bounds")
    func bounds() throws {
        for violation in try Self.helloViolations() + Self.offerViolations() + Self.claimViolations()
            + Self.callViolations()
            + OverlayViolations.all() + GroupViolations.all() + ObjectViolations.all()
            + ReplicationViolations.all() + RegisterViolations.all()
        {
            let bytes: [UInt8] = try violation.message.serializedBytes()
            let error = #expect(throws: WireError.self, "\(violation)") { try PeerMessage(decoding: bytes) }
            #expect(error?.code == violation.code, "\(violation): \(error?.message ?? "")")
        }
    }

    static func offerViolations() throws -> [Violation] {
        func facts(_ description: String, _ change: (inout WireMachineFacts) -> Void) throws -> Violation {
            try Violation(description, of: .neighbour(.hello(offered))) { change(&$0.neighbour.hello.facts) }
        }
        return [
            try facts("a long architecture") { $0.architecture = long(64) },
            try facts("a long kernel") { $0.kernel = long(64) },
            try facts("a long model") { $0.gpuModel = long(64) },
            try facts("more cores than a machine has") { $0.cores = 65_536 },
            try facts("more accelerators than a machine has") { $0.gpus = .max },
            try facts("memory below zero") { $0.memoryBytes = -1 },
            try facts("more disk than a sum can hold") { $0.diskBytes = .max },
            try facts("five kinds of isolation") { $0.isolation = ["a", "b", "c", "d", "e"] },
            try facts("a kind of isolation without a name") { $0.isolation = [""] },
            try facts("a country of three letters") { $0.country = "fra" },
            try facts("a country of capitals") { $0.country = "FR" },
            try facts("a continent of digits") { $0.continent = "12" },
            try facts("a load that nothing runs under") { $0.load = .max },
            try facts("seventeen releases") { $0.installed = Array(repeating: 1, count: 17) },
            try facts("a rate below zero") { $0.terms.coreRate = -1 },
            try facts("a rate that no number of JSON holds") { $0.terms.memoryRate = 1 << 53 + 1 },
            try facts("a rate of accelerators below zero") { $0.terms.gpuRate = .min },
            try facts("the 25th hour") { $0.terms.hours.from = 1_440 },
            try facts("an hour without end") { $0.terms.hours.until = .max },
            try facts("a limit of memory below zero") { $0.terms.memoryMaxBytes = -1 },
            try facts("a limit of cores that no machine has") { $0.terms.coresMax = 65_536 },
        ]
    }

    static func helloViolations() throws -> [Violation] {
        let hello = PeerMessage.neighbour(.hello(advertisement))
        return [
            try Violation("a short id", of: hello) { $0.neighbour.hello.peer = Data([1, 2, 3]) },
            try Violation("no id", of: hello) { $0.neighbour.hello.peer = Data() },
            try Violation("no name", of: hello) { $0.neighbour.hello.name = "" },
            try Violation("a long name", of: hello) { $0.neighbour.hello.name = long(64) },
            try Violation("a long fabric", of: hello) { $0.neighbour.hello.fabric = long(64) },
            try Violation("port 0", of: hello) { $0.neighbour.hello.endpoints[0].port = 0 },
            try Violation("port 65536", of: hello) { $0.neighbour.hello.apiPort = 65_536 },
            try Violation("no host", of: hello) { $0.neighbour.hello.endpoints[0].host = "" },
            try Violation("nine endpoints", of: hello) {
                $0.neighbour.hello.endpoints = Array(repeating: $0.neighbour.hello.endpoints[0], count: 9)
            },
            try Violation("a capacity beyond all partitions", of: hello) { $0.neighbour.hello.capacity = 10_001 },
            try Violation("more free than there can be", of: hello) { $0.neighbour.hello.free = .max },
            try Violation("memory that a sum overflows with", of: hello) { $0.neighbour.hello.memoryBytes = .min },
            try Violation("a negative price", of: hello) { $0.neighbour.hello.price = -1 },
            try Violation("an incarnation without successor", of: hello) { $0.neighbour.hello.incarnation = .max },
            try Violation("a sequence without successor", of: hello) { $0.neighbour.hello.sequence = .max },
            try Violation("a ledger index without successor", of: hello) { $0.neighbour.hello.ledger = .max },
            try Violation("more cores left than there can be", of: hello) { $0.neighbour.hello.cores = 65_536 },
            try Violation("fewer accelerators left than there can be", of: hello) { $0.neighbour.hello.gpus = .min },
            try Violation("no state", .missing, of: hello) { $0.neighbour.hello.state = .unspecified },
            try Violation("a state of tomorrow", .unknownKind, of: hello) {
                $0.neighbour.hello.state = .UNRECOGNIZED(99)
            },
            try Violation("1,025 masters", of: hello) {
                let one = $0.neighbour.hello
                $0.neighbour.masters.advertisements = Array(repeating: one, count: 1_025)
            },
            try Violation("nothing", .missing, of: hello) { $0 = WirePeerMessage() },
            try Violation("nothing about neighbours", .missing, of: hello) { $0.neighbour = WireNeighbourMessage() },
        ]
    }

    static func claimViolations() throws -> [Violation] {
        let order = PeerMessage.claim(.order(WireTests.order, lease: .seconds(30)), LedgerStamp())
        let asked = PeerMessage.claim(
            .claim(ClaimRequest(request: key, attempt: .first, requirements: Requirements())), LedgerStamp())
        let renewed = PeerMessage.claim(.renewed([claim], lease: .seconds(30), echo: .zero), LedgerStamp())
        let report = PeerMessage.claim(.report(claim, sequence: 1, status), LedgerStamp())
        return [
            try Violation("partition 10,000", of: order) { $0.claim.order.order.claim.partition = 10_000 },
            try Violation("a fencing number without successor", of: order) {
                $0.claim.order.order.claim.fencing = .max
            },
            try Violation("revision 0", of: order) { $0.claim.order.order.revision = 0 },
            try Violation("no claim", .missing, of: order) { $0.claim.order.order.clearClaim() },
            try Violation("no specification", .missing, of: order) { $0.claim.order.order.clearSpecification() },
            try Violation("no release", .missing, of: order) { $0.claim.order.order.specification.clearRelease() },
            try Violation("a release of 64 KiB and one", of: order) {
                $0.claim.order.order.specification.release.text = Data(count: 65_537)
            },
            try Violation("parameters of 64 KiB and one", of: order) {
                $0.claim.order.order.specification.parameters = Data(count: 65_537)
            },
            try Violation("a release that is not UTF-8", .malformed, of: order) {
                $0.claim.order.order.specification.release.text = Data([0x61, 0xC3, 0x28])
            },
            try Violation("a negative lease", of: order) { $0.claim.order.leaseMilliseconds = -1 },
            try Violation("a lease of 367 days", of: order) { $0.claim.order.leaseMilliseconds = 367 * 86_400_000 },
            try Violation("the longest lease that there is", of: order) { $0.claim.order.leaseMilliseconds = .max },
            try Violation("memory that a sum overflows with", of: order) {
                $0.claim.order.order.specification.requirements.memoryBytes = .max
            },
            try Violation("attempt 0", of: asked) { $0.claim.claim.attempt = 0 },
            try Violation("an attempt without successor", of: asked) { $0.claim.claim.attempt = .max },
            try Violation("negative memory", of: asked) { $0.claim.claim.requirements.memoryBytes = -1 },
            try Violation("a negative price", of: asked) { $0.claim.claim.requirements.priceMax = -1 },
            try Violation("no customer", of: asked) { $0.claim.claim.request.customer = "" },
            try Violation("a long reference", of: asked) { $0.claim.claim.request.reference = long(129) },
            try Violation("no requirements", .missing, of: asked) { $0.claim.claim.clearRequirements() },
            try Violation("an echo before the epoch", of: renewed) { $0.claim.renewed.echoNanoseconds = -1 },
            try Violation("1,025 claims", of: renewed) {
                $0.claim.renewed.claims = Array(repeating: $0.claim.renewed.claims[0], count: 1_025)
            },
            try Violation("a reason of 4 KiB and one", of: report) { $0.claim.report.status.reason = long(4_097) },
            try Violation("a connection of 16 KiB and one", of: report) {
                $0.claim.report.status.connection = Data(count: 16_385)
            },
            try Violation("a state of tomorrow", .unknownKind, of: report) {
                $0.claim.report.status.state = .UNRECOGNIZED(99)
            },
        ]
    }

    static func callViolations() throws -> [Violation] {
        let log = PeerMessage.call(number: 1, .log(key, query), of: nil)
        let requests = PeerMessage.result(number: 1, .requests([request], missing: []))
        let piece = PeerMessage.result(number: 1, .log(LogPiece(bytes: [1], nextOffset: 1)))
        let invited = PeerMessage.call(number: 1, .record(FactKind.invited.sample), of: nil)
        return [
            try Violation("an offset far off", of: log) { $0.call.call.log.query.offset = .min },
            try Violation("a negative size", of: log) { $0.call.call.log.query.bytesMax = -1 },
            try Violation("a stream of tomorrow", .unknownKind, of: log) {
                $0.call.call.log.query.stream = .UNRECOGNIZED(3)
            },
            try Violation("no call", .missing, of: log) { $0.call.clearCall() },
            try Violation("a release that the list does not tell", of: requests) {
                $0.result.result.requests.requests[0].release = 1
            },
            try Violation("an instant before the epoch", of: requests) {
                $0.result.result.requests.requests[0].changedAtNanoseconds = .min
            },
            try Violation("a log's piece of 256 KiB and one", of: piece) {
                $0.result.result.log.bytes = Data(count: 262_145)
            },
            try Violation("a short token", of: invited) { $0.call.call.record.invited.token = Data(count: 31) },
        ]
    }

    @Test("a kind of tomorrow is told apart from garbage", arguments: [true, false])
    func unknownKind(isOuter: Bool) throws {
        // Field 1,000, length-delimited, 2 bytes: a case that only a later version has.
        let tomorrow: [UInt8] = [0xC2, 0x3E, 2, 7, 7]
        let bytes = isOuter ? tomorrow : [0x0A, UInt8(tomorrow.count)] + tomorrow
        let error = #expect(throws: WireError.self) { try PeerMessage(decoding: bytes) }
        #expect(error?.code == .unknownKind)
    }

    @Test("an unknown field of a message is ignored")
    func unknownFieldOfMessage() throws {
        let message = PeerMessage.neighbour(.goodbye)
        #expect(try PeerMessage(decoding: message.encoded() + [0xC0, 0x3E, 1]) == message)
    }

    @Test("unknown fields of an entry survive, byte for byte, wherever they stood")
    func unknownFieldsOfEntry() throws {
        let later: [UInt8] = [0xC2, 0x3E, 3, 1, 2, 3, 0xC8, 0x3E, 0x96, 0x01]
        let known = FactKind.requested.entry.encoded()
        for bytes in [known + later, later + known, Array(later[..<6]) + known + later[6...]] {
            let entry = try Entry(decoding: bytes)
            #expect(entry.fact == FactKind.requested.sample)
            #expect(entry.unknownFields == later)
            #expect(entry.encoded() == known + later)
            #expect(try Entry(decoding: entry.encoded()) == entry)
        }
    }

    @Test("an entry with a fact of tomorrow is of an unknown kind")
    func unknownFact() throws {
        let bytes: [UInt8] = [0x08, 1, 0x1A, 3, 0xC0, 0x3E, 1]
        let error = #expect(throws: WireError.self) { try Entry(decoding: bytes) }
        #expect(error?.code == .unknownKind)
    }

    @Test("text that is not UTF-8, a message cut short, and one too large are refused")
    func malformed() throws {
        let whole = PeerMessage.directory(.hold([key]), from: nil, to: nil).encoded()
        var garbled = whole
        garbled[garbled.count - 1] = 0xFF
        let wrong: [[UInt8]] = [garbled, whole.dropLast(), [0xFF], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]]
        for bytes in wrong {
            let error = #expect(throws: WireError.self) { try PeerMessage(decoding: bytes) }
            #expect(error?.code == .malformed)
        }
        let huge = [UInt8](repeating: 0, count: WireBounds.messageBytesMax + 1)
        #expect(throws: WireError.self) { try PeerMessage(decoding: huge) }
    }

    @Test("entries and records on disk are checked like messages")
    func disk() throws {
        #expect(throws: WireError.self) { try Entry(decoding: []) }
        #expect(throws: WireError.self) { try Entry(decoding: [0x08, 1]) }
        #expect(throws: WireError.self) { try PartitionRecord(decoding: [0x08, 0x90, 0x4E]) }  // partition 10,000
        #expect(try PartitionRecord(decoding: []) == PartitionRecord(partition: PartitionNumber(0)))
    }
}
