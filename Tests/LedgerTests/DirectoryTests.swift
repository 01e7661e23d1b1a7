import Automata
import Testing

@testable import Ledger

@Suite("who holds which request")
struct DirectoryTests {
    static let own = PeerID(0x20)
    static let lower = PeerID(0x10)
    static let higher = PeerID(0x30)

    /// One master among others that live.
    struct Master {
        var directory: Directory
        var now = seconds(100)
        var held: Set<RequestKey> = []
        var settled: Set<RequestKey> = []
        var noted: [RequestKey: PeerID] = [:]

        init(others: [PeerID], known: Int? = nil, batchMax: Int = 256) {
            var configuration = Directory.Configuration()
            configuration.batchMax = batchMax
            directory = Directory(configuration: configuration, own: own)
            _ = directory.effects(
                of: .mastersChanged(live: others, known: known ?? others.count, held: []), at: now)
        }

        mutating func feed(_ input: Directory.Input) -> [Directory.Effect] { directory.effects(of: input, at: now) }

        mutating func announce(_ key: RequestKey = key(), exclusive: Bool = false) -> [Directory.Effect] {
            held.insert(key)
            return feed(.announce(key, isExclusive: exclusive, noted: noted[key]))
        }

        mutating func receive(_ message: DirectoryMessage, from peer: PeerID) -> [Directory.Effect] {
            feed(.received(message, from: peer, held: held, settled: settled, noted: noted))
        }
    }

    private func heldBy(_ holder: PeerID, settled: Bool = false) -> DirectoryMessage {
        .heldBy([Holding(key: key(), holder: holder, isSettled: settled)])
    }

