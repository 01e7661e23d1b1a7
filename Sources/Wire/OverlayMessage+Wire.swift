import Automata
import Foundation
import Overlay
import SwiftProtobuf
import WireSchema

extension WireOverlayMessage {
    init(_ message: OverlayMessage) {
        self.init()
        switch message {
        case .routed(let it, let hop): routed = WireRouted(it, hop: hop)
        case .acknowledged(let hop): acknowledged = hop
        case .undeliverable(let it): undeliverable = WireRouted(it)
        case .heartbeat(let period): heartbeat = UInt32(period.seconds)
        case .ping(let number): ping = number
        case .pong(let number, let wanted, let period):
            pong = .with {
                $0.number = number
                $0.wanted = wanted.microseconds
                $0.probePeriod = UInt32(period.seconds)
            }
        case .measured(let roundTrip): measured = roundTrip.microseconds
        case .leaves(let exchange): leaves = WireLeafExchange(exchange)
        case .failed(let peer): failed = peer.data
        case .leaving: leaving = WireEmpty()
        case .joined(let answer): joined = WireJoinAnswer(answer)
        case .ask(let question, let number): ask = WireContactQuestion(question, number: number)
        case .told(let contacts, let number): told = WireContactAnswer(contacts, number: number)
        }
    }

    func decoded() throws(WireError) -> OverlayMessage {
        switch kind {
        case .routed(let it): .routed(try it.decoded(), hop: it.hop)
        case .acknowledged(let hop): .acknowledged(hop: hop)
        case .undeliverable(let it): .undeliverable(try it.decoded())
        case .heartbeat(let period): .heartbeat(probePeriod: try probePeriod(period))
        case .ping(let number): .ping(number: number)
        case .pong(let it):
            .pong(
                number: it.number, wanted: RoundTrip(microseconds: it.wanted),
                probePeriod: try probePeriod(it.probePeriod))
        case .measured(let roundTrip): .measured(RoundTrip(microseconds: roundTrip))
        case .leaves(let exchange): .leaves(try exchange.decoded())
        case .failed(let id): .failed(try peer(id, "a failed leaf"))
        case .leaving: .leaving
        case .joined(let answer): .joined(try answer.decoded())
        case .ask(let question): .ask(try question.decoded(), number: question.number)
        case .told(let answer): .told(try answer.decoded(), number: answer.number)
        case nil: throw noKind("an overlay's message", unknownFields)
        }
    }
}

extension WireRouted {
    init(_ routed: Routed, hop: UInt32 = 0) {
        self.init()
        key = routed.key.data
        origin = routed.origin.data
        number = routed.number
        hops = UInt32(routed.hops)
        application = WireApplication(routed.application)
        payload = Data(routed.payload)
        if let trace = routed.trace { self.trace = trace.data }
        self.hop = hop
    }

    func decoded() throws(WireError) -> Routed {
        let application = try application.decoded()
        let traceMax = application == .join ? WireBounds.joinTraceMax : WireBounds.traceMax
        return Routed(
            key: try peer(key, "a key"), origin: try peer(origin, "an origin"), number: number,
            hops: UInt8(try Wire.number(hops, "the hops of a message", 0...255)), application: application,
            payload: try blob(payload, "a routed payload", max: WireBounds.payloadBytesMax),
            trace: hasTrace ? try peers(trace, "a trace", max: traceMax) : nil)
    }
}

extension WireApplication {
    init(_ application: Application) {
        self =
            switch application {
            case .join: .join
            case .probe: .probe
            case .groups: .groups
            case .objects: .objects
            case .rendezvous: .rendezvous
            case .register: .register
            }
    }

    func decoded() throws(WireError) -> Application {
        switch self {
        case .join: .join
        case .probe: .probe
        case .groups: .groups
        case .objects: .objects
        case .rendezvous: .rendezvous
        case .register: .register
        case .unspecified, .UNRECOGNIZED: throw noCase("a routed message's application", rawValue)
        }
    }
}

extension WireLeafExchange {
    init(_ exchange: LeafExchange) {
        self.init()
        number = exchange.number
        isQuestion = exchange.isQuestion
        isActive = exchange.isActive
        probePeriod = UInt32(exchange.probePeriod.seconds)
        leaves = exchange.leaves.data
        failed = exchange.failed.data
    }

    func decoded() throws(WireError) -> LeafExchange {
        LeafExchange(
            number: number, isQuestion: isQuestion, isActive: isActive,
            probePeriod: try Wire.probePeriod(probePeriod),
            leaves: try peers(leaves, "leaves", max: WireBounds.leavesMax),
            failed: try peers(failed, "failed leaves", max: WireBounds.failedLeavesMax))
    }
}

extension WireJoinAnswer {
    init(_ answer: JoinAnswer) {
        self.init()
        number = answer.number
        leaves = answer.leaves.data
        contacts = answer.contacts.data
        isActive = answer.isActive
    }

    func decoded() throws(WireError) -> JoinAnswer {
        JoinAnswer(
            number: number, leaves: try peers(leaves, "leaves", max: WireBounds.leavesMax),
            contacts: try peers(contacts, "a joining peer's contacts", max: WireBounds.joinTraceMax),
            isActive: isActive)
    }
}

extension WireContactQuestion {
    init(_ question: ContactQuestion, number: UInt32) {
        self.init()
        self.number = number
        switch question {
        case .leaves: leaves = WireEmpty()
        case .nearest: nearest = WireEmpty()
        case .row(let row): self.row = UInt32(row)
        case .place(let key): place = key.data
        }
    }

    func decoded() throws(WireError) -> ContactQuestion {
        switch kind {
        case .leaves: .leaves
        case .nearest: .nearest
        case .row(let row): .row(UInt8(try Wire.number(row, "a row of the table", 0...WireBounds.tableRowMax)))
        case .place(let key): .place(of: try peer(key, "a key"))
        case nil: throw noKind("a question for contacts", unknownFields)
        }
    }
}

extension WireContactAnswer {
    init(_ contacts: [Nearby], number: UInt32) {
        self.init()
        self.number = number
        peers = contacts.map(\.peer).data
        roundTrips = contacts.map(\.roundTrip.microseconds)
    }

    func decoded() throws(WireError) -> [Nearby] {
        let peers = try Wire.peers(peers, "contacts", max: WireBounds.nearbyMax)
        guard peers.count == roundTrips.count else {
            throw WireError(.outOfBounds, "\(peers.count) contacts come with \(roundTrips.count) round trips")
        }
        return zip(peers, roundTrips).map { Nearby(peer: $0, roundTrip: RoundTrip(microseconds: $1)) }
    }
}

func probePeriod(_ seconds: UInt32) throws(WireError) -> ProbePeriod {
    ProbePeriod(seconds: UInt16(try number(seconds, "a probe period", 0...65_535)))
}
