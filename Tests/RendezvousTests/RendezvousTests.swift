import Automata
import Claims
import Testing

@testable import Rendezvous

@Suite("searching the wide area")
struct RendezvousTests {
    /// One rendezvous; time is advanced, never slept.
    struct Place {
        var rendezvous = Rendezvous()
        var now = seconds(100)

        mutating func feed(_ input: Rendezvous.Input) -> [Rendezvous.Effect] { rendezvous.effects(of: input, at: now) }
    }

    static let allocation = Allocation(
        asked: ClaimRequest(
            request: RequestKey(customer: Customer("ada"), reference: "web"), attempt: .first,
            requirements: Requirements(condition: "region in (fr, de)")),
        ledger: PeerID(0x11), origin: PeerID(0x12), near: .unknown)

    @Test("two searches run at once through the scarcest group; the better machine is in front, all are told")
    func samples() {
        var place = Place()
        let begun = place.feed(.allocate(Self.allocation))
        #expect(begun.searches.map(\.group.name) == ["region=de", "region=de"])
        #expect(place.feed(.allocate(Self.allocation)) == [], "the same attempt again goes on")
        let first = place.feed(.accepted(begun.searches[0].id, candidate(0xA1, rank: 5)))
        #expect(first == [.set(begun.timer, at: seconds(100) + .milliseconds(100))])
        let second = place.feed(.accepted(begun.searches[1].id, candidate(0xB2, rank: 3)))
        #expect(second.found == [candidate(0xB2, rank: 3), candidate(0xA1, rank: 5)])
        #expect(place.rendezvous.searchCount == 0)
    }

    @Test("a candidate does not wait for another one for long; one that comes later is nobody's, and expires")
    func binds() {
        var place = Place()
        let begun = place.feed(.allocate(Self.allocation))
        _ = place.feed(.accepted(begun.searches[1].id, candidate(0xA1, rank: 5)))
        #expect(place.feed(.timerFired(begun.timer)) == [], "too early")
        place.now = seconds(101)
        #expect(place.feed(.timerFired(begun.timer)).found == [candidate(0xA1, rank: 5)])
        #expect(place.feed(.accepted(begun.searches[0].id, candidate(0xB2, rank: 3))) == [])
    }

    @Test("where nobody serves, the next group is searched, and at last the members are counted")
    func nobody() {
        var place = Place()
        let begun = place.feed(.allocate(Self.allocation))
        #expect(place.feed(.nobody(begun.searches[0].id)) == [])
        let next = place.feed(.nobody(begun.searches[1].id))
        #expect(next.searches.map(\.group.name) == ["region=fr", "region=fr"])
        _ = place.feed(.nobody(next.searches[0].id))
        let counting = place.feed(.nobody(next.searches[1].id))
        #expect(Set(counting.counts.map(\.group.name)) == ["all", "region=fr", "region=de"])
        let answers: [String: UInt64] = ["all": 40, "region=fr": 3, "region=de": 2]
        var last: [Rendezvous.Effect] = []
        for count in counting.counts {
            last = place.feed(.counted(count.id, count.group, machines: answers[count.group.name], free: 0))
        }
        let none = NoMachine(
            reason: "of 40 machines of the fabric, 5 with region=de or region=fr, none takes it now: all are full",
            isHopeless: false)
        #expect(last.nobody == none)
    }

    @Test("what no machine of the fabric has is hopeless, and named; where nobody can be asked nothing is said of it")
    func hopeless() {
        for (all, isHopeless) in [(UInt64?.some(40), true), (nil, false)] {
            var place = Place()
            var effects = place.feed(.allocate(Self.allocation))
            while effects.counts.isEmpty {
                effects = effects.searches.map { place.feed(.nobody($0.id)) }.last ?? []
                guard !effects.isEmpty else { break }
            }
            var last: [Rendezvous.Effect] = []
            for count in effects.counts {
                last = place.feed(.counted(count.id, count.group, machines: count.group == .all ? all : 0, free: 0))
            }
            #expect(last.nobody?.isHopeless == isHopeless)
            #expect(!isHopeless || last.nobody?.reason.contains("none has region=de or region=fr") == true)
        }
    }

