import Automata

@testable import Replication

/// Clients, whoever cares for the members, and faults.
extension World {
    // MARK: Clients

    mutating func act(_ index: Int) {
        schedule(.client(index), in: .milliseconds(isCalm ? 20 : 5 + Int(random.below(60))))
        let alive = nodes.indices.filter { nodes[$0].isUp && nodes[$0].replica != nil }
        guard !alive.isEmpty else { return }
        if clients[index].asked == nil, clients[index].reading == nil {
            guard !isQuiet else { return }
            if clients[index].number > 0, random.chance(perMille: 300) {
                let node = clients[index].target % nodes.count
                guard nodes[node].replica != nil else {
                    clients[index].target += 1
                    return
                }
                nextRead += 1
                let id = Replica.ReadID(nextRead)
                clients[index].reading = (id, floor, node)
                return feed(.confirm(id), to: node)
            }
            clients[index].number += 1
            let id = RequestID(session: clients[index].session, number: clients[index].number)
            let operation = (0..<random.below(40)).map { _ in UInt8(random.below(256)) }
            clients[index].asked = (ClientRequest(id: id, operation: operation), floor)
        }
        if let asked = clients[index].asked {
            let node = clients[index].target % nodes.count
            if nodes[node].isUp { feed(.request(asked.request), to: node) } else { clients[index].target += 1 }
            if random.chance(perMille: 200) { clients[index].target = random.below(nodes.count) }
        } else if let reading = clients[index].reading, random.chance(perMille: 100) || !nodes[reading.node].isUp {
            clients[index].reading = nil  // given up
            clients[index].target += 1
        }
    }

    mutating func answered(_ id: RequestID, _ answer: ClientAnswer, by node: Int) {
        guard let index = clients.firstIndex(where: { $0.session == id.session }),
            let asked = clients[index].asked, asked.request.id == id
        else { return }
        switch answer {
        case .committed(let op):
            check(op > asked.floor, "I3 \(id) was answered with \(op); \(asked.floor) was answered before it was asked")
            check(
                places[id] == op, "I3 \(id) was answered with \(op), and executed at \(String(describing: places[id]))")
            floor = max(floor, op)
            clients[index].asked = nil
            clients[index].done += 1
        case .elsewhere(_, let primary):
            clients[index].target = primary.map { self.node($0.peer) } ?? random.below(nodes.count)
        case .busy, .tooLarge: return
        case .sessionExpired, .stale: check(false, "I3 \(id) was answered with \(answer)")
        }
    }

    mutating func confirmed(_ id: Replica.ReadID, by node: Int) {
        guard let index = clients.firstIndex(where: { $0.reading?.id == id }), let reading = clients[index].reading
        else { return }
        reached["read", default: 0] += 1
        check(
            nodes[node].executed >= reading.floor,
            "I3 \(node) read \(nodes[node].executed), \(reading.floor) was answered before")
        floor = max(floor, nodes[node].executed)
        clients[index].reading = nil
    }

    mutating func unconfirmed(_ id: Replica.ReadID) {
        guard let index = clients.firstIndex(where: { $0.reading?.id == id }) else { return }
        clients[index].reading = nil
        clients[index].target += 1
    }

    // MARK: Members

