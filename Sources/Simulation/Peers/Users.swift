import Automata
import Ledger
import Peer

/// The people of the simulated world: each makes one request, through any master, until one answers; some change it.
struct Users: Sendable {
    struct User: Sendable {
        let key: RequestKey
        var specification: Specification
        /// What the user does after the first acknowledgement, if anything.
        var next: DesiredState?
        /// Of a group: what it is asked to be after that, one after the other.
        var plans: [Specification] = []
        /// The last specification that a master acknowledged.
        var acknowledged: Specification?
        /// At which it was; 0: none.
        var revision = Revision(0)
        var attempt = 0
        var waitingFor: CallID?
        /// The host that was asked.
        var asked: UInt32?
    }

    var random: SeededRandom
    var users: [User] = []
    var times: [Int64] = []
    private var nextCall: UInt64 = 1
    private var calls: [CallID: Int] = [:]  // looked up only

    /// - Parameter span: how long after `begins` users begin to ask.
    init(_ settings: FabricSettings, begins: Int64, span: Int64, random: SeededRandom) {
        self.random = random
        for number in 0..<settings.requests {
            let customer = Customer("user\(number % Self.customers)@lab")
            var specification = Specification(
                release: ReleaseDocument(url: "file:memcached.yaml", text: "name: memcached"),
                parameters: #"{"memory":64}"#,
                requirements: Requirements(memory: .mebibytes(Int64(16 << self.random.below(4)))),
                exclusive: self.random.chance(perMille: settings.exclusivePerMille))
            if settings.paidPerMille > 0, self.random.chance(perMille: settings.paidPerMille) {
                specification.project = Bookkeepers.project
            }
            if settings.regionalPerMille > 0, self.random.chance(perMille: settings.regionalPerMille) {
                let lan = self.random.below(settings.lans)
                specification.requirements.condition = "region = \(PeerPopulation.region(of: UInt16(lan)))"
            }
            var user = User(key: RequestKey(customer: customer, reference: "r\(number)"), specification: specification)
            if self.random.chance(perMille: settings.changedPerMille) {
                user.next = self.random.pick([.running, .stopped, .destroyed])
            }
            users.append(user)
            times.append(begins + self.random.duration(in: .zero...(.nanoseconds(span))).nanoseconds)
        }
        addGroups(settings.elastic, begins: begins, span: span)
        addRelations(settings)
    }

    static let customers = 7

    mutating func call(of user: Int) -> CallID {
        let id = CallID(nextCall)
        nextCall += 1
        calls[id] = user
        users[user].waitingFor = id
        users[user].attempt += 1
        return id
    }

    func user(of id: CallID) -> Int? { calls[id] }
}

extension PeerPopulation {
    mutating func userActs(_ user: Int, _ core: inout World) {
        let masters = watch.running.items.filter { hosts[Int($0)].isMaster }.sorted()
        guard let master = users.random.pick(masters) else {
            run(.user(user), at: core.now + 1_000_000_000, &core)
            return
        }
        let id = users.call(of: user)
        let item = users.users[user]
        users.users[user].asked = master
        run(.patience(user: user, attempt: item.attempt), at: core.now + 10_000_000_000, &core)
        // As masters' users do: what was asked before must not undo, when it comes at last, what was asked since.
        let call = RequestCall.ask(item.key, item.specification, basedOn: item.revision, wait: nil)
        say("user \(item.key) asks \(name(master)) for \(item.specification.desired)", &core)
        give(.call(id, .request(call)), to: master, &core)
    }

    mutating func userLosesPatience(_ user: Int, attempt: Int, _ core: inout World) {
        guard users.users[user].waitingFor != nil, users.users[user].attempt == attempt else { return }
        userActs(user, &core)
    }

    mutating func userAnswered(_ id: CallID, _ result: CallResult, _ core: inout World) {
        guard let user = users.user(of: id), users.users[user].waitingFor == id else { return }
        users.users[user].waitingFor = nil
        let item = users.users[user]
        say("user \(item.key) is answered \(Self.word(for: result))", &core)
        switch result {
        case .request(.request), .request(.gone):
            users.users[user].acknowledged = item.specification
            if case .request(.request(let request)) = result { users.users[user].revision = request.revision }
            if let asked = item.asked {
                tenancy.acknowledged(hosts[Int(asked)].peer?.ownLedger, by: asked)
            }
            if !item.plans.isEmpty {
                users.users[user].specification = users.users[user].plans.removeFirst()
                return actLater(user, .seconds(5)...(.seconds(40)), &core)
            }
            guard let next = item.next else { return }
            users.users[user].next = nil
            if next == .running {
                users.users[user].specification.parameters = #"{"memory":128}"#
            } else {
                users.users[user].specification.desired = next
            }
            actLater(user, .seconds(1)...(.seconds(30)), &core)
        case .request(.moved), .request(.refused), .request(.elsewhere), .elsewhere, .refused, .requests, .log,
            .seenClaims, .owner, .recorded:
            actLater(user, .milliseconds(500)...(.seconds(3)), &core)
        }
    }

    private mutating func actLater(_ user: Int, _ delay: ClosedRange<Duration>, _ core: inout World) {
        run(.user(user), at: core.now + users.random.duration(in: delay).nanoseconds, &core)
    }

    private static func word(for result: CallResult) -> String {
        switch result {
        case .request(.request(let request)): "\(request.status.state), attempt \(request.attempt)"
        case .request(.gone): "gone"
        case .request(.moved): "moved"
        case .request(.refused(let refusal)), .refused(let refusal): "no: \(refusal.message)"
        case .request(.elsewhere), .elsewhere: "elsewhere"
        case .requests, .log, .seenClaims, .owner, .recorded: "something else"
        }
    }
}
