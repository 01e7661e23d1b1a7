import Automata
import Discovery
import Logging
import Synchronization
import Transport

/// When the addresses that the owner has named are tried: until each has answered once, since it may lead to another part
/// of the ring than discovery does, and again while this peer knows nobody.
///
/// Invariant: an address is tried no more often than its back-off allows: 1 s, doubled up to a minute, less up to a
/// quarter by lot.
struct Seeds: Sendable {
    static let firstPause = Duration.seconds(1)
    static let longestPause = Duration.seconds(60)

    private struct Seed {
        let address: SeedAddress
        var pause = Seeds.firstPause
        var nextTry = Instant.zero
        /// Endpoints whose dial has not ended, of the try that is under way.
        var pending: [Endpoint] = []
        var isUnderWay = false
        var hasAnswered = false
        /// The reason that was reported last; nil: none, or it has answered since.
        var reported: String?
    }

    private var seeds: [Seed]
    private var random: SeededRandom

    init(_ addresses: [SeedAddress], random: SeededRandom) {
        seeds = addresses.map { Seed(address: $0) }
        self.random = random
    }

    /// What is to be tried now; each then ends by `resolved` and, per endpoint, `reached` or `failed`.
    mutating func due(at now: Instant, isAlone: Bool) -> [SeedAddress] {
        var result: [SeedAddress] = []
        for index in seeds.indices where !seeds[index].isUnderWay && now >= seeds[index].nextTry {
            guard isAlone || !seeds[index].hasAnswered else { continue }
            seeds[index].isUnderWay = true
            result.append(seeds[index].address)
        }
        return result
    }

    /// The name has been looked up: these are dialled, all of them.
    mutating func resolved(_ address: SeedAddress, _ endpoints: [Endpoint]) {
        guard let index = seeds.firstIndex(where: { $0.address == address }) else { return }
        seeds[index].pending = endpoints
    }

    /// - Returns: the addresses that answer now after a failure that was reported.
    mutating func reached(_ endpoint: Endpoint) -> [SeedAddress] {
        var recovered: [SeedAddress] = []
        for index in seeds.indices where seeds[index].pending.contains(endpoint) {
            if seeds[index].reported != nil { recovered.append(seeds[index].address) }
            seeds[index].pending = []
            seeds[index].isUnderWay = false
            seeds[index].hasAnswered = true
            seeds[index].pause = Self.firstPause
            seeds[index].reported = nil
        }
        return recovered
    }

    /// - Returns: the addresses whose last endpoint this was, and whose failure has not been reported with this reason.
    mutating func failed(_ endpoint: Endpoint, _ reason: String, at now: Instant) -> [SeedAddress] {
        var news: [SeedAddress] = []
        for index in seeds.indices where seeds[index].pending.contains(endpoint) {
            seeds[index].pending.removeAll { $0 == endpoint }
            if seeds[index].pending.isEmpty, giveUp(index, reason, at: now) { news.append(seeds[index].address) }
        }
        return news
    }

    /// The name leads nowhere.
    ///
    /// - Returns: whether to report it.
    mutating func failed(_ address: SeedAddress, _ reason: String, at now: Instant) -> Bool {
        guard let index = seeds.firstIndex(where: { $0.address == address }) else { return false }
        return giveUp(index, reason, at: now)
    }

    private mutating func giveUp(_ index: Int, _ reason: String, at now: Instant) -> Bool {
        let pause = seeds[index].pause
        seeds[index].isUnderWay = false
        seeds[index].nextTry = now + random.duration(in: (pause * 3 / 4)...pause)
        seeds[index].pause = min(pause * 2, Self.longestPause)
        defer { seeds[index].reported = reason }
        return seeds[index].reported != reason
    }
}

/// `Seeds` in the host: shared by the event loop, which hears what became of a dial, and the task that begins them.
final class SeedKeeper: Sendable {
    private let seeds: Mutex<Seeds>
    private let board: ProblemBoard
    private let logger: Logger
    /// The wall clock may be set back, and must not hold up a try by that.
    private let clock = HostClock()

    init(_ addresses: [SeedAddress], board: ProblemBoard, logger: Logger) {
        seeds = Mutex(Seeds(addresses, random: SeededRandom(seed: .random(in: .min ... .max))))
        self.board = board
        self.logger = logger
    }

    /// What is to be tried now, each by `attempt`.
    func due(isAlone: Bool) -> [SeedAddress] {
        seeds.withLock { $0.due(at: clock.now, isAlone: isAlone) }
    }

    /// Looks the name up, which may take seconds, and dials what it leads to.
    func attempt(_ address: SeedAddress, connect: (Endpoint) -> Void) async {
        do throws(SeedLookupError) {
            let endpoints = try await address.endpoints()
            seeds.withLock { $0.resolved(address, endpoints) }
            for endpoint in endpoints { connect(endpoint) }
        } catch {
            let isNews = seeds.withLock { $0.failed(address, error.message, at: clock.now) }
            if isNews { report(address, error.message) }
        }
    }

    func reached(_ endpoint: Endpoint) {
        for address in seeds.withLock({ $0.reached(endpoint) }) {
            logger.notice("join.reached", metadata: ["address": "\(address)"])
            board.clear(Self.code(address))
        }
    }

    func failed(_ endpoint: Endpoint, _ reason: UnreachableReason) {
        if case .rejected(.itself) = reason { return reached(endpoint) }
        let news = seeds.withLock { $0.failed(endpoint, reason.description, at: clock.now) }
        for address in news { report(address, "\(endpoint): \(reason)") }
    }

    private func report(_ address: SeedAddress, _ reason: String) {
        logger.warning(
            "join.unreachable",
            metadata: ["address": "\(address)", "reason": "\(reason)", "next": "tried again, ever later"])
        _ = board.raise(
            HostProblem(
                code: Self.code(address), message: "the peer named by --join \(address) cannot be reached: \(reason)",
                remedy: "it is tried again by itself; check that a peer listens there: palmier doctor"))
    }

    private static func code(_ address: SeedAddress) -> String { "join \(address)" }
}
