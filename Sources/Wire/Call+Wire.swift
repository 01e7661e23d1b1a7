import Automata
import Ledger
import Peer
import SwiftProtobuf
import WireSchema

extension WireCall {
    init(_ call: Call) {
        self.init()
        switch call {
        case .request(.ask(let key, let specification, let basedOn, let wait)):
            let asked = WireAsk.with {
                $0.request = WireRequestKey(key)
                $0.specification = WireSpecification(specification)
                if let basedOn { $0.basedOn = basedOn.value }
                if let wait { $0.wait = WireWait(wait) }
            }
            if specification.group == nil { ask = asked } else { askGroup = asked }
        case .request(.read(let key, let wait)):
            read = .with {
                $0.request = WireRequestKey(key)
                if let wait { $0.wait = WireWait(wait) }
            }
        case .list(let customer):
            list = .with { if let customer { $0.customer = customer.name } }
        case .log(let key, let query):
            log = .with {
                $0.request = WireRequestKey(key)
                $0.query = WireLogQuery(query)
            }
        case .tenantLog(let claim, let query):
            tenantLog = .with {
                $0.claim = WireClaimReference(claim)
                $0.query = WireLogQuery(query)
            }
        case .seenClaims(let machine): seenClaims = .with { $0.machine = machine.data }
        case .owner(let machine, let order): owner = WireOwnerCall(machine, order)
        case .record(let fact): record = WireFact(fact)
        }
    }

    func decoded() throws(WireError) -> Call {
        switch kind {
        case .ask(let it), .askGroup(let it):
            .request(
                .ask(
                    try key(it.hasRequest, it.request),
                    try required(it.hasSpecification, it.specification, "a call's specification").decoded(),
                    basedOn: it.hasBasedOn ? Revision(try counter(it.basedOn, "a revision")) : nil,
                    wait: it.hasWait ? try it.wait.decoded() : nil))
        case .read(let it):
            .request(
                .read(try key(it.hasRequest, it.request), wait: it.hasWait ? try it.wait.decoded() : nil))
        case .list(let it):
            .list(
                it.hasCustomer
                    ? Customer(try text(it.customer, "a customer", bytes: 1...WireBounds.nameBytesMax)) : nil)
        case .log(let it):
            .log(
                try key(it.hasRequest, it.request), try required(it.hasQuery, it.query, "a call's query").decoded())
        case .tenantLog(let it):
            .tenantLog(
                try required(it.hasClaim, it.claim, "a call's claim").decoded(),
                try required(it.hasQuery, it.query, "a call's query").decoded())
        case .seenClaims(let it): .seenClaims(try peer(it.machine, "a machine"))
        case .owner(let it): .owner(try peer(it.machine, "a machine"), try it.decodedOrder())
        case .record(let fact): .record(try fact.decoded())
        case nil: throw noKind("a call", unknownFields)
        }
    }

    private func key(_ isThere: Bool, _ key: WireRequestKey) throws(WireError) -> RequestKey {
        try required(isThere, key, "a call's request").decoded()
    }
}

extension WireWait {
    init(_ wait: Wait) {
        self.init()
        until = WireDesiredState(wait.until)
        timeoutMilliseconds = bounded(wait.timeout)
    }

    func decoded() throws(WireError) -> Wait {
        Wait(until: try until.decoded(), timeout: try duration(milliseconds: timeoutMilliseconds, "a wait"))
    }
}

extension WireLogQuery {
    init(_ query: LogQuery) {
        self.init()
        stream =
            switch query.stream {
            case .output: .output
            case .errors: .errors
            }
        offset = query.offset
        bytesMax = Int64(query.bytesMax)
    }

    func decoded() throws(WireError) -> LogQuery {
        LogQuery(
            stream: try stream.decoded(),
            offset: try number(offset, "a log's offset", -WireBounds.numberMax...WireBounds.numberMax),
            bytesMax: Int(try number(bytesMax, "bytes of a log", 0...WireBounds.numberMax)))
    }
}

extension WireLogStream {
    func decoded() throws(WireError) -> LogQuery.Stream {
        switch self {
        case .output: .output
        case .errors: .errors
        case .unspecified, .UNRECOGNIZED: throw noCase("a log's stream", rawValue)
        }
    }
}
