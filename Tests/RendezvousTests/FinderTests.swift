import Automata
import Claims
import Testing

@testable import Rendezvous

@Suite("finding a machine")
struct FinderTests {
    /// One rendezvous; time is advanced, never slept.
    struct Rendezvous {
        var finder: Finder
        var now = seconds(100)

        init(seed: UInt64 = 1, _ offers: [Offer] = [], _ configure: (inout Finder.Configuration) -> Void = { _ in }) {
            var configuration = Finder.Configuration()
            configure(&configuration)
            finder = Finder(configuration: configuration, random: SeededRandom(seed: seed))
            for offer in offers { _ = feed(.offered(offer)) }
        }

        mutating func feed(_ input: Finder.Input) -> [Finder.Effect] { finder.effects(of: input, at: now) }

        mutating func allocate(
            _ key: RequestKey = key(), _ attempt: UInt32 = 1, _ requirements: Requirements = Requirements()
        ) -> [Finder.Effect] { feed(.allocate(asked(key, attempt, requirements), near: .unknown)) }
    }

    static let a = PeerID(0xA1)
    static let b = PeerID(0xB2)

    @Test("a machine that meets the requirements is asked for a claim, and its grant is reported")
    func found() {
        var rendezvous = Rendezvous([offer(Self.a), offer(Self.b, memory: 1)])
        let wanted = Requirements(memory: .mebibytes(64))
        #expect(
            rendezvous.allocate(key(), 1, wanted) == [
                .claim(asked(key(), 1, wanted), from: Self.a),
                .set(timer(Self.a), at: seconds(100) + .milliseconds(200)),
            ])
        #expect(
            rendezvous.feed(.granted(key(), .first, claim(Self.a), place))
                == [.found(key(), .first, claim(Self.a), place)])
    }

    @Test("the same attempt again goes on; other requirements or a newer attempt start anew")
    func again() {
        var rendezvous = Rendezvous([offer(Self.a)])
        _ = rendezvous.allocate()
        #expect(rendezvous.allocate() == [])
        #expect(!rendezvous.allocate(key(), 1, Requirements(memory: .mebibytes(1))).isEmpty)
        #expect(!rendezvous.allocate(key(), 2).isEmpty)
        #expect(rendezvous.feed(.granted(key(), .first, claim(Self.a), place)) == [.release(claim(Self.a), for: key())])
        #expect(
            rendezvous.feed(.granted(key(), Attempt(2), claim(Self.a), place))
                == [.found(key(), Attempt(2), claim(Self.a), place)])
    }

    @Test("a machine that refuses is not asked again in this search: the next one is")
    func refused() {
        var rendezvous = Rendezvous([offer(Self.a), offer(Self.b)])
        let first = rendezvous.allocate().machines
        let second = rendezvous.feed(.refused(key(), .first, [Mismatch(.full)], from: first[0])).machines
        #expect(Set(first + second) == [Self.a, Self.b])
        let effects = rendezvous.feed(.refused(key(), .first, [Mismatch(.full)], from: second[0]))
        #expect(effects == [none("na1 has no free partition; nb2 has no free partition")])
    }

    @Test("a machine that does not answer in time is passed over, and named; what it grants later is released")
    func silent() {
        var rendezvous = Rendezvous([offer(Self.a)])
        _ = rendezvous.allocate()
        rendezvous.now = seconds(100) + .milliseconds(200)
        #expect(rendezvous.feed(.timerFired(timer(Self.a))) == [.set(timer(Self.a), at: seconds(101))])
        rendezvous.now = seconds(101)
        #expect(
            rendezvous.feed(.timerFired(timer(Self.a))) == [
                none("na1 did not answer")
            ])
        #expect(rendezvous.feed(.granted(key(), .first, claim(Self.a), place)) == [.release(claim(Self.a), for: key())])
        #expect(rendezvous.feed(.timerFired(timer(Self.a))) == [])
    }

    @Test("a repeated grant of what was found is offered for release: the ledger knows whether it is the placement")
    func repeated() {
        var rendezvous = Rendezvous([offer(Self.a)])
        _ = rendezvous.allocate()
        _ = rendezvous.feed(.granted(key(), .first, claim(Self.a), place))
        #expect(rendezvous.feed(.granted(key(), .first, claim(Self.a), place)) == [.release(claim(Self.a), for: key())])
    }

    @Test("words of a machine that was not asked, or about another attempt, change nothing")
    func foreign() {
        var rendezvous = Rendezvous([offer(Self.a), offer(Self.b)])
        let asked = rendezvous.allocate().machines[0]
        let other = asked == Self.a ? Self.b : Self.a
        #expect(rendezvous.feed(.refused(key(), .first, [], from: other)) == [])
        #expect(rendezvous.feed(.refused(key(), Attempt(2), [], from: asked)) == [])
        #expect(rendezvous.feed(.refused(key("other"), .first, [], from: asked)) == [])
        #expect(rendezvous.feed(.granted(key(), .first, claim(other), place)) == [.release(claim(other), for: key())])
        #expect(rendezvous.feed(.timerFired(timer(other))) == [])
        #expect(
            rendezvous.feed(.granted(key(), .first, claim(asked), place)) == [
                .found(key(), .first, claim(asked), place)
            ])
    }

    @Test("when no machine fits, every reason is named, up to a bound; when none is known, that is said")
    func reasons() {
        var rendezvous = Rendezvous()
        #expect(rendezvous.allocate() == [none("no machine is known here")])
        let offers = (1...4).map { offer(PeerID(UInt8($0)), free: 0, accepting: $0 > 3) }
        rendezvous = Rendezvous(offers) { $0.namesMax = 4 }
        let words = "takes no instances now: it is idle and has no free partition"
        #expect(
            rendezvous.allocate() == [
                none("n01 \(words); n02 \(words); n03 \(words); n04 has no free partition")
            ])
        rendezvous = Rendezvous(offers) { $0.namesMax = 3 }
        let counted = "of 4 machines 3 take no instances now, 1 has no free partition"
        #expect(
            rendezvous.allocate() == [none("\(counted); closest is n04, which has no free partition")])
    }

    @Test("what no machine can ever serve is hopeless, whichever claims end; one that is only full is not")
    func hopeless() {
        let wanted = Requirements(condition: "cpu >= 64")
        var facts = MachineFacts(cores: 8)
        var rendezvous = Rendezvous([offer(Self.a, facts: facts)])
        let never = "na1 has cpu = 0, cpu >= 64 asked"
        #expect(rendezvous.allocate(key(), 1, wanted) == [none(never, isHopeless: true)])
        facts.cores = 64
        rendezvous = Rendezvous([offer(Self.a, facts: facts)])
        #expect(rendezvous.allocate(key(), 1, wanted) == [none(never)])
    }

    @Test("a machine that thinks for long is not waited for alone: who grants first is taken, the other one released")
    func hedged() {
        var rendezvous = Rendezvous([offer(Self.a), offer(Self.b)])
        let first = rendezvous.allocate().machines[0]
        rendezvous.now = seconds(100) + .milliseconds(200)
        let effects = rendezvous.feed(.timerFired(timer(first)))
        let second = first == Self.a ? Self.b : Self.a
        #expect(effects.machines == [second])
        #expect(effects.contains(.set(timer(first), at: seconds(101))))
        #expect(
            rendezvous.feed(.granted(key(), .first, claim(second), place))
                == [.found(key(), .first, claim(second), place)])
        #expect(
            rendezvous.feed(.granted(key(), .first, claim(first), place)) == [.release(claim(first), for: key())])
    }

    @Test("a policy decides whom to ask first")
    func policy() {
        var cheap = offer(Self.b, free: 1)
        cheap.price = 1
        var dear = offer(Self.a, free: 9)
        dear.price = 2
        for seed: UInt64 in 1...9 {
            var rendezvous = Rendezvous(seed: seed, [dear, cheap])
            #expect(rendezvous.allocate(key(), 1, Requirements(policy: "price")).machines == [Self.b])
        }
    }

    @Test("at most so many machines are asked in one search")
    func asksMax() {
        var rendezvous = Rendezvous((1...5).map { offer(PeerID(UInt8($0))) }) { $0.asksMax = 3 }
        var asked = rendezvous.allocate().machines
        while let last = asked.last {
            let next = rendezvous.feed(.refused(key(), .first, [Mismatch(.full)], from: last)).machines
            if next.isEmpty { break }
            asked += next
        }
        #expect(asked.count == 3)
        #expect(Set(asked).count == 3)
    }

    @Test("a machine that came, or has more to give, is an improvement; one with less, full or closed is none")
    func improved() {
        var rendezvous = Rendezvous()
        #expect(rendezvous.feed(.offered(offer(Self.a, free: 2))) == [.improved])
        #expect(rendezvous.feed(.offered(offer(Self.a, free: 2))) == [])
        #expect(rendezvous.feed(.offered(offer(Self.a, free: 1))) == [])
        #expect(rendezvous.feed(.offered(offer(Self.a, free: 1, memory: 2_048))) == [.improved])
        #expect(rendezvous.feed(.offered(offer(Self.a, free: 1, memory: 2_048, accepting: false))) == [])
        #expect(rendezvous.feed(.offered(offer(Self.a, free: 1, memory: 2_048))) == [.improved])
        #expect(rendezvous.feed(.offered(offer(Self.b, free: 0))) == [])
        #expect(rendezvous.feed(.gone(Self.a)) == [])
        #expect(rendezvous.feed(.offered(offer(Self.a, free: 1))) == [.improved])
    }

    @Test("a machine that has gone is not asked")
    func gone() {
        var rendezvous = Rendezvous([offer(Self.a)])
        _ = rendezvous.feed(.gone(Self.a))
        #expect(rendezvous.allocate().machines.isEmpty)
    }

    @Test(
        "Mitzenmacher (2001): the fuller of two drawn machines is spared; with two, the emptier gets about three in four"
    )
    func twoChoices() {
        var emptier = 0
        for seed: UInt64 in 1...400 {
            var rendezvous = Rendezvous(seed: seed, [offer(Self.a, free: 9), offer(Self.b, free: 1)])
            if rendezvous.allocate().machines == [Self.a] { emptier += 1 }
        }
        // 3/4 of 400, with six deviations of √(400 · 3/16) = 8.7 on either side.
        #expect((248...352).contains(emptier), "\(emptier) of 400")
    }

    @Test(
        "what was asked of a machine since it can last have spoken counts as taken: many requests at once spread evenly"
    )
    func spread() {
        let machines = (1...10).map { PeerID(UInt8($0)) }
        var rendezvous = Rendezvous(machines.map { offer($0, free: 10) })
        var counts: [PeerID: Int] = [:]
        for number in 0..<100 {
            for machine in rendezvous.allocate(key("r\(number)")).machines { counts[machine, default: 0] += 1 }
        }
        #expect(counts.values.reduce(0, +) == 100)
        // One choice alone leaves about 17 on the fullest of ten; two leave hardly more than the mean of 10.
        #expect(machines.allSatisfy { (6...14).contains(counts[$0] ?? 0) }, "\(counts)")
    }

    @Test("a copy searches alike: the draws are handed in")
    func replay() {
        var one = Rendezvous(seed: 7, (1...9).map { offer(PeerID(UInt8($0))) })
        var two = one
        #expect((0..<20).map { one.allocate(key("r\($0)")) } == (0..<20).map { two.allocate(key("r\($0)")) })
    }
}

