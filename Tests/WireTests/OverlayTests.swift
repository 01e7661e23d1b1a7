import Automata
import Foundation
import Neighbours
import Overlay
import Peer
import SwiftProtobuf
import Testing
import WireSchema

@testable import Wire

@Suite("The overlay's messages are small and bounded")
struct OverlayTests {
    @Test("the messages of every hop and every period fit into one packet beside others")
    func sizes() {
        func bytes(_ message: OverlayMessage) -> Int { PeerMessage.overlay(message, contacts: []).encoded().count }
        #expect(bytes(.routed(lookup, hop: .max)) == 58)
        #expect(bytes(.acknowledged(hop: .max)) == 7)
        #expect(bytes(.heartbeat(probePeriod: ProbePeriod(seconds: .max))) == 6)
        #expect(bytes(.ping(number: .max)) == 7)
        #expect(bytes(.pong(number: .max, wanted: .farthest, probePeriod: ProbePeriod(seconds: .max))) == 19)
        let leaves = LeafExchange(
            number: .max, isQuestion: true, isActive: true, probePeriod: ProbePeriod(seconds: 600),
            leaves: ids(32), failed: [])
        #expect(bytes(.leaves(leaves)) == 533)
    }

    @Test("the fullest message of each kind with lists reads back as it was written")
    func fullest() throws {
        let payload = (0..<WireBounds.payloadBytesMax).map { UInt8(truncatingIfNeeded: $0) }
        let endpoint = Endpoint(host: String(repeating: "h", count: 255), port: .max)
        let contacts = ids(128).map { PeerContact(peer: $0, endpoints: Array(repeating: endpoint, count: 8)) }
        let nearby = ids(64).map { Nearby(peer: $0, roundTrip: .farthest) }
        let exchange = LeafExchange(
            number: .max, isQuestion: true, isActive: true, probePeriod: .unknown, leaves: ids(64), failed: ids(32))
        let messages: [OverlayMessage] = [
            .routed(routed(.objects, payload: payload, trace: ids(64)), hop: .max),
            .undeliverable(routed(.objects, payload: payload, trace: ids(64))),
            .routed(routed(.join, payload: [], trace: ids(512)), hop: .max),
            .leaves(exchange),
            .joined(JoinAnswer(number: .max, leaves: ids(64), contacts: ids(512), isActive: true)),
            .told(nearby, number: .max),
        ]
        for message in messages {
            let message = PeerMessage.overlay(message, contacts: contacts)
            let bytes = message.encoded()
            #expect(bytes.count <= WireBounds.messageBytesMax)
            #expect(try PeerMessage(decoding: bytes) == message)
        }
    }

    @Test("every application's messages read back", arguments: Application.allCases)
    func applications(_ application: Application) throws {
        for trace in [nil, [], [alpha]] {
            let message = PeerMessage.overlay(
                .routed(routed(application, payload: [1], trace: trace), hop: 1), contacts: [])
            #expect(try PeerMessage(decoding: message.encoded()) == message)
        }
    }

    @Test("contacts and endpoints beyond their bound are left out, the first ones kept")
    func tooManyContacts() throws {
        let endpoints = (1...9).map { Endpoint(host: "h", port: $0) }
        let many = ids(129).map { PeerContact(peer: $0, endpoints: endpoints) }
        let kept = ids(128).map { PeerContact(peer: $0, endpoints: Array(endpoints.prefix(8))) }
        let bytes = PeerMessage.overlay(.leaving, contacts: many).encoded()
        #expect(try PeerMessage(decoding: bytes) == .overlay(.leaving, contacts: kept))
    }

    @Test("contacts beside another kind are ignored")
    func strayContacts() throws {
        var message = try WirePeerMessage(serializedBytes: PeerMessage.neighbour(.goodbye).encoded())
        message.contacts = [WireContact()]
        #expect(try PeerMessage(decoding: message.serializedBytes()) == .neighbour(.goodbye))
    }

    @Test("any peer may speak of the overlay")
    func anyone() {
        for kind in OverlayKind.allCases { #expect(!kind.message.isMastersOnly) }
    }

    private func routed(_ application: Application, payload: [UInt8], trace: [PeerID]?) -> Routed {
        Routed(
            key: place, origin: beta, number: .max, hops: .max, application: application, payload: payload, trace: trace
        )
    }
}

enum OverlayViolations {
    static func all() throws -> [RefusalTests.Violation] {
        try ofRouted() + ofLeaves() + ofAnswers() + ofContacts()
    }

    static func message(_ kind: OverlayKind) -> PeerMessage { kind.message }

