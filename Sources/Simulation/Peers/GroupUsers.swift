import Automata
import Groups
import Overlay
import Peer

/// Members of a few groups, at any peer: they join, leave, change their values, tell all, and look for one that accepts.
struct GroupUsers {
    struct Delivery: Hashable {
        var group: Key
        var payload: [UInt8]
        var peer: UInt32
    }

    let settings: GroupSettings?
    var draw: Draw
    let keys: [Key]
    /// What members should be known, with their values, by group.
    private(set) var members: [[UInt32: Int64]]  // put in order where it is walked
    /// Who accepts a visit, in the trial under way.
    var accepting: UInt32?
    var deliveries: [Delivery: Int] = [:]  // looked up only
    var results: [UInt64: AnycastResult] = [:]  // looked up only
    var summaries: [UInt64: Summary?] = [:]  // looked up only
    var asked: [(group: Int, id: UInt64)] = []
    private var nextCall: UInt64 = 0

    init(_ settings: GroupSettings?, seed: UInt64) {
        self.settings = settings
        draw = Draw(seed: seed, "groups")
        keys = (0..<(settings?.count ?? 0)).map { Key(hashing: [UInt8(truncatingIfNeeded: $0), 1]) }
        members = Array(repeating: [:], count: keys.count)
    }

    func members(of group: Int) -> [UInt32] { members[group].keys.sorted() }
    func value(of peer: UInt32, in group: Int) -> Int64? { members[group][peer] }

    mutating func set(_ value: Int64?, of peer: UInt32, in group: Int) { members[group][peer] = value }

    /// A process is gone; what it was a member of knew that only in its memory.
    mutating func ended(_ peer: UInt32) { for group in members.indices { members[group][peer] = nil } }

    mutating func call() -> UInt64 {
        nextCall += 1
        return nextCall
    }
}

extension PeerPopulation {
    mutating func useGroups(_ core: inout World) {
        guard let settings = groupUsers.settings else { return }
        let gap = -Log.natural(1 - groupUsers.draw.unit()) / settings.rate
        let next = core.now + max(1, Int64(gap * 1e9))
        if next < watch.workload.counted.upperBound { core.note(at: next, Note.useGroups.rawValue) }
        let group = groupUsers.draw.below(groupUsers.keys.count)
        let key = groupUsers.keys[group]
        let members = groupUsers.members(of: group)
        let value = Int64(groupUsers.draw.below(100))
        guard let peer = watch.active.draw(&groupUsers.draw) else { return }
        let member = members.isEmpty ? nil : members[groupUsers.draw.below(members.count)]
        switch groupUsers.draw.below(16) {
        case 0..<8:
            groupUsers.set(value, of: peer, in: group)
            give(.group(.join(group: key, value: value)), to: peer, &core)
        case 8, 9:
            guard let member else { return }
            groupUsers.set(nil, of: member, in: group)
            give(.group(.leave(group: key)), to: member, &core)
        case 10..<13:
            guard let member else { return }
            groupUsers.set(value, of: member, in: group)
            give(.group(.update(group: key, value: value)), to: member, &core)
        case 13: give(.group(.multicast(group: key, payload: [0])), to: peer, &core)
        default:
            let call = Groups.Input.anycast(group: key, id: groupUsers.call(), payload: [7], atLeast: value)
            give(.group(call), to: peer, &core)
        }
    }

    mutating func onGroup(_ effect: Groups.Effect, at host: UInt32, _ core: inout World) {
        switch effect {
        case .deliver(let multicast):
            guard multicast.payload != [0] else { return }
            let delivery = GroupUsers.Delivery(group: multicast.group, payload: multicast.payload, peer: host)
            groupUsers.deliveries[delivery, default: 0] += 1
        case .offered(let visit):
            let accepts = groupUsers.accepting == host
            tell(host, .group(.answered(visit, accepts: accepts, answer: [42])), &core)
        case .ended(let id, let result):
            reached["search ended", default: 0] += 1
            guard groupUsers.results.updateValue(result, forKey: id) == nil else {
                return watch.checker.report("groups", "the search \(id) ended twice", [host], &core)
            }
        case .summary(let id, _, let summary): groupUsers.summaries[id] = .some(summary)
        case .refused(let group, let refused):
            watch.checker.report(
                "groups", "\(name(host)) was refused a call to \(group.fingerprint): \(refused)", [host], &core)
        // The composition carries these to the overlay.
        case .route, .resume, .send, .set: return
        }
    }
}
