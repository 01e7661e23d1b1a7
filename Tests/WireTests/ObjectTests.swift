import Automata
import Foundation
import Objects
import Overlay
import Peer
import Testing
import WireSchema

@testable import Wire

@Suite("The objects' messages are bounded")
struct ObjectTests {
    @Test("the fullest message of each kind with lists reads back as it was written")
    func fullest() throws {
        let bytes = [UInt8](repeating: 0xA5, count: 65_536)
        let entries = ids(512).map { ObjectEntry(id: $0, size: 65_536) }
        let messages: [ObjectMessage] = [
            .nearest(number: .max, ids(64)),
            .store(number: .max, StoredObject(id: place, bytes: bytes), diverted: false),
            .contents(number: .max, bytes), .keys(number: .max, entries), .lacking(number: .max, ids(512)),
        ]
        for message in messages { try roundTrips(.object(message, contacts: contacts)) }
    }

    @Test("a full page of ids and sizes stays below 10 KiB")
    func pages() {
        let entries = ids(512).map { ObjectEntry(id: $0, size: 65_536) }
        let page = PeerMessage.object(.keys(number: .max, entries), contacts: [])
        #expect(page.encoded().count == 9_749)
    }

    @Test("every refusal of a store reads back", arguments: StoreRefusal.allCases)
    func refusals(_ refusal: StoreRefusal) throws {
        try roundTrips(.object(.stored(number: 1, refusal), contacts: []))
    }

    @Test("bytes that are not those of their id are the objects' own matter")
    func notGenuine() throws {
        let object = StoredObject(id: place, bytes: [1])
        #expect(!object.isGenuine)
        try roundTrips(.object(.store(number: 1, object, diverted: false), contacts: []))
    }

    @Test("any peer may speak of objects")
    func anyone() {
        for kind in ObjectKind.allCases { #expect(!kind.message.isMastersOnly) }
    }

    private func roundTrips(_ message: PeerMessage) throws {
        #expect(try PeerMessage(decoding: message.encoded()) == message)
    }
}

enum ObjectViolations {
    static func all() throws -> [RefusalTests.Violation] {
        let nearest = ObjectKind.nearest.message
        let store = ObjectKind.store.message
        let keys = ObjectKind.keys.message
        let refused = ObjectKind.storeRefused.message
        return [
            try .init("65 nearest", of: nearest) { $0.object.nearest.peers = Data(count: 65 * 16) },
            try .init("a nearest and a byte", of: nearest) { $0.object.nearest.peers = Data(count: 17) },
            try .init("an object without id", of: store) { $0.object.store.id = Data() },
            try .init("an object of 64 KiB and one", of: store) { $0.object.store.contents = Data(count: 65_537) },
            try .init("contents of 64 KiB and one", of: ObjectKind.contents.message) {
                $0.object.contents.contents = Data(count: 65_537)
            },
            try .init("a fetch of a short id", of: ObjectKind.fetch.message) { $0.object.fetch.id = Data(count: 15) },
            try .init("a refusal without reason", .missing, of: refused) {
                $0.object.storeRefused.reason = .unspecified
            },
            try .init("a refusal of tomorrow", .unknownKind, of: refused) {
                $0.object.storeRefused.reason = .UNRECOGNIZED(5)
            },
            try .init("an elsewhere that is nobody", of: ObjectKind.missing.message) {
                $0.object.missing.elsewhere = Data()
            },
            try .init("513 keys", of: keys) {
                $0.object.keys.ids = Data(count: 513 * 16)
                $0.object.keys.sizes = Array(repeating: 1, count: 513)
            },
            try .init("a size too many", of: keys) { $0.object.keys.sizes.append(1) },
            try .init("an object of 65,537 bytes in an index", of: keys) { $0.object.keys.sizes[1] = 65_537 },
            try .init("513 lacking", of: ObjectKind.lacking.message) {
                $0.object.lacking.ids = Data(count: 513 * 16)
            },
            try .init("nothing about objects", .missing, of: keys) { $0.object = WireObjectMessage() },
        ]
    }
}