    static func ofRouted() throws -> [RefusalTests.Violation] {
        let routed = message(.routedTraced)
        return [
            try .init("a short key", of: routed) { $0.overlay.routed.key.removeLast() },
            try .init("no origin", of: routed) { $0.overlay.routed.origin = Data() },
            try .init("256 hops", of: routed) { $0.overlay.routed.hops = 256 },
            try .init("hops beyond 32 bits' half", of: routed) { $0.overlay.routed.hops = .max },
            try .init("no application", .missing, of: routed) { $0.overlay.routed.application = .unspecified },
            try .init("an application of tomorrow", .unknownKind, of: routed) {
                $0.overlay.routed.application = .UNRECOGNIZED(7)
            },
            try .init("a payload of 96 KiB and one", of: routed) { $0.overlay.routed.payload = Data(count: 98_305) },
            try .init("a trace of 65", of: routed) { $0.overlay.routed.trace = Data(count: 65 * 16) },
            try .init("a trace of four and a half", of: routed) { $0.overlay.routed.trace = Data(count: 72) },
            try .init("a join's trace of 513", of: routed) {
                $0.overlay.routed.application = .join
                $0.overlay.routed.trace = Data(count: 513 * 16)
            },
            try .init("an undeliverable message without key", of: message(.undeliverable)) {
                $0.overlay.undeliverable.key = Data()
            },
        ]
    }

    static func ofLeaves() throws -> [RefusalTests.Violation] {
        let leaves = message(.leaves)
        return [
            try .init("65 leaves", of: leaves) { $0.overlay.leaves.leaves = Data(count: 65 * 16) },
            try .init("a leaf and a byte", of: leaves) { $0.overlay.leaves.leaves = Data(count: 17) },
            try .init("33 failed leaves", of: leaves) { $0.overlay.leaves.failed = Data(count: 33 * 16) },
            try .init("a probe period of 65,536 s", of: leaves) { $0.overlay.leaves.probePeriod = 65_536 },
            try .init("a heartbeat's period of 65,536 s", of: message(.heartbeat)) { $0.overlay.heartbeat = 65_536 },
            try .init("a pong's longest period", of: message(.pong)) { $0.overlay.pong.probePeriod = .max },
            try .init("a failed leaf with a long id", of: message(.failed)) { $0.overlay.failed = Data(count: 17) },
            try .init("nobody failed", of: message(.failed)) { $0.overlay.failed = Data() },
        ]
    }

    static func ofAnswers() throws -> [RefusalTests.Violation] {
        let joined = message(.joined)
        let told = message(.told)
        return [
            try .init("65 leaves of a root", of: joined) { $0.overlay.joined.leaves = Data(count: 65 * 16) },
            try .init("513 contacts of a root", of: joined) { $0.overlay.joined.contacts = Data(count: 513 * 16) },
            try .init("row 32", of: message(.askRow)) { $0.overlay.ask.row = 32 },
            try .init("a place without key", of: message(.askPlace)) { $0.overlay.ask.place = Data() },
            try .init("no question", .missing, of: message(.askRow)) { $0.overlay.ask.kind = nil },
            try .init("65 answers", of: told) {
                $0.overlay.told.peers = Data(count: 65 * 16)
                $0.overlay.told.roundTrips = Array(repeating: 1, count: 65)
            },
            try .init("a round trip too many", of: told) { $0.overlay.told.roundTrips.append(1) },
            try .init("no round trips", of: told) { $0.overlay.told.roundTrips = [] },
            try .init("nothing about the overlay", .missing, of: told) { $0.overlay = WireOverlayMessage() },
        ]
    }

    static func ofContacts() throws -> [RefusalTests.Violation] {
        let routed = message(.routed)
        return [
            try .init("129 contacts", of: routed) {
                $0.contacts = Array(repeating: $0.contacts[0], count: 129)
            },
            try .init("a contact with nine endpoints", of: routed) {
                $0.contacts[0].endpoints = Array(repeating: $0.contacts[0].endpoints[0], count: 9)
            },
            try .init("a contact without id", of: routed) { $0.contacts[0].peer = Data() },
            try .init("a contact at port 0", of: routed) { $0.contacts[0].endpoints[0].port = 0 },
            try .init("a contact at port 65,536", of: routed) { $0.contacts[0].endpoints[0].port = 65_536 },
            try .init("a contact at no host", of: routed) { $0.contacts[0].endpoints[0].host = "" },
            try .init("a contact at a long host", of: routed) {
                $0.contacts[0].endpoints[0].host = RefusalTests.long(256)
            },
        ]
    }
}