    @Test("I4: a search whose every answer is lost ends all the same")
    func silent() {
        var place = Place()
        let begun = place.feed(.allocate(Self.allocation))
        var last: [Rendezvous.Effect] = []
        for _ in 0..<9 where last.nobody == nil {
            place.now = place.now + .seconds(5)
            last = place.feed(.timerFired(begun.timer))
        }
        #expect(last.nobody != nil)
        #expect(place.rendezvous.searchCount == 0)
    }

    @Test("a newer attempt starts anew; answers to the older one, and an older attempt, change nothing")
    func attempts() {
        var place = Place()
        let begun = place.feed(.allocate(Self.allocation))
        var later = Self.allocation
        later.asked.attempt = Attempt(2)
        let again = place.feed(.allocate(later))
        #expect(again.searches.count == 2)
        #expect(place.feed(.allocate(Self.allocation)) == [])
        #expect(place.feed(.accepted(begun.searches[0].id, candidate(0xA1, rank: 1))) == [])
        #expect(place.feed(.timerFired(begun.timer)) == [])
        #expect(place.rendezvous.searchCount == 1)
    }

    @Test("at most so many requests are searched for at once")
    func bounded() {
        var place = Place()
        var configuration = Rendezvous.Configuration()
        configuration.searchesMax = 1
        place.rendezvous = Rendezvous(configuration: configuration)
        _ = place.feed(.allocate(Self.allocation))
        var other = Self.allocation
        other.ledger = PeerID(0x77)
        #expect(place.feed(.allocate(other)) == [])
    }

    @Test("what cannot be read is said to the ledger, and nothing is searched")
    func unreadable() {
        var place = Place()
        var allocation = Self.allocation
        allocation.asked.requirements.condition = "wetter = schön"
        #expect(place.feed(.allocate(allocation)).nobody?.isHopeless == false)
        #expect(place.rendezvous.searchCount == 0)
    }
}

@Suite("groups of machines that have something worth searching for")
struct OfferGroupTests {
    static func offer(_ region: String = "", cores: Int = 4, gpu: String = "") -> Offer {
        let facts = MachineFacts(
            architecture: "x86-64", cores: cores, memory: .mebibytes(8_192), gpus: gpu.isEmpty ? 0 : 1, gpuModel: gpu,
            country: region.isEmpty ? "" : "fr")
        return Offer(
            machine: PeerID(0xA1), name: "box", capacity: 2, free: 2, memory: facts.memory, region: region, facts: facts
        )
    }

    @Test("whatever a search goes through contains every machine that could serve")
    func contained() throws {
        let offers = [
            Self.offer(), Self.offer("fr"), Self.offer("FR", cores: 96), Self.offer("de", gpu: "h100"),
            Self.offer("eu-west", cores: 16, gpu: "t4"),
        ]
        let texts = [
            "", "region = fr", "region in (fr, de)", "region = fr or cpu >= 8", "cpu >= 10", "cpu >= 16", "cpu > 64",
            "gpu >= 1", "gpu-model = H100 and region = de", "architecture = x86-64", "memory >= 4GiB", "country = fr",
            "region != fr", "cpu >= 16 and gpu >= 1",
        ]
        for text in texts {
            let wanted = try Wanted(Requirements(condition: text))
            let cover = Set(OfferGroup.cover(of: wanted).map(\.key))
            for var offer in offers {
                offer.cores = offer.facts.cores
                offer.gpus = offer.facts.gpus
                guard wanted.mismatches(with: offer, at: .zero).isEmpty else { continue }
                let joined = Set(OfferGroup.groups(of: offer).map(\.key))
                #expect(!joined.isDisjoint(with: cover), "\(text): \(offer.region) is in none of \(cover.count)")
            }
        }
    }