private func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

func key(_ reference: String = "web") -> RequestKey {
    RequestKey(customer: Customer("ada"), reference: reference)
}

private let place = Place(name: "n")

func asked(_ key: RequestKey, _ attempt: UInt32, _ requirements: Requirements) -> ClaimRequest {
    ClaimRequest(request: key, attempt: Attempt(attempt), requirements: requirements)
}

func none(_ reason: String, isHopeless: Bool = false) -> Finder.Effect {
    .notFound(key(), .first, NoMachine(reason: reason, isHopeless: isHopeless))
}

func offer(
    _ machine: PeerID, free: Int = 2, memory: Int64 = 1_024, accepting: Bool = true,
    facts: MachineFacts = MachineFacts()
) -> Offer {
    Offer(
        machine: machine, name: "n" + String(machine.description.prefix(2)), capacity: 9, free: free,
        memory: .mebibytes(memory), accepting: accepting, facts: facts)
}

func claim(_ machine: PeerID) -> ClaimReference {
    ClaimReference(machine: machine, partition: PartitionNumber(0), fencing: FencingNumber(1))
}

func timer(_ machine: PeerID, attempt: UInt32 = 1) -> Finder.Timer {
    Finder.Timer(key: key(), attempt: Attempt(attempt), machine: machine)
}

extension [Finder.Effect] {
    var machines: [PeerID] {
        compactMap { if case .claim(_, let machine) = $0 { machine } else { nil } }
    }
}
