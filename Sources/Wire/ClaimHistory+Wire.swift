import Automata
import Claims
import SwiftProtobuf
import WireSchema

extension WireSeenClaim {
    init(_ line: ClaimHistory.Line) {
        self.init()
        request = WireRequestKey(line.request)
        attempt = line.attempt.value
        home = line.home.data
        atNanoseconds = line.at.nanoseconds
        switch line.outcome {
        case .granted(let partition): granted = UInt32(clamping: partition.value)
        case .confirmed: confirmed = true
        case .refused(let reasons): refused = .with { $0.reasons = reasons.map { WireMismatch($0) } }
        case .outdone: outdone = true
        case .expired: expired = true
        }
    }

    func decoded() throws(WireError) -> ClaimHistory.Line {
        let became: ClaimHistory.Outcome
        switch outcome {
        case .granted(let number): became = .granted(try partition(number))
        case .confirmed: became = .confirmed
        case .refused(let it):
            became = .refused(try list(it.reasons, "reasons") { (reason) throws(WireError) in try reason.decoded() })
        case .outdone: became = .outdone
        case .expired: became = .expired
        case nil: throw noKind("what became of a claim", unknownFields)
        }
        return ClaimHistory.Line(
            request: try required(hasRequest, request, "a claim's request").decoded(),
            attempt: try Wire.attempt(attempt), home: try peer(home, "the ledger of a claim"),
            at: try instant(atNanoseconds, "a claim's instant"), outcome: became)
    }
}