    @Test(
        "the scarcest group is searched",
        arguments: [
            ("region = fr and gpu-model = h100", ["gpu-model=h100"]), ("region = fr and cpu >= 100", ["cpu>=64"]),
            ("region = fr or cpu >= 100", ["all"]), ("cpu >= 2", ["all"]),
            ("country = fr and region = eu", ["region=eu"]),
            ("architecture = x86-64", ["all"]), ("architecture = arm64", ["architecture=arm64"]),
        ])
    func scarcest(_ text: String, _ groups: [String]) throws {
        #expect(OfferGroup.cover(of: try Wanted(Requirements(condition: text))).map(\.name) == groups)
    }

    @Test("a named machine is searched by its name")
    func named() throws {
        #expect(OfferGroup.cover(of: try Wanted(Requirements(machine: "Box"))).map(\.name) == ["node=box"])
        #expect(OfferGroup.groups(of: Self.offer()).map(\.name).contains("node=box"))
    }

    @Test("a machine joins, tells what it has free, and leaves the groups that it is in no more")
    func membership() {
        var membership = OfferMembership()
        var offer = Self.offer("fr")
        let joined = membership.orders(for: offer)
        #expect(joined.count == OfferGroup.groups(of: offer).count)
        #expect(joined.allSatisfy { if case .join(_, value: 2) = $0 { true } else { false } })
        #expect(membership.orders(for: offer) == [])
        offer.free = 1
        #expect(membership.orders(for: offer).allSatisfy { if case .update(_, value: 1) = $0 { true } else { false } })
        offer.region = "de"
        let moved = membership.orders(for: offer)
        #expect(moved.count == 2 && moved.contains { if case .leave = $0 { true } else { false } })
        offer.accepting = false
        #expect(membership.orders(for: offer).allSatisfy { if case .update(_, value: 0) = $0 { true } else { false } })
    }

    @Test("a machine that lets nothing out is in no group")
    func none() {
        var offer = Self.offer()
        offer.capacity = 0
        #expect(OfferGroup.groups(of: offer).isEmpty)
    }
}

private func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

private func candidate(_ machine: UInt8, rank: Int64) -> Candidate {
    let claim = ClaimReference(machine: PeerID(machine), partition: PartitionNumber(0), fencing: FencingNumber(1))
    return Candidate(claim: claim, place: .unknown, rank: [rank])
}

extension [Rendezvous.Effect] {
    fileprivate var searches: [(id: Rendezvous.SearchID, group: OfferGroup)] {
        compactMap { if case .search(let id, let group, _) = $0 { (id, group) } else { nil } }
    }

    fileprivate var counts: [(id: Rendezvous.SearchID, group: OfferGroup)] {
        compactMap { if case .count(let id, let group) = $0 { (id, group) } else { nil } }
    }

    fileprivate var found: [Candidate] {
        for case .tell(.found(_, _, let candidates), _) in self { return candidates }
        return []
    }

    fileprivate var nobody: NoMachine? {
        for case .tell(.nobody(_, _, let none), _) in self { return none }
        return nil
    }

    fileprivate var timer: Rendezvous.Timer {
        for case .set(let timer, _) in self { return timer }
        return .step(0)
    }
}

extension RendezvousTests {
    @Test("a search that presses goes once more through its first group when nobody has room, and tells who gives way")
    func presses() throws {
        var pressing = Self.allocation
        (pressing.asked.share, pressing.asked.presses) = (ProjectShare(project: "p"), true)
        var place = Place()
        var step = place.feed(.allocate(pressing))
        for _ in 0..<2 {
            _ = place.feed(.nobody(step.searches[0].id))
            step = place.feed(.nobody(step.searches[1].id))
        }
        let pressed = step.compactMap { effect -> (id: Rendezvous.SearchID, group: OfferGroup)? in
            if case .press(let id, let group, _) = effect { (id, group) } else { nil }
        }
        #expect(pressed.map(\.group.name) == ["region=de"] && step.counts.isEmpty)
        let id = try #require(pressed.first?.id)
        let told = place.feed(.pledged(id, machine: PeerID(0xA1)))
        #expect(told == [.tell(.pledged(pressing.asked.request, .first, machine: PeerID(0xA1)), pressing)])
        #expect(place.rendezvous.searchCount == 0)
        #expect(place.feed(.pledged(id, machine: PeerID(0xA1))) == [], "once")
    }
}