    @Test("a lone master settles what it announces at once, exclusive or not")
    func alone() {
        for isExclusive in [true, false] {
            var master = Master(others: [])
            #expect(
                master.announce(exclusive: isExclusive) == [
                    .set(.patience(key()), at: seconds(102)), .announced(key()),
                ])
        }
    }

    @Test("a master asks all others, and settles when most have noted it, itself included, once")
    func majority() {
        var master = Master(others: [Self.lower, Self.higher, PeerID(0x40), PeerID(0x50)])
        let effects = master.announce()
        #expect(effects.filter { if case .send(.hold([key()]), _) = $0 { true } else { false } }.count == 4)
        #expect(master.receive(.holdNoted([key()]), from: Self.lower) == [])
        #expect(master.receive(.holdNoted([key()]), from: Self.lower) == [])  // repeated: one voice
        #expect(master.receive(.holdNoted([key()]), from: PeerID(0x99)) == [])  // a stranger: no voice
        #expect(master.receive(.holdNoted([key()]), from: Self.higher) == [.announced(key())])
        #expect(master.receive(.holdNoted([key()]), from: PeerID(0x40)) == [])
        #expect(master.feed(.timerFired(.patience(key()))) == [])
    }

    @Test("masters that are known but cannot be reached count: an exclusive request waits, and says so each time")
    func exclusiveStalls() {
        var master = Master(others: [], known: 2)
        #expect(!master.announce(exclusive: true).contains(.announced(key())))
        for _ in 0..<2 {
            #expect(
                master.feed(.timerFired(.patience(key()))) == [
                    .stalled(key(), reached: 1, known: 3), .set(.patience(key()), at: seconds(102)),
                ])
        }
        let effects = master.feed(.mastersChanged(live: [Self.lower], known: 2, held: [key()]))
        #expect(effects.first == .send(.hold([key()]), to: Self.lower))
        #expect(master.receive(.holdNoted([key()]), from: Self.lower) == [.announced(key())])
    }

    @Test("an ordinary request goes on when nobody is left who could note it, or when patience is over")
    func patience() {
        var master = Master(others: [], known: 2)
        #expect(master.announce().last == .announced(key()))
        master = Master(others: [Self.lower], known: 4)
        #expect(!master.announce().contains(.announced(key())))
        #expect(master.feed(.timerFired(.patience(key()))) == [.announced(key())])
    }

    @Test("a master that has gone is waited for no more")
    func gone() {
        var master = Master(others: [Self.lower, Self.higher, PeerID(0x40), PeerID(0x50)])
        _ = master.announce()
        #expect(master.feed(.mastersChanged(live: [], known: 4, held: [key()])).contains(.announced(key())))
    }

    @Test("masters that have left are not counted")
    func left() {
        var master = Master(others: [Self.lower, Self.higher])
        _ = master.announce(exclusive: true)
        #expect(master.feed(.mastersChanged(live: [], known: 0, held: [key()])).contains(.announced(key())))
    }

    @Test("when most cannot note it any more, it yields to a smaller id; the smallest goes on asking")
    func yields() {
        var master = Master(others: [Self.lower])
        _ = master.announce(exclusive: true)
        #expect(master.receive(heldBy(Self.lower), from: Self.lower) == [.yield(key(), to: Self.lower)])
        #expect(master.receive(heldBy(Self.lower), from: Self.lower) == [])

        master = Master(others: [Self.higher])
        _ = master.announce(exclusive: true)
        #expect(master.receive(heldBy(Self.higher), from: Self.higher) == [])
        #expect(master.feed(.timerFired(.resend(Self.higher))).first == .send(.hold([key()]), to: Self.higher))
        #expect(master.receive(.holdNoted([key()]), from: Self.higher) == [.announced(key())])
    }

    @Test("it yields to a holder that has settled, whatever its id")
    func yieldsToSettled() {
        var master = Master(others: [Self.higher])
        _ = master.announce(exclusive: true)
        #expect(
            master.receive(heldBy(Self.higher, settled: true), from: Self.higher) == [.yield(key(), to: Self.higher)])
    }

    @Test("when patience is over, an ordinary request yields to the smallest holder that it heard of")
    func patienceYields() {
        var master = Master(others: [Self.lower, Self.higher, PeerID(0x40), PeerID(0x50)])
        _ = master.announce()
        #expect(master.receive(heldBy(Self.higher), from: Self.higher) == [])
        #expect(master.feed(.timerFired(.patience(key()))) == [.yield(key(), to: Self.higher)])
    }

    @Test("a master that noted another holder has given its voice: asked for the same key itself, it yields")
    func voiceGiven() {
        var master = Master(others: [Self.lower, Self.higher])
        _ = master.receive(.hold([key()]), from: Self.higher)  // on its way to the ledger
        #expect(master.announce(exclusive: true) == [.yield(key(), to: Self.higher)])
        master = Master(others: [Self.lower, Self.higher])
        master.noted[key()] = Self.higher
        #expect(master.announce(exclusive: true) == [.yield(key(), to: Self.higher)])
    }

    @Test("what it has yielded it names the heir for, and gives the heir its voice, while its own end is on its way")
    func yielding() {
        var master = Master(others: [Self.lower, Self.higher])
        _ = master.announce(exclusive: true)
        _ = master.receive(heldBy(Self.lower), from: Self.higher)
        _ = master.receive(heldBy(Self.lower), from: Self.lower)
        #expect(master.receive(.hold([key()]), from: Self.higher) == [.send(heldBy(Self.lower), to: Self.higher)])
        #expect(
            master.receive(.hold([key()]), from: Self.lower) == [
                .note(key(), home: Self.lower), .send(.holdNoted([key()]), to: Self.lower),
            ])
    }

    @Test("a note is ordered before it is acknowledged, and stands against every other master")
    func notes() {
        var master = Master(others: [Self.lower, Self.higher])
        #expect(
            master.receive(.hold([key()]), from: Self.higher) == [
                .note(key(), home: Self.higher), .send(.holdNoted([key()]), to: Self.higher),
            ])
        #expect(master.receive(.hold([key()]), from: Self.lower) == [.send(heldBy(Self.higher), to: Self.lower)])
        master.noted[key()] = Self.higher
        _ = master.feed(.noted(key()))
        #expect(master.receive(.hold([key()]), from: Self.lower) == [.send(heldBy(Self.higher), to: Self.lower)])
        #expect(master.receive(.hold([key()]), from: Self.higher).last == .send(.holdNoted([key()]), to: Self.higher))
    }

    @Test("it says that it holds a request itself, and whether that is settled: on its way into the ledger it is not")
    func holdsItself() {
        var master = Master(others: [Self.lower])
        master.held = [key()]
        #expect(master.receive(.hold([key()]), from: Self.lower) == [.send(heldBy(Self.own), to: Self.lower)])
        master.settled = [key()]
        #expect(
            master.receive(.hold([key()]), from: Self.lower) == [.send(heldBy(Self.own, settled: true), to: Self.lower)]
        )
    }

    @Test("what a holder drops is forgotten, also while the note is on its way; what another holds is not")
    func drops() {
        var master = Master(others: [Self.lower, Self.higher])
        _ = master.receive(.hold([key()]), from: Self.lower)
        #expect(
            master.receive(.drop([key()]), from: Self.lower) == [
                .forget(key(), home: Self.lower), .send(.dropNoted([key()]), to: Self.lower),
            ])
        #expect(master.receive(.drop([key()]), from: Self.higher) == [.send(.dropNoted([key()]), to: Self.higher)])
    }

    @Test("what is not acknowledged is sent again, in batches; an acknowledged batch brings the next at once")
    func resends() {
        var master = Master(others: [], batchMax: 2)
        let keys = ["a", "b", "c"].map { key($0) }
        #expect(
            master.feed(.mastersChanged(live: [Self.lower], known: 1, held: keys)) == [
                .send(.hold([keys[0], keys[1]]), to: Self.lower), .set(.resend(Self.lower), at: seconds(101)),
            ])
        #expect(
            master.feed(.timerFired(.resend(Self.lower))).first == .send(.hold([keys[0], keys[1]]), to: Self.lower))
        #expect(
            master.receive(.holdNoted([keys[0], keys[1]]), from: Self.lower).first
                == .send(.hold([keys[2]]), to: Self.lower))
        #expect(master.receive(.holdNoted([keys[2]]), from: Self.lower) == [])
        #expect(master.feed(.timerFired(.resend(Self.lower))) == [])
    }

    @Test(
        "a request made again before its end is acknowledged is announced only then: an old voice counts for no new request"
    )
    func madeAgain() {
        var master = Master(others: [Self.lower, Self.higher])
        _ = master.announce(exclusive: true)
        _ = master.receive(.holdNoted([key()]), from: Self.lower)  // settled
        _ = master.feed(.withdraw(key()))
        let again = master.announce(exclusive: true)
        #expect(!again.contains { if case .send(.hold, _) = $0 { true } else { false } })
        #expect(master.receive(.holdNoted([key()]), from: Self.higher) == [])  // of the first life
        #expect(master.receive(.dropNoted([key()]), from: Self.higher).first == .send(.hold([key()]), to: Self.higher))
        #expect(master.receive(.holdNoted([key()]), from: Self.higher) == [.announced(key())])
    }

    @Test("acknowledgements of what was not sent change nothing")
    func foreign() {
        var master = Master(others: [Self.lower])
        let messages: [DirectoryMessage] = [
            .holdNoted([key()]), .dropNoted([key()]), heldBy(Self.lower), .hold([]), .drop([]), .heldBy([]),
        ]
        for message in messages {
            let effects = master.receive(message, from: Self.higher)
            #expect(effects.allSatisfy { $0 == .send(.dropNoted([]), to: Self.higher) }, "\(message)")
        }
    }
}
