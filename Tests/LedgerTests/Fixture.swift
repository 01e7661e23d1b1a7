import Automata

@testable import Ledger

let box = PeerID(0xA5)
let home = PeerID(0x11)

func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

func key(_ reference: String = "web", of customer: String = "ada") -> RequestKey {
    RequestKey(customer: Customer(customer), reference: reference)
}

func claim(_ fencing: UInt64 = 1, on machine: PeerID = box) -> ClaimReference {
    ClaimReference(machine: machine, partition: PartitionNumber(0), fencing: FencingNumber(fencing))
}

func specification(
    _ parameters: String = "{}", _ desired: DesiredState = .running, exclusive: Bool = false
) -> Specification {
    Specification(
        release: ReleaseDocument(url: "file:web.yaml", text: "name: web"), parameters: parameters, desired: desired,
        exclusive: exclusive)
}

func status(_ state: InstanceState, revision: UInt64 = 1, reason: String = "") -> InstanceStatus {
    InstanceStatus(state: state, reason: reason, revision: Revision(revision))
}

/// A ledger with its own clock and a log that commits when it is told to.
struct Keeper {
    typealias Effect = RequestKeeper.Effect

    var keeper: RequestKeeper
    var now: Instant
    /// Facts that were proposed and not committed yet.
    var proposed: [Fact] = []

    init(
        books: Books = Books(), at now: Instant = seconds(100),
        _ configure: (inout RequestKeeper.Configuration) -> Void = { _ in }
    ) {
        var configuration = RequestKeeper.Configuration()
        configuration.lease = .seconds(30)
        configure(&configuration)
        keeper = RequestKeeper(configuration: configuration, books: books)
        self.now = now
    }

    mutating func feed(_ input: RequestKeeper.Input) -> [Effect] {
        let effects = keeper.effects(of: input, at: now)
        for case .propose(let fact) in effects { proposed.append(fact) }
        return effects
    }

    /// The log commits the oldest proposal.
    mutating func commit() -> [Effect] {
        guard !proposed.isEmpty else { return [] }
        let entry = Entry(index: keeper.books.index.next, at: now, fact: proposed.removeFirst())
        return feed(.committed(entry))
    }

    /// The log does not take the oldest proposal.
    mutating func refuse() -> [Effect] {
        proposed.isEmpty ? [] : feed(.refused(proposed.removeFirst(), Refusal(.overloaded, "the disk is full")))
    }

    mutating func ask(
        _ id: UInt64, _ specification: Specification = specification(), basedOn: UInt64? = nil, wait: Wait? = nil,
        key: RequestKey = key()
    ) -> [Effect] {
        feed(.call(CallID(id), .ask(key, specification, basedOn: basedOn.map { Revision($0) }, wait: wait)))
    }

    mutating func after(_ duration: Duration) { now = now + duration }

    /// Brings the request to the phase, from nothing.
    mutating func reach(_ phase: Phase, exclusive: Bool = false) {
        _ = ask(1, specification(exclusive: exclusive))
        guard phase != .proposed else { return }
        _ = commit()
        guard phase != .committed else { return }
        _ = feed(.announced(key()))
        guard phase != .searching else { return }
        _ = feed(.found(key(), .first, claim(), .unknown))
        guard phase != .placing else { return }
        _ = commit()
        guard phase != .placed else { return }
        _ = feed(.ordered(claim(), .first))
        guard phase != .ordered else { return }
        _ = feed(.report(claim(), sequence: 7, status(.running)))
        _ = commit()
    }

    enum Phase: CaseIterable, Sendable {
        case proposed, committed, searching, placing, placed, ordered, running
    }
}

extension [RequestKeeper.Effect] {
    var answers: [RequestAnswer] {
        compactMap { if case .answer(_, let answer) = $0 { answer } else { nil } }
    }

    var facts: [Fact] {
        compactMap { if case .propose(let fact) = $0 { fact } else { nil } }
    }

    var refusals: [Refusal.Code] {
        answers.compactMap { if case .refused(let refusal) = $0 { refusal.code } else { nil } }
    }

    func sets(_ timer: RequestKeeper.Timer, at instant: Instant) -> Bool { contains(.set(timer, at: instant)) }
}
