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
        /// The last specification that a master acknowledged.
        var acknowledged: Specification?
        var attempt = 0
        var waitingFor: CallID?
        /// The host that was asked.
        var asked: Int?
    }

    var random: SeededRandom
    var users: [User] = []
    var times: [Instant] = []
    private var nextCall: UInt64 = 1
    private var calls: [CallID: Int] = [:]  // looked up only

    init(scenario: Scenario, random: SeededRandom) {
        self.random = random
        for number in 0..<scenario.requests {
            let customer = Customer("user\(number % 7)@lab")
            let specification = Specification(
                release: ReleaseDocument(url: "file:memcached.yaml", text: "name: memcached"),
                parameters: #"{"memory":64}"#,
                requirements: Requirements(memory: .mebibytes(Int64(16 << self.random.below(4)))),
                exclusive: self.random.chance(perMille: scenario.exclusivePerMille))
            var user = User(key: RequestKey(customer: customer, reference: "r\(number)"), specification: specification)
            if self.random.chance(perMille: scenario.changedPerMille) {
                user.next = self.random.pick([.running, .stopped, .destroyed])
            }
            users.append(user)
            times.append(.zero + .seconds(1) + self.random.duration(in: .zero...scenario.chaos))
        }
    }

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

extension World {
    mutating func userActs(_ user: Int) {
        let masters = hosts.indices.filter { hosts[$0].isMaster && hosts[$0].isRunning }
        guard let master = users.random.pick(masters) else {
            schedule(.user(user), after: .seconds(1))
            return
        }
        let id = users.call(of: user)
        let item = users.users[user]
        users.users[user].asked = master
        schedule(.patience(user: user, attempt: item.attempt), after: .seconds(10))
        let call = RequestCall.ask(item.key, item.specification, basedOn: nil, wait: nil)
        note("user \(item.key) asks \(hosts[master].name) for \(item.specification.desired)")
        input(.call(id, .request(call)), to: master)
    }

    mutating func userLosesPatience(_ user: Int, attempt: Int) {
        guard users.users[user].waitingFor != nil, users.users[user].attempt == attempt else { return }
        userActs(user)
    }

    mutating func userAnswered(_ id: CallID, _ result: CallResult) {
        guard let user = users.user(of: id), users.users[user].waitingFor == id else { return }
        users.users[user].waitingFor = nil
        let item = users.users[user]
        note("user \(item.key) is answered \(Self.word(for: result))")
        switch result {
        case .request(.request), .request(.gone):
            users.users[user].acknowledged = item.specification
            if let asked = item.asked { checker.acknowledged(by: asked, world: self) }
            guard let next = item.next else { return }
            users.users[user].next = nil
            if next == .running {
                users.users[user].specification.parameters = #"{"memory":128}"#
            } else {
                users.users[user].specification.desired = next
            }
            schedule(.user(user), after: users.random.duration(in: .seconds(1)...(.seconds(30))))
        case .request(.moved), .request(.refused), .refused, .requests, .log, .recorded:
            schedule(.user(user), after: users.random.duration(in: .milliseconds(500)...(.seconds(3))))
        }
    }

    private static func word(for result: CallResult) -> String {
        switch result {
        case .request(.request(let request)): "\(request.status.state), attempt \(request.attempt)"
        case .request(.gone): "gone"
        case .request(.moved): "moved"
        case .request(.refused(let refusal)), .refused(let refusal): "no: \(refusal.message)"
        case .requests, .log, .recorded: "something else"
        }
    }
}