    /// What the placement of replicas does: keeps as many members as are wanted, of those that are there.
    mutating func administer() {
        for index in nodes.indices {
            guard nodes[index].isUp, let replica = nodes[index].replica, replica.isLeading else { continue }
            let present = Set(
                replica.followers.filter { now - $0.heardAt.nanoseconds < 3_000_000_000 }.map(\.peer))
            let current = replica.membership.members
            let lost = current.filter { member in
                member != replica.own
                    && (!present.contains(member.peer)
                        || replica.followers.contains {
                            $0.peer == member.peer && $0.store != nil && $0.store != member.store
                        })
            }
            let learners = replica.followers.filter { !$0.isMember && $0.store != nil && present.contains($0.peer) }
            if current.count < settings.members || !lost.isEmpty || (!isCalm && random.chance(perMille: 10)) {
                for other in nodes.indices where other != index { feed(.enlist(Self.peer(other)), to: index) }
            }
            var wanted = current.filter { !lost.contains($0) }
            for learner in learners
            where wanted.count < settings.members && !wanted.contains(where: { $0.peer == learner.peer }) {
                if let store = learner.store { wanted.append(Member(peer: learner.peer, store: store)) }
            }
            if wanted.count == settings.members, wanted.count > 1, !isCalm, random.chance(perMille: 60),
                let learner = learners.first,
                let store = learner.store, !wanted.contains(where: { $0.peer == learner.peer })
            {
                wanted[wanted.count - 1] = Member(peer: learner.peer, store: store)  // for no reason
            }
            guard wanted.count == settings.members, wanted != current else { continue }
            reached["reconfigured", default: 0] += 1
            feed(.reconfigure(wanted), to: index)
        }
    }

    // MARK: Faults

    mutating func strike() {
        let down = nodes.filter { !$0.isUp }.count
        switch random.below(100) {
        case 0..<4 where down * 2 < settings.members - 1:
            crash(random.below(nodes.count), back: random.duration(in: .milliseconds(50)...(.seconds(8))))
        case 4..<6:
            let one = random.below(nodes.count)
            let span = random.duration(in: .milliseconds(100)...(.seconds(6)))
            let isRefused = random.chance(perMille: 500)
            for other in nodes.indices where other != one {
                cut(one, other, for: span)
                if isRefused { feed(.suspected(Self.peer(one)), to: other) }
            }
        case 6..<9:
            cut(
                random.below(nodes.count), random.below(nodes.count),
                for: random.duration(in: .milliseconds(100)...(.seconds(6))), oneWay: true)
        case 9..<10:
            let index = random.below(nodes.count)
            nodes[index].isFull.toggle()
        case 10..<11 where settings.damages: damage()
        case 11..<12 where !settings.damages && lossIsPossible && down == 0: loseDisk()
        default: return
        }
    }

    private mutating func cut(_ one: Int, _ other: Int, for span: Duration, oneWay: Bool = false) {
        cuts.insert([one, other])
        schedule(.heal(one, other), in: span)
        guard !oneWay else { return }
        cuts.insert([other, one])
        schedule(.heal(other, one), in: span)
    }

    /// One place in two hundred of one replica is not readable; of any entry at most one member has lost it.
    private mutating func damage() {
        guard let index = nodes.indices.last(where: { nodes[$0].isUp && nodes[$0].replica != nil }) else { return }
        guard let disk = nodes[index].disk, disk.last.value > 3 else { return }
        for op in disk.rows.keys.sorted() where random.chance(perMille: op.value + 8 > disk.last.value ? 300 : 5) {
            guard
                !nodes.indices.contains(where: {
                    $0 != index && nodes[$0].disk?.rows[op].map { $0.entry == nil } ?? false
                })
            else { continue }
            let digest = disk.rows[op]?.digest
            nodes[index].disk?.rows[op] = LogSlot(damaged: random.chance(perMille: 500) ? digest : nil)
            reached["damage", default: 0] += 1
        }
        crash(index, back: .milliseconds(200))
    }

    /// Only where all members are there, so that a majority keeps everything.
    private var lossIsPossible: Bool {
        guard let replica = nodes.lazy.compactMap(\.replica).first(where: { $0.isLeading }) else { return false }
        return replica.membership.members.count >= 3
            && replica.membership.members.allSatisfy { member in
                let index = node(member.peer)
                return nodes[index].isUp && nodes[index].disk?.store == member.store
                    && (nodes[index].replica?.committed.value ?? 0) + 50 > replica.committed.value
            }
    }

    private mutating func loseDisk() {
        crash(random.below(nodes.count), losesDisk: true, back: random.duration(in: .milliseconds(200)...(.seconds(5))))
    }

    /// Faults are over; what is right must come to be within the time.
    mutating func calm() {
        isCalm = true
        cuts = []
        for index in nodes.indices {
            nodes[index].isFull = false
            restart(index)
        }
    }
}
