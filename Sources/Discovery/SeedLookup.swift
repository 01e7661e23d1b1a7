public import Automata
import CResolv

/// One SRV record (RFC 2782).
struct ServiceLocation: Hashable, Sendable {
    var priority: UInt32
    var weight: UInt32
    var endpoint: Endpoint

    /// The order in which they are to be tried: the lowest priority first; among equals by lot, a weight twice as large
    /// twice as often first (RFC 2782, "Usage rules").
    static func ordered(_ all: [ServiceLocation], random: inout SeededRandom) -> [Endpoint] {
        var rest = all.sorted { ($0.priority, $0.weight, $0.endpoint) < ($1.priority, $1.weight, $1.endpoint) }
        var result: [Endpoint] = []
        while let priority = rest.first?.priority {
            let rivals = rest.prefix { $0.priority == priority }
            // One more than the sum, so that a weight of zero has a chance, too.
            var lot = UInt32(random.below(Int(rivals.reduce(0) { $0 + $1.weight }) + 1))
            var chosen = 0
            while lot > rest[chosen].weight {
                lot -= rest[chosen].weight
                chosen += 1
            }
            result.append(rest.remove(at: chosen).endpoint)
        }
        return result
    }
}

/// Why a name leads to no peer.
public struct SeedLookupError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public var description: String { message }
}

extension SeedAddress {
    /// Most of them that one name may give.
    static let locationsMax = 16

    /// Where to connect, the first choice first; asks DNS when this is a name, on a thread of its own.
    ///
    /// - Throws: the name servers do not answer, or say that there is no such service.
    public func endpoints() async throws(SeedLookupError) -> [Endpoint] {
        guard case .name(let name) = self else { return [Endpoint(host: host, port: port)] }
        let found = await withCheckedContinuation {
            (done: CheckedContinuation<Result<[ServiceLocation], SeedLookupError>, Never>) in
            do throws(BackEndError) {
                try runOnThread { done.resume(returning: Self.locations(of: name)) }
            } catch {
                done.resume(returning: .failure(SeedLookupError(message: error.message)))
            }
        }
        let locations = try found.get()
        guard !locations.isEmpty else { return [Endpoint(host: name, port: Self.defaultPort)] }
        var random = SeededRandom(seed: .random(in: .min ... .max))
        return ServiceLocation.ordered(locations, random: &random)
    }

    private var port: UInt16 {
        if case .endpoint(let endpoint) = self { endpoint.port } else { Self.defaultPort }
    }

    /// - Returns: none when the name has no such records.
    private static func locations(of name: String) -> Result<[ServiceLocation], SeedLookupError> {
        let service = "\(DiscoveryConfiguration.palmier).\(name)"
        var answer = [UInt8](repeating: 0, count: 16_384)
        let length = cresolv_ask(service, Int32(DNSRecord.Kind.service.rawValue), &answer, Int32(answer.count))
        if Int(length) == cresolv_none { return .success([]) }
        guard length >= 0 else {
            return .failure(SeedLookupError(message: "no name server answers for \(service)"))
        }
        guard let records = DNSAnswer(Array(answer.prefix(Int(length))))?.records else {
            return .failure(SeedLookupError(message: "the answer for \(service) is malformed"))
        }
        let locations = records.compactMap { record -> ServiceLocation? in
            guard case .service(let priority, let weight, let port, let target) = record.content, port > 0,
                !target.isEmpty, target != "."
            else { return nil }
            return ServiceLocation(
                priority: priority, weight: weight, endpoint: Endpoint(host: target, port: port))
        }
        // A single record with the target "." says that the service is decidedly not there (RFC 2782).
        guard !locations.isEmpty else {
            return .failure(SeedLookupError(message: "\(service) says that there is no such service"))
        }
        return .success(Array(locations.prefix(locationsMax)))
    }
}
