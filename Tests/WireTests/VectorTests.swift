import Accounting
import Automata
import Claims
import Foundation
import Ledger
import Peer
import Replication
import SwiftProtobuf
import Testing
import WireSchema

@testable import Wire

/// The bytes of a sample of everything, committed: what peers of other versions send, and what is on disks already.
///
/// `PALMIER_UPDATE_VECTORS=1` writes the files anew; the difference is then read before it is committed. A vector that
/// changes means that older peers and ledgers are no longer understood.
@Suite("The bytes of each kind are those of the committed vectors")
struct VectorTests {
    @Test("each vector is written and read as committed", arguments: Vector.all)
    func vector(_ vector: Vector) throws {
        let file = Vector.folder.appendingPathComponent(vector.name + ".hex")
        if ProcessInfo.processInfo.environment["PALMIER_UPDATE_VECTORS"] == "1" {
            try Data(vector.file().utf8).write(to: file)
        }
        guard let text = try? String(contentsOf: file, encoding: .utf8) else {
            Issue.record(
                "\(file.path) is missing; write it with PALMIER_UPDATE_VECTORS=1 swift test --filter VectorTests")
            return
        }
        let digits = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined()
        let bytes = try #require([UInt8](hexadecimal: digits))
        #expect(bytes == vector.bytes)
        #expect(try vector.isRight(bytes))
    }

    @Test("a checkpoint in an earlier layout is read: the same books", arguments: ["old-books-3", "old-books-4"])
    func oldBooks(_ name: String) throws {
        let text = try String(contentsOf: Vector.folder.appendingPathComponent(name + ".hex"), encoding: .utf8)
        let digits = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined()
        let bytes = try #require([UInt8](hexadecimal: digits))
        #expect(try Books(decoding: bytes).contents == BooksWorkload.sample.contents)
    }

    @Test("refusals as the first version said them are read")
    func oldRefusals() throws {
        let text = try String(
            contentsOf: Vector.folder.appendingPathComponent("old-claim-refused.hex"), encoding: .utf8)
        let digits = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined()
        let bytes = try #require([UInt8](hexadecimal: digits))
        guard case .claim(.refused(_, _, let reasons), _) = try PeerMessage(decoding: bytes) else {
            Issue.record("no refusal")
            return
        }
        #expect(reasons.map(\.code) == [.otherMachine, .notAccepting, .full, .short, .tooDear, .staleAttempt])
    }

    @Test("no committed vector is without its sample")
    func nothingStale() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Vector.folder.path)
            .filter { file in Vector.prefixes.contains { file.hasPrefix($0) } }
        #expect(Set(files).subtracting(Vector.all.map { $0.name + ".hex" }) == [])
    }
}

struct Vector: Sendable, CustomStringConvertible {
    let name: String
    let bytes: [UInt8]
    let meaning: @Sendable () throws -> String
    /// Whether the bytes mean what the sample says.
    let isRight: @Sendable ([UInt8]) throws -> Bool
    var description: String { name }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Specs/wire/vectors")

    /// What the names of this codec's vectors begin with; the transport has vectors of its own beside them.
    static let prefixes = [
        "act-", "advertisements", "books", "call-", "checkpoint-", "claim-", "client-", "directory-", "entry-", "found",
        "group-",
        "log-",
        "holder-", "neighbour-", "object-", "overlay-", "partition-", "register-", "rendezvous-", "replica-", "result-",
    ]

    static let all: [Vector] =
        (Sample.all + Sample.led).map { sample in
            let bytes = sample.message.encoded()
            return Vector(name: sample.name, bytes: bytes) {
                try WirePeerMessage(serializedBytes: bytes).textFormatString()
            } isRight: {
                try PeerMessage(decoding: $0) == sample.message
            }
        }
        + FactKind.allCases.map { kind in
            let bytes = kind.entry.encoded()
            return Vector(name: "entry-\(kind)", bytes: bytes) {
                try WireEntry(serializedBytes: bytes).textFormatString()
            } isRight: {
                try Entry(decoding: $0) == kind.entry
            }
        }
        + ActKind.allCases.map { kind in
            let bytes = kind.sample.encoded()
            return Vector(name: "act-\(kind)", bytes: bytes) {
                try WireAct(serializedBytes: bytes).textFormatString()
            } isRight: {
                try Act(decoding: $0) == kind.sample
            }
        }
        + [BooksWorkload.sample].map { books in
            let bytes = books.encoded()
            return Vector(name: "books", bytes: bytes) {
                try WireBooksCheckpoint(serializedBytes: bytes).textFormatString()
            } isRight: {
                try Books(decoding: $0).contents == books.contents
            }
        }
        + partitionRecords.map { record in
            let bytes = record.encoded()
            return Vector(
                name: !record.bookings.isEmpty
                    ? "partition-booked" : record.tenant == nil ? "partition-free" : "partition-tenant", bytes: bytes
            ) {
                try WirePartitionRecord(serializedBytes: bytes).textFormatString()
            } isRight: {
                try PartitionRecord(decoding: $0) == record
            }
        }
        + [[advertisement, plainAdvertisement]].map { list in
            let bytes = list.encoded()
            return Vector(name: "advertisements", bytes: bytes) {
                try WireAdvertisementList(serializedBytes: bytes).textFormatString()
            } isRight: {
                try [Advertisement](decoding: $0) == list
            }
        }
        + logEntries.map { entry in
            Vector(name: "log-entry-\(entry.op)", bytes: entry.encoded()) {
                "\(entry.digest)\nop \(entry.op), view \(entry.view), at \(entry.at.milliseconds), "
                    + "request \(entry.request.map { "\($0)" } ?? "none")\n\(entry.body)"
            } isRight: {
                try LogEntry(decoding: $0) == entry
            }
        }
        + [checkpointHead].map { head in
            let bytes = head.encoded()
            return Vector(name: "checkpoint-head", bytes: bytes) {
                try WireReplicaHead(serializedBytes: bytes).textFormatString()
            } isRight: {
                try CheckpointHead(decoding: $0) == head
            }
        }

    /// The meaning as comments, then 40 bytes a line.
    func file() throws -> String {
        let comments = try meaning().split(separator: "\n").map { "# \($0)\n" }
        let lines = stride(from: 0, to: bytes.count, by: 40).map { bytes[$0..<min($0 + 40, bytes.count)].hexadecimal }
        return comments.joined() + lines.joined(separator: "\n") + "\n"
    }
}
