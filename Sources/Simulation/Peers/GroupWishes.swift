import Automata
import Ledger
import Peer

/// Users who ask for many instances at once, and change their minds.
extension Users {
    static let memberReferencePrefix = "g"
    static let warmReferencePrefix = "warm"

    mutating func addGroups(_ settings: ElasticSettings?, begins: Int64, span: Int64) {
        guard let settings else { return }
        let release = ReleaseDocument(url: "file:memcached.yaml", text: "name: memcached")
        func add(_ key: RequestKey, _ plans: [Specification], next: DesiredState?, within part: Int64) {
            var user = User(key: key, specification: plans[0], next: next)
            user.plans = Array(plans.dropFirst())
            users.append(user)
            times.append(begins + random.duration(in: .zero...(.nanoseconds(part))).nanoseconds)
        }
        for number in 0..<settings.count {
            var group = Specification(release: release, parameters: #"{"memory":64}"#)
            group.requirements.memory = .mebibytes(16)
            group.group = GroupTerms(count: 0)
            var plans: [Specification] = []
            for change in 0...settings.changes {
                if change > 0, random.chance(perMille: settings.rollingPerMille) {
                    group.parameters = #"{"memory":\#(64 + change)}"#
                } else {
                    group.group?.count = random.below(settings.membersMax + 1)
                }
                plans.append(group)
            }
            let key = RequestKey(
                customer: Customer("user\(number % Self.customers)@lab"),
                reference: "\(Self.memberReferencePrefix)\(number)")
            add(key, plans, next: random.chance(perMille: 300) ? .destroyed : nil, within: span / 3)
        }
        for number in 0..<settings.warm {
            var warm = Specification(release: release, parameters: #"{"memory":64}"#)
            warm.requirements.memory = .mebibytes(128)
            warm.group = GroupTerms(count: 1 + random.below(2), isWarm: true)
            let key = RequestKey(
                customer: Customer("user\(number)@lab"), reference: "\(Self.warmReferencePrefix)\(number)")
            // Early, so that others find what it has prepared.
            add(key, [warm], next: nil, within: min(span, 10_000_000_000))
        }
    }
}

/// Knows which request has taken which claim over.
struct TakeOverChecker {
    private var takers: [ClaimReference: RequestKey] = [:]  // looked up only

    /// - Returns: who has taken the claim over before, when that is another request.
    mutating func taken(_ order: InstanceOrder) -> RequestKey? {
        let before = takers.updateValue(order.request, forKey: order.claim)
        return before == order.request ? nil : before
    }
}

extension PeerPopulation {
    /// **E2**: what was prepared is taken over at most once.
    mutating func checkTakeOver(_ order: InstanceOrder, on host: UInt32, _ core: inout World) {
        guard order.takesOver != nil else { return }
        reached["prepared place taken over", default: 0] += 1
        guard let before = takeOvers.taken(order) else { return }
        watch.checker.report(
            "E2", "\(order.claim) was taken over by \(before), and then by \(order.request)", [host], &core)
    }

    /// **E1**: when all is over, of each group as many instances run as its user asked for, and none that nobody asked for.
    func miscounted() -> String? {
        guard settings.elastic != nil else { return nil }
        var running: [RequestKey: Int] = [:]  // looked up only
        for host in 0..<count {
            for (_, instance) in hosts[host].instances where instance.isRunning {
                guard let membership = instance.order.specification.membership else { continue }
                let customer = instance.order.request.customer
                running[RequestKey(customer: customer, reference: membership.group), default: 0] += 1
            }
        }
        for user in users.users {
            guard let wanted = user.acknowledged, user.waitingFor == nil, let terms = wanted.group else { continue }
            let expected = wanted.desired == .running && !terms.isWarm ? terms.count : 0
            let found = running[user.key] ?? 0
            if found != expected { return "of \(user.key) \(found) instances run, \(expected) are wanted" }
        }
        return nil
    }
}
